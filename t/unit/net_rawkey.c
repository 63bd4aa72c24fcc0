/* t/unit/net_rawkey.c - raw public keys (RFC 7250) of servers: taken by a pin and by nothing
 * else, asked for only where tls_priority says so, and of any octets. */
#include "t/unit/tls_rig.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>

#include "base/codec.h"
#include "net/chain.h"
#include "net/priority.h"

#define ASKS    "NORMAL:+CTYPE-SRV-RAWPK"
#define PREFERS "NORMAL:-CTYPE-SRV-X509"
#define OLD     ":-VERS-TLS1.3"

static const char both[] = "NORMAL:+CTYPE-SRV-RAWPK", first[] = PREFERS ":+CTYPE-SRV-RAWPK";
static struct identity other, rsa;
static char *own_pin, *other_pin;

/* What a server shows. */
struct show {
	const struct identity *id;
	const char *octets;        /* instead of its key; NULL: that */
	size_t len;
	unsigned copies;           /* 0: one */
	bool as_certificate;       /* in the place of a certificate, whether it was asked for or not */
	bool none;                 /* it knows what clients ask for, and has none */
	bool asks;                 /* for a client certificate, raw keys too */
};

/* A key in the place of a certificate, which the library would not let in. */
static gnutls_pcert_st in_place;
static gnutls_privkey_t in_place_owner;

static int show_in_place(gnutls_session_t session, const gnutls_datum_t *names, int name_count,
	const gnutls_pk_algorithm_t *kinds, int kind_count, gnutls_pcert_st **list,
	unsigned *count, gnutls_privkey_t *owner)
{
	(void)session, (void)names, (void)name_count, (void)kinds, (void)kind_count;
	*list = &in_place;
	*count = 1;
	*owner = in_place_owner;
	return 0;
}

static void show_key(struct server *s, const struct show *show)
{
	gnutls_pcert_st list[4];
	unsigned count = show->copies ? show->copies : 1;
	gnutls_privkey_t owner;
	gnutls_pubkey_t public;

	ZOO_MUST(gnutls_privkey_init(&owner));
	ZOO_MUST(gnutls_privkey_import_x509(owner, show->id->key, GNUTLS_PRIVKEY_IMPORT_COPY));
	for (unsigned i = 0; i < count; i++) {
		ZOO_MUST(gnutls_pubkey_init(&public));
		ZOO_MUST(gnutls_pubkey_import_privkey(public, owner, 0, 0));
		ZOO_MUST(gnutls_pcert_import_rawpk(&list[i], public, 0));
		if (show->octets) {
			gnutls_free(list[i].cert.data);
			list[i].cert.data = gnutls_malloc(show->len);
			memcpy(list[i].cert.data, show->octets, show->len);
			list[i].cert.size = (unsigned)show->len;
		}
	}
	if (show->as_certificate) {
		in_place = list[0];
		in_place.type = GNUTLS_CRT_X509;
		in_place_owner = owner;
		gnutls_certificate_set_retrieve_function2(s->cred, show_in_place);
		return;
	}
	ZOO_MUST(gnutls_certificate_set_key(s->cred, NULL, 0, list, (int)count, owner));
}

static void raw_open(struct server *s, int fd, const struct show *show, const char *priority)
{
	gnutls_x509_crt_t chain[1] = { show->id->crt };

	s->fd = fd;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	ZOO_MUST(gnutls_init(&s->session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL |
		GNUTLS_ENABLE_RAWPK));
	ZOO_MUST(gnutls_priority_set_direct(s->session, priority, NULL));
	ZOO_MUST(gnutls_certificate_allocate_credentials(&s->cred));
	if (show->none)
		ZOO_MUST(gnutls_certificate_set_x509_key(s->cred, chain, 1, show->id->key));
	else
		show_key(s, show);
	if (show->asks)
		gnutls_certificate_server_set_request(s->session, GNUTLS_CERT_REQUEST);
	ZOO_MUST(gnutls_credentials_set(s->session, GNUTLS_CRD_CERTIFICATE, s->cred));
	gnutls_transport_set_int(s->session, fd);
}

