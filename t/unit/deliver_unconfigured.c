/* t/unit/deliver_unconfigured.c - an account from an address or from a host, without any
 * file: what its settings are, where each comes from, and whose password it takes. */
#include "t/unit/tap.h"

#include <stdlib.h>

#include "base/mem.h"
#include "deliver/config.h"
#include "deliver/unconfigured.h"

static struct unconfigured u;
static struct err e;

static int make(struct unconfigured_words w)
{
	memset(&e, 0, sizeof(e));
	return unconfigured_make(&u, &w, "/home/me", &e);
}

/* "smtp.gmail.com:465 implicit as me@gmail.com" */
static const char *shown(void)
{
	static char text[600];
	const struct account *a = &u.account;

	snprintf(text, sizeof(text), "%s:%ld %s as %s", a->net.host, a->net.port,
		a->smtp.tls == SMTP_TLS_IMPLICIT ? "implicit" : a->smtp.tls == SMTP_TLS_OFF ? "off" :
		"starttls", a->sasl.user ? a->sasl.user : "nobody");
	return text;
}

static void becomes(struct unconfigured_words w, const char *want, const char *what)
{
	int good = make(w);

	check_int(good, 0, "%s: %s", what, e.text);
	if (good == 0) {
		check_text(shown(), want, "%s", what);
		check_text(u.account.name, "check", "%s: its name", what);
		check_int(u.account.scope, SCOPE_PERSONAL, "%s: nobody else's", what);
		check_int(account_logs_in(&u.account), u.account.secret.asked,
			"%s: the password is asked for if there is a login", what);
		check_int(u.account.secret.asked, !w.no_login && !strstr(want, "nobody"),
			"%s: as it is", what);
	}
	unconfigured_release(&u);
}

static void fails(struct unconfigured_words w, const char *text, const char *hint)
{
	check_int(make(w), -1, "no account: %s", text);
	check_int(e.kind, ERR_USAGE, "as a matter of the command line");
	check(strstr(e.text, text) != NULL, "says \"%s\": %s", text, e.text);
	check(strstr(e.hint, hint) != NULL, "and proposes \"%s\": %s", hint, e.hint);
	unconfigured_release(&u);
}

#define WORDS(...) ((struct unconfigured_words){ __VA_ARGS__ })

static void test_addresses(void)
{
	becomes(WORDS(.address = "me@gmail.com"), "smtp.gmail.com:465 implicit as me@gmail.com",
		"an address of a provider");
	becomes(WORDS(.address = "Me <me@GMail.com>"), "smtp.gmail.com:465 implicit as me@gmail.com",
		"one with a name around it");
	becomes(WORDS(.address = "me@web.de"), "smtp.web.de:465 implicit as me", "a local part as user");
	becomes(WORDS(.address = "me@web.de", .user = "you"), "smtp.web.de:465 implicit as you",
		"a user who is said");
	becomes(WORDS(.address = "me@gmail.com", .port = "587"),
		"smtp.gmail.com:587 starttls as me@gmail.com", "a port, and what is spoken there");
	becomes(WORDS(.address = "me@gmail.com", .tls = "starttls"),
		"smtp.gmail.com:587 starttls as me@gmail.com", "the mode, and where it is spoken");
	becomes(WORDS(.address = "me@gmail.com", .port = "2525"),
		"smtp.gmail.com:2525 starttls as me@gmail.com", "a port that is not known");
	becomes(WORDS(.address = "me@gmail.com", .host = "mx.example.com"),
		"mx.example.com:587 starttls as me@gmail.com", "another host is another provider");
	becomes(WORDS(.address = "me@gmail.com", .no_login = true),
		"smtp.gmail.com:465 implicit as me@gmail.com", "no login");
}

