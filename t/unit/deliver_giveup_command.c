/* t/unit/deliver_giveup_command.c - on_failure: what it is told, how often. */
#include "t/unit/giveup_rig.h"

static void test_command(void)
{
	static char command[256];
	struct desk d;
	struct entry n = desk_entry(2);
	char id[ENTRY_ID_LEN + 1], *want;
	struct taken t;
	struct err e = { 0 };

	desk_start(&d);
	snprintf(command, sizeof(command), "echo \"$SENDOFF_ID|$SENDOFF_ACCOUNT|$SENDOFF_REASON|"
		"$SENDOFF_PASSWORD\" >>%s", d.output);
	d.config.global.on_failure = command;
	setenv("SENDOFF_PASSWORD", "secret", 1);
	desk_enter(&d, &n, id);
	check(desk_take(&d, QUEUE_NEW, id, &t), "taken");
	desk_refuse(&t.entry, 0, 550, "", "550 no `id` $(id)\n'\"\033[2J");
	check_int(giveup_failed(d.rig.spool, &d.config, &d.account, t.held, &t.entry, &e), 0, "failed");
	check(t.entry.failure_told, "it is noted");
	desk_drop(&t);
	want = mem_printf("p-%s|work|a@example.net: 550 no `id` $(id) '\" [2J|\n", id);
	check_text(desk_file(d.output, true), want, "D9 E4 the command, its words, no secret");
	free(want);
	unsetenv("SENDOFF_PASSWORD");

	rig_write(&d.rig, ".", "notified", "1\n", 2);
	check(desk_take(&d, QUEUE_NEW, id, &t) && t.entry.failure_told, "kept");
	unlink(d.output);
	desk_refuse(&t.entry, 1, 550, "", "550 no");
	giveup_failed(d.rig.spool, &d.config, &d.account, t.held, &t.entry, &e);
	desk_drop(&t);
	nanosleep(&(struct timespec){ .tv_nsec = 300000000 }, NULL);
	check(access(d.output, F_OK) < 0, "once for a message");
	desk_end(&d);
}

static bool runs(struct desk *d)
{
	char done[160];
	bool good;

	unlink(d->output);
	giveup_run_command(d->rig.spool, &d->config, "", "work", "why");
	snprintf(done, sizeof(done), "%s", d->output);
	for (int i = 0; i < 20 && access(done, F_OK) < 0; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	good = access(done, F_OK) == 0;
	return good;
}

static void test_command_pause(void)
{
	static char command[256];
	struct desk d;
	char stamp[40], path[160], elsewhere[160];

	desk_start(&d);
	check(!runs(&d), "nothing where nothing is configured");
	snprintf(command, sizeof(command), "test -z \"$SENDOFF_ID\" && echo \"$SENDOFF_REASON\" >%s",
		d.output);
	d.config.global.on_failure = command;
	check(runs(&d), "the first");
	check(!runs(&d), "a second within a minute is one too many");
	snprintf(stamp, sizeof(stamp), "%lld\n", (long long)time(NULL) - 61);
	rig_write(&d.rig, ".", "notified", stamp, strlen(stamp));
	check(runs(&d), "a minute later");
	snprintf(stamp, sizeof(stamp), "%lld\n", (long long)time(NULL) + 1000000);
	rig_write(&d.rig, ".", "notified", stamp, strlen(stamp));
	check(runs(&d), "B7 the clock was put back");
	rig_write(&d.rig, ".", "notified", "rubbish", 7);
	check(runs(&d), "rubbish is no moment");
	snprintf(path, sizeof(path), "%s/notified", d.rig.path);
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", d.rig.directory);
	unlink(path);
	check(symlink(elsewhere, path) == 0 && !runs(&d) && access(elsewhere, F_OK) < 0,
		"F7 a planted link");
	unlink(path);
	check(mkfifo(path, 0600) == 0 && !runs(&d), "F7 a FIFO");
	desk_end(&d);
}

int main(void)
{
	test_command();
	test_command_pause();
	return tap_done();
}
