/* base/secret.c - secrets are wiped; see secret.h. */
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void secret_set(struct secret *s, const char *data, size_t len)
{
	char *copy = mem_copy(data, len);

	secret_wipe(s);
	s->data = copy;
	s->len = len;
}

void secret_wipe(struct secret *s)
{
	if (s->data)
		explicit_bzero(s->data, s->len);
	free(s->data);
	s->data = NULL;
	s->len = 0;
}

void secret_chomp(struct secret *s)
{
	if (s->len && s->data[s->len - 1] == '\n')
		s->data[--s->len] = '\0';
	else
		return;
	if (s->len && s->data[s->len - 1] == '\r')
		s->data[--s->len] = '\0';
}
