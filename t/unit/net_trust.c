/* t/unit/net_trust.c - the index of roots: whole, cut, damaged; the real store. */
#include "t/unit/tap.h"
#include "t/unit/zoo.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/gnutls.h"
#include "base/mem.h"
#include "net/trust.h"

static char dir[] = "/tmp/sendoff-net-trust-XXXXXX";

static char *path_of(const char *name)
{
	return mem_printf("%s/%s", dir, name);
}

static char *write_file(const char *name, const char *data, size_t len)
{
	char *path = path_of(name);
	FILE *f = fopen(path, "w");

	if (f) {
		fwrite(data, 1, len, f);
		fclose(f);
	}
	return path;
}

/* The i-th subject is what GnuTLS reads out of the certificate. */
static bool same_subject(const struct tls_trust *t, size_t i, gnutls_x509_crt_t crt)
{
	gnutls_datum_t mine = trust_subject(t, i), theirs = { NULL, 0 };
	bool same;

	if (gnutls_x509_crt_get_raw_dn(crt, &theirs) < 0)
		return false;
	same = mine.size == theirs.size && !memcmp(mine.data, theirs.data, mine.size);
	gnutls_free(theirs.data);
	return same;
}

static void test_whole(const struct identity *a, const struct identity *b, const char *pem,
	size_t len)
{
	struct tls_trust *t = trust_new();
	gnutls_x509_trust_list_t list;
	gnutls_datum_t name = { NULL, 0 };
	gnutls_x509_crt_t found = NULL;

	trust_index(t, pem, len);
	check_int(trust_count(t), 2, "two roots among comments and other blocks");
	check(same_subject(t, 0, a->crt), "D3: the first subject, octet for octet");
	check(same_subject(t, 1, b->crt), "D3: the second");
	name = trust_subject(t, 1);
	list = trust_list(t, &name, 1);
	check(list && gnutls_x509_trust_list_get_issuer(list, a->crt, &found, 0) < 0,
		"a list by one name has not the other root");
	check(list && gnutls_x509_trust_list_get_issuer(list, b->crt, &found, 0) == 0,
		"but the one that was named");
	gnutls_x509_trust_list_deinit(list, 1);
	tls_trust_free(&t);
	check(!t, "freed");
}

/* Whatever is cut off, nothing is read behind the end, and only whole blocks
 * count. */
static void test_cut(const char *pem, size_t len)
{
	size_t count = 0;
	bool good = true;

	for (size_t cut = 0; cut <= len; cut++) {
		struct tls_trust *t = trust_new();
		char *exact = mem_alloc(cut ? cut : 1);

		memcpy(exact, pem, cut);
		trust_index(t, exact, cut);
		good = good && trust_count(t) >= count && trust_count(t) <= 2;
		count = trust_count(t);
		tls_trust_free(&t);
		free(exact);
	}
	check(good, "C8: cut at every octet, the count only grows");
	check_int(count, 2, "to two at the end");
}

/* Every octet changed in three ways: the block may be lost, or be one that is
 * not understood; GnuTLS has the last word on it. */
static void test_damaged(const char *pem, size_t len)
{
	char *copy = mem_copy(pem, len);
	bool good = true;

	for (size_t i = 0; i < len; i++) {
		static const char other[] = { 'A', '-', '\0' };

		for (size_t k = 0; k < COUNT(other); k++) {
			struct tls_trust *t = trust_new();

			copy[i] = other[k];
			trust_index(t, copy, len);
			good = good && trust_count(t) <= 2;
			tls_trust_free(&t);
		}
		copy[i] = pem[i];
	}
	check(good, "C8: changed at every octet");
	free(copy);
}

