/* net/proxy.c - what the user wrote of a proxy; see proxy.h. */
#include "net/proxy.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/proxy_state.h"

enum { SOCKS_PORT = 1080, HTTP_PORT = 8080, SOCKS_LOGIN_MAX = 255, PORT_DIGITS = 5 };

static const struct {
	const char *name;
	enum proxy_kind kind;
} schemes[] = {
	{ "socks5://", PROXY_SOCKS5 }, { "socks5h://", PROXY_SOCKS5 }, { "http://", PROXY_HTTP }
};

static int bad(struct err *e, const char *why)
{
	err_set(e, ERR_CONFIG, "proxy is not to be understood: %s", why);
	return err_hint(e, "write it as in: proxy = socks5://127.0.0.1:1080, or "
		"http://user:password@proxy.example.com:8080, with %%HH for what is special in user and "
		"password");
}

/* Not percent_decode() of the whole: a plus sign is one here.  False: a lone "%", a NUL, or too
 * long or nothing. */
static bool decode(const char *text, size_t len, size_t most, struct secret *out)
{
	struct buf octets = BUF_INIT(PROXY_LOGIN_MAX);
	bool good = true;

	buf_reserve(&octets, PROXY_LOGIN_MAX);   /* never grows, so leaves no copy */
	while (len && good) {
		const char *plus = memchr(text, '+', len);
		size_t piece = plus ? (size_t)(plus - text) : len;

		good = percent_decode(text, piece, &octets) == 0;
		if (plus)
			buf_add_char(&octets, '+');
		piece += plus != NULL;
		text += piece;
		len -= piece;
	}
	good = good && buf_ok(&octets) && octets.len && octets.len <= most &&
		!memchr(octets.data, '\0', octets.len);
	if (good)
		secret_set(out, octets.data, octets.len);
	buf_wipe(&octets);
	return good;
}

static int take_login(const char *text, size_t len, struct proxy *p, struct err *e)
{
	size_t most = p->kind == PROXY_SOCKS5 ? SOCKS_LOGIN_MAX : PROXY_LOGIN_MAX;
	const char *colon = memchr(text, ':', len);
	size_t user = colon ? (size_t)(colon - text) : len;

	if (!colon || user + 1 == len)
		return bad(e, "there is a user and no password");
	if (!decode(text, user, most, &p->user) ||
	    !decode(colon + 1, len - user - 1, most, &p->password))
		return bad(e, p->kind == PROXY_SOCKS5 ?
			"user and password have 1 to 255 octets each, and a % only before two hex digits" :
			"user and password have 1 to 1024 octets each, and a % only before two hex digits");
	if (p->kind == PROXY_HTTP && memchr(p->user.data, ':', p->user.len))
		return bad(e, "HTTP knows no user with a colon");
	return 0;
}

static bool take_port(const char *text, size_t len, unsigned *port)
{
	unsigned number = 0;

	if (!len || len > PORT_DIGITS)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		number = number * 10 + (unsigned)(text[i] - '0');
	}
	*port = number;
	return number > 0 && number <= 65535;
}

/* "host", "host:port", "[address]", "[address]:port". */
static int take_place(const char *text, size_t len, struct proxy *p, struct err *e)
{
	const char *end = text[0] == '[' ? memchr(text, ']', len) : NULL;
	const char *from = end ? end + 1 : text;
	const char *colon = memchr(from, ':', len - (size_t)(from - text));
	size_t name = end ? (size_t)(end - text) - 1 : colon ? (size_t)(colon - text) : len;

	if (text[0] == '[' && (!end || (end + 1 != text + len && end + 1 != colon)))
		return bad(e, "the address in brackets does not end, or more follows it than a port");
	if (!name || name >= sizeof(p->host))
		return bad(e, "it names no host");
	if (colon && !take_port(colon + 1, len - (size_t)(colon + 1 - text), &p->port))
		return bad(e, "the port is none; an IPv6 address stands in brackets");
	memcpy(p->host, text + (end != NULL), name);
	p->host[name] = '\0';
	return 0;
}

static void show(struct proxy *p)
{
	char host[NAME_MAX_OCTETS];

	text_clean_to(host, sizeof(host), p->host, strlen(p->host));
	snprintf(p->shown, sizeof(p->shown), strchr(host, ':') ? "%s://[%s]:%u" : "%s://%s:%u",
		p->kind == PROXY_HTTP ? "http" : "socks5", host, p->port);
}

/* Behind the scheme. */
static int take_rest(const char *rest, struct proxy *p, struct err *e)
{
	const char *at = strrchr(rest, '@');
	size_t len;

	p->port = p->kind == PROXY_HTTP ? HTTP_PORT : SOCKS_PORT;
	if (at && take_login(rest, (size_t)(at - rest), p, e) < 0)
		return -1;
	if (at)
		rest = at + 1;
	len = strlen(rest);
	if (len && rest[len - 1] == '/')
		len--;
	if (memchr(rest, '/', len) || memchr(rest, '?', len) || memchr(rest, '#', len))
		return bad(e, "more follows than a host and a port");
	if (take_place(rest, len, p, e) < 0)
		return -1;
	show(p);
	return 0;
}

int proxy_parse(const char *url, struct proxy *p, struct err *e)
{
	size_t len = strlen(url);

	*p = (struct proxy){ .kind = PROXY_SOCKS5 };
	for (size_t i = 0; i < COUNT(schemes); i++) {
		size_t head = strlen(schemes[i].name);

		if (len < head || !text_equal_fold(url, head, schemes[i].name, head))
			continue;
		p->kind = schemes[i].kind;
		if (take_rest(url + head, p, e) == 0)
			return 0;
		proxy_release(p);
		return -1;
	}
	return bad(e, "it begins neither with socks5:// nor with http://");
}

void proxy_release(struct proxy *p)
{
	secret_wipe(&p->user);
	secret_wipe(&p->password);
	*p = (struct proxy){ .kind = PROXY_SOCKS5 };
}

void proxy_hide(const char *url, struct mask *m)
{
	struct err ignored = { 0 };
	struct proxy p;

	if (!url || proxy_parse(url, &p, &ignored) < 0)
		return;
	if (p.password.data)
		mask_add(m, p.password.data, p.password.len);
	proxy_release(&p);
}
