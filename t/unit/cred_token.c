/* t/unit/cred_token.c - tokens on disk: what is written is read again, nothing else is, and a
 * file that others could have touched is none. */
#include "t/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/process.h"
#include "cred/token.h"
#include "cred/token_text.h"

static char top[] = "/tmp/sendoff-token-XXXXXX";
static char *dir;

static struct token made(const char *access, const char *refresh)
{
	struct token t = { .obtained = 1796000000, .expires = 1796003599, .signed_in = 1795000000,
		.scope = "mail \xc3\xa4", .client_id = "id \"1\" \\", .token_url = "https://x.test/token" };

	secret_set(&t.access, access, strlen(access));
	if (refresh)
		secret_set(&t.refresh, refresh, strlen(refresh));
	return t;
}

static bool equal(const struct token *a, const struct token *b)
{
	return a->access.len == b->access.len && a->refresh.len == b->refresh.len &&
		!memcmp(a->access.data, b->access.data, a->access.len) &&
		!a->refresh.data == !b->refresh.data &&
		(!a->refresh.data || !memcmp(a->refresh.data, b->refresh.data, a->refresh.len)) &&
		a->obtained == b->obtained && a->expires == b->expires &&
		a->signed_in == b->signed_in && a->not_before == b->not_before &&
		a->stale == b->stale && !strcmp(a->scope, b->scope) &&
		!strcmp(a->client_id, b->client_id) && !strcmp(a->token_url, b->token_url) &&
		!strcmp(a->over, b->over) && !strcmp(a->cause, b->cause);
}

static char *path_of(const char *name)
{
	return mem_printf("%s/%s", dir, name);
}

static void put(const char *name, const char *text, size_t len)
{
	char *path = path_of(name);
	FILE *f = fopen(path, "w");

	fwrite(text, 1, len, f);
	fclose(f);
	chmod(path, 0600);
	free(path);
}

static bool is_there(const char *name)
{
	char *path = path_of(name);
	struct stat st;
	bool there = lstat(path, &st) == 0;

	free(path);
	return there;
}

/* ---- as text */

static const char golden[] = "{\n\t\"version\": 1,\n\t\"access_token\": \"a\\\"b\\\\c\",\n"
	"\t\"refresh_token\": \"r\",\n\t\"obtained\": 1796000000,\n\t\"expires\": 1796003599,\n"
	"\t\"signed_in\": 1795000000,\n\t\"not_before\": 0,\n\t\"scope\": \"mail \xc3\xa4\",\n"
	"\t\"client_id\": \"id \\\"1\\\" \\\\\",\n\t\"token_url\": \"https://x.test/token\",\n"
	"\t\"stale\": false,\n\t\"over\": \"\",\n\t\"cause\": \"\"\n}\n";

static int read_text(const char *text, size_t len, struct token *t, struct err *e)
{
	char *copy = mem_copy(text, len);
	int result = token_read(copy, len, t, e);

	free(copy);
	return result;
}

static void text(void)
{
	struct token t = made("a\"b\\c", "r"), back;
	struct buf out = BUF_INIT(TOKEN_TEXT_MAX);
	struct err e = { 0 };

	check_int(token_write(&t, &out, &e), 0, "a token is written");
	check_text(buf_text(&out), golden, "... as it is documented");
	check_int(read_text(golden, strlen(golden), &back, &e), 0, "A9: ... and read: %s", e.text);
	check(equal(&t, &back), "... to the same");
	token_wipe(&back);
	for (size_t len = 0; len < strlen(golden); len++) {
		bool whole = len == strlen(golden) - 1;   /* the last newline alone may lack */

		if (read_text(golden, len, &back, &e) != (whole ? 0 : -1) ||
				(!whole && e.kind != ERR_DAMAGED))
			check(false, "A7: cut at %zu: %s", len, e.text);
		if (!whole && (back.access.data || back.refresh.data || back.obtained))
			check(false, "A7: cut at %zu: something is left", len);
		token_wipe(&back);
	}
	check(true, "A7: cut at every octet it is damaged");
	buf_release(&out);
	token_wipe(&t);
}

