/* deliver/unconfigured.c - an account without a file; see unconfigured.h. */
#include "deliver/unconfigured.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "mail/address.h"

static const char name[] = "check";

static const char *domain_of(const char *address)
{
	const char *at = address ? strrchr(address, '@') : NULL;

	return at && at[1] ? at + 1 : NULL;
}

const char *unconfigured_domain(const struct unconfigured_words *w)
{
	return w->host || w->provider || !w->address || preset_of_address(w->address) ? NULL :
		domain_of(w->address);
}

const char *unconfigured_guess(const char *domain, unsigned number, char *out, size_t size)
{
	static const char *const usual[] = { "smtp", "mail" };
	int len = number < COUNT(usual) ? snprintf(out, size, "%s.%s", usual[number], domain) : -1;

	return len > 0 && (size_t)len < size ? out : NULL;
}

static bool logs_in(const struct unconfigured_words *w)
{
	return !w->no_login && (w->address || w->user || w->provider);
}

/* ---- words into the two sources */

static int put(struct conf_source *src, const char *key, const char *value, struct err *e)
{
	return value ? conf_set(src, CONF_ACCOUNT, name, key, value, account_tables, e) : 0;
}

static bool is_set(const struct conf_source *src, const char *key)
{
	return conf_find(src, CONF_ACCOUNT, name, key) != NULL;
}

/* In the form of the envelope, which takes IDNA with it. */
static int put_address(struct unconfigured *u, const char *address, struct err *e)
{
	struct buf out = BUF_INIT(ADDRESS_PATH_MAX + 1);
	char shown[80];
	int good = address_parse_one(address, strlen(address), NULL, &out, e) == 0 &&
		domain_of(buf_text(&out)) ? 0 : -1;

	if (good == 0) {
		good = put(&u->said, "from", buf_text(&out), e);
	} else {
		text_clean_to(shown, sizeof(shown), address, strlen(address));
		err_set(e, ERR_USAGE, "'%s' is not a whole address, as name@example.com", shown);
	}
	buf_release(&out);
	return good;
}

/* "tls_pin=sha256//..."; blanks around the first "=" are of no account. */
static int put_setting(struct unconfigured *u, const char *setting, struct err *e)
{
	static const char *const words[] = { "host", "port", "tls", "user", "from" };
	const char *equals = strchr(setting, '=');
	size_t len = equals ? (size_t)(equals - setting) : 0;
	char *key;
	int good;

	while (len && (setting[len - 1] == ' ' || setting[len - 1] == '\t'))
		len--;
	if (!len) {
		err_set(e, ERR_USAGE, "--set is not KEY=VALUE");
		return err_hint(e, "as in: --set tls_ca_file=/etc/ssl/own-ca.pem");
	}
	for (size_t i = 0; i < COUNT(words); i++)
		if (strlen(words[i]) == len && !memcmp(setting, words[i], len)) {
			err_set(e, ERR_USAGE, "--set takes no %s: that is an option of its own", words[i]);
			return err_hint(e, "use --%s, or name an address", words[i]);
		}
	key = mem_copy(setting, len);
	equals += 1 + strspn(equals + 1, " \t");
	if (!strcmp(key, "password") || !strcmp(key, "oauth_client_secret")) {
		err_set(e, ERR_USAGE, "--set takes no secret: whoever lists the processes would see it");
		good = err_hint(e, "leave it out, and it is asked for; or use --password-file FILE");
	} else {
		good = put(&u->said, key, equals, e);
	}
	if (good == 0 && u->said.has_secret) {
		err_set(e, ERR_USAGE, "--set takes no %s with a password or PIN in it: whoever lists the "
			"processes would see it", key);
		good = err_hint(e, "write it into a configuration file, and name that with -C");
	}
	free(key);
	return good;
}

static int put_said(struct unconfigured *u, const struct unconfigured_words *w, struct err *e)
{
	if (w->address && put_address(u, w->address, e) < 0)
		return -1;
	for (size_t i = 0; i < w->setting_count; i++)
		if (put_setting(u, w->settings[i], e) < 0)
			return -1;
	return put(&u->said, "host", w->host, e) < 0 || put(&u->said, "port", w->port, e) < 0 ||
		put(&u->said, "tls", w->tls, e) < 0 || put(&u->said, "user", w->user, e) < 0 ||
		put(&u->said, "auth", logs_in(w) ? NULL : "none", e) < 0 ? -1 : 0;
}

