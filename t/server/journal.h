/* t/server/journal.h - what was seen, as lines of text for the tests to read.
 *
 * A line is `CONNECTION MILLISECONDS KIND: text`, controls in the text as \xHH.
 * Kinds: OPEN, REFUSED, C (a line received), S (a line sent), TLS, SHOWN (a client
 * certificate came, whatever became of the handshake), LOGIN, FLIGHT, FAULT, VIOLATION,
 * STORED, CLOSE.  Every line is one write(2): a killed server has lost nothing.
 */
#ifndef SERVER_JOURNAL_H
#define SERVER_JOURNAL_H

#include <stddef.h>

int  journal_open(const char *path);   /* NULL: no journal; -1: errno */
void journal_say(unsigned connection, const char *kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Foreign octets; each line of them becomes a line of the journal. */
void journal_octets(unsigned connection, const char *kind, const char *data, size_t len);

#endif