static const char golden_keyring[] = "{\n\t\"version\": 2,\n\t\"access_token\": \"\",\n"
	"\t\"refresh_token\": \"\",\n\t\"obtained\": 1,\n\t\"expires\": 2,\n"
	"\t\"signed_in\": 3,\n\t\"not_before\": 0,\n\t\"scope\": \"\",\n"
	"\t\"client_id\": \"\",\n\t\"token_url\": \"\",\n"
	"\t\"stale\": false,\n\t\"over\": \"\",\n\t\"cause\": \"\",\n"
	"\t\"keyring_access\": \"aa\",\n\t\"keyring_refresh\": \"bb\",\n\t\"keyring_trouble\": \"\"\n}\n";

/* A keyring has the secrets. */
static void keyring_text(void)
{
	struct token t = { .obtained = 1, .expires = 2, .signed_in = 3, .keyring_access = "aa",
		.keyring_refresh = "bb" }, back;
	struct buf out = BUF_INIT(TOKEN_TEXT_MAX);
	struct err e = { 0 };
	char *both;

	secret_set(&t.access, "geheim", 6);
	secret_set(&t.refresh, "geheim2", 7);
	check_int(token_write(&t, &out, &e), 0, "one of a keyring is written");
	check_text(buf_text(&out), golden_keyring, "D9: ... without its secrets");
	check_int(read_text(golden_keyring, strlen(golden_keyring), &back, &e), 0, "A9: ... and read: %s", e.text);
	check(token_in_keyring(&back) && token_has_refresh(&back) && !back.refresh.data, "... as what it is");
	token_wipe(&back);
	both = mem_printf("%.*s\"geheim\"%s", 32, golden_keyring, golden_keyring + 34);
	check_int(read_text(both, strlen(both), &back, &e), -1, "secrets in both places");
	check_int(e.kind, ERR_DAMAGED, "... are damage");
	free(both);
	both = mem_printf("{\n\t\"version\": 1%s", golden_keyring + strlen("{\n\t\"version\": 2"));
	check_int(read_text(both, strlen(both), &back, &e), -1, "names that version 1 does not have");
	free(both);
	buf_clear(&out);
	token_leaves_keyring(&t);
	check_int(token_write(&t, &out, &e), 0, "what has left it is written");
	check(strstr(buf_text(&out), "\"version\": 1") && strstr(buf_text(&out), "geheim2"), "... as others are");
	buf_release(&out);
	token_wipe(&t);
}

static void odd_texts(void)
{
	static const struct {
		const char *from, *to, *what;
		enum err_kind kind;   /* ERR_NONE: it is read */
	} rows[] = {
		{ "\n", "\r\n", "other blanks", ERR_NONE },
		{ "\"version\": 1", "\"version\": 3", "a later version", ERR_FORMAT },
		{ "\"version\": 1,", "\"version\": 3, \"x\": [{}],", "... of any form", ERR_FORMAT },
		{ "\"version\": 1,", "\"version\": ,", "no version", ERR_DAMAGED },
		{ "\t\"version\": 1,\n", "", "none at all", ERR_DAMAGED },
		{ "\"stale\": false", "\"stale\": true", "a flag", ERR_NONE },
		{ "\"stale\": false", "\"stale\": null", "no flag", ERR_DAMAGED },
		{ "\"stale\": false", "\"stale\": false, \"stale\": false", "a name twice", ERR_DAMAGED },
		{ "\"stale\": false", "\"stalk\": false", "another name", ERR_DAMAGED },
		{ "\"stale\": false,", "", "a name less", ERR_DAMAGED },
		{ "\"r\"", "\"\"", "no refresh token", ERR_NONE },
		{ "\"r\"", "\"r r\"", "a blank in a token", ERR_DAMAGED },
		{ "\"r\"", "\"r\xc3\xa4\"", "a letter in a token that is none of ASCII", ERR_DAMAGED },
		{ "\"r\"", "\"r\\/\"", "an escape that need not be", ERR_NONE },
		{ "\"r\"", "\"r\\n\"", "an escape that is not known", ERR_DAMAGED },
		{ "mail", "ma\til", "a control character", ERR_DAMAGED },
		{ "mail", "ma\xffil", "broken UTF-8", ERR_DAMAGED },
		{ "1796000000", "-1", "a negative time", ERR_DAMAGED },
		{ "1796000000", "999999999999999999", "a long time", ERR_NONE },
		{ "1796000000", "1796000000000000000", "a longer one", ERR_DAMAGED },
		{ "1796000000", "\"1796000000\"", "a time as text", ERR_DAMAGED },
		{ "}", "}x", "something behind", ERR_DAMAGED },
		{ "}", ",}", "a comma too many", ERR_DAMAGED },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *at = strstr(golden, rows[i].from);
		char *copy = mem_printf("%.*s%s%s", (int)(at - golden), golden, rows[i].to,
			at + strlen(rows[i].from));
		struct err e = { 0 };
		struct token t;

		token_read(copy, strlen(copy), &t, &e);
		check_int(e.kind, rows[i].kind, "%s: %s", rows[i].what, e.text);
		check(!rows[i].kind == !!t.access.data, "... and what there is");
		token_wipe(&t);
		free(copy);
	}
}

