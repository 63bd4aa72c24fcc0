/* deliver/route.c - choosing the account and the sender; see route.h. */
#include "deliver/route.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/daemon.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"
#include "mail/address.h"

enum fit { FIT_NONE, FIT_PATTERN, FIT_EXACT };

static enum fit fit_of(const struct account *a, const char *address)
{
	if (a->who.from && address_equal(a->who.from, address))
		return FIT_EXACT;
	for (size_t i = 0; i < a->who.allowed_from.count; i++)
		if (address_equal(a->who.allowed_from.items[i], address))
			return FIT_EXACT;
	for (size_t i = 0; i < a->who.allowed_from.count; i++)
		if (account_is_pattern(a->who.allowed_from.items[i]) &&
		    address_matches(address, a->who.allowed_from.items[i]))
			return FIT_PATTERN;
	for (size_t i = 0; i < a->who.match.count; i++)
		if (address_matches(address, a->who.match.items[i]))
			return FIT_PATTERN;
	return FIT_NONE;
}

bool route_allows(const struct account *a, const char *address)
{
	return fit_of(a, address) != FIT_NONE;
}

static bool is_default(const struct config *c, const struct account *a)
{
	return c->global.default_account && !strcmp(c->global.default_account, a->name);
}

/* ---- entitlement */

enum { GROUPS_MOST = 1024 };

static bool is_member(const char *user, const char *group)
{
	const struct group *wanted = getgrnam(group);
	gid_t want = wanted ? wanted->gr_gid : 0;
	const struct passwd *entry = getpwnam(user);
	gid_t *groups;
	int count = GROUPS_MOST;
	bool found = false;

	if (!wanted || !entry)
		return false;
	groups = mem_alloc(GROUPS_MOST * sizeof(*groups));
	if (getgrouplist(user, entry->pw_gid, groups, &count) < 0)
		count = GROUPS_MOST;
	for (int i = 0; i < count; i++)
		found |= groups[i] == want;
	free(groups);
	return found;
}

/* What the administrator made the default: a personal file neither gives nor takes
 * a right. */
static bool is_systems_default(const struct account *a)
{
	const struct conf_entry *said = conf_find(a->source, CONF_GLOBAL, NULL, "default");

	return said ? !strcmp(said->value, a->name) : a->source->account_count == 1;
}

bool route_may_use(const struct account *a, uid_t uid, const char *user)
{
	if (a->scope != SCOPE_SYSTEM || !a->source || uid == 0)
		return true;
	if (!a->who.users.count)
		return is_systems_default(a);
	for (size_t i = 0; i < a->who.users.count; i++) {
		const char *item = a->who.users.items[i];

		if (!strcmp(item, "*") || !strcmp(item, user) ||
		    (item[0] == '@' && is_member(user, item + 1)))
			return true;
	}
	return false;
}

/* Passed over when it is not the asker's to use. */
static bool passes(const struct account *a, const struct route_question *q)
{
	return route_may_use(a, q->user ? q->uid : process_caller(), q->user ? q->user : process_user());
}

/* The account that an address fits best.  ROUTE_NOT_YET: none. */
static enum route_answer by_address(const struct config *c, const struct route_question *q,
	const char *address, const char *what, struct route *out, struct err *e)
{
	const struct account *best = NULL, *other = NULL;
	enum fit best_fit = FIT_NONE;
	char shown[128];

	for (size_t i = 0; i < c->count; i++) {
		const struct account *a = &c->accounts[i];
		enum fit fit = fit_of(a, address);

		if (fit == FIT_NONE || fit < best_fit || !passes(a, q))
			continue;
		if (fit > best_fit || is_default(c, a)) {
			best = a;
			best_fit = fit;
			other = NULL;
		} else if (!is_default(c, best)) {
			other = a;
		}
	}
	if (!best)
		return ROUTE_NOT_YET;
	text_clean_to(shown, sizeof(shown), address, strlen(address));
	if (other) {
		err_set(e, ERR_CONFIG, "%s %s fits the accounts '%s' and '%s' equally well", what,
			shown, best->name, other->name);
		err_hint(e, "choose one with -a, make one of them the default, or narrow match");
		return ROUTE_FAILED;
	}
	out->account = best;
	snprintf(out->why, sizeof(out->why), "%s %s %s of account '%s'", what, shown,
		best_fit == FIT_EXACT ? "is an address" : "fits match", best->name);
	return ROUTE_FOUND;
}

static enum route_answer wanted(const struct config *c, const struct route_question *q,
	struct route *out, struct err *e)
{
	const struct account *nearest = NULL;
	const char *name = q->wanted;
	size_t distance = 4;
	char shown[80];

	out->account = config_account(c, name);
	text_clean_to(shown, sizeof(shown), name, strlen(name));
	if (out->account && !passes(out->account, q)) {
		err_set(e, ERR_RIGHT, "account '%s' is not for this user", shown);
		err_hint(e, "ask the administrator to add the user to its users");
		return ROUTE_FAILED;
	}
	if (!out->account && c->runner)
		out->account = config_runner_account();   /* it may know it */
	if (out->account) {
		snprintf(out->why, sizeof(out->why), "account '%s' was asked for", shown);
		return ROUTE_FOUND;
	}
	err_set(e, ERR_USAGE, "there is no account '%s'", shown);
	for (size_t i = 0; i < c->count; i++) {
		size_t d = text_distance(name, c->accounts[i].name);

		if (d < distance) {
			distance = d;
			nearest = &c->accounts[i];
		}
	}
	if (nearest)
		err_hint(e, "did you mean '%s'?", nearest->name);
	else
		err_hint(e, "`sendoff config show` lists the accounts");
	return ROUTE_FAILED;
}

enum route_answer route_choose(const struct config *c, const struct route_question *q,
	struct route *out, struct err *e)
{
	enum route_answer answer = ROUTE_NOT_YET;

	if (q->wanted)
		return wanted(c, q, out, e);
	if (q->sender && q->sender[0])
		answer = by_address(c, q, q->sender, "the envelope sender", out, e);
	if (answer == ROUTE_NOT_YET && c->count > 1) {
		if (!q->from)
			return ROUTE_NOT_YET;
		if (q->from[0])
			answer = by_address(c, q, q->from, "the From header", out, e);
	}
	if (answer != ROUTE_NOT_YET)
		return answer;
	if (config_default(c, &out->account, e) < 0)
		return ROUTE_FAILED;
	if (!passes(out->account, q)) {
		err_set(e, ERR_RIGHT, "the default account '%s' is not for this user",
			out->account->name);
		err_hint(e, "ask the administrator to add the user to its users");
		return ROUTE_FAILED;
	}
	snprintf(out->why, sizeof(out->why), "account '%s' is %s", out->account->name,
		c->count == 1 ? "the only one" : "the default, as no other fits the sender");
	return ROUTE_FOUND;
}

const char *route_sender(const struct account *a, const char *original, bool given)
{
	const char *from = a->who.from;

	if (!from || (given && !original[0]))
		return original;
	if (!given || a->who.rewrite_from == REWRITE_ALWAYS)
		return from;
	if (a->who.rewrite_from == REWRITE_NEVER)
		return original;
	return route_allows(a, original) ? original : from;
}
