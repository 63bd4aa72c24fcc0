/* base/child.h - a command of the user's, run beside us.
 *
 * The command runs as /bin/sh -c COMMAND with nothing substituted, stdin from
 * /dev/null, stdout into a pipe, in a process group of its own, with default
 * signal dispositions and an empty signal mask, without any other descriptor and
 * without the variables named in `hidden`.  Its stderr is ours where that is a
 * terminal or the journal of systemd, else /dev/null: what it says is not for
 * everybody, and an agent that it leaves behind would keep a caller waiting who
 * reads to the end.  Where somebody sits at our terminal it can be lent to it, so
 * that it can ask (base/terminal.h); else it is in a session of its own, which has
 * none, and without the variable GPG_TTY, by which gpg(1) would find somebody
 * else's: whoever wants to ask is told at once that it cannot.  Waiting is the
 * caller's affair: read out, with a deadline, and then call child_end().
 */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

struct child {
	pid_t pid;   /* also its process group; 0: none */
	int   out;   /* own; non-blocking read end of its stdout; -1: none */
	struct terminal *terminal;   /* own; may be lent to it until its end; NULL: it has none */
};

/* hidden: NULL-terminated list of variable names, or NULL.  -1: ERR_SYSTEM. */
int child_start(struct child *c, const char *command, const char *const *hidden, struct err *e);

/* The same with a pipe for its stdin, which *in is the end to write to: non-blocking, the
 * caller's to close. */
int child_feed(struct child *c, int *in, const char *command, const char *const *hidden,
	struct err *e);

/* It was stopped by SIGTTIN or SIGTTOU: now it may use the terminal, and goes on.  False: not
 * now, as another command has it, or it has none. */
bool child_lend_terminal(struct child *c);

/* The same for a command that speaks with us: its stdin and stdout are one stream socket, of
 * which out is the other end, and *words is where its stderr can be read, the caller's to close
 * (both non-blocking). */
int child_talk(struct child *c, int *words, const char *command, const char *const *hidden,
	struct err *e);
/* Its end: once out is closed it has a moment to end by itself, is then asked to (SIGTERM),
 * and killed with its process group, as is what it has left there.  Returns what child_end()
 * does. */
int child_quit(struct child *c);
/* Whether it has ended, within so many ms; it is not reaped. */
bool child_ended(const struct child *c, unsigned ms);

/* "exit status 127 (a command was not found)", "ended by signal 9 (Killed)"; of a status as
 * child_end() returns it. */
void child_status_text(int status, char *out, size_t size);

/* Starts a function instead of a command: it writes its result to the
 * descriptor and returns the exit status.  For work that blocks (names).  It
 * has no descriptors but that one, `kept` (-1: none) and 0 to 2. */
int child_call(struct child *c, int (*work)(int out, void *context), void *context, int kept,
	struct err *e);

/* In such a child, for work that comes to its end whatever becomes of us: a signal to stop
 * does not end it, and whoever reads our output does not wait for it. */
void child_stand_alone(void);
/* In one that runs somebody else's code: what that writes to its output goes where its errors
 * go, and its input is empty. */
void child_without_output(void);
/* For one that nobody will kill: its end, whatever it waits for then.  0: no more. */
void child_end_within(unsigned seconds);

/* Lets it go on alone; whoever reaps what we leave behind reaps it. */
void child_spare(struct child *c);
/* For whoever is killed together with what it leaves behind, as a service is: waits until those
 * that were spared have ended, for so many seconds at most. */
void child_await_spared(unsigned seconds);

/* Runs a command that nobody waits for: in a session of its own, its stdout
 * /dev/null as well, with the variables in `added` ("NAME=value", NULL-terminated)
 * beside those that are not hidden, and killed with its process group when it has
 * not ended after so many seconds.  Returns at once.  -1: ERR_SYSTEM; whether the
 * command could be run is not known. */
int child_leave(const char *command, const char *const *hidden, const char *const *added,
	unsigned seconds, struct err *e);

/* Reaps it; with kill_it, kills the whole process group first, else when it has
 * not ended 5 s later (it may have closed its stdout and go on).  Returns the
 * wait status (as of waitpid), or -1 when it could not be had (SIGCHLD ignored
 * by whoever started us).  Safe on a struct that is all zero but out = -1. */
int child_end(struct child *c, int kill_it);

#endif
