/* t/unit/cred_source.c - secrets from commands, files, variables; their failures. */
#include "t/unit/tap.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cred/source.h"

static char dir[] = "/tmp/sendoff-cred-XXXXXX";

struct outcome {
	struct loop loop;
	struct secret_fetch *fetch;
	struct secret secret;
	struct err err;
	int called;
	bool at_once;            /* done was called before start returned */
	bool free_inside;
	bool started;
};

static void record(void *context, struct secret *s, struct err *e)
{
	struct outcome *o = context;

	o->called++;
	o->at_once = !o->started;
	if (s)
		o->secret = *s;
	else
		o->err = *e;
	if (o->free_inside)
		secret_fetch_free(&o->fetch);
	loop_stop(&o->loop);
}

static void begin(struct outcome *o, const struct secret_settings *set)
{
	memset(o, 0, sizeof(*o));
	loop_init(&o->loop);
	o->fetch = secret_fetch_start(&o->loop, set, record, o);
	o->started = true;
}

static void end(struct outcome *o)
{
	secret_fetch_free(&o->fetch);
	check_int(o->called, 1, "told once");
	loop_run(&o->loop);
	loop_release(&o->loop);
	secret_wipe(&o->secret);
}

static void command(struct outcome *o, const char *text)
{
	struct secret_settings set = { .command = mem_string(text) };

	begin(o, &set);
	if (o->fetch)
		loop_run(&o->loop);
	free(set.command);
}

static void gives(const char *text, const char *want)
{
	struct outcome o;

	command(&o, text);
	check_text(o.secret.data, want, "%s %s", text, o.err.text);
	check_int(o.secret.len, strlen(want), "and its length");
	check(!o.at_once, "by the loop");
	end(&o);
}

static void fails(const char *text, const char *want)
{
	struct outcome o;

	command(&o, text);
	check(!o.secret.data, "no secret from %s", text);
	check_int(o.err.kind, ERR_SECRET, "ERR_SECRET");
	check_text(o.err.text, want, "and why");
	end(&o);
}

static void test_command(void)
{
	gives("echo hunter2", "hunter2");
	gives("printf 'hunter2\\r\\n'", "hunter2");
	gives("printf 'two\\nlines\\n\\n'", "two\nlines\n");
	gives("printf ' p\\303\\244 $HOME \"x\" ; # '", " p\303\244 $HOME \"x\" ; # ");
	gives("printf x; sleep 0.1; printf y", "xy");
	gives("echo done; exec >&-; sleep 0.1", "done");
	gives("head -c 16384 /dev/zero | tr '\\0' a | tail -c 3; read x; echo", "aaa");
	fails("exit 1", "password_command failed: exit status 1");
	fails("echo secret; exit 3", "password_command failed: exit status 3");
	fails("echo secret; exec >&-; sleep 0.05; exit 4", "password_command failed: exit status 4");
	fails("sendoff-no-such-command 2>/dev/null",
		"password_command failed: exit status 127 (a command was not found)");
	fails("/dev/null 2>/dev/null",
		"password_command failed: exit status 126 (a command could not be executed)");
	fails("kill -9 $$", "password_command failed: ended by signal 9 (Killed)");
	fails(":", "password_command gives nothing: the password is empty");
	fails("echo", "password_command gives nothing: the password is empty");
	fails("printf 'a\\0b'", "password_command gives a NUL octet, which no password has");
}

static void test_length(void)
{
	struct outcome o;
	uint64_t began = clock_ms();

	command(&o, "head -c 16384 /dev/zero | tr '\\0' a; echo");
	check_int(o.secret.len, SECRET_MAX, "the longest secret: %s", o.err.text);
	end(&o);
	fails("head -c 16385 /dev/zero | tr '\\0' a",
		"password_command gives more than 16384 octets");
	fails("cat /dev/zero", "password_command gives more than 16384 octets");
	check(clock_ms() - began < 5000, "one without end is cut off");
}

/* True when no process holds the other end any more. */
static bool all_gone(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char c;

	return poll(&p, 1, 3000) == 1 && read(fd, &c, 1) == 0;
}

/* The deadline is 30 s; the test looks it up and brings it forward. */
static void test_deadline(bool cancel)
{
	struct secret_settings set = { .command = mem_string("sleep 60 & echo x; sleep 60") };
	struct watch *timer = NULL;
	struct outcome o;
	uint64_t began = clock_ms();
	int held[2];

	check(!pipe(held), "a pipe that the command and its children inherit");
	begin(&o, &set);
	close(held[1]);
	for (size_t i = 0; i < o.loop.count; i++)
		if (o.loop.watches[i]->deadline != LOOP_NEVER)
			timer = o.loop.watches[i];
	check(timer && timer->deadline >= began + 29900 && timer->deadline <= clock_ms() + 30000,
		"C1: the deadline is 30 s");
	if (cancel) {
		secret_fetch_free(&o.fetch);
		check_int(o.called, 0, "cancelled: nothing is told");
		loop_run(&o.loop);
		loop_release(&o.loop);
	} else {
		timer->deadline = clock_ms() + 50;
		loop_run(&o.loop);
		check_text(o.err.text, "password_command did not end within 30 s and was killed",
			"C1: the deadline is told");
		end(&o);
	}
	check(all_gone(held[0]), "its whole process group is gone");
	check(clock_ms() - began < 5000, "in time");
	close(held[0]);
	free(set.command);
}

static void test_inside(void)
{
	struct secret_settings set = { .command = mem_string("echo x") };
	struct outcome o;

	begin(&o, &set);
	o.free_inside = true;
	loop_run(&o.loop);
	check(!o.fetch && o.called == 1, "freed by the function that is told");
	end(&o);
	free(set.command);
}

