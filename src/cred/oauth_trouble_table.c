/* cred/oauth_trouble_table.c - refusals, a row each; see oauth_trouble_table.h. */
#include "cred/oauth_trouble_table.h"

#include <stddef.h>

#define NUMBER(n) .code = (n)
#define OVER(id) .outcome = OAUTH_OVER, .cause = (id)
#define WRONG(id) .outcome = OAUTH_WRONG, .cause = (id)
#define LATER(id) .outcome = OAUTH_LATER, .cause = (id)

/* What is more exact stands first. */
const struct oauth_trouble_row oauth_refusals[] = {
	/* ---- the device flow goes on */
	{ .errors = "authorization_pending", .outcome = OAUTH_PENDING },
	{ .errors = "slow_down", .outcome = OAUTH_SLOW_DOWN },

	/* ---- Microsoft: the sign-in */
	{ NUMBER(50072), OVER("oauth-second-factor") },
	{ NUMBER(50074), OVER("oauth-second-factor") },
	{ NUMBER(50076), OVER("oauth-second-factor") },
	{ NUMBER(50079), OVER("oauth-second-factor") },
	{ NUMBER(50158), OVER("oauth-second-factor") },
	{ NUMBER(65001), OVER("oauth-consent-missing") },
	{ NUMBER(65004), OVER("oauth-access-denied") },
	{ NUMBER(90094), OVER("oauth-admin-consent") },
	{ NUMBER(90095), OVER("oauth-admin-consent") },
	{ NUMBER(50132), OVER("oauth-password-changed") },
	{ NUMBER(50133), OVER("oauth-password-changed") },
	{ NUMBER(50173), OVER("oauth-password-changed") },
	{ NUMBER(70008), OVER("oauth-sign-in-unused") },
	{ NUMBER(700082), OVER("oauth-sign-in-unused") },
	{ NUMBER(70043), OVER("oauth-sign-in-limited") },
	{ NUMBER(53000), WRONG("oauth-conditional-access") },
	{ NUMBER(53001), WRONG("oauth-conditional-access") },
	{ NUMBER(53002), WRONG("oauth-conditional-access") },
	{ NUMBER(53003), WRONG("oauth-conditional-access") },
	{ NUMBER(53004), WRONG("oauth-conditional-access") },
	{ NUMBER(50053), WRONG("oauth-account-locked") },
	{ NUMBER(50057), WRONG("oauth-account-disabled") },
	{ NUMBER(50105), WRONG("oauth-user-not-assigned") },
	{ NUMBER(50020), WRONG("oauth-other-tenant") },
	{ NUMBER(50034), WRONG("oauth-other-tenant") },
	{ NUMBER(51004), WRONG("oauth-other-tenant") },

	/* ---- Microsoft: the app */
	{ NUMBER(700016), WRONG("oauth-app-unknown") },
	{ NUMBER(7000112), WRONG("oauth-app-disabled") },
	{ NUMBER(7000215), WRONG("oauth-secret-wrong") },
	{ NUMBER(7000222), WRONG("oauth-secret-expired") },
	{ NUMBER(7000218), WRONG("oauth-secret-wanted") },
	{ NUMBER(700025), WRONG("oauth-secret-unwanted") },
	{ NUMBER(700024), WRONG("oauth-clock-wrong") },
	{ NUMBER(700027), WRONG("oauth-key-refused") },
	{ NUMBER(700084), OVER("oauth-app-kind-wrong") },
	{ NUMBER(9002327), WRONG("oauth-app-kind-wrong") },
	{ NUMBER(50194), WRONG("oauth-tenant-needed") },
	{ NUMBER(50059), WRONG("oauth-tenant-needed") },
	{ NUMBER(9002331), WRONG("oauth-tenant-consumers") },
	{ NUMBER(9002346), WRONG("oauth-tenant-consumers") },
	{ NUMBER(90002), WRONG("oauth-tenant-unknown") },
	{ NUMBER(50011), WRONG("oauth-redirect-wrong") },
	{ NUMBER(70011), WRONG("oauth-scope-wrong") },
	{ NUMBER(500011), WRONG("oauth-scope-wrong") },
	{ NUMBER(650052), WRONG("oauth-scope-wrong") },
	{ NUMBER(650057), WRONG("oauth-scope-wrong") },
	{ NUMBER(90033), LATER("oauth-later") },
	{ NUMBER(50196), LATER("oauth-too-many") },
	{ .words = "/common endpoint is not supported|/common or /consumers endpoint",
		WRONG("oauth-tenant-needed") },
	{ .words = "use the /consumers endpoint", WRONG("oauth-tenant-consumers") },

	/* ---- a program that signs for itself */
	{ .errors = "invalid_grant", .words = "reasonable timeframe|short-lived token|check your iat",
		.whose = OF_SERVICE, WRONG("oauth-clock-wrong") },
	{ .errors = "invalid_grant", .words = "account not found|invalid email|invalid user|user id",
		.whose = OF_SERVICE, WRONG("oauth-service-user-unknown") },
	{ .errors = "invalid_grant", .whose = OF_SERVICE, WRONG("oauth-key-refused") },
	{ .errors = "unauthorized_client|access_denied", .whose = OF_SERVICE, WRONG("oauth-not-delegated") },

	/* ---- Google's words */
	{ .errors = "invalid_grant", .words = "invalid_rapt|reauth", OVER("oauth-sign-in-limited") },
	{ .errors = "invalid_grant", .words = "token has been expired or revoked",
		.provider = "google", OVER("oauth-google-over") },
	{ .errors = "deleted_client|disabled_client", WRONG("oauth-app-disabled") },
	{ .errors = "admin_policy_enforced|org_internal", WRONG("oauth-admin-forbids") },
	{ .words = "client_secret is missing|client secret is missing", WRONG("oauth-secret-wanted") },
	{ .errors = "invalid_client", .words = "client was not found|client not found|unknown client",
		WRONG("oauth-app-unknown") },

	/* ---- RFC 6749, 8628 and OpenID Connect */
	{ .errors = "redirect_uri_mismatch|invalid_redirect_uri", WRONG("oauth-redirect-wrong") },
	{ .errors = "invalid_request", .words = "redirect_uri", WRONG("oauth-redirect-wrong") },
	{ .errors = "expired_token|code_expired", OVER("oauth-device-late") },
	{ .errors = "access_denied|authorization_declined", OVER("oauth-access-denied") },
	{ .errors = "consent_required", OVER("oauth-consent-missing") },
	{ .errors = "invalid_grant", .whose = OF_CLIENT, WRONG("oauth-proof-refused") },
	{ .errors = "invalid_grant|interaction_required|login_required|account_selection_required|"
		"bad_verification_code", OVER("sign-in-over") },
	{ .errors = "invalid_client", WRONG("oauth-client-refused") },
	{ .errors = "unauthorized_client", WRONG("oauth-client-not-allowed") },
	{ .errors = "unsupported_grant_type|unsupported_response_type", WRONG("oauth-flow-unsupported") },
	{ .errors = "invalid_scope", WRONG("oauth-scope-wrong") },
	{ .errors = "temporarily_unavailable|server_error", LATER("oauth-later") },
	{ .outcome = OAUTH_GRANTED }
};

const struct oauth_trouble_row oauth_statuses[] = {
	{ 401, WRONG("oauth-client-refused") },
	{ 408, LATER("oauth-later") },
	{ 429, LATER("oauth-too-many") },
	{ .outcome = OAUTH_GRANTED }
};

const struct oauth_trouble_row oauth_refused = { WRONG("oauth-refused") };
const struct oauth_trouble_row oauth_strange_answer = { WRONG("oauth-answer-strange") };
const struct oauth_trouble_row oauth_in_trouble = { LATER("oauth-later") };
