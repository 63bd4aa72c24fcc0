/* deliver/provided.c - what a provider gives; see provided.h. */
#include "deliver/provided.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "mail/address.h"

enum { NUMBER_MAX = 24 };

static const struct conf_entry *by_hand(const struct account *a, const char *key)
{
	return conf_find(a->source, CONF_ACCOUNT, a->name, key);
}

/* NULL: neither in a file nor by an empty value. */
static const char *said(const struct account *a, const char *key)
{
	const struct conf_entry *entry = by_hand(a, key);

	return entry && entry->value[0] ? entry->value : NULL;
}

static int give(struct account *a, const char *key, const char *value, struct err *e)
{
	if (by_hand(a, key))
		return 0;
	return conf_set(&a->given, CONF_ACCOUNT, a->name, key, value, account_tables, e);
}

static int give_number(struct account *a, const char *key, unsigned value, struct err *e)
{
	char text[NUMBER_MAX];

	snprintf(text, sizeof(text), "%u", value);
	return value ? give(a, key, text, e) : 0;
}

/* ---- where to */

static int give_host(struct account *a, const struct preset *p, struct err *e)
{
	const char *host = said(a, "host");

	if (!p->host) {
		err_set(e, ERR_CONFIG, "%s has no server that programs may send through", p->name);
		return err_hint(e, "use an account of another provider");
	}
	if (preset_needs_region(p) && (!host || !strcmp(host, p->host))) {
		err_set(e, ERR_CONFIG, "%s has a server for each region", p->name);
		return err_hint(e, "set host = %s, with your region in place of REGION", p->host);
	}
	return give(a, "host", p->host, e);
}

/* One of port and tls may be set by hand: then the other one is what goes with it. */
static int give_way(struct account *a, const struct preset *p, struct err *e)
{
	const char *port = said(a, "port"), *tls = said(a, "tls");
	const struct preset_way *way = p->ways;

	for (; way->port; way++) {
		char number[NUMBER_MAX];

		snprintf(number, sizeof(number), "%u", way->port);
		if ((!port || !strcmp(port, number)) && (!tls || text_equal_fold(tls, strlen(tls),
				preset_tls_name(way->tls), strlen(preset_tls_name(way->tls)))))
			return give(a, "port", number, e) < 0 ? -1 :
				give(a, "tls", preset_tls_name(way->tls), e);
	}
	return 0;   /* no way of this provider's: what is usual holds */
}

/* ---- who */

/* What the envelope will have, or nothing: account_finish() says what is wrong with it. */
static int give_from(struct account *a, bool whole, struct err *e)
{
	const char *from = said(a, "from"), *at;
	struct buf address = BUF_INIT(ADDRESS_PATH_MAX + 1);
	struct err ignored;
	char *user;
	int good = 0;

	if (from && address_parse_one(from, strlen(from), NULL, &address, &ignored) == 0) {
		at = strrchr(buf_text(&address), '@');
		if (at) {
			user = mem_copy(buf_text(&address), whole ? address.len :
				(size_t)(at - buf_text(&address)));
			good = give(a, "user", user, e);
			free(user);
		}
	}
	buf_release(&address);
	return good;
}

static int give_user(struct account *a, const struct preset *p, struct err *e)
{
	if (p->user == PRESET_USER_LITERAL)
		return give(a, "user", p->literal, e);
	if (p->user == PRESET_USER_OWN)
		return 0;
	return give_from(a, p->user == PRESET_USER_ADDRESS, e);
}

int provided_give(struct account *a, const struct preset *p, struct err *e)
{
	if (!a->given.name)
		a->given.name = mem_printf("provider %s", p->id);
	return give(a, "provider", p->id, e) < 0 || give_host(a, p, e) < 0 ||
		give_way(a, p, e) < 0 || give_user(a, p, e) < 0 ||
		give_number(a, "max_recipients", p->max_recipients, e) < 0 ||
		give_number(a, "max_connections", p->max_connections, e) < 0 ? -1 : 0;
}

/* ---- by name */

int provided_unknown(const char *name, struct err *e)
{
	const struct preset *near = preset_nearest(name);
	char shown[80];

	text_clean_to(shown, sizeof(shown), name, strlen(name));
	err_set(e, ERR_CONFIG, "no provider is known as '%s'", shown);
	if (near)
		return err_hint(e, "did you mean '%s'?", near->id);
	return err_hint(e, "sendoff-providers(7) lists those that are known; for another one set "
		"host, and port or tls where they are not the usual ones");
}

static int give_named(struct account *a, struct err *e)
{
	const struct conf_entry *entry = by_hand(a, "provider");
	const struct preset *p;

	if (!entry || !entry->value[0])
		return 0;
	p = preset_find(entry->value);
	if ((p ? provided_give(a, p, e) : provided_unknown(entry->value, e)) == 0)
		return 0;
	err_context(e, "account '%s'", a->name);
	if (entry->line)
		return err_context(e, "%s:%u", a->source->name, entry->line);
	return err_context(e, "%s", a->source->name);
}

int provided_fill(struct account *a, const char *home, struct err *e)
{
	/* Whoever has given something already has found out more than a name says. */
	if (!a->given.name && give_named(a, e) < 0)
		return -1;
	if (conf_fill(&a->given, CONF_ACCOUNT, a->name, account_tables, true, a, e) < 0 ||
	    conf_fill(a->source, CONF_ACCOUNT, a->name, account_tables, false, a, e) < 0 ||
	    account_finish(a, home, e) < 0)
		return err_context(e, "%s", a->source->name);
	return 0;
}

/* ---- what to know */

const struct preset *provided_preset(const struct account *a)
{
	return a->who.provider ? preset_find(a->who.provider) : preset_of_host(a->net.host);
}

/* Whether what it logs in with is a token. */
static bool uses_token(const struct account *a)
{
	for (unsigned m = 0; m < SASL_MECHANISMS; m++)
		if ((sasl_traits((enum sasl_mechanism)m) & SASL_TOKEN) &&
		    sasl_names(&a->sasl, (enum sasl_mechanism)m))
			return true;
	return false;
}

enum provided_note provided_note(const struct account *a, struct buf *out)
{
	const struct preset *p = provided_preset(a);

	if (!p || !account_logs_in(a) || !secret_configured(&a->secret) || uses_token(a) ||
	    !(preset_only_made(p) || p->takes & PRESET_OAUTH))
		return PROVIDED_NOTHING;
	buf_printf(out, "%s %s", p->name, p->note);
	return preset_only_oauth(p) ? PROVIDED_WARNING : PROVIDED_NOTE;
}
