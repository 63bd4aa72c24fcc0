/* t/unit/net_priority.c - tls_min_version and tls_priority: what is tried, what is never,
 * and what is said where a server has nothing of it. */
#include "t/unit/tls_rig.h"

#include <gnutls/abstract.h>

#include "net/priority.h"

static struct identity rsa, weak, narrow;

/* A handshake by these settings with a server of that priority. */
static void meet(struct session *s, int least, const char *priority, const struct identity *id,
	const char *server)
{
	char *own = priority ? mem_string(priority) : NULL;

	settings(s);
	s->set.least = least;
	s->set.priority = own;
	if (tls_settings_check(&s->set, &s->err) < 0) {
		s->end = TLS_FAILED;
		s->trust = NULL;
	} else {
		start(s, "mail.example.com", id, server);
		if (s->end == TLS_DONE)
			snprintf(s->err.text, sizeof(s->err.text), "%s", tls_facts(s->tls)->version);
		stop(s);
	}
	free(own);
}

static void test_refused_words(void)
{
	static const struct {
		const char *priority;
		int least;
		const char *words;
	} table[] = {
		{ "NORMAL:+NULL", 0, "tls_priority asks for NULL, which does not encrypt" },
		{ "NONE:+VERS-TLS1.2:+null:+RSA:+SHA1:+COMP-NULL", 0,
			"tls_priority asks for NULL, which does not encrypt" },
		{ "NORMAL:+ANON-ECDH", 0,
			"tls_priority asks for ANON-ECDH, by which no server proves who it is" },
		{ "NORMAL:+anon-dh", 0,
			"tls_priority asks for ANON-DH, by which no server proves who it is" },
		{ "NORMAL:+VERS-SSL3.0", 0, "tls_priority asks for SSL 3.0, which is broken" },
		{ "NORMAL:+VERS-TLS1.1", 0,
			"tls_priority asks for TLS 1.1, which is older than tls_min_version allows" },
		{ "NORMAL:+VERS-TLS1.2", TLS_LEAST_1_3,
			"tls_priority asks for TLS 1.2, which is older than tls_min_version allows" },
	};
	struct session s;

	for (size_t i = 0; i < COUNT(table); i++) {
		meet(&s, table[i].least, table[i].priority, &leaf, NULL);
		check_int(s.end, TLS_FAILED, "%s is refused", table[i].priority);
		check_int(s.err.kind, ERR_CONFIG, "as a setting");
		check_text(s.err.text, table[i].words, "in words");
		check(s.err.hint[0], "with the next step: %s", s.err.hint);
	}
	meet(&s, TLS_LEAST_1_1, "NORMAL:+VERS-TLS1.1", &leaf, NULL);
	check_int(s.end, TLS_DONE, "the oldest that tls_min_version allows may be named: %s", s.err.text);
}

/* What GnuTLS does not understand is pointed at, before any server is asked. */
static void test_bad_words(void)
{
	static const struct {
		const char *priority, *words;
	} table[] = {
		{ "NORMAL:+RUBBISH:+AES-128-GCM",
			"tls_priority: '+RUBBISH' is not understood, at character 8 of it" },
		{ "RUBBISH", "tls_priority: 'RUBBISH' is not understood, at character 1 of it" },
		{ "NORMAL:%RUBBISH", "tls_priority: '%RUBBISH' is not understood, at character 8 of it" },
		{ "NORMAL:-VERS-ALL",
			"tls_priority leaves no version or cipher of TLS that may be used" },
		{ "NORMAL:-VERS-ALL:+VERS-TLS-ALL:-VERS-TLS1.2:-VERS-TLS1.3",
			"tls_priority leaves no version or cipher of TLS that may be used" },
		{ "NORMAL:-CIPHER-ALL", "tls_priority leaves no version or cipher of TLS that may be used" },
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		struct session s;
		char *own = mem_string(table[i].priority);

		settings(&s);
		s.set.priority = own;
		s.trust = tls_trust_load(&s.set, &s.err);
		check(!s.trust && s.err.kind == ERR_CONFIG, "%s is refused", own);
		check_text(s.err.text, table[i].words, "in words");
		check(strstr(s.err.hint, "gnutls-cli --list --priority") != NULL, "with the next step");
		free(own);
	}
}

