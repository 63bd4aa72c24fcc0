/* t/fuzz/probe_knock.c - anything as the beginning of what a server says.
 *
 * What is known of it never changes while more of it comes, but that a greeting may turn
 * out to be one of FTP at the end of its line.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "probe/knock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum knock_found before = KNOCK_SILENT;

	if (size > 1000)
		return 0;
	for (size_t len = 0; len <= size; len++) {
		char *text = mem_copy(data, len);   /* so that no octet more is looked at */
		enum knock_found now = knock_kind(text, len);

		must(before == KNOCK_SILENT || now == before ||
			(before == KNOCK_SMTP && now == KNOCK_FTP));
		must(*knock_name(now));
		before = now;
		free(text);
	}
	must(size < 9 || before != KNOCK_SILENT);
	return 0;
}
