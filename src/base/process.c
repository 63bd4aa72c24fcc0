/* base/process.c - the state a process is born with; see process.h.
 *
 * process_clean() runs before every mail, so it makes about forty system calls
 * of well under a microsecond each, reads no file and asks no name service.
 */
#include "base/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

/* --- signals ------------------------------------------------------------ */

static volatile sig_atomic_t stopped;
static int wake_fd = -1;

static void set_signal(int number, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };

	sigemptyset(&action.sa_mask);
	sigaction(number, &action, NULL);
}

/* Handlers do not survive exec(2), but ignored and blocked signals, pending
 * ones and timers do. */
static void clean_signals(void)
{
	static const enum __itimer_which timers[] = { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };
	static const int alarms[] = { SIGALRM, SIGVTALRM, SIGPROF };
	const struct itimerval never = { 0 };
	sigset_t none;

	for (int i = 0; i < 3; i++) {
		setitimer(timers[i], &never, NULL);
		set_signal(alarms[i], SIG_IGN);   /* forgets one that is pending */
	}
	for (int number = 1; number < 32; number++)
		if (number != SIGKILL && number != SIGSTOP)
			set_signal(number,
				number == SIGPIPE || number == SIGXFSZ ? SIG_IGN : SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* No SA_RESTART: a read that waits for the message is to come back. */
static void on_stop(int number)
{
	static const uint64_t one = 1;
	int saved = errno;

	stopped = number;
	if (write(wake_fd, &one, sizeof(one)) < 0)
		errno = 0;   /* it is readable already */
	errno = saved;
}

void process_catch_signals(void)
{
	static pid_t owner;

	/* A child that goes on alone is not woken by its parent's signals. */
	if (wake_fd < 0 || owner != getpid())
		wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	owner = getpid();
	set_signal(SIGTERM, on_stop);
	set_signal(SIGHUP, on_stop);
	set_signal(SIGINT, on_stop);
}

int process_stopped(void)
{
	return stopped;
}

int process_wake_fd(void)
{
	return wake_fd;
}

/* --- descriptors -------------------------------------------------------- */

/* A missing descriptor would be given to the next file or socket, and then
 * whatever is meant for a terminal would go there.  One that stands in for
 * stdin cannot be read: that there is no message must not look like an empty
 * one.  Where there is no /dev/null the root directory serves, as O_PATH. */
static void fill_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
			continue;
		if (open("/dev/null", fd == 0 ? O_WRONLY : O_RDWR) < 0)
			open("/", O_PATH | O_DIRECTORY);
	}
}

/* --- descriptors handed over --- */

enum { INHERITED_FIRST = 3, INHERITED_MAX = 16, INHERITED_NAMES_MAX = 1024 };

static int inherited_count;
static char inherited_names[INHERITED_NAMES_MAX];   /* separated by colons */

/* A number without sign or blanks, at most `most`; else 0. */
static long number_in(const char *text, long most)
{
	long number = 0;

	for (; text && *text >= '0' && *text <= '9' && number <= most; text++)
		number = 10 * number + (*text - '0');
	return text && !*text && number <= most ? number : 0;
}

/* The variables are inherited by whatever a service starts; the descriptors are
 * meant for the process that LISTEN_PID names. */
static void find_inherited(void)
{
	const char *names = getenv("LISTEN_FDNAMES");

	inherited_count = 0;
	inherited_names[0] = '\0';
	if (process_is_setid() || number_in(getenv("LISTEN_PID"), INT_MAX) != getpid())
		return;
	inherited_count = (int)number_in(getenv("LISTEN_FDS"), INHERITED_MAX);
	if (names && strlen(names) < sizeof(inherited_names))
		memcpy(inherited_names, names, strlen(names) + 1);
	for (int i = 0; i < inherited_count; i++)
		fcntl(INHERITED_FIRST + i, F_SETFD, FD_CLOEXEC);
}

int process_inherited(const char *name)
{
	return process_inherited_next(name, 0);
}

