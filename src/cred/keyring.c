/* cred/keyring.c - tokens in a keyring; see keyring.h. */
#include "cred/keyring.h"

#include <string.h>

#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"
#include "cred/source.h"
#include "cred/token_text.h"

static int refuse(struct err *e)
{
	if (e->kind == ERR_SIGNAL)
		return -1;
	e->kind = ERR_SECRET;
	return err_cause(e, "keyring-unusable");
}

/* ---- digests */

/* An empty digest equals none. */
static bool digest(const struct secret *s, char hex[DIGEST_HEX + 1])
{
	hex[0] = '\0';
	return !s->data || digest_of(s->data, s->len, hex);
}

static int name_secrets(struct token *t, struct err *e)
{
	if (digest(&t->access, t->keyring_access) && digest(&t->refresh, t->keyring_refresh))
		return 0;
	token_leaves_keyring(t);
	return err_set(e, ERR_SYSTEM, "no digest of a token can be computed");
}

static bool is_same(const struct token *a, const struct token *b)
{
	return !strcmp(a->keyring_access, b->keyring_access) &&
		!strcmp(a->keyring_refresh, b->keyring_refresh);
}

/* ---- getting it */

struct command_run *keyring_start(struct loop *l, const struct oauth_plan *p, command_done *done,
	void *context)
{
	struct command_call c = { .key = "oauth_load_command", .line = p->load_command,
		.hidden = secret_hidden_variables(), .most = TOKEN_TEXT_MAX };
	struct err e = { 0 };

	process_hold_secret();
	if (c.line)
		return command_start(l, &c, done, context);
	err_set(&e, ERR_SECRET, "the token is in a keyring, and oauth_load_command is not set");
	err_hint(&e, "set it and oauth_save_command again, or sign in again: sendoff login ACCOUNT");
	done(context, NULL, &e);
	return NULL;
}

/* What lies there and is not what the file names was put there by somebody who had no time to
 * write the file; what the file has noted is of another token. */
static void merge(struct token *t, struct token *found)
{
	if (is_same(t, found)) {
		secret_wipe(&t->access);
		secret_wipe(&t->refresh);
		t->access = found->access;
		t->refresh = found->refresh;
		return;
	}
	found->signed_in = t->signed_in;
	token_wipe(t);
	*t = *found;
}

int keyring_take(struct secret *s, struct token *t, struct err *e)
{
	struct token found;

	if (!s)
		return refuse(e);
	if (!s->len) {
		secret_wipe(s);
		err_set(e, ERR_SECRET, "oauth_load_command gives nothing");
		return refuse(e);
	}
	if (token_read(s->data, s->len, &found, e) < 0) {
		secret_wipe(s);
		err_context(e, "what oauth_load_command gives is not what oauth_save_command was given");
		return refuse(e);
	}
	secret_wipe(s);
	if (name_secrets(&found, e) < 0) {
		token_wipe(&found);
		return refuse(e);
	}
	if (!token_in_keyring(&found)) {
		err_set(e, ERR_SECRET, "what oauth_load_command gives has no token in it");
		return refuse(e);
	}
	merge(t, &found);
	return 0;
}

/* ---- waiting for it */

struct wait {
	struct loop loop;
	struct secret s;             /* own */
	struct err *e;
	bool good;
};

static void ended(void *context, struct secret *s, struct err *e)
{
	struct wait *w = context;

	w->good = s != NULL;
	if (s)
		w->s = *s;
	else
		*w->e = *e;
	loop_stop(&w->loop);
}

static int load(const struct oauth_plan *p, struct token *t, struct err *e)
{
	struct wait w = { .e = e };
	struct command_run *run;

	loop_init(&w.loop);
	run = keyring_start(&w.loop, p, ended, &w);
	if (run)
		loop_run(&w.loop);
	command_free(&run);
	loop_release(&w.loop);
	return keyring_take(w.good ? &w.s : NULL, t, e);
}

int keyring_load(const struct oauth_plan *p, struct token *t, struct err *e)
{
	return token_in_keyring(t) ? load(p, t, e) : 0;
}

static int give(const struct oauth_plan *p, const struct buf *text, struct err *e)
{
	struct command_call c = { .key = "oauth_save_command", .line = p->save_command,
		.hidden = secret_hidden_variables(), .input = text, .most = TOKEN_TEXT_MAX };
	struct wait w = { .e = e };
	struct command_run *run;

	loop_init(&w.loop);
	run = command_start(&w.loop, &c, ended, &w);
	if (run)
		loop_run(&w.loop);
	command_free(&run);
	loop_release(&w.loop);
	secret_wipe(&w.s);
	return w.good ? 0 : refuse(e);
}

/* ---- giving it */

int keyring_save(const struct oauth_plan *p, struct token *t, struct err *e)
{
	struct buf text = BUF_INIT(TOKEN_TEXT_MAX);
	int result;

	token_leaves_keyring(t);
	t->keyring_trouble[0] = '\0';
	buf_reserve(&text, TOKEN_TEXT_MAX);   /* never grows, so leaves no copy */
	result = token_write(t, &text, e);
	if (result == 0)
		result = give(p, &text, e);
	buf_wipe(&text);
	if (result == 0)
		result = name_secrets(t, e);
	if (result < 0)
		text_clean_to(t->keyring_trouble, sizeof(t->keyring_trouble), e->text, strlen(e->text));
	return result;
}

int keyring_verify(const struct oauth_plan *p, const struct token *t, struct err *e)
{
	struct token found = { .obtained = 0 };
	int result = load(p, &found, e);

	if (result == 0 && !is_same(&found, t)) {
		err_set(e, ERR_SECRET, "oauth_load_command does not give what oauth_save_command was given");
		result = refuse(e);
	}
	token_wipe(&found);
	return result;
}

int keyring_forget(const struct oauth_plan *p, struct err *e)
{
	struct buf nothing = BUF_INIT(1);

	return give(p, &nothing, e);
}