static void test_versions(void)
{
	struct session s;

	meet(&s, TLS_LEAST_1_1, NULL, &leaf, "NORMAL:-VERS-ALL:+VERS-TLS1.1:%VERIFY_ALLOW_BROKEN");
	check_int(s.end, TLS_DONE, "tls_min_version = 1.1 takes a server with TLS 1.1");
	check_text(s.err.text, "TLS1.1", "by that");
	meet(&s, TLS_LEAST_1_0, NULL, &leaf, "NORMAL:-VERS-ALL:+VERS-TLS1.0:%VERIFY_ALLOW_BROKEN");
	check_text(s.err.text, "TLS1.0", "1.0 likewise");
	meet(&s, TLS_LEAST_1_0, NULL, &leaf, "NORMAL");
	check_text(s.err.text, "TLS1.3", "and still takes the best of what both have");
	meet(&s, TLS_LEAST_1_3, NULL, &leaf, "NORMAL");
	check_text(s.err.text, "TLS1.3", "1.3 takes that");
	meet(&s, 0, "NORMAL:-VERS-TLS1.3", &leaf, "NORMAL");
	check_text(s.err.text, "TLS1.2", "tls_priority leaves a version out");

	meet(&s, TLS_LEAST_1_1, NULL, &leaf, "NORMAL:-VERS-ALL:+VERS-TLS1.0:%VERIFY_ALLOW_BROKEN");
	check_text(s.err.text, "the TLS handshake with mail.example.com failed: the server has neither "
		"TLS 1.3, TLS 1.2 nor TLS 1.1, and older ones are not safe (it answers with TLS 1.0)",
		"what was tried is named");
	check_text(s.err.cause, "tls-too-old", "its cause");
	meet(&s, TLS_LEAST_1_3, NULL, &leaf, tls12);
	check_text(s.err.text, "the TLS handshake with mail.example.com failed: the server found no "
		"cipher or key exchange that both sides have (Handshake failed; tried: TLS 1.3)",
		"where only the newest is");
	check(strstr(s.err.hint, "tls_min_version = 1.2") != NULL, "and what would do: %s", s.err.hint);
	meet(&s, 0, "NORMAL:-VERS-TLS1.2", &leaf, tls12);
	check(strstr(s.err.hint, "tls_priority") != NULL, "or what leaves it out: %s", s.err.hint);
	meet(&s, 0, "NORMAL", &leaf, "NORMAL:-VERS-ALL:+VERS-TLS1.1:%VERIFY_ALLOW_BROKEN");
	check_text(s.err.cause, "tls-too-old", "what NORMAL holds below tls_min_version is not used");
}

/* Whatever the string says, a server proves who it is and what is said is encrypted. */
static void test_never(void)
{
	static const char null_server[] =
		"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+NULL:-MAC-ALL:+SHA256:+SHA1";
	static const char *const loose[] = { "NORMAL:%VERIFY_ALLOW_BROKEN:%PROFILE_VERY_WEAK",
		"NORMAL:%VERIFY_ALLOW_X509_V1_CA_CRT:%VERIFY_DISABLE_CRL_CHECKS:%COMPAT",
		"LEGACY:%PROFILE_LOW" };
	struct session s;

	meet(&s, 0, "NORMAL:+SHA256", &leaf, null_server);
	check(s.end == TLS_FAILED && strstr(s.err.text, "no cipher"), "NULL is not agreed on: %s",
		s.err.text);
	check(strstr(s.err.hint, "tls_priority") != NULL, "tls_priority may be why: %s", s.err.hint);
	for (size_t i = 0; i < COUNT(loose); i++) {
		meet(&s, 0, loose[i], &weak, NULL);
		check_text(s.err.cause, "certificate-weak", "%s: a weak key is refused", loose[i]);
		meet(&s, 0, loose[i], &narrow, NULL);
		check_text(s.err.cause, "certificate-wrong-name", "%s: so is another name", loose[i]);
		meet(&s, 0, loose[i], &leaf, NULL);
		check_int(s.end, TLS_DONE, "%s: a good one is taken: %s", loose[i], s.err.text);
	}
}

