/* t/unit/net_tls.c - TLS sessions against a server in the same process: good
 * ones, refused ones, broken ones. */
#include "t/unit/tls_rig.h"

#include "net/chain.h"

static void test_good(const char *priority, const char *version, const char *binding,
	gnutls_channel_binding_t kind)
{
	struct session s;
	enum tls_want want = TLS_DONE;
	gnutls_datum_t theirs = { NULL, 0 };
	const struct tls_facts *facts;
	char data[64], name[64];
	size_t size = sizeof(name);
	unsigned type = 0;

	settings(&s);
	start(&s, "Mail.example.com.", &leaf, priority);
	check_int(s.end, TLS_DONE, "D3: a good server is taken: %s", s.err.text);
	facts = tls_facts(s.tls);
	check_text(facts->version, version, "the version is known");
	check(strstr(facts->cipher, "ECDHE") && strstr(facts->cipher, "AES") &&
		!strpbrk(facts->cipher, "()"), "the cipher is known: %s", facts->cipher);
	check(facts->verified, "it is noted as verified");
	check_text(facts->binding_type, binding, "RFC 9266: the channel binding");
	ZOO_MUST(gnutls_session_channel_binding(s.server.session, kind, &theirs));
	check(theirs.size == facts->binding_len &&
		!memcmp(theirs.data, facts->binding, theirs.size), "is the server's too");
	gnutls_free(theirs.data);
	ZOO_MUST(gnutls_server_name_get(s.server.session, name, &size, &type, 0));
	check_text(name, "Mail.example.com", "SNI has no trailing dot");
	check_int(gnutls_session_is_resumed(s.server.session), 0, "nothing is resumed");

	check_int(tls_read(s.tls, data, sizeof(data), &want, &s.err), 0, "nothing to read yet");
	check_int(want, TLS_WANT_READ, "it waits for the server");
	check_int(tls_write(s.tls, "EHLO x\r\n", 8, &want, &s.err), 8, "a line is written");
	check_int(gnutls_record_recv(s.server.session, data, sizeof(data)), 8, "and arrives");
	check(!memcmp(data, "EHLO x\r\n", 8), "as it was");
	check_int(gnutls_record_send(s.server.session, "250 hello\r\n", 11), 11, "it answers");
	check_int(tls_read(s.tls, data, 4, &want, &s.err), 4, "which is read in part");
	check(tls_pending(s.tls), "the rest waits inside");
	check_int(tls_read(s.tls, data, sizeof(data), &want, &s.err), 7, "and is read");
	check(!tls_pending(s.tls), "nothing waits");
	gnutls_bye(s.server.session, GNUTLS_SHUT_WR);
	check_int(tls_read(s.tls, data, sizeof(data), &want, &s.err), -1, "the server says goodbye");
	check_int(want, TLS_CLOSED, "that is closed");
	check_int(s.err.kind, ERR_LOST, "and told as lost to who needed more");
	tls_bye(s.tls);
	check_int(gnutls_record_recv(s.server.session, data, sizeof(data)), 0, "our goodbye arrives");
	stop(&s);
}

static void test_cut_off(void)
{
	struct session s;
	enum tls_want want = TLS_DONE;
	char data[64];

	settings(&s);
	start(&s, "mail.example.com", &leaf, NULL);
	close(s.server.fd);
	s.server.fd = -1;
	check_int(tls_read(s.tls, data, sizeof(data), &want, &s.err), -1, "closed without notice");
	check_int(want, TLS_CLOSED, "is closed too (B6)");
	check_int(tls_write(s.tls, "QUIT\r\n", 6, &want, &s.err), -1, "writing then fails");
	check_int(want, TLS_FAILED, "for good");
	check_int(s.err.kind, ERR_LOST, "ERR_LOST: %s", s.err.text);
	stop(&s);
}

