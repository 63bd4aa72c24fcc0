/* t/unit/deliver_config.c - a configuration that holds a secret is read by a
 * process that nobody can look into. */
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deliver/config.h"
#include "t/unit/tap.h"

static const char text[] = "[account a]\nhost = mx.example.test\nuser = me\npassword = ahSh4ieV\n"
	"from = me@example.test\n";

static void from_file(void)
{
	char path[] = "/tmp/sendoff-review-XXXXXX";
	struct config c;
	struct err e = { 0 };
	int fd = mkstemp(path);

	check(fd >= 0 && write(fd, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1, "a file");
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	check_int(config_load(&c, path, &e), 0, "is read: %s", e.text);
	check_int(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0, "D9: by a process that leaves no core");
	config_release(&c);
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	fchmod(fd, 0644);
	check_int(config_load(&c, path, &e), -1, "D10: not when others can read it: %s", e.text);
	check(!strstr(e.text, "ahSh4ieV") && !strstr(e.hint, "ahSh4ieV"), "D9: without quoting it");
	config_release(&c);
	close(fd);
	unlink(path);
}

static void from_environment(void)
{
	struct config c;
	struct err e = { 0 };
	bool hidden = false;

	setenv("SENDOFF_HOST", "mx.example.test", 1);
	setenv("SENDOFF_USER", "me", 1);
	setenv("SENDOFF_PASSWORD", "ahSh4ieV", 1);
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	check_int(config_load(&c, NULL, &e), 0, "the environment is read: %s", e.text);
	check_int(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0, "D9: likewise");
	for (const char *const *name = secret_hidden_variables(); *name; name++)
		hidden = hidden || !strcmp(*name, "SENDOFF_PASSWORD");
	check(hidden, "D9: no child will see the variable");
	config_release(&c);
}

int main(void)
{
	from_file();
	from_environment();
	return tap_done();
}
