/* t/unit/cred_prepare.c - SASLprep: the examples of RFC 4013, and what is refused. */
#include "t/unit/tap.h"

#include "base/mem.h"
#include "cred/prepare.h"

static const struct {
	const char *text, *want;   /* want NULL: refused */
	const char *name;
} rows[] = {
	/* RFC 4013 section 3 */
	{ "I\xc2\xadX", "IX", "1: a soft hyphen is mapped to nothing" },
	{ "user", "user", "2: no change" },
	{ "USER", "USER", "3: case stays" },
	{ "\xc2\xaa", "a", "4: NFKC, and that is no longer what it was" },
	{ "\xe2\x85\xa8", "IX", "5: NFKC, as with 1" },
	{ "\x07", NULL, "6: a control character" },
	{ "\xd8\xa7" "1", NULL, "7: a direction that changes" },
	{ "p\xc2\xaaw\xc2\xadx", "pawx", "all of it" },
	{ "pass\xc2\xa0word", "pass word", "another blank" },
	{ "p\x61\xcc\x88ss", "p\xc3\xa4ss", "two ways to write it" },
	{ "\xf0\x9f\x94\x91", NULL, "a character that Unicode 3.2 does not know" },
	{ "\xff\xfe", NULL, "not UTF-8" },
	{ "\xc3", NULL, "cut off" },
	{ "a\xee\x80\x80", NULL, "for private use" },
};

int main(void)
{
	struct secret out = { 0 };
	struct err e;

	for (size_t i = 0; i < COUNT(rows); i++) {
		int result;

		memset(&e, 0, sizeof(e));
		secret_wipe(&out);
		result = prepare_saslprep(rows[i].text, strlen(rows[i].text), &out, &e);
		check_int(result, rows[i].want ? 0 : -1, "%s", rows[i].name);
		check_text(out.data, rows[i].want, "%s: what comes of it", rows[i].name);
		if (rows[i].want)
			continue;
		check_int(e.kind, ERR_LOGIN, "%s: the kind", rows[i].name);
		check_text(e.cause, "password-not-preparable", "%s: the cause", rows[i].name);
		check(strstr(e.hint, "auth = plain"), "%s: a way on", rows[i].name);
	}
	check_int(prepare_saslprep("a\0b", 3, &out, &e), -1, "a NUL");
	secret_wipe(&out);
	return tap_done();
}
