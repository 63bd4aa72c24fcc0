/* cmd/check_account.c - whose login is checked, and with which secret; see check.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"
#include "cmd/check.h"
#include "cred/prompt.h"
#include "mail/address.h"
#include "probe/discover.h"
#include "runner/scope.h"

static bool alone(const struct check *c)
{
	return c->w.host || c->w.user || c->w.setting_count;
}

/* The account of the configuration that sends as that address. */
static const struct account *account_of_address(const struct config *c, const char *address)
{
	struct buf form = BUF_INIT(ADDRESS_PATH_MAX + 1);
	struct err ignored = { 0 };
	const struct account *found = NULL;

	if (address_parse_one(address, strlen(address), NULL, &form, &ignored) == 0)
		for (size_t i = 0; i < c->count && !found; i++)
			if (c->accounts[i].who.from && !strcasecmp(c->accounts[i].who.from,
					buf_text(&form)))
				found = &c->accounts[i];
	buf_release(&form);
	return found;
}

/* Where neither provider nor option says it, DNS is asked; a stage of its own. */
static int find_server(struct check *c, const struct unconfigured_words *w,
	struct srv_target *found, struct err *e)
{
	const char *domain = unconfigured_domain(w);
	struct report_stage *s;
	int good;

	if (!domain)
		return 0;
	s = report_stage_new(REPORT_SERVER);
	good = discover_server(w->address, domain, c->w.seconds * 1000 / 3, found, s, e);
	c->spent = s->ms;
	c->server_told = true;
	check_show_stage(&c->show, s);
	report_stage_free(&s);
	return good < 0 ? -1 : 1;
}

/* An account that stands in no file. */
static int make_account(struct check *c, struct err *e)
{
	struct unconfigured_words w = { .address = c->w.word, .host = c->w.host, .user = c->w.user,
		.port = c->w.port, .settings = c->w.settings, .setting_count = c->w.setting_count,
		.tls = c->w.tls == SMTP_TLS_UNSET ? NULL : smtp_tls_name(c->w.tls),
		.no_login = !c->w.user && !c->w.word };
	struct srv_target found;
	int looked;

	if (!w.address && !w.host && w.user && strchr(w.user, '@'))
		w.address = w.user;
	if (c->w.password_file && w.no_login && !w.address) {
		err_set(e, ERR_USAGE, "a password is of no use without a user");
		return err_hint(e, "name whom to log in as: --user NAME");
	}
	looked = find_server(c, &w, &found, e);

	if (looked < 0)
		return -1;
	if (looked)
		w.found = &found;
	if (unconfigured_make(&c->made, &w, process_home(), e) < 0)
		return -1;
	c->is_made = true;
	c->account = c->made.account;
	snprintf(c->why, sizeof(c->why), "%s", "it stands in no file");
	return 0;
}

/* What stands in a file, with what was said beside it. */
static int take_account(struct check *c, const struct account *a, struct err *e)
{
	struct buf origin = BUF_INIT(4096);

	c->account = *a;
	config_origin(&c->config, a, "tls", &origin);
	if (c->w.port)
		account_set_port(&c->account, strtol(c->w.port, NULL, 10),
			!strcmp(buf_text(&origin), "default"));
	buf_release(&origin);
	if (a->source)
		snprintf(c->place, sizeof(c->place), "%s, [account %s]", a->source->name, a->name);
	return c->w.tls != SMTP_TLS_UNSET ? account_set_tls(&c->account, c->w.tls, e) : 0;
}

/* What else may have been meant. */
static int hint_account(const struct check *c, const char *name, const char *shown, struct err *e)
{
	const char *near = NULL;
	size_t distance = 3;

	for (size_t i = 0; i < c->config.count; i++) {
		size_t d = text_distance(name, c->config.accounts[i].name);

		if (d < distance) {
			distance = d;
			near = c->config.accounts[i].name;
		}
	}
	if (near)
		return err_hint(e, "did you mean %s?", near);
	if (strchr(name, '.') || !strcmp(name, "localhost"))
		return err_hint(e, "if it is a server: sendoff check --host %s --user NAME", shown);
	return err_hint(e, "`sendoff config show` lists the accounts");
}

