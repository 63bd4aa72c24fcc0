/* t/unit/conf_key.c - values into fields and back, and the nearest name. */
#include <limits.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/secret.h"
#include "conf/conf.h"
#include "t/unit/tap.h"

enum { OFF, STARTTLS, IMPLICIT };

static const struct key_choice modes[] = {
	{ "implicit", IMPLICIT }, { "starttls", STARTTLS }, { "off", OFF }, { NULL, 0 }
};

static const struct key text_row = { .name = "from", .type = KEY_TEXT };
static const struct key word_row = { .name = "host", .type = KEY_WORD };
static const struct key place_row = { .name = "tls_key", .type = KEY_PLACE };
static const struct key path_row = { .name = "aliases", .type = KEY_PATH };
static const struct key list_row = { .name = "match", .type = KEY_LIST };
static const struct key bool_row = { .name = "verify", .type = KEY_BOOL };
static const struct key port_row = {
	.name = "port", .type = KEY_NUMBER, .least = 1, .most = 65535
};
static const struct key any_row = {
	.name = "any", .type = KEY_NUMBER, .least = -LONG_MAX, .most = LONG_MAX
};
static const struct key time_row = {
	.name = "timeout", .type = KEY_DURATION, .least = 0, .most = 864000000
};
static const struct key tls_row = { .name = "tls", .type = KEY_CHOICE, .choices = modes };
static const struct key url_row = { .name = "proxy", .type = KEY_URL };
static const struct key secret_row = { .name = "password", .type = KEY_SECRET };

#define LONE "; comments stand on lines of their own"
#define TLS_TEXT "'tls' must be implicit, starttls or off"
#define TIME_TEXT "'timeout' must be a time from 0s to 10d, written like 90s, 500ms, 5m, 2h or 1d"
#define PORT_TEXT "'port' must be a number from 1 to 65535"
#define WORD_TEXT "'host' must be one word, without blanks and ';'"
#define PATH_TEXT "'aliases' must be an absolute path, or begin with ~/"
#define PLACE_TEXT "'tls_key' must be an absolute path, or begin with ~/ or pkcs11:"