static void test_hosts(void)
{
	becomes(WORDS(.host = "mx.example.com"), "mx.example.com:587 starttls as nobody", "a host");
	becomes(WORDS(.host = "mx.example.com", .port = "465"), "mx.example.com:465 implicit as nobody",
		"with a port");
	becomes(WORDS(.host = "mx.example.com", .tls = "off", .port = "2525"),
		"mx.example.com:2525 off as nobody", "without encryption");
	becomes(WORDS(.host = "mx.example.com", .user = "u"), "mx.example.com:587 starttls as u",
		"with a user");
	becomes(WORDS(.host = "smtp.mail.me.com", .user = "u"), "smtp.mail.me.com:587 starttls as u",
		"a host that is known");
	becomes(WORDS(.host = "email-smtp.eu-west-1.amazonaws.com", .user = "AKIA"),
		"email-smtp.eu-west-1.amazonaws.com:465 implicit as AKIA", "one of a region");
	becomes(WORDS(.provider = "sendgrid"), "smtp.sendgrid.net:465 implicit as apikey", "a provider");
	becomes(WORDS(.provider = "google", .address = "me@example.com"),
		"smtp.gmail.com:465 implicit as me@example.com", "a provider for a domain of one's own");
}

static void origin_is(const char *key, const char *want)
{
	struct buf origin = BUF_INIT(200);

	config_origin(NULL, &u.account, key, &origin);
	check_text(buf_text(&origin), want, "where %s comes from", key);
	buf_release(&origin);
}

static void test_found(void)
{
	static const struct srv_target record = { .host = "mx.example.net", .port = 4650,
		.implicit = true }, old = { .host = "mx.example.net", .port = 5870 };
	struct unconfigured_words w = { .address = "me@example.com", .found = &record };

	becomes(w, "mx.example.net:4650 implicit as me@example.com", "what was found");
	w.found = &old;
	becomes(w, "mx.example.net:5870 starttls as me@example.com", "the other kind");
	w.tls = "STARTTLS";
	becomes(w, "mx.example.net:5870 starttls as me@example.com", "said as it was found");
	w.tls = NULL;
	w.port = "465";
	becomes(w, "mx.example.net:465 implicit as me@example.com", "a port that is said goes before");
	w.tls = "starttls";
	becomes(w, "mx.example.net:465 starttls as me@example.com", "as both do");
	w.host = "h.example.org";
	becomes(w, "h.example.org:465 starttls as me@example.com", "a host as well");
	becomes(WORDS(.address = "me@gmail.com", .found = &record),
		"smtp.gmail.com:465 implicit as me@gmail.com", "and a provider that is known");
	check_int(make(WORDS(.address = "me@example.com", .found = &record)), 0, "found again");
	origin_is("host", "SRV record of example.com");
	origin_is("port", "SRV record of example.com");
	origin_is("user", "command line");
	unconfigured_release(&u);
	fails(WORDS(.found = &record), "neither an account nor an address nor a host", "");
}

static void test_origins(void)
{
	struct buf runner = BUF_INIT(200);

	check_int(make(WORDS(.address = "me@gmail.com", .port = "587")), 0, "an account");
	origin_is("from", "command line");
	origin_is("port", "command line");
	origin_is("host", "provider google");
	origin_is("tls", "provider google");
	origin_is("user", "provider google");
	origin_is("max_recipients", "provider google");
	origin_is("timeout", "default");
	unconfigured_release(&u);
	config_origin(NULL, config_runner_account(), "host", &runner);
	check_text(buf_text(&runner), "default", "the runner's socket stands nowhere");
	buf_release(&runner);
}

