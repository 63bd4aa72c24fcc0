/* net/trust.c - trusted roots, found without decoding them; see trust.h.
 *
 * Importing the system's store costs several times as much as all the rest of
 * a short session, and at most a few of its roots can matter to one chain.  So
 * each PEM block is decoded only as far as the subject's name, which is indexed
 * as it stands in the certificate; GnuTLS imports those that a chain names, and
 * it alone judges them.
 */
#include "net/trust.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/gnutls.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/crl_lists.h"

enum {
	SUBJECTS_MAX = 16 << 20,
	HEAD_FIRST = 512,        /* enough for the subject of nearly every root */
	HEAD_MOST  = 4096
};

struct root {
	const char *pem;         /* from "-----BEGIN" */
	size_t pem_len;          /* to the end of "-----END ...-----" */
	size_t subject;          /* offset in subjects */
	size_t subject_len;      /* 0: not understood, so never left out */
};

struct tls_trust {
	struct root *roots;      /* own */
	size_t count, cap;
	struct buf subjects;     /* own */
	struct buf *texts;       /* own; the files, which roots point into */
	size_t text_count;
	struct buf names;        /* own; of the files, for messages */
	struct crls *crls;       /* own; NULL: no tls_crl_file */
};

enum { BLANK = 64, BAD = 65 };

#define X BAD
static const unsigned char base64_values[256] = {
	X, X, X, X, X, X, X, X, X, BLANK, BLANK, X, X, BLANK, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	BLANK, X, X, X, X, X, X, X, X, X, X, 62, X, X, X, 63,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, X, X, X, X, X, X,
	X, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, X, X, X, X, X,
	X, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X
};
#undef X

/* Four values across blanks, from the first octet that is not one.  False: the
 * end, padding or something else; the head of a certificate has none of them. */
static bool four_values(const unsigned char **at, const unsigned char *end, unsigned char four[4])
{
	const unsigned char *p = *at;

	for (unsigned n = 0; n < 4; p++) {
		if (p == end || base64_values[*p] == BAD)
			return false;
		if (base64_values[*p] != BLANK)
			four[n++] = base64_values[*p];
	}
	*at = p;
	return true;
}

/* Decodes until out is full or the text ends.  Returns the octets decoded. */
static size_t decode_head(const char *text, size_t len, unsigned char *out, size_t size)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + len;
	unsigned char *o = out, *full = out + size - size % 3;
	unsigned char four[4];

	while (o < full) {
		if (end - p >= 4) {
			four[0] = base64_values[p[0]];
			four[1] = base64_values[p[1]];
			four[2] = base64_values[p[2]];
			four[3] = base64_values[p[3]];
		}
		if (end - p < 4 || (four[0] | four[1] | four[2] | four[3]) >= BLANK) {
			if (!four_values(&p, end, four))
				break;
		} else {
			p += 4;
		}
		*o++ = (unsigned char)(four[0] << 2 | four[1] >> 4);
		*o++ = (unsigned char)(four[1] << 4 | four[2] >> 2);
		*o++ = (unsigned char)(four[2] << 6 | four[3]);
	}
	return (size_t)(o - out);
}

struct der {
	const unsigned char *at, *end;
};

enum { DER_INTEGER = 0x02, DER_SEQUENCE = 0x30, DER_VERSION = 0xa0 };

/* Steps over tag and length (X.690 section 8.1.3, definite form only). */
static bool der_enter(struct der *d, unsigned char tag, size_t *len)
{
	size_t octets;

	if (d->end - d->at < 2 || d->at[0] != tag)
		return false;
	*len = d->at[1];
	d->at += 2;
	if (*len < 0x80)
		return true;
	octets = *len & 0x7f;
	if (!octets || octets > 3 || (size_t)(d->end - d->at) < octets)
		return false;
	for (*len = 0; octets; octets--)
		*len = *len << 8 | *d->at++;
	return true;
}

