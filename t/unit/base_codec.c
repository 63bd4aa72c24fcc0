/* t/unit/base_codec.c - base64, base64url, hexadecimal, xtext, percent signs: exact octets,
 * strict reading. */
#include "t/unit/tap.h"

#include "base/codec.h"
#include "base/mem.h"

/* RFC 4648 section 10. */
static const struct {
	const char *plain, *coded;
} vectors[] = {
	{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" }, { "\xff\xfe\xfd", "//79" },
	{ "\xfb\xef", "++8=" },
};

static const char *const bad_base64[] = {
	"A", "AA", "AAA", "AAAAA", "Zg=", "Zg", "=", "==", "===", "====", "Z===", "Zg==Zg==",
	"Zm8=Zm8=", "Zm=v", "Z=8=", "Zm9v\n", "Zm9v\r\n", "Zm9 ", " Zm9", "Zm9-", "Zm9_", "Zh==",
	"Zm9=", "Zm\x80v", "abc$", "Zg==\n",
};

static void test_base64(void)
{
	for (size_t i = 0; i < COUNT(vectors); i++) {
		struct buf out = BUF_INIT(64);

		base64_encode(vectors[i].plain, strlen(vectors[i].plain), &out);
		check_text(buf_text(&out), vectors[i].coded, "encode vector %zu", i);
		buf_clear(&out);
		check_int(base64_decode(vectors[i].coded, strlen(vectors[i].coded), &out), 0,
			"decode vector %zu", i);
		check_text(buf_text(&out), vectors[i].plain, "decoded vector %zu", i);
		buf_release(&out);
	}
	for (size_t i = 0; i < COUNT(bad_base64); i++) {
		struct buf out = BUF_INIT(64);

		check_int(base64_decode(bad_base64[i], strlen(bad_base64[i]), &out), -1,
			"not base64: row %zu", i);
		buf_release(&out);
	}
}

static void test_base64url(void)
{
	static const char *const good[][2] = {
		{ "", "" }, { "f", "Zg" }, { "fo", "Zm8" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg" },
		{ "\xff\xfe\xfd", "__79" }, { "\xfb\xef", "--8" },
	};
	static const char *const bad[] = { "Zg==", "Zg=", "A", "Zm9vY", "//79", "++8", "Zh", "Zm9 ",
		"Zm!v", "Zm9v\n", "=", "Z\x80" };
	struct buf out = BUF_INIT(64);

	for (size_t i = 0; i < COUNT(good); i++) {
		buf_clear(&out);
		base64url_encode(good[i][0], strlen(good[i][0]), &out);
		check_text(buf_text(&out), good[i][1], "base64url vector %zu", i);
		buf_clear(&out);
		check_int(base64url_decode(good[i][1], strlen(good[i][1]), &out), 0, "and back %zu", i);
		check_text(buf_text(&out), good[i][0], "to what it was %zu", i);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		check_int(base64url_decode(bad[i], strlen(bad[i]), &out), -1, "not base64url: row %zu", i);
	buf_release(&out);
}

static void test_percent(void)
{
	static const char *const bad[] = { "%", "%4", "%4g", "%g4", "a%", "%%41", "%-1" };
	struct buf coded = BUF_INIT(1024), back = BUF_INIT(1024);
	char all[256];

	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	percent_encode("aZ09-._~ +/&=%?#", 16, &coded);
	check_text(buf_text(&coded), "aZ09-._~%20%2B%2F%26%3D%25%3F%23", "what stands for itself");
	buf_clear(&coded);
	percent_encode(all, 256, &coded);
	check(percent_decode(coded.data, coded.len, &back) == 0 && back.len == 256 &&
		!memcmp(back.data, all, 256), "every octet comes back");
	check_int(coded.len, 66 + 3 * (256 - 66), "and 66 of them as they are");
	buf_clear(&back);
	check(percent_decode("a+b%2b%2B", 9, &back) == 0, "both cases of digits");
	check_text(buf_text(&back), "a b++", "and the blank of forms");
	for (size_t i = 0; i < COUNT(bad); i++)
		check_int(percent_decode(bad[i], strlen(bad[i]), &back), -1, "a lone %%: row %zu", i);
	buf_release(&coded);
	buf_release(&back);
}

static void test_cuts(void)
{
	static const char whole[] = "Zm9vYmFy";
	struct buf out = BUF_INIT(64);

	for (size_t cut = 0; cut < sizeof(whole); cut++) {
		buf_clear(&out);
		check_int(base64_decode(whole, cut, &out), cut % 4 ? -1 : 0, "cut at %zu", cut);
		if (cut % 4 == 0)
			check_int(out.len, cut / 4 * 3, "cut at %zu: length", cut);
	}
	buf_release(&out);
}

static void test_every_octet(void)
{
	unsigned char all[256];
	struct buf coded = BUF_INIT(1024), back = BUF_INIT(1024);

	for (int i = 0; i < 256; i++)
		all[i] = (unsigned char)i;
	for (size_t len = 250; len <= 256; len++) {
		buf_clear(&coded);
		buf_clear(&back);
		base64_encode(all, len, &coded);
		check(base64_decode(coded.data, coded.len, &back) == 0 && back.len == len &&
			!memcmp(back.data, all, len), "base64 of %zu octets comes back", len);
	}
	buf_clear(&coded);
	buf_clear(&back);
	hex_encode(all, 256, &coded);
	check_int(coded.len, 512, "hex doubles the length");
	check(!strncmp(coded.data, "000102", 6) && !strcmp(coded.data + 506, "fdfeff"), "case");
	check(hex_decode(coded.data, coded.len, &back) == 0 && back.len == 256 &&
		!memcmp(back.data, all, 256), "hex comes back");
	buf_release(&coded);
	buf_release(&back);
}

static void test_limits(void)
{
	struct buf out = BUF_INIT(2);

	check_int(base64_decode("Zm9v", 4, &out), -1, "more than the buffer may hold");
	buf_release(&out);
	out = BUF_INIT(64);
	check_int(hex_decode("0g", 2, &out), -1, "hex: not a digit");
	check_int(hex_decode("0", 1, &out), -1, "hex: half an octet");
	buf_clear(&out);
	check_int(hex_decode("aF", 2, &out), 0, "hex: either case");
	check_text(buf_text(&out), "\xaf", "hex: value");
	buf_release(&out);
}

static void test_xtext(void)
{
	struct buf out = BUF_INIT(0);

	xtext_encode("a+b=c d\r\n\x80~!\0z", 14, &out);
	check_text(buf_text(&out), "a+2Bb+3Dc+20d+0D+0A+80~!+00z", "E1 xtext (RFC 3461 section 4)");
	buf_release(&out);
}

static void test_xtext_decode(void)
{
	static const char *const bad[] = { "a b", "a=b", "a\tb", "a\x7f", "\x80", "+", "+4", "a+",
		"+2b", "+G0", "+4 ", "++41", "+-1", "x+4" };
	static const char whole[] = "a+2B+41b";
	static const int cuts[] = { 0, 0, -1, -1, 0, -1, -1, 0, 0 };
	struct buf out = BUF_INIT(1024), coded = BUF_INIT(1024);
	char all[256];

	for (size_t i = 0; i < COUNT(bad); i++) {
		buf_clear(&out);
		check_int(xtext_decode(bad[i], strlen(bad[i]), &out), -1, "not xtext: row %zu", i);
	}
	for (size_t cut = 0; cut < sizeof(whole); cut++) {
		buf_clear(&out);
		check_int(xtext_decode(whole, cut, &out), cuts[cut], "xtext cut at %zu", cut);
	}
	check_text(buf_text(&out), "a+Ab", "xtext decoded");
	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	xtext_encode(all, 256, &coded);
	buf_clear(&out);
	check(xtext_decode(coded.data, coded.len, &out) == 0 && out.len == 256 &&
		!memcmp(out.data, all, 256), "xtext comes back");
	buf_release(&out);
	out = BUF_INIT(2);
	check_int(xtext_decode("abc", 3, &out), -1, "xtext: more than the buffer may hold");
	buf_release(&out);
	buf_release(&coded);
}

int main(void)
{
	test_base64();
	test_base64url();
	test_percent();
	test_cuts();
	test_every_octet();
	test_limits();
	test_xtext();
	test_xtext_decode();
	return tap_done();
}
