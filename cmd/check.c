/* cmd/check.c - sendoff check: why does this login not work? */
#include "cmd/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"
#include "cred/prompt.h"
#include "deliver/config.h"
#include "deliver/unconfigured.h"
#include "mail/address.h"
#include "runner/scope.h"

enum { QUESTIONS_MOST = 32, SECONDS_LEAST = 1, SECONDS_MOST = 3600 };

struct check_words {
	const char *host, *user, *from;
	long port;                   /* 0: not given */
	int tls;                     /* enum smtp_tls */
	const char *password_file;
	const char **to;             /* own */
	size_t to_count;
	bool send, all;
	size_t remote_help;          /* which question lacks its topic so far, from 1; 0: none */
	char *questions[QUESTIONS_MOST + 1];   /* own */
	size_t question_count;
	long seconds;
};

/* ---- options */

#define TAKE(name) static int take_##name(void *into, const char *value, struct err *e)

TAKE(host)
{
	(void)e;
	((struct check_words *)into)->host = value;
	return 0;
}

TAKE(user)
{
	(void)e;
	((struct check_words *)into)->user = value;
	return 0;
}

TAKE(password_file)
{
	(void)e;
	((struct check_words *)into)->password_file = value;
	return 0;
}

static int number(const char *name, const char *value, long least, long most, long *out,
	struct err *e)
{
	char *end;

	errno = 0;
	*out = strtol(value, &end, 10);
	if (errno || end == value || *end || *out < least || *out > most)
		return err_set(e, ERR_USAGE, "%s is not a number from %ld to %ld", name, least, most);
	return 0;
}

TAKE(port)
{
	return number("--port", value, 1, 65535, &((struct check_words *)into)->port, e);
}

TAKE(seconds)
{
	return number("--timeout", value, SECONDS_LEAST, SECONDS_MOST,
		&((struct check_words *)into)->seconds, e);
}

TAKE(tls)
{
	static const char *const names[] = { [SMTP_TLS_OFF] = "off", [SMTP_TLS_STARTTLS] = "starttls",
		[SMTP_TLS_IMPLICIT] = "implicit" };
	struct check_words *w = into;

	for (w->tls = 0; w->tls < SMTP_TLS_UNSET; w->tls++)
		if (!strcmp(value, names[w->tls]))
			return 0;
	return err_set(e, ERR_USAGE, "--tls is implicit, starttls or off");
}

TAKE(from)
{
	(void)e;
	((struct check_words *)into)->from = value;
	return 0;
}

TAKE(to)
{
	struct check_words *w = into;

	(void)e;
	w->to = mem_grow(w->to, w->to_count + 1, sizeof(*w->to));
	w->to[w->to_count++] = value;
	return 0;
}

TAKE(send)
{
	((struct check_words *)into)->send = true;
	return take_to(into, value, e);
}

TAKE(all)
{
	(void)value;
	(void)e;
	((struct check_words *)into)->all = true;
	return 0;
}

/* One line, and none that the dialogue could not go on behind. */
static int add_question(struct check_words *w, const char *option, const char *verb,
	const char *rest, struct err *e)
{
	static const char *const ours[] = { "DATA", "BDAT", "AUTH", "STARTTLS", "EHLO", "HELO", "QUIT" };
	char *line = mem_printf("%s%s%s", verb, verb[0] && rest[0] ? " " : "", rest);
	size_t len = strcspn(line, " \t"), all = strlen(line);

	for (size_t i = 0; i < all; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f) {
			free(line);
			err_set(e, ERR_USAGE, "%s takes one line without control characters", option);
			return err_hint(e, "one command each; the option may be given again");
		}
	for (size_t i = 0; i < COUNT(ours); i++)
		if (text_equal_fold(line, len, ours[i], strlen(ours[i]))) {
			free(line);
			err_set(e, ERR_USAGE, "%s cannot send %s: that is for the check itself", option,
				ours[i]);
			return err_hint(e, "%s", i < 2 ? "a message is sent by --send ADDRESS" :
				i < 3 ? "the login is the account's; --all tries every mechanism" :
				"it is sent anyway, when its time has come");
		}
	if (!all || all > 500 || w->question_count == QUESTIONS_MOST) {
		free(line);
		return err_set(e, ERR_USAGE, "%s: a command has 1 to 500 octets, and there may be %d",
			option, QUESTIONS_MOST);
	}
	w->questions[w->question_count++] = line;
	return 0;
}

TAKE(vrfy)
{
	return add_question(into, "--vrfy", "VRFY", value, e);
}

TAKE(expn)
{
	return add_question(into, "--expn", "EXPN", value, e);
}

TAKE(command)
{
	return add_question(into, "--command", "", value, e);
}

