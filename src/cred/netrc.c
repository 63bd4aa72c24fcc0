/* cred/netrc.c - entries of servers, word by word; see netrc.h. */
#include "cred/netrc.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

enum { LISTED = 400 };   /* octets of what there is, in an error */

struct reader {
	const char *at, *end;
	unsigned line;
	bool same_line;          /* as the word before */
	bool behind_password;    /* one was read on this line */
	struct buf word;         /* the last one; wiped; has its whole room from the start */
};

/* What stands in an entry, as pieces of words that were read; all of it is wiped. */
struct entry {
	bool any_host;           /* default */
	struct buf host, login, port, password;
	bool has_login, has_port, has_password;
	bool behind_password;    /* what it begins with, or its login, may be a word of one */
};

static int refuse(const struct reader *r, struct err *e, const char *why)
{
	err_set(e, ERR_SECRET, "line %u: %s", r->line, why);
	return err_cause(e, "netrc-unusable");
}

/* ---- words */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_line(struct reader *r)
{
	while (r->at < r->end && *r->at != '\n')
		r->at++;
}

/* A "#" begins a comment, but not where the line goes on with a value. */
static void skip_blanks(struct reader *r, bool value)
{
	r->same_line = true;
	for (; r->at < r->end; r->at++) {
		if (*r->at == '#' && !(value && r->same_line))
			skip_line(r);
		if (r->at == r->end || !is_blank(*r->at))
			return;
		if (*r->at == '\n') {
			r->line++;
			r->same_line = r->behind_password = false;
		}
	}
}

static char escaped(char c)
{
	return c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
}

static int read_quoted(struct reader *r, struct err *e)
{
	const char quote = *r->at++;

	for (; r->at < r->end && *r->at != '\n'; r->at++) {
		char c = *r->at;

		if (c == quote) {
			r->at++;
			return 1;
		}
		if (c == '\\' && quote == '"' && r->at + 1 < r->end && r->at[1] != '\n')
			c = escaped(*++r->at);
		buf_add_char(&r->word, c);
	}
	return refuse(r, e, "a quote is not closed");
}

/* 1: a word is there; 0: the end; -1. */
static int read_word(struct reader *r, bool value, struct err *e)
{
	skip_blanks(r, value);
	buf_clear(&r->word);
	if (r->at == r->end)
		return 0;
	if (*r->at == '"' || *r->at == '\'')
		return read_quoted(r, e);
	while (r->at < r->end && !is_blank(*r->at))
		buf_add_char(&r->word, *r->at++);
	return 1;
}

static int next_word(struct reader *r, struct err *e)
{
	return read_word(r, false, e);
}

static bool word_is(const struct reader *r, const char *name)
{
	return !strcasecmp(buf_text(&r->word), name);
}

/* To the empty line that ends it. */
static void skip_macro(struct reader *r)
{
	bool empty = false;

	for (skip_line(r); r->at < r->end && !empty; skip_line(r)) {
		r->at++;
		r->line++;
		empty = r->at == r->end || *r->at == '\n' || *r->at == '\r';
	}
}

/* ---- entries */

static void clear(struct entry *n)
{
	buf_wipe(&n->host);
	buf_wipe(&n->login);
	buf_wipe(&n->port);
	buf_wipe(&n->password);
	*n = (struct entry){ .any_host = false };
}

/* Exactly as large as what comes in: it never grows, and so leaves no copy. */
static void keep(const struct reader *r, struct buf *to, bool *given)
{
	buf_wipe(to);
	*to = BUF_INIT(r->word.len + 1);
	buf_reserve(to, r->word.len + 1);
	buf_add(to, buf_text(&r->word), r->word.len);
	if (given)
		*given = true;
}

static int take_value(struct reader *r, struct buf *to, bool *given, struct err *e)
{
	int got = read_word(r, true, e);

	if (got == 1 && to)
		keep(r, to, given);
	return got == 0 ? refuse(r, e, "the file ends where a word is missing") : got;
}

static bool begins_entry(const struct reader *r)
{
	return word_is(r, "machine") || word_is(r, "host") || word_is(r, "default");
}

static bool is_known(const struct reader *r)
{
	static const char *const names[] = { "login", "user", "password", "port", "account",
		"macdef" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (word_is(r, names[i]))
			return true;
	return begins_entry(r);
}

/* What nobody here knows, and its value.  1: r->word is the next one. */
static int pass_over(struct reader *r, struct err *e)
{
	int got = next_word(r, e);

	if (got != 1 || !r->same_line || is_known(r))
		return got;
	return next_word(r, e);
}

/* What the word means in an entry.  1: r->word is the next one. */
static int take_word(struct reader *r, struct entry *n, struct err *e)
{
	int got = 1;

	if (word_is(r, "login") || word_is(r, "user")) {
		n->behind_password |= r->behind_password;
		got = take_value(r, &n->login, &n->has_login, e);
	} else if (word_is(r, "password")) {
		got = take_value(r, &n->password, &n->has_password, e);
		r->behind_password = true;
	} else if (word_is(r, "port")) {
		got = take_value(r, &n->port, &n->has_port, e);
	} else if (word_is(r, "account")) {
		got = take_value(r, NULL, NULL, e);
	} else if (word_is(r, "macdef")) {
		skip_macro(r);
	} else {
		return pass_over(r, e);
	}
	return got == 1 ? next_word(r, e) : got;
}

/* One entry, of which r->word is the first word.  1: r->word is that of the next one; 0: it was
 * the last. */
static int read_entry(struct reader *r, struct entry *n, struct err *e)
{
	int got = 1;

	n->any_host = word_is(r, "default");
	n->behind_password = r->behind_password;
	if (!n->any_host)
		got = take_value(r, &n->host, NULL, e);
	if (got == 1)
		got = next_word(r, e);
	while (got == 1 && !begins_entry(r))
		got = take_word(r, n, e);
	return got;
}

/* ---- which one */

static bool port_fits(const struct entry *n, long port)
{
	static const struct {
		const char *name;
		long port;
	} known[] = { { "submission", 587 }, { "submissions", 465 }, { "smtps", 465 } };
	const char *text = buf_text(&n->port);
	char *end;

	if (!n->has_port || !strcasecmp(text, "smtp"))
		return true;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcasecmp(text, known[i].name))
			return port == known[i].port;
	return text[0] >= '0' && text[0] <= '9' && strtol(text, &end, 10) == port && !*end;
}

