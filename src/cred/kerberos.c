/* cred/kerberos.c - the child, and what goes to it and comes back; see kerberos.h. */
#include "cred/kerberos.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"
#include "cred/gssapi.h"
#include "cred/kerberos_talk.h"
#include "net/name.h"

enum { LIFETIME = 900 };   /* s; of a child that nobody has killed */

/* What the child is asked. */
struct asked {
	uint32_t len;
	char data[KERBEROS_CHALLENGE_MAX];
};

struct kerberos {
	struct loop *loop;              /* borrowed */
	const char *service;            /* "smtp", "lmtp"; borrowed */
	char *host, *authzid;           /* own */
	struct child child;             /* own */
	struct watch in, out;           /* the child's answer; room for a challenge */
	int to;                         /* own; where challenges go; -1 */
	uint64_t since;
	struct asked asked;
	size_t written;
	struct kerberos_told told;
	size_t got;
	struct kerberos_facts facts;
	struct err failed;              /* no child could be had */
	kerberos_done *done;
	void *context;
};

int kerberos_check_host(const char *host, struct err *e)
{
	struct sockaddr_storage address;
	size_t len = strlen(host);
	char shown[KERBEROS_NAME_MAX];
	char *bare = host[0] == '[' && len > 2 ? mem_copy(host + 1, len - 2) : mem_string(host);
	bool is_name = host[0] != '/' && !name_address(bare, &address);

	free(bare);
	if (is_name)
		return 0;
	text_clean_to(shown, sizeof(shown), host, len);
	err_set(e, ERR_CONFIG, "auth names gssapi, and Kerberos knows servers by their names: "
		"'%s' is none", shown);
	return err_hint(e, "set host, or beside it tls_host, to the name of the server");
}

/* ---- in the child */

struct work {
	const struct kerberos *k;
	int from;
};

static void set_missing(struct kerberos_told *told, const struct err *e)
{
	told->err = *e;
	told->err.cause = NULL;
	told->trouble = KERBEROS_LIBRARY;
}

static int work(int out, void *context)
{
	const struct work *w = context;
	struct kerberos_talk talk = { .protocol = w->k->service, .authzid = w->k->authzid };
	char host[NAME_MAX_OCTETS];
	struct err e = { 0 };
	bool good;

	process_hold_secret();
	child_end_within(LIFETIME);
	talk.host = host;
	good = name_ascii(w->k->host, host, ERR_CONFIG, &e) == 0 && gssapi_need(&e) == 0;
	for (;;) {
		struct asked asked;
		struct kerberos_told told = { .len = 0 };

		if (file_read_exactly(w->from, &asked.len, sizeof(asked.len)) < 0 ||
		    asked.len > sizeof(asked.data) || file_read_exactly(w->from, asked.data, asked.len) < 0)
			return 0;
		if (good)
			kerberos_talk(&talk, asked.data, asked.len, &told);
		else
			set_missing(&told, &e);
		if (file_write_all(out, (const char *)&told, sizeof(told)) < 0 || told.err.kind ||
		    told.last)
			return 0;
	}
}

/* ---- beside it */

static const struct {
	const char *cause, *hint;
} troubles[] = {
	[KERBEROS_FAILED] = { "kerberos-failed", NULL },
	[KERBEROS_NO_TICKET] = { "kerberos-no-ticket", NULL },
	[KERBEROS_TICKET_EXPIRED] = { "kerberos-ticket-expired", NULL },
	[KERBEROS_CLOCK] = { "kerberos-clock", NULL },
	[KERBEROS_SERVER_UNKNOWN] = { "kerberos-server-unknown", NULL },
	[KERBEROS_CLIENT_REFUSED] = { "kerberos-client-refused", NULL },
	[KERBEROS_KDC_SILENT] = { "kerberos-kdc-silent", NULL },
	[KERBEROS_LAYER] = { "kerberos-layer", NULL },
	[KERBEROS_NO_PROOF] = { "server-proof-wrong", "this may not be the server that it claims to "
		"be: check host and tls" },
	[KERBEROS_LIBRARY] = { "library-missing", NULL },
};

/* Returns the child's wait status, or -1. */
static int stop(struct kerberos *k, int kill_it)
{
	loop_remove(k->loop, &k->in);
	loop_remove(k->loop, &k->out);
	if (k->to >= 0)
		close(k->to);
	k->to = -1;
	return child_end(&k->child, kill_it);
}

static void fail(struct kerberos *k, struct err *e)
{
	stop(k, 1);
	k->done(k->context, NULL, e);
}

static void too_late(struct kerberos *k)
{
	struct err e;

	err_set(&e, ERR_TIMEOUT, "Kerberos gives no ticket for the server: no answer within %u s",
		(unsigned)((clock_ms() - k->since + 500) / 1000));
	err_cause(&e, "kerberos-kdc-silent");
	fail(k, &e);
}

