/* t/server/wire.c - see wire.h. */
#include "t/server/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "t/server/journal.h"

enum { WIRE_PIECE = 65536, WIRE_IN_MAX = 4 << 20, WIRE_OUT_MAX = 64 << 20, WIRE_LINGER_MS = 300 };

void wire_init(struct wire *w, int fd, unsigned number, const struct options *opt)
{
	*w = (struct wire){ .fd = fd, .number = number, .opt = opt, .raw = -1, .answered = true };
	w->in = BUF_INIT(WIRE_IN_MAX);
	w->out = BUF_INIT(WIRE_OUT_MAX);
	if (opt->raw) {
		char *name = mem_printf("%s.%u", opt->raw, number);

		w->raw = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		free(name);
	}
}

void wire_release(struct wire *w)
{
	if (w->tls)
		gnutls_deinit(w->tls);
	if (w->fd >= 0)
		close(w->fd);
	if (w->raw >= 0)
		close(w->raw);
	buf_release(&w->in);
	buf_release(&w->out);
}

bool wire_wait(struct wire *w, short events, int ms)
{
	struct pollfd p = { .fd = w->fd, .events = events };
	int n;

	do
		n = poll(&p, 1, ms);
	while (n < 0 && errno == EINTR);
	return n > 0;
}

static void wire_lost(struct wire *w, const char *why)
{
	if (!w->closed)
		w->closed = why;
	w->broken = true;
}

/* One attempt to send; 0: try again when the socket is ready. */
static ssize_t wire_send_some(struct wire *w, const char *data, size_t len)
{
	ssize_t n;

	if (!w->tls) {
		n = send(w->fd, data, len, MSG_NOSIGNAL);
		return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : n;
	}
	n = gnutls_record_send(w->tls, data, len);
	return n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED ? 0 : n;
}

static void wire_send(struct wire *w, const char *data, size_t len)
{
	w->answered = true;
	while (len && !w->broken) {
		ssize_t n = wire_send_some(w, data, len);

		if (n < 0) {
			wire_lost(w, "the client went while we sent");
		} else if (!n) {
			wire_wait(w, w->tls && !gnutls_record_get_direction(w->tls) ? POLLIN : POLLOUT, -1);
		} else {
			data += n;
			len -= (size_t)n;
		}
	}
}

void wire_drip(struct wire *w, const char *data, size_t len, unsigned long pause_ms)
{
	const struct timespec pause = {
		.tv_sec = (time_t)(pause_ms / 1000), .tv_nsec = (long)(pause_ms % 1000) * 1000000
	};

	for (size_t i = 0; i < len && !w->broken; i++) {
		nanosleep(&pause, NULL);
		wire_send(w, data + i, 1);
	}
}

void wire_flush(struct wire *w)
{
	if (!w->out.len)
		return;
	if (w->opt->split)
		wire_drip(w, w->out.data, w->out.len, 0);
	else
		wire_send(w, w->out.data, w->out.len);
	buf_clear(&w->out);
}

void wire_put(struct wire *w, const char *data, size_t len)
{
	journal_octets(w->number, "S", data, len);
	buf_add(&w->out, data, len);
	if (w->out.len > WIRE_OUT_MAX / 2)
		wire_flush(w);
}

/* What one attempt to receive gives: > 0 octets, 0 none now; -1 the end. */
static ssize_t wire_receive(struct wire *w, char *data, size_t len)
{
	ssize_t n;

	if (!w->tls) {
		n = recv(w->fd, data, len, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n <= 0)
			wire_lost(w, n ? "by the client, with a reset" : "by the client");
		return n ? n : -1;
	}
	do
		n = gnutls_record_recv(w->tls, data, len);
	while (n == GNUTLS_E_REHANDSHAKE || (n < 0 && !gnutls_error_is_fatal((int)n) &&
		n != GNUTLS_E_AGAIN && n != GNUTLS_E_INTERRUPTED));
	if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED)
		return 0;
	if (!n)
		wire_lost(w, "by the client");
	else if (n == GNUTLS_E_PREMATURE_TERMINATION)
		wire_lost(w, "by the client, without a TLS goodbye");
	else if (n < 0)
		wire_lost(w, gnutls_strerror((int)n));
	return n > 0 ? n : -1;
}

/* Moves what has arrived into w->in; false when nothing had. */
static bool wire_collect(struct wire *w)
{
	bool any = false;

	if (w->at) {
		buf_drop(&w->in, w->at);
		w->at = 0;
	}
	while (!w->broken && w->in.len + WIRE_PIECE < WIRE_IN_MAX) {
		char *room = buf_reserve(&w->in, WIRE_PIECE);
		ssize_t n = wire_receive(w, room, WIRE_PIECE);

		if (n <= 0)
			break;
		if (w->raw >= 0 && write(w->raw, room, (size_t)n) != n)
			journal_say(w->number, "FAULT", "the raw copy cannot be written");
		w->in.len += (size_t)n;
		w->in.data[w->in.len] = '\0';
		any = true;
	}
	if (any && w->answered) {
		w->answered = false;
		w->flights++;
		journal_say(w->number, "FLIGHT", "%u", w->flights);
	}
	return any;
}

bool wire_fill(struct wire *w, bool begun)
{
	if (!begun && w->out.len) {
		/* More of the same flight may still be on its way. */
		if (wire_wait(w, POLLIN, (int)w->opt->settle) && wire_collect(w))
			return true;
		wire_flush(w);
	}
	while (!w->broken) {
		if (wire_collect(w))
			return true;
		if (!w->broken)
			wire_wait(w, POLLIN, -1);
	}
	return false;
}

size_t wire_held(const struct wire *w)
{
	return w->in.len - w->at;
}

const char *wire_data(const struct wire *w)
{
	return buf_text(&w->in) + w->at;
}

void wire_take(struct wire *w, size_t len)
{
	w->at += len;
	w->taken += len;
}

void wire_forget(struct wire *w)
{
	wire_take(w, wire_held(w));
}

bool wire_more(struct wire *w)
{
	if (!wire_held(w) && !w->broken && w->out.len < WIRE_OUT_MAX / 2)
		wire_collect(w);
	return wire_held(w) > 0;
}

bool wire_line(struct wire *w, struct buf *line)
{
	size_t seen = 0;

	buf_clear(line);
	for (;;) {
		const char *end = memchr(wire_data(w) + seen, '\n', wire_held(w) - seen);

		if (end) {
			size_t len = (size_t)(end - wire_data(w)) + 1;

			buf_add(line, wire_data(w), len);
			wire_take(w, len);
			return true;
		}
		seen = wire_held(w);
		if (seen > WIRE_LINE_MAX) {
			wire_lost(w, "by us: a line without end");
			return false;
		}
		if (!wire_fill(w, seen > 0)) {
			if (seen)
				journal_octets(w->number, "C", wire_data(w), seen);
			return false;
		}
	}
}

void wire_end(struct wire *w)
{
	char rest[4096];

	wire_flush(w);
	if (w->tls && !w->broken)
		gnutls_bye(w->tls, GNUTLS_SHUT_WR);
	shutdown(w->fd, SHUT_WR);
	/* Octets that nobody read would turn the close into a reset and could take
	 * the last reply with them. */
	while (!w->broken && wire_wait(w, POLLIN, WIRE_LINGER_MS))
		if (recv(w->fd, rest, sizeof(rest), 0) <= 0)
			break;
	close(w->fd);
	w->fd = -1;
}

void wire_reset(struct wire *w)
{
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(w->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(w->fd);
	w->fd = -1;
	w->broken = true;
}
