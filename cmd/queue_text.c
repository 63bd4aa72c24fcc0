/* cmd/queue_text.c - what a queue looks like; see queue.h.
 *
 * The form of mailq is Postfix's for long queue ids, heading, columns and last
 * line, since monitors read it.  Pure.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "cmd/queue.h"
#include "deliver/cause.h"

enum { ADDRESS_SHOWN = 254, ROW_RECIPIENTS = 3 };

char *show_span(int64_t seconds, char out[16])
{
	static const struct { int64_t from, unit; char name; } units[] = {
		{ 2 * 86400, 86400, 'd' }, { 3600, 3600, 'h' }, { 60, 60, 'm' }, { 0, 1, 's' }
	};
	size_t i = 0;

	if (seconds < 0)
		seconds = 0;
	if (seconds > 99999 * (int64_t)86400)
		seconds = 99999 * (int64_t)86400;
	while (seconds < units[i].from)
		i++;
	snprintf(out, 16, "%u%c", (unsigned)(seconds / units[i].unit), units[i].name);
	return out;
}

char *show_size(uint64_t octets, char out[16])
{
	static const char units[] = "KMGT";
	double shown = (double)octets;
	size_t i = 0;

	if (octets < 1024) {
		snprintf(out, 16, "%u", (unsigned)octets);
		return out;
	}
	for (shown /= 1024; shown >= 1000 && units[i + 1]; i++)
		shown /= 1024;
	snprintf(out, 16, shown < 9.95 ? "%.1f%c" : "%.0f%c", shown, units[i]);
	return out;
}

void show_json(json_t *object, struct buf *out)
{
	char *text = json_dumps(object, JSON_COMPACT);

	if (text) {
		buf_add_text(out, text);
		buf_add_char(out, '\n');
	}
	free(text);
	json_decref(object);
}

static void add_words(const char *text, struct buf *out)
{
	text_clean(text, strlen(text), 2 * TEXT_SHOWN_MAX, out);
}

static void add_address(const char *address, struct buf *out)
{
	text_clean(address, strlen(address), ADDRESS_SHOWN, out);
}

/* Why a recipient is still to be served: NULL when nobody has said. */
static const char *reason_of(const struct manage_item *i, const struct entry_recipient *r)
{
	if (r && r->text)
		return r->text;
	if (i->entry->reason)
		return i->entry->reason;
	return i->park ? i->park->reason : NULL;
}

/* ---- as Postfix's */

#define MAILQ_HEADING "----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------\n"
#define MAILQ_INDENT "                                               "

/* Right-aligned, as there. */
static void add_reason(const char *reason, struct buf *out)
{
	struct buf clean = BUF_INIT(4 * TEXT_SHOWN_MAX);

	add_words(reason, &clean);
	buf_printf(out, "%*s(%s)\n", clean.len < 76 ? (int)(76 - clean.len) : 0, "",
		buf_text(&clean));
	buf_release(&clean);
}

void show_mailq(const struct manage_item *i, bool first, struct buf *out)
{
	const char *sender = manage_sender(i), *told = "";
	time_t created = (time_t)i->created;
	struct tm tm = { 0 };
	char when[32], id[MANAGE_ID_MAX + 2];

	buf_add_text(out, first ? MAILQ_HEADING : "\n");
	localtime_r(&created, &tm);
	strftime(when, sizeof(when), "%a %b %e %H:%M:%S", &tm);
	snprintf(id, sizeof(id), "%s%s", i->id, strcmp(i->state, "hold") == 0 ? "!" : "");
	buf_printf(out, "%-17s %8llu %s ", id, (unsigned long long)i->size, when);
	add_address(sender[0] ? sender : "MAILER-DAEMON", out);
	buf_add_char(out, '\n');
	for (size_t k = 0; k < i->entry->count; k++) {
		const struct entry_recipient *r = &i->entry->recipients[k];
		const char *reason;

		if (r->state == RECIPIENT_DELIVERED)
			continue;
		reason = reason_of(i, r);
		if (!reason)
			reason = told[0] ? "reason unavailable" : "";
		if (strcmp(reason, told) != 0)
			add_reason(reason, out);
		told = reason;
		buf_add_text(out, MAILQ_INDENT);
		add_address(r->address, out);
		buf_add_char(out, '\n');
	}
}

