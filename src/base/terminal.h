/* base/terminal.h - the terminal that we were started at, lent to a command that asks there.
 *
 * Whoever reads from a terminal, or changes how it is set, from any group of processes but
 * the one in its foreground, is stopped (termios(3), SIGTTIN and SIGTTOU), and would be waited
 * for in vain.  It is lent to none but those, since others of our group may read from it
 * meanwhile, and would be stopped instead.
 */
#ifndef BASE_TERMINAL_H
#define BASE_TERMINAL_H

#include <stdbool.h>
#include <sys/types.h>

/* Opened when we have one and are in its foreground.  Else NULL: the command must have none
 * then. */
struct terminal;
struct terminal *terminal_open(void);

/* Puts a group of processes of our session, which was stopped for want of it, into the
 * foreground, and lets it go on.  Until it is taken back we are in the background, and write to
 * it all the same.  False: it is somebody else's now, or was lent before. */
bool terminal_lend(struct terminal *t, pid_t group);

/* Back, and set as it was if the command had no time to do so (status as of waitpid(2)).  What
 * ended the command at the keyboard, Ctrl-C, was meant for us as well and is raised.  Frees;
 * *tp may be NULL. */
void terminal_take_back(struct terminal **tp, int status);

#endif
