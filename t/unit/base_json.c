/* t/unit/base_json.c - objects as they may come, and what is not taken for one. */
#include "t/unit/tap.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"

static bool is_object(const char *text, size_t len)
{
	json_t *object = json_read_object(text, len);
	bool good = object != NULL;

	json_decref(object);
	return good;
}

static void test_objects(void)
{
	static const char *const good[] = { "{}", " { } \n", "{\"a\":[1,2,{\"b\":null}]}",
		"{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"}", "{\"a\":\"\\\"{{{{{{{{{{{{{{{{{{{{\"}" };
	static const char *const bad[] = { "", " ", "[]", "1", "\"a\"", "null", "<html>", "{", "{}}", "{} {}",
		"{\"a\":1,\"a\":2}", "{\"a\":\"\\u0000\"}", "{\"a\":\"\xff\"}", "{'a':1}", "{\"a\":1,}",
		"{\"a\":99999999999999999999}" };

	for (size_t i = 0; i < COUNT(good); i++)
		check(is_object(good[i], strlen(good[i])), "an object: row %zu", i);
	for (size_t i = 0; i < COUNT(bad); i++)
		check(!is_object(bad[i], strlen(bad[i])), "none: row %zu", i);
	check(!is_object("{\"a\":\"\0\"}", 9), "none: a NUL");
}

/* An array in an array and so on, inside of an object. */
static bool as_deep_as(unsigned depth)
{
	struct buf text = BUF_INIT(1 << 20);
	bool good;

	buf_add_text(&text, "{\"a\":");
	for (unsigned i = 1; i < depth; i++)
		buf_add_char(&text, '[');
	for (unsigned i = 1; i < depth; i++)
		buf_add_char(&text, ']');
	buf_add_char(&text, '}');
	good = is_object(buf_text(&text), text.len);
	buf_release(&text);
	return good;
}

static void test_depth(void)
{
	check(as_deep_as(JSON_DEPTH_MAX), "as deep as may be");
	check(!as_deep_as(JSON_DEPTH_MAX + 1), "one more");
	check(!as_deep_as(30000), "as deep as 64 KB can be");
}

static void test_members(void)
{
	static const struct { const char *name; bool good; int64_t value; } rows[] = {
		{ "n", true, 3599 }, { "t", true, 3600 }, { "r", true, 12 }, { "minus", true, -1 },
		{ "empty", false, 0 }, { "word", false, 0 }, { "signed", false, 0 }, { "long", false, 0 },
		{ "huge", false, 0 }, { "null", false, 0 }, { "list", false, 0 }, { "none", false, 0 },
		{ "yes", false, 0 },
	};
	static const char text[] = "{\"n\":3599,\"t\":\"3600\",\"r\":12.7,\"minus\":-1,\"empty\":\"\","
		"\"word\":\"3600 s\",\"signed\":\"-1\",\"long\":\"9999999999999999\",\"huge\":1e300,"
		"\"null\":null,\"list\":[1],\"yes\":true}";
	json_t *object = json_read_object(text, strlen(text));

	if (!check(object != NULL, "the object that the rest is about"))
		return;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t value = 0;

		check_int(json_number(object, rows[i].name, &value), rows[i].good, "%s", rows[i].name);
		check_int(value, rows[i].value, "... its value");
	}
	check_text(json_text(object, "word"), "3600 s", "text");
	check(!json_text(object, "n") && !json_text(object, "none"), "what is none");
	json_decref(object);
}

/* Where a secret stood nothing of it is left.  The allocator gives the same place out
 * again at once, as a rule; tools that watch memory do not let it. */
static void test_wiped(void)
{
	enum { SIZE = 200, ITS_OWN = 16 /* what the allocator writes there */ };
	volatile char *again;
	json_malloc_t give;
	json_free_t take;
	uintptr_t place;
	unsigned left = 0;
	char *data;

	json_decref(json_read_object("{}", 2));
	json_get_alloc_funcs(&give, &take);
	check(take != free, "memory is not only let go");
	data = give(SIZE);
	memset(data, 'S', SIZE);
	place = (uintptr_t)data;
	take(data);
	again = malloc(SIZE);
	if ((uintptr_t)again == place)
		for (size_t i = ITS_OWN; i < SIZE; i++)
			left += again[i] == 'S';
	check_int(left, 0, "D9 what was let go is overwritten");
	free((void *)(uintptr_t)again);
	take(NULL);
}

int main(void)
{
	test_objects();
	test_depth();
	test_members();
	test_wiped();
	return tap_done();
}
