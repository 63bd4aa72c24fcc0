/* net/token.c - asking the child that has the token; see token.h. */
#include "net/token.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/gnutls.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"
#include "net/token_talk.h"

enum { USUAL_MS = 30 * 1000 };

struct token {
	struct child child;
	struct token_job job;       /* own */
	int talk;                   /* own; our end */
	uint64_t deadline;
	struct token_answer open;   /* the first answer */
	gnutls_datum_t certificate; /* own */
	gnutls_pubkey_t public;     /* own; of the certificate; NULL: not known yet */
	struct err err;             /* what went wrong; kind ERR_NONE: nothing */
};

static int read_uri(const char *key, const char *text, struct pkcs11_uri *out, struct err *e)
{
	if (!pkcs11_is_uri(text))
		return 0;
	return pkcs11_read(text, out, e) < 0 ? err_context(e, "%s", key) : 0;
}

static int start_child(struct token *t, struct err *e)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(e, ERR_SYSTEM, errno, "cannot make a socket");
	t->talk = ends[0];
	t->job.talk = ends[1];
	fcntl(t->talk, F_SETFL, O_NONBLOCK);
	if (child_call(&t->child, token_work, &t->job, ends[1], e) < 0) {
		close(ends[1]);
		return -1;
	}
	close(ends[1]);
	t->job.talk = -1;
	return 0;
}

struct token *token_start(const struct tls_settings *set, struct err *e)
{
	struct token *t = mem_alloc(sizeof(*t));

	t->child.out = t->talk = -1;
	t->deadline = clock_ms() + USUAL_MS;
	process_hold_secret();
	if (read_uri("tls_key", set->key, &t->job.key, e) < 0 ||
			read_uri("tls_cert", set->cert, &t->job.cert, e) < 0 || start_child(t, e) < 0)
		token_free(&t);
	if (t) {   /* the child has them */
		secret_wipe(&t->job.key.pin);
		secret_wipe(&t->job.cert.pin);
	}
	return t;
}

void token_rest(struct token *t)
{
	child_end(&t->child, 1);
	if (t->talk >= 0)
		close(t->talk);
	t->talk = -1;
}

void token_free(struct token **tp)
{
	struct token *t = *tp;

	if (!t)
		return;
	token_rest(t);
	pkcs11_release(&t->job.key);
	pkcs11_release(&t->job.cert);
	free(t->certificate.data);
	if (t->public)
		gnutls_pubkey_deinit(t->public);
	free(t);
	*tp = NULL;
}

void token_until(struct token *t, uint64_t deadline)
{
	t->deadline = deadline;
}

static int too_late(struct err *e)
{
	err_set(e, ERR_SECRET, "the security token with tls_key did not answer in time");
	err_hint(e, "see whether it waits for a touch or a PIN, or its module hangs: name the module by "
		"module-path in the URI, so that no other one is asked");
	return err_cause(e, "pkcs11-silent");
}

static int gone(struct err *e)
{
	err_set(e, ERR_SECRET, "the PKCS#11 module for tls_key broke down");
	return err_cause(e, "pkcs11-trouble");
}

/* 1: it is ready.  -1: *e. */
static int wait_for(struct token *t, short events, struct err *e)
{
	for (;;) {
		struct pollfd p = { .fd = t->talk, .events = events };
		uint64_t now = clock_ms();
		int n;

		if (process_stopped())
			return err_set(e, ERR_SIGNAL, "stopped by a signal");
		if (now >= t->deadline)
			return too_late(e);
		n = poll(&p, 1, t->deadline - now > 1000 ? 1000 : (int)(t->deadline - now));
		if (n > 0)
			return 1;
		if (n < 0 && errno != EINTR)
			return err_sys(e, ERR_SYSTEM, errno, "cannot wait for the security token");
	}
}

/* All of it, in either direction. */
static int move(struct token *t, void *in, const void *out, size_t len, struct err *e)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n;

		if (wait_for(t, in ? POLLIN : POLLOUT, e) < 0)
			return -1;
		n = in ? recv(t->talk, (char *)in + done, len - done, 0) :
			send(t->talk, (const char *)out + done, len - done, MSG_NOSIGNAL);
		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || (errno != EINTR && errno != EAGAIN))
			return gone(e);
	}
	return 0;
}

static int tell(const struct token_answer *a, struct err *e)
{
	static const char *const causes[] = { [TOKEN_MISSING] = "pkcs11-missing",
		[TOKEN_PIN] = "pkcs11-pin", [TOKEN_LOCKED] = "pkcs11-locked",
		[TOKEN_TROUBLE] = "pkcs11-trouble" };
	char words[TOKEN_WORDS], hint[TOKEN_HINT];

	text_clean_to(words, sizeof(words), a->words, strnlen(a->words, sizeof(a->words)));
	text_clean_to(hint, sizeof(hint), a->hint, strnlen(a->hint, sizeof(a->hint)));
	if (a->end < TOKEN_MISSING || a->end > TOKEN_CONFIG)
		return gone(e);
	err_set(e, a->end == TOKEN_CONFIG ? ERR_CONFIG : ERR_SECRET, "the client's key on a security "
		"token cannot be used: %s", words);
	if (hint[0])
		err_hint(e, "%s", hint);
	return a->end == TOKEN_CONFIG ? -1 : err_cause(e, causes[a->end]);
}

/* *data is the caller's to free. */
static int hear(struct token *t, struct token_answer *a, gnutls_datum_t *data, struct err *e)
{
	if (move(t, a, NULL, sizeof(*a), e) < 0)
		return -1;
	if (a->end != TOKEN_OK)
		return tell(a, e);
	if (a->size > TOKEN_DATA)
		return gone(e);
	data->data = mem_alloc(a->size + 1);
	data->size = a->size;
	return move(t, data->data, NULL, a->size, e);
}

