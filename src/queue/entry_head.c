/* queue/entry_head.c - the front and the head of a message file; see entry.h.
 *
 * The order of the lines is part of the format: uid and sizes come first, so
 * that counting what users have takes the beginning of a file only.
 */
#include "queue/entry.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "queue/line.h"
#include "queue/progress.h"

/* --- the front ------------------------------------------------------------ */

#define MAGIC    "sendoff-message "
#define VERSION  MAGIC "1\n"
#define LENGTH   "length "
#define SHA256   "sha256 "

enum {
	MAGIC_LEN = sizeof(MAGIC) - 1,
	VERSION_LEN = sizeof(VERSION) - 1,
	NUMBER_LEN = 20,                   /* of the largest that 64 bits hold */
	NUMBER_AT = VERSION_LEN + sizeof(LENGTH) - 1,
	SHA256_AT = NUMBER_AT + NUMBER_LEN + 1,
	DIGEST_AT = SHA256_AT + sizeof(SHA256) - 1,
	FRONT_LINES = 3
};
_Static_assert(DIGEST_AT + DIGEST_HEX + 1 == ENTRY_FRONT_LEN, "the front has one size");

void entry_write_front(uint64_t length, const char *digest, struct buf *out)
{
	buf_printf(out, VERSION LENGTH "%020llu\n" SHA256 "%.*s\n", (unsigned long long)length,
		DIGEST_HEX, digest);
}

/* A whole first line of ours with a number that is not 1. */
static bool is_other_version(const char *text, size_t len)
{
	size_t i = MAGIC_LEN;

	if (len <= MAGIC_LEN || memcmp(text, MAGIC, MAGIC_LEN) != 0 || text[i] == '0')
		return false;
	while (i < len && i < MAGIC_LEN + 9 && text[i] >= '0' && text[i] <= '9')
		i++;
	return i > MAGIC_LEN && i < len && text[i] == '\n' &&
		!(i == MAGIC_LEN + 1 && text[MAGIC_LEN] == '1');
}

static bool read_length(const char *text, uint64_t *length)
{
	size_t zeros = 0;

	while (zeros < NUMBER_LEN - 1 && text[zeros] == '0')
		zeros++;
	return value_number(text + zeros, NUMBER_LEN - zeros, UINT64_MAX, length) &&
		text[NUMBER_LEN] == '\n';
}

static bool read_digest(const char *text, char digest[DIGEST_HEX + 1])
{
	for (size_t i = 0; i < DIGEST_HEX; i++)
		if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f')))
			return false;
	memcpy(digest, text, DIGEST_HEX);
	digest[DIGEST_HEX] = '\0';
	return text[DIGEST_HEX] == '\n';
}

int entry_read_front(const char *text, size_t len, uint64_t *length,
	char digest[DIGEST_HEX + 1], struct err *e)
{
	if (is_other_version(text, len))
		return err_set(e, ERR_FORMAT,
			"the message file is of a release that this one does not know");
	if (!len)
		return err_set(e, ERR_DAMAGED, "the message file is empty");
	if (len < VERSION_LEN || memcmp(text, VERSION, VERSION_LEN) != 0)
		return err_set(e, ERR_DAMAGED, "this is no message file");
	if (len < ENTRY_FRONT_LEN)
		return err_set(e, ERR_DAMAGED, "the message file is cut off in its first lines");
	if (memcmp(text + VERSION_LEN, LENGTH, sizeof(LENGTH) - 1) != 0 ||
			!read_length(text + NUMBER_AT, length) ||
			memcmp(text + SHA256_AT, SHA256, sizeof(SHA256) - 1) != 0 ||
			!read_digest(text + DIGEST_AT, digest))
		return err_set(e, ERR_DAMAGED, "the first lines are not what they should be");
	return 0;
}

/* --- the head ------------------------------------------------------------- */

#define FIELD(word, type, field) \
	{ word, type, offsetof(struct entry, field), sizeof(((struct entry *)0)->field), false, NULL }
#define ALWAYS(word, type, field, names) \
	{ word, type, offsetof(struct entry, field), sizeof(((struct entry *)0)->field), true, names }
#define NAMED(word, type, field, names) \
	{ word, type, offsetof(struct entry, field), sizeof(((struct entry *)0)->field), false, names }

_Static_assert(sizeof(uid_t) == sizeof(unsigned), "a uid is read as unsigned");

static const char *const errors_names[] = { "mail", "print", "quiet", NULL };
static const char *const ret_names[] = { "unset", "full", "hdrs", NULL };
static const char *const notify_names[] = { "never", "success", "failure", "delay", NULL };

