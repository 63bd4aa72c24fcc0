/* t/unit/cred_token_ask.c - asking a provider for an access token: what comes is kept before it
 * is used, and nothing is lost by trouble. */
#include "t/unit/token_rig.h"

#include <sys/resource.h>

/* The file as it is, to be compared. */
static void file_is(struct buf *text)
{
	char *path = mem_printf("%s/work", dir), piece[4096];
	FILE *f = fopen(path, "r");

	buf_clear(text);
	if (f) {
		buf_add(text, piece, fread(piece, 1, sizeof(piece), f));
		fclose(f);
	}
	free(path);
}

static void refresh(void)
{
	store("geheim", "geheim2", 7200, -3600);
	grant("");
	fetch();
	check_text(got.access, "new-1", "an expired one is replaced");
	check(strstr(web->request, "grant_type=refresh_token") &&
		strstr(web->request, "&refresh_token=geheim2"), "... by the refresh token");
	stored("new-1", "geheim2");
	fetch();
	check_text(got.access, "new-1", "... once");
	check_int(web->asked, 1, "... indeed");
	check(!strstr(web->request, "Authorization:"), "... without a header for it");
	check_int(token_signed_in(false, "work"), 1795000000, "... which is no sign-in");

	store("geheim", "geheim2", 7200, -3600);
	grant(",\"refresh_token\":\"turn-#\"");
	fetch();
	check_text(got.access, "new-1", "with a new refresh token");
	stored("new-1", "turn-1");
	store("geheim", "turn-1", 3400, 200);
	fetch();
	check_text(got.access, "new-1", "the more so when little is left");
	store("geheim", "turn-1", -100, 3600);
	fetch();
	check_int(web->asked, 1, "B7: one of tomorrow is replaced as well");
	drop();
}

/* ---- what the provider does not give */

static void over(void)
{
	struct token t;
	struct err e;

	store("geheim", "geheim2", 7200, -3600);
	web_next("400 Bad Request", "", "{\"error\":\"invalid_grant\"}");
	fetch();
	fails(ERR_SECRET, "sign-in-over", "account 'work' must sign in again: ");
	check(strstr(got.err.text, "invalid_grant"), "... with the provider's word");
	check_text(got.err.hint, "sign in again: sendoff login work", "... and the command");
	fetch();
	fails(ERR_SECRET, "sign-in-over", "invalid_grant");
	check_int(web->asked, 1, "C9: nobody asks again");
	check(token_load(dir, "work", &t, &e) == 0 && strstr(t.over, "invalid_grant"), "it is stored");
	token_wipe(&t);
	store("geheim", "geheim2", 7200, -3600);
	grant("");
	fetch();
	check_text(got.access, "new-1", "... up to a new sign-in");
	store("geheim", "geheim2", 7200, -3600);
	web_next("400 Bad Request", "", "{\"error\":\"invalid_grant\",\"error_description\":"
		"\"AADSTS700082: The refresh token has expired\"}");
	fetch();
	check_text(got.err.cause, "oauth-sign-in-unused", "a provider may say more");
	fetch();
	check_text(got.err.cause, "oauth-sign-in-unused", "... which is stored");
}

static void later(void)
{
	struct token t;
	struct err e;

	store("geheim", "geheim2", 7200, -3600);
	web_next("503 Later", "Retry-After: 17\r\n", "");
	fetch();
	check_text(got.access, "", "for now there is no token: %s", got.err.text);
	check(token_load(dir, "work", &t, &e) == 0 && t.not_before >= time(NULL) + 14 &&
		t.not_before <= time(NULL) + 17, "the pause is stored");
	check_text(t.refresh.data, "geheim2", "... and nothing is lost");
	fetch();
	fails(ERR_CONNECT, "oauth-later", "is asked for no token for another 1");
	check_int(web->asked, 1, "... nobody asks meanwhile");
	t.not_before = time(NULL) - 1;
	token_save(dir, "work", &t, &e);
	grant("");
	fetch();
	check_text(got.access, "new-2", "... but then");
	t.not_before = time(NULL) + 10 * 365 * 86400;
	token_save(dir, "work", &t, &e);
	token_wipe(&t);
	fetch();
	check_text(got.access, "new-3", "B7: a pause of ten years is the clock's fault");
	store("geheim", "geheim2", 7200, -3600);
	web_next("503 Later", "Retry-After: 7200\r\n", "");
	fetch();
	check(token_load(dir, "work", &t, &e) == 0 && t.not_before > time(NULL) + 7000,
		"two hours are two hours");
	token_wipe(&t);
	fetch();
	check_int(web->asked, 1, "... for everybody");
	store("geheim", "geheim2", 7200, -3600);
	web_next("500 Oh", "", "");
	fetch();
	fetch();
	fails(ERR_CONNECT, "oauth-later", "is asked for no token");
	check_int(web->asked, 1, "who says nothing is left alone for some seconds");
}

