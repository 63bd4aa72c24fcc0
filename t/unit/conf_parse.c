/* t/unit/conf_parse.c - configuration files, good, bad and cut, into entries. */
#include "t/unit/conf_tables.h"

/* All entries as text: "part/account/key=value@line" each, separated by '|'. */
static char *dump(const struct conf_source *src)
{
	struct buf out = BUF_INIT(0);

	for (size_t i = 0; i < src->count; i++) {
		const struct conf_entry *entry = &src->entries[i];

		buf_printf(&out, "%s%d/%s/%s=%s@%u", i ? "|" : "", (int)entry->part,
			entry->account ? entry->account : "", entry->key, entry->value,
				entry->line);
	}
	return buf_take(&out);
}

#define SIXTY "a23456789.b23456789.c23456789.d23456789.e23456789.f23456789."
#define NO_LINE "neither a section, nor 'key = value', nor a comment"
#define LONE_CR "a carriage return stands in this line without a line feed behind it"
#define LONE "; comments stand on lines of their own"
#define NEXT_LINE "a value cannot go on in the next line; comments begin with # or ;"

static const struct {
	const char *what, *text, *entries;
} good[] = {
	{ "empty", "", "" },
	{ "blank lines and comments", "\n \t\n# a\n;b\n  # c = d\n\t; [e]\n", "" },
	{ "all parts", "[sendoff]\ndefault = a\n[defaults]\nport=1\n[account a]\nhost = h\n",
		"0//default=a@2|1//port=1@4|2/a/host=h@6" },
	{ "no last newline", "[account a]\nhost = h", "2/a/host=h@2" },
	{ "a byte-order mark", BOM "[account a]\nhost = h\n", "2/a/host=h@2" },
	{ "a mark before blanks", BOM "  [account a]\nhost = h\n", "2/a/host=h@2" },
	{ "Windows line ends", "[account a]\r\nhost = h\r\n\r\nport = 1\r\n",
		"2/a/host=h@2|2/a/port=1@4" },
	{ "mark and Windows", BOM "[account a]\r\nhost = h\r\n", "2/a/host=h@2" },
	{ "mixed line ends", "[account a]\r\nhost = h\nport = 1\r\n",
		"2/a/host=h@2|2/a/port=1@3" },
	{ "indented keys", "[account a]\n  host = h\n\tport = 1\n\n  # x\n    user = u\n",
		"2/a/host=h@2|2/a/port=1@3|2/a/user=u@6" },
	{ "indented section", "\t[account a]\n\thost = h\n", "2/a/host=h@2" },
	{ "blanks behind", "[account a] \t\nhost = h \t\n", "2/a/host=h@2" },
	{ "no blanks, a colon", "[account a]\nhost=h\nuser:u=:\n", "2/a/host=h@2|2/a/user=u=:@3" },
	{ "blanks in brackets", "[ account \t a ]\nhost=h\n", "2/a/host=h@2" },
	{ "quotes", "[account a]\nuser = \" u \"\n[account b]\nuser = \"a\" \"b\"\n"
		"[account c]\nuser = \"\n[account d]\nuser = \"\\\"\"\n"
		"[account e]\nuser = a\"b\"\n",
		"2/a/user= u @2|2/b/user=a\" \"b@4|2/c/user=\"@6|2/d/user=\\\"@8|"
		"2/e/user=a\"b\"@10" },
	{ "empty values", "[account a]\nuser =\nhost = \"\"\npassword=\nfrom= \t\n",
		"2/a/user=@2|2/a/host=@3|2/a/password=@4|2/a/from=@5" },
	{ "a value like a comment", "[account a]\nuser = x ;y #z\npassword = ;\n",
		"2/a/user=x ;y #z@2|2/a/password=;@3" },
	{ "a value like a section", "[account a]\nuser = [b]\n", "2/a/user=[b]@2" },
	{ "empty sections", "[sendoff]\n[defaults]\n[account a]\n[account b]", "" },
	{ "defaults last", "[account a]\nhost = h\n[defaults]\nhost = d\n",
		"2/a/host=h@2|1//host=d@4" },
	{ "names differ in case", "[account a]\nhost=h\n[account A]\nhost=H\n",
		"2/a/host=h@2|2/A/host=H@4" },
	{ "names alike beyond 49 octets",
		"[account " SIXTY "1]\nhost=h\n[account " SIXTY "2]\nhost=i\n",
		"2/" SIXTY "1/host=h@2|2/" SIXTY "2/host=i@4" },
	{ "a name of 64 octets", "[account " SIXTY "-_+@]\nhost=h\n",
		"2/" SIXTY "-_+@/host=h@2" },
	{ "accounts named as sections", "[account sendoff]\nhost=h\n[account defaults]\n"
		"[sendoff]\n[defaults]\n", "2/sendoff/host=h@2" },
};

