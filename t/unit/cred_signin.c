/* t/unit/cred_signin.c - the ways to sign in: when the provider is asked, how often, and what
 * ends it.
 *
 * What is said to a provider and what its answers mean is another module's, and stands in
 * for itself here: a status is an outcome, and the answers come from a list.  The clock runs
 * fast (t/hurry.c), so that minutes can be waited for.
 */
#include "t/unit/tap.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/process.h"
#include "cred/https.h"
#include "cred/signin.h"
#include "cred/token.h"

/* Statuses, and what they stand for. */
enum { GRANTED = 200, PENDING = 400, SLOW_DOWN = 401, OVER = 403, WRONG = 422, LATER = 503,
	NETWORK = -1 };

/* ---- the provider's stand-in */

static struct answer { int status; long retry_after; } script[32];
static size_t asked_count, script_count;
static uint64_t asked_at[64];
static char asked_url[64][64], asked_body[64][400], asked_header[64][64];

static void answers(const struct answer *list, size_t count)
{
	memcpy(script, list, count * sizeof(*list));
	script_count = count;
	asked_count = 0;
}
#define ANSWERS(...) answers((const struct answer[]){ __VA_ARGS__ }, \
	COUNT(((const struct answer[]){ __VA_ARGS__ })))

struct https *https_start(struct loop *l, const struct https_request *r, uint64_t deadline,
	https_done *done, void *context)
{
	/* The last answer comes again and again. */
	const struct answer *a = &script[asked_count < script_count ? asked_count : script_count - 1];
	struct https_answer answer = { .status = a->status, .retry_after = a->retry_after,
		.body = BUF_INIT(64) };
	struct err e = { 0 };

	(void)l;
	(void)deadline;
	if (asked_count < COUNT(asked_at)) {
		asked_at[asked_count] = clock_ms();
		snprintf(asked_url[asked_count], sizeof(asked_url[0]), "%s", r->url);
		snprintf(asked_body[asked_count], sizeof(asked_body[0]), "%s",
			r->body ? buf_text(r->body) : "GET");
		snprintf(asked_header[asked_count], sizeof(asked_header[0]), "%s",
			r->authorization ? r->authorization : "");
	}
	asked_count++;
	if (a->status == NETWORK)
		err_set(&e, ERR_CONNECT, "nobody listens");
	done(context, a->status == NETWORK ? NULL : &answer, &e);
	buf_release(&answer.body);
	return NULL;
}

void https_free(struct https **hp)
{
	*hp = NULL;
}

void https_answer_release(struct https_answer *a)
{
	buf_wipe(&a->body);
}

/* ---- ... and what is said to it */

int oauth_ask_code(const struct oauth_plan *p, const char *code, const char *verifier,
	const char *redirect, struct buf *out, struct err *e)
{
	(void)p;
	(void)e;
	buf_printf(out, "code=%s verifier=%zu redirect=%s", code, strlen(verifier), redirect);
	return 0;
}

int oauth_ask_device(const struct oauth_plan *p, struct buf *out)
{
	(void)p;
	buf_add_text(out, "device");
	return 0;
}

int oauth_ask_poll(const struct oauth_plan *p, const char *device_code, struct buf *out,
	struct err *e)
{
	(void)p;
	(void)e;
	buf_printf(out, "poll=%s", device_code);
	return 0;
}

void oauth_verifier(const unsigned char random[OAUTH_RANDOM], char out[64])
{
	for (size_t i = 0; i < 21; i++)
		snprintf(out + 2 * i, 3, "%02x", random[i]);
}

static char shown_state[64];   /* of the last URL */

void oauth_url(const struct oauth_plan *p, const char *redirect, const char *state,
	const char *verifier, struct buf *out)
{
	check(strcmp(state, verifier) != 0 && strlen(state) == 42 && strlen(verifier) == 42 &&
		strcmp(state, shown_state) != 0, "state and verifier are drawn anew");
	snprintf(shown_state, sizeof(shown_state), "%s", state);
	buf_printf(out, "%s?redirect=%s&state=%s", p->auth_url, redirect, state);
}

int oauth_read_redirect(const struct oauth_plan *p, const char *url, const char *state,
	struct buf *code, struct err *e)
{
	const char *at = strstr(url, "code=");
	const char *its = strstr(url, "state=");