static void long_texts(void)
{
	struct token t = { .obtained = 1 }, back;
	struct buf out = BUF_INIT(TOKEN_TEXT_MAX);
	char longest[SECRET_MAX + 1];
	struct err e = { 0 };

	memset(longest, '\\', sizeof(longest));
	secret_set(&t.access, longest, SECRET_MAX);
	secret_set(&t.refresh, longest, SECRET_MAX);
	memset(t.scope, '"', sizeof(t.scope) - 1);
	check_int(token_write(&t, &out, &e), 0, "the longest tokens: %s", e.text);
	check_int(read_text(out.data, out.len, &back, &e), 0, "... are read: %s", e.text);
	check(equal(&t, &back), "... to the same");
	token_wipe(&back);
	buf_clear(&out);
	secret_set(&t.access, longest, SECRET_MAX + 1);
	check_int(token_write(&t, &out, &e), -1, "what could not be read is not written");
	check_int(e.kind, ERR_INTERNAL, "... it is a fault of ours");
	buf_release(&out);
	token_wipe(&t);
}

/* ---- on disk */

static void directory(void)
{
	struct err e = { 0 };
	struct stat st;
	char *again;

	setenv("XDG_STATE_HOME", top, 1);
	dir = token_directory(false, &e);
	check(dir && strstr(dir, "/sendoff/tokens"), "the directory: %s", e.text);
	check(dir && stat(dir, &st) == 0 && (st.st_mode & 07777) == 0700, "... is ours alone");
	again = token_directory(false, &e);
	check_text(again, dir, "... once and for all");
	free(again);
	chmod(dir, 0770);
	again = token_directory(false, &e);
	check(!again && e.kind == ERR_RIGHT, "F1: one that others can write is refused");
	check(strstr(e.text, "(mode 0770)") && strstr(e.hint, "0700"), "... with what is to be done");
	chmod(dir, 0700);
}

