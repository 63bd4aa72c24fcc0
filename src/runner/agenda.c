/* runner/agenda.c - which account is served next; see agenda.h. */
#include "runner/agenda.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const struct {
	uint64_t first, most;    /* ms */
} pauses[] = {
	[ERRAND_NOTHING] = { 1000, 60 * 1000 },
	[ERRAND_UNWRITTEN] = { 5 * 60 * 1000, 4 * 60 * 60 * 1000 },
};

static void free_errand(struct errand *r)
{
	free(r->config);
	free(r->account);
	free(r);
}

void agenda_release(struct agenda *a)
{
	for (size_t i = 0; i < a->count; i++)
		free_errand(a->items[i]);
	free(a->items);
	*a = (struct agenda){ .items = NULL };
}

void agenda_begin(struct agenda *a)
{
	for (size_t i = 0; i < a->count; i++)
		a->items[i]->named = false;
}

static bool is_same(const struct errand *r, const char *config, const char *account)
{
	return !strcmp(r->account, account) &&
		(config && r->config ? !strcmp(config, r->config) : config == r->config);
}

static struct errand *find(struct agenda *a, const char *config, const char *account)
{
	struct errand *r;

	for (size_t i = 0; i < a->count; i++)
		if (is_same(a->items[i], config, account))
			return a->items[i];
	r = mem_alloc(sizeof(*r));
	r->config = config ? mem_string(config) : NULL;
	r->account = mem_string(account);
	a->items = mem_grow(a->items, a->count + 1, sizeof(struct errand *));
	a->items[a->count++] = r;
	return r;
}

void agenda_note(struct agenda *a, const char *config, const char *account, int64_t when,
	int64_t now)
{
	struct errand *r = find(a, config, account);
	bool due = when <= now;

	if (!r->named) {
		r->named = true;
		r->due = due;
		r->when = when;
	} else {
		r->due = r->due || due;
		r->when = when < r->when ? when : r->when;
	}
}

void agenda_end(struct agenda *a)
{
	size_t kept = 0;

	for (size_t i = 0; i < a->count; i++) {
		struct errand *r = a->items[i];

		if (!r->named) {
			r->due = r->flush = false;
			r->when = 0;
		}
		if (!r->due) {
			r->failures = 0;
			r->not_before = 0;
		}
		if (r->named || r->child)
			a->items[kept++] = r;
		else
			free_errand(r);
	}
	a->count = kept;
}

void agenda_flush(struct agenda *a)
{
	for (size_t i = 0; i < a->count; i++)
		a->items[i]->flush = true;
	agenda_hurry(a);
}

void agenda_hurry(struct agenda *a)
{
	for (size_t i = 0; i < a->count; i++) {
		a->items[i]->failures = 0;
		a->items[i]->not_before = 0;
	}
}

/* No account: whoever mends the configuration sees to it. */
static bool wants_child(const struct errand *r)
{
	return (r->due || r->flush) && !r->child && r->account[0];
}

struct errand *agenda_next(struct agenda *a, uint64_t ms)
{
	for (size_t i = 0; i < a->count && a->children < AGENDA_AT_ONCE; i++)
		if (wants_child(a->items[i]) && a->items[i]->not_before <= ms)
			return a->items[i];
	return NULL;
}

/* What it was started for is its affair from now on. */
void agenda_started(struct agenda *a, struct errand *r, pid_t child)
{
	a->children++;
	r->child = child;
	r->due = r->flush = false;
}

void agenda_ended(struct agenda *a, struct errand *r, enum errand_end end, uint64_t ms)
{
	uint64_t pause, most;

	if (r->child)
		a->children--;
	r->child = 0;
	r->due = false;   /* until the next survey: what the last one saw may be done */
	if (end == ERRAND_PROGRESS) {
		r->failures = 0;
		r->not_before = 0;
		return;
	}
	pause = pauses[end].first;
	most = pauses[end].most;
	for (unsigned i = 0; i < r->failures && pause < most; i++)
		pause *= 2;
	r->failures++;
	r->not_before = ms + (pause < most ? pause : most);
}

uint64_t agenda_pause(const struct agenda *a, uint64_t ms)
{
	uint64_t next = 0;

	for (size_t i = 0; i < a->count && a->children < AGENDA_AT_ONCE; i++) {
		const struct errand *r = a->items[i];

		if (wants_child(r) && r->not_before > ms && (!next || r->not_before < next))
			next = r->not_before;
	}
	return next;
}

int64_t agenda_moment(const struct agenda *a)
{
	int64_t next = 0;

	for (size_t i = 0; i < a->count; i++) {
		const struct errand *r = a->items[i];

		if (r->named && !r->due && !r->child && r->when && (!next || r->when < next))
			next = r->when;
	}
	return next;
}
