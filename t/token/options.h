/* t/token/options.h - what the command line of the token server asks for.
 */
#ifndef TOKEN_OPTIONS_H
#define TOKEN_OPTIONS_H

#include "t/server/options.h"

/* All texts are borrowed from argv. */
struct settings {
	const char *client_id;
	const char *client_secret;    /* NULL: a public client, which must send none */
	const char *client_cert;      /* that signs its assertions instead */
	const char *service;          /* account whose assertions are taken, RFC 7523 */
	const char *service_cert, *service_key_id;
	const char *user;             /* who signs in, and whose the tokens are */
	const char *scope;            /* words that may be asked for */
	const char *redirect;         /* as registered, the port left open; NULL: loopback addresses */
	const char *tenant;           /* first part of every path; NULL: none */
	const char *polls;            /* what the device flow says to each poll; the last remains */
	const char *tokens, *issued;  /* directory (t/server/issued.h); file of all secrets */
	bool rotate;                  /* each refresh gives another refresh token, the old one is spent */
	bool jwt;                     /* access tokens that tell whose they are */
	bool device_by_code;          /* a poll is grant_type=device_code with `code` */
	bool no_iss, no_pkce;         /* redirects without iss; a client without PKCE is served */
	unsigned life;                /* seconds of an access token */
	unsigned code_life, device_life, interval;
	unsigned hurry;               /* how many times as fast as ours the client's clock runs */
	unsigned token_size;          /* octets of an access token */
};

extern struct settings settings;

/* Ends the process with status 2 and a message when argv cannot be used. */
void token_options_parse(struct options *opt, int argc, char **argv);

#endif
