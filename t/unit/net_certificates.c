/* t/unit/net_certificates.c - a zoo of certificates: which are taken, and in
 * which words the others are refused. */
#include "t/unit/tls_rig.h"

#define NO_NAME "set host to a name that it is for; where none fits, the server's operator must replace " \
	"it by one with a subjectAltName"

/* A certificate, the name that is asked for, and what is said about it. */
struct beast {
	const char *name;
	struct recipe recipe;
	int issuer;                /* enum of issuers */
	const char *host;
	const char *text;          /* NULL: taken; else what follows "is refused: " */
	bool begins;               /* text is only the beginning */
	const char *hint;          /* the beginning; NULL: not looked at */
	const char *cause;         /* the row of the table of causes */
};

#define NAME(text) .raw = text, .raw_len = sizeof(text) - 1

static const struct beast zoo[] = {
	{ "good", { .cn = "x", .dns = { "mail.example.com" } }, ROOT, "mail.example.com", NULL,
		false, NULL, NULL },
	{ "name in capitals", { .cn = "x", .dns = { "MAIL.example.com" } }, ROOT,
		"mail.EXAMPLE.com", NULL, false, NULL, NULL },
	{ "second name", { .cn = "x", .dns = { "a.example", "mail.example.com" } }, ROOT,
		"mail.example.com", NULL, false, NULL, NULL },
	{ "wildcard", { .cn = "x", .dns = { "*.example.com" } }, ROOT, "mail.example.com", NULL,
		false, NULL, NULL },
	{ "wildcard two labels deep", { .cn = "x", .dns = { "*.example.com" } }, ROOT,
		"a.mail.example.com", "it is for *.example.com, not for a.mail.example.com", false,
		NO_NAME, "certificate-wrong-name" },
	{ "wildcard for no label", { .cn = "x", .dns = { "*.example.com" } }, ROOT, "example.com",
		"it is for *.example.com, not for example.com", false, NO_NAME,
		"certificate-wrong-name" },
	{ "part of a label", { .cn = "x", .dns = { "ma*.example.com" } }, ROOT, "mail.example.com",
		"it is for ma*.example.com, not for mail.example.com", false, NO_NAME,
		"certificate-wrong-name" },
	{ "wildcard inside", { .cn = "x", .dns = { "mail.*.com" } }, ROOT, "mail.example.com",
		"it is for mail.*.com, not for mail.example.com", false, NO_NAME,
		"certificate-wrong-name" },
	{ "wildcard over all", { .cn = "x", .dns = { "*" } }, ROOT, "localhost",
		"it is for *, not for localhost", false, NO_NAME, "certificate-wrong-name" },
	{ "wrong name", { .cn = "mail.example.com", .dns = { "mail.example.net",
		"other.example.net" } }, ROOT, "mail.example.com",
		"it is for mail.example.net, other.example.net, not for mail.example.com", false,
		"if whoever runs mail.example.com calls it mail.example.net as well, set host = "
		"mail.example.net; if not, a login portal, virus scanner or VPN may stand in between",
		"certificate-wrong-name" },
	{ "eleven names", { .cn = "x", .dns = { "a.x", "b.x", "c.x", "d.x", "e.x", "f.x", "g.x",
		"h.x", "i.x", "j.x", "k.x" } }, ROOT, "mail.example.com",
		"it is for a.x, b.x, c.x, d.x, e.x, f.x, g.x, h.x, i.x, j.x and 1 more, not for "
		"mail.example.com", false, NULL, "certificate-wrong-name" },
	{ "a hostile name", { .cn = "x", NAME("e\033[2Jvil.x") }, ROOT, "mail.example.com",
		"it is for e\\x1b[2Jvil.x, not for mail.example.com", false, NO_NAME,
		"certificate-wrong-name" },
	{ "a name cut short by NUL", { .cn = "x", NAME("mail.example.com\0.evil.x") }, ROOT,
		"mail.example.com", "it is for mail.example.com\\x00.evil.x, not for "
		"mail.example.com", false, NULL, "certificate-wrong-name" },
	{ "CN only", { .cn = "mail.example.com" }, ROOT, "mail.example.com",
		"it names no server in its subjectAltName, so it is not for mail.example.com "
		"(a common name alone, \"CN=mail.example.com\", does not count)", false, NO_NAME,
		"certificate-wrong-name" },
	{ "CN beside an address", { .cn = "mail.example.com", .ip = "192.0.2.1" }, ROOT,
		"mail.example.com", "it is for 192.0.2.1, not for mail.example.com", false, NO_NAME,
		"certificate-wrong-name" },
	{ "address", { .cn = "x", .ip = "192.0.2.1" }, ROOT, "192.0.2.1", NULL, false, NULL, NULL },
	{ "another address", { .cn = "x", .ip = "192.0.2.1" }, ROOT, "192.0.2.2",
		"it is for 192.0.2.1, not for the address 192.0.2.2", false, NO_NAME,
		"certificate-wrong-name" },
	{ "address as a name", { .cn = "192.0.2.1", .dns = { "192.0.2.1" } }, ROOT, "192.0.2.1",
		"it is for the name 192.0.2.1, not for the address 192.0.2.1", false, NULL,
		"certificate-wrong-name" },
	{ "IPv6 for IPv4", { .cn = "x", .ip = "192.0.2.1" }, ROOT, "::ffff:192.0.2.1",
		"it is for 192.0.2.1, not for the address ::ffff:192.0.2.1", false, NO_NAME,
		"certificate-wrong-name" },
	{ "expired", { .cn = "x", .dns = { "mail.example.com" }, .to = 2021 }, ROOT,
		"mail.example.com", "expired on 2021-02-03", false,
		"the server's operator must replace the certificate", "certificate-expired" },
	{ "expired and for another", { .cn = "x", .dns = { "a.example" }, .to = 2021 }, ROOT,
		"mail.example.com",
		"expired on 2021-02-03; it is for a.example, not for mail.example.com", false, NULL,
		"certificate-wrong-name" },
	{ "not yet valid", { .cn = "x", .dns = { "mail.example.com" }, .from = 2090 }, ROOT,
		"mail.example.com",
		"not valid before 2090-02-03 (is this machine's clock right? it says 20", true,
		"set this machine's clock", "certificate-not-yet-valid" },
	{ "self-signed", { .cn = "x", .dns = { "mail.example.com" } }, SELF, "mail.example.com",
		"it is self-signed and not among the trusted roots (8 in ", true,
		"if the server is your own, compare this with its key and set tls_pin = spki:",
		"certificate-self-signed" },
	{ "unknown CA", { .cn = "x", .dns = { "mail.example.com" } }, STRANGER, "mail.example.com",
		"issued by \"CN=Stranger\", which is not among the trusted roots (8 in ", true,
		NULL, "certificate-unknown-issuer" },
	{ "missing intermediate", { .cn = "x", .dns = { "mail.example.com" },
		.issuer_at = "http://ca.example.com/middle.der" }, MIDDLE,
		"mail.example.com",
		"issued by \"CN=Middle\", which is not among the trusted roots (8 in ", true,
		"the server's operator must send the whole chain",
		"certificate-incomplete-chain" },
	{ "root of the same name", { .cn = "x", .dns = { "mail.example.com" } }, NAMESAKE,
		"mail.example.com", "", true, NULL, "certificate-unknown-issuer" },
	{ "weak key", { .cn = "x", .dns = { "mail.example.com" }, .rsa = 1024 }, ROOT,
		"mail.example.com", "it has a weak key (RSA, 1024 bits)", false,
		"the server's operator must replace the certificate", "certificate-weak" },
	{ "weak hash", { .cn = "x", .dns = { "mail.example.com" }, .hash = GNUTLS_DIG_SHA1 }, ROOT,
		"mail.example.com", "it is signed with a weak hash (ECDSA-SHA1)", false, NULL,
		"certificate-weak" },
	{ "for clients", { .cn = "x", .dns = { "mail.example.com" },
		.purpose = GNUTLS_KP_TLS_WWW_CLIENT }, ROOT, "mail.example.com",
		"it is not meant for servers", false, NULL, "certificate-wrong-purpose" },
	{ "for code", { .cn = "x", .dns = { "mail.example.com" },
		.purpose = GNUTLS_KP_CODE_SIGNING }, ROOT, "mail.example.com",
		"it is not meant for servers", false, NULL, "certificate-wrong-purpose" },
	{ "for any purpose", { .cn = "x", .dns = { "mail.example.com" }, .purpose = "" }, ROOT,
		"mail.example.com", NULL, false, NULL, NULL },
	{ "inside the constraint", { .cn = "x", .dns = { "mail.example.org" } }, NARROW,
		"mail.example.org", NULL, false, NULL, NULL },
	{ "outside the constraint", { .cn = "x", .dns = { "mail.example.com" } }, NARROW,
		"mail.example.com",
		"its issuer is not allowed to issue it (name or other constraints)", false, NULL,
		"certificate-constraints" },
	{ "expired root", { .cn = "x", .dns = { "mail.example.com" } }, OLD_ROOT,
		"mail.example.com", "the trusted root it leads to has expired", false, NULL,
		"certificate-expired" },
	{ "weak root", { .cn = "x", .dns = { "mail.example.com" } }, WEAK_ROOT,
		"mail.example.com", "a key or hash in its chain is too weak", false, NULL,
		"certificate-weak" },
	{ "intermediate sent", { .cn = "x", .dns = { "mail.example.com" },
		.with = 1 << MIDDLE }, MIDDLE,
		"mail.example.com", NULL, false, NULL, NULL },
	{ "root sent too", { .cn = "x", .dns = { "mail.example.com" },
		.with = 1 << MIDDLE | 1 << ROOT }, MIDDLE,
		"mail.example.com", NULL, false, NULL, NULL },
	{ "cross-signed by a trusted one", { .cn = "x", .dns = { "mail.example.com" },
		.with = 1 << CROSS }, STRANGER,
		"mail.example.com", NULL, false, NULL, NULL },
	{ "unknown root sent", { .cn = "x", .dns = { "mail.example.com" },
		.with = 1 << STRANGER }, STRANGER,
		"mail.example.com",
		"issued by \"CN=Stranger\", which is not among the trusted roots (8 in ", true,
		"if its CA is private, set tls_ca_file = FILE", "certificate-unknown-issuer" },
	{ "expired intermediate", { .cn = "x", .dns = { "mail.example.com" },
		.with = 1 << OLD_MIDDLE }, OLD_MIDDLE,
		"mail.example.com",
		"its intermediate certificate \"CN=Old middle\" has expired on 2021-02-03", false,
		NULL, "certificate-expired" },
	{ "issued by a server's certificate", { .cn = "x", .dns = { "mail.example.com" },
		.with = 1 << LEAF }, LEAF, "mail.example.com",
		"it was issued by a certificate that may not issue any", true, NULL,
		"certificate-constraints" },
	{ "missing intermediate of nobody knows whom", { .cn = "x", .dns = { "mail.example.com" } }, MIDDLE, "mail.example.com",
		"issued by \"CN=Middle\", which is not among the trusted roots (", true, "if its CA is private, set tls_ca_file = FILE",
		"certificate-unknown-issuer" },
	{ "wildcard below a top level", { .cn = "x", .dns = { "*.test" } }, ROOT, "mail.test",
		"it is for *.test, not for mail.test", false, NO_NAME,
		"certificate-wrong-name" },
	{ "wildcard in IDN", { .cn = "x", .dns = { "*.example" } }, ROOT, "a.b.example",
		"it is for *.example, not for a.b.example", false, NO_NAME,
		"certificate-wrong-name" },
	{ "intermediate with a weak curve", { .cn = "x", .dns = { "mail.example.com" },
		.with = 1 << FLIMSY }, FLIMSY, "mail.example.com",
		"its intermediate certificate \"CN=Flimsy\" has a weak key (EC/ECDSA, 192 bits)", false,
		NULL, "certificate-weak" },
	{ "MD5", { .cn = "x", .dns = { "mail.example.com" }, .rsa = 2048, .hash = GNUTLS_DIG_MD5 }, RSA_ROOT, "mail.example.com",
		"it is signed with a weak hash (RSA-MD5)", false, NULL,
		"certificate-weak" },
	{ "SHA-1 of RSA", { .cn = "x", .dns = { "mail.example.com" }, .rsa = 2048, .hash = GNUTLS_DIG_SHA1 }, RSA_ROOT, "mail.example.com",
		"it is signed with a weak hash (RSA-SHA1)", false, NULL,
		"certificate-weak" },
	{ "excluded by the constraint", { .cn = "x", .dns = { "mail.example.com" } }, BARRED, "mail.example.com",
		"its issuer is not allowed to issue it (name or other constraints)", false, NULL,
		"certificate-constraints" },
	{ "beside what is excluded", { .cn = "x", .dns = { "mail.example.org" } }, BARRED, "mail.example.org",
		NULL, false, NULL,
		NULL },
	{ "unknown critical extension", { .cn = "x", .dns = { "mail.example.com" }, .odd = true }, ROOT, "mail.example.com",
		"it has a critical extension that is not known", false, NULL,
		"certificate-constraints" },
	{ "server and CA of the future", { .cn = "x", .dns = { "mail.example.com" }, .from = 2090 }, YOUNG_ROOT, "mail.example.com",
		"not valid before 2090-02-03 (is this machine's clock right? it says 20", true, "set this machine's clock; if it is right",
		"clock-wrong" },
	{ "server, intermediate and CA of the future", { .cn = "x", .dns = { "mail.example.com" }, .from = 2090, .with = 1 << YOUNG_MIDDLE }, YOUNG_MIDDLE, "mail.example.com",
		"not valid before 2090-02-03; its intermediate certificate \"CN=Young middle\" is not valid before 2090-02-03 (is this", true, "set this machine's clock",
		"clock-wrong" },
	{ "server and CA long gone", { .cn = "x", .dns = { "mail.example.com" }, .to = 2021 }, OLD_ROOT, "mail.example.com",
		"expired on 2021-02-03 (is this machine's clock right? it says 20", true, "set this machine's clock",
		"clock-wrong" },
	{ "server long gone, CA not", { .cn = "x", .dns = { "mail.example.com" }, .to = 2010 }, ROOT, "mail.example.com",
		"expired on 2010-02-03", false, "the server's operator",
		"certificate-expired" },
	{ "self-signed and expired", { .cn = "x", .dns = { "mail.example.com" }, .to = 2010 }, SELF, "mail.example.com",
		"expired on 2010-02-03; it is self-signed", true, "if the server is your own",
		"certificate-self-signed" },
	{ "self-signed, for another", { .cn = "x", .dns = { "mail.example.net" } }, SELF, "mail.example.com",
		"it is for mail.example.net, not for mail.example.com; it is self-signed", true, "if the server is your own",
		"certificate-self-signed" },
	{ "unknown CA, for another", { .cn = "x", .dns = { "portal.example.net" } }, STRANGER, "mail.example.com",
		"it is for portal.example.net, not for mail.example.com; issued by", true, "if whoever runs mail.example.com calls it portal.example.net",
		"certificate-wrong-name" },
	{ "expired and weak", { .cn = "x", .dns = { "mail.example.com" }, .to = 2021, .rsa = 1024 }, ROOT, "mail.example.com",
		"expired on 2021-02-03; it has a weak key", true, NULL,
		"certificate-expired" },
	{ "weak and for clients", { .cn = "x", .dns = { "mail.example.com" }, .rsa = 1024, .purpose = GNUTLS_KP_TLS_WWW_CLIENT }, ROOT, "mail.example.com",
		"it has a weak key (RSA, 1024 bits); it is not meant for servers", false, NULL,
		"certificate-wrong-purpose" }
};

