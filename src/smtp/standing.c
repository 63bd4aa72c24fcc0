/* smtp/standing.c - how far a session has come, for who drives it; see engine.h. */
#include "smtp/engine.h"
#include "smtp/state.h"

enum smtp_step smtp_waiting_for(const struct smtp *s)
{
	if (s->count)
		return s->queue[s->head].step;
	switch (s->phase) {
	case PHASE_GREETING:
		return STEP_GREETING;
	case PHASE_EHLO:
	case PHASE_HELO:
		return engine_hello_step(s);
	case PHASE_STARTTLS:
	case PHASE_TLS:
		return STEP_STARTTLS;
	case PHASE_LOGIN:
	case PHASE_CHALLENGE:
		return STEP_AUTH;
	default:
		return s->content_next ? STEP_CONTENT : STEP_MAIL;
	}
}

const struct smtp_load *smtp_load(const struct smtp *s)
{
	return &s->load;
}

bool smtp_reply_begun(const struct smtp *s)
{
	return reply_begun(&s->replies);
}

uint64_t smtp_replies(const struct smtp *s)
{
	return s->replies_taken;
}

bool smtp_sending_content(const struct smtp *s)
{
	return s->content_next;
}

bool smtp_may_stumble(const struct smtp *s)
{
	return s->login_led && !s->login_led_mail && s->phase == PHASE_READY;
}

const struct smtp_failure *smtp_failure(const struct smtp *s)
{
	return &s->failure;
}

const struct smtp_capabilities *smtp_capabilities(const struct smtp *s)
{
	return &s->caps;
}

const char *smtp_mechanism(const struct smtp *s)
{
	return s->logged_in ? sasl_name(s->mechanism) : NULL;
}

const char *smtp_chosen(const struct smtp *s)
{
	return s->mechanism_chosen ? sasl_name(s->mechanism) : NULL;
}
