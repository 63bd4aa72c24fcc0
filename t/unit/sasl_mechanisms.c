/* t/unit/sasl_mechanisms.c - every login to the octet, and servers that lie.
 *
 * The SCRAM exchanges that are not the RFCs' own were computed by another
 * implementation.
 */
#include "t/unit/tap.h"

#include <stdlib.h>

#include "base/codec.h"
#include "base/gnutls.h"
#include "base/mem.h"
#include "cred/prepare.h"
#include "sasl/sasl.h"

#define OUR_NONCE "AAECAwQFBgcICQoLDA0ODxAR"

static struct secret secret;

static struct sasl *begin(struct sasl_login login, const char *password, struct err *e)
{
	secret_set(&secret, password, strlen(password));
	login.secret = &secret;
	memset(e, 0, sizeof(*e));
	return sasl_new(&login, e);
}

static int step(struct sasl *s, const char *challenge, struct buf *out, struct err *e)
{
	buf_clear(out);
	memset(e, 0, sizeof(*e));
	return sasl_step(s, challenge, strlen(challenge), out, e);
}

static bool buf_is(const struct buf *b, const char *want, size_t len)
{
	return b->len == len && !memcmp(buf_text(b), want, len);
}

/* --- the simple ones ------------------------------------------------------ */

static void test_plain(void)
{
	struct buf out = BUF_INIT(0);
	struct err e;
	struct sasl *s = begin((struct sasl_login){ .mechanism = SASL_PLAIN, .user = "tim" },
		"tanstaaftanstaaf", &e);

	check_int(sasl_start(s, &out, &e), 0, "PLAIN starts");
	check(buf_is(&out, "\0tim\0tanstaaftanstaaf", 21), "PLAIN (RFC 4616 section 4)");
	check_int(sasl_finish(s, &e), 0, "PLAIN is done");
	check_int(step(s, "", &out, &e), -1, "PLAIN has no answer to a challenge");
	check_int(e.kind, ERR_LOGIN, "%s", e.text);
	sasl_free(&s);
	check(s == NULL, "the pointer is cleared");
	sasl_free(&s);
	buf_release(&out);
}

static void test_login(void)
{
	struct buf out = BUF_INIT(0);
	struct err e;
	struct sasl *s = begin((struct sasl_login){ .mechanism = SASL_LOGIN, .user = "tim" },
		"p\xc3\xa4ss", &e);

	check(sasl_start(s, &out, &e) == 0 && out.len == 0, "LOGIN waits for the server");
	check(step(s, "Password:", &out, &e) == 0 && buf_is(&out, "tim", 3),
		"LOGIN answers by order");
	check(step(s, "", &out, &e) == 0 && buf_is(&out, "p\xc3\xa4ss", 5), "LOGIN secret");
	check_int(step(s, "Again:", &out, &e), -1, "LOGIN ends there");
	check_int(out.len, 0, "D9 and says nothing more");
	sasl_free(&s);
	buf_release(&out);
}

static void test_cram(void)
{
	static const char vector[] = "<1896.697170952@postoffice.reston.mci.net>";
	struct buf out = BUF_INIT(0);
	struct err e;
	struct sasl *s = begin((struct sasl_login){ .mechanism = SASL_CRAM_MD5, .user = "tim" },
		"tanstaaftanstaaf", &e);

	check_int(step(s, vector, &out, &e), 0, "CRAM-MD5 answers");
	check_text(buf_text(&out), "tim b913a602c7eda7a495b4e6e7334d3890", "RFC 2195 section 2");
	check_int(step(s, vector, &out, &e), -1, "CRAM-MD5 answers once");
	sasl_free(&s);
	for (size_t cut = 0; cut < sizeof(vector); cut++) {
		s = begin((struct sasl_login){ .mechanism = SASL_CRAM_MD5, .user = "tim" }, "x",
			&e);
		buf_clear(&out);
		check_int(sasl_step(s, vector, cut, &out, &e), cut ? 0 : -1,
			"CRAM-MD5 cut at %zu", cut);
		check_int(out.len, cut ? 36 : 0, "CRAM-MD5 cut at %zu: length", cut);
		sasl_free(&s);
	}
	buf_release(&out);
}

