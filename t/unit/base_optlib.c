/* t/unit/base_optlib.c - libraries loaded at need: there, missing, too old. */
#include "t/unit/tap.h"

#include "base/gnutls.h"
#include "base/optlib.h"

struct table {
	double (*cos)(double);
	double (*sin)(double);
};

static struct table table;

static const struct optlib_symbol symbols[] = {
	{ "sin", offsetof(struct table, sin) }, { "cos", offsetof(struct table, cos) }, { NULL, 0 }
};
static const struct optlib_symbol newer[] = {
	{ "cos", offsetof(struct table, cos) },
	{ "cos_of_tomorrow", offsetof(struct table, sin) }, { NULL, 0 }
};

static void test_missing(void)
{
	struct optlib l = { .soname = "libnowhere.so.7", .package = "libnowhere7",
		.symbols = symbols, .table = &table };
	struct err e;

	for (int again = 0; again < 2; again++) {
		check_int(optlib_need(&l, &e), -1, "a library that is nowhere");
		check_int(e.kind, ERR_SYSTEM, "... is this machine's fault");
		check_text(e.text, "libnowhere.so.7 cannot be loaded: cannot open shared object file: "
			"No such file or directory", "... and named");
		check_text(e.hint, "install libnowhere7", "... with its package");
	}
	check(!l.here && !table.cos && !table.sin, "nothing is filled in");
}

static void test_older(void)
{
	struct optlib l = { .soname = "libm.so.6", .package = "libc6", .symbols = newer,
		.table = &table };
	struct err e;

	check_int(optlib_need(&l, &e), -1, "a library that lacks a function");
	check_int(e.kind, ERR_SYSTEM, "... is this machine's fault");
	check_text(e.text, "libm.so.6 lacks cos_of_tomorrow", "... and named");
	check_text(e.hint, "install a newer libc6", "... with its package");
	check(!l.here && !table.cos && !table.sin, "nothing is filled in, not even what there is");
}

static void test_there(void)
{
	struct optlib l = { .soname = "libm.so.6", .package = "libc6", .symbols = symbols,
		.table = &table };
	struct err e = { 0 };

	check_int(optlib_need(&l, &e), 0, "a library that is there: %s", e.text);
	check(l.here && table.cos(0.0) > 0.9 && table.sin(0.0) < 0.1, "each pointer in its place");
	l.soname = "libnowhere.so.7";
	check_int(optlib_need(&l, &e), 0, "it is loaded once");
}

static void test_other(void)
{
	struct optlib l = { .soname = "libnowhere.so.7", .other = "libm.so.6",
		.package = "libnowhere7", .symbols = symbols, .table = &table };
	struct err e = { 0 };

	table = (struct table){ NULL, NULL };
	check_int(optlib_need(&l, &e), 0, "another does as well: %s", e.text);
	check(l.here && table.cos(0.0) > 0.9, "... and is taken");
	check(!e.kind && !e.text[0], "... without a word on the first");
	l = (struct optlib){ .soname = "libnowhere.so.7", .other = "libnowhere.so.8",
		.package = "libnowhere7", .symbols = symbols, .table = &table };
	check_int(optlib_need(&l, &e), -1, "neither is there");
	check(!strncmp(e.text, "libnowhere.so.7 cannot be loaded: ", 34), "... the first is named");
	check_text(e.hint, "install libnowhere7", "... with its package");
}

static void test_gnutls(void)
{
	struct err e = { 0 };

	check(!gnutls_is_here(), "GnuTLS is not loaded before it is needed");
	check_int(gnutls_need(&e), 0, "GnuTLS has all that is called: %s", e.text);
	check(gnutls_is_here(), "then it is here");
	check(gnutls_memcmp("ab", "ab", 2) == 0 && gnutls_error_is_fatal(GNUTLS_E_AGAIN) == 0,
		"calls get there");
	check(gnutls_free != NULL, "and so does what is no function");
}

int main(void)
{
	test_missing();
	test_older();
	test_there();
	test_other();
	test_gnutls();
	return tap_done();
}
