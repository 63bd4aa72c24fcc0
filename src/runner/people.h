/* runner/people.h - who the users are that speak to the accepting role.
 *
 * It is confined and can read no passwd: the supervisor is asked,
 * {"do":"who","uid":N}, and answers {"do":"who","uid":N,"name":"...","groups":[...]},
 * without a name where there is no such user; what it said is good for a minute, and
 * of users who are there for long also while it is asked again.
 */
#ifndef RUNNER_PEOPLE_H
#define RUNNER_PEOPLE_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

enum {
	PEOPLE_MOST = 4096,            /* that are remembered */
	PEOPLE_NAME_MAX = 64,          /* octets: the local part of an address */
	PEOPLE_GOOD_MS = 60000,
	PEOPLE_PATIENCE_MS = 5000,     /* then the question is asked again */
	DYNAMIC_FIRST = 61184,         /* systemd's DynamicUser= */
	DYNAMIC_LAST = 65519,
	NOBODY = 65534,                /* stands for all that have no uid here, as 65535 does */
	NOBODY_16 = 65535
};

/* Stands for all uids that are nobody's for long: they share one quota. */
#define PEOPLE_SHARED ((uid_t)-2)

struct person {
	uid_t uid;
	char  name[PEOPLE_NAME_MAX + 1];   /* login name, or "uid-N" */
	bool  lasting;                 /* it has a passwd entry and people_uid_lasts() */
	char **groups;                 /* own; names */
	size_t group_count;
};

void person_copy(struct person *to, const struct person *from);
void person_release(struct person *who);

struct people;

/* ask() sends the question. */
struct people *people_new(void (*ask)(void *context, uid_t uid), void *context);
void people_free(struct people **pp);

/* NULL: it is not known yet and is being asked; look again when people_learn() has
 * said that uid.  Good until the next call. */
const struct person *people_find(struct people *p, uid_t uid);

/* An answer.  False: it is none. */
bool people_learn(struct people *p, const json_t *answer, uid_t *uid);

/* Whether that uid can be one person's for long. */
bool people_uid_lasts(uid_t uid);

/* Who a quota is counted for. */
uid_t people_account_of(uid_t uid, bool lasting);

/* Whether a list as of `users` names that person: "name", "@group" or "*". */
bool people_are_listed(const struct person *who, char *const *items, size_t count);

#endif
