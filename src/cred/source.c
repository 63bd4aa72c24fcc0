/* cred/source.c - fetching a secret from where the user keeps it; see source.h. */
#include "cred/source.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"
#include "cred/granted.h"
#include "cred/netrc.h"

enum { READ_MAX = SECRET_MAX + 2 };   /* with CR LF */

#define SOURCE(kind, field) .type = kind, .offset = offsetof(struct secret_settings, field)
const struct key secret_keys[] = {
	{ .name = "password", SOURCE(KEY_SECRET, password),
		.help = "the password itself; password_command is safer" },
	{ .name = "password_command", SOURCE(KEY_TEXT, command),
		.help = "command that prints the password" },
	{ .name = "password_file", SOURCE(KEY_PATH, file),
		.help = "file that holds the password and nothing else" },
	{ .name = "password_env", SOURCE(KEY_WORD, env),
		.help = "environment variable that holds the password" },
	{ .name = "credential", SOURCE(KEY_WORD, credential),
		.help = "name of a systemd credential that is the password" },
	{ .name = "netrc", SOURCE(KEY_PATH, netrc),
		.help = "file as ~/.netrc or ~/.authinfo, with the password of the host" },
	{ .name = NULL }
};

struct secret_fetch {
	struct command_run *run;  /* own */
	secret_done *done;
	void *context;
};

/* ---- what children must not see */

static const char **hidden;   /* own, as its strings are; NULL-terminated */
static size_t hidden_count;

void secret_hide(const char *name)
{
	for (size_t i = 0; i < hidden_count; i++)
		if (!strcmp(hidden[i], name))
			return;
	hidden = mem_grow(hidden, hidden_count + 2, sizeof(*hidden));
	hidden[hidden_count++] = mem_string(name);
	hidden[hidden_count] = NULL;
}

const char *const *secret_hidden_variables(void)
{
	secret_hide("SENDOFF_PASSWORD");
	return hidden;
}

/* ---- what is set */

unsigned secret_sources(const struct secret_settings *set, const char *keys[SECRET_SOURCES])
{
	const bool there[] = { set->password.data, set->command, set->file, set->env,
		set->credential, set->netrc };
	unsigned count = 0;

	for (size_t i = 0; i < SECRET_SOURCES; i++)
		if (there[i])
			keys[count++] = secret_keys[i].name;
	return count;
}

bool secret_configured(const struct secret_settings *set)
{
	const char *keys[SECRET_SOURCES];

	return set->asked || set->given.data || secret_sources(set, keys) > 0;
}

void secret_describe(const struct secret_settings *set, char out[SECRET_FROM_MAX])
{
	const char *what = set->file ? set->file : set->env ? set->env :
		set->credential ? set->credential : set->netrc ? set->netrc : "";
	char shown[SECRET_FROM_MAX - 40];

	text_clean_to(shown, sizeof(shown), what, strlen(what));
	if (set->command)
		snprintf(out, SECRET_FROM_MAX, "from password_command");
	else if (!what[0])
		snprintf(out, SECRET_FROM_MAX, "from the configuration file");
	else
		snprintf(out, SECRET_FROM_MAX, "from the %s %s", set->file ? "file" :
			set->env ? "variable" : set->credential ? "systemd credential" :
			"netrc file", shown);
}

char *secret_path(const struct secret_settings *set)
{
	if (set->credential)
		return granted_path(set->credential);
	return set->file ? mem_string(set->file) : set->netrc ? mem_string(set->netrc) : NULL;
}

int secret_settings_check(const struct secret_settings *set, struct err *e)
{
	const char *end = set->netrc ? strrchr(set->netrc, '.') : NULL;

	if (set->env && (!set->env[0] || strchr(set->env, '=')))
		return err_set(e, ERR_CONFIG, "password_env is not the name of a variable");
	if (end && (!strcmp(end, ".gpg") || !strcmp(end, ".asc"))) {
		err_set(e, ERR_CONFIG, "netrc names a file that is encrypted");
		return err_hint(e, "let a command decrypt it: password_command = gpg -q -d FILE | "
			"..., printing the password alone");
	}
	return set->credential ? granted_check(set->credential, e) : 0;
}

/* ---- sources */

/* Hands the secret over, or says why it will not do. */
static void hand_over(const char *source, struct secret *s, secret_done *done, void *context)
{
	struct err e = { 0 };

	secret_chomp(s);
	if (s->len > SECRET_MAX)
		err_set(&e, ERR_SECRET, "%s gives more than %d octets", source, SECRET_MAX);
	else if (!s->len)
		err_set(&e, ERR_SECRET, "%s gives nothing: the password is empty", source);
	else if (memchr(s->data, '\0', s->len))
		err_set(&e, ERR_SECRET, "%s gives a NUL octet, which no password has", source);
	if (e.kind) {
		err_cause(&e, s->len ? "secret-unusable" : "secret-empty");
		secret_wipe(s);
	}
	done(context, e.kind ? NULL : s, &e);
}

static void no_file(const char *key, struct err *e, secret_done *done, void *context)
{
	if (e->kind == ERR_CONFIG)
		e->kind = ERR_SECRET;
	err_context(e, "%s", key);
	if (!e->cause)
		err_cause(e, "password-file-unreadable");
	done(context, NULL, e);
}

static void fetch_file(const char *path, secret_done *done, void *context)
{
	struct buf text = BUF_INIT(READ_MAX);
	struct secret s = { NULL, 0 };
	struct err e = { 0 };

	buf_reserve(&text, READ_MAX);   /* never grows, so leaves no copy */
	if (file_read(path, FILE_SECRET, &text, &e) == FILE_OK) {
		secret_set(&s, buf_text(&text), text.len);
		buf_wipe(&text);
		hand_over("password_file", &s, done, context);
	} else {
		buf_wipe(&text);
		no_file("password_file", &e, done, context);
	}
}

