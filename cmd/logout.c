/* cmd/logout.c - sendoff logout: the token is ended and forgotten; see login.h. */
#include <string.h>
#include <unistd.h>

#include "cmd/login.h"

/* No other provider or app may see the token (RFC 6749 section 10.4), and none can end it. */
static int check_whose(const struct oauth_plan *p, const struct token *t, struct err *e)
{
	const char *client = p->client_id ? p->client_id : "", *url = p->token_url ? p->token_url : "";

	if (!strcmp(t->client_id, client) && !strcmp(t->token_url, url))
		return 0;
	return err_set(e, ERR_CONFIG, "it was signed in with another client or server");
}

/* What the provider says to it is told and changes nothing here. */
static void tell_provider(struct login *l, const struct token *t)
{
	struct err e = { 0 };
	struct buf out = BUF_INIT(4096);
	int good = credential_plan(l->account, &l->plan, &e);

	if (good == 0)
		good = signin_prepare(&l->plan, &e);
	if (good == 0)
		good = check_whose(&l->plan, t, &e);
	if (good == 0)
		good = signin_revoke(&l->plan, t, &e);
	if (good < 0)
		buf_printf(&out, "sendoff: the provider was not told: %s\n", e.text);
	if (good != 0)
		buf_printf(&out, "%s: what was granted ends by itself, or on the provider's page of "
			"connected apps\n", good < 0 ? "  next" : "sendoff: the provider takes no revocation");
	if (!l->globals->quiet)
		print_err(&out);
	buf_release(&out);
}

/* By who holds the lock: nobody gets another token meanwhile, which would not be ended. */
static int end(struct login *l, bool *was_there, struct err *e)
{
	struct token t = { .obtained = 0 };
	int there = token_load(l->directory, l->account->name, &t, e);

	*was_there = there != 1;
	if (there == 0)
		tell_provider(l, &t);
	token_wipe(&t);
	return there == 1 ? 0 : token_remove(l->directory, l->account->name, e);   /* also a damaged one */
}

static int forget(struct login *l, bool *was_there, struct err *e)
{
	int good, fd;

	l->directory = token_directory(l->account->scope == SCOPE_SYSTEM, e);
	if (!l->directory)
		return -1;
	fd = token_lock_within(l->directory, l->account->name, LOGIN_LOCK_SECONDS, e);
	if (fd < 0)
		return -1;
	good = end(l, was_there, e);
	close(fd);
	return good;
}

static int log_out(struct login *l)
{
	struct buf out = BUF_INIT(1024);
	struct err e = { 0 };
	bool was_there;
	int code = 0;

	if (login_find(l, "logout", &e) < 0 || login_mind_scope(l->account, "logout", &e) < 0 ||
	    forget(l, &was_there, &e) < 0)
		return print_failure(&e);
	if (l->globals->json)
		print_json(&out, (const char *[]){ "event", was_there ? "signed-out" : "needless",
			"account", l->account->name, NULL });
	else
		buf_printf(&out, was_there ? "signed out: the token of '%s' is gone\n" :
			"account '%s' was not signed in\n", l->account->name);
	if (!l->globals->quiet)
		code = print_out(&out);
	buf_release(&out);
	return code;
}

int cmd_logout(struct globals *globals, char **words, int count)
{
	struct login l = { .globals = globals };
	char name[] = "logout", *named[] = { name };
	struct err e = { 0 };
	int code;

	if (opt_parse(NULL, NULL, globals, words, &count, &e) < 0)
		return print_failure(&e);
	if (globals->help)
		return cmd_help(globals, named, 1);
	if (login_take_word(&l, words, count, "logout", &e) < 0)
		return print_failure(&e);
	code = log_out(&l);
	login_release(&l);
	return code;
}
