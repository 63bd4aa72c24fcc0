/* t/unit/token_rig.h - an access token being fetched, of an account "work" that is signed in:
 * what is stored of it, and a provider that answers as it is told. */
#ifndef T_UNIT_TOKEN_RIG_H
#define T_UNIT_TOKEN_RIG_H

#include "t/unit/oauth_standin.h"
#include "t/unit/web_rig.h"

#include <time.h>

#include "base/clock.h"
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

static void never(void *context, struct secret *s, struct err *e)
{
	(void)context;
	(void)s;
	(void)e;
	check(false, "done after it was freed");
}

static bool rig_open(void)
{
	struct err e = { 0 };

	if (!web_open())
		return false;
	setenv("XDG_STATE_HOME", web_dir, 1);
	dir = token_directory(false, &e);
	url = web_url("/token");
	plan = (struct oauth_plan){ .account = mem_string("work"), .client_id = mem_string("client"),
		.token_url = url, .ca_file = mem_string(web_ca) };
	check(dir, "a directory: %s", e.text);
	return true;
}

static void rig_close(void)
{
	char *command = mem_printf("rm -rf %s/sendoff", web_dir);

	check_int(system(command), 0, "all is removed");
	free(command);
	free(plan.account);
	free(plan.client_id);
	free(plan.ca_file);
	free(url);
	free(dir);
	web_close();
}

#endif