static const struct {
	const char *what, *text, *error, *hint;
} bad[] = {
	{ "unknown key", "[account a]\nport = 1\nhots = h\n", "/etc/f:3: unknown key 'hots'",
		"did you mean 'host'?" },
	{ "unknown key, nothing near", "[account a]\nzzzzzz = h\n",
		"/etc/f:2: unknown key 'zzzzzz'",
		"no key has a name like it: correct or remove the line" },
	{ "unknown key, near elsewhere", "[account a]\nmax_ege = h\n",
		"/etc/f:2: unknown key 'max_ege'",
		"did you mean 'max_age', which belongs in [sendoff]?" },
	{ "unknown key, cleaned and cut", "[account "
		"a]\n\x1b[31m\xff" "0123456789012345678901234567 = h\n",
		"/etc/f:2: unknown key '\\x1b[31m\\xff01234567890123456789...'",
		"no key has a name like it: correct or remove the line" },
	{ "keys in capitals", "[account a]\nHost = h\n", "/etc/f:2: unknown key 'Host'",
		"did you mean 'host'?" },
	{ "account key in [sendoff]", "[sendoff]\nhost = h\n",
		"/etc/f:2: key 'host' does not belong in [sendoff]",
		"it belongs in [defaults] or an [account NAME]" },
	{ "global key in an account", "[account a]\ndefault = h\n",
		"/etc/f:2: key 'default' does not belong in an account",
		"it belongs in [sendoff]" },
	{ "global key in [defaults]", "[defaults]\ndefault = h\n",
		"/etc/f:2: key 'default' does not belong in [defaults]",
		"it belongs in [sendoff]" },
	{ "known key in no section", "host = h\n[account a]\n",
		"/etc/f:1: key 'host' stands in no section",
		"put a line with [defaults] or [account NAME] above it" },
	{ "global key in no section", "# x\n\ndefault = h\n",
		"/etc/f:3: key 'default' stands in no section",
		"put a line with [sendoff] above it" },
	{ "unknown key in no section", "x = h\n", "/etc/f:1: a key stands in no section",
		"put a line with [sendoff], [defaults] or [account NAME] above it" },
	{ "repeated key", "[account a]\nhost = h\nport = 1\nhost = h\n",
		"/etc/f:4: key 'host' was given before, in line 2", "keep one of the two" },
	{ "repeated [sendoff]", "[sendoff]\n[account a]\n[sendoff]\n",
		"/etc/f:3: section [sendoff] was given before, in line 1",
		"join the two sections, or give one another name" },
	{ "repeated [defaults]", "[defaults]\n[defaults]\n",
		"/etc/f:2: section [defaults] was given before, in line 1",
		"join the two sections, or give one another name" },
	{ "repeated account", "[account a]\n[account b]\n[ account  a ]\n",
		"/etc/f:3: section [account a] was given before, in line 1",
		"join the two sections, or give one another name" },
	{ "unknown section", "[sendof]\n", "/etc/f:1: unknown section [sendof]",
		"did you mean [sendoff]?" },
	{ "section in capitals", "[Defaults]\n", "/etc/f:1: unknown section [Defaults]",
		"did you mean [defaults]?" },
	{ "account misspelt", "[acount work]\n", "/etc/f:1: unknown section [acount work]",
		"did you mean [account work]?" },
	{ "account forgotten", "[work]\n", "/etc/f:1: unknown section [work]",
		"did you mean [account work]?" },
	{ "section of several words", "[my own work]\n", "/etc/f:1: unknown section [my own work]",
		"the sections are [sendoff], [defaults] and [account NAME]" },
	{ "account without name", "[account]\n", "/etc/f:1: unknown section [account]",
		"write [account NAME]" },
	{ "sendoff with a name", "[sendoff x]\n", "/etc/f:1: unknown section [sendoff x]",
		"did you mean [sendoff]?" },
	{ "section without name", "[]\n", "/etc/f:1: unknown section []",
		"the sections are [sendoff], [defaults] and [account NAME]" },
	{ "section cleaned", "[\x1b]\n", "/etc/f:1: unknown section [\\x1b]",
		"the sections are [sendoff], [defaults] and [account NAME]" },
	{ "account of two words", "[account my work]\n", "/etc/f:1: " NAME_TEXT, "" },
	{ "account in quotes", "[account \"work\"]\n", "/etc/f:1: " NAME_TEXT, "" },
	{ "account name too long", "[account " SIXTY "12345]\n", "/etc/f:1: " NAME_TEXT, "" },
	{ "account name beyond ASCII", "[account b\xc3\xbcro]\n", "/etc/f:1: " NAME_TEXT, "" },
	{ "section not closed", "[account a\nhost = h\n",
		"/etc/f:1: a section's name ends with ']'",
		"the sections are [sendoff], [defaults] and [account NAME]" },
	{ "comment behind a section", "[account a] # b\n",
		"/etc/f:1: something stands behind the section's ']'",
		"keys and comments stand on lines of their own" },
	{ "two brackets", "[account a]]\n", "/etc/f:1: something stands behind the section's ']'",
		"keys and comments stand on lines of their own" },
	{ "no key", "[account a]\n= h\n", "/etc/f:2: " NO_LINE, NEXT_LINE },
	{ "no value", "[account a]\nfoo\nhots = h\n", "/etc/f:2: " NO_LINE, NEXT_LINE },
	{ "blank for '='", "[account a]\n  host smtp.example.com\n", "/etc/f:2: " NO_LINE,
		"write 'host = ...'" },
	{ "blank for '=', '=' in value", "[account a]\npassword hunter2=\n", "/etc/f:2: " NO_LINE,
		"write 'password = ...'" },
	{ "continued value", "[account a]\nhost = h\n  more\n", "/etc/f:3: " NO_LINE, NEXT_LINE },
	{ "form feed before a key", "[account a]\nhost = h\n\fport = 1\n", "/etc/f:3: " NO_LINE,
		NEXT_LINE },
	{ "form feed in a key", "[account a]\nho\f;st = h\n", "/etc/f:2: " NO_LINE, NEXT_LINE },
	{ "form feed behind a key", "[account a]\nhost\f = h", "/etc/f:2: " NO_LINE, NEXT_LINE },
	{ "two marks", BOM BOM "[account a]\n", "/etc/f:1: " NO_LINE, NEXT_LINE },
	{ "a mark further down", "[account a]\n" BOM "host = h\n",
		"/etc/f:2: unknown key '\\xef\\xbb\\xbfhost'",
		"no key has a name like it: correct or remove the line" },
	{ "lines end with CR", "[account a]\rhost = h\r", "/etc/f:1: " LONE_CR,
		"save the file with Unix or Windows line ends" },
	{ "CR in a value", "[account a]\npassword = a\rb\n", "/etc/f:2: " LONE_CR,
		"save the file with Unix or Windows line ends" },
	{ "a last CR", "[account a]\nhost = h\r", "/etc/f:2: " LONE_CR,
		"save the file with Unix or Windows line ends" },
	{ "two CR", "[account a]\r\r\n", "/etc/f:1: " LONE_CR,
		"save the file with Unix or Windows line ends" },
	{ "comment behind a host", "[account a]\nhost = h ; mine\n",
		"/etc/f:2: a comment stands behind the value of 'host'" LONE,
		"move the comment to the line above" },
	{ "comment behind a number", "[account a]\nport = 25 # mine\n",
		"/etc/f:2: a comment stands behind the value of 'port'" LONE,
		"move the comment to the line above" },
	{ "bad number", "[defaults]\nport = 70000\n",
		"/etc/f:2: 'port' must be a number from 1 to 65535", "" },
	{ "empty number", "[account a]\nport =\n",
		"/etc/f:2: 'port' must be a number from 1 to 65535", "" },
	{ "control character", "[account a]\nuser = a\x1b\n",
		"/etc/f:2: the value of 'user' holds a control character",
		"remove it; a tab or a blank is allowed" },
	{ "Latin-1", "[account a]\nuser = J\xf6rg\n",
		"/etc/f:2: the value of 'user' is not valid UTF-8", "save the file as UTF-8" },
};

