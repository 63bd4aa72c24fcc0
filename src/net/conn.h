/* net/conn.h - one connection: a socket, later perhaps with TLS on it.
 *
 * Never waits.  Each call says what it is waiting for in terms of poll(2), so
 * that nobody guesses from the direction of the data: TLS may want to read in
 * order to write.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "net/tls.h"

struct conn {
	int fd;             /* own; -1: none */
	struct tls *tls;    /* own; NULL: in clear */
};

enum conn_result { CONN_OK = 0, CONN_AGAIN = 1, CONN_CLOSED = 2, CONN_FAILED = -1 };

void conn_init(struct conn *c, int fd);        /* takes fd */
void conn_close(struct conn *c);               /* TLS goodbye is said, not waited for */
void conn_abort(struct conn *c);               /* closes at once, without a goodbye */

/* *count octets were moved.  CONN_AGAIN: *events is what to poll for. */
enum conn_result conn_read(struct conn *c, char *data, size_t len, size_t *count, short *events,
	struct err *e);
enum conn_result conn_write(struct conn *c, const char *data, size_t len, size_t *count,
	short *events, struct err *e);
bool conn_pending(const struct conn *c);       /* octets wait that poll(2) does not see */

int  conn_tls(struct conn *c, const char *host, const struct tls_settings *set,
	const struct tls_trust *trust, struct err *e);
enum conn_result conn_handshake(struct conn *c, short *events, struct err *e);

#endif
