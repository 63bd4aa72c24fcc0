/* cmd/send.c - sendoff send. */
#include "cmd/send.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "conf/conf.h"
#include "deliver/outcome.h"

struct send_words {
	const char *sender, *full_name, *envid;
	const char **files;    /* own */
	size_t file_count;
	struct dsn dsn;
	bool from_header, dry_run, explain, no_queue, queue_only;
	int64_t not_before;
};

#define TAKE(name) static int take_##name(void *into, const char *value, struct err *e)

TAKE(sender)
{
	(void)e;
	((struct send_words *)into)->sender = value;
	return 0;
}

TAKE(full_name)
{
	(void)e;
	((struct send_words *)into)->full_name = value;
	return 0;
}

TAKE(from_header)
{
	(void)value;
	(void)e;
	((struct send_words *)into)->from_header = true;
	return 0;
}

TAKE(nothing)
{
	(void)into;
	(void)value;
	(void)e;
	return 0;
}

TAKE(file)
{
	struct send_words *w = into;

	(void)e;
	w->files = mem_grow(w->files, w->file_count + 1, sizeof(*w->files));
	w->files[w->file_count++] = value;
	return 0;
}

TAKE(notify)
{
	return dsn_parse_notify(value, &((struct send_words *)into)->dsn.notify, e);
}

TAKE(ret)
{
	return dsn_parse_ret(value, &((struct send_words *)into)->dsn.ret, e);
}

TAKE(envid)
{
	struct send_words *w = into;

	free(w->dsn.envid);
	w->dsn.envid = NULL;
	return dsn_parse_envid(value, &w->dsn.envid, e);
}

TAKE(dry_run)
{
	(void)value;
	(void)e;
	((struct send_words *)into)->dry_run = true;
	return 0;
}

TAKE(no_queue)
{
	(void)value;
	(void)e;
	((struct send_words *)into)->no_queue = true;
	return 0;
}

TAKE(queue_only)
{
	(void)value;
	(void)e;
	((struct send_words *)into)->queue_only = true;
	return 0;
}

/* What has passed is now. */
static int64_t from_now_on(time_t when)
{
	return when > time(NULL) ? when : 0;
}

/* "2026-11-22 10:00", with or without seconds, a T in between or a Z behind;
 * "+90m", "+2h", "+1d". */
TAKE(at)
{
	static const struct key wait = { .name = "--at", .type = KEY_DURATION, .least = 0,
		.most = 400L * 86400 * 1000 };
	static const char *const forms[] = { "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
		"%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d" };
	struct send_words *w = into;
	long ms = 0;

	if (value[0] == '+' && key_parse(&wait, value + 1, &ms, e) == 0) {
		w->not_before = from_now_on(time(NULL) + ms / 1000);
		return 0;
	}
	for (size_t i = 0; value[0] != '+' && i < COUNT(forms); i++) {
		struct tm when = { .tm_isdst = -1 }, given;
		const char *end = strptime(value, forms[i], &when);
		time_t moment;

		if (!end || (*end && strcmp(end, "Z") != 0))
			continue;
		given = when;
		moment = *end ? timegm(&when) : mktime(&when);
		if (given.tm_mday != when.tm_mday)
			break;   /* 30 February */
		w->not_before = from_now_on(moment);
		return 0;
	}
	err_set(e, ERR_USAGE, "--at is no time");
	return err_hint(e, "write it as in: --at '2026-12-24 18:00', or --at +2h");
}

TAKE(explain)
{
	(void)value;
	(void)e;
	((struct send_words *)into)->explain = true;
	return 0;
}

const struct opt send_options[] = {
	{ 't', "from-header", OPT_FLAG, NULL, "take recipients from To, Cc and Bcc as well",
		take_from_header },
	{ 'f', "sender", OPT_VALUE, "ADDRESS", "envelope sender; '<>' is the null sender",
		take_sender },
	{ 'F', "full-name", OPT_VALUE, "NAME", "display name for a From line that has to be added",
		take_full_name },
	{ 0, "file", OPT_VALUE, "FILE", "send this file instead of standard input; repeatable", take_file },
	{ 'N', "dsn", OPT_VALUE, "LIST", "delivery reports: never, or success,failure,delay",
		take_notify },
	{ 'R', "dsn-return", OPT_VALUE, "WHAT", "what a report quotes: full or hdrs",
		take_ret },
	{ 'V', "dsn-envid", OPT_VALUE, "ID", "envelope id that reports carry", take_envid },
	{ 'i', NULL, OPT_FLAG, NULL, "no effect: a line of a single dot is text here anyway",
		take_nothing },
	{ 0, "no-queue", OPT_FLAG, NULL, "send now or not at all: nothing is stored",
		take_no_queue },
	{ 0, "queue", OPT_FLAG, NULL, "only store it; the next flush sends it", take_queue_only },
	{ 0, "at", OPT_VALUE, "TIME", "store it, and send it not before: 'YYYY-MM-DD HH:MM' or +2h",
		take_at },
	{ 0, "dry-run", OPT_FLAG, NULL, "show envelope and header, send nothing", take_dry_run },
	{ 0, "explain", OPT_FLAG, NULL, "say why this account and sender, send nothing",
		take_explain },
	{ 0, NULL, OPT_FLAG, NULL, NULL, NULL }
};