static void test_good(void)
{
	for (size_t i = 0; i < COUNT(good); i++) {
		struct conf_source src;
		struct err e;
		int result = parse(&src, good[i].text, strlen(good[i].text), &e);
		char *got = dump(&src);

		check_int(result, 0, "%s: taken", good[i].what);
		check_text(got, good[i].entries, "%s: entries", good[i].what);
		check_text(e.text, "", "%s: no error", good[i].what);
		free(got);
		conf_release(&src);
	}
}

static void check_bad(const char *what, const char *text, size_t len, const char *error,
	const char *hint)
{
	struct conf_source src;
	struct err e;

	check_int(parse(&src, text, len, &e), -1, "%s: refused", what);
	check_text(e.text, error, "%s: error", what);
	check_text(e.hint, hint, "%s: hint", what);
	check(!src.count && !src.entries && !src.accounts && !src.name, "%s: nothing is left",
		what);
	conf_release(&src);
}

static void test_bad(void)
{
	static const char nul[] = "[account a]\npassword = a\0b\nhost = h\n";
	static const char utf16[] = "\xff\xfe[\0a\0";

	for (size_t i = 0; i < COUNT(bad); i++)
		check_bad(bad[i].what, bad[i].text, strlen(bad[i].text), bad[i].error, bad[i].hint);
	check_bad("a NUL", nul, sizeof(nul) - 1, "/etc/f:2: a NUL stands in this line",
		"save the file as plain text in UTF-8");
	check_bad("a last NUL", "[sendoff]", 10, "/etc/f:1: a NUL stands in this line",
		"save the file as plain text in UTF-8");
	check_bad("UTF-16", utf16, sizeof(utf16) - 1, "/etc/f:1: a NUL stands in this line",
		"save the file as plain text in UTF-8");
}

