/* cmd/check.c - sendoff check: why does this login not work?  See check.h. */
#include "cmd/check.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mail/address.h"
#include "probe/configuration.h"
#include "probe/surroundings.h"

/* Before anything is tried. */
static void fail(enum report_step step, const struct err *e, struct probe_finding *f)
{
	*f = (struct probe_finding){ .step = step, .cause = cause_of_err(e),
		.what = mem_string(e->text) };
	f->next = e->hint[0] ? mem_string(e->hint) : f->cause->next ? mem_string(f->cause->next) : NULL;
}

static void show_failed(struct check *c, enum report_step step, const struct err *e)
{
	struct report_stage *s = report_stage_new(step);

	report_say(s, MARK_FAILED, "%s", e->text);
	check_show_stage(&c->show, s);
	report_stage_free(&s);
}

/* The first two stages: who we are and what is around us, and the files.  e: no account
 * came of them; NULL. */
static void show_where_we_are(struct check *c, const struct err *e)
{
	const struct account *a = e ? NULL : &c->account;
	struct surroundings *around = surroundings_look(&c->config, a);
	struct report_stage *s = report_stage_new(REPORT_SURROUNDINGS);

	surroundings_tell(around, s);
	surroundings_free(&around);
	check_show_stage(&c->show, s);
	report_stage_free(&s);
	s = report_stage_new(REPORT_CONFIG);
	configuration_tell(c->is_made ? NULL : &c->config, a, a ? c->why : NULL, e, s);
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
	if (from && c->from[0] && !strchr(c->from, '@') && a->net.host[0] != '/') {
		err_set(e, ERR_USAGE, "the sender is no whole address");
		return err_hint(e, "name one with --from ADDRESS");
	}
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
		.question_count = c->w.question_count, .milliseconds = c->w.seconds * 1000 - c->spent,
		.stage = check_show_stage, .trace = c->globals->verbose ? print_trace : NULL,
		.context = &c->show };
	struct probe_finding f = { .cause = NULL };
	int code;

	if (make_envelope(c, &o, e) < 0) {
		check_show_drop(&c->show);
		return print_failure(e);
	}
	check_show_account(&c->show, &c->account);
	show_where_we_are(c, NULL);
	if (check_find_secret(c, e) < 0) {
		fail(REPORT_SECRET, e, &f);
		show_failed(c, REPORT_SECRET, e);
		code = f.cause->exit;
	} else {
		code = probe_run(&o, &f);
	}
	if (!code && c->is_made)
		check_show_keep(&c->show, &c->account, c->w.settings, c->w.setting_count);
	code = check_show_end(&c->show, &f, code);
	probe_finding_release(&f);
	return code;
}

static int check(struct check *c)
{
	struct probe_finding f = { .cause = NULL };
	struct err e = { 0 };
	int code;

	check_show_begin(&c->show, c->globals);
	if (check_choose(c, &e) == 0)
		return run(c, &e);
	if (e.kind == ERR_USAGE && !c->server_told) {
		check_show_drop(&c->show);
		return print_failure(&e);
	}
	if (!c->server_told)
		show_where_we_are(c, &e);
	fail(c->server_told ? REPORT_SERVER : REPORT_CONFIG, &e, &f);
	code = check_show_end(&c->show, &f, f.cause->exit);
	probe_finding_release(&f);
	return code;
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
	else if (check_take_words(&c, words, count, &e) < 0)
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
	free(c.w.settings);
	return code;
}
