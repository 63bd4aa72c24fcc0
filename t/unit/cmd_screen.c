/* t/unit/cmd_screen.c - what is drawn: marks, colours, lines of every width. */
#include "t/unit/tap.h"

#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "cmd/screen.h"

#define CHECK  "\xe2\x9c\x94"
#define BALLOT "\xe2\x9c\x98"
#define DASH   "\xe2\x80\x93"
#define UE     "\xc3\xbc"               /* one column */
#define HAN    "\xe6\xbc\xa2"           /* two columns */
#define MAIL   "\xf0\x9f\x93\xa7"       /* two columns */
#define ACUTE  "\xcc\x81"               /* combines: none */

static const struct screen ascii = { .colour = false, .utf8 = false, .width = 40 };
static const struct screen plain = { .colour = false, .utf8 = true, .width = 40 };
static const struct screen vivid = { .colour = true, .utf8 = true, .width = 40 };
static const struct screen vivid_ascii = { .colour = true, .utf8 = false, .width = 40 };

static void test_marks(void)
{
	static const struct {
		const struct screen *screen;
		enum report_mark mark;
		const char *want;
	} rows[] = {
		{ &ascii, MARK_NONE, "  " }, { &ascii, MARK_OK, "ok" }, { &ascii, MARK_WARNING, "! " },
		{ &ascii, MARK_FAILED, "x " }, { &ascii, MARK_SKIPPED, "- " },
		{ &plain, MARK_NONE, " " }, { &plain, MARK_OK, CHECK }, { &plain, MARK_WARNING, "!" },
		{ &plain, MARK_FAILED, BALLOT }, { &plain, MARK_SKIPPED, DASH },
		{ &vivid, MARK_NONE, " " }, { &vivid, MARK_OK, "\033[32m" CHECK "\033[0m" },
		{ &vivid, MARK_WARNING, "\033[33m!\033[0m" },
		{ &vivid, MARK_FAILED, "\033[31m" BALLOT "\033[0m" },
		{ &vivid, MARK_SKIPPED, "\033[2m" DASH "\033[0m" },
		{ &vivid_ascii, MARK_OK, "\033[32mok\033[0m" },
		{ &vivid_ascii, MARK_FAILED, "\033[31mx\033[0m " },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf out = BUF_INIT(64);

		screen_mark(rows[i].screen, rows[i].mark, &out);
		check_text(buf_text(&out), rows[i].want, "mark row %zu", i);
		buf_release(&out);
	}
}

static void test_styles(void)
{
	static const struct {
		const struct screen *screen;
		enum screen_style style;
		const char *text;
		unsigned columns;
		const char *want;
	} rows[] = {
		{ &plain, STYLE_BOLD, "name", 6, "name  " },
		{ &vivid, STYLE_BOLD, "name", 6, "\033[1mname\033[0m  " },
		{ &vivid, STYLE_PLAIN, "name", 6, "name  " },
		{ &vivid, STYLE_BOLD, "", 2, "  " },
		{ &vivid, STYLE_RED, "name", 2, "\033[31mname\033[0m" },
		{ &plain, STYLE_PLAIN, UE "b", 4, UE "b  " },
		{ &plain, STYLE_PLAIN, HAN "b", 4, HAN "b " },
		{ &plain, STYLE_PLAIN, MAIL, 3, MAIL " " },
		{ &plain, STYLE_PLAIN, "e" ACUTE, 3, "e" ACUTE "  " },
		{ &ascii, STYLE_PLAIN, UE "b", 10, "\\xc3\\xbcb " },
		{ &plain, STYLE_PLAIN, "\xc3", 3, "\xc3  " },      /* not to be, and harmless */
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf out = BUF_INIT(256);

		screen_pad(rows[i].screen, rows[i].style, rows[i].text, rows[i].columns, &out);
		check_text(buf_text(&out), rows[i].want, "style row %zu", i);
		buf_release(&out);
	}
}

/* ---- paragraphs */

