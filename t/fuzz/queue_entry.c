/* t/fuzz/queue_entry.c - any octets as a head, as a control file, as the values of
 * an entry.
 *
 * The first octet chooses.  What is read is written back to the same octets;
 * what is refused leaves nothing, and is told in clean words.  What is written of
 * any texts is read back equal and makes no line of its own (E3).
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "queue/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

static bool is_clean(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

static bool is_empty(const struct entry *n)
{
	static const struct entry none;

	return !memcmp(n, &none, sizeof(none));
}

/* --- reading -------------------------------------------------------------- */

static void check_head(const char *text, size_t len)
{
	struct buf out = BUF_INIT(ENTRY_HEAD_MAX);
	struct entry n = { 0 };
	struct err e = { 0 };

	if (entry_read_head(text, len, &n, &e) < 0) {
		must(e.kind == ERR_DAMAGED && *e.text && is_clean(e.text) && is_empty(&n));
		return;
	}
	must(n.count > 0 && n.login && n.origin && n.from && n.message_id);
	must(n.header_size <= n.content_size && n.event_count <= ENTRY_HISTORY_MAX);
	must(entry_head_len(text, len) == len);
	must(!entry_write_head(&n, &out, &e));
	/* Answers are cut where they are written, and nothing else is. */
	must(out.len <= len && (out.len < len || !memcmp(buf_text(&out), text, len)));
	buf_release(&out);
	entry_release(&n);
}

static void check_front(const char *text, size_t len)
{
	char digest[DIGEST_HEX + 1];
	struct buf out = BUF_INIT(0);
	struct err e = { 0 };
	uint64_t length;

	if (entry_read_front(text, len, &length, digest, &e) < 0) {
		must((e.kind == ERR_DAMAGED || e.kind == ERR_FORMAT) && is_clean(e.text));
		return;
	}
	entry_write_front(length, digest, &out);
	must(out.len == ENTRY_FRONT_LEN && !memcmp(buf_text(&out), text, out.len));
	buf_release(&out);
}

static void three_recipients(struct entry *n)
{
	n->created = 1764000000;
	n->content_size = 1;
	memcpy(n->id, "abcdefghij27", sizeof(n->id));
	entry_add_recipient(n, "a@b", NULL);
	entry_add_recipient(n, "c@d", "e");
	entry_add_recipient(n, "f@g", NULL);
	n->reason = mem_string("before");
}

static void check_control(const char *text, size_t len)
{
	struct buf out = BUF_INIT(ENTRY_CONTROL_MAX);
	struct entry n = { 0 };
	struct err e = { 0 };

	three_recipients(&n);
	if (entry_read_control(text, len, &n, &e) < 0) {
		must((e.kind == ERR_DAMAGED || e.kind == ERR_FORMAT) && is_clean(e.text));
		must(n.count == 3 && !strcmp(n.reason, "before") && !n.event_count);
	} else {
		must(n.count == 3 && !strcmp(n.recipients[1].original, "e"));
		entry_write_control(&n, &out);
		/* Marks become lines, which are longer. */
		must(text[sizeof("sendoff-control ") - 1] == '2' ||
			(out.len <= len && (out.len < len || !memcmp(buf_text(&out), text, len))));
	}
	buf_release(&out);
	entry_release(&n);
}

/* The octets behind a digest that is right, so that they are looked at at all. */
static void check_rest_of(const char *rest, size_t len, char version)
{
	static const char mark[] = "\ndelivered ";
	const char *marks = version == '2' ? memmem(rest, len, mark, sizeof(mark) - 1) : NULL;
	size_t covered = marks ? (size_t)(marks + 1 - rest) : len;
	struct buf text = BUF_INIT(0);
	char digest[DIGEST_HEX + 1];

	must(digest_of(rest, covered, digest));
	buf_printf(&text, "sendoff-control %c\nsha256 %s\n", version, digest);
	buf_add(&text, rest, len);
	if (buf_ok(&text))
		check_control(buf_text(&text), text.len);
	buf_release(&text);
}

static void check_rest(const char *rest, size_t len)
{
	check_rest_of(rest, len, '1');
	check_rest_of(rest, len, '2');
}

/* --- writing -------------------------------------------------------------- */

/* The next text of the input, up to a NUL. */
static char *next_text(const char **at, const char *end)
{
	size_t len = strnlen(*at, (size_t)(end - *at));
	char *text = mem_copy(*at, len);

	*at += len < (size_t)(end - *at) ? len + 1 : len;
	return text;
}

static bool same(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

static void check_equal(const struct entry *n, const struct entry *back)
{
	must(same(n->login, back->login) && same(n->account, back->account));
	must(back->sender && same(n->sender, back->sender));
	must(same(n->from, back->from) && same(n->message_id, back->message_id));
	must(same(n->token, back->token) && same(n->reason, back->reason));
	must(n->count == back->count && n->event_count == back->event_count);
	for (size_t i = 0; i < n->count; i++)
		must(same(n->recipients[i].address, back->recipients[i].address) &&
			same(n->recipients[i].original, back->recipients[i].original) &&
			strlen(back->recipients[i].text ? back->recipients[i].text : "") <=
				ENTRY_TEXT_MAX &&
			n->recipients[i].state == back->recipients[i].state);
	for (size_t i = 0; i < n->event_count; i++)
		must(same(n->events[i].text, back->events[i].text));
}

static void check_texts(const char *at, size_t len)
{
	const char *end = at + len;
	struct buf out = BUF_INIT(ENTRY_HEAD_MAX), control = BUF_INIT(ENTRY_CONTROL_MAX);
	struct entry n = { .created = 5, .content_size = 7 }, back = { 0 };
	struct err e = { 0 };
	char *token;

	n.login = next_text(&at, end);
	n.account = next_text(&at, end);
	n.sender = next_text(&at, end);
	n.from = next_text(&at, end);
	n.message_id = next_text(&at, end);
	n.reason = next_text(&at, end);
	token = next_text(&at, end);
	memcpy(n.token, token, strnlen(token, sizeof(n.token) - 1));
	free(token);
	do {
		char *address = next_text(&at, end), *original = next_text(&at, end);

		entry_add_recipient(&n, address, original);
		n.recipients[n.count - 1].text = next_text(&at, end);
		n.recipients[n.count - 1].state = (enum recipient_state)(n.count % 4);
		entry_event(&n, (int64_t)n.count, "tried", address);
		free(address);
		free(original);
	} while (at < end && n.count < 50);
	must(!entry_write_head(&n, &out, &e));
	must(!entry_read_head(buf_text(&out), out.len, &back, &e));
	check_equal(&n, &back);
	entry_write_control(&n, &control);
	must(!entry_read_control(buf_text(&control), control.len, &back, &e));
	check_equal(&n, &back);
	entry_release(&n);
	entry_release(&back);
	buf_release(&out);
	buf_release(&control);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;

	if (!size || size > 100000)
		return 0;
	switch (*data % 5) {
	case 0: check_head(text, size - 1); break;
	case 1: check_front(text, size - 1); break;
	case 2: check_control(text, size - 1); break;
	case 3: check_rest(text, size - 1); break;
	case 4: check_texts(text, size - 1); break;
	}
	return 0;
}