static int choose(struct check *c, struct err *e)
{
	const char *name = c->globals->account ? c->globals->account : c->w.word;
	const struct account *a = NULL;
	char shown[120];

	if (alone(c))
		return make_account(c, e);
	if (c->configured && name)
		a = config_account(&c->config, name);
	snprintf(c->why, sizeof(c->why), "%s", a ? "it was named" : !name ? "it is the default" :
		"it sends as that address");
	if (c->configured && name && !a && strchr(name, '@'))
		a = account_of_address(&c->config, name);
	if (!a && name && strchr(name, '@') && !c->globals->account)
		return make_account(c, e);
	if (!c->configured) {
		*e = c->config_err;
		if (name && strchr(name, '.') && !strchr(name, '/'))
			err_hint(e, "if %s is a server: sendoff check --host %s --user NAME",
				text_clean_to(shown, sizeof(shown), name, strlen(name)), shown);
		else if (!c->config.faulty && !c->config.denied && !c->globals->config)
			err_hint(e, "try an address at once: sendoff check you@example.com; or write "
				"one of these files (sendoff-config(5) has an example)");
		return -1;
	}
	if (!name) {
		if (config_default(&c->config, &a, e) < 0)
			return -1;
	} else if (!a) {
		text_clean_to(shown, sizeof(shown), name, strlen(name));
		err_set(e, ERR_USAGE, "there is no account '%s'", shown);
		return hint_account(c, name, shown, e);
	}
	return take_account(c, a, e);
}

/* System accounts are the runner's: root becomes its user, everybody else speaks with
 * its socket, as their mail does. */
static int mind_scope(struct check *c, struct err *e)
{
	if (c->is_made || c->account.scope != SCOPE_SYSTEM)
		return 0;
	if (geteuid() == 0)
		return scope_leave_root(e);
	if (config_has_runner())
		c->account = *config_runner_account();
	return 0;
}

int check_choose(struct check *c, struct err *e)
{
	c->configured = config_load(&c->config, c->globals->config, &c->config_err) == 0;
	return choose(c, e) < 0 ? -1 : mind_scope(c, e);
}

/* ---- its secret */

static int ask_secret(struct check *c, struct err *e)
{
	struct secret_settings *set = &c->account.secret;
	char question[600], user[200], where[320];

	text_clean_to(user, sizeof(user), c->account.sasl.user, strlen(c->account.sasl.user));
	account_where(&c->account, where, sizeof(where));
	snprintf(question, sizeof(question), "Password of %s at %s: ", user, where);
	if (prompt_secret(question, &set->given, e) < 0) {
		if (e->cause && !strcmp(e->cause, "no-terminal"))
			err_hint(e, "call it at a terminal, or give --password-file FILE (- is "
				"standard input)");
		return -1;
	}
	snprintf(c->secret_from, sizeof(c->secret_from), "typed in");
	return 0;
}

/* Where it comes from, in words; what is not in a file or variable is asked for now. */
int check_find_secret(struct check *c, struct err *e)
{
	struct secret_settings *set = &c->account.secret;

	if (c->w.password_file)   /* which then stands instead of a sign-in */
		c->account.oauth = (struct oauth_settings){ .flow = OAUTH_FLOW_AUTO };
	if (c->w.password_file && !strcmp(c->w.password_file, "-")) {
		snprintf(c->secret_from, sizeof(c->secret_from), "from standard input");
		return read_secret_line((unsigned)c->w.seconds, &set->given, e);
	}
	if (c->w.password_file) {
		*set = (struct secret_settings){ .file = c->file = mem_string(c->w.password_file) };
	} else if (set->asked && !config_in_environment() && process_env("SENDOFF_PASSWORD")) {
		*set = (struct secret_settings){ .env = c->file = mem_string("SENDOFF_PASSWORD") };
	} else if (set->asked && !config_in_environment() &&
		   process_env("SENDOFF_PASSWORD_FILE")) {
		*set = (struct secret_settings){ .file = c->file =
			mem_string(process_env("SENDOFF_PASSWORD_FILE")) };
	}
	if (set->asked)
		return ask_secret(c, e);
	if (account_signs_in(&c->account))
		snprintf(c->secret_from, sizeof(c->secret_from), "an access token of OAuth");
	else
		secret_describe(set, c->secret_from);
	return 0;
}
