/* t/unit/base_spill.c - content in memory or in a nameless file: the same octets,
 * and a full disk is told. */
#include "t/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/spill.h"

static char octet_at(uint64_t i)
{
	return (char)(i * 2654435761u >> 13);
}

/* Adds `total` octets in pieces and reads them back in others. */
static void round_trip(uint64_t total, size_t piece, bool in_file)
{
	char *data = mem_alloc(piece), back[5000];
	struct spill s;
	struct err e = { 0 };
	uint64_t at = 0;
	bool same = true;

	spill_init(&s, "/tmp");
	while (at < total) {
		size_t n = total - at < piece ? (size_t)(total - at) : piece;

		for (size_t i = 0; i < n; i++)
			data[i] = octet_at(at + i);
		if (spill_add(&s, data, n, &e) < 0)
			break;
		at += n;
	}
	check_int(spill_size(&s), total, "%llu octets in pieces of %zu", (unsigned long long)total,
		piece);
	check_int(spill_finish(&s, &e), 0, "finished");
	check_int(s.fd >= 0, in_file, "in a file or not");
	check_int(spill_size(&s), total, "size is the same");
	for (at = 0; at < total; ) {
		ssize_t n = spill_read(&s, at, back, sizeof(back), &e);

		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++)
			same = same && back[i] == octet_at(at + (uint64_t)i);
		at += (uint64_t)n;
	}
	check(same && at == total, "A8 it comes back as it came");
	check_int(spill_read(&s, total, back, sizeof(back), &e), 0, "then the end");
	check_int(spill_read(&s, total + 99, back, sizeof(back), &e), 0, "and beyond");
	spill_release(&s);
	free(data);
}

static void test_nameless(void)
{
	char directory[] = "/tmp/sendoff-spill-XXXXXX";
	char *data = mem_alloc(SPILL_MEMORY + 1);
	struct spill s;
	struct stat st = { 0 };
	struct err e = { 0 };

	if (!mkdtemp(directory))
		return;
	spill_init(&s, directory);
	check_int(spill_add(&s, data, SPILL_MEMORY, &e), 0, "a megabyte");
	check_int(s.fd, -1, "stays in memory");
	check_int(spill_add(&s, data, 1, &e), 0, "one more");
	check(s.fd >= 0, "goes to a file");
	fstat(s.fd, &st);
	check_int(st.st_nlink, 0, "without a name");
	check_int(st.st_mode & 0777, 0600, "for nobody else");
	check_int(fcntl(s.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC, "and no child");
	check_int(rmdir(directory), 0, "A3 nothing is left in its directory");
	spill_release(&s);
	spill_release(&s);
	free(data);
}

static void test_directories(void)
{
	char *data = mem_alloc(SPILL_MEMORY + 1);
	struct spill s;
	struct err e = { 0 };

	setenv("TMPDIR", "/nonexistent/tmpdir", 1);
	spill_init(&s, "/nonexistent/first");
	check_int(spill_add(&s, data, SPILL_MEMORY + 1, &e), 0, "falls back to /tmp");
	spill_release(&s);
	unsetenv("TMPDIR");
	free(data);
}

/* In a process of its own, since limits do not come back. */
static int fill_to_limit(void)
{
	struct rlimit limit = { 2 << 20, 2 << 20 };
	char *data = mem_alloc(SPILL_MEMORY);
	struct spill s;
	struct err e = { 0 };
	int added = 0, good;

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	spill_init(&s, "/tmp");
	while (added < 10 && spill_add(&s, data, SPILL_MEMORY, &e) == 0)
		added++;
	good = added < 10 && e.kind == ERR_STORE && e.sys_errno == EFBIG &&
		strstr(e.text, "nothing was sent") && strstr(e.text, "ulimit -f");
	spill_release(&s);
	free(data);
	return good ? 0 : 1;
}

static int no_descriptor(void)
{
	struct rlimit limit;
	char *data = mem_alloc(SPILL_MEMORY + 1);
	struct spill s;
	struct err e = { 0 };
	int good;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &limit);
	spill_init(&s, NULL);
	good = spill_add(&s, data, SPILL_MEMORY + 1, &e) < 0 && e.kind == ERR_STORE &&
		e.sys_errno == EMFILE && strstr(e.text, "nothing was sent");
	spill_release(&s);
	free(data);
	return good ? 0 : 1;
}

static int full_device(void)
{
	char *data = mem_alloc(SPILL_MEMORY + 1);
	struct spill s;
	struct err e = { 0 };
	int good;

	spill_init(&s, "/dev");
	s.fd = open("/dev/full", O_RDWR);
	good = spill_add(&s, data, SPILL_MEMORY + 1, &e) < 0 && e.kind == ERR_STORE &&
		e.sys_errno == ENOSPC && strstr(e.text, "disk is full") &&
		strstr(e.text, "nothing was sent") && e.hint[0];
	spill_release(&s);
	free(data);
	return good ? 0 : 1;
}

static int run(int (*test)(void))
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(test());
	waitpid(pid, &status, 0);
	return status;
}

static void test_less_memory(void)
{
	char data[3000], back[3000];
	struct spill s;
	struct err e = { 0 };

	memset(data, 'x', sizeof(data));
	spill_init(&s, "/tmp");
	s.memory.max = 1000;
	check_int(spill_add(&s, data, 1000, &e), 0, "as much as was allowed");
	check_int(s.fd, -1, "stays in memory");
	check_int(spill_add(&s, data, 500, &e), 0, "more");
	check(s.fd >= 0, "goes to a file");
	check_int(spill_add(&s, data, 1000, &e), 0, "what memory holds no more");
	check_int(spill_add(&s, data, sizeof(data), &e), 0, "and what it never held");
	check_int(spill_finish(&s, &e), 0, "follow");
	check_int(spill_size(&s), 5500, "C3 all of it");
	check_int(spill_read(&s, 2500, back, sizeof(back), &e), sizeof(back), "and is read back");
	check(!memcmp(back, data, sizeof(back)), "as it was");
	spill_release(&s);
}

static void test_cut_behind(void)
{
	char *data = mem_alloc(SPILL_MEMORY + 1), back[10];
	struct spill s;
	struct err e = { 0 };

	spill_init(&s, "/tmp");
	spill_add(&s, data, SPILL_MEMORY + 1, &e);
	spill_finish(&s, &e);
	check_int(ftruncate(s.fd, 10), 0, "a file cut short");
	check_int(spill_read(&s, 10, back, sizeof(back), &e), -1, "A1 is no end of the message");
	check_int(e.kind, ERR_STORE, "but an error: %s", e.text);
	spill_release(&s);
	free(data);
}

int main(void)
{
	round_trip(0, 1, false);
	round_trip(1, 1, false);
	round_trip(SPILL_MEMORY, 1000, false);
	round_trip(SPILL_MEMORY + 1, 1000, true);
	round_trip(3 * SPILL_MEMORY + 77, 8192, true);
	round_trip(3 * SPILL_MEMORY + 77, SPILL_MEMORY + 5, true);
	test_nameless();
	test_directories();
	check_int(run(fill_to_limit), 0, "A5 RLIMIT_FSIZE is an error in plain words");
	check_int(run(full_device), 0, "A5 a full disk is an error in plain words");
	check_int(run(no_descriptor), 0, "A4 EMFILE is an error");
	test_less_memory();
	test_cut_behind();
	return tap_done();
}