static void test_external(void)
{
	struct buf out = BUF_INIT(0);
	struct err e = { 0 };
	struct sasl_login login = { .mechanism = SASL_EXTERNAL, .user = "" };
	struct sasl *s = sasl_new(&login, &e);

	check(s && sasl_start(s, &out, &e) == 0 && out.len == 0, "EXTERNAL needs nothing");
	sasl_free(&s);
	login.user = "other";
	s = sasl_new(&login, &e);
	check(s && sasl_start(s, &out, &e) == 0 && buf_is(&out, "other", 5), "EXTERNAL as another");
	check_int(step(s, "", &out, &e), -1, "EXTERNAL has no answer to a challenge");
	sasl_free(&s);
	buf_release(&out);
}

static void test_anonymous(void)
{
	char longest[257];
	struct buf out = BUF_INIT(0);
	struct err e = { 0 };
	struct sasl_login login = { .mechanism = SASL_ANONYMOUS, .user = "" };
	struct sasl *s = sasl_new(&login, &e);

	check(s && sasl_start(s, &out, &e) == 0 && out.len == 0, "ANONYMOUS needs nothing");
	check_int(sasl_finish(s, &e), 0, "... nor does the server prove anything");
	sasl_free(&s);
	login.user = "sirhc";
	s = sasl_new(&login, &e);
	check(s && sasl_start(s, &out, &e) == 0 && buf_is(&out, "sirhc", 5), "RFC 4505 section 4");
	check_int(step(s, "", &out, &e), -1, "it has no answer to a challenge");
	sasl_free(&s);
	memset(longest, 'x', sizeof(longest));
	longest[256] = '\0';
	login.user = longest;
	check(!sasl_new(&login, &e) && strstr(e.text, "longer than the 255"), "a trace too long");
	longest[255] = '\0';
	s = sasl_new(&login, &e);
	check(s != NULL, "the longest");
	sasl_free(&s);
	login.user = "a\nb";
	check(!sasl_new(&login, &e), "a control character");
	login.user = "";
	login.authzid = "other";
	check(!sasl_new(&login, &e), "nobody acts as nobody else");
	buf_release(&out);
}

/* --- OAuth ---------------------------------------------------------------- */

#define TOKEN "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="

static void test_oauthbearer(void)
{
	struct buf out = BUF_INIT(0), coded = BUF_INIT(0);
	struct err e;
	struct sasl_login login = { .mechanism = SASL_OAUTHBEARER, .user = "user@example.com",
		.host = "server.example.com", .port = 587 };
	struct sasl *s = begin(login, TOKEN, &e);

	check_int(sasl_start(s, &out, &e), 0, "OAUTHBEARER starts");
	base64_encode(out.data, out.len, &coded);
	check_text(buf_text(&coded), "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29t"
		"AXBvcnQ9NTg3AWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0"
		"Q2c9PQEB", "RFC 7628 section 4.1");
	check(sasl_server_error(s) == NULL, "no error yet");
	check_int(step(s, "{\"status\":\"invalid_token\",\n\"scope\":\"smtp\"}", &out, &e), 0,
		"D8 the error is answered");
	check(buf_is(&out, "\1", 1), "D8 with the dummy of RFC 7628 section 3.2.3");
	check_text(sasl_server_error(s), "{\"status\":\"invalid_token\",\\x0a\"scope\":\"smtp\"}",
		"E4 what the server said, cleaned");
	check_int(step(s, "{}", &out, &e), -1, "D8 once");
	sasl_free(&s);

	login = (struct sasl_login){ .mechanism = SASL_OAUTHBEARER, .user = "a=b,c" };
	s = begin(login, "tok", &e);
	buf_clear(&out);
	sasl_start(s, &out, &e);
	check_text(buf_text(&out), "n,a=a=3Db=2Cc,\1auth=Bearer tok\1\1", "names are escaped");
	sasl_free(&s);
	login.user = "";
	s = begin(login, "tok", &e);
	buf_clear(&out);
	sasl_start(s, &out, &e);
	check_text(buf_text(&out), "n,,\1auth=Bearer tok\1\1", "no user");
	sasl_free(&s);
	buf_release(&out);
	buf_release(&coded);
}