TAKE(remote_help)
{
	struct check_words *w = into;

	w->remote_help = value ? 0 : w->question_count + 1;
	return add_question(into, "--remote-help", "HELP", value ? value : "", e);
}

const struct opt check_options[] = {
	{ 0, "host", OPT_VALUE, "HOST", "the server, instead of an account's", take_host },
	{ 0, "port", OPT_VALUE, "PORT", "its port", take_port },
	{ 0, "tls", OPT_VALUE, "MODE", "implicit, starttls or off", take_tls },
	{ 0, "user", OPT_VALUE, "NAME", "whom to log in as; the password is asked for", take_user },
	{ 0, "password-file", OPT_VALUE, "FILE", "the password is in this file; - is standard input",
		take_password_file },
	{ 'f', "from", OPT_VALUE, "ADDRESS", "ask whether it takes this sender", take_from },
	{ 't', "to", OPT_VALUE, "ADDRESS", "ask whether it takes this recipient; repeatable", take_to },
	{ 0, "send", OPT_VALUE, "ADDRESS", "send one test message there", take_send },
	{ 0, "all", OPT_FLAG, NULL, "try every mechanism and every address of the server", take_all },
	{ 0, "vrfy", OPT_VALUE, "ADDRESS", "ask whether it knows this address (VRFY)", take_vrfy },
	{ 0, "expn", OPT_VALUE, "LIST", "ask who is on this list (EXPN)", take_expn },
	{ 0, "remote-help", OPT_OPTIONAL, "TOPIC", "ask the server for help (HELP)", take_remote_help },
	{ 0, "command", OPT_VALUE, "LINE", "send this line and show the answer", take_command },
	{ 0, "timeout", OPT_VALUE, "SECONDS", "for all of it; 30 without this", take_seconds },
	{ 0, NULL, OPT_FLAG, NULL, NULL, NULL }
};

/* ---- whose login */

struct check {
	struct check_words w;
	struct globals *globals;
	struct check_show show;
	struct config config;        /* own */
	bool configured;             /* it was loaded, and is in force */
	struct err config_err;       /* why not */
	struct unconfigured made;    /* own; an account that stands in no file */
	bool is_made;
	struct account account;      /* borrowed inside; what is tried */
	char secret_from[400], place[400], why[400];
	const char *word;            /* ACCOUNT or ADDRESS; NULL */
	char *from, **to, *file;     /* own */
};

static bool alone(const struct check *c)
{
	return c->w.host || c->w.user;
}

/* The account of the configuration that sends as that address. */
static const struct account *account_of_address(const struct config *c, const char *address)
{
	struct buf form = BUF_INIT(ADDRESS_PATH_MAX + 1);
	struct err ignored = { 0 };
	const struct account *found = NULL;

	if (address_parse_one(address, strlen(address), NULL, &form, &ignored) == 0)
		for (size_t i = 0; i < c->count && !found; i++)
			if (c->accounts[i].who.from && !strcasecmp(c->accounts[i].who.from,
					buf_text(&form)))
				found = &c->accounts[i];
	buf_release(&form);
	return found;
}

static int make_account(struct check *c, struct err *e)
{
	char port[24];
	static const char *const modes[] = { "off", "starttls", "implicit" };
	struct unconfigured_words w = { .address = c->word, .host = c->w.host, .user = c->w.user,
		.tls = c->w.tls == SMTP_TLS_UNSET ? NULL : modes[c->w.tls] };

	if (c->w.port) {
		snprintf(port, sizeof(port), "%ld", c->w.port);
		w.port = port;
	}
	w.no_login = !c->w.user && !c->word;
	if (unconfigured_make(&c->made, &w, process_home(), e) < 0)
		return -1;
	c->is_made = true;
	c->account = c->made.account;
	return 0;
}

/* What stands in a file, with what was said beside it. */
static void take_account(struct check *c, const struct account *a)
{
	c->account = *a;
	if (c->w.port)
		c->account.net.port = c->w.port;
	if (c->w.tls != SMTP_TLS_UNSET)
		c->account.smtp.tls = c->w.tls;
	if (a->source)
		snprintf(c->place, sizeof(c->place), "%s, [account %s]", a->source->name, a->name);
}

static int choose(struct check *c, struct err *e)
{
	const char *name = c->globals->account ? c->globals->account : c->word;
	const struct account *a = NULL;
	char shown[120];

	if (alone(c))
		return make_account(c, e);
	if (c->configured && name)
		a = config_account(&c->config, name);
	if (c->configured && name && !a && strchr(name, '@'))
		a = account_of_address(&c->config, name);
	if (!a && name && strchr(name, '@') && !c->globals->account)
		return make_account(c, e);
	if (!c->configured) {
		*e = c->config_err;
		return -1;
	}
	if (!name) {
		if (config_default(&c->config, &a, e) < 0)
			return -1;
	} else if (!a) {
		text_clean_to(shown, sizeof(shown), name, strlen(name));
		err_set(e, ERR_USAGE, "there is no account '%s'", shown);
		return err_hint(e, "`sendoff config show` lists the accounts");
	}
	take_account(c, a);
	return 0;
}

