/* deliver/account.c - the tables put together; see account.h. */
#include "deliver/account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "mail/address.h"

enum { PORT_IMPLICIT = 465, PORT_SUBMISSION = 587, PORT_PLAIN = 25 };

static const struct key_choice rewrite_choices[] = {
	{ "auto", REWRITE_AUTO }, { "never", REWRITE_NEVER }, { "always", REWRITE_ALWAYS },
	{ NULL, 0 }
};

#define WHO(type, field) type, offsetof(struct who_settings, field)
static const struct key who_keys[] = {
	{ "description", WHO(KEY_TEXT, description), NULL, "what the account is, for people",
		.choices = NULL },
	{ "from", WHO(KEY_WORD, from), NULL, "the account's address", .choices = NULL },
	{ "from_name", WHO(KEY_TEXT, from_name), NULL,
		"display name where a rewritten From has none", .choices = NULL },
	{ "match", WHO(KEY_LIST, match), NULL, "senders that choose this account, as *@example.com",
		.choices = NULL },
	{ "allowed_from", WHO(KEY_LIST, allowed_from), NULL,
		"further addresses that this account may send as", .choices = NULL },
	{ "rewrite_from", WHO(KEY_CHOICE, rewrite_from), "auto",
		"auto, never or always: put the account's address in place of others",
		.choices = rewrite_choices },
	{ .name = NULL }
};

#define GLOBAL(type, field) type, offsetof(struct global_settings, field)
static const struct key own_global_keys[] = {
	{ "default", GLOBAL(KEY_WORD, default_account), NULL,
		"account for mail that no other is chosen for", .choices = NULL },
	{ "domain", GLOBAL(KEY_WORD, domain), NULL, "domain for bare names, as root",
		.choices = NULL },
	{ .name = NULL }
};

const struct conf_table account_tables[] = {
	{ who_keys, offsetof(struct account, who) },
	{ net_keys, offsetof(struct account, net) },
	{ smtp_keys, offsetof(struct account, smtp) },
	{ tls_keys, offsetof(struct account, tls) },
	{ sasl_keys, offsetof(struct account, sasl) },
	{ secret_keys, offsetof(struct account, secret) },
	{ NULL, 0 }
};

const struct conf_table global_tables[] = {
	{ own_global_keys, 0 },
	{ log_keys, offsetof(struct global_settings, log) },
	{ NULL, 0 }
};

bool account_logs_in(const struct account *a)
{
	if (a->sasl.mechanisms.count == 1 && !strcasecmp(a->sasl.mechanisms.items[0], "none"))
		return false;
	return a->sasl.user || a->sasl.mechanisms.count || secret_configured(&a->secret);
}

bool account_mixes_up(const struct account *a)
{
	return a->net.port == PORT_IMPLICIT && a->smtp.tls != SMTP_TLS_IMPLICIT;
}

void account_where(const struct account *a, char *out, size_t size)
{
	bool literal = strchr(a->net.host, ':') && a->net.host[0] != '[';
	char shown[300];

	text_clean_to(shown, sizeof(shown), a->net.host, strlen(a->net.host));
	snprintf(out, size, literal ? "[%s]:%ld" : "%s:%ld", shown, a->net.port);
}

static void finish_port(struct account *a)
{
	if (a->smtp.tls == SMTP_TLS_UNSET)
		a->smtp.tls = a->net.port == PORT_IMPLICIT ? SMTP_TLS_IMPLICIT : SMTP_TLS_STARTTLS;
	if (!a->net.port)
		a->net.port = a->smtp.tls == SMTP_TLS_IMPLICIT ? PORT_IMPLICIT :
			a->smtp.tls == SMTP_TLS_OFF ? PORT_PLAIN : PORT_SUBMISSION;
}