/* "[account a]\n" KEY before LEN times FILL, and what is behind. */
static int parse_long(struct conf_source *src, const char *key, size_t len, char fill,
	const char *behind, struct err *e)
{
	struct buf text = BUF_INIT(0);
	int result;

	buf_add_text(&text, "[account a]\n");
	buf_add_text(&text, key);
	for (size_t i = 0; i < len; i++)
		buf_add_char(&text, fill);
	buf_add_text(&text, behind);
	result = parse(src, text.data, text.len, e);
	buf_release(&text);
	return result;
}

static void test_lengths(void)
{
	static const size_t fine[] = { 100, 180, 190, 195, 196, 197, 198, 199, 200, 201, 255, 256,
		400, 1024, 4095, 4096 };
	static const char *const hint = "a value has at most 4096 octets; put a long one into a "
		"file "
		"and name it, as password_file does";
	struct conf_source src;
	struct err e;

	for (size_t i = 0; i < COUNT(fine); i++) {
		check_int(parse_long(&src, "password=", fine[i], 'x', "\nport = 7\n", &e), 0,
			"a value of %zu octets", fine[i]);
		check_int(src.count, 2, "is one entry of two");
		check_int(strlen(src.entries[0].value), fine[i], "and whole");
		check_int(src.entries[1].line, 3, "and the line behind it is line 3");
		conf_release(&src);
	}
	check_int(parse_long(&src, "user = \"", 4096, 'x', "\"", &e), 0, "4096 octets in quotes");
	conf_release(&src);
	check_int(parse_long(&src, "user = ", 4097, 'x', "", &e), -1, "4097 octets are refused");
	check_text(e.text, "/etc/f:2: the value of 'user' is longer than 4096 octets", "and told");
	check_int(parse_long(&src, "#", 4351, 'x', "\n", &e), 0, "a line of 4352 octets");
	conf_release(&src);
	check_int(parse_long(&src, "#", 4352, 'x', "\r\n", &e), -1, "a line of 4353 octets");
	check_text(e.text, "/etc/f:2: the line is longer than 4352 octets", "is told");
	check_text(e.hint, hint, "with a way out");
	check_int(parse_long(&src, "password=", 197, 'x', "password=evil\n", &e), 0,
		"what looks like a key behind 197 octets");
	check_int(src.count, 1, "is part of the value");
	check_int(strlen(src.entries[0].value), 197 + 13, "all of it");
	conf_release(&src);
	check_int(parse_long(&src, "", 400, 'k', " = v\n", &e), -1, "a key of 400 octets");
	check_text(e.text, "/etc/f:2: unknown key 'kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk...'", "is cut");
	check_int(parse_long(&src, "", 65, 'k', " = v\n", &e), -1, "a key of 65 octets");
	check_int(parse_long(&src, "", 4000, ' ', "host = h\n", &e), 0, "4000 blanks before a key");
	check_text(src.entries[0].value, "h", "do not harm it");
	conf_release(&src);
}

