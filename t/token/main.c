/* t/token/main.c - a provider's token server that tests can script.
 *
 * An independent judge, as t/server is: it shares no code of the protocol with what it
 * judges.  It signs in whoever comes, holds clients to RFC 6749 and its family, notes every
 * request, and breaks the rules where its script says so.  t/README says how tests use it.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "t/server/front.h"
#include "t/server/journal.h"
#include "t/server/secure.h"
#include "t/token/endpoint.h"
#include "t/token/options.h"

static struct options options;
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static const struct endpoint {
	const char *path;     /* behind the tenant */
	const char *point;    /* of the script; NULL: none */
	endpoint_run *run;
} endpoints[] = {
	{ "/token", "token", token_run },
	{ "/device", "device", device_run },
	{ "/authorize", "authorize", authorize_run },
	{ "/activate", NULL, activate_run },
	{ "/revoke", "revoke", revoke_run },
	{ "/introspect", "introspect", introspect_run },
	{ "/.well-known/openid-configuration", "discovery", discovery_run },
};

static const struct endpoint *endpoint_find(const char *path)
{
	size_t len = settings.tenant ? strlen(settings.tenant) + 1 : 0;

	/* RFC 8414 section 3: there the tenant stands behind. */
	if (!strncmp(path, "/.well-known/oauth-authorization-server", 39) && (settings.tenant ?
			path[39] == '/' && !strcmp(path + 40, settings.tenant) : !path[39]))
		return &endpoints[COUNT(endpoints) - 1];
	if (len && (path[0] != '/' || strncmp(path + 1, settings.tenant, len - 1)))
		return NULL;
	for (size_t i = 0; i < COUNT(endpoints); i++)
		if (!strcmp(path + len, endpoints[i].path))
			return &endpoints[i];
	return NULL;
}

static const struct fault *fault_now(struct wire *w, const char *point)
{
	const struct fault *f = fault_meet(options.faults, point, w->number, NULL);
	const struct fault *mood = fault_meet(w->mood, point, w->number, NULL);

	return mood ? mood : f;
}

/* Whether the endpoint does its work; a browser that is to be sent back with an error must be
 * told where to. */
static bool endpoint_works(const struct endpoint *e, const struct fault *f)
{
	return fault_allows(f, true) || (f->action == FAULT_ERROR && e->run == authorize_run);
}

/* One request; false: the connection is done for. */
static bool serve_one(struct wire *w)
{
	struct request r = { .foul = false };
	struct answer a = { .status = 200 };
	struct call c = { .w = w, .r = &r, .a = &a };
	const struct endpoint *e;
	const struct fault *f = NULL;
	bool on = request_read(w, &r);

	if (on) {
		e = endpoint_find(r.path);
		if (e && e->point)
			f = fault_now(w, e->point);
		pthread_mutex_lock(&one_at_a_time);
		if (r.foul)
			call_refuse(&c, 400, "invalid_request", "not HTTP as it should be");
		else if (!e)
			call_refuse(&c, 404, "not_found", "no such address");
		else if (endpoint_works(e, f))
			e->run(&c);
		pthread_mutex_unlock(&one_at_a_time);
		on = answer_write(w, &a, f) && !r.last;
	}
	request_release(&r);
	answer_release(&a);
	return on;
}

/* TLS from the first octet on, unless the script has it otherwise. */
static bool serve_secure(struct wire *w)
{
	const struct fault *f = fault_now(w, "handshake");
	static const char clear[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";

	if (!f)
		return secure_start(w) == 0;
	if (f->action == FAULT_PLAIN)
		wire_drip(w, clear, strlen(clear), 0);
	else if (f->action == FAULT_RESET)
		wire_reset(w);
	else if (f->action != FAULT_CLOSE)
		wire_wait(w, POLLRDHUP, -1);
	return false;
}

static void serve(struct wire *w)
{
	if (!w->refused && serve_secure(w))
		while (serve_one(w))
			;
	if (!w->closed)
		w->closed = "by us";
	if (w->fd >= 0)
		wire_end(w);
}

int main(int argc, char **argv)
{
	token_options_parse(&options, argc, argv);
	umask(077);
	if (settings.tokens && mkdir(settings.tokens, 0700) < 0 && errno != EEXIST) {
		fprintf(stderr, "t/token: %s: %s\n", settings.tokens, strerror(errno));
		return 1;
	}
	return front_run(&options, serve);
}