/* ---- telling */

static void show_dry_run(const struct submission *s, struct buf *out)
{
	const struct attempt *t = &s->attempt;

	buf_printf(out, "account: %s\nsender: <%s>\n", s->route.account->name, t->sender);
	for (size_t i = 0; i < t->smtp.count; i++)
		buf_printf(out, "recipient: <%s>\n", t->smtp.recipients[i]);
	buf_printf(out, "size: %llu\n\n", (unsigned long long)t->smtp.size);
	for (size_t i = 0; i < t->header.len; i++) {
		const char *end = memchr(t->header.data + i, '\r', t->header.len - i);
		size_t len = end ? (size_t)(end - (t->header.data + i)) : t->header.len - i;

		text_clean(t->header.data + i, len, len * 4, out);
		buf_add_char(out, '\n');
		i += len + 1;
	}
}

static void show_explain(const struct submission *s, struct buf *out)
{
	const struct attempt *t = &s->attempt;
	const struct account *a = s->route.account;
	const char *given = s->message.envelope.sender;
	char where[320];

	account_where(a, where, sizeof(where));
	buf_printf(out, "account: %s (%s), because %s\n", a->name, where, s->route.why);
	if (given && !strcmp(given, t->sender))
		buf_printf(out, "sender: <%s>, as given\n", t->sender);
	else if (!given)
		buf_printf(out, "sender: <%s>, because none was given\n", t->sender);
	else
		buf_printf(out, "sender: <%s>, because this account may not send as <%s>\n", t->sender,
			given);
	if (t->rewritten)
		buf_printf(out, "header: From is rewritten to <%s>, the old one is kept in "
			"X-Original-From\n", a->who.from);
	else
		buf_add_text(out, "header: From is left as it is\n");
	buf_printf(out, "recipients: %zu\n", t->smtp.count);
}

static void show_sent(const struct submission *s, const char *file, struct buf *out)
{
	const struct smtp_result *content = &s->attempt.smtp.content;
	char where[320];

	account_where(s->route.account, where, sizeof(where));
	buf_printf(out, "sendoff: %s%s", file ? file : "", file ? ": " : "");
	if (s->outcome.handed_over) {
		buf_printf(out, "stored as %s: the system's runner sends it\n", s->outcome.id);
		return;
	}
	buf_printf(out, "sent to %zu recipient%s by account %s (%s): %s\n", s->outcome.delivered,
		s->outcome.delivered == 1 ? "" : "s", s->route.account->name, where,
		content->text ? content->text : "");
}

/* The mail goes to whoever else the alias names. */
static void describe_left_out(struct err why, struct buf *out)
{
	err_context(&why, "left out");
	outcome_describe_err(&why, out);
}

/* Success is silent but for a person at a terminal, and where several files
 * each want their line. */
static int tell(const struct globals *globals, const struct submission *s,
	const struct send_manner *manner)
{
	struct buf out = BUF_INIT(64 << 20), err = BUF_INIT(64 << 20);
	int code = s->outcome.exit;
	bool person = isatty(STDERR_FILENO) && isatty(STDIN_FILENO);
	bool queued = s->outcome.queued || s->outcome.handed_over;

	if (globals->json) {
		outcome_json(&s->outcome, manner->file, &out);
		/* Where the mail is out a full stdout must not make anybody send it again. */
		print_out(&out);
	}
	if (code && manner->file)
		buf_printf(&err, "sendoff: %s: not sent, or not to all (exit code %d)\n", manner->file,
			code);
	/* cron would mail what a sendmail says of a message that is stored, or of a
	 * refusal that is told by mail. */
	if (!(queued || s->outcome.reported) || !manner->silent || code)
		outcome_describe(&s->outcome, &err);
	if (s->outcome.queued && s->unwatched && !manner->silent)
		buf_printf(&err, "  it goes out with the next message that does%s; always by itself: "
			"`sendoff queue watch`\n", s->outcome.not_before ? " from then on" :
			"; at once: `sendoff queue flush`");
	if (s->outcome.left_out.kind != ERR_NONE && !manner->silent)
		describe_left_out(s->outcome.left_out, &err);
	if (s->log_warning[0] && (code || !manner->silent))
		buf_printf(&err, "sendoff: %s\n", s->log_warning);
	if (!code && !globals->json && (person || manner->file) && !s->outcome.queued)
		show_sent(s, manner->file, &err);
	if (!manner->quiet && !globals->quiet)
		print_err(&err);
	buf_release(&out);
	buf_release(&err);
	return code;
}