static void test_blocks(void)
{
	static const struct {
		const char *pem;
		size_t count, known;
	} table[] = {
		{ "", 0, 0 },
		{ "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", 1, 0 },
		{ "-----BEGIN CERTIFICATE-----\n****\n-----END CERTIFICATE-----\n", 1, 0 },
		{ "-----BEGIN X509 CERTIFICATE-----\nMAAw\n-----END X509 CERTIFICATE-----", 1, 0 },
		{ "-----BEGIN TRUSTED CERTIFICATE-----\nMAAw\n-----END TRUSTED CERTIFICATE-----\n",
			0, 0 },
		{ "-----BEGIN CERTIFICATE REQUEST-----\nMAAw\n-----END CERTIFICATE REQUEST-----\n",
			0, 0 },
		{ "-----BEGIN PRIVATE KEY-----\nMAAw\n-----END PRIVATE KEY-----\n", 0, 0 },
		{ "-----BEGIN CERTIFICATE-----\nMAAw\n", 0, 0 },
		{ "-----BEGIN CERTIFICATE-----\nMAAw\n-----BEGIN CERTIFICATE-----\nMAAw\n"
			"-----END CERTIFICATE-----\n", 1, 0 },
		{ "----------BEGIN CERTIFICATE-----\nMAAw\n-----END CERTIFICATE-----", 1, 0 },
		{ "-", 0, 0 },
		{ "-----BEGIN CERTIFICATE-----", 0, 0 },
		/* lengths that reach behind the end, or wrap */
		{ "-----BEGIN CERTIFICATE-----\nMIT/////MIT/////AgEB\n-----END CERTIFICATE-----", 1,
			0 },
		{ "-----BEGIN CERTIFICATE-----\nMIAwgAIBAQ==\n-----END CERTIFICATE-----", 1, 0 },
		{ "-----BEGIN CERTIFICATE-----\nMIIBADCCAQAC////\n-----END CERTIFICATE-----", 1, 0 }
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		struct tls_trust *t = trust_new();
		size_t known = 0;

		trust_index(t, table[i].pem, strlen(table[i].pem));
		for (size_t k = 0; k < trust_count(t); k++)
			known += trust_subject(t, k).size > 0;
		check_int(trust_count(t), table[i].count, "block %zu: counted", i);
		check_int(known, table[i].known, "block %zu: understood", i);
		tls_trust_free(&t);
	}
}

static struct tls_trust *load(const char *const *files, size_t count, struct err *e)
{
	char *items[4];
	struct tls_settings set = { .verify = true, .ca_files = { items, count } };
	struct tls_trust *t;

	for (size_t i = 0; i < count; i++)
		items[i] = mem_string(files[i]);
	memset(e, 0, sizeof(*e));
	t = tls_trust_load(&set, e);
	for (size_t i = 0; i < count; i++)
		free(items[i]);
	return t;
}

/* With good.pem and empty.pem in it. */
static void test_directory(void)
{
	const char *list[1] = { dir };
	char *again = path_of("again.0"), *nowhere = path_of("nowhere.pem"), *below = path_of("below");
	struct buf text = BUF_INIT(1024);
	struct tls_trust *t;
	char want[512];
	struct err e;

	check(symlink("good.pem", again) == 0 && symlink("/nonexistent/x", nowhere) == 0 &&
		mkdir(below, 0700) == 0, "a directory with links and another in it");
	t = load(list, 1, &e);
	check(t && trust_count(t) == 2, "each root of it once: %s", t ? "" : e.text);
	trust_describe(t, &text);
	snprintf(want, sizeof(want), "2 in %s", dir);
	check_text(buf_text(&text), want, "it is told as one");
	buf_release(&text);
	tls_trust_free(&t);
	list[0] = below;
	t = load(list, 1, &e);
	snprintf(want, sizeof(want), "tls_ca_file: no file in the directory '%s' holds a certificate "
		"in PEM form", below);
	check(!t && e.kind == ERR_CONFIG, "one without certificates is ERR_CONFIG");
	check_text(e.text, want, "and named");
	unlink(again);
	unlink(nowhere);
	rmdir(below);
	free(again);
	free(nowhere);
	free(below);
}