void show_total(uint64_t octets, uint64_t messages, struct buf *out)
{
	if (messages)
		buf_printf(out, "\n-- %llu Kbytes in %llu Request%s.\n",
			(unsigned long long)(octets / 1024), (unsigned long long)messages,
			messages == 1 ? "" : "s");
	else
		buf_add_text(out, "Mail queue is empty\n");
}

/* ---- for people */

#define ROW_HEADING "ID                AGE   SIZE TRIES    NEXT ACCOUNT    SENDER -> RECIPIENTS\n"
#define ROW_INDENT "                 "

static const char *next_words(const struct manage_item *i, char out[16])
{
	int64_t wait = i->next - i->now;

	if (!i->entry)
		return i->unread ? "unread" : "damaged";
	if (!strcmp(i->state, "hold"))
		return "held";
	if (strcmp(i->state, "new") != 0)
		return i->state;
	return i->next && wait > 0 ? show_span(wait, out) : "now";
}

static void add_recipients(const struct entry *n, struct buf *out)
{
	size_t shown = 0, left = 0;

	for (size_t k = 0; k < n->count; k++) {
		if (n->recipients[k].state == RECIPIENT_DELIVERED)
			continue;
		if (shown == ROW_RECIPIENTS) {
			left++;
			continue;
		}
		if (shown++)
			buf_add_text(out, ", ");
		add_address(n->recipients[k].address, out);
	}
	if (left)
		buf_printf(out, " and %zu more", left);
}

static void add_sender(const struct manage_item *i, struct buf *out)
{
	const char *sender = manage_sender(i);

	add_address(sender[0] ? sender : "<>", out);
}

/* Its account is parked, and time alone does not change that. */
static bool stays(const struct manage_item *i)
{
	const struct cause *cause = i->park && i->park->cause ? cause_named(i->park->cause) : NULL;

	return cause && cause->stays;
}

/* Why it is still here, in one line. */
static void add_trouble(const struct manage_item *i, const char *indent, struct buf *out)
{
	const char *reason = i->trouble;
	char span[16];

	if (!reason && i->park) {
		buf_printf(out, "%saccount parked %s%s: ", indent, stays(i) ? "until that is mended" : "for ",
			stays(i) ? "" : show_span(i->park->until - i->now, span));
		reason = i->park->reason ? i->park->reason : "";
	} else {
		if (!reason && i->entry)
			reason = reason_of(i, i->answer);
		if (!reason)
			return;
		buf_add_text(out, indent);
	}
	add_words(reason, out);
	buf_add_char(out, '\n');
}

static void add_each(const struct manage_item *i, struct buf *out)
{
	static const char *const states[] = {
		[RECIPIENT_WAITING] = "waiting", [RECIPIENT_DELIVERED] = "delivered",
		[RECIPIENT_FAILED] = "failed", [RECIPIENT_REPORTED] = "failed, told",
	};

	for (size_t k = 0; k < i->entry->count; k++) {
		const struct entry_recipient *r = &i->entry->recipients[k];

		buf_add_text(out, ROW_INDENT);
		add_address(r->address, out);
		if (r->original) {
			buf_add_text(out, " (for ");
			add_address(r->original, out);
			buf_add_char(out, ')');
		}
		buf_printf(out, ": %s", states[r->state]);
		if (r->unsure)
			buf_add_text(out, ", may have it already");
		if (r->text) {
			buf_add_text(out, ": ");
			add_words(r->text, out);
		}
		buf_add_char(out, '\n');
	}
}

void show_row(const struct manage_item *i, bool first, bool verbose, struct buf *out)
{
	const char *account = manage_account(i);
	char age[16], size[16], next[16], shown[CONF_NAME_MAX + 1];

	if (first)
		buf_add_text(out, ROW_HEADING);
	text_clean_to(shown, sizeof(shown), account, strlen(account));
	buf_printf(out, "%-16s %4s %6s %5u %7s %-10s ", i->id, show_span(i->age, age),
		show_size(i->size, size), i->tries, next_words(i, next),
		shown[0] ? shown : "-");
	if (i->entry) {
		add_sender(i, out);
		buf_add_text(out, " -> ");
		add_recipients(i->entry, out);
	} else {
		buf_add_char(out, '-');
	}
	buf_add_char(out, '\n');
	add_trouble(i, ROW_INDENT, out);
	if (verbose && i->entry)
		add_each(i, out);
}

