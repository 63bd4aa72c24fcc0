/* cmd/secret_line.c - a password on standard input, from a program; see cmd.h. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/process.h"
#include "cmd/cmd.h"

/* Whether there is something to read; -1: *e. */
static int await_input(uint64_t deadline, struct err *e)
{
	struct pollfd fds[] = { { .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = process_wake_fd(), .events = POLLIN } };
	uint64_t now = clock_ms();
	int n = now < deadline ? poll(fds, 2, (int)(deadline - now)) : 0;

	if (process_stopped())
		return err_set(e, ERR_SIGNAL, "stopped by signal %d", process_stopped());
	if (n == 0) {
		err_set(e, ERR_SECRET, "no password came on standard input in time");
		return err_cause(e, "password-command-slow");
	}
	return n < 0 && errno != EINTR ? err_sys(e, ERR_SECRET, errno, "standard input") : n > 0;
}

/* One line of standard input, for programs. */
static int read_line(char *text, size_t size, uint64_t deadline, size_t *len, struct err *e)
{
	for (*len = 0; *len < size && !memchr(text, '\n', *len);) {
		int ready = await_input(deadline, e);
		ssize_t n = ready > 0 ? read(STDIN_FILENO, text + *len, size - *len) : 0;

		if (ready < 0)
			return -1;
		if (ready > 0 && (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)))
			break;
		*len += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int read_secret_line(unsigned seconds, struct secret *out, struct err *e)
{
	char text[SECRET_MAX + 2] = "";
	const char *end;
	size_t len = 0;
	int good;

	process_hold_secret();
	good = read_line(text, sizeof(text), clock_ms() + (uint64_t)seconds * 1000, &len, e);
	end = memchr(text, '\n', len);
	len = end ? (size_t)(end - text) : len;
	len -= len && text[len - 1] == '\r';
	if (good == 0 && len && len <= SECRET_MAX && !memchr(text, '\0', len))
		secret_set(out, text, len);
	explicit_bzero(text, sizeof(text));
	if (out->data || good < 0)
		return good;
	err_set(e, ERR_SECRET, "there is no password on standard input");
	return err_hint(e, "write it there, on a line of its own");
}
