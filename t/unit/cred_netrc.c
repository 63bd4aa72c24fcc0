/* t/unit/cred_netrc.c - entries of .netrc and .authinfo, as several programs write them. */
#include "t/unit/tap.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "cred/netrc.h"

static struct err why;

/* "LOGIN:PASSWORD", "-:PASSWORD" without a login, or "!CAUSE". */
static const char *look(const char *text, size_t len, const char *host, long port, const char *user)
{
	static char shown[1024];
	struct netrc_wanted wanted = { host, port, user };
	struct netrc_entry got;

	why = (struct err){ 0 };
	if (netrc_find(text, len, &wanted, &got, &why) < 0) {
		check(why.kind == ERR_SECRET && !got.login && !got.password.data, "nothing is in it");
		snprintf(shown, sizeof(shown), "!%s", why.cause);
	} else {
		snprintf(shown, sizeof(shown), "%s:%s", got.login ? got.login : "-", got.password.data);
	}
	netrc_release(&got);
	return shown;
}

static void finds_for(const char *text, const char *user, const char *want)
{
	const char *got = look(text, strlen(text), "smtp.x.test", 587, user);
	char shown[200];

	text_clean_to(shown, sizeof(shown), text, strlen(text));
	check_text(got, want, "%s, for %s (%s)", shown, user ? user : "whomever", why.text);
}

static void finds(const char *text, const char *want)
{
	finds_for(text, NULL, want);
}


static void test_words(void)
{
	finds("machine smtp.x.test login me password pw", "me:pw");
	finds("machine smtp.x.test\n\tlogin me\n\tpassword pw\n", "me:pw");
	finds("machine smtp.x.test\r\nlogin me\r\npassword pw\r\n", "me:pw");
	finds("\xef\xbb\xbfmachine smtp.x.test login me password pw", "me:pw");
	finds("host SMTP.X.test user me password pw", "me:pw");
	finds("MACHINE smtp.x.test LOGIN me PASSWORD pw", "me:pw");
	finds("machine smtp.x.test password pw", "-:pw");
	finds("machine smtp.x.test password pw login me account acct", "me:pw");
	finds("machine smtp.x.test login me account login password pw", "me:pw");
	finds("default login me password pw", "me:pw");
	finds("machine smtp.x.test login me password one password two", "me:two");
}

static void test_quotes(void)
{
	finds("machine smtp.x.test login me password \"a b\"", "me:a b");
	finds("machine smtp.x.test login me password \"a\\\"b\\\\c\\d\"", "me:a\"b\\cd");
	finds("machine smtp.x.test login me password \"a\\n\\r\\tb\"", "me:a\n\r\tb");
	finds("machine smtp.x.test login me password 'a \"b\\ '", "me:a \"b\\ ");
	finds("machine smtp.x.test login me password a\\b\"c'", "me:a\\b\"c'");
	finds("machine smtp.x.test login me password \"#x\"", "me:#x");
	finds("machine smtp.x.test login me password #x\n# password no", "me:#x");
	finds("machine smtp.x.test login me password x#y", "me:x#y");
	finds("\"machine\" \"smtp.x.test\" 'login' \"me\" password pw", "me:pw");
	finds("machine smtp.x.test login me password \"\"", "me:");
	finds("machine smtp.x.test login me password \"a b", "!netrc-unusable");
	check_text(why.text, "line 1: a quote is not closed", "where");
	finds("machine a login b\n\npassword 'a\nb'", "!netrc-unusable");
	check_text(why.text, "line 3: a quote is not closed", "where");
	finds("machine smtp.x.test password \"a\\", "!netrc-unusable");
}

static void test_others(void)
{
	finds("# machine smtp.x.test password no\nmachine smtp.x.test # a comment\nlogin me password pw # end",
		"me:pw");
	finds("macdef init\ncd /\nmachine smtp.x.test login no password no\n\n"
		"machine smtp.x.test login me password pw", "me:pw");
	finds("machine smtp.x.test login me password pw macdef init\nmachine x\nlogin y\n\ndefault password no", "me:pw");
	finds("machine smtp.x.test login me macdef m\r\nx\r\n\r\npassword pw", "me:pw");
	finds("machine smtp.x.test macdef m\nx", "!netrc-no-entry");
	finds("machine smtp.x.test smtp-auth plain login me password pw protocol smtp", "me:pw");
	finds("machine smtp.x.test force login me password pw", "me:pw");
	finds("machine smtp.x.test force\nmachine", "!netrc-unusable");
	finds("login no password no machine smtp.x.test login me password pw", "me:pw");
	finds("", "!netrc-no-entry");
	check_text(why.text, "there is no entry in it", "why");
	finds("# nothing", "!netrc-no-entry");
	finds("machine smtp.x.test login me password", "!netrc-unusable");
	check_text(why.text, "line 1: the file ends where a word is missing", "why");
	finds("machine", "!netrc-unusable");
	check_text(look("machine smtp.x.test password a\0b", 32, "smtp.x.test", 587, NULL), "!netrc-unusable",
		"a NUL");
}

