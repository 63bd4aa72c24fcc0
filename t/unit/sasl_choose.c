/* t/unit/sasl_choose.c - which login is chosen, and what is said when none is. */
#include "t/unit/tap.h"

#include <stdlib.h>

#include "base/mem.h"
#include "sasl/sasl.h"

enum { TLS = 1, CERTIFICATE = 2, SECRET = 4, BINDING = 8, CLEAR_ALLOWED = 16, NO_USER = 32,
	TOKEN = 64, ACTING = 128, USUAL = TLS | SECRET | BINDING };

static char user[] = "me@example.com";

/* auth: words separated by one blank, or "". */
static int choose(const char *offered, const char *auth, unsigned flags,
	enum sasl_mechanism *chosen, struct err *e)
{
	struct sasl_settings set = { .user = flags & NO_USER ? NULL : user,
		.authzid = flags & ACTING ? user : NULL,
		.allow_clear_password = flags & CLEAR_ALLOWED };
	struct sasl_surroundings around = { .encrypted = flags & TLS,
		.has_certificate = flags & CERTIFICATE, .has_secret = flags & SECRET,
		.has_token = flags & TOKEN };
	char *words[16], *copy = mem_string(auth), *at = copy;
	int result;

	while (*at) {
		words[set.mechanisms.count++] = at;
		at += strcspn(at, " ");
		if (*at)
			*at++ = '\0';
	}
	set.mechanisms.items = words;
	if (flags & BINDING)
		around.binding.type = "tls-exporter";
	memset(e, 0, sizeof(*e));
	result = sasl_choose(offered, &set, &around, chosen, e);
	free(copy);
	return result;
}

