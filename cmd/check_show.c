/* cmd/check_show.c - a check, shown; see check.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cmd/check.h"

enum { SCHEMA = 1, JSON_MOST = 1 << 28 };   /* raised when a member changes its meaning */
enum { NAME_COLUMNS = 13, TIME_COLUMNS = 8, BELOW_COLUMNS = 6, ROOM_COLUMNS = 34 };

void check_show_drop(struct check_show *show)
{
	json_decref(show->object);
	json_decref(show->stages);
	show->object = show->stages = NULL;
}

void check_show_begin(struct check_show *show, const struct globals *globals)
{
	memset(show, 0, sizeof(*show));
	show->json = globals->json;
	show->quiet = globals->quiet;
	if (show->json) {
		show->object = json_pack("{s:i}", "schema", SCHEMA);
		show->stages = json_array();
	} else {
		screen_look(&show->screen, 1);
	}
}

static void put(struct check_show *show, struct buf *out)
{
	if (!show->quiet && !show->failed)
		show->failed = print_out(out);
	buf_release(out);
}

void check_show_account(struct check_show *show, const struct account *a)
{
	char where[320];

	if (!show->json)   /* the stage of the configuration says it */
		return;
	account_where(a, where, sizeof(where));
	json_object_set_new(show->object, "account", report_string(a->name));
	json_object_set_new(show->object, "server", report_string(where));
	json_object_set_new(show->object, "tls", json_string(smtp_tls_name(a->smtp.tls)));
	if (a->sasl.user)
		json_object_set_new(show->object, "user", report_string(a->sasl.user));
}

/* ---- stages */

static json_t *stage_json(const struct report_stage *s)
{
	json_t *object = json_object(), *lines = json_array();

	for (size_t i = 0; i < s->more_count; i++) {
		json_t *line = json_object();

		json_object_set_new(line, "mark", json_string(report_mark_name(s->more[i].mark)));
		json_object_set_new(line, "text", json_string(s->more[i].text));
		json_array_append_new(lines, line);
	}
	json_object_set_new(object, "stage", json_string(report_step_name(s->step)));
	json_object_set_new(object, "mark", json_string(report_mark_name(s->mark)));
	if (s->ms >= 0)
		json_object_set_new(object, "ms", json_integer(s->ms));
	if (s->line)
		json_object_set_new(object, "text", json_string(s->line));
	json_object_set_new(object, "lines", lines);
	json_object_set(object, "facts", s->facts);
	return object;
}

static void line_below(const struct screen *screen, const struct report_line *line, unsigned indent,
	struct buf *out)
{
	unsigned blanks = (unsigned)strspn(line->text, " ");
	struct screen_text text = { .screen = screen, .out = out };

	if (line->mark == MARK_WARNING || line->mark == MARK_FAILED) {
		buf_printf(out, "%*s", (int)(indent - screen_mark_columns(screen) - 1), "");
		screen_mark(screen, line->mark, out);
		buf_add_char(out, ' ');
	} else {
		buf_printf(out, "%*s", (int)indent, "");
	}
	buf_printf(out, "%*s", (int)blanks, "");
	text.column = indent + blanks;
	text.hang = indent + blanks + 2;
	screen_write(&text, line->mark == MARK_NONE ? STYLE_DIM : STYLE_PLAIN, line->text + blanks);
	screen_end(&text);
}

void check_show_stage(void *context, const struct report_stage *s)
{
	struct check_show *show = context;
	const struct screen *screen = &show->screen;
	unsigned indent = screen_mark_columns(screen) + 1 + NAME_COLUMNS + 1 + TIME_COLUMNS + 2;
	/* On a narrow terminal what is said gets nearly all of its width. */
	unsigned hang = screen->width < indent + ROOM_COLUMNS ? BELOW_COLUMNS : indent;
	struct buf out = BUF_INIT(1 << 20);
	struct screen_text text = { .screen = screen, .out = &out, .column = indent, .hang = hang };
	char time[32] = "";

	show->sent |= s->step == REPORT_SEND;
	show->asked |= s->step == REPORT_ASK;
	if (show->json) {
		json_array_append_new(show->stages, stage_json(s));
		return;
	}
	if (s->ms >= 0)
		snprintf(time, sizeof(time), "%" PRId64 " ms", s->ms);
	screen_mark(screen, s->mark, &out);
	buf_add_char(&out, ' ');
	screen_pad(screen, STYLE_BOLD, report_step_name(s->step), NAME_COLUMNS, &out);
	buf_printf(&out, " %*s  ", TIME_COLUMNS, time);
	screen_write(&text, s->mark == MARK_FAILED ? STYLE_RED : STYLE_PLAIN, s->line ? s->line : "");
	screen_end(&text);
	for (size_t i = 0; i < s->more_count; i++)
		line_below(screen, &s->more[i], BELOW_COLUMNS, &out);
	put(show, &out);
}

