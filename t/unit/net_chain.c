/* t/unit/net_chain.c - the certificates of a server as text, taken or refused. */
#include "t/unit/tls_rig.h"

#include "base/buf.h"
#include "net/chain.h"

#define RAW(text) .raw = text, .raw_len = sizeof(text) - 1

/* One session, whatever its outcome, and what it showed. */
static void look(const char *host, const struct recipe *r, int issuer, struct session *s,
	struct tls_chain *c)
{
	struct identity id = zoo_make(r, issuer == SELF ? NULL : &issuers[issuer]);

	along = r->with;
	start(s, host, &id, NULL);
	check_int(tls_chain_read(s->tls, c), 0, "the chain is read");
	along = 0;
	stop(s);   /* what was read stands by itself */
	zoo_free(&id);
}

static void test_taken(void)
{
	static const struct recipe recipe = { .cn = "x", .dns = { "mail.example.com", "*.example.com" },
		.ip = "192.0.2.1", .with = 1 << MIDDLE };
	struct tls_chain c;
	struct session s;

	settings(&s);
	look("mail.example.com.", &recipe, MIDDLE, &s, &c);
	check_int(s.end, TLS_DONE, "taken: %s", s.err.text);
	check_int(c.count, 2, "both certificates are there");
	check_int(c.sent, 2, "as they were sent");
	check_text(c.certs[0].subject, "CN=x", "the server's own first");
	check_text(c.certs[0].issuer, "CN=Middle", "its issuer");
	check_text(c.certs[1].subject, "CN=Middle", "which comes next");
	check_text(c.certs[1].issuer, "CN=Root", "and its issuer");
	check_int(c.certs[0].from, zoo_date(2000), "valid from");
	check_int(c.certs[0].to, zoo_date(2099), "and to");
	check_int(c.certs[0].name_count, 3, "its names");
	check_text(c.certs[0].names[0], "mail.example.com", "one");
	check_text(c.certs[0].names[1], "*.example.com", "two");
	check_text(c.certs[0].names[2], "192.0.2.1", "and an address");
	check_text(c.certs[0].key, "EC/ECDSA", "the kind of key");
	check_int(c.certs[0].bits, 256, "and its size");
	check_text(c.certs[0].signature, "ECDSA-SHA256", "how it is signed");
	check_int(strlen(c.certs[0].serial), 4, "the serial number: %s", c.certs[0].serial);
	check(!c.certs[0].self_signed && !c.certs[1].self_signed, "none is self-signed");
	check_text(c.root, "CN=Root", "the root that it leads to");
	check_int(c.root_to, zoo_date(2099), "with its end");
	check_int(c.by, CHAIN_BY_ROOT, "verified by that");
	check_text(c.name, "mail.example.com", "for this name");
	check_text(c.sni, "mail.example.com", "which the server was told");
	check_int(tls_chain_days(&c, zoo_date(2099) - 86400 * 3 - 5), 3, "days left");
	check_int(tls_chain_days(&c, zoo_date(2099)), 0, "the last one");
	check_int(tls_chain_days(&c, zoo_date(2099) + 1), -1, "too late by a second");
	check_int(tls_chain_days(&c, zoo_date(2099) + 86400 * 2), -2, "too late by two days");
	tls_chain_release(&c);
	check(!c.count && !c.name, "released");
}