static bool der_skip(struct der *d, unsigned char tag)
{
	size_t len;

	if (!der_enter(d, tag, &len) || (size_t)(d->end - d->at) < len)
		return false;
	d->at += len;
	return true;
}

/* RFC 5280 section 4.1: version, serialNumber, signature, issuer, validity,
 * subject.  What follows need not have been decoded. */
static bool find_subject(const unsigned char *der, size_t len, gnutls_datum_t *subject)
{
	struct der d = { der, der + len };
	const unsigned char *start;
	size_t ignored;

	if (!der_enter(&d, DER_SEQUENCE, &ignored) || !der_enter(&d, DER_SEQUENCE, &ignored))
		return false;
	if (d.at < d.end && *d.at == DER_VERSION && !der_skip(&d, DER_VERSION))
		return false;
	if (!der_skip(&d, DER_INTEGER))
		return false;
	for (unsigned i = 0; i < 3; i++)
		if (!der_skip(&d, DER_SEQUENCE))
			return false;
	start = d.at;
	if (!der_skip(&d, DER_SEQUENCE))
		return false;
	subject->data = (unsigned char *)(uintptr_t)start;
	subject->size = (unsigned)(d.at - start);
	return true;
}

static void add_root(struct tls_trust *t, const char *pem, size_t pem_len, const char *body,
	size_t body_len)
{
	unsigned char head[HEAD_MOST];
	gnutls_datum_t subject = { NULL, 0 };
	struct root *r;

	for (size_t size = HEAD_FIRST; size <= HEAD_MOST; size *= HEAD_MOST / HEAD_FIRST) {
		size_t len = decode_head(body, body_len, head, size);

		if (find_subject(head, len, &subject))
			break;
	}
	if (t->count == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 256;
		t->roots = mem_grow(t->roots, t->cap, sizeof(*t->roots));
	}
	r = &t->roots[t->count++];
	*r = (struct root){ .pem = pem, .pem_len = pem_len, .subject = t->subjects.len };
	buf_add(&t->subjects, subject.data, subject.size);
	r->subject_len = t->subjects.len - r->subject;
}

static bool starts_with(const char *text, size_t len, const char *word, size_t word_len)
{
	return len >= word_len && !memcmp(text, word, word_len);
}

#define STARTS(text, len, word) starts_with(text, len, word, sizeof(word) - 1)

/* Length of a line that begins a certificate, or 0.  OpenSSL's "TRUSTED
 * CERTIFICATE" is passed over, as GnuTLS does: what trails in it may forbid the
 * very use. */
static size_t begin_line(const char *text, size_t len)
{
	static const char plain[] = "-----BEGIN CERTIFICATE-----";
	static const char old[] = "-----BEGIN X509 CERTIFICATE-----";

	if (STARTS(text, len, plain))
		return sizeof(plain) - 1;
	return STARTS(text, len, old) ? sizeof(old) - 1 : 0;
}

/* Length of the line "-----END ...-----" at text, or 0. */
static size_t end_line(const char *text, size_t len)
{
	static const char begin[] = "-----END ", end[] = "-----";
	const char *close;

	if (!STARTS(text, len, begin))
		return 0;
	text += sizeof(begin) - 1;
	len -= sizeof(begin) - 1;
	close = memchr(text, '-', len);
	if (!close || !STARTS(close, len - (size_t)(close - text), end))
		return 0;
	return sizeof(begin) - 1 + (size_t)(close - text) + sizeof(end) - 1;
}

void trust_index(struct tls_trust *t, const char *text, size_t len)
{
	const char *p = text, *end = text + len;

	while ((p = memchr(p, '-', (size_t)(end - p)))) {
		size_t first = begin_line(p, (size_t)(end - p)), last;
		const char *body = p + first, *stop;

		if (!first) {
			p++;
			continue;
		}
		stop = memchr(body, '-', (size_t)(end - body));
		if (!stop)
			return;
		last = end_line(stop, (size_t)(end - stop));
		if (last)
			add_root(t, p, (size_t)(stop - p) + last, body, (size_t)(stop - body));
		p = stop + last;
	}
}

