/* runner/accept.c - the accepting role: its beginning, its sockets, its end.
 *
 * It is handed the sockets that listen, perhaps loopback ports among them, and a
 * channel to the supervisor, opens the spool, waits for the first policy, and shuts
 * itself in before a client has been read.  A signal, or the end of the supervisor, ends it: nobody new is let in, and
 * who is in the middle of a message may finish it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/process.h"
#include "deliver/cause.h"
#include "runner/caller.h"
#include "runner/confine.h"
#include "runner/control.h"
#include "runner/desk.h"
#include "runner/runner.h"

enum {
	DESCRIPTORS_MOST = 8192,
	FILING_THREADS = 4, READING_THREADS = 2,
	FILING_EACH = 2,             /* threads for one user, root excepted */
	AT_A_TIME = 64,              /* connections taken before others have their turn */
	PAUSE_MS = 200,              /* when no descriptor is left for another */
	END_MS = 10000,              /* for those who are in the middle of a message */
	TICK_MS = 20
};

struct listener {
	struct watch watch;
	struct desk *desk;
	void (*take)(struct desk *d, int fd);
};

struct accepting {
	struct desk desk;
	struct listener smtp, control, ports[ACCOUNT_LISTEN_MOST];
	struct watch signals, tick;
	uint64_t end;                /* clock_ms(); 0: not yet */
	bool ready;                  /* there is a policy */
};

/* ---- its sockets */

static void take_connections(struct watch *w, short revents)
{
	struct listener *l = w->owner;

	if (!revents)
		w->events = POLLIN;   /* the pause is over */
	for (int i = 0; i < AT_A_TIME; i++) {
		int fd = local_accept(w->fd);

		if (fd >= 0) {
			l->take(l->desk, fd);
			continue;
		}
		if (errno != EAGAIN) {
			w->events = 0;
			w->deadline = clock_ms() + PAUSE_MS;
		}
		return;
	}
}

static void listen_on(struct listener *l, struct desk *d, int fd,
	void (*take)(struct desk *d, int fd))
{
	l->desk = d;
	l->take = take;
	l->watch = (struct watch){
		.fd = fd, .events = POLLIN, .run = take_connections, .owner = l
	};
	if (fd < 0)
		return;
	/* A service manager hands over sockets that block. */
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	loop_add(&d->loop, &l->watch);
}

/* ---- its end */

static void tick(struct watch *w, short revents)
{
	struct accepting *a = w->owner;

	(void)revents;
	if ((!a->desk.callers && pool_is_idle(a->desk.files)) || clock_ms() >= a->end)
		loop_stop(&a->desk.loop);
	else
		w->deadline = clock_ms() + TICK_MS;
}

static void begin_to_end(struct accepting *a)
{
	struct desk *d = &a->desk;

	if (d->closing)
		return;
	d->closing = true;
	if (!a->ready) {
		loop_stop(&d->loop);
		return;
	}
	loop_remove(&d->loop, &a->smtp.watch);
	loop_remove(&d->loop, &a->control.watch);
	for (size_t i = 0; i < COUNT(a->ports); i++)
		loop_remove(&d->loop, &a->ports[i].watch);
	callers_shut_down(d);
	a->end = clock_ms() + END_MS;
	a->tick = (struct watch){ .fd = -1, .deadline = DESK_AT_ONCE, .run = tick, .owner = a };
	loop_add(&d->loop, &a->tick);
}

static void on_signal(struct watch *w, short revents)
{
	struct accepting *a = w->owner;

	(void)revents;
	loop_remove(&a->desk.loop, w);
	begin_to_end(a);
}

/* ---- the supervisor */

static void ask_who(void *context, uid_t uid)
{
	desk_tell(context, json_pack("{s:s, s:I}", "do", "who", "uid", (json_int_t)uid));
}

static void learn(struct desk *d, const json_t *answer)
{
	uid_t uid;

	if (!people_learn(d->people, answer, &uid))
		return;
	callers_advance(d);
	control_advance(d);
}

/* One that cannot be understood changes nothing. */
static void take_policy(struct accepting *a, const json_t *object)
{
	struct policy p;
	struct err e = { 0 };

	if (policy_read(&p, object, &e) < 0) {
		desk_tell_trouble(&a->desk, e.text);
		return;
	}
	policy_release(&a->desk.policy);
	a->desk.policy = p;
	if (!a->ready)
		loop_stop(&a->desk.loop);
	a->ready = true;
}

