/* cmd/screen.h - the terminal as a place to write on: colours, marks, lines of its width.
 *
 * A command that draws looks once with screen_look() and then appends to a buffer.
 * Nothing but that function asks the environment, the locale or a descriptor.  Text is
 * to be clean already (base/text.h); where the locale is not UTF-8, what is not ASCII
 * is written as \xHH, since single octets of it would be controls to some terminals.
 */
#ifndef CMD_SCREEN_H
#define CMD_SCREEN_H

#include <stdbool.h>

#include "base/buf.h"
#include "probe/report.h"

enum { SCREEN_LEAST = 40, SCREEN_USUAL = 80 };   /* columns */

struct screen {
	bool colour, utf8;
	unsigned width;
};

enum screen_style { STYLE_PLAIN, STYLE_BOLD, STYLE_DIM, STYLE_GREEN, STYLE_YELLOW, STYLE_RED };

/* What fd is.  Colours: on a terminal only, unless NO_COLOR is not empty or TERM is
 * dumb or missing.  Width: the terminal's, else COLUMNS, else 80; at least 40.
 * Takes the locale of characters from the environment, for the whole process. */
void screen_look(struct screen *s, int fd);

/* Columns that text takes. */
unsigned screen_columns(const struct screen *s, const char *text);

/* Text in that style, on the line where out stands. */
void screen_add(const struct screen *s, enum screen_style style, const char *text,
	struct buf *out);
/* The same, and blanks up to so many columns. */
void screen_pad(const struct screen *s, enum screen_style style, const char *text,
	unsigned columns, struct buf *out);

/* A mark in its colour; all of one screen are as wide as screen_mark_columns(). */
void screen_mark(const struct screen *s, enum report_mark mark, struct buf *out);
unsigned screen_mark_columns(const struct screen *s);

/* A paragraph: written word by word, broken at blanks where the next word would pass
 * the width.  Every line that begins here begins behind `hang` blanks; what stands on
 * the first one already is counted in `column`.  A word that is wider than a line is
 * cut between characters. */
struct screen_text {
	const struct screen *screen;   /* borrowed */
	struct buf *out;               /* borrowed */
	unsigned column, hang;
	unsigned blanks;               /* that come before the next word, if it stays on the line */
};
/* May be called again and again, in different styles.  A newline in text ends the line. */
void screen_write(struct screen_text *t, enum screen_style style, const char *text);
void screen_end(struct screen_text *t);   /* the newline behind it all */

#endif
