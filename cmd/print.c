/* cmd/print.c - writing to stdout and stderr; see cmd.h. */
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "cmd/cmd.h"
#include "deliver/outcome.h"

enum { PATIENCE_MS = 5000 };

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			struct pollfd p = { .fd = fd, .events = POLLOUT };

			if (poll(&p, 1, PATIENCE_MS) <= 0)
				return -1;
			continue;
		}
		if (n <= 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int print_out(const struct buf *text)
{
	struct err e = { 0 };

	if (write_all(STDOUT_FILENO, buf_text(text), text->len) == 0)
		return 0;
	err_sys(&e, ERR_OUTPUT, errno, "writing to standard output failed");
	return print_failure(&e);
}

/* Many callers read stderr only when the program has ended: a full pipe must
 * hold up neither the mail nor the exit code.  What poll(2) calls writable takes
 * PIPE_BUF octets at once.  A terminal that somebody stopped is waited for. */
static bool write_if_read(int fd, const char *data, size_t len)
{
	while (len) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };
		size_t piece = len < PIPE_BUF ? len : PIPE_BUF;

		/* Where a signal broke the wait off, writing would wait without end. */
		if (poll(&p, 1, PATIENCE_MS) <= 0 || write_all(fd, data, piece) < 0)
			return false;
		data += piece;
		len -= piece;
	}
	return true;
}

void print_err(const struct buf *text)
{
	static bool unread;   /* nobody waits for the same reader twice */

	if (isatty(STDERR_FILENO))
		write_all(STDERR_FILENO, buf_text(text), text->len);
	else if (!unread)
		unread = !write_if_read(STDERR_FILENO, buf_text(text), text->len);
}

int print_failure(const struct err *e)
{
	struct buf out = BUF_INIT(4096);

	outcome_describe_err(e, &out);
	print_err(&out);
	buf_release(&out);
	return cause_of_err(e)->exit;
}

void print_json(struct buf *out, const char *const *pairs)
{
	json_t *object = json_object();
	char *text;

	for (; pairs[0]; pairs += 2)
		if (pairs[1])
			json_object_set_new(object, pairs[0], json_string(pairs[1]));
	text = json_dumps(object, JSON_COMPACT);
	if (text)
		buf_printf(out, "%s\n", text);
	free(text);
	json_decref(object);
}

void print_trace(void *context, enum smtp_direction direction, const char *line, size_t len)
{
	struct buf out = BUF_INIT(4096);

	(void)context;
	buf_add_text(&out, direction == SMTP_SENT ? "> " : direction == SMTP_GOT ? "< " : "* ");
	text_clean(line, len, 2 * TEXT_SHOWN_MAX, &out);
	buf_add_char(&out, '\n');
	print_err(&out);
	buf_release(&out);
}
