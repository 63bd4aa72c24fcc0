/* deliver/config_fingerprint.c - what the trouble of an account may hang on, and whether that
 * has changed; see config.h.
 *
 * Of the files, not of what stands in them: no digest of a password is written anywhere.
 */
#include "deliver/config.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/pkcs11.h"
#include "deliver/credential.h"

typedef void file_visit(void *context, const char *path, const struct stat *st);

static void visit_file(const char *path, file_visit *visit, void *context)
{
	struct stat st;

	if (path && stat(path, &st) == 0)
		visit(context, path, &st);
}

/* The file with the PIN of a security token. */
static void visit_pin_file(const char *place, file_visit *visit, void *context)
{
	struct pkcs11_uri uri;
	struct err ignored;

	if (!place || !pkcs11_is_uri(place) || pkcs11_read(place, &uri, &ignored) < 0)
		return;
	visit_file(uri.pin_file, visit, context);
	pkcs11_release(&uri);
}

static void visit_files(const struct config *c, const struct account *a, file_visit *visit,
	void *context)
{
	char *secret = secret_path(&a->secret);

	for (size_t i = 0; i < c->source_count; i++)
		visit_file(c->sources[i].name, visit, context);
	visit_file(secret, visit, context);
	visit_file(a->oauth.service_account, visit, context);
	visit_file(a->oauth.certificate, visit, context);
	visit_file(a->tls.cert, visit, context);
	visit_file(a->tls.key, visit, context);
	visit_pin_file(a->tls.cert, visit, context);
	visit_pin_file(a->tls.key, visit, context);
	visit_file(a->tls.crl_file, visit, context);
	for (size_t i = 0; i < a->tls.ca_files.count; i++)
		visit_file(a->tls.ca_files.items[i], visit, context);
	free(secret);
}

static void add_stat(void *context, const char *path, const struct stat *st)
{
	buf_printf(context, "%s %llu %llu %lld %lld.%09ld\n", path, (unsigned long long)st->st_dev,
		(unsigned long long)st->st_ino, (long long)st->st_size,
		(long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
}

void config_fingerprint(const struct config *c, const struct account *a, char out[65])
{
	struct buf text = BUF_INIT(64 * 1024);

	visit_files(c, a, add_stat, &text);
	buf_printf(&text, "%s %ld %s\n", a->net.host, a->net.port,
		a->sasl.user ? a->sasl.user : "");
	if (account_signs_in(a))
		buf_printf(&text, "%lld\n", (long long)credential_signed_in(a));
	digest_of(buf_text(&text), text.len, out);
	buf_release(&text);
}

struct change {
	int64_t since, now;   /* ns since 1970 */
	bool found;
};

static int64_t in_ns(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

static bool is_between(const struct change *c, const struct timespec *t)
{
	return in_ns(t) > c->since && in_ns(t) <= c->now;
}

static void note_change(void *context, const char *path, const struct stat *st)
{
	struct change *c = context;

	(void)path;
	/* What is dated in the future says nothing of when it was changed. */
	c->found |= is_between(c, &st->st_mtim) || is_between(c, &st->st_ctim);
}

bool config_changed_since(const struct config *c, const struct account *a,
	const struct timespec *since)
{
	struct change change = { .since = in_ns(since) };
	struct timespec now;
	int64_t signed_in;

	clock_gettime(CLOCK_REALTIME, &now);
	change.now = in_ns(&now);
	if (!since->tv_sec)
		return false;
	visit_files(c, a, note_change, &change);
	signed_in = account_signs_in(a) ? credential_signed_in(a) : 0;
	return change.found || (signed_in > since->tv_sec && signed_in <= now.tv_sec);
}
