/* cmd/main.c - under which name, and which command. */
#include <string.h>

#include "base/process.h"
#include "cmd/cmd.h"

static const char *base_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path ? path : "";
}

static int run_command(const struct command *c, struct globals *globals, char **words, int count)
{
	if (globals->help) {
		char *name[] = { words[-1] };

		return cmd_help(globals, name, 1);
	}
	return c->run(globals, words, count);
}

int main(int argc, char **argv)
{
	struct globals globals = { 0 };
	const struct command *c;
	struct err e = { 0 };
	int at = 1, result = 0;

	process_clean();
	process_catch_signals();
	if (!strcmp(base_name(argc ? argv[0] : NULL), "sendmail"))
		return sendmail_main(&globals, argv + 1, argc - 1, false);
	while (at < argc && opt_take_global(&globals, argv, argc, &at, &result, &e))
		if (result < 0)
			return print_failure(&e);
	if (globals.version)
		return cmd_version(&globals, NULL, 0);
	if (at >= argc)
		return globals.help ? cmd_help(&globals, NULL, 0) : help_usage_error(NULL);
	c = command_find(argv[at]);
	if (c)
		return run_command(c, &globals, argv + at + 1, argc - at - 1);
	if (globals.help)
		return cmd_help(&globals, NULL, 0);
	if (argv[at][0] == '-' || strchr(argv[at], '@'))
		return sendmail_main(&globals, argv + at, argc - at, true);
	return help_usage_error(argv[at]);
}