static void save_and_load(void)
{
	struct token t = made("abc", "def"), back;
	struct err e = { 0 };
	char *path = path_of("work");
	struct stat st;

	check_int(token_load(dir, "work", &back, &e), 1, "there is none");
	check_int(token_load("/nowhere", "work", &back, &e), 1, "... nor where there is no directory");
	umask(0);
	check_int(token_save(dir, "work", &t, &e), 0, "one is kept: %s", e.text);
	umask(077);
	check(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600, "D10: ... for us alone");
	check(!is_there("work.new"), "... and nothing beside it");
	check_int(token_load(dir, "work", &back, &e), 0, "it is read: %s", e.text);
	check(equal(&t, &back), "... as it was");
	check_int(token_signed_in(false, "work"), 1795000000, "when one signed in is seen without");
	token_wipe(&back);
	secret_set(&t.access, "ghi", 3);
	t.signed_in = 0;
	put("work.new", "left by a crash", 15);
	check_int(token_save(dir, "work", &t, &e), 0, "another replaces it, whatever was left");
	check(token_load(dir, "work", &back, &e) == 0 && !strcmp(back.access.data, "ghi"), "... indeed");
	check_int(token_signed_in(false, "work"), 0, "nobody has signed in");
	check_int(token_signed_in(false, "other"), 0, "... for others even less");
	token_wipe(&back);
	check_int(token_remove(dir, "work", &e), 0, "it is removed");
	check(!is_there("work") && !is_there("work.new"), "... indeed");
	check_int(token_remove(dir, "work", &e), 0, "... and once more");
	token_wipe(&t);
	free(path);
}

/* Killed at any time while it writes: the old one or the new one. */
static void killed(void)
{
	struct token one = made("one", "refresh"), two = made("two", "refresh"), back;
	unsigned whole = 0, half = 0;
	struct err e = { 0 };

	token_save(dir, "work", &one, &e);
	fflush(stdout);
	for (unsigned i = 0; i < 100; i++) {
		pid_t pid = fork();

		while (pid == 0) {
			token_save(dir, "work", &two, &e);
			token_save(dir, "work", &one, &e);
		}
		usleep(i % 7 * 1000);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		whole += token_load(dir, "work", &back, &e) == 0 &&
			equal(&back, back.access.data[0] == 'o' ? &one : &two);
		half += is_there("work.new");
		token_wipe(&back);
	}
	check_int(whole, 100, "A3: killed a hundred times, there is one whole token");
	check(half, "... %u times in the middle of it", half);
	check_int(token_save(dir, "work", &one, &e), 0, "the next one is kept: %s", e.text);
	check(!is_there("work.new"), "... and what was left is gone");
	token_remove(dir, "work", &e);
	token_wipe(&one);
	token_wipe(&two);
}

static void names(void)
{
	static const struct {
		const char *account, *file;
	} rows[] = {
		{ "a.b", "a%2Eb" }, { "../x", "%2E%2E%2Fx" }, { "work.lock", "work%2Elock" },
		{ "", "%" }, { "%", "%25" }, { "m\xc3\xa4", "m%C3%A4" }, { "A b", "A%20b" }
	};
	char longest[300];
	struct err e = { 0 };
	struct token t = made("x", NULL);

	for (size_t i = 0; i < COUNT(rows); i++) {
		check_int(token_save(dir, rows[i].account, &t, &e), 0, "F7: account '%s'",
			rows[i].account);
		check(is_there(rows[i].file), "... is in %s", rows[i].file);
		check_int(token_remove(dir, rows[i].account, &e), 0, "... and out of it");
		check(!is_there(rows[i].file), "... indeed");
	}
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	check_int(token_save(dir, longest, &t, &e), -1, "a name that is too long");
	check_int(e.kind, ERR_STORE, "... is told");
	token_wipe(&t);
}

/* How a file is made bad, and what is said of it. */
static void unusable(const char *words)
{
	struct token t;
	struct err e = { 0 };

	check_int(token_load(dir, "bad", &t, &e), -1, "it cannot be used");
	check_int(e.kind, ERR_SECRET, "... as a secret that cannot be had");
	check(strstr(e.text, words), "... because: %s", words);
	if (!strstr(e.text, words))
		printf("#   %s\n", e.text);
	check(e.hint[0], "... and what is to be done: %s", e.hint);
	check(!t.access.data, "... nothing of it is there");
	check(!strstr(e.text, "geheim") && !strstr(e.hint, "geheim"), "D9: the token is not shown");
	token_wipe(&t);
}

