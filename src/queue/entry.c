/* queue/entry.c - an entry in memory; see entry.h. */
#include "queue/entry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum { HISTORY_FIRST = 5 };   /* events that are never dropped for newer ones */

void entry_release(struct entry *n)
{
	for (size_t i = 0; i < n->count; i++) {
		free(n->recipients[i].address);
		free(n->recipients[i].original);
		free(n->recipients[i].text);
	}
	for (size_t i = 0; i < n->event_count; i++)
		free(n->events[i].text);
	free(n->recipients);
	free(n->events);
	free(n->login);
	free(n->account);
	free(n->config);
	free(n->sender);
	free(n->origin);
	free(n->from);
	free(n->message_id);
	free(n->subject_of);
	free(n->tag);
	free(n->dsn.envid);
	free(n->last_account);
	free(n->cause);
	free(n->reason);
	*n = (struct entry){ 0 };
}

void entry_add_recipient(struct entry *n, const char *address, const char *original)
{
	/* Room doubles: a count that is a power of two fills what there is. */
	if (!(n->count & (n->count - 1)))
		n->recipients = mem_grow(n->recipients, n->count ? 2 * n->count : 1,
			sizeof(*n->recipients));
	n->recipients[n->count++] = (struct entry_recipient){
		.address = mem_string(address),
		.original = original ? mem_string(original) : NULL,
	};
}

static void forget_event(struct entry *n, size_t i)
{
	free(n->events[i].text);
	memmove(&n->events[i], &n->events[i + 1], (n->event_count - i - 1) * sizeof(*n->events));
	n->event_count--;
}

/* From which its age counts anew. */
static bool begins_anew(const struct entry_event *event)
{
	return !strcmp(event->what, "retried") || !strcmp(event->what, "released");
}

int64_t entry_taken_back(const struct entry *n)
{
	int64_t when = 0;

	for (size_t i = 0; i < n->event_count; i++)
		if (begins_anew(&n->events[i]) && n->events[i].when > when)
			when = n->events[i].when;
	return when;
}

/* The oldest behind the first ones, but for the last one that its age counts from. */
static size_t event_to_forget(const struct entry *n)
{
	size_t last = 0;

	for (size_t i = 0; i < n->event_count; i++)
		if (begins_anew(&n->events[i]))
			last = i;
	return last == HISTORY_FIRST ? HISTORY_FIRST + 1 : HISTORY_FIRST;
}

void entry_event(struct entry *n, int64_t when, const char *what, const char *text)
{
	struct buf clean = BUF_INIT(2 * ENTRY_TEXT_MAX);
	struct entry_event *event;

	while (n->event_count >= ENTRY_HISTORY_MAX)
		forget_event(n, event_to_forget(n));
	n->events = mem_grow(n->events, n->event_count + 1, sizeof(*n->events));
	event = &n->events[n->event_count++];
	*event = (struct entry_event){ .when = when };
	snprintf(event->what, sizeof(event->what), "%s", what);
	if (text)   /* less the three dots that stand for the rest */
		text_clean(text, strlen(text), ENTRY_TEXT_MAX - 3, &clean);
	if (clean.len)
		event->text = buf_take(&clean);
	buf_release(&clean);
}

size_t entry_in_state(const struct entry *n, enum recipient_state state)
{
	size_t count = 0;

	for (size_t i = 0; i < n->count; i++)
		count += n->recipients[i].state == state;
	return count;
}

size_t entry_waiting(const struct entry *n)
{
	return entry_in_state(n, RECIPIENT_WAITING);
}

bool entry_is_id(const char *text)
{
	size_t len = 0;

	for (; text[len]; len++)
		if (len == ENTRY_ID_LEN ||
				!((text[len] >= 'a' && text[len] <= 'z') ||
				(text[len] >= '2' && text[len] <= '7')))
			return false;
	return len == ENTRY_ID_LEN;
}
