/* net/proxy_talk.c - what is common to both ways to ask a proxy; see proxy.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "net/proxy_state.h"

/* The longest that is said: a CONNECT with a login in base64. */
enum { OUTPUT_MAX = 4 * PROXY_LOGIN_MAX + 4 * NAME_MAX_OCTETS };

enum proxy_turn proxy_refuse(const struct proxy_talk *t, struct err *e, const char *cause,
	const char *format, ...)
{
	char words[400];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	err_set(e, ERR_CONNECT, "the proxy %s %s", t->proxy->shown, words);
	err_cause(e, cause);
	return PROXY_FAILED;
}

enum proxy_turn proxy_no_way(const struct proxy_talk *t, struct err *e, const char *cause,
	const char *why)
{
	char host[NAME_MAX_OCTETS];

	text_clean_to(host, sizeof(host), t->host, strlen(t->host));
	return proxy_refuse(t, e, cause, "cannot reach %s port %u: %s", host, t->port, why);
}

struct proxy_talk *proxy_talk_new(const struct proxy *p, const char *host, unsigned port)
{
	struct proxy_talk *t = mem_alloc(sizeof(*t));

	t->proxy = p;
	snprintf(t->host, sizeof(t->host), "%s", host);
	t->port = port;
	t->out = BUF_INIT(OUTPUT_MAX);
	t->in = BUF_INIT(PROXY_HEAD_MAX);
	buf_reserve(&t->out, OUTPUT_MAX);   /* never grows, so leaves no copy */
	if (p->kind == PROXY_HTTP)
		proxy_http_begin(t);
	else
		proxy_socks_begin(t);
	return t;
}

void proxy_talk_free(struct proxy_talk **tp)
{
	struct proxy_talk *t = *tp;

	if (!t)
		return;
	buf_wipe(&t->out);
	buf_release(&t->in);
	free(t);
	*tp = NULL;
}

const char *proxy_output(const struct proxy_talk *t, size_t *len)
{
	*len = t->out.len;
	return t->out.data;
}

void proxy_written(struct proxy_talk *t, size_t len)
{
	buf_drop(&t->out, len);
}

enum proxy_turn proxy_received(struct proxy_talk *t, const char *data, size_t len, size_t *used,
	struct err *e)
{
	enum proxy_turn turn = PROXY_GOES_ON;

	for (*used = 0; *used < len && turn == PROXY_GOES_ON;) {
		if (t->taken++ == PROXY_HEAD_MAX)
			return proxy_refuse(t, e, "proxy-not-one", "answers without an end: %d octets, "
				"and no answer among them", PROXY_HEAD_MAX);
		buf_add_char(&t->in, data[(*used)++]);
		turn = t->proxy->kind == PROXY_HTTP ? proxy_http_step(t, e) : proxy_socks_step(t, e);
	}
	return turn;
}

int proxy_lost(const struct proxy_talk *t, bool late, struct err *e)
{
	if (!t->heard)
		proxy_refuse(t, e, "proxy-no-answer", late ? "takes the call and does not answer in time" :
			"takes the call and hangs up without an answer");
	else
		proxy_no_way(t, e, "proxy-cannot-reach", late ? "it does not come back with an answer in "
			"time" : "it hung up");
	if (late)
		e->kind = ERR_TIMEOUT;
	return -1;
}