static void test_files(const char *pem, size_t len)
{
	char *good = write_file("good.pem", pem, len);
	char *empty = write_file("empty.pem", "no certificate\n", 15);
	char *missing = path_of("missing.pem");
	const char *list[2] = { good, good };
	char want[512];
	struct buf text = BUF_INIT(1024);
	struct tls_trust *t;
	struct err e;

	t = load(list, 2, &e);
	check(t != NULL, "two files");
	trust_describe(t, &text);
	snprintf(want, sizeof(want), "4 in %s, %s", good, good);
	check_text(buf_text(&text), want, "are told with their number of roots");
	buf_release(&text);
	tls_trust_free(&t);

	list[0] = missing;
	t = load(list, 1, &e);
	snprintf(want, sizeof(want), "tls_ca_file: cannot open '%s': No such file or directory",
		missing);
	check(!t && e.kind == ERR_CONFIG, "a missing file is ERR_CONFIG");
	check_text(e.text, want, "and named");

	list[0] = empty;
	t = load(list, 1, &e);
	snprintf(want, sizeof(want), "tls_ca_file: '%s' holds no certificate in PEM form", empty);
	check(!t && e.kind == ERR_CONFIG, "a file without a certificate is ERR_CONFIG");
	check_text(e.text, want, "and named");
	check(strstr(e.hint, "openssl x509"), "with a way to convert it");

	test_directory();
	unlink(good);
	unlink(empty);
	free(good);
	free(empty);
	free(missing);
}

static void test_no_file_needed(void)
{
	static char missing[] = "/nonexistent/ca.pem", pin[] = "spki:00";
	char *files[] = { missing }, *pins[] = { pin };
	struct tls_settings set = { .ca_files = { files, 1 } };
	struct err e = { 0 };
	struct tls_trust *t = tls_trust_load(&set, &e);

	check(t && !trust_count(t), "tls_verify = no reads no file");
	tls_trust_free(&t);
	set.verify = true;
	set.pins = (struct key_list){ pins, 1 };
	t = tls_trust_load(&set, &e);
	check(t && !trust_count(t), "nor does tls_pin");
	tls_trust_free(&t);
}

/* Every root of the real store has the subject that GnuTLS finds. */
static void test_system(void)
{
	static const char *const words[] = { "system" };
	struct err e;
	struct tls_trust *t = load(words, 1, &e);
	gnutls_x509_crt_t *certs = NULL;
	gnutls_datum_t pem = { NULL, 0 };
	unsigned count = 0;
	size_t same = 0;

	if (!t) {
		check(e.kind == ERR_CERT && strstr(e.text, "/etc/ssl/certs/ca-certificates.crt"),
			"no store here: the paths that were tried are told");
		check(strstr(e.hint, "ca-certificates"), "and the package");
		return;
	}
	if (gnutls_load_file("/etc/ssl/certs/ca-certificates.crt", &pem) < 0) {
		tls_trust_free(&t);
		return;
	}
	ZOO_MUST(gnutls_x509_crt_list_import2(&certs, &count, &pem, GNUTLS_X509_FMT_PEM, 0));
	for (unsigned i = 0; i < count; i++) {
		same += i < trust_count(t) && same_subject(t, i, certs[i]);
		gnutls_x509_crt_deinit(certs[i]);
	}
	check_int(trust_count(t), count, "D3: the system's store has %u roots", count);
	check_int(same, count, "D3: all their subjects are right");
	gnutls_free(certs);
	gnutls_free(pem.data);
	tls_trust_free(&t);
}

int main(void)
{
	static const struct recipe first = { .cn = "First root", .ca = true };
	static const struct recipe second = { .cn = "Second root, with a name so long that its "
		"length takes two octets once it stands in a sequence. ", .ca = true };
	struct identity a, b;
	char *text = NULL;
	size_t len = 0;
	struct err e;
	FILE *f;

	if (!mkdtemp(dir) || gnutls_need(&e) < 0)
		return 1;
	a = zoo_make(&first, NULL);
	b = zoo_make(&second, NULL);
	f = open_memstream(&text, &len);
	fputs("# a comment - with hyphens --- and ----- more\n", f);
	zoo_write_cert(f, a.crt);
	fputs("-----BEGIN TRUSTED CERTIFICATE-----\nMAAw\n-----END TRUSTED CERTIFICATE-----\n", f);
	zoo_write_cert(f, b.crt);
	fclose(f);
	test_whole(&a, &b, text, len);
	test_cut(text, len);
	test_damaged(text, len);
	test_blocks();
	test_files(text, len);
	test_no_file_needed();
	test_system();
	free(text);
	zoo_free(&a);
	zoo_free(&b);
	rmdir(dir);
	return tap_done();
}