static const struct {
	const char *offered, *auth;
	unsigned flags;
	enum sasl_mechanism want;
} good[] = {
	{ "PLAIN LOGIN", "", USUAL, SASL_PLAIN },
	{ "LOGIN PLAIN", "auto", USUAL, SASL_PLAIN },
	{ "login", "AUTO", USUAL, SASL_LOGIN },
	{ "  plain\tXYZZY  ", "", USUAL, SASL_PLAIN },
	{ "PLAIN SCRAM-SHA-1", "", USUAL, SASL_SCRAM_SHA_1 },
	{ "PLAIN SCRAM-SHA-1 SCRAM-SHA-256", "", USUAL, SASL_SCRAM_SHA_256 },
	{ "SCRAM-SHA-1-PLUS SCRAM-SHA-256", "", USUAL, SASL_SCRAM_SHA_256 },
	{ "SCRAM-SHA-1-PLUS SCRAM-SHA-1", "", USUAL, SASL_SCRAM_SHA_1_PLUS },
	{ "SCRAM-SHA-256-PLUS SCRAM-SHA-256", "", USUAL, SASL_SCRAM_SHA_256_PLUS },
	{ "SCRAM-SHA-256-PLUS SCRAM-SHA-256", "", TLS | SECRET, SASL_SCRAM_SHA_256 },
	{ "SCRAM-SHA-256-PLUS SCRAM-SHA-256", "", SECRET | BINDING, SASL_SCRAM_SHA_256 },
	{ "SCRAM-SHA-256-PLUS EXTERNAL", "", USUAL | CERTIFICATE, SASL_EXTERNAL },
	{ "PLAIN EXTERNAL", "", USUAL, SASL_PLAIN },
	{ "EXTERNAL", "", TLS | CERTIFICATE | NO_USER, SASL_EXTERNAL },
	{ "PLAIN EXTERNAL", "", SECRET | CERTIFICATE | CLEAR_ALLOWED, SASL_PLAIN },
	{ "PLAIN SCRAM-SHA-1", "", SECRET, SASL_SCRAM_SHA_1 },
	{ "PLAIN LOGIN", "", SECRET | CLEAR_ALLOWED, SASL_PLAIN },
	{ "CRAM-MD5 XOAUTH2 OAUTHBEARER LOGIN", "", USUAL, SASL_LOGIN },
	{ "PLAIN XOAUTH2 OAUTHBEARER", "xoauth2 oauthbearer", USUAL, SASL_XOAUTH2 },
	{ "PLAIN XOAUTH2 OAUTHBEARER", "oauthbearer xoauth2", USUAL, SASL_OAUTHBEARER },
	{ "PLAIN XOAUTH2 OAUTHBEARER", "", USUAL | TOKEN, SASL_OAUTHBEARER },
	{ "SCRAM-SHA-256 LOGIN XOAUTH2", "auto", USUAL | TOKEN, SASL_XOAUTH2 },
	{ "XOAUTH2 OAUTHBEARER", "xoauth2", USUAL | TOKEN, SASL_XOAUTH2 },
	{ "EXTERNAL XOAUTH2", "", USUAL | TOKEN | CERTIFICATE, SASL_XOAUTH2 },
	{ "EXTERNAL XOAUTH2", "external xoauth2", USUAL | TOKEN | CERTIFICATE, SASL_EXTERNAL },
	{ "PLAIN CRAM-MD5", "cram-md5", TLS | SECRET, SASL_CRAM_MD5 },
	{ "PLAIN CRAM-MD5", "cram-md5", SECRET, SASL_CRAM_MD5 },
	{ "PLAIN SCRAM-SHA-256", "plain scram-sha-256", USUAL, SASL_PLAIN },
	{ "PLAIN SCRAM-SHA-256", "login scram-sha-256", USUAL, SASL_SCRAM_SHA_256 },
	/* what is forbidden */
	{ "PLAIN SCRAM-SHA-256", "!scram-sha-256", USUAL, SASL_PLAIN },
	{ "PLAIN LOGIN", "auto !plain", USUAL, SASL_LOGIN },
	{ "PLAIN LOGIN SCRAM-SHA-1", "!LOGIN !Plain", USUAL, SASL_SCRAM_SHA_1 },
	{ "XOAUTH2 OAUTHBEARER", "!oauthbearer", USUAL | TOKEN, SASL_XOAUTH2 },
	/* by ticket, where it is named only */
	{ "GSSAPI PLAIN", "", USUAL, SASL_PLAIN },
	{ "PLAIN GSSAPI", "gssapi plain", USUAL, SASL_GSSAPI },
	{ "PLAIN GSSAPI", "plain gssapi", USUAL, SASL_PLAIN },
	{ "GSSAPI", "gssapi", TLS | NO_USER, SASL_GSSAPI },
	{ "GSSAPI", "gssapi", NO_USER, SASL_GSSAPI },
	{ "PLAIN", "gssapi plain", USUAL, SASL_PLAIN },
	/* as nobody, where it is named only */
	{ "ANONYMOUS PLAIN", "", USUAL, SASL_PLAIN },
	{ "ANONYMOUS PLAIN", "anonymous plain", USUAL, SASL_ANONYMOUS },
	{ "ANONYMOUS", "anonymous", NO_USER, SASL_ANONYMOUS },
	{ "PLAIN", "anonymous plain", USUAL, SASL_PLAIN },
	/* to act as another */
	{ "LOGIN XOAUTH2 PLAIN", "", USUAL | ACTING, SASL_PLAIN },
	{ "LOGIN SCRAM-SHA-256", "login scram-sha-256", USUAL | ACTING, SASL_SCRAM_SHA_256 },
	{ "XOAUTH2 OAUTHBEARER", "xoauth2 oauthbearer", USUAL | TOKEN | ACTING, SASL_OAUTHBEARER },
	{ "GSSAPI", "gssapi", TLS | NO_USER | ACTING, SASL_GSSAPI },
};

static void test_good(void)
{
	enum sasl_mechanism chosen;
	struct err e;

	for (size_t i = 0; i < COUNT(good); i++) {
		check_int(choose(good[i].offered, good[i].auth, good[i].flags, &chosen, &e), 0,
			"row %zu: %s", i, e.text);
		check_text(sasl_name(chosen), sasl_name(good[i].want), "row %zu: chosen", i);
	}
}

