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
#include "cred/oauth.h"
#include "cred/source.h"
#include "net/dial.h"
#include "net/tls.h"
#include "queue/schedule.h"
#include "sasl/sasl.h"
#include "smtp/engine.h"

enum rewrite_from { REWRITE_AUTO, REWRITE_NEVER, REWRITE_ALWAYS };

/* Who sends with it. */
struct who_settings {
	char *description;
	char *provider;                /* id of a preset; NULL: none */
	char *from;                    /* envelope form after account_finish(); NULL: none */
	char *from_name;
	struct key_list match;         /* patterns of senders that choose this account */
	struct key_list allowed_from;  /* further addresses it may send as */
	int rewrite_from;              /* enum rewrite_from */
	struct key_list users;         /* who may select this system account: names, @groups, * */
	char *fallback;                /* account that serves while this one cannot; NULL */
};

/* How much at once. */
struct traffic_settings {
	long max_connections;          /* at one time, of all processes */
	char *max_rate;                /* as "30/m"; NULL: no limit */
	long rate_interval;            /* ms between two messages; account_finish() sets it; 0 */
};

/* Whose account it is decides who submits. */
enum scope { SCOPE_PERSONAL, SCOPE_SYSTEM };

enum delivery { DELIVERY_NOW, DELIVERY_BACKGROUND, DELIVERY_QUEUE };
enum trace { TRACE_BY_SCOPE, TRACE_NO, TRACE_YES };

struct account {
	char *name;                    /* own */
	const struct conf_source *source;   /* borrowed; NULL: the runner's socket */
	enum scope scope;
	struct conf_source given;      /* own; what its provider sets where `source` does not */
	struct who_settings    who;
	struct net_settings    net;
	struct smtp_settings   smtp;
	struct tls_settings    tls;
	struct sasl_settings   sasl;
	struct secret_settings secret;
	struct oauth_settings  oauth;
	struct traffic_settings traffic;
};

enum { ACCOUNT_LISTEN_MOST = 8 };   /* loopback ports */

/* [sendoff]: what concerns all accounts. */
struct global_settings {
	char *default_account;
	char *domain;
	struct log_settings log;

	char *aliases;                 /* /etc/aliases */
	char *admin;                   /* envelope form; gets what local names have no alias for */
	struct key_list local_names;   /* domains that are this machine's */

	char *queue_dir;               /* NULL: by scope */
	int   delivery;                /* enum delivery; personal scope */
	struct retry_settings retry;
	char *retry_text;              /* as "5m 4h" */
	bool  failure_notice;          /* reports are sent */
	char *on_failure;              /* command; NULL */
	long  failed_keep;             /* ms */

	long  max_message;             /* octets; 0: no limit */
	long  quota_messages;          /* of one user in the system's queue */
	long  quota_bytes, min_free;   /* octets */
	struct key_list listen;        /* loopback addresses with a port; system scope */
	int   trace;                   /* enum trace: a Received line */
};

extern const struct conf_table account_tables[];   /* offsets into struct account */
extern const struct conf_table global_tables[];    /* offsets into struct global_settings */

/* Defaults that depend on other settings (tls by port, port by tls), addresses
 * in envelope form, and contradictions.  -1: ERR_CONFIG naming the account and
 * the keys. */
int  account_finish(struct account *a, const char *home, struct err *e);
void account_release(struct account *a);
/* The same for [sendoff]: waits, paths, `admin`. */
int  account_finish_global(struct global_settings *g, const char *home, struct err *e);

/* Another port for an account that is finished; tls_too: the encryption is what is usual
 * there. */
void account_set_port(struct account *a, long port, bool tls_too);
/* Another enum smtp_tls.  -1: ERR_CONFIG, what else the account sets forbids it. */
int  account_set_tls(struct account *a, int mode, struct err *e);

bool account_logs_in(const struct account *a);     /* no mail without login */
bool account_signs_in(const struct account *a);    /* ... which takes an access token (OAuth) */
bool account_has_secret(const struct account *a);  /* a password or token is to be had */
bool account_has_ticket(const struct account *a);  /* a Kerberos ticket may do: auth names GSSAPI */

/* Where its user would sign in by OAuth, told by what it sets, its provider or its host.
 * NULL: nothing is known. */
const struct oauth_provider *account_oauth_provider(const struct account *a);
/* It logs in, has nothing to do so with, and may yet sign in there: whole but for that. */
bool account_wants_secret(const struct account *a);

/* Whether the port is the one that speaks TLS from the start (RFC 8314 section
 * 3.3) and tls says otherwise: who waits for a greeting there waits in vain. */
bool account_mixes_up(const struct account *a);

/* Whether an item of allowed_from is a pattern, as those of match are. */
bool account_is_pattern(const char *item);

/* "host:port", for messages. */
void account_where(const struct account *a, char *out, size_t size);

#endif