static void damages(void)
{
	static const char secret[] = "{\"version\": 1, \"access_token\": \"geheim\"";
	char *path = path_of("bad"), *other = path_of("other");
	struct token t = made("geheim", NULL);
	struct err e;

	put("bad", "", 0);
	unusable("damaged at octet 1");
	put("bad", secret, strlen(secret));
	unusable("damaged at octet");
	put("bad", "{\"version\": 7}", 14);
	unusable("version 7");
	put("bad", golden, strlen(golden));
	chmod(path, 0644);
	unusable("can be read by other users (mode 0644)");
	chmod(path, 0602);
	unusable("can be changed by other users");
	chmod(path, 0600);
	check_int(link(path, other), 0, "another name");
	unusable("has other names (2 links)");
	unlink(path);
	check_int(symlink(other, path), 0, "a link");
	unusable("cannot open");
	unlink(path);
	check_int(mkfifo(path, 0600), 0, "a pipe");
	unusable("not a regular file");
	unlink(path);
	mkdir(path, 0700);
	unusable("a directory, not a regular file");
	check_int(token_save(dir, "bad", &t, &e), -1, "nor is one put in its place");
	check_int(e.kind, ERR_STORE, "... and that is told: %s", e.text);
	check(!is_there("bad.new"), "... without anything left");
	rmdir(path);
	if (geteuid() == 0) {
		put("bad", golden, strlen(golden));
		check_int(chown(path, 12345, 12345), 0, "another's");
		unusable("belongs to another user (uid 12345)");
		unlink(path);
	}
	unlink(other);
	token_wipe(&t);
	free(path);
	free(other);
}

/* ---- the lock */

static void lock(void)
{
	struct err e = { 0 };
	bool busy = true;
	int fd = token_lock(dir, "work", &busy, &e), second, ends[2];
	char octet;
	pid_t pid;

	check(fd >= 0 && !busy, "the lock is free: %s", e.text);
	second = token_lock(dir, "work", &busy, &e);
	check(second < 0 && busy, "... then not");
	second = token_lock(dir, "other", &busy, &e);
	check(second >= 0, "another account has another");
	close(second);
	check_int(token_lock_within(dir, "work", 0, &e), -1, "no time to wait");
	check_int(e.kind, ERR_TIMEOUT, "... is told: %s", e.text);
	close(fd);
	check_int(pipe(ends), 0, "a pipe");
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		fd = token_lock(dir, "work", &busy, &e);
		octet = fd >= 0;
		if (write(ends[1], &octet, 1) == 1)
			pause();
		_exit(0);
	}
	check(read(ends[0], &octet, 1) == 1 && octet, "a process has it");
	check(token_lock(dir, "work", &busy, &e) < 0 && busy, "... alone");
	kill(pid, SIGKILL);
	fd = token_lock_within(dir, "work", 5, &e);
	check(fd >= 0, "B5: the dead hold nothing: %s", e.text);
	waitpid(pid, NULL, 0);
	close(fd);
	close(ends[0]);
	close(ends[1]);
}

/* Who is told to stop waits for nobody. */
static void stopped(void)
{
	struct token t = made("abc", "def");
	struct err e = { 0 };
	uint64_t begun = clock_ms();
	bool busy;
	int fd, status;
	pid_t pid;

	token_save(dir, "work", &t, &e);
	fd = token_lock(dir, "work", &busy, &e);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		process_catch_signals();
		raise(SIGINT);
		if (token_lock_within(dir, "work", 20, &e) != -1 || e.kind != ERR_SIGNAL)
			_exit(1);
		e.kind = ERR_NONE;
		_exit(token_refuse(dir, "work", &t.access, &e) == -1 && e.kind == ERR_SIGNAL ? 0 : 2);
	}
	check(waitpid(pid, &status, 0) == pid && status == 0, "a signal ends the waiting for a lock");
	check(clock_ms() - begun < 1500, "... at once");
	close(fd);
	token_remove(dir, "work", &e);
	token_wipe(&t);
}

