/* t/fuzz/cred_pasted.c - any keys and pastes at a terminal, made a word.
 *
 * What comes out is short enough and visible; and how the octets are cut into pieces changes
 * nothing of it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cred/pasted.h"

enum { MOST = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

/* True: the line has ended. */
static bool take(struct pasted *p, const char *text, size_t len, size_t piece)
{
	pasted_begin(p, MOST);
	for (size_t i = 0; i < len; i += piece)
		if (pasted_take(p, text + i, len - i < piece ? len - i : piece))
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_copy((const char *)data, size);
	struct pasted whole, single;
	bool ends = take(&whole, text, size, size ? size : 1);

	must(take(&single, text, size, 1) == ends);
	must(whole.word.len <= MOST && whole.word.len == single.word.len &&
		!memcmp(buf_text(&whole.word), buf_text(&single.word), whole.word.len));
	must(whole.long_one == single.long_one);
	for (size_t i = 0; i < whole.word.len; i++)
		must((unsigned char)whole.word.data[i] > ' ' && whole.word.data[i] != 0x7f);
	pasted_release(&whole);
	pasted_release(&single);
	free(text);
	return 0;
}
