/* net/proxy_http.c - CONNECT (RFC 9110 section 9.3.6, RFC 9112); see proxy_state.h. */
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/proxy_state.h"

enum { STATUS_AT = sizeof("HTTP/1.1 ") - 1, STATUS_LINE = STATUS_AT + 3 };

static const char version[] = "HTTP/1.";

static void add_place(struct proxy_talk *t)
{
	buf_printf(&t->out, strchr(t->host, ':') ? "[%s]:%u" : "%s:%u", t->host, t->port);
}

static void add_login(struct proxy_talk *t)
{
	const struct proxy *p = t->proxy;
	struct buf both = BUF_INIT(2 * PROXY_LOGIN_MAX + 1);

	buf_reserve(&both, 2 * PROXY_LOGIN_MAX + 1);   /* never grows, so leaves no copy */
	buf_add(&both, p->user.data, p->user.len);
	buf_add_char(&both, ':');
	buf_add(&both, p->password.data, p->password.len);
	buf_add_text(&t->out, "Proxy-Authorization: Basic ");
	base64_encode(both.data, both.len, &t->out);
	buf_add_text(&t->out, "\r\n");
	buf_wipe(&both);
}

void proxy_http_begin(struct proxy_talk *t)
{
	t->stage = PROXY_ANSWER;
	buf_add_text(&t->out, "CONNECT ");
	add_place(t);
	buf_add_text(&t->out, " HTTP/1.1\r\nHost: ");
	add_place(t);
	buf_add_text(&t->out, "\r\n");
	if (t->proxy->user.data)
		add_login(t);
	buf_add_text(&t->out, "\r\n");
}

/* What it said behind the version, as "403 Forbidden"; without what it repeats of the login. */
static void status_words(struct proxy_talk *t, char *out, size_t size)
{
	const char *from = t->in.data + STATUS_AT;
	struct mask mask = { 0 };
	size_t len = 0;

	if (t->proxy->password.data)
		mask_add(&mask, t->proxy->password.data, t->proxy->password.len);
	mask_apply(&mask, t->in.data, t->in.len);
	mask_wipe(&mask);
	while (from[len] != '\r' && from[len] != '\n')
		len++;
	text_clean_to(out, size, from, len);
}

static enum proxy_turn refused(struct proxy_talk *t, int status, struct err *e)
{
	char said[160], why[200];
	bool wants_login;

	status_words(t, said, sizeof(said));
	snprintf(why, sizeof(why), "it says \"%s\"", said);
	wants_login = status == 407 || status == 401;   /* tinyproxy says 401 to a wrong password */
	if (wants_login && t->proxy->user.data)
		return proxy_refuse(t, e, "proxy-login-refused", "refuses user and password: \"%s\"",
			said);
	if (wants_login)
		return proxy_refuse(t, e, "proxy-login-wanted", "wants a login: \"%s\"", said);
	if (status == 400 || status == 404 || status == 405 || status == 501)
		return proxy_no_way(t, e, "proxy-unfit", why);
	if (status / 100 == 4 && status != 408 && status != 429)
		return proxy_no_way(t, e, "proxy-forbids", why);
	return proxy_no_way(t, e, "proxy-cannot-reach", why);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* 0: none. */
static int status_of(const struct proxy_talk *t)
{
	const char *in = t->in.data;

	if (t->in.len <= STATUS_LINE || in[STATUS_AT - 1] != ' ' || !is_digit(in[STATUS_AT - 2]) ||
	    !memchr(" \r\n", in[STATUS_LINE], 3))
		return 0;
	for (size_t i = STATUS_AT; i < STATUS_LINE; i++)
		if (!is_digit(in[i]))
			return 0;
	return (in[STATUS_AT] - '0') * 100 + (in[STATUS_AT + 1] - '0') * 10 + in[STATUS_AT + 2] - '0';
}

/* The empty line is there. */
static bool is_whole(const struct buf *in)
{
	const char *end = in->data + in->len;

	return (in->len >= 2 && !memcmp(end - 2, "\n\n", 2)) ||
		(in->len >= 3 && !memcmp(end - 3, "\n\r\n", 3));
}

static enum proxy_turn not_http(const struct proxy_talk *t, struct err *e)
{
	char first = t->in.data[0];
	enum proxy_turn turn = proxy_refuse(t, e, "proxy-not-one", first == 5 ? "speaks SOCKS5, not "
		"HTTP" : first >= '2' && first <= '5' ? "is no proxy: a mail server seems to answer there" :
		"is none: what answers there does not speak HTTP");

	if (first == 5)
		err_hint(e, "write socks5:// in place of http://");
	return turn;
}

enum proxy_turn proxy_http_step(struct proxy_talk *t, struct err *e)
{
	size_t head = t->in.len < sizeof(version) - 1 ? t->in.len : sizeof(version) - 1;
	int status;

	if (memcmp(t->in.data, version, head) != 0)
		return not_http(t, e);
	if (!is_whole(&t->in))
		return PROXY_GOES_ON;
	status = status_of(t);
	if (!status)
		return not_http(t, e);
	if (status / 100 == 2)   /* no body follows, whatever the fields say */
		return PROXY_OPEN;
	if (status / 100 != 1)
		return refused(t, status, e);
	t->heard = true;         /* RFC 9110 section 15.2: an answer is still to come */
	buf_clear(&t->in);
	return PROXY_GOES_ON;
}
