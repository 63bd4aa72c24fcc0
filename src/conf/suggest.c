/* conf/suggest.c - what an unknown name was probably meant to be. */
#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "conf/internal.h"

enum { SHOWN_MAX = 32 };   /* octets of an unknown key's name that an error shows */

/* Keys are written in small letters with underscores; people write Tls-Host. */
static void plain_name(const char *name, char *out)
{
	for (; *name; name++, out++) {
		*out = *name == '-' ? '_' : *name;
		if (*out >= 'A' && *out <= 'Z')
			*out = (char)(*out + 32);
	}
	*out = '\0';
}

/* Edits that still count as a slip: two letters swapped are two edits. */
static size_t most_edits(size_t len)
{
	if (len < 4)
		return len / 2;
	return len < 8 ? 2 : 3;
}

size_t suggest_distance(const char *name, const char *candidate)
{
	char plain[CONF_NAME_MAX + 1];
	size_t len = strlen(name), distance;

	if (len > CONF_NAME_MAX)
		return SIZE_MAX;
	plain_name(name, plain);
	distance = text_distance(plain, candidate);
	if (distance <= most_edits(len))
		return distance;
	/* A beginning, as pass of password, counts behind every slip. */
	if (len >= 3 && !strncmp(plain, candidate, len))
		return CONF_NAME_MAX + strlen(candidate);
	return SIZE_MAX;
}

const char *conf_nearest(const char *name, const struct conf_table *tables)
{
	const char *nearest = NULL;
	size_t least = SIZE_MAX;

	for (; tables->keys; tables++)
		for (const struct key *row = tables->keys; row->name; row++) {
			size_t distance = suggest_distance(name, row->name);

			if (distance < least) {
				least = distance;
				nearest = row->name;
			}
		}
	return nearest;
}

static const char *place(enum conf_part part)
{
	return part == CONF_GLOBAL ? "[sendoff]" : "[defaults] or an [account NAME]";
}

int suggest_key(const char *where, const char *name, size_t len, enum conf_part part,
	const struct conf_table *own, const struct conf_table *other, struct err *e)
{
	enum conf_part elsewhere = part == CONF_GLOBAL ? CONF_ACCOUNT : CONF_GLOBAL;
	char whole[CONF_NAME_MAX + 1];
	struct buf shown = BUF_INIT(2 * SHOWN_MAX);
	const char *near;

	text_clean(name, len, SHOWN_MAX, &shown);
	err_set(e, ERR_CONFIG, "%s: unknown key '%s'", where, buf_text(&shown));
	buf_release(&shown);
	if (len > CONF_NAME_MAX)
		len = 0;
	memcpy(whole, name, len);
	whole[len] = '\0';
	if (other && row_find(other, whole, NULL)) {
		err_set(e, ERR_CONFIG, "%s: key '%s' does not belong in %s", where, whole,
			part == CONF_GLOBAL ? "[sendoff]" :
			part == CONF_DEFAULTS ? "[defaults]" : "an account");
		return err_hint(e, "it belongs in %s", place(elsewhere));
	}
	near = conf_nearest(whole, own);
	if (near)
		return err_hint(e, "did you mean '%s'?", near);
	near = other ? conf_nearest(whole, other) : NULL;
	if (near)
		return err_hint(e, "did you mean '%s', which belongs in %s?", near,
			place(elsewhere));
	return err_hint(e, "no key has a name like it: correct or remove the line");
}
