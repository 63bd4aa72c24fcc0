/* t/server/secure.c - see secure.h. */
#include "t/server/secure.h"

#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/mem.h"
#include "t/server/journal.h"

static gnutls_certificate_credentials_t credentials;
static gnutls_priority_t priority;
static gnutls_datum_t ticket_key;

static int secure_fail(const char *what, int code)
{
	fprintf(stderr, "t/server: %s: %s\n", what, gnutls_strerror(code));
	return -1;
}

/* "NORMAL" restricted to the versions up to most. */
static void secure_priority_text(const char *most, bool raw_key, struct buf *out)
{
	static const char *const versions[] = { "1.0", "1.1", "1.2", "1.3" };

	buf_add_text(out, "NORMAL:-VERS-TLS-ALL");
	for (unsigned i = 0; i < COUNT(versions); i++) {
		buf_printf(out, ":+VERS-TLS%s", versions[i]);
		if (!strcmp(versions[i], most))
			break;
	}
	if (raw_key)   /* so that it is preferred; who does not ask gets the certificate */
		buf_add_text(out, ":-CTYPE-SRV-X509:+CTYPE-SRV-RAWPK");
}

static int secure_init_priority(const struct options *opt)
{
	struct buf text = BUF_INIT(0);
	int code;

	if (opt->priority)
		buf_add_text(&text, opt->priority);
	else
		secure_priority_text(opt->tls_max ? opt->tls_max : "1.3", opt->raw_key, &text);
	code = gnutls_priority_init(&priority, buf_text(&text), NULL);
	buf_release(&text);
	return code < 0 ? secure_fail("TLS priority", code) : 0;
}

/* Whatever the file holds: a server that stapled only what is good would be no test. */
static int secure_response(gnutls_session_t session, void *context, gnutls_datum_t *out)
{
	(void)session;
	return gnutls_load_file(context, out) < 0 ? GNUTLS_E_NO_CERTIFICATE_STATUS : 0;
}

/* The certificates as they stand in the file, whether they belong together or not: the
 * library's own way leaves out what leads nowhere. */