static void refuse(void)
{
	struct token t = made("abc", "def"), back;
	struct secret old = { NULL, 0 };
	struct err e = { 0 };
	bool busy;
	int fd;

	token_save(dir, "work", &t, &e);
	secret_set(&old, "other", 5);
	check_int(token_refuse(dir, "work", &old, &e), 0, "an older one was refused");
	check(token_load(dir, "work", &back, &e) == 0 && !back.stale, "... so this one is good");
	token_wipe(&back);
	secret_set(&old, "abc", 3);
	fd = token_lock(dir, "work", &busy, &e);
	check_int(token_refuse(dir, "work", &old, &e), 0, "this one, while somebody gets another");
	check(token_load(dir, "work", &back, &e) == 0 && !back.stale, "... changes nothing");
	token_wipe(&back);
	close(fd);
	check_int(token_refuse(dir, "work", &old, &e), 0, "this one was refused: %s", e.text);
	check(token_load(dir, "work", &back, &e) == 0 && back.stale, "... and is marked");
	check(!token_is_fresh(&back, back.obtained), "... so that it is not fresh");
	back.stale = false;
	check(equal(&t, &back), "... and all else as it was");
	token_wipe(&back);
	token_remove(dir, "work", &e);
	check_int(token_refuse(dir, "work", &old, &e), 0, "one that is gone");
	check(!is_there("work"), "... stays so");
	secret_wipe(&old);
	token_wipe(&t);
}

/* ---- its time */

static void fresh(void)
{
	static const struct {
		int64_t obtained, expires, now;
		bool fresh;
		const char *what;
	} rows[] = {
		{ 1000, 4600, 1000, true, "just obtained" },
		{ 1000, 4600, 4299, true, "more than 300 s are left" },
		{ 1000, 4600, 4300, false, "300 s are left" },
		{ 1000, 4600, 5000, false, "expired" },
		{ 1000, 4600, 999, false, "B7: obtained in the future" },
		{ 1000, 1060, 1000, true, "a short life" },
		{ 1000, 1060, 1029, true, "... before its half" },
		{ 1000, 1060, 1030, false, "... at its half" },
		{ 1000, 1000, 1000, false, "no life" },
		{ 1000, 900, 1000, false, "less than none" },
		{ 0, 315360000, 1796000000, false, "B7: ten years later" },
	};
	struct token t = made("x", NULL);

	for (size_t i = 0; i < COUNT(rows); i++) {
		t.obtained = rows[i].obtained;
		t.expires = rows[i].expires;
		check(token_is_fresh(&t, rows[i].now) == rows[i].fresh, "%s", rows[i].what);
	}
	t.obtained = 1000;
	t.expires = 4600;
	snprintf(t.over, sizeof(t.over), "x");
	check(!token_is_fresh(&t, 1000), "one that is over");
	t.over[0] = '\0';
	secret_wipe(&t.access);
	check(!token_is_fresh(&t, 1000), "none");
	token_wipe(&t);
}

static void pauses(void)
{
	struct token t = made("x", NULL);

	t.obtained = 1000;
	t.expires = 4600;
	check(token_still_does(&t, 4539) && !token_still_does(&t, 4540), "it serves until a minute before its end");
	check(!token_still_does(&t, 999), "B7: ... not before it was obtained");
	t.stale = true;
	check(!token_still_does(&t, 1000), "... nor where a server has refused it");
	t.not_before = 0;
	check_int(token_pause(&t, 1000), 0, "no pause");
	t.not_before = 1600;
	check_int(token_pause(&t, 1000), 600, "a pause");
	check_int(token_pause(&t, 1600), 0, "... is over");
	t.not_before = 1000 + TOKEN_PAUSE_MOST + 1;
	check_int(token_pause(&t, 1000), 0, "B7: ... longer than anybody sets one");
	token_wipe(&t);
}

