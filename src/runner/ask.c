/* runner/ask.c - a question to the runner; see ask.h. */
#include "runner/ask.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/local.h"
#include "runner/control.h"

enum { CONNECT_MS = 5000, PIECE_MS = 60000, PIECE = 64 << 10 };

struct asking {
	int fd;
	struct buf in;
	size_t searched;      /* octets of in that hold no newline */
	void (*answer)(void *context, json_t *object);
	void *context;
	bool ended;
};

static int lost(struct err *e, const char *what)
{
	err_set(e, ERR_RUNNER, "the runner %s", what);
	return err_hint(e, "try again; \"systemctl status sendoff\" tells how it fares");
}

static int await(int fd, short events, struct err *e)
{
	uint64_t end = clock_ms() + PIECE_MS, now;
	struct pollfd p = { .fd = fd, .events = events };

	while ((now = clock_ms()) < end) {
		int n = poll(&p, 1, (int)(end - now));

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return err_sys(e, ERR_SYSTEM, errno, "waiting for the runner");
	}
	return lost(e, "does not answer");
}

static int send_question(int fd, json_t *question, struct err *e)
{
	struct buf line = BUF_INIT(CONTROL_QUESTION_MAX);
	size_t sent = 0;
	char *text;
	int good = 0;

	json_object_set_new(question, "v", json_integer(CONTROL_VERSION));
	text = json_dumps(question, JSON_COMPACT);
	buf_add_text(&line, text ? text : "");
	buf_add_char(&line, '\n');
	free(text);
	if (!text || !buf_ok(&line))
		good = err_set(e, ERR_USAGE, "the question to the runner is too long");
	while (good == 0 && sent < line.len) {
		ssize_t n = send(fd, line.data + sent, line.len - sent,
			MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0)
			sent += (size_t)n;
		else if (n < 0 && errno == EAGAIN)
			good = await(fd, POLLOUT, e);
		else if (n == 0 || errno != EINTR)
			break;   /* what it said before it closed is still to be read */
	}
	buf_release(&line);
	return good;
}

/* The runner's own words pass through here like anybody else's. */
static int told(const json_t *trouble, struct err *e)
{
	const char *kind = json_string_value(json_object_get(trouble, "kind"));
	const char *text = json_string_value(json_object_get(trouble, "text"));
	const char *hint = json_string_value(json_object_get(trouble, "hint"));
	const struct control_kind *k = control_kinds;

	while (k->name && (!kind || strcmp(k->name, kind)))
		k++;
	err_set(e, k->name ? k->kind : ERR_RUNNER, "the runner gives no reason");
	if (text)
		text_clean_to(e->text, sizeof(e->text), text, strlen(text));
	if (hint)
		text_clean_to(e->hint, sizeof(e->hint), hint, strlen(hint));
	return -1;
}

static int take_line(struct asking *a, const char *line, size_t len, struct err *e)
{
	json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *trouble = json_object_get(object, "error");
	int good = 0;

	a->ended = json_is_true(json_object_get(object, "end"));
	if (!json_is_object(object))
		good = err_set(e, ERR_RUNNER, "the runner's answer cannot be understood");
	else if (trouble)
		good = told(trouble, e);
	else
		a->answer(a->context, object);
	json_decref(object);
	return good;
}

static int take_lines(struct asking *a, struct err *e)
{
	size_t at = 0;
	char *newline;
	int good = 0;

	while (good == 0 && !a->ended &&
	       (newline = memchr(a->in.data + a->searched, '\n', a->in.len - a->searched))) {
		size_t next = (size_t)(newline - a->in.data) + 1;

		good = take_line(a, a->in.data + at, next - at, e);
		a->searched = at = next;
	}
	buf_drop(&a->in, at);
	a->searched = a->in.len;
	return good;
}

static int read_answers(struct asking *a, struct err *e)
{
	int good = 0;

	while (good == 0 && !a->ended) {
		char *room = buf_reserve(&a->in, PIECE);
		ssize_t n;

		if (!room)
			return err_set(e, ERR_RUNNER, "the runner's answer is too long");
		n = recv(a->fd, room, PIECE, MSG_DONTWAIT);
		if (n > 0) {
			a->in.len += (size_t)n;
			good = take_lines(a, e);
		} else if (n < 0 && errno == EAGAIN) {
			good = await(a->fd, POLLIN, e);
		} else if (n == 0 || errno != EINTR) {
			good = lost(e, "broke off before it had answered");
		}
	}
	return good;
}

int ask(const char *path, json_t *question, void (*answer)(void *context, json_t *object),
	void *context, struct err *e)
{
	struct asking a = {
		.fd = local_connect(path, CONNECT_MS, e), .in = BUF_INIT(CONTROL_ANSWER_MAX),
		.answer = answer, .context = context,
	};
	int good;

	if (a.fd < 0)
		return -1;
	good = send_question(a.fd, question, e);
	if (good == 0)
		good = read_answers(&a, e);
	close(a.fd);
	buf_release(&a.in);
	return good;
}
