/* t/fuzz/replay.c - a fuzz target without a fuzzer: every kept input once.
 *
 * Linked with one target, it runs all of t/fuzz/corpus/NAME, where NAME is the
 * program's own; a finding ends the process, as it does the fuzzer's.
 */
#include <dirent.h>
#include <libgen.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "t/unit/tap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool load(const char *directory, const char *name, struct buf *text)
{
	char path[512], piece[4096];
	size_t got;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	f = fopen(path, "r");
	if (!f)
		return false;
	while ((got = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(text, piece, got);
	fclose(f);
	return buf_ok(text);
}

/* In memory that ends where the input does, so that a sanitizer sees more. */
static void run(const struct buf *text)
{
	uint8_t *exact = malloc(text->len ? text->len : 1);

	if (text->len)
		memcpy(exact, text->data, text->len);
	LLVMFuzzerTestOneInput(exact, text->len);
	free(exact);
}

int main(int argc, char **argv)
{
	char directory[256];
	struct dirent *entry;
	unsigned count = 0;
	DIR *d;

	(void)argc;
	snprintf(directory, sizeof(directory), "t/fuzz/corpus/%s", basename(argv[0]));
	d = opendir(directory);
	while (d && (entry = readdir(d))) {
		struct buf text = BUF_INIT(16 << 20);

		if (entry->d_name[0] != '.') {
			printf("# %s\n", entry->d_name);
			fflush(stdout);
			check(load(directory, entry->d_name, &text), "C8 %s", entry->d_name);
			run(&text);
			count++;
		}
		buf_release(&text);
	}
	if (d)
		closedir(d);
	check(count > 0, "C8 a corpus in %s", directory);
	return tap_done();
}
