/* cred/granted.h - secrets that the service manager grants to a unit: systemd's credentials.
 *
 * LoadCredential=, LoadCredentialEncrypted= and SetCredential= of systemd.exec(5) put them as
 * files into a directory of the unit's own, which $CREDENTIALS_DIRECTORY names; roles of the
 * runner and whatever else the unit starts inherit it.
 */
#ifndef CRED_GRANTED_H
#define CRED_GRANTED_H

#include "base/buf.h"
#include "base/err.h"

/* A name that a credential can have: up to 255 visible ASCII characters without / and :, and
 * not dots alone.  -1: ERR_CONFIG. */
int  granted_check(const char *name, struct err *e);

/* Appends what it holds, at most out->max octets.  The file must belong to the user who runs
 * us or to root, and nobody else may read it (FILE_SECRET).  -1: ERR_SECRET, with the
 * directive that is missing in the unit, and its cause, "credential-absent"; or the error of
 * base/file.h. */
int  granted_read(const char *name, struct buf *out, struct err *e);

/* The file that it would be in.  Own; NULL: nothing is granted to this process. */
char *granted_path(const char *name);

#endif
