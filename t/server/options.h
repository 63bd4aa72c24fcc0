/* t/server/options.h - what the command line of the test server asks for.
 */
#ifndef SERVER_OPTIONS_H
#define SERVER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "t/server/fault.h"

enum security { SECURITY_OFF, SECURITY_STARTTLS, SECURITY_IMPLICIT };

enum { ALLOW_MOST = 32 };

struct scram_faults {
	unsigned long rounds;
	bool bad_signature;   /* v= with one bit flipped */
	bool no_signature;    /* 235 where v= should have come first */
	bool reuse_nonce;     /* the client's nonce comes back unchanged */
};

/* All texts are borrowed from argv. */
struct options {
	const char *ready, *listen;
	unsigned    port;
	unsigned    lifetime;              /* seconds */

	bool        lmtp;                  /* RFC 2033 in place of SMTP */
	enum security security;
	const char *cert, *key, *client_ca, *ocsp, *tls_max, *priority;
	const char *raw_key;               /* shown to clients that take one; NULL: none */

	const char *user, *password, *token;
	const char *authzid;               /* whom it has to act as; NULL: nobody else */
	const char *tokens;                /* directory of those that were issued */
	const char *mechanisms;            /* offered under TLS, or at all with --tls off */
	const char *mechanisms_clear;      /* offered before STARTTLS */
	bool        require_login;
	struct scram_faults scram;

	const char *extensions;            /* as announced */
	const char *extensions_tls;        /* under TLS; NULL: the same */
	uint64_t    size;
	unsigned    max_recipients;        /* 0: no limit */
	const char *limits;

	const char *store, *log, *raw;
	bool        strict;                /* violations are answered with 500 */
	const char *allow[ALLOW_MOST];     /* violations that do not count */
	unsigned    allow_count;

	struct fault *faults;              /* own */
	const char *mood;                  /* file of further ones */
	unsigned    limit_connections;     /* at one time; 0: any number */
	bool        split, one_by_one;
	unsigned    settle;                /* ms of quiet before anything is answered */
	int         buffer;                /* octets of socket buffer; 0: the system's */
};

/* Ends the process with status 2 and a message when argv cannot be used. */
void options_parse(struct options *opt, int argc, char **argv);

#endif
