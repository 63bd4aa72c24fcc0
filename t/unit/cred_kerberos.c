/* t/unit/cred_kerberos.c - GSSAPI as RFC 4752 has it, with a library that does what the test
 * says: what is answered to which challenge, what trouble is called, and the child that does
 * it, which a deadline kills. */
#include "t/unit/tap.h"

#include <errno.h>
#include <krb5.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cred/gssapi.h"
#include "cred/kerberos.h"
#include "cred/kerberos_talk.h"

/* ---- the library */

/* What it does. */
static struct {
	OM_uint32 major, minor;      /* of init_sec_context */
	OM_uint32 flags;
	unsigned rounds;             /* calls that take to establish the context */
	size_t token_len;            /* of each of them; 0: "token" */
	unsigned sleep_seconds, die;
	OM_uint32 unwrap_major;
	const char *offer;           /* what unwrapping gives */
	size_t offer_len;
} fake;

static struct {
	char service[300];
	unsigned rounds;
	char challenge[64];          /* the last one to init_sec_context */
	OM_uint32 flags;
	char wrapped[200];
	size_t wrapped_len;
	int confidential;
} seen;

static OM_uint32 give(gss_buffer_t out, const void *data, size_t len)
{
	out->value = mem_copy(data, len);
	out->length = len;
	return GSS_S_COMPLETE;
}

static OM_uint32 fake_import_name(OM_uint32 *minor, gss_buffer_t text, gss_OID type, gss_name_t *name)
{
	(void)type;
	*minor = 0;
	snprintf(seen.service, sizeof(seen.service), "%.*s", (int)text->length, (char *)text->value);
	*name = (gss_name_t)(uintptr_t)2;
	return GSS_S_COMPLETE;
}

static OM_uint32 fake_init_sec_context(OM_uint32 *minor, gss_cred_id_t cred, gss_ctx_id_t *context,
	gss_name_t name, gss_OID mechanism, OM_uint32 wanted, OM_uint32 time,
	gss_channel_bindings_t bindings, gss_buffer_t in, gss_OID *actual, gss_buffer_t out,
	OM_uint32 *flags, OM_uint32 *seconds)
{
	(void)cred, (void)name, (void)mechanism, (void)time, (void)bindings, (void)actual, (void)seconds;
	if (fake.die)
		raise((int)fake.die);
	sleep(fake.sleep_seconds);
	seen.flags = wanted;
	snprintf(seen.challenge, sizeof(seen.challenge), "%.*s", in ? (int)in->length : 0,
		in ? (char *)in->value : "");
	*minor = fake.minor;
	if (GSS_ERROR(fake.major))
		return fake.major;
	*context = (gss_ctx_id_t)(uintptr_t)1;
	*flags = fake.flags;
	if (fake.token_len) {
		out->length = fake.token_len;
		out->value = mem_alloc(fake.token_len);
	} else {
		give(out, "token", 5);
	}
	return ++seen.rounds < fake.rounds ? GSS_S_CONTINUE_NEEDED : GSS_S_COMPLETE;
}

static OM_uint32 fake_unwrap(OM_uint32 *minor, gss_ctx_id_t context, gss_buffer_t in, gss_buffer_t out,
	int *confidential, gss_qop_t *quality)
{
	(void)context, (void)in, (void)confidential, (void)quality;
	*minor = 0;
	return GSS_ERROR(fake.unwrap_major) ? fake.unwrap_major : give(out, fake.offer, fake.offer_len);
}

static OM_uint32 fake_wrap(OM_uint32 *minor, gss_ctx_id_t context, int confidential, gss_qop_t quality,
	gss_buffer_t in, int *state, gss_buffer_t out)
{
	(void)context, (void)quality, (void)state;
	*minor = 0;
	seen.confidential = confidential;
	seen.wrapped_len = in->length;
	memcpy(seen.wrapped, in->value, in->length);
	return give(out, "wrapped", 7);
}

static OM_uint32 fake_display_status(OM_uint32 *minor, OM_uint32 value, int type, gss_OID mechanism,
	OM_uint32 *more, gss_buffer_t out)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "%s %d\033[2J", type == GSS_C_MECH_CODE ? "minor" : "major",
		(int)value);

	(void)mechanism;
	*minor = *more = 0;
	return give(out, text, (size_t)len);
}