/* Priority and pins (a list, or NULL) of a client. */
static void client(struct session *s, const char *priority, const char *pins)
{
	static char *items[2];

	settings(s);
	s->set.priority = mem_string(priority);
	free(items[0]);
	free(items[1]);
	items[0] = pins ? mem_copy(pins, strcspn(pins, ",")) : NULL;
	items[1] = pins && strchr(pins, ',') ? mem_string(strchr(pins, ',') + 1) : NULL;
	s->set.pins = (struct key_list){ items, pins ? items[1] ? 2 : 1 : 0 };
}

static void meet(struct session *s, const struct show *show, const char *priority)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return;
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	s->fd = pair[0];
	raw_open(&s->server, pair[1], show, priority);
	s->trust = tls_trust_load(&s->set, &s->err);
	s->tls = tls_new(s->fd, "mail.example.com", &s->set, s->trust, &s->err);
	s->end = s->tls ? shake(s->tls, &s->server, &s->err) : TLS_FAILED;
}

static void part(struct session *s)
{
	stop(s);
	free(s->set.priority);
}

static char *pin_text(const struct identity *id)
{
	unsigned char digest[PIN_OCTETS];
	size_t size = sizeof(digest);
	struct buf pin = BUF_INIT(128);

	ZOO_MUST(gnutls_x509_crt_get_key_id(id->crt, GNUTLS_KEYID_USE_SHA256, digest, &size));
	buf_add_text(&pin, "spki:");
	hex_encode(digest, size, &pin);
	return buf_take(&pin);
}

static void test_taken(const char *priority, const char *server, const char *version)
{
	const struct show show = { .id = &leaf };
	struct tls_chain c;
	struct session s;

	client(&s, priority, own_pin);
	check_int(tls_settings_check(&s.set, &s.err), 0, "%s with a pin is a good set", priority);
	meet(&s, &show, server);
	check_int(s.end, TLS_DONE, "a raw key with the right pin is taken: %s", s.err.text);
	check_text(tls_facts(s.tls)->version, version, "the version");
	check(tls_facts(s.tls)->raw_key, "noted as raw key");
	check(tls_facts(s.tls)->verified, "and as verified");
	check_text(tls_facts(s.tls)->warning, "", "nothing is said to run out");
	check(tls_facts(s.tls)->binding_len > 0, "RFC 9266: logins can be bound to it");
	check_int(gnutls_certificate_type_get2(s.server.session, GNUTLS_CTYPE_SERVER),
		GNUTLS_CRT_RAWPK, "as the server has it");
	check_int(tls_chain_read(s.tls, &c), 0, "it can be told");
	check(c.raw_key.shown && !c.count && !c.root, "there is no chain");
	check_text(c.raw_key.key, "EC/ECDSA", "the kind of key");
	check_int(c.raw_key.bits, 256, "and its size");
	check_text(c.raw_key.pin, own_pin, "the pin is that of a certificate with this key");
	check_int(c.by, CHAIN_BY_PIN, "the pin has decided");
	check_int(c.client_to, -1, "no client certificate");
	tls_chain_release(&c);
	part(&s);
}

