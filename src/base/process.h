/* base/process.h - the state a process is born with, made sane.
 *
 * Called first thing in main, before anything is opened: whatever started us
 * may have left signals blocked, descriptors closed, a umask of 000.
 */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/* Signals unblocked and at their defaults, SIGPIPE and SIGXFSZ ignored,
 * descriptors 0 to 2 open (missing ones on /dev/null), all others closed but
 * those handed over (below), timers stopped, umask 077, variables that steer the
 * loader and libraries (GNUTLS_*, SSLKEYLOGFILE, ...) removed, no core dumps.
 * Never fails. */
void process_clean(void);

/* Descriptors that were handed over to this very process, as systemd does it
 * (sd_listen_fds(3): LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES): the first that is
 * open under that name, or -1; it stays process.h's to close.  They are
 * close-on-exec, and the variables are gone.  A command that has no use for any
 * drops them first thing. */
int  process_inherited(const char *name);
/* The one that comes behind so many others of that name. */
int  process_inherited_next(const char *name, int before);
int  process_inherited_count(void);
void process_drop_inherited(void);

/* What the environment said of proxies before it was cleaned, for the one who asks the web
 * (cred/https): the value of https_proxy, else of all_proxy, and of no_proxy, each in small
 * letters first; NULL: nothing, and always when process_is_setid(). */
const char *process_https_proxy(void);
const char *process_no_proxy(void);
/* The same as "NAME=value", at most PROCESS_PROXIES, NULL-terminated, for a role that is
 * started anew. */
enum { PROCESS_PROXIES = 2 };
const char *const *process_proxy_variables(void);

/* SIGTERM, SIGHUP, SIGINT set one flag; process_stopped() tells the signal, or
 * 0.  process_wake_fd() becomes readable when one arrives, for the poll loop. */
void process_catch_signals(void);
int  process_stopped(void);
int  process_wake_fd(void);

/* Forbids core dumps and ptrace by the same user; called before a secret is
 * read into memory. */
void process_hold_secret(void);

/* Who runs us, from the kernel and passwd, never from the environment.  name
 * is "uid-N" where passwd has no entry.  Both are static storage. */
const char *process_user(void);
const char *process_home(void);   /* HOME if the effective user owns it, else passwd's; or NULL */
/* XDG_STATE_HOME if the effective user owns it, or if it is not there yet and may be made; else
 * .local/state of process_home(); or NULL.  Asked anew each time; static storage. */
const char *process_state_home(void);
/* Whether a directory that is missing would be made below one of the effective user's or of
 * root's; false: *whose it is instead.  Root would leave its own things at a user's. */
bool process_may_make(const char *path, uid_t *whose);
bool process_is_setid(void);      /* effective and real ids differ */

/* A variable, or NULL when process_is_setid() (HOME, XDG_*, SENDOFF_*). */
const char *process_env(const char *name);

#endif
