/* sasl/choose.c - which of the offered mechanisms to use; see sasl.h.
 *
 * Every offered mechanism that is not used has a reason; when none is left, the
 * reason that the user can do most about is told.
 */
#include "sasl/sasl.h"

#include <string.h>

#include "base/text.h"

enum { LISTED = 200 };   /* octets of a list of names in an error */

/* Why not, the most telling first. */
enum reason {
	IN_CLEAR,
	FORBIDDEN,
	NO_AUTHZID,
	NO_SECRET,
	NO_USER,
	TOKEN_UNNAMED,
	MD5_UNNAMED,
	TICKET_UNNAMED,
	NO_BINDING,
	NO_CERTIFICATE,
	NOT_NAMED,       /* `auth` is a list without it */
	TOKEN_NOT_NAMED,
	PASSWORD_WANTED, /* and what there is is a token */
	NOT_OFFERED,     /* nothing that we know, or that this account would use, was offered */
	USABLE
};

struct choice {
	const struct sasl_settings *set;
	const struct sasl_surroundings *around;
	bool automatic;
	bool offered[SASL_MECHANISMS];
};

static void read_offer(struct choice *c, const char *offered)
{
	while (*offered) {
		size_t len;
		enum sasl_mechanism m;

		offered += strspn(offered, " \t");
		len = strcspn(offered, " \t");
		m = sasl_find(offered, len);
		if (m < SASL_MECHANISMS)
			c->offered[m] = true;
		offered += len;
	}
}

static enum reason judge(const struct choice *c, enum sasl_mechanism m)
{
	const struct sasl_surroundings *around = c->around;
	unsigned traits = sasl_traits(m);

	if (c->automatic && (m == SASL_ANONYMOUS || (around->has_token && m == SASL_EXTERNAL)))
		return NOT_OFFERED;
	if (around->has_token && m != SASL_EXTERNAL && !(traits & SASL_TOKEN))
		return PASSWORD_WANTED;
	if (c->automatic && (traits & SASL_TOKEN) && !around->has_token)
		return TOKEN_UNNAMED;
	if (c->automatic && m == SASL_CRAM_MD5)
		return MD5_UNNAMED;
	if (c->automatic && (traits & SASL_OUTSIDE))
		return TICKET_UNNAMED;
	if (c->automatic && !sasl_allows(c->set, m))
		return FORBIDDEN;
	if (!sasl_allows(c->set, m))
		return traits & SASL_TOKEN && !around->has_token ? TOKEN_NOT_NAMED : NOT_NAMED;
	if (c->set->authzid && !(traits & SASL_ACTS_AS))
		return NO_AUTHZID;
	if (m == SASL_ANONYMOUS || (traits & SASL_OUTSIDE))
		return USABLE;
	if (m == SASL_EXTERNAL)
		return around->has_certificate && around->encrypted ? USABLE : NO_CERTIFICATE;
	if (!around->has_secret)
		return NO_SECRET;
	if (!c->set->user && m != SASL_OAUTHBEARER)
		return NO_USER;
	if ((traits & SASL_BINDS) && (!around->encrypted || !around->binding.type))
		return NO_BINDING;
	if ((traits & SASL_CLEAR) && !around->encrypted && !c->set->allow_clear_password)
		return IN_CLEAR;
	return USABLE;
}

/* --- saying why not ----------------------------------------------------- */

static void list_allowed(const struct choice *c, struct buf *out)
{
	for (unsigned m = 0; c->automatic && m < SASL_MECHANISMS; m++) {
		enum reason why = judge(c, (enum sasl_mechanism)m);

		if (why != TOKEN_UNNAMED && why != MD5_UNNAMED && why != TICKET_UNNAMED &&
		    why != NO_CERTIFICATE && why != PASSWORD_WANTED && why != FORBIDDEN &&
		    why != NO_AUTHZID && why != NOT_OFFERED)
			buf_printf(out, "%s%s", out->len ? " " : "",
				sasl_name((enum sasl_mechanism)m));
	}
	for (size_t i = 0; !c->automatic && i < c->set->mechanisms.count; i++) {
		const char *word = c->set->mechanisms.items[i];
		enum sasl_mechanism m = sasl_find(word, strlen(word));

		if (m < SASL_MECHANISMS)
			buf_printf(out, "%s%s", out->len ? " " : "", sasl_name(m));
	}
}

