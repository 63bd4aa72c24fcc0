/* cmd/main.c - under which name, and which command. */
#include <string.h>
#include <strings.h>

#include "base/process.h"
#include "cmd/cmd.h"
#include "runner/runner.h"

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

/* Under sendoff's own name. */
static int run(struct globals *globals, char **words, int count)
{
	const struct command *c;
	struct err e = { 0 };
	int at = 0, result = 0;

	while (at < count && opt_take_global(globals, words, count, &at, &result, &e))
		if (result < 0)
			return print_failure(&e);
	if (globals->version)
		return cmd_version(globals, NULL, 0);
	if (at >= count)
		return globals->help ? cmd_help(globals, NULL, 0) : help_usage_error(NULL);
	c = command_find(words[at]);
	if (c)
		return run_command(c, globals, words + at + 1, count - at - 1);
	if (globals->help)
		return cmd_help(globals, NULL, 0);
	if (words[at][0] == '-' || strchr(words[at], '@'))
		return sendmail_main(globals, words + at, count - at, 0, true);
	return help_usage_error(words[at]);
}

/* mailq and newaliases: sendmail's letters, and --json and its like before them. */
static int run_mode(struct globals *globals, char **words, int count, char mode)
{
	struct err e = { 0 };
	int at = 0, result = 0;

	while (at < count && !strncmp(words[at], "--", 2) &&
	       opt_take_global(globals, words, count, &at, &result, &e))
		if (result < 0)
			return print_failure(&e);
	globals->config = NULL;   /* programs pass foreign text under these names */
	if (globals->version || globals->help)
		return globals->version ? cmd_version(globals, NULL, 0) :
			cmd_help(globals, NULL, 0);
	return sendmail_main(globals, words + at, count - at, mode, false);
}

/* Sockets may be handed over to whatever becomes the runner: `queue watch`, -bd and
 * -bD, and its roles, which are told by their names. */
static bool takes_sockets(char *const *words, int count)
{
	for (int i = 0; i < count; i++)
		if (!strcmp(words[i], "watch") || !strncasecmp(words[i], "-bd", 3))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct globals globals = { 0 };
	const char *name = base_name(argc ? argv[0] : NULL);
	char **words = argv + (argc ? 1 : 0);
	int count = argc ? argc - 1 : 0;

	process_clean();
	process_catch_signals();
	if (!strcmp(name, RUNNER_ACCEPT_NAME))
		return runner_accept_main(argc, argv);
	if (!strcmp(name, RUNNER_DELIVER_NAME))
		return runner_deliver_main(argc, argv);
	if (!takes_sockets(words, count))
		process_drop_inherited();
	if (!strcmp(name, "sendmail"))
		return sendmail_main(&globals, words, count, 0, false);
	if (!strcmp(name, "mailq"))
		return run_mode(&globals, words, count, 'p');
	if (!strcmp(name, "newaliases"))
		return run_mode(&globals, words, count, 'i');
	return run(&globals, words, count);
}
