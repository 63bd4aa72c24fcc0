/* base/optlib.c - libraries loaded at need; see optlib.h. */
#include "base/optlib.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static int cannot_load(const struct optlib *l, struct err *e)
{
	const char *why = dlerror();
	size_t len = strlen(l->soname);
	char shown[300];

	if (!why)
		why = "no reason given";
	if (!strncmp(why, l->soname, len) && !strncmp(why + len, ": ", 2))
		why += len + 2;
	text_clean_to(shown, sizeof(shown), why, strlen(why));
	err_set(e, ERR_SYSTEM, "%s cannot be loaded: %s", l->soname, shown);
	return err_hint(e, "install %s", l->package);
}

/* Bound as it would be had the program been linked with it: RTLD_NOW looks up thousands
 * of names that are never used.  Of two that are missing the first is named. */
static void *load(const struct optlib *l, struct err *e)
{
	void *library = dlopen(l->soname, RTLD_LAZY | RTLD_LOCAL);
	struct err first;

	if (library)
		return library;
	cannot_load(l, &first);
	library = l->other ? dlopen(l->other, RTLD_LAZY | RTLD_LOCAL) : NULL;
	if (!library)
		*e = first;
	return library;
}

static size_t count_of(const struct optlib *l)
{
	size_t count = 0;

	while (l->symbols[count].name)
		count++;
	return count;
}

/* All or none. */
static int fill(struct optlib *l, void *library, void **found, struct err *e)
{
	size_t count = count_of(l);

	for (size_t i = 0; i < count; i++) {
		found[i] = dlsym(library, l->symbols[i].name);
		if (!found[i]) {
			err_set(e, ERR_SYSTEM, "%s lacks %s", l->soname, l->symbols[i].name);
			return err_hint(e, "install a newer %s", l->package);
		}
	}
	for (size_t i = 0; i < count; i++)
		memcpy((char *)l->table + l->symbols[i].at, &found[i], sizeof(found[i]));
	return 0;
}

int optlib_need(struct optlib *l, struct err *e)
{
	void *library, **found;

	if (l->here)
		return 0;
	library = load(l, e);
	if (!library)
		return -1;
	found = mem_grow(NULL, count_of(l), sizeof(*found));
	l->here = fill(l, library, found, e) == 0;
	free(found);
	if (!l->here)
		dlclose(library);
	return l->here ? 0 : -1;
}
