/* cmd/dialogue.c - sendmail -bs and -bS: SMTP on standard input and output.
 *
 * Mail programs keep such a process and speak with it as with a server; inetd(8)
 * starts one for each connection.  smtp/server answers.  What comes in is kept
 * aside until it is whole, then goes the way of any other message, and what became
 * of it is the answer to its last dot.  Nothing is relayed for others: whoever
 * speaks here has the rights of this very process.  Standard error stays silent, -v or
 * not: nmh has it in the same socket as the answers.  In a batch (-bS) there are none, and
 * what was refused is told there and by the exit code.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/host.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/spill.h"
#include "cmd/sendmail.h"
#include "deliver/cause.h"
#include "net/loop.h"
#include "smtp/server.h"

enum {
	PIECE = 64 << 10,
	/* A program that sends now and then keeps the session open in between; its end
	 * closes the pipe.  What stays away for longer than that is a peer of inetd. */
	QUIET_MS = 60 * 60 * 1000,
	LAST_MS = 10 * 1000,
	STEP_OCTETS = 64 << 10       /* of content, that make a step forward */
};

struct dialogue {
	const struct globals *globals;
	const struct submit_options *given;   /* of the command line */
	struct submit_memory memory;
	struct loop loop;
	struct watch in, out, signals, quiet;
	struct server *server;       /* own */
	struct buf waiting;          /* own; read and not yet taken */
	uint64_t written, seen;      /* of answers; what there was at the last step */
	uint64_t taken;              /* of content since then */
	bool lost;                   /* the answers reach nobody */
	bool late;                   /* the time is over: only the last answer is to be written */
	bool batch;                  /* nobody reads the answers */
	struct buf answer;           /* own; of a batch: the line that is coming out */
	int worst;                   /* of a batch: the exit code of what was refused */

	struct envelope envelope;    /* own; of the message that is coming in */
	struct spill content;        /* own */
	struct err trouble;          /* kind ERR_NONE: all of it could be kept */
};

/* ---- a message */

static void forget(void *context)
{
	struct dialogue *d = context;

	envelope_release(&d->envelope);
	d->envelope = (struct envelope){ .sender = NULL };
	spill_release(&d->content);
	spill_init(&d->content, NULL);
	d->trouble = (struct err){ .kind = ERR_NONE };
}

static void on_mail(void *context, const struct server_mail *m, struct server_reply *reply)
{
	struct dialogue *d = context;

	(void)reply;
	forget(d);
	envelope_set_sender(&d->envelope, m->sender);
	d->envelope.dsn = m->dsn;
	d->envelope.dsn.envid = m->dsn.envid ? mem_string(m->dsn.envid) : NULL;
}

static void on_rcpt(void *context, const char *address, unsigned notify, const char *original,
	struct server_reply *reply)
{
	struct dialogue *d = context;

	(void)original;
	(void)reply;
	dsn_add_notify(&d->envelope.dsn, notify, !d->envelope.count);
	envelope_add(&d->envelope, address);
}

static void on_begin(void *context, struct server_reply *reply)
{
	(void)context;
	(void)reply;
}

static void on_content(void *context, const char *data, size_t len)
{
	struct dialogue *d = context;

	if (d->trouble.kind == ERR_NONE)
		spill_add(&d->content, data, len, &d->trouble);
}

/* By the configuration that is in force now: a session may be days old. */
static void carry(struct dialogue *d, struct server_reply *reply)
{
	struct submit_options o = *d->given;
	struct submission s;
	struct config config;
	struct err e = { 0 };

	o.input = -1;
	o.content = &d->content;
	o.answers = true;
	o.dot_ends = o.from_header = o.report_is_success = false;
	o.errors = ERRORS_MAIL;   /* there is no other way to tell what the answer does not */
	o.sender = d->envelope.sender;
	o.recipients = d->envelope.recipients;
	o.count = d->envelope.count;
	o.dsn = d->envelope.dsn;
	o.account = d->globals->account;
	o.memory = &d->memory;
	if (config_load(&config, d->globals->config, &e) == 0)
		e = (struct err){ .kind = ERR_NONE };
	submit(&config, &e, &o, &s);
	outcome_reply(&s.outcome, reply);
	submission_release(&s);
	config_release(&config);
}