static void test_pins(void)
{
	static const char zeros[] =
		"spki:0000000000000000000000000000000000000000000000000000000000000000";
	const struct show show = { .id = &leaf };
	enum tls_want want = TLS_DONE;
	char text[400];
	struct session s;

	client(&s, ASKS, zeros);
	meet(&s, &show, first);
	check_int(s.end, TLS_FAILED, "another key is refused");
	check_int(s.err.kind, ERR_CERT, "ERR_CERT");
	check_text(s.err.cause, "pin-mismatch", "as of certificates");
	snprintf(text, sizeof(text), "the key of mail.example.com is not the pinned one: expected %s, "
		"seen %s, a raw public key", zeros, own_pin);
	check_text(s.err.text, text, "naming both");
	check_text(s.err.hint, "do not trust this server until its operator confirms a new key",
		"and offering nothing to paste");
	check_int(tls_write(s.tls, "AUTH", 4, &want, &s.err), -1, "D1: nothing can be told to it");
	check(!tls_facts(s.tls)->verified, "it is not noted as verified");
	part(&s);

	snprintf(text, sizeof(text), "%s,%s", zeros, own_pin);
	client(&s, ASKS, text);
	meet(&s, &show, first);
	check_int(s.end, TLS_DONE, "a second pin: %s", s.err.text);
	part(&s);
	client(&s, ASKS, own_pin + 5);
	meet(&s, &show, first);
	check_int(s.end, TLS_DONE, "bare digits: %s", s.err.text);
	part(&s);
	snprintf(text, sizeof(text), "cert:%s,%s", own_pin + 5, zeros);
	client(&s, ASKS, text);
	meet(&s, &show, first);
	check_int(s.end, TLS_FAILED, "the digest of a key is no pin of a certificate");
	part(&s);
}

/* A server that shows a certificate all the same, or whichever kind it takes up. */
static void test_certificates(void)
{
	static const struct recipe old = { .cn = "x", .dns = { "other.example" }, .to = 2021 };
	struct identity id = zoo_make(&old, NULL);
	struct show show = { .id = &id, .none = true };
	char *pin = pin_text(&id);
	struct session s;

	client(&s, ASKS, pin);
	start(&s, "mail.example.com", &id, NULL);
	check_int(s.end, TLS_DONE, "a server that knows nothing of it: %s", s.err.text);
	check(!tls_facts(s.tls)->raw_key && tls_facts(s.tls)->verified, "by its certificate's key");
	part(&s);
	client(&s, PREFERS ":+CTYPE-SRV-RAWPK", pin);
	start(&s, "mail.example.com", &id, NULL);
	check_int(s.end, TLS_DONE, "even if only a raw key was asked for: %s", s.err.text);
	part(&s);
	client(&s, ASKS, other_pin);
	start(&s, "mail.example.com", &id, NULL);
	check_text(s.err.cause, "pin-mismatch", "but not another key's");
	part(&s);
	client(&s, ASKS, pin);
	meet(&s, &show, both);
	check_int(s.end, TLS_DONE, "one that has only a certificate: %s", s.err.text);
	check(!tls_facts(s.tls)->raw_key, "shows that");
	part(&s);
	for (int i = 0; i < 2; i++) {
		client(&s, i ? "NORMAL:-CTYPE-ALL:+CTYPE-RAWPK" OLD : "NORMAL:-CTYPE-ALL:+CTYPE-RAWPK", pin);
		meet(&s, &show, both);
		check_int(s.end, TLS_FAILED, "where nothing else was asked for it gives up");
		check_text(s.err.text, "the TLS handshake with mail.example.com failed: the server has no "
			"raw public key, and tls_priority takes nothing else", "told as that");
		check(strstr(s.err.hint, "+CTYPE-SRV-X509") != NULL, "with what would do: %s", s.err.hint);
		part(&s);
	}
	zoo_free(&id);
	free(pin);
}

/* As check and its knocking do: look first, judge afterwards. */
static void test_judge(void)
{
	const struct show show = { .id = &leaf };
	char *pins[1] = { own_pin };
	struct tls_settings strict = { .verify = true, .pins = { pins, 1 },
		.ca_files = { files, 1 } };
	struct err e = { 0 };
	struct tls_trust *trust;
	struct session s;

	client(&s, ASKS, NULL);
	s.set.verify = false;
	meet(&s, &show, first);
	check_int(s.end, TLS_DONE, "let in unseen: %s", s.err.text);
	check(!tls_facts(s.tls)->verified, "and not verified");
	trust = tls_trust_load(&strict, &e);
	check_int(tls_judge(s.tls, "any.example.com", &strict, trust, &e), 0, "good by its pin: %s", e.text);
	pins[0] = other_pin;
	check_int(tls_judge(s.tls, "mail.example.com", &strict, trust, &e), -1, "not by another");
	check_text(e.cause, "pin-mismatch", "as in the handshake");
	strict.pins.count = 0;
	check_int(tls_judge(s.tls, "mail.example.com", &strict, trust, &e), -1, "nor without one");
	check_text(e.text, "mail.example.com shows a raw public key, and no tls_pin says whose it is",
		"in words");
	tls_trust_free(&trust);
	part(&s);
}

