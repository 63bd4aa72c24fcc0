/* net/tlswords.c - failures of TLS in words; see tlswords.h. */
#include "net/tlswords.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/foreign.h"
#include "base/gnutls.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/priority.h"

void tls_seen_add(struct tls_seen *seen, const char *data, size_t len)
{
	size_t room = sizeof(seen->first) - seen->first_len;

	if (len > room)
		len = room;
	memcpy(seen->first + seen->first_len, data, len);
	seen->first_len += len;
}

/* Every TLS record begins with its type, 20 to 24 (RFC 8446 section 5.1). */
static bool speaks_text(const struct tls_seen *seen)
{
	return seen->first_len > 0 && seen->first[0] >= ' ' && seen->first[0] <= '~';
}

void tls_seen_rest(struct tls_seen *seen, int fd)
{
	char data[sizeof(seen->first)];
	ssize_t n;

	if (!speaks_text(seen) || memchr(seen->first, '\n', seen->first_len))
		return;
	n = recv(fd, data, sizeof(data), MSG_DONTWAIT);
	if (n > 0)
		tls_seen_add(seen, data, (size_t)n);
}

/* RFC 5321 section 4.3.2: what a server says first.  554 is Postfix's word for clients that
 * do not wait for it, which is what a hello of TLS looks like to it. */
static bool greets(const struct tls_seen *seen)
{
	static const char *const codes[] = { "220", "554", "421" };

	for (size_t i = 0; i < COUNT(codes); i++)
		if (seen->first_len > 3 && !memcmp(seen->first, codes[i], 3))
			return true;
	return false;
}

static void text_words(const struct tls_seen *seen, struct err *e)
{
	bool greeting = greets(seen);
	const char *end = memchr(seen->first, '\n', seen->first_len);
	size_t len = end ? (size_t)(end - seen->first) : seen->first_len;
	char shown[4 * sizeof(seen->first)];

	if (len && seen->first[len - 1] == '\r')
		len--;
	text_clean_to(shown, sizeof(shown), seen->first, len);
	err_set(e, ERR_TLS, "the TLS handshake with %s failed: the server speaks %s here: \"%s\"",
		seen->host, greeting ? "plain SMTP" : "clear text", shown);
	if (foreign_name(seen->first, len, e))
		return;
	err_cause(e, greeting ? "plain-smtp-here" : "tls-not-tls");
	if (!greeting)
		return;
	err_hint(e, "set tls = starttls, or the port for TLS from the start (usually port = 465)");
}

static bool is_about_certificate(gnutls_alert_description_t alert)
{
	switch (alert) {
	case GNUTLS_A_BAD_CERTIFICATE:
	case GNUTLS_A_UNSUPPORTED_CERTIFICATE:
	case GNUTLS_A_CERTIFICATE_REVOKED:
	case GNUTLS_A_CERTIFICATE_EXPIRED:
	case GNUTLS_A_CERTIFICATE_UNKNOWN:
	case GNUTLS_A_UNKNOWN_CA:
	case GNUTLS_A_ACCESS_DENIED:
	case GNUTLS_A_CERTIFICATE_REQUIRED:
		return true;
	default:
		return false;
	}
}

/* RFC 5246 sections 6.2.1 and 7.4.1.3: the version that the server chose, where it has said
 * one.  An alert has one too, which means nothing. */
static gnutls_protocol_t chosen_version(const struct tls_seen *seen)
{
	enum { RECORD_HANDSHAKE = 22, SERVER_HELLO = 2, VERSION_AT = 9 };
	const unsigned char *p = (const unsigned char *)seen->first;

	if (seen->first_len < VERSION_AT + 2 || p[0] != RECORD_HANDSHAKE || p[5] != SERVER_HELLO ||
			p[VERSION_AT] != 3)
		return GNUTLS_VERSION_UNKNOWN;
	switch (p[VERSION_AT + 1]) {
	case 1:
		return GNUTLS_TLS1_0;
	case 2:
		return GNUTLS_TLS1_1;
	case 3:
		return GNUTLS_TLS1_2;
	default:
		return GNUTLS_VERSION_UNKNOWN;
	}
}

/* RFC 8446 section 5.1: the version of a record begins with 3, whichever it is. */
static bool has_version(const struct tls_seen *seen)
{
	return seen->first_len < 2 || seen->first[1] == 3;
}