/* Many that wait for the lock would each wait for it. */
static void unanswered(void)
{
	struct token t;
	struct err e;

	store("geheim", "geheim2", 7200, -3600);
	web->action = WEB_CLOSE;
	fetch();
	check(!got.access[0] && got.err.kind == ERR_LOST, "no answer: %s", got.err.text);
	check(token_load(dir, "work", &t, &e) == 0 && t.not_before > time(NULL) + 5 &&
		t.not_before <= time(NULL) + 10, "... is remembered for 10 s");
	token_wipe(&t);
	fetch();
	fails(ERR_CONNECT, "oauth-later", "is asked for no token for another ");
	check_int(web->asked, 1, "... nobody asks meanwhile");
	stored("geheim", "geheim2");
	store("geheim", "geheim2", 7200, -3600);
	grant("");
	fetch();
	check_text(got.access, "new-1", "... up to a new sign-in");
}

static void trouble(void)
{
	static const enum web_action actions[] = { WEB_CLOSE, WEB_PLAIN, WEB_HUGE, WEB_CUT };
	struct buf before = BUF_INIT(4096), after = BUF_INIT(4096);

	for (size_t i = 0; i < COUNT(actions); i++) {
		store("geheim", "geheim2", 7200, -3600);
		web->action = actions[i];
		fetch();
		check(!got.access[0] && got.err.kind != ERR_NONE && !got.err.cause, "trouble %zu: %s",
			i, got.err.text);
		stored("geheim", "geheim2");
	}
	store("geheim", "geheim2", 7200, -3600);
	file_is(&before);
	free(plan.ca_file);
	plan.ca_file = mem_string(web_other_ca);
	grant("");
	web->asked = 0;
	fetch();
	fails(ERR_CERT, NULL, "localhost");
	check_int(web->asked, 0, "D8: a stranger gets no token");
	free(plan.ca_file);
	plan.ca_file = mem_string(web_ca);
	web_next("400 Bad Request", "", "{\"error\":\"invalid_client\"}");
	fetch();
	fails(ERR_CONFIG, "oauth-client-refused", "invalid_client");
	file_is(&after);
	check_text(buf_text(&after), buf_text(&before), "nothing is lost");

	store("geheim", "geheim2", 7200, -3600);
	web_next("200 OK", "", "{\"refresh_token\":\"turn-#\"}");
	fetch();
	fails(ERR_CONFIG, "oauth-client-refused", "invalid_client");
	stored("geheim", "turn-1");
	grant("");
	fetch();
	check(strstr(web->request, "&refresh_token=turn-1"), "what came with it is asked by");

	store("geheim", "geheim2", 3400, 200);
	web->action = WEB_CLOSE;
	fetch();
	check_text(got.access, "geheim", "one that is still valid serves meanwhile");
	check_int(web->asked, 1, "... though another was asked for");
	store("geheim", "geheim2", 3550, 50);
	web->action = WEB_CLOSE;
	fetch();
	check_text(got.access, "", "... up to its last minute");
	buf_release(&before);
	buf_release(&after);
}

/* ---- a refresh token is spent once */

static bool was_asked(void)
{
	for (unsigned i = 0; i < 500 && !web->asked; i++)
		poll(NULL, 0, 10);
	return web->asked == 1;
}

static void spend(void)
{
	store("geheim", "geheim2", 7200, -3600);
	grant(",\"refresh_token\":\"turn-#\"");
	web->wait = 500;
}

static void is_kept(const char *what)
{
	struct err e;
	bool busy;

	check(was_asked() && token_lock(dir, "work", &busy, &e) < 0 && busy,
		"%s: what was asked for is waited for, under the lock", what);
	fetch();
	check_text(got.access, "new-1", "... and whoever comes next finds it");
	check_int(web->asked, 1, "... without a second question");
	stored("new-1", "turn-1");
	web->wait = 0;
}

static void let_go(void)
{
	struct token_settings set = { .plan = &plan, .directory = dir };
	struct token_fetch *f;
	struct loop loop;

	spend();
	loop_init(&loop);
	f = token_fetch_start(&loop, &set, never, NULL);
	check(was_asked(), "it asks");
	token_fetch_free(&f);
	loop_release(&loop);
	is_kept("let go");
}

static void leave(int number)
{
	_exit(number);
}

static void killed(int number)
{
	int ends[2];
	char octet;
	pid_t pid;

	spend();
	fflush(stdout);
	if (pipe(ends) < 0)
		return;
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		signal(SIGTERM, leave);
		run_with(NULL);
		_exit(0);
	}
	close(ends[1]);
	check(was_asked(), "another process asks");
	kill(pid, number);
	waitpid(pid, NULL, 0);
	check_int(read(ends[0], &octet, 1), 0, "whoever reads its output does not wait");
	check_int(token_signed_in(false, "work"), 1795000000, "... for the answer");
	close(ends[0]);
	is_kept(number == SIGKILL ? "killed" : "told to stop");
}

/* ---- the disk */

static void limit(rlim_t octets)
{
	struct rlimit r;

	getrlimit(RLIMIT_FSIZE, &r);
	r.rlim_cur = octets;
	setrlimit(RLIMIT_FSIZE, &r);
}