#define TEN "ten octets"
#define X40 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
	struct screen screen;
	unsigned column, hang;
	const char *text, *want;
} paragraphs[] = {
	{ { 0, 1, 40 }, 0, 0, "", "\n" },
	{ { 0, 1, 40 }, 0, 0, "one two", "one two\n" },
	{ { 0, 1, 40 }, 0, 2, "one two", "  one two\n" },
	{ { 0, 1, 40 }, 3, 3, "one two  ", "one two\n" },
	{ { 0, 1, 40 }, 0, 0, TEN " " TEN " " TEN " " TEN, TEN " " TEN " " TEN " ten\noctets\n" },
	{ { 0, 1, 80 }, 0, 0, TEN " " TEN " " TEN " " TEN, TEN " " TEN " " TEN " " TEN "\n" },
	{ { 0, 1, 40 }, 10, 4, TEN " " TEN " " TEN " " TEN,
		TEN " " TEN " ten\n    octets " TEN "\n" },
	/* exactly the width, and one more */
	{ { 0, 1, 40 }, 0, 0, X40 " y", X40 "\ny\n" },
	{ { 0, 1, 40 }, 0, 0, "y " X40, "y\n" X40 "\n" },
	{ { 0, 1, 40 }, 1, 1, "y " X40 "z", "y\n xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n xz\n" },
	{ { 0, 1, 40 }, 0, 0, X40 X40 "z", X40 "\n" X40 "\nz\n" },
	{ { 0, 1, 132 }, 0, 0, X40 " " X40 " " X40 " " X40, X40 " " X40 " " X40 "\n" X40 "\n" },
	/* lines that the text has */
	{ { 0, 1, 40 }, 0, 2, "one\ntwo", "  one\n  two\n" },
	{ { 0, 1, 40 }, 0, 2, "one \n\n two", "  one\n\n  two\n" },
	/* wide and combining characters */
	{ { 0, 1, 40 }, 0, 0, HAN HAN HAN HAN HAN HAN HAN HAN HAN HAN " " HAN HAN HAN HAN HAN HAN HAN
		HAN HAN HAN, HAN HAN HAN HAN HAN HAN HAN HAN HAN HAN "\n" HAN HAN HAN HAN HAN HAN HAN HAN
		HAN HAN "\n" },
	{ { 0, 1, 40 }, 37, 0, HAN HAN, HAN "\n" HAN "\n" },
	{ { 0, 1, 40 }, 36, 0, HAN HAN, HAN HAN "\n" },
	{ { 0, 1, 40 }, 39, 0, "e" ACUTE ACUTE "e" ACUTE, "e" ACUTE ACUTE "\ne" ACUTE "\n" },
	/* without UTF-8 four columns for each octet */
	{ { 0, 0, 40 }, 36, 0, "a " UE, "a\n\\xc3\\xbc\n" },
	{ { 0, 0, 40 }, 29, 0, "ab " UE, "ab \\xc3\\xbc\n" },
	/* colours take no room */
	{ { 1, 1, 40 }, 0, 0, X40 " y", "\033[1m" X40 "\033[0m\n\033[1my\033[0m\n" },
	{ { 1, 1, 40 }, 0, 0, "a b", "\033[1ma\033[0m \033[1mb\033[0m\n" },
};

static void test_paragraphs(void)
{
	for (size_t i = 0; i < COUNT(paragraphs); i++) {
		struct buf out = BUF_INIT(4096);
		struct screen_text t = { .screen = &paragraphs[i].screen, .out = &out,
			.column = paragraphs[i].column, .hang = paragraphs[i].hang };

		screen_write(&t, STYLE_BOLD, paragraphs[i].text);
		screen_end(&t);
		check_text(buf_text(&out), paragraphs[i].want, "paragraph row %zu", i);
		buf_release(&out);
	}
}

static void test_pieces(void)
{
	struct buf out = BUF_INIT(4096);
	struct screen_text t = { .screen = &vivid, .out = &out, .hang = 2 };

	screen_write(&t, STYLE_PLAIN, "then run ");
	screen_write(&t, STYLE_BOLD, "sendoff check");
	screen_write(&t, STYLE_PLAIN, ", or wait for the next hour");
	screen_end(&t);
	check_text(buf_text(&out), "  then run \033[1msendoff\033[0m \033[1mcheck\033[0m, or wait for\n"
		"  the next hour\n", "several styles in one paragraph");
	buf_release(&out);
}

/* Whatever the width, no line is wider, no character is cut or lost, and every line
 * begins at the indent. */
