/* base/json.c - JSON that may hold secrets; see json.h. */
#include "base/json.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { DIGITS_MAX = 15 };   /* of a number: no sum of a few comes near the end */
#define NUMBER_MOST 1e15

/* Also for what was allocated before we came. */
static void wipe_and_free(void *data)
{
	if (data)
		explicit_bzero(data, malloc_usable_size(data));
	free(data);
}

/* The library goes one level down in its stack for each one in the text. */
static bool is_flat(const char *text, size_t len)
{
	unsigned depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '{' || c == '['))
			depth++;
		else if (!quoted && (c == '}' || c == ']') && depth)
			depth--;
		if (depth > JSON_DEPTH_MAX)
			return false;
	}
	return true;
}

json_t *json_read_object(const char *text, size_t len)
{
	json_t *root;

	if (!is_flat(text, len))
		return NULL;
	json_set_alloc_funcs(mem_alloc, wipe_and_free);
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(root))
		return root;
	json_decref(root);
	return NULL;
}

const char *json_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

bool json_number(const json_t *object, const char *name, int64_t *out)
{
	const json_t *member = json_object_get(object, name);
	const char *text = json_string_value(member);

	if (json_is_integer(member)) {
		*out = json_integer_value(member);
		return true;
	}
	if (json_is_real(member) && json_real_value(member) > -NUMBER_MOST &&
	    json_real_value(member) < NUMBER_MOST) {
		*out = (int64_t)json_real_value(member);
		return true;
	}
	if (!text || !*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > DIGITS_MAX)
		return false;
	*out = strtoll(text, NULL, 10);
	return true;
}
