/* probe/configuration.c - the stage "configuration"; see configuration.h. */
#include "probe/configuration.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/confinement.h"

/* ---- the sources */

enum came { CAME_READ, CAME_ABSENT, CAME_DENIED, CAME_FAULTY };

static const struct {
	const char *words;         /* of the list of those tried */
	enum came came;
	enum report_mark mark;
	const char *name;
} outcomes[] = {
	{ "read", CAME_READ, MARK_OK, "read" },
	{ "handed on", CAME_READ, MARK_OK, "read" },
	{ "absent", CAME_ABSENT, MARK_NONE, "absent" },
	{ "no home directory", CAME_ABSENT, MARK_NONE, "absent" },
	{ "no permission to read it", CAME_DENIED, MARK_NONE, "denied" },
};

struct tried {
	const char *path, *words;
	size_t path_len, words_len;
	enum came came;
	enum report_mark mark;
	const char *name;
};

/* "PATH: what came of it"; false: no such line. */
static bool read_tried(const char *line, size_t len, struct tried *t)
{
	const char *colon = memmem(line, len, ": ", 2);

	if (!colon)
		return false;
	*t = (struct tried){ .path = line, .path_len = (size_t)(colon - line), .words = colon + 2,
		.words_len = len - (size_t)(colon + 2 - line), .came = CAME_FAULTY,
		.mark = MARK_FAILED, .name = "faulty" };
	for (size_t i = 0; i < COUNT(outcomes); i++)
		if (t->words_len == strlen(outcomes[i].words) &&
				!memcmp(t->words, outcomes[i].words, t->words_len)) {
			t->came = outcomes[i].came;
			t->mark = outcomes[i].mark;
			t->name = outcomes[i].name;
		}
	return true;
}

/* Nobody need read the system's file where a runner does; a policy that keeps it from
 * us is another matter. */
static void tell_denied(const struct tried *t, const struct config *c, struct report_stage *stage)
{
	char *path = mem_copy(t->path, t->path_len);
	struct confinement confinement;
	struct buf blame = BUF_INIT(2048);

	confinement_read("/proc/self", "", &confinement);
	if (confinement_is_policy(&confinement, path, R_OK)) {
		confinement_blame(&confinement, &blame);
		report_more(stage, MARK_WARNING, "%s: permission denied although its mode allows it: %s",
			path, buf_text(&blame));
	} else {
		report_more(stage, MARK_NONE, "%s: no permission to read it%s", path,
			c->runner ? ", so the system's runner is asked" : "");
	}
	buf_release(&blame);
	free(path);
}

static void tell_tried(const struct config *c, const struct err *e, struct report_stage *stage)
{
	const char *at = buf_text(&c->tried);
	json_t *list = json_array();
	struct tried t;

	for (size_t len; *at; at += len + (at[len] == '\n')) {
		json_t *one;
		char *path;

		len = strcspn(at, "\n");
		if (!read_tried(at, len, &t))
			continue;
		path = mem_copy(t.path, t.path_len);
		one = json_object();
		json_object_set_new(one, "path", report_string(path));
		json_object_set_new(one, "result", json_string(t.name));
		json_array_append_new(list, one);
		free(path);
		if (t.came == CAME_DENIED)
			tell_denied(&t, c, stage);
		else if (e && memmem(e->text, strlen(e->text), t.path, t.path_len))
			continue;   /* said already */
		else if (t.came != CAME_READ || e)
			report_more(stage, t.mark, "%.*s: %s", (int)t.path_len, t.path,
				t.came == CAME_FAULTY ? "not used" : t.came == CAME_READ ? "read" : "absent");
	}
	report_json(stage, "tried", list);
}

/* ---- the account */

static void list_accounts(const struct config *c, struct report_stage *stage)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->count; i++)
		json_array_append_new(list, report_string(c->accounts[i].name));
	report_json(stage, "accounts", list);
}

static void account_json(const struct config *c, const struct account *a, const char *why,
	struct report_stage *stage)
{
	struct buf origin = BUF_INIT(4096);

	report_text(stage, "account", a->name);
	report_text(stage, "chosen", why);
	report_text(stage, "source", a->source ? a->source->name : NULL);
	report_text(stage, "host", a->net.host);
	if (a->net.host[0] != '/')
		report_number(stage, "port", a->net.port);
	report_text(stage, "protocol", a->smtp.protocol == PROTOCOL_LMTP ? "lmtp" : "smtp");
	report_text(stage, "tls", smtp_tls_name(a->smtp.tls));
	report_bool(stage, "tls_verify", a->tls.verify);
	report_text(stage, "user", a->sasl.user);
	report_text(stage, "from", a->who.from);
	if (a->source) {
		config_origin(c, a, "host", &origin);
		report_text(stage, "origin", buf_text(&origin));
	}
	buf_release(&origin);
}

static void account_line(const struct config *c, const struct account *a, const char *why,
	struct report_stage *stage)
{
	struct buf line = BUF_INIT(4096);
	char where[512];

	account_where(a, where, sizeof(where));
	if (c)
		buf_printf(&line, "account %s", a->name);
	if (!c)
		buf_add_text(&line, "none: it stands in no file");
	else if (why)
		buf_printf(&line, " (%s)", why);
	if (c && a->source && strcmp(a->source->name, a->name) != 0)
		buf_printf(&line, " of %s", a->source->name);   /* "environment" is both */
	buf_printf(&line, ": %s", where);
	if (a->net.host[0] != '/')
		buf_printf(&line, ", tls %s", smtp_tls_name(a->smtp.tls));
	if (a->smtp.protocol == PROTOCOL_LMTP)
		buf_add_text(&line, ", LMTP");
	if (a->sasl.user)
		buf_printf(&line, ", user %s", a->sasl.user);
	report_say(stage, MARK_OK, "%s", buf_text(&line));
	buf_release(&line);
}

/* What is allowed, and meant to be rare. */
static void tell_risks(const struct account *a, struct report_stage *stage)
{
	if (a->net.host[0] == '/')
		return;
	if (a->smtp.tls == SMTP_TLS_OFF)
		report_more(stage, MARK_WARNING, "tls is off: whoever is on the way reads all of it; set "
			"tls = starttls, or implicit");
	else if (a->smtp.tls == SMTP_TLS_OPPORTUNISTIC)
		report_more(stage, MARK_WARNING, "tls is opportunistic: whoever is on the way can have all "
			"of it sent in clear; set tls = starttls where the server offers that");
	else if (!a->tls.verify && !a->tls.pins.count)
		report_more(stage, MARK_WARNING, "tls_verify is off: any server will be believed; set "
			"tls_pin to the server's key instead");
	if (a->smtp.tls == SMTP_TLS_OFF && a->sasl.allow_clear_password)
		report_more(stage, MARK_WARNING, "allow_clear_password is on: the password may be sent for "
			"all to read");
	if (account_mixes_up(a))
		report_more(stage, MARK_WARNING, "port %ld speaks TLS from the start: set tls = implicit",
			a->net.port);
}

void configuration_tell(const struct config *c, const struct account *a, const char *why,
	const struct err *e, struct report_stage *stage)
{
	if (e) {
		report_say(stage, MARK_FAILED, "%s", e->text);
	} else if (a) {
		account_line(c, a, why, stage);
		account_json(c, a, why, stage);
		tell_risks(a, stage);
	} else {
		report_say(stage, MARK_OK, "no account");
	}
	if (!c)
		return;
	tell_tried(c, e, stage);
	list_accounts(c, stage);
}