static void test_size(void)
{
	size_t len = CONF_FILE_MAX + 1;
	char *text = mem_alloc(len);
	struct conf_source src;
	struct err e;

	memset(text, '\n', len);
	check_int(parse(&src, text, len - 1, &e), 0, "a file of 1 MB");
	conf_release(&src);
	check_int(parse(&src, text, len, &e), -1, "one octet more");
	check_text(e.text, "/etc/f: larger than 1048576 octets", "is told");
	free(text);
}

static const char whole[] =
	BOM "# all there is\r\n"
	"[sendoff]\r\n"
	"default = work\n"
	"\n"
	"[account work]\n"
	"  host = work.example.com\n"
	"  from =\n"
	"  password = p ;w\n"
	"[defaults]\n"
	"port = 465\n"
	"timeout = 90\n"
	"from = a@example.com, b@example.com\n"
	"verify = no\n"
	"[account home]\n"
	"port = 25\n"
	"verify = yes\n"
	"host = home.example.com\n";

/* Whatever is cut off, the rest parses or is refused with a line of the file. */
static void test_cuts(void)
{
	struct conf_source src;
	struct err e;
	unsigned taken = 0, lines = 0;

	for (size_t cut = 0; cut < sizeof(whole); cut++) {
		int result = parse(&src, whole, cut, &e);
		unsigned line = 0;

		lines += cut && whole[cut - 1] == '\n';
		if (!result)
			taken++;
		else
			line = (unsigned)strtoul(strchr(e.text, ':') + 1, NULL, 10);
		check(!result || line == lines + 1, "cut at %zu", cut);
		conf_release(&src);
	}
	check(taken > 100, "most cut files parse");
	for (size_t i = 0; i < COUNT(bad); i++)
		for (size_t cut = 0; cut <= strlen(bad[i].text); cut++) {
			parse(&src, bad[i].text, cut, &e);
			conf_release(&src);
		}
	check(true, "no cut of a bad file crashes");
}