static void scopes(void)
{
	static const struct { const char *asked, *granted, *lacks; } rows[] = {
		{ "a", "a", "" }, { "a b c", "c a", "b" }, { "a b", "", "" }, { "a b", "  ", "" }, { NULL, "a", "" },
		{ "", "a", "" }, { " a  b ", " b ", "a" }, { "mail.send", "mail.sendx xmail.send", "mail.send" },
		{ "Mail.Send", "mail.SEND", "" }, { "a offline_access openid profile email", "a", "" },
		{ "https://x.test/.default", "https://x.test/Mail.Send", "" },
		{ "https://a.test/SMTP.Send", "https://b.test/smtp.send", "" },
		{ "https://a.test/SMTP.Send", "SMTP.Send", "" }, { "SMTP.Send", "https://a.test/SMTP.Send", "" },
		{ "https://mail.google.com/", "https://mail.google.com/", "" },
		{ "https://mail.google.com/", "https://x.test/", "https://mail.google.com/" },
		{ "mail:smtp", "mail:imap", "mail:smtp" }, { "a/b", "c/b", "a/b" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf lacks = BUF_INIT(256);

		token_scope_lacks(rows[i].asked, rows[i].granted, &lacks);
		check_text(lacks.len ? buf_text(&lacks) : "", rows[i].lacks, "'%s' of '%s'", rows[i].granted,
			rows[i].asked ? rows[i].asked : "");
		buf_release(&lacks);
	}
}

static void tries(void)
{
	struct token t = made("abc", "def");
	struct err e = { 0 };
	char *in_the_way = mem_printf("%s/work.try", dir);

	token_save(dir, "work", &t, &e);
	check_int(token_try(dir, "work", &e), 0, "there is room: %s", e.text);
	check(is_there("work") && !is_there("work.try") && !is_there("work.new"), "... and all is as before");
	check_int(mkdir(in_the_way, 0700), 0, "something in the way");
	check_int(token_try(dir, "work", &e), -1, "... is told");
	check(e.kind == ERR_STORE && strstr(e.text, dir), "... as what it is: %s", e.text);
	rmdir(in_the_way);
	chmod(dir, 0770);
	check_int(token_try(dir, "work", &e), -1, "a directory that others can write");
	check_int(e.kind, ERR_RIGHT, "... is none: %s", e.text);
	chmod(dir, 0700);
	check_int(token_try("/nonexistent/tokens", "work", &e), -1, "none at all");
	check_int(token_remove(dir, "work", &e), 0, "and away with it");
	free(in_the_way);
	token_wipe(&t);
}

static void of_another(void)
{
	char *path = mem_printf("%s/work", dir);
	struct token t = made("abc", "def");
	struct err e = { 0 };

	token_save(dir, "work", &t, &e);
	if (geteuid() == 0 && lchown(path, 54321, 54321) == 0) {
		check_int(token_remove(dir, "work", &e), -1, "what belongs to another");
		check(e.kind == ERR_RIGHT && strstr(e.text, "54321") && is_there("work"), "... stays: %s", e.text);
		check_int(lchown(path, 0, 0), 0, "... until it is ours");
	} else {
		printf("# only root has what belongs to another\n");
	}
	check_int(token_remove(dir, "work", &e), 0, "our own goes");
	check(!is_there("work"), "... indeed");
	free(path);
	token_wipe(&t);
}

static void hints(void)
{
	struct err e = { 0 };

	token_hint(&e, "/home/me", "work", "sign in");
	check_text(e.hint, "sign in: sendoff login work", "the command");
	token_hint(&e, TOKEN_SYSTEM_DIRECTORY, "work", "sign in");
	check_text(e.hint, "sign in: sudo sendoff login work", "... of the system's account");
	token_hint(&e, "/home/me", "my work", "sign in");
	check_text(e.hint, "sign in: sendoff login 'my work'", "... of an odd name");
}

int main(void)
{
	char *command;

	text();
	keyring_text();
	odd_texts();
	long_texts();
	if (!mkdtemp(top))
		return 1;
	directory();
	save_and_load();
	killed();
	names();
	damages();
	lock();
	stopped();
	refuse();
	fresh();
	pauses();
	scopes();
	tries();
	of_another();
	hints();
	command = mem_printf("rm -rf %s", top);
	check_int(system(command), 0, "all is removed");
	free(command);
	free(dir);
	return tap_done();
}