static OM_uint32 fake_inquire_context(OM_uint32 *minor, gss_ctx_id_t context, gss_name_t *ours,
	gss_name_t *theirs, OM_uint32 *seconds, gss_OID *mechanism, OM_uint32 *flags, int *local, int *open)
{
	(void)context, (void)mechanism, (void)flags, (void)local, (void)open;
	*minor = 0;
	*ours = (gss_name_t)(uintptr_t)3;
	*theirs = (gss_name_t)(uintptr_t)4;
	*seconds = 3600;
	return GSS_S_COMPLETE;
}

static OM_uint32 fake_display_name(OM_uint32 *minor, gss_name_t name, gss_buffer_t out, gss_OID *type)
{
	const char *text = name == (gss_name_t)(uintptr_t)3 ? "me@REALM\007" : "smtp/mx@REALM";

	(void)type;
	*minor = 0;
	return give(out, text, strlen(text));
}

static OM_uint32 fake_release_buffer(OM_uint32 *minor, gss_buffer_t b)
{
	*minor = 0;
	free(b->value);
	b->value = NULL;
	b->length = 0;
	return GSS_S_COMPLETE;
}

static void begin(void)
{
	memset(&fake, 0, sizeof(fake));
	memset(&seen, 0, sizeof(seen));
	fake.rounds = 2;
	fake.flags = GSS_C_MUTUAL_FLAG | GSS_C_INTEG_FLAG;
	fake.offer = "\7\0\x40\0";
	fake.offer_len = 4;
	gssapi_calls = (struct gssapi_calls){ .display_name = fake_display_name,
		.display_status = fake_display_status, .import_name = fake_import_name,
		.init_sec_context = fake_init_sec_context, .inquire_context = fake_inquire_context,
		.release_buffer = fake_release_buffer, .unwrap = fake_unwrap, .wrap = fake_wrap };
}

/* ---- the exchange */

static struct kerberos_told told;

static void talk(struct kerberos_talk *k, const char *challenge)
{
	memset(&told, 0, sizeof(told));
	kerberos_talk(k, challenge, strlen(challenge), &told);
}

static void test_exchange(void)
{
	struct kerberos_talk k = { .protocol = "smtp", .host = "mx.example.test", .authzid = "other" };

	begin();
	talk(&k, "");
	check_int(told.err.kind, ERR_NONE, "a ticket %s", told.err.text);
	check_text(seen.service, "smtp@mx.example.test", "RFC 4752 section 3.1: the service");
	check_int(seen.flags, GSS_C_MUTUAL_FLAG | GSS_C_SEQUENCE_FLAG | GSS_C_INTEG_FLAG,
		"... which has to prove itself");
	check(told.len == 5 && !memcmp(told.data, "token", 5) && !told.last, "goes out");
	check_text(told.facts.principal, "me@REALM\\x07", "E4 whose it is, cleaned");
	check_text(told.facts.service, "smtp/mx@REALM", "and for whom");
	check_int(told.facts.seconds, 3600, "and how long");
	talk(&k, "proof");
	check_text(seen.challenge, "proof", "the server's proof goes to the library");
	check(!told.err.kind && !told.last && k.established, "and is taken");
	talk(&k, "layers");
	check(!told.err.kind && told.last, "the choice of a layer is the last %s", told.err.text);
	check(told.len == 7 && !memcmp(told.data, "wrapped", 7), "goes out signed");
	check(seen.wrapped_len == 9 && !memcmp(seen.wrapped, "\1\0\0\0other", 9) && !seen.confidential,
		"... no layer, no size, and whom to act as");

	begin();
	k = (struct kerberos_talk){ .protocol = "smtp", .host = "mx" };
	fake.rounds = 1;
	talk(&k, "");
	check(!told.err.kind && k.established, "established at once");
	talk(&k, "layers");
	check(told.last && seen.wrapped_len == 4, "without authzid there is none");
}

static const struct {
	const char *name;
	OM_uint32 flags, unwrap_major;
	const char *offer;
	size_t offer_len;
	enum kerberos_trouble trouble;
} lies[] = {
	{ "D7 no proof of the server", GSS_C_INTEG_FLAG, 0, "\1\0\0\0", 4, KERBEROS_NO_PROOF },
	{ "D7 nothing that could be signed", GSS_C_MUTUAL_FLAG, 0, "\1\0\0\0", 4, KERBEROS_NO_PROOF },
	{ "D7 an offer that is not signed", 0, GSS_S_BAD_SIG, "", 0, KERBEROS_NO_PROOF },
	{ "a layer only", 0, 0, "\6\0\x40\0", 4, KERBEROS_LAYER },
	{ "none at all", 0, 0, "\0\0\0\0", 4, KERBEROS_LAYER },
	{ "an empty offer", 0, 0, "", 0, KERBEROS_FAILED },
	{ "a short offer", 0, 0, "\1\0\0", 3, KERBEROS_FAILED },
	{ "a long offer", 0, 0, "\1\0\0\0\0", 5, KERBEROS_FAILED },
};