/* Every octet in every place of a small file. */
static void test_damage(void)
{
	static const char small[] = "[defaults]\nport = 1\n[account a]\nuser=\"b\"\n";
	char text[sizeof(small)];
	struct conf_source src;
	struct err e;
	unsigned wrong = 0;

	for (size_t i = 0; i < sizeof(small) - 1; i++)
		for (int c = 0; c < 256; c++) {
			int result;

			memcpy(text, small, sizeof(small));
			text[i] = (char)c;
			result = parse(&src, text, sizeof(small) - 1, &e);
			if ((result < 0) != (e.kind == ERR_CONFIG) ||
				(result < 0) != (*e.text != 0))
				wrong++;
			conf_release(&src);
		}
	check_int(wrong, 0, "damaged files are taken, or refused with a reason");
}

static void test_many_accounts(void)
{
	struct buf text = BUF_INIT(0);
	struct conf_source src;
	struct err e;

	for (int i = 0; i < 30000; i++)
		buf_printf(&text, "[account a%d]\n", i);
	check_int(parse(&src, text.data, text.len, &e), 0, "30000 accounts");
	check_int(src.account_count, 30000, "are all there");
	check_text(src.accounts[29999], "a29999", "in order");
	conf_release(&src);
	buf_add_text(&text, "[account a7]\n");
	check_int(parse(&src, text.data, text.len, &e), -1, "one of them again");
	check_text(e.text, "/etc/f:30001: section [account a7] was given before, in line 8",
		"is found");
	buf_release(&text);
}

static void test_file_name(void)
{
	struct conf_source src;
	struct err e = { 0 };
	char name[2000];

	memset(name, 'n', sizeof(name));
	name[0] = '\x1b';
	name[sizeof(name) - 1] = '\0';
	check_int(conf_parse(&src, name, "[x y]", 5, global_tables, account_tables, &e), -1,
		"a file with a hostile name");
	check(!strncmp(e.text, "\\x1bnnn", 7), "is named clean");
	check(strstr(e.text, "...:1: unknown section [x y]") != NULL, "and short");
}

/* libinih is built with these, or has them as variables, as Debian's has. */
extern int  ini_max_line __attribute__((weak));
extern bool ini_use_stack __attribute__((weak));
extern bool ini_allow_multiline __attribute__((weak));
extern bool ini_allow_inline_comments __attribute__((weak));
extern bool ini_allow_bom __attribute__((weak));
extern bool ini_allow_no_value __attribute__((weak));
extern bool ini_stop_on_first_error __attribute__((weak));

static void test_library_options(void)
{
	static const int sizes[] = { 48, 100, 16384 };
	bool *const options[] = { &ini_use_stack, &ini_allow_multiline, &ini_allow_inline_comments,
		&ini_allow_bom, &ini_allow_no_value, &ini_stop_on_first_error };

	for (size_t i = 0; i < COUNT(options); i++)
		if (options[i]) {
			*options[i] = !*options[i];
			test_good();
			test_bad();
			*options[i] = !*options[i];
		}
	for (size_t i = 0; &ini_max_line && i < COUNT(sizes); i++) {
		int before = ini_max_line;

		ini_max_line = sizes[i];
		test_good();
		test_bad();
		test_lengths();
		ini_max_line = before;
	}
}

/* A library with room for less than a key must not lose it in silence. */
static void test_library_room(void)
{
	static const char text[] = "[account a]\npassword = x\nhost = h\n";
	struct conf_source src;
	struct err e;

	if (!&ini_max_line)
		return;
	ini_max_line = 8;
	check_int(parse(&src, text, sizeof(text) - 1, &e), -1, "no room for the key");
	check_text(e.text, "/etc/f:2: " NO_LINE, "is told");
	ini_max_line = 200;
}

int main(void)
{
	test_good();
	test_bad();
	test_lengths();
	test_size();
	test_cuts();
	test_damage();
	test_many_accounts();
	test_file_name();
	test_library_options();
	test_library_room();
	return tap_done();
}
