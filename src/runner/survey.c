/* runner/survey.c - a look at the whole queue; see survey.h.
 *
 * The child writes texts with a NUL behind each: a path may hold any other octet.
 * Three make an account: when, configuration, name; at the end stands "end", or
 * "error" and why.
 */
#include "runner/survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "deliver/flush.h"

enum { PATIENCE_MS = 30 * 60 * 1000, FOUND_MAX = 16 << 20 };

/* ---- in the child */

static void add(struct buf *out, const char *text)
{
	buf_add(out, text, strlen(text) + 1);
}

static void note_account(void *context, const char *config, const char *name, int64_t when)
{
	struct buf *out = context;
	char number[24];

	snprintf(number, sizeof(number), "%lld", (long long)when);
	add(out, number);
	add(out, config ? config : "");
	add(out, name);
}

static int look(const struct survey *s, struct buf *out, struct err *e)
{
	const time_t now = time(NULL);
	struct spool *spool = NULL;
	int good;

	if (spool_open(&spool, s->spool, false, e) < 0)
		return -1;
	if (s->sweep)
		spool_sweep(spool, now);
	if (s->sweep && s->config)
		spool_expire_failed(spool, now, s->config->global.failed_keep / 1000);
	good = s->config ? flush_survey(spool, s->config, note_account, out, e) : 0;
	spool_close(&spool);
	return good;
}

static int run(int fd, void *context)
{
	struct buf out = BUF_INIT(FOUND_MAX);
	struct err e = { 0 };
	int good = look(context, &out, &e);

	add(&out, good == 0 ? "end" : "error");
	if (good < 0)
		add(&out, e.text);
	good = work_tell(fd, &out);
	buf_release(&out);
	return good < 0;
}

/* ---- in the supervisor */

/* The next text, or NULL. */
static const char *take(const char **at, const char *end)
{
	const char *text = *at, *nul = *at < end ? memchr(*at, '\0', (size_t)(end - *at)) : NULL;

	if (nul)
		*at = nul + 1;
	return nul ? text : NULL;
}

bool survey_read(struct agenda *a, const char *found, size_t len, const char **why)
{
	const char *at = found, *end = found + len, *word;
	const int64_t now = time(NULL);

	*why = NULL;
	agenda_begin(a);
	while ((word = take(&at, end)) && word[0] >= '0' && word[0] <= '9') {
		const char *config = take(&at, end), *account = take(&at, end);

		if (!account)
			return false;
		agenda_note(a, config[0] ? config : NULL, account, strtoll(word, NULL, 10), now);
	}
	if (word && !strcmp(word, "error"))
		*why = take(&at, end);
	if (!word || strcmp(word, "end") != 0)
		return false;
	agenda_end(a);
	return true;
}

static void finish(void *context, const struct buf *found, bool good)
{
	struct survey *s = context;
	const char *why = NULL;

	s->work = NULL;
	if (!good)
		why = "the queue could not be looked through";
	else if (!survey_read(s->agenda, buf_text(found), found->len, &why) && !why)
		why = "what was found in the queue could not be read";
	s->done(s->context, why);
}

int survey_begin(struct survey *s, struct loop *l, struct err *e)
{
	const struct work_order order = { .run = run, .done = finish, .context = s,
		.ms = PATIENCE_MS, .most = FOUND_MAX };

	s->work = work_start(l, &order, e);
	return s->work ? 0 : -1;
}

void survey_stop(struct survey *s)
{
	work_free(&s->work);
}
