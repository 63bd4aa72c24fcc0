/* deliver/giveup_command.c - on_failure; see giveup.h.
 *
 * When it was run last is noted in the queue, in the file "notified".
 */
#include "deliver/giveup.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/child.h"
#include "base/mem.h"
#include "base/text.h"
#include "cred/source.h"
#include "deliver/notice.h"

enum { PAUSE_SECONDS = 60, COMMAND_SECONDS = 30, REASON_MAX = 512 };

static int open_stamp(struct spool *s)
{
	static const int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int fd = openat(spool_directory(s), "notified", flags, 0600);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1 ||
			st.st_uid != geteuid() || flock(fd, LOCK_EX | LOCK_NB) < 0)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Whether it may be run now; if so, that is noted.  A moment in the future is
 * what a clock that was put back has left. */
static bool take_turn(struct spool *s)
{
	char text[32] = "";
	time_t now = time(NULL);
	int fd = open_stamp(s);
	long long last;
	bool mine;

	if (fd < 0)
		return false;
	if (pread(fd, text, sizeof(text) - 1, 0) < 0)
		text[0] = '\0';
	last = strtoll(text, NULL, 10);
	mine = last > now || now - last >= PAUSE_SECONDS;
	if (mine) {
		int len = snprintf(text, sizeof(text), "%019lld\n", (long long)now);

		/* What cannot be noted is not run: it would be each time. */
		mine = pwrite(fd, text, (size_t)len, 0) == len;
	}
	close(fd);
	return mine;
}

/* One line of at most 512 octets. */
static char *variable(const char *name, const char *value)
{
	size_t len = strlen(value), at = 0;
	char *text;

	while (at < len) {
		size_t n = text_utf8(value + at, len - at);

		if (at + (n ? n : 1) > REASON_MAX)
			break;
		at += n ? n : 1;
	}
	text = mem_printf("%s=%.*s", name, (int)at, value);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	return text;
}

bool giveup_run_command(struct spool *s, const struct config *c, const char *id,
	const char *account, const char *reason)
{
	char shown[ENTRY_ID_LEN + 3] = "", *added[4] = { NULL };
	const char *list[COUNT(added)] = { NULL };
	struct err ignored;

	if (!c->global.on_failure || !take_turn(s))
		return false;
	if (*id)
		notice_show_id(s, id, shown);
	added[0] = variable("SENDOFF_ID", shown);
	added[1] = variable("SENDOFF_ACCOUNT", account);
	added[2] = variable("SENDOFF_REASON", reason);
	for (size_t i = 0; i < COUNT(added); i++)
		list[i] = added[i];
	child_leave(c->global.on_failure, secret_hidden_variables(), list, COMMAND_SECONDS, &ignored);
	for (size_t i = 0; i < COUNT(added); i++)
		free(added[i]);
	return true;
}
