/* net/token_work.c - the child that opens a security token and signs; see token_talk.h.
 *
 * Nothing of what a module says reaches a person but the library's word for it; what it writes
 * to its standard output is not in ours, and from our input, the message, it reads nothing.
 */
#include "net/token_talk.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/child.h"
#include "base/file.h"
#include "base/gnutls.h"
#include "base/mem.h"
#include "net/token_pin.h"

enum { RSA_PSS = 0x0d };   /* CKM_RSA_PKCS_PSS */

/* What the library asks a PIN with. */
struct pin {
	const struct pkcs11_uri *uri;
	const char *key;            /* the setting that it stands in */
	bool wrong, last, none;     /* it was refused; one try is left; there is none to give */
	bool given;
	struct err err;             /* there is none that could be given */
};

static int fail(struct token_answer *a, enum token_end end, const char *words, const char *hint)
{
	a->end = (int32_t)end;
	snprintf(a->words, sizeof(a->words), "%s", words);
	snprintf(a->hint, sizeof(a->hint), "%s", hint);
	return -1;
}

/* gnutls_pin_callback_t */
static int give_pin(void *context, int attempt, const char *url, const char *label, unsigned flags,
	char *out, size_t size)
{
	struct pin *p = context;
	struct secret pin = { 0 };
	int rc = -1;

	(void)url;
	(void)label;
	p->none = !p->uri->pin.data && !p->uri->pin_file;
	p->wrong |= p->given && (attempt > 0 || flags & GNUTLS_PIN_WRONG);
	p->last |= (flags & GNUTLS_PIN_FINAL_TRY) != 0;
	if (p->none || p->wrong || p->last)
		return -1;
	if (token_pin_read(p->uri, &pin, &p->err) < 0) {
		err_context(&p->err, "%s", p->key);
	} else if (pin.len < size) {
		memcpy(out, pin.data, pin.len + 1);
		p->given = true;
		rc = 0;
	}
	secret_wipe(&pin);
	return rc;
}

/* Which of the two settings the trouble is with is in `key`. */
static int tell(struct token_answer *a, const char *key, const struct pin *p, int rc)
{
	bool absent = rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE ||
		rc == GNUTLS_E_PKCS11_REQUESTED_OBJECT_NOT_AVAILBLE || rc == GNUTLS_E_PKCS11_SLOT_ERROR;
	char words[TOKEN_WORDS];

	if (p->err.kind)
		return fail(a, TOKEN_CONFIG, p->err.text, p->err.hint);
	if (p->last && !p->wrong)
		return fail(a, TOKEN_LOCKED, "only one try is left before the token locks itself, so that its "
			"PIN is not tried",
			"log in to it by hand once, as p11tool --login --list-all URI does, and check the PIN");
	if (p->none)
		return fail(a, TOKEN_PIN, "the token asks for a PIN, and there is none",
			"put the PIN into a file of mode 0600, and ?pin-source=/path/of/it behind tls_key");
	if (rc == GNUTLS_E_PKCS11_PIN_LOCKED)
		return fail(a, TOKEN_LOCKED, "the token is locked", "");
	if (p->wrong || rc == GNUTLS_E_PKCS11_PIN_ERROR || rc == GNUTLS_E_PKCS11_PIN_EXPIRED)
		return fail(a, TOKEN_PIN, "the token refuses the PIN", "");
	if (p->given && rc == GNUTLS_E_PKCS11_ERROR) {
		snprintf(words, sizeof(words), "%s: the token failed when it was given the PIN: %s", key,
			gnutls_strerror(rc));
		return fail(a, TOKEN_TROUBLE, words, "check the PIN; SoftHSM must be able to write where its "
			"tokens are, or it cannot say that one is wrong");
	}
	snprintf(words, sizeof(words), "%s: %s", key, absent ?
		"no token that is there has what the URI names" : gnutls_strerror(rc));
	return fail(a, absent ? TOKEN_MISSING : TOKEN_TROUBLE, words, "");
}

