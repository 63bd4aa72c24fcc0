/* probe/report.c - what a check found; see report.h. */
#include "probe/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum { LINE_MAX_OCTETS = 4096 };

static const struct mask *hidden;   /* borrowed; what is never told */

const char *report_step_name(enum report_step step)
{
	static const char *const names[REPORT_STEPS] = {
		[REPORT_SURROUNDINGS] = "surroundings", [REPORT_SERVER] = "server", [REPORT_CONFIG] = "configuration",
		[REPORT_SECRET] = "secret", [REPORT_NAME] = "name", [REPORT_CONNECT] = "connect",
		[REPORT_TLS] = "tls", [REPORT_EHLO] = "ehlo", [REPORT_LHLO] = "lhlo",
		[REPORT_LOGIN] = "login",
		[REPORT_ENVELOPE] = "envelope", [REPORT_SEND] = "send", [REPORT_ASK] = "ask",
		[REPORT_QUIT] = "quit",
		[REPORT_EVERY] = "every", [REPORT_PIPELINING] = "pipelining",
		[REPORT_ELSEWHERE] = "elsewhere",
	};

	return names[step];
}

const char *report_mark_name(enum report_mark mark)
{
	static const char *const names[] = {
		[MARK_NONE] = "note", [MARK_OK] = "ok", [MARK_WARNING] = "warning",
		[MARK_FAILED] = "failed", [MARK_SKIPPED] = "skipped",
	};

	return names[mark];
}

struct report_stage *report_stage_new(enum report_step step)
{
	struct report_stage *s = mem_alloc(sizeof(*s));

	s->step = step;
	s->ms = -1;
	s->facts = json_object();
	return s;
}

void report_stage_free(struct report_stage **sp)
{
	struct report_stage *s = *sp;

	if (!s)
		return;
	free(s->line);
	for (size_t i = 0; i < s->more_count; i++)
		free(s->more[i].text);
	free(s->more);
	json_decref(s->facts);
	free(s);
	*sp = NULL;
}

/* Cleaned, whatever was put into it; what is too long ends in dots. */
__attribute__((format(printf, 1, 0)))
static char *written(const char *format, va_list args)
{
	char text[LINE_MAX_OCTETS + 2];
	struct buf clean = BUF_INIT(4 * LINE_MAX_OCTETS);

	vsnprintf(text, sizeof(text), format, args);
	if (hidden)
		mask_apply(hidden, text, strlen(text));
	text_clean(text, strlen(text), LINE_MAX_OCTETS, &clean);
	return buf_take(&clean);
}

void report_say(struct report_stage *s, enum report_mark mark, const char *format, ...)
{
	va_list args;

	free(s->line);
	va_start(args, format);
	s->line = written(format, args);
	va_end(args);
	s->mark = mark;
}

/* How bad a mark is. */
static int weight(enum report_mark mark)
{
	return mark == MARK_FAILED ? 2 : mark == MARK_WARNING;
}

void report_more(struct report_stage *s, enum report_mark mark, const char *format, ...)
{
	va_list args;

	s->more = mem_grow(s->more, s->more_count + 1, sizeof(*s->more));
	va_start(args, format);
	s->more[s->more_count++] = (struct report_line){ .mark = mark, .text = written(format, args) };
	va_end(args);
	if (weight(mark) > weight(s->mark))
		s->mark = mark;
}

void report_hide(const struct mask *secret)
{
	hidden = secret;
}

char *report_copy(const char *text)
{
	struct buf clean = BUF_INIT(4 * LINE_MAX_OCTETS);
	char *copy = mem_string(text);

	if (hidden)
		mask_apply(hidden, copy, strlen(copy));
	text_clean(copy, strlen(copy), LINE_MAX_OCTETS, &clean);
	free(copy);
	return clean.len ? buf_take(&clean) : mem_string("");
}

json_t *report_string(const char *text)
{
	char *copy = report_copy(text);
	json_t *string = json_string(copy);

	free(copy);
	return string;
}

void report_json(struct report_stage *s, const char *name, json_t *value)
{
	json_object_set_new_nocheck(s->facts, name, value);
}

void report_text(struct report_stage *s, const char *name, const char *value)
{
	if (value)
		report_json(s, name, report_string(value));
}

void report_number(struct report_stage *s, const char *name, int64_t value)
{
	report_json(s, name, json_integer(value));
}

void report_bool(struct report_stage *s, const char *name, bool value)
{
	report_json(s, name, json_boolean(value));
}