/* "~/x" becomes HOME/x. */
static int expand(char **path, const char *home, struct err *e)
{
	char *whole;

	if (!*path || (*path)[0] != '~')
		return 0;
	if (!home)
		return err_set(e, ERR_CONFIG, "'~' in a path cannot be resolved: no home directory");
	whole = mem_printf("%s%s", home, *path + 1);
	free(*path);
	*path = whole;
	return 0;
}

static int expand_paths(struct account *a, const char *home, struct err *e)
{
	for (size_t i = 0; i < a->tls.ca_files.count; i++)
		if (expand(&a->tls.ca_files.items[i], home, e) < 0)
			return -1;
	if (expand(&a->tls.cert, home, e) < 0 || expand(&a->tls.key, home, e) < 0)
		return -1;
	return expand(&a->secret.file, home, e);
}

static int to_envelope_form(char **address, const char *key, struct err *e)
{
	struct buf out = BUF_INIT(ADDRESS_PATH_MAX + 1);

	if (!*address)
		return 0;
	if (address_parse_one(*address, strlen(*address), NULL, &out, e) < 0 || !out.len ||
	    !strchr(buf_text(&out), '@')) {
		buf_release(&out);
		return err_set(e, ERR_CONFIG, "%s is not a whole address, as name@example.com", key);
	}
	free(*address);
	*address = buf_take(&out);
	return 0;
}

/* What EHLO may name, in ASCII. */
static int to_domain_form(char **domain, const char *key, struct err *e)
{
	struct buf out = BUF_INIT(ADDRESS_PATH_MAX + 1);

	if (!*domain)
		return 0;
	if (address_write("x", *domain, NULL, &out, e) < 0) {
		buf_release(&out);
		err_set(e, ERR_CONFIG, "%s is neither the name of a host nor an address in brackets",
			key);
		return err_hint(e, "without it a name is found that fits");
	}
	free(*domain);
	*domain = mem_string(buf_text(&out) + 2);
	buf_release(&out);
	return 0;
}

static int check_login(const struct account *a, struct err *e)
{
	bool secret = secret_configured(&a->secret);

	if (!account_logs_in(a))
		return 0;
	if (secret && !a->sasl.user) {
		err_set(e, ERR_CONFIG, "there is a password but no user");
		return err_hint(e, "add the key user, usually your whole address");
	}
	if (!secret && !a->tls.cert) {
		err_set(e, ERR_CONFIG, "there is a login but no password");
		return err_hint(e, "add one of password_command, password_file, password_env, password; "
			"or auth = none when the server asks for no login");
	}
	if (!a->tls.verify && secret) {
		err_set(e, ERR_CONFIG, "tls_verify = no together with a password would give it to anyone");
		return err_hint(e, "set tls_pin to the server's key, or tls_ca_file to the authority "
			"that signed it");
	}
	return 0;
}

int account_finish(struct account *a, const char *home, struct err *e)
{
	bool good;

	if (!a->net.host) {
		err_set(e, ERR_CONFIG, "account '%s' has no host", a->name);
		return err_hint(e, "add: host = the name of your provider's submission server");
	}
	finish_port(a);
	if (a->secret.env)   /* from the password commands of other accounts too */
		secret_hide(a->secret.env);
	good = expand_paths(a, home, e) == 0 && to_envelope_form(&a->who.from, "from", e) == 0 &&
		to_domain_form(&a->smtp.ehlo, "ehlo", e) == 0 &&
		secret_settings_check(&a->secret, e) == 0 &&
		sasl_settings_check(&a->sasl, e) == 0 && tls_settings_check(&a->tls, e) == 0 &&
		check_login(a, e) == 0;
	for (size_t i = 0; good && i < a->who.allowed_from.count; i++)
		good = to_envelope_form(&a->who.allowed_from.items[i], "allowed_from", e) == 0;
	return good ? 0 : err_context(e, "account '%s'", a->name);
}

void account_release(struct account *a)
{
	conf_clear(account_tables, a);
	free(a->name);
	a->name = NULL;
}