	(void)p;
	if (!its || strncmp(its + 6, state, strlen(state)) != 0)
		return err_set(e, ERR_PROTOCOL, "another state");
	if (!at)
		return err_set(e, ERR_LOGIN, "it was <refused>");
	buf_add(code, at + 5, strcspn(at + 5, "&"));
	return 0;
}

bool oauth_redirect_is_ours(const char *url, const char *state)
{
	const char *its = strstr(url, "state=");

	return its && !strcmp(its + 6, state);
}

void oauth_grant_wipe(struct oauth_grant *g)
{
	secret_wipe(&g->access);
	secret_wipe(&g->refresh);
}

enum oauth_outcome oauth_read_token(const struct oauth_plan *p, int status, const char *body,
	size_t len, struct oauth_grant *out, struct err *e)
{
	(void)p;
	(void)body;
	(void)len;
	switch (status) {
	case GRANTED:
		secret_set(&out->access, "granted", 7);
		return OAUTH_GRANTED;
	case PENDING:
		return OAUTH_PENDING;
	case SLOW_DOWN:
		return OAUTH_SLOW_DOWN;
	case LATER:
		err_set(e, ERR_CONNECT, "no time now");
		return OAUTH_LATER;
	case OVER:
		err_set(e, ERR_LOGIN, "it is over");
		return OAUTH_OVER;
	default:
		err_set(e, ERR_CONFIG, "it is wrong");
		return OAUTH_WRONG;
	}
}

static int64_t device_life = 900, device_interval = 2;

int oauth_read_device(const struct oauth_plan *p, int status, const char *body, size_t len,
	struct oauth_device *out, struct err *e)
{
	(void)p;
	(void)body;
	(void)len;
	if (status != 200)
		return err_set(e, ERR_CONFIG, "no device flow for this client");
	out->device_code = BUF_INIT(64);
	buf_add_text(&out->device_code, "dev");
	snprintf(out->user_code, sizeof(out->user_code), "ABCD-EFGH");
	snprintf(out->url, sizeof(out->url), "https://id.example/device");
	out->expires_in = device_life;
	out->interval = device_interval;
	return 0;
}

void oauth_device_release(struct oauth_device *d)
{
	buf_wipe(&d->device_code);
}

void oauth_discovery_url(const struct oauth_plan *p, unsigned which, struct buf *out)
{
	buf_printf(out, "%s/%u", p->issuer, which);
}

int oauth_read_discovery(struct oauth_plan *p, const char *body, size_t len, struct err *e)
{
	(void)body;
	(void)len;
	(void)e;
	p->discover = false;
	return 0;
}

int oauth_ask_revoke(const struct oauth_plan *p, const struct secret *token, struct buf *out,
	struct err *e)
{
	(void)p;
	(void)e;
	buf_printf(out, "revoke=%s", token->data);
	return 0;
}

bool oauth_authorization(const struct oauth_plan *p, struct buf *out)
{
	if (p->basic)
		buf_printf(out, "Basic %s", p->client_id);
	return p->basic;
}

/* ---- a person */

struct person {
	struct signin_step step;   /* what was shown last; its texts are copies */
	char url[400], code[64];
	unsigned shown, waited, asked;
	int64_t left;
	const char *lines[8];      /* that are pasted; "%s" is the state */
	const char *bring;         /* what the browser brings back; NULL: it does not come */
	bool browses, signals;
	bool leaves;               /* the browser does not wait for its page */
	pid_t browser;
	int page;                  /* of the browser: what it was shown */
	unsigned kept;             /* how often something was to be stored */
	bool full, early;          /* it cannot be; the browser had its page by then */
};

