/* t/unit/probe_report.c - what a check found, in words and facts: cleaned, whatever a
 * server put into it. */
#include "t/unit/tap.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "probe/report.h"

#define CSI8 "\x9b"                      /* the octet alone is no UTF-8 */
#define CSI  "\xc2\x9b"                  /* U+009B */
#define RLO  "\xe2\x80\xae"
#define ISOLATE "\xe2\x81\xa7"

static const struct {
	const char *in, *want;
} hostile[] = {
	{ "plain words", "plain words" },
	{ "", "" },
	{ "gr\xc3\xbc\xc3\x9f \xe6\xbc\xa2 \xf0\x9f\x93\xa7", "gr\xc3\xbc\xc3\x9f \xe6\xbc\xa2 \xf0\x9f\x93\xa7" },
	{ "\033[31mred\033[0m", "\\x1b[31mred\\x1b[0m" },
	{ "\033]0;title\007", "\\x1b]0;title\\x07" },
	{ CSI "2J", "\\xc2\\x9b2J" },
	{ CSI8 "2J", "\\x9b2J" },
	{ RLO "moc.knab" ISOLATE, "\\xe2\\x80\\xaemoc.knab\\xe2\\x81\\xa7" },
	{ "a\r\nok all is well", "a\\x0d\\x0aok all is well" },
	{ "back\b\b\b\bface\x7f", "back\\x08\\x08\\x08\\x08face\\x7f" },
	{ "\xc0\xaf \xed\xa0\x80 \xff\xfe", "\\xc0\\xaf \\xed\\xa0\\x80 \\xff\\xfe" },
	{ "cut \xe2\x80", "cut \\xe2\\x80" },
	{ "%s%n%1000000d", "%s%n%1000000d" },
	{ "\"quoted\" \\ back", "\"quoted\" \\ back" },
};

/* Nothing in it moves a cursor: UTF-8 without controls. */
static bool is_clean(const char *text)
{
	size_t len = strlen(text);
	struct buf again = BUF_INIT(1 << 20);
	bool same;

	text_clean(text, len, 1 << 19, &again);
	same = !strcmp(buf_text(&again), text);
	buf_release(&again);
	return same && text_is_utf8(text, len);
}

static const char *fact(const struct report_stage *s, const char *name)
{
	return json_string_value(json_object_get(s->facts, name));
}

static void test_hostile(void)
{
	for (size_t i = 0; i < COUNT(hostile); i++) {
		struct report_stage *s = report_stage_new(REPORT_EHLO);
		char *line = mem_printf("said: %s", hostile[i].want);
		json_t *string = report_string(hostile[i].in);

		report_say(s, MARK_OK, "said: %s", hostile[i].in);
		report_more(s, MARK_NONE, "said: %s", hostile[i].in);
		report_text(s, "said", hostile[i].in);
		check_text(s->line, line, "E4 row %zu: the line", i);
		check_text(s->more[0].text, line, "E4 row %zu: below it", i);
		check_text(fact(s, "said"), hostile[i].want, "E4 row %zu: as a fact", i);
		check_text(json_string_value(string), hostile[i].want, "E4 row %zu: as JSON", i);
		json_decref(string);
		free(line);
		report_stage_free(&s);
		check(!s, "freed");
	}
}

/* Every pair of octets, in the middle and at the end. */
static void test_octets(void)
{
	unsigned bad = 0;

	for (int a = 1; a < 256; a++)
		for (int b = 1; b < 256; b++) {
			char in[] = { 'x', (char)a, (char)b, 'y', (char)a, (char)b, '\0' };
			json_t *string = report_string(in);

			bad += !string || !is_clean(json_string_value(string));
			json_decref(string);
		}
	check_int(bad, 0, "E4 every pair of octets is a clean string of JSON");
}

static void fill(char *text, size_t len, const char *piece)
{
	for (size_t i = 0; i < len; i++)
		text[i] = piece[i % strlen(piece)];
	text[len] = '\0';
}