static const struct {
	const struct key *row;
	const char *value;
	const char *written;   /* NULL: refused */
	const char *text;      /* of the error */
} cases[] = {
	{ &text_row, "a b", "a b", NULL },
	{ &text_row, "a ;b #c \"d\" \\ $e", "a ;b #c \"d\" \\ $e", NULL },
	{ &text_row, "Bj\xc3\xb6rn\t\xf0\x9f\x93\xa7", "Bj\xc3\xb6rn\t\xf0\x9f\x93\xa7", NULL },
	{ &text_row, "", "", NULL },
	{ &text_row, "a\nb", NULL, "the value of 'from' holds a control character" },
	{ &text_row, "a\x7f", NULL, "the value of 'from' holds a control character" },
	{ &text_row, "\xc2\x85", NULL, "the value of 'from' holds a control character" },
	{ &text_row, "Bj\xf6rn", NULL, "the value of 'from' is not valid UTF-8" },
	{ &word_row, "smtp.example.com", "smtp.example.com", NULL },
	{ &word_row, "a#b", "a#b", NULL },
	{ &word_row, "", "", NULL },
	{ &word_row, "a;b", NULL, WORD_TEXT },
	{ &word_row, "a b", NULL, WORD_TEXT },
	{ &word_row, "a\tb", NULL, WORD_TEXT },
	{ &word_row, "a ;b", NULL, "a comment stands behind the value of 'host'" LONE },
	{ &word_row, "a # b", NULL, "a comment stands behind the value of 'host'" LONE },
	{ &word_row, "; b", NULL, "a comment stands behind the value of 'host'" LONE },
	{ &path_row, "/etc/aliases ; x", "/etc/aliases ; x", NULL },
	{ &path_row, "~/aliases", "~/aliases", NULL },
	{ &path_row, "", "", NULL },
	{ &path_row, "aliases", NULL, PATH_TEXT },
	{ &path_row, "~", NULL, PATH_TEXT },
	{ &path_row, "~joe/aliases", NULL, PATH_TEXT },
	{ &place_row, "/etc/key.pem", "/etc/key.pem", NULL },
	{ &place_row, "~/key?pin-value=1", "~/key?pin-value=1", NULL },
	{ &place_row, "", "", NULL },
	{ &place_row, "pkcs11:object=k", "pkcs11:object=k", NULL },
	{ &place_row, "pkcs11:object=k?pin-value=1234", "pkcs11:object=k?pin-value=***", NULL },
	{ &place_row, "pkcs11:object=k?PIN-value=12&x=y&pin-value=34;pin-value=5",
		"pkcs11:object=k?PIN-value=***&x=y&pin-value=***;pin-value=***", NULL },
	{ &place_row, "key.pem", NULL, PLACE_TEXT },
	{ &place_row, "pkcs12:object=k", NULL, PLACE_TEXT },
	{ &list_row, "a", "a", NULL },
	{ &list_row, " a ,b c\t, ,,d,", "a, b c, d", NULL },
	{ &list_row, "", "", NULL },
	{ &list_row, " , ,", "", NULL },
	{ &list_row, "a\x01", NULL, "the value of 'match' holds a control character" },
	{ &bool_row, "yes", "yes", NULL }, { &bool_row, "no", "no", NULL },
	{ &bool_row, "true", "yes", NULL }, { &bool_row, "false", "no", NULL },
	{ &bool_row, "on", "yes", NULL }, { &bool_row, "off", "no", NULL },
	{ &bool_row, "1", "yes", NULL }, { &bool_row, "0", "no", NULL },
	{ &bool_row, "Yes", "yes", NULL },
	{ &bool_row, "", NULL, "'verify' must be yes or no" },
	{ &bool_row, "y", NULL, "'verify' must be yes or no" },
	{ &bool_row, "2", NULL, "'verify' must be yes or no" },
	{ &bool_row, "no ; never", NULL, "a comment stands behind the value of 'verify'" LONE },
	{ &port_row, "1", "1", NULL }, { &port_row, "65535", "65535", NULL },
	{ &port_row, "00587", "587", NULL },
	{ &port_row, "0", NULL, PORT_TEXT }, { &port_row, "65536", NULL, PORT_TEXT },
	{ &port_row, "", NULL, PORT_TEXT }, { &port_row, "+1", NULL, PORT_TEXT },
	{ &port_row, "-1", NULL, PORT_TEXT }, { &port_row, "-", NULL, PORT_TEXT },
	{ &port_row, "1 ", NULL, PORT_TEXT }, { &port_row, "0x10", NULL, PORT_TEXT },
	{ &port_row, "smtp", NULL, PORT_TEXT }, { &port_row, "587;", NULL, PORT_TEXT },
	{ &port_row, "18446744073709552203", NULL, PORT_TEXT },
	{ &port_row, "587 # x", NULL, "a comment stands behind the value of 'port'" LONE },
	{ &any_row, "-5", "-5", NULL }, { &any_row, "-0", "0", NULL },
	{ &time_row, "90", "90s", NULL }, { &time_row, "90s", "90s", NULL },
	{ &time_row, "500ms", "500ms", NULL }, { &time_row, "1500ms", "1500ms", NULL },
	{ &time_row, "60s", "1m", NULL }, { &time_row, "5m", "5m", NULL },
	{ &time_row, "2h", "2h", NULL }, { &time_row, "1d", "1d", NULL },
	{ &time_row, "24h", "1d", NULL }, { &time_row, "0", "0s", NULL },
	{ &time_row, "10d", "10d", NULL }, { &time_row, "864001s", NULL, TIME_TEXT },
	{ &time_row, "", NULL, TIME_TEXT }, { &time_row, "s", NULL, TIME_TEXT },
	{ &time_row, "5 m", NULL, TIME_TEXT }, { &time_row, "5M", NULL, TIME_TEXT },
	{ &time_row, "1.5h", NULL, TIME_TEXT }, { &time_row, "-1", NULL, TIME_TEXT },
	{ &time_row, "1w", NULL, TIME_TEXT }, { &time_row, "1m30s", NULL, TIME_TEXT },
	{ &time_row, "213503982334602d", NULL, TIME_TEXT },
	{ &time_row, "99999999999999999999", NULL, TIME_TEXT },
	{ &time_row, "60s ; slow", NULL, "a comment stands behind the value of 'timeout'" LONE },
	{ &tls_row, "starttls", "starttls", NULL }, { &tls_row, "off", "off", NULL },
	{ &tls_row, "Implicit", "implicit", NULL },
	{ &tls_row, "", NULL, TLS_TEXT }, { &tls_row, "start", NULL, TLS_TEXT },
	{ &tls_row, "starttls ", NULL, TLS_TEXT },
	{ &tls_row, "off ;x", NULL, "a comment stands behind the value of 'tls'" LONE },
	{ &secret_row, "a ;b\x01\xff", "***", NULL },
	{ &secret_row, "", "", NULL },
	{ &url_row, "socks5://h:1080", "socks5://h:1080", NULL },
	{ &url_row, "http://[2001:db8::1]:3128", "http://[2001:db8::1]:3128", NULL },
	{ &url_row, "socks5://u@h", "socks5://u@h", NULL },
	{ &url_row, "socks5://u:@h", "socks5://u:@h", NULL },
	{ &url_row, "socks5://u:p%40w@h:1", "socks5://u:***@h:1", NULL },
	{ &url_row, "http://u:p:w@x@h", "http://u:***@h", NULL },
	{ &url_row, "u:pw@h", "u:***@h", NULL },
	{ &url_row, "", "", NULL },
	{ &url_row, "a b", NULL, "'proxy' must be one word, without blanks and ';'" },
	{ &url_row, "h ;x", NULL, "a comment stands behind the value of 'proxy'" LONE },
	{ &url_row, "h\x01", NULL, "the value of 'proxy' holds a control character" },
};

union field {
	char *text;
	struct key_list list;
	struct secret secret;
	long number;
	int choice;
	bool flag;
};

