/* probe/secret.c - what the account logs in with, fetched once; see state.h. */
#include <stdio.h>

#include "base/clock.h"
#include "base/process.h"
#include "deliver/credential.h"
#include "probe/state.h"
#include "probe/token_tell.h"

static void got_secret(void *context, struct secret *secret, struct err *e)
{
	struct probe *p = context;

	if (secret) {
		p->secret = *secret;
		*secret = (struct secret){ 0 };
	} else {
		finding_of_err(p, REPORT_SECRET, e);
	}
	loop_stop(&p->loop);
}

/* It is not the server's time that was up. */
static const struct err *too_slow(const struct probe *p, struct err *e)
{
	if (p->interrupted.kind != ERR_TIMEOUT)
		return &p->interrupted;
	err_set(e, ERR_SECRET, "the %s did not come within %llu s", account_signs_in(&p->account) ?
		"access token" : "password", (unsigned long long)(clock_ms() - p->since + 500) / 1000);
	err_cause(e, account_signs_in(&p->account) ? NULL : "password-command-slow");
	return e;
}

/* From then on it is at hand: no command is run a second time. */
static void fetch(struct probe *p)
{
	struct credential_fetch *fetch;
	struct err slow = { 0 };

	process_hold_secret();
	fetch = credential_fetch_start(&p->loop, &p->account, p->refused, &p->user,
		got_secret, p);
	loop_run(&p->loop);
	p->fetched = credential_is_new(fetch);
	credential_fetch_free(&fetch);
	if (!p->secret.data && !p->out->cause && p->interrupted.kind)
		finding_of_err(p, REPORT_SECRET, too_slow(p, &slow));
	if (p->user)
		p->account.sasl.user = p->user;
	if (p->secret.data)
		mask_add(&p->mask, p->secret.data, p->secret.len);
	p->account.secret.given = p->secret;
}

bool secret_get(struct probe *p)
{
	struct err missing = { 0 };

	stage_begin(p, REPORT_SECRET);
	if (account_signs_in(&p->account))
		token_mark(&p->account, p->stored);
	if (credential_exists(&p->account, &missing) < 0)
		finding_of_err(p, REPORT_SECRET, &missing);
	else if (account_logs_in(&p->account) && account_has_secret(&p->account))
		fetch(p);
	tell_secret(p);
	stage_end(p);
	return !p->out->cause;
}

bool secret_renew(struct probe *p, const char *refused)
{
	if (!refused || p->second || p->fetched || p->interrupted.kind)
		return false;
	snprintf(p->refused, sizeof(p->refused), "%s", refused);
	p->account.secret.given = (struct secret){ 0 };
	secret_wipe(&p->secret);
	fetch(p);
	p->second = !p->out->cause;
	return p->second;
}
