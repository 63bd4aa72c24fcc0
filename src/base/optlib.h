/* base/optlib.h - a library that is loaded when it is first needed.
 *
 * For what is dear to load and what most commands have no use for.  One thread
 * alone may ask for a library the first time.
 */
#ifndef BASE_OPTLIB_H
#define BASE_OPTLIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct optlib_symbol {
	const char *name;
	size_t at;         /* where in the table its address goes */
};

struct optlib {
	const char *soname;                    /* "libgnutls.so.30" */
	const char *other;                     /* what does as well, should that be missing; NULL */
	const char *package;                   /* Debian's */
	const struct optlib_symbol *symbols;   /* up to one without a name */
	void *table;                           /* a struct of pointers only */
	bool here;                             /* all of them are filled in; the module's own */
};

/* Loads it unless it is here.  -1: ERR_SYSTEM saying what is missing and how to
 * get it, and the table is as it was; the next call tries again. */
int optlib_need(struct optlib *l, struct err *e);

/* Tells packagers what the ELF headers do not, in a note of the program: the format
 * is that of "dlopen() Metadata for ELF Files" (systemd.io/ELF_DLOPEN_METADATA).
 * All are literals; priority is "required", "recommended" or "suggested"; soname may be
 * OPTLIB_EITHER(). */
#define OPTLIB_EITHER(soname, other) soname "\",\"" other
#define OPTLIB_NOTE(variable, feature, description, priority, soname) \
	OPTLIB_NOTE_OF(variable, "[{\"feature\":\"" feature "\",\"description\":\"" description \
		"\",\"priority\":\"" priority "\",\"soname\":[\"" soname "\"]}]")
#define OPTLIB_NOTE_OF(variable, json) \
	__attribute__((used, section(".note.dlopen"), aligned(4))) \
	static const struct { \
		uint32_t owner_size, text_size, type; \
		char owner[4]; \
		char text[(sizeof(json) + 3) / 4 * 4]; \
	} variable = { 4, sizeof(json), 0x407c0c0a, "FDO", json }

#endif