static void on_line(void *context, json_t *object)
{
	struct accepting *a = context;
	const char *what = json_string_value(json_object_get(object, "do"));

	if (what && !strcmp(what, "policy"))
		take_policy(a, json_object_get(object, "policy"));
	else if (what && !strcmp(what, "who"))
		learn(&a->desk, object);
}

static void on_closed(void *context, const char *why)
{
	struct accepting *a = context;

	(void)why;
	channel_free(&a->desk.supervisor);
	begin_to_end(a);
}

/* ---- its beginning */

static uint64_t raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	if (limit.rlim_cur < DESCRIPTORS_MOST && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max < DESCRIPTORS_MOST ? limit.rlim_max :
			DESCRIPTORS_MOST;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	return limit.rlim_cur;
}

static void on_places(struct watch *w, short revents)
{
	(void)revents;
	callers_advance(w->owner);
	control_advance(w->owner);
}

static void on_counted(struct desk *d)
{
	callers_counted(d);
}

static int open_desk(struct accepting *a, const char *path, struct err *e)
{
	struct desk *d = &a->desk;
	const struct channel_events events = {
		.line = on_line, .closed = on_closed, .context = a
	};
	struct quota_limits limits;
	int channel = process_inherited("channel");

	if (!path || path[0] != '/' || channel < 0)
		return err_set(e, ERR_USAGE,
			"this program is started by `sendoff queue watch` only");
	d->supervisor = channel_new(&d->loop, channel, CHANNEL_ROLE_MAX, &events);
	quota_limits_make(&limits, raise_descriptors());
	d->quota = quota_new(&limits);
	d->people = people_new(ask_who, d);
	d->piece = mem_alloc(DESK_PIECE);
	d->spool_path = mem_string(path);
	d->spill_path = mem_printf("%s/tmp", path);
	d->on_counted = on_counted;
	d->places = (struct watch){ .fd = -1, .run = on_places, .owner = d };
	loop_add(&d->loop, &d->places);
	a->signals = (struct watch){
		.fd = process_wake_fd(), .events = POLLIN, .run = on_signal, .owner = a
	};
	loop_add(&d->loop, &a->signals);
	return spool_open(&d->spool, path, true, e);
}

static int shut_in(struct desk *d, struct err *e)
{
	struct confinement got = { .landlock = 0 };

	json_object_seed(0);   /* it may read a file for that, once */
	confine(spool_directory(d->spool), &got);
	/* Threads made before would not be shut in. */
	if (pool_new(&d->files, &d->loop, FILING_THREADS, FILING_EACH, e) < 0 ||
	    pool_new(&d->readers, &d->loop, READING_THREADS, READING_THREADS, e) < 0)
		return -1;
	desk_tell(d, json_pack("{s:s, s:i, s:b}", "do", "confined", "landlock", got.landlock,
		"seccomp", (int)got.seccomp));
	return 0;
}

static int serve(struct accepting *a, const char *path, struct err *e)
{
	struct desk *d = &a->desk;

	if (open_desk(a, path, e) < 0)
		return -1;
	loop_run(&d->loop);   /* until there is a policy */
	if (!a->ready)
		return 0;
	if (shut_in(d, e) < 0)
		return -1;
	desk_count(d);
	listen_on(&a->smtp, d, process_inherited("smtp"), caller_new);
	listen_on(&a->control, d, process_inherited("control"), control_new);
	for (size_t i = 0; i < COUNT(a->ports); i++)
		listen_on(&a->ports[i], d, process_inherited_next("port", (int)i),
			caller_new_by_port);
	if (process_stopped())
		begin_to_end(a);
	loop_run(&d->loop);
	return 0;
}

static void close_desk(struct desk *d)
{
	pool_free(&d->files);
	pool_free(&d->readers);
	callers_free(d);
	control_free(d);
	channel_free(&d->supervisor);
	people_free(&d->people);
	quota_free(&d->quota);
	policy_release(&d->policy);
	spool_close(&d->spool);
	loop_release(&d->loop);
	free(d->spool_path);
	free(d->spill_path);
	free(d->piece);
}

int runner_accept_main(int argc, char **argv)
{
	static struct accepting a;
	struct err e = { 0 };
	int good;

	process_catch_signals();
	loop_init(&a.desk.loop);
	good = serve(&a, argc == 2 ? argv[1] : NULL, &e);
	if (good < 0)
		desk_tell_trouble(&a.desk, e.text);
	close_desk(&a.desk);
	return good < 0 ? cause_exit_of_kind(e.kind) : 0;
}