static void test_unverified(void)
{
	static const struct recipe recipe = { .cn = "x", .dns = { "mail.example.net" } };
	struct identity id = zoo_make(&recipe, NULL);
	struct session s;

	settings(&s);
	s.set.verify = false;
	start(&s, "mail.example.com", &id, NULL);
	check_int(s.end, TLS_DONE, "tls_verify = no takes a self-signed one for another name");
	check(!tls_facts(s.tls)->verified, "but does not call it verified");
	stop(&s);
	zoo_free(&id);
}

static void test_name_sent(void)
{
	static char other[] = "mail.example.com";
	char name[64] = "";
	size_t size = sizeof(name);
	struct session s;
	unsigned type = 0;

	settings(&s);
	s.set.host = other;
	start(&s, "localhost", &leaf, NULL);
	check_int(s.end, TLS_DONE, "tls_host stands in for host");
	ZOO_MUST(gnutls_server_name_get(s.server.session, name, &size, &type, 0));
	check_text(name, "mail.example.com", "also in SNI");
	stop(&s);

	settings(&s);
	start(&s, "m\303\274nchen.example", &leaf, NULL);
	size = sizeof(name);
	ZOO_MUST(gnutls_server_name_get(s.server.session, name, &size, &type, 0));
	check_text(name, "xn--mnchen-3ya.example", "a name beyond ASCII is sent as A-label");
	check_text(s.err.text, "the certificate of xn--mnchen-3ya.example is refused: "
		"it is for mail.example.com, not for xn--mnchen-3ya.example", "and verified so");
	stop(&s);

	settings(&s);
	start(&s, "[192.0.2.1]", &leaf, NULL);
	size = sizeof(name);
	check(gnutls_server_name_get(s.server.session, name, &size, &type, 0) < 0,
		"RFC 6066: no SNI for an address");
	stop(&s);
}

static void with_pin(const char *pin, const struct identity *id, const char *host,
	struct session *s)
{
	char *pins[1] = { mem_string(pin) };

	settings(s);
	s->set.pins = (struct key_list){ pins, 1 };
	start(s, host, id, NULL);
	stop(s);
	free(pins[0]);
}

static void hex(const unsigned char *digest, char *out, const char *between)
{
	size_t len = 0;

	for (int i = 0; i < PIN_OCTETS; i++)
		len += (size_t)snprintf(out + len, 128 - len, "%s%02X", i ? between : "",
			digest[i]);
}

static void test_pins(void)
{
	static const struct recipe bad = { .cn = "x", .dns = { "bridge.example" }, .to = 2021 };
	static const char zeros[] =
		"spki:0000000000000000000000000000000000000000000000000000000000000000";
	struct identity id = zoo_make(&bad, NULL);
	unsigned char key[PIN_OCTETS], cert[PIN_OCTETS];
	size_t size = PIN_OCTETS;
	char text[256], digits[128], want[512], seen[128];
	struct session s;

	ZOO_MUST(gnutls_x509_crt_get_key_id(id.crt, GNUTLS_KEYID_USE_SHA256, key, &size));
	size = PIN_OCTETS;
	ZOO_MUST(gnutls_x509_crt_get_fingerprint(id.crt, GNUTLS_DIG_SHA256, cert, &size));

	hex(key, digits, "");
	snprintf(text, sizeof(text), "spki:%s", digits);
	with_pin(text, &id, "127.0.0.1", &s);
	check_int(s.end, TLS_DONE, "a pinned key is enough: self-signed, expired, another name");
	with_pin(digits, &id, "127.0.0.1", &s);
	check_int(s.end, TLS_DONE, "bare digits, of the key");
	snprintf(text, sizeof(text), "cert:%s", digits);
	with_pin(text, &id, "127.0.0.1", &s);
	check_int(s.end, TLS_FAILED, "the key's digest is not the certificate's");
	hex(cert, digits, ":");
	snprintf(text, sizeof(text), "CERT:%s", digits);
	with_pin(text, &id, "127.0.0.1", &s);
	check_int(s.end, TLS_DONE, "a pinned certificate, with colons");
	with_pin(digits, &id, "127.0.0.1", &s);
	check_int(s.end, TLS_DONE, "bare digits, of the certificate");

	with_pin(zeros, &id, "bridge.example", &s);
	hex(key, digits, "");
	for (char *p = digits; *p; p++)
		*p = (char)(*p >= 'A' ? *p + 32 : *p);
	snprintf(want, sizeof(want), "the key of bridge.example is not the pinned one: "
		"expected %s, seen spki:%s", zeros, digits);
	check_int(s.end, TLS_FAILED, "another key is refused");
	check_int(s.err.kind, ERR_CERT, "ERR_CERT");
	check_text(s.err.text, want, "naming both");
	check_text(s.err.cause, "pin-mismatch", "with its cause");
	check(!strstr(s.err.hint, digits), "the line to paste is not offered for just any key");

	with_pin(zeros, &leaf, "mail.example.com", &s);
	size = PIN_OCTETS;
	ZOO_MUST(gnutls_x509_crt_get_key_id(leaf.crt, GNUTLS_KEYID_USE_SHA256, key, &size));
	hex(key, seen, "");
	for (char *p = seen; *p; p++)
		*p = (char)(*p >= 'A' ? *p + 32 : *p);
	snprintf(want, sizeof(want), "the new certificate is valid otherwise; if the server "
		"changed its key, set tls_pin = spki:%s", seen);
	check_int(s.end, TLS_FAILED, "also that of a server that is good otherwise");
	check_text(s.err.hint, want, "then the line to paste is offered");
	zoo_free(&id);
}