/* words: how the refusal begins. */
static void refused(const struct show *show, const char *version, const char *pin,
	const char *words, const char *name)
{
	struct tls_chain c;
	struct session s;
	char *asks = mem_printf("%s%s", show->as_certificate ? "NORMAL" : ASKS, version);

	client(&s, asks, pin);
	meet(&s, show, show->as_certificate ? "NORMAL" : first);
	check_int(s.end, TLS_FAILED, "%s%s: refused", name, version);
	check(s.err.kind == ERR_TLS || s.err.kind == ERR_CERT, "%s: as what it is (%d)", name, s.err.kind);
	check(!strncmp(s.err.text, words, strlen(words)), "%s: %s", name, s.err.text);
	check(!tls_facts(s.tls)->verified, "%s: not verified", name);
	if (tls_chain_read(s.tls, &c) == 0)
		tls_chain_release(&c);
	part(&s);
	free(asks);
}

/* Pinned each time, so that nothing but the handshake stands in its way. */
static void test_hostile(void)
{
	enum { LARGEST = 120000 };   /* the library reads 128 KiB */
	static const size_t sizes[] = { 1, 2, 91, 65535, LARGEST };
	static const char *const versions[] = { "", OLD };
	static const char broken[] = "the TLS handshake with mail.example.com failed: ";
	static const char unreadable[] = "the raw public key of mail.example.com cannot be read: ";
	char *octets = mem_alloc(LARGEST), *pin;
	unsigned char digest[PIN_OCTETS];
	gnutls_datum_t der = { NULL, 0 };
	gnutls_pubkey_t key;
	char name[60];

	memset(octets, 0x30, LARGEST);
	ZOO_MUST(gnutls_pubkey_init(&key));
	ZOO_MUST(gnutls_pubkey_import_x509(key, other.crt, 0));
	ZOO_MUST(gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, &der));
	for (size_t v = 0; v < COUNT(versions); v++) {
		struct show show = { .id = &leaf, .octets = (const char *)der.data, .len = der.size };

		refused(&show, versions[v], other_pin, broken, "the key of somebody else");
		show.len--;
		refused(&show, versions[v], other_pin, unreadable, "half a key");
		show.octets = octets;
		for (size_t i = 0; i < COUNT(sizes); i++) {
			struct buf text = BUF_INIT(128);

			ZOO_MUST(gnutls_hash_fast(GNUTLS_DIG_SHA256, octets, sizes[i], digest));
			hex_encode(digest, PIN_OCTETS, &text);
			pin = buf_take(&text);
			show.len = sizes[i];
			snprintf(name, sizeof(name), "%zu octets", sizes[i]);
			refused(&show, versions[v], pin, unreadable, name);
			free(pin);
		}
		show = (struct show){ .id = &leaf, .as_certificate = true };
		refused(&show, versions[v], own_pin, broken, "a raw key that nobody asked for");
		gnutls_pcert_deinit(&in_place);
		gnutls_privkey_deinit(in_place_owner);
	}
	refused(&(struct show){ .id = &leaf, .copies = 2 }, "", own_pin, "mail.example.com showed 2 raw "
		"public keys", "two keys");
	gnutls_free(der.data);
	gnutls_pubkey_deinit(key);
	free(octets);
}