static void test_xoauth2(void)
{
	static const char error[] = "{\"status\":\"401\",\"schemes\":\"bearer\"}";
	struct buf out = BUF_INIT(0);
	struct err e;
	struct sasl_login login = { .mechanism = SASL_XOAUTH2, .user = "user@example.com",
		.host = "server.example.com", .port = 587 };

	for (size_t cut = 0; cut < sizeof(error); cut++) {
		struct sasl *s = begin(login, "ya29.tok", &e);

		buf_clear(&out);
		check_int(sasl_start(s, &out, &e), 0, "XOAUTH2 starts");
		check_text(buf_text(&out), "user=user@example.com\1auth=Bearer ya29.tok\1\1",
			"XOAUTH2");
		buf_clear(&out);
		check_int(sasl_step(s, error, cut, &out, &e), 0, "D8 error cut at %zu", cut);
		check_int(out.len, 0, "D8 is answered by an empty line");
		check_int(strlen(sasl_server_error(s)), cut, "D8 and kept");
		sasl_free(&s);
	}
	buf_release(&out);
}

/* --- SCRAM ---------------------------------------------------------------- */

static const unsigned char octets[32] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
	17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31 };

static const struct exchange {
	enum sasl_mechanism mechanism;
	const char *user, *password, *nonce, *binding;
	size_t binding_len;
	bool plus_offered;
	const char *first, *challenge, *final, *proof;
} exchanges[] = {
	/* RFC 5802 section 5 */
	{ SASL_SCRAM_SHA_1, "user", "pencil", "fyko+d2lbbFgONRv9qkxdawL", NULL, 0, false,
		"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
		"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
		"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
			"p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=" },
	/* RFC 7677 section 3 */
	{ SASL_SCRAM_SHA_256, "user", "pencil", "rOprNGfwEbeRWgbNEkqO", NULL, 0, false,
		"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
		"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
			"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
		"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
			"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
		"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" },
	{ SASL_SCRAM_SHA_256_PLUS, "me=x,y", "p,w=d", OUR_NONCE, "tls-exporter", 32, true,
		"p=tls-exporter,,n=me=3Dx=2Cy,r=" OUR_NONCE,
		"r=" OUR_NONCE "srv,s=c2FsdHNhbHQ=,i=4096",
		"c=cD10bHMtZXhwb3J0ZXIsLAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f,r=" OUR_NONCE
			"srv,p=v93TcHsCjBjIzUqg2Nmw81Oe5TUhR16n3ZitOPJ6mZo=",
		"v=W3+66IR/4cFWrCXEJ8Au/jXPUb5PtD2WTloipQFAoM0=" },
	{ SASL_SCRAM_SHA_1_PLUS, "user", "pencil", OUR_NONCE, "tls-unique", 12, true,
		"p=tls-unique,,n=user,r=" OUR_NONCE,
		"r=" OUR_NONCE "srv,s=c2FsdHNhbHQ=,i=5000",
		"c=cD10bHMtdW5pcXVlLCwAAQIDBAUGBwgJCgs=,r=" OUR_NONCE
			"srv,p=fDCITv5C55euGbvC+GlIllTqgCI=",
		"v=/Bw7Kg1fs4Uf/Mu6YvsjQQ5zDRs=" },
	{ SASL_SCRAM_SHA_256, "j\xc3\xbcrgen", "geheim\xc3\x9f", OUR_NONCE, "tls-exporter", 32,
		false,
		"y,,n=j\xc3\xbcrgen,r=" OUR_NONCE,
		"r=" OUR_NONCE "srv,s=c2FsdHNhbHQ=,i=4096",
		"c=eSws,r=" OUR_NONCE "srv,p=u0o7SG6LkI1gUaVjBYer3aZ0EHPZ1p8P65AZLloCzOg=",
		"v=vzOR3eXJkb1p3eolzVxRn6FlIhV0pMyJP4wSYIegM4I=" },
};

static struct sasl *begin_scram(const struct exchange *x, struct buf *out, struct err *e)
{
	struct sasl_binding binding = { .type = x->binding, .len = x->binding_len };
	struct sasl_login login = { .mechanism = x->mechanism, .user = x->user, .nonce = x->nonce,
		.binding = &binding, .plus_offered = x->plus_offered, .prepare = prepare_saslprep };
	struct sasl *s;

	memcpy(binding.data, octets, x->binding_len);
	s = begin(login, x->password, e);
	buf_clear(out);
	if (!s || sasl_start(s, out, e) < 0)
		printf("Bail out! %s\n", e->text);
	return s;
}

