/* runner/people.c - who the users are; see people.h. */
#include "runner/people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "queue/entry.h"

enum { GROUPS_MOST = 1000 };

struct known {
	struct person person;
	bool told;               /* it is known, or was */
	uint64_t since, asked;   /* when it was told; when it was asked last; 0: never */
};

struct people {
	struct known *items;     /* in the order of their uids */
	size_t count, cap;
	void (*ask)(void *context, uid_t uid);
	void *context;
};

void person_copy(struct person *to, const struct person *from)
{
	*to = *from;
	to->groups = mem_grow(NULL, from->group_count + 1, sizeof(*to->groups));
	for (size_t i = 0; i < from->group_count; i++)
		to->groups[i] = mem_string(from->groups[i]);
}

void person_release(struct person *who)
{
	for (size_t i = 0; i < who->group_count; i++)
		free(who->groups[i]);
	free(who->groups);
	who->groups = NULL;
	who->group_count = 0;
}

struct people *people_new(void (*ask)(void *context, uid_t uid), void *context)
{
	struct people *p = mem_alloc(sizeof(*p));

	p->ask = ask;
	p->context = context;
	return p;
}

void people_free(struct people **pp)
{
	struct people *p = *pp;

	*pp = NULL;
	if (!p)
		return;
	for (size_t i = 0; i < p->count; i++)
		person_release(&p->items[i].person);
	free(p->items);
	free(p);
}

/* Where uid is, or would be. */
static size_t place_of(const struct people *p, uid_t uid)
{
	size_t low = 0, high = p->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (p->items[middle].person.uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct people *p, size_t i, uid_t uid)
{
	return i < p->count && p->items[i].person.uid == uid;
}

static uint64_t heard_of(const struct known *k)
{
	return k->told ? k->since : k->asked;
}

/* The oldest of those who are nobody's for long, or of all. */
static bool forget_oldest(struct people *p, bool lasting)
{
	uint64_t now = clock_ms(), oldest = now;
	size_t kept = 0, count = p->count;

	for (size_t i = 0; i < count; i++)
		if (p->items[i].person.lasting == lasting && heard_of(&p->items[i]) < oldest)
			oldest = heard_of(&p->items[i]);
	for (size_t i = 0; i < count; i++) {
		uint64_t heard = heard_of(&p->items[i]);

		if (p->items[i].person.lasting == lasting &&
		    (heard == oldest || now - heard > PEOPLE_GOOD_MS))
			person_release(&p->items[i].person);
		else
			p->items[kept++] = p->items[i];
	}
	p->count = kept;
	return kept < count;
}

static struct known *add(struct people *p, uid_t uid)
{
	size_t at;

	/* A user of a container has 65,536 uids to come with. */
	if (p->count == PEOPLE_MOST && !forget_oldest(p, false))
		forget_oldest(p, true);
	if (p->count == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 16;
		p->items = mem_grow(p->items, p->cap, sizeof(*p->items));
	}
	at = place_of(p, uid);
	memmove(&p->items[at + 1], &p->items[at], (p->count - at) * sizeof(*p->items));
	p->count++;
	p->items[at] = (struct known){ .person = { .uid = uid } };
	return &p->items[at];
}

const struct person *people_find(struct people *p, uid_t uid)
{
	size_t i = place_of(p, uid);
	struct known *k = is_at(p, i, uid) ? &p->items[i] : NULL;
	uint64_t now = clock_ms();

	if (k && k->told && now - k->since < PEOPLE_GOOD_MS)
		return &k->person;
	if (!k)
		k = add(p, uid);
	if (!k->asked || now - k->asked >= PEOPLE_PATIENCE_MS) {
		k->asked = now;
		p->ask(p->context, uid);
	}
	return k->person.lasting ? &k->person : NULL;
}

/* A name stands in addresses, headers and the log. */
static bool is_name(const char *name)
{
	size_t len = name ? strlen(name) : 0;

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] < 33 || name[i] == 127)
			return false;
	return len > 0 && len <= PEOPLE_NAME_MAX;
}

static void learn_groups(struct person *who, const json_t *groups)
{
	size_t count = json_array_size(groups);

	person_release(who);
	if (count > GROUPS_MOST)
		count = GROUPS_MOST;
	who->groups = mem_grow(NULL, count + 1, sizeof(*who->groups));
	for (size_t i = 0; i < count; i++) {
		const char *name = json_string_value(json_array_get(groups, i));

		if (name)
			who->groups[who->group_count++] = mem_string(name);
	}
}

bool people_learn(struct people *p, const json_t *answer, uid_t *uid)
{
	const json_t *number = json_object_get(answer, "uid");
	const char *name = json_string_value(json_object_get(answer, "name"));
	struct person *who;
	char standing[24];
	size_t i;

	if (!json_is_integer(number))
		return false;
	*uid = (uid_t)json_integer_value(number);
	i = place_of(p, *uid);
	if (!is_at(p, i, *uid))
		return false;   /* forgotten since it was asked */
	who = &p->items[i].person;
	p->items[i].told = true;
	p->items[i].since = clock_ms();
	p->items[i].asked = 0;
	snprintf(standing, sizeof(standing), "uid-%lu", (unsigned long)*uid);
	snprintf(who->name, sizeof(who->name), "%s", is_name(name) ? name : standing);
	who->lasting = name && strcmp(name, standing) != 0 &&
		people_uid_lasts(*uid);
	learn_groups(who, json_object_get(answer, "groups"));
	return true;
}

bool people_uid_lasts(uid_t uid)
{
	return (uid < DYNAMIC_FIRST || uid > DYNAMIC_LAST) && uid != NOBODY && uid != NOBODY_16;
}

uid_t people_account_of(uid_t uid, bool lasting)
{
	return lasting || uid == 0 || uid == ENTRY_NOBODY ? uid : PEOPLE_SHARED;
}

bool people_are_listed(const struct person *who, char *const *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(items[i], "*") || !strcmp(items[i], who->name))
			return true;
		for (size_t k = 0; items[i][0] == '@' && k < who->group_count; k++)
			if (!strcmp(items[i] + 1, who->groups[k]))
				return true;
	}
	return false;
}