static void fetch_env(const char *name, secret_done *done, void *context)
{
	const char *value = process_env(name);
	struct secret s = { NULL, 0 };
	struct err e = { 0 };
	char shown[128];

	secret_hide(name);
	if (value) {
		secret_set(&s, value, strnlen(value, READ_MAX + 1));
		hand_over("password_env", &s, done, context);
		return;
	}
	text_clean_to(shown, sizeof(shown), name, strlen(name));
	err_set(&e, ERR_SECRET, "password_env: the variable %s is not set", shown);
	err_cause(&e, "password-variable-unset");
	done(context, NULL, &e);
}

static void fetch_credential(const char *name, secret_done *done, void *context)
{
	struct buf text = BUF_INIT(READ_MAX);
	struct secret s = { NULL, 0 };
	struct err e = { 0 };

	buf_reserve(&text, READ_MAX);
	if (granted_read(name, &text, &e) == 0) {
		secret_set(&s, buf_text(&text), text.len);
		buf_wipe(&text);
		hand_over("credential", &s, done, context);
	} else {
		buf_wipe(&text);
		no_file("credential", &e, done, context);
	}
}

/* The user of the account, or else of the entry. */
static int find_entry(const char *path, const struct buf *text, struct secret_login *login,
	struct secret *s, struct err *e)
{
	struct netrc_wanted wanted = { login->host, login->port, login->user };
	struct netrc_entry entry;
	char shown[256];

	text_clean_to(shown, sizeof(shown), path, strlen(path));
	if (netrc_find(buf_text(text), text->len, &wanted, &entry, e) < 0)
		return err_context(e, "'%s'", shown);
	if (!login->user && (!entry.login || !entry.login[0])) {
		netrc_release(&entry);
		err_set(e, ERR_SECRET, "'%s': the entry names no login, and the account no user",
			shown);
		err_hint(e, "add the key user, usually your whole address");
		return err_cause(e, "netrc-no-entry");
	}
	if (!login->user) {
		login->found = entry.login;
		entry.login = NULL;
	}
	*s = entry.password;
	entry.password = (struct secret){ NULL, 0 };
	netrc_release(&entry);
	return 0;
}

static void fetch_netrc(const char *path, struct secret_login *login, secret_done *done,
	void *context)
{
	struct buf text = BUF_INIT(NETRC_MAX);
	struct secret s = { NULL, 0 };
	struct err e = { 0 };
	bool good;

	buf_reserve(&text, NETRC_MAX);
	good = file_read(path, FILE_SECRET, &text, &e) == FILE_OK &&
		find_entry(path, &text, login, &s, &e) == 0;
	buf_wipe(&text);
	if (good)
		hand_over("netrc", &s, done, context);
	else
		no_file("netrc", &e, done, context);
}

static void command_ended(void *context, struct secret *s, struct err *e)
{
	struct secret_fetch *f = context;

	if (s)
		hand_over("password_command", s, f->done, f->context);
	else
		f->done(f->context, NULL, e);
}

static struct secret_fetch *run_command(struct loop *l, const char *command, secret_done *done,
	void *context)
{
	const struct command_call c = { .key = "password_command", .line = command,
		.hidden = secret_hidden_variables(), .most = SECRET_MAX };
	struct secret_fetch *f = mem_alloc(sizeof(*f));

	f->done = done;
	f->context = context;
	f->run = command_start(l, &c, command_ended, f);
	if (f->run)
		return f;
	free(f);
	return NULL;
}

static void nothing_set(const struct secret_settings *set, secret_done *done, void *context)
{
	struct err e = { 0 };

	if (set->asked) {
		err_set(&e, ERR_SECRET, "no password was given");
	} else {
		err_set(&e, ERR_SECRET, "no password is configured");
		err_hint(&e, "set one of password_command, password_file, credential, netrc, "
			"password_env, password");
	}
	done(context, NULL, &e);
}

struct secret_fetch *secret_fetch_start(struct loop *l, const struct secret_settings *set,
	struct secret_login *login, secret_done *done, void *context)
{
	struct secret s = { NULL, 0 };

	process_hold_secret();
	if (set->given.data) {
		secret_set(&s, set->given.data, set->given.len);
		hand_over("the answer", &s, done, context);
	} else if (set->command) {
		return run_command(l, set->command, done, context);
	} else if (set->file) {
		fetch_file(set->file, done, context);
	} else if (set->env) {
		fetch_env(set->env, done, context);
	} else if (set->credential) {
		fetch_credential(set->credential, done, context);
	} else if (set->netrc) {
		fetch_netrc(set->netrc, login, done, context);
	} else if (set->password.data) {
		secret_set(&s, set->password.data, set->password.len);
		hand_over("password", &s, done, context);
	} else {
		nothing_set(set, done, context);
	}
	return NULL;
}

void secret_fetch_free(struct secret_fetch **fp)
{
	struct secret_fetch *f = *fp;

	if (!f)
		return;
	command_free(&f->run);
	free(f);
	*fp = NULL;
}

/* secret_done */
static void looked(void *context, struct secret *s, struct err *e)
{
	if (s)
		secret_wipe(s);
	else
		*(struct err *)context = *e;
}

int secret_look(const struct secret_settings *set, struct secret_login *login, struct err *e)
{
	if (set->command || !secret_configured(set))
		return 0;
	secret_fetch_start(NULL, set, login, looked, e);
	return e->kind == ERR_NONE ? 0 : -1;
}
