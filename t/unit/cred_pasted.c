/* t/unit/cred_pasted.c - what is typed and pasted where the terminal edits nothing. */
#include "t/unit/tap.h"

#include <stdlib.h>

#include "base/mem.h"
#include "cred/pasted.h"

#define ON  "\033[200~"
#define OFF "\033[201~"

static const struct {
	const char *typed, *want;
	bool ends, long_one;
	const char *what;
} rows[] = {
	{ "http://a/?b\n", "http://a/?b", true, false, "a word and Enter" },
	{ "http://a/?b\r", "http://a/?b", true, false, "... as the key itself" },
	{ "http://a/?b", "http://a/?b", false, false, "it goes on" },
	{ "a\nb\n", "a", true, false, "what stands behind the line does not count" },
	{ "\n", "", true, false, "nothing" },
	{ "\004", "", true, false, "the end of input" },
	{ "abc\004", "abc", true, false, "... behind a word" },
	{ "  ab \t c\n", "abc", true, false, "blanks are no part of it" },
	{ "abx\177c\n", "abc", true, false, "the key that erases" },
	{ "abx\bc\n", "abc", true, false, "... and the other one" },
	{ "\177\177a\n", "a", true, false, "... where there is nothing" },
	{ "wrong\025right\n", "right", true, false, "all is taken back" },
	{ "wrong\027right\n", "right", true, false, "... and so is the one word that there is" },
	{ ON "http://a/?b" OFF "\n", "http://a/?b", true, false, "what is pasted is marked" },
	{ ON "http://a/\n  ?b\r\n" OFF, "http://a/?b", false, false, "line ends and blanks in it end nothing" },
	{ ON "http://a/\n?b\n" OFF "\n", "http://a/?b", true, false, "... Enter does" },
	{ ON "ab" OFF ON "cd" OFF "\n", "abcd", true, false, "in two pieces" },
	{ ON "a\004b\025c\177d" OFF "\n", "abcd", true, false, "keys are none there" },
	{ ON "ab" OFF "\025" ON "cd" OFF "\n", "cd", true, false, "what was pasted is taken back" },
	{ "a\033[Db\033[1;5Cc\033OPd\033xe\n", "abcde", true, false, "other keys add nothing" },
	{ "a\033[99999999999999999999~b\n", "ab", true, false, "... whatever their number" },
	{ "a\033\033[200~b\nc" OFF "\n", "abc", true, false, "an escape before the mark" },
	{ "a\001\002\033[31mb\n", "ab", true, false, "no control gets in" },
	{ "0123456789abcdef\n", "0123456789abcdef", true, false, "as long as it may be" },
	{ "0123456789abcdefg\n", "0123456789abcdef", true, true, "longer" },
	{ "0123456789abcdefg\177\n", "0123456789abcde", true, true, "... is not made good by one key" },
	{ "0123456789abcdefg\025short\n", "short", true, false, "... and taken back" },
};

/* In pieces of that size. */
static bool take(struct pasted *p, const char *text, size_t piece)
{
	size_t len = strlen(text);
	bool ended = false;

	for (size_t i = 0; i < len && !ended; i += piece) {
		char *copy = mem_copy(text + i, len - i < piece ? len - i : piece);

		ended = pasted_take(p, copy, len - i < piece ? len - i : piece);
		free(copy);
	}
	return ended;
}

int main(void)
{
	struct pasted p;

	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t piece = 1; piece <= 64; piece = piece * 4) {
			pasted_begin(&p, 16);
			check(take(&p, rows[i].typed, piece) == rows[i].ends, "%s, %zu at once: the end",
				rows[i].what, piece);
			check_text(p.word.len ? buf_text(&p.word) : "", rows[i].want, "... the word");
			check(p.long_one == rows[i].long_one, "... whether it fits");
			pasted_release(&p);
			check(!p.word.data, "... is wiped");
		}
	pasted_begin(&p, 16);
	p.erase = p.kill = p.end = '\0';
	check(!pasted_take(&p, "ab\0c", 4), "keys that a terminal has not");
	check_text(buf_text(&p.word), "abc", "... do nothing");
	pasted_release(&p);
	return tap_done();
}
