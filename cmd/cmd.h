/* cmd/cmd.h - what a person runs: argv in, exit code out.
 *
 * The only place that prints and exits.  Each command is one function and one
 * row; its options are a table, from which parsing, --help and the check of
 * the manual come.
 */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "smtp/engine.h"

/* The options that every command knows. */
struct globals {
	const char *config;    /* -C */
	const char *account;   /* -a */
	bool verbose, quiet, json, help, version;
};

/* ---- options.c: option tables */

enum opt_kind { OPT_FLAG, OPT_VALUE, OPT_OPTIONAL };   /* the last one: only behind "=" */

struct opt {
	char letter;           /* 0: long form only */
	const char *name;      /* without dashes; NULL ends a table when letter is 0 too */
	enum opt_kind kind;
	const char *value;     /* what to call the value in help */
	const char *help;
	/* Takes it: value is NULL for a flag, and where an optional one is not given.  -1: ERR_USAGE. */
	int (*take)(void *into, const char *value, struct err *e);
};

extern const struct opt global_options[];   /* into struct globals */

/* A command's words after its name.  Options and other words may be mixed, "--"
 * ends the options.  Leaves the other words in order at the front of words and
 * their number in *count.  -1: ERR_USAGE. */
int opt_parse(const struct opt *own, void *into, struct globals *globals, char **words, int *count,
	struct err *e);

/* One global option at words[*at]: true when it was one (and *at moved on). */
bool opt_take_global(struct globals *globals, char **words, int count, int *at, int *result,
	struct err *e);

void opt_describe(const struct opt *table, struct buf *out);

/* ---- print.c: the two descriptors that are written to */

int  print_out(const struct buf *text);   /* stdout; 0, or the exit code of the failure */
void print_err(const struct buf *text);   /* stderr; nothing to be done if that fails */
int  print_failure(const struct err *e);  /* tells it; its exit code */
/* Appends one JSON object of texts and a newline: names and values in turn, NULL
 * at the end; a pair without a value is left out. */
void print_json(struct buf *out, const char *const *pairs);
void print_trace(void *context, enum smtp_direction direction, const char *line, size_t len);

/* ---- secret_line.c */

/* One line of standard input, which a program writes within so many seconds.  -1: ERR_SECRET,
 * ERR_SIGNAL. */
int  read_secret_line(unsigned seconds, struct secret *out, struct err *e);

/* ---- the commands */

struct command {
	const char *name;
	int (*run)(struct globals *globals, char **words, int count);
	const char *usage;     /* behind the name */
	const char *help;      /* one line */
	const struct opt *options;   /* NULL: none of its own */
};

extern const struct command commands[];
const struct command *command_find(const char *name);

int cmd_send(struct globals *globals, char **words, int count);
int cmd_config(struct globals *globals, char **words, int count);
int cmd_queue(struct globals *globals, char **words, int count);
int cmd_check(struct globals *globals, char **words, int count);
int cmd_login(struct globals *globals, char **words, int count);
int cmd_logout(struct globals *globals, char **words, int count);
int cmd_help(struct globals *globals, char **words, int count);
int cmd_version(struct globals *globals, char **words, int count);

extern const struct opt send_options[], check_options[], queue_options[], login_options[];

/* argv as sendmail has it.  mode: letter of -b that is meant where none is given
 * (mailq, newaliases); 0: send a message.  under_own_name: called as sendoff, so
 * that options that name files act. */
int sendmail_main(struct globals *globals, char **words, int count, char mode,
	bool under_own_name);

/* help.c */
int help_facts(void);                    /* what this program is, and where its things are */
int help_usage_error(const char *word);   /* a first word that is no command */

#endif
