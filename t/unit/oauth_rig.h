/* t/unit/oauth_rig.h - settings and plans of OAuth for tests, written as in a file. */
#ifndef T_UNIT_OAUTH_RIG_H
#define T_UNIT_OAUTH_RIG_H

#include <stdlib.h>

#include "base/mem.h"
#include "cred/oauth.h"
#include "t/unit/tap.h"

#define OAUTH_RIG_SECRET "never-to-be-shown"

/* Names of keys, without their "oauth_", each with its value; as it is, whatever the
 * parser of files would say. */
static void settings_put(struct oauth_settings *set, const char *name, const char *value)
{
	for (const struct key *row = oauth_keys; row->name; row++) {
		void *field = (char *)set + row->offset;

		if (strcmp(row->name + strlen("oauth_"), name) != 0)
			continue;
		if (row->type == KEY_SECRET)
			secret_set(field, value, strlen(value));
		else if (row->type != KEY_CHOICE)
			*(char **)field = mem_string(value);
		else
			for (const struct key_choice *c = row->choices; c->name; c++)
				if (!strcmp(c->name, value))
					*(int *)field = c->value;
		return;
	}
	check(false, "oauth_%s is a key", name);
}

static struct oauth_settings settings_of(const char *const *pairs)
{
	struct oauth_settings set = { 0 };

	for (; pairs[0]; pairs += 2)
		settings_put(&set, pairs[0], pairs[1]);
	return set;
}

static void settings_release(struct oauth_settings *set)
{
	for (const struct key *row = oauth_keys; row->name; row++) {
		void *field = (char *)set + row->offset;

		if (row->type == KEY_SECRET)
			secret_wipe(field);
		else if (row->type != KEY_CHOICE)
			free(*(char **)field);
	}
}

/* The plan of account "work" and user "me@x.test". */
__attribute__((unused))
static bool plan_of(const char *const *pairs, const char *preset, struct oauth_plan *p)
{
	struct oauth_settings set = settings_of(pairs);
	struct err e = { 0 };
	bool good = oauth_plan(&set, "work", preset, "me@x.test", p, &e) == 0;

	if (!good)
		printf("# %s (%s)\n", e.text, e.hint);
	settings_release(&set);
	return good;
}

#define PLAN(preset, p, ...) plan_of((const char *const[]){ __VA_ARGS__, NULL }, (preset), (p))

#endif
