/* runner/watch.c - the supervisor; see runner.h.
 *
 * Everything that happens ends in plan(): what is to be done now is begun, and the
 * clock is set for what comes next.  Nothing here waits, and nothing here speaks
 * to a server: a look at the queue, a question to the name service, and each
 * delivery is a child's affair.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/process.h"
#include "deliver/cause.h"
#include "deliver/enqueue.h"
#include "net/network.h"
#include "queue/park.h"
#include "runner/agenda.h"
#include "runner/files.h"
#include "runner/front.h"
#include "runner/journal.h"
#include "runner/notify.h"
#include "runner/role.h"
#include "runner/runner.h"
#include "runner/scope.h"
#include "runner/settings.h"
#include "runner/survey.h"
#include "runner/wake.h"

enum {
	TICK_MS = 30 * 60 * 1000,     /* between two looks where nothing calls */
	BLIND_TICK_MS = 60 * 1000,    /* where the kernel does not tell what happens */
	GAP_MS = 100,                 /* between two looks at the least */
	HOUR_MS = 60 * 60 * 1000,
	RELOAD_MS = 200,              /* whoever writes two files is waited for */
	END_MS = 60 * 1000
};

struct supervisor {
	const struct watch_options *o;
	struct loop loop;
	struct settings settings;
	bool system;
	char *path;                   /* own; of the queue */
	struct spool *spool;          /* own */
	struct agenda agenda;
	struct survey survey;
	struct wake_calls *wake;      /* own, as the next three; NULL: not to be had */
	struct files *files;
	struct network *network;
	struct front *front;
	struct watch clock;           /* what comes next */
	struct watch alive, end;
	uint64_t alive_ms, tick_ms;
	bool wanted;                  /* a look at the queue */
	bool failed;                  /* the last one did */
	bool flush;                   /* ... and then all of it is to be tried */
	uint64_t began, ended;        /* clock_ms(): the last look */
	uint64_t swept, complained;   /* ... keeping house, complaining of the configuration */
	uint64_t reload;              /* when; LOOP_NEVER */
	char said[768];               /* the last complaint, ... */
	uint64_t said_at;             /* ... and when */
	bool stopping;
};

static void plan(struct supervisor *s);

/* The same only once an hour. */
static void complain(struct supervisor *s, const char *about, const char *text)
{
	uint64_t now = clock_ms();

	if (!strcmp(s->said, text) && now - s->said_at < HOUR_MS)
		return;
	snprintf(s->said, sizeof(s->said), "%s", text);
	s->said_at = now;
	journal_failure(s->settings.config, about, text);
}

/* ---- looking at the queue */

static void look(struct supervisor *s)
{
	s->wanted = true;
	plan(s);
}

static void on_looked(void *context, const char *why)
{
	struct supervisor *s = context;

	s->ended = clock_ms();
	s->failed = why != NULL;
	if (why)
		complain(s, "queue", why);
	if (s->flush)
		agenda_flush(&s->agenda);
	s->flush = false;
	plan(s);
}

/* So that looking takes no more than a third of the time. */
static uint64_t next_look_allowed(const struct supervisor *s)
{
	uint64_t took = s->ended - s->began;

	return s->ended ? s->ended + (2 * took > GAP_MS ? 2 * took : GAP_MS) : 0;
}

static void begin_look(struct supervisor *s, uint64_t now)
{
	struct err e = { 0 };

	s->wanted = false;
	s->began = now;
	s->survey.config = s->settings.config;
	s->survey.sweep = !s->swept || now - s->swept >= HOUR_MS;
	if (s->survey.sweep)
		s->swept = now;
	if (survey_begin(&s->survey, &s->loop, &e) == 0)
		return;
	s->ended = now;
	s->failed = true;
	complain(s, "queue", e.text);
}

/* ---- deliveries */

/* Where the files are not right any more, what was right is handed over. */
static int start_role(const struct supervisor *s, const struct errand *r, const char *const *argv,
	pid_t *pid, struct err *e)
{
	struct role_descriptor handed = { "config", -1 };
	bool needed = s->settings.faulty && !r->config;
	int good;

	if (needed)
		handed.fd = config_hand_over(s->settings.config, e);
	if (needed && handed.fd < 0)
		return -1;
	good = role_start(pid, argv, false, &handed, needed, e);
	if (needed)
		close(handed.fd);
	return good;
}

