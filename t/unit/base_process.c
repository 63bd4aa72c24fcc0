/* t/unit/base_process.c - whatever state we are started in (C6), process_clean()
 * makes it sane.  The program starts itself again in a bad state. */
#include "t/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"

static char self[4096];

/* --- the child: cleans itself and says what is still wrong ---------------- */

static unsigned long long status_mask(const char *name)
{
	char text[4096] = "", *at;
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	at = n > 0 ? strstr(text, name) : NULL;
	return at ? strtoull(at + strlen(name) + 1, NULL, 16) : 1;
}

static int first_fault(void)
{
	struct itimerval timer;
	struct rlimit core;
	unsigned long long ignored;
	char octet;

	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			return 10 + fd;
	if (read(0, &octet, 1) >= 0 || errno != EBADF)
		return 13;   /* a missing stdin is no empty message */
	for (int fd = 3; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			return 14;
	if (status_mask("SigBlk:") || status_mask("SigPnd:") || status_mask("ShdPnd:"))
		return 15;
	ignored = status_mask("SigIgn:") & 0x7fffffff;
	if (ignored != (1ull << (SIGPIPE - 1) | 1ull << (SIGXFSZ - 1)))
		return 16;
	if (umask(0) != 077)
		return 17;
	for (int which = 0; which < 3; which++)
		if (getitimer(which == 0 ? ITIMER_REAL : which == 1 ? ITIMER_VIRTUAL : ITIMER_PROF,
				&timer) < 0 || timer.it_value.tv_sec || timer.it_value.tv_usec)
			return 18;
	if (getrlimit(RLIMIT_CORE, &core) < 0 || core.rlim_cur || core.rlim_max)
		return 19;
	return 0;
}

static const char *const kept[] = { "HOME", "GNUPGHOME", "DBUS_SESSION_BUS_ADDRESS", "GNUTLSX",
	"XLD_PRELOAD", "TZ", "https_proxy_x" };
static const char *const dropped[] = { "GNUTLS_DEBUG_LEVEL", "SSLKEYLOGFILE", "LD_PROFILE_OUTPUT",
	"GCONV_PATH", "MALLOC_CHECK_", "NLSPATH", "RES_OPTIONS", "LOCALDOMAIN", "HOSTALIASES",
	"https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "GLIBC_TUNABLES" };

/* Three were handed over: smtp, closed by then; control; and one without name. */
static int handed(void)
{
	if (process_inherited_count() != 3)
		return 40;
	if (process_inherited("smtp") != -1 || process_inherited("control") != 4 ||
	    process_inherited("") != 5 || process_inherited("contro") != -1)
		return 41;
	if (process_inherited_next("control", 0) != 4 || process_inherited_next("control", 1) != -1)
		return 45;
	if (fcntl(4, F_GETFD) != FD_CLOEXEC || fcntl(6, F_GETFD) != -1)
		return 42;
	if (getenv("LISTEN_PID") || getenv("LISTEN_FDS") || getenv("LISTEN_FDNAMES") ||
	    getenv("LISTEN_PIDFDID"))
		return 43;
	process_drop_inherited();
	if (process_inherited("control") != -1 || process_inherited_count())
		return 44;
	return first_fault();
}

static int child(const char *mode)
{
	process_clean();
	if (!strcmp(mode, "state"))
		return first_fault();
	if (!strcmp(mode, "empty"))
		return getenv("PATH") && process_user()[0] ? 0 : 30;
	if (!strcmp(mode, "zone"))
		return getenv("TZ") ? 33 : 0;
	if (!strcmp(mode, "handed"))
		return handed();
	if (!strcmp(mode, "none"))
		return process_inherited_count() || process_inherited("smtp") >= 0 ? 34 :
			first_fault();
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (!getenv(kept[i]))
			return 31;
	for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++)
		if (getenv(dropped[i]))
			return 32;
	return strcmp(getenv("PATH"), "/odd") ? 33 : 0;
}

/* --- the parent ----------------------------------------------------------- */

static void bad_state(void)
{
	struct itimerval soon = { .it_value = { 100, 0 } };
	sigset_t all;

	for (int number = 1; number < 32; number++)
		signal(number, SIG_IGN);
	signal(SIGALRM, SIG_DFL);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	raise(SIGALRM);   /* pending across exec: would kill the child */
	setitimer(ITIMER_REAL, &soon, NULL);
	setitimer(ITIMER_PROF, &soon, NULL);
	umask(0);
	for (int fd = 10; fd < 40; fd++)
		fcntl(2, F_DUPFD, fd);
	close(0);
	close(1);
	close(2);
}

/* LISTEN_PID is written by the child, which alone knows its number in time. */
static void name_pid(char **environment)
{
	for (; *environment; environment++) {
		char *mark = strstr(*environment, "LISTEN_PID=self");

		if (mark) {
			char tail[8];

			snprintf(tail, sizeof(tail), "%s", mark + 15);
			snprintf(mark + 11, 24, "%d%s", (int)getpid(), tail);
		}
	}
}

static int start(const char *mode, char **environment, void (*spoil)(void))
{
	char word[16];
	char *arguments[] = { self, word, NULL };
	int status = -1;
	pid_t pid;

	snprintf(word, sizeof(word), "%s", mode);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (spoil)
			spoil();
		name_pid(environment);
		execve(self, arguments, environment);
		_exit(99);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

static void test_environment(void)
{
	static char *const fixed[] = { NULL };
	char storage[40][64], *list[41];
	size_t count = 0;

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		snprintf(storage[count++], 64, "%s=x", kept[i]);
	for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++)
		snprintf(storage[count++], 64, "%s=0", dropped[i]);
	snprintf(storage[count++], 64, "SSLKEYLOGFILE=twice");
	snprintf(storage[count++], 64, "PATH=/odd");
	snprintf(storage[count++], 64, "no equals sign");
	for (size_t i = 0; i < count; i++)
		list[i] = storage[i];
	list[count] = NULL;
	check_int(start("environ", list, NULL), 0, "C6 what steers libraries goes, the rest stays");
	snprintf(storage[0], 64, "TZ=/tmp/pipe");
	snprintf(storage[1], 64, "TZ=:/tmp/pipe");
	for (size_t i = 0; i < 2; i++) {
		list[0] = storage[i];
		list[1] = NULL;
		check_int(start("zone", list, NULL), 0, "C6 a zone file from outside is not read");
	}
	memcpy(list, fixed, sizeof(fixed));
	check_int(start("empty", list, NULL), 0, "C6 an empty environment gets a PATH");
}

static void many_descriptors(void)
{
	bad_state();
	for (int fd = 3; fd < 40; fd++)
		if (fd != 3)
			dup2(10, fd);
	close(3);
}

static const struct {
	const char *pid, *count, *names, *mode, *what;
} handovers[] = {
	{ "self", "3", "smtp:control", "handed", "what is handed over is kept, by name" },
	{ "self", "3", "smtp:control::more", "handed", "names without descriptor do no harm" },
	{ "1", "3", "smtp:control", "none", "what is meant for another process is closed" },
	{ "self x", "3", "smtp:control", "none", "a process number that is none" },
	{ "", "3", "smtp:control", "none", "an empty one" },
	{ NULL, "3", "smtp:control", "none", "no process number" },
	{ "self", NULL, "smtp", "none", "no count" },
	{ "self", "0", "smtp", "none", "a count of 0" },
	{ "self", "-1", "smtp", "none", "a negative count" },
	{ "self", "99999999999999999999", "smtp", "none", "a count beyond measure" },
	{ "self", "2x", "smtp", "none", "a count that is none" },
};

static void test_handover(void)
{
	for (size_t i = 0; i < sizeof(handovers) / sizeof(handovers[0]); i++) {
		char storage[4][64], *list[5] = { NULL };
		size_t count = 0;

		if (handovers[i].pid)
			snprintf(list[count] = storage[count], 64, "LISTEN_PID=%s", handovers[i].pid);
		count += list[count] != NULL;
		if (handovers[i].count)
			snprintf(list[count] = storage[count], 64, "LISTEN_FDS=%s", handovers[i].count);
		count += list[count] != NULL;
		snprintf(list[count] = storage[count], 64, "LISTEN_FDNAMES=%s", handovers[i].names);
		count++;
		snprintf(list[count] = storage[count], 64, "LISTEN_PIDFDID=1");
		check_int(start(handovers[i].mode, list, many_descriptors), 0, "C6 LISTEN_FDS: %s",
			handovers[i].what);
	}
}

static void test_catching(void)
{
	struct pollfd p;

	process_catch_signals();
	p = (struct pollfd){ .fd = process_wake_fd(), .events = POLLIN };
	check(p.fd >= 0 && poll(&p, 1, 0) == 0, "C7 nothing has come");
	check_int(process_stopped(), 0, "C7 not stopped");
	raise(SIGTERM);
	check_int(process_stopped(), SIGTERM, "C7 the flag is set");
	check_int(poll(&p, 1, 1000), 1, "C7 the loop is woken");
	raise(SIGHUP);
	check_int(process_stopped(), SIGHUP, "C7 again");
}

static void test_home(void)
{
	setenv("HOME", "/tmp/nonexistent-home", 1);
	check(!process_home() || strcmp(process_home(), "/tmp/nonexistent-home") != 0,
		"a HOME that is not ours is passed over");
	check(!process_is_setid(), "not set-uid");
	check_text(process_env("HOME"), "/tmp/nonexistent-home", "variables are read");
	check(process_user()[0] && !strchr(process_user(), ' '), "user: %s", process_user());
}

static void test_may_make(void)
{
	uid_t whose;

	check(process_may_make("/nonexistent/a/b", &whose) && whose == 0, "below what is root's");
	check(process_may_make("/nonexistent", &whose) && whose == 0, "... at the root itself");
	check(!process_may_make("nonexistent/a", &whose), "a relative one");
	check(!process_may_make("/etc/passwd/a", &whose), "below a file");
}

int main(int argc, char **argv)
{
	ssize_t n;

	if (argc > 1)
		return child(argv[1]);
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n <= 0)
		return 1;
	check_int(start("state", environ, bad_state), 0, "C6 descriptors, signals, timers, umask");
	test_environment();
	test_handover();
	test_home();
	test_may_make();
	test_catching();
	return tap_done();
}
