/* runner/settings.c - the configuration in force, and its files; see settings.h. */
#include "runner/settings.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/mem.h"
#include "deliver/credential.h"

enum { STAMP_MAX = 64 << 10 };

static void forget(char ***paths, size_t *count)
{
	for (size_t i = 0; i < *count; i++)
		free((*paths)[i]);
	free(*paths);
	*paths = NULL;
	*count = 0;
}

static void add_path(struct settings *s, const char *path, size_t len)
{
	if (!len || path[0] != '/')
		return;
	s->paths = mem_grow(s->paths, s->count + 1, sizeof(*s->paths));
	s->paths[s->count++] = mem_copy(path, len);
}

/* The files that were tried, right or not, and the aliases. */
static void note_paths(struct settings *s, const struct config *c)
{
	const char *aliases = c->global.aliases ? c->global.aliases : "/etc/aliases";

	forget(&s->paths, &s->count);
	for (const char *at = buf_text(&c->tried); *at;) {
		size_t line = strcspn(at, "\n");
		const char *colon = memmem(at, line, ": ", 2);

		if (colon)
			add_path(s, at, (size_t)(colon - at));
		at += line + (at[line] == '\n');
	}
	add_path(s, aliases, strlen(aliases));
}

static void stamp_one(const char *path, struct buf *out)
{
	struct stat st;

	if (stat(path, &st) < 0)
		buf_add_text(out, "-\n");
	else
		buf_printf(out, "%llu %llu %lld %o %lld.%09ld %lld.%09ld\n",
			(unsigned long long)st.st_dev, (unsigned long long)st.st_ino,
			(long long)st.st_size, (unsigned)st.st_mode,
			(long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
			(long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
}

/* New. */
static char *stamp(const struct settings *s)
{
	struct buf out = BUF_INIT(STAMP_MAX);

	for (size_t i = 0; i < s->count; i++)
		stamp_one(s->paths[i], &out);
	return buf_take(&out);
}

/* ---- accounts that sign in */

static void note_tokens(struct settings *s)
{
	forget(&s->tokens, &s->token_count);
	for (size_t i = 0; s->config && i < s->config->count; i++) {
		char *path = credential_token_path(&s->config->accounts[i]);

		if (!path)
			continue;
		s->tokens = mem_grow(s->tokens, s->token_count + 1, sizeof(*s->tokens));
		s->tokens[s->token_count++] = path;
	}
}

bool settings_signed_in(struct settings *s)
{
	struct buf out = BUF_INIT(STAMP_MAX);
	bool changed;

	for (size_t i = 0; s->config && i < s->config->count; i++)
		if (account_signs_in(&s->config->accounts[i]))
			buf_printf(&out, "%lld\n",
				(long long)credential_signed_in(&s->config->accounts[i]));
	changed = !s->signed_in || strcmp(buf_text(&out), s->signed_in) != 0;
	free(s->signed_in);
	s->signed_in = buf_take(&out);
	return changed;
}

/* ---- the configuration */

/* Not where it can be moved: accounts point into it. */
static void drop(struct config **c)
{
	if (*c)
		config_release(*c);
	free(*c);
	*c = NULL;
}

int settings_load(struct settings *s)
{
	struct config *fresh = mem_alloc(sizeof(*fresh));

	s->why = (struct err){ .kind = ERR_NONE };
	s->faulty = config_load(fresh, s->file, &s->why) < 0;
	note_paths(s, fresh);
	free(s->stamp);
	s->stamp = stamp(s);
	drop(s->faulty ? &fresh : &s->config);
	if (fresh)
		s->config = fresh;
	note_tokens(s);
	settings_signed_in(s);
	return s->faulty ? -1 : 0;
}

void settings_add(struct settings *s, const char *path)
{
	struct buf out = BUF_INIT(STAMP_MAX);

	add_path(s, path, strlen(path));
	buf_add_text(&out, s->stamp);
	stamp_one(path, &out);
	free(s->stamp);
	s->stamp = buf_take(&out);
}

void settings_release(struct settings *s)
{
	drop(&s->config);
	forget(&s->paths, &s->count);
	forget(&s->tokens, &s->token_count);
	free(s->signed_in);
	free(s->stamp);
	*s = (struct settings){ .file = NULL };
}

bool settings_changed(const struct settings *s)
{
	char *now = stamp(s);
	bool changed = strcmp(now, s->stamp) != 0;

	free(now);
	return changed;
}
