/* cmd/screen.c - colours, marks and lines for a terminal; see screen.h. */
#include "cmd/screen.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"

enum { WIDTH_MOST = 1000 };

/* ---- what it is */

static unsigned width_of(int fd)
{
	const char *columns = process_env("COLUMNS");
	struct winsize size = { 0 };
	unsigned long width = SCREEN_USUAL;
	char *end;

	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col) {
		width = size.ws_col;
	} else if (columns && columns[0] >= '1' && columns[0] <= '9') {
		width = strtoul(columns, &end, 10);
		if (*end)
			width = SCREEN_USUAL;
	}
	if (width > WIDTH_MOST)
		width = WIDTH_MOST;
	return width < SCREEN_LEAST ? SCREEN_LEAST : (unsigned)width;
}

static bool wants_colour(int fd)
{
	const char *no = process_env("NO_COLOR"), *term = process_env("TERM");

	return isatty(fd) && (!no || !*no) && term && *term && strcmp(term, "dumb") != 0;
}

void screen_look(struct screen *s, int fd)
{
	setlocale(LC_CTYPE, "");
	*s = (struct screen){ .colour = wants_colour(fd), .width = width_of(fd),
		.utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8") };
}

/* ---- single characters */

struct glyph {
	size_t octets;             /* in the text; 0: its end */
	unsigned columns;          /* on the screen: 0 for what combines with the one before */
};

static struct glyph glyph_at(const struct screen *s, const char *text)
{
	struct glyph g = { .octets = *text != '\0', .columns = *text != '\0' };
	mbstate_t state = { 0 };
	wchar_t c;
	int columns;

	if (!((unsigned char)*text & 0x80))
		return g;
	if (!s->utf8) {
		g.columns = sizeof("\\xHH") - 1;
		return g;
	}
	g.octets = text_utf8(text, strnlen(text, 4));
	if (!g.octets)
		g.octets = 1;
	if (mbrtowc(&c, text, g.octets, &state) == g.octets && (columns = wcwidth(c)) >= 0)
		g.columns = (unsigned)columns;
	return g;
}

static unsigned columns_in(const struct screen *s, const char *text, size_t len)
{
	unsigned columns = 0;
	struct glyph g;

	for (size_t i = 0; i < len; i += g.octets) {
		g = glyph_at(s, text + i);
		columns += g.columns;
	}
	return columns;
}

unsigned screen_columns(const struct screen *s, const char *text)
{
	return columns_in(s, text, strlen(text));
}

static void add_octets(const struct screen *s, const char *text, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len; i++)
		if (s->utf8 || !((unsigned char)text[i] & 0x80))
			buf_add_char(out, text[i]);
		else
			buf_printf(out, "\\x%02x", (unsigned char)text[i]);
}

/* ---- styles and marks */

static const char *const styles[] = {
	[STYLE_PLAIN] = "", [STYLE_BOLD] = "\033[1m", [STYLE_DIM] = "\033[2m",
	[STYLE_GREEN] = "\033[32m", [STYLE_YELLOW] = "\033[33m", [STYLE_RED] = "\033[31m",
};

static void add_styled(const struct screen *s, enum screen_style style, const char *text, size_t len,
	struct buf *out)
{
	bool coloured = s->colour && style != STYLE_PLAIN && len;

	if (coloured)
		buf_add_text(out, styles[style]);
	add_octets(s, text, len, out);
	if (coloured)
		buf_add_text(out, "\033[0m");
}

static void add_blanks(unsigned count, struct buf *out)
{
	while (count--)
		buf_add_char(out, ' ');
}

void screen_add(const struct screen *s, enum screen_style style, const char *text,
	struct buf *out)
{
	add_styled(s, style, text, strlen(text), out);
}

void screen_pad(const struct screen *s, enum screen_style style, const char *text,
	unsigned columns, struct buf *out)
{
	unsigned taken = screen_columns(s, text);

	screen_add(s, style, text, out);
	add_blanks(taken < columns ? columns - taken : 0, out);
}

static const struct {
	const char *ascii, *utf8;
	enum screen_style style;
} marks[] = {
	[MARK_NONE]    = { "", "", STYLE_PLAIN },
	[MARK_OK]      = { "ok", "\xe2\x9c\x94", STYLE_GREEN },       /* heavy check mark */
	[MARK_WARNING] = { "!", "!", STYLE_YELLOW },
	[MARK_FAILED]  = { "x", "\xe2\x9c\x98", STYLE_RED },          /* heavy ballot x */
	[MARK_SKIPPED] = { "-", "\xe2\x80\x93", STYLE_DIM },          /* en dash */
};

unsigned screen_mark_columns(const struct screen *s)
{
	return s->utf8 ? 1 : sizeof("ok") - 1;
}

void screen_mark(const struct screen *s, enum report_mark mark, struct buf *out)
{
	screen_pad(s, marks[mark].style, s->utf8 ? marks[mark].utf8 : marks[mark].ascii,
		screen_mark_columns(s), out);
}

/* ---- paragraphs */

static void new_line(struct screen_text *t)
{
	buf_add_char(t->out, '\n');
	t->column = t->blanks = 0;
}

/* Blanks are written when something comes behind them, so that no line ends in one. */
static void come_to_word(struct screen_text *t)
{
	unsigned blanks = t->column ? t->blanks : t->hang;

	add_blanks(blanks, t->out);
	t->column += blanks;
	t->blanks = 0;
}

/* As many octets as fit into so many columns, whole characters with all that combines
 * with them; at least one character. */
static size_t fitting(const struct screen *s, const char *text, size_t len, unsigned columns)
{
	unsigned taken = 0;
	size_t i = 0;

	while (i < len) {
		struct glyph g = glyph_at(s, text + i);

		if (i && taken + g.columns > columns)
			break;
		taken += g.columns;
		i += g.octets;
	}
	return i;
}

static void write_word(struct screen_text *t, enum screen_style style, const char *word, size_t len)
{
	unsigned width = t->screen->width, columns = columns_in(t->screen, word, len);

	if (t->column && t->blanks && t->column + t->blanks + columns > width)
		new_line(t);
	come_to_word(t);
	while (len) {
		size_t part;

		if (t->column >= width && t->column > t->hang) {
			new_line(t);
			come_to_word(t);
		}
		part = fitting(t->screen, word, len, width > t->column ? width - t->column : 1);
		add_styled(t->screen, style, word, part, t->out);
		t->column += columns_in(t->screen, word, part);
		word += part;
		len -= part;
		if (len)
			t->column = width > t->column ? width : t->column;
	}
}

void screen_write(struct screen_text *t, enum screen_style style, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, " \n");

		if (len) {
			write_word(t, style, text, len);
		} else if (*text == '\n') {
			new_line(t);
			len = 1;
		} else {
			t->blanks++;
			len = 1;
		}
		text += len;
	}
}

void screen_end(struct screen_text *t)
{
	new_line(t);
}
