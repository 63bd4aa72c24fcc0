/* cmd/login_password.c - an account with a password_file: its password is stored, or removed;
 * see login.h.
 *
 * Nothing is tried out with it: that is what `sendoff check` does.
 */
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cmd/login.h"
#include "cred/password_file.h"
#include "cred/prompt.h"

bool login_by_file(const struct account *a)
{
	return a->secret.file && !oauth_configured(&a->oauth);
}

/* The runner's user is to read what root writes for it. */
static int mind_scope(const struct account *a, const char *command, gid_t *group, struct err *e)
{
	const struct group *runners;

	*group = (gid_t)-1;
	if (a->scope != SCOPE_SYSTEM || geteuid() != 0)
		return login_mind_scope(a, command, e);
	runners = getgrnam(CONFIG_RUNNER_USER);
	if (runners)
		*group = runners->gr_gid;
	return 0;
}

static int ask(const struct account *a, struct secret *out, struct err *e)
{
	char question[600], user[200], where[320];

	if (!isatty(STDIN_FILENO))
		return read_secret_line(PROMPT_SECONDS, out, e);
	text_clean_to(user, sizeof(user), a->sasl.user ? a->sasl.user : a->name,
		strlen(a->sasl.user ? a->sasl.user : a->name));
	account_where(a, where, sizeof(where));
	snprintf(question, sizeof(question), "Password of %s at %s: ", user, where);
	return prompt_secret(question, out, e);
}

static int store(const struct login *l, struct err *e)
{
	const struct account *a = l->account;
	struct secret password = { NULL, 0 };
	gid_t group;
	int result;

	if (l->w.flow != OAUTH_FLOW_AUTO || l->w.no_browser) {
		err_set(e, ERR_USAGE, "account '%s' has a password, from password_file, and nobody signs in "
			"by a browser", a->name);
		return err_hint(e, "leave --flow and --no-browser out");
	}
	if (mind_scope(a, "login", &group, e) < 0 || password_file_try(a->secret.file, e) < 0 ||
	    ask(a, &password, e) < 0)
		return -1;
	result = password_file_save(a->secret.file, &password, group, e);
	secret_wipe(&password);
	return result;
}

/* "stored: the password of 'work' is in /home/me/.work" */
static int tell(const struct login *l, const char *event, const char *before, const char *between)
{
	const struct account *a = l->account;
	struct buf out = BUF_INIT(8192), path = BUF_INIT(4096);
	int code = 0;

	text_clean(a->secret.file, strlen(a->secret.file), 1024, &path);
	if (l->globals->json)
		print_json(&out, (const char *[]){ "event", event, "account", a->name, "file",
			buf_text(&path), NULL });
	else
		buf_printf(&out, "%s '%s'%s %s\n", before, a->name, between, buf_text(&path));
	if (!l->globals->json && !strcmp(event, "password-stored"))
		buf_printf(&out, "  test it: sendoff check %s\n", a->name);
	if (!l->globals->quiet)
		code = print_out(&out);
	buf_release(&path);
	buf_release(&out);
	return code;
}

int login_store_password(const struct login *l)
{
	struct err e = { 0 };

	if (store(l, &e) < 0)
		return print_failure(&e);
	return tell(l, "password-stored", "stored: the password of", " is in");
}

/* What a person has typed in nobody gives back: the default account is not meant by accident. */
static int must_be_named(const struct login *l, struct err *e)
{
	if (l->w.word || l->globals->account)
		return 0;
	err_set(e, ERR_USAGE, "logout removes the password of account '%s', and it was not named",
		l->account->name);
	return err_hint(e, "if that is meant: sendoff logout %s", l->account->name);
}

int login_remove_password(const struct login *l)
{
	struct err e = { 0 };
	gid_t group;
	int result = must_be_named(l, &e);

	if (result == 0)
		result = mind_scope(l->account, "logout", &group, &e);
	if (result == 0)
		result = password_file_remove(l->account->secret.file, &e);
	if (result < 0)
		return print_failure(&e);
	return result == 0 ? tell(l, "password-removed", "removed: the password of", ", which was in") :
		tell(l, "needless", "there is no password of", " in");
}