static void test_pin_texts(void)
{
	static const char d[] = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";
	char text[256];
	struct pin pin;
	struct err e;

	for (size_t len = 0; len < sizeof(d) - 1; len++) {
		snprintf(text, sizeof(text), "%.*s", (int)len, d);
		if (pin_parse(text, &pin, &e) == 0)
			check(false, "a pin cut at %zu is taken", len);
	}
	check_int(pin_parse(d, &pin, &e), 0, "64 digits");
	check(pin.of_cert && pin.of_key && pin.digest[1] == 0x11 && pin.digest[31] == 0xff,
		"of key or certificate");
	check_int(pin_parse("sha256//ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8=", &pin, &e), 0,
		"base64");
	check(pin.of_key && !pin.of_cert && pin.digest[1] == 0x11 && pin.digest[31] == 0xff,
		"of the key");
	snprintf(text, sizeof(text), "%s0", d);
	check_int(pin_parse(text, &pin, &e), -1, "65 digits");
	snprintf(text, sizeof(text), "%s:", d);
	check_int(pin_parse(text, &pin, &e), -1, "a colon at the end");
	snprintf(text, sizeof(text), ":%s", d);
	check_int(pin_parse(text, &pin, &e), -1, "a colon at the start");
	snprintf(text, sizeof(text), "0:0%s", d + 2);
	check_int(pin_parse(text, &pin, &e), -1, "a colon inside an octet");
	check_int(pin_parse("sha256//AAAA", &pin, &e), -1, "short base64");
	check_int(pin_parse("md5:00112233445566778899aabbccddeeff", &pin, &e), -1, "another digest");
	check(e.kind == ERR_CONFIG && !strncmp(e.text, "tls_pin: 'md5:", 14) && e.hint[0],
		"ERR_CONFIG with what to write: %s", e.hint);
}