/* A browser in a process of its own: one request, and its page to the pipe. */
static void browse_back(struct person *p, const char *url)
{
	const char *port = strstr(url, "127.0.0.1:");
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	char text[4096], line[300];
	int ends[2], fd;
	ssize_t n;

	at.sin_port = htons((uint16_t)strtol(port + strlen("127.0.0.1:"), NULL, 10));
	snprintf(line, sizeof(line), "%.*s%s%s", (int)(strstr(p->bring, "%s") - p->bring), p->bring,
		shown_state, strstr(p->bring, "%s") + 2);
	if (pipe(ends) < 0 || (p->browser = fork()) < 0)
		exit(99);
	if (p->browser) {
		close(ends[1]);
		p->page = ends[0];
		return;
	}
	fd = socket(AF_INET, SOCK_STREAM, 0);
	snprintf(text, sizeof(text), "GET /%s HTTP/1.1\r\nHost: localhost:%u\r\n\r\n", line,
		ntohs(at.sin_port));
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || write(fd, text, strlen(text)) < 0)
		_exit(98);
	if (p->leaves) {
		nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1 }, sizeof(struct linger));
		_exit(close(fd) < 0);
	}
	while ((n = read(fd, text, sizeof(text))) > 0)
		if (write(ends[1], text, (size_t)n) < 0)
			_exit(97);
	_exit(0);
}

static void show(void *context, const struct signin_step *step)
{
	struct person *p = context;

	p->shown++;
	p->step = *step;
	snprintf(p->url, sizeof(p->url), "%s", step->url);
	snprintf(p->code, sizeof(p->code), "%s", step->user_code ? step->user_code : "");
	if (p->bring)
		browse_back(p, step->url);
	if (p->signals)
		raise(SIGINT);
}

static void waiting(void *context, int64_t seconds_left)
{
	struct person *p = context;

	p->waited++;
	p->left = seconds_left;
}

static int ask(void *context, struct secret *line, struct err *e)
{
	struct person *p = context;
	const char *text = p->lines[p->asked++];
	char *whole;

	if (!text)
		return err_set(e, ERR_SECRET, "nobody there");
	whole = strstr(text, "%s") ? mem_printf("%.*s%s%s", (int)(strstr(text, "%s") - text), text,
		shown_state, strstr(text, "%s") + 2) : mem_string(text);
	secret_set(line, whole, strlen(whole));
	free(whole);
	return 0;
}

/* The browser must not have heard of it by now, and may have to hear that it went wrong. */
static int keep(void *context, const struct oauth_grant *g, struct err *why)
{
	struct person *p = context;
	struct pollfd page = { .fd = p->page, .events = POLLIN };

	p->kept++;
	check(g->access.data && !strcmp(g->access.data, "granted"), "what is kept is what was granted");
	p->early = p->browser && poll(&page, 1, 200) != 0;
	return p->full ? err_set(why, ERR_STORE, "no <room> left") : 0;
}

static bool browse(void *context, const char *url)
{
	(void)url;
	return ((struct person *)context)->browses;
}

static char auth_url[] = "https://id.example/auth", token_url[] = "https://id.example/token",
	device_url[] = "https://id.example/code", loopback[] = "http://127.0.0.1:{port}/",
	page_of_theirs[] = "https://id.example/your-code", issuer[] = "https://id.example",
	client_id[] = "me";

static struct oauth_plan plan;
static struct err e;
static struct oauth_grant grant;

static int run(enum oauth_flow flow, struct person *p)
{
	struct signin_hooks hooks = { .show = show, .waiting = waiting, .ask = ask, .browse = browse,
		.keep = keep, .context = p };
	int good;

	if (!plan.redirect)
		plan.redirect = loopback;
	plan.auth_url = auth_url;
	plan.token_url = token_url;
	plan.device_url = device_url;
	plan.client_id = client_id;
	oauth_grant_wipe(&grant);
	e = (struct err){ 0 };
	good = signin_run(&plan, flow, &hooks, &grant, &e);
	check(good == 0 ? grant.access.data && !strcmp(grant.access.data, "granted") :
		!grant.access.data && e.kind != ERR_NONE, "a grant, or an error");
	return good;
}

