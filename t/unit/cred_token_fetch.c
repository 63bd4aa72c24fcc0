/* t/unit/cred_token_fetch.c - an access token for a login: taken where it is fresh, else asked
 * for by one process alone, kept before it is used, and never lost by trouble. */
#include "t/unit/oauth_standin.h"
#include "t/unit/web_rig.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "base/digest.h"
#include "cred/token.h"

static char *dir, *url;
static const char *refused;      /* digest of a token that will not do */
static struct oauth_plan plan;

static struct {
	unsigned calls;
	char access[256];            /* "": none came */
	struct err err;
	struct loop loop;
} got;

static void done(void *context, struct secret *s, struct err *e)
{
	(void)context;
	got.calls++;
	got.err = *e;
	snprintf(got.access, sizeof(got.access), "%s", s ? s->data : "");
	if (s)
		secret_wipe(s);
	loop_stop(&got.loop);
}

/* Fetches and waits.  Returns the ms that it took. */
static uint64_t run_with(struct watch *also)
{
	struct token_settings set = { .plan = &plan, .directory = dir, .refused = refused };
	uint64_t begun = clock_ms();
	struct token_fetch *f;

	memset(&got, 0, sizeof(got));
	loop_init(&got.loop);
	f = token_fetch_start(&got.loop, &set, done, NULL);
	if (also)
		loop_add(&got.loop, also);
	if (f)
		loop_run(&got.loop);
	token_fetch_free(&f);
	if (also)
		loop_remove(&got.loop, also);
	loop_release(&got.loop);
	return clock_ms() - begun;
}

static void fetch(void)
{
	run_with(NULL);
	check_int(got.calls, 1, "done is called once");
}

/* A token that was obtained so many seconds ago and has so many left. */
static void store(const char *access, const char *refresh, int age, int left)
{
	struct token t = { .obtained = time(NULL) - age, .expires = time(NULL) + left,
		.signed_in = 1795000000, .scope = "mail" };
	struct err e = { 0 };

	if (access)
		secret_set(&t.access, access, strlen(access));
	if (refresh)
		secret_set(&t.refresh, refresh, strlen(refresh));
	snprintf(t.client_id, sizeof(t.client_id), "client");
	snprintf(t.token_url, sizeof(t.token_url), "%s", url);
	if (token_save(dir, "work", &t, &e) < 0)
		check(false, "a token is stored: %s", e.text);
	token_wipe(&t);
	web->asked = 0;
}

static void stored(const char *access, const char *refresh)
{
	struct token t;
	struct err e = { 0 };

	check_int(token_load(dir, "work", &t, &e), 0, "it is stored: %s", e.text);
	check_text(t.access.data, access, "... with the access token");
	check_text(t.refresh.data, refresh, "... and the refresh token");
	token_wipe(&t);
}

static void drop(void)
{
	struct err e;

	token_remove(dir, "work", &e);
	web->asked = 0;
}

static void fails(enum err_kind kind, const char *cause, const char *words)
{
	check_text(got.access, "", "no token");
	check_int(got.err.kind, kind, "E4: the kind of trouble");
	check_text(got.err.cause, cause, "... and its cause");
	check(strstr(got.err.text, words), "... says '%s'", words);
	if (!strstr(got.err.text, words))
		printf("#   %s\n", got.err.text);
	check(!strstr(got.err.text, "geheim") && !strstr(got.err.hint, "geheim"),
		"D9: no token in it");
}

static void grant(const char *more)
{
	char *body = mem_printf("{\"access_token\":\"new-#\",\"token_type\":\"Bearer\","
		"\"expires_in\":3600%s}", more);

	web_next("200 OK", "Content-Type: application/json\r\n", body);
	free(body);
}

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

/* ---- what there is */

static void nothing_to_ask(void)
{
	web->asked = 0;
	fetch();
	fails(ERR_SECRET, "login-needed", "account 'work' is not signed in");
	check_text(got.err.hint, "sign in: sendoff login work", "... and the command");
	store("geheim", "geheim2", 10, 3590);
	fetch();
	check_text(got.access, "geheim", "what is fresh is taken");
	store("geheim", NULL, 7200, -3600);
	fetch();
	fails(ERR_SECRET, "sign-in-over", "nothing came with it to get another by");
	store("geheim", "geheim2", 10, 3590);
	free(plan.client_id);
	plan.client_id = mem_string("other");
	fetch();
	fails(ERR_SECRET, "login-needed", "another client id");
	free(plan.client_id);
	plan.client_id = mem_string("client");
	check_int(web->asked, 0, "for none of this anybody was asked");
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

/* ---- many at once */

static unsigned crowd(bool was_refused)
{
	struct secret old = { NULL, 0 };
	char digest[DIGEST_HEX + 1];
	unsigned good = 0;
	struct err e;
	pid_t pids[30];
	int status;

	secret_set(&old, "geheim", 6);
	digest_of(old.data, old.len, digest);
	refused = was_refused ? digest : NULL;
	fflush(stdout);
	for (size_t i = 0; i < COUNT(pids); i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			if (was_refused)
				token_refuse(dir, "work", &old, &e);
			run_with(NULL);
			_exit(strcmp(got.access, "new-1") != 0);
		}
	}
	for (size_t i = 0; i < COUNT(pids); i++)
		good += waitpid(pids[i], &status, 0) == pids[i] && status == 0;
	secret_wipe(&old);
	refused = NULL;
	return good;
}

