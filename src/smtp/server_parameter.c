/* smtp/server_parameter.c - addresses and parameters of MAIL and RCPT.
 *
 * Reads RFC 5321 section 4.1.2 with some mercy for blanks and missing brackets;
 * what a value means is read strictly, since it comes out of xtext and is kept.
 */
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/mem.h"
#include "base/text.h"
#include "mail/address.h"
#include "smtp/server_state.h"

enum { ORCPT_MAX = 500, TOKEN_LEN = 32, NUMBER_DIGITS_MAX = 20 };

/* The end of the year 9999: later than anybody waits, and a sum with any wait is
 * still a moment. */
#define HOLD_MOST UINT64_C(253402300799)

/* Where the parameters of one command go. */
struct target {
	struct server_mail *mail;       /* borrowed; MAIL */
	unsigned notify;                /* RCPT */
	char *original;                 /* own */
};

struct parameter {
	const char *name;
	bool bare;                      /* stands without a value; all others have one */
	bool handover;                  /* is known only behind XSENDOFF */
	const char *(*take)(struct target *t, const char *value);   /* NULL, or what is wrong */
};

void server_mail_release(struct server_mail *m)
{
	free(m->sender);
	free(m->dsn.envid);
	free(m->x.account);
	free(m->x.name);
	free(m->x.tag);
	*m = (struct server_mail){ 0 };
}

int server_number(const char *text, uint64_t most, uint64_t *number)
{
	uint64_t n = 0;

	if (!*text)
		return -1;
	for (; *text; text++) {
		uint64_t digit = (uint64_t)(unsigned char)*text - '0';

		if (digit > 9 || n > (most - digit) / 10)
			return -1;
		n = n * 10 + digit;
	}
	*number = n;
	return 0;
}

/* ---- values */

/* No controls (of ASCII or C1) and whole UTF-8. */
static bool is_plain(const char *text, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		const unsigned char *c = (const unsigned char *)text + i;

		n = text_utf8(text + i, len - i);
		if (!n || c[0] < ' ' || c[0] == 0x7f || (c[0] == 0xc2 && c[1] < 0xa0))
			return false;
	}
	return true;
}

/* xtext to text that may be kept.  Own; NULL: it is not. */
static char *decode(const char *value, size_t most)
{
	struct buf text = BUF_INIT(most);
	char *result = NULL;

	if (!xtext_decode(value, strlen(value), &text) && text.len &&
		is_plain(buf_text(&text), text.len))
		result = buf_take(&text);
	buf_release(&text);
	return result;
}

static const char *take_size(struct target *t, const char *value)
{
	return server_number(value, UINT64_MAX, &t->mail->size) < 0 ?
		"SIZE is a number of octets" : NULL;
}

static const char *take_body(struct target *t, const char *value)
{
	size_t len = strlen(value);

	t->mail->eight_bit = text_equal_fold(value, len, "8BITMIME", 8);
	return t->mail->eight_bit || text_equal_fold(value, len, "7BIT", 4) ? NULL :
		"BODY is 7BIT or 8BITMIME";
}

static const char *take_utf8(struct target *t, const char *value)
{
	(void)value;
	t->mail->utf8 = true;
	return NULL;
}

static const char *take_ret(struct target *t, const char *value)
{
	struct err e;

	return dsn_parse_ret(value, &t->mail->dsn.ret, &e) < 0 ? "RET is FULL or HDRS" : NULL;
}

static const char *take_envid(struct target *t, const char *value)
{
	char *text = decode(value, SERVER_VALUE_MAX);
	struct err e;
	bool good = text && !dsn_parse_envid(text, &t->mail->dsn.envid, &e);

	free(text);
	return good ? NULL : "ENVID is up to 100 printable ASCII characters, in xtext";
}

/* RFC 4954 section 5: who wrote it is not asked here. */
static const char *take_auth(struct target *t, const char *value)
{
	(void)t;
	(void)value;
	return NULL;
}

#define NOT_TEXT " is up to 512 octets of text, in xtext, without controls"

static const char *take_account(struct target *t, const char *value)
{
	t->mail->x.account = decode(value, SERVER_VALUE_MAX);
	return t->mail->x.account ? NULL : "XACCOUNT" NOT_TEXT;
}

static const char *take_name(struct target *t, const char *value)
{
	t->mail->x.name = decode(value, SERVER_VALUE_MAX);
	return t->mail->x.name ? NULL : "XNAME" NOT_TEXT;
}

