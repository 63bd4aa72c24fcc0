/* cmd/sendmail.c - the interface that programs have called for thirty years.
 *
 * As in every real sendmail the options end at the first address, and each
 * letter has the arity that it has elsewhere: a value taken for an address
 * would be mailed.  Options that have no meaning here are parsed and ignored;
 * under the name sendmail those that name files are among them, since programs
 * pass foreign text here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "cmd/send.h"
#include "cmd/sendmail.h"

struct sendmail {
	struct submit_options o;
	struct globals *globals;
	struct dsn dsn;
	struct modes modes;
	bool own_name, mode_name;   /* called as sendoff; as mailq or newaliases */
	bool facts;      /* -d0.1: what this program is, for whoever asks */
};

enum shape {
	SHAPE_UNKNOWN,
	SHAPE_FLAG,      /* alone, or in a cluster */
	SHAPE_VALUE,     /* a value, joined or the next word */
	SHAPE_JOINED     /* what is joined belongs to it, perhaps nothing */
};

static enum shape shape_of(char letter)
{
	if (strchr("timnvUGxEJIcs", letter))
		return SHAPE_FLAG;
	if (strchr("fFrBNRVOoLhpXCADbe", letter))
		return SHAPE_VALUE;
	return strchr("dqM", letter) ? SHAPE_JOINED : SHAPE_UNKNOWN;
}

/* -eX: how errors are told. */
static void take_errors(struct sendmail *s, char mode)
{
	s->o.errors = mode == 'q' ? ERRORS_QUIET : mode == 'p' ? ERRORS_PRINT : ERRORS_MAIL;
	s->o.report_is_success = mode == 'e';
}

/* -odX: when it is sent. */
static void take_delivery(struct sendmail *s, char mode)
{
	if (!mode || !strchr("ibq", mode))
		return;
	s->o.delivery_given = true;
	s->o.delivery = mode == 'i' ? DELIVERY_NOW : mode == 'b' ? DELIVERY_BACKGROUND :
		DELIVERY_QUEUE;
}

/* As elsewhere: nothing, or a word that does not begin like "no" or "false". */
static bool is_true(const char *value)
{
	return !strchr("fFnN0", value[0]) || !value[0];
}

/* -oX or -o X: only a few say something to us. */
static void take_o(struct sendmail *s, const char *value)
{
	if (value[0] == 'i')
		s->o.dot_ends = !is_true(value + 1);
	else if (value[0] == 'e')
		take_errors(s, value[1]);
	else if (value[0] == 'd')
		take_delivery(s, value[1]);
	else if (value[0] == 'v')
		s->globals->verbose = is_true(value + 1);
}

/* Exim has a few of these whose value is the next word. */
static bool o_has_value(const char *value)
{
	static const char *const names[] = { "A", "P", "X", "Ma", "Maa", "Mai", "Mas", "Mc", "Mi",
		"Mm", "Mr", "Ms", "Mt" };

	for (size_t i = 0; i < COUNT(names); i++)
		if (!strcmp(value, names[i]))
			return true;
	return false;
}

/* -O Name=value: the same under long names. */
static void take_long_o(struct sendmail *s, const char *text)
{
	static const struct { const char *name; char letter; } known[] = {
		{ "DeliveryMode", 'd' }, { "ErrorMode", 'e' }, { "IgnoreDots", 'i' },
		{ "Verbose", 'v' }
	};
	size_t len = strcspn(text, "=");
	const char *value = text[len] ? text + len + 1 : "";
	char letter[3];

	for (size_t i = 0; i < COUNT(known); i++) {
		if (!text_equal_fold(text, len, known[i].name, strlen(known[i].name)))
			continue;
		letter[0] = known[i].letter;
		letter[1] = value[0];
		letter[2] = '\0';
		take_o(s, letter);
	}
}

static void take_flag(struct sendmail *s, char letter)
{
	if (letter == 't')
		s->o.from_header = true;
	else if (letter == 'i')
		s->o.dot_ends = false;
	else if (letter == 'v')
		s->globals->verbose = true;
	else if (letter == 'G')
		s->o.as_it_came = true;
	else if (letter == 'I')
		s->modes.letter = 'i';
}

/* What is asked for of reports is no reason not to send. */
static int take_dsn(struct sendmail *s, char letter, const char *value)
{
	struct err e = { 0 };
	int result;

	if (letter == 'N') {
		result = dsn_parse_notify(value, &s->dsn.notify, &e);
	} else if (letter == 'R') {
		result = dsn_parse_ret(value, &s->dsn.ret, &e);
	} else {
		free(s->dsn.envid);
		s->dsn.envid = NULL;
		result = dsn_parse_envid(value, &s->dsn.envid, &e);
	}
	if (result < 0) {
		err_context(&e, "option -%c has no effect", letter);
		err_hint(&e, "sendmail(8) says what it takes");
		print_failure(&e);
	}
	return 0;
}

static int take_value(struct sendmail *s, char letter, const char *value, struct err *e)
{
	switch (letter) {
	case 'b':
		return modes_take_b(&s->modes, value, e);
	case 'e':
		take_errors(s, value[0]);
		return 0;
	case 'f':
	case 'r':
		s->o.sender = value;
		return 0;
	case 'F':
		s->o.full_name = value;
		return 0;
	case 'N':
	case 'R':
	case 'V':
		return take_dsn(s, letter, value);
	case 'o':
		take_o(s, value);
		return 0;
	case 'O':
		take_long_o(s, value);
		return 0;
	case 'L':
		s->o.tag = value;
		return 0;
	case 'C':
		if (s->own_name)
			s->globals->config = value;
		return 0;
	default:
		return 0;
	}
}

