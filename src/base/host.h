/* base/host.h - what this machine calls itself; no network is asked.
 */
#ifndef BASE_HOST_H
#define BASE_HOST_H

#include <stdbool.h>
#include <stddef.h>

/* The host name with its domain: gethostname(2) if it has a dot, else the
 * name with a dot that /etc/hosts gives for it, else the bare name. */
const char *host_name(void);

/* First line of /etc/mailname, trimmed; NULL when absent or not a name. */
const char *host_mailname(void);

/* Whether text may stand as a domain in EHLO: letters, digits, hyphens, dots,
 * at least one dot inside, no empty label, at most 255 octets.  Pure. */
bool host_is_domain(const char *text);

#endif
