/* net/conn.c - octets over a socket, in clear or in TLS; see conn.h. */
#include "net/conn.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

void conn_init(struct conn *c, int fd)
{
	c->fd = fd;
	c->tls = NULL;
}

void conn_abort(struct conn *c)
{
	tls_free(&c->tls);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

void conn_close(struct conn *c)
{
	if (c->tls)
		tls_bye(c->tls);
	conn_abort(c);
}

static enum conn_result closed(struct err *e)
{
	err_set(e, ERR_LOST, "the server closed the connection");
	return CONN_CLOSED;
}

static enum conn_result lost(int number, struct err *e)
{
	err_sys(e, ERR_LOST, number, "the connection broke off");
	return CONN_FAILED;
}

static enum conn_result from_tls(enum tls_want want, short *events)
{
	switch (want) {
	case TLS_WANT_READ:
		*events = POLLIN;
		return CONN_AGAIN;
	case TLS_WANT_WRITE:
		*events = POLLOUT;
		return CONN_AGAIN;
	case TLS_CLOSED:
		return CONN_CLOSED;
	case TLS_FAILED:
		return CONN_FAILED;
	case TLS_DONE:
		break;
	}
	return CONN_OK;
}

static bool try_again(int number)
{
	return number == EAGAIN || number == EWOULDBLOCK;
}

static enum conn_result clear_read(struct conn *c, char *data, size_t len, size_t *count,
	short *events, struct err *e)
{
	ssize_t n;

	do
		n = recv(c->fd, data, len, 0);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		*count = (size_t)n;
		return CONN_OK;
	}
	if (!n)
		return closed(e);
	if (!try_again(errno))
		return lost(errno, e);
	*events = POLLIN;
	return CONN_AGAIN;
}

static enum conn_result clear_write(struct conn *c, const char *data, size_t len, size_t *count,
	short *events, struct err *e)
{
	ssize_t n;

	do
		n = send(c->fd, data, len, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0) {
		*count = (size_t)n;
		return CONN_OK;
	}
	if (!try_again(errno))
		return lost(errno, e);
	*events = POLLOUT;
	return CONN_AGAIN;
}

enum conn_result conn_read(struct conn *c, char *data, size_t len, size_t *count, short *events,
	struct err *e)
{
	enum tls_want want = TLS_DONE;
	ssize_t n;

	*count = 0;
	if (!len)
		return CONN_OK;
	if (!c->tls)
		return clear_read(c, data, len, count, events, e);
	n = tls_read(c->tls, data, len, &want, e);
	if (n <= 0)
		return from_tls(want, events);
	*count = (size_t)n;
	return CONN_OK;
}

enum conn_result conn_write(struct conn *c, const char *data, size_t len, size_t *count,
	short *events, struct err *e)
{
	enum tls_want want = TLS_DONE;
	ssize_t n;

	*count = 0;
	if (!len)
		return CONN_OK;
	if (!c->tls)
		return clear_write(c, data, len, count, events, e);
	n = tls_write(c->tls, data, len, &want, e);
	if (n <= 0)
		return from_tls(want, events);
	*count = (size_t)n;
	return CONN_OK;
}

bool conn_pending(const struct conn *c)
{
	return c->tls && tls_pending(c->tls);
}

int conn_tls(struct conn *c, const char *host, const struct tls_settings *set,
	const struct tls_trust *trust, struct err *e)
{
	c->tls = tls_new(c->fd, host, set, trust, e);
	return c->tls ? 0 : -1;
}

enum conn_result conn_handshake(struct conn *c, short *events, struct err *e)
{
	return from_tls(tls_handshake(c->tls, e), events);
}
