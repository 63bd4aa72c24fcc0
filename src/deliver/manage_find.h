/* deliver/manage_find.h - one message by what somebody typed; inside of manage. */
#ifndef DELIVER_MANAGE_FIND_H
#define DELIVER_MANAGE_FIND_H

#include <limits.h>

#include "deliver/manage.h"

struct manage_found {
	char name[NAME_MAX + 1];    /* of its file */
	enum queue_state state;
};

bool manage_may_see(const struct manage *m, const struct entry *n);

/* -1: ERR_USAGE, ERR_RIGHT, ERR_STORE. */
int manage_find(const struct manage *m, const char *id, struct manage_found *out, struct err *e);

/* The names in a state.  NULL: ERR_STORE. */
struct spool_list *manage_names(const struct manage *m, enum queue_state state, struct err *e);

/* Locks it.  -1: ERR_STORE: it is being sent, or has gone. */
int manage_lock(const struct manage *m, const struct manage_found *f, struct held **hp,
	struct err *e);

/* A file's name as it is shown: "p-", and cleaned. */
void manage_label(const struct manage *m, const char *name, char out[MANAGE_ID_MAX]);

#endif
