/* mail/mime.c - the walk; see mime.h.
 *
 * In a header whole lines are gathered, since each must be looked at; in content
 * only a line that begins as a delimiter does is.  The line end before a delimiter
 * belongs to it, so each line end in content is held back until the next octet is
 * known.  Where no multipart is open, no line can be a delimiter and nothing is.
 */
#include "mail/mime.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "mail/header.h"

enum {
	LINE_GATHERED = 2048,   /* octets: a longer line is no delimiter, nor a field unless its
	                         * name is whole by then */
	BOUNDARIES_MAX = 1000
};

struct level {
	char *boundary;      /* own */
	size_t len;
	bool digest;
};

struct mime {
	const struct mime_hooks *hooks;   /* borrowed */
	void *context;                    /* borrowed */
	struct level levels[MIME_DEPTH];
	size_t depth;
	bool in_header;
	bool of_message;     /* the header that is read is a message's */
	bool digest;         /* ... a part's of a multipart/digest */
	bool line_start;     /* in content: the next octet is a line's first */
	bool open;           /* end() is due before anything else begins */
	struct buf header;   /* own */
	struct buf line;     /* own; gathered so far */
	char   held[2];      /* CR, or CR and LF */
	size_t held_len;
};

struct mime *mime_new(const struct mime_hooks *hooks, void *context)
{
	struct mime *m = mem_alloc(sizeof(*m));

	m->hooks = hooks;
	m->context = context;
	m->header.max = MIME_HEADER_MAX;
	m->line.max = MIME_HEADER_MAX;
	return m;
}

void mime_free(struct mime **mp)
{
	struct mime *m = *mp;

	*mp = NULL;
	if (!m)
		return;
	while (m->depth)
		free(m->levels[--m->depth].boundary);
	buf_release(&m->header);
	buf_release(&m->line);
	free(m);
}

/* ---- content */

static int tell(struct mime *m, const char *data, size_t len, struct err *e)
{
	return len ? m->hooks->data(m->context, data, len, e) : 0;
}

static int tell_held(struct mime *m, struct err *e)
{
	size_t len = m->held_len;

	m->held_len = 0;
	return tell(m, m->held, len, e);
}

static int end_content(struct mime *m, bool last, struct err *e)
{
	if (!m->open)
		return 0;
	m->open = false;
	return m->hooks->end(m->context, last, e);
}

static int begin_part(struct mime *m, const struct mime_part *p, struct err *e)
{
	m->in_header = p->kind == MIME_MESSAGE;
	m->open = p->kind != MIME_MESSAGE && p->kind != MIME_MULTIPART;
	m->of_message = m->in_header;
	m->digest = false;
	m->line_start = true;
	return m->hooks->begin(m->context, p, e);
}

static int begin_aside(struct mime *m, struct err *e)
{
	const struct mime_part aside = { .kind = MIME_ASIDE, .text = true, .header = "" };

	return begin_part(m, &aside, e);
}

/* ---- headers */

static int open_level(struct mime *m, bool digest, struct buf *boundary, struct err *e)
{
	struct level *l = &m->levels[m->depth];

	if (m->depth == MIME_DEPTH) {
		err_set(e, ERR_CAPABILITY, "the message has more than %d multiparts inside one another",
			MIME_DEPTH);
		return err_hint(e, "send what is inside of it in a message of its own");
	}
	l->digest = digest;
	l->len = boundary->len;
	l->boundary = buf_take(boundary);
	m->depth++;
	return 0;
}

/* The header of a part is whole. */
static int end_header(struct mime *m, const char *block, size_t len, bool separated,
	struct err *e)
{
	struct buf boundary = BUF_INIT(BOUNDARIES_MAX);
	struct mime_part p;
	int good;

	mime_classify(block, len, m->digest, &p, &boundary);
	p.of_message = m->of_message;
	p.separated = separated;
	good = begin_part(m, &p, e);
	if (good == 0 && p.kind == MIME_MULTIPART)
		good = open_level(m, p.digest, &boundary, e);
	if (good == 0 && p.kind == MIME_MULTIPART)
		good = begin_aside(m, e);
	buf_release(&boundary);
	return good;
}