/* The types that an extension of our hello lists, as "0 2"; NULL: it is not there. */
static char *hello_types(const char *priority, unsigned extension)
{
	unsigned char hello[4096];
	struct session s;
	int pair[2];
	size_t at, end, n;
	char *found = NULL;

	client(&s, priority, own_pin);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return NULL;
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	s.trust = tls_trust_load(&s.set, &s.err);
	s.tls = tls_new(pair[0], "mail.example.com", &s.set, s.trust, &s.err);
	check_int(tls_handshake(s.tls, &s.err), TLS_WANT_READ, "%s: a hello is sent", priority);
	n = (size_t)recv(pair[1], hello, sizeof(hello), 0);
	/* RFC 8446 section 4.1.2, behind the headers of record and message. */
	at = 5 + 4 + 2 + 32;
	at += 1u + hello[at];
	at += 2u + (hello[at] << 8 | hello[at + 1]);
	at += 1u + hello[at];
	end = at + 2u + (hello[at] << 8 | hello[at + 1]);
	check_int(end, n, "which is whole");
	for (at += 2; at + 4 <= end; at += 4u + (hello[at + 2] << 8 | hello[at + 3])) {
		if ((unsigned)(hello[at] << 8 | hello[at + 1]) != extension)
			continue;
		found = mem_string("");
		for (unsigned i = 0; i < hello[at + 4]; i++) {
			char *more = mem_printf("%s%s%u", found, i ? " " : "", hello[at + 5 + i]);

			free(found);
			found = more;
		}
	}
	tls_free(&s.tls);
	tls_trust_free(&s.trust);
	free(s.set.priority);
	close(pair[0]);
	close(pair[1]);
	return found;
}

/* What is asked for on the wire: of servers, and never by ourselves. */
static void test_asked(void)
{
	enum { CLIENT_TYPE = 19, SERVER_TYPE = 20 };   /* RFC 7250 section 7 */
	static const struct {
		const char *priority, *types;
		int proofs;
	} table[] = {
		{ "NORMAL", NULL, PRIORITY_X509 },
		{ "NORMAL:+CTYPE-ALL", NULL, PRIORITY_X509 },
		{ "NORMAL:+CTYPE-SRV-ALL", NULL, PRIORITY_X509 },
		{ ASKS ":-CTYPE-SRV-RAWPK", NULL, PRIORITY_X509 },
		{ ASKS ":!CTYPE-ALL:+CTYPE-X509", NULL, PRIORITY_X509 },
		{ ASKS, "0 2", PRIORITY_X509 | PRIORITY_RAW_KEY },
		{ "NORMAL:+ctype-srv-rawpk", "0 2", PRIORITY_X509 | PRIORITY_RAW_KEY },
		{ "NORMAL:+CTYPE-RAWPK", "0 2", PRIORITY_X509 | PRIORITY_RAW_KEY },
		{ "NORMAL:-CTYPE-ALL:+CTYPE-RAWPK", "2", PRIORITY_RAW_KEY },
		{ "NORMAL:-CTYPE-ALL:+CTYPE-RAWPK:+CTYPE-SRV-X.509", "2 0",
			PRIORITY_X509 | PRIORITY_RAW_KEY },
		{ PREFERS ":+CTYPE-SRV-RAWPK", "2", PRIORITY_RAW_KEY },
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		char *of_server = hello_types(table[i].priority, SERVER_TYPE);
		char *ours = hello_types(table[i].priority, CLIENT_TYPE);
		struct tls_settings set = { .priority = (char *)(uintptr_t)table[i].priority };

		check_text(of_server, table[i].types, "asked of the server");
		check_text(ours, NULL, "a client shows certificates only");
		check_int(priority_proofs(&set), table[i].proofs, "and that is known");
		free(of_server);
		free(ours);
	}
}