static void test_settings(void)
{
	static char bad_pin[] = "spki:12", cert[] = "/c.pem", relative[] = "ca.pem";
	static char system_word[] = "system", path[] = "/etc/ca.pem", bad_host[] = "a b";
	static char pin[] = "0000000000000000000000000000000000000000000000000000000000000000";
	char *items[2] = { system_word, path };
	struct tls_settings set = { .verify = true, .ca_files = { items, 2 } };
	struct err e = { 0 };

	check_int(tls_settings_check(&set, &e), 0, "a good set");
	items[1] = relative;
	check_int(tls_settings_check(&set, &e), -1, "a relative path: %s", e.text);
	set = (struct tls_settings){ .verify = true, .cert = cert };
	check_int(tls_settings_check(&set, &e), -1, "a certificate without a key");
	check_text(e.text, "tls_cert is set without tls_key: a client certificate needs both",
		"says so");
	set = (struct tls_settings){ .verify = true, .key = cert };
	check_int(tls_settings_check(&set, &e), -1, "a key without a certificate");
	set = (struct tls_settings){ .verify = true, .key = cert, .cert = cert };
	check_int(tls_settings_check(&set, &e), 0, "both");
	set = (struct tls_settings){ .verify = true, .host = bad_host };
	check_int(tls_settings_check(&set, &e), -1, "a bad tls_host: %s", e.text);
	items[0] = bad_pin;
	set = (struct tls_settings){ .verify = true, .pins = { items, 1 } };
	check_int(tls_settings_check(&set, &e), -1, "a bad pin");
	items[0] = pin;
	check_int(tls_settings_check(&set, &e), 0, "a good pin");
	set.verify = false;
	check_int(tls_settings_check(&set, &e), -1, "a pin and tls_verify = no");
	check_int(e.kind, ERR_CONFIG, "all of them ERR_CONFIG");
}

static void test_old_server(void)
{
	struct session s;

	settings(&s);
	start(&s, "mail.example.com", &leaf, "NORMAL:-VERS-ALL:+VERS-TLS1.1:%VERIFY_ALLOW_BROKEN");
	check_int(s.end, TLS_FAILED, "D4: a server with TLS 1.1 only is refused");
	check_int(s.err.kind, ERR_TLS, "ERR_TLS");
	check_text(s.err.text, "the TLS handshake with mail.example.com failed: the server has "
		"neither TLS 1.3 nor TLS 1.2, and older ones are not safe (it answers with TLS 1.1)",
		"in words");
	check_text(s.err.cause, "tls-too-old", "its cause");
	stop(&s);
}

static void test_no_cipher(void)
{
	struct session s;

	settings(&s);
	start(&s, "mail.example.com", &leaf,
		"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+NULL:-MAC-ALL:+SHA256:+SHA1");
	check_int(s.end, TLS_FAILED, "D4: null suites only: %s", s.err.text);
	check(s.err.kind == ERR_TLS && strstr(s.err.text, "no cipher"), "ERR_TLS");
	stop(&s);
}

static void test_anonymous(void)
{
	gnutls_anon_server_credentials_t anon;
	struct session s;
	int pair[2];

	settings(&s);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
		return;
	s.fd = pair[0];
	server_open(&s.server, pair[1], &leaf,
		"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ANON-ECDH:+ANON-DH");
	ZOO_MUST(gnutls_anon_allocate_server_credentials(&anon));
	ZOO_MUST(gnutls_credentials_set(s.server.session, GNUTLS_CRD_ANON, anon));
	s.trust = tls_trust_load(&s.set, &s.err);
	s.tls = tls_new(s.fd, "mail.example.com", &s.set, s.trust, &s.err);
	s.end = shake(s.tls, &s.server, &s.err);
	check_int(s.end, TLS_FAILED, "D4: anonymous suites only: %s", s.err.text);
	stop(&s);
	gnutls_anon_free_server_credentials(anon);
}

/* The server's side is octets only. */
static void say(const char *data, size_t len, bool close_it, struct err *e, enum tls_want *end)
{
	struct session s;
	char hello[4096];
	int pair[2];

	settings(&s);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return;
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	s.trust = tls_trust_load(&s.set, e);
	s.tls = tls_new(pair[0], "mail.example.com", &s.set, s.trust, e);
	*end = tls_handshake(s.tls, e);
	check_int(*end, TLS_WANT_READ, "C1: a silent server is waited for, not hung on");
	/* What is not read makes closing a reset. */
	if (read(pair[1], hello, sizeof(hello)) <= 0)
		printf("# no hello\n");
	if (write(pair[1], data, len) != (ssize_t)len)
		printf("# short write\n");
	if (close_it)
		close(pair[1]);
	*end = tls_handshake(s.tls, e);
	tls_free(&s.tls);
	tls_trust_free(&s.trust);
	close(pair[0]);
	if (!close_it)
		close(pair[1]);
}