static void test_lies(void)
{
	for (size_t i = 0; i < COUNT(lies); i++) {
		struct kerberos_talk k = { .protocol = "smtp", .host = "mx" };

		begin();
		fake.rounds = 1;
		if (lies[i].flags)
			fake.flags = lies[i].flags;
		fake.unwrap_major = lies[i].unwrap_major;
		fake.offer = lies[i].offer;
		fake.offer_len = lies[i].offer_len;
		talk(&k, "");
		if (!told.err.kind)
			talk(&k, "layers");
		check_int(told.err.kind, ERR_LOGIN, "%s: %s", lies[i].name, told.err.text);
		check_int(told.trouble, lies[i].trouble, "%s: what it is", lies[i].name);
		check(!told.len && !told.last && !seen.wrapped_len, "%s: no answer", lies[i].name);
	}
}

static const struct {
	OM_uint32 major;
	long minor;
	enum kerberos_trouble trouble;
	enum err_kind kind;
} troubles[] = {
	{ GSS_S_NO_CRED, KRB5_CC_NOTFOUND, KERBEROS_NO_TICKET, ERR_SECRET },
	{ GSS_S_NO_CRED, KRB5_FCC_NOFILE, KERBEROS_NO_TICKET, ERR_SECRET },
	{ GSS_S_NO_CRED, 100001, KERBEROS_NO_TICKET, ERR_SECRET },
	{ GSS_S_FAILURE, KRB5_KT_NOTFOUND, KERBEROS_NO_TICKET, ERR_SECRET },
	{ GSS_S_FAILURE, KRB5KRB_AP_ERR_TKT_EXPIRED, KERBEROS_TICKET_EXPIRED, ERR_SECRET },
	{ GSS_S_CREDENTIALS_EXPIRED, 0, KERBEROS_TICKET_EXPIRED, ERR_SECRET },
	{ GSS_S_FAILURE, KRB5KRB_AP_ERR_SKEW, KERBEROS_CLOCK, ERR_LOGIN },
	{ GSS_S_FAILURE, KRB5_KDCREP_SKEW, KERBEROS_CLOCK, ERR_LOGIN },
	{ GSS_S_FAILURE, KRB5KRB_AP_ERR_TKT_NYV, KERBEROS_CLOCK, ERR_LOGIN },
	{ GSS_S_FAILURE, KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN, KERBEROS_SERVER_UNKNOWN, ERR_LOGIN },
	{ GSS_S_FAILURE, KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN, KERBEROS_CLIENT_REFUSED, ERR_SECRET },
	{ GSS_S_FAILURE, KRB5KDC_ERR_PREAUTH_FAILED, KERBEROS_CLIENT_REFUSED, ERR_SECRET },
	{ GSS_S_FAILURE, KRB5_KDC_UNREACH, KERBEROS_KDC_SILENT, ERR_CONNECT },
	{ GSS_S_FAILURE, KRB5_REALM_UNKNOWN, KERBEROS_KDC_SILENT, ERR_CONNECT },
	{ GSS_S_DEFECTIVE_TOKEN, 0, KERBEROS_FAILED, ERR_LOGIN },
	{ GSS_S_FAILURE, 12345, KERBEROS_FAILED, ERR_LOGIN },
};

static void test_troubles(void)
{
	for (size_t i = 0; i < COUNT(troubles); i++) {
		struct kerberos_talk k = { .protocol = "smtp", .host = "mx" };

		begin();
		fake.major = troubles[i].major;
		fake.minor = (OM_uint32)troubles[i].minor;
		talk(&k, "");
		check_int(told.trouble, troubles[i].trouble, "trouble row %zu: %s", i, told.err.text);
		check_int(told.err.kind, troubles[i].kind, "row %zu: the kind", i);
		check(strstr(told.err.text, troubles[i].minor ? "minor " : "major ") &&
			strstr(told.err.text, "\\x1b"), "E4 row %zu: the library's words, cleaned", i);
	}
}

/* ---- the child */

static struct {
	struct loop loop;
	unsigned calls;
	bool answered, last;
	char data[100];
	struct err err;
} got;

static void done(void *context, const struct kerberos_response *r, struct err *e)
{
	(void)context;
	got.calls++;
	got.answered = r != NULL;
	got.err = *e;
	if (r) {
		got.last = r->last;
		snprintf(got.data, sizeof(got.data), "%.*s", (int)r->len, r->data);
	}
	loop_stop(&got.loop);
}

