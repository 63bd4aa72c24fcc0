/* conf/key.c - one value into one field, and back; see conf.h and base/key.h.
 *
 * No error quotes a value: it may be a secret in the wrong place.
 */
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pkcs11.h"
#include "base/secret.h"
#include "base/text.h"
#include "conf/internal.h"

static const struct key_choice switches[] = {
	{ "yes", 1 }, { "no", 0 }, { "true", 1 }, { "false", 0 },
	{ "on", 1 }, { "off", 0 }, { "1", 1 }, { "0", 0 }, { NULL, 0 }
};

/* Largest first: key_write() takes the first that divides. */
static const struct {
	const char *name;
	long ms;
} units[] = {
	{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 }
};

static const struct {
	const char *name;
	long octets;
} sizes[] = {
	{ "G", 1L << 30 }, { "M", 1L << 20 }, { "K", 1L << 10 }, { "", 1 }
};

/* A C0 or C1 control character; a tab is a blank. */
static bool is_control(const unsigned char *s, size_t n)
{
	if (n == 1)
		return (s[0] < 0x20 && s[0] != '\t') || s[0] == 0x7f;
	return n == 2 && s[0] == 0xc2 && s[1] < 0xa0;
}

static int check_text(const struct key *row, const char *value, struct err *e)
{
	size_t len = strlen(value);

	for (size_t i = 0, n; i < len; i += n) {
		n = text_utf8(value + i, len - i);
		if (!n) {
			err_set(e, ERR_CONFIG, "the value of '%s' is not valid UTF-8", row->name);
			return err_hint(e, "save the file as UTF-8");
		}
		if (is_control((const unsigned char *)value + i, n)) {
			err_set(e, ERR_CONFIG, "the value of '%s' holds a control character",
				row->name);
			return err_hint(e, "remove it; a tab or a blank is allowed");
		}
	}
	return 0;
}

/* Whether something in the value looks like a comment behind it. */
static bool has_comment(const char *value)
{
	for (const char *p = value; (p = strpbrk(p, ";#")); p++)
		if (p == value || strchr(CONF_BLANKS, p[-1]))
			return true;
	return false;
}

static int comment_error(const struct key *row, struct err *e)
{
	err_set(e, ERR_CONFIG, "a comment stands behind the value of '%s'; "
		"comments stand on lines of their own", row->name);
	return err_hint(e, "move the comment to the line above");
}

static int parse_word(const struct key *row, const char *value, struct err *e)
{
	if (has_comment(value))
		return comment_error(row, e);
	if (strpbrk(value, CONF_BLANKS ";"))
		return err_set(e, ERR_CONFIG, "'%s' must be one word, without blanks and ';'",
			row->name);
	return 0;
}

static int parse_path(const struct key *row, const char *value, struct err *e)
{
	if (*value && *value != '/' && strncmp(value, "~/", 2) != 0)
		return err_set(e, ERR_CONFIG, "'%s' must be an absolute path, or begin with ~/",
			row->name);
	return 0;
}

static int parse_place(const struct key *row, const char *value, struct err *e)
{
	if (*value && *value != '/' && strncmp(value, "~/", 2) != 0 && !pkcs11_is_uri(value))
		return err_set(e, ERR_CONFIG, "'%s' must be an absolute path, or begin with ~/ or pkcs11:",
			row->name);
	return 0;
}

static void list_clear(struct key_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct key_list){ 0 };
}

static void list_parse(const char *value, struct key_list *list)
{
	size_t most = 1;

	for (const char *p = value; (p = strchr(p, ',')); p++)
		most++;
	list->items = mem_grow(NULL, most, sizeof(*list->items));
	for (const char *p = value;; p++) {
		size_t len;

		p += strspn(p, CONF_BLANKS);
		len = strcspn(p, ",");
		value = p + len;
		while (len && strchr(CONF_BLANKS, p[len - 1]))
			len--;
		if (len)
			list->items[list->count++] = mem_copy(p, len);
		if (!*value)
			break;
		p = value;
	}
	if (!list->count)
		list_clear(list);
}

/* Digits up to the first octet that is none; NULL: no digit, or too many. */
static const char *parse_digits(const char *in, long *out)
{
	const char *p = in;

	for (*out = 0; *p >= '0' && *p <= '9'; p++) {
		int digit = *p - '0';

		if (*out > (LONG_MAX - digit) / 10)
			return NULL;
		*out = *out * 10 + digit;
	}
	return p > in ? p : NULL;
}

static bool parse_number(const struct key *row, const char *value, long *out)
{
	bool negative = *value == '-';
	const char *end = parse_digits(value + negative, out);

	if (negative)
		*out = -*out;
	return end && !*end && *out >= row->least && *out <= row->most;
}

