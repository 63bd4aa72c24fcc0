/* deliver/account.h - an account: every setting that an attempt obeys, put
 * together from the structs of the modules that obey them.
 *
 * This is where the key tables of all modules meet.  conf/ fills them, here
 * they are finished (defaults that depend on each other) and checked (settings
 * that contradict each other).
 */
#ifndef DELIVER_ACCOUNT_H
#define DELIVER_ACCOUNT_H

#include "base/log.h"
#include "conf/conf.h"
#include "cred/source.h"
#include "net/dial.h"
#include "net/tls.h"
#include "sasl/sasl.h"
#include "smtp/engine.h"

enum rewrite_from { REWRITE_AUTO, REWRITE_NEVER, REWRITE_ALWAYS };

/* Who sends with it. */
struct who_settings {
	char *description;
	char *from;                    /* envelope form after account_finish(); NULL: none */
	char *from_name;
	struct key_list match;         /* patterns of senders that choose this account */
	struct key_list allowed_from;  /* further addresses it may send as */
	int rewrite_from;              /* enum rewrite_from */
};

struct account {
	char *name;                    /* own */
	const struct conf_source *source;   /* borrowed */
	struct who_settings    who;
	struct net_settings    net;
	struct smtp_settings   smtp;
	struct tls_settings    tls;
	struct sasl_settings   sasl;
	struct secret_settings secret;
};

/* [sendoff]: what concerns all accounts. */
struct global_settings {
	char *default_account;
	char *domain;
	struct log_settings log;
};

extern const struct conf_table account_tables[];   /* offsets into struct account */
extern const struct conf_table global_tables[];    /* offsets into struct global_settings */

/* Defaults that depend on other settings (tls by port, port by tls), addresses
 * in envelope form, and contradictions.  -1: ERR_CONFIG naming the account and
 * the keys. */
int  account_finish(struct account *a, const char *home, struct err *e);
void account_release(struct account *a);

bool account_logs_in(const struct account *a);     /* no mail without login */

/* Whether the port is the one that speaks TLS from the start (RFC 8314 section
 * 3.3) and tls says otherwise: who waits for a greeting there waits in vain. */
bool account_mixes_up(const struct account *a);

/* "host:port", for messages. */
void account_where(const struct account *a, char *out, size_t size);

#endif
