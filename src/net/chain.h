/* net/chain.h - the certificates that a server showed, for people to read.
 *
 * What is found here stands by itself: it outlives the session, and it is there
 * whether the certificate was taken or refused.  All text is cleaned.  Of a server that
 * shows a raw public key instead (RFC 7250) there are no certificates.
 */
#ifndef NET_CHAIN_H
#define NET_CHAIN_H

#include <stdbool.h>
#include <time.h>

#include "net/tls.h"

enum {
	CHAIN_MOST  = 16,    /* certificates that are looked at */
	CHAIN_NAMES = 100    /* names of one that are listed */
};

struct chain_cert {
	char *subject, *issuer;      /* own; "CN=smtp.example.com,O=Example"; "": cannot be read */
	time_t from, to;             /* when it is valid; (time_t)-1: cannot be read */
	char **names;                /* own; the subjectAltNames that name a host or an address */
	unsigned name_count;
	unsigned names_left;         /* how many more there are */
	char key[32];                /* "RSA", "EC/ECDSA"; "" */
	unsigned bits;
	char signature[48];          /* "RSA-SHA256"; "" */
	char serial[2 * 40 + 1];     /* hexadecimal; "" */
	char key_pin[80];            /* "spki:HEX", the form to paste */
	char cert_pin[80];           /* "cert:HEX", SHA-256 of the certificate itself; likewise */
	bool self_signed;
};

enum chain_by { CHAIN_NOT, CHAIN_BY_ROOT, CHAIN_BY_PIN };

struct chain_raw_key {
	bool shown;                  /* instead of certificates */
	char key[32];                /* as of a certificate */
	unsigned bits;
	char pin[80];                /* "spki:HEX" */
};

struct tls_chain {
	struct chain_cert certs[CHAIN_MOST];   /* as they were sent, the server's own first */
	unsigned count;
	unsigned sent;               /* how many there were, also beyond CHAIN_MOST */
	struct chain_raw_key raw_key;
	char *root;                  /* own; subject of the trusted root that it leads to; NULL: to none,
	                              * or pins decided */
	time_t root_to;              /* until when that is valid */
	bool must_staple;            /* its own certificate demands an OCSP response (RFC 7633) */
	bool stapled;                /* and the server sent one along */
	time_t staple_to;            /* until when that is good; (time_t)-1: it does not say */
	time_t list_to;              /* likewise the list of its issuer in tls_crl_file; (time_t)-1:
	                              * there is none */
	time_t client_to;            /* until when our own is valid; (time_t)-1: there is none */
	enum chain_by by;            /* how it was verified, if it was */
	size_t pins;                 /* how many are set */
	bool pinned_whole;           /* by a pin of the certificate, and none of its key */
	char *name;                  /* own; what it was verified for: name or address */
	char *sni;                   /* own; the name that the server was told; NULL: none */
};

/* After the handshake, whatever became of it.  -1, and *out is empty: the server has
 * shown neither a certificate that can be read nor a raw public key. */
int  tls_chain_read(const struct tls *t, struct tls_chain *out);
void tls_chain_release(struct tls_chain *c);

/* Whole days from now until the first certificate of the chain expires, negative when it
 * has; the server's own counts as well as those behind it. */
long tls_chain_days(const struct tls_chain *c, time_t now);
/* Likewise until a moment. */
long tls_days_until(time_t to, time_t now);

#endif