static bool parse_duration(const struct key *row, const char *value, long *out)
{
	const char *end = parse_digits(value, out);
	long ms = 0;

	if (!end)
		return false;
	if (!*end)
		end = "s";
	for (size_t i = 0; i < COUNT(units); i++)
		if (!strcmp(end, units[i].name))
			ms = units[i].ms;
	if (!ms || *out > LONG_MAX / ms)
		return false;
	*out *= ms;
	return *out >= row->least && *out <= row->most;
}

static bool parse_size(const struct key *row, const char *value, long *out)
{
	const char *end = parse_digits(value, out);
	long octets = 0;

	for (size_t i = 0; end && i < COUNT(sizes); i++)
		if (text_equal_fold(end, strlen(end), sizes[i].name, strlen(sizes[i].name)))
			octets = sizes[i].octets;
	if (!octets || *out > LONG_MAX / octets)
		return false;
	*out *= octets;
	return *out >= row->least && *out <= row->most;
}

static bool parse_choice(const struct key_choice *choices, const char *value, int *out)
{
	for (; choices->name; choices++)
		if (text_equal_fold(value, strlen(value), choices->name, strlen(choices->name))) {
			*out = choices->value;
			return true;
		}
	return false;
}

static void write_duration(long ms, struct buf *out)
{
	size_t i = 0;

	if (!ms) {
		buf_add_text(out, "0s");
		return;
	}
	while (ms % units[i].ms)
		i++;
	buf_printf(out, "%ld%s", ms / units[i].ms, units[i].name);
}

static void write_size(long octets, struct buf *out)
{
	size_t i = 0;

	while (octets % sizes[i].octets)
		i++;
	if (octets)
		buf_printf(out, "%ld%s", octets / sizes[i].octets, sizes[i].name);
	else
		buf_add_char(out, '0');
}

/* What the row allows, in words that follow "must be". */
static void write_allowed(const struct key *row, struct buf *out)
{
	switch (row->type) {
	case KEY_BOOL:
		buf_add_text(out, "yes or no");
		break;
	case KEY_NUMBER:
		buf_printf(out, "a number from %ld to %ld", row->least, row->most);
		break;
	case KEY_DURATION:
		buf_add_text(out, "a time from ");
		write_duration(row->least, out);
		buf_add_text(out, " to ");
		write_duration(row->most, out);
		buf_add_text(out, ", written like 90s, 500ms, 5m, 2h or 1d");
		break;
	case KEY_SIZE:
		buf_add_text(out, "a size from ");
		write_size(row->least, out);
		buf_add_text(out, " to ");
		write_size(row->most, out);
		buf_add_text(out, ", written like 4096, 64K, 50M or 2G");
		break;
	default:
		for (const struct key_choice *c = row->choices; c->name; c++) {
			if (c > row->choices)
				buf_add_text(out, c[1].name ? ", " : " or ");
			buf_add_text(out, c->name);
		}
	}
}

static int allowed_error(const struct key *row, const char *value, struct err *e)
{
	struct buf allowed = BUF_INIT(sizeof(e->text));

	if (has_comment(value))
		return comment_error(row, e);
	write_allowed(row, &allowed);
	err_set(e, ERR_CONFIG, "'%s' must be %s", row->name, buf_text(&allowed));
	buf_release(&allowed);
	return -1;
}

/* The values without a pointer; they have no empty form. */
static int parse_plain(const struct key *row, const char *value, void *field, struct err *e)
{
	long number = 0;
	int choice = 0;
	bool good;

	if (row->type == KEY_NUMBER)
		good = parse_number(row, value, &number);
	else if (row->type == KEY_DURATION)
		good = parse_duration(row, value, &number);
	else if (row->type == KEY_SIZE)
		good = parse_size(row, value, &number);
	else
		good = parse_choice(row->type == KEY_BOOL ? switches : row->choices, value,
			&choice);
	if (!good)
		return allowed_error(row, value, e);
	if (row->type == KEY_BOOL)
		*(bool *)field = choice != 0;
	else if (row->type == KEY_CHOICE)
		*(int *)field = choice;
	else
		*(long *)field = number;
	return 0;
}

/* Where the password of a URL is: from the first colon of what stands before the host, to the
 * last "@".  NULL: it has none. */
static const char *url_password(const char *url, size_t *len)
{
	const char *scheme = strstr(url, "://"), *user = scheme ? scheme + 3 : url;
	const char *colon = strchr(user, ':'), *at = strrchr(user, '@');

	if (!colon || !at || at <= colon + 1)
		return NULL;
	*len = (size_t)(at - colon - 1);
	return colon + 1;
}