static int secure_show(const char *cert, const char *key)
{
	enum { MOST = 32 };
	gnutls_pcert_st shown[MOST];
	unsigned count = MOST;
	gnutls_datum_t text = { NULL, 0 };
	gnutls_privkey_t owner = NULL;
	int code = gnutls_load_file(cert, &text);

	if (code == 0)
		code = gnutls_pcert_list_import_x509_raw(shown, &count, &text, GNUTLS_X509_FMT_PEM, 0);
	gnutls_free(text.data);
	text.data = NULL;
	if (code < 0)
		return code;
	code = gnutls_load_file(key, &text);
	if (code == 0)
		code = gnutls_privkey_init(&owner);
	if (code == 0)
		code = gnutls_privkey_import_x509_raw(owner, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (code == 0)
		code = gnutls_certificate_set_key(credentials, NULL, 0, shown, (int)count, owner);
	gnutls_free(text.data);
	return code;
}

/* RFC 7250: nothing but the public half. */
static int secure_show_raw(const char *key)
{
	gnutls_pcert_st shown;
	gnutls_pubkey_t public = NULL;
	gnutls_privkey_t owner = NULL;
	gnutls_datum_t text = { NULL, 0 };
	int code = gnutls_load_file(key, &text);

	if (code == 0)
		code = gnutls_privkey_init(&owner);
	if (code == 0)
		code = gnutls_privkey_import_x509_raw(owner, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (code == 0)
		code = gnutls_pubkey_init(&public);
	if (code == 0)
		code = gnutls_pubkey_import_privkey(public, owner, 0, 0);
	if (code == 0)
		code = gnutls_pcert_import_rawpk(&shown, public, 0);
	if (code == 0)
		code = gnutls_certificate_set_key(credentials, NULL, 0, &shown, 1, owner);
	gnutls_free(text.data);
	return code;
}

int secure_init(const struct options *opt)
{
	int code;

	if (opt->security == SECURITY_OFF)
		return 0;
	gnutls_certificate_allocate_credentials(&credentials);
	code = secure_show(opt->cert, opt->key);
	if (code < 0)
		return secure_fail(opt->cert, code);
	code = opt->raw_key ? secure_show_raw(opt->raw_key) : 0;
	if (code < 0)
		return secure_fail(opt->raw_key, code);
	if (opt->client_ca) {
		code = gnutls_certificate_set_x509_trust_file(credentials, opt->client_ca,
			GNUTLS_X509_FMT_PEM);
		if (code < 0)
			return secure_fail(opt->client_ca, code);
	}
	if (opt->ocsp)
		gnutls_certificate_set_ocsp_status_request_function(credentials, secure_response,
			(void *)(uintptr_t)opt->ocsp);
	gnutls_certificate_set_known_dh_params(credentials, GNUTLS_SEC_PARAM_MEDIUM);
	code = gnutls_session_ticket_key_generate(&ticket_key);
	return code < 0 ? secure_fail("ticket key", code) : secure_init_priority(opt);
}

static void secure_report(struct wire *w)
{
	char name[256] = "", *suite = gnutls_session_get_desc(w->tls);
	size_t len = sizeof(name) - 1;
	unsigned type;
	struct buf who = BUF_INIT(0);

	if (gnutls_server_name_get(w->tls, name, &len, &type, 0) < 0)
		name[0] = '\0';
	journal_say(w->number, "TLS", "%s %s sni=%s resumed=%s", secure_version(w),
		suite ? suite : "?", *name ? name : "none",
		gnutls_session_is_resumed(w->tls) ? "yes" : "no");
	if (gnutls_certificate_type_get2(w->tls, GNUTLS_CTYPE_SERVER) == GNUTLS_CRT_RAWPK)
		journal_say(w->number, "TLS", "raw public key shown");
	if (secure_identity(w, &who))
		journal_say(w->number, "TLS", "client certificate of %s", buf_text(&who));
	else if (gnutls_certificate_get_peers(w->tls, &type))
		journal_say(w->number, "TLS", "client certificate that is not accepted");
	gnutls_free(suite);
	buf_release(&who);
}

/* Whatever becomes of the handshake.  A client that has none to show sends an empty list:
 * RFC 5246 section 7.4.6, RFC 8446 section 4.4.2. */
static int secure_note_shown(gnutls_session_t session, unsigned type, unsigned when,
	unsigned incoming, const gnutls_datum_t *message)
{
	enum { EMPTY = 4 };
	const struct wire *w = gnutls_session_get_ptr(session);

	(void)type;
	(void)when;
	if (incoming && message->size > EMPTY)
		journal_say(w->number, "SHOWN", "a client certificate");
	return 0;
}

static int secure_refuse(struct wire *w, int code)
{
	if (code == GNUTLS_E_FATAL_ALERT_RECEIVED || code == GNUTLS_E_WARNING_ALERT_RECEIVED)
		journal_say(w->number, "TLS", "handshake failed: the client says: %s",
			gnutls_alert_get_name(gnutls_alert_get(w->tls)));
	else
		journal_say(w->number, "TLS", "handshake failed: %s", gnutls_strerror(code));
	gnutls_alert_send_appropriate(w->tls, code);
	w->broken = true;
	w->closed = "in the TLS handshake";
	return -1;
}

int secure_start(struct wire *w)
{
	int code;

	gnutls_init(&w->tls, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL |
		(w->opt->raw_key ? GNUTLS_ENABLE_RAWPK : 0));
	gnutls_priority_set(w->tls, priority);
	gnutls_credentials_set(w->tls, GNUTLS_CRD_CERTIFICATE, credentials);
	gnutls_session_ticket_enable_server(w->tls, &ticket_key);
	gnutls_certificate_server_set_request(w->tls,
		w->opt->client_ca ? GNUTLS_CERT_REQUEST : GNUTLS_CERT_IGNORE);
	gnutls_session_set_ptr(w->tls, w);
	gnutls_handshake_set_hook_function(w->tls, GNUTLS_HANDSHAKE_CERTIFICATE_PKT, GNUTLS_HOOK_POST,
		secure_note_shown);
	gnutls_transport_set_int(w->tls, w->fd);
	do {
		code = gnutls_handshake(w->tls);
		if (code == GNUTLS_E_AGAIN)
			wire_wait(w, gnutls_record_get_direction(w->tls) ? POLLOUT : POLLIN, -1);
	} while (code < 0 && !gnutls_error_is_fatal(code));
	if (code < 0)
		return secure_refuse(w, code);
	secure_report(w);
	return 0;
}

const char *secure_version(const struct wire *w)
{
	return w->tls ? gnutls_protocol_get_name(gnutls_protocol_get_version(w->tls)) : "none";
}

static void secure_names(gnutls_x509_crt_t crt, struct buf *identity)
{
	char name[256];
	size_t len = sizeof(name) - 1;
	int type = gnutls_x509_crt_get_subject_alt_name(crt, 0, name, &len, NULL);

	if (type != GNUTLS_SAN_RFC822NAME) {
		len = sizeof(name) - 1;
		if (gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name,
				&len) < 0)
			len = 0;
	}
	buf_add(identity, name, len);
}

bool secure_identity(const struct wire *w, struct buf *identity)
{
	unsigned status, count;
	const gnutls_datum_t *chain;
	gnutls_x509_crt_t crt;

	buf_clear(identity);
	if (!w->tls)
		return false;
	chain = gnutls_certificate_get_peers(w->tls, &count);
	if (!chain || !count || gnutls_certificate_verify_peers2(w->tls, &status) < 0 || status)
		return false;
	gnutls_x509_crt_init(&crt);
	if (gnutls_x509_crt_import(crt, &chain[0], GNUTLS_X509_FMT_DER) >= 0)
		secure_names(crt, identity);
	gnutls_x509_crt_deinit(crt);
	return identity->len > 0;
}

int secure_binding(const struct wire *w, const char *type, struct buf *out)
{
	bool newest = w->tls && gnutls_protocol_get_version(w->tls) >= GNUTLS_TLS1_3;
	gnutls_channel_binding_t which;
	gnutls_datum_t data;

	if (!w->tls)
		return -1;
	if (!strcmp(type, "tls-exporter"))
		which = GNUTLS_CB_TLS_EXPORTER;
	else if (!strcmp(type, "tls-unique") && !newest)
		which = GNUTLS_CB_TLS_UNIQUE;   /* RFC 9266 section 3: not with TLS 1.3 */
	else
		return -1;
	if (gnutls_session_channel_binding(w->tls, which, &data) < 0)
		return -1;
	buf_add(out, data.data, data.size);
	gnutls_free(data.data);
	return 0;
}