/* In the way of what is written: the child that asks has none of our limits of later. */
static void block(struct watch *w, short revents)
{
	char *path = mem_printf("%s/work.new", dir);

	(void)revents;
	check_int(w ? mkdir(path, 0700) : rmdir(path), 0, "the place is %s", w ? "taken" : "free");
	free(path);
}

static void full_disk(void)
{
	struct watch soon = { .fd = -1, .run = block };

	signal(SIGXFSZ, SIG_IGN);
	store("geheim", "geheim2", 7200, -3600);
	grant(",\"refresh_token\":\"turn-#\"");
	limit(10);
	fetch();
	limit(RLIM_INFINITY);
	fails(ERR_SECRET, NULL, "cannot keep a token in");
	check_int(web->asked, 0, "A5: where the answer could not be kept nobody is asked");
	stored("geheim", "geheim2");

	web->wait = 400;
	soon.deadline = clock_ms() + 150;
	run_with(&soon);
	block(NULL, 0);
	fails(ERR_SECRET, NULL, "cannot keep a token in");
	check_int(web->asked, 1, "when that comes meanwhile the token is not used");
	stored("geheim", "geheim2");
	web->wait = 0;
}

/* ---- without a person */

static void is_left_alone(const char *who)
{
	drop();
	web_next("429 Later", "Retry-After: 50\r\n", "");
	fetch();
	check_text(got.access, "", "%s has no token: %s", who, got.err.text);
	fetch();
	fails(ERR_CONNECT, "oauth-later", "is asked for no token for another ");
	check_int(web->asked, 1, "... and nobody asks again before it is time");
	drop();
}

static void client(void)
{
	plan.flow = OAUTH_FLOW_CLIENT;
	drop();
	grant("");
	fetch();
	check_text(got.access, "new-1", "a client asks for itself");
	check(strstr(web->request, "grant_type=client_credentials"), "... so");
	stored("new-1", NULL);
	fetch();
	check_int(web->asked, 1, "... once");
	check_int(token_signed_in(false, "work"), 0, "... which is no sign-in");
	drop();
	web_next("400 Bad Request", "", "{\"error\":\"invalid_grant\"}");
	fetch();
	check(!got.access[0] && !strncmp(got.err.cause, "oauth-", 6), "it is refused: %s",
		got.err.text);
	grant("");
	fetch();
	check_text(got.access, "new-2", "nobody need sign in again");
	is_left_alone("a client");
	grant("");
	limit(10);
	fetch();
	limit(RLIM_INFINITY);
	check_text(got.access, "new-1", "without a refresh token the disk may be full");
	plan.flow = OAUTH_FLOW_AUTO;
	drop();
}

static void discovery(void)
{
	char *issuer = web_url(""), *told = url;
	char *body = mem_printf("{\"issuer\":\"%s\",\"token_endpoint\":\"%s\","
		"\"access_token\":\"new-#\"}", issuer, url);

	plan.flow = OAUTH_FLOW_CLIENT;
	plan.issuer = issuer;
	plan.token_url = NULL;
	plan.discover = true;
	secret_set(&plan.client_secret, "geheim", 6);
	drop();
	web_next("200 OK", "", body);
	fetch();
	check_text(got.access, "new-2", "the issuer tells where tokens are to be had");
	check(strstr(web->request, "\r\nAuthorization: Basic "), "... and that it wants a header");
	check(!strncmp(web->request, "POST /token ", 12), "... and there it was asked for");
	check_int(web->asked, 2, "... then");
	drop();
	web_next("404 Not Found", "", "");
	fetch();
	fails(ERR_CONFIG, "oauth-discovery-failed", "HTTP status 404");
	check_int(web->asked, 2, "... in two places");
	web_next("503 Later", "", "");
	fetch();
	fails(ERR_CONNECT, "oauth-later", "HTTP status 503");
	drop();
	web->action = WEB_CLOSE;
	fetch();
	check_text(got.access, "", "who cannot be reached: %s", got.err.text);
	check_int(web->asked, 1, "... is asked once");
	plan.flow = OAUTH_FLOW_AUTO;
	store("geheim", "geheim2", 7200, -3600);
	web_next("200 OK", "", body);
	fetch();
	check_text(got.access, "new-2", "a person's is renewed there as well");
	url = web_url("/elsewhere");
	store("geheim", "geheim2", 3400, 200);
	free(url);
	url = told;
	fetch();
	fails(ERR_SECRET, "login-needed", "was signed in with another client id or token URL");
	check(web->asked == 1 && !strncmp(web->request, "GET ", 4),
		"D8: no token of one provider is shown to another");
	stored("geheim", "geheim2");
	plan.token_url = url;
	plan.issuer = NULL;
	plan.discover = false;
	secret_wipe(&plan.client_secret);
	free(issuer);
	free(body);
}

int main(void)
{
	if (!rig_open())
		return 1;
	refresh();
	over();
	later();
	unanswered();
	trouble();
	let_go();
	killed(SIGTERM);
	killed(SIGKILL);
	full_disk();
	client();
	discovery();
	rig_close();
	return tap_done();
}