static void test_scram(const struct exchange *x)
{
	const char *name = sasl_name(x->mechanism);
	struct buf out = BUF_INIT(0);
	struct err e;
	struct sasl *s = begin_scram(x, &out, &e);

	check_text(buf_text(&out), x->first, "%s: first message", name);
	check_int(sasl_finish(s, &e), -1, "D7 %s: success before anything is proved", name);
	check_int(step(s, x->challenge, &out, &e), 0, "%s: challenge %s", name, e.text);
	check_text(buf_text(&out), x->final, "%s: proof", name);
	check_int(sasl_finish(s, &e), -1, "D7 %s: success without a signature", name);
	check_int(e.kind, ERR_LOGIN, "D7 %s: %s", name, e.text);
	check_int(step(s, x->proof, &out, &e), 0, "%s: the server's proof %s", name, e.text);
	check_int(out.len, 0, "%s: is answered by an empty line", name);
	check_int(sasl_finish(s, &e), 0, "D7 %s: success", name);
	check_int(step(s, x->proof, &out, &e), -1, "%s: a challenge too many", name);
	check_int(sasl_finish(s, &e), -1, "D7 %s: spoils it", name);
	sasl_free(&s);
	buf_release(&out);
}

/* Cut at any octet neither message may prove anything. */
static void test_scram_cuts(const struct exchange *x)
{
	const char *name = sasl_name(x->mechanism);
	struct buf out = BUF_INIT(0);
	size_t rounds_at = (size_t)(strstr(x->challenge, ",i=") - x->challenge) + 3 + 4;
	bool first = true, final = true;
	struct err e;

	for (size_t cut = 0; cut < strlen(x->challenge); cut++) {
		struct sasl *s = begin_scram(x, &out, &e);

		buf_clear(&out);
		if (cut < rounds_at && (sasl_step(s, x->challenge, cut, &out, &e) == 0 || out.len))
			first = false;
		sasl_free(&s);
	}
	for (size_t cut = 0; cut < strlen(x->proof); cut++) {
		struct sasl *s = begin_scram(x, &out, &e);

		step(s, x->challenge, &out, &e);
		if (sasl_step(s, x->proof, cut, &out, &e) == 0 || sasl_finish(s, &e) == 0)
			final = false;
		sasl_free(&s);
	}
	check(first, "D7 %s: no cut challenge is answered", name);
	check(final, "D7 %s: no cut signature is taken", name);
	buf_release(&out);
}

/* Each octet of the signature counts. */
static void test_wrong_signature(const struct exchange *x)
{
	struct buf out = BUF_INIT(0);
	bool refused = true;
	struct err e;

	for (size_t i = 2; i < strlen(x->proof); i++) {
		struct sasl *s = begin_scram(x, &out, &e);
		char *proof = mem_string(x->proof);

		proof[i] = proof[i] == 'A' ? 'B' : 'A';
		step(s, x->challenge, &out, &e);
		if (step(s, proof, &out, &e) == 0 || e.kind != ERR_LOGIN || sasl_finish(s, &e) == 0)
			refused = false;
		free(proof);
		sasl_free(&s);
	}
	check(refused, "D7 %s: a wrong signature is refused", sasl_name(x->mechanism));
	buf_release(&out);
}