/* A server with Diffie-Hellman parameters of 512 bits. */
/* RSA key exchange and a client certificate. */
static void test_spares_rsa(void)
{
	static char cert[] = "/c.pem", pin[] = "spki:x";
	static char *pins[] = { pin };
	static const struct {
		const char *priority;
		bool cert, verify, pinned, spares;
	} table[] = {
		{ NULL, true, true, false, true }, { NULL, false, true, false, false },
		{ NULL, true, false, false, false }, { NULL, true, false, true, true },
		{ "NORMAL", true, true, false, true }, { "NORMAL:+RSA", true, true, false, false },
		{ "NORMAL:+rsa:-DHE-RSA", true, true, false, false },
		{ "NORMAL:-RSA", true, true, false, true }, { "NORMAL:+RSAX", true, true, false, true },
		{ "NORMAL:+DHE-RSA", true, true, false, true },
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		struct tls_settings set = { .cert = table[i].cert ? cert : NULL, .verify = table[i].verify,
			.pins = { pins, table[i].pinned ? 1 : 0 },
			.priority = (char *)(uintptr_t)table[i].priority };

		check_int(priority_spares_rsa(&set), table[i].spares, "%zu: %s", i,
			set.priority ? set.priority : "the system's");
	}
}

static void test_short_prime(void)
{
	static char early[] = "NORMAL:-GROUP-DH-ALL";
	static const char pem[] = "-----BEGIN DH PARAMETERS-----\n"
		"MEYCQQCCnStdF7kKitRb8W8Dk/Y8TqBJM25lnqduVs8Scoj61s1RNv4wU86wn6dH\n"
		"lsAjQKFrTYfbsFKLDGkoWmKQWHi3AgEC\n-----END DH PARAMETERS-----\n";
	gnutls_datum_t text = zoo_datum(pem);
	gnutls_dh_params_t params;
	struct session s;
	int pair[2];

	settings(&s);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
		return;
	s.fd = pair[0];
	s.set.priority = early;   /* no groups by name: the server chooses */
	server_open(&s.server, pair[1], &rsa,
		"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+DHE-RSA:-GROUP-DH-ALL:%PROFILE_VERY_WEAK");
	ZOO_MUST(gnutls_dh_params_init(&params));
	ZOO_MUST(gnutls_dh_params_import_pkcs3(params, &text, GNUTLS_X509_FMT_PEM));
	gnutls_certificate_set_dh_params(s.server.cred, params);
	s.trust = tls_trust_load(&s.set, &s.err);
	s.tls = tls_new(s.fd, "mail.example.com", &s.set, s.trust, &s.err);
	s.end = shake(s.tls, &s.server, &s.err);
	check_int(s.end, TLS_FAILED, "a short prime is refused: %s", s.err.text);
	check_text(s.err.cause, "tls-weak-exchange", "its cause");
	check(strstr(s.err.hint, "-DHE-RSA") != NULL, "what does without: %s", s.err.hint);
	stop(&s);
	gnutls_dh_params_deinit(params);
}

int main(void)
{
	static const struct recipe by_rsa = { .cn = "x", .dns = { "mail.example.com" }, .rsa = 2048 };
	static const struct recipe short_key = { .cn = "x", .dns = { "mail.example.com" }, .rsa = 1024 };
	static const struct recipe elsewhere = { .cn = "x", .dns = { "other.example" } };

	if (!rig_open())
		return 1;
	rsa = zoo_make(&by_rsa, &root);
	weak = zoo_make(&short_key, &root);
	narrow = zoo_make(&elsewhere, &root);
	test_refused_words();
	test_bad_words();
	test_versions();
	test_never();
	test_short_prime();
	test_spares_rsa();
	zoo_free(&rsa);
	zoo_free(&weak);
	zoo_free(&narrow);
	return rig_close();
}
