/* base/mem.c - allocation; see mem.h for the promise. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_NO_MEMORY = 71 };

static void *have(void *p)
{
	static const char text[] = "sendoff: out of memory; nothing was sent\n";

	if (!p) {
		ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);

		(void)ignored;
		_exit(EXIT_NO_MEMORY);
	}
	return p;
}

void *mem_alloc(size_t size)
{
	return have(calloc(1, size ? size : 1));
}

void *mem_grow(void *old, size_t count, size_t size)
{
	return have(reallocarray(old, count ? count : 1, size));
}

char *mem_copy(const void *data, size_t len)
{
	char *copy = mem_alloc(len + 1);

	if (len)
		memcpy(copy, data, len);
	return copy;
}

char *mem_string(const char *text)
{
	return mem_copy(text, strlen(text));
}

char *mem_printf(const char *format, ...)
{
	va_list args;
	char *text = NULL;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	return have(text);
}
