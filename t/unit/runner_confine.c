/* t/unit/runner_confine.c - F1: what the accepting role can still do, and what
 * not.  Each try is made in a child of its own that is confined first. */
#include "t/unit/tap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runner/confine.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LEAKS_ARE_CHECKED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define LEAKS_ARE_CHECKED 1
#endif

static char top[] = "/tmp/sendoff-confine-XXXXXX";
static char spool_path[64], outside[64];
static int spool;
static struct confinement possible;

/* Runs it in a child; its answer: 0 it went well, else an errno. */
static int confined(int (*work)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		struct confinement got;

		confine(spool, &got);
		errno = 0;
		_exit(work());
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

static int outcome(long result)
{
	return result < 0 ? errno : 0;
}

/* ---- what it lives by */

static int use_spool(void)
{
	char octets[4];
	struct stat st;
	DIR *list;
	int fd = openat(spool, "tmp/one", O_RDWR | O_CREAT | O_EXCL, 0600), count = 0;

	if (fd < 0 || write(fd, "mail", 4) != 4 || fsync(fd) < 0 || pread(fd, octets, 4, 0) != 4 ||
	    ftruncate(fd, 2) < 0)
		return 1;
	if (renameat2(spool, "tmp/one", spool, "new/one", RENAME_NOREPLACE) < 0)
		return errno;
	if (fstatat(spool, "new/one", &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_size != 2)
		return 2;
	close(fd);
	fd = openat(spool, "new", O_RDONLY | O_DIRECTORY);
	if (fd < 0 || fsync(fd) < 0)
		return 3;
	list = fdopendir(fd);
	while (readdir(list))
		count++;
	closedir(list);
	if (count != 3)
		return 4;
	fd = openat(spool, "tmp", O_WRONLY | O_TMPFILE, 0600);
	if (fd < 0 && errno != EOPNOTSUPP && errno != EISDIR)
		return errno;
	return outcome(unlinkat(spool, "new/one", 0));
}

static void *in_thread(void *argument)
{
	*(int *)argument = socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0;
	return NULL;
}

static int use_threads(void)
{
	pthread_t thread;
	int got = -1;

	if (pthread_create(&thread, NULL, in_thread, &got) != 0)
		return 1;
	pthread_join(thread, NULL);
	return got == EPERM || !possible.seccomp ? 0 : 2;
}

static int use_the_rest(void)
{
	struct timespec now;
	struct rlimit files;
	char octet;

	if (getentropy(&octet, 1) < 0 || clock_gettime(CLOCK_REALTIME, &now) < 0 ||
	    getrlimit(RLIMIT_NOFILE, &files) < 0 || kill(getpid(), 0) < 0)
		return 1;
	return raise(0) ? 2 : 0;
}

/* ---- what it must not */

static int open_outside(void)
{
	return outcome(open(outside, O_RDONLY));
}

static int open_above(void)
{
	return outcome(openat(spool, "../outside", O_RDONLY));
}

static int open_shadow(void)
{
	return outcome(open("/etc/passwd", O_RDONLY));
}

static int write_outside(void)
{
	return outcome(open(outside, O_WRONLY | O_APPEND));
}

static int make_outside(void)
{
	return outcome(openat(spool, "../more", O_WRONLY | O_CREAT, 0600));
}

static int move_out(void)
{
	return outcome(renameat(spool, "new/kept", spool, "../kept"));
}

static int link_in(void)
{
	return outcome(linkat(AT_FDCWD, outside, spool, "new/linked", 0));
}

static int list_root(void)
{
	return outcome(open("/", O_RDONLY | O_DIRECTORY));
}

static int make_link(void)
{
	return outcome(symlinkat(outside, spool, "new/link"));
}

static int inet(void)
{
	return outcome(socket(AF_INET, SOCK_STREAM, 0));
}

static int inet6(void)
{
	return outcome(socket(AF_INET6, SOCK_DGRAM, 0));
}

static int netlink(void)
{
	return outcome(socket(AF_NETLINK, SOCK_RAW, 0));
}

static int packet(void)
{
	return outcome(socket(AF_PACKET, SOCK_RAW, 0));
}

static int local(void)
{
	return outcome(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int pair(void)
{
	int fds[2];

	return outcome(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
}

static int run_program(void)
{
	char name[] = "/bin/true";
	char *arguments[] = { name, NULL };

	return outcome(execv(name, arguments));
}

static int run_open_program(void)
{
	return outcome(syscall(SYS_execveat, spool, "new/kept", NULL, NULL, 0));
}

static int make_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return outcome(pid);
}

static int trace_parent(void)
{
	return outcome(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int read_parent(void)
{
	return outcome(syscall(SYS_process_vm_readv, getppid(), NULL, 0UL, NULL, 0UL, 0UL));
}

static int signal_parent(void)
{
	return outcome(kill(getppid(), 0));
}

static int signal_all(void)
{
	return outcome(kill(-1, 0));
}

static int signal_thread(void)
{
	return outcome(syscall(SYS_tgkill, getppid(), getppid(), 0));
}

static int change_mode(void)
{
	return outcome(chmod(outside, 0644));
}

static int change_mode_at(void)
{
	return outcome(fchmodat(AT_FDCWD, outside, 0644, 0));
}

static int change_owner(void)
{
	return outcome(chown(outside, getuid(), getgid()));
}

static int new_namespace(void)
{
	return outcome(syscall(SYS_unshare, 0x10000000));
}

static int ring(void)
{
	return outcome(syscall(425, 1, NULL));
}

static int load_bpf(void)
{
	return outcome(syscall(SYS_bpf, 0, NULL, 0));
}

static int key(void)
{
	return outcome(syscall(SYS_keyctl, 0, 0, 0, 0, 0));
}

static int foreign_limits(void)
{
	struct rlimit files;

	return outcome(syscall(SYS_prlimit64, getppid(), RLIMIT_NOFILE, NULL, &files));
}

static int more_rights(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && prctl(PR_GET_DUMPABLE) == 0 ? EPERM : 0;
}

static const struct {
	int (*work)(void);
	int want;
	bool by_landlock;
	const char *what;
} forbidden[] = {
	{ open_outside, EACCES, true, "a file outside cannot be read" },
	{ open_above, EACCES, true, "nor by way of the spool" },
	{ open_shadow, EACCES, true, "nor one that everybody reads" },
	{ write_outside, EACCES, true, "none can be written" },
	{ make_outside, EACCES, true, "none can be made" },
	{ move_out, EACCES, true, "a message cannot leave the spool" },
	{ link_in, EXDEV, true, "a file cannot be linked into it" },
	{ list_root, EACCES, true, "no directory can be listed" },
	{ make_link, EACCES, true, "no link can be laid" },
	{ inet, EPERM, false, "no IPv4" },
	{ inet6, EPERM, false, "no IPv6" },
	{ netlink, EPERM, false, "no netlink" },
	{ packet, EPERM, false, "no packets" },
	{ local, EPERM, false, "and none to others on this machine" },
	{ pair, EPERM, false, "nor a pair of them" },
	{ run_program, EPERM, false, "no program" },
	{ run_open_program, EPERM, false, "nor by descriptor" },
	{ make_process, EPERM, false, "no process" },
	{ trace_parent, EPERM, false, "no tracing" },
	{ read_parent, EPERM, false, "no memory of others" },
	{ signal_parent, EPERM, false, "no signal to another process" },
	{ signal_all, EPERM, false, "nor to all" },
	{ signal_thread, EPERM, false, "nor to a thread of another" },
	{ change_mode, EPERM, false, "no mode" },
	{ change_mode_at, EPERM, false, "nor by the newer call" },
	{ change_owner, EPERM, false, "no owner" },
	{ new_namespace, EPERM, false, "no namespace" },
	{ ring, EPERM, false, "no io_uring" },
	{ load_bpf, EPERM, false, "no BPF" },
	{ key, EPERM, false, "no keys" },
	{ foreign_limits, EPERM, false, "no limits of others" },
};

/* What this kernel and this build have. */
static void find_out(void)
{
	int status, fds[2];
	pid_t pid;

	if (pipe(fds) < 0)
		return;
	pid = fork();
	if (pid == 0) {
		confine(spool, &possible);
		_exit(write(fds[1], &possible, sizeof(possible)) < 0);
	}
	waitpid(pid, &status, 0);
	check(read(fds[0], &possible, sizeof(possible)) == (ssize_t)sizeof(possible),
		"it says what it has done");
	close(fds[0]);
	close(fds[1]);
	printf("# Landlock %d, seccomp %d\n", possible.landlock, possible.seccomp);
#if defined(__x86_64__)
	check(possible.seccomp, "seccomp is there");
#endif
}

static void test_forbidden(void)
{
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
		bool there = forbidden[i].by_landlock ? possible.landlock > 0 : possible.seccomp;

#ifdef LEAKS_ARE_CHECKED
		/* They are left to the leak checker. */
		there = there && forbidden[i].work != make_process && forbidden[i].work != trace_parent;
#endif
		if (there)
			check_int(confined(forbidden[i].work), forbidden[i].want, "F1: %s",
				forbidden[i].what);
		else
			check(true, "F1: %s # SKIP not here", forbidden[i].what);
	}
	check_int(confined(more_rights), EPERM, "F1: no new rights, and not dumpable");
}

static int make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	return fd < 0 ? -1 : close(fd);
}

int main(void)
{
	char name[80];

	if (under_valgrind()) {
		printf("1..0 # SKIP valgrind knows these system calls not\n");
		return 0;
	}
	if (!mkdtemp(top))
		return 1;
	snprintf(spool_path, sizeof(spool_path), "%s/spool", top);
	snprintf(outside, sizeof(outside), "%s/outside", top);
	mkdir(spool_path, 0700);
	make_file(outside);
	spool = open(spool_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mkdirat(spool, "tmp", 0700);
	mkdirat(spool, "new", 0700);
	find_out();
	check_int(confined(use_spool), 0, "the spool is used as ever");
	check_int(confined(use_threads), 0, "threads can be made, and are confined too");
	check_int(confined(use_the_rest), 0, "time, random numbers and own limits are there");
	snprintf(name, sizeof(name), "%s/new/kept", spool_path);
	make_file(name);
	test_forbidden();
	unlink(name);
	snprintf(name, sizeof(name), "%s/kept", top);
	check(access(name, F_OK) < 0, "nothing got out");
	unlinkat(spool, "new", AT_REMOVEDIR);
	unlinkat(spool, "tmp", AT_REMOVEDIR);
	unlink(outside);
	rmdir(spool_path);
	rmdir(top);
	return tap_done();
}
