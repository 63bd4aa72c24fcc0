/* mail/address_write.c - addresses as the envelope has them; see address.h. */
#include "mail/address.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/idn.h"
#include "base/text.h"
#include "mail/header.h"
#include "mail/scan.h"

enum { LABEL_MAX = 63, DOMAIN_INPUT_MAX = 1024 };

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* With UTF-8, as RFC 6531 allows. */
static bool is_atext(char c)
{
	return header_is_atext(c) || (unsigned char)c >= 0x80;
}

static bool is_dot_atom(const char *text)
{
	for (const char *p = text; *p; p++) {
		bool edge = p == text || !p[1];

		if (*p == '.' ? edge || p[1] == '.' : !is_atext(*p))
			return false;
	}
	return *text;
}

static const char *write_local(const char *local, struct buf *out)
{
	size_t len = strlen(local);

	if (!len)
		return "the part before '@' is missing";
	if (len > ADDRESS_LOCAL_MAX)
		return "the part before '@' is longer than 64 octets";
	if (!text_is_utf8(local, len))
		return "it is not UTF-8";
	if (!scan_is_harmless(local, len))
		return "control characters and angle brackets cannot be part of an address";
	if (is_dot_atom(local)) {
		buf_add_text(out, local);
		return NULL;
	}
	buf_add_char(out, '"');
	for (const char *p = local; *p; p++) {
		if (*p == '"' || *p == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, *p);
	}
	buf_add_char(out, '"');
	return NULL;
}

/* RFC 5321 section 4.1.3: only the two forms that are registered. */
static const char *write_literal(const char *domain, size_t len, struct buf *out)
{
	struct buf inner = BUF_INIT(ADDRESS_DOMAIN_MAX);
	unsigned char address[16];
	const char *text;
	bool good;

	buf_add(&inner, domain + 1, len - 2);
	text = buf_text(&inner);
	if (inner.len > 5 && text_equal_fold(text, 5, "IPv6:", 5))
		good = inet_pton(AF_INET6, text + 5, address) == 1;
	else
		good = inet_pton(AF_INET, text, address) == 1;
	good = good && buf_ok(&inner);
	buf_release(&inner);
	if (!good)
		return "what stands in square brackets is not an IP address";
	buf_add(out, domain, len);
	return NULL;
}

/* Underscores do occur in names of hosts, so they stay. */
static const char *write_ascii(const char *domain, struct buf *out)
{
	size_t len = strlen(domain), label = 0;

	if (len && domain[len - 1] == '.')
		len--;
	if (!len)
		return "the domain is missing";
	if (len > ADDRESS_DOMAIN_MAX)
		return "the domain is longer than 255 octets";
	for (size_t i = 0; i < len; i++) {
		char c = domain[i];

		if (c == '.' ? !label || i + 1 == len : !is_alnum(c) && c != '-' && c != '_')
			return c == '.' ? "the domain has two dots in a row or one at its edge"
					: "the domain holds a character that no domain may hold";
		label = c == '.' ? 0 : label + 1;
		if (label > LABEL_MAX)
			return "a label of the domain is longer than 63 octets";
		buf_add_char(out, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
	}
	return NULL;
}

/* What IDNA makes of a name is judged again: it maps full-width forms to signs
 * such as '<' and ideographic full stops to dots. */
const char *address_domain(const char *domain, struct buf *out)
{
	size_t len = strlen(domain);
	const char *why;
	char *ascii = NULL;
	struct err ignored;

	if (len > DOMAIN_INPUT_MAX)
		return "the domain is longer than 255 octets";
	if (len > 2 && domain[0] == '[' && domain[len - 1] == ']')
		return write_literal(domain, len, out);
	if (text_is_ascii(domain, len))
		return write_ascii(domain, out);
	if (!text_is_utf8(domain, len))
		return "it is not UTF-8";
	if (idn_need(&ignored) < 0)
		return "international domains need libidn2, which cannot be loaded: install it";
	if (idn2_to_ascii_8z(domain, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return "the domain is not a valid international name";
	why = write_ascii(ascii, out);
	idn2_free(ascii);
	return why;
}

static int fail_parts(const char *local, const char *domain, struct err *e, const char *why)
{
	struct buf shown = BUF_INIT(0);

	buf_add_text(&shown, local);
	if (domain) {
		buf_add_char(&shown, '@');
		buf_add_text(&shown, domain);
	}
	scan_fail(buf_text(&shown), shown.len, e, why);
	buf_release(&shown);
	return -1;
}

int address_write(const char *local, const char *domain, const char *default_domain,
	struct buf *out, struct err *e)
{
	struct buf path = BUF_INIT(2 * ADDRESS_LOCAL_MAX + ADDRESS_DOMAIN_MAX + 8);
	const char *why = write_local(local, &path);

	if (!domain)
		domain = default_domain;
	if (!why && domain) {
		buf_add_char(&path, '@');
		why = address_domain(domain, &path);
	}
	if (!why && (!buf_ok(&path) || path.len > ADDRESS_PATH_MAX))
		why = "it is longer than 254 octets";
	if (!why)
		buf_add(out, buf_text(&path), path.len);
	buf_release(&path);
	return why ? fail_parts(local, domain, e, why) : 0;
}

/* "", "<>", and the same among blanks. */
static bool is_null_path(const char *text, size_t len)
{
	char seen = '\0';

	for (size_t i = 0; i < len; i++) {
		if (text[i] == ' ' || text[i] == '\t')
			continue;
		if (text[i] != (seen == '<' ? '>' : '<') || seen == '>')
			return false;
		seen = text[i];
	}
	return seen != '<';
}

int address_parse_one(const char *text, size_t len, const char *default_domain, struct buf *out,
	struct err *e)
{
	struct mailbox_list list = { 0 };
	int result;

	if (is_null_path(text, len))
		return 0;
	result = mailbox_list_parse(text, len, ADDRESS_IN_ARGV, &list, e);
	if (!result && list.count != 1)
		result = scan_fail(text, len, e, list.count ? "is more than one address"
							    : "is no address");
	if (!result)
		result = address_write(list.items[0].local, list.items[0].domain, default_domain,
			out, e);
	mailbox_list_release(&list);
	return result;
}

/* A domain holds no '@', a quoted local part may. */
static size_t local_length(const char *address)
{
	const char *at = strrchr(address, '@');

	return at ? (size_t)(at - address) : strlen(address);
}

bool address_equal(const char *a, const char *b)
{
	size_t la = local_length(a), lb = local_length(b);

	return la == lb && !memcmp(a, b, la) &&
		text_equal_fold(a + la, strlen(a + la), b + lb, strlen(b + lb));
}

bool address_matches(const char *address, const char *pattern)
{
	const char *p = pattern, *star = NULL, *retry = NULL, *a = address;

	if (!strchr(pattern, '@')) {
		a += local_length(address);
		if (*a == '@')
			a++;
	}
	while (*a) {
		if (*p == '*') {
			star = ++p;
			retry = a;
		} else if (text_equal_fold(p, 1, a, 1)) {
			p++;
			a++;
		} else if (star) {
			p = star;
			a = ++retry;
		} else {
			return false;
		}
	}
	while (*p == '*')
		p++;
	return !*p;
}

bool address_needs_utf8(const char *address)
{
	return !text_is_ascii(address, local_length(address));
}
