/* deliver/flush_seen.c - which messages a run has looked at; see flush_state.h.
 *
 * Each is looked at once, or what cannot be sent now would be tried for ever.  A
 * message that another process had is looked at again when that one has let go:
 * it may have been the process that stored it, which was in new/ already and not
 * yet done with its syncs, and which relies on whoever has the connections.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deliver/flush_state.h"

static uint64_t number_of(const char *id)
{
	uint64_t n = 0;

	for (; *id; id++)
		n = n * 32 + (uint64_t)(*id >= 'a' ? *id - 'a' : *id - '2' + 26);
	return n + 1;   /* 0 is an empty place */
}

static void grow(struct seen *s)
{
	uint64_t *old = s->numbers;
	size_t size = s->size;

	s->size = size ? size * 2 : 256;
	s->numbers = mem_alloc(s->size * sizeof(*s->numbers));
	for (size_t i = 0; i < size; i++)
		if (old[i]) {
			size_t at = old[i] % s->size;

			while (s->numbers[at])
				at = (at + 1) % s->size;
			s->numbers[at] = old[i];
		}
	free(old);
}

bool seen_add(struct seen *s, const char *id)
{
	uint64_t n = number_of(id);
	size_t at;

	if (s->count * 2 >= s->size)
		grow(s);
	for (at = n % s->size; s->numbers[at]; at = (at + 1) % s->size)
		if (s->numbers[at] == n)
			return false;
	s->numbers[at] = n;
	s->count++;
	return true;
}

void seen_busy(struct seen *s, const char *id)
{
	if (s->busy_count == s->busy_cap) {
		s->busy_cap = s->busy_cap ? s->busy_cap * 2 : 16;
		s->busy = mem_grow(s->busy, s->busy_cap, sizeof(*s->busy));
	}
	memcpy(s->busy[s->busy_count++], id, sizeof(s->busy[0]));
}

bool seen_put_off(struct seen *s, const char *id)
{
	for (size_t i = 0; i < s->put_off_count; i++)
		if (!strcmp(s->put_off[i], id))
			return false;
	s->put_off = mem_grow(s->put_off, s->put_off_count + 1, sizeof(*s->put_off));
	memcpy(s->put_off[s->put_off_count++], id, sizeof(s->put_off[0]));
	seen_busy(s, id);
	return true;
}

bool seen_let_go(struct seen *s, struct spool *spool, const char *id)
{
	struct held *held = NULL;
	struct err ignored;
	size_t i = 0;

	while (i < s->busy_count && strcmp(s->busy[i], id) != 0)
		i++;
	if (i == s->busy_count || spool_hold(spool, QUEUE_NEW, id, &held, &ignored) <= 0)
		return false;
	held_free(&held);
	memmove(s->busy[i], s->busy[--s->busy_count], sizeof(s->busy[0]));
	return true;
}

void seen_release(struct seen *s)
{
	free(s->numbers);
	free(s->busy);
	free(s->put_off);
	*s = (struct seen){ .count = 0 };
}