static void version_words(const struct tls_seen *seen, struct err *e)
{
	const char *chosen = priority_version_name(chosen_version(seen));
	bool stricter = seen->set->least > TLS_LEAST_1_2 || seen->set->priority;
	struct buf tried = BUF_INIT(200);

	priority_versions(seen->priority, " nor ", &tried);
	err_set(e, ERR_TLS, "the TLS handshake with %s failed: the server has %s%s%s", seen->host,
		strstr(buf_text(&tried), " nor ") ? "neither " : "no ", buf_text(&tried),
		stricter ? "" : ", and older ones are not safe");
	if (chosen)
		snprintf(e->text + strlen(e->text), sizeof(e->text) - strlen(e->text),
			" (it answers with %s)", chosen);
	buf_release(&tried);
	if (seen->set->priority)
		err_hint(e, "see which versions tls_priority leaves out, or tell the server's operator "
			"to update its software");
	else if (seen->set->least > TLS_LEAST_1_2)
		err_hint(e, "set tls_min_version = 1.2, or tell the server's operator to update its "
			"software");
	else if (chosen)
		err_hint(e, "the server's operator must update its software; where you must do without, "
			"tls_min_version = %s takes it as it is", chosen + 4);
	else
		err_hint(e, "the server's operator must update its software");
	err_cause(e, "tls-too-old");
}

static void short_prime_words(const struct tls_seen *seen, struct err *e)
{
	err_set(e, ERR_TLS, "the TLS handshake with %s failed: the prime of the server's "
		"Diffie-Hellman exchange is too short to be safe", seen->host);
	err_hint(e, "the server's operator must set longer parameters (2048 bit); "
		"tls_priority = NORMAL:-DHE-RSA does without that exchange");
	err_cause(e, "tls-weak-exchange");
}

static void not_tls_words(const struct tls_seen *seen, struct err *e)
{
	err_set(e, ERR_TLS, "the TLS handshake with %s failed: what the server sends is not TLS",
		seen->host);
	err_cause(e, "tls-not-tls");
}

/* Also what many servers say that lack the one version that is tried. */
static void nothing_words(const struct tls_seen *seen, const char *what, const char *alert,
	struct err *e)
{
	struct buf tried = BUF_INIT(200);

	priority_versions(seen->priority, " and ", &tried);
	err_set(e, ERR_TLS, "%s %s failed: the server found no cipher or key exchange that both sides "
		"have (%s; tried: %s)", what, seen->host, alert, buf_text(&tried));
	buf_release(&tried);
	if (seen->set->priority)
		err_hint(e, "tls_priority may leave out what the server has: take it out, or add what "
			"is missing");
	else if (seen->set->least > TLS_LEAST_1_2)
		err_hint(e, "set tls_min_version = 1.2: the server may not have a newer one");
	else if (priority_spares_rsa(seen->set))
		err_hint(e, "its TLS is out of date: tell who runs it; if it has nothing but the exchange "
			"RSA, which tls_cert does without, tls_priority = NORMAL:+RSA takes that");
	else
		err_hint(e, "its TLS is out of date, or it has no certificate: tell who runs it");
	err_cause(e, "tls-nothing-in-common");
}

static void alert_words(const struct tls_seen *seen, gnutls_session_t session, const char *what,
	struct err *e)
{
	gnutls_alert_description_t alert = gnutls_alert_get(session);
	const char *name = gnutls_alert_get_name(alert);

	if (alert == GNUTLS_A_PROTOCOL_VERSION) {
		version_words(seen, e);
	} else if (is_about_certificate(alert) && seen->with_cert) {
		err_set(e, ERR_TLS, "%s %s failed: the server refused the client certificate (%s)",
			what, seen->host, name ? name : "no reason given");
		err_hint(e, "check tls_cert and tls_key");
		err_cause(e, "client-certificate-refused");
	} else if (is_about_certificate(alert)) {
		err_set(e, ERR_TLS, "%s %s failed: the server wants a client certificate (%s)",
			what, seen->host, name ? name : "no reason given");
		err_hint(e, "set tls_cert and tls_key");
		err_cause(e, "client-certificate-wanted");
	} else if (alert == GNUTLS_A_HANDSHAKE_FAILURE || alert == GNUTLS_A_INSUFFICIENT_SECURITY) {
		nothing_words(seen, what, name ? name : "alert", e);
	} else {
		err_set(e, ERR_TLS, "%s %s failed: the server broke it off (%s)", what, seen->host,
			name ? name : "unknown alert");
	}
}