static void test_settings(void)
{
	static const struct {
		const char *priority, *pins, *words;
	} table[] = {
		{ ASKS, NULL, "tls_priority asks for raw public keys, and no tls_pin says which is the "
			"server's" },
		{ ASKS, "cert:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
			"tls_priority asks for raw public keys, and no tls_pin is of a key" },
		{ "NORMAL:+CTYPE-CLI-RAWPK",
			"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
			"tls_priority asks for CTYPE-CLI-RAWPK: a client shows its certificate here, never a "
			"raw public key" },
	};
	struct session s;

	for (size_t i = 0; i < COUNT(table); i++) {
		client(&s, table[i].priority, table[i].pins);
		check_int(tls_settings_check(&s.set, &s.err), -1, "%s: refused", table[i].priority);
		check_int(s.err.kind, ERR_CONFIG, "as a setting");
		check_text(s.err.text, table[i].words, "in words");
		check(s.err.hint[0], "with the next step: %s", s.err.hint);
		free(s.set.priority);
	}
	client(&s, "NORMAL:+CTYPE-ALL", NULL);
	check_int(tls_settings_check(&s.set, &s.err), 0, "all that there is asks for none by name");
	free(s.set.priority);
	client(&s, ASKS, "sha256//ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8=");
	check_int(tls_settings_check(&s.set, &s.err), 0, "base64 is of a key");
	free(s.set.priority);
}

/* Whatever is asked of the server, our own proof is a certificate. */
static void test_client(const char *version)
{
	const struct show show = { .id = &leaf, .asks = true };
	char *crt = file_of("client.pem"), *key = file_of("client.key");
	char *asks = mem_printf("NORMAL:+CTYPE-RAWPK%s", version);
	struct tls_chain c;
	struct session s;
	unsigned count = 0;
	FILE *f = fopen(crt, "w");

	zoo_write_cert(f, rsa.crt);
	fclose(f);
	f = fopen(key, "w");
	fchmod(fileno(f), 0600);
	zoo_write_key(f, rsa.key);
	fclose(f);
	client(&s, asks, own_pin);
	s.set.cert = crt;
	s.set.key = key;
	meet(&s, &show, "NORMAL:-CTYPE-SRV-X509:+CTYPE-RAWPK");
	check_int(s.end, TLS_DONE, "with a client certificate: %s", s.err.text);
	for (int i = 0; i < 10; i++)   /* TLS 1.3: ours is seen last */
		gnutls_handshake(s.server.session);
	check(tls_facts(s.tls)->raw_key, "the server has shown a raw key");
	check_int(gnutls_certificate_type_get2(s.server.session, GNUTLS_CTYPE_CLIENT), GNUTLS_CRT_X509,
		"and the client a certificate");
	check(gnutls_certificate_get_peers(s.server.session, &count) && count == 1, "which arrived");
	check_int(tls_chain_read(s.tls, &c), 0, "it can be told");
	check_int(c.client_to, zoo_date(2099), "with the end of our certificate");
	tls_chain_release(&c);
	part(&s);
	unlink(crt);
	unlink(key);
	free(crt);
	free(key);
	free(asks);
}

int main(void)
{
	if (!rig_open())
		return 1;
	other = zoo_make(&(struct recipe){ .cn = "other" }, NULL);
	rsa = zoo_make(&(struct recipe){ .cn = "me", .rsa = 2048, .purpose = GNUTLS_KP_TLS_WWW_CLIENT },
		NULL);
	own_pin = pin_text(&leaf);
	other_pin = pin_text(&other);
	test_taken(ASKS, first, "TLS1.3");
	test_taken(ASKS OLD, first, "TLS1.2");
	test_taken("NORMAL:-CTYPE-ALL:+CTYPE-RAWPK:+CTYPE-X509", both, "TLS1.3");
	test_pins();
	test_certificates();
	test_judge();
	test_hostile();
	test_asked();
	test_settings();
	test_client("");
	test_client(OLD);
	zoo_free(&other);
	zoo_free(&rsa);
	free(own_pin);
	free(other_pin);
	return rig_close();
}
