/* deliver/credential.c - a password or a token; see credential.h. */
#include "deliver/credential.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cred/token.h"
#include "deliver/provided.h"

struct credential_fetch {
	struct secret_fetch *password;   /* own; one of both */
	struct token_fetch *token;       /* own */
	struct oauth_plan plan;          /* own */
	char *directory;                 /* own; of the tokens */
	secret_done *done;
	void *context;
	char **user;                     /* borrowed */
	struct secret_login login;
	bool over;                       /* it was told */
};

/* ---- fetching */

/* A place to write to is what is missing, and not a process or memory; what is wrong with the
 * file of a token comes with a next step of its own. */
static bool is_disks(const struct err *e)
{
	return !e->cause && !e->hint[0] && e->sys_errno && e->sys_errno != EAGAIN &&
		e->sys_errno != ENOMEM && e->sys_errno != EMFILE && e->sys_errno != ENFILE;
}

bool credential_blame_provider(struct err *e)
{
	switch (e->kind) {
	case ERR_NAME:
	case ERR_NAME_AGAIN:
	case ERR_CONNECT:
	case ERR_TIMEOUT:
	case ERR_LOST:
	case ERR_TLS:
		if (!e->cause)
			err_cause(e, "oauth-unreachable");
		return true;
	case ERR_CERT:
		if (!e->cause)
			err_cause(e, "oauth-certificate");
		return true;
	default:
		return false;
	}
}

static void name_trouble(struct err *e)
{
	if (e->kind == ERR_SECRET && is_disks(e))
		err_cause(e, "token-not-stored");
	if (credential_blame_provider(e))
		err_context(e, "there is no new access token");
}

static void fetched(void *context, struct secret *s, struct err *e)
{
	struct credential_fetch *f = context;

	f->over = true;
	if (f->login.found) {
		free(*f->user);
		*f->user = f->login.found;
		f->login.found = NULL;
	}
	if (!s && f->directory)
		name_trouble(e);
	f->done(f->context, s, e);   /* which frees f, unless nobody has it yet */
}

/* A provider that is known by its URLs alone may be as private as a mail server is. */
static char *own_roots(const struct account *a)
{
	for (size_t i = 0; i < a->tls.ca_files.count; i++)
		if (strchr(a->tls.ca_files.items[i], '/'))
			return mem_string(a->tls.ca_files.items[i]);
	return NULL;
}

int credential_plan(const struct account *a, struct oauth_plan *out, struct err *e)
{
	const struct preset *known = provided_preset(a);

	if (oauth_plan(&a->oauth, a->name, known ? known->id : NULL, a->sasl.user, out, e) < 0)
		return -1;
	if (!out->provider)
		out->ca_file = own_roots(a);
	if (a->net.proxy.data)
		secret_set(&out->proxy, a->net.proxy.data, a->net.proxy.len);
	return 0;
}

int credential_exists(const struct account *a, struct err *e)
{
	char command[TOKEN_COMMAND_MAX];

	if (!account_wants_secret(a) || a->secret.given.data)
		return 0;
	token_command(a->scope == SCOPE_SYSTEM, a->name, command);
	err_set(e, ERR_SECRET, "there is a login but no password");
	err_cause(e, "login-without-means");
	return err_hint(e, "add one of password_command, password_file, credential, netrc, password; "
		"or, to sign in by OAuth, call %s, which tells what it takes", command);
}

/* A message can wait for that place. */
static char *open_store(const struct account *a, struct err *e)
{
	char *directory = token_directory(a->scope == SCOPE_SYSTEM, e);

	if (directory)
		return directory;
	if (e->kind == ERR_STORE)
		err_cause(e, "token-not-stored");
	e->kind = ERR_SECRET;
	if (!e->hint[0])
		err_hint(e, "let the user who runs sendoff write there");
	return NULL;
}

static void start_token(struct credential_fetch *f, struct loop *l, const struct account *a,
	const char *refused)
{
	struct token_settings set = { .plan = &f->plan, .refused = refused };
	struct err e = { 0 };

	if (credential_plan(a, &f->plan, &e) == 0)
		f->directory = open_store(a, &e);
	set.directory = f->directory;
	if (f->directory)
		f->token = token_fetch_start(l, &set, fetched, f);
	else
		fetched(f, NULL, &e);
}

struct credential_fetch *credential_fetch_start(struct loop *l, const struct account *a,
	const char *refused, char **user, secret_done *done, void *context)
{
	struct credential_fetch *f = mem_alloc(sizeof(*f));

	f->done = done;
	f->context = context;
	f->user = user;
	f->login = (struct secret_login){ a->net.host, a->net.port, a->sasl.user, NULL };
	/* What was fetched before (a check does) counts before all sources. */
	if (account_signs_in(a) && !a->secret.given.data)
		start_token(f, l, a, refused);
	else
		f->password = secret_fetch_start(l, &a->secret, &f->login, fetched, f);
	if (f->over)
		credential_fetch_free(&f);
	return f;
}

void credential_fetch_free(struct credential_fetch **fp)
{
	struct credential_fetch *f = *fp;

	if (!f)
		return;
	secret_fetch_free(&f->password);
	token_fetch_free(&f->token);
	oauth_plan_release(&f->plan);
	free(f->directory);
	free(f);
	*fp = NULL;
}

