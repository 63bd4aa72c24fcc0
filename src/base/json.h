/* base/json.h - JSON from outside that may hold secrets.
 *
 * Pure.  Bounded by its caller and in depth, without members that stand twice; what the
 * library had in memory is overwritten when it lets it go.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_DEPTH_MAX = 16 };

/* An object, json_decref()'s to free.  NULL: it is none, or one that nobody sends. */
json_t *json_read_object(const char *text, size_t len);

/* A member.  NULL: it is missing, or no text.  Such text holds no NUL. */
const char *json_text(const json_t *object, const char *name);

/* A number, or one written as text, as some do.  False: it is neither. */
bool json_number(const json_t *object, const char *name, int64_t *out);

#endif
