/* cmd/login_account.c - whose sign-in it is; see login.h. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "cmd/login.h"
#include "cred/oauth_rules.h"
#include "runner/scope.h"

int login_take_word(struct login *l, char **words, int count, const char *command, struct err *e)
{
	if (count > (l->globals->account ? 0 : 1)) {
		err_set(e, ERR_USAGE, "too many words: one account at a time");
		return err_hint(e, "see `sendoff help %s`", command);
	}
	l->w.word = count ? words[0] : NULL;
	return 0;
}

void login_release(struct login *l)
{
	oauth_plan_release(&l->plan);
	config_release(&l->config);
	token_wipe(&l->token);
	free(l->directory);
}

static int no_such_account(const struct login *l, const char *name, const char *command,
	struct err *e)
{
	char shown[120];

	text_clean_to(shown, sizeof(shown), name, strlen(name));
	if (l->config.denied && geteuid() != 0) {
		err_set(e, ERR_RIGHT, "there is no account '%s' in the files that this user may read",
			shown);
		return err_hint(e, "if it is the system's: sudo sendoff %s %s", command, shown);
	}
	err_set(e, ERR_USAGE, "there is no account '%s'", shown);
	return err_hint(e, "`sendoff config show` lists the accounts");
}

int login_find(struct login *l, const char *command, struct err *e)
{
	const char *name = l->w.word ? l->w.word : l->globals->account;

	if (config_load(&l->config, l->globals->config, e) < 0)
		return -1;
	if (!name)
		return l->w.status ? 0 : config_default(&l->config, &l->account, e);
	l->account = config_account(&l->config, name);
	return l->account ? 0 : no_such_account(l, name, command, e);
}

int login_mind_scope(const struct account *a, const char *command, struct err *e)
{
	if (a->scope != SCOPE_SYSTEM)
		return 0;
	if (a->source && geteuid() == 0)
		return scope_leave_root(e);
	if (a->source && !config_has_runner())
		return 0;
	err_set(e, ERR_RIGHT, "account '%s' is the system's", a->name);
	return err_hint(e, "root signs in for it: sudo sendoff %s %s", command,
		a->source ? a->name : "NAME");
}
/* ---- accounts that cannot, or need not */

/* One to a line in the table; here they get their numbers. */
static void add_step(const struct screen *screen, unsigned number, const char *text, size_t len,
	struct buf *out)
{
	struct screen_text step = { .screen = screen, .out = out, .column = 5, .hang = 5 };
	char *words = mem_copy(text, len);

	buf_printf(out, "%3u. ", number);
	screen_write(&step, STYLE_PLAIN, words);
	screen_end(&step);
	free(words);
}

/* An app that sends without a person is set up in another way. */
static const char *steps_of(const struct oauth_provider *p, enum oauth_flow flow)
{
	const char *steps = flow == OAUTH_FLOW_CLIENT ? p->client_steps :
		flow == OAUTH_FLOW_SERVICE ? p->key_steps : p->steps;

	return steps ? steps : p->steps;
}

void login_add_steps(const struct account *a, struct buf *out)
{
	const struct oauth_provider *p = account_oauth_provider(a);
	struct screen screen;
	unsigned number = 0;
	const char *line = p ? steps_of(p, oauth_flow_meant(&a->oauth)) : "";

	screen_look(&screen, STDERR_FILENO);
	if (p)
		buf_printf(out, "\nHow to get a client id from %s:\n", p->name);
	while (*line) {
		size_t len = strcspn(line, "\n");

		add_step(&screen, ++number, line, len, out);
		line += len + (line[len] == '\n');
	}
}

bool login_is_needless(const struct account *a, struct buf *out)
{
	const char *keys[SECRET_SOURCES];
	bool ticket = account_has_ticket(a) && !secret_configured(&a->secret);

	if (oauth_configured(&a->oauth) ||
	    (!secret_configured(&a->secret) && !ticket && account_oauth_provider(a)))
		return false;
	if (secret_sources(&a->secret, keys) > 0)
		buf_printf(out, "account '%s' logs in with a password, from %s: there is nothing to "
			"sign in to\n", a->name, keys[0]);
	else if (ticket)
		buf_printf(out, "account '%s' logs in with a Kerberos ticket, which kinit gets: there is "
			"nothing to sign in to\n", a->name);
	else if (account_logs_in(a))
		buf_printf(out, "account '%s' names neither a password nor an OAuth client\n", a->name);
	else
		buf_printf(out, "account '%s' sends without a login\n", a->name);
	buf_printf(out, "  test it: sendoff check %s\n", a->name);
	return true;
}

bool login_is_unattended(const struct oauth_plan *p)
{
	return p->flow == OAUTH_FLOW_CLIENT || p->flow == OAUTH_FLOW_SERVICE;
}
