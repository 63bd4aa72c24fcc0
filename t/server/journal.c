/* t/server/journal.c - see journal.h. */
#include "t/server/journal.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

enum { JOURNAL_LINE_MAX = 32768 };

static int journal_fd = -1;
static uint64_t journal_start;

int journal_open(const char *path)
{
	journal_start = clock_ms();
	if (!path)
		return 0;
	journal_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	return journal_fd < 0 ? -1 : 0;
}

static void journal_line(unsigned connection, const char *kind, const char *data, size_t len)
{
	struct buf line = BUF_INIT(0);
	ssize_t done;

	if (journal_fd < 0)
		return;
	buf_printf(&line, "%u %llu %s: ", connection,
		(unsigned long long)(clock_ms() - journal_start), kind);
	text_clean(data, len, JOURNAL_LINE_MAX, &line);
	buf_add_char(&line, '\n');
	done = write(journal_fd, line.data, line.len);
	(void)done;   /* a judge that cannot write is found out by its missing lines */
	buf_release(&line);
}

void journal_say(unsigned connection, const char *kind, const char *format, ...)
{
	struct buf text = BUF_INIT(0);
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	journal_line(connection, kind, buf_text(&text), text.len);
	buf_release(&text);
}

void journal_octets(unsigned connection, const char *kind, const char *data, size_t len)
{
	while (len) {
		const char *end = memchr(data, '\n', len);
		size_t line = end ? (size_t)(end - data) + 1 : len, shown = line;

		if (shown >= 2 && !memcmp(data + shown - 2, "\r\n", 2))
			shown -= 2;
		journal_line(connection, kind, data, shown);
		data += line;
		len -= line;
	}
}
