/* runner/front.c - the accepting role, seen from the supervisor; see front.h. */
#include "runner/front.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/local.h"
#include "runner/channel.h"
#include "runner/journal.h"
#include "runner/policy.h"
#include "runner/ports.h"
#include "runner/role.h"
#include "runner/runner.h"
#include "runner/who.h"

/* One that ends later than that is started again at once. */
enum { SOON_MS = 10 * 1000, PAUSE_FIRST_MS = 100, PAUSE_MOST_MS = 30 * 1000 };

struct front {
	struct loop *loop;
	struct watch again;
	struct scope_sockets sockets;      /* own */
	struct ports ports;                /* own */
	struct watch port_again;           /* when those that could not be had are tried again */
	bool renewing;                     /* it ends because the ports are others now */
	const char *spool;
	const struct settings *settings;
	struct front_events events;
	pid_t pid;                         /* 0: it does not run */
	struct channel *channel;           /* own; NULL: gone */
	struct who *who;                   /* own */
	json_t *policy;                    /* own; {"do":"policy",...} */
	uint64_t started;
	unsigned failures;                 /* in a row */
	bool stopping;
};

/* ---- what it asks and tells */

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static void log_stored(struct front *f, const json_t *object)
{
	static const char *const numbers[] = { "uid", "loopback_port", "recipients",
		"size" };
	static const char *const texts[][2] = { { "login", "login" }, { "account", "account" },
		{ "sender", "from" }, { "message_id", "message_id" }, { "tag", "tag" },
		{ "left_out", "left_out" } };
	struct log_record r;

	journal_begin(&r, "accept", false);
	log_text(&r, "outcome", "stored");
	log_text(&r, "id", text_of(object, "id"));
	for (size_t i = 0; i < COUNT(numbers); i++)
		if (json_is_integer(json_object_get(object, numbers[i])))
			log_number(&r, numbers[i],
				json_integer_value(json_object_get(object, numbers[i])));
	for (size_t i = 0; i < COUNT(texts); i++)
		log_text(&r, texts[i][1], text_of(object, texts[i][0]));
	journal_send(f->settings->config, &r);
}

static void log_confined(struct front *f, const json_t *object)
{
	bool seccomp = json_is_true(json_object_get(object, "seccomp"));
	long long landlock = json_integer_value(json_object_get(object, "landlock"));
	struct log_record r;

	journal_begin(&r, "accept", false);
	log_text(&r, "note", landlock && seccomp ? "confined" :
		"the kernel cannot confine it fully");
	log_number(&r, "landlock", landlock);
	log_number(&r, "seccomp", seccomp);
	journal_send(f->settings->config, &r);
}

static void on_line(void *context, json_t *object)
{
	struct front *f = context;
	const char *what = text_of(object, "do");

	if (!what)
		return;
	if (!strcmp(what, "who") && json_is_integer(json_object_get(object, "uid"))) {
		who_ask(f->who, (uid_t)json_integer_value(json_object_get(object, "uid")));
	} else if (!strcmp(what, "stored")) {
		log_stored(f, object);
		f->events.look(f->events.context);
	} else if (!strcmp(what, "look")) {
		f->events.look(f->events.context);
	} else if (!strcmp(what, "flush")) {
		f->events.flush(f->events.context);
	} else if (!strcmp(what, "trouble")) {
		journal_failure(f->settings->config, "accept", text_of(object, "text"));
	} else if (!strcmp(what, "confined")) {
		log_confined(f, object);
	}
}

/* It ends by itself then; one that only says nonsense is ended. */
static void on_closed(void *context, const char *why)
{
	struct front *f = context;

	channel_free(&f->channel);
	if (why && f->pid)
		kill(f->pid, SIGTERM);
}

static void on_who(void *context, json_t *object)
{
	struct front *f = context;

	if (f->channel)
		channel_send(f->channel, object);
}

/* ---- starting it */

static int start(struct front *f, struct err *e)
{
	const char *const argv[] = { RUNNER_ACCEPT_NAME, f->spool, NULL };
	const struct channel_events events = { .line = on_line, .closed = on_closed, .context = f };
	struct role_descriptor handed[3 + ACCOUNT_LISTEN_MOST];
	size_t count = 0;
	int ends[2], good;

	if (local_pair(ends, e) < 0)
		return -1;
	handed[count++] = (struct role_descriptor){ "channel", ends[1] };
	if (f->sockets.smtp >= 0)
		handed[count++] = (struct role_descriptor){ "smtp", f->sockets.smtp };
	if (f->sockets.control >= 0)
		handed[count++] = (struct role_descriptor){ "control", f->sockets.control };
	for (size_t i = 0; i < f->ports.count; i++)
		handed[count++] = (struct role_descriptor){ "port", f->ports.items[i].fd };
	good = role_start(&f->pid, argv, true, handed, count, e);
	close(ends[1]);
	if (good < 0) {
		f->pid = 0;
		close(ends[0]);
		return -1;
	}
	channel_free(&f->channel);
	f->channel = channel_new(f->loop, ends[0], CHANNEL_ROLE_MAX, &events);
	f->started = clock_ms();
	if (f->policy)
		channel_send(f->channel, f->policy);
	return 0;
}

