/* t/server/word.h - lists of words separated by blanks, as the protocols have them.
 */
#ifndef SERVER_WORD_H
#define SERVER_WORD_H

#include <stdbool.h>

/* Whether the list (NULL: empty) has the word, whatever its case. */
bool word_is_in(const char *list, const char *word);

#endif