/* Whether a word may stand beside this value of the same key: it is not said, or the same. */
static bool fits(const struct unconfigured *u, const char *key, const char *value)
{
	const struct conf_entry *entry = conf_find(&u->said, CONF_ACCOUNT, name, key);

	return !entry || text_equal_fold(entry->value, strlen(entry->value), value, strlen(value));
}

/* Port and tls go together: one that is said otherwise leaves the other to what is usual. */
static int put_found(struct unconfigured *u, const struct srv_target *t, const char *address,
	struct err *e)
{
	struct conf_source *given = &u->account.given;
	const char *tls = t->implicit ? "implicit" : "starttls";
	char port[24];

	snprintf(port, sizeof(port), "%u", t->port);
	given->name = mem_printf("SRV record of %s", domain_of(address));
	if (put(given, "host", t->host, e) < 0)
		return -1;
	if (!fits(u, "port", port) || !fits(u, "tls", tls))
		return 0;
	return put(given, "port", port, e) < 0 ? -1 : put(given, "tls", tls, e);
}

/* ---- whose server, and as whom */

static int no_server(const char *address, struct err *e)
{
	char shown[80], guess[90];

	if (!address)
		return err_set(e, ERR_USAGE, "neither an account nor an address nor a host was given");
	text_clean_to(shown, sizeof(shown), domain_of(address), strlen(domain_of(address)));
	err_set(e, ERR_USAGE, "which server sends for %s is not known", shown);
	return err_hint(e, "ask the provider for its submission server and name it with --host; "
		"often it is %s", unconfigured_guess(shown, 0, guess, sizeof(guess)));
}

static int find_server(struct unconfigured *u, const struct unconfigured_words *w,
	const struct preset **p, struct err *e)
{
	const struct conf_entry *from = conf_find(&u->said, CONF_ACCOUNT, name, "from");
	const char *address = from ? from->value : NULL;

	if (w->provider) {
		*p = preset_find(w->provider);
		return *p ? 0 : provided_unknown(w->provider, e);
	}
	*p = w->host ? preset_of_host(w->host) : address ? preset_of_address(address) : NULL;
	if (*p || w->host)
		return 0;
	return w->found && address ? put_found(u, w->found, address, e) : no_server(address, e);
}

/* Where neither the user nor the provider has said it, it is the address. */
static int find_user(struct unconfigured *u, const struct preset *p, struct err *e)
{
	const struct conf_entry *from = conf_find(&u->said, CONF_ACCOUNT, name, "from");

	if (is_set(&u->said, "user") || is_set(&u->account.given, "user"))
		return 0;
	if (p && p->user == PRESET_USER_OWN) {
		err_set(e, ERR_USAGE, "with which user to log in at %s is not known", p->name);
		return err_hint(e, "name it with --user: %s %s", p->name, p->note);
	}
	return put(&u->said, "user", from ? from->value : NULL, e);
}

static bool names_source(const struct conf_source *said)
{
	for (const struct key *row = secret_keys; row->name; row++)
		if (is_set(said, row->name))
			return true;
	return false;
}

static int make(struct unconfigured *u, const struct unconfigured_words *w, const char *home,
	struct err *e)
{
	const struct preset *p = NULL;

	if (put_said(u, w, e) < 0 || find_server(u, w, &p, e) < 0)
		return -1;
	if ((p && provided_give(&u->account, p, e) < 0) || (logs_in(w) && find_user(u, p, e) < 0))
		return -1;
	u->account.secret.asked = logs_in(w) &&
		(is_set(&u->said, "user") || is_set(&u->account.given, "user")) &&
		!names_source(&u->said);
	return provided_fill(&u->account, home, e);
}

int unconfigured_make(struct unconfigured *u, const struct unconfigured_words *w,
	const char *home, struct err *e)
{
	memset(u, 0, sizeof(*u));
	u->said.name = mem_string("command line");
	u->account.name = mem_string(name);
	u->account.source = &u->said;
	u->account.scope = SCOPE_PERSONAL;
	if (make(u, w, home, e) == 0)
		return 0;
	e->kind = ERR_USAGE;
	return -1;
}

void unconfigured_release(struct unconfigured *u)
{
	account_release(&u->account);
	conf_release(&u->said);
}