int process_inherited_next(const char *name, int before)
{
	const char *at = inherited_names;
	size_t wanted = strlen(name);

	for (int i = 0; i < inherited_count; i++) {
		size_t len = strcspn(at, ":");

		if (len == wanted && !memcmp(at, name, len) &&
		    fcntl(INHERITED_FIRST + i, F_GETFD) >= 0 && before-- == 0)
			return INHERITED_FIRST + i;
		at += len + (at[len] == ':');
	}
	return -1;
}

int process_inherited_count(void)
{
	return inherited_count;
}

void process_drop_inherited(void)
{
	for (int i = 0; i < inherited_count; i++)
		close(INHERITED_FIRST + i);
	inherited_count = 0;
}

/* --- all the others --- */

static void close_listed(DIR *list, int first)
{
	struct dirent *entry;

	while ((entry = readdir(list))) {
		char *end;
		long fd = strtol(entry->d_name, &end, 10);

		if (end != entry->d_name && !*end && fd >= first && fd != dirfd(list))
			close((int)fd);
	}
}

static void close_descriptors(void)
{
	const int first = INHERITED_FIRST + inherited_count;
	DIR *list;
	long most;

	if (close_range((unsigned)first, ~0U, 0) == 0)
		return;
	list = opendir("/proc/self/fd");   /* Linux before 5.9, or a filter */
	if (list) {
		close_listed(list, first);
		closedir(list);
		return;
	}
	most = sysconf(_SC_OPEN_MAX);
	if (most < 0 || most > 65536)
		most = 65536;
	for (int fd = first; fd < most; fd++)
		close(fd);
}

/* --- environment -------------------------------------------------------- */

/* What steers the loader, the C library, the name service and TLS, and what has
 * been answered by find_inherited().  The loader has read its own before main: taking
 * those away protects our children.  GnuTLS is loaded later and sees none. */
static const char *const steering_prefixes[] = {
	"GNUTLS_", "LD_", "MALLOC_", "RESOLV_",
};
static const char *const steering_names[] = {
	"SSLKEYLOGFILE", "NETTLE_FAT_OVERRIDE", "GLIBC_TUNABLES", "GCONV_PATH", "GETCONF_DIR",
	"LOCPATH", "NIS_PATH", "NLSPATH", "TZDIR", "RES_OPTIONS", "LOCALDOMAIN", "HOSTALIASES",
	"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID",
};
static const char *const proxy_names[] = {   /* in either case */
	"http_proxy", "https_proxy", "all_proxy", "no_proxy",
};

/* Of those, what a request by https obeys; the values stay where the kernel put them. */
static const char *const https_proxy_names[] = {
	"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
};
static const char *const no_proxy_names[] = { "no_proxy", "NO_PROXY" };
static const char *proxies[PROCESS_PROXIES + 1];   /* "NAME=value" */
static const char *https_proxy, *no_proxy;

#define EACH(list, item) for (const char *const *item = (list); \
	item < (list) + sizeof(list) / sizeof((list)[0]); item++)

static bool variable_steers(const char *name, size_t len)
{
	EACH(steering_prefixes, prefix)
		if (!strncmp(name, *prefix, strlen(*prefix)))
			return true;
	EACH(steering_names, one)
		if (strlen(*one) == len && !memcmp(name, *one, len))
			return true;
	EACH(proxy_names, one)
		if (strlen(*one) == len && !strncasecmp(name, *one, len))
			return true;
	return false;
}

/* The value of the first of the names that has one; keeps the whole variable. */
static const char *find_proxy(const char *const *names, size_t count, const char ***keep)
{
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(names[i]);

		for (char **one = environ; one && *one; one++)
			if (!strncmp(*one, names[i], len) && (*one)[len] == '=' &&
			    (*one)[len + 1]) {
				*(*keep)++ = *one;
				return *one + len + 1;
			}
	}
	return NULL;
}

static void find_proxies(void)
{
	const char **keep = proxies;

	memset(proxies, 0, sizeof(proxies));
	https_proxy = no_proxy = NULL;
	if (process_is_setid())
		return;
	https_proxy = find_proxy(https_proxy_names,
		sizeof(https_proxy_names) / sizeof(https_proxy_names[0]), &keep);
	no_proxy = find_proxy(no_proxy_names, sizeof(no_proxy_names) / sizeof(no_proxy_names[0]),
		&keep);
}