static void test_no_child_status(void)
{
	struct outcome o;

	signal(SIGCHLD, SIG_IGN);
	command(&o, "echo hunter2");
	check_text(o.secret.data, "hunter2", "C6: SIGCHLD ignored: the output has to do");
	end(&o);
	command(&o, "exit 1");
	check_text(o.err.text, "password_command gives nothing: the password is empty",
		"C6: and nothing is still nothing");
	end(&o);
	signal(SIGCHLD, SIG_DFL);
}

static void test_hidden(void)
{
	struct secret_settings set = { .env = mem_string("SENDOFF_TEST_SECRET") };
	struct outcome o;

	setenv("SENDOFF_TEST_SECRET", "hunter2", 1);
	setenv("SENDOFF_PASSWORD", "hunter3", 1);
	begin(&o, &set);
	check_text(o.secret.data, "hunter2", "a variable");
	check(o.at_once && !o.fetch, "at once");
	end(&o);
	command(&o, "env | grep -c hunter; true");
	check_text(o.secret.data, "0", "D9: no child sees it, nor SENDOFF_PASSWORD");
	end(&o);
	setenv("SENDOFF_TEST_SECRET", "", 1);
	begin(&o, &set);
	check_text(o.err.text, "password_env gives nothing: the password is empty", "an empty one");
	end(&o);
	unsetenv("SENDOFF_TEST_SECRET");
	begin(&o, &set);
	check_text(o.err.text, "password_env: the variable SENDOFF_TEST_SECRET is not set",
		"one that is not set");
	check_int(o.err.kind, ERR_SECRET, "ERR_SECRET");
	end(&o);
	unsetenv("SENDOFF_PASSWORD");
	free(set.env);
	secret_hide("A");
	secret_hide("A");
	check(!strcmp(secret_hidden_variables()[2], "A") && !secret_hidden_variables()[3],
		"a name is hidden once");
}

static void file_with(const char *path, const char *text, size_t len, mode_t mode)
{
	FILE *f = fopen(path, "w");

	if (f) {
		fwrite(text, 1, len, f);
		fclose(f);
	}
	chmod(path, mode);
}

static void test_file(void)
{
	char *path = mem_printf("%s/secret", dir), want[512], *large = mem_alloc(SECRET_MAX + 8);
	struct secret_settings set = { .file = path };
	struct outcome o;

	file_with(path, "hunter2\n", 8, 0600);
	begin(&o, &set);
	check_text(o.secret.data, "hunter2", "a file, without its newline");
	check(o.at_once && !o.fetch, "at once");
	end(&o);
	chmod(path, 0644);
	begin(&o, &set);
	snprintf(want, sizeof(want), "password_file: '%s' holds a secret and can be read by other "
		"users (mode 0644)", path);
	check_text(o.err.text, want, "D10: one that others can read is refused");
	check_int(o.err.kind, ERR_SECRET, "ERR_SECRET");
	check(strstr(o.err.hint, "chmod 06"), "with what mends it: %s", o.err.hint);
	end(&o);
	memset(large, 'x', SECRET_MAX + 8);
	large[SECRET_MAX] = '\n';
	file_with(path, large, SECRET_MAX + 1, 0600);
	begin(&o, &set);
	check_int(o.secret.len, SECRET_MAX, "the longest: %s", o.err.text);
	end(&o);
	large[SECRET_MAX] = 'x';
	file_with(path, large, SECRET_MAX + 1, 0600);
	begin(&o, &set);
	check_text(o.err.text, "password_file gives more than 16384 octets", "one more");
	end(&o);
	file_with(path, large, SECRET_MAX + 8, 0600);
	begin(&o, &set);
	check(o.err.kind == ERR_SECRET && strstr(o.err.text, "too large"), "much more: %s",
		o.err.text);
	end(&o);
	file_with(path, "", 0, 0600);
	begin(&o, &set);
	check_text(o.err.text, "password_file gives nothing: the password is empty", "empty");
	end(&o);
	unlink(path);
	begin(&o, &set);
	snprintf(want, sizeof(want), "password_file: cannot open '%s': No such file or directory",
		path);
	check_text(o.err.text, want, "missing");
	check_int(o.err.kind, ERR_SECRET, "ERR_SECRET");
	end(&o);
	free(large);
	free(path);
}

static void test_settings(void)
{
	static char text[] = "x", equals[] = "A=B";
	struct secret_settings set = { .password = { NULL, 0 } };
	struct outcome o;
	struct err e = { 0 };

	check(!secret_configured(&set) && !secret_settings_check(&set, &e), "none");
	begin(&o, &set);
	check_int(o.err.kind, ERR_SECRET, "which cannot be fetched: %s", o.err.text);
	end(&o);
	set.password = (struct secret){ text, 1 };
	check(secret_configured(&set) && !secret_settings_check(&set, &e), "a literal password");
	begin(&o, &set);
	check_text(o.secret.data, "x", "is fetched");
	check(o.secret.data != set.password.data, "as a copy");
	end(&o);
	set.command = text;
	check_int(secret_settings_check(&set, &e), -1, "two sources");
	check_int(e.kind, ERR_CONFIG, "ERR_CONFIG");
	check_text(e.text, "password and password_command are both set", "naming both");
	set = (struct secret_settings){ .file = text, .env = text };
	check_int(secret_settings_check(&set, &e), -1, "two others");
	check_text(e.text, "password_file and password_env are both set", "naming both");
	set = (struct secret_settings){ .env = equals };
	check_int(secret_settings_check(&set, &e), -1, "no name of a variable");
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	test_settings();
	test_command();
	test_length();
	test_deadline(false);
	test_deadline(true);
	test_inside();
	test_hidden();
	test_file();
	test_no_child_status();
	rmdir(dir);
	return tap_done();
}