/* sendmail's macros say nothing here; Exim's verbs ask for something, and the ids
 * behind them are no addresses. */
static int take_M(const char *value, struct err *e)
{
	static const char *const verbs[] = { "", "ar", "c", "es", "f", "g", "mad", "md", "rm",
		"set", "t", "vb", "vc", "vh", "vl" };

	for (size_t i = 0; i < COUNT(verbs); i++)
		if (!strcmp(value, verbs[i])) {
			err_set(e, ERR_USAGE, "-M%s is for another program's queue", verbs[i]);
			return err_hint(e, "see `sendoff help queue` for what can be done with "
				"messages that wait");
		}
	return 0;
}

static int take_joined(struct sendmail *s, char letter, const char *value, struct err *e)
{
	if (letter == 'q')
		return modes_take_q(&s->modes, value, e);
	if (letter == 'M')
		return take_M(value, e);
	s->facts |= letter == 'd' && value[0] == '0' && (!value[1] || value[1] == '.');
	return 0;
}

static int unknown(const char *word, struct err *e)
{
	char shown[80];

	text_clean_to(shown, sizeof(shown), word, strlen(word));
	err_set(e, ERR_USAGE, "unknown option '%s'", shown);
	return err_hint(e, "sendmail(8) lists what is accepted; behind `--` a word that begins with "
		"a dash is an address");
}

/* One word of options; returns how many words it took, or -1. */
static int take_word(struct sendmail *s, char **words, int left, struct err *e)
{
	for (const char *at = words[0] + 1; *at; at++) {
		switch (shape_of(*at)) {
		case SHAPE_FLAG:
			take_flag(s, *at);
			break;
		case SHAPE_JOINED:
			return take_joined(s, *at, at + 1, e) < 0 ? -1 : 1;
		case SHAPE_VALUE:
			if (at[1])
				return take_value(s, *at, at + 1, e) < 0 ? -1 :
					*at == 'o' && o_has_value(at + 1) && left > 1 ? 2 : 1;
			if (left < 2)
				return err_set(e, ERR_USAGE, "option -%c needs a value", *at);
			return take_value(s, *at, words[1], e) < 0 ? -1 : 2;
		case SHAPE_UNKNOWN:
			return unknown(words[0], e);
		}
	}
	return 1;
}

static int parse(struct sendmail *s, char **words, int count, struct err *e)
{
	int at = 0;

	while (at < count && words[at][0] == '-' && words[at][1]) {
		int took;

		if (!strcmp(words[at], "--")) {
			at++;
			break;
		}
		if (!strcmp(words[at], "-tls-on-connect")) {   /* Exim's; no letters */
			at++;
			continue;
		}
		took = take_word(s, words + at, count - at, e);
		if (took < 0)
			return -1;
		at += took;
	}
	s->o.recipients = words + at;
	s->o.count = (size_t)(count - at);
	return 0;
}

/* -d0.1, alone or with a mode that tests addresses or has no meaning here. */
static bool wants_facts_only(const struct sendmail *s)
{
	return s->facts && !s->o.count && !s->o.from_header &&
		(!modes_other(&s->modes) || s->modes.letter == 't');
}

/* These read no message: what is given with recipients would be lost, and nobody told. */
static bool takes_none(const struct sendmail *s)
{
	return !s->mode_name && modes_other(&s->modes) &&
		!strchr("pvthH", s->modes.letter ? s->modes.letter : 'q') &&
		(s->o.count || s->o.from_header);
}

static int refuse_message(const struct sendmail *s)
{
	char letter[] = { 'b', s->modes.letter, '\0' };
	struct err e = { 0 };

	submit_drain(STDIN_FILENO);
	err_set(&e, ERR_USAGE, "with -%s no message is sent, and none was: it takes no recipients",
		s->modes.letter && s->modes.letter != 'm' ? letter : "q");
	err_hint(&e, "leave out the one or the other");
	return print_failure(&e);
}

static int run(struct sendmail *s)
{
	if (s->modes.letter == 's')
		return dialogue_run(s->globals, &s->o);
	if (takes_none(s))
		return refuse_message(s);
	if (s->modes.letter == 'S')
		return dialogue_batch(s->globals, &s->o);
	if (modes_other(&s->modes))
		return modes_run(&s->modes, s->globals, s->o.recipients, s->o.count);
	return send_one(s->globals, &s->o, &(struct send_manner){
		.quiet = s->o.errors == ERRORS_QUIET, .silent = true });
}

int sendmail_main(struct globals *globals, char **words, int count, char mode,
	bool under_own_name)
{
	struct sendmail s = { .o = { .input = STDIN_FILENO, .dot_ends = true,
		.log_fallback = "syslog", .report = true, .errors = ERRORS_MAIL }, .globals = globals,
		.own_name = under_own_name, .mode_name = mode != 0, .modes = { .letter = mode } };
	struct err e = { 0 };
	int code;

	if (parse(&s, words, count, &e) < 0) {
		submit_drain(STDIN_FILENO);
		code = print_failure(&e);
	} else {
		s.o.dsn = s.dsn;
		code = s.facts ? help_facts() : 0;
		if (!wants_facts_only(&s))
			code = run(&s);
	}
	free(s.dsn.envid);
	return code;
}
