/* t/unit/cred_token_fetch.c - an access token for a login: taken where it is fresh, else asked
 * for by one process alone, while the others wait. */
#include "t/unit/token_rig.h"

#include "base/digest.h"

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

int main(void)
{
	if (!rig_open())
		return 1;
	nothing_to_ask();
	refused_token();
	crowds();
	waiting();
	given_up();
	rig_close();
	return tap_done();
}
