/* base/terminal.c - whose the terminal is; see terminal.h. */
#include "base/terminal.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/mem.h"

struct terminal {
	int fd;                    /* own */
	bool lent;
	bool settings_known;
	struct termios settings;
	struct sigaction action;   /* what SIGTTOU did before */
};

struct terminal *terminal_open(void)
{
	struct terminal *t;
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return NULL;
	if (tcgetpgrp(fd) != getpgrp()) {
		close(fd);
		return NULL;
	}
	t = mem_alloc(sizeof(*t));
	t->fd = fd;
	return t;
}

bool terminal_lend(struct terminal *t, pid_t group)
{
	struct sigaction ignored = { .sa_handler = SIG_IGN };

	if (t->lent || tcgetpgrp(t->fd) != getpgrp())
		return false;
	t->settings_known = tcgetattr(t->fd, &t->settings) == 0;
	sigaction(SIGTTOU, &ignored, &t->action);
	t->lent = true;
	tcsetpgrp(t->fd, group);
	kill(-group, SIGCONT);
	return true;
}

void terminal_take_back(struct terminal **tp, int status)
{
	struct terminal *t = *tp;
	bool killed = status == -1 || WIFSIGNALED(status);
	bool interrupted = status != -1 && WIFSIGNALED(status) && WTERMSIG(status) == SIGINT;

	if (!t)
		return;
	interrupted &= t->lent;
	if (t->lent) {
		tcsetpgrp(t->fd, getpgrp());
		if (killed && t->settings_known)
			tcsetattr(t->fd, TCSANOW, &t->settings);   /* a stopped terminal drains nothing */
		sigaction(SIGTTOU, &t->action, NULL);
	}
	close(t->fd);
	free(t);
	*tp = NULL;
	if (interrupted)
		raise(SIGINT);
}
