/* t/server/mood.c - see mood.h. */
#include "t/server/mood.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "t/server/journal.h"

enum { MOOD_MAX = 1 << 16 };

static void mood_read(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "re");
	char *room;

	if (!f)
		return;
	room = buf_reserve(out, MOOD_MAX);
	out->len = fread(room, 1, MOOD_MAX, f);
	out->data[out->len] = '\0';
	fclose(f);
}

static struct fault *mood_parse(const char *text)
{
	struct fault *list = NULL;

	while (*text) {
		size_t len = strcspn(text, "\n");
		char *line = mem_copy(text, len);

		if (len && fault_add(&list, line) < 0)
			journal_say(0, "FAULT", "cannot read the mood '%s'", line);
		free(line);
		text += len;
		text += *text == '\n';
	}
	return list;
}

struct fault *mood_now(const char *path)
{
	static struct fault *list;
	static struct buf text;
	struct buf now = BUF_INIT(MOOD_MAX + 1);

	if (!path)
		return NULL;
	mood_read(path, &now);
	if (strcmp(buf_text(&now), buf_text(&text))) {
		list = mood_parse(buf_text(&now));
		buf_release(&text);
		text = now;
		return list;
	}
	buf_release(&now);
	return list;
}
