/* net/tls.c - one TLS session by GnuTLS; see tls.h.
 *
 * No session is ever resumed: resumption would skip the server's certificate.
 * The library's own time-outs are not used; they start again with every octet.
 */
#include "net/tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "base/gnutls.h"
#include "base/mem.h"
#include "net/chain.h"
#include "net/client_cert.h"
#include "net/expiry.h"
#include "net/name.h"
#include "net/priority.h"
#include "net/tlswords.h"
#include "net/trust.h"
#include "net/verify.h"

enum {
	NOISE_MAX = 32        /* warnings and the like in a row */
};

struct tls {
	gnutls_session_t session;                    /* own */
	gnutls_certificate_credentials_t cred;       /* own */
	const struct tls_settings *set;              /* borrowed */
	const struct tls_trust *trust;               /* borrowed */
	int fd;                                      /* borrowed */
	char name[NAME_MAX_OCTETS];                  /* what is verified */
	bool named;                                  /* and told to the server (SNI) */
	struct token *token;                         /* own; NULL: no key on a token */
	bool armed;                                  /* and the key is there */
	bool asks_raw;                               /* for a raw public key; only then may one come */
	struct tls_seen seen;
	bool judged;                                 /* the server was: once, and for good */
	struct err verdict;                          /* kind ERR_NONE: it is the right one */
	bool ready;                                  /* handshake and verification done */
	struct tls_facts facts;
};

/* errno would be lost on the way through the library, and what a server says
 * instead of TLS is worth telling. */
static ssize_t pull(gnutls_transport_ptr_t context, void *data, size_t len)
{
	struct tls *t = context;
	ssize_t n = recv(t->fd, data, len, 0);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		t->seen.sys_errno = errno;
	if (n > 0 && !t->ready)
		tls_seen_add(&t->seen, data, (size_t)n);
	return n;
}

