/* t/unit/runner_agenda.c - which account is served next: one child each, pauses for
 * those that get nowhere, nothing forgotten. */
#include "t/unit/tap.h"

#include "runner/agenda.h"
#include "runner/survey.h"

enum { NOW = 1000000 };

static void note(struct agenda *a, const char *account, int64_t when)
{
	agenda_note(a, NULL, account, when, NOW);
}

static const char *next(struct agenda *a, uint64_t ms)
{
	const struct errand *r = agenda_next(a, ms);

	return r ? r->account : NULL;
}

static void test_order(void)
{
	struct agenda a = { .items = NULL };
	struct errand *r;

	check(!agenda_next(&a, 0), "nothing to do at first");
	agenda_begin(&a);
	note(&a, "later", NOW + 60);
	note(&a, "first", 0);
	note(&a, "", 0);
	note(&a, "second", NOW);
	agenda_note(&a, "/a/file", "first", NOW + 30, NOW);
	agenda_end(&a);
	check_text(next(&a, 5), "first", "what is due");
	r = agenda_next(&a, 5);
	agenda_started(&a, r, 77);
	check_text(next(&a, 5), "second", "one child for each account");
	agenda_started(&a, agenda_next(&a, 5), 78);
	check(!agenda_next(&a, 5), "no account, no child");
	check_int(agenda_moment(&a), NOW + 30, "the next look is when the next one is due");
	check_int(a.children, 2, "two children");
	agenda_begin(&a);
	note(&a, "first", 0);
	agenda_end(&a);
	check_int(a.count, 2, "what has nothing to do is forgotten, unless its child runs");
	check(!agenda_next(&a, 5), "none is started beside the one that runs");
	agenda_ended(&a, r, ERRAND_PROGRESS, 5);
	check(!agenda_next(&a, 5), "behind its end a look decides");
	agenda_begin(&a);
	note(&a, "first", 0);
	agenda_end(&a);
	check_text(next(&a, 5), "first", "then it may begin again");
	agenda_release(&a);
}

static void test_pause(void)
{
	static const unsigned want[] = { 1, 2, 4, 8, 16, 32, 60, 60 };
	struct agenda a = { .items = NULL };
	uint64_t ms = 5;

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct errand *r;

		agenda_begin(&a);
		note(&a, "busy", 0);
		agenda_end(&a);
		r = agenda_next(&a, ms);
		check(r != NULL, "due again");
		if (!r)
			break;
		agenda_started(&a, r, 9);
		agenda_ended(&a, r, ERRAND_NOTHING, ms);
		agenda_begin(&a);
		note(&a, "busy", 0);
		agenda_end(&a);
		check(!agenda_next(&a, ms + want[i] * 1000 - 1), "not before the pause is over");
		check_int(agenda_pause(&a, ms), ms + want[i] * 1000, "a pause of %u s", want[i]);
		ms += want[i] * 1000;
	}
	agenda_started(&a, agenda_next(&a, ms), 9);
	agenda_ended(&a, a.items[0], ERRAND_PROGRESS, ms);
	agenda_begin(&a);
	note(&a, "busy", 0);
	agenda_end(&a);
	check_text(next(&a, ms), "busy", "who got on is not kept waiting");
	agenda_started(&a, a.items[0], 9);
	agenda_ended(&a, a.items[0], ERRAND_NOTHING, ms);
	agenda_begin(&a);
	note(&a, "busy", NOW + 5);
	agenda_end(&a);
	check_int(a.items[0]->failures, 0, "what is not due any more begins anew");
	agenda_release(&a);
}

/* What it could not note nothing else keeps it from doing again. */
static void test_unwritten(void)
{
	static const unsigned want[] = { 300, 600, 1200, 2400, 4800, 9600, 14400, 14400 };
	struct agenda a = { .items = NULL };
	uint64_t ms = 5;

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		agenda_begin(&a);
		note(&a, "full", 0);
		agenda_end(&a);
		agenda_started(&a, agenda_next(&a, ms), 9);
		agenda_ended(&a, a.items[0], ERRAND_UNWRITTEN, ms);
		agenda_begin(&a);
		note(&a, "full", 0);
		agenda_end(&a);
		check_int(agenda_pause(&a, ms), ms + want[i] * 1000, "C9 a pause of %u s", want[i]);
		ms += want[i] * 1000;
	}
	agenda_hurry(&a);
	check(agenda_next(&a, 0) != NULL, "unless something has changed");
	agenda_release(&a);
}

static void test_hurry(void)
{
	struct agenda a = { .items = NULL };

	agenda_begin(&a);
	note(&a, "one", 0);
	note(&a, "two", NOW + 600);
	agenda_end(&a);
	agenda_ended(&a, agenda_next(&a, 0), ERRAND_NOTHING, 0);
	agenda_begin(&a);
	note(&a, "one", 0);
	note(&a, "two", NOW + 600);
	agenda_end(&a);
	check(!agenda_next(&a, 10), "one pauses, also when no child could be started");
	agenda_hurry(&a);
	check_text(next(&a, 10), "one", "not when something has changed");
	agenda_started(&a, a.items[0], 5);
	agenda_flush(&a);
	check_text(next(&a, 10), "two", "an operator has all of it tried");
	check(agenda_next(&a, 10)->flush, "and the child is told");
	agenda_started(&a, a.items[1], 6);
	agenda_ended(&a, a.items[0], ERRAND_PROGRESS, 10);
	check_text(next(&a, 10), "one", "also what was being served when he said so");
	agenda_release(&a);
}

static void test_many(void)
{
	struct agenda a = { .items = NULL };
	struct errand *r;
	char name[32];
	int count = 0;

	agenda_begin(&a);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "account%d", i);
		note(&a, name, 0);
	}
	agenda_end(&a);
	while ((r = agenda_next(&a, 0)))
		agenda_started(&a, r, 100 + count++);
	check_int(count, AGENDA_AT_ONCE, "so many at a time");
	agenda_ended(&a, a.items[3], ERRAND_PROGRESS, 0);
	check_text(next(&a, 0), "account20", "the next follows when one has ended");
	agenda_release(&a);
}

/* ---- what the child that looks writes */

static void test_read(void)
{
	static const char good[] = "0\0\0work\0" "99999999999\0/a b\nc\0two\0" "end";
	static const char bad[] = "0\0\0work\0" "error\0the queue is gone";
	struct agenda a = { .items = NULL };
	const char *why = NULL;
	int wrong = 0;

	check(survey_read(&a, good, sizeof(good), &why) && !why, "what was found is read");
	check(a.count == 2 && a.items[0]->due && !a.items[1]->due, "two accounts");
	check_text(a.items[1]->config, "/a b\nc", "one of another configuration");
	check_int(agenda_moment(&a), 99999999999, "with its moment");
	for (size_t cut = 0; cut < sizeof(good); cut++)
		wrong += survey_read(&a, good, cut, &why) || why;
	check_int(wrong, 0, "cut at any octet it is not taken for whole");
	check(!survey_read(&a, bad, sizeof(bad), &why), "a failure");
	check_text(why, "the queue is gone", "with its reason");
	check(!survey_read(&a, "x\0y\0z", 6, &why) && !why, "nonsense");
	agenda_release(&a);
}

int main(void)
{
	test_order();
	test_pause();
	test_unwritten();
	test_hurry();
	test_many();
	test_read();
	return tap_done();
}
