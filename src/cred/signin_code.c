/* cred/signin_code.c - the authorization code with PKCE (RFC 6749, 7636, 8252); see
 * signin_state.h.
 */
#include "cred/signin_state.h"

#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/process.h"

enum {
	URL_MAX = 8 * 1024, BODY_MAX = 64 * 1024,
	TRIES = 3,                     /* while the provider says: later */
	PAUSE_S = 2, PAUSE_MOST_S = 30,
	PASTES = 3,                    /* of something that is not the address */
	PAGE_MS = 5000,                /* for the page to be taken, however late it is */
	PORT_FIRST = 49152             /* of those that nobody is given (RFC 6335) */
};

/* ---- the code becomes a grant */

static int exchange(struct signin *s, const char *code, const char *redirect)
{
	for (int i = 0; i < TRIES; i++) {
		struct buf body = BUF_INIT(BODY_MAX);
		enum oauth_outcome outcome;
		long pause;

		if (oauth_ask_code(s->plan, code, s->verifier, redirect, &body, s->e) < 0) {
			buf_wipe(&body);
			return -1;
		}
		outcome = signin_ask_token(s, &body);
		if (outcome == OAUTH_GRANTED)
			return signin_keep(s);
		pause = s->answer.retry_after ? s->answer.retry_after : PAUSE_S;
		/* A code is good once: one that may have arrived is not sent again. */
		if (outcome != OAUTH_LATER || s->asked.kind || pause > PAUSE_MOST_S ||
		    i + 1 == TRIES)
			break;
		if (signin_turn(s, clock_ms() + (uint64_t)pause * 1000) == SIGNIN_STOPPED)
			return -1;
	}
	return -1;
}

/* came: a redirected URL, or its path and query. */
static int take(struct signin *s, const char *came, const char *redirect)
{
	struct buf code = BUF_INIT(OAUTH_REDIRECT_MAX);
	int good = oauth_read_redirect(s->plan, came, s->state, &code, s->e);

	if (good == 0)
		good = exchange(s, buf_text(&code), redirect);
	buf_wipe(&code);
	return good;
}

static void show(struct signin *s, enum oauth_flow flow, const char *redirect)
{
	struct signin_step step = { .flow = flow };
	struct buf url = BUF_INIT(URL_MAX);

	oauth_url(s->plan, redirect, s->state, s->verifier, &url);
	step.url = buf_text(&url);
	step.opened = flow == OAUTH_FLOW_CODE && s->hooks->browse &&
		s->hooks->browse(s->hooks->context, step.url);
	s->hooks->show(s->hooks->context, &step);
	buf_release(&url);
}

/* ---- with a browser here */

/* Its page tells what has come of it, so it waits until that is known.  Whether it stays for
 * the page changes nothing any more. */
static int take_and_tell(struct signin *s, struct browser *b, const char *redirect)
{
	int good = take(s, browser_target(b), redirect);
	struct err why = *s->e;

	if (good < 0 && process_stopped())
		return good;
	browser_answer(b, good == 0, good == 0 ?
		"sendoff can send mail now. Close this page and go back to the terminal." : why.text);
	signin_turn(s, clock_ms() + PAGE_MS);
	*s->e = why;
	return good;
}

static int await(struct signin *s, struct browser *b, const char *redirect)
{
	enum signin_turn turn = SIGNIN_CAME;

	while (turn == SIGNIN_CAME && !browser_target(b))
		turn = signin_turn(s, s->end);
	if (turn == SIGNIN_STOPPED)
		return -1;
	if (turn == SIGNIN_LATE) {
		err_set(s->e, ERR_TIMEOUT, "nobody has signed in within %d minutes", SIGNIN_SECONDS / 60);
		return err_hint(s->e, "start again; if the browser is on another machine, add "
			"`--flow paste`");
	}
	s->second.deadline = LOOP_NEVER;
	return take_and_tell(s, b, redirect);
}

int signin_by_code(struct signin *s)
{
	struct buf redirect = BUF_INIT(1024);
	struct landing at;
	struct browser *b;
	int good = -1;

	if (!s->plan->auth_url || !s->plan->redirect || !landing_parse(s->plan->redirect, &at)) {
		err_set(s->e, ERR_CONFIG, "this provider does not send the browser back to this machine");
		return err_hint(s->e, "add `--flow %s`", s->plan->auth_url ? "paste" : "device");
	}
	b = browser_open(&s->loop, &at, s->state, s->e);
	if (b) {
		landing_write(s->plan->redirect, browser_port(b), &redirect);
		show(s, OAUTH_FLOW_CODE, buf_text(&redirect));
		good = await(s, b, buf_text(&redirect));
	}
	browser_free(&b);
	buf_release(&redirect);
	return good;
}

/* ---- with a browser elsewhere */

/* Nobody listens at it, and so it is one that nobody is likely to listen at over there. */
static unsigned some_port(void)
{
	unsigned short number = 0;

	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		number = 0;
	return PORT_FIRST + number % (65536 - PORT_FIRST);
}

/* A page of the provider may show the code alone, to be taken over by hand; then there is
 * no state with it, and the verifier alone says that it belongs here. */
static bool is_bare_code(const struct signin *s, const char *line)
{
	struct landing at;

	return !landing_parse(s->plan->redirect, &at) && line[0] && !strpbrk(line, "?&") &&
		!strstr(line, "://");
}

/* No address has blanks in it, though a window that broke it may have added some. */
static int take_line(struct signin *s, struct secret *line, const char *redirect)
{
	char *to = line->data;

	for (const char *from = line->data; *from; from++)
		if (!strchr(" \t\r\n", *from))
			*to++ = *from;
	*to = '\0';
	return is_bare_code(s, line->data) ? exchange(s, line->data, redirect) :
		take(s, line->data, redirect);
}

/* Another line is asked for while what comes is not what it should be. */
static int ask_lines(struct signin *s, const char *redirect)
{
	int good = -1;

	for (int i = 0; i < PASTES; i++) {
		struct secret line = { NULL, 0 };

		if (s->hooks->ask(s->hooks->context, &line, s->e) < 0)
			return -1;
		good = take_line(s, &line, redirect);
		secret_wipe(&line);
		if (good == 0 || s->e->kind != ERR_PROTOCOL || s->answer.status)
			break;
	}
	return good;
}

int signin_by_paste(struct signin *s)
{
	struct buf redirect = BUF_INIT(1024);
	int good;

	if (!s->plan->auth_url || !s->plan->redirect) {
		err_set(s->e, ERR_CONFIG, "this provider has no page to sign in at by a browser");
		return err_hint(s->e, "add `--flow device`, or set oauth_auth_url");
	}
	landing_write(s->plan->redirect, some_port(), &redirect);
	s->second.deadline = LOOP_NEVER;
	show(s, OAUTH_FLOW_PASTE, buf_text(&redirect));
	good = ask_lines(s, buf_text(&redirect));
	buf_release(&redirect);
	return good;
}
