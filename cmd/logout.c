/* cmd/logout.c - sendoff logout: the token is ended and forgotten; see login.h. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/login.h"
#include "cmd/queue.h"
#include "base/text.h"

/* What has come of it. */
struct ending {
	struct login *login;         /* borrowed */
	bool was_there, revoked;
	char why[1024];              /* the grant could not be ended; "" */
	char next[256];              /* how it can be; "" */
	struct err unplanned;        /* what the configuration lacks; kind ERR_NONE: nothing */
};

/* No other provider or app may see the token (RFC 6749 section 10.4), and none can end it. */
static int check_whose(const struct oauth_plan *p, const struct token *t, struct err *e)
{
	const char *client = p->client_id ? p->client_id : "", *url = p->token_url ? p->token_url : "";

	if (!strcmp(t->client_id, client) && !strcmp(t->token_url, url))
		return 0;
	return err_set(e, ERR_CONFIG, "it was signed in with another client or server");
}

/* Who is left to end it. */
static void say_next(struct ending *n)
{
	const struct oauth_provider *p = account_oauth_provider(n->login->account);

	if (p && p->apps)
		snprintf(n->next, sizeof(n->next), "end what was granted on %s's page of connected apps, %s",
			p->name, p->apps);
	else
		snprintf(n->next, sizeof(n->next), "%s", "end what was granted on the provider's page of "
			"connected apps; without that it ends by itself, when it is not used");
}

static void not_told(struct ending *n, const char *why)
{
	snprintf(n->why, sizeof(n->why), "the provider was not told: %s", why);
	say_next(n);
}

static void no_way(struct ending *n)
{
	const struct oauth_plan *p = &n->login->plan;

	if (p->provider) {
		snprintf(n->why, sizeof(n->why), "%s takes no word from programs that a sign-in is over",
			p->provider->name);
	} else {
		snprintf(n->why, sizeof(n->why), "%s", p->issuer ?
			"the issuer names no address where the end of a sign-in is told" :
			"no address is known where the provider is told that a sign-in is over "
			"(oauth_revoke_url)");
	}
	say_next(n);
}

/* What the provider says to it changes nothing here. */
static void tell_provider(struct ending *n, struct token *t)
{
	struct login *l = n->login;
	struct err e = { 0 };
	int good = keyring_load(&l->plan, t, &e);

	if (good == 0 && !t->refresh.data && !t->access.data)
		return;
	if (good == 0)
		good = n->unplanned.kind ? -1 : 0;
	if (good < 0 && !e.kind)
		e = n->unplanned;
	if (good == 0)
		good = signin_prepare(&l->plan, &e);
	if (good == 0)
		good = check_whose(&l->plan, t, &e);
	if (good == 0)
		good = signin_revoke(&l->plan, t, &e);
	n->revoked = good == 0;
	if (good < 0)
		not_told(n, e.text);
	else if (good > 0)
		no_way(n);
}

/* By who holds the lock: nobody gets another token meanwhile, which would not be ended.  One
 * that cannot be read, whatever is wrong with it, is gone afterwards as well: that is what a
 * person has asked for. */
static int end(struct ending *n, struct err *e)
{
	struct login *l = n->login;
	struct token t = { .obtained = 0 };
	int there = token_load(l->directory, l->account->name, &t, e);

	if (there != 1)
		credential_plan(l->account, &l->plan, &n->unplanned);
	n->was_there = there != 1;
	if (there == 0)
		tell_provider(n, &t);
	else if (there < 0)
		not_told(n, e->text);
	token_wipe(&t);
	/* The file goes last: while it is there, a second try finds what the first has left. */
	if (there != 1 && l->plan.save_command && keyring_forget(&l->plan, e) < 0)
		return err_context(e, "the keyring still has the token of '%s'", l->account->name);
	return there == 1 ? 0 : token_remove(l->directory, l->account->name, e);
}

static int forget(struct ending *n, struct err *e)
{
	struct login *l = n->login;
	int good, fd;

	l->directory = token_directory(l->account->scope == SCOPE_SYSTEM, e);
	if (!l->directory)
		return -1;
	fd = token_lock_within(l->directory, l->account->name, LOGIN_LOCK_SECONDS, e);
	if (fd < 0)
		return -1;
	good = end(n, e);
	close(fd);
	return good;
}

static void show_words(const struct ending *n)
{
	struct buf out = BUF_INIT(4096);

	if (n->why[0])
		buf_printf(&out, "sendoff: %s\n  next: %s\n", n->why, n->next);
	print_err(&out);
	buf_release(&out);
}

static void add_json(const struct ending *n, struct buf *out)
{
	json_t *object = json_pack("{s:s, s:s}", "event", n->was_there ? "signed-out" : "needless",
		"account", n->login->account->name);

	if (n->was_there)
		json_object_set_new(object, "revoked", json_boolean(n->revoked));
	if (n->why[0]) {
		json_object_set_new(object, "trouble", report_string(n->why));
		json_object_set_new(object, "next", report_string(n->next));
	}
	show_json(object, out);
}

static int show(const struct ending *n)
{
	const struct globals *globals = n->login->globals;
	struct buf out = BUF_INIT(8192);
	int code = 0;

	if (globals->json)
		add_json(n, &out);
	else
		buf_printf(&out, n->was_there ? "signed out: the token of '%s' is gone\n" :
			"account '%s' was not signed in\n", n->login->account->name);
	if (!globals->quiet) {
		if (!globals->json)
			show_words(n);
		code = print_out(&out);
	}
	buf_release(&out);
	return code;
}

static int log_out(struct login *l)
{
	struct ending n = { .login = l };
	struct err e = { 0 };

	if (login_find(l, "logout", &e) < 0)
		return print_failure(&e);
	if (login_by_file(l->account))
		return login_remove_password(l);
	if (login_mind_scope(l->account, "logout", &e) < 0)
		return print_failure(&e);
	if (forget(&n, &e) < 0) {
		if (n.why[0])
			show_words(&n);
		return print_failure(&e);
	}
	return show(&n);
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
