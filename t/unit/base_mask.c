/* t/unit/base_mask.c - a secret in all forms that somebody may repeat it in is overwritten, and
 * what is none is left as it was. */
#include "t/unit/tap.h"

#include "base/buf.h"
#include "base/codec.h"
#include "base/mask.h"
#include "base/mem.h"

#define WORD "geheim-S3cret-Word"          /* 18 octets */
#define APP "abcd efgh ijkl mnop"
#define STARS18 "******************"

/* By a mask of these secrets; own. */
static char *masked(const char *const *secrets, const char *text)
{
	struct mask m = { 0 };
	char *copy = mem_string(text);

	for (; *secrets; secrets++)
		mask_add(&m, *secrets, strlen(*secrets));
	mask_words(&m, copy);
	mask_wipe(&m);
	return copy;
}

static void check_masked(const char *secret, const char *text, const char *want)
{
	char *got = masked((const char *const[]){ secret, NULL }, text);

	check_text(got, want, "'%s' in: %s", secret, text);
	free(got);
}

/* ---- forms */

static const struct {
	const char *secret, *text, *want;
} rows[] = {
	/* As it is. */
	{ WORD, "", "" },
	{ WORD, WORD, STARS18 },
	{ WORD, "x" WORD "y" WORD WORD, "x" STARS18 "y" STARS18 STARS18 },
	{ "pass", "the pass word pass", "the **** word ****" },
	{ "pas", "the pas", "the pas" },
	{ "***pass", "***pass", "*******" },
	{ "a\xff\xfe\x01z", "a\xff\xfe\x01z", "*****" },
	{ "aaaaaaaaaaaab", "aaaaaaaaaaaaaaaaaaaab", "aaaaaaaa*************" },

	/* As text_clean() and the encodings of mail and the web write some of it, or all. */
	{ "a\xff\xfe\x01z", "-a\\xff\\xfe\\x01z-", "-**************-" },
	{ "N/a+b=\"c d%", "N%2Fa%2Bb%3D%22c%20d%25.", "***********************." },
	{ "N/a+b=\"c d%", "N%2fa%2bb%3d%22c%20d%25.", "***********************." },
	{ "N/a+b=\"c d%", "%4e%2f%61%2B%62%3D%22%63%20%64%25", "*********************************" },
	{ "N/a+b=\"c d%", "N/a+2Bb+3D\"c+20d%", "*****************" },
	{ "N/a+b=\"c d%", "=4E=2Fa=2Bb=3D=22c d%", "*********************" },
	{ "a%41b", "a%41b a%2541b aAb", "***** ******* aAb" },
	{ "aAb1", "%41%62 a%41b1", "%41%62 ******" },

	/* In hexadecimal. */
	{ "pass", "70617373 7061737 706173", "******** 7061737 706173" },
	{ "jkl/", "0x6a6b6c2f, 6A6B6C2F", "0x********, ********" },
	{ "jkl/", "f6A6b6C2ff", "f********f" },

	/* In base64: alone, behind one, two and three octets, and with more behind it. */
	{ "jkl/mno", "amtsL21ubw==", "************" },
	{ "jkl/mno", "amtsL21ubw.", "**********." },
	{ "jkl/mno", "AGprbC9tbm8=", "A***********" },
	{ "jkl/mno", "AABqa2wvbW5v", "AA**********" },
	{ "jkl/mno", "AAAAamtsL21ub8O", "AAAA**********O" },
	{ "jkl/mno", "<amtsL21ub8O>", "<**********O>" },
	{ "\xfb\xef\xff\xfb\xef", "++//++8=", "********" },
	{ "\xfb\xef\xff\xfb\xef", "--__--8", "*******" },
	{ "jkl/mno", "AMTSL21UBW", "**********" },
	{ "pass", "cGFzcw==", "********" },
	{ "pass", "x cGF zcw==", "x cGF zcw==" },

	/* Over several lines, whose ends stay; a line end may stand for a blank. */
	{ APP, "abcd efgh\nijkl mnop", "*********\n*********" },
	{ APP, "abcd\nefgh\r\nijkl\n\nmnop", "****\n****\r\n****\n\n****" },
	{ APP, "abcd \nefgh ij\nkl mnop", "*****\n*******\n*******" },
	{ APP, "abcd\n efgh ij\nkl mnop", "****\n********\n*******" },
	{ APP, "abcd efgh ijkl\n mnop\nx", "**************\n*****\nx" },
	{ APP, "\nabcd efgh ijkl mnop\n", "\n*******************\n" },
	{ "line1\nline2", "x line1\r\nline2", "x *****\r\n*****" },
	{ "line1\nline2", "bGluZTEKbGluZTI=", "****************" },
	{ WORD, "geheim-S3\ncret-Word", "*********\n*********" },
	{ "jkl/mno", "amts\nL21u\nbw==", "****\n****\n****" },
	{ "jkl/mno", "6a6b6\nc2f6d\n6e6f", "*****\n*****\n****" },
	{ "pass", "%70%\n61%73%73", "%70%\n61%73%73" },   /* which is no encoding */

	/* A piece of it. */
	{ WORD, "eheim-S3cret-Word", "*****************" },
	{ WORD, "geheim-S3cret-Wor", "*****************" },
	{ WORD, "<im-S3cret-Wo>", "<************>" },
	{ WORD, "im-S3cret-W", "im-S3cret-W" },
	{ WORD, "m-S3\ncret-Word", "****\n*********" },
	{ "abcdef1", "abcdef bcdef1 bcdef", "abcdef ****** bcdef" },
	{ WORD, "aGVpbS1TM2NyZXQtV29y", "********************" },
	{ WORD, "676568656965", "676568656965" },
	{ WORD, "68656 696d2d5333637265742d576f72 x", "68656 ************************** x" },

	/* No half of a character is left. */
	{ "geh\xc3\xa4im", "geh\xc3\xa4im", "*******" },
	{ "\xc3\xa4" "bcdefgh", "x\xc4\xa4" "bcdefgh", "x*********" },
	{ "abcdefgh\xc3", "abcdefgh\xc3\xa4.", "**********." },

	/* A word may be one by chance. */
	{ "server12", "the server did", "the server did" },
	{ "server12", "the server1 did", "the ******* did" },
	{ "server12", "the server12 did", "the ******** did" },
	{ "abcdefghijklmnop", "abcdefghijklmn", "**************" },
	{ "localhost1", "localhost:25", "localhost:25" },
	{ "mail2026", "on 2026-01-02 by mail", "on 2026-01-02 by mail" },
};

