/* t/unit/base_text.c - text from outside is made fit to be shown; host names. */
#include "t/unit/tap.h"

#include "base/host.h"
#include "base/mem.h"
#include "base/text.h"

static const struct {
	const char *in;
	size_t len, most;
	const char *want;
} cleaned[] = {
	{ "plain", 5, 512, "plain" },
	{ "", 0, 512, "" },
	{ "a\r\nb\tc", 6, 512, "a\\x0d\\x0ab\\x09c" },
	{ "\033[31mred", 8, 512, "\\x1b[31mred" },
	{ "nul\0in", 6, 512, "nul\\x00in" },
	{ "\x7f", 1, 512, "\\x7f" },
	{ "gr\xc3\xbc\xc3\x9f", 6, 512, "gr\xc3\xbc\xc3\x9f" },
	{ "\xf0\x9f\x93\xa7", 4, 512, "\xf0\x9f\x93\xa7" },
	{ "cut \xc3", 5, 512, "cut \\xc3" },
	{ "\xc0\xaf", 2, 512, "\\xc0\\xaf" },              /* overlong */
	{ "\xe0\x80\xaf", 3, 512, "\\xe0\\x80\\xaf" },
	{ "\xed\xa0\x80", 3, 512, "\\xed\\xa0\\x80" },     /* a surrogate */
	{ "\xf4\x90\x80\x80", 4, 512, "\\xf4\\x90\\x80\\x80" },   /* beyond U+10FFFF */
	{ "\xc2\x9b" "31m", 5, 512, "\\xc2\\x9b31m" },     /* CSI as a C1 control */
	{ "\xe2\x80\xae" "evil", 7, 512, "\\xe2\\x80\\xaeevil" },   /* right-to-left override */
	{ "\xe2\x80\xa8", 3, 512, "\\xe2\\x80\\xa8" },     /* line separator */
	{ "abcdef", 6, 3, "abc..." },
	{ "abc", 3, 3, "abc" },
	{ "ab\xc3\xbc", 4, 3, "ab..." },                   /* no half character */
	{ "ab\n", 3, 5, "ab..." },                         /* no half escape */
	{ "%s%n", 4, 512, "%s%n" },
};

static void test_clean(void)
{
	for (size_t i = 0; i < COUNT(cleaned); i++) {
		struct buf out = BUF_INIT(1024);

		text_clean(cleaned[i].in, cleaned[i].len, cleaned[i].most, &out);
		check_text(buf_text(&out), cleaned[i].want, "E4 clean row %zu", i);
		buf_release(&out);
	}
}

/* Whatever comes in, and wherever it is cut, what comes out is UTF-8 without
 * controls and within the limit. */
static void test_every_octet(void)
{
	bool good = true;

	for (int a = 0; a < 256; a++) {
		for (int b = 0; b < 256; b++) {
			char in[4] = { (char)a, (char)b, (char)(a ^ b), 'x' };

			for (size_t cut = 0; cut <= sizeof(in); cut++) {
				struct buf out = BUF_INIT(64);

				text_clean(in, cut, 9, &out);
				good = good && buf_ok(&out) && out.len <= 12 &&
					text_is_utf8(buf_text(&out), out.len);
				for (size_t i = 0; i < out.len; i++)
					good = good && (unsigned char)out.data[i] >= 0x20 &&
						out.data[i] != 0x7f;
				buf_release(&out);
			}
		}
	}
	check(good, "E4 every pair of octets comes out clean");
}

static void test_clean_to(void)
{
	char small[8], none[1] = { 'x' };
	char long_text[1000], room[2000];

	check_text(text_clean_to(small, sizeof(small), "abcdefghij", 10), "abcd...", "it fits");
	text_clean_to(none, sizeof(none), "abc", 3);
	check_int(none[0], 0, "an array of one octet is terminated");
	memset(long_text, 'a', sizeof(long_text));
	text_clean_to(room, sizeof(room), long_text, sizeof(long_text));
	check_int(strlen(room), TEXT_SHOWN_MAX + 3, "E4 at most 512 octets are shown");
}

static void test_utf8(void)
{
	check_int(text_utf8("\xe2\x82\xac", 3), 3, "three octets");
	check_int(text_utf8("\xe2\x82\xac", 2), 0, "cut after two");
	check_int(text_utf8("\xe2\x82\xac", 1), 0, "cut after one");
	check_int(text_utf8("", 0), 0, "nothing");
	check_int(text_utf8("\0", 1), 1, "NUL is a character");
	check(text_is_utf8("a\xf0\x90\x80\x80", 5) && !text_is_utf8("a\xf0\x90\x80", 4),
		"whole or not");
	check(text_is_ascii("az~", 3) && !text_is_ascii("a\x80", 2), "ASCII or not");
}

static void test_compare(void)
{
	check_int(text_distance("", ""), 0, "distance of nothing");
	check_int(text_distance("host", "host"), 0, "distance of equals");
	check_int(text_distance("hots", "host"), 2, "two letters changed");
	check_int(text_distance("por", "port"), 1, "one missing");
	check_int(text_distance("", "port"), 4, "all missing");
	check(text_equal_fold("AUTH", 4, "auth", 4), "case is folded");
	check(!text_equal_fold("AUTH", 4, "auth", 3), "lengths differ");
	check(!text_equal_fold("[", 1, "{", 1), "only letters are folded");
	check(!text_equal_fold("\xc3\x84", 2, "\xc3\xa4", 2), "only ASCII is folded");
}

static const struct {
	const char *text;
	bool domain;
} domains[] = {
	{ "mail.example.com", true }, { "a.b", true }, { "1.2", true }, { "x--y.z", true },
	{ "", false }, { ".", false }, { "localhost", false }, { ".example.com", false },
	{ "example.com.", false }, { "a..b", false }, { "-a.b", false }, { "a-.b", false },
	{ "a.b-", false }, { "a_b.c", false }, { "a b.c", false }, { "a.b\r\nMAIL", false },
	{ "a.b\n", false }, { "[127.0.0.1]", false }, { "\xc3\xa4.de", false },
};

static void test_domains(void)
{
	char longest[300];

	for (size_t i = 0; i < COUNT(domains); i++)
		check_int(host_is_domain(domains[i].text), domains[i].domain, "E1 domain %zu", i);
	memset(longest, 'a', sizeof(longest));
	for (size_t i = 50; i < sizeof(longest); i += 50)
		longest[i] = '.';
	longest[255] = '\0';
	check(host_is_domain(longest), "255 octets");
	longest[255] = 'a';
	longest[256] = '\0';
	check(!host_is_domain(longest), "256 octets");
	memset(longest, 'a', 64);
	memcpy(longest + 64, ".b", 3);
	check(!host_is_domain(longest), "a label of 64");
	check(host_is_domain(longest + 1), "a label of 63");
	check(host_name() && host_name()[0] && !strpbrk(host_name(), " \r\n\t<>"),
		"this host has a name");
	check(!host_mailname() || !strpbrk(host_mailname(), " \r\n\t<>"), "and maybe a mail name");
}

int main(void)
{
	test_clean();
	test_every_octet();
	test_clean_to();
	test_utf8();
	test_compare();
	test_domains();
	return tap_done();
}