/* RFC 7250 section 4.2: there is no kind of proof that both sides have. */
static bool is_about_proof(const struct tls_seen *seen, gnutls_session_t session, int rc)
{
	return rc == GNUTLS_E_FATAL_ALERT_RECEIVED && priority_proofs(seen->set) == PRIORITY_RAW_KEY &&
		gnutls_alert_get(session) == GNUTLS_A_UNSUPPORTED_CERTIFICATE;
}

static void no_raw_key_words(const struct tls_seen *seen, struct err *e)
{
	err_set(e, ERR_TLS, "the TLS handshake with %s failed: the server has no raw public key, and "
		"tls_priority takes nothing else", seen->host);
	err_hint(e, "add +CTYPE-SRV-X509 to tls_priority: a pin of the key is good for a certificate "
		"too");
	err_cause(e, "tls-nothing-in-common");
}

/* The library's numbers of what is no DER. */
static bool is_unreadable(int rc)
{
	return rc <= GNUTLS_E_ASN1_ELEMENT_NOT_FOUND && rc >= GNUTLS_E_ASN1_DER_OVERFLOW;
}

static void bad_raw_key_words(const struct tls_seen *seen, int rc, struct err *e)
{
	err_set(e, ERR_CERT, "the raw public key of %s cannot be read: %s", seen->host,
		gnutls_strerror(rc));
	err_hint(e, "tell who runs the server; until it is mended, take RAWPK out of tls_priority");
}

static bool is_socket_trouble(int rc)
{
	return rc == GNUTLS_E_PREMATURE_TERMINATION || rc == GNUTLS_E_PULL_ERROR ||
		rc == GNUTLS_E_PUSH_ERROR || rc == GNUTLS_E_SESSION_EOF ||
		rc == GNUTLS_E_INVALID_SESSION;   /* used again after one of the others */
}

void tls_handshake_words(const struct tls_seen *seen, gnutls_session_t session, int rc,
	struct err *e)
{
	if (speaks_text(seen))
		text_words(seen, e);
	else if (is_socket_trouble(rc) && seen->sys_errno && rc != GNUTLS_E_PREMATURE_TERMINATION)
		err_sys(e, ERR_LOST, seen->sys_errno,
			"the connection to %s broke off during the TLS handshake", seen->host);
	else if (is_socket_trouble(rc))
		err_set(e, ERR_LOST, "%s closed the connection during the TLS handshake",
			seen->host);
	else if (seen->raw_key && is_unreadable(rc))
		bad_raw_key_words(seen, rc, e);
	else if (is_about_proof(seen, session, rc))
		no_raw_key_words(seen, e);
	else if (rc == GNUTLS_E_FATAL_ALERT_RECEIVED)
		alert_words(seen, session, "the TLS handshake with", e);
	else if (rc == GNUTLS_E_KEY_USAGE_VIOLATION) {
		err_set(e, ERR_CERT, "the certificate of %s is refused: its key is not meant for servers",
			seen->host);
		err_cause(e, "certificate-wrong-purpose");
	} else if (rc == GNUTLS_E_UNSUPPORTED_VERSION_PACKET && has_version(seen))
		version_words(seen, e);
	else if (rc == GNUTLS_E_DH_PRIME_UNACCEPTABLE)
		short_prime_words(seen, e);
	else if (rc == GNUTLS_E_UNSUPPORTED_VERSION_PACKET || rc == GNUTLS_E_UNEXPECTED_PACKET ||
		 rc == GNUTLS_E_UNEXPECTED_PACKET_LENGTH)
		not_tls_words(seen, e);
	else
		err_set(e, ERR_TLS, "the TLS handshake with %s failed: %s", seen->host,
			gnutls_strerror(rc));
}

void tls_record_words(const struct tls_seen *seen, gnutls_session_t session, int rc,
	struct err *e)
{
	if (is_socket_trouble(rc) && seen->sys_errno)
		err_sys(e, ERR_LOST, seen->sys_errno, "the connection to %s broke off", seen->host);
	else if (is_socket_trouble(rc))
		err_set(e, ERR_LOST, "the connection to %s broke off", seen->host);
	else if (rc == GNUTLS_E_FATAL_ALERT_RECEIVED)
		alert_words(seen, session, "TLS with", e);
	else {
		err_set(e, ERR_TLS, "TLS with %s failed: %s", seen->host, gnutls_strerror(rc));
		err_hint(e, "try again; if that goes on, tell who runs the server");
	}
}