/* Even where it could not be written down. */
static void refused_token(void)
{
	char digest[DIGEST_HEX + 1];

	digest_of("geheim", 6, digest);
	refused = digest;
	store("geheim", "geheim2", 10, 3590);
	web_next("503 Service Unavailable", "", "");
	fetch();
	check_text(got.access, "", "C9: a refused token is not taken, whatever the provider says");
	store("geheim", "geheim2", 10, 3590);
	grant("");
	fetch();
	check_text(got.access, "new-1", "... but another one");
	fetch();
	check_text(got.access, "new-1", "which is good");
	check_int(web->asked, 1, "... without a second question");
	refused = NULL;
}

static void crowds(void)
{
	store("geheim", "geheim2", 7200, -3600);
	grant(",\"refresh_token\":\"turn-#\"");
	web->wait = 300;
	check_int(crowd(false), 30, "thirty processes have the new token");
	check_int(web->asked, 1, "... and one has asked for it");
	stored("new-1", "turn-1");
	store("geheim", "geheim2", 10, 3590);
	web->wait = 300;
	check_int(crowd(true), 30, "thirty whose token was refused have the new one");
	check_int(web->asked, 1, "C9: ... and one has asked for it");
	stored("new-1", "turn-1");
	web->wait = 0;
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

/* ---- the lock */

/* Somebody else who has the lock, and after some time stores a token and ends. */
static pid_t somebody(unsigned ms, const char *access, int *ready)
{
	int ends[2];
	char octet = 0;
	struct err e;
	bool busy;
	pid_t pid;

	if (pipe(ends) < 0)
		return -1;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (token_lock(dir, "work", &busy, &e) >= 0 && write(ends[1], "x", 1) == 1)
			poll(NULL, 0, (int)ms);
		if (access)
			store(access, "turn", 0, 3600);
		_exit(0);
	}
	close(ends[1]);
	*ready = read(ends[0], &octet, 1) == 1;
	close(ends[0]);
	return pid;
}

static void waiting(void)
{
	uint64_t took;
	int ready;
	pid_t pid;

	store("geheim", "geheim2", 7200, -3600);
	grant("");
	pid = somebody(400, "theirs", &ready);
	took = run_with(NULL);
	check_text(got.access, "theirs", "who waits finds what the other has got");
	check(ready && took >= 300 && took < 3000, "... in time (%u ms)", (unsigned)took);
	check_int(web->asked, 0, "... and asks nobody");
	waitpid(pid, NULL, 0);

	store("geheim", "geheim2", 7200, -3600);
	pid = somebody(400, NULL, &ready);
	took = run_with(NULL);
	check_text(got.access, "new-1", "who finds nothing asks");
	check(ready && took >= 300, "... then (%u ms)", (unsigned)took);
	waitpid(pid, NULL, 0);

	store("geheim", "geheim2", 3400, 200);
	pid = somebody(1500, NULL, &ready);
	took = run_with(NULL);
	check_text(got.access, "geheim", "one that is still valid is not waited for");
	check(ready && took < 500, "... at all (%u ms)", (unsigned)took);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void never(void *context, struct secret *s, struct err *e)
{
	(void)context;
	(void)s;
	(void)e;
	check(false, "done after it was freed");
}

static void given_up(void)
{
	struct token_settings set = { .plan = &plan, .directory = dir };
	struct token_fetch *f;
	struct loop loop;
	struct err e;
	bool busy;
	int fd;

	plan.flow = OAUTH_FLOW_CLIENT;
	drop();
	web->action = WEB_SILENT;
	loop_init(&loop);
	f = token_fetch_start(&loop, &set, never, NULL);
	check(f, "it asks");
	check(token_lock(dir, "work", &busy, &e) < 0 && busy, "... under the lock");
	token_fetch_free(&f);
	fd = token_lock(dir, "work", &busy, &e);
	check(fd >= 0, "let go, it holds no lock");
	plan.flow = OAUTH_FLOW_AUTO;
	store("geheim", "geheim2", 7200, -3600);
	f = token_fetch_start(&loop, &set, never, NULL);
	check(f, "it waits for the lock");
	token_fetch_free(&f);
	loop_run(&loop);   /* nothing is left to wait for */
	loop_release(&loop);
	close(fd);
	stored("geheim", "geheim2");
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
	struct err e = { 0 };
	char *command;

	if (!web_open())
		return 1;
	setenv("XDG_STATE_HOME", web_dir, 1);
	dir = token_directory(false, &e);
	url = web_url("/token");
	plan = (struct oauth_plan){ .account = mem_string("work"), .client_id = mem_string("client"),
		.token_url = url, .ca_file = mem_string(web_ca) };
	check(dir, "a directory: %s", e.text);
	nothing_to_ask();
	refresh();
	refused_token();
	crowds();
	over();
	later();
	unanswered();
	trouble();
	waiting();
	given_up();
	let_go();
	killed(SIGTERM);
	killed(SIGKILL);
	full_disk();
	client();
	discovery();
	command = mem_printf("rm -rf %s/sendoff", web_dir);
	check_int(system(command), 0, "all is removed");
	free(command);
	free(plan.account);
	free(plan.client_id);
	free(plan.ca_file);
	free(url);
	free(dir);
	web_close();
	return tap_done();
}
