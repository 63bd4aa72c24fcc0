/* deliver/config_denied.c - a file that is there and may not be read: whose it is, and
 * what to do; see config_state.h. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "deliver/config_state.h"

enum { SHOWN = 512, NAME_SHOWN = 80 };

static void name_owner(uid_t uid, char *out, size_t size)
{
	const struct passwd *user = getpwuid(uid);

	if (user)
		text_clean_to(out, size, user->pw_name, strlen(user->pw_name));
	else
		snprintf(out, size, "uid %lu", (unsigned long)uid);
}

static void hint(const struct stat *st, const char *shown, const char *owner, struct err *e)
{
	bool ours = st->st_uid == geteuid();

	if (st->st_mode & (ours ? S_IRUSR : S_IROTH))
		err_hint(e, "its mode lets you read it: a policy of this machine (SELinux, AppArmor, the "
			"unit of the service) does not, and its log says so");
	else if (ours)
		err_hint(e, "it is yours: run chmod 0600 %s", shown);
	else
		err_hint(e, "have it given to you (chown), or to a group that you are in (chgrp, chmod "
			"0640), by %s; or name a file of your own with -C", owner);
}

int config_denied(const char *path, struct err *e)
{
	char shown[SHOWN], owner[NAME_SHOWN];
	struct stat st;

	text_clean_to(shown, sizeof(shown), path, strlen(path));
	if (stat(path, &st) < 0) {
		err_sys(e, ERR_CONFIG, errno, "cannot open '%s'", shown);
		err_hint(e, "a directory above it may not be entered by you: ask its owner, or name a "
			"file of your own with -C");
	} else {
		name_owner(st.st_uid, owner, sizeof(owner));
		err_sys(e, ERR_CONFIG, EACCES, "cannot open '%s', which belongs to %s and has mode %04o",
			shown, owner, (unsigned)(st.st_mode & 07777));
		hint(&st, shown, owner, e);
	}
	return err_cause(e, "config-denied");
}
