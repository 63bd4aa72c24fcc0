/* cmd/check.h - sendoff check, in its files.
 *
 * check.c          all of it, in order
 * check_options.c  what the command line says
 * check_account.c  whose login it is, and where its secret comes from
 * check_show.c     what is shown: stages as they end, then the verdict; in words on
 *                  stdout, aligned and as wide as the terminal, or as one JSON object
 *                  when all is done (sendoff-check(1) has its members)
 */
#ifndef CMD_CHECK_H
#define CMD_CHECK_H

#include "cmd/cmd.h"
#include "cmd/screen.h"
#include "deliver/config.h"
#include "deliver/unconfigured.h"
#include "probe/probe.h"

struct check_show {
	bool json, quiet, sent, asked;
	struct screen screen;
	json_t *object, *stages;   /* own; only with json */
	int failed;                /* stdout cannot be written: the exit code for that; 0 */
};

enum { QUESTIONS_MOST = 32 };

struct check_words {
	const char *host, *user, *from, *port;
	int tls;                     /* enum smtp_tls */
	const char *password_file;
	const char **to, **settings;   /* own */
	size_t to_count, setting_count;
	bool send, all;
	size_t remote_help;          /* which question lacks its topic so far, from 1; 0: none */
	char *questions[QUESTIONS_MOST + 1];   /* own */
	size_t question_count;
	long seconds;
	const char *word;            /* ACCOUNT or ADDRESS; NULL */
};

struct check {
	struct check_words w;
	struct globals *globals;
	struct check_show show;
	struct config config;        /* own */
	bool configured;             /* it was loaded, and is in force */
	struct err config_err;       /* why not */
	struct unconfigured made;    /* own; an account that stands in no file */
	bool is_made;
	struct account account;      /* borrowed inside, but for secret.given; what is tried */
	char secret_from[400];       /* where its secret comes from */
	char place[400];             /* where its settings stand; "": nowhere */
	char why[200];               /* why it is this one */
	bool server_told;            /* the server was looked for, and the stage is shown */
	int64_t spent;               /* ms that it took */
	char *from, **to, *file;     /* own */
};

/* The words that are no options.  -1: ERR_USAGE. */
int  check_take_words(struct check *c, char **words, int count, struct err *e);

/* -1: ERR_USAGE, ERR_CONFIG, ERR_RIGHT, ERR_SYSTEM; where the server was looked for, that
 * stage was shown. */
int  check_choose(struct check *c, struct err *e);
/* Asks for it where it stands nowhere.  -1: ERR_SECRET, ERR_SIGNAL. */
int  check_find_secret(struct check *c, struct err *e);

void check_show_begin(struct check_show *show, const struct globals *globals);
/* Which account is looked at. */
void check_show_account(struct check_show *show, const struct account *a);
void check_show_stage(void *context, const struct report_stage *s);   /* context: check_show */
/* What worked, as a section of a configuration; in front of the verdict. */
void check_show_keep(struct check_show *show, const struct account *a,
	const char *const *settings, size_t count);
/* The verdict.  Returns the exit code: code, or that of a failed output. */
int  check_show_end(struct check_show *show, const struct probe_finding *f, int code);
void check_show_drop(struct check_show *show);   /* without a verdict */

#endif
