/* cred/kerberos_talk.h - what the child of cred/kerberos does: the exchange itself.
 *
 * Internal to cred/kerberos, and for its tests.
 */
#ifndef CRED_KERBEROS_TALK_H
#define CRED_KERBEROS_TALK_H

#include <gssapi/gssapi.h>

#include "cred/kerberos.h"

/* Rows of the table of causes; a pointer would not go through a pipe. */
enum kerberos_trouble {
	KERBEROS_FAILED,          /* nothing more is known */
	KERBEROS_NO_TICKET,
	KERBEROS_TICKET_EXPIRED,
	KERBEROS_CLOCK,
	KERBEROS_SERVER_UNKNOWN,
	KERBEROS_CLIENT_REFUSED,
	KERBEROS_KDC_SILENT,
	KERBEROS_LAYER,           /* the server insists on a security layer */
	KERBEROS_NO_PROOF,        /* it did not prove who it is */
	KERBEROS_LIBRARY          /* is missing */
};

/* What the child tells after each challenge: a struct without pointers to follow. */
struct kerberos_told {
	struct err err;                  /* without a cause; kind ERR_NONE: there is a response */
	enum kerberos_trouble trouble;
	struct kerberos_facts facts;
	bool last;
	uint32_t len;
	char data[KERBEROS_RESPONSE_MAX];
};

/* One exchange. */
struct kerberos_talk {
	const char *protocol, *host, *authzid;   /* borrowed; authzid may be NULL */
	gss_ctx_id_t context;            /* own; lives as long as the child */
	gss_name_t service;              /* own; likewise */
	bool established;                /* the context is; what is left is the layer */
};

/* With the functions of cred/gssapi loaded.  told is zero before. */
void kerberos_talk(struct kerberos_talk *k, const char *challenge, size_t len,
	struct kerberos_told *told);

#endif