static void on_end(void *context, struct server_reply *reply)
{
	struct dialogue *d = context;

	if (d->trouble.kind == ERR_NONE && spill_finish(&d->content, &d->trouble) == 0)
		carry(d, reply);
	else
		server_reply_set(reply, 452, "4.3.1", "not stored: %s", d->trouble.text);
	forget(d);
}

/* ---- a batch: commands and messages in a file, as RFC 2442 has them */

static void judge(struct dialogue *d, const char *line)
{
	struct err e = { 0 };
	enum err_kind kind = line[0] == '4' ? ERR_STORE : ERR_MESSAGE;

	if (line[0] != '4' && line[0] != '5')
		return;
	err_set(&e, kind, "refused in the batch: %s", line);
	if (kind == ERR_STORE)
		err_hint(&e, "what this is about may be sent again, and nothing else of the batch");
	print_failure(&e);
	if (!d->worst || kind == ERR_STORE)
		d->worst = cause_exit_of_kind(kind);
}

/* Takes the answers, a line at a time. */
static void hear(struct dialogue *d)
{
	size_t len;
	const char *out = server_output(d->server, &len);

	for (size_t i = 0; i < len; i++) {
		if (out[i] == '\n') {
			judge(d, buf_text(&d->answer));
			buf_clear(&d->answer);
		} else if (out[i] != '\r') {
			buf_add_char(&d->answer, out[i]);
		}
	}
	server_written(d->server, len);
	d->written += len;
}

/* The end of the input in the midst of a message. */
static void judge_end(struct dialogue *d)
{
	struct err e = { 0 };

	if (!d->batch || !server_is_midway(d->server))
		return;
	err_set(&e, ERR_MESSAGE, "the batch ends in the middle of a message, of which nothing was sent");
	print_failure(&e);
	if (!d->worst)
		d->worst = cause_exit_of_kind(ERR_MESSAGE);
}

/* ---- octets */

/* Each whole answer, and each piece of content, is a step forward. */
static void renew(struct dialogue *d)
{
	size_t left;

	(void)server_output(d->server, &left);
	if (d->late || (d->written + left == d->seen && d->taken < STEP_OCTETS))
		return;
	d->seen = d->written + left;
	d->taken = 0;
	d->quiet.deadline = clock_ms() + QUIET_MS;
}

static void take(struct dialogue *d, const char *data, size_t len);

/* What was read and not yet taken. */
static void take_waiting(struct dialogue *d)
{
	struct buf before = d->waiting;

	d->waiting = BUF_INIT(PIECE);
	take(d, before.data, before.len);
	buf_release(&before);
}

/* Nobody has to read the answers first. */
static void settle_batch(struct dialogue *d)
{
	size_t before;

	do {
		hear(d);
		before = d->waiting.len;
		if (before)
			take_waiting(d);
	} while (before && d->waiting.len < before);
	hear(d);
}

/* What to wait for next; whoever does not read is not read from. */
static void settle(struct dialogue *d)
{
	size_t left;

	renew(d);
	if (d->batch)
		settle_batch(d);
	(void)server_output(d->server, &left);
	d->out.events = left ? POLLOUT : 0;
	d->in.events = left < SERVER_OUTPUT_MAX && !d->waiting.len ? POLLIN : 0;
	if (d->lost || (server_ended(d->server) && !left))
		loop_stop(&d->loop);
}

static void take(struct dialogue *d, const char *data, size_t len)
{
	bool content = server_in_content(d->server);
	size_t n = server_received(d->server, data, len);

	if (content)
		d->taken += n;
	if (n < len)
		buf_add(&d->waiting, data + n, len - n);
}

