/* cred/signin_device.c - a code typed in at another device (RFC 8628); see signin_state.h. */
#include "cred/signin_state.h"

#include "base/clock.h"
#include "base/text.h"

enum {
	BODY_MAX = 64 * 1024,
	LEAST_S = 1, USUAL_S = 5,      /* between two questions */
	SLOWER_S = 5,                  /* RFC 8628 section 3.5 */
	LIFE_MOST_S = 3600
};

static int64_t between(int64_t least, int64_t value, int64_t most)
{
	return value < least ? least : value > most ? most : value;
}

static int begin(struct signin *s, struct oauth_device *d)
{
	struct buf body = BUF_INIT(BODY_MAX);
	int good;

	err_set(&s->asked, ERR_CONFIG, "what the provider is to be asked is too long");
	good = oauth_ask_device(s->plan, &body);
	if (good == 0)
		good = signin_ask(s, s->plan->device_url, &body);
	buf_wipe(&body);
	if (good < 0) {
		*s->e = s->asked;
		return -1;
	}
	return oauth_read_device(s->plan, s->answer.status, buf_text(&s->answer.body),
		s->answer.body.len, d, s->e);
}

static void show(struct signin *s, const struct oauth_device *d)
{
	struct signin_step step = { .flow = OAUTH_FLOW_DEVICE, .url = d->url,
		.user_code = d->user_code, .url_complete = d->url_complete[0] ? d->url_complete : NULL };

	if (s->hooks->browse)
		step.opened = s->hooks->browse(s->hooks->context,
			step.url_complete ? step.url_complete : step.url);
	s->hooks->show(s->hooks->context, &step);
}

static int too_late(struct signin *s)
{
	struct err last = *s->e;

	err_set(s->e, ERR_TIMEOUT, "nobody has entered the code before it ran out%s%s",
		last.kind ? ": " : "", last.kind ? last.text : "");
	return err_hint(s->e, "start again, and enter the code that is shown then");
}

/* What it takes to ask once more.  The error of a question that was in vain stays in *s->e,
 * for when there is no time for another. */
static enum oauth_outcome ask_once(struct signin *s, const struct oauth_device *d)
{
	struct buf body = BUF_INIT(BODY_MAX);

	*s->e = (struct err){ 0 };
	if (oauth_ask_poll(s->plan, buf_text(&d->device_code), &body, s->e) < 0) {
		buf_wipe(&body);
		return OAUTH_WRONG;
	}
	return signin_ask_token(s, &body);
}

static int poll_for_it(struct signin *s, const struct oauth_device *d)
{
	int64_t interval = between(LEAST_S, d->interval ? d->interval : USUAL_S, LIFE_MOST_S);
	int64_t pause = interval;

	while (clock_ms() + (uint64_t)pause * 1000 < s->end) {
		if (signin_turn(s, clock_ms() + (uint64_t)pause * 1000) == SIGNIN_STOPPED)
			return -1;
		switch (ask_once(s, d)) {
		case OAUTH_GRANTED:
			return signin_keep(s);
		case OAUTH_SLOW_DOWN:
			interval = between(LEAST_S, interval + SLOWER_S, LIFE_MOST_S);
			pause = interval;
			break;
		case OAUTH_PENDING:
			pause = interval;
			break;
		case OAUTH_LATER:   /* less and less often */
			interval = between(LEAST_S, interval * 2, LIFE_MOST_S);
			pause = s->answer.retry_after > interval ? s->answer.retry_after : interval;
			break;
		case OAUTH_OVER:
		case OAUTH_WRONG:
			return -1;
		}
	}
	return signin_turn(s, s->end) == SIGNIN_STOPPED ? -1 : too_late(s);
}

int signin_by_device(struct signin *s)
{
	struct oauth_device d = { .interval = 0 };
	int good = -1;

	if (!s->plan->device_url) {
		err_set(s->e, ERR_CONFIG, "this provider has no sign-in by a device code");
		return err_hint(s->e, "add `--flow paste`, or set oauth_device_url");
	}
	if (begin(s, &d) == 0) {
		s->end = clock_ms() + (uint64_t)between(1, d.expires_in, LIFE_MOST_S) * 1000;
		show(s, &d);
		good = poll_for_it(s, &d);
	}
	oauth_device_release(&d);
	return good;
}
