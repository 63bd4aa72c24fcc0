/* probe/software.h - which software a server seems to be, by what it says of itself.
 *
 * Pure, and a guess: servers may say what they like.
 */
#ifndef PROBE_SOFTWARE_H
#define PROBE_SOFTWARE_H

/* greeting and ehlo: the text of the replies, lines joined by LF; either may be "".
 * A name as people know it, or NULL. */
const char *software_guess(const char *greeting, const char *ehlo);

#endif