int token_open(struct token *t, struct err *e)
{
	return hear(t, &t->open, &t->certificate, e);
}

gnutls_datum_t token_certificate(const struct token *t)
{
	return t->certificate;
}

static int another_key(struct err *e)
{
	err_set(e, ERR_CONFIG, "tls_key is not the key of tls_cert");
	return err_hint(e, "name both as they belong together: p11tool --login --list-all URI shows what "
		"is on the token");
}

static bool is_rsa(int algorithm)
{
	return algorithm == GNUTLS_PK_RSA || algorithm == GNUTLS_PK_RSA_PSS;
}

int token_expect(struct token *t, const gnutls_datum_t *der, struct err *e)
{
	int algorithm, rc;

	if (gnutls_token_need(e) < 0)
		return -1;
	rc = gnutls_pubkey_init(&t->public);
	if (rc >= 0)
		rc = gnutls_pubkey_import_x509_raw(t->public, der, GNUTLS_X509_FMT_DER, 0);
	if (rc < 0)
		return err_set(e, ERR_CONFIG, "the key of tls_cert cannot be read: %s", gnutls_strerror(rc));
	algorithm = gnutls_pubkey_get_pk_algorithm(t->public, NULL);
	if (algorithm == t->open.algorithm || (is_rsa(algorithm) && is_rsa(t->open.algorithm)))
		return 0;
	return another_key(e);
}

/* Only what is certain counts: the library may know some kinds of signature that it will not
 * verify. */
static bool is_of_another(const struct token *t, const struct token_question *q,
	const gnutls_datum_t *data, const gnutls_datum_t *signature)
{
	unsigned flags = GNUTLS_VERIFY_ALLOW_BROKEN | GNUTLS_VERIFY_ALLOW_SIGN_WITH_SHA1;
	gnutls_sign_algorithm_t algorithm = (gnutls_sign_algorithm_t)q->algorithm;
	int rc;

	if (q->flags & GNUTLS_PRIVKEY_SIGN_FLAG_TLS1_RSA)
		flags |= GNUTLS_VERIFY_USE_TLS1_RSA;
	rc = q->hashed ? gnutls_pubkey_verify_hash2(t->public, algorithm, flags, data, signature) :
		gnutls_pubkey_verify_data2(t->public, algorithm, flags, data, signature);
	return rc == GNUTLS_E_PK_SIG_VERIFY_FAILED;
}

static int ask(struct token *t, const struct token_question *q, const gnutls_datum_t *data,
	gnutls_datum_t *signature)
{
	struct token_answer a;
	gnutls_datum_t got = { NULL, 0 };
	int rc = t->talk < 0 || data->size > TOKEN_DATA ? gone(&t->err) : 0;

	if (rc == 0)
		rc = move(t, NULL, q, sizeof(*q), &t->err);
	if (rc == 0)
		rc = move(t, NULL, data->data, data->size, &t->err);
	if (rc == 0)
		rc = hear(t, &a, &got, &t->err);
	if (rc == 0 && is_of_another(t, q, data, &got))
		rc = another_key(&t->err);
	if (rc == 0) {
		signature->data = gnutls_malloc(got.size);   /* the library frees it */
		signature->size = got.size;
		if (signature->data)
			memcpy(signature->data, got.data, got.size);
		else
			rc = gone(&t->err);
	}
	free(got.data);
	return rc < 0 ? GNUTLS_E_PK_SIGN_FAILED : 0;
}

/* gnutls_privkey_sign_data_func */
static int sign(gnutls_privkey_t key, gnutls_sign_algorithm_t algorithm, void *context,
	unsigned flags, const gnutls_datum_t *data, gnutls_datum_t *signature)
{
	const struct token_question q = { (int32_t)algorithm, 0, flags, data->size };

	(void)key;
	return ask(context, &q, data, signature);
}

/* gnutls_privkey_sign_hash_func */
static int sign_hash(gnutls_privkey_t key, gnutls_sign_algorithm_t algorithm, void *context,
	unsigned flags, const gnutls_datum_t *hash, gnutls_datum_t *signature)
{
	const struct token_question q = { (int32_t)algorithm, 1, flags, hash->size };

	(void)key;
	return ask(context, &q, hash, signature);
}

static bool is_pss(gnutls_sign_algorithm_t algorithm)
{
	const char *name = gnutls_sign_get_name(algorithm);

	return name && !strncmp(name, "RSA-PSS", 7);
}

/* gnutls_privkey_info_func */
static int inform(gnutls_privkey_t key, unsigned flags, void *context)
{
	const struct token *t = context;
	gnutls_sign_algorithm_t algorithm = (gnutls_sign_algorithm_t)GNUTLS_FLAGS_TO_SIGN_ALGO(flags);

	(void)key;
	if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO)
		return t->open.algorithm;
	if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO_BITS)
		return t->open.bits;
	if (flags & GNUTLS_PRIVKEY_INFO_HAVE_SIGN_ALGO)
		return gnutls_sign_supports_pk_algorithm(algorithm,
			(gnutls_pk_algorithm_t)t->open.algorithm) && (t->open.pss || !is_pss(algorithm));
	return 0;
}

gnutls_privkey_t token_key(struct token *t)
{
	gnutls_privkey_t key = NULL;

	if (!t->job.key.object || !t->public || gnutls_privkey_init(&key) < 0)
		return NULL;
	if (gnutls_privkey_import_ext4(key, t, sign, sign_hash, NULL, NULL, inform, 0) < 0) {
		gnutls_privkey_deinit(key);
		return NULL;
	}
	return key;
}

bool token_failed(const struct token *t, struct err *e)
{
	if (t->err.kind == ERR_NONE)
		return false;
	*e = t->err;
	return true;
}
