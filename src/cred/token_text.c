/* cred/token_text.c - a token as text; see token_text.h. */
#include "cred/token_text.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum { VERSION = 1, VERSION_KEYRING = 2, NUMBER_DIGITS = 18 };

enum kind { SECRET, TEXT, MOMENT, FLAG };

struct field {
	const char *name;
	enum kind kind;
	size_t at, size;
};

#define FIELD(name, kind, member) \
	{ name, kind, offsetof(struct token, member), sizeof(((struct token *)0)->member) }

static const struct field fields[] = {
	FIELD("access_token", SECRET, access), FIELD("refresh_token", SECRET, refresh),
	FIELD("obtained", MOMENT, obtained), FIELD("expires", MOMENT, expires),
	FIELD("signed_in", MOMENT, signed_in), FIELD("not_before", MOMENT, not_before),
	FIELD("scope", TEXT, scope), FIELD("client_id", TEXT, client_id),
	FIELD("token_url", TEXT, token_url), FIELD("stale", FLAG, stale), FIELD("over", TEXT, over),
	FIELD("cause", TEXT, cause),
	/* of VERSION_KEYRING alone */
	FIELD("keyring_access", TEXT, keyring_access), FIELD("keyring_refresh", TEXT, keyring_refresh),
	FIELD("keyring_trouble", TEXT, keyring_trouble)
};
enum { KEYRING_FIELDS = 3 };

static size_t fields_of(int64_t version)
{
	return COUNT(fields) - (version == VERSION_KEYRING ? 0 : KEYRING_FIELDS);
}

/* What an access or refresh token may hold (RFC 6749 appendix A). */
static bool is_secret(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] < 0x21 || text[i] > 0x7e)
			return false;
	return len && len <= SECRET_MAX;
}

static bool is_text(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	return text_is_utf8(text, len);
}

/* ---- writing */

static void add_string(struct buf *out, const char *text, size_t len)
{
	buf_add_char(out, '"');
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"' || text[i] == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, text[i]);
	}
	buf_add_char(out, '"');
}

/* False: it cannot be read again. */
static bool add_value(const struct field *f, const struct token *t, struct buf *out)
{
	static const struct secret none;
	const void *at = (const char *)t + f->at;
	const struct secret *s = at;
	size_t len;

	switch (f->kind) {
	case SECRET:
		if (token_in_keyring(t))
			s = &none;
		add_string(out, s->data ? s->data : "", s->len);
		return !s->data || is_secret(s->data, s->len);
	case TEXT:
		len = strnlen(at, f->size);
		add_string(out, at, len);
		return len < f->size && is_text(at, len);
	case MOMENT:
		buf_printf(out, "%lld", (long long)*(const int64_t *)at);
		return *(const int64_t *)at >= 0;
	case FLAG:
		buf_add_text(out, *(const bool *)at ? "true" : "false");
		return true;
	}
	return false;
}

int token_write(const struct token *t, struct buf *out, struct err *e)
{
	int version = token_in_keyring(t) || t->keyring_trouble[0] ? VERSION_KEYRING : VERSION;
	bool good = true;

	buf_printf(out, "{\n\t\"version\": %d", version);
	for (size_t i = 0; i < fields_of(version); i++) {
		buf_printf(out, ",\n\t\"%s\": ", fields[i].name);
		good = add_value(&fields[i], t, out) && good;
	}
	buf_add_text(out, "\n}\n");
	return good && buf_ok(out) ? 0 :
		err_set(e, ERR_INTERNAL, "a token holds what a file of tokens cannot");
}

/* ---- reading */

struct reader {
	char *at, *end;
};

static void skip_blanks(struct reader *r)
{
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\r' || *r->at == '\n'))
		r->at++;
}

static bool next_is(struct reader *r, char c)
{
	skip_blanks(r);
	if (r->at == r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

/* A string of what add_string() writes, decoded where it stands. */
static bool read_string(struct reader *r, char **text, size_t *len)
{
	char *to;

	if (!next_is(r, '"'))
		return false;
	for (*text = to = r->at; r->at < r->end && *r->at != '"'; r->at++) {
		if (*r->at == '\\' && (++r->at == r->end ||
				(*r->at != '"' && *r->at != '\\' && *r->at != '/')))
			return false;
		*to++ = *r->at;
	}
	if (r->at == r->end)
		return false;
	*len = (size_t)(to - *text);
	r->at++;
	return true;
}

static bool read_number(struct reader *r, int64_t *number)
{
	unsigned digits = 0;

	*number = 0;
	skip_blanks(r);
	for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++, digits++) {
		if (digits == NUMBER_DIGITS)
			return false;
		*number = 10 * *number + (*r->at - '0');
	}
	return digits > 0;
}

static bool read_flag(struct reader *r, bool *flag)
{
	size_t len;

	skip_blanks(r);
	*flag = r->at < r->end && *r->at == 't';
	len = *flag ? 4 : 5;
	if ((size_t)(r->end - r->at) < len || memcmp(r->at, *flag ? "true" : "false", len) != 0)
		return false;
	r->at += len;
	return true;
}

static bool read_value(struct reader *r, const struct field *f, struct token *out)
{
	void *at = (char *)out + f->at;
	char *text;
	size_t len;

	if (f->kind == MOMENT)
		return read_number(r, at);
	if (f->kind == FLAG)
		return read_flag(r, at);
	if (!read_string(r, &text, &len))
		return false;
	if (f->kind == SECRET) {
		if (len && !is_secret(text, len))
			return false;
		if (len)
			secret_set(at, text, len);
		return true;
	}
	if (len >= f->size || !is_text(text, len))
		return false;
	memcpy(at, text, len);
	return true;
}

/* One more name and its value; each name once, and none that is not known. */
static bool read_member(struct reader *r, struct token *out, size_t count, unsigned *seen)
{
	char *name;
	size_t len;

	if (!read_string(r, &name, &len) || !next_is(r, ':'))
		return false;
	for (size_t i = 0; i < count; i++)
		if (strlen(fields[i].name) == len && !memcmp(fields[i].name, name, len)) {
			if (*seen & 1u << i)
				return false;
			*seen |= 1u << i;
			return read_value(r, &fields[i], out);
		}
	return false;
}

/* The beginning, which all versions share. */
static bool read_version(struct reader *r, int64_t *version)
{
	char *name;
	size_t len;

	return next_is(r, '{') && read_string(r, &name, &len) && len == 7 &&
		!memcmp(name, "version", 7) && next_is(r, ':') && read_number(r, version);
}

static bool has_secret(const struct token *t)
{
	return t->access.data || t->refresh.data;
}

int token_read(char *text, size_t len, struct token *out, struct err *e)
{
	struct reader r = { text, text + len };
	int64_t version = 0;
	unsigned seen = 0;
	bool good;

	memset(out, 0, sizeof(*out));
	good = read_version(&r, &version);
	if (good && version != VERSION && version != VERSION_KEYRING)
		return err_set(e, ERR_FORMAT, "it is of version %lld, which is not known here",
			(long long)version);
	while (good && next_is(&r, ','))
		good = read_member(&r, out, fields_of(version), &seen);
	good = good && next_is(&r, '}') && !(token_in_keyring(out) && has_secret(out));
	skip_blanks(&r);
	if (good && r.at == r.end && seen == (1u << fields_of(version)) - 1)
		return 0;
	token_wipe(out);
	return err_set(e, ERR_DAMAGED, "it is damaged at octet %zu", (size_t)(r.at - text) + 1);
}