static void test_no_tls(void)
{
	static const char greeting[] = "220 mail.example.com ESMTP \033[31mhello\r\n250 more\r\n";
	static const char early[] = "554 5.5.0 Error: SMTP protocol synchronization\r\n";
	static const char no[] = "502 5.5.1 no\r\n";
	static const char alert[] = "\x15\x03\x03\x00\x02\x02\x28";
	static const char old_hello[] = "\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01"
		"0123456789abcdef0123456789abcdef\x00\x00\x2f\x00";
	struct err e;
	enum tls_want end;

	say(greeting, sizeof(greeting) - 1, false, &e, &end);
	check_int(end, TLS_FAILED, "a server that greets in clear");
	check_int(e.kind, ERR_TLS, "ERR_TLS");
	check_text(e.text, "the TLS handshake with mail.example.com failed: the server speaks plain "
		"SMTP here: \"220 mail.example.com ESMTP \\x1b[31mhello\"", "E4: is quoted, cleaned");
	check(strstr(e.hint, "tls = starttls"), "with the next step");
	check_text(e.cause, "plain-smtp-here", "its cause");
	say(early, sizeof(early) - 1, true, &e, &end);
	check_text(e.cause, "plain-smtp-here", "one that complains of who speaks first: %s", e.text);
	say(no, sizeof(no) - 1, true, &e, &end);
	check_text(e.text, "the TLS handshake with mail.example.com failed: the server speaks clear "
		"text here: \"502 5.5.1 no\"", "D1: one that goes on in clear behind STARTTLS");
	check_text(e.hint, "", "has no such next step");
	say("", 0, true, &e, &end);
	check_int(end, TLS_FAILED, "a server that closes");
	check_int(e.kind, ERR_LOST, "ERR_LOST");
	check_text(e.text, "mail.example.com closed the connection during the TLS handshake",
		"in words");
	say(alert, sizeof(alert) - 1, false, &e, &end);
	check_int(e.kind, ERR_TLS, "a server that sends an alert: %s", e.text);
	check(strstr(e.text, "no cipher or key exchange that both sides have"), "in words");
	check_text(e.cause, "tls-nothing-in-common", "its cause");
	say(old_hello, sizeof(old_hello) - 1, false, &e, &end);
	check(end == TLS_FAILED && strstr(e.text, "neither TLS 1.3 nor TLS 1.2"),
		"D4: a server that answers with TLS 1.0");
	check_text(e.cause, "tls-too-old", "its cause");
	say("\0\1\2\3\4\5\6\7\10", 9, false, &e, &end);
	check_int(end, TLS_FAILED, "rubbish: %s", e.text);
	check_text(e.cause, "tls-not-tls", "its cause");
	say("2", 1, false, &e, &end);
	check_int(end, TLS_WANT_READ, "one octet is waited on for more");
}

