/* cred/oauth.h - what an account says of OAuth, and what follows from it.
 *
 * oauth_plan() turns keys, provider and defaults into one struct in which every URL,
 * name and scope is final; nothing else reads the settings.
 */
#ifndef CRED_OAUTH_H
#define CRED_OAUTH_H

#include "base/buf.h"
#include "base/err.h"
#include "base/key.h"
#include "base/secret.h"
#include "provider/oauth.h"

enum oauth_flow { OAUTH_FLOW_AUTO, OAUTH_FLOW_CODE, OAUTH_FLOW_PASTE, OAUTH_FLOW_DEVICE,
	OAUTH_FLOW_CLIENT, OAUTH_FLOW_SERVICE };

struct oauth_settings {
	char *provider;            /* own, as all here; oauth_provider */
	int   flow;                /* enum oauth_flow; oauth_flow */
	char *client_id;
	struct secret client_secret;
	char *tenant, *scope, *issuer;
	char *auth_url, *token_url, *device_url;
	char *service_account;     /* the provider's key file (JSON) */
	char *certificate;         /* PEM, with its key, for a signed client assertion */
};
extern const struct key oauth_keys[];   /* oauth_provider, oauth_flow, oauth_client_id, ... */

/* Whether the account signs in by OAuth. */
bool oauth_configured(const struct oauth_settings *set);
/* What can be checked without network.  -1: ERR_CONFIG naming the key. */
int  oauth_settings_check(const struct oauth_settings *set, struct err *e);

struct oauth_plan {
	const struct oauth_provider *provider;   /* NULL: by URLs alone */
	char *account;             /* own, as all here; its name */
	char *user;                /* whose mailbox: login_hint, subject */
	char *client_id;
	struct secret client_secret;
	char *auth_url, *token_url, *device_url, *revoke_url, *scope, *redirect, *more;
	char *issuer;              /* what `iss` must be; NULL: not checked; URLs may have to be
	                            * discovered from it (oauth_talk.h) */
	char *ca_file;             /* for the provider's servers; NULL: the system's roots */
	char *service_account, *certificate;
	enum oauth_flow flow;      /* OAUTH_FLOW_AUTO only where a person signs in */
	bool device_by_code, discover;
};

/* preset: id of the account's mail provider or NULL; user: the mailbox.  -1: ERR_CONFIG with
 * the key that is missing; for a client id with the provider's steps as hint. */
int  oauth_plan(const struct oauth_settings *set, const char *account, const char *preset,
	const char *user, struct oauth_plan *out, struct err *e);
void oauth_plan_release(struct oauth_plan *p);

#endif
