/* t/fuzz/cred_oauth_discovery.c - any octets as what an issuer says of itself, and as a service
 * account's key file.
 *
 * Servers that are taken are https URLs, an answer that is refused has changed nothing, and each
 * refusal has words.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cred/oauth_assertion.h"
#include "cred/oauth_rules.h"
#include "deliver/cause.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

static bool may_be(const char *url)
{
	return !url || oauth_is_https(url);
}

static void check_discovery(enum oauth_flow flow, const char *body, size_t len)
{
	struct oauth_plan p = { .issuer = mem_string("https://x.test/r"), .flow = flow, .discover = true };
	struct err e = { 0 };

	if (oauth_read_discovery(&p, body, len, &e) == 0) {
		must(p.token_url && may_be(p.token_url) && may_be(p.auth_url) && may_be(p.device_url) &&
			may_be(p.revoke_url) && !p.discover);
		must(!strncmp(p.issuer, "https://x.test/r", 16) && strlen(p.issuer) <= 17);
		must(flow != OAUTH_FLOW_CODE || p.auth_url);
		must(flow != OAUTH_FLOW_DEVICE || p.device_url);
	} else {
		must(e.kind != ERR_NONE && cause_named(e.cause) != NULL);
		must(!p.token_url && !p.auth_url && p.discover && !strcmp(p.issuer, "https://x.test/r"));
	}
	oauth_plan_release(&p);
}

static void check_service_account(const char *text, size_t len)
{
	struct oauth_plan p = { .flow = OAUTH_FLOW_SERVICE };
	struct err e = { 0 };

	if (oauth_read_service_account(&p, text, len, &e) == 0)
		must(p.client_id && p.client_id[0] && p.key.len && may_be(p.token_url));
	else
		must(e.kind == ERR_CONFIG && e.text[0] && e.hint[0] && !p.client_id && !p.key.data);
	oauth_plan_release(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int flow = OAUTH_FLOW_AUTO; flow <= OAUTH_FLOW_CLIENT; flow++)
		check_discovery((enum oauth_flow)flow, (const char *)data, size);
	check_service_account((const char *)data, size);
	return 0;
}
