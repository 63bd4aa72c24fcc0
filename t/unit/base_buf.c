/* t/unit/base_buf.c - printing into a buffer: exact text whatever room there is,
 * and all or nothing at the limit. */
#include "t/unit/tap.h"

#include "base/buf.h"

enum { LONGEST = 200 };

static const char *letters(size_t n)
{
	static char text[LONGEST + 1];

	memset(text, 'x', n);
	text[n] = '\0';
	return text;
}

/* Each length of what is there, which is each room that is left, with each
 * length of what is added. */
static void test_rooms(void)
{
	unsigned wrong = 0;

	for (size_t first = 0; first < LONGEST; first += 3) {
		for (size_t second = 0; second < LONGEST; second++) {
			struct buf b = BUF_INIT(0);

			buf_add_text(&b, letters(first));
			buf_printf(&b, "<%s>%d", letters(second), 7);
			wrong += !buf_ok(&b) || b.len != first + second + 3 ||
				strlen(buf_text(&b)) != b.len || b.data[first] != '<' ||
				strcmp(b.data + first + 1 + second, ">7") != 0;
			buf_release(&b);
		}
	}
	check_int(wrong, 0, "what is printed is whole, whatever room there was");
}

static void test_limit(void)
{
	for (size_t more = 0; more < 40; more++) {
		struct buf b = BUF_INIT(30);

		buf_printf(&b, "%s", "0123456789");
		buf_printf(&b, "%s", letters(more));
		check_int(buf_ok(&b), more <= 20, "10 and %zu of 30: whether it fits", more);
		check_int(b.len, more <= 20 ? 10 + more : 10, "10 and %zu of 30: length", more);
		check_int(strlen(buf_text(&b)), b.len, "10 and %zu of 30: nothing of what does not",
			more);
		buf_printf(&b, "y");
		check_int(buf_ok(&b), more < 20, "10 and %zu of 30: a refusal stays", more);
		buf_release(&b);
	}
}

int main(void)
{
	test_rooms();
	test_limit();
	return tap_done();
}
