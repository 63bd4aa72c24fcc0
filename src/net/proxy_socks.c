/* net/proxy_socks.c - SOCKS5 (RFC 1928) and its login (RFC 1929); see proxy_state.h. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "net/proxy_state.h"

enum {
	VERSION = 5, LOGIN_VERSION = 1,
	NO_LOGIN = 0, BY_PASSWORD = 2, NOTHING_FITS = 0xff,
	CONNECT = 1,
	IS_IPV4 = 1, IS_NAME = 3, IS_IPV6 = 4,
	ANSWER_HEAD = 5               /* octets by which the length of the last answer is known */
};

/* RFC 1928 section 6; from 0xf0 on those of Tor for onion services (proposal 304). */
static const struct {
	unsigned char code;
	const char *cause, *why;
} answers[] = {
	{ 1, "proxy-cannot-reach", "it says no more than that it failed" },
	{ 2, "proxy-forbids", "its rules do not allow it" },
	{ 3, "proxy-cannot-reach", "no network leads there" },
	{ 4, "proxy-cannot-reach", "the host is not to be had, or its name is not known there" },
	{ 5, "proxy-cannot-reach", "nobody listens at that port" },
	{ 6, "proxy-cannot-reach", "the way is too long, or the answer took too long" },
	{ 7, "proxy-unfit", "it makes no connections (CONNECT)" },
	{ 8, "proxy-unfit", "it does not know this kind of address" },
	{ 0xf0, "proxy-cannot-reach", "no such onion service is known" },
	{ 0xf1, "proxy-cannot-reach", "what is known of the onion service is not valid" },
	{ 0xf2, "proxy-cannot-reach", "the onion service does not answer" },
	{ 0xf3, "proxy-cannot-reach", "the onion service did not come to the meeting point" },
	{ 0xf4, "proxy-forbids", "the onion service wants a key, and the proxy has none" },
	{ 0xf5, "proxy-forbids", "the onion service does not accept the key that the proxy has" },
	{ 0xf6, "proxy-cannot-reach", "this is no valid onion address" },
	{ 0xf7, "proxy-cannot-reach", "the onion service did not answer in time" },
};

void proxy_socks_begin(struct proxy_talk *t)
{
	t->stage = PROXY_METHOD;
	buf_add_char(&t->out, VERSION);
	buf_add_char(&t->out, t->proxy->user.data ? 2 : 1);
	buf_add_char(&t->out, NO_LOGIN);
	if (t->proxy->user.data)
		buf_add_char(&t->out, BY_PASSWORD);
}

static void add_string(struct buf *out, const char *data, size_t len)
{
	buf_add_char(out, (char)len);   /* at most 255, as proxy.c and net/name see to */
	buf_add(out, data, len);
}

static void ask_way(struct proxy_talk *t)
{
	static const char head[] = { VERSION, CONNECT, 0 };
	unsigned char address[sizeof(struct in6_addr)];

	t->stage = PROXY_ANSWER;
	buf_add(&t->out, head, sizeof(head));
	if (inet_pton(AF_INET, t->host, address) == 1) {
		buf_add_char(&t->out, IS_IPV4);
		buf_add(&t->out, address, sizeof(struct in_addr));
	} else if (inet_pton(AF_INET6, t->host, address) == 1) {
		buf_add_char(&t->out, IS_IPV6);
		buf_add(&t->out, address, sizeof(struct in6_addr));
	} else {
		buf_add_char(&t->out, IS_NAME);
		add_string(&t->out, t->host, strlen(t->host));
	}
	buf_add_char(&t->out, (char)(t->port >> 8));
	buf_add_char(&t->out, (char)(t->port & 0xff));
}

static void log_in(struct proxy_talk *t)
{
	t->stage = PROXY_LOGIN;
	buf_add_char(&t->out, LOGIN_VERSION);
	add_string(&t->out, t->proxy->user.data, t->proxy->user.len);
	add_string(&t->out, t->proxy->password.data, t->proxy->password.len);
}