struct tls_trust *trust_new(void)
{
	struct tls_trust *t = mem_alloc(sizeof(*t));

	t->subjects = BUF_INIT(SUBJECTS_MAX);
	t->names = BUF_INIT(512);
	return t;
}

size_t trust_count(const struct tls_trust *t)
{
	return t->count;
}

gnutls_datum_t trust_subject(const struct tls_trust *t, size_t i)
{
	const struct root *r = &t->roots[i];
	gnutls_datum_t subject = { NULL, 0 };

	if (r->subject_len) {
		subject.data = (unsigned char *)t->subjects.data + r->subject;
		subject.size = (unsigned)r->subject_len;
	}
	return subject;
}

static bool is_named(const struct tls_trust *t, const struct root *r, const gnutls_datum_t *names,
	size_t count)
{
	const char *subject;

	if (!names || !r->subject_len)
		return true;
	subject = t->subjects.data + r->subject;
	for (size_t i = 0; i < count; i++)
		if (names[i].size == r->subject_len &&
				!memcmp(names[i].data, subject, r->subject_len))
			return true;
	return false;
}

/* A block that GnuTLS cannot read is no root; the others still are. */
static void import_root(gnutls_x509_trust_list_t list, const struct root *r)
{
	gnutls_datum_t pem = { (unsigned char *)(uintptr_t)r->pem, (unsigned)r->pem_len };
	gnutls_x509_crt_t crt;

	if (gnutls_x509_crt_init(&crt) < 0)
		return;
	if (gnutls_x509_crt_import(crt, &pem, GNUTLS_X509_FMT_PEM) < 0 ||
			gnutls_x509_trust_list_add_cas(list, &crt, 1, 0) != 1)
		gnutls_x509_crt_deinit(crt);
}

gnutls_x509_trust_list_t trust_list(const struct tls_trust *t, const gnutls_datum_t *names,
	size_t count)
{
	gnutls_x509_trust_list_t list;

	if (gnutls_x509_trust_list_init(&list, 0) < 0)
		return NULL;
	for (size_t i = 0; i < t->count; i++)
		if (is_named(t, &t->roots[i], names, count))
			import_root(list, &t->roots[i]);
	return list;
}

void trust_describe(const struct tls_trust *t, struct buf *out)
{
	buf_printf(out, "%zu in %s", t->count, t->names.len ? buf_text(&t->names) : "no file");
}

void trust_name(struct tls_trust *t, const char *path)
{
	if (t->names.len)
		buf_add_text(&t->names, ", ");
	text_clean(path, strlen(path), 200, &t->names);
}

void trust_take(struct tls_trust *t, struct buf *text)
{
	t->texts = mem_grow(t->texts, t->text_count + 1, sizeof(*t->texts));
	t->texts[t->text_count++] = *text;
	trust_index(t, buf_text(text), text->len);
}

bool trust_understood(const struct tls_trust *t, size_t from)
{
	for (size_t i = from; i < t->count; i++)
		if (t->roots[i].subject_len)
			return true;
	return false;
}

void trust_set_crls(struct tls_trust *t, struct crls *crls)
{
	t->crls = crls;
}

const struct crls *trust_crls(const struct tls_trust *t)
{
	return t->crls;
}

void tls_trust_free(struct tls_trust **tp)
{
	struct tls_trust *t = *tp;

	if (!t)
		return;
	for (size_t i = 0; i < t->text_count; i++)
		buf_release(&t->texts[i]);
	free(t->texts);
	buf_release(&t->subjects);
	buf_release(&t->names);
	crls_free(&t->crls);
	free(t->roots);
	free(t);
	*tp = NULL;
}