static void test_failures(void)
{
	fails(WORDS(.address = "me@example.com"), "which server sends for example.com is not known",
		"--host; often it is smtp.example.com");
	fails(WORDS(.address = "me"), "'me' is not a whole address", "");
	fails(WORDS(.address = "me@"), "'me@' is not a whole address", "");
	fails(WORDS(.address = "a@b.test\nc"), "is not a whole address", "");
	fails(WORDS(.address = NULL), "neither an account nor an address nor a host", "");
	fails(WORDS(.address = "me@tuta.com"), "Tuta has no server", "another provider");
	fails(WORDS(.provider = "gogle"), "no provider is known as 'gogle'", "did you mean 'google'?");
	fails(WORDS(.provider = "amazon-ses", .user = "u"), "Amazon SES has a server for each region",
		"set host = email-smtp.REGION.amazonaws.com");
	fails(WORDS(.provider = "amazon-ses", .user = "u", .host = "email-smtp.REGION.amazonaws.com"),
		"Amazon SES has a server for each region", "in place of REGION");
	fails(WORDS(.address = "me@example.com", .provider = "mailgun"),
		"with which user to log in at Mailgun is not known", "--user");
	fails(WORDS(.host = "h", .port = "x"), "command line: 'port' must be", "");
	fails(WORDS(.host = "h", .tls = "maybe"), "command line: 'tls' must be", "");
	fails(WORDS(.host = "two words"), "command line: 'host' must be one word", "");
}

static void test_questions(void)
{
	char out[300];

	check_text(unconfigured_domain(&WORDS(.address = "me@example.com")), "example.com",
		"whom to ask DNS for");
	check(!unconfigured_domain(&WORDS(.address = "me@gmail.com")), "not where it is known");
	check(!unconfigured_domain(&WORDS(.address = "me@example.com", .host = "h")), "nor said");
	check(!unconfigured_domain(&WORDS(.address = "me@example.com", .provider = "gmx")), "nor named");
	check(!unconfigured_domain(&WORDS(.address = "me")), "nor without a domain");
	check(!unconfigured_domain(&WORDS(.host = "h")), "nor without an address");
	check_text(unconfigured_guess("example.com", 0, out, sizeof(out)), "smtp.example.com", "usual");
	check_text(unconfigured_guess("example.com", 1, out, sizeof(out)), "mail.example.com", "next");
	check(!unconfigured_guess("example.com", 2, out, sizeof(out)), "and no more");
	check(!unconfigured_guess("example.com", 0, out, 16), "none is cut short");
}

/* ---- the password that was given */

static char got[800];

static void take(void *context, struct secret *s, struct err *why)
{
	check(context == got, "the context is handed on");
	snprintf(got, sizeof(got), "%s", s ? s->data : why->text);
	if (s)
		secret_wipe(s);
}

static const char *fetched(void)
{
	struct secret_login login = { u.account.net.host, u.account.net.port, NULL, NULL };
	struct loop loop;

	got[0] = '\0';
	loop_init(&loop);
	check(!secret_fetch_start(&loop, &u.account.secret, &login, take, got), "at once");
	loop_release(&loop);
	return got;
}

static void test_secret(void)
{
	check_int(make(WORDS(.address = "me@gmail.com")), 0, "an account");
	check_text(fetched(), "no password was given", "nobody has answered");
	secret_set(&u.account.secret.given, "ahSh4ieV", 8);
	check_text(fetched(), "ahSh4ieV", "what was answered");
	check_text(fetched(), "ahSh4ieV", "as often as it is needed");
	unconfigured_release(&u);
	check(!u.account.secret.given.data, "D9: wiped with the account");
}

/* The words of a person are all that is taken from the outside. */
static void test_no_key(void)
{
	static const char *const names[] = { "given", "asked", "secret", "found" };
	struct conf_source src = { .name = NULL };

	for (size_t i = 0; i < COUNT(names); i++)
		check_int(conf_set(&src, CONF_ACCOUNT, "a", names[i], "x", account_tables, &e), -1,
			"no file can set %s", names[i]);
	conf_release(&src);
}

int main(void)
{
	test_addresses();
	test_hosts();
	test_found();
	test_origins();
	test_failures();
	test_questions();
	test_secret();
	test_no_key();
	return tap_done();
}
