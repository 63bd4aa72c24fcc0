/* t/unit/probe_surroundings.c - what is around a process, and the configuration that it
 * finds.
 *
 * `probe_surroundings look [-C FILE] [-a ACCOUNT]` looks and tells, for t/4300-surroundings.t
 * to run in all the places where it is not as by hand: a line "MARK TEXT" for each of the
 * two stages, those below it indented, then the facts.
 */
#include "t/unit/tap.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/process.h"
#include "probe/configuration.h"
#include "probe/surroundings.h"

/* ---- looking, for others */

static void show(const struct report_stage *s)
{
	char *facts = json_dumps(s->facts, JSON_COMPACT | JSON_SORT_KEYS);

	printf("%s %s: %s\n", report_mark_name(s->mark), report_step_name(s->step), s->line);
	for (size_t i = 0; i < s->more_count; i++)
		printf("  %s %s\n", report_mark_name(s->more[i].mark), s->more[i].text);
	printf("%s\n", facts);
	free(facts);
}

static int look(int argc, char **argv)
{
	const char *file = NULL, *name = NULL;
	struct report_stage *configuration = report_stage_new(REPORT_CONFIG),
		*around = report_stage_new(REPORT_SURROUNDINGS);
	const struct account *a = NULL;
	struct surroundings *s;
	struct err e = { 0 };
	struct config c;
	int good, option;

	while ((option = getopt(argc, argv, "C:a:")) != -1)
		*(option == 'C' ? &file : &name) = optarg;
	process_clean();
	good = config_load(&c, file, &e);
	if (good == 0 && name)
		a = config_account(&c, name);
	else if (good == 0)
		good = config_default(&c, &a, &e);
	s = surroundings_look(&c, a);
	surroundings_tell(s, around);
	configuration_tell(&c, a, name ? "asked for" : "the default", good < 0 ? &e : NULL,
		configuration);
	show(around);
	show(configuration);
	surroundings_free(&s);
	report_stage_free(&around);
	report_stage_free(&configuration);
	config_release(&c);
	return 0;
}

/* ---- what is told of what was found */

static struct surroundings usual(void)
{
	static char home[] = "/home/anna", queue[] = "/home/anna/queue", runner[] = "/run/x.sock";

	return (struct surroundings){ .uid = 1000, .real_uid = 1000, .gid = 100, .real_gid = 100,
		.user = "anna", .real_user = "anna", .group = "users", .input = "terminal",
		.home = { .path = home }, .queue = { .path = queue }, .queue_free = UINT64_C(1) << 40,
		.queue_least = 50 << 20, .scope = "personal",
		.runner = { .path = runner, .trouble = PLACE_ABSENT }, .runner_peer = (uid_t)-1,
		.file_limit = -1, .memory_limit = -1, .open_limit = 1024, .now = 1796000000,
		.newest = 1795000000, .confinement = { .may_connect = -1, .may_send = -1 } };
}

/* Exactly one more line, a warning with all these words. */
static void check_warning(const struct surroundings *s, const char *what, const char *words,
	const char *more)
{
	struct report_stage *stage = report_stage_new(REPORT_SURROUNDINGS);
	const char *text;

	surroundings_tell(s, stage);
	text = stage->more_count ? stage->more[stage->more_count - 1].text : "";
	check_int(stage->mark, MARK_WARNING, "%s: a warning", what);
	check(strstr(text, words) && strstr(text, more), "... %s", text);
	report_stage_free(&stage);
}

static void test_nothing(void)
{
	struct surroundings s = usual();
	struct report_stage *stage = report_stage_new(REPORT_SURROUNDINGS);

	surroundings_tell(&s, stage);
	check_int(stage->mark, MARK_OK, "nothing is the matter");
	check_text(stage->line, "uid 1000 (anna), home /home/anna, personal scope, queue "
		"/home/anna/queue writable", "... and one line says all");
	check_int((long long)stage->more_count, 0, "... and nothing else");
	check_int(json_integer_value(json_object_get(stage->facts, "uid")), 1000, "... as a fact too");
	check_text(json_string_value(json_object_get(json_object_get(stage->facts, "queue"), "state")),
		"ok", "... of the queue");
	report_stage_free(&stage);
}

static void test_warnings(void)
{
	struct surroundings s = usual();

	s.queue_free = 3 << 20;
	check_warning(&s, "little room", "3 MB are free for the queue", "min_free (50 MB)");
	s = usual();
	s.queue.trouble = PLACE_READ_ONLY;
	snprintf(s.queue.mount, sizeof(s.queue.mount), "/home");
	snprintf(s.confinement.unit, sizeof(s.confinement.unit), "backup.service");
	s.confinement.seccomp = 0;
	{
		struct report_stage *stage = report_stage_new(REPORT_SURROUNDINGS);

		surroundings_tell(&s, stage);
		check(strstr(stage->more[0].text, "mounted on /home can only be read here: add "
			"ReadWritePaths=/home/anna/queue to backup.service"), "%s", stage->more[0].text);
		check_text(stage->more[1].text, "confined by unit backup.service", "and the unit is named");
		check_int(stage->more[1].mark, MARK_NONE, "... which is no trouble");
		report_stage_free(&stage);
	}
	s = usual();
	s.now = 86400;
	check_warning(&s, "a clock of 1970", "the clock is wrong, it says 1970-01-02 00:00 UTC", "set it");
	s = usual();
	s.newest = s.now + 10 * 86400;
	check_warning(&s, "a clock behind the files", "the clock may be behind", "set it");
	s = usual();
	s.resolver = "is missing";
	check_warning(&s, "no resolver", "/etc/resolv.conf is missing", "/etc/hosts");
	s = usual();
	s.no_sockets = 97;
	check_warning(&s, "no sockets", "may have no sockets of the internet", "RestrictAddressFamilies=");
	s = usual();
	s.confinement.policy = POLICY_SELINUX;
	s.confinement.enforced = true;
	s.confinement.may_connect = 0;
	s.confinement.may_send = 1;
	snprintf(s.confinement.domain, sizeof(s.confinement.domain), "httpd_t");
	check_warning(&s, "SELinux", "does not let the domain httpd_t connect",
		"setsebool -P httpd_can_network_connect on");
	s.confinement.may_connect = 1;
	s.confinement.may_send = -1;
	check_warning(&s, "SELinux", "may not let the domain httpd_t run sendmail",
		"setsebool -P httpd_can_sendmail on");
}

static void test_resolver(void)
{
	static const struct { const char *text; bool good; } rows[] = {
		{ "nameserver 192.0.2.1\n", true }, { "search x\nnameserver\t::1", true },
		{ "# nameserver 192.0.2.1\n", false }, { "nameserver", false }, { "nameservers x\n", false },
		{ " nameserver 1\n", false }, { "", false }, { "\n\n", false },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		check_int(!surroundings_resolver(rows[i].text, strlen(rows[i].text)), rows[i].good,
			"resolver row %zu", i);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "look"))
		return look(argc - 1, argv + 1);
	test_nothing();
	test_warnings();
	test_resolver();
	return tap_done();
}