static const struct {
	const char *offered, *auth;
	unsigned flags;
	const char *text, *hint;   /* parts of them */
	const char *cause;
} bad[] = {
	{ "ANONYMOUS", "", USUAL, "the server offers ANONYMOUS; this account allows ", "",
		"no-common-mechanism" },
	{ "DIGEST-MD5 NTLM", "plain", USUAL,
		"the server offers DIGEST-MD5 NTLM; this account allows PLAIN", "allows",
		"no-common-mechanism" },
	{ "GSSAPI NTLM", "plain", USUAL,
		"the server offers GSSAPI NTLM; this account allows PLAIN; auth does not name GSSAPI",
		"add one", "no-common-mechanism" },
	{ "GSSAPI", "", USUAL, "GSSAPI wants a Kerberos ticket", "set auth = gssapi ",
		"login-wants-ticket" },
	{ "GSSAPI CRAM-MD5", "auto", USUAL, "CRAM-MD5 is weak", "", "login-weak-only" },
	{ "PLAIN LOGIN", "gssapi", TLS | NO_USER, "this account allows GSSAPI; auth does not name PLAIN",
		"", "no-common-mechanism" },
	{ "PLAIN LOGIN", "!plain !login", USUAL, "the server offers PLAIN LOGIN; this account allows "
		"SCRAM-SHA-256-PLUS SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-1; auth forbids PLAIN", "allow one",
		"no-common-mechanism" },
	{ "XOAUTH2", "!xoauth2 !oauthbearer", USUAL | TOKEN, "allows none of what there is; auth forbids "
		"XOAUTH2", "", "no-common-mechanism" },
	{ "LOGIN CRAM-MD5", "", USUAL | ACTING, "LOGIN cannot carry the authzid", "PLAIN or SCRAM",
		"login-wants-authzid" },
	{ "PLAIN LOGIN", "login scram-sha-1", USUAL | ACTING, "LOGIN cannot carry the authzid", "",
		"login-wants-authzid" },
	{ "XOAUTH2", "", USUAL | TOKEN | ACTING, "XOAUTH2 cannot carry the authzid", "",
		"login-wants-authzid" },
	{ "", "", USUAL, "the server offers none; this account allows SCRAM-SHA-256-PLUS", "",
		"no-common-mechanism" },
	{ "PLAIN LOGIN", "", SECRET, "not encrypted", "allow_clear_password = yes",
		"login-clear-forbidden" },
	{ "LOGIN", "login", SECRET, "not encrypted", "allow_clear_password = yes",
		"login-clear-forbidden" },
	{ "XOAUTH2", "xoauth2", SECRET, "not encrypted", "tls = starttls",
		"login-clear-forbidden" },
	{ "XOAUTH2", "", USUAL, "XOAUTH2 wants an OAuth access token",
		"set auth = xoauth2 and a password_command that prints an access token",
		"login-wants-token" },
	{ "OAUTHBEARER XOAUTH2", "plain", USUAL, "OAuth access token", "set auth = oauthbearer ",
		"login-wants-token" },
	{ "PLAIN LOGIN", "", USUAL | TOKEN, "this account allows OAUTHBEARER XOAUTH2; PLAIN wants "
		"a password", "oauth keys", "login-wants-password" },
	{ "SCRAM-SHA-256 EXTERNAL", "auto", USUAL | TOKEN | CERTIFICATE, "SCRAM-SHA-256 wants a "
		"password", "host and port", "login-wants-password" },
	{ "EXTERNAL", "", USUAL | TOKEN | CERTIFICATE, "allows OAUTHBEARER XOAUTH2", "", "no-common-mechanism" },
	{ "PLAIN OAUTHBEARER", "xoauth2", USUAL | TOKEN, "auth does not name OAUTHBEARER",
		"leave auth out", "no-common-mechanism" },
	{ "OAUTHBEARER XOAUTH2", "", TLS | TOKEN, "no password is configured", "",
		"login-without-password" },
	{ "XOAUTH2", "", SECRET | TOKEN, "not encrypted", "tls = starttls", "login-clear-forbidden" },
	{ "CRAM-MD5 NTLM", "", USUAL, "CRAM-MD5 is weak", "set auth = cram-md5",
		"login-weak-only" },
	{ "PLAIN LOGIN", "scram-sha-256", USUAL,
		"offers PLAIN LOGIN; this account allows SCRAM-SHA-256; auth does not name PLAIN",
		"leave auth out", "no-common-mechanism" },
	{ "PLAIN SCRAM-SHA-256-PLUS", "scram-sha-256-plus", TLS | SECRET,
		"SCRAM-SHA-256-PLUS needs a TLS connection", "offers SCRAM-SHA-256",
		"login-not-bindable" },
	{ "SCRAM-SHA-1-PLUS", "", TLS | SECRET, "needs a TLS connection", "offers SCRAM-SHA-1",
		"login-not-bindable" },
	{ "EXTERNAL", "", USUAL, "client certificate", "tls_cert", "login-wants-certificate" },
	{ "EXTERNAL", "external", CERTIFICATE, "client certificate", "",
		"login-wants-certificate" },
	{ "EXTERNAL XOAUTH2", "", USUAL, "OAuth access token", "set auth = xoauth2 ",
		"login-wants-token" },
	{ "PLAIN", "", TLS, "no password is configured", "password_command",
		"login-without-password" },
	{ "PLAIN", "", USUAL | NO_USER, "no user is configured", "set user", "login-without-user" },
	{ "PLAIN", "none", USUAL, "never logs in", "", NULL },
	{ "PLAINX XPLAIN \033[2J", "plain", USUAL, "\\x1b[2J", "", "no-common-mechanism" },
	{ "SCRAM-SHA-256", "plain login", USUAL, "allows PLAIN LOGIN", "", "no-common-mechanism" },
};