/* One octet at a time in both directions: never hangs, and succeeds. */
static void test_drip(void)
{
	struct session s;
	int ours[2], theirs[2];
	enum tls_want want = TLS_WANT_WRITE;
	int rc = GNUTLS_E_AGAIN;
	unsigned rounds = 0;
	char c;

	settings(&s);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ours) < 0 ||
			socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, theirs) < 0)
		return;
	s.fd = ours[0];
	server_open(&s.server, theirs[1], &leaf, NULL);
	s.trust = tls_trust_load(&s.set, &s.err);
	s.tls = tls_new(s.fd, "mail.example.com", &s.set, s.trust, &s.err);
	for (; rounds < 20000 && (want > 0 || rc == GNUTLS_E_AGAIN); rounds++) {
		if (want > 0)
			want = tls_handshake(s.tls, &s.err);
		if (rc == GNUTLS_E_AGAIN)
			rc = gnutls_handshake(s.server.session);
		if (read(ours[1], &c, 1) == 1 && write(theirs[0], &c, 1) != 1)
			break;
		if (read(theirs[0], &c, 1) == 1 && write(ours[1], &c, 1) != 1)
			break;
	}
	check_int(want, TLS_DONE, "C1: a handshake octet by octet, in %u rounds: %s", rounds,
		s.err.text);
	stop(&s);
	close(ours[1]);
	close(theirs[0]);
}

static char *write_pem(const char *name, const struct identity *id, bool key, mode_t mode)
{
	char *path = file_of(name);
	FILE *f = fopen(path, "w");

	if (key)
		zoo_write_key(f, id->key);
	else
		zoo_write_cert(f, id->crt);
	fclose(f);
	chmod(path, mode);
	return path;
}

static void test_client_certificate(void)
{
	static const struct recipe me = { .cn = "me", .purpose = GNUTLS_KP_TLS_WWW_CLIENT };
	struct identity id = zoo_make(&me, &root);
	char *cert = write_pem("me.pem", &id, false, 0644), *key = write_pem("me.key", &id, true, 0600);
	struct session s;
	unsigned count = 0;
	char want[300], data[8];
	enum tls_want wanted = TLS_DONE;
	struct err e = { 0 };

	settings(&s);
	s.set.cert = cert;
	s.set.key = key;
	start(&s, "mail.example.com", &leaf, NULL);
	check_int(s.end, TLS_DONE, "a client certificate that nobody asks for does no harm");
	stop(&s);

	for (int with = 0; with < 2; with++) {
		int pair[2], rc = GNUTLS_E_AGAIN;

		settings(&s);
		s.set.cert = with ? cert : NULL;
		s.set.key = with ? key : NULL;
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
			return;
		s.fd = pair[0];
		server_open(&s.server, pair[1], &leaf, NULL);
		gnutls_certificate_server_set_request(s.server.session, GNUTLS_CERT_REQUIRE);
		s.trust = tls_trust_load(&s.set, &s.err);
		s.tls = tls_new(s.fd, "mail.example.com", &s.set, s.trust, &s.err);
		s.end = TLS_WANT_WRITE;
		for (int i = 0; i < 20 && rc == GNUTLS_E_AGAIN; i++) {
			if (s.end > 0)
				s.end = tls_handshake(s.tls, &s.err);
			rc = gnutls_handshake(s.server.session);
		}
		check_int(s.end, TLS_DONE, "the handshake as the client sees it");
		if (with) {
			check_int(rc, 0, "the server has got the certificate");
			check(gnutls_certificate_get_peers(s.server.session, &count) && count == 1,
				"one");
		} else {
			gnutls_alert_send_appropriate(s.server.session, rc);
			check_int(tls_read(s.tls, data, sizeof(data), &wanted, &s.err), -1,
				"without one, the first reading fails");
			check(s.err.kind == ERR_TLS && strstr(s.err.text, "wants a client certificate")
				&& strstr(s.err.hint, "tls_cert"), "in words: %s", s.err.text);
			check_text(s.err.cause, "client-certificate-wanted", "its cause");
		}
		stop(&s);
	}

	chmod(key, 0644);
	settings(&s);
	s.set.cert = cert;
	s.set.key = key;
	s.tls = tls_new(0, "mail.example.com", &s.set, NULL, &e);
	check(!s.tls && e.kind == ERR_CONFIG, "D10: a key that others can read is refused");
	snprintf(want, sizeof(want), "tls_key: '%s' holds a secret and can be read by other users "
		"(mode 0644)", key);
	check_text(e.text, want, "naming it");
	chmod(key, 0600);
	s.set.key = cert;
	chmod(cert, 0600);
	s.tls = tls_new(0, "mail.example.com", &s.set, NULL, &e);
	check(!s.tls && e.kind == ERR_CONFIG, "a file that holds no key: %s", e.text);
	unlink(cert);
	unlink(key);
	free(cert);
	free(key);
	zoo_free(&id);
}

