/* cred/granted.c - credentials of systemd; see granted.h. */
#include "cred/granted.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"

enum { NAME_MOST = 255 };

int granted_check(const char *name, struct err *e)
{
	size_t len = strlen(name);
	bool good = len && len <= NAME_MOST && name[strspn(name, ".")];

	for (size_t i = 0; i < len; i++)
		good &= name[i] > ' ' && name[i] < 0x7f && name[i] != '/' && name[i] != ':';
	if (good)
		return 0;
	err_set(e, ERR_CONFIG, "credential is not the name of a credential");
	return err_hint(e, "write the name alone, as it stands before the colon of LoadCredential=");
}

static const char *directory(void)
{
	const char *path = process_env("CREDENTIALS_DIRECTORY");

	return path && path[0] == '/' ? path : NULL;
}

char *granted_path(const char *name)
{
	return directory() ? mem_printf("%s/%s", directory(), name) : NULL;
}

/* systemd calls the directory like the unit. */
static const char *unit_in(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash && strlen(slash) < 200 && strstr(slash, ".service") ? slash + 1 : NULL;
}

static int absent(const char *name, struct err *e)
{
	char shown[300], unit[256];
	const char *ours = unit_in(directory());

	if (directory())
		err_set(e, ERR_SECRET, "'%s' is not in %s", name,
			text_clean_to(shown, sizeof(shown), directory(), strlen(directory())));
	else
		err_set(e, ERR_SECRET, "CREDENTIALS_DIRECTORY is not set: systemd has granted nothing "
			"to this process");
	if (ours)
		err_hint(e, "systemctl edit %s, and below [Service]: LoadCredential=%s:FILE; then "
			"restart it", text_clean_to(unit, sizeof(unit), ours, strlen(ours)), name);
	else
		err_hint(e, "it is there within a unit alone: systemctl edit sendoff.service (or the "
			"unit that calls sendoff), and below [Service]: LoadCredential=%s:FILE; then "
			"restart it", name);
	return err_cause(e, "credential-absent");
}

int granted_read(const char *name, struct buf *out, struct err *e)
{
	char *path = granted_path(name);
	enum file_result result = path ? file_read(path, FILE_SECRET, out, e) : FILE_ABSENT;

	free(path);
	if (result == FILE_ABSENT)
		return absent(name, e);
	return result == FILE_OK ? 0 : -1;
}