/* Which roots were looked at first can never decide. */
static void compare(const struct beast *b, const struct identity *id, struct session *s)
{
	struct verify v = { .host = b->host, .set = &s->set, .trust = s->trust };
	gnutls_x509_crt_t chain[ISSUERS + 1];
	gnutls_datum_t der[ISSUERS + 1];
	unsigned count = make_chain(id, chain), few, all;
	struct err e = { 0 };

	for (unsigned i = 0; i < count; i++)
		ZOO_MUST(gnutls_x509_crt_export2(chain[i], GNUTLS_X509_FMT_DER, &der[i]));
	check_int(verify_init(&v, der, count, &e), 0, "the chain is read");
	few = verify_chain(&v, s->trust, false);
	all = verify_chain(&v, s->trust, true);
	check(!few == !all, "D3: few roots and all give one verdict: %s (%x, %x)", b->name, few, all);
	check(!verify_server(&v, &e) == !b->text, "D3: and so does the whole: %s", b->name);
	verify_release(&v);
	while (count)
		gnutls_free(der[--count].data);
}

static void judge(const struct beast *b)
{
	struct identity id = zoo_make(&b->recipe, b->issuer == SELF ? NULL : &issuers[b->issuer]);
	struct session s;
	char want[900];

	along = b->recipe.with;
	settings(&s);
	start(&s, b->host, &id, NULL);
	if (!b->text) {
		check_int(s.end, TLS_DONE, "D3 taken: %s %s", b->name, s.err.text);
	} else {
		snprintf(want, sizeof(want), "the certificate of %s is refused: %s", b->host, b->text);
		check_int(s.end, TLS_FAILED, "D3 refused: %s", b->name);
		check_int(s.err.kind, ERR_CERT, "ERR_CERT: %s", s.err.text);
		if (b->begins)
			s.err.text[strnlen(want, sizeof(s.err.text) - 1)] = '\0';
		check_text(s.err.text, want, "in words: %s", b->name);
		if (b->hint)
			check(*b->hint ? !strncmp(s.err.hint, b->hint, strlen(b->hint)) :
				!s.err.hint[0], "next step: %s", s.err.hint);
		check_text(s.err.cause, b->cause, "one cause: %s", b->name);
		check(!tls_facts(s.tls)->verified, "not noted as verified");
	}
	compare(b, &id, &s);
	along = 0;
	stop(&s);
	zoo_free(&id);
}

int main(void)
{
	if (!rig_open())
		return 1;
	for (size_t i = 0; i < COUNT(zoo); i++)
		judge(&zoo[i]);
	return rig_close();
}
