/* cmd/login.c - sendoff login: a person signs in, once, and mail goes from then on; see
 * login.h.
 */
#include "cmd/login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"
#include "deliver/cause.h"

/* ---- options */

static int take_flow(void *into, const char *value, struct err *e)
{
	static const struct { const char *name; enum oauth_flow flow; } flows[] = {
		{ "code", OAUTH_FLOW_CODE }, { "paste", OAUTH_FLOW_PASTE }, { "device", OAUTH_FLOW_DEVICE }
	};
	struct login_words *w = into;

	for (size_t i = 0; i < COUNT(flows); i++)
		if (!strcmp(value, flows[i].name)) {
			w->flow = flows[i].flow;
			return 0;
		}
	err_set(e, ERR_USAGE, "--flow is code, paste or device");
	return err_hint(e, "code: with a browser on this machine; paste and device: with one anywhere");
}

static int take_no_browser(void *into, const char *value, struct err *e)
{
	(void)value;
	(void)e;
	((struct login_words *)into)->no_browser = true;
	return 0;
}

static int take_status(void *into, const char *value, struct err *e)
{
	(void)value;
	(void)e;
	((struct login_words *)into)->status = true;
	return 0;
}

const struct opt login_options[] = {
	{ 0, "flow", OPT_VALUE, "FLOW", "code, paste or device; chosen by itself without this",
		take_flow },
	{ 0, "no-browser", OPT_FLAG, NULL, "open no browser, show the address", take_no_browser },
	{ 0, "status", OPT_FLAG, NULL, "show what is there of each sign-in", take_status },
	{ 0, NULL, OPT_FLAG, NULL, NULL, NULL }
};

/* ---- what is stored */

/* A person has asked for it, so what cannot be read, even where a later release wrote it,
 * makes room; but not without a word. */
static void look_at_old(struct login *l)
{
	struct token old = { .obtained = 0 };

	if (token_load(l->directory, l->account->name, &old, &l->replaced) >= 0)
		l->replaced = (struct err){ 0 };
	token_wipe(&old);
}

static void make_token(const struct login *l, const struct oauth_grant *g, struct token *t)
{
	const char *scope = l->plan.scope ? l->plan.scope : "";

	*t = (struct token){ .signed_in = (int64_t)time(NULL) };
	text_clean_to(t->scope, sizeof(t->scope), scope, strlen(scope));   /* unless it says another */
	token_take(t, &l->plan, g, t->signed_in);
}

/* A person is there who can unlock it: what it does not take or give back is told at once. */
static int keep_in_keyring(struct login *l, struct err *e)
{
	return !l->plan.save_command ? 0 : keyring_save(&l->plan, &l->token, e) < 0 ? -1 :
		keyring_verify(&l->plan, &l->token, e);
}

static int keep(void *context, const struct oauth_grant *g, struct err *e)
{
	struct login *l = context;
	int fd, good;

	make_token(l, g, &l->token);
	fd = token_lock_within(l->directory, l->account->name, LOGIN_LOCK_SECONDS, e);
	if (fd < 0)
		return -1;
	look_at_old(l);
	good = keep_in_keyring(l, e);
	if (good == 0)
		good = token_save(l->directory, l->account->name, &l->token, e);
	close(fd);
	return good;
}

/* ---- login */

static int failed(struct login *l, struct err *e)
{
	struct buf steps = BUF_INIT(64 * 1024);
	int code;

	if (e->kind == ERR_STORE && !e->cause)   /* and not a message */
		err_cause(e, "token-not-stored");
	if (!e->hint[0] && credential_blame_provider(e) && !strcmp(e->cause, "oauth-unreachable"))
		err_hint(e, "check that this machine is online, and try again");
	if (e->cause && !strcmp(e->cause, "oauth-client-id-missing"))
		login_add_steps(l->account, &steps);
	if (steps.len)
		err_hint(e, "get one, as told below, and set oauth_client_id in [account %s]",
			l->account->name);
	login_show_pause(&l->show);
	code = print_failure(e);
	print_err(&steps);
	buf_release(&steps);
	return code;
}

/* Nobody pastes anything into a job of cron or a service, and none of those may hang for it. */
static int choose(struct login *l, bool remote, struct err *e)
{
	bool terminal = isatty(STDIN_FILENO) != 0;
	char command[TOKEN_COMMAND_MAX];

	l->w.flow = signin_choose(&l->plan, remote, terminal);
	if (l->w.flow != OAUTH_FLOW_PASTE || terminal)
		return 0;
	if (l->plan.flow == OAUTH_FLOW_PASTE)
		err_set(e, ERR_SECRET, "oauth_flow = paste, and there is no terminal to paste an address at");
	else
		err_set(e, ERR_SECRET, "nobody can sign in from here: there is %s, no terminal to paste an "
			"address at, and %s has no sign-in by a code", remote ? "no browser" : "no browser that "
			"comes back here", l->plan.provider ? l->plan.provider->name : "the provider");
	token_command(l->account->scope == SCOPE_SYSTEM, l->account->name, command);
	return err_hint(e, "call it at a terminal: %s; or give the address that the browser ends at on "
		"standard input: add `--flow paste`", command);
}

