/* t/unit/sasl_others.c - acting as somebody else, and responses that somebody else makes. */
#include "t/unit/tap.h"

#include "base/gnutls.h"
#include "base/mem.h"
#include "sasl/sasl.h"

#define OUR_NONCE "AAECAwQFBgcICQoLDA0ODxAR"

static struct secret secret;

static const struct {
	enum sasl_mechanism mechanism;
	const char *user, *authzid;
	const char *first;
	size_t len;
} acting[] = {
	{ SASL_PLAIN, "tim", "kurt", "kurt\0tim\0pa55", 13 },
	{ SASL_PLAIN, "tim", "a,b=c", "a,b=c\0tim\0pa55", 14 },
	{ SASL_EXTERNAL, "tim", "kurt", "kurt", 4 },
	{ SASL_SCRAM_SHA_1, "tim", "kurt", "n,a=kurt,n=tim,r=" OUR_NONCE, 41 },
	/* RFC 5802 section 5.1 */
	{ SASL_SCRAM_SHA_256, "t=m", "a,b=c", "n,a=a=2Cb=3Dc,n=t=3Dm,r=" OUR_NONCE, 48 },
	/* RFC 7628 section 3.1, RFC 5801 section 4 */
	{ SASL_OAUTHBEARER, "tim", "a,b=c", "n,a=a=2Cb=3Dc,\1auth=Bearer pa55\1\1", 33 },
};

static void test_authzid(void)
{
	static const enum sasl_mechanism others[] = { SASL_LOGIN, SASL_CRAM_MD5, SASL_XOAUTH2 };
	struct buf out = BUF_INIT(0);
	struct err e = { 0 };

	for (size_t i = 0; i < COUNT(acting); i++) {
		struct sasl_login login = { .mechanism = acting[i].mechanism, .user = acting[i].user,
			.authzid = acting[i].authzid, .nonce = OUR_NONCE, .secret = &secret };
		struct sasl *s = sasl_new(&login, &e);

		buf_clear(&out);
		check(s && sasl_start(s, &out, &e) == 0 && out.len == acting[i].len &&
			!memcmp(buf_text(&out), acting[i].first, out.len),
			"%s as another", sasl_name(login.mechanism));
		sasl_free(&s);
		login.authzid = "two\1fields";
		check(!sasl_new(&login, &e) && e.kind == ERR_LOGIN, "E1 %s: %s",
			sasl_name(login.mechanism), e.text);
	}
	for (size_t i = 0; i < COUNT(others); i++) {
		struct sasl_login login = { .mechanism = others[i], .user = "tim", .authzid = "kurt",
			.secret = &secret };

		check(!sasl_new(&login, &e) && strstr(e.text, "cannot carry"), "%s: %s",
			sasl_name(others[i]), e.text);
	}
	buf_release(&out);
}

/* --- made outside --------------------------------------------------------- */

static void test_outside(void)
{
	struct sasl_login login = { .mechanism = SASL_GSSAPI, .user = "" };
	struct err e = { 0 };
	struct sasl *s = sasl_new(&login, &e);

	check(s != NULL, "GSSAPI needs neither user nor secret");
	sasl_responded(s, false);
	check_int(sasl_finish(s, &e), -1, "D7 GSSAPI: success before the server has proved itself");
	check_text(e.cause, "server-proof-wrong", "D7 ... has its cause");
	check_int(sasl_outside(s, 32 * 1024, &e), 0, "GSSAPI: a challenge");
	check_int(sasl_outside(s, 32 * 1024 + 1, &e), -1, "C2 GSSAPI: not a longer one");
	sasl_responded(s, true);
	check_int(sasl_finish(s, &e), 0, "GSSAPI: success");
	check_int(sasl_outside(s, 4, &e), -1, "GSSAPI: a challenge too many");
	sasl_free(&s);
	s = sasl_new(&login, &e);
	for (unsigned i = 0; i < 16; i++)
		sasl_responded(s, false);
	check_int(sasl_outside(s, 4, &e), -1, "C1 GSSAPI: not for ever");
	sasl_free(&s);
}

int main(void)
{
	struct err e = { 0 };

	check_int(gnutls_need(&e), 0, "GnuTLS is loaded");
	secret_set(&secret, "pa55", 4);
	test_authzid();
	test_outside();
	secret_wipe(&secret);
	return tap_done();
}