static void start_child(struct supervisor *s, struct errand *r)
{
	const char *argv[9] = { RUNNER_DELIVER_NAME };
	size_t count = 1;
	struct err e = { 0 };
	pid_t pid;

	if (r->config || s->o->config) {
		argv[count++] = "-C";
		argv[count++] = r->config ? r->config : s->settings.config->file;
	}
	if (r->config)
		argv[count++] = "--its-own";
	if (r->flush) {
		argv[count++] = "--now";
		argv[count++] = "--override";
	}
	argv[count++] = s->path;
	argv[count] = r->account;
	if (start_role(s, r, argv, &pid, &e) == 0) {
		agenda_started(&s->agenda, r, pid);
		return;
	}
	complain(s, "deliver", e.text);
	agenda_ended(&s->agenda, r, ERRAND_NOTHING, clock_ms());
	s->wanted = true;
}

static void start_children(struct supervisor *s, uint64_t now)
{
	struct errand *r;

	while (s->settings.config && (r = agenda_next(&s->agenda, now)))
		start_child(s, r);
}

static void log_crash(struct supervisor *s, const struct errand *r, int status)
{
	struct log_record record;

	journal_begin(&record, "deliver", true);
	log_text(&record, "account", r->account);
	log_text(&record, "error", "it was ended by a signal");
	log_number(&record, "signal", WTERMSIG(status));
	journal_send(s->settings.config, &record);
}

static enum errand_end how_it_ended(int status)
{
	if (!WIFEXITED(status))
		return ERRAND_NOTHING;
	return WEXITSTATUS(status) == CAUSE_EXIT_OK ? ERRAND_PROGRESS :
		WEXITSTATUS(status) == RUNNER_UNWRITTEN ? ERRAND_UNWRITTEN : ERRAND_NOTHING;
}

static void reap(struct supervisor *s)
{
	for (size_t i = 0; i < s->agenda.count; i++) {
		struct errand *r = s->agenda.items[i];
		int status;

		if (!r->child || !role_ended(r->child, &status))
			continue;
		if (WIFSIGNALED(status) && !s->stopping)
			log_crash(s, r, status);
		agenda_ended(&s->agenda, r, how_it_ended(status), clock_ms());
		s->wanted = true;
	}
	if (s->front)
		front_reap(s->front);
}

/* ---- the configuration */

/* Once an hour, as long as it is not right. */
static void complain_of_settings(struct supervisor *s, uint64_t now)
{
	struct log_record r;

	s->complained = now;
	journal_begin(&r, "config", true);
	log_text(&r, "error", s->settings.why.text);
	log_text(&r, "note", s->settings.config ?
		"the one before stays in force" :
		"mail waits until it is right");
	journal_send(s->settings.config, &r);
}

static void add_file(void *context, const char *path)
{
	settings_add(context, path);
}

static void name_files(struct supervisor *s)
{
	if (s->front)
		front_includes(s->front, add_file, &s->settings);
	if (s->files) {
		files_name(s->files, FILES_CONFIG, s->settings.paths, s->settings.count);
		files_name(s->files, FILES_TOKEN, s->settings.tokens, s->settings.token_count);
	}
}

static void reload(struct supervisor *s)
{
	s->reload = LOOP_NEVER;
	notify_reloading();
	if (settings_load(&s->settings) < 0)
		complain_of_settings(s, clock_ms());
	else
		journal_note(s->settings.config, "config", "read again");
	if (s->front)
		front_tell(s->front);
	name_files(s);
	agenda_hurry(&s->agenda);
	s->wanted = true;
	notify_ready();
}

/* ---- what comes next */

static void sooner(uint64_t *at, uint64_t when)
{
	if (when != LOOP_NEVER && (*at == LOOP_NEVER || when < *at))
		*at = when;
}

/* A moment by the clock on the wall, by the one that cannot jump. */
static uint64_t by_our_clock(int64_t moment, uint64_t now)
{
	int64_t left = moment - (int64_t)time(NULL);

	if (!moment)
		return LOOP_NEVER;
	return left <= 0 ? now : now + (uint64_t)left * 1000;
}

