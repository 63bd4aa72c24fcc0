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
	struct secret_login login;
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

static void begin_for(struct outcome *o, const struct secret_settings *set, const char *user)
{
	memset(o, 0, sizeof(*o));
	o->login = (struct secret_login){ "smtp.x.test", 587, user, NULL };
	loop_init(&o->loop);
	o->fetch = secret_fetch_start(&o->loop, set, &o->login, record, o);
	o->started = true;
}

static void begin(struct outcome *o, const struct secret_settings *set)
{
	begin_for(o, set, "me");
}

static void end(struct outcome *o)
{
	free(o->login.found);
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

static void describe(const struct secret_settings *set, const char *want)
{
	char text[SECRET_FROM_MAX];

	secret_describe(set, text);
	check_text(text, want, "in words");
}

static void test_words(void)
{
	static char x[] = "/x\033y", name[] = "mail";

	describe(&(struct secret_settings){ .command = x }, "from password_command");
	describe(&(struct secret_settings){ .file = x }, "from the file /x\\x1by");
	describe(&(struct secret_settings){ .env = name }, "from the variable mail");
	describe(&(struct secret_settings){ .credential = name }, "from the systemd credential mail");
	describe(&(struct secret_settings){ .netrc = x }, "from the netrc file /x\\x1by");
	describe(&(struct secret_settings){ .env = NULL }, "from the configuration file");
}

static void good_name(const char *name, bool good)
{
	struct secret_settings set = { .credential = mem_string(name) };
	struct err e = { 0 };

	check_int(secret_settings_check(&set, &e), good ? 0 : -1, "credential '%s'", name);
	free(set.credential);
}

/* What systemd.exec(5) does: a directory of the unit's, files that its user alone may read. */
static void test_credential(void)
{
	char *unit = mem_printf("%s/mail.service", dir), *path = mem_printf("%s/pw", unit);
	char *longest = mem_alloc(257), name[] = "pw";
	struct secret_settings set = { .credential = name };
	struct outcome o;

	good_name("mail", true);
	good_name("smtp.x-y_z@1", true);
	good_name("..x", true);
	good_name("", false);
	good_name(".", false);
	good_name("..", false);
	good_name("...", false);
	good_name("a/b", false);
	good_name("../b", false);
	good_name("a:b", false);
	good_name("a b", false);
	good_name("a\033", false);
	good_name("p\303\244", false);
	memset(longest, 'x', 256);
	good_name(longest, false);
	longest[255] = '\0';
	good_name(longest, true);
	free(longest);

	unsetenv("CREDENTIALS_DIRECTORY");
	check(!secret_path(&set), "without the variable there is no path");
	begin(&o, &set);
	check_text(o.err.text, "credential: CREDENTIALS_DIRECTORY is not set: systemd has granted "
		"nothing to this process", "and nothing to be had");
	check_text(o.err.cause, "credential-absent", "told as what it is");
	check(strstr(o.err.hint, "systemctl edit sendoff.service") &&
		strstr(o.err.hint, "LoadCredential=pw:FILE"), "which directive where: %s", o.err.hint);
	check_int(o.err.kind, ERR_SECRET, "ERR_SECRET");
	end(&o);
	setenv("CREDENTIALS_DIRECTORY", "relative", 1);
	check(!secret_path(&set), "a relative path counts for nothing");

	mkdir(unit, 0700);
	setenv("CREDENTIALS_DIRECTORY", unit, 1);
	begin(&o, &set);
	check(strstr(o.err.text, "credential: 'pw' is not in /") == o.err.text, "absent: %s", o.err.text);
	check(strstr(o.err.hint, "systemctl edit mail.service"), "the unit by its name: %s", o.err.hint);
	end(&o);
	file_with(path, "hunter2\n", 8, 0400);
	begin(&o, &set);
	check_text(o.secret.data, "hunter2", "one that is there: %s", o.err.text);
	check(o.at_once && !o.fetch, "at once");
	end(&o);
	chmod(path, 0444);
	begin(&o, &set);
	check(strstr(o.err.text, "credential: ") == o.err.text && strstr(o.err.text, "mode 0444"),
		"D10: one that all can read: %s", o.err.text);
	check_text(o.err.cause, "password-file-unreadable", "told as such");
	end(&o);
	unlink(path);
	rmdir(unit);
	unsetenv("CREDENTIALS_DIRECTORY");
	free(unit);
	free(path);
}

static void test_netrc(void)
{
	static const char text[] = "machine smtp.x.test login me password \"hunter 2\"\n"
		"machine smtp.x.test login you password hunter3\n"
		"machine other.x.test password hunter4\n";
	char *path = mem_printf("%s/netrc", dir);
	struct secret_settings set = { .netrc = path };
	struct outcome o;

	file_with(path, text, sizeof(text) - 1, 0600);
	begin(&o, &set);
	check_text(o.secret.data, "hunter 2", "of the host and user: %s", o.err.text);
	check(o.at_once && !o.fetch && !o.login.found, "at once, and the user is the account's");
	end(&o);
	begin_for(&o, &set, "you");
	check_text(o.secret.data, "hunter3", "of another user");
	end(&o);
	begin_for(&o, &set, NULL);
	check_text(o.secret.data, "hunter 2", "no user: the first entry");
	check_text(o.login.found, "me", "whose login it is");
	end(&o);
	begin_for(&o, &set, "nobody");
	check(strstr(o.err.text, "netrc: '") == o.err.text &&
		strstr(o.err.text, "no entry for machine smtp.x.test, login nobody, port 587; there is: "
		"smtp.x.test as me, smtp.x.test as you, other.x.test") && !strstr(o.err.text, "hunter"),
		"what was looked for, and what there is: %s", o.err.text);
	check_text(o.err.cause, "netrc-no-entry", "told as such");
	end(&o);
	file_with(path, "machine smtp.x.test password hunter2", 36, 0600);
	begin_for(&o, &set, NULL);
	check(!o.secret.data && strstr(o.err.text, "names no login"), "no user at all: %s", o.err.text);
	end(&o);
	begin(&o, &set);
	check_text(o.secret.data, "hunter2", "an entry without a login is good for the account's user");
	end(&o);
	file_with(path, "machine smtp.x.test login me password ''", 40, 0600);
	begin(&o, &set);
	check_text(o.err.text, "netrc gives nothing: the password is empty", "an empty one");
	end(&o);
	chmod(path, 0640);
	check(chown(path, (uid_t)-1, 1) == 0 || geteuid() != 0, "a group of others");
	begin(&o, &set);
	check(geteuid() != 0 || (strstr(o.err.text, "can be read by other users") && !o.secret.data),
		"D10: may not read it: %s", o.err.text);
	end(&o);
	unlink(path);
	begin(&o, &set);
	check(strstr(o.err.text, "netrc: cannot open '") == o.err.text, "absent: %s", o.err.text);
	check_int(o.err.kind, ERR_SECRET, "ERR_SECRET");
	end(&o);
	free(path);
}

static void test_settings(void)
{
	static char text[] = "x", equals[] = "A=B", sealed[] = "/x/.authinfo.gpg";
	const char *keys[SECRET_SOURCES];
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
	check_int(secret_sources(&set, keys), 1, "one source");
	check_text(keys[0], "password", "by its name");
	set.command = set.file = set.env = set.credential = set.netrc = text;
	check_int(secret_sources(&set, keys), SECRET_SOURCES, "all of them");
	for (unsigned i = 0; i < SECRET_SOURCES; i++)
		check_text(keys[i], secret_keys[i].name, "by its name");
	set = (struct secret_settings){ .file = text, .env = text };
	check_int(secret_sources(&set, keys), 2, "two others");
	check(!strcmp(keys[0], "password_file") && !strcmp(keys[1], "password_env"), "by name");
	set = (struct secret_settings){ .env = equals };
	check_int(secret_settings_check(&set, &e), -1, "no name of a variable");
	set = (struct secret_settings){ .netrc = sealed };
	check_int(secret_settings_check(&set, &e), -1, "a file that is encrypted");
	check(e.kind == ERR_CONFIG && strstr(e.hint, "password_command"), "what does it: %s", e.hint);
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
	test_words();
	test_credential();
	test_netrc();
	test_no_child_status();
	rmdir(dir);
	return tap_done();
}
