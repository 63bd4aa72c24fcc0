/* cred/pasted.c - keys and what is pasted, made a word; see pasted.h. */
#include "cred/pasted.h"

#include <string.h>

enum { ESCAPE = 0x1b, DELETE = 0x7f, BACKSPACE = 0x08, WORD_ERASE = 0x17,
	MARK_BEGIN = 200, MARK_END = 201, NUMBER_MOST = 9999 };

enum code { NO_CODE, BEHIND_ESCAPE, IN_CODE, ONE_MORE };

void pasted_begin(struct pasted *p, size_t most)
{
	*p = (struct pasted){ .word = BUF_INIT(most), .most = most, .erase = DELETE, .kill = 0x15,
		.end = 0x04 };
	buf_reserve(&p->word, most);   /* never grows, so leaves no copy */
}

void pasted_release(struct pasted *p)
{
	buf_wipe(&p->word);
}

/* ESC [ NUMBER ; ... FINAL, or ESC O FINAL, or ESC and one more. */
static void take_code(struct pasted *p, unsigned char c)
{
	switch ((enum code)p->code) {
	case BEHIND_ESCAPE:
		p->number = 0;
		p->code = c == '[' ? IN_CODE : c == 'O' ? ONE_MORE : c == ESCAPE ? BEHIND_ESCAPE : NO_CODE;
		return;
	case IN_CODE:
		if (c >= '0' && c <= '9' && p->number <= NUMBER_MOST)
			p->number = 10 * p->number + (c - '0');
		if (c < 0x40 && c >= 0x20)
			return;
		if (c == '~' && (p->number == MARK_BEGIN || p->number == MARK_END))
			p->marked = p->number == MARK_BEGIN;
		break;
	case ONE_MORE:
	case NO_CODE:
		break;
	}
	p->code = NO_CODE;
}

static void take_back(struct pasted *p, size_t count)
{
	p->word.len -= count;
	if (p->word.data)
		explicit_bzero(p->word.data + p->word.len, count);
	p->long_one &= p->word.len > 0;   /* how much was passed over is not known */
}

static void add(struct pasted *p, char c)
{
	if (p->word.len < p->most)
		buf_add_char(&p->word, c);
	else
		p->long_one = true;
}

static bool is_key(char key, char c)
{
	return key && c == key;   /* NUL: the terminal has none */
}

/* A key, where nothing is pasted.  True: it ends the line. */
static bool take_key(struct pasted *p, char c)
{
	if (c == '\n' || c == '\r' || is_key(p->end, c))
		return true;
	if (is_key(p->erase, c) || c == DELETE || c == BACKSPACE)
		take_back(p, p->word.len > 0);
	else if (is_key(p->kill, c) || c == WORD_ERASE)
		take_back(p, p->word.len);
	else if ((unsigned char)c > ' ')
		add(p, c);
	return false;
}

bool pasted_take(struct pasted *p, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = data[i];

		if (p->code != NO_CODE)
			take_code(p, (unsigned char)c);
		else if (c == ESCAPE)
			p->code = BEHIND_ESCAPE;
		else if (!p->marked && take_key(p, c))
			return true;
		else if (p->marked && (unsigned char)c > ' ' && c != DELETE)
			add(p, c);
	}
	return false;
}