static int sign_in(struct login *l, struct oauth_grant *grant, struct err *e)
{
	bool remote = login_is_remote() || l->account->scope == SCOPE_SYSTEM;
	struct signin_hooks hooks = { .show = login_show_step, .waiting = login_show_waiting,
		.ask = login_ask, .keep = keep, .context = l };

	if (!remote && !l->w.no_browser)
		hooks.browse = login_browse;
	if (l->w.flow == OAUTH_FLOW_AUTO && choose(l, remote, e) < 0)
		return -1;
	return signin_run(&l->plan, l->w.flow, &hooks, grant, e);
}

/* Whether the keyring is open to us: it is given what it has, or nothing where that is what it
 * has.  Where that cannot be known, or it does not give what it should have, it is left alone:
 * a new sign-in may be what helps. */
static int try_keyring(struct login *l, struct err *e)
{
	struct token t = { .obtained = 0 };
	struct err ignored = { 0 };
	int fd, loaded, result = 0;

	if (!l->plan.save_command)
		return 0;
	fd = token_lock_within(l->directory, l->account->name, LOGIN_LOCK_SECONDS, e);
	if (fd < 0)
		return -1;
	loaded = token_load(l->directory, l->account->name, &t, &ignored);
	if (loaded == 1 || (loaded == 0 && !token_in_keyring(&t)))
		result = keyring_forget(&l->plan, e);
	else if (loaded == 0 && keyring_load(&l->plan, &t, &ignored) == 0)
		result = keyring_save(&l->plan, &t, e);
	token_wipe(&t);
	close(fd);
	return result;
}

static int login(struct login *l, struct err *e)
{
	struct oauth_grant grant = { .expires_in = 0 };
	int good;

	/* Nobody is to sign in for a token that there is no room for. */
	l->directory = token_directory(l->account->scope == SCOPE_SYSTEM, e);
	if (!l->directory || token_try(l->directory, l->account->name, e) < 0 ||
	    try_keyring(l, e) < 0 || signin_prepare(&l->plan, e) < 0)
		return -1;
	login_show_begin(&l->show, l->globals, l->account, &l->plan);
	good = sign_in(l, &grant, e);
	if (good == 0)
		good = login_show_end(l);
	oauth_grant_wipe(&grant);
	return good;
}

/* Says that no person needs to sign in: there is nothing to be done, and that is well. */
static int needless(const struct login *l, struct buf *out)
{
	if (l->globals->json) {
		buf_clear(out);
		print_json(out, (const char *[]){ "event", "needless", "account", l->account->name, NULL });
	}
	return l->globals->quiet ? CAUSE_EXIT_OK : print_out(out);
}

/* The exit code. */
static int run(struct login *l)
{
	struct buf out = BUF_INIT(4096);
	struct err e = { 0 };
	int code;

	if (login_find(l, "login", &e) < 0)
		return failed(l, &e);
	if (l->w.status)
		return login_status(l, l->account);
	if (login_by_file(l->account))
		return login_store_password(l);
	if (login_is_needless(l->account, &out)) {
		code = needless(l, &out);
	} else if (login_mind_scope(l->account, "login", &e) < 0 ||
		   credential_plan(l->account, &l->plan, &e) < 0) {
		code = failed(l, &e);
	} else if (login_is_unattended(&l->plan)) {
		buf_printf(&out, "account '%s' gets its tokens by itself: nobody needs to sign in\n"
			"  test it: sendoff check %s\n", l->account->name, l->account->name);
		code = needless(l, &out);
	} else {
		code = login(l, &e);
		if (code < 0)
			code = failed(l, &e);
	}
	buf_release(&out);
	return code;
}

int cmd_login(struct globals *globals, char **words, int count)
{
	struct login l = { .globals = globals, .w = { .flow = OAUTH_FLOW_AUTO } };
	char name[] = "login", *named[] = { name };
	struct err e = { 0 };
	int code;

	if (opt_parse(login_options, &l.w, globals, words, &count, &e) < 0)
		return print_failure(&e);
	if (globals->help)
		return cmd_help(globals, named, 1);
	if (login_take_word(&l, words, count, "login", &e) < 0)
		return print_failure(&e);
	code = run(&l);
	login_release(&l);
	return code;
}
