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
	char *auth_url, *token_url, *device_url, *revoke_url;
	char *redirect;            /* as the app is registered; {port} is any free one */
	char *service_account;     /* path of the provider's key file (JSON) */
	char *certificate;         /* path of a PEM with its key, for a signed client assertion */
	char *load_command, *save_command;   /* of a keyring: both or none, as
	                                      * deliver/account sees to */
};
extern const struct key oauth_keys[];   /* oauth_provider, oauth_flow, oauth_client_id, ... */

/* The first of its keys that is set, for errors: the account signs in by OAuth where any is.
 * NULL: none. */
const char *oauth_key(const struct oauth_settings *set);
bool oauth_configured(const struct oauth_settings *set);
/* Whose sign-in it is: what the settings name, or else what belongs to the account's mail
 * provider (preset: its id, or NULL) where they name no servers.  NULL: by URLs alone. */
const struct oauth_provider *oauth_settings_provider(const struct oauth_settings *set,
	const char *preset);
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
	char *ca_file;             /* for the provider's servers; NULL: the system's roots.  Not set
	                            * by oauth_plan() */
	struct secret proxy;       /* as net/proxy.h reads it; data NULL: none.  Not set by it either */
	char *service_account, *certificate;   /* paths, for errors */
	char *load_command, *save_command;     /* of a keyring; NULL: tokens lie in files */
	struct secret key;         /* PEM of either: what signs an assertion */
	char *key_id;              /* of a service account; NULL: not said */
	enum oauth_flow flow;      /* OAUTH_FLOW_AUTO only where a person signs in */
	bool device_by_code;
	bool discover;             /* URLs are missing: oauth_discovery_url() first, each time */
	bool basic;                /* the secret goes into a header: oauth_authorization() */
	bool issuer_told;          /* the provider names itself in each redirect (RFC 9207) */
};

/* preset: id of the account's mail provider or NULL; user: the mailbox.  Reads the file of a
 * service account or certificate.  -1: ERR_CONFIG with the key that is missing or wrong; for a
 * client id with the cause "oauth-client-id-missing", and then the provider's steps help. */
int  oauth_plan(const struct oauth_settings *set, const char *account, const char *preset,
	const char *user, struct oauth_plan *out, struct err *e);
void oauth_plan_release(struct oauth_plan *p);

#endif