static void test_pins(void)
{
	static const struct recipe recipe = { .cn = "x", .dns = { "other.example" } };
	struct identity id = zoo_make(&recipe, NULL);
	struct buf key = BUF_INIT(100);
	struct tls_chain c;
	struct session s;
	char *pins[1];

	settings(&s);
	start(&s, "192.0.2.7", &id, NULL);
	check_int(s.end, TLS_FAILED, "a stranger is refused");
	check_int(tls_chain_read(s.tls, &c), 0, "and its chain read all the same");
	check_int(c.by, CHAIN_NOT, "not verified");
	check(!c.root, "it leads to no root");
	check(c.certs[0].self_signed, "self-signed");
	check(!c.sni, "an address is not told to the server");
	check_text(c.name, "192.0.2.7", "but verified");
	pin_write(id.crt, &key);
	check_text(c.certs[0].key_pin, buf_text(&key), "the pin to paste");
	check(!strncmp(c.certs[0].cert_pin, "cert:", 5) && strlen(c.certs[0].cert_pin) == 69,
		"and that of the certificate: %s", c.certs[0].cert_pin);
	for (int i = 0; i < 2; i++) {
		struct session pinned;
		struct tls_chain again;

		settings(&pinned);
		pins[0] = i ? c.certs[0].cert_pin : c.certs[0].key_pin;
		pinned.set.pins = (struct key_list){ pins, 1 };
		start(&pinned, "192.0.2.7", &id, NULL);
		check_int(pinned.end, TLS_DONE, "which is taken: %s", pinned.err.text);
		tls_chain_read(pinned.tls, &again);
		check_int(again.by, CHAIN_BY_PIN, "by pin");
		check(!again.root, "no root was asked");
		tls_chain_release(&again);
		stop(&pinned);
	}
	tls_chain_release(&c);
	buf_release(&key);
	stop(&s);
	zoo_free(&id);
}

static void test_refused(void)
{
	static const struct recipe old = { .cn = "x", .dns = { "mail.example.com" }, .to = 2021,
		.with = 1 << OLD_MIDDLE };
	static const struct recipe namesake = { .cn = "x", .dns = { "mail.example.com" } };
	static const struct recipe cross = { .cn = "x", .dns = { "mail.example.com" },
		.with = 1 << CROSS };
	static const struct recipe old_root = { .cn = "x", .dns = { "mail.example.com" } };
	struct tls_chain c;
	struct session s;

	settings(&s);
	look("mail.example.com", &old, OLD_MIDDLE, &s, &c);
	check_int(s.end, TLS_FAILED, "expired ones are refused");
	check_int(c.by, CHAIN_NOT, "not verified");
	check_text(c.root, "CN=Root", "but it is known where they lead");
	check_int(tls_chain_days(&c, zoo_date(2021) + 86400), -1, "expired for a day");
	tls_chain_release(&c);

	settings(&s);
	look("mail.example.com", &namesake, NAMESAKE, &s, &c);
	check(!c.root, "a root of the same name is not the root");
	tls_chain_release(&c);

	settings(&s);
	look("mail.example.com", &cross, STRANGER, &s, &c);
	check_text(c.root, "CN=Root", "the root behind the second certificate");
	tls_chain_release(&c);

	settings(&s);
	look("mail.example.com", &old_root, OLD_ROOT, &s, &c);
	check_text(c.root, "CN=Old", "an expired root");
	check_int(c.root_to, zoo_date(2021), "with its end");
	tls_chain_release(&c);

	settings(&s);
	s.set.verify = false;
	look("mail.example.com", &old_root, STRANGER, &s, &c);
	check_int(s.end, TLS_DONE, "not asked");
	check_int(c.by, CHAIN_NOT, "is not verified");
	check(!c.root, "and nothing is known of roots");
	tls_chain_release(&c);
}

static void test_hostile(void)
{
	static const struct recipe hostile = { .cn = "e\033[2Jvil", RAW("m\033]0;x\007.x") };
	static const struct recipe cut = { .cn = "x", RAW("mail.example.com\0.evil.x") };
	struct recipe many = { .cn = "x" };
	struct tls_chain c;
	struct session s;

	settings(&s);
	look("mail.example.com", &hostile, ROOT, &s, &c);
	check(!strchr(c.certs[0].subject, '\033'), "no escape sequence in a subject: %s",
		c.certs[0].subject);
	check_text(c.certs[0].names[0], "m\\x1b]0;x\\x07.x", "nor in a name");
	tls_chain_release(&c);
	settings(&s);
	look("mail.example.com", &cut, ROOT, &s, &c);
	check_text(c.certs[0].names[0], "mail.example.com\\x00.evil.x", "nor is one cut short");
	tls_chain_release(&c);

	for (size_t i = 0; i < COUNT(many.dns); i++)
		many.dns[i] = "a.example";
	many.copies = 20;
	settings(&s);
	look("mail.example.com", &many, ROOT, &s, &c);
	check_int(c.certs[0].name_count, CHAIN_NAMES, "so many names and no more");
	check_int(c.certs[0].names_left, COUNT(many.dns) * 20 - CHAIN_NAMES, "the others are counted");
	tls_chain_release(&c);
}

