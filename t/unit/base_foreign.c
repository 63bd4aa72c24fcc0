/* Who answers there, by the first words. */
#include "base/foreign.h"

#include <stdlib.h>

#include "base/mem.h"
#include "t/unit/tap.h"

static const struct {
	const char *line, *cause;   /* NULL: nothing that we know */
	size_t least;               /* octets that are enough for it */
} lines[] = {
	{ "HTTP/1.1 400 Bad Request", "http-here", 5 },
	{ "http/1.0 200 OK", "http-here", 5 },
	{ "<HTML><head>", "http-here", 5 },
	{ "<!DOCTYPE html>", "http-here", 9 },
	{ "HTTP/1.1 302 Found", "portal", 11 },
	{ "HTTP/1.1 511 Network Authentication Required", "portal", 12 },
	{ "* OK [CAPABILITY IMAP4rev1] ready", "other-protocol-here", 4 },
	{ "* BYE too many", "other-protocol-here", 5 },
	{ "+OK ready", "other-protocol-here", 3 },
	{ "-ERR busy", "other-protocol-here", 4 },
	{ "SSH-2.0-OpenSSH_9.2", "other-protocol-here", 4 },
	{ "<?xml version='1.0'?>", "other-protocol-here", 5 },
	{ "220 ProFTPD Server ready", "other-protocol-here", 10 },
	{ "220 mx.example.test LMTP Cyrus ready", NULL, 0 },
	{ "220 lmtp.example.test ESMTP", NULL, 0 },
	{ "220 FTP over SMTP gateway", NULL, 0 },
	{ "220 mail.example.test ESMTP", NULL, 0 },
	{ "554 HTTP/1.1 302", NULL, 0 },
	{ "* OKAY", "other-protocol-here", 4 },
	{ "+O", NULL, 0 },
	{ "", NULL, 0 },
};

/* Cut at every octet: nothing before it is enough, and nothing behind it changes more
 * than from the web to a portal. */
static void test_line(size_t i)
{
	size_t whole = strlen(lines[i].line);

	for (size_t len = 0; len <= whole; len++) {
		struct err e = { 0 };
		char *exact = mem_alloc(len + 1);   /* reading behind it is seen by the sanitizers */
		bool named, wanted = lines[i].cause && len >= lines[i].least;

		memcpy(exact, lines[i].line, len);
		err_set(&e, ERR_PROTOCOL, "x");
		named = foreign_name(exact, len, &e);
		free(exact);
		if (named != (e.cause != NULL))
			check(false, "%s: %zu octets: what it returns is what it says", lines[i].line, len);
		if (wanted && (!named || strcmp(e.cause, lines[i].cause) != 0))
			check(false, "%s: %zu octets: %s", lines[i].line, len, e.cause ? e.cause : "nothing");
		if (!wanted && named && (lines[i].cause ? !strcmp(e.cause, lines[i].cause) : len == whole))
			check(false, "%s: %zu octets are enough", lines[i].line, len);
	}
	check(true, "%s", lines[i].line);
}

int main(void)
{
	for (size_t i = 0; i < COUNT(lines); i++)
		test_line(i);
	return tap_done();
}
