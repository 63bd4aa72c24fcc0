/* base/key.h - the type of a row in a table of configuration keys.
 *
 * A module that obeys a setting declares the struct that holds it and one row
 * for each field.  Parsing, defaults, `config show`, "did you mean" and the
 * check of the manual all walk the same rows: a new key is a struct field, a
 * row, a manual entry and a test.
 */
#ifndef BASE_KEY_H
#define BASE_KEY_H

#include <stddef.h>

/* What the field at `offset` is, and what its text may look like. */
enum key_type {
	KEY_TEXT,      /* char *        any text */
	KEY_WORD,      /* char *        no blanks, no ';' (a host, a domain) */
	KEY_PATH,      /* char *        absolute, or "~/..." */
	KEY_PLACE,     /* char *        as KEY_PATH, or a PKCS#11 URI, whose pin-value is never shown */
	KEY_LIST,      /* struct key_list  comma-separated, blanks around items removed */
	KEY_BOOL,      /* bool          yes/no, true/false, on/off, 1/0 */
	KEY_NUMBER,    /* long          row->least to row->most */
	KEY_DURATION,  /* long          milliseconds; written 90, 90s, 500ms, 5m, 2h, 1d */
	KEY_SIZE,      /* long          octets; written 4096, 64K, 50M, 2G (1024 each) */
	KEY_CHOICE,    /* int           one of row->choices */
	KEY_SECRET,    /* struct secret never shown */
	KEY_URL        /* struct secret one word, as "scheme://user:password@host": the password is
	                *               a secret, and shown is the rest */
};

struct key_choice {
	const char *name;   /* NULL ends the list */
	int value;
};

struct key_list {
	char **items;       /* own */
	size_t count;
};

struct key {
	const char    *name;      /* NULL ends a table */
	enum key_type  type;
	size_t         offset;    /* of the field in the table's struct */
	const char    *fallback;  /* text of the default, or NULL: absent (NULL, 0, empty) */
	const char    *help;      /* one line, without a full stop */
	const struct key_choice *choices;   /* KEY_CHOICE */
	long           least, most;         /* KEY_NUMBER, KEY_DURATION (ms), KEY_SIZE */
};

#endif