bool key_holds_secret(const struct key *row, const char *value)
{
	size_t len;

	return (row->type == KEY_SECRET && *value) ||
		(row->type == KEY_URL && url_password(value, &len)) ||
		(row->type == KEY_PLACE && pkcs11_is_uri(value) && pkcs11_pin(value, &len));
}

static void write_url(const char *url, struct buf *out)
{
	size_t len;
	const char *password = url_password(url, &len);

	if (password)
		buf_add(out, url, (size_t)(password - url));
	buf_add_text(out, password ? "***" : url);
	if (password)
		buf_add_text(out, password + len);
}

int key_parse(const struct key *row, const char *value, void *field, struct err *e)
{
	if (row->type == KEY_SECRET) {
		key_clear(row, field);
		if (*value)
			secret_set(field, value, strlen(value));
		return 0;
	}
	if (check_text(row, value, e) < 0)
		return -1;
	switch (row->type) {
	case KEY_WORD:
		if (parse_word(row, value, e) < 0)
			return -1;
		break;
	case KEY_PATH:
		if (parse_path(row, value, e) < 0)
			return -1;
		break;
	case KEY_PLACE:
		if (parse_place(row, value, e) < 0)
			return -1;
		break;
	case KEY_URL:
		if (parse_word(row, value, e) < 0)
			return -1;
		key_clear(row, field);
		if (*value)
			secret_set(field, value, strlen(value));
		return 0;
	case KEY_TEXT:
		break;
	case KEY_LIST:
		key_clear(row, field);
		list_parse(value, field);
		return 0;
	default:
		return parse_plain(row, value, field, e);
	}
	key_clear(row, field);
	if (*value)
		*(char **)field = mem_string(value);
	return 0;
}

int key_check(const struct key *row, const char *value, struct err *e)
{
	union {
		char *text;
		struct key_list list;
		struct secret secret;
		long number;
	} field = { .list = { 0 } };
	int result = key_parse(row, value, &field, e);

	key_clear(row, &field);
	return result;
}

void key_clear(const struct key *row, void *field)
{
	switch (row->type) {
	case KEY_LIST:
		list_clear(field);
		break;
	case KEY_BOOL:
		*(bool *)field = false;
		break;
	case KEY_NUMBER:
	case KEY_DURATION:
	case KEY_SIZE:
		*(long *)field = 0;
		break;
	case KEY_CHOICE:
		*(int *)field = 0;
		break;
	case KEY_SECRET:
	case KEY_URL:
		secret_wipe(field);
		break;
	case KEY_PLACE:
		if (*(char **)field)
			explicit_bzero(*(char **)field, strlen(*(char **)field));
		free(*(char **)field);
		*(char **)field = NULL;
		break;
	default:
		free(*(char **)field);
		*(char **)field = NULL;
	}
}

static void write_place(const char *text, struct buf *out)
{
	const char *pin;
	size_t len;

	if (!text)
		return;
	for (bool uri = pkcs11_is_uri(text); uri && (pin = pkcs11_pin(text, &len));) {
		buf_add(out, text, (size_t)(pin - text));
		buf_add_text(out, "***");
		text = pin + len;
	}
	buf_add_text(out, text);
}

static void write_list(const struct key_list *list, struct buf *out)
{
	for (size_t i = 0; i < list->count; i++) {
		if (i)
			buf_add_text(out, ", ");
		buf_add_text(out, list->items[i]);
	}
}

void key_write(const struct key *row, const void *field, struct buf *out)
{
	const char *text = NULL;

	switch (row->type) {
	case KEY_LIST:
		write_list(field, out);
		break;
	case KEY_BOOL:
		text = *(const bool *)field ? "yes" : "no";
		break;
	case KEY_NUMBER:
		buf_printf(out, "%ld", *(const long *)field);
		break;
	case KEY_DURATION:
		write_duration(*(const long *)field, out);
		break;
	case KEY_SIZE:
		write_size(*(const long *)field, out);
		break;
	case KEY_CHOICE:
		for (const struct key_choice *c = row->choices; c->name && !text; c++)
			if (c->value == *(const int *)field)
				text = c->name;
		break;
	case KEY_PLACE:
		write_place(*(char *const *)field, out);
		break;
	case KEY_SECRET:
		text = ((const struct secret *)field)->data ? "***" : NULL;
		break;
	case KEY_URL:
		if (((const struct secret *)field)->data)
			write_url(((const struct secret *)field)->data, out);
		break;
	default:
		text = *(char *const *)field;
	}
	if (text)
		buf_add_text(out, text);
}
