/* base/daemon.c - without the caller, or as somebody else; see daemon.h. */
#include "base/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/process.h"

bool process_background(void (*work)(void *context), void *context)
{
	pid_t pid = fork();
	int null;

	if (pid != 0)
		return pid > 0;
	setsid();
	null = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);
	for (int fd = 0; fd <= 2; fd++)
		if (null < 0 || dup2(null, fd) < 0)
			close(fd);
	if (null > 2)
		close(null);
	if (chdir("/") < 0)
		errno = 0;   /* wherever that is, it is not needed */
	process_catch_signals();
	work(context);
	_exit(0);
}

/* The last line of /proc/self/cgroup ends in the unit's name; a terminal or a
 * cron job of a user session is a scope. */
bool process_in_service(void)
{
	char text[4096], *end;
	ssize_t len;
	int fd;

	if (!process_env("INVOCATION_ID"))
		return false;
	fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return false;
	text[len] = '\0';
	end = text + strcspn(text, "\n");
	return end - text > 8 && !memcmp(end - 8, ".service", 8);
}

static bool became;
static uid_t caller;

uid_t process_caller(void)
{
	return became ? caller : getuid();
}

/* What getpwnam(3) says where it could not look, as against where there is none. */
static bool is_trouble(int number)
{
	return number == EINTR || number == EIO || number == EMFILE || number == ENFILE ||
		number == ENOMEM || number == ERANGE || number == EAGAIN;
}

int process_become(const char *user, struct err *e)
{
	const struct passwd *to;

	errno = 0;
	to = getpwnam(user);
	if (!to && is_trouble(errno))
		return err_sys(e, ERR_SYSTEM, errno, "cannot find out whether there is a user %s",
			user);
	if (!to || to->pw_uid == 0)
		return 0;
	if (!became)
		caller = getuid();
	became = true;
	if (initgroups(user, to->pw_gid) < 0 || setresgid(to->pw_gid, to->pw_gid, to->pw_gid) < 0 ||
	    setresuid(to->pw_uid, to->pw_uid, to->pw_uid) < 0)
		return err_sys(e, ERR_SYSTEM, errno, "root cannot become user %s", user);
	if (setuid(0) == 0 || setgid(0) == 0)
		return err_set(e, ERR_SYSTEM, "root stays root behind becoming user %s", user);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	setenv("HOME", to->pw_dir, 1);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("XDG_STATE_HOME");
	return 0;
}