/* ---- one message, whole */

static void add_line(const char *name, const char *value, struct buf *out)
{
	if (!value || !value[0])
		return;
	buf_printf(out, "%-12s ", name);
	add_words(value, out);
	buf_add_char(out, '\n');
}

static void add_moment(const char *name, int64_t when, int64_t now, struct buf *out)
{
	char date[40], span[16];

	if (!when)
		return;
	clock_rfc5322((time_t)when, clock_local_offset((time_t)when), date, sizeof(date));
	if (when > now)
		buf_printf(out, "%-12s %s (in %s)\n", name, date, show_span(when - now, span));
	else
		buf_printf(out, "%-12s %s (%s ago)\n", name, date, show_span(now - when, span));
}

static void add_history(const struct entry *n, struct buf *out)
{
	if (n->event_count)
		buf_add_text(out, "history\n");
	for (size_t k = 0; k < n->event_count; k++) {
		const struct entry_event *v = &n->events[k];
		char date[40];

		clock_rfc5322((time_t)v->when, clock_local_offset((time_t)v->when), date,
			sizeof(date));
		buf_printf(out, "  %s  %-8s", date, v->what);
		if (v->text && v->text[0]) {
			buf_add_char(out, ' ');
			add_words(v->text, out);
		}
		buf_add_char(out, '\n');
	}
}

static const char *state_words(const struct manage_item *i)
{
	if (!i->entry)
		return i->unread ? "not read: it waits until it can be" :
			"damaged: it is kept and never sent";
	if (!strcmp(i->state, "hold"))
		return "held until it is released";
	return !strcmp(i->state, "new") ? "waiting" : "given up";
}

/* What the last answer means, and what to do; nothing of a release that knew more. */
static void add_cause(const char *id, struct buf *out)
{
	const struct cause *cause = cause_named(id);

	if (!cause)
		return;
	buf_printf(out, "%-12s %s (%s)\n", "cause", cause->words, cause->id);
	add_line("next step", cause->next, out);
}

static void add_envelope(const struct manage_item *i, struct buf *out)
{
	const struct entry *n = i->entry;
	int64_t now = i->now;

	buf_printf(out, "%-12s ", "sender");
	add_sender(i, out);
	buf_add_char(out, '\n');
	buf_add_text(out, "recipients\n");
	add_each(i, out);
	add_line("account", manage_account(i), out);
	add_line("config", n->config, out);
	add_line("handed in by", n->login, out);
	add_line("message-id", n->message_id, out);
	add_line("tag", n->tag, out);
	add_line("report about", n->subject_of, out);
	add_moment("not before", n->not_before, now, out);
	buf_printf(out, "%-12s %u\n", "tries", i->tries);
	add_moment("last try", i->last, now, out);
	if (!strcmp(i->state, "new")) {
		if (stays(i))
			add_line("next try", "when the cause is mended, or by sendoff queue flush", out);
		else if (i->next > now)
			add_moment("next try", i->next, now, out);
		else
			add_line("next try", "now", out);
	}
	add_line("reason", n->reason, out);
	if (i->park) {
		if (!stays(i))
			add_moment("parked until", i->park->until, now, out);
		add_line("parked for", i->park->reason, out);
	}
	add_cause(n->cause || !i->park ? n->cause : i->park->cause, out);
	add_history(n, out);
}

void show_whole(const struct manage_item *i, struct buf *out)
{
	add_line("id", i->id, out);
	add_line("state", state_words(i), out);
	add_line("trouble", i->trouble, out);
	add_moment("created", i->created, i->now, out);
	buf_printf(out, "%-12s %llu\n", "size", (unsigned long long)i->size);
	if (i->entry)
		add_envelope(i, out);
}