static const char *lower_name(enum sasl_mechanism m)
{
	static char name[32];
	size_t i;

	for (i = 0; sasl_name(m)[i] && i < sizeof(name) - 1; i++) {
		char c = sasl_name(m)[i];

		name[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	}
	name[i] = '\0';
	return name;
}

/* What the account says of mechanisms is in the way. */
static int explain_settings(enum reason why, const char *both, const char *name, struct err *e)
{
	switch (why) {
	case FORBIDDEN:
		err_set(e, ERR_LOGIN, "%s; auth forbids %s", both, name);
		err_cause(e, "no-common-mechanism");
		return err_hint(e, "allow one that the server offers, or ask its operator for another");
	case NO_AUTHZID:
		err_set(e, ERR_LOGIN, "%s; %s cannot carry the authzid that is set", both, name);
		err_cause(e, "login-wants-authzid");
		return err_hint(e, "leave authzid out, or use a server that offers PLAIN or SCRAM");
	case TICKET_UNNAMED:
		err_set(e, ERR_LOGIN, "%s; GSSAPI wants a Kerberos ticket: it is used only if auth "
			"names it", both);
		err_cause(e, "login-wants-ticket");
		return err_hint(e, "set auth = gssapi if this machine belongs to a Kerberos realm");
	case NOT_NAMED:
		err_set(e, ERR_LOGIN, "%s; auth does not name %s", both, name);
		err_cause(e, "no-common-mechanism");
		return err_hint(e, "leave auth out, or add one that the server offers");
	case MD5_UNNAMED:
		err_set(e, ERR_LOGIN, "%s; CRAM-MD5 is weak: it is used only if auth names it",
			both);
		err_cause(e, "login-weak-only");
		return err_hint(e, "set auth = cram-md5 if the server has nothing better");
	default:
		err_set(e, ERR_LOGIN, "%s", both);
		err_cause(e, "no-common-mechanism");
		return err_hint(e, "ask the server's operator for one of those that this account "
			"allows");
	}
}

static int explain(enum reason why, enum sasl_mechanism m, const char *both, struct err *e)
{
	const char *name = sasl_name(m);

	switch (why) {
	case IN_CLEAR:
		err_set(e, ERR_LOGIN, "%s; %s would show the secret to everyone on the way: "
			"the connection is not encrypted and verified", both, name);
		err_cause(e, "login-clear-forbidden");
		return err_hint(e, "use TLS (tls = starttls or implicit); only if others may read "
			"the password: allow_clear_password = yes");
	case NO_SECRET:
		err_set(e, ERR_LOGIN, "%s; no password is configured for %s", both, name);
		err_cause(e, "login-without-password");
		return err_hint(e, "set password_command or password_file");
	case NO_USER:
		err_set(e, ERR_LOGIN, "%s; no user is configured for %s", both, name);
		err_cause(e, "login-without-user");
		return err_hint(e, "set user; most servers want the whole mail address");
	case TOKEN_UNNAMED:
	case TOKEN_NOT_NAMED:
		err_set(e, ERR_LOGIN, "%s; %s wants an OAuth access token, not a password", both,
			name);
		err_cause(e, "login-wants-token");
		return err_hint(e, "set auth = %s and a password_command that prints an access "
			"token", lower_name(m));
	case PASSWORD_WANTED:
		err_set(e, ERR_LOGIN, "%s; %s wants a password, and this account signs in by OAuth",
			both, name);
		err_cause(e, "login-wants-password");
		return err_hint(e, "take the account's oauth keys out and give it a password, or check "
			"host and port");
	case NO_CERTIFICATE:
		err_set(e, ERR_LOGIN, "%s; EXTERNAL needs TLS and a client certificate", both);
		err_cause(e, "login-wants-certificate");
		return err_hint(e, "set tls_cert and tls_key, or ask for another way to log in");
	case NO_BINDING:
		err_set(e, ERR_LOGIN, "%s; %s needs a TLS connection that it can be bound to", both,
			name);
		err_cause(e, "login-not-bindable");
		return err_hint(e, "use TLS 1.3, or a server that offers %.*s",
			(int)(strlen(name) - strlen("-PLUS")), name);
	default:
		return explain_settings(why, both, name, e);
	}
}

static int refuse(const struct choice *c, const char *offered, struct err *e)
{
	struct buf both = BUF_INIT(1024), ours = BUF_INIT(512);
	enum sasl_mechanism telling = SASL_MECHANISMS;
	enum reason least = NOT_OFFERED;

	for (unsigned m = 0; m < SASL_MECHANISMS; m++) {
		enum reason why = judge(c, (enum sasl_mechanism)m);

		if (c->offered[m] && why < least) {
			least = why;
			telling = (enum sasl_mechanism)m;
		}
	}
	list_allowed(c, &ours);
	buf_add_text(&both, "no way to log in: the server offers ");
	if (offered[strspn(offered, " \t")])
		text_clean(offered, strlen(offered), LISTED, &both);
	else
		buf_add_text(&both, "none");
	buf_printf(&both, "; this account allows %s", ours.len ? buf_text(&ours) :
		"none of what there is");
	explain(least, telling, buf_text(&both), e);
	buf_release(&both);
	buf_release(&ours);
	return -1;
}

/* --- choosing ----------------------------------------------------------- */

static bool try_one(const struct choice *c, enum sasl_mechanism m, enum sasl_mechanism *chosen)
{
	if (m >= SASL_MECHANISMS || !c->offered[m] || judge(c, m) != USABLE)
		return false;
	*chosen = m;
	return true;
}

int sasl_choose(const char *offered, const struct sasl_settings *set,
	const struct sasl_surroundings *around, enum sasl_mechanism *chosen, struct err *e)
{
	const struct key_list *list = &set->mechanisms;
	struct choice c = { .set = set, .around = around };

	*chosen = SASL_MECHANISMS;
	if (sasl_never(set))
		return err_set(e, ERR_LOGIN, "this account never logs in (auth = none)");
	c.automatic = sasl_is_automatic(set);
	read_offer(&c, offered);
	for (unsigned m = 0; c.automatic && m < SASL_MECHANISMS; m++)
		if (try_one(&c, (enum sasl_mechanism)m, chosen))
			return 0;
	for (size_t i = 0; !c.automatic && i < list->count; i++)
		if (try_one(&c, sasl_find(list->items[i], strlen(list->items[i])), chosen))
			return 0;
	return refuse(&c, offered, e);
}