static void start_later(struct front *f)
{
	uint64_t ms = PAUSE_FIRST_MS;

	for (unsigned i = 0; i < f->failures && ms < PAUSE_MOST_MS; i++)
		ms *= 2;
	f->failures++;
	f->again.deadline = clock_ms() + (ms < PAUSE_MOST_MS ? ms : PAUSE_MOST_MS);
}

static void try_start(struct front *f)
{
	struct err e = { 0 };

	if (f->stopping || f->pid || start(f, &e) == 0)
		return;
	journal_failure(f->settings->config, "accept", e.text);
	start_later(f);
}

static void on_again(struct watch *w, short revents)
{
	(void)revents;
	try_start(w->owner);
}

/* ---- loopback ports */

static void on_port_failed(void *context, const char *why)
{
	struct front *f = context;

	/* Once for each reason to try, not for each time. */
	if (f->port_again.deadline == LOOP_NEVER)
		journal_failure(f->settings->config, "listen", why);
}

/* It gets its sockets as it starts: those who are in the middle of a message finish
 * it, others come to the next one. */
static void open_ports(struct front *f)
{
	const struct config *c = f->settings->config;
	bool changed = c && ports_open(&f->ports, &c->global.listen, on_port_failed, f);

	f->port_again.deadline = f->ports.missing ? clock_ms() + PAUSE_MOST_MS : LOOP_NEVER;
	if (!changed || !f->pid || f->renewing)
		return;
	f->renewing = true;
	kill(f->pid, SIGTERM);
}

static void on_port_again(struct watch *w, short revents)
{
	(void)revents;
	w->deadline = LOOP_NEVER + 1;   /* it was told why */
	open_ports(w->owner);
}

/* ---- what it is told */

/* Aliases that are not to be used leave those in force that were. */
void front_tell(struct front *f)
{
	const struct config *c = f->settings->config;
	const char *problem = c ? NULL : f->settings->why.text;
	struct alias_book aliases;
	struct err e = { 0 };
	bool good = alias_book_load(&aliases, c, false, &e) == 0;
	json_t *policy = policy_make(c, good ? &aliases : NULL, problem);

	if (!good)
		journal_failure(c, "aliases", e.text);
	if (!good && f->policy)
		policy_keep_aliases(policy, json_object_get(f->policy, "policy"));
	json_decref(f->policy);
	f->policy = json_pack("{s:s, s:o}", "do", "policy", "policy", policy);
	if (good)
		alias_book_release(&aliases);
	if (f->channel && f->policy)
		channel_send(f->channel, f->policy);
	f->port_again.deadline = LOOP_NEVER;
	open_ports(f);
}

void front_includes(const struct front *f, void (*each)(void *context, const char *path),
	void *context)
{
	const json_t *list = json_object_get(json_object_get(f->policy, "policy"), "includes");

	for (size_t i = 0; i < json_array_size(list); i++)
		each(context, text_of(json_array_get(list, i), "path"));
}

struct front *front_new(struct loop *l, const struct scope_sockets *sockets, const char *spool,
	const struct settings *settings, const struct front_events *events)
{
	struct front *f = mem_alloc(sizeof(*f));

	f->loop = l;
	f->sockets = *sockets;
	f->spool = spool;
	f->settings = settings;
	f->events = *events;
	f->who = who_new(l, on_who, f);
	f->again = (struct watch){ .fd = -1, .run = on_again, .owner = f };
	f->port_again = (struct watch){ .fd = -1, .run = on_port_again, .owner = f };
	loop_add(l, &f->again);
	loop_add(l, &f->port_again);
	front_tell(f);
	try_start(f);
	return f;
}

void front_free(struct front **fp)
{
	struct front *f = *fp;

	*fp = NULL;
	if (!f)
		return;
	loop_remove(f->loop, &f->again);
	loop_remove(f->loop, &f->port_again);
	ports_close(&f->ports);
	channel_free(&f->channel);
	who_free(&f->who);
	json_decref(f->policy);
	if (f->sockets.smtp >= 0)
		close(f->sockets.smtp);
	if (f->sockets.control >= 0)
		close(f->sockets.control);
	free(f);
}

/* ---- its end */

static void log_end(struct front *f, int status)
{
	char text[120];

	if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "it was ended by signal %d and is started again",
			WTERMSIG(status));
	else
		snprintf(text, sizeof(text), "it ended with %d and is started again",
			WEXITSTATUS(status));
	journal_failure(f->settings->config, "accept", text);
}

void front_reap(struct front *f)
{
	int status;

	if (!f->pid || !role_ended(f->pid, &status))
		return;
	f->pid = 0;
	channel_free(&f->channel);
	if (f->stopping)
		return;
	if (f->renewing) {
		f->renewing = false;
		try_start(f);
		return;
	}
	log_end(f, status);
	if (clock_ms() - f->started >= SOON_MS)
		f->failures = 0;
	start_later(f);
}

void front_stop(struct front *f, int signal)
{
	f->stopping = true;
	f->again.deadline = f->port_again.deadline = LOOP_NEVER;
	if (f->pid)
		kill(f->pid, signal);
}

bool front_runs(const struct front *f)
{
	return f->pid != 0;
}