static void test_every_width(void)
{
	static const char text[] = "gr" UE "n " HAN HAN HAN MAIL " and e" ACUTE "e" ACUTE
		" with-a-word-that-is-so-long-that-it-does-not-fit-into-any-line-of-forty " HAN HAN HAN HAN
		HAN HAN HAN HAN HAN HAN HAN HAN HAN HAN HAN HAN HAN HAN HAN HAN HAN HAN HAN HAN HAN HAN
		" end";
	bool fits = true, whole = true, hangs = true;

	for (unsigned width = SCREEN_LEAST; width <= 132; width++) {
		struct screen s = { .utf8 = true, .width = width };
		struct buf out = BUF_INIT(4096), back = BUF_INIT(4096);
		struct screen_text t = { .screen = &s, .out = &out, .hang = 3 };

		screen_write(&t, STYLE_PLAIN, text);
		screen_end(&t);
		for (char *line = out.data, *end; *line; line = end + 1) {
			end = strchr(line, '\n');
			*end = '\0';
			fits = fits && screen_columns(&s, line) <= width;
			whole = whole && text_is_utf8(line, strlen(line));
			hangs = hangs && !strncmp(line, "   ", 3) && line[3] != ' ';
			for (const char *c = line; *c; c++)
				if (*c != ' ')
					buf_add_char(&back, *c);
		}
		for (const char *c = text, *b = buf_text(&back); *c; c++)
			whole = whole && (*c == ' ' || *c == *b++);
		buf_release(&out);
		buf_release(&back);
	}
	check(fits, "no line is wider than the screen, 40 to 132");
	check(whole, "no character is cut or lost");
	check(hangs, "every line hangs");
}

/* ---- looking */

/* A terminal of so many columns; -1: none can be had. */
static int terminal(unsigned short columns, int *master)
{
	struct winsize size = { .ws_row = 24, .ws_col = columns };
	int fd;

	*master = posix_openpt(O_RDWR | O_NOCTTY);
	if (*master < 0 || grantpt(*master) < 0 || unlockpt(*master) < 0)
		return -1;
	fd = open(ptsname(*master), O_RDWR | O_NOCTTY);
	ioctl(fd, TIOCSWINSZ, &size);
	return fd;
}

static void test_look(void)
{
	static const struct {
		int columns;               /* of a terminal; -1: a file */
		const char *variable, *term, *no_color, *locale;
		struct screen want;
	} rows[] = {
		{ 100, NULL, "xterm", NULL, "C.UTF-8", { 1, 1, 100 } },
		{ 100, "50", "xterm", "", "C.UTF-8", { 1, 1, 100 } },
		{ 100, NULL, "xterm", "1", "C.UTF-8", { 0, 1, 100 } },
		{ 100, NULL, "dumb", NULL, "C.UTF-8", { 0, 1, 100 } },
		{ 100, NULL, NULL, NULL, "C.UTF-8", { 0, 1, 100 } },
		{ 100, NULL, "xterm", NULL, "C", { 1, 0, 100 } },
		{ 20, NULL, "xterm", NULL, "C", { 1, 0, 40 } },
		{ 0, NULL, "xterm", NULL, "C", { 1, 0, 80 } },
		{ 0, "50", "xterm", NULL, "C", { 1, 0, 50 } },
		{ -1, NULL, "xterm", NULL, "C.UTF-8", { 0, 1, 80 } },
		{ -1, "132", "xterm", NULL, "C.UTF-8", { 0, 1, 132 } },
		{ -1, "7", "xterm", NULL, "C", { 0, 0, 40 } },
		{ -1, "132x", "xterm", NULL, "C", { 0, 0, 80 } },
		{ -1, "-5", "xterm", NULL, "C", { 0, 0, 80 } },
		{ -1, "", "xterm", NULL, "C", { 0, 0, 80 } },
		{ -1, "99999999999999999999999", "xterm", NULL, "C", { 0, 0, 1000 } },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		int master = -1, fd = rows[i].columns < 0 ? open("/dev/null", O_RDWR) :
			terminal((unsigned short)rows[i].columns, &master);
		struct screen s;

		setenv("LC_ALL", rows[i].locale, 1);
		setenv("CLICOLOR_FORCE", "1", 1);
		if (rows[i].variable)
			setenv("COLUMNS", rows[i].variable, 1);
		else
			unsetenv("COLUMNS");
		if (rows[i].term)
			setenv("TERM", rows[i].term, 1);
		else
			unsetenv("TERM");
		if (rows[i].no_color)
			setenv("NO_COLOR", rows[i].no_color, 1);
		else
			unsetenv("NO_COLOR");
		screen_look(&s, fd);
		check(fd >= 0 && s.colour == rows[i].want.colour && s.utf8 == rows[i].want.utf8 &&
			s.width == rows[i].want.width, "look row %zu: %d %d %u", i, s.colour, s.utf8,
			s.width);
		close(fd);
		close(master);
	}
}

int main(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	test_marks();
	test_styles();
	test_paragraphs();
	test_pieces();
	test_every_width();
	test_look();
	return tap_done();
}
