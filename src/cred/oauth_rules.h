/* cred/oauth_rules.h - what the keys of OAuth may hold, for those who read the same things
 * from elsewhere: a key file, a discovered URL.
 */
#ifndef CRED_OAUTH_RULES_H
#define CRED_OAUTH_RULES_H

#include "cred/oauth.h"

/* Octets; the file of tokens has as much room. */
enum { OAUTH_URL_MAX = 500, OAUTH_CLIENT_ID_MAX = 255, OAUTH_SCOPE_MAX = 1000,
	OAUTH_TENANT_MAX = 128, OAUTH_KEY_FILE_MAX = 64 * 1024, OAUTH_ANSWER_MAX = 64 * 1024 };

bool oauth_is_https(const char *url);   /* with a host, without user and fragment */

/* What oauth_flow is, or what other keys make of it. */
enum oauth_flow oauth_flow_meant(const struct oauth_settings *set);

/* -1: ERR_CONFIG: a flow, secret or tenant that this provider does not know. */
int  oauth_check_provider_rules(const struct oauth_settings *set, const struct oauth_provider *p,
	struct err *e);

#endif