/* 100 KB, and lengths about the limits. */
static void test_long(void)
{
	enum { MOST = 100 * 1024 };
	static const char *const pieces[] = { "x", "\033[2J", "\xe6\xbc\xa2", RLO, "\xff" };
	static const size_t lengths[] = { 4090, 4093, 4094, 4095, 4096, 4097, 4098, 16383, 16384, MOST };
	char *text = mem_alloc(MOST + 1);

	for (size_t i = 0; i < COUNT(pieces); i++)
		for (size_t k = 0; k < COUNT(lengths); k++) {
			struct report_stage *s = report_stage_new(REPORT_EHLO);

			fill(text, lengths[k], pieces[i]);
			report_say(s, MARK_OK, "%s", text);
			report_more(s, MARK_NONE, "%s", text);
			report_text(s, "said", text);
			check(is_clean(s->line) && is_clean(s->more[0].text) && fact(s, "said") &&
				is_clean(fact(s, "said")), "%zu octets of piece %zu are clean", lengths[k], i);
			check(strlen(s->line) <= 20000 && strlen(s->more[0].text) <= 20000 &&
				strlen(fact(s, "said")) <= 20000, "and bounded");
			check(strlen(s->line) >= 4000 && strlen(fact(s, "said")) >= 4000,
				"and not cut before that");
			if (lengths[k] > 16384)
				check(!strcmp(fact(s, "said") + strlen(fact(s, "said")) - 3, "...") &&
					!strcmp(s->line + strlen(s->line) - 3, "..."),
					"E4 what was cut ends in dots");
			report_stage_free(&s);
		}
	free(text);
}

/* ---- marks and members */

static void test_marks(void)
{
	static const struct {
		enum report_mark own, below, want;
	} table[] = {
		{ MARK_OK, MARK_NONE, MARK_OK }, { MARK_OK, MARK_OK, MARK_OK },
		{ MARK_OK, MARK_WARNING, MARK_WARNING }, { MARK_OK, MARK_FAILED, MARK_FAILED },
		{ MARK_WARNING, MARK_OK, MARK_WARNING }, { MARK_WARNING, MARK_FAILED, MARK_FAILED },
		{ MARK_FAILED, MARK_WARNING, MARK_FAILED }, { MARK_FAILED, MARK_OK, MARK_FAILED },
		{ MARK_SKIPPED, MARK_NONE, MARK_SKIPPED }, { MARK_SKIPPED, MARK_WARNING, MARK_WARNING },
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		struct report_stage *s = report_stage_new(REPORT_TLS);

		report_say(s, table[i].own, "x");
		report_more(s, table[i].below, "y");
		check_text(report_mark_name(s->mark), report_mark_name(table[i].want),
			"%s with %s below it", report_mark_name(table[i].own),
			report_mark_name(table[i].below));
		check_int(s->more[0].mark, table[i].below, "whose own mark stays");
		report_stage_free(&s);
	}
}

static void test_members(void)
{
	struct report_stage *s = report_stage_new(REPORT_NAME);
	char *text;

	check(s->step == REPORT_NAME && s->mark == MARK_NONE && s->ms == -1 && !s->line &&
		!s->more_count, "a new one says nothing");
	report_text(s, "none", NULL);
	report_text(s, "word", "a");
	report_number(s, "least", INT64_MIN);
	report_number(s, "most", INT64_MAX);
	report_bool(s, "yes", true);
	report_bool(s, "no", false);
	report_json(s, "list", json_array());
	report_text(s, "word", "b");
	text = json_dumps(s->facts, JSON_COMPACT | JSON_SORT_KEYS);
	check_text(text, "{\"least\":-9223372036854775808,\"list\":[],\"most\":9223372036854775807,"
		"\"no\":false,\"word\":\"b\",\"yes\":true}", "members");
	free(text);
	report_say(s, MARK_OK, "one");
	report_say(s, MARK_FAILED, "%s %d", "two", 2);
	check_text(s->line, "two 2", "said twice: the last counts");
	for (int i = 0; i < 1000; i++)
		report_more(s, MARK_NONE, "%d", i);
	check(s->more_count == 1000 && !strcmp(s->more[999].text, "999"), "a thousand lines below it");
	report_stage_free(&s);
	report_stage_free(&s);
	check(!s, "freed, and nothing is no matter");
}

/* Every step and mark has a name of its own. */
static void test_names(void)
{
	for (int a = 0; a < REPORT_STEPS; a++) {
		const char *name = report_step_name(a);
		bool own = name && name[0];

		for (int b = 0; own && b < a; b++)
			own = strcmp(name, report_step_name(b)) != 0;
		check(own && strspn(name, "abcdefghijklmnopqrstuvwxyz-") == strlen(name), "step %d: %s", a,
			name);
	}
	for (int a = MARK_NONE; a <= MARK_SKIPPED; a++)
		for (int b = MARK_NONE; b < a; b++)
			check(strcmp(report_mark_name(a), report_mark_name(b)) != 0, "marks %d and %d", a, b);
}

int main(void)
{
	test_hostile();
	test_octets();
	test_long();
	test_marks();
	test_members();
	test_names();
	return tap_done();
}