static const struct field fields[] = {
	ALWAYS("uid", FIELD_UNSIGNED, uid, NULL),
	ALWAYS("created", FIELD_TIME, created, NULL),
	FIELD("microseconds", FIELD_UNSIGNED, created_us),
	ALWAYS("size", FIELD_SIZE, content_size, NULL),
	ALWAYS("header-size", FIELD_SIZE, header_size, NULL),
	ALWAYS("longest-line", FIELD_SIZE, longest_line, NULL),
	FIELD("eight-bit-header", FIELD_BOOL, eight_bit_header),
	FIELD("eight-bit-body", FIELD_BOOL, eight_bit_body),
	FIELD("login", FIELD_TEXT, login),
	FIELD("origin", FIELD_TEXT, origin),
	FIELD("sender", FIELD_PATH, sender),
	FIELD("from", FIELD_TEXT, from),
	FIELD("message-id", FIELD_TEXT, message_id),
	FIELD("account", FIELD_TEXT, account),
	FIELD("config", FIELD_TEXT, config),
	FIELD("report-about", FIELD_TEXT, subject_of),
	FIELD("tag", FIELD_TEXT, tag),
	FIELD("token", FIELD_ARRAY, token),
	ALWAYS("errors", FIELD_CHOICE, errors, errors_names),
	FIELD("not-before", FIELD_TIME, not_before),
	NAMED("dsn-ret", FIELD_CHOICE, dsn.ret, ret_names),
	NAMED("dsn-notify", FIELD_SET, dsn.notify, notify_names),
	FIELD("dsn-envid", FIELD_TEXT, dsn.envid),
	{ 0 }
};

static void write_to(const struct entry_recipient *r, struct buf *out)
{
	buf_add_text(out, "to <");
	value_write(out, r->address, SIZE_MAX);
	buf_add_char(out, '>');
	if (r->original && *r->original) {
		buf_add_text(out, " was=");
		value_write(out, r->original, SIZE_MAX);
	}
	buf_add_char(out, '\n');
}

int entry_write_head(const struct entry *n, struct buf *out, struct err *e)
{
	/* What could not be read back must not be written. */
	if (!n->count || n->count > ENTRY_RECIPIENTS_MAX)
		return err_set(e, ERR_MESSAGE, "a message for %zu recipients cannot be queued "
			"(1 to %d can)", n->count, ENTRY_RECIPIENTS_MAX);
	if (n->header_size > n->content_size)
		return err_set(e, ERR_MESSAGE, "the header is longer than the message");
	fields_write(fields, n, out);
	for (size_t i = 0; i < n->count; i++)
		write_to(&n->recipients[i], out);
	progress_write(n, out);
	buf_add_char(out, '\n');
	if (!buf_ok(out))
		return err_set(e, ERR_MESSAGE, "the recipients and what else is known of the "
			"message come to more than %d MB", ENTRY_HEAD_MAX >> 20);
	return 0;
}

size_t entry_head_len(const char *text, size_t len)
{
	const char *at = text, *end = text + len;

	while ((at = memchr(at, '\n', (size_t)(end - at))) && ++at < end)
		if (*at == '\n')
			return (size_t)(at - text) + 1;
	return 0;
}

static bool read_to(struct line *l, struct entry *n)
{
	char *address = NULL, *original = NULL;
	struct value v, inner;
	bool good;

	good = n->count < ENTRY_RECIPIENTS_MAX && line_take(l, &v) && v.len >= 2 &&
		v.at[0] == '<' && v.at[v.len - 1] == '>' &&
		(address = value_read(v.at + 1, v.len - 2));
	if (good && line_take(l, &v))
		good = value_named(&v, "was", &inner) && !l->rest_len &&
			(original = value_read(inner.at, inner.len));
	if (good)
		entry_add_recipient(n, address, original);
	free(address);
	free(original);
	return good;
}

static int read_recipients(struct lines *l, struct entry *n, struct err *e)
{
	struct line *line;
	int got;

	while ((got = lines_peek(l, &line)) > 0 && line_is(line, "to")) {
		if (!read_to(line, n))
			return lines_bad(l, e);
		lines_drop(l);
	}
	if (got < 0)
		return lines_bad(l, e);
	if (!n->count)
		return err_set(e, ERR_DAMAGED, "line %u should be 'to'", l->number + !got);
	return 0;
}

static void never_null(char **text)
{
	if (!*text)
		*text = mem_string("");
}

int entry_read_head(const char *text, size_t len, struct entry *n, struct err *e)
{
	struct lines l;
	int result;

	if (len < 2 || entry_head_len(text, len) != len)
		return err_set(e, ERR_DAMAGED, "the head of the message file does not end");
	lines_start(&l, text, len - 1, FRONT_LINES);
	result = fields_read(fields, &l, n, e);
	if (result == 0)
		result = read_recipients(&l, n, e);
	if (result == 0)
		result = progress_read(&l, n, e);
	if (result == 0 && n->header_size > n->content_size)
		result = err_set(e, ERR_DAMAGED, "the header is longer than the message");
	if (result < 0) {
		entry_release(n);
		return -1;
	}
	never_null(&n->login);
	never_null(&n->origin);
	never_null(&n->from);
	never_null(&n->message_id);
	return 0;
}