static const char *take_tag(struct target *t, const char *value)
{
	t->mail->x.tag = decode(value, SERVER_VALUE_MAX);
	return t->mail->x.tag ? NULL : "XTAG" NOT_TEXT;
}

static const char *take_no_sender(struct target *t, const char *value)
{
	(void)value;
	t->mail->x.no_sender = true;
	return NULL;
}

static const char *take_hold(struct target *t, const char *value)
{
	uint64_t when;

	if (server_number(value, HOLD_MOST, &when) < 0)
		return "XHOLD is a moment, in seconds since 1970";
	t->mail->x.hold = (int64_t)when;
	return NULL;
}

static const char *take_errors(struct target *t, const char *value)
{
	if ((value[0] != 'm' && value[0] != 'p' && value[0] != 'q') || value[1])
		return "XERR is m, p or q";
	t->mail->x.errors = value[0];
	return NULL;
}

static const char *take_token(struct target *t, const char *value)
{
	char *token = t->mail->x.token;

	if (strlen(value) != TOKEN_LEN || value[strspn(value, "0123456789abcdefABCDEF")])
		return "XTOKEN is 32 hexadecimal digits";
	for (size_t i = 0; i < TOKEN_LEN; i++)
		token[i] = value[i] >= 'A' && value[i] <= 'F' ? (char)(value[i] + 32) : value[i];
	token[TOKEN_LEN] = '\0';
	return NULL;
}

static const char *take_notify(struct target *t, const char *value)
{
	struct err e;

	return dsn_parse_notify(value, &t->notify, &e) < 0 ?
		"NOTIFY is NEVER, or a comma list of SUCCESS, FAILURE, DELAY" : NULL;
}

/* RFC 3461 section 4.2.  Other kinds of addresses than rfc822 mean nothing to
 * whoever reads the report, and are dropped. */
static const char *take_original(struct target *t, const char *value)
{
	size_t type = strcspn(value, ";");
	char *text = value[type] ? decode(value + type + 1, ORCPT_MAX) : NULL;

	if (!text || !type) {
		free(text);
		return "ORCPT is rfc822; and an address in xtext";
	}
	if (text_equal_fold(value, type, "rfc822", 6))
		t->original = text;
	else
		free(text);
	return NULL;
}

static const struct parameter mail_parameters[] = {
	{ "SIZE", false, false, take_size },
	{ "BODY", false, false, take_body },
	{ "SMTPUTF8", true, false, take_utf8 },
	{ "RET", false, false, take_ret },
	{ "ENVID", false, false, take_envid },
	{ "AUTH", false, false, take_auth },
	{ "XACCOUNT", false, true, take_account },
	{ "XNAME", false, true, take_name },
	{ "XNOSENDER", true, true, take_no_sender },
	{ "XHOLD", false, true, take_hold },
	{ "XERR", false, true, take_errors },
	{ "XTAG", false, true, take_tag },
	{ "XTOKEN", false, true, take_token },
};

static const struct parameter rcpt_parameters[] = {
	{ "NOTIFY", false, false, take_notify },
	{ "ORCPT", false, false, take_original },
};

/* ---- the list of them */

static const struct parameter *find(const struct server *s, const struct parameter *table,
	size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (text_equal_fold(name, strlen(name), table[i].name, strlen(table[i].name)))
			return s->o.handover || !table[i].handover ? &table[i] : NULL;
	return NULL;
}

static int wrong(struct server_reply *reply, const char *text)
{
	server_reply_set(reply, 501, "5.5.4", "%s", text);
	return -1;
}

/* One word of the line, "NAME" or "NAME=value". */
static int take_parameter(const struct parameter *p, char *value, struct target *t,
	struct server_reply *reply)
{
	const char *why;

	if (!p) {
		server_reply_set(reply, 555, "5.5.4", "a parameter that is not known here; EHLO "
			"lists what is");
		return -1;
	}
	if (p->bare && value)
		why = "has no value";
	else if (!p->bare && (!value || !*value))
		why = "needs a value";
	else
		why = NULL;
	if (why) {
		server_reply_set(reply, 501, "5.5.4", "%s %s", p->name, why);
		return -1;
	}
	why = p->take(t, value);
	return why ? wrong(reply, why) : 0;
}

