/* base/err.c - why we could not; see err.h. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *e, enum err_kind kind, const char *format, ...)
{
	va_list args;

	e->kind = kind;
	e->sys_errno = 0;
	e->cause = NULL;
	e->hint[0] = '\0';
	va_start(args, format);
	vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	return -1;
}

int err_sys(struct err *e, enum err_kind kind, int number, const char *format, ...)
{
	va_list args;
	size_t len;

	e->kind = kind;
	e->sys_errno = number;
	e->cause = NULL;
	e->hint[0] = '\0';
	va_start(args, format);
	vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	len = strlen(e->text);
	snprintf(e->text + len, sizeof(e->text) - len, ": %s", strerror(number));
	return -1;
}

int err_cause(struct err *e, const char *id)
{
	e->cause = id;
	return -1;
}

int err_context(struct err *e, const char *format, ...)
{
	char old[sizeof(e->text)];
	va_list args;
	size_t len;

	memcpy(old, e->text, sizeof(old));
	va_start(args, format);
	vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	len = strlen(e->text);
	snprintf(e->text + len, sizeof(e->text) - len, ": %s", old);
	return -1;
}

int err_hint(struct err *e, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(e->hint, sizeof(e->hint), format, args);
	va_end(args);
	return -1;
}
