/* t/unit/base_file.c - which files are trusted, and what is said of the others. */
#include "t/unit/tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

static char directory[] = "/tmp/sendoff-file-XXXXXX";
static char path[64];

static void put(const char *text, mode_t mode)
{
	int fd;

	unlink(path);   /* it may be one that its owner may not write */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
			fchmod(fd, mode) < 0)
		printf("Bail out! cannot write %s\n", path);
	close(fd);
}

static enum file_result get(enum file_trust trust, size_t most, struct buf *out,
	struct err *e)
{
	*out = BUF_INIT(most);
	memset(e, 0, sizeof(*e));
	return file_read(path, trust, out, e);
}

static void test_reading(void)
{
	struct buf out;
	struct err e;

	put("hello\n", 0600);
	check_int(get(FILE_ANY, 100, &out, &e), FILE_OK, "a file is read");
	check_text(buf_text(&out), "hello\n", "whole");
	buf_release(&out);
	check_int(get(FILE_ANY, 6, &out, &e), FILE_OK, "a file of just the limit");
	check_int(out.len, 6, "whole, too");
	buf_release(&out);
	check_int(get(FILE_ANY, 5, &out, &e), FILE_BAD, "a file larger than the limit");
	check(strstr(e.text, "too large") && strstr(e.text, path), "is named: %s", e.text);
	check_int(e.kind, ERR_CONFIG, "kind");
	buf_release(&out);
	put("", 0600);
	check_int(get(FILE_SECRET, 5, &out, &e), FILE_OK, "an empty file");
	check_int(out.len, 0, "is empty");
	buf_release(&out);
}

static void test_one_allocation(void)
{
	struct buf out;
	struct err e;
	char text[3000];

	memset(text, 'k', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	put(text, 0600);
	check_int(get(FILE_SECRET, 4096, &out, &e), FILE_OK, "D9 a longer secret");
	check_int(out.cap, 3001, "D9 the buffer did not grow: no copies left behind");
	buf_release(&out);
}

static void test_kinds(void)
{
	struct buf out;
	struct err e;

	unlink(path);
	check_int(get(FILE_ANY, 100, &out, &e), FILE_ABSENT, "a file that is not there");
	check(strstr(e.text, "No such file") && strstr(e.text, path), "is named: %s", e.text);
	mkdir(path, 0700);
	check_int(get(FILE_ANY, 100, &out, &e), FILE_BAD, "a directory");
	check(strstr(e.text, "is a directory"), "is named: %s", e.text);
	rmdir(path);
	if (mkfifo(path, 0600) == 0) {
		alarm(10);
		check_int(get(FILE_ANY, 100, &out, &e), FILE_BAD, "a FIFO does not hold us up");
		alarm(0);
		unlink(path);
	}
	put("x", 0600);
	check_int(file_read("/etc/passwd/x", FILE_ANY, &out, &e), FILE_ABSENT, "below a file");
	check_int(file_read("/tmp/a\033[2J", FILE_ANY, &out, &e), FILE_ABSENT, "a hostile name");
	check(!strchr(e.text, '\033'), "E4 is shown clean: %s", e.text);
}

static const struct {
	mode_t mode;
	enum file_result any, owned, secret;
} modes[] = {
	{ 0600, FILE_OK, FILE_OK, FILE_OK },
	{ 0400, FILE_OK, FILE_OK, FILE_OK },
	{ 0700, FILE_OK, FILE_OK, FILE_OK },
	{ 0644, FILE_OK, FILE_OK, FILE_BAD },
	{ 0604, FILE_OK, FILE_OK, FILE_BAD },
	{ 0606, FILE_OK, FILE_BAD, FILE_BAD },
	{ 0602, FILE_OK, FILE_BAD, FILE_BAD },
	{ 0666, FILE_OK, FILE_BAD, FILE_BAD },
};

static void test_modes(void)
{
	struct buf out;
	struct err e;

	for (size_t i = 0; i < COUNT(modes); i++) {
		put("x", modes[i].mode);
		check_int(get(FILE_ANY, 10, &out, &e), modes[i].any, "any %04o", modes[i].mode);
		buf_release(&out);
		check_int(get(FILE_OWNED, 10, &out, &e), modes[i].owned, "owned %04o",
			modes[i].mode);
		buf_release(&out);
		check_int(get(FILE_SECRET, 10, &out, &e), modes[i].secret, "D10 secret %04o",
			modes[i].mode);
		buf_release(&out);
	}
	put("x", 0644);
	get(FILE_SECRET, 10, &out, &e);
	check(strstr(e.text, "mode 0644") && strstr(e.text, path), "D10 says the mode: %s", e.text);
	check(strstr(e.hint, "chmod 06") && strstr(e.hint, path), "D10 says what mends it: %s",
		e.hint);
	put("x", 0602);
	get(FILE_OWNED, 10, &out, &e);
	check(strstr(e.hint, "chmod go-w "), "and here: %s", e.hint);
}

static void test_check_secret(void)
{
	struct err e = { 0 };
	int fd;

	put("x", 0600);
	fd = open(path, O_RDONLY);
	check_int(file_check_secret(fd, path, &e), 0, "D10 a mode that is right");
	fchmod(fd, 0604);
	check_int(file_check_secret(fd, path, &e), -1, "D10 a mode that is wrong");
	check(strstr(e.text, "0604"), "D10 is said: %s", e.text);
	check(strstr(e.hint, "chmod 0600 "), "D10 with the remedy: %s", e.hint);
	close(fd);
}

/* Root only: a group that is nobody's own, and a foreign owner. */
static void test_owners(void)
{
	struct buf out;
	struct err e;

	if (geteuid() != 0)
		return;
	put("x", 0640);
	check_int(get(FILE_SECRET, 10, &out, &e), FILE_OK, "root's own group may read");
	buf_release(&out);
	if (chown(path, 0, 4242) == 0 && chmod(path, 0640) == 0) {
		check_int(get(FILE_SECRET, 10, &out, &e), FILE_BAD,
			"D10 a foreign group may not read");
		check(strstr(e.hint, "chmod 0600 "), "D10 the remedy: %s", e.hint);
		check_int(get(FILE_OWNED, 10, &out, &e), FILE_OK, "but it is owned");
		buf_release(&out);
		chmod(path, 0660);
		check_int(get(FILE_OWNED, 10, &out, &e), FILE_BAD, "a foreign group may not write");
	}
	if (chown(path, 4242, 0) == 0 && chmod(path, 0600) == 0) {
		check_int(get(FILE_ANY, 10, &out, &e), FILE_OK, "any owner");
		buf_release(&out);
		check_int(get(FILE_OWNED, 10, &out, &e), FILE_BAD, "a foreign owner");
		check(strstr(e.text, "uid 4242"), "is named: %s", e.text);
	}
}

int main(void)
{
	if (!mkdtemp(directory))
		return 1;
	snprintf(path, sizeof(path), "%s/file", directory);
	umask(0);
	test_reading();
	test_one_allocation();
	test_kinds();
	test_modes();
	test_check_secret();
	test_owners();
	unlink(path);
	rmdir(directory);
	return tap_done();
}