/* What the browser was shown, once it has gone. */
static const char *page_of(struct person *p)
{
	static char text[8192];
	size_t len = 0;
	ssize_t n;
	int status;

	while ((n = read(p->page, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	close(p->page);
	check(waitpid(p->browser, &status, 0) == p->browser && status == 0, "the browser got it all");
	return text;
}

/* ---- device */

/* In seconds, between one question and the one before. */
static double gap(size_t i)
{
	return (double)(asked_at[i] - asked_at[i - 1]) / 1000;
}

static void test_device(void)
{
	struct person p = { .shown = 0 };

	ANSWERS({ 200, 0 }, { PENDING, 0 }, { PENDING, 0 }, { SLOW_DOWN, 0 }, { PENDING, 0 }, { GRANTED, 0 });
	check_int(run(OAUTH_FLOW_DEVICE, &p), 0, "a device is signed in");
	check_int(asked_count, 6, "... by so many questions");
	check_text(asked_url[0], device_url, "the code is asked for at its place");
	check_text(asked_url[1], token_url, "... and the token at its");
	check_text(asked_body[5], "poll=dev", "... with the device's own code");
	check(gap(1) >= 2 && gap(2) >= 2 && gap(3) >= 2, "never sooner than the interval: %.1f %.1f %.1f",
		gap(1), gap(2), gap(3));
	check(gap(4) >= 7 && gap(5) >= 7, "and 5 s later from slow_down on: %.1f %.1f", gap(4), gap(5));
	check_text(p.code, "ABCD-EFGH", "the code is shown");
	check_text(p.url, "https://id.example/device", "... and where to enter it");
	check(p.shown == 1 && p.waited >= 10 && p.left > 800 && p.left < 900,
		"the time that is left is told, %u times", p.waited);
}

/* A provider that asks for more patience than most has it. */
static void test_device_patience(void)
{
	struct person p = { .shown = 0 };

	device_interval = 100;
	ANSWERS({ 200, 0 }, { PENDING, 0 }, { SLOW_DOWN, 0 }, { GRANTED, 0 });
	check_int(run(OAUTH_FLOW_DEVICE, &p), 0, "a long interval");
	check(gap(1) >= 100 && gap(2) >= 100 && gap(3) >= 105, "... is kept: %.1f %.1f %.1f", gap(1), gap(2),
		gap(3));
	device_interval = 2;
}

static void test_device_trouble(void)
{
	struct person p = { .shown = 0 };

	ANSWERS({ 200, 0 }, { NETWORK, 0 }, { NETWORK, 0 }, { LATER, 30 }, { GRANTED, 0 });
	check_int(run(OAUTH_FLOW_DEVICE, &p), 0, "trouble on the way is borne");
	check(gap(2) >= 4 && gap(3) >= 8, "... asking less and less often: %.1f %.1f", gap(2), gap(3));
	check(gap(4) >= 30, "Retry-After is obeyed: %.1f", gap(4));
	ANSWERS({ 200, 0 }, { PENDING, 0 }, { OVER, 0 });
	check_int(run(OAUTH_FLOW_DEVICE, &p), -1, "a refusal ends it");
	check(e.kind == ERR_LOGIN && asked_count == 3, "... at once");
	ANSWERS({ 200, 0 }, { WRONG, 0 });
	check(run(OAUTH_FLOW_DEVICE, &p) == -1 && e.kind == ERR_CONFIG && asked_count == 2,
		"so does what is wrong here");
	ANSWERS({ NETWORK, 0 });
	check(run(OAUTH_FLOW_DEVICE, &p) == -1 && e.kind == ERR_CONNECT && asked_count == 1,
		"no code for want of a network");
	ANSWERS({ WRONG, 0 });
	check(run(OAUTH_FLOW_DEVICE, &p) == -1 && e.kind == ERR_CONFIG && asked_count == 1,
		"no code for this client");
	device_life = 9;
	ANSWERS({ 200, 0 }, { PENDING, 0 });
	check(run(OAUTH_FLOW_DEVICE, &p) == -1 && e.kind == ERR_TIMEOUT, "the code runs out");
	check(asked_count > 1 && asked_count <= 5 && strstr(e.hint, "start again"), "... (%zu) and is told",
		asked_count);
	device_life = 6;
	ANSWERS({ 200, 0 }, { NETWORK, 0 });
	check(run(OAUTH_FLOW_DEVICE, &p) == -1 && e.kind == ERR_TIMEOUT && strstr(e.text, "nobody listens"),
		"with what was in the way");
	device_life = 900;
}

/* ---- paste */

static void test_paste(void)
{
	struct person p = { .lines = { "  http://127.0.0.1:50000/?code=right&state=%s \n" } };

	ANSWERS({ GRANTED, 0 });
	check_int(run(OAUTH_FLOW_PASTE, &p), 0, "an address is pasted");
	check(!strncmp(asked_body[0], "code=right verifier=42 redirect=http://127.0.0.1:", 49) &&
		strtol(asked_body[0] + 49, NULL, 10) >= 49152, "the code is exchanged: %s", asked_body[0]);
	check(p.step.flow == OAUTH_FLOW_PASTE && !p.step.opened && p.shown == 1, "what to do is shown");
	check(strstr(p.url, strstr(asked_body[0], "http://127")) != NULL, "one redirect for both");

	p = (struct person){ .lines = { "nonsense", "http://x/?code=a&state=old",
		"?code=b&state=%s" } };
	check(run(OAUTH_FLOW_PASTE, &p) == 0 && p.asked == 3, "what is not it is asked for again");
	p = (struct person){ .lines = { "a", "b", "c", "?code=b&state=%s" } };
	asked_count = 0;
	check(run(OAUTH_FLOW_PASTE, &p) == -1 && p.asked == 3 && e.kind == ERR_PROTOCOL && !asked_count,
		"but not for ever");
	p = (struct person){ .lines = { "?error=access_denied&state=%s", "never" } };
	check(run(OAUTH_FLOW_PASTE, &p) == -1 && p.asked == 1 && e.kind == ERR_LOGIN, "a refusal ends it");
	p = (struct person){ .lines = { NULL } };
	check(run(OAUTH_FLOW_PASTE, &p) == -1 && e.kind == ERR_SECRET, "nobody pastes");

	plan.redirect = page_of_theirs;
	p = (struct person){ .lines = { "7412589" } };
	check(run(OAUTH_FLOW_PASTE, &p) == 0, "a page of theirs shows a code alone");
	check_text(asked_body[0], "code=7412589 verifier=42 redirect=https://id.example/your-code",
		"... which is exchanged");
	check(run(OAUTH_FLOW_CODE, &p) == -1 && e.kind == ERR_CONFIG && strstr(e.hint, "--flow paste"),
		"the browser does not come here from there");
	plan.redirect = loopback;
}

static void test_exchange(void)
{
	struct person p = { .lines = { "?code=a&state=%s", "?code=a&state=%s" } };

	ANSWERS({ LATER, 5 }, { GRANTED, 0 });
	check(run(OAUTH_FLOW_PASTE, &p) == 0 && asked_count == 2 && gap(1) >= 5,
		"a provider that has no time is asked again when it says");
	p.asked = 0;
	ANSWERS({ LATER, 0 });
	check(run(OAUTH_FLOW_PASTE, &p) == -1 && asked_count == 3 && p.asked == 1, "... but not for ever");
	p.asked = 0;
	ANSWERS({ LATER, 3600 });
	check(run(OAUTH_FLOW_PASTE, &p) == -1 && asked_count == 1, "... nor in an hour");
	p.asked = 0;
	ANSWERS({ NETWORK, 0 }, { GRANTED, 0 });
	check(run(OAUTH_FLOW_PASTE, &p) == -1 && asked_count == 1 && e.kind == ERR_CONNECT,
		"a code that may have arrived is not sent twice");
	p.asked = 0;
	ANSWERS({ OVER, 0 });
	check(run(OAUTH_FLOW_PASTE, &p) == -1 && asked_count == 1 && p.asked == 1 && e.kind == ERR_LOGIN,
		"a refusal of the code is the end");
	plan.basic = true;
	p.asked = 0;
	ANSWERS({ GRANTED, 0 });
	check(run(OAUTH_FLOW_PASTE, &p) == 0, "the client's secret may go into a header");
	check_text(asked_header[0], "Basic me", "... and does");
	plan.basic = false;
	p.asked = 0;
	check(run(OAUTH_FLOW_PASTE, &p) == 0 && !asked_header[1][0], "... if that is wanted");
}

/* ---- code */

static void test_code(void)
{
	struct person p = { .bring = "?code=right&state=%s", .browses = true };
	const char *page;

	ANSWERS({ GRANTED, 0 });
	check_int(run(OAUTH_FLOW_CODE, &p), 0, "a browser comes back");
	page = page_of(&p);
	check(!strncmp(page, "HTTP/1.1 200 ", 13) && strstr(page, "You are signed in"), "... to a good page");
	check(!strstr(page, "right") && !strstr(page, shown_state), "... without what it brought");
	check(!strncmp(asked_body[0], "code=right verifier=42 redirect=http://127.0.0.1:", 49), "the code is exchanged");
	check(strstr(p.url, strstr(asked_body[0], "http://127")) != NULL, "one redirect for both");
	check(p.step.opened && p.step.flow == OAUTH_FLOW_CODE, "it was opened");

	p = (struct person){ .bring = "?code=right&state=x%s" };
	asked_count = 0;
	check(run(OAUTH_FLOW_CODE, &p) == -1 && e.kind == ERR_TIMEOUT && !asked_count && p.waited > 100,
		"another state is not taken, nor does it end the waiting");
	page = page_of(&p);
	check(!strncmp(page, "HTTP/1.1 400 ", 13) && strstr(page, "Not this sign-in") && !p.step.opened,
		"... and the browser is told");
	p = (struct person){ .bring = "?error=access_denied&state=%s" };
	check(run(OAUTH_FLOW_CODE, &p) == -1 && e.kind == ERR_LOGIN, "a refusal");
	page = page_of(&p);
	check(strstr(page, "it was &#60;refused&#62;") != NULL, "... and the browser is told");
	p = (struct person){ .bring = "?code=right&state=%s" };
	ANSWERS({ OVER, 0 });
	check(run(OAUTH_FLOW_CODE, &p) == -1 && e.kind == ERR_LOGIN, "a code that is not taken");
	page = page_of(&p);
	check(strstr(page, "The sign-in failed") && strstr(page, "it is over"),
		"... and the browser is not told otherwise");
	p = (struct person){ .bring = "?code=right&state=%s", .leaves = true };
	ANSWERS({ LATER, 30 }, { GRANTED, 0 });
	check(run(OAUTH_FLOW_CODE, &p) == 0 && p.kept == 1, "a browser that does not wait for its page");
	check(asked_count == 2 && gap(1) >= 30, "... hurries nobody: %.1f", gap(1));
	check_text(page_of(&p), "", "... and gets none");
	p = (struct person){ .bring = "?code=right&state=%s" };
	ANSWERS({ GRANTED, 0 });
	check(run(OAUTH_FLOW_CODE, &p) == 0 && p.kept == 1, "what was granted is kept once");
	check(!p.early && strstr(page_of(&p), "You are signed in"), "... before the browser is told");
	p = (struct person){ .bring = "?code=right&state=%s", .full = true };
	check(run(OAUTH_FLOW_CODE, &p) == -1 && e.kind == ERR_STORE && p.kept == 1, "it cannot be kept");
	page = page_of(&p);
	check(!strncmp(page, "HTTP/1.1 400 ", 13) && strstr(page, "The sign-in failed") &&
		strstr(page, "no &#60;room&#62; left") && !p.early, "... and the browser is told so");
	p = (struct person){ .lines = { "?code=a&state=%s" }, .full = true };
	check(run(OAUTH_FLOW_PASTE, &p) == -1 && e.kind == ERR_STORE && p.kept == 1 && p.asked == 1,
		"... nor what was pasted");
	ANSWERS({ 200, 0 }, { GRANTED, 0 });
	p = (struct person){ .full = true };
	check(run(OAUTH_FLOW_DEVICE, &p) == -1 && e.kind == ERR_STORE && p.kept == 1, "... nor what a device got");
	p = (struct person){ .bring = NULL };
	check(run(OAUTH_FLOW_CODE, &p) == -1 && e.kind == ERR_TIMEOUT && strstr(e.hint, "--flow paste"),
		"nobody comes");
	check(p.waited > 100 && p.left < 10, "... and it was counted down to %d", (int)p.left);
}

/* ---- which, and where */

static void test_choose(void)
{
	static const struct oauth_provider code_only = { .id = "a", .flows = OAUTH_BY_CODE },
		both = { .id = "b", .flows = OAUTH_BY_CODE | OAUTH_BY_DEVICE };
	struct oauth_plan p = { .auth_url = auth_url, .device_url = device_url, .redirect = loopback };

	check_int(signin_choose(&p, false, true), OAUTH_FLOW_CODE, "a browser here");
	check_int(signin_choose(&p, false, false), OAUTH_FLOW_CODE, "... without a terminal too");
	check_int(signin_choose(&p, true, true), OAUTH_FLOW_DEVICE, "none here");
	p.provider = &both;
	check_int(signin_choose(&p, true, true), OAUTH_FLOW_DEVICE, "the provider has it");
	p.provider = &code_only;
	check_int(signin_choose(&p, true, true), OAUTH_FLOW_PASTE, "the provider has it not");
	check_int(signin_choose(&p, true, false), OAUTH_FLOW_PASTE, "... and there is no terminal");
	p.redirect = page_of_theirs;
	check_int(signin_choose(&p, false, true), OAUTH_FLOW_PASTE, "it shows a code");
	p.provider = NULL;
	p.redirect = loopback;
	p.auth_url = NULL;
	check_int(signin_choose(&p, false, true), OAUTH_FLOW_DEVICE, "there is nothing else");
	p.flow = OAUTH_FLOW_PASTE;
	check_int(signin_choose(&p, false, true), OAUTH_FLOW_PASTE, "it was said");
}

static void test_discovery(void)
{
	struct oauth_plan p = { .issuer = issuer, .discover = true };

	e = (struct err){ 0 };
	ANSWERS({ 404, 0 }, { 200, 0 });
	check(signin_prepare(&p, &e) == 0 && !p.discover && asked_count == 2, "the second place is tried");
	check_text(asked_url[1], "https://id.example/1", "... which is another");
	check_text(asked_body[1], "GET", "... by GET");
	check(signin_prepare(&p, &e) == 0 && asked_count == 2, "what is known is not asked for");
	p.discover = true;
	ANSWERS({ 404, 0 });
	check(signin_prepare(&p, &e) == -1 && e.kind == ERR_CONFIG && asked_count == 2, "neither has it");
	ANSWERS({ NETWORK, 0 });
	check(signin_prepare(&p, &e) == -1 && e.kind == ERR_CONNECT && asked_count == 1, "it cannot be asked");
}

static void test_revoke(void)
{
	struct oauth_plan p = { .revoke_url = device_url };
	struct token t = { .obtained = 1 };

	e = (struct err){ 0 };
	asked_count = 0;
	check(signin_revoke(&p, &t, &e) == 1 && !asked_count, "nothing to revoke");
	secret_set(&t.access, "access", 6);
	ANSWERS({ 200, 0 });
	check_int(signin_revoke(&p, &t, &e), 0, "an access token is revoked");
	check_text(asked_body[0], "revoke=access", "... it is named");
	secret_set(&t.refresh, "refresh", 7);
	check(signin_revoke(&p, &t, &e) == 0 && !strcmp(asked_body[1], "revoke=refresh"),
		"a refresh token goes before");
	check_text(asked_url[1], device_url, "... to its place");
	ANSWERS({ 503, 0 });
	check(signin_revoke(&p, &t, &e) == -1 && e.kind == ERR_PROTOCOL && strstr(e.text, "503"), "it is refused");
	ANSWERS({ NETWORK, 0 });
	check(signin_revoke(&p, &t, &e) == -1 && e.kind == ERR_CONNECT, "it cannot be asked");
	p.revoke_url = NULL;
	check(signin_revoke(&p, &t, &e) == 1 && asked_count == 1, "it has no place for that");
	token_wipe(&t);
}

static void test_signal(void)
{
	struct person p = { .signals = true };

	process_catch_signals();
	ANSWERS({ 200, 0 }, { PENDING, 0 });
	check(run(OAUTH_FLOW_CODE, &p) == -1 && e.kind == ERR_SIGNAL, "a signal ends the code flow");
	check(run(OAUTH_FLOW_DEVICE, &p) == -1 && e.kind == ERR_SIGNAL, "... and the device flow");
}

int main(int argc, char **argv)
{
	char library[PATH_MAX];

	(void)argc;
	signal(SIGPIPE, SIG_IGN);
	if (!getenv("HURRY")) {
		snprintf(library, sizeof(library), "%s/t/hurry.so", getenv("B") ? getenv("B") : "build");
		setenv("LD_PRELOAD", library, 1);
		setenv("HURRY", "100", 1);
		setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
		execv(argv[0], argv);
		return 97;
	}
	unsetenv("LD_PRELOAD");
	test_choose();
	test_discovery();
	test_device();
	test_device_patience();
	test_device_trouble();
	test_paste();
	test_exchange();
	test_code();
	test_revoke();
	test_signal();
	oauth_grant_wipe(&grant);
	return tap_done();
}
