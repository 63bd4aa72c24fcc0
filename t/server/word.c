/* t/server/word.c - see word.h. */
#include "t/server/word.h"

#include <string.h>

#include "base/text.h"

bool word_is_in(const char *list, const char *word)
{
	while (list && *list) {
		size_t len = strcspn(list, " ");

		if (text_equal_fold(list, len, word, strlen(word)))
			return true;
		list += len;
		list += strspn(list, " ");
	}
	return false;
}