static ssize_t push(gnutls_transport_ptr_t context, const giovec_t *parts, int count)
{
	enum { MOST = 16 };
	struct tls *t = context;
	struct iovec copy[MOST];
	struct msghdr message = { .msg_iov = copy };
	ssize_t n;

	message.msg_iovlen = count < MOST ? (size_t)count : MOST;
	memcpy(copy, parts, message.msg_iovlen * sizeof(copy[0]));
	n = sendmsg(t->fd, &message, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		t->seen.sys_errno = errno;
	return n;
}

/* RFC 6066 section 3: no address may stand in SNI.  Nor the path of a socket, which
 * is no name that a certificate could bear either. */
static int set_name(struct tls *t, const char *host, struct err *e)
{
	struct sockaddr_storage address;
	bool path;

	if (name_ascii(t->set->host ? t->set->host : host, t->name, ERR_CONFIG, e) < 0)
		return -1;
	path = t->name[0] == '/';
	if (path && t->set->verify && !t->set->pins.count) {
		err_set(e, ERR_CONFIG, "the server's certificate cannot be verified: host is the path "
			"of a socket");
		return err_hint(e, "set tls_host to the name that the certificate bears");
	}
	t->named = !path && !name_address(t->name, &address);
	if (t->named)
		gnutls_server_name_set(t->session, GNUTLS_NAME_DNS, t->name, strlen(t->name));
	t->seen.host = t->name;
	return 0;
}

static bool shows_raw_key(const struct tls *t)
{
	return t->asks_raw &&
		gnutls_certificate_type_get2(t->session, GNUTLS_CTYPE_SERVER) == GNUTLS_CRT_RAWPK;
}

/* What the server has shown, for a verdict or a description.  The responses are borrowed of
 * the session. */
static int take_peers(const struct tls *t, struct verify *v, unsigned *sent, struct err *e)
{
	const gnutls_datum_t *der = gnutls_certificate_get_peers(t->session, sent);

	if (t->facts.raw_key)
		return verify_init_raw(v, der, *sent, e);
	if (verify_init(v, der, *sent, e) < 0)
		return -1;
	v->crls = v->trust ? trust_crls(v->trust) : NULL;
	for (unsigned i = 0; i < v->count; i++)
		if (gnutls_ocsp_status_request_get2(t->session, i, &v->staples[i]) < 0)
			v->staples[i].size = 0;
	return 0;
}

static int verify(struct tls *t, struct err *e)
{
	struct verify v = { .host = t->name, .set = t->set, .trust = t->trust };
	unsigned count = 0;
	int rc;

	if (!t->set->verify && !t->set->pins.count) {
		snprintf(t->facts.warning, sizeof(t->facts.warning), "the server's certificate is not "
			"looked at (tls_verify = no): whoever answers there is believed");
		return 0;
	}
	rc = take_peers(t, &v, &count, e);
	if (rc == 0)
		rc = verify_server(&v, e);
	if (rc == 0)
		expiry_note(&v, t->cred, time(NULL), t->facts.warning, sizeof(t->facts.warning));
	verify_release(&v);
	t->facts.verified = rc == 0;
	return rc;
}

/* -1 and *e: it is not the right one. */
static int judge(struct tls *t, struct err *e)
{
	if (!t->judged) {
		t->facts.raw_key = shows_raw_key(t);
		if (verify(t, &t->verdict) == 0)
			t->verdict.kind = ERR_NONE;
	}
	t->judged = true;
	if (t->verdict.kind == ERR_NONE)
		return 0;
	*e = t->verdict;
	return -1;
}

/* gnutls_certificate_verify_function: the server has shown its certificate and what OCSP says
 * of it, in TLS 1.3 also proved its key, which it does next in TLS 1.2; all of that before
 * anything of ours is sent. */
static int judge_early(gnutls_session_t session)
{
	struct tls *t = gnutls_transport_get_ptr(session);
	struct err ignored;

	return judge(t, &ignored);
}

static int set_up(struct tls *t, struct err *e)
{
	unsigned flags = GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS;
	int rc;

	t->asks_raw = priority_proofs(t->set) & PRIORITY_RAW_KEY;
	if (t->asks_raw && gnutls_raw_key_need(e) < 0)
		return -1;
	if (t->asks_raw)
		flags |= GNUTLS_ENABLE_RAWPK;
	if (priority_make(t->set, &t->seen.priority, e) < 0)
		return -1;
	rc = gnutls_init(&t->session, flags);
	if (rc == 0)
		rc = gnutls_priority_set(t->session, t->seen.priority);
	if (rc == 0)
		rc = gnutls_certificate_allocate_credentials(&t->cred);
	if (rc == 0)
		rc = gnutls_credentials_set(t->session, GNUTLS_CRD_CERTIFICATE, t->cred);
	if (rc < 0)
		return err_set(e, ERR_TLS, "cannot set TLS up: %s", gnutls_strerror(rc));
	if (t->seen.with_cert && gnutls_own_key_need(e) < 0)
		return -1;
	if (t->seen.with_cert)
		gnutls_certificate_set_verify_function(t->cred, judge_early);
	gnutls_transport_set_ptr(t->session, t);
	gnutls_transport_set_pull_function(t->session, pull);
	gnutls_transport_set_vec_push_function(t->session, push);
	return 0;
}

struct tls *tls_new(int fd, const char *host, const struct tls_settings *set,
	const struct tls_trust *trust, struct err *e)
{
	struct tls *t = mem_alloc(sizeof(*t));

	t->fd = fd;
	t->set = set;
	t->trust = trust;
	t->seen.with_cert = set->cert && set->key;
	t->seen.set = set;
	if (gnutls_need(e) < 0 || set_up(t, e) < 0 || set_name(t, host, e) < 0 ||
			client_cert_begin(set, t->cred, &t->token, e) < 0)
		tls_free(&t);
	return t;
}

void tls_free(struct tls **tp)
{
	struct tls *t = *tp;

	if (!t)
		return;
	if (t->session)
		gnutls_deinit(t->session);
	if (t->seen.priority)
		gnutls_priority_deinit(t->seen.priority);
	if (t->cred)
		gnutls_certificate_free_credentials(t->cred);
	token_free(&t->token);
	explicit_bzero(t->facts.binding, sizeof(t->facts.binding));
	free(t);
	*tp = NULL;
}

/* RFC 9266: tls-exporter with TLS 1.3, tls-unique with 1.2.  The latter only
 * with an extended master secret, without which it binds nothing (RFC 7627). */
static void note_binding(struct tls *t)
{
	bool newest = gnutls_protocol_get_version(t->session) == GNUTLS_TLS1_3;
	gnutls_datum_t data = { NULL, 0 };

	if (!newest && !gnutls_session_ext_master_secret_status(t->session))
		return;
	if (gnutls_session_channel_binding(t->session,
			newest ? GNUTLS_CB_TLS_EXPORTER : GNUTLS_CB_TLS_UNIQUE, &data) < 0)
		return;
	if (data.size && data.size <= sizeof(t->facts.binding)) {
		memcpy(t->facts.binding, data.data, data.size);
		t->facts.binding_len = data.size;
		t->facts.binding_type = newest ? "tls-exporter" : "tls-unique";
	}
	gnutls_free(data.data);
}

/* "(TLS1.3)-(ECDHE-X25519)-(RSA-PSS-RSAE-SHA256)-(AES-256-GCM)", without the
 * version, which is told apart. */
static void note_cipher(struct tls *t)
{
	char *text = gnutls_session_get_desc(t->session);
	size_t out = 0;

	for (const char *p = text ? strstr(text, ")-(") : NULL; p && *p; p++) {
		if (!strncmp(p, ")-(", 3)) {
			if (out && out + 1 < sizeof(t->facts.cipher))
				t->facts.cipher[out++] = ' ';
			p += 2;
		} else if (*p != ')' && out + 1 < sizeof(t->facts.cipher)) {
			t->facts.cipher[out++] = *p;
		}
	}
	gnutls_free(text);
}

/* All that is certain before the handshake is over. */
static void note_version(struct tls *t)
{
	const char *version = gnutls_protocol_get_name(gnutls_protocol_get_version(t->session));

	snprintf(t->facts.version, sizeof(t->facts.version), "%s", version ? version : "unknown");
	t->facts.raw_key = shows_raw_key(t);
}

static void note_facts(struct tls *t)
{
	const char *group = gnutls_group_get_name(gnutls_group_get(t->session));
	const char *cipher = gnutls_cipher_get_name(gnutls_cipher_get(t->session));

	note_version(t);
	snprintf(t->facts.group, sizeof(t->facts.group), "%s", group ? group : "");
	snprintf(t->facts.algorithm, sizeof(t->facts.algorithm), "%s", cipher ? cipher : "");
	note_cipher(t);
	note_binding(t);
}

int tls_judge(const struct tls *t, const char *host, const struct tls_settings *set,
	const struct tls_trust *trust, struct err *e)
{
	char name[NAME_MAX_OCTETS];
	struct verify v = { .host = name, .set = set, .trust = trust };
	unsigned count = 0;
	int rc;

	if (name_ascii(set->host ? set->host : host, name, ERR_CONFIG, e) < 0)
		return -1;
	rc = take_peers(t, &v, &count, e);
	if (rc == 0)
		rc = verify_server(&v, e);
	verify_release(&v);
	return rc;
}

int tls_chain_read(const struct tls *t, struct tls_chain *out)
{
	struct verify v = { .host = t->name, .set = t->set, .trust = t->trust };
	struct err ignored;

	*out = (struct tls_chain){ .name = mem_string(t->name) };
	if (t->named)
		out->sni = mem_string(t->name);
	if (take_peers(t, &v, &out->sent, &ignored) < 0) {
		tls_chain_release(out);
		return -1;
	}
	verify_describe(&v, out);
	verify_release(&v);
	out->client_to = t->set->cert ? expiry_of_client(t->cred) : (time_t)-1;
	if (t->facts.verified)
		out->by = t->set->pins.count ? CHAIN_BY_PIN : CHAIN_BY_ROOT;
	return 0;
}

void tls_until(struct tls *t, uint64_t deadline)
{
	if (t->token)
		token_until(t->token, deadline);
}

static enum tls_want wanted(const struct tls *t)
{
	return gnutls_record_get_direction(t->session) ? TLS_WANT_WRITE : TLS_WANT_READ;
}

static enum tls_want refuse(struct tls *t)
{
	gnutls_alert_send(t->session, GNUTLS_AL_FATAL, GNUTLS_A_BAD_CERTIFICATE);
	return TLS_FAILED;
}

/* The handshake came to its end, by itself or because the server was judged in it. */
static enum tls_want broken(struct tls *t, int rc, struct err *e)
{
	if (t->judged && judge(t, e) < 0) {
		note_version(t);
		return refuse(t);
	}
	t->facts.verified = false;   /* it did not prove that the certificate is its own */
	t->facts.warning[0] = '\0';
	if (t->token && token_failed(t->token, e))
		return TLS_FAILED;
	t->seen.raw_key = shows_raw_key(t);
	tls_seen_rest(&t->seen, t->fd);
	tls_handshake_words(&t->seen, t->session, rc, e);
	return TLS_FAILED;
}

enum tls_want tls_handshake(struct tls *t, struct err *e)
{
	int rc = GNUTLS_E_INTERRUPTED;

	if (t->ready)
		return TLS_DONE;
	if (t->token && !t->armed && client_cert_finish(t->set, t->cred, t->token, e) < 0)
		return TLS_FAILED;
	t->armed = true;
	for (unsigned i = 0; i < NOISE_MAX && rc < 0 && !gnutls_error_is_fatal(rc); i++) {
		rc = gnutls_handshake(t->session);
		if (rc == GNUTLS_E_AGAIN)
			return wanted(t);
	}
	if (rc < 0)
		return broken(t, rc, e);
	note_facts(t);
	if (judge(t, e) < 0)
		return refuse(t);
	if (t->token)
		token_rest(t->token);
	t->ready = true;
	return TLS_DONE;
}

/* What a negative result of reading or writing means. */
static ssize_t record_result(struct tls *t, ssize_t rc, enum tls_want *want, struct err *e)
{
	if (rc == GNUTLS_E_AGAIN || rc == GNUTLS_E_INTERRUPTED) {
		*want = wanted(t);
		return 0;
	}
	if (rc == 0 || rc == GNUTLS_E_PREMATURE_TERMINATION) {
		err_set(e, ERR_LOST, "the server closed the connection");
		*want = TLS_CLOSED;
		return -1;
	}
	tls_record_words(&t->seen, t->session, (int)rc, e);
	*want = TLS_FAILED;
	return -1;
}

/* Not an error and not data: a warning, or a wish to renegotiate, which RFC 5246
 * section 7.4.1.1 lets a client pass over. */
static bool is_noise(ssize_t rc)
{
	return rc < 0 && rc != GNUTLS_E_AGAIN && !gnutls_error_is_fatal((int)rc);
}

static ssize_t not_ready(enum tls_want *want, struct err *e)
{
	*want = TLS_FAILED;
	return err_set(e, ERR_INTERNAL, "TLS is used before its handshake");
}

ssize_t tls_read(struct tls *t, char *data, size_t len, enum tls_want *want, struct err *e)
{
	ssize_t n = 0;

	if (!t->ready)
		return not_ready(want, e);
	for (unsigned i = 0; i < NOISE_MAX; i++) {
		n = gnutls_record_recv(t->session, data, len);
		if (n > 0)
			return n;
		if (!is_noise(n))
			break;
	}
	return record_result(t, n, want, e);
}

ssize_t tls_write(struct tls *t, const char *data, size_t len, enum tls_want *want, struct err *e)
{
	ssize_t n = 0;

	if (!t->ready)
		return not_ready(want, e);
	if (!len) {
		*want = TLS_DONE;
		return 0;
	}
	for (unsigned i = 0; i < NOISE_MAX; i++) {
		n = gnutls_record_send(t->session, data, len);
		if (n > 0)
			return n;
		if (!is_noise(n))
			break;
	}
	return record_result(t, n, want, e);
}

bool tls_pending(const struct tls *t)
{
	return gnutls_record_check_pending(t->session) > 0;
}

void tls_bye(struct tls *t)
{
	if (t->ready)
		gnutls_bye(t->session, GNUTLS_SHUT_WR);
}

size_t tls_first(const struct tls *t, const char **data)
{
	*data = t->seen.first;
	return t->seen.first_len;
}

const struct tls_facts *tls_facts(const struct tls *t)
{
	return &t->facts;
}