/* When it is time to look without having been called. */
static uint64_t next_look(const struct supervisor *s, uint64_t now)
{
	uint64_t at = s->ended + (s->failed ? BLIND_TICK_MS : s->tick_ms);

	sooner(&at, by_our_clock(agenda_moment(&s->agenda), now));
	return at;
}

static void set_clock(struct supervisor *s, uint64_t now)
{
	uint64_t at = s->reload;

	if (!s->survey.work)
		sooner(&at, s->wanted ? next_look_allowed(s) : next_look(s, now));
	if (s->settings.config)
		sooner(&at, agenda_pause(&s->agenda, now));
	if (s->settings.faulty)
		sooner(&at, s->complained + HOUR_MS);
	s->clock.deadline = at;
}

static void plan(struct supervisor *s)
{
	uint64_t now = clock_ms();

	if (s->stopping)
		return;
	if (s->reload != LOOP_NEVER && s->reload <= now)
		reload(s);
	if (s->settings.faulty && now - s->complained >= HOUR_MS)
		complain_of_settings(s, now);
	if (!s->survey.work && !s->wanted && next_look(s, now) <= now) {
		s->wanted = true;
		if (settings_changed(&s->settings))
			reload(s);
	}
	if (!s->survey.work && s->wanted && next_look_allowed(s) <= now)
		begin_look(s, now);
	start_children(s, now);
	set_clock(s, now);
}

static void on_clock(struct watch *w, short revents)
{
	(void)revents;
	plan(w->owner);
}

/* ---- the end */

static bool anything_runs(const struct supervisor *s)
{
	return s->agenda.children || (s->front && front_runs(s->front));
}

static void signal_children(struct supervisor *s, int signal)
{
	for (size_t i = 0; i < s->agenda.count; i++)
		if (s->agenda.items[i]->child)
			kill(s->agenda.items[i]->child, signal);
	if (s->front)
		front_stop(s->front, signal);
}

static void on_end(struct watch *w, short revents)
{
	(void)revents;
	signal_children(w->owner, SIGKILL);
}

/* The second time they are not waited for any longer. */
static void stop(struct supervisor *s)
{
	if (!s->stopping)
		notify_stopping();
	signal_children(s, s->stopping ? SIGKILL : SIGTERM);
	s->stopping = true;
	s->clock.deadline = LOOP_NEVER;
	s->end.deadline = clock_ms() + END_MS;
	survey_stop(&s->survey);
	if (!anything_runs(s))
		loop_stop(&s->loop);
}

/* ---- what calls */

static void on_wake(void *context, enum wake what)
{
	struct supervisor *s = context;

	if (what == WAKE_STOP) {
		stop(s);
	} else if (what == WAKE_CHILD) {
		reap(s);
		if (s->stopping && !anything_runs(s))
			loop_stop(&s->loop);
		plan(s);
	} else if (what == WAKE_RELOAD) {
		s->reload = clock_ms();
		plan(s);
	} else {
		look(s);
	}
}

/* Tokens are renewed all the time; what waits for a sign-in goes now. */
static void note_sign_in(struct supervisor *s)
{
	if (!settings_signed_in(&s->settings))
		return;
	agenda_hurry(&s->agenda);
	s->wanted = true;
}

/* Children write control files all the time; when they have ended we look anyway. */
static void on_files(void *context, enum files_news what)
{
	struct supervisor *s = context;

	if (what == FILES_CONFIG)
		s->reload = clock_ms() + RELOAD_MS;
	else if (what == FILES_TOKEN)
		note_sign_in(s);
	else if (what == FILES_NEW || !s->agenda.children)
		s->wanted = true;
	plan(s);
}

static void release_from_network(struct park *p, void *context)
{
	(void)context;
	if (p->kind == PARK_NETWORK)
		park_clear(p);
}

static void on_network(void *context)
{
	struct supervisor *s = context;
	struct err ignored;

	for (size_t i = 0; i < s->agenda.count; i++)
		if (s->agenda.items[i]->account[0])
			park_change(s->spool, s->agenda.items[i]->account, release_from_network,
				NULL, &ignored);
	agenda_hurry(&s->agenda);
	look(s);
}

static void on_front_look(void *context)
{
	look(context);
}

static void on_front_flush(void *context)
{
	struct supervisor *s = context;

	s->flush = true;
	look(s);
}