/* A chain that is longer than anybody needs. */
static void test_long(void)
{
	enum { SENT = 20 };
	static const struct recipe server = { .cn = "x", .dns = { "mail.example.com" } };
	gnutls_certificate_credentials_t cred;
	gnutls_x509_crt_t list[SENT];
	struct identity made[SENT];
	struct session s;
	struct tls_chain c;
	int pair[2];

	for (int i = SENT - 1; i >= 0; i--) {
		struct recipe ca = { .cn = "CA", .ca = true };

		made[i] = zoo_make(i ? &ca : &server, i == SENT - 1 ? &root : &made[i + 1]);
		list[i] = made[i].crt;
	}
	settings(&s);
	check(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "a socket pair");
	s.fd = pair[0];
	fcntl(s.fd, F_SETFL, O_NONBLOCK);
	server_open(&s.server, pair[1], &leaf, NULL);
	ZOO_MUST(gnutls_certificate_allocate_credentials(&cred));
	ZOO_MUST(gnutls_certificate_set_x509_key(cred, list, SENT, made[0].key));
	ZOO_MUST(gnutls_credentials_set(s.server.session, GNUTLS_CRD_CERTIFICATE, cred));
	s.trust = tls_trust_load(&s.set, &s.err);
	s.tls = tls_new(s.fd, "mail.example.com", &s.set, s.trust, &s.err);
	s.end = shake(s.tls, &s.server, &s.err);
	check_int(s.end, TLS_FAILED, "a chain without end: %s", s.err.text);
	check_int(tls_chain_read(s.tls, &c), 0, "is read");
	check_int(c.sent, SENT, "so many were sent");
	check_int(c.count, CHAIN_MOST, "so many are looked at");
	tls_chain_release(&c);
	stop(&s);
	gnutls_certificate_free_credentials(cred);
	for (int i = 0; i < SENT; i++)
		zoo_free(&made[i]);
}

/* The same certificate, judged by others than who took it. */
static void test_judge(void)
{
	struct tls_settings strict = { .verify = true, .ca_files = { files, 1 } };
	struct tls_trust *trust;
	struct err e = { 0 };
	struct session s;

	settings(&s);
	s.set.verify = false;
	start(&s, "mail.example.net", &leaf, NULL);
	check_int(s.end, TLS_DONE, "taken unseen");
	trust = tls_trust_load(&strict, &e);
	check_int(tls_judge(s.tls, "mail.example.com.", &strict, trust, &e), 0, "and good: %s", e.text);
	check_int(tls_judge(s.tls, "mail.example.net", &strict, trust, &e), -1, "but not for any name");
	check_text(e.text, "the certificate of mail.example.net is refused: it is for "
		"mail.example.com, not for mail.example.net", "in words");
	tls_trust_free(&trust);
	stop(&s);
}

static void test_facts(void)
{
	struct session s;

	settings(&s);
	start(&s, "mail.example.com", &leaf, "NORMAL:-GROUP-ALL:+GROUP-SECP384R1:"
		"-CIPHER-ALL:+AES-256-GCM");
	check_int(s.end, TLS_DONE, "connected");
	check_text(tls_facts(s.tls)->group, "SECP384R1", "the group");
	check_text(tls_facts(s.tls)->algorithm, "AES-256-GCM", "the cipher");
	stop(&s);
}

int main(void)
{
	if (!rig_open())
		return 1;
	test_taken();
	test_pins();
	test_refused();
	test_hostile();
	test_long();
	test_judge();
	test_facts();
	return rig_close();
}