static void test_which(void)
{
	static const char several[] = "default login any password zero\n"
		"machine smtp.x.test login me password one\n"
		"machine smtp.x.test login you password two\n"
		"machine smtp.x.test password three\n"
		"machine smtp.y.test login me password four\n";

	finds(several, "me:one");
	finds_for(several, "you", "you:two");
	finds_for(several, "she", "-:three");
	check_text(look(several, sizeof(several) - 1, "imap.x.test", 587, NULL), "any:zero", "the default");
	check_text(look(several, sizeof(several) - 1, "imap.x.test", 587, "any"), "any:zero", "of its login");
	check_text(look(several, sizeof(several) - 1, "imap.x.test", 587, "me"), "!netrc-no-entry", "not of another");
	finds_for("machine smtp.x.test login Me password pw", "me", "!netrc-no-entry");
	finds_for("machine smtp.x.test login me\nmachine smtp.x.test login me password pw", "me", "me:pw");
	finds_for("machine smtp.x.test.evil login me password pw\nmachine tp.x.test login me password pw\n"
		"machine smtp.x.tes login me password pw", "me", "!netrc-no-entry");
}

static void test_port(void)
{
	static const struct {
		const char *port;
		long of;
		bool good;
	} ports[] = {
		{ "587", 587, true }, { "587", 465, false }, { "0587", 587, true }, { "587x", 587, false },
		{ "smtp", 2525, true }, { "SMTP", 587, true }, { "submission", 587, true },
		{ "submission", 465, false }, { "submissions", 465, true }, { "smtps", 465, true },
		{ "smtps", 587, false }, { "imap", 587, false }, { "", 587, false }, { "+587", 587, false },
		{ "99999999999999999999", 587, false },
	};

	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		char *text = mem_printf("machine smtp.x.test port \"%s\" login me password pw", ports[i].port);

		check_text(look(text, strlen(text), "smtp.x.test", ports[i].of, "me"),
			ports[i].good ? "me:pw" : "!netrc-no-entry", "port %s for %ld", ports[i].port, ports[i].of);
		free(text);
	}
	finds("machine smtp.x.test port 993 password imap machine smtp.x.test port 587 password smtp", "-:smtp");
}

/* What was looked for, and what there is; never a password. */
static void test_told(void)
{
	struct buf many = BUF_INIT(64 * 1024);

	finds_for("machine a.test login you password geheim port 25 machine b.test login x default password geheim",
		"me", "-:geheim");
	finds_for("machine a.test login you password geheim\nmachine smtp.x.test login you password geheim\n"
		"machine b.test login x\n", "me", "!netrc-no-entry");
	check_text(why.text, "no entry for machine smtp.x.test, login me, port 587; there is: a.test, "
		"smtp.x.test as you, b.test (without a password)", "told");
	check_text(why.hint, "add a line to it: machine smtp.x.test login me password ...", "and the next step");
	finds_for("machine smtp.x.test login you password my host hunter2 login hunter2\n", "me",
		"!netrc-no-entry");
	check(!strstr(why.text, "hunter2"), "D1 no word of a password that wants quotes: %s", why.text);
	finds_for("machine smtp.x.test port 25 password my user hunter2", NULL, "!netrc-no-entry");
	check(!strstr(why.text, "hunter2"), "D1 nor as a login: %s", why.text);
	for (int i = 0; i < 200; i++)
		buf_printf(&many, "machine host%d.x.test login user%d password geheim%d\n", i, i, i);
	check_text(look(buf_text(&many), many.len, "smtp.x.test", 587, NULL), "!netrc-no-entry", "many");
	check(strstr(why.text, "there are: host0.x.test, host1.x.test, ") && strstr(why.text, " more") &&
		!strstr(why.text, "geheim") && strlen(why.text) < 700, "the first of them: %s", why.text);
	buf_clear(&many);
	buf_add_text(&many, "machine \"a\\nb\033[2J\" login \"");
	for (int i = 0; i < 5000; i++)
		buf_add_char(&many, 'x');
	buf_add_text(&many, "\" password geheim");
	check_text(look(buf_text(&many), many.len, "smtp.x.test", 587, NULL), "!netrc-no-entry", "hostile ones");
	check(strstr(why.text, "a\\x0ab\\x1b[2J") && strlen(why.text) < 400, "clean and short: %s", why.text);
	buf_release(&many);
}

int main(void)
{
	test_words();
	test_quotes();
	test_others();
	test_which();
	test_port();
	test_told();
	return tap_done();
}