static void clear(const struct key *row, union field *field)
{
	const struct key rows[] = { *row, { 0 } };
	const struct conf_table tables[] = { { rows, 0 }, { 0 } };

	conf_clear(tables, field);
}

static void test_cases(void)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct key *row = cases[i].row;
		union field field = { .list = { 0 } }, again = { .list = { 0 } };
		struct buf out = BUF_INIT(0), twice = BUF_INIT(0);
		struct err e = { 0 };
		int result = key_parse(row, cases[i].value, &field, &e);

		check_int(result, cases[i].written ? 0 : -1, "%s: case %zu", row->name, i);
		if (result < 0) {
			check_text(e.text, cases[i].text, "case %zu says why", i);
			check_int(e.kind, ERR_CONFIG, "case %zu: kind", i);
			check(!field.text, "case %zu leaves the field alone", i);
			continue;
		}
		key_write(row, &field, &out);
		check_text(buf_text(&out), cases[i].written, "case %zu written", i);
		if (row->type != KEY_SECRET) {
			check_int(key_parse(row, buf_text(&out), &again, &e), 0,
				"case %zu read back", i);
			key_write(row, &again, &twice);
			check_text(buf_text(&twice), cases[i].written, "case %zu written again", i);
		}
		clear(row, &field);
		clear(row, &again);
		check(!field.text, "case %zu: cleared", i);
		buf_release(&out);
		buf_release(&twice);
	}
}

static void test_fields(void)
{
	union field field = { .list = { 0 } };
	struct err e = { 0 };

	key_parse(&time_row, "90", &field, &e);
	check_int(field.number, 90000, "seconds are meant without a unit");
	check_int(key_parse(&time_row, "soon", &field, &e), -1, "a bad time is refused");
	check_int(field.number, 90000, "and the field keeps its value");
	memset(&field, 0, sizeof(field));
	key_parse(&tls_row, "implicit", &field, &e);
	check_int(field.choice, IMPLICIT, "a choice is its number");
	memset(&field, 0, sizeof(field));
	key_parse(&list_row, "a, b", &field, &e);
	check_int(field.list.count, 2, "two items");
	key_parse(&list_row, "c", &field, &e);
	check_int(field.list.count, 1, "a list replaces the list before");
	check_text(field.list.items[0], "c", "its item");
	key_parse(&list_row, "", &field, &e);
	check(!field.list.count && !field.list.items, "an empty value empties it");
	key_parse(&text_row, "one", &field, &e);
	key_parse(&text_row, "two", &field, &e);
	check_text(field.text, "two", "a text replaces the text before");
	key_parse(&text_row, "", &field, &e);
	check(!field.text, "an empty value is no text at all");
	memset(&field, 0, sizeof(field));
	key_parse(&secret_row, "\" a ;#\xff", &field, &e);
	check(field.secret.len == 7 && !memcmp(field.secret.data, "\" a ;#\xff", 8),
		"a secret is kept octet by octet");
	clear(&secret_row, &field);
}

static void test_refusal_hides_value(void)
{
	const struct key *rows[] = { &word_row, &path_row, &bool_row, &port_row, &time_row,
		&tls_row, &text_row };
	static const char *const values[] = { "hunter2 x", "hunter2 ;x", "hunter2;x", "hunter2\x01",
		"hunter2\xff" };

	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t k = 0; k < COUNT(values); k++) {
			union field field = { .list = { 0 } };
			struct err e = { 0 };

			if (key_parse(rows[i], values[k], &field, &e) < 0)
				check(!strstr(e.text, "hunter2") && !strstr(e.hint, "hunter2"),
					"D9: error of '%s' holds no value", rows[i]->name);
			clear(rows[i], &field);
		}
}

static void test_nearest(void)
{
	static const struct key rows[] = {
		{ .name = "host" }, { .name = "port" }, { .name = "password" },
		{ .name = "password_command" }, { .name = "tls" }, { .name = "tls_ca_file" }, { 0 }
	};
	static const struct key more[] = { { .name = "user" }, { 0 } };
	static const struct conf_table tables[] = { { rows, 0 }, { more, 0 }, { 0 } };
	static const struct {
		const char *name, *near;
	} want[] = {
		{ "hots", "host" }, { "hosts", "host" }, { "ost", "host" }, { "host", "host" },
		{ "HOST", "host" }, { "prot", "port" }, { "usr", "user" },
		{ "pasword", "password" },
		{ "passwort", "password" }, { "pass", "password" }, { "tsl", NULL },
		{ "tl", "tls" }, { "tls_ca", "tls_ca_file" }, { "Tls-CA-File", "tls_ca_file" },
		{ "", NULL }, { "x", NULL }, { "zzzzzz", NULL }, { "auth", NULL },
		{ "password_commando", "password_command" },
	};
	char longest[200];

	for (size_t i = 0; i < COUNT(want); i++)
		check_text(conf_nearest(want[i].name, tables), want[i].near, "near '%s'",
			want[i].name);
	memset(longest, 'h', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	check(!conf_nearest(longest, tables), "nothing is near a name of 199 octets");
}

int main(void)
{
	test_cases();
	test_fields();
	test_refusal_hides_value();
	test_nearest();
	return tap_done();
}
