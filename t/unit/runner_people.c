/* t/unit/runner_people.c - who the users are, and how much each may have. */
#include "t/unit/tap.h"

#include <stdlib.h>

#include "base/mem.h"
#include "runner/people.h"
#include "runner/quota.h"

static uid_t asked;
static unsigned questions;

static void ask(void *context, uid_t uid)
{
	(void)context;
	asked = uid;
	questions++;
}

static bool learn(struct people *p, const char *text, uid_t *uid)
{
	json_t *answer = json_loads(text, 0, NULL);
	bool good = people_learn(p, answer, uid);

	json_decref(answer);
	return good;
}

static void test_people(void)
{
	struct people *p = people_new(ask, NULL);
	const struct person *who;
	struct person copy;
	uid_t uid = 0;
	char staff[] = "@staff", carol[] = "carol", all[] = "*", ann[] = "ann", bare[] = "staff";
	char *lists[][1] = { { staff }, { carol }, { all }, { ann }, { bare } };

	check(!people_find(p, 1000), "nobody is known at first");
	check_int(asked, 1000, "so it is asked");
	check(!people_find(p, 1000) && questions == 1, "once");
	check(learn(p, "{\"do\":\"who\",\"uid\":1000,\"name\":\"ann\",\"groups\":[\"users\",\"staff\"]}",
		&uid), "an answer");
	check_int(uid, 1000, "about whom");
	who = people_find(p, 1000);
	check(who && questions == 1, "is remembered");
	check_text(who->name, "ann", "the name");
	check(who->lasting, "somebody for long");
	check_int(who->group_count, 2, "groups");
	check(people_are_listed(who, lists[0], 1), "F4 by a group");
	check(!people_are_listed(who, lists[1], 1), "F4 not by another's name");
	check(people_are_listed(who, lists[2], 1), "F4 everybody");
	check(people_are_listed(who, lists[3], 1), "F4 by name");
	check(!people_are_listed(who, lists[4], 1), "F4 a group's name alone is a user's");
	check(!people_are_listed(who, NULL, 0), "F4 nobody");
	person_copy(&copy, who);
	people_free(&p);
	check_text(copy.groups[1], "staff", "a copy lives on");
	person_release(&copy);
}

static void check_person(const char *answer, const char *name, bool lasting)
{
	struct people *p = people_new(ask, NULL);
	json_t *object = json_loads(answer, 0, NULL);
	uid_t uid = (uid_t)json_integer_value(json_object_get(object, "uid"));
	const struct person *who;

	json_decref(object);
	people_find(p, uid);
	check(learn(p, answer, &uid), "%s", answer);
	who = people_find(p, uid);
	check(who && !strcmp(who->name, name), "is called %s", name);
	check_int(who && who->lasting, lasting, "F5 %s", lasting ? "for long" : "nobody's for long");
	people_free(&p);
}

static void test_names(void)
{
	check_person("{\"uid\":7}", "uid-7", false);
	check_person("{\"uid\":7,\"name\":7}", "uid-7", false);
	check_person("{\"uid\":7,\"name\":\"uid-7\"}", "uid-7", false);
	check_person("{\"uid\":7,\"name\":\"\"}", "uid-7", true);
	check_person("{\"uid\":7,\"name\":\"two words\"}", "uid-7", true);
	check_person("{\"uid\":7,\"name\":\"a\\nb\"}", "uid-7", true);
	check_person("{\"uid\":7,\"name\":\"a\",\"groups\":7}", "a", true);
	check_person("{\"uid\":7,\"name\":\"a\",\"groups\":[7,\"x\"]}", "a", true);
	check_person("{\"uid\":61184,\"name\":\"service\"}", "service", false);
	check_person("{\"uid\":65519,\"name\":\"service\"}", "service", false);
	check_person("{\"uid\":65534,\"name\":\"nobody\"}", "nobody", false);
	check_person("{\"uid\":65535,\"name\":\"nobody\"}", "nobody", false);
	check_person("{\"uid\":65520,\"name\":\"b\"}", "b", true);
	check_int(people_account_of(1000, true), 1000, "F5 an account of his own");
	check_int(people_account_of(100000, false), PEOPLE_SHARED, "F5 or a shared one");
	check_int(people_account_of(0, false), 0, "F5 root's is root's");
}

/* A user of a container comes with 65,536 of them. */
static void test_many(void)
{
	struct people *p = people_new(ask, NULL);
	uid_t uid = 0;
	unsigned known = 0, before;

	people_find(p, 1000);
	learn(p, "{\"uid\":1000,\"name\":\"ann\"}", &uid);
	check(!learn(p, "{\"uid\":5,\"name\":\"x\"}", &uid), "nobody asked for that");
	check(!learn(p, "{\"name\":\"x\"}", &uid) && !learn(p, "{\"uid\":\"5\"}", &uid), "nor this");
	for (uid_t i = 100000; i < 165536; i++) {
		char text[64];

		people_find(p, i);
		snprintf(text, sizeof(text), "{\"uid\":%u}", (unsigned)i);
		known += learn(p, text, &uid) && people_find(p, i) != NULL;
	}
	check_int(known, 65536, "F5 each is known when it is his turn");
	before = questions;
	check(people_find(p, 1000) != NULL, "F5 and none of them took the place of a real user");
	check_int(questions, before, "who need not be asked about again");
	people_free(&p);
}

