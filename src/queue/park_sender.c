/* queue/park_sender.c - senders that an account's server said no to; see park.h. */
#include "queue/park.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "queue/internal.h"

/* ---- as text: such lines for each, behind those of the account */

#define FIELD(word, type, field, always) \
	{ word, type, offsetof(struct parked_sender, field), \
		sizeof(((struct parked_sender *)0)->field), always, NULL }

static const struct field fields[] = {
	FIELD("sender", FIELD_PATH, address, true),
	FIELD("sender-until", FIELD_TIME, until, true),
	FIELD("sender-set", FIELD_TIME, set, true),
	FIELD("sender-steps", FIELD_UNSIGNED, steps, true),
	FIELD("sender-cause", FIELD_TEXT, cause, false),
	FIELD("sender-reason", FIELD_TEXT, reason, false),
	{ 0 }
};

void park_senders_write(const struct park *p, struct buf *out)
{
	for (size_t i = 0; i < p->sender_count; i++)
		fields_write(fields, &p->senders[i], out);
}

int park_senders_read(struct park *p, struct lines *l, struct err *e)
{
	struct line *line;

	while (lines_peek(l, &line) == 1 && p->sender_count < PARK_SENDERS)
		if (fields_read(fields, l, &p->senders[p->sender_count++], e) < 0)
			return -1;
	return 0;
}

/* ---- the rules */

static void forget(struct park *p, size_t i)
{
	struct parked_sender *s = &p->senders[i];

	free(s->address);
	free(s->cause);
	free(s->reason);
	*s = p->senders[--p->sender_count];
	p->senders[p->sender_count] = (struct parked_sender){ .address = NULL };
}

void park_senders_release(struct park *p)
{
	while (p->sender_count)
		forget(p, p->sender_count - 1);
	p->senders_of[0] = '\0';
}

void park_senders_move(struct park *to, struct park *from)
{
	memcpy(to->senders, from->senders, sizeof(to->senders));
	memcpy(to->senders_of, from->senders_of, sizeof(to->senders_of));
	to->sender_count = from->sender_count;
	from->sender_count = 0;
}

static size_t find(const struct park *p, const char *address)
{
	size_t i = 0;

	while (i < p->sender_count && strcmp(p->senders[i].address, address) != 0)
		i++;
	return i;
}

static void make_room(struct park *p)
{
	size_t first = 0;

	if (p->sender_count < PARK_SENDERS)
		return;
	for (size_t i = 1; i < p->sender_count; i++)
		if (p->senders[i].until < p->senders[first].until)
			first = i;
	forget(p, first);
}

void park_sender_set(struct park *p, const char *address, const char *cause, const char *reason,
	const char *fingerprint, const struct retry_settings *set, uint32_t random, int64_t now)
{
	struct parked_sender *s;
	size_t i;

	if (strlen(address) > PARK_SENDER_MAX)
		return;
	if (strcmp(p->senders_of, fingerprint) != 0)
		park_senders_release(p);
	snprintf(p->senders_of, sizeof(p->senders_of), "%s", fingerprint);
	i = find(p, address);
	if (i == p->sender_count) {
		make_room(p);
		i = p->sender_count++;
		p->senders[i].address = mem_string(address);
	}
	s = &p->senders[i];
	park_set_text(&s->cause, cause);
	park_set_text(&s->reason, reason);
	if (s->steps && !schedule_due(set, s->until, s->set, now))
		return;   /* a connection that was open as well: no further step */
	s->steps += s->steps < UINT32_MAX;
	s->set = now;
	s->until = now + schedule_wait(set, s->steps, random);
}

const struct parked_sender *park_sender_blocks(const struct park *p, const char *address,
	const struct retry_settings *set, const char *fingerprint, int64_t now)
{
	size_t i = find(p, address);

	if (i == p->sender_count || strcmp(p->senders_of, fingerprint) != 0 ||
	    schedule_due(set, p->senders[i].until, p->senders[i].set, now))
		return NULL;
	return &p->senders[i];
}

void park_sender_clear(struct park *p, const char *address)
{
	size_t i = find(p, address);

	if (i < p->sender_count)
		forget(p, i);
}