static int end_own_header(struct mime *m, bool separated, struct err *e)
{
	struct buf block = m->header;
	int good;

	m->header = BUF_INIT(MIME_HEADER_MAX);
	good = end_header(m, buf_text(&block), block.len, separated, e);
	buf_release(&block);
	return good;
}

int mime_header(struct mime *m, const char *block, size_t len, struct err *e)
{
	m->of_message = true;
	return end_header(m, block, len, true, e);
}

static bool goes_on(const struct mime *m)
{
	return m->header.len && (m->line.data[0] == ' ' || m->line.data[0] == '\t');
}

/* Programs that forward mail leave the line of an mbox in front. */
static bool is_mbox(const struct mime *m)
{
	const char *text = buf_text(&m->line);

	return m->of_message && !m->header.len &&
		(!strncmp(text, "From ", 5) || !strncmp(text, ">From ", 6));
}

static int keep_line(struct mime *m, struct err *e)
{
	buf_add(&m->header, buf_text(&m->line), m->line.len);
	if (buf_ok(&m->header) && buf_ok(&m->line)) {
		buf_clear(&m->line);
		return 0;
	}
	err_set(e, ERR_CAPABILITY, "the header of a part of the message has more than %d octets",
		MIME_HEADER_MAX);
	return err_hint(e, "put an empty line between that header and what follows");
}

/* ---- delimiters */

/* The rest of a line behind its boundary: "--" and blanks. */
static bool is_rest(const char *text, size_t len, bool *closing)
{
	*closing = len >= 2 && text[0] == '-' && text[1] == '-';
	for (size_t i = *closing ? 2 : 0; i < len; i++)
		if (!strchr(" \t\r\n", text[i]) || !text[i])
			return false;
	return true;
}

/* The level whose delimiter the line is, plus 1; 0: it is none.  Its length decides, and
 * not where a piece of the body ends: every walk must come to the same. */
static size_t find_level(const struct mime *m, bool *closing)
{
	const char *text = buf_text(&m->line);
	size_t len = m->line.len;

	if (len < 2 || len > LINE_GATHERED || text[0] != '-' || text[1] != '-')
		return 0;
	for (size_t i = m->depth; i > 0; i--) {
		const struct level *l = &m->levels[i - 1];

		if (len >= 2 + l->len && !memcmp(text + 2, l->boundary, l->len) &&
		    is_rest(text + 2 + l->len, len - 2 - l->len, closing))
			return i;
	}
	return 0;
}

static void close_levels(struct mime *m, size_t depth)
{
	while (m->depth > depth)
		free(m->levels[--m->depth].boundary);
}

static int take_delimiter(struct mime *m, size_t level, bool closing, struct err *e)
{
	struct buf text = BUF_INIT(MIME_HEADER_MAX + 2);
	int good = 0;

	while (good == 0 && m->in_header)
		good = end_own_header(m, false, e);
	if (good < 0 || end_content(m, false, e) < 0)
		return -1;
	buf_add(&text, m->held, m->held_len);
	buf_add(&text, buf_text(&m->line), m->line.len);
	m->held_len = 0;
	buf_clear(&m->line);
	good = m->hooks->delimiter(m->context, buf_text(&text), text.len, e);
	buf_release(&text);
	close_levels(m, closing ? level - 1 : level);
	if (good < 0)
		return -1;
	if (closing)
		return begin_aside(m, e);
	m->in_header = true;
	m->of_message = false;
	m->digest = m->levels[level - 1].digest;
	return 0;
}

/* ---- lines */

/* The gathered line turns out to be content. */
static int line_is_content(struct mime *m, struct err *e)
{
	struct buf line = m->line;
	size_t len = line.len, end = len;
	int good;

	m->line = BUF_INIT(MIME_HEADER_MAX);
	if (end >= 2 && !memcmp(line.data + end - 2, "\r\n", 2))
		end -= 2;
	else if (end && line.data[end - 1] == '\r')
		end--;
	good = tell_held(m, e);
	if (good == 0)
		good = tell(m, line.data, end, e);
	memcpy(m->held, "\r\n", 2);
	m->held_len = len - end;
	m->line_start = m->held_len == 2;
	buf_release(&line);
	return good;
}

