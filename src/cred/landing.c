/* cred/landing.c - requests of a browser, and pages for it; see landing.h. */
#include "cred/landing.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"

#define ANY_PORT "{port}"

enum { PORT_MOST = 65535, PORT_DIGITS = 5, PORT_OF_HTTP = 80 };

/* ---- where it leads */

/* Octets that an authority or target holds: visible ASCII. */
static bool is_visible(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] >= 0x7f)
			return false;
	return len > 0;
}

/* The name of this machine that text begins with; NULL. */
static const char *own_name(const char *text, size_t len)
{
	static const char *const names[] = { "127.0.0.1", "[::1]", "localhost" };

	for (size_t i = 0; i < COUNT(names); i++)
		if (len >= strlen(names[i]) && text_equal_fold(text, strlen(names[i]), names[i],
				strlen(names[i])))
			return names[i];
	return NULL;
}

/* 1 to 65535; 0: it is none. */
static unsigned read_port(const char *text, size_t len)
{
	unsigned port = 0;

	if (!len || len > PORT_DIGITS)
		return 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		port = 10 * port + (unsigned)(text[i] - '0');
	}
	return port <= PORT_MOST ? port : 0;
}

bool landing_parse(const char *url, struct landing *out)
{
	static const char scheme[] = "http://";
	const char *host = url + strlen(scheme), *name, *path;
	size_t len;

	memset(out, 0, sizeof(*out));
	if (strncasecmp(url, scheme, strlen(scheme)) != 0 || !is_visible(url, strlen(url)))
		return false;
	len = strcspn(host, "/?#");
	path = host + len;
	name = own_name(host, len);
	if (!name || strpbrk(path, "?#") || strlen(path) >= sizeof(out->path))
		return false;
	snprintf(out->host, sizeof(out->host), "%s", name);
	snprintf(out->path, sizeof(out->path), "%s", path[0] ? path : "/");
	host += strlen(name);
	len -= strlen(name);
	if (len == strlen(":" ANY_PORT) && !strncmp(host, ":" ANY_PORT, len))
		return true;
	out->port = !len ? PORT_OF_HTTP : host[0] == ':' ? read_port(host + 1, len - 1) : 0;
	return out->port != 0;
}

void landing_write(const char *url, unsigned port, struct buf *out)
{
	const char *place = strstr(url, ANY_PORT);

	if (place)
		buf_printf(out, "%.*s%u%s", (int)(place - url), url, port, place + strlen(ANY_PORT));
	else
		buf_add_text(out, url);
}

/* ---- requests */

struct line {
	const char *text;
	size_t len;
};

/* The next line, without its end (CRLF; a bare LF counts, RFC 9112 section 2.2).  False:
 * it is not whole. */
static bool next_line(const char *data, size_t len, size_t *at, struct line *out)
{
	const char *end = memchr(data + *at, '\n', len - *at);

	if (!end)
		return false;
	*out = (struct line){ data + *at, (size_t)(end - data) - *at };
	*at += out->len + 1;
	if (out->len && out->text[out->len - 1] == '\r')
		out->len--;
	return true;
}

/* Its end is the line that is empty. */
static bool is_whole(const char *data, size_t len)
{
	struct line line;
	size_t at = 0;

	while (next_line(data, len, &at, &line))
		if (!line.len)
			return true;
	return false;
}

/* Another page could make the browser speak with us under a name of its own (DNS
 * rebinding), but not under one of these. */
static bool is_for_us(const char *host, size_t len, unsigned port)
{
	const char *name = own_name(host, len);

	if (!name)
		return false;
	host += strlen(name);
	len -= strlen(name);
	return !len ? port == PORT_OF_HTTP : host[0] == ':' && read_port(host + 1, len - 1) == port;
}

/* One of the header's lines.  Returns a status, or 0: go on. */
static int read_field(const struct line *line, unsigned port, unsigned *hosts)
{
	static const char name[] = "Host";
	const char *colon = memchr(line->text, ':', line->len), *value;
	size_t len;

	if (!colon || !is_visible(line->text, (size_t)(colon - line->text)))
		return 400;
	for (size_t i = 0; i < line->len; i++)
		if ((unsigned char)line->text[i] < ' ' && line->text[i] != '\t')
			return 400;
	if (!text_equal_fold(line->text, (size_t)(colon - line->text), name, strlen(name)))
		return 0;
	value = colon + 1;
	len = line->len - (size_t)(value - line->text);
	for (; len && (value[0] == ' ' || value[0] == '\t'); len--)
		value++;
	while (len && (value[len - 1] == ' ' || value[len - 1] == '\t'))
		len--;
	return ++*hosts > 1 ? 400 : is_for_us(value, len, port) ? 0 : 403;
}

