/* deliver/config_look.c - the files that settings name, looked at for who tests a
 * configuration; see config.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/process.h"
#include "deliver/config_state.h"
#include "deliver/credential.h"

struct look {
	const struct account *account;
	bool others;               /* another user sends for it: the runner's */
	config_seen *seen;
	void *context;
};

static bool is_denied(const struct err *e)
{
	return e->sys_errno == EACCES || e->sys_errno == EPERM;
}

/* Who may not read it cannot tell either whether it belongs to whom it should. */
static bool is_anothers(const struct look *l, const char *key, const struct err *e)
{
	bool secret = strcmp(key, "tls_ca_file") != 0 && strcmp(key, "tls_crl_file") != 0 &&
		strcmp(key, "tls_cert") != 0 && strcmp(key, "tls_priority") != 0;

	return l->others && (is_denied(e) || (secret && e->sys_errno != ENOENT));
}

static bool is_cause(const struct err *e, const char *id)
{
	return e->cause && !strcmp(e->cause, id);
}

static enum config_sight sight_of(const struct look *l, const char *key, struct err *e)
{
	if (!key || (e->kind != ERR_CONFIG && e->kind != ERR_SECRET))
		return CONFIG_WARNING;
	if (is_cause(e, "password-variable-unset") ||
	    (is_cause(e, "credential-absent") && !process_env("CREDENTIALS_DIRECTORY")))
		return CONFIG_NOTE;
	if (is_anothers(l, key, e)) {
		err_hint(e, "it is for the system's runner to read: `sudo sendoff config check` looks at it "
			"as that one");
		return CONFIG_NOTE;
	}
	if (is_denied(e))
		err_hint(e, "user %s sends, and must be able to read it: see its owner and mode (ls -l), and "
			"those of the directories above it", process_user());
	return CONFIG_MISTAKE;
}

/* tls_looked */
static void found(void *context, const char *key, const struct err *why)
{
	const struct look *l = context;
	const struct conf_source *src = l->account->source;
	const struct conf_entry *entry = key ? conf_find(src, CONF_ACCOUNT, l->account->name, key) : NULL;
	struct err e = *why;
	enum config_sight sight = sight_of(l, key, &e);

	if (entry && entry->line)
		err_context(&e, "%s:%u", src->name, entry->line);
	else
		err_context(&e, "%s: account '%s'", src->name, l->account->name);
	l->seen(l->context, l->account, sight, &e);
}

static void look_at_secret(struct look *l)
{
	const struct account *a = l->account;
	struct secret_login login = { a->net.host, a->net.port, a->sasl.user, NULL };
	const char *keys[SECRET_SOURCES];
	struct err e = { 0 };

	if (!account_logs_in(a) || !secret_sources(&a->secret, keys))
		return;
	if (secret_look(&a->secret, &login, &e) < 0)
		found(l, keys[0], &e);
	free(login.found);
}

/* The setting whose file a plan cannot do with, as its error begins; NULL: it lacks something
 * else. */
static const char *key_file_of(const struct err *e)
{
	static const char *const keys[] = { "oauth_service_account", "oauth_certificate" };

	for (size_t i = 0; i < COUNT(keys); i++) {
		size_t len = strlen(keys[i]);

		if (!strncmp(e->text, keys[i], len) && e->text[len] == ':')
			return keys[i];
	}
	return NULL;
}

/* What keeps it from being signed in, before anybody tries; most of that may come later. */
static void look_at_sign_in(struct look *l)
{
	const struct account *a = l->account;
	struct oauth_plan plan = { .provider = NULL };
	struct err e = { 0 };
	const char *key;

	if (credential_exists(a, &e) < 0 ||
	    (account_signs_in(a) && credential_plan(a, &plan, &e) < 0)) {
		key = key_file_of(&e);
		if (key)
			found(l, key, &e);
		else
			l->seen(l->context, a, CONFIG_WARNING, &e);
	}
	oauth_plan_release(&plan);
}

void config_look(const struct account *a, config_seen *seen, void *context)
{
	struct look l = { a, a->scope == SCOPE_SYSTEM && geteuid() != 0 && config_has_runner(),
		seen, context };

	if (!a->source)   /* the runner's socket */
		return;
	if (a->smtp.tls != SMTP_TLS_OFF)
		tls_look(&a->tls, found, &l);
	look_at_secret(&l);
	look_at_sign_in(&l);
}
