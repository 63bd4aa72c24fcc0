/* t/unit/giveup_rig.h - a queue with a configuration, and messages in it that
 * cannot be delivered.
 */
#ifndef T_UNIT_GIVEUP_RIG_H
#define T_UNIT_GIVEUP_RIG_H

#include "t/unit/queue_rig.h"

#include <time.h>

#include "deliver/giveup.h"
#include "deliver/notice.h"

#define DAY 86400

struct desk {
	struct rig rig;
	struct config config;
	struct account account;
	char log[128], output[128];   /* paths */
};

/* Texts of the configuration are kept to the end of the test. */
__attribute__((unused))
static void desk_start(struct desk *d)
{
	static char name[] = "work", from[] = "me@example.org", host[] = "mx.example.org";

	memset(d, 0, sizeof(*d));
	rig_start(&d->rig);
	setenv("XDG_CONFIG_HOME", d->rig.directory, 1);
	snprintf(d->log, sizeof(d->log), "%s/log", d->rig.directory);
	snprintf(d->output, sizeof(d->output), "%s/output", d->rig.directory);
	d->account.name = name;
	d->account.who.from = from;
	d->account.net.host = host;
	d->config.accounts = &d->account;
	d->config.count = 1;
	d->config.global.log.target = d->log;
	d->config.global.aliases = mem_printf("%s/aliases", d->rig.directory);
	d->config.global.failure_notice = true;
	d->config.global.failed_keep = 30L * DAY * 1000;
	d->config.global.retry = (struct retry_settings){
		.first = 300000, .most = 14400000, .max_age = 5L * DAY * 1000,
		.delay_notice = DAY * 1000L
	};
}

__attribute__((unused))
static void desk_end(struct desk *d)
{
	free(d->config.global.aliases);
	rig_end(&d->rig);
}

/* A message of anna's to so many: a@example.net, b@example.net, ... */
__attribute__((unused))
static struct entry desk_entry(size_t count)
{
	struct entry n = { .created = time(NULL), .uid = 1000, .header_size = 40,
		.content_size = sizeof(rig_content) - 1, .longest_line = 24 };

	n.login = mem_string("anna");
	n.sender = mem_string("anna@example.org");
	n.origin = mem_string("anna@host.example");
	n.message_id = mem_string("<1@example.org>");
	for (size_t i = 0; i < count; i++) {
		char address[64];

		snprintf(address, sizeof(address), i < 26 ? "%c@example.net" : "%c%zu@example.net",
			(char)('a' + i % 26), i);
		entry_add_recipient(&n, address, NULL);
	}
	return n;
}

/* Into the queue; n is released. */
__attribute__((unused))
static void desk_enter(struct desk *d, struct entry *n, char id[ENTRY_ID_LEN + 1])
{
	struct spool_new *file;
	struct err e = { 0 };
	int good = spool_begin(d->rig.spool, &file, &e);

	if (good == 0)
		good = spool_head(file, n, &e);
	if (good == 0)
		good = spool_content(file, rig_content, sizeof(rig_content) - 1, &e);
	id[0] = '\0';
	if (good == 0)
		good = spool_enter(&file, QUEUE_NEW, id, &e);
	check(good == 0, "a message is there %s", good ? e.text : "");
	entry_release(n);
}

struct taken {
	struct held *held;
	struct entry entry;
};

__attribute__((unused))
static bool desk_take(struct desk *d, enum queue_state state, const char *id, struct taken *t)
{
	struct err e = { 0 };

	memset(t, 0, sizeof(*t));
	return spool_hold(d->rig.spool, state, id, &t->held, &e) == 1 &&
		held_load(t->held, true, &t->entry, &e) == 0;
}

__attribute__((unused))
static void desk_drop(struct taken *t)
{
	entry_release(&t->entry);
	held_free(&t->held);
}

/* What a server said of a recipient. */
__attribute__((unused))
static void desk_refuse(struct entry *n, size_t i, int code, const char *enhanced, const char *text)
{
	struct entry_recipient *to = &n->recipients[i];

	to->state = code < 500 ? RECIPIENT_WAITING : RECIPIENT_FAILED;
	to->code = code;
	snprintf(to->enhanced, sizeof(to->enhanced), "%s", enhanced);
	free(to->text);
	to->text = mem_string(text);
	to->when = 1795251600;
}

/* The only report in new/, with its text; false when there is not just one. */
__attribute__((unused))
static bool desk_report(struct desk *d, struct entry *n, struct buf *text)
{
	struct spool_list *l = spool_list(d->rig.spool, QUEUE_NEW, &(struct err){ 0 });
	char id[ENTRY_ID_LEN + 1], found[ENTRY_ID_LEN + 1] = "";
	struct taken t;
	unsigned count = 0;

	while (spool_next(l, id, sizeof(id))) {
		struct entry peeked = { .created = 0 };
		struct err e;

		if (spool_peek(d->rig.spool, QUEUE_NEW, id, &peeked, &e) == 0 && peeked.sender &&
				!*peeked.sender && ++count)
			memcpy(found, id, sizeof(found));
		entry_release(&peeked);
	}
	spool_list_free(&l);
	if (count != 1 || !desk_take(d, QUEUE_NEW, found, &t))
		return false;
	*n = t.entry;
	t.entry = (struct entry){ .created = 0 };
	for (char piece[4096]; text;) {
		struct err e;
		ssize_t got = held_read(t.held, text->len, piece, sizeof(piece), &e);

		if (got <= 0)
			break;
		buf_add(text, piece, (size_t)got);
	}
	desk_drop(&t);
	return true;
}

/* How many entries of the null sender are in new/. */
__attribute__((unused))
static unsigned desk_reports(struct desk *d)
{
	struct spool_list *l = spool_list(d->rig.spool, QUEUE_NEW, &(struct err){ 0 });
	char id[ENTRY_ID_LEN + 1];
	unsigned count = 0;

	while (l && spool_next(l, id, sizeof(id))) {
		struct entry n = { .created = 0 };
		struct err e;

		if (spool_peek(d->rig.spool, QUEUE_NEW, id, &n, &e) == 0)
			count += n.sender && !*n.sender;
		entry_release(&n);
	}
	spool_list_free(&l);
	return count;
}

/* Text of a file; with patience, waits until there is some. */
__attribute__((unused))
static const char *desk_file(const char *path, bool patience)
{
	static char text[8192];

	for (int i = 0; i < 200; i++) {
		FILE *f = fopen(path, "r");
		size_t len = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

		if (f)
			fclose(f);
		text[len] = '\0';
		if (!patience || (len && text[len - 1] == '\n'))
			break;
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	}
	return text;
}

#endif
