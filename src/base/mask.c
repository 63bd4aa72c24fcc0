/* base/mask.c - secrets overwritten in what is shown; see mask.h. */
#include "base/mask.h"

#include <string.h>

#include "base/codec.h"

enum { LEAST = 4 };

void mask_hide(char *text, size_t size, const char *what, size_t len, size_t least)
{
	for (size_t i = 0; len >= LEAST && i < size; i++) {
		size_t n = 0;

		while (n < len && i + n < size && text[i + n] == what[n])
			n++;
		if (n == len || n >= least) {
			memset(text + i, '*', n);
			i += n - 1;
		}
	}
}

static size_t base64_room(size_t len)
{
	return (len + 2) / 3 * 4 + 1;
}

/* In one piece from the start: a buffer that grows leaves copies behind. */
static struct buf *with_room(struct buf *b, size_t room)
{
	*b = BUF_INIT(room);
	buf_reserve(b, room);
	return b;
}

void mask_make(struct mask *m, const struct secret *secret, const char *user)
{
	size_t all = secret->len + (user ? strlen(user) : 0) + 2;
	struct buf plain;

	mask_wipe(m);
	buf_add(with_room(&m->forms[0], secret->len + 1), secret->data, secret->len);
	base64_encode(secret->data, secret->len, with_room(&m->forms[1], base64_room(secret->len)));
	if (!user)
		return;
	with_room(&plain, all + 1);
	buf_add_char(&plain, '\0');
	buf_add_text(&plain, user);
	buf_add_char(&plain, '\0');
	buf_add(&plain, secret->data, secret->len);
	base64_encode(plain.data, plain.len, with_room(&m->forms[2], base64_room(all)));
	buf_wipe(&plain);
}

void mask_wipe(struct mask *m)
{
	for (int i = 0; i < MASK_FORMS; i++)
		buf_wipe(&m->forms[i]);
}

void mask_apply(const struct mask *m, char *text, size_t len)
{
	for (int i = MASK_FORMS - 1; i >= 0; i--)
		mask_hide(text, len, m->forms[i].data, m->forms[i].len, m->forms[i].len);
}