static bool fits(const struct entry *n, const struct netrc_wanted *w)
{
	if (!n->has_password || (!n->any_host && strcasecmp(buf_text(&n->host), w->host) != 0))
		return false;
	if (w->user && n->has_login && strcmp(buf_text(&n->login), w->user) != 0)
		return false;
	return port_fits(n, w->port);
}

static void hand_over(const struct entry *n, struct netrc_entry *out)
{
	netrc_release(out);
	if (n->has_login)
		out->login = mem_string(buf_text(&n->login));
	secret_set(&out->password, buf_text(&n->password), n->password.len);
}

/* "smtp.example.com as me" of each entry, while there is room; who logs in elsewhere is nobody's
 * matter here.  What stands behind a password may be a word of it that wants quotes. */
static void list_entry(const struct entry *n, const struct netrc_wanted *w, struct buf *list,
	unsigned *unlisted)
{
	char host[80], login[80];

	if (n->behind_password || list->len + sizeof(host) + sizeof(login) > LISTED) {
		++*unlisted;
		return;
	}
	if (n->any_host)
		buf_printf(list, "%sdefault", list->len ? ", " : "");
	else
		buf_printf(list, "%s%s", list->len ? ", " : "",
			text_clean_to(host, sizeof(host), buf_text(&n->host), n->host.len));
	if (n->has_login && (n->any_host || !strcasecmp(buf_text(&n->host), w->host)))
		buf_printf(list, " as %s",
			text_clean_to(login, sizeof(login), buf_text(&n->login), n->login.len));
	if (!n->has_password)
		buf_add_text(list, " (without a password)");
}

static int not_found(const struct netrc_wanted *w, const struct buf *list, unsigned unlisted,
	struct err *e)
{
	char host[80], user[80] = "";

	text_clean_to(host, sizeof(host), w->host, strlen(w->host));
	if (w->user)
		text_clean_to(user, sizeof(user), w->user, strlen(w->user));
	if (!list->len && !unlisted)
		err_set(e, ERR_SECRET, "there is no entry in it");
	else if (!list->len)
		err_set(e, ERR_SECRET, "no entry for machine %s%s%s, port %ld; there are %u that are not "
			"told here", host, w->user ? ", login " : "", user, w->port, unlisted);
	else if (unlisted)
		err_set(e, ERR_SECRET, "no entry for machine %s%s%s, port %ld; there are: %s, and %u "
			"more", host, w->user ? ", login " : "", user, w->port, buf_text(list),
			unlisted);
	else
		err_set(e, ERR_SECRET, "no entry for machine %s%s%s, port %ld; there is: %s", host,
			w->user ? ", login " : "", user, w->port, buf_text(list));
	err_hint(e, "add a line to it: machine %s login %s password ...", host,
		w->user ? user : "USER");
	return err_cause(e, "netrc-no-entry");
}

static int find(struct reader *r, const struct netrc_wanted *w, struct netrc_entry *out,
	struct err *e)
{
	struct buf list = BUF_INIT(LISTED + 200);
	struct entry n = { .any_host = false };
	unsigned unlisted = 0;
	bool exact = false;
	int got = next_word(r, e);

	while (got == 1 && !begins_entry(r))   /* macros stand before the first entry too */
		got = take_word(r, &n, e);
	clear(&n);
	while (got == 1 && !exact) {
		got = read_entry(r, &n, e);
		exact = got >= 0 && !n.any_host && fits(&n, w);
		if (exact || (got >= 0 && !out->password.data && fits(&n, w)))
			hand_over(&n, out);
		if (got >= 0)
			list_entry(&n, w, &list, &unlisted);
		clear(&n);
	}
	if (got < 0)
		netrc_release(out);
	else if (!out->password.data)
		got = not_found(w, &list, unlisted, e);
	buf_release(&list);
	return got < 0 ? -1 : 0;
}

int netrc_find(const char *text, size_t len, const struct netrc_wanted *wanted,
	struct netrc_entry *out, struct err *e)
{
	static const char mark[] = "\xef\xbb\xbf";   /* a BOM */
	struct reader r = { .at = text, .end = text + len, .line = 1, .word = BUF_INIT(len + 1) };
	int good;

	*out = (struct netrc_entry){ .login = NULL };
	if (memchr(text, '\0', len)) {
		err_set(e, ERR_SECRET, "it is not a text: it has a NUL octet in it");
		return err_cause(e, "netrc-unusable");
	}
	if (len >= sizeof(mark) - 1 && !memcmp(text, mark, sizeof(mark) - 1))
		r.at += sizeof(mark) - 1;
	buf_reserve(&r.word, len + 1);
	good = find(&r, wanted, out, e);
	buf_wipe(&r.word);
	return good;
}

void netrc_release(struct netrc_entry *entry)
{
	free(entry->login);
	secret_wipe(&entry->password);
	entry->login = NULL;
}