/* Some releases of the library do not survive a cache that is damaged, for one. */
static void ended(struct kerberos *k)
{
	int status = stop(k, 0);
	struct err e;

	if (status >= 0 && WIFSIGNALED(status))
		err_set(&e, ERR_LOGIN, "the process that speaks with Kerberos was ended by signal %d",
			WTERMSIG(status));
	else
		err_set(&e, ERR_LOGIN, "the process that speaks with Kerberos has ended and said nothing");
	err_cause(&e, "kerberos-failed");
	fail(k, &e);
}

/* The child is a copy of us; what it says is checked all the same. */
static void heard(struct kerberos *k)
{
	struct kerberos_response r = { .data = k->told.data, .len = k->told.len,
		.last = k->told.last };
	struct err e = k->told.err;

	loop_remove(k->loop, &k->in);
	k->got = 0;
	if (k->told.trouble >= COUNT(troubles) || k->told.len > sizeof(k->told.data)) {
		ended(k);
		return;
	}
	if (e.kind) {
		err_cause(&e, troubles[k->told.trouble].cause);
		if (troubles[k->told.trouble].hint)
			err_hint(&e, "%s", troubles[k->told.trouble].hint);
		fail(k, &e);
		return;
	}
	if (k->told.facts.principal[0])
		k->facts = k->told.facts;
	k->done(k->context, &r, &e);
}

static void can_read(struct watch *w, short revents)
{
	struct kerberos *k = w->owner;

	struct err e = k->failed;   /* k may be gone before it was told */

	if (e.kind) {
		fail(k, &e);
		return;
	}
	if (!revents) {
		too_late(k);
		return;
	}
	while (k->got < sizeof(k->told)) {
		ssize_t n = read(k->child.out, (char *)&k->told + k->got, sizeof(k->told) - k->got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n <= 0) {
			ended(k);
			return;
		}
		k->got += (size_t)n;
	}
	heard(k);
}

/* What is wrong with the pipe shows at its other end. */
static void can_write(struct watch *w, short revents)
{
	struct kerberos *k = w->owner;
	size_t whole = sizeof(k->asked.len) + k->asked.len;

	(void)revents;
	while (k->written < whole) {
		ssize_t n = write(k->to, (const char *)&k->asked + k->written, whole - k->written);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			loop_add(k->loop, w);
			return;
		}
		if (n <= 0)
			break;
		k->written += (size_t)n;
	}
	explicit_bzero(&k->asked, sizeof(k->asked));
	loop_remove(k->loop, w);
}

static int start(struct kerberos *k, struct err *e)
{
	struct work w = { .k = k };
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, ERR_SYSTEM, errno, "cannot make a pipe");
	w.from = ends[0];
	if (fcntl(ends[1], F_SETFL, O_NONBLOCK) < 0)
		err_sys(e, ERR_SYSTEM, errno, "cannot make a pipe");
	else
		child_call(&k->child, work, &w, ends[0], e);
	close(ends[0]);
	if (e->kind) {
		close(ends[1]);
		return -1;
	}
	k->to = k->out.fd = ends[1];
	k->in.fd = k->child.out;
	return 0;
}

struct kerberos *kerberos_new(struct loop *l, const char *service, const char *host, const char *authzid,
	kerberos_done *done, void *context)
{
	struct kerberos *k = mem_alloc(sizeof(*k));

	k->loop = l;
	k->service = service;
	k->host = mem_string(host);
	k->authzid = authzid ? mem_string(authzid) : NULL;
	k->child.out = k->to = -1;
	k->in = (struct watch){ .fd = -1, .events = POLLIN, .run = can_read, .owner = k };
	k->out = (struct watch){ .fd = -1, .events = POLLOUT, .run = can_write, .owner = k };
	k->done = done;
	k->context = context;
	return k;
}

void kerberos_ask(struct kerberos *k, const char *challenge, size_t len, uint64_t deadline)
{
	if (!k->child.pid && !k->failed.kind)
		start(k, &k->failed);
	if (len > sizeof(k->asked.data))
		err_set(&k->failed, ERR_LOGIN, "the server's GSSAPI challenge is too long");
	k->since = clock_ms();
	/* One that cannot be asked is told so from the loop. */
	k->in.deadline = k->failed.kind ? k->since : deadline;
	k->written = 0;
	k->asked.len = (uint32_t)len;
	loop_add(k->loop, &k->in);
	if (k->failed.kind)
		return;
	memcpy(k->asked.data, challenge, len);
	can_write(&k->out, 0);
}

const struct kerberos_facts *kerberos_facts(const struct kerberos *k)
{
	return &k->facts;
}

void kerberos_free(struct kerberos **kp)
{
	struct kerberos *k = *kp;

	if (!k)
		return;
	stop(k, 1);
	free(k->host);
	free(k->authzid);
	explicit_bzero(k, sizeof(*k));
	free(k);
	*kp = NULL;
}
