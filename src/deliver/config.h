/* deliver/config.h - the configuration in force: which files, whose word
 * counts, what came of each.
 *
 * Sources: -C FILE; else the environment (SENDOFF_HOST, SENDOFF_PROVIDER); else SENDOFF_CONFIG;
 * else the system file, to which the personal file adds: an account of the same
 * name replaces the system's as a whole, so that no personal file can point a
 * system password elsewhere.  All or nothing: one bad line, and nothing of any
 * source is used.
 *
 * Scope belongs to the account: those of the system file are the runner's to
 * use, the others this process's own.  A system file that may not be read, or
 * none where a runner listens, stands for one account `system`: its socket.
 */
#ifndef DELIVER_CONFIG_H
#define DELIVER_CONFIG_H

#include "deliver/account.h"

enum { CONFIG_SOURCES_MAX = 2 };

#define CONFIG_RUNNER_USER "sendoff"

struct config {
	struct conf_source sources[CONFIG_SOURCES_MAX];   /* own; the system's first */
	struct buf texts[CONFIG_SOURCES_MAX];             /* own; what they were parsed from */
	size_t source_count;
	char *file;                 /* own; -C or SENDOFF_CONFIG, absolute; NULL: the usual sources */
	struct global_settings global;                    /* own */
	struct account *accounts;                         /* own; finished */
	size_t count;
	bool runner;                /* the runner's socket is one of the accounts */
	bool only_system;           /* there is no other file than the system's */
	char *denied;               /* own; the last file that is there and may not be read; NULL */
	bool faulty;                /* a source is there and is not right: mail waits for it */
	struct buf tried;           /* own; a line for each path: "PATH: what came of it" */
};

/* file: -C, or NULL.  -1: ERR_CONFIG; where there is no configuration at all
 * the text names every path tried and why it did not serve. */
int  config_load(struct config *c, const char *file, struct err *e);
void config_release(struct config *c);

/* For another process, which shall go by what this one has read, whatever has become
 * of the files: as a file without a name, from its beginning.  A descriptor, or -1:
 * ERR_SYSTEM. */
int  config_hand_over(const struct config *c, struct err *e);
/* In that process.  -1: ERR_CONFIG, ERR_INTERNAL. */
int  config_take_over(struct config *c, int fd, struct err *e);

/* Whether the environment is the configuration where no -C is given. */
bool config_in_environment(void);

/* What the system's paths are: "/run/sendoff/smtp.sock", ... */
const char *config_smtp_socket(void);
const char *config_control_socket(void);
const char *config_system_spool(void);
const char *config_system_file(void);

/* Whether mail of system accounts is handed to a runner: its user and its
 * directory are there, and this is not that user.  Else the system's accounts
 * are used directly (a container). */
bool config_has_runner(void);

/* The account that is the runner's socket.  Static storage. */
const struct account *config_runner_account(void);

/* A queued message names the file that it was taken in with: others than the one
 * in force are kept here, each loaded once.  All zero at the start. */
struct config_shelf {
	struct shelved {
		char *file;
		struct config config;
		bool good;
	} **items;              /* own */
	size_t count;
};
/* c where file is NULL or gone, or where c is a file that somebody named: whoever
 * names one means it for all.  NULL with *e: it is not right. */
const struct config *config_of(struct config_shelf *shelf, const struct config *c,
	const char *file, struct err *e);
void config_shelf_release(struct config_shelf *shelf);

/* For the runner, where nobody waits: replies may take 5 minutes (RFC 5321 section
 * 4.5.3.2) in every account whose `timeout` is not set. */
void config_be_patient(struct config *c);

/* Of the configuration that an account stands in: changes whenever its files do, and with each
 * sign-in. */
void config_fingerprint(const struct config *c, const struct account *a, char out[65]);
/* Whether any of that has changed since then (0: it is not known since when, and it has not; CLOCK_REALTIME; files are a few milliseconds behind
 * it): cheaper than a fingerprint from before. */
bool config_changed_since(const struct config *c, const struct account *a,
	const struct timespec *since);

/* NULL: no such account. */
const struct account *config_account(const struct config *c, const char *name);

/* The account for mail that no rule claims: `default`, or the only one there
 * is.  -1: ERR_CONFIG. */
int  config_default(const struct config *c, const struct account **a, struct err *e);

/* The domain for bare names: `domain`, /etc/mailname, the host's name.  c may be
 * NULL: none that could be loaded. */
const char *config_domain(const struct config *c);

/* Looks at the files that the settings of an account name, where the files of the configuration
 * were all right: trust, certificate, key, password; and at what it lacks for a sign-in.  Runs no
 * command, asks no server and no token.  seen() is called for each thing that is to be told; e
 * says it, of a file with the line that names it, and what to do. */
enum config_sight {
	CONFIG_MISTAKE,
	CONFIG_WARNING,   /* the machine lacks something, or the account what may come later */
	CONFIG_NOTE       /* it could not be seen from here: another user, a unit of the service
	                   * manager, other variables */
};
typedef void config_seen(void *context, const struct account *a, enum config_sight sight,
	const struct err *e);
void config_look(const struct account *a, config_seen *seen, void *context);

/* Where a setting of an account (NULL: of [sendoff]) comes from: "FILE:LINE",
 * "environment", "provider ID" or "default".  c counts for [sendoff] only. */
void config_origin(const struct config *c, const struct account *a, const char *key,
	struct buf *out);

#endif