static void test_bad(void)
{
	enum sasl_mechanism chosen;
	struct err e;

	for (size_t i = 0; i < COUNT(bad); i++) {
		check_int(choose(bad[i].offered, bad[i].auth, bad[i].flags, &chosen, &e), -1,
			"D5 D6 bad row %zu", i);
		check_int(e.kind, ERR_LOGIN, "bad row %zu: kind", i);
		check(strstr(e.text, bad[i].text), "bad row %zu: %s", i, e.text);
		check(strstr(e.hint, bad[i].hint), "bad row %zu: hint: %s", i, e.hint);
		check_text(e.cause, bad[i].cause, "bad row %zu: cause", i);
		check_int(chosen, SASL_MECHANISMS, "bad row %zu: none chosen", i);
	}
}

static void test_long_offer(void)
{
	enum sasl_mechanism chosen;
	char offer[8000];
	struct err e;

	memset(offer, 'X', sizeof(offer) - 1);
	offer[sizeof(offer) - 1] = '\0';
	for (size_t i = 10; i < sizeof(offer) - 1; i += 10)
		offer[i] = ' ';
	check_int(choose(offer, "", USUAL, &chosen, &e), -1, "E4 a very long offer");
	check(strstr(e.text, "...; this account allows "), "E4 is cut: %s", e.text);
}

static const struct {
	const char *words[3];
	int result;
	const char *text, *hint;
} settings[] = {
	{ { NULL }, 0, "", "" },
	{ { "auto" }, 0, "", "" },
	{ { "None" }, 0, "", "" },
	{ { "plain", "Scram-Sha-256" }, 0, "", "" },
	{ { "plain", "auto" }, -1, "'auto' cannot stand beside others", "" },
	{ { "none", "!plain" }, -1, "'none' cannot stand beside others", "" },
	{ { "auto", "!plain" }, 0, "", "" },
	{ { "!plain", "! Login" }, 0, "", "" },
	{ { "GSSAPI", "plain" }, 0, "", "" },
	{ { "scram-sha-256", "!plain" }, -1, "both names mechanisms to use and forbids PLAIN",
		"leave '!PLAIN' out" },
	{ { "!plainn" }, -1, "'plainn'", "did you mean PLAIN?" },
	{ { "!" }, -1, "auth names what is no", "" },
	{ { "!auto" }, -1, "auth names what is no", "" },
	{ { "!none" }, -1, "auth names", "" },
	{ { "scram-sha256" }, -1, "'scram-sha256'", "did you mean SCRAM-SHA-256?" },
	{ { "login", "xoauth" }, -1, "'xoauth'", "did you mean XOAUTH2?" },
	{ { "gssapi-with-mic" }, -1, "auth names what is no login mechanism", "leave auth out" },
	{ { "\033x" }, -1, "auth names what is no", "leave auth out" },
	{ { "" }, -1, "auth names what is no", "leave auth out" },
};

