/* probe/finding.c - what is wrong, and what to do; see state.h.
 *
 * The cause and its next step are deliver/cause's; what a check knows beyond that is
 * what else was tried (ways.c) and what the provider wants.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deliver/credential.h"
#include "deliver/provided.h"
#include "probe/state.h"

static void forget(struct probe_finding *f)
{
	free(f->said);
	free(f->what);
	free(f->next);
	f->said = f->what = f->next = NULL;
}

static char *copy(const char *text)
{
	return text && text[0] ? report_copy(text) : NULL;
}

/* Where there is no file to set a key in, it is an option. */
static void set_next(const struct probe *p, const char *hint)
{
	struct probe_finding *f = p->out;
	char words[CREDENTIAL_NEXT_MAX];
	const char *next = hint && hint[0] ? hint : credential_next(&p->account, f->cause, words);

	f->next = next && !p->o->place && strstr(next, "set ") && strstr(next, " = ") ?
		mem_printf("%s (here it is an option: --set KEY=VALUE)", next) : copy(next);
}

void finding_of_err(struct probe *p, enum report_step step, const struct err *e)
{
	struct probe_finding *f = p->out;

	forget(f);
	f->step = step;
	f->cause = cause_of_err(e);
	f->exit = f->cause->exit;
	f->what = copy(e->text);
	set_next(p, e->hint);
}

void finding_of_result(struct probe *p, enum report_step step, const struct smtp_result *r)
{
	struct probe_finding *f = p->out;

	forget(f);
	f->step = step;
	f->cause = cause_of_result(r, p->account.net.host);
	f->exit = r->code / 100 == 4 ? cause_exit_again() : f->cause->exit;
	if (r->code)
		f->said = copy(r->text);
	else
		f->what = copy(r->text);
	set_next(p, r->hint);
}

/* Where a refusal says no more than that, the provider's own habits do. */
static void ask_provider(struct probe *p)
{
	struct probe_finding *f = p->out;
	const struct preset *known = provided_preset(&p->account);
	bool stranger = known && !strcmp(f->cause->id, "certificate-wrong-name");

	if (!known || (!stranger && strcmp(f->cause->id, "login-refused") != 0))
		return;
	free(f->next);
	f->next = stranger ? mem_printf("this is not the server of %s: a login portal, virus scanner "
		"or VPN stands in between; try another network", known->name) :
		mem_printf("%s %s", known->name, known->note);
}

void finding_of_failure(struct probe *p, enum report_step step, const struct smtp_failure *f)
{
	if (f->err.kind)
		finding_of_err(p, step, &f->err);
	else
		finding_of_result(p, step, &f->result);
	ask_provider(p);
}

void finding_of_secret(struct probe *p, enum report_step step, const struct smtp_failure *f)
{
	p->out->step = step;
	p->out->said = copy(f->result.text);
}

void finding_set(struct probe_finding *f, const char *format, ...)
{
	va_list args;
	struct buf line = BUF_INIT(1024);

	if (f->setting_count == PROBE_SETTINGS_MOST)
		return;
	va_start(args, format);
	buf_vprintf(&line, format, args);
	va_end(args);
	f->settings[f->setting_count++] = buf_take(&line);
}

void probe_finding_release(struct probe_finding *f)
{
	forget(f);
	free(f->works);
	for (size_t i = 0; i < f->setting_count; i++)
		free(f->settings[i]);
	memset(f, 0, sizeof(*f));
}

static void add(json_t *object, const char *name, const char *text)
{
	if (text && text[0])
		json_object_set_new(object, name, report_string(text));
}

json_t *probe_finding_json(const struct probe_finding *f)
{
	json_t *object = json_object(), *settings = json_array();

	for (size_t i = 0; i < f->setting_count; i++)
		json_array_append_new(settings, report_string(f->settings[i]));
	add(object, "stage", report_step_name(f->step));
	add(object, "where", f->where);
	add(object, "said", f->said);
	add(object, "what", f->what);
	add(object, "cause", f->cause->id);
	add(object, "words", f->cause->words);
	add(object, "next", f->next);
	add(object, "works", f->works);
	json_object_set_new(object, "settings", settings);
	return object;
}