/* ---- the verdict */

static void paragraph(const struct screen *screen, const char *what, enum screen_style style,
	const char *words, struct buf *out)
{
	struct screen_text text = { .screen = screen, .out = out, .hang = 10 };

	if (!words || !words[0])
		return;
	screen_pad(screen, STYLE_BOLD, what, 10, out);
	text.column = 10;
	screen_write(&text, style, words);
	screen_end(&text);
}

static void show_finding(const struct check_show *show, const struct probe_finding *f,
	struct buf *out)
{
	const struct screen *screen = &show->screen;
	struct buf head = BUF_INIT(1024), cause = BUF_INIT(4096);

	buf_printf(&head, "%s%s%s", report_step_name(f->step), f->where[0] ? ", at " : "", f->where);
	buf_printf(&cause, "%s (%s)", f->cause->words, f->cause->id);
	buf_add_char(out, '\n');
	paragraph(screen, "failed", STYLE_RED, buf_text(&head), out);
	paragraph(screen, "said", STYLE_PLAIN, f->said, out);
	paragraph(screen, "what", STYLE_PLAIN, f->what, out);
	paragraph(screen, "cause", STYLE_PLAIN, buf_text(&cause), out);
	paragraph(screen, "works", STYLE_GREEN, f->works, out);
	paragraph(screen, "next", STYLE_PLAIN, f->next, out);
	for (size_t i = 0; i < f->setting_count; i++)
		paragraph(screen, i ? "" : "set", STYLE_BOLD, f->settings[i], out);
	buf_release(&head);
	buf_release(&cause);
}

/* "KEY=VALUE" as a file has it. */
static json_t *setting_line(const char *setting)
{
	size_t len = strcspn(setting, " \t=");
	char *line = mem_printf("%.*s = %s", (int)len, setting,
		setting + strcspn(setting, "=") + 1 + strspn(strchr(setting, '=') + 1, " \t"));
	json_t *string = report_string(line);

	free(line);
	return string;
}

void check_show_keep(struct check_show *show, const struct account *a,
	const char *const *settings, size_t count)
{
	struct buf out = BUF_INIT(8192);
	struct screen_text line = { .screen = &show->screen, .out = &out };
	json_t *lines = json_array();
	bool own = false;            /* where its password comes from is said */
	char text[700];
	const char *keys[] = { "host", "user", "from" };
	const char *values[] = { a->net.host, a->sasl.user, a->who.from };

	json_array_append_new(lines, json_string("[account mail]"));
	for (int i = 0; i < 3; i++) {
		if (values[i]) {
			snprintf(text, sizeof(text), "%s = %s", keys[i], values[i]);
			json_array_append_new(lines, report_string(text));
		}
		if (!i) {
			snprintf(text, sizeof(text), "port = %ld", a->net.port);
			json_array_append_new(lines, json_string(text));
			snprintf(text, sizeof(text), "tls = %s", smtp_tls_name(a->smtp.tls));
			json_array_append_new(lines, json_string(text));
		}
	}
	for (size_t i = 0; i < count; i++) {
		own |= !strncmp(settings[i], "password_", 9);
		json_array_append_new(lines, setting_line(settings[i]));
	}
	if (a->sasl.user && !own)
		json_array_append_new(lines, json_string("password_command = COMMAND"));
	if (show->json) {
		json_object_set_new(show->object, "keep", lines);
		return;
	}
	buf_add_char(&out, '\n');
	screen_write(&line, STYLE_PLAIN, "To keep it, write this into ~/.config/sendoff/config:");
	screen_end(&line);
	for (size_t i = 0; i < json_array_size(lines); i++)
		buf_printf(&out, "    %s\n", json_string_value(json_array_get(lines, i)));
	json_decref(lines);
	put(show, &out);
}

int check_show_end(struct check_show *show, const struct probe_finding *f, int code)
{
	struct buf out = BUF_INIT(JSON_MOST);

	if (show->json) {
		char *text;

		json_object_set_new(show->object, "ok", json_boolean(!code));
		json_object_set_new(show->object, "exit", json_integer(code));
		json_object_set_new(show->object, "stages", show->stages);
		if (f->cause)
			json_object_set_new(show->object, "failed", probe_finding_json(f));
		text = json_dumps(show->object, JSON_COMPACT);
		if (text)
			buf_printf(&out, "%s\n", text);
		free(text);
		json_decref(show->object);
	} else if (f->cause) {
		show_finding(show, f, &out);
	} else {
		buf_add_char(&out, '\n');
		screen_add(&show->screen, STYLE_GREEN, "all is well", &out);
		buf_add_text(&out, show->sent ? ": the test message is on its way\n" : show->asked ?
			"\n" : ": nothing was sent\n");
	}
	put(show, &out);
	return show->failed ? show->failed : code;
}