/* A gathered line of a header; not whole: it goes on, and was long enough. */
static int take_header_line(struct mime *m, bool whole, struct err *e)
{
	const char *text = buf_text(&m->line);
	bool closing;
	size_t level = find_level(m, &closing);

	if (level)
		return take_delimiter(m, level, closing, e);
	if (!strcmp(text, "\r\n")) {
		buf_clear(&m->line);
		return end_own_header(m, true, e);
	}
	if (goes_on(m) || is_mbox(m) || header_is_field(text, m->line.len))
		return whole ? keep_line(m, e) : 0;
	if (end_own_header(m, false, e) < 0)
		return -1;
	return m->in_header ? take_header_line(m, whole, e) : line_is_content(m, e);
}

static int take_gathered(struct mime *m, bool whole, struct err *e)
{
	bool closing;
	size_t level;

	if (m->in_header)
		return take_header_line(m, whole, e);
	level = find_level(m, &closing);
	return level ? take_delimiter(m, level, closing, e) : line_is_content(m, e);
}

/* Takes octets of a line that must be seen whole; how many. */
static size_t gather(struct mime *m, const char *data, size_t len, struct err *e)
{
	const char *lf = memchr(data, '\n', len);
	size_t n = lf ? (size_t)(lf - data) + 1 : len, before = m->line.len;
	bool whole, long_now;

	if (before <= LINE_GATHERED && n > LINE_GATHERED + 1 - before)
		n = LINE_GATHERED + 1 - before;
	buf_add(&m->line, data, n);
	if (!buf_ok(&m->line))
		return keep_line(m, e) < 0 ? 0 : n;
	whole = data[n - 1] == '\n';
	long_now = before <= LINE_GATHERED && m->line.len > LINE_GATHERED;
	if ((whole || long_now) && take_gathered(m, whole, e) < 0)
		return 0;
	return n;
}

/* Whether the octet at a line's start, or what was gathered, may be a delimiter's. */
static bool is_gathering(const struct mime *m, char next)
{
	if (m->in_header || m->line.len)
		return true;
	return m->line_start && m->depth && next == '-';
}

/* How much of data is content that holds no line end behind which a delimiter may
 * begin; a line end at its end is left. */
static size_t content_run(const char *data, size_t len)
{
	const char *at = data, *end = data + len, *lf;

	while ((lf = memchr(at, '\n', (size_t)(end - at)))) {
		at = lf + 1;
		if (at < end && *at != '-')
			continue;
		return lf > data && lf[-1] == '\r' ? (size_t)(lf - 1 - data) : (size_t)(at - data);
	}
	return end[-1] == '\r' ? len - 1 : len;
}

/* Content while a multipart is open. */
static size_t take_content(struct mime *m, const char *data, size_t len, struct err *e)
{
	size_t n, used;

	if (m->held_len == 1 && *data == '\n') {
		m->held[m->held_len++] = '\n';
		m->line_start = true;
		return 1;
	}
	n = content_run(data, len);
	used = n;
	if (tell_held(m, e) < 0 || tell(m, data, n, e) < 0)
		return 0;
	m->line_start = false;
	while (used < len && m->held_len < 2 && data[used] == "\r\n"[m->held_len])
		m->held[m->held_len++] = data[used++];
	m->line_start = m->held_len == 2;
	return used;
}

int mime_feed(struct mime *m, const char *data, size_t len, struct err *e)
{
	while (len) {
		size_t n = len;

		if (is_gathering(m, *data))
			n = gather(m, data, len, e);
		else if (m->depth)
			n = take_content(m, data, len, e);
		else if (tell_held(m, e) < 0 || tell(m, data, len, e) < 0)
			return -1;
		if (!n)
			return -1;
		data += n;
		len -= n;
	}
	return 0;
}

int mime_finish(struct mime *m, struct err *e)
{
	if (m->line.len && take_gathered(m, true, e) < 0)
		return -1;
	while (m->in_header)
		if (end_own_header(m, false, e) < 0)
			return -1;
	if (tell_held(m, e) < 0)
		return -1;
	return end_content(m, true, e);
}