static int take_parameters(const struct server *s, char *text, const struct parameter *table,
	size_t count, struct target *t, struct server_reply *reply)
{
	unsigned seen = 0;

	for (;;) {
		const struct parameter *p;
		char *name, *value;

		text += strspn(text, " ");
		if (!*text)
			return 0;
		name = text;
		text += strcspn(text, " ");
		if (*text)
			*text++ = '\0';
		value = strchr(name, '=');
		if (value)
			*value++ = '\0';
		p = find(s, table, count, name);
		if (p && seen & 1U << (p - table))
			return wrong(reply, "a parameter is given twice");
		if (take_parameter(p, value, t, reply) < 0)
			return -1;
		seen |= 1U << (p - table);
	}
}

/* ---- addresses */

/* How long the address at the start is, its brackets included. */
static size_t path_length(const char *text)
{
	bool angle = text[0] == '<', quoted = false;
	size_t i;

	for (i = 0; text[i]; i++) {
		if (text[i] == '\\' && text[i + 1])
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
		else if (!quoted && angle && text[i] == '>')
			return i + 1;
		else if (!quoted && !angle && text[i] == ' ')
			return i;
	}
	return i;
}

/* Without brackets, nothing but one plain address. */
static bool is_path(const char *text, size_t len)
{
	return len && (text[0] == '<' ? text[len - 1] == '>' : strcspn(text, "<>(),:;") >= len);
}

/* The address at the start of *text, which is moved behind it. */
static int take_path(char **text, const char *enhanced, struct buf *out, struct server_reply *reply)
{
	size_t len = path_length(*text);
	struct err e;

	if (!is_path(*text, len)) {
		server_reply_set(reply, 501, enhanced, "give the address in angle brackets: "
			"<name@example.com>");
		return -1;
	}
	if ((*text)[len] && (*text)[len] != ' ')
		return wrong(reply, "a blank is missing behind the address");
	if (address_parse_one(*text, len, NULL, out, &e) < 0) {
		server_reply_set(reply, 553, enhanced, "%s", e.text);
		return -1;
	}
	*text += len;
	return 0;
}

/* A name without a domain, which would stand last.  One with an '@' of its own (in
 * quotes) is refused in any case: who splits it at the '@' would see a domain. */
static int check_bare(const char *address, bool allowed, const char *enhanced,
	struct server_reply *reply)
{
	size_t len = strlen(address);
	bool at = strchr(address, '@');

	if (!len || (at && address[len - 1] != '"') || (!at && allowed))
		return 0;
	server_reply_set(reply, 553, enhanced, "give the whole address: <name@example.com>");
	return -1;
}

int server_parse_mail(struct server *s, char *text, struct server_mail *m,
	struct server_reply *reply)
{
	static const char enhanced[] = "5.1.7";
	struct target t = { .mail = m };
	struct buf sender = BUF_INIT(0);
	int result = take_path(&text, enhanced, &sender, reply);

	m->sender = buf_take(&sender);
	if (result < 0 || check_bare(m->sender, s->o.bare_names, enhanced, reply) < 0 ||
		take_parameters(s, text, mail_parameters, COUNT(mail_parameters), &t, reply) < 0)
		return -1;
	if (s->o.max_size && m->size > s->o.max_size) {
		server_too_big(s, reply);
		return -1;
	}
	return 0;
}

int server_parse_rcpt(struct server *s, char *text, struct buf *to, unsigned *notify,
	char **original, struct server_reply *reply)
{
	static const char enhanced[] = "5.1.3", postmaster[] = "postmaster";
	struct target t = { .notify = DSN_UNSET };
	int result = take_path(&text, enhanced, to, reply);
	bool bare;

	if (result < 0)
		return -1;
	if (!to->len) {
		server_reply_set(reply, 553, enhanced, "nobody is named, give the address of "
			"whoever is to get it");
		return -1;
	}
	/* RFC 5321 section 4.5.1: postmaster needs no domain. */
	bare = s->o.bare_names || text_equal_fold(buf_text(to), to->len, postmaster,
		sizeof(postmaster) - 1);
	if (check_bare(buf_text(to), bare, enhanced, reply) < 0)
		return -1;
	result = take_parameters(s, text, rcpt_parameters, COUNT(rcpt_parameters), &t, reply);
	*notify = t.notify;
	*original = t.original;
	return result;
}
