/* cmd/help.c - help, version, and the answer to a word that is no command. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cmd/cmd.h"
#include "deliver/cause.h"
#include "deliver/config.h"

const struct command commands[] = {
	{ "send", cmd_send, "[-t] [-f ADDRESS] [--file FILE]... [RECIPIENT...]",
		"send a message from standard input or files", send_options },
	{ "check", cmd_check, "[ACCOUNT | ADDRESS] [OPTIONS]",
		"test a login step by step, and say why it does not work", check_options },
	{ "queue", cmd_queue, "[list | show ID | flush [ACCOUNT | ID]... | hold ID... | "
		"release ID... |\n           remove ID... | retry ID... | check | watch]",
		"see and steer what is waiting, or send it", queue_options },
	{ "login", cmd_login, "[ACCOUNT] [OPTIONS]",
		"sign in to an account that uses OAuth, or store a password", login_options },
	{ "logout", cmd_logout, "[ACCOUNT]",
		"end a sign-in and forget it, or a stored password", NULL },
	{ "config", cmd_config, "[show [ACCOUNT] | check]",
		"show the settings in force and where they stand, or check them", NULL },
	{ "help", cmd_help, "[COMMAND]", "show help", NULL },
	{ "version", cmd_version, "", "show the version", NULL },
	{ NULL, NULL, NULL, NULL, NULL }
};

const struct command *command_find(const char *name)
{
	for (const struct command *c = commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

static void describe_all(struct buf *out)
{
	buf_add_text(out, "usage: sendoff [OPTIONS] COMMAND [ARGUMENTS]\n"
		"       sendoff [OPTIONS] -t < MESSAGE    (as sendmail)\n\ncommands:\n");
	for (const struct command *c = commands; c->name; c++)
		buf_printf(out, "  %-26s %s\n", c->name, c->help);
	buf_add_text(out, "\noptions:\n");
	opt_describe(global_options, out);
	buf_add_text(out, "\nManuals: sendoff(1), sendoff-send(1), sendoff-check(1), sendoff-login(1),\n"
		"sendoff-queue(1), sendoff-config(5), sendoff-providers(7), sendmail(8)\n");
}

static void describe_command(const struct command *c, struct buf *out)
{
	buf_printf(out, "usage: sendoff %s%s%s\n\n%s\n", c->name, c->usage[0] ? " " : "", c->usage,
		c->help);
	if (c->options) {
		buf_add_text(out, "\noptions:\n");
		opt_describe(c->options, out);
	}
	buf_add_text(out, "\noptions of every command:\n");
	opt_describe(global_options, out);
}

int cmd_help(struct globals *globals, char **words, int count)
{
	const struct command *c = NULL;
	struct buf out = BUF_INIT(16384);
	struct err e = { 0 };
	int code;

	if (opt_parse(NULL, NULL, globals, words, &count, &e) < 0)
		return print_failure(&e);
	if (count) {
		c = command_find(words[0]);
		if (!c)
			return help_usage_error(words[0]);
	}
	if (c)
		describe_command(c, &out);
	else
		describe_all(&out);
	code = print_out(&out);
	buf_release(&out);
	return code;
}

int cmd_version(struct globals *globals, char **words, int count)
{
	struct buf out = BUF_INIT(512);
	struct err e = { 0 };
	int code;

	if (opt_parse(NULL, NULL, globals, words, &count, &e) < 0)
		return print_failure(&e);
	if (globals->help) {
		char name[] = "version", *named[] = { name };

		return cmd_help(globals, named, 1);
	}
	if (globals->json)
		buf_add_text(&out, "{\"name\":\"sendoff\",\"version\":\"" SENDOFF_VERSION "\"}\n");
	else
		buf_add_text(&out, "sendoff " SENDOFF_VERSION "\n"
			"Free software under a permissive licence; there is no warranty.\n");
	code = print_out(&out);
	buf_release(&out);
	return code;
}

/* The first word is what programs look for that ask sendmail -d0.1. */
int help_facts(void)
{
	struct buf out = BUF_INIT(4096);
	int code;

	buf_printf(&out, "Version " SENDOFF_VERSION " (sendoff)\n"
		" Configuration: %s\n Queue of the machine: %s\n Socket of its runner: %s\n"
		" Loaded when needed: " SENDOFF_GNUTLS " (TLS), " SENDOFF_IDN
		" (names beyond ASCII)\n", config_system_file(), config_system_spool(),
		config_smtp_socket());
	code = print_out(&out);
	buf_release(&out);
	return code;
}

int help_usage_error(const char *word)
{
	const char *near = NULL;
	size_t distance = 3;   /* two edits: a slip of the fingers */
	struct err e = { 0 };
	char shown[80];

	if (!word) {
		err_set(&e, ERR_USAGE, "no command was given");
		err_hint(&e, "try `sendoff help`; a message is sent with `sendoff send`");
		return print_failure(&e);
	}
	text_clean_to(shown, sizeof(shown), word, strlen(word));
	err_set(&e, ERR_USAGE, "'%s' is not a command", shown);
	for (const struct command *c = commands; c->name; c++) {
		size_t d = text_distance(word, c->name);

		if (d < distance) {
			distance = d;
			near = c->name;
		}
	}
	if (near)
		err_hint(&e, "did you mean `sendoff %s`?", near);
	else
		err_hint(&e, "try `sendoff help`");
	return print_failure(&e);
}