static const struct {
	const char *challenge, *text;   /* text NULL: taken */
} challenges[] = {
	{ "r=" OUR_NONCE "s,s=c2FsdA==,i=4096", NULL },
	{ "r=" OUR_NONCE "s,s=c2FsdA==,i=4096,x=more,y=", NULL },
	{ "r=" OUR_NONCE "s,s=c2FsdA==,i=4095", "4095 rounds" },
	{ "r=" OUR_NONCE "s,s=c2FsdA==,i=1", "1 rounds" },
	{ "r=" OUR_NONCE "s,s=c2FsdA==,i=1000001", "more than 1000000 rounds" },
	{ "r=" OUR_NONCE "s,s=c2FsdA==,i=2147483648", "more than 1000000 rounds" },
	{ "r=" OUR_NONCE "s,s=c2FsdA==,i=18446744073709555712", "more than 1000000 rounds" },
	{ "r=" OUR_NONCE "s,s=c2FsdA==,i=0", "no number" },
	{ "r=" OUR_NONCE "s,s=c2FsdA==,i=04096", "no number" },
	{ "r=" OUR_NONCE "s,s=c2FsdA==,i=-4096", "no number" },
	{ "r=" OUR_NONCE "s,s=c2FsdA==,i=+4096", "no number" },
	{ "r=" OUR_NONCE "s,s=c2FsdA==,i= 4096", "no number" },
	{ "r=" OUR_NONCE "s,s=c2FsdA==,i=4096x", "no number" },
	{ "r=" OUR_NONCE "s,s=c2FsdA==,i=", "no number" },
	{ "r=" OUR_NONCE "s,s=c2FsdA==,i=4096,", "no number" },
	{ "r=" OUR_NONCE "s,s=c2FsdA==", "no number of rounds" },
	{ "r=" OUR_NONCE "s,s=c2FsdA,i=4096", "salt is not base64" },
	{ "r=" OUR_NONCE "s,s=c2Fs dA==,i=4096", "salt is not base64" },
	{ "r=" OUR_NONCE "s,s=,i=4096", "salt is not base64" },
	{ "r=" OUR_NONCE "s,i=4096", "no salt" },
	{ "s=c2FsdA==,i=4096", "no nonce" },
	{ "r=" OUR_NONCE ",s=c2FsdA==,i=4096", "does not continue ours" },
	{ "r=BAECAwQFBgcICQoLDA0ODxARs,s=c2FsdA==,i=4096", "does not continue ours" },
	{ "r=AAEC,s=c2FsdA==,i=4096", "does not continue ours" },
	{ "r=srv" OUR_NONCE ",s=c2FsdA==,i=4096", "does not continue ours" },
	{ "r=" OUR_NONCE "\x7f,s=c2FsdA==,i=4096", "no nonce" },
	{ "r=" OUR_NONCE " s,s=c2FsdA==,i=4096", "no nonce" },
	{ "m=x,r=" OUR_NONCE "s,s=c2FsdA==,i=4096", "extension (m=)" },
	{ "r=" OUR_NONCE "s,s=c2FsdA==,i=4096,m=x", "extension (m=)" },
	{ "r=" OUR_NONCE "s,s=c2FsdA==,i=4096,junk", "not well formed" },
	{ "r=" OUR_NONCE "s,s=c2FsdA==,i=4096,x=a,", "not well formed" },
	{ "r=" OUR_NONCE "s,s=c2FsdA==,i=4096,1=a", "not well formed" },
	{ "e=unknown-user", "it does not know this user (unknown-user)" },
	{ "e=\033[2J", "refused the login: \\x1b[2J" },
	{ "", "no nonce" },
	{ "r", "no nonce" },
	{ ",,,,", "no nonce" },
	{ "\xff\xfe garbage %s%n", "no nonce" },
};

static void test_challenges(void)
{
	struct exchange x = { .mechanism = SASL_SCRAM_SHA_256, .user = "u", .password = "hidden!",
		.nonce = OUR_NONCE };
	struct buf out = BUF_INIT(0);
	struct err e;

	for (size_t i = 0; i < COUNT(challenges); i++) {
		const char *want = challenges[i].text;
		struct sasl *s = begin_scram(&x, &out, &e);

		check_int(step(s, challenges[i].challenge, &out, &e), want ? -1 : 0,
			"C4 D7 challenge row %zu", i);
		if (want) {
			check(e.kind == ERR_LOGIN && strstr(e.text, want), "row %zu: %s", i,
				e.text);
			check_int(out.len, 0, "row %zu: no answer", i);
			check(step(s, challenges[0].challenge, &out, &e) < 0,
				"row %zu: no way on", i);
		}
		check(!strstr(e.text, "hidden!") && !strstr(e.hint, "hidden!"), "D9 row %zu", i);
		sasl_free(&s);
	}
	buf_release(&out);
}

