/* deliver/manage_json: messages of a queue that another process tells of. */
#include "base/mem.h"
#include "deliver/manage.h"
#include "t/unit/tap.h"

/* What another process says may be anything. */
static void test_hostile_json(void)
{
	static const char whole[] = "{\"id\":\"s-x\",\"state\":\"new\",\"sender\":\"a\",\"age\":1,"
		"\"recipients\":[{\"address\":\"b\",\"code\":451,\"enhanced\":\"4.1.1\","
		"\"state\":\"waiting\",\"text\":\"t\",\"when\":5}],\"last_answer\":{\"code\":451,"
		"\"text\":\"t\",\"when\":5},\"parked\":{\"kind\":\"login\",\"reason\":\"r\"},"
		"\"history\":[{\"what\":\"tried\",\"when\":1}],\"dsn\":[\"never\"],\"trouble\":\"x\"}";
	static const char *const values[] = { "null", "true", "-1", "1e300", "\"\"", "[]", "{}",
		"9223372036854775807", "[1,{},[],\"a\",null]", "{\"address\":5,\"what\":{}}",
		"\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"" };
	json_t *object = json_loads(whole, 0, NULL);
	const char *key;
	json_t *value;
	unsigned good = 0, bad = 0;
	struct manage_copy copy;
	struct err e = { 0 };

	check_int(manage_item_read(object, &copy, &e), 0, "a good one");
	check(copy.item.answer && copy.item.park && copy.item.whole, "... is read whole");
	manage_copy_release(&copy);
	json_object_foreach(object, key, value)
		for (size_t i = 0; i < COUNT(values); i++) {
			json_t *other = json_deep_copy(object);
			json_t *json;

			json_object_set_new(other, key, json_loads(values[i], JSON_DECODE_ANY, NULL));
			if (manage_item_read(other, &copy, &e) == 0) {
				json = manage_item_json(&copy.item);
				good += json_is_object(json);
				json_decref(json);
			} else {
				bad += e.kind == ERR_RUNNER;
			}
			manage_copy_release(&copy);
			json_decref(other);
		}
	check_int(good + bad, json_object_size(object) * COUNT(values), "every other one is taken or "
		"refused");
	check(good && bad, "... both");
	json_decref(object);
}

static void test_damaged(void)
{
	static const char text[] = "{\"id\":\"s-x.1\",\"scope\":\"system\",\"state\":\"damaged\","
		"\"age\":5,\"created\":7,\"size\":3,\"trouble\":\"this is no message file\"}";
	json_t *object = json_loads(text, 0, NULL), *again;
	struct manage_copy copy;
	struct err e = { 0 };

	check_int(manage_item_read(object, &copy, &e), 0, "a damaged one");
	check(!copy.item.entry, "... has no entry");
	check_text(manage_sender(&copy.item), "", "... so no sender");
	check_text(manage_account(&copy.item), "", "... and no account");
	check_text(copy.item.trouble, "this is no message file", "... but its trouble");
	again = manage_item_json(&copy.item);
	check(json_equal(object, again), "... and is the same JSON again");
	json_decref(again);
	json_decref(object);
	manage_copy_release(&copy);
}

/* Words that would move a terminal's text come out as what they are made of. */
static void test_clean(void)
{
	struct manage_copy copy;
	struct err e = { 0 };
	json_t *object = json_loads("{\"id\":\"s-x\",\"state\":\"new\",\"sender\":\"a\\u001b[2J\","
		"\"reason\":\"\\u202eb\"}", 0, NULL), *again;

	check_int(manage_item_read(object, &copy, &e), 0, "an item with controls");
	again = manage_item_json(&copy.item);
	check_text(json_string_value(json_object_get(again, "sender")), "a\\x1b[2J",
		"E4: the sender is cleaned");
	check_text(json_string_value(json_object_get(again, "reason")), "\\xe2\\x80\\xaeb",
		"E4: ... and the reason");
	json_decref(again);
	json_decref(object);
	manage_copy_release(&copy);
}

int main(void)
{
	test_hostile_json();
	test_damaged();
	test_clean();
	return tap_done();
}