static void test_rows(void)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		check_masked(rows[i].secret, rows[i].text, rows[i].want);
}

/* In base64 of something longer, wherever it begins and ends there: of its own octets no bit is
 * left, as the digits beside it say. */
static void test_base64_anywhere(void)
{
	for (size_t before = 0; before < 12; before++)
		for (size_t behind = 0; behind < 4; behind++) {
			struct buf octets = BUF_INIT(64), text = BUF_INIT(128);
			const char *first, *last;
			char *got;

			for (size_t i = 0; i < before; i++)
				buf_add_char(&octets, (char)(0xb0 + i));
			buf_add_text(&octets, WORD);
			for (size_t i = 0; i < behind; i++)
				buf_add_char(&octets, (char)(0xc0 + i));
			base64_encode(octets.data, octets.len, &text);
			got = masked((const char *const[]){ WORD, NULL }, buf_text(&text));
			first = strchr(got, '*');
			last = strrchr(got, '*');
			check(first && (size_t)(last - first) + 1 == strspn(first, "*") &&
				(first - got) * 6 <= (long)before * 8 && (first - got) * 6 > (long)before * 8 - 6 &&
				(last + 1 - got) * 6 >= (long)(before + 18) * 8 && (!last[1] || last - first < 25),
				"%zu octets before it, %zu behind it: %s", before, behind, got);
			free(got);
			buf_release(&octets);
			buf_release(&text);
		}
}

/* ---- several of them */

static void test_several(void)
{
	static const char *const secrets[] = { WORD, "proxy-pass", WORD, "abc", "", NULL };
	struct mask m = { 0 };
	char text[] = WORD " proxy-pass abc";
	char *got = masked(secrets, "abc " WORD ", proxy-pass; cHJveHktcGFzcw==");

	check_text(got, "abc " STARS18 ", **********; ****************", "each of them");
	free(got);
	mask_words(&m, text);
	check_text(text, WORD " proxy-pass abc", "an empty mask hides nothing");
	mask_add(&m, WORD, strlen(WORD));
	mask_apply(&m, text, strlen(WORD) - 1);
	check_text(text, "*****************d proxy-pass abc", "no octet behind the end");
	mask_wipe(&m);
	check(!m.secrets, "wiped");
	mask_wipe(&m);
}

/* ---- beginnings */

static void test_hide(void)
{
	static const struct {
		const char *text, *want;
		size_t least;
	} hides[] = {
		{ "AHVzZXIAcGE1", "************", 8 },
		{ "AHVzZXIA...", "********...", 8 },
		{ "AHVzZXI...", "AHVzZXI...", 8 },
		{ "xAHVzZXIAcGE1NSAHVzZXIAcGE1NS", "x****************************", 8 },
		{ "AHVz\nZXIAcG...", "****\n******...", 8 },
		{ "\nAHVzZXIAc", "\n*********", 8 },
		{ "AHVzZXIAcGE1", "AHVzZXIAcGE1", 14 },
		{ "AHVzZXIAcGE1NS", "**************", 14 },
	};
	char text[64];

	for (size_t i = 0; i < COUNT(hides); i++) {
		snprintf(text, sizeof(text), "%s", hides[i].text);
		mask_hide(text, strlen(text), "AHVzZXIAcGE1NS", 14, hides[i].least);
		check_text(text, hides[i].want, "the beginning of it: row %zu", i);
	}
}

/* ---- the work is bounded, whatever is repeated */

static void test_work(void)
{
	enum { LONG = 64 * 1024, TOKEN = 4096 };
	struct mask m = { 0 };
	char *text = mem_alloc(LONG + 1), *token = mem_alloc(TOKEN + 1);

	for (size_t i = 0; i < TOKEN; i++)
		token[i] = "abcdefghijklmnopqrstuvwxyzABCDEF"[i * i / 7 % 32];
	mask_add(&m, token, TOKEN);
	for (size_t i = 0; i < LONG; i++)
		text[i] = token[TOKEN / 3 + i % (TOKEN / 3)];   /* nearly a piece, again and again */
	mask_apply(&m, text, LONG);
	for (size_t i = 0; i < LONG; i += TOKEN)
		memcpy(text + i, token, TOKEN);
	mask_apply(&m, text, LONG);
	check_int(strspn(text, "*"), LONG, "each octet of a long token, again and again");
	mask_wipe(&m);
	memset(token, 'a', TOKEN);
	memset(text, 'a', LONG);
	token[TOKEN - 1] = 'b';
	mask_add(&m, token, TOKEN);
	mask_apply(&m, text, LONG);
	check(strlen(text) == LONG, "what is like itself");
	mask_wipe(&m);
	free(text);
	free(token);
}

int main(void)
{
	test_rows();
	test_base64_anywhere();
	test_several();
	test_hide();
	test_work();
	return tap_done();
}
