/* t/server/issued.c - see issued.h. */
#include "t/server/issued.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/mem.h"

static char *issued_path(const char *directory, const char *token, size_t len)
{
	char hex[DIGEST_HEX + 1];

	digest_of(token, len, hex);
	return mem_printf("%s/%s", directory, hex);
}

int issued_add(const char *directory, const char *token, const char *user, time_t expires)
{
	char *path = issued_path(directory, token, strlen(token));
	char *growing = mem_printf("%s.new", path);
	FILE *f = fopen(growing, "we");
	int result = -1;

	/* Whoever finds it finds it whole. */
	if (f && fprintf(f, "%lld %s\n", (long long)expires, user) > 0 && !fclose(f) &&
			!rename(growing, path))
		result = 0;
	free(growing);
	free(path);
	return result;
}

void issued_drop(const char *directory, const char *token)
{
	char *path = issued_path(directory, token, strlen(token));

	unlink(path);
	free(path);
}

bool issued_find(const char *directory, const char *token, size_t len, char *user,
	time_t *expires)
{
	char *path = issued_path(directory, token, len);
	FILE *f = fopen(path, "re");
	long long until = 0;
	bool good = f && fscanf(f, "%lld %255[^\n]", &until, user) == 2 && until > time(NULL);

	if (expires)
		*expires = (time_t)until;
	if (f)
		fclose(f);
	free(path);
	return good;
}