/* Who has a copy of the server's certificate and not its key, and asks for ours. */
static void meet_impostor(struct session *s, const char *cert, const char *key, const char *priority)
{
	gnutls_x509_crt_t chain[] = { leaf.crt };
	int pair[2];

	settings(s);
	s->set.cert = (char *)(uintptr_t)cert;
	s->set.key = (char *)(uintptr_t)key;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
		return;
	s->fd = pair[0];
	server_open(&s->server, pair[1], &leaf, priority);
	gnutls_certificate_free_credentials(s->server.cred);
	ZOO_MUST(gnutls_certificate_allocate_credentials(&s->server.cred));
	gnutls_certificate_set_flags(s->server.cred, GNUTLS_CERTIFICATE_SKIP_KEY_CERT_MATCH);
	ZOO_MUST(gnutls_certificate_set_x509_key(s->server.cred, chain, 1, issuers[STRANGER].key));
	ZOO_MUST(gnutls_credentials_set(s->server.session, GNUTLS_CRD_CERTIFICATE, s->server.cred));
	gnutls_certificate_server_set_request(s->server.session, GNUTLS_CERT_REQUIRE);
	s->trust = tls_trust_load(&s->set, &s->err);
	s->tls = tls_new(s->fd, "mail.example.com", &s->set, s->trust, &s->err);
	s->end = s->tls ? shake(s->tls, &s->server, &s->err) : TLS_FAILED;
}

static void test_impostor(void)
{
	static const struct recipe me = { .cn = "me", .purpose = GNUTLS_KP_TLS_WWW_CLIENT };
	static const char *const priorities[] = { tls12, "NORMAL:-VERS-ALL:+VERS-TLS1.3" };
	struct identity id = zoo_make(&me, &root);
	char *cert = write_pem("me.pem", &id, false, 0644), *key = write_pem("me.key", &id, true, 0600);
	struct tls_chain c;
	struct session s;
	unsigned count;

	for (size_t i = 0; i < COUNT(priorities); i++) {
		meet_impostor(&s, cert, key, priorities[i]);
		check_int(s.end, TLS_FAILED, "a certificate without its key is refused: %s", s.err.text);
		check_int(s.err.kind, ERR_TLS, "as a handshake that failed");
		gnutls_handshake(s.server.session);   /* takes in whatever else has come */
		check(!gnutls_certificate_get_peers(s.server.session, &count), "our certificate is not shown");
		check(!tls_facts(s.tls)->verified, "and nobody is called verified");
		check_text(tls_facts(s.tls)->warning, "", "nor is anything said of him");
		if (tls_chain_read(s.tls, &c) == 0) {
			check_int(c.by, CHAIN_NOT, "nor trusted");
			tls_chain_release(&c);
		}
		stop(&s);
	}
	unlink(cert);
	unlink(key);
	free(cert);
	free(key);
	zoo_free(&id);
}

/* By the interface that sessions use: in clear first, then with TLS, and more
 * than the socket takes at once. */