static int read_header(const char *data, size_t len, size_t at, unsigned port)
{
	unsigned hosts = 0;
	struct line line;
	int status = 0;

	while (!status && next_line(data, len, &at, &line) && line.len)
		status = read_field(&line, port, &hosts);
	return status || hosts ? status : 400;
}

/* Whether the target is what we wait for: the path, and something that was brought. */
static bool is_awaited(const struct landing *at, const struct line *target)
{
	size_t path = strlen(at->path);

	return target->len > path + 1 && !memcmp(target->text, at->path, path) &&
		target->text[path] == '?';
}

/* Returns a status; 0: all is well. */
static int read_request_line(const struct line *line, struct line *target)
{
	const char *blank = memchr(line->text, ' ', line->len), *version;
	size_t rest;

	if (!blank || !is_visible(line->text, (size_t)(blank - line->text)))
		return 400;
	target->text = blank + 1;
	rest = line->len - (size_t)(target->text - line->text);
	version = memchr(target->text, ' ', rest);
	if (!version)
		return 400;
	target->len = (size_t)(version - target->text);
	version++;
	rest -= target->len + 1;
	if (rest != strlen("HTTP/1.1") || strncmp(version, "HTTP/", strlen("HTTP/")) != 0)
		return 400;
	if (strncmp(version, "HTTP/1.", strlen("HTTP/1.")) != 0)
		return 505;
	if (!is_visible(target->text, target->len) || target->text[0] != '/' ||
	    memchr(target->text, '#', target->len))
		return 400;
	return blank - line->text == 3 && !strncmp(line->text, "GET", 3) ? 0 : 405;
}

enum landing_verdict landing_read(const struct landing *at, unsigned port,
	const char *data, size_t len, struct buf *target, int *status)
{
	struct line line, where = { NULL, 0 };
	size_t behind = 0;

	*status = 431;
	if (!is_whole(data, len))
		return len < LANDING_REQUEST_MAX ? LANDING_MORE : LANDING_NOT_US;
	next_line(data, len, &behind, &line);
	*status = read_request_line(&line, &where);
	if (!*status)
		*status = read_header(data, len, behind, port);
	if (!*status && !is_awaited(at, &where))
		*status = 404;
	if (*status)
		return LANDING_NOT_US;
	buf_add(target, where.text, where.len);
	return LANDING_CAME;
}

/* ---- pages */

static const struct reason {
	int status;
	const char *words;
} reasons[] = {
	{ 200, "OK" }, { 400, "Bad Request" }, { 403, "Forbidden" }, { 404, "Not Found" },
	{ 405, "Method Not Allowed" }, { 431, "Request Header Fields Too Large" },
	{ 505, "HTTP Version Not Supported" }
};

static const char *reason_of(int status)
{
	for (size_t i = 0; i < COUNT(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].words;
	return "Bad Request";
}

static void add_escaped(const char *text, struct buf *out)
{
	for (; *text; text++)
		if (strchr("<>&\"'", *text))
			buf_printf(out, "&#%d;", *text);
		else
			buf_add_char(out, *text);
}

void landing_page(int status, const char *title, const char *words, struct buf *out)
{
	struct buf page = BUF_INIT(16 * 1024);

	buf_add_text(&page, "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width\">\n"
		"<meta name=\"color-scheme\" content=\"light dark\">\n<title>sendoff: ");
	add_escaped(title, &page);
	buf_add_text(&page, "</title>\n<style>body { font: 1.1em/1.5 sans-serif; max-width: 34em; "
		"margin: 15vh auto; padding: 0 1em }</style>\n<h1>");
	add_escaped(title, &page);
	buf_add_text(&page, "</h1>\n<p>");
	add_escaped(words, &page);
	buf_add_text(&page, "</p>\n</html>\n");
	buf_printf(out, "HTTP/1.1 %d %s\r\n%sContent-Type: text/html; charset=utf-8\r\n"
		"Content-Length: %zu\r\nConnection: close\r\nCache-Control: no-store\r\n"
		"Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n"
		"Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; "
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n\r\n",
		status, reason_of(status), status == 405 ? "Allow: GET\r\n" : "", page.len);
	buf_add(out, buf_text(&page), page.len);
	buf_release(&page);
}

void landing_refuse(int status, struct buf *out)
{
	landing_page(status, reason_of(status),
		"Here sendoff waits for a sign-in to end, and for nothing else.", out);
}
