/* t/unit/queue_done.c - what was delivered a moment ago is known by its token. */
#include "t/unit/queue_rig.h"

#include <time.h>

static const char wanted[] = "abcdefghijkl";
static const char token[] = "0123456789abcdef0123456789abcdef";

static int enter(struct rig *r, const char *with_token, int64_t created, char *id)
{
	struct entry n = rig_entry(sizeof(rig_content) - 1);
	struct spool_new *new = NULL;
	struct err e = { 0 };
	int result;

	n.created = created;
	snprintf(n.token, sizeof(n.token), "%s", with_token);
	result = spool_begin(r->spool, &new, &e);
	if (result == 0)
		result = spool_head(new, &n, &e);
	if (result == 0)
		result = spool_content(new, rig_content, sizeof(rig_content) - 1, &e);
	if (result == 0)
		result = spool_enter(&new, QUEUE_NEW, id, &e);
	entry_release(&n);
	return result;
}

/* As a flusher does behind a server's 250. */
static void deliver(struct rig *r, const char *id)
{
	struct entry n = { .created = 0 };
	struct held *h = NULL;
	struct err e = { 0 };

	check_int(spool_hold(r->spool, QUEUE_NEW, id, &h, &e), 1, "held");
	check_int(held_load(h, true, &n, &e), 0, "read");
	held_done(h);
	check(!held_marks_failed(h), "done");
	check(!rig_is_there(r, "new", id), "and gone from new/");
	held_free(&h);
	entry_release(&n);
	check_int(spool_sync(r->spool, &e), 0, "synced");
}

static off_t size_of(const struct rig *r, const char *id)
{
	char *path = mem_printf("%s/done/%s", r->path, id);
	struct stat st = { .st_size = -1 };

	lstat(path, &st);
	free(path);
	return st.st_size;
}

static void test_remembered(void)
{
	char id[ENTRY_ID_LEN + 1], whole[ENTRY_ID_LEN + 1];
	enum queue_state state;
	struct rig r;
	struct err e = { 0 };

	rig_start(&r);
	memcpy(id, wanted, sizeof(id));
	check(!spool_knows(r.spool, wanted), "F0 an id that nobody had is not known");
	check_int(enter(&r, token, time(NULL), id), 0, "F0 a message with a token");
	check(spool_knows(r.spool, wanted), "F0 is known");
	check_int(enter(&r, token, time(NULL), id), 1, "F0 and not stored again");
	deliver(&r, id);
	check(rig_is_there(&r, "done", id), "F0 delivered, it is remembered");
	check_int(size_of(&r, id), 0, "without its octets");
	check(spool_knows(r.spool, wanted), "F0 it is known still");
	check_int(enter(&r, token, time(NULL), id), 1, "F0 and not stored again");
	check_text(id, wanted, "the id is the old one");
	check_int(rig_count(&r, "new") + rig_count(&r, "tmp"), 0, "nothing is left of the try");
	check_int(spool_find(r.spool, wanted, whole, &state, &e), -1, "nobody finds it in the queue");
	spool_sweep(r.spool, time(NULL) + 60);
	check(spool_knows(r.spool, wanted), "F0 a minute later it is known");
	spool_sweep(r.spool, time(NULL) + 3600);
	check(!spool_knows(r.spool, wanted), "an hour later it is forgotten");
	check_int(rig_count(&r, "done"), 0, "and gone");
	rig_end(&r);
}

static void test_forgotten(void)
{
	char id[ENTRY_ID_LEN + 1];
	struct rig r;

	rig_start(&r);
	memcpy(id, wanted, sizeof(id));
	check_int(enter(&r, "", time(NULL), id), 0, "a message without a token");
	deliver(&r, id);
	check_int(rig_count(&r, "done"), 0, "is not remembered");
	check_int(enter(&r, token, time(NULL) - 3600, id), 0, "one that waited for an hour");
	deliver(&r, id);
	check_int(rig_count(&r, "done"), 0, "neither: nobody asks any more");
	check_int(enter(&r, token, time(NULL) + 86400, id), 0, "B7 one from the future");
	deliver(&r, id);
	check(rig_is_there(&r, "done", id), "B7 is new");
	rig_end(&r);
}

/* A spool of somebody who never made the directory. */
static void test_without(void)
{
	char id[ENTRY_ID_LEN + 1], *path;
	struct rig r;

	rig_start(&r);
	path = mem_printf("%s/done", r.path);
	check_int(rmdir(path), 0, "no done/");
	memcpy(id, wanted, sizeof(id));
	check(!spool_knows(r.spool, wanted), "nothing is known");
	check_int(enter(&r, token, time(NULL), id), 0, "it is made when it is needed");
	deliver(&r, id);
	check(spool_knows(r.spool, wanted), "F0 and remembers");
	free(path);
	rig_end(&r);
}

int main(void)
{
	test_remembered();
	test_forgotten();
	test_without();
	return tap_done();
}