/* Whole octets of whatever size: none keeps us busy, none overruns. */
static void test_large(void)
{
	static const struct {
		const char *before, *after;
		size_t count;
		char what;
		const char *text;
	} rows[] = {
		{ "r=" OUR_NONCE, ",s=c2FsdA==,i=4096", 200000, 'x', NULL },
		{ "r=" OUR_NONCE "s,s=", ",i=4096", 1364, 'A', NULL },           /* 1023 octets */
		{ "r=" OUR_NONCE "s,s=", ",i=4096", 1368, 'A', "the salt" },
		{ "r=" OUR_NONCE "s,s=", ",i=4096", 200000, 'A', "the salt" },
		{ "r=" OUR_NONCE "s,s=c2FsdA==,i=1", "", 9, '0', "more than 1000000 rounds" },
		{ "r=" OUR_NONCE "s,s=c2FsdA==,i=1", "", 200000, '0', "more than 1000000 rounds" },
		{ "r=" OUR_NONCE "s,s=c2FsdA==,i=4096,x=", "", 200000, ',', "not well formed" },
		{ "", "", 200000, 'r', "no nonce" },
		{ "e=", "", 200000, 'x', "refused the login" },
	};
	struct exchange x = { .mechanism = SASL_SCRAM_SHA_256, .user = "u", .password = "hidden!",
		.nonce = OUR_NONCE };
	struct buf out = BUF_INIT(0);
	struct err e;

	for (size_t i = 0; i < COUNT(rows); i++) {
		char *run = mem_alloc(rows[i].count + 1), *challenge;
		struct sasl *s = begin_scram(&x, &out, &e);

		memset(run, rows[i].what, rows[i].count);
		run[rows[i].count] = '\0';
		challenge = mem_printf("%s%s%s", rows[i].before, run, rows[i].after);
		check_int(step(s, challenge, &out, &e), rows[i].text ? -1 : 0, "C2 C4 large row %zu", i);
		check(!rows[i].text || strstr(e.text, rows[i].text), "large row %zu: %s", i, e.text);
		sasl_free(&s);
		free(challenge);
		free(run);
	}
	buf_release(&out);
}

/* RFC 5802 section 5.1: name and password in one spelling; what has none is not sent. */
static void test_prepared(void)
{
	const struct exchange *x = &exchanges[1];   /* of "user" and "pencil" */
	struct exchange other = *x;
	struct buf out = BUF_INIT(0);
	struct err e;
	struct sasl *s;

	other.user = "us\xc2\xad" "er";          /* a soft hyphen */
	other.password = "pen\xef\xbd\x83il";    /* a wide c */
	s = begin_scram(&other, &out, &e);
	check_text(buf_text(&out), x->first, "the user is prepared");
	step(s, x->challenge, &out, &e);
	check_text(buf_text(&out), x->final, "... and so is the password");
	sasl_free(&s);
	other.password = "hid\x07" "den!";
	secret_set(&secret, other.password, strlen(other.password));
	for (int with = 0; with < 2; with++) {
		struct sasl_login login = { .mechanism = SASL_SCRAM_SHA_256, .user = "u", .secret = &secret,
			.nonce = OUR_NONCE, .prepare = with ? prepare_saslprep : NULL };

		memset(&e, 0, sizeof(e));
		check(!sasl_new(&login, &e) && e.kind == ERR_LOGIN && strstr(e.text, "password") &&
			!strstr(e.text, "hid"), "D9 a control character is refused: %s", e.text);
	}
	buf_release(&out);
}

static const struct {
	const char *proof, *text;
} finals[] = {
	{ "", "no signature" },
	{ "v=", "cannot prove" },
	{ "v", "no signature" },
	{ "x=y", "no signature" },
	{ "v=rmF9pqV8S7suAoZWja4dJRkFsKQ", "cannot prove" },
	{ "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=,", "no signature" },
	{ "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=,m=1", "extension (m=)" },
	{ "x=y,v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", "no signature" },
	{ "e=invalid-proof", "the password is wrong (invalid-proof)" },
	{ "e=channel-bindings-dont-match", "somebody sits between" },
	{ "e=other-error", "refused the login: other-error" },
	{ "e=invalid-proof,v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", "the password is wrong" },
};

static void test_finals(void)
{
	const struct exchange *x = &exchanges[0];
	struct buf out = BUF_INIT(0);
	struct err e;
	struct sasl *s;

	for (size_t i = 0; i < COUNT(finals); i++) {
		s = begin_scram(x, &out, &e);
		step(s, x->challenge, &out, &e);
		check_int(step(s, finals[i].proof, &out, &e), -1, "D7 final row %zu", i);
		check(strstr(e.text, finals[i].text), "final row %zu: %s", i, e.text);
		check_int(sasl_finish(s, &e), -1, "D7 final row %zu: 235 is no success", i);
		sasl_free(&s);
	}
	s = begin_scram(x, &out, &e);
	check_int(sasl_step(s, x->challenge, strlen(x->challenge) + 1, &out, &e), -1,
		"D7 a NUL in a challenge");
	sasl_free(&s);
	s = begin_scram(x, &out, &e);
	step(s, x->challenge, &out, &e);
	check_int(step(s, "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=,x=ext", &out, &e), 0,
		"an extension behind the signature is passed over");
	check_int(sasl_finish(s, &e), 0, "and the signature counts");
	sasl_free(&s);
	buf_release(&out);
}