static int load_module(const struct token_job *job, struct token_answer *a)
{
	const char *module = job->key.module ? job->key.module : job->cert.module;
	char words[TOKEN_WORDS];
	int rc = gnutls_pkcs11_init(module ? GNUTLS_PKCS11_FLAG_MANUAL : GNUTLS_PKCS11_FLAG_AUTO, NULL);

	if (rc >= 0 && module)
		rc = gnutls_pkcs11_add_provider(module, NULL);
	if (rc >= 0)
		return 0;
	snprintf(words, sizeof(words), "the PKCS#11 module%s%s cannot be loaded: %s",
		module ? " " : "s of the system", module ? module : "", gnutls_strerror(rc));
	return fail(a, TOKEN_MISSING, words, "");
}

static int open_key(const struct token_job *job, struct pin *p, gnutls_privkey_t *key,
	struct token_answer *a)
{
	unsigned bits = 0;
	int rc = gnutls_privkey_init(key);

	if (rc >= 0) {
		gnutls_privkey_set_pin_function(*key, give_pin, p);
		rc = gnutls_privkey_import_url(*key, job->key.object, 0);
	}
	if (rc < 0)
		return tell(a, "tls_key", p, rc);
	a->algorithm = gnutls_privkey_get_pk_algorithm(*key, &bits);
	a->bits = (int32_t)bits;
	a->pss = gnutls_pkcs11_token_check_mechanism(job->key.object, RSA_PSS, NULL, 0, 0) != 0;
	return 0;
}

static int open_certificate(const struct token_job *job, struct pin *p, gnutls_datum_t *der,
	struct token_answer *a)
{
	gnutls_x509_crt_t crt = NULL;
	int rc = gnutls_x509_crt_init(&crt);

	if (rc >= 0) {
		gnutls_x509_crt_set_pin_function(crt, give_pin, p);
		rc = gnutls_x509_crt_import_url(crt, job->cert.object, 0);
	}
	if (rc >= 0)
		rc = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, der);
	if (crt)
		gnutls_x509_crt_deinit(crt);
	return rc < 0 ? tell(a, "tls_cert", p, rc) : 0;
}

static bool say(int fd, struct token_answer *a, const gnutls_datum_t *data)
{
	a->size = data->size;
	return file_write_all(fd, (const char *)a, sizeof(*a)) == 0 &&
		file_write_all(fd, (const char *)data->data, data->size) == 0;
}

static bool sign_one(const struct token_job *job, gnutls_privkey_t key, struct pin *p,
	struct token_answer *a)
{
	struct token_question q;
	gnutls_datum_t data, signature = { NULL, 0 };
	bool good;
	int rc;

	if (file_read_exactly(job->talk, &q, sizeof(q)) < 0 || q.size > TOKEN_DATA)
		return false;
	data = (gnutls_datum_t){ mem_alloc(q.size + 1), q.size };
	if (file_read_exactly(job->talk, data.data, q.size) < 0)
		return false;
	a->end = TOKEN_OK;
	p->given = false;   /* a token may ask for it anew with each signature */
	rc = (q.hashed ? gnutls_privkey_sign_hash2 : gnutls_privkey_sign_data2)(key,
		(gnutls_sign_algorithm_t)q.algorithm, q.flags, &data, &signature);
	if (rc < 0)
		tell(a, "tls_key", p, rc);
	good = say(job->talk, a, &signature) && rc >= 0;
	free(data.data);
	gnutls_free(signature.data);
	return good;
}

int token_work(int out, void *context)
{
	struct token_job *job = context;
	struct pin for_key = { .uri = &job->key, .key = "tls_key" };
	struct pin for_cert = { .uri = &job->cert, .key = "tls_cert" };
	struct token_answer a = { .end = TOKEN_OK };
	gnutls_datum_t der = { NULL, 0 };
	gnutls_privkey_t key = NULL;
	struct err e = { 0 };

	(void)out;
	prctl(PR_SET_PDEATHSIG, SIGKILL);   /* whoever asks it may be killed while it hangs */
	child_without_output();
	if (!job->cert.pin.data && !job->cert.pin_file)
		for_cert = for_key;
	if (gnutls_token_need(&e) < 0)
		fail(&a, TOKEN_CONFIG, e.text, e.hint);
	else if (load_module(job, &a) == 0 &&
			(!job->key.object || open_key(job, &for_key, &key, &a) == 0) && job->cert.object)
		open_certificate(job, &for_cert, &der, &a);
	if (!say(job->talk, &a, &der) || a.end != TOKEN_OK)
		return 1;
	while (key && sign_one(job, key, &for_key, &a))
		;
	return 0;   /* without the modules' own ways to end, which may hang as well */
}