/* ---- quotas */

static void test_places(void)
{
	struct quota_limits l;
	struct quota *q;
	struct quota_user *ann, *root;
	unsigned taken = 0;

	quota_limits_make(&l, 0);
	check(l.connections && l.connections_each && l.sessions && l.sessions_each,
		"F5 there is always one");
	quota_limits_make(&l, 1 << 20);
	check_int(l.sessions, 500, "and never more than enough");
	check_int(l.sessions_each, 50, "F5 a tenth for each");
	l = (struct quota_limits){ .connections = 20, .connections_each = 20, .sessions = 10,
		.sessions_each = 8 };
	q = quota_new(&l);
	ann = quota_user(q, 1000);
	root = quota_user(q, 0);
	check(quota_user(q, 1000) == ann && ann != root, "an account each");
	while (quota_connect(q, ann))
		taken++;
	check_int(taken, 18, "F5 the last tenth of the connections is not hers");
	check(quota_connect(q, root) && quota_connect(q, root), "F5 but root's");
	check(!quota_connect(q, root), "until all are taken");
	for (taken = 0; quota_begin(q, ann);)
		taken++;
	check_int(taken, 8, "F5 her share of sessions");
	quota_end(q, ann);
	check(quota_begin(q, ann), "one that was given back");
	quota_disconnect(q, ann);
	check(quota_connect(q, root), "and a connection");
	quota_free(&q);
}

/* All who come by loopback ports are one. */
static void test_ports(void)
{
	struct quota_limits l;
	struct quota *q;
	struct quota_user *all;
	unsigned taken = 0;

	quota_limits_make(&l, 200);
	check(l.connections_port <= l.connections_each && l.sessions_port <= l.sessions_each &&
		l.sessions_port, "F5 never more than a user");
	quota_limits_make(&l, 1 << 20);
	q = quota_new(&l);
	all = quota_user(q, people_account_of(ENTRY_NOBODY, false));
	check(all->uid == ENTRY_NOBODY, "an account of its own");
	while (quota_connect(q, all))
		taken++;
	check_int(taken, 40, "F5 forty connections");
	for (taken = 0; quota_begin(q, all);)
		taken++;
	check_int(taken, 10, "F5 ten sessions");
	check(quota_has_room(all, 10, 20, 100) && !quota_has_room(all, 11, 20, 100),
		"F5 a tenth of the octets");
	quota_stored(all, 1);
	quota_stored(all, 1);
	check(!quota_has_room(all, 0, 20, 100), "F5 and of the messages");
	check(quota_has_room(quota_user(q, 1000), 0, 1, 100) &&
		!quota_has_room(all, 0, 1, 1), "F5 at least one");
	quota_free(&q);
}

static void test_room(void)
{
	struct quota_limits l;
	struct quota *q;
	struct quota_user *ann, *root;
	struct quota_counted counted[] = { { 500, 1, 10 }, { 1000, 2, 60 } };
	struct quota_count count = { counted, 2, 2 };

	quota_limits_make(&l, 1000);
	q = quota_new(&l);
	ann = quota_user(q, 1000);
	root = quota_user(q, 0);
	check(quota_has_room(ann, 100, 3, 100), "room for all of it");
	check(!quota_has_room(ann, 101, 3, 100), "F5 not for more");
	check(quota_has_room(root, UINT64_MAX, 3, 100), "F5 root has no quota");
	quota_connect(q, ann);
	quota_stored(ann, 40);
	check(quota_has_room(ann, 60, 3, 100) && !quota_has_room(ann, 61, 3, 100), "F5 octets count");
	ann->claimed = 30;
	check(!quota_has_room(ann, 60, 3, 100), "F5 so do those that are coming in");
	ann->claimed = 0;
	quota_stored(ann, 1);
	quota_stored(ann, 1);
	check(!quota_has_room(ann, 0, 3, 100), "F5 messages too");
	quota_count_begins(q);
	quota_stored(ann, 7);
	quota_count_ends(q, &count);
	check_int(ann->messages, 3, "F5 what was found, and what came meanwhile");
	check_int(ann->octets, 67, "F5 with its octets");
	check_int(quota_user(q, 500)->messages, 1, "F5 others as well");
	quota_count_begins(q);
	count.count = 0;
	quota_count_ends(q, &count);
	check_int(ann->messages, 0, "F5 what has left counts no more");
	check(quota_user(q, 1000) == ann, "who is connected keeps his account");
	quota_free(&q);
}

int main(void)
{
	test_people();
	test_names();
	test_many();
	test_places();
	test_ports();
	test_room();
	return tap_done();
}