static void test_flags(void)
{
	struct exchange x = exchanges[4];
	struct buf out = BUF_INIT(0);
	struct err e;
	struct sasl *s;

	x.plus_offered = true;
	s = begin_scram(&x, &out, &e);
	check(!strncmp(buf_text(&out), "n,,", 3), "\"n\" where -PLUS is offered and not used");
	sasl_free(&s);
	x.plus_offered = false;
	x.binding = NULL;
	s = begin_scram(&x, &out, &e);
	check(!strncmp(buf_text(&out), "n,,", 3), "\"n\" where there is no binding");
	sasl_free(&s);
	buf_release(&out);
}

/* --- what cannot even begin ------------------------------------------------ */

static const struct {
	enum sasl_mechanism mechanism;
	const char *user, *password;
	size_t len;
	enum err_kind kind;
} hopeless[] = {
	{ SASL_PLAIN, "u", "", 0, ERR_SECRET },
	{ SASL_XOAUTH2, "u", "", 0, ERR_SECRET },
	{ SASL_PLAIN, "", "p", 1, ERR_LOGIN },
	{ SASL_PLAIN, "u", "p\0q", 3, ERR_LOGIN },
	{ SASL_LOGIN, "u\r\nMAIL", "p", 1, ERR_LOGIN },
	{ SASL_XOAUTH2, "u\1auth=Bearer x", "p", 1, ERR_LOGIN },
	{ SASL_XOAUTH2, "u", "tok en", 6, ERR_LOGIN },
	{ SASL_XOAUTH2, "u", "token\n", 6, ERR_LOGIN },
	{ SASL_OAUTHBEARER, "u", "tok\xc3\xa4n", 6, ERR_LOGIN },
	{ SASL_OAUTHBEARER, "u", "t\1\1", 3, ERR_LOGIN },
	{ SASL_OAUTHBEARER, "u", "t\x7f", 2, ERR_LOGIN },
	{ SASL_SCRAM_SHA_256_PLUS, "u", "p", 1, ERR_LOGIN },
};

static void test_hopeless(void)
{
	struct err e;

	for (size_t i = 0; i < COUNT(hopeless); i++) {
		struct sasl_login login = { .mechanism = hopeless[i].mechanism,
			.user = hopeless[i].user, .secret = &secret, .nonce = OUR_NONCE };

		memset(&e, 0, sizeof(e));
		secret_set(&secret, hopeless[i].password, hopeless[i].len);
		check(sasl_new(&login, &e) == NULL, "hopeless row %zu", i);
		check_int(e.kind, hopeless[i].kind, "row %zu: %s", i, e.text);
	}
}

/* Before it is loaded, what needs GnuTLS is refused and the rest is not. */
static void test_without_gnutls(void)
{
	struct sasl_login login = { .user = "u", .secret = &secret, .nonce = OUR_NONCE };
	struct err e;
	struct sasl *s;

	secret_set(&secret, "p", 1);
	for (unsigned m = SASL_SCRAM_SHA_256; m <= SASL_CRAM_MD5; m++) {
		bool plain = m == SASL_PLAIN || m == SASL_LOGIN;

		if (m == SASL_SCRAM_SHA_1_PLUS)
			continue;   /* refused for want of a binding */
		login.mechanism = (enum sasl_mechanism)m;
		memset(&e, 0, sizeof(e));
		s = sasl_new(&login, &e);
		check(plain == (s != NULL), "%s without GnuTLS", sasl_name(login.mechanism));
		check_int(e.kind, plain ? ERR_NONE : ERR_INTERNAL, "... says so: %s", e.text);
		sasl_free(&s);
	}
	check_int(gnutls_need(&e), 0, "now it is loaded");
}

int main(void)
{
	test_without_gnutls();
	test_plain();
	test_login();
	test_cram();
	test_external();
	test_anonymous();
	test_oauthbearer();
	test_xoauth2();
	for (size_t i = 0; i < COUNT(exchanges); i++) {
		test_scram(&exchanges[i]);
		test_scram_cuts(&exchanges[i]);
		test_wrong_signature(&exchanges[i]);
	}
	test_challenges();
	test_large();
	test_prepared();
	test_finals();
	test_flags();
	test_hopeless();
	secret_wipe(&secret);
	return tap_done();
}
