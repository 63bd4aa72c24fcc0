/* runner/scope.c - whose queue, and as whom; see scope.h. */
#include "runner/scope.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/process.h"
#include "cred/token.h"
#include "deliver/config.h"
#include "net/local.h"
#include "runner/runner.h"

struct user {
	char *name, *home;     /* own */
	uid_t uid;
	gid_t gid;
};

/* False: there is no such user. */
static bool find_user(struct user *u)
{
	const struct passwd *entry = getpwnam(RUNNER_USER);

	if (!entry)
		return false;
	*u = (struct user){ .name = mem_string(entry->pw_name), .uid = entry->pw_uid,
		.gid = entry->pw_gid, .home = entry->pw_dir ? mem_string(entry->pw_dir) : NULL };
	return true;
}

static void free_user(struct user *u)
{
	free(u->name);
	free(u->home);
}

static bool owns_queue(void)
{
	struct stat st;

	return stat(config_system_spool(), &st) == 0 && S_ISDIR(st.st_mode) &&
		st.st_uid == geteuid();
}

static bool is_system(const char *config, const struct user *u)
{
	if (config)
		return false;
	if (process_inherited("smtp") >= 0 || process_inherited("control") >= 0)
		return true;
	return geteuid() == 0 ? u->name != NULL :
		(u->name && u->uid == geteuid()) || owns_queue();
}

/* Where others could put something else in the place of our sockets they are not made. */
static int check_directory(const char *path, struct err *e)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return err_sys(e, ERR_SYSTEM, errno, "cannot look at %s", path);
	if (S_ISDIR(st.st_mode) && st.st_uid == 0 && !(st.st_mode & (S_IWGRP | S_IWOTH)))
		return 0;
	err_set(e, ERR_SYSTEM, "%s is no directory that root alone can change", path);
	return err_hint(e, "make it one: chown root %s && chmod 755 %s", path, path);
}

/* Of the runner's user alone. */
static int make_own(const char *path, const struct user *u, struct err *e)
{
	int good = 0;

	if (mkdir(path, 0700) == 0)
		good = lchown(path, u->uid, u->gid);
	else if (errno != EEXIST)
		good = -1;
	return good == 0 ? 0 : err_sys(e, ERR_SYSTEM, errno, "cannot make %s", path);
}

/* What a package or the service manager has made as a rule: /run is empty after a
 * start of the machine. */
static int make_directories(const struct user *u, struct err *e)
{
	char *sockets = mem_string(config_smtp_socket());
	int good = 0;

	*strrchr(sockets, '/') = '\0';
	if (mkdir(sockets, 0755) == 0)
		good = chmod(sockets, 0755);
	else if (errno != EEXIST)
		good = -1;
	if (good < 0)
		err_sys(e, ERR_SYSTEM, errno, "cannot make %s", sockets);
	else
		good = check_directory(sockets, e);
	free(sockets);
	if (good < 0)
		return -1;
	if (make_own(config_system_spool(), u, e) < 0)
		return -1;
	return make_own(TOKEN_SYSTEM_DIRECTORY, u, e);
}

static int bind_sockets(struct scope_sockets *s, struct err *e)
{
	s->smtp = process_inherited("smtp");
	s->control = process_inherited("control");
	if (s->smtp >= 0 || s->control >= 0)
		return 0;
	s->smtp = local_listen(config_smtp_socket(), 0666, e);
	if (s->smtp < 0)
		return -1;
	s->control = local_listen(config_control_socket(), 0666, e);
	return s->control < 0 ? -1 : 0;
}

static int become(const struct user *u, struct err *e)
{
	if (initgroups(u->name, u->gid) < 0 || setresgid(u->gid, u->gid, u->gid) < 0 ||
	    setresuid(u->uid, u->uid, u->uid) < 0)
		return err_sys(e, ERR_SYSTEM, errno, "cannot become user %s", u->name);
	if (setuid(0) == 0 || geteuid() != u->uid)
		return err_set(e, ERR_SYSTEM, "cannot become user %s for good", u->name);
	setenv("HOME", u->home && u->home[0] == '/' ? u->home : "/", 1);
	setenv("USER", u->name, 1);
	setenv("LOGNAME", u->name, 1);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("XDG_STATE_HOME");
	unsetenv("XDG_RUNTIME_DIR");
	return chdir("/") == 0 ? 0 : err_sys(e, ERR_SYSTEM, errno, "cannot go to /");
}

static int enter_system(const struct user *u, struct scope_sockets *sockets, struct err *e)
{
	bool root = geteuid() == 0;

	if (root && !u->name) {
		err_set(e, ERR_SYSTEM, "there is no user %s", RUNNER_USER);
		return err_hint(e, "make it: useradd --system --no-create-home %s", RUNNER_USER);
	}
	if (root && make_directories(u, e) < 0)
		return -1;
	if (bind_sockets(sockets, e) < 0)
		return -1;
	return root ? become(u, e) : 0;
}

int scope_enter(const char *config, bool *system, struct scope_sockets *sockets, struct err *e)
{
	struct user u = { .name = NULL };
	int good = 0;

	find_user(&u);
	*sockets = (struct scope_sockets){ -1, -1 };
	*system = is_system(config, &u);
	if (*system)
		good = enter_system(&u, sockets, e);
	else
		process_drop_inherited();
	free_user(&u);
	return good;
}

int scope_leave_root(struct err *e)
{
	struct user u = { 0 };
	int good = 0;

	if (geteuid() == 0 && find_user(&u))
		good = become(&u, e);
	free_user(&u);
	return good;
}