static struct kerberos *start(void)
{
	memset(&got, 0, sizeof(got));
	loop_init(&got.loop);
	return kerberos_new(&got.loop, "smtp", "mx.example.test.", NULL, done, NULL);
}

static void ask(struct kerberos *k, const char *challenge, size_t len, unsigned ms)
{
	got.calls = 0;
	kerberos_ask(k, challenge, len, clock_ms() + ms);
	check_int(got.calls, 0, "nothing is told inside");
	loop_run(&got.loop);
	check_int(got.calls, 1, "it is told once");
}

static void end(struct kerberos **k)
{
	kerberos_free(k);
	check(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "C1 no child is left");
	loop_release(&got.loop);
}

static void test_child(void)
{
	char *large = mem_alloc(KERBEROS_CHALLENGE_MAX + 1);
	struct kerberos *k = NULL;

	begin();
	k = start();
	ask(k, "", 0, 20000);
	check(got.answered && !strcmp(got.data, "token") && !got.last, "the child answers: %s", got.err.text);
	check_text(kerberos_facts(k)->principal, "me@REALM\\x07", "... and tells whose ticket it is");
	memset(large, 'x', KERBEROS_CHALLENGE_MAX + 1);
	ask(k, large, KERBEROS_CHALLENGE_MAX, 20000);
	check(got.answered, "C2 the longest challenge goes through");
	ask(k, "layers", 6, 20000);
	check(got.answered && got.last && !strcmp(got.data, "wrapped"), "to the end");
	end(&k);

	k = start();
	ask(k, large, KERBEROS_CHALLENGE_MAX + 1, 20000);
	check(!got.answered && got.err.kind == ERR_LOGIN && strstr(got.err.text, "too long"),
		"C2 a longer one does not: %s", got.err.text);
	end(&k);

	begin();
	fake.token_len = KERBEROS_RESPONSE_MAX + 1;
	k = start();
	ask(k, "", 0, 20000);
	check(!got.answered && strstr(got.err.text, "too long"), "C2 nor does such a response");
	check_text(got.err.cause, "kerberos-failed", "... which has a cause");
	end(&k);

	begin();
	fake.major = GSS_S_NO_CRED;
	k = start();
	ask(k, "", 0, 20000);
	check_int(got.err.kind, ERR_SECRET, "trouble comes as it is");
	check_text(got.err.cause, "kerberos-no-ticket", "... with its cause");
	end(&k);
	free(large);
}

static void test_child_ends(void)
{
	uint64_t since = clock_ms();
	struct kerberos *k = NULL;

	begin();
	fake.sleep_seconds = 600;
	k = start();
	ask(k, "", 0, 200);
	check_int(got.err.kind, ERR_TIMEOUT, "C1 a KDC that does not answer: %s", got.err.text);
	check_text(got.err.cause, "kerberos-kdc-silent", "... has its cause");
	check(clock_ms() - since < 60000, "C1 ... at the deadline");
	end(&k);

	k = start();
	kerberos_ask(k, "", 0, clock_ms() + 60000);
	end(&k);   /* while it is asked */
	check_int(got.calls, 0, "C1 it may be given up at any time");

	begin();
	fake.die = SIGKILL;
	k = start();
	ask(k, "", 0, 20000);
	check(!got.answered && strstr(got.err.text, "signal 9"), "C8 a library that crashes: %s", got.err.text);
	check_text(got.err.cause, "kerberos-failed", "... is told");
	end(&k);

	k = start();
	end(&k);
	check_int(got.calls, 0, "never asked");
}

static void test_hosts(void)
{
	static const char *const bad[] = { "192.0.2.1", "2001:db8::1", "[2001:db8::1]", "/run/x.sock" };
	static const char *const good[] = { "mx.example.test", "mx.example.test.", "localhost" };

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct err e = { 0 };

		check_int(kerberos_check_host(bad[i], &e), -1, "%s is no name", bad[i]);
		check(e.kind == ERR_CONFIG && strstr(e.hint, "tls_host"), "... %s", e.text);
	}
	for (size_t i = 0; i < COUNT(good); i++)
		check_int(kerberos_check_host(good[i], &(struct err){ 0 }), 0, "%s is one", good[i]);
}

int main(void)
{
	test_exchange();
	test_lies();
	test_troubles();
	test_child();
	test_child_ends();
	test_hosts();
	return tap_done();
}
