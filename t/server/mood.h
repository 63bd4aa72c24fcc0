/* t/server/mood.h - faults that change while the server runs.
 */
#ifndef SERVER_MOOD_H
#define SERVER_MOOD_H

#include "t/server/fault.h"

/* The faults that the file names now, one `--at` a line; NULL: none, or no file.
 * They count anew from when the file has changed, and are never freed: sessions
 * that began with them keep them.  Called by one thread only. */
struct fault *mood_now(const char *path);

#endif