static void test_settings(void)
{
	for (size_t i = 0; i < COUNT(settings); i++) {
		struct sasl_settings set = { .user = user };
		struct err e = { 0 };
		char *words[3];

		for (; set.mechanisms.count < 3 && settings[i].words[set.mechanisms.count];
				set.mechanisms.count++)
			words[set.mechanisms.count] =
				mem_string(settings[i].words[set.mechanisms.count]);
		set.mechanisms.items = words;
		check_int(sasl_settings_check(&set, &e), settings[i].result, "auth row %zu", i);
		check(strstr(e.text, settings[i].text) && strstr(e.hint, settings[i].hint),
			"auth row %zu: %s: %s", i, e.text, e.hint);
		if (settings[i].result < 0)
			check_int(e.kind, ERR_CONFIG, "auth row %zu: kind", i);
		while (set.mechanisms.count)
			free(words[--set.mechanisms.count]);
	}
}

/* What auth leaves must be able to carry it. */
static void test_authzid(void)
{
	static const struct {
		const char *words[3], *authzid, *text;
	} rows[] = {
		{ { NULL }, "other", NULL },
		{ { "login", "plain" }, "other", NULL },
		{ { "none" }, "other", NULL },
		{ { "gssapi" }, "other", NULL },
		{ { "login", "xoauth2" }, "other", "authzid is set, and no login that auth leaves" },
		{ { "cram-md5" }, "other", "authzid is set" },
		{ { "plain" }, "a\nb", "control character" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sasl_settings set = { .authzid = mem_string(rows[i].authzid) };
		struct err e = { 0 };
		char *words[3];

		for (; set.mechanisms.count < 3 && rows[i].words[set.mechanisms.count];
				set.mechanisms.count++)
			words[set.mechanisms.count] = mem_string(rows[i].words[set.mechanisms.count]);
		set.mechanisms.items = words;
		check_int(sasl_settings_check(&set, &e), rows[i].text ? -1 : 0, "authzid row %zu", i);
		check(!rows[i].text || (e.kind == ERR_CONFIG && strstr(e.text, rows[i].text)),
			"authzid row %zu: %s", i, e.text);
		while (set.mechanisms.count)
			free(words[--set.mechanisms.count]);
		free(set.authzid);
	}
}

static void test_names(void)
{
	for (unsigned m = 0; m < SASL_MECHANISMS; m++) {
		const char *name = sasl_name((enum sasl_mechanism)m);

		check_int(sasl_find(name, strlen(name)), m, "name %u is found", m);
		check_int(sasl_find(name, strlen(name) - 1) == m, 0, "name %u cut is not", m);
		check(strlen(name) <= 20, "name %u: RFC 4422 section 3.1", m);
	}
	check_text(sasl_name(SASL_MECHANISMS), "none", "no mechanism");
	check_int(sasl_traits(SASL_PLAIN), SASL_CLIENT_FIRST | SASL_ONE_TRIP | SASL_CLEAR |
		SASL_ACTS_AS, "PLAIN");
	check_int(sasl_traits(SASL_LOGIN), SASL_CLEAR, "LOGIN sends no initial response");
	check_int(sasl_traits(SASL_EXTERNAL), SASL_CLIENT_FIRST | SASL_ONE_TRIP | SASL_ACTS_AS |
		SASL_NO_SECRET, "EXTERNAL");
	check_int(sasl_traits(SASL_ANONYMOUS), SASL_CLIENT_FIRST | SASL_ONE_TRIP | SASL_NO_SECRET,
		"ANONYMOUS");
	check(!(sasl_traits(SASL_GSSAPI) & SASL_ONE_TRIP), "GSSAPI must not lead a group");
	check(!(sasl_traits(SASL_XOAUTH2) & SASL_ONE_TRIP), "XOAUTH2 must not lead a group");
	check(sasl_traits(SASL_SCRAM_SHA_1_PLUS) & SASL_BINDS, "-PLUS is bound");
	check_int(sasl_traits(SASL_MECHANISMS), 0, "none has no traits");
}

int main(void)
{
	test_good();
	test_bad();
	test_long_offer();
	test_settings();
	test_authzid();
	test_names();
	return tap_done();
}
