/* t/unit/cred_oauth_assertion.c - signed assertions, which another implementation verifies.
 */
#include "t/unit/oauth_rig.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/json.h"
#include "cred/oauth_assertion.h"

enum { NOW = 1796000000 };

static char dir[] = "/tmp/sendoff-assertion-XXXXXX";
static const unsigned char random_octets[OAUTH_RANDOM] = { 0xde, 0xad, 0xbe, 0xef };

/* A command in the directory of this test; true: it went well. */
static bool run(const char *command)
{
	char *line = mem_printf("cd %s && { %s; } >/dev/null 2>&1", dir, command);
	bool good = system(line) == 0;

	free(line);
	return good;
}

static void write_file(const char *name, const void *data, size_t len)
{
	char *path = mem_printf("%s/%s", dir, name);
	FILE *f = fopen(path, "w");

	if (check(f && fwrite(data, 1, len, f) == len, "%s is written", name))
		fclose(f);
	chmod(path, 0600);
	free(path);
}

static void read_file(const char *name, struct buf *out)
{
	char *path = mem_printf("%s/%s", dir, name), piece[4096];
	FILE *f = fopen(path, "r");
	size_t n;

	*out = BUF_INIT(1 << 16);
	while (f && (n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(out, piece, n);
	if (check(f != NULL, "%s is read", name))
		fclose(f);
	free(path);
}

static bool make_keys(void)
{
	return run("openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key") &&
		run("openssl rsa -in key -traditional -out key1") &&
		run("openssl pkey -in key -pubout -out public") &&
		run("openssl pkey -in key -aes256 -passout pass:x -out locked") &&
		run("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out curve") &&
		run("openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out other") &&
		run("openssl req -x509 -new -key key -subj /CN=sendoff -days 30000 -out crt") &&
		run("openssl req -x509 -new -key other -subj /CN=other -days 30000 -out other.crt") &&
		run("cat crt key >good && cat key crt >turned && cat crt key1 >old && cat other.crt key >pair "
			"&& cat crt locked >closed && cat crt curve >curved");
}

/* ---- plans, without the files that oauth_plan() reads */

static struct oauth_plan service_plan(const char *key)
{
	struct oauth_plan p = { .flow = OAUTH_FLOW_SERVICE, .client_id = mem_string("s@p.test"),
		.user = mem_string("me@x.test"), .scope = mem_string("https://mail.google.com/"),
		.token_url = mem_string("https://oauth2.googleapis.com/token"), .key_id = mem_string("k1") };
	struct buf text;

	read_file(key, &text);
	secret_set(&p.key, buf_text(&text), text.len);
	buf_wipe(&text);
	return p;
}

static struct oauth_plan client_plan(const char *file)
{
	struct oauth_plan p = service_plan(file);

	p.flow = OAUTH_FLOW_CLIENT;
	return p;
}

static bool make(const struct oauth_plan *p, int64_t now, struct buf *jwt)
{
	struct err e = { 0 };

	*jwt = BUF_INIT(1 << 16);
	if (oauth_assertion(p, now, random_octets, jwt, &e) == 0)
		return true;
	printf("# %s (%s)\n", e.text, e.hint);
	return false;
}

/* The part of it, decoded; a NUL behind. */
static void part(const struct buf *jwt, unsigned which, struct buf *out)
{
	const char *at = buf_text(jwt);

	*out = BUF_INIT(1 << 16);
	for (; which && at; which--) {
		at = strchr(at, '.');
		at = at ? at + 1 : NULL;
	}
	if (check(at != NULL, "it has such a part"))
		check_int(base64url_decode(at, strcspn(at, "."), out), 0, "... in base64url");
}

static void verifies(const struct buf *jwt, const char *options, bool want)
{
	struct buf signature;
	char *command = mem_printf("openssl dgst -sha256 %s -verify public -signature sig text", options);

	part(jwt, 2, &signature);
	write_file("sig", buf_text(&signature), signature.len);
	write_file("text", jwt->data, (size_t)(strrchr(jwt->data, '.') - jwt->data));
	check_int(run(command), want, "OpenSSL finds the signature %s", want ? "right" : "wrong");
	buf_release(&signature);
	free(command);
}

#define PSS "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32"

/* ---- a service account: RS256 */

static void test_service(const char *key)
{
	struct oauth_plan p = service_plan(key);
	struct buf jwt, header, claims, again;

	if (check(make(&p, NOW, &jwt), "an assertion with %s", key)) {
		part(&jwt, 0, &header);
		part(&jwt, 1, &claims);
		check_text(buf_text(&header), "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"k1\"}", "its header");
		check_text(buf_text(&claims), "{\"iss\":\"s@p.test\",\"sub\":\"me@x.test\",\"scope\":"
			"\"https://mail.google.com/\",\"aud\":\"https://oauth2.googleapis.com/token\","
			"\"iat\":1795999940,\"exp\":1796003540}", "what it claims");
		verifies(&jwt, "", true);
		verifies(&jwt, PSS, false);
		if (check(make(&p, NOW, &again), "the same once more"))
			check_text(buf_text(&again), buf_text(&jwt), "is the same");
		jwt.data[jwt.len / 3] ^= 1;
		verifies(&jwt, "", false);
		buf_release(&header);
		buf_release(&claims);
		buf_release(&again);
	}
	buf_release(&jwt);
	oauth_plan_release(&p);
}

static void test_service_names(void)
{
	struct oauth_plan p = service_plan("key");
	struct buf jwt, part_of;

	free(p.key_id);
	p.key_id = NULL;
	free(p.user);
	p.user = mem_string("\"},\xc3\xa4\\@x.test");
	if (check(make(&p, NOW, &jwt), "an odd user, and no key's id")) {
		part(&jwt, 0, &part_of);
		check_text(buf_text(&part_of), "{\"alg\":\"RS256\",\"typ\":\"JWT\"}", "the header");
		buf_release(&part_of);
		part(&jwt, 1, &part_of);
		check(strstr(buf_text(&part_of), "\"sub\":\"\\\"},\xc3\xa4\\\\@x.test\",") != NULL,
			"E7 what is odd stays inside of its text");
		buf_release(&part_of);
	}
	buf_release(&jwt);
	free(p.user);
	p.user = mem_string("\xff@x.test");
	check(!make(&p, NOW, &jwt) && !jwt.len, "what is no text is refused");
	buf_release(&jwt);
	oauth_plan_release(&p);
}

/* ---- an app with a certificate: PS256 */

static void test_client(const char *file)
{
	struct oauth_plan p = client_plan(file);
	struct buf jwt, header, claims, digest;
	struct buf want = BUF_INIT(256), print = BUF_INIT(64);

	if (check(make(&p, NOW, &jwt), "an assertion with %s", file)) {
		part(&jwt, 0, &header);
		part(&jwt, 1, &claims);
		check(run("openssl x509 -in crt -outform DER | openssl dgst -sha256 -binary >digest"),
			"the thumbprint, by OpenSSL");
		read_file("digest", &digest);
		base64url_encode(buf_text(&digest), digest.len, &print);
		buf_printf(&want, "{\"alg\":\"PS256\",\"typ\":\"JWT\",\"x5t#S256\":\"%s\"}", buf_text(&print));
		check_text(buf_text(&header), buf_text(&want), "its header names the certificate");
		check_text(buf_text(&claims), "{\"aud\":\"https://oauth2.googleapis.com/token\",\"iss\":"
			"\"s@p.test\",\"sub\":\"s@p.test\",\"jti\":\"deadbeef000000000000000000000000\","
			"\"nbf\":1795999940,\"iat\":1795999940,\"exp\":1796000540}", "what it claims");
		verifies(&jwt, PSS, true);
		verifies(&jwt, "", false);
		buf_release(&header);
		buf_release(&claims);
		buf_release(&digest);
	}
	buf_release(&jwt);
	buf_release(&want);
	buf_release(&print);
	oauth_plan_release(&p);
}

/* ---- what will not do */

static void test_bad(void)
{
	static const struct { bool service; const char *file; int64_t now; const char *text, *hint; } rows[] = {
		{ true, "locked", NOW, "protected by a password", "openssl pkey" },
		{ true, "curve", NOW, "not of the kind RSA", "2048" },
		{ true, "public", NOW, "the key cannot be read", NULL },
		{ true, "text", NOW, "the key cannot be read", NULL },
		{ false, "key", NOW, "the certificate cannot be read", NULL },
		{ false, "closed", NOW, "protected by a password", "openssl pkey" },
		{ false, "curved", NOW, "not of the kind RSA", "2048" },
		{ false, "pair", NOW, "do not belong together", "certificate first" },
		{ false, "good", 9999999999, "out of date", "new one" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct oauth_plan p = rows[i].service ? service_plan(rows[i].file) : client_plan(rows[i].file);
		struct buf out = BUF_INIT(1 << 16);
		struct err e = { 0 };

		check_int(oauth_assertion(&p, rows[i].now, random_octets, &out, &e), -1, "%s will not do", rows[i].file);
		check_int(e.kind, ERR_CONFIG, "... which is the configuration's fault");
		check(strstr(e.text, rows[i].text) && !strstr(e.text, "BEGIN"), "... said: %s", e.text);
		check(!rows[i].hint || strstr(e.hint, rows[i].hint), "... with what to do: %s", e.hint);
		check(!out.len, "... and nothing is asked");
		buf_release(&out);
		oauth_plan_release(&p);
	}
}

/* ---- the requests that carry them */

static void test_requests(void)
{
	struct oauth_plan service = service_plan("key"), client = client_plan("good");
	struct buf out = BUF_INIT(4096), small = BUF_INIT(600);
	struct err e = { 0 };

	check_int(oauth_ask_client(&service, NOW, random_octets, &small, &e), -1, "where there is no room");
	check_int(e.kind, ERR_INTERNAL, "it is said");
	buf_wipe(&small);
	check_int(oauth_ask_client(&service, NOW, random_octets, &out, &e), 0, "RFC 7523 section 2.1");
	check(strstr(buf_text(&out), "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&"
		"assertion=eyJ") == out.data, "a grant");
	check(!strstr(buf_text(&out), "client_id"), "which says by itself who asks");
	buf_wipe(&out);
	check_int(oauth_ask_client(&client, NOW, random_octets, &out, &e), 0, "RFC 7523 section 2.2");
	check(strstr(buf_text(&out), "grant_type=client_credentials&client_id=s%40p.test&"
		"scope=https%3A%2F%2Fmail.google.com%2F&client_assertion_type="
		"urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=eyJ") ==
		out.data, "in place of a secret");
	buf_wipe(&out);
	oauth_plan_release(&service);
	oauth_plan_release(&client);
}

/* A plan has loaded what signs. */
static void test_loaded(void)
{
	struct oauth_plan p;
	char *path = mem_printf("%s/good", dir);

	chmod(path, 0600);
	if (check(PLAN("microsoft365", &p, "client_id", "i", "tenant", "t", "certificate", path), "a plan")) {
		struct buf out = BUF_INIT(1 << 18);
		struct err e = { 0 };

		check_int(oauth_ask_client(&p, NOW, random_octets, &out, &e), 0, "can be asked with at once");
		buf_wipe(&out);
	}
	oauth_plan_release(&p);
	free(path);
}

int main(void)
{
	struct oauth_plan p = { .flow = OAUTH_FLOW_SERVICE };
	struct buf out = BUF_INIT(64);
	struct err e = { 0 };

	check(oauth_assertion(&p, NOW, random_octets, &out, &e) == -1 && e.kind == ERR_TLS,
		"GnuTLS is not loaded by pure code");
	if (check(mkdtemp(dir) && make_keys(), "keys, made by OpenSSL")) {
		test_loaded();
		test_service("key");
		test_service("key1");
		test_service_names();
		test_client("good");
		test_client("turned");
		test_client("old");
		test_bad();
		test_requests();
	}
	run("rm -f *");
	rmdir(dir);
	return tap_done();
}
