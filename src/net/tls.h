/* net/tls.h - TLS on a connected, non-blocking socket, by GnuTLS.
 *
 * TLS 1.2 or newer, whatever the library's default, unless tls_min_version says otherwise;
 * the server's certificate is verified in every handshake by this code, and once: chain, time,
 * purpose serverAuth, name from the SAN only (never CN), strength, and that it was not
 * revoked as far as lists at hand and the server's own OCSP response tell.  That is done when
 * the handshake is over; but where we have a certificate to show, in the midst of it, before
 * that goes out or its key is asked to sign: whoever is not the server learns nothing.
 * RSA key exchange (TLS 1.2) is not used then, unless tls_priority names it: in that the
 * server proves its key only behind our certificate.
 *
 * Where pins are set they decide alone: one of them must be the server's own
 * certificate or key, and then nothing else is asked of it, since the handshake
 * proves the key ("this key and no other": self-signed relays, bridges).  So the server
 * may as well show the key alone (RFC 7250), to who asks for that by tls_priority.
 * Deadlines are the caller's: no call here waits, but tls_handshake() for a security token
 * (net/token.h).
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/key.h"

/* The oldest version of TLS that is used. */
enum tls_least { TLS_LEAST_1_0 = 10, TLS_LEAST_1_1, TLS_LEAST_1_2, TLS_LEAST_1_3 };

struct tls_settings {
	struct key_list ca_files;   /* tls_ca_file: PEM files, directories
	                             * of them; the word "system" is the system's
	                             * store; empty: only the system's */
	char *host;                 /* tls_host: name verified and sent as SNI instead of host */
	struct key_list pins;       /* tls_pin: "spki:HEX", "cert:HEX" or bare HEX (either), SHA-256,
	                             * colons between octets allowed; or "sha256//BASE64" (SPKI) */
	char *cert, *key;           /* tls_cert, tls_key: a client certificate; PEM files, or
	                             * PKCS#11 URIs of what is on a security token */
	bool  verify;               /* tls_verify */
	int   least;                /* tls_min_version: enum tls_least; 0: TLS_LEAST_1_2 */
	char *crl_file;             /* tls_crl_file: lists of revoked certificates, PEM or DER; NULL */
	char *priority;             /* tls_priority: of versions, ciphers, key exchanges and what the
	                             * server may show, as GnuTLS has it; NULL: the system's */
};
extern const struct key tls_keys[];

/* Checks what can be checked without a network (pins are well-formed, cert and
 * key come together, raw public keys with a pin).  -1: ERR_CONFIG. */
int tls_settings_check(const struct tls_settings *set, struct err *e);

/* Looks at what the settings name, without a server: files with roots, lists, certificate and
 * key, whether these two belong together, what GnuTLS makes of tls_priority.  Of a security
 * token only that the PIN's file and the module are there: nothing is loaded or asked.
 * found() is called for each thing that is wrong, with the setting that it is wrong with (NULL:
 * with none) and as tls_trust_load() and tls_new() say it. */
typedef void tls_looked(void *context, const char *key, const struct err *e);
void tls_look(const struct tls_settings *set, tls_looked *found, void *context);

struct tls_trust;   /* the roots, indexed by subject, decoded only when a chain asks for them,
                     * and the lists of what was revoked */

/* Reads the trust files of the settings: meant to run while connect(2) is under
 * way.  NULL: ERR_TLS, there is no GnuTLS; ERR_CERT with no CA bundle found (naming
 * the paths tried); ERR_CONFIG: a file that cannot be used, a tls_priority that GnuTLS does
 * not understand.  With pins only, or verify
 * off, no file is needed. */
struct tls_trust *tls_trust_load(const struct tls_settings *set, struct err *e);
void tls_trust_free(struct tls_trust **tp);

enum { TLS_SOON_DAYS = 14 };   /* a renewal that works has happened by then */

/* What was agreed, for transcripts, logs and check. */
struct tls_facts {
	char version[16];            /* "TLS1.3" */
	char cipher[96];             /* key exchange, signature, cipher and MAC on one line */
	char group[32];              /* "X25519"; "": none was agreed on */
	char algorithm[32];          /* "AES-256-GCM" */
	const char *binding_type;    /* "tls-exporter" (1.3), "tls-unique" (1.2), or NULL */
	unsigned char binding[64];
	size_t binding_len;
	bool raw_key;                /* the server showed a raw public key, no certificate */
	bool verified;               /* by chain and name, or by a pin */
	char warning[200];           /* what of all that was verified, or is ours, runs out within
	                              * TLS_SOON_DAYS, and what to do; that nothing was verified;
	                              * "" */
};

struct tls;
struct tls_chain;                    /* net/chain.h: the certificates, for people */

/* host is the account's host (verified unless set->host stands in).  set, trust
 * are borrowed until tls_free().  NULL: ERR_CONFIG (certificate, key), ERR_TLS. */
struct tls *tls_new(int fd, const char *host, const struct tls_settings *set,
	const struct tls_trust *trust, struct err *e);
void tls_free(struct tls **tp);

/* When the caller will have given the handshake up, in clock_ms() time: a security token is
 * asked to sign in the midst of it, which nothing but this bounds.  Without it, 30 s. */
void tls_until(struct tls *t, uint64_t deadline);

enum tls_want { TLS_DONE = 0, TLS_WANT_READ = 1, TLS_WANT_WRITE = 2, TLS_FAILED = -1, TLS_CLOSED = -2 };

/* Handshake and verification.  TLS_FAILED: ERR_TLS (with a hint when the server
 * speaks plain SMTP), ERR_CERT with the reason in words, ERR_LOST; ERR_SECRET, ERR_CONFIG
 * where the client's key is on a security token and cannot be had. */
enum tls_want tls_handshake(struct tls *t, struct err *e);

/* > 0 octets, 0 with *want set (try again when the socket is ready), -1 with
 * *want TLS_CLOSED (the server closed, with or without notice) or TLS_FAILED. */
ssize_t tls_read(struct tls *t, char *data, size_t len, enum tls_want *want, struct err *e);
/* The same octets must be offered again after a want. */
ssize_t tls_write(struct tls *t, const char *data, size_t len, enum tls_want *want, struct err *e);
bool tls_pending(const struct tls *t);   /* decrypted octets wait inside */
void tls_bye(struct tls *t);             /* says goodbye without waiting */

const struct tls_facts *tls_facts(const struct tls *t);   /* after the handshake */

/* How the server's side began, as it came, a few octets of it: what it speaks where that is
 * not TLS.  Valid until tls_free(). */
size_t tls_first(const struct tls *t, const char **data);

/* Whether the server's certificate would do by other settings than those of the session
 * (host and pins of theirs included); for who looked without asking.  0, or -1 as
 * tls_handshake() says it. */
int tls_judge(const struct tls *t, const char *host, const struct tls_settings *set,
	const struct tls_trust *trust, struct err *e);

#endif