static void on_alive(struct watch *w, short revents)
{
	struct supervisor *s = w->owner;

	(void)revents;
	notify_alive();
	w->deadline = clock_ms() + s->alive_ms;
}

/* ---- the beginning */

/* In the system's queue mail is taken in whatever the configuration is like. */
static int read_settings(struct supervisor *s, struct err *e)
{
	s->settings.file = s->o->config;
	if (settings_load(&s->settings) == 0)
		return 0;
	*e = s->settings.why;
	return s->system ? 0 : -1;
}

/* Only the machine's runner has somebody to take in what comes there. */
static int check_ports(const struct supervisor *s, struct err *e)
{
	if (s->system || !s->settings.config->global.listen.count)
		return 0;
	err_set(e, ERR_CONFIG, "listen is for the machine's runner, and this one is a user's own");
	return err_hint(e, "leave it out; for one's own programs there is `sendmail -bs`");
}

static int open_queue(struct supervisor *s, struct err *e)
{
	s->path = s->system ? mem_string(config_system_spool()) :
		enqueue_path(s->settings.config, e);
	if (!s->path || spool_open(&s->spool, s->path, true, e) < 0)
		return -1;
	switch (spool_watch_lock(s->spool, e)) {
	case 1:
		return 0;
	case 0:
		err_set(e, ERR_RUNNER, "another watcher is at work on this queue (%s)", s->path);
		return err_hint(e, "nothing is to be done: what waits is sent by that one");
	default:
		return -1;
	}
}

static void add_timer(struct supervisor *s, struct watch *w, watch_function *run)
{
	*w = (struct watch){ .fd = -1, .run = run, .owner = s };
	loop_add(&s->loop, w);
}

/* Without one of these the timer has to do. */
static void watch_the_rest(struct supervisor *s)
{
	struct err e = { 0 };

	s->files = files_watch(&s->loop, s->path, on_files, s, &e);
	if (!s->files)
		complain(s, "watch", e.text);
	s->network = network_watch(&s->loop, on_network, s, &e);
	if (!s->network)
		complain(s, "watch", e.text);
	s->tick_ms = s->o->interval ? (uint64_t)s->o->interval : TICK_MS;
	if ((!s->files || !s->network) && s->tick_ms > BLIND_TICK_MS)
		s->tick_ms = BLIND_TICK_MS;
}

static int begin(struct supervisor *s, struct err *e)
{
	struct scope_sockets sockets = { -1, -1 };
	const struct front_events events = { on_front_look, on_front_flush, s };

	loop_init(&s->loop);
	if (scope_enter(s->o->config, &s->system, &sockets, e) < 0 || read_settings(s, e) < 0 ||
	    check_ports(s, e) < 0 || open_queue(s, e) < 0)
		return -1;
	s->wake = wake_new(&s->loop, on_wake, s, e);
	if (!s->wake)
		return -1;
	s->alive_ms = notify_begin();
	add_timer(s, &s->clock, on_clock);
	add_timer(s, &s->end, on_end);
	add_timer(s, &s->alive, on_alive);
	s->survey = (struct survey){ .spool = s->path, .agenda = &s->agenda, .done = on_looked,
		.context = s };
	watch_the_rest(s);
	if (s->system)
		s->front = front_new(&s->loop, &sockets, s->path, &s->settings, &events);
	name_files(s);
	if (s->alive_ms)
		s->alive.deadline = clock_ms() + s->alive_ms;
	if (s->settings.faulty)
		complain_of_settings(s, clock_ms());
	return 0;
}

static void finish(struct supervisor *s)
{
	survey_stop(&s->survey);
	front_free(&s->front);
	network_free(&s->network);
	files_free(&s->files);
	wake_free(&s->wake);
	agenda_release(&s->agenda);
	spool_close(&s->spool);
	settings_release(&s->settings);
	loop_release(&s->loop);
	free(s->path);
}

int runner_watch(const struct watch_options *o, struct err *e)
{
	struct supervisor s = { .o = o };
	int good = begin(&s, e);

	if (good == 0) {
		notify_ready();
		if (process_stopped() == SIGTERM || process_stopped() == SIGINT)
			stop(&s);   /* it came before we listened */
		look(&s);
		loop_run(&s.loop);
	}
	finish(&s);
	return good;
}