bool credential_is_new(const struct credential_fetch *f)
{
	return f && f->token && token_fetch_waited(f->token);
}

const char *credential_warning(const struct credential_fetch *f)
{
	return f && f->token ? token_fetch_warning(f->token) : "";
}

uint64_t credential_patience(const struct account *a)
{
	if (account_signs_in(a))   /* a keyring is read, and written */
		return (TOKEN_FETCH_SECONDS + (a->oauth.load_command ? 2 * SECRET_COMMAND_SECONDS : 0)) *
			1000;
	return a->secret.command ? SECRET_COMMAND_SECONDS * 1000 : 0;
}

/* ---- a token that is not taken */

/* It is the token that was refused, and not its user, its scope or this kind of login. */
static bool is_about_token(const struct account *a, const struct smtp_failure *f)
{
	const struct cause *cause;

	if (f->err.kind != ERR_NONE || f->result.step != STEP_AUTH || f->result.code < 530)
		return false;
	cause = cause_of_result(&f->result, a->net.host);
	return !strcmp(cause->id, "token-refused") || !strcmp(cause->id, "token-expired");
}

bool credential_renews(const struct account *a, const struct secret *used,
	const struct smtp_failure *f, char digest[DIGEST_HEX + 1])
{
	char *directory;
	struct err ignored = { 0 };

	if (!account_signs_in(a) || !used->data || !is_about_token(a, f) ||
	    !digest_of(used->data, used->len, digest))
		return false;
	directory = token_directory(a->scope == SCOPE_SYSTEM, &ignored);
	if (directory)
		token_refuse(directory, a->name, used, &ignored);
	free(directory);
	return true;
}

char *credential_token_path(const struct account *a)
{
	return account_signs_in(a) ? token_path(a->scope == SCOPE_SYSTEM, a->name) : NULL;
}

int64_t credential_signed_in(const struct account *a)
{
	return account_signs_in(a) ? token_signed_in(a->scope == SCOPE_SYSTEM, a->name) : 0;
}

/* ---- what to do */

static bool is_refused_token(const struct cause *c)
{
	return !strcmp(c->id, "token-refused") || !strcmp(c->id, "token-expired") ||
		!strcmp(c->id, "token-wrong-scope");
}

/* Whether a person signs in, who can do so again. */
static bool has_person(const struct account *a)
{
	return a->oauth.flow != OAUTH_FLOW_CLIENT && a->oauth.flow != OAUTH_FLOW_SERVICE &&
		!a->oauth.service_account && !a->oauth.certificate;
}

static void about_token(const struct account *a, const char *command,
	char out[CREDENTIAL_NEXT_MAX])
{
	char user[200];

	text_clean_to(user, sizeof(user), a->sasl.user, strlen(a->sasl.user));
	if (has_person(a))
		snprintf(out, CREDENTIAL_NEXT_MAX, "sign in again, as the right user: %s", command);
	else
		snprintf(out, CREDENTIAL_NEXT_MAX, "a new token is refused as well: let the provider's "
			"administrator see whether this app may send as %s", user);
}

/* What is always to be done about a password is of no use here. */
static const char *instead(const struct cause *c)
{
	static const struct { const char *id, *next; } steps[] = {
		{ "security-defaults", "ask the administrator of the organization to allow Authenticated "
			"SMTP for this mailbox" },
		{ "login-mechanism-unknown", "set auth to the other one of xoauth2 and oauthbearer; -v "
			"shows what the server offers" },
		{ "login-mechanism-weak", "the server's own words say what it wants; see what the "
			"administrator of the mailbox allows" },
		{ "microsoft-password", "check user, and ask the administrator to allow Authenticated "
			"SMTP for this mailbox" },
	};

	for (size_t i = 0; i < COUNT(steps); i++)
		if (!strcmp(c->id, steps[i].id))
			return steps[i].next;
	return c->next;
}

/* What is not for submission has other ports. */
static const char *usual_next(const struct account *a, const struct cause *c)
{
	if (a->smtp.protocol == PROTOCOL_LMTP && !strcmp(c->id, "connect-refused"))
		return "check port (mostly 24 for LMTP; where the server listens at a socket, host is its "
			"path), and that the server is running";
	return c->next;
}

const char *credential_next(const struct account *a, const struct cause *cause,
	char out[CREDENTIAL_NEXT_MAX])
{
	static const char place[] = "sendoff login ACCOUNT";
	const char *next = account_signs_in(a) ? instead(cause) : usual_next(a, cause);
	const char *at = next ? strstr(next, place) : NULL;
	char command[TOKEN_COMMAND_MAX];

	if (!account_signs_in(a) && !account_wants_secret(a))
		return next;
	token_command(a->scope == SCOPE_SYSTEM, a->name, command);
	if (is_refused_token(cause))
		about_token(a, command, out);
	else if (at)
		snprintf(out, CREDENTIAL_NEXT_MAX, "%.*s%s%s", (int)(at - next), next,
			command, at + strlen(place));
	else
		return next;
	return out;
}
