/* base/log.c - one line for each attempt; see log.h. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

enum { LINE_MAX_OCTETS = 64 * 1024 };

static const struct key_choice formats[] = {
	{ "text", LOG_TEXT },
	{ "json", LOG_JSON },
	{ NULL, 0 },
};

const struct key log_keys[] = {
	{ .name = "log", .type = KEY_TEXT, .offset = offsetof(struct log_settings, target),
		.help = "where each attempt is noted: syslog, stderr, none or a file" },
	{ .name = "log_format", .type = KEY_CHOICE, .offset = offsetof(struct log_settings, format),
		.fallback = "text", .choices = formats, .help = "text or json" },
	{ .name = NULL },
};

static struct log_field *add_field(struct log_record *r, const char *name)
{
	struct log_field *field;

	if (r->count >= LOG_FIELDS_MAX)
		return NULL;
	field = &r->fields[r->count++];
	*field = (struct log_field){ .name = name };
	return field;
}

void log_text(struct log_record *r, const char *name, const char *text)
{
	struct log_field *field = text ? add_field(r, name) : NULL;

	if (field)
		field->text = text;
}

void log_number(struct log_record *r, const char *name, long long number)
{
	struct log_field *field = add_field(r, name);

	if (field)
		field->number = number;
}

/* --- writing a line ----------------------------------------------------- */

/* Cleaned text holds no control characters and is UTF-8, so that in JSON
 * (RFC 8259 section 7) too nothing but these two needs a backslash. */
static void add_quoted(const char *text, struct buf *out)
{
	buf_add_char(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, *text);
	}
	buf_add_char(out, '"');
}

static void write_field(const struct log_field *field, bool json, struct buf *out)
{
	struct buf clean = BUF_INIT(2 * TEXT_SHOWN_MAX);

	if (json) {
		add_quoted(field->name, out);
		buf_add_char(out, ':');
	} else {
		buf_printf(out, "%s=", field->name);
	}
	if (!field->text) {
		buf_printf(out, "%lld", field->number);
		return;
	}
	text_clean(field->text, strlen(field->text), TEXT_SHOWN_MAX, &clean);
	if (json || strpbrk(buf_text(&clean), " \"="))
		add_quoted(buf_text(&clean), out);
	else
		buf_add_text(out, buf_text(&clean));
	buf_release(&clean);
}

void log_write(const struct log_record *r, enum log_format format, bool with_time, struct buf *out)
{
	bool json = format == LOG_JSON, first = true;
	char when[40];

	if (json)
		buf_add_char(out, '{');
	if (with_time) {
		clock_rfc3339(&r->when, when, sizeof(when));
		buf_printf(out, json ? "\"time\":\"%s\"" : "%s", when);
		first = false;
	}
	for (unsigned i = 0; i < r->count; i++) {
		if (!first)
			buf_add_char(out, json ? ',' : ' ');
		write_field(&r->fields[i], json, out);
		first = false;
	}
	if (json)
		buf_add_char(out, '}');
}

/* --- sending it --------------------------------------------------------- */

static void send_syslog(const struct log_record *r, const char *line)
{
	static bool open;

	if (!open)
		openlog("sendoff", LOG_PID, LOG_MAIL);
	open = true;
	syslog(LOG_MAIL | (r->failed ? LOG_ERR : LOG_INFO), "%s", line);
}

/* One write, so that lines of several processes do not mix. */
static int write_line(int fd, const struct buf *line)
{
	ssize_t n;

	do
		n = write(fd, line->data, line->len);
	while (n < 0 && errno == EINTR);
	if (n >= 0 && (size_t)n < line->len)
		return ENOSPC;
	return n < 0 ? errno : 0;
}

/* Returns an errno.  O_NONBLOCK: a FIFO must not hold us up. */
static int write_file(const char *path, const struct buf *line)
{
	struct stat st;
	int fd, number;

	do
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY |
			O_NONBLOCK, 0600);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return errno;
	if (fstat(fd, &st) < 0)
		number = errno;
	else if (!S_ISREG(st.st_mode))
		number = EINVAL;
	else
		number = write_line(fd, line);
	if (close(fd) < 0 && !number && errno != EINTR)
		number = errno;
	return number;
}

int log_settings_check(const struct log_settings *set, struct err *e)
{
	static const char *const words[] = { "syslog", "stderr", "none" };

	if (!set->target || set->target[0] == '/')
		return 0;
	for (size_t i = 0; i < COUNT(words); i++)
		if (!strcmp(set->target, words[i]))
			return 0;
	return err_set(e, ERR_CONFIG,
		"log must be syslog, stderr, none, or a file name that begins with '/'");
}

static bool failed_to_write(const char *target, int number, char *warning, size_t size)
{
	const char *why = strerror(number);
	char shown[256];

	if (number == ELOOP)
		why = "it is a symbolic link";
	else if (number == EINVAL || number == ENXIO)
		why = "it is not a regular file";
	text_clean_to(shown, sizeof(shown), target, strlen(target));
	snprintf(warning, size, "cannot write to the log '%s': %s", shown, why);
	return false;
}

bool log_send(const struct log_settings *set, const char *fallback, const struct log_record *r,
	char *warning, size_t size)
{
	const char *target = set->target ? set->target : fallback;
	struct buf line = BUF_INIT(LINE_MAX_OCTETS);
	bool to_syslog;
	int number = 0;

	if (!target || !strcmp(target, "none"))
		return true;
	to_syslog = !strcmp(target, "syslog");
	if (!to_syslog && target[0] != '/' && strcmp(target, "stderr") != 0) {
		char shown[256];

		text_clean_to(shown, sizeof(shown), target, strlen(target));
		snprintf(warning, size, "log '%s' is none of syslog, stderr, none and an absolute "
			"file name", shown);
		return false;
	}
	log_write(r, (enum log_format)set->format, !to_syslog, &line);
	if (to_syslog) {
		send_syslog(r, buf_text(&line));
	} else {
		buf_add_char(&line, '\n');
		number = target[0] == '/' ? write_file(target, &line) :
			write_line(STDERR_FILENO, &line);
	}
	buf_release(&line);
	return number ? failed_to_write(target, number, warning, size) : true;
}