/* System accounts are the runner's: root becomes its user, everybody else speaks with
 * its socket, as their mail does. */
static int mind_scope(struct check *c, struct err *e)
{
	if (c->is_made || c->account.scope != SCOPE_SYSTEM)
		return 0;
	if (geteuid() == 0)
		return scope_leave_root(e);
	if (config_has_runner())
		c->account = *config_runner_account();
	return 0;
}

/* ---- its secret */

/* One line of standard input, for programs. */
static int read_secret(struct secret *out, struct err *e)
{
	char text[SECRET_MAX + 2];
	const char *end;
	size_t len = 0;
	ssize_t n;

	process_hold_secret();
	while (len < sizeof(text) && (n = read(STDIN_FILENO, text + len, sizeof(text) - len)) != 0) {
		if (n < 0 && errno == EINTR && !process_stopped())
			continue;
		if (n < 0)
			break;
		len += (size_t)n;
		if (memchr(text, '\n', len))
			break;
	}
	end = memchr(text, '\n', len);
	len = end ? (size_t)(end - text) : len;
	len -= len && text[len - 1] == '\r';
	if (len && len <= SECRET_MAX && !memchr(text, '\0', len))
		secret_set(out, text, len);
	explicit_bzero(text, sizeof(text));
	return out->data ? 0 : err_set(e, ERR_SECRET, "there is no password on standard input");
}

static int ask_secret(struct check *c, struct err *e)
{
	struct secret_settings *set = &c->account.secret;
	char question[600], user[200], where[320];

	text_clean_to(user, sizeof(user), c->account.sasl.user, strlen(c->account.sasl.user));
	account_where(&c->account, where, sizeof(where));
	snprintf(question, sizeof(question), "Password of %s at %s: ", user, where);
	if (prompt_secret(question, &set->given, e) < 0)
		return -1;
	snprintf(c->secret_from, sizeof(c->secret_from), "typed in");
	return 0;
}

/* Where it comes from, in words; what is not in a file or variable is asked for now. */
static int find_secret(struct check *c, struct err *e)
{
	struct secret_settings *set = &c->account.secret;
	char shown[300] = "";

	if (c->w.password_file && !strcmp(c->w.password_file, "-")) {
		snprintf(c->secret_from, sizeof(c->secret_from), "standard input");
		return read_secret(&set->given, e);
	}
	if (c->w.password_file) {
		*set = (struct secret_settings){ .file = c->file = mem_string(c->w.password_file) };
	} else if (set->asked && process_env("SENDOFF_PASSWORD")) {
		*set = (struct secret_settings){ .env = c->file = mem_string("SENDOFF_PASSWORD") };
	} else if (set->asked && process_env("SENDOFF_PASSWORD_FILE")) {
		*set = (struct secret_settings){ .file = c->file =
			mem_string(process_env("SENDOFF_PASSWORD_FILE")) };
	}
	if (set->asked)
		return ask_secret(c, e);
	if (set->command)
		snprintf(c->secret_from, sizeof(c->secret_from), "from password_command");
	else if (set->file)
		snprintf(c->secret_from, sizeof(c->secret_from), "from the file %s",
			text_clean_to(shown, sizeof(shown), set->file, strlen(set->file)));
	else if (set->env)
		snprintf(c->secret_from, sizeof(c->secret_from), "from the variable %s",
			text_clean_to(shown, sizeof(shown), set->env, strlen(set->env)));
	else
		snprintf(c->secret_from, sizeof(c->secret_from), "from the configuration file");
	return 0;
}

/* ---- all of it */

/* Before anything is tried. */
static void fail(struct check *c, enum report_step step, const struct err *e,
	struct probe_finding *f)
{
	struct report_stage *s = report_stage_new(step);

	*f = (struct probe_finding){ .step = step, .cause = cause_of_err(e),
		.what = mem_string(e->text) };
	f->next = e->hint[0] ? mem_string(e->hint) : f->cause->next ? mem_string(f->cause->next) : NULL;
	report_say(s, MARK_FAILED, "%s", e->text);
	check_show_stage(&c->show, s);
	report_stage_free(&s);
}

static int to_envelope(const char *text, char **out, struct err *e)
{
	struct buf form = BUF_INIT(ADDRESS_PATH_MAX + 1);

	if (address_parse_one(text, strlen(text), NULL, &form, e) < 0) {
		buf_release(&form);
		e->kind = ERR_USAGE;
		return -1;
	}
	*out = buf_take(&form);
	if (!*out)
		*out = mem_string("");
	return 0;
}

