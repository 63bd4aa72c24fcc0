/* t/unit/cred_command.c - commands that fail: by themselves, or kept back by a policy. */
#include "t/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cred/command.h"

static char dir[] = "/tmp/sendoff-command-XXXXXX";

static struct loop loop;
static struct secret secret;
static struct err why;
static int called;

static void note(void *context, struct secret *s, struct err *e)
{
	(void)context;
	called++;
	if (s)
		secret = *s;
	else
		why = *e;
	loop_stop(&loop);
}

static const struct buf *input;

static void run(const char *text)
{
	const struct command_call c = { .key = "password_command", .line = text, .input = input,
		.most = SECRET_MAX };
	struct command_run *r;

	secret_wipe(&secret);
	why = (struct err){ 0 };
	called = 0;
	loop_init(&loop);
	r = command_start(&loop, &c, note, NULL);
	if (r)
		loop_run(&loop);
	command_free(&r);
	loop_release(&loop);
	check_int(called, 1, "told once");
}

static void fails(const char *text, const char *want, const char *cause)
{
	uint64_t began = clock_ms();

	run(text);
	check(!secret.data, "no secret from %s", text);
	check_int(why.kind, ERR_SECRET, "ERR_SECRET");
	check_text(why.text, want, "and why");
	check_text(why.cause, cause, "by its cause");
	check(clock_ms() - began < 20000, "C1: soon");
}

static char *script(const char *name, const char *text, mode_t mode)
{
	char *path = mem_printf("%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	check(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), "%s", path);
	close(fd);
	chmod(path, mode);
	return path;
}

static void begins_with(const char *command, const char *want)
{
	char *program = command_program(command);

	check_text(program, want, "the program of: %s", command);
	free(program);
}

static void test_program(void)
{
	char *tool = script("tool", "#!/bin/sh\n", 0755), *path = mem_printf("/nonexistent::%s", dir);

	setenv("PATH", path, 1);
	begins_with("tool", tool);
	begins_with("  tool show x", tool);
	begins_with("tool|head -1", tool);
	begins_with("/bin/cat /x", "/bin/cat");
	begins_with("other x", NULL);
	begins_with("./tool", NULL);
	begins_with("~/tool", NULL);
	begins_with("A=b tool", NULL);
	begins_with("$X tool", NULL);
	begins_with("(tool)", NULL);
	begins_with("to'ol'", NULL);
	begins_with("tool$x", NULL);
	begins_with("", NULL);
	setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 1);
	free(path);
	unlink(tool);
	free(tool);
}

/* What is left behind holds the output open for ever. */
static void test_failure(void)
{
	fails("sleep 60 & exit 3", "password_command failed: exit status 3", "password-command-failed");
	fails("sleep 60 & kill -TERM $$", "password_command failed: ended by signal 15 (Terminated)",
		"password-command-failed");
	fails("kill -STOP $$", "password_command was stopped before its end, and was killed",
		"password-command-failed");
	run("(sleep 0.3; echo late) & exit 0");
	check_text(secret.data, "late\n", "one who writes later is waited for");
}

static void test_input(void)
{
	struct buf text = BUF_INIT(16);

	buf_add_text(&text, "given");
	input = &text;
	run("cat");
	check_text(secret.data, "given", "it is given what is for it, to its end");
	run("cat >/dev/null; sleep 60 >&1 & exit 0");
	check(secret.data && !secret.len, "one that takes and says nothing is not waited for longer");
	fails("exit 3", "password_command failed: exit status 3", "password-command-failed");
	buf_clear(&text);
	run("wc -c");
	check_text(secret.data, "0\n", "what is empty has an end");
	buf_release(&text);
	input = NULL;
	run("cat; echo end");
	check_text(secret.data, "end\n", "who is given nothing has nothing");
}

/* Not for those whom a terminal is lent. */
static void test_no_terminal(void)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	dup2(null, STDERR_FILENO);
	close(null);
	setenv("GPG_TTY", "/dev/tty", 1);
	run("(: </dev/tty) 2>/dev/null && echo has; echo \"$GPG_TTY\"; cut -d ' ' -f 6 /proc/$$/stat; echo $$");
	check(secret.data && secret.data[0] == '\n', "there is none, nor does gpg find one: %s",
		why.text);
	if (secret.data) {
		char *end;
		long session = strtol(secret.data, &end, 10);

		check(session > 1 && session == strtol(end, NULL, 10), "in a session of its own");
	}
	unsetenv("GPG_TTY");
}

/* ---- a policy, which modes know nothing of */

static bool allow(int rules, const char *path)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = LANDLOCK_ACCESS_FS_EXECUTE,
		.parent_fd = open(path, O_PATH | O_CLOEXEC) };
	bool good = rule.parent_fd < 0 ||
		syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;

	if (rule.parent_fd >= 0)
		close(rule.parent_fd);
	return good;
}

/* From now on nothing is executed but what comes with the system. */
static bool confine(void)
{
	struct landlock_ruleset_attr all = { .handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE };
	int rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	bool good;

	if (rules < 0)
		return false;
	good = allow(rules, "/usr") && allow(rules, "/bin") && allow(rules, "/lib") &&
		allow(rules, "/lib64") && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		syscall(SYS_landlock_restrict_self, rules, 0) == 0;
	close(rules);
	return good;
}

static void test_policy(void)
{
	char *tool = script("tool", "#!/bin/sh\necho hunter2\n", 0755);
	char *command = mem_printf("%s show mail", tool), *want;

	run(command);
	check_text(secret.data, "hunter2\n", "it works by hand");
	if (under_valgrind()) {
		printf("# valgrind does not know Landlock\n");
	} else if (!confine()) {
		check(errno == ENOSYS || errno == EOPNOTSUPP, "no Landlock here: nothing to see");
	} else {
		want = mem_printf("password_command: blocked by security policy: %s may not be "
			"executed here", tool);
		fails(command, want, "password-command-blocked");
		check(strstr(why.hint, "journalctl") || strstr(why.hint, "ausearch"),
			"where its words are: %s", why.hint);
		free(want);
		chmod(tool, 0600);
		fails(command, "password_command failed: exit status 126 (a command could not be executed)",
			"password-command-failed");
		fails("echo x; exit 126", "password_command failed: exit status 126 (a command could not be "
			"executed)", "password-command-failed");
	}
	unlink(tool);
	free(command);
	free(tool);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);   /* as the program does */
	if (!mkdtemp(dir))
		return 1;
	test_program();
	test_failure();
	test_input();
	test_no_terminal();
	test_policy();
	secret_wipe(&secret);
	rmdir(dir);
	return tap_done();
}