static int show(const struct globals *globals, const struct submission *s,
	const struct send_manner *manner)
{
	struct buf out = BUF_INIT(64 << 20);
	int code;

	if (globals->json) {
		outcome_json(&s->outcome, manner->file, &out);
	} else {
		if (manner->explain)
			show_explain(s, &out);
		if (manner->dry_run)
			show_dry_run(s, &out);
	}
	code = print_out(&out);
	buf_release(&out);
	return code;
}

int send_one(const struct globals *globals, struct submit_options *o,
	const struct send_manner *manner)
{
	struct config config;
	struct submission s;
	struct err e = { 0 };
	int loaded = config_load(&config, globals->config, &e), code;

	o->account = globals->account;
	o->no_network = manner->dry_run || manner->explain;
	if (globals->verbose)
		o->trace = print_trace;
	if (loaded == 0)
		e = (struct err){ 0 };
	submit(&config, &e, o, &s);
	if (o->no_network && !s.outcome.exit)
		code = show(globals, &s, manner);
	else
		code = tell(globals, &s, manner);
	submission_release(&s);
	config_release(&config);
	return code;
}

static int send_file(const struct globals *globals, struct submit_options *o,
	struct send_manner *manner, const char *file)
{
	char shown[300];
	struct stat st;
	int code;

	manner->file = text_clean_to(shown, sizeof(shown), file, strlen(file));
	o->input = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (o->input >= 0 && fstat(o->input, &st) == 0 && S_ISDIR(st.st_mode)) {
		close(o->input);
		o->input = -1;
		errno = EISDIR;
	}
	if (o->input < 0) {
		struct submission s = { .outcome = { .exit = 0 } };

		err_sys(&s.outcome.err, ERR_NO_INPUT, errno, "cannot open '%s'", shown);
		outcome_settle(&s.outcome);
		return tell(globals, &s, manner);
	}
	code = send_one(globals, o, manner);
	close(o->input);
	return code;
}

/* A file among the recipients was meant as --file. */
static int check_words(char **words, int count, struct err *e)
{
	for (int i = 0; i < count; i++) {
		const char *end = strrchr(words[i], '.');
		bool looks = strchr(words[i], '/') || (end && !strcmp(end, ".eml"));
		char shown[200];

		if (!looks || strchr(words[i], '@') || access(words[i], F_OK) < 0)
			continue;
		text_clean_to(shown, sizeof(shown), words[i], strlen(words[i]));
		err_set(e, ERR_USAGE, "'%s' is a file, and recipients are expected here", shown);
		return err_hint(e, "use --file %s", shown);
	}
	return 0;
}

static int check_when(const struct send_words *w, struct err *e)
{
	if (!w->no_queue || (!w->queue_only && !w->not_before))
		return 0;
	err_set(e, ERR_USAGE, "--no-queue is now or never, and %s is later",
		w->queue_only ? "--queue" : "--at");
	return err_hint(e, "leave one of them out");
}

int cmd_send(struct globals *globals, char **words, int count)
{
	struct send_words w = { .files = NULL };
	struct submit_options o;
	struct send_manner manner;
	struct submit_memory memory = { .account = "" };
	struct err e = { 0 };
	int code = 0;

	if (opt_parse(send_options, &w, globals, words, &count, &e) < 0 ||
	    check_when(&w, &e) < 0 || check_words(words, count, &e) < 0) {
		code = print_failure(&e);
	} else if (globals->help) {
		char name[] = "send", *named[] = { name };

		code = cmd_help(globals, named, 1);
	} else {
		o = (struct submit_options){ .input = STDIN_FILENO, .from_header = w.from_header,
			.sender = w.sender, .full_name = w.full_name, .recipients = words,
			.count = (size_t)count, .dsn = w.dsn, .log_fallback = "none",
			.memory = &memory, .no_queue = w.no_queue, .queue_only = w.queue_only,
			.not_before = w.not_before, .errors = ERRORS_MAIL };
		manner = (struct send_manner){ .dry_run = w.dry_run, .explain = w.explain };
		if (!w.file_count)
			code = send_one(globals, &o, &manner);
		for (size_t i = 0; i < w.file_count; i++) {
			int one = send_file(globals, &o, &manner, w.files[i]);

			code = one > code ? one : code;
		}
	}
	submit_forget(&memory);
	free(w.files);
	free(w.dsn.envid);
	return code;
}