const char *process_https_proxy(void)
{
	return https_proxy;
}

const char *process_no_proxy(void)
{
	return no_proxy;
}

const char *const *process_proxy_variables(void)
{
	return proxies;
}

/* TZ may name a zone; a file, which may be anything (a pipe that nobody writes
 * into), is the machine's own zone in every honest case. */
static bool is_zone_file(const char *variable)
{
	return !strncmp(variable, "TZ=/", 4) || !strncmp(variable, "TZ=:/", 5);
}

/* Works on the array itself: a name may stand in it twice, or without "=". */
static void clean_environment(void)
{
	char **to = environ;

	if (environ) {
		for (char **from = environ; *from; from++) {
			size_t len = strcspn(*from, "=");

			if ((*from)[len] == '=' && !variable_steers(*from, len) &&
			    !is_zone_file(*from))
				*to++ = *from;
		}
		*to = NULL;
	}
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 0);
}

void process_clean(void)
{
	const struct rlimit none = { 0, 0 };

	clean_signals();
	fill_descriptors();
	find_inherited();
	find_proxies();
	close_descriptors();
	umask(077);
	setrlimit(RLIMIT_CORE, &none);
	clean_environment();
}

void process_hold_secret(void)
{
	const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* --- who runs us -------------------------------------------------------- */

const char *process_user(void)
{
	static char name[256];
	const struct passwd *entry;

	if (name[0])
		return name;
	entry = getpwuid(getuid());
	if (!entry || !entry->pw_name || !entry->pw_name[0] ||
			strlen(entry->pw_name) >= sizeof(name))
		snprintf(name, sizeof(name), "uid-%lu", (unsigned long)getuid());
	else
		snprintf(name, sizeof(name), "%s", entry->pw_name);
	return name;
}

/* Debian's cron leaves root's HOME, and sudo may keep a user's. */
static bool home_is_own(const char *home)
{
	struct stat st;

	return home && home[0] == '/' && strlen(home) < PATH_MAX && stat(home, &st) == 0 &&
		S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

const char *process_home(void)
{
	static char path[PATH_MAX];
	static uid_t whose;   /* root may become somebody else meanwhile */
	const char *home = process_env("HOME");
	const struct passwd *entry;

	if (path[0] && whose == geteuid())
		return path;
	path[0] = '\0';
	whose = geteuid();
	if (!home_is_own(home)) {
		entry = getpwuid(geteuid());
		home = entry ? entry->pw_dir : NULL;
		if (!home || home[0] != '/' || strlen(home) >= sizeof(path))
			return NULL;
	}
	snprintf(path, sizeof(path), "%s", home);
	return path;
}

bool process_may_make(const char *path, uid_t *whose)
{
	char above[PATH_MAX];
	struct stat st;
	int found;

	*whose = (uid_t)-1;
	if ((size_t)snprintf(above, sizeof(above), "%s", path) >= sizeof(above))
		return false;
	while ((found = stat(above, &st)) < 0 && errno == ENOENT && above[0] == '/' && above[1]) {
		char *slash = strrchr(above, '/');

		slash[slash == above] = '\0';   /* "/" stays */
	}
	if (found < 0)
		return false;
	*whose = st.st_uid;
	return st.st_uid == geteuid() || st.st_uid == 0;
}

const char *process_state_home(void)
{
	static char path[PATH_MAX];
	const char *state = process_env("XDG_STATE_HOME"), *home;
	struct stat st;
	uid_t whose;

	if (state && state[0] == '/' && strlen(state) < sizeof(path) &&
	    (stat(state, &st) < 0 ? errno == ENOENT && process_may_make(state, &whose) :
			S_ISDIR(st.st_mode) && st.st_uid == geteuid())) {
		snprintf(path, sizeof(path), "%s", state);
		return path;
	}
	home = process_home();
	if (!home || (size_t)snprintf(path, sizeof(path), "%s/.local/state", home) >= sizeof(path))
		return NULL;
	return path;
}

bool process_is_setid(void)
{
	return getuid() != geteuid() || getgid() != getegid();
}

const char *process_env(const char *name)
{
	return process_is_setid() ? NULL : getenv(name);
}