static void on_output(struct watch *w, short revents)
{
	struct dialogue *d = w->owner;
	size_t len;
	const char *out = server_output(d->server, &len);
	ssize_t n;

	(void)revents;
	/* So much goes into a pipe that has room, without waiting. */
	n = write(w->fd, out, len < PIPE_BUF ? len : PIPE_BUF);
	if (n >= 0) {
		server_written(d->server, (size_t)n);
		d->written += (uint64_t)n;
	} else if (errno != EAGAIN && errno != EINTR) {
		d->lost = true;
	}
	if (d->waiting.len)
		take_waiting(d);
	settle(d);
}

static void on_input(struct watch *w, short revents)
{
	struct dialogue *d = w->owner;
	char piece[PIECE];
	ssize_t n;

	(void)revents;
	n = read(w->fd, piece, sizeof(piece));
	if (n > 0) {
		take(d, piece, (size_t)n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		judge_end(d);
		server_eof(d->server);
		loop_remove(&d->loop, w);
	}
	settle(d);
}

static void on_quiet(struct watch *w, short revents)
{
	struct dialogue *d = w->owner;

	(void)revents;
	if (d->late) {
		d->lost = true;
	} else {
		d->late = true;
		w->deadline = clock_ms() + LAST_MS;
		server_shut_down(d->server, "nothing came for an hour, goodbye");
	}
	settle(d);
}

static void on_signal(struct watch *w, short revents)
{
	struct dialogue *d = w->owner;

	(void)revents;
	loop_remove(&d->loop, w);
	d->late = true;   /* whoever reads no answers is not waited for */
	d->quiet.deadline = clock_ms() + LAST_MS;
	server_shut_down(d->server, "this process was told to stop, goodbye");
	settle(d);
}

/* ---- all of it */

static void open_server(struct dialogue *d)
{
	const struct server_events events = { .mail = on_mail, .rcpt = on_rcpt, .begin = on_begin,
		.content = on_content, .end = on_end, .reset = forget, .context = d };
	struct server_options options = { .host = host_name(), .bare_names = true };
	struct config config;
	struct err ignored;

	/* What is wrong with it is said of each message. */
	if (config_load(&config, d->globals->config, &ignored) == 0)
		options.max_size = (uint64_t)config.global.max_message;
	d->server = server_new(&options, &events);
	config_release(&config);
}

static void run_dialogue(struct dialogue *d)
{
	d->in = (struct watch){ .fd = STDIN_FILENO, .run = on_input, .owner = d };
	d->out = (struct watch){ .fd = d->batch ? -1 : STDOUT_FILENO, .run = on_output, .owner = d };
	d->signals = (struct watch){ .fd = process_wake_fd(), .events = POLLIN, .run = on_signal,
		.owner = d };
	d->quiet = (struct watch){ .fd = -1, .run = on_quiet, .owner = d };
	loop_add(&d->loop, &d->in);
	loop_add(&d->loop, &d->out);
	loop_add(&d->loop, &d->quiet);
	if (d->signals.fd >= 0)
		loop_add(&d->loop, &d->signals);
	settle(d);
	loop_run(&d->loop);
}

static int run(const struct globals *globals, const struct submit_options *given, bool batch)
{
	struct dialogue d = { .globals = globals, .given = given, .waiting = BUF_INIT(PIECE),
		.batch = batch, .answer = BUF_INIT(SERVER_OUTPUT_MAX) };
	struct err e = { 0 };
	int code;

	spill_init(&d.content, NULL);
	loop_init(&d.loop);
	open_server(&d);
	run_dialogue(&d);
	code = d.worst;
	if (process_stopped()) {
		code = cause_exit_of_kind(ERR_SIGNAL);
	} else if (d.lost) {
		err_set(&e, ERR_OUTPUT, "the answers on standard output reach nobody");
		code = print_failure(&e);
	}
	server_free(&d.server);
	loop_release(&d.loop);
	forget(&d);
	submit_forget(&d.memory);
	buf_release(&d.waiting);
	buf_release(&d.answer);
	return code;
}

int dialogue_run(const struct globals *globals, const struct submit_options *given)
{
	return run(globals, given, false);
}

int dialogue_batch(const struct globals *globals, const struct submit_options *given)
{
	return run(globals, given, true);
}