/* By its first octet, whatever follows. */
static enum proxy_turn not_socks(const struct proxy_talk *t, unsigned char first, struct err *e)
{
	enum proxy_turn turn = proxy_refuse(t, e, "proxy-not-one", first == 'H' ?
		"speaks HTTP, not SOCKS5" : first == 0 || first == 4 ? "speaks SOCKS4, not SOCKS5" :
		first == '2' || first == '4' || first == '5' ? "is no proxy: a mail server seems to "
		"answer there" : "is none: what answers there does not speak SOCKS5");

	if (first == 'H')
		err_hint(e, "if it is an HTTP proxy, write http:// in place of socks5://");
	return turn;
}

static enum proxy_turn got_method(struct proxy_talk *t, unsigned char method, struct err *e)
{
	if (method == NO_LOGIN) {
		ask_way(t);
		return PROXY_GOES_ON;
	}
	if (method == BY_PASSWORD && t->proxy->user.data) {
		log_in(t);
		return PROXY_GOES_ON;
	}
	if (method != NOTHING_FITS)
		return proxy_refuse(t, e, "proxy-not-one", "chooses a login (%u) that was not offered "
			"to it", method);
	if (t->proxy->user.data)
		return proxy_refuse(t, e, "proxy-login-refused", "takes no login by user and password");
	return proxy_refuse(t, e, "proxy-login-wanted", "wants a login");
}

static enum proxy_turn got_answer(struct proxy_talk *t, unsigned char code, struct err *e)
{
	char other[64];

	for (size_t i = 0; i < COUNT(answers); i++)
		if (answers[i].code == code)
			return proxy_no_way(t, e, answers[i].cause, answers[i].why);
	snprintf(other, sizeof(other), "it gives a reason (%u) that SOCKS5 does not know", code);
	return proxy_no_way(t, e, "proxy-cannot-reach", other);
}

/* How many octets the last answer has, when so many are there; 0: not to be told. */
static size_t answer_length(const unsigned char *in, size_t len)
{
	if (len < ANSWER_HEAD)
		return ANSWER_HEAD;
	switch (in[3]) {
	case IS_IPV4:
		return 4 + sizeof(struct in_addr) + 2;
	case IS_IPV6:
		return 4 + sizeof(struct in6_addr) + 2;
	case IS_NAME:
		return 4 + 1 + (size_t)in[4] + 2;
	default:
		return 0;
	}
}

/* A refusal counts as soon as it is said: not all say the rest. */
static enum proxy_turn answer_step(struct proxy_talk *t, const unsigned char *in, struct err *e)
{
	size_t whole = answer_length(in, t->in.len);

	if (t->in.len == 2 && in[1])
		return got_answer(t, in[1], e);
	if (!whole)
		return proxy_refuse(t, e, "proxy-not-one", "answers with a kind of address (%u) that "
			"SOCKS5 does not know", in[3]);
	return t->in.len == whole ? PROXY_OPEN : PROXY_GOES_ON;
}

enum proxy_turn proxy_socks_step(struct proxy_talk *t, struct err *e)
{
	unsigned char in[ANSWER_HEAD] = { 0 };
	enum proxy_turn turn = PROXY_GOES_ON;

	memcpy(in, t->in.data, t->in.len < sizeof(in) ? t->in.len : sizeof(in));
	/* Some say the version of SOCKS where that of the login belongs. */
	if (in[0] != VERSION && (t->stage != PROXY_LOGIN || in[0] != LOGIN_VERSION))
		return not_socks(t, in[0], e);
	if (t->stage == PROXY_ANSWER)
		return answer_step(t, in, e);
	if (t->in.len < 2)
		return PROXY_GOES_ON;
	if (t->stage == PROXY_METHOD) {
		turn = got_method(t, in[1], e);
	} else if (in[1]) {
		turn = proxy_refuse(t, e, "proxy-login-refused", "refuses user and password");
	} else {
		ask_way(t);
	}
	t->heard = true;
	buf_clear(&t->in);
	return turn;
}