/* The addresses of --from, --to and --send; without --from the account's own is taken. */
static int make_envelope(struct check *c, struct probe_options *o, struct err *e)
{
	const struct account *a = &c->account;
	const char *from = c->w.from ? c->w.from : !c->w.to_count ? NULL :
		a->who.from ? a->who.from : a->sasl.user;

	if (c->w.to_count && !from) {
		err_set(e, ERR_USAGE, "whom it would be from is not known");
		return err_hint(e, "say so with --from ADDRESS");
	}
	if (from && to_envelope(from, &c->from, e) < 0)
		return err_context(e, "sender");
	c->to = mem_alloc((c->w.to_count + 1) * sizeof(*c->to));
	for (size_t i = 0; i < c->w.to_count; i++) {
		if (to_envelope(c->w.to[i], &c->to[i], e) < 0)
			return err_context(e, "recipient");
		if (!c->to[i][0])   /* only a sender may be nobody */
			return err_set(e, ERR_USAGE, "recipient: the address is empty");
	}
	o->from = c->from;
	o->to = c->to;
	o->to_count = c->w.to_count;
	o->send = c->w.send;
	return 0;
}

static int run(struct check *c, struct err *e)
{
	struct probe_options o = { .account = &c->account, .secret_from = c->secret_from,
		.place = c->place[0] ? c->place : NULL, .all = c->w.all, .questions = c->w.questions,
		.question_count = c->w.question_count, .milliseconds = c->w.seconds * 1000,
		.stage = check_show_stage, .trace = c->globals->verbose ? print_trace : NULL,
		.context = &c->show };
	struct probe_finding f = { .cause = NULL };
	int code;

	if (make_envelope(c, &o, e) < 0)
		return print_failure(e);
	check_show_begin(&c->show, c->globals);
	check_show_account(&c->show, &c->account);
	if (find_secret(c, e) < 0) {
		fail(c, REPORT_SECRET, e, &f);
		code = f.cause->exit;
	} else {
		code = probe_run(&o, &f);
	}
	code = check_show_end(&c->show, &f, code);
	probe_finding_release(&f);
	return code;
}

static int check(struct check *c)
{
	struct probe_finding f = { .cause = NULL };
	struct err e = { 0 };
	int code;

	c->configured = config_load(&c->config, c->globals->config, &c->config_err) == 0;
	if (choose(c, &e) == 0 && mind_scope(c, &e) == 0)
		return run(c, &e);
	if (e.kind == ERR_USAGE)
		return print_failure(&e);
	check_show_begin(&c->show, c->globals);
	fail(c, REPORT_CONFIG, &e, &f);
	code = check_show_end(&c->show, &f, f.cause->exit);
	probe_finding_release(&f);
	return code;
}

/* ACCOUNT or ADDRESS; behind --remote-help the topic may stand as a word of its own. */
static int take_words(struct check *c, char **words, int count, struct err *e)
{
	int most = c->globals->account ? 0 : 1;

	if (c->w.remote_help && count > most) {
		char **bare = &c->w.questions[c->w.remote_help - 1];
		char **last = &c->w.questions[c->w.question_count - 1];

		if (add_question(&c->w, "--remote-help", "HELP", words[--count], e) < 0)
			return -1;
		free(*bare);
		*bare = *++last;
		c->w.question_count--;
	}
	if (count > most) {
		err_set(e, ERR_USAGE, "too many words: one account or address is checked at a time");
		return err_hint(e, "see `sendoff help check`");
	}
	c->word = count ? words[0] : NULL;
	if (c->w.send && c->w.to_count > 1) {
		err_set(e, ERR_USAGE, "--send sends one message to one address");
		return err_hint(e, "give either --send or --to");
	}
	return 0;
}

int cmd_check(struct globals *globals, char **words, int count)
{
	struct check c = { .globals = globals,
		.w = { .tls = SMTP_TLS_UNSET, .seconds = PROBE_SECONDS } };
	struct err e = { 0 };
	char name[] = "check", *named[] = { name };
	int code;

	if (opt_parse(check_options, &c.w, globals, words, &count, &e) < 0)
		code = print_failure(&e);
	else if (globals->help)
		code = cmd_help(globals, named, 1);
	else if (take_words(&c, words, count, &e) < 0)
		code = print_failure(&e);
	else
		code = check(&c);
	secret_wipe(&c.account.secret.given);
	unconfigured_release(&c.made);
	config_release(&c.config);
	for (size_t i = 0; i < c.w.question_count; i++)
		free(c.w.questions[i]);
	for (size_t i = 0; c.to && i < c.w.to_count; i++)
		free(c.to[i]);
	free(c.to);
	free(c.from);
	free(c.file);
	free(c.w.to);
	return code;
}