static void test_conn(void)
{
	enum { MUCH = 3 << 20 };
	struct session s;
	struct conn c;
	char *much = mem_alloc(MUCH), *back = mem_alloc(MUCH);
	size_t count, sent = 0, got = 0;
	enum conn_result result = CONN_AGAIN;
	int pair[2], rc = GNUTLS_E_AGAIN;
	short events = 0;

	settings(&s);
	for (size_t i = 0; i < MUCH; i++)
		much[i] = (char)(i * 31 >> 3);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
		return;
	conn_init(&c, pair[0]);
	check_int(conn_read(&c, back, 10, &count, &events, &s.err), CONN_AGAIN, "clear: nothing yet");
	check_int(events, POLLIN, "waits to read");
	check(write(pair[1], "220 hi\r\n", 8) == 8, "the server greets");
	check_int(conn_read(&c, back, 100, &count, &events, &s.err), CONN_OK, "clear: read");
	check_int(count, 8, "all of it");
	check_int(conn_write(&c, "STARTTLS\r\n", 10, &count, &events, &s.err), CONN_OK,
		"clear: written");
	check(count == 10 && read(pair[1], back, 100) == 10, "all of it");

	s.trust = tls_trust_load(&s.set, &s.err);
	check_int(conn_tls(&c, "mail.example.com", &s.set, s.trust, &s.err), 0, "TLS begins");
	server_open(&s.server, pair[1], &leaf, NULL);
	for (int i = 0; i < 20 && (result == CONN_AGAIN || rc == GNUTLS_E_AGAIN); i++) {
		if (result == CONN_AGAIN)
			result = conn_handshake(&c, &events, &s.err);
		rc = gnutls_handshake(s.server.session);
	}
	check_int(result, CONN_OK, "the handshake is done");
	for (int i = 0; i < 100000 && got < MUCH; i++) {
		ssize_t n;

		if (sent < MUCH) {
			result = conn_write(&c, much + sent, MUCH - sent, &count, &events, &s.err);
			if (result == CONN_AGAIN && events != POLLOUT)
				break;
			if (result < 0)
				break;
			sent += count;
		}
		n = gnutls_record_recv(s.server.session, back + got, MUCH - got);
		if (n > 0)
			got += (size_t)n;
	}
	check(got == MUCH && !memcmp(much, back, MUCH), "A8: 3 MB through a full socket, unchanged");
	gnutls_record_send(s.server.session, "250 ok\r\n", 8);
	check_int(conn_read(&c, back, 3, &count, &events, &s.err), CONN_OK, "TLS: read in part");
	check(conn_pending(&c), "the rest is pending");
	check_int(conn_read(&c, back, 30, &count, &events, &s.err), CONN_OK, "TLS: the rest");
	check_int(conn_read(&c, back, 30, &count, &events, &s.err), CONN_AGAIN, "TLS: no more");
	check_int(events, POLLIN, "waits to read");
	conn_close(&c);
	check(c.fd == -1 && !c.tls, "closed");
	check_int(gnutls_record_recv(s.server.session, back, 10), 0, "with a goodbye");
	server_close(&s.server);
	tls_trust_free(&s.trust);
	free(much);
	free(back);
}

static void test_conn_lost(void)
{
	struct err e = { 0 };
	struct conn c;
	size_t count;
	short events;
	char data[8];
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
		return;
	conn_init(&c, pair[0]);
	close(pair[1]);
	check_int(conn_read(&c, data, sizeof(data), &count, &events, &e), CONN_CLOSED,
		"clear: closed by the server");
	check_int(e.kind, ERR_LOST, "told: %s", e.text);
	check_int(conn_write(&c, "x", 1, &count, &events, &e), CONN_FAILED,
		"clear: writing fails, without a signal");
	check_int(e.sys_errno, EPIPE, "with its errno");
	conn_abort(&c);
	conn_abort(&c);
	check_int(c.fd, -1, "aborted, twice without harm");
}

int main(void)
{
	if (!rig_open())
		return 1;
	test_good(NULL, "TLS1.3", "tls-exporter", GNUTLS_CB_TLS_EXPORTER);
	test_good(tls12, "TLS1.2", "tls-unique", GNUTLS_CB_TLS_UNIQUE);
	test_cut_off();
	test_unverified();
	test_name_sent();
	test_pins();
	test_pin_texts();
	test_settings();
	test_old_server();
	test_no_cipher();
	test_anonymous();
	test_no_tls();
	test_drip();
	test_client_certificate();
	test_impostor();
	test_conn();
	test_conn_lost();
	return rig_close();
}
