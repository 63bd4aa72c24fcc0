/* deliver/account.c - the tables put together; see account.h. */
#include "deliver/account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "cred/kerberos.h"
#include "mail/address.h"
#include "net/reach.h"
#include "provider/preset.h"

enum { PORT_IMPLICIT = 465, PORT_SUBMISSION = 587, PORT_PLAIN = 25 };

static const struct key_choice rewrite_choices[] = {
	{ "auto", REWRITE_AUTO }, { "never", REWRITE_NEVER }, { "always", REWRITE_ALWAYS },
	{ NULL, 0 }
};

#define WHO(type, field) type, offsetof(struct who_settings, field)
static const struct key who_keys[] = {
	{ "description", WHO(KEY_TEXT, description), NULL, "what the account is, for people",
		.choices = NULL },
	{ "provider", WHO(KEY_WORD, provider), NULL,
		"mail provider or relay whose server it is, as google", .choices = NULL },
	{ "from", WHO(KEY_WORD, from), NULL, "the account's address", .choices = NULL },
	{ "from_name", WHO(KEY_TEXT, from_name), NULL,
		"display name where a rewritten From has none", .choices = NULL },
	{ "match", WHO(KEY_LIST, match), NULL, "senders that choose this account, as *@example.com",
		.choices = NULL },
	{ "allowed_from", WHO(KEY_LIST, allowed_from), NULL,
		"further addresses that this account may send as", .choices = NULL },
	{ "rewrite_from", WHO(KEY_CHOICE, rewrite_from), "auto",
		"auto, never or always: put the account's address in place of others",
		.choices = rewrite_choices },
	{ "users", WHO(KEY_LIST, users), NULL,
		"who may select this system account: names, @groups, *", .choices = NULL },
	{ "fallback", WHO(KEY_WORD, fallback), NULL,
		"account that serves while this one cannot", .choices = NULL },
	{ .name = NULL }
};

#define TRAFFIC(type, field) type, offsetof(struct traffic_settings, field)
static const struct key traffic_keys[] = {
	{ "max_connections", TRAFFIC(KEY_NUMBER, max_connections), "2",
		"connections to the server at one time, of all processes", .least = 1, .most = 100 },
	{ "max_rate", TRAFFIC(KEY_WORD, max_rate), NULL,
		"messages in a time, as 30/m; s, m, h or d", .choices = NULL },
	{ .name = NULL }
};

static const struct key_choice delivery_choices[] = {
	{ "now", DELIVERY_NOW }, { "background", DELIVERY_BACKGROUND },
	{ "queue", DELIVERY_QUEUE }, { NULL, 0 }
};

static const struct key_choice trace_choices[] = {
	{ "auto", TRACE_BY_SCOPE }, { "no", TRACE_NO }, { "yes", TRACE_YES }, { NULL, 0 }
};

enum {
	SECOND = 1000,
	HOUR = 3600 * SECOND,
	DAY = 24 * HOUR
};
#define MONTHS_MOST (400L * DAY)
#define SIZE_MOST (1L << 40)

#define GLOBAL(type, field) type, offsetof(struct global_settings, field)
static const struct key own_global_keys[] = {
	{ "default", GLOBAL(KEY_WORD, default_account), NULL,
		"account for mail that no other is chosen for", .choices = NULL },
	{ "domain", GLOBAL(KEY_WORD, domain), NULL, "domain for bare names, as root",
		.choices = NULL },
	{ "aliases", GLOBAL(KEY_PATH, aliases), "/etc/aliases",
		"file of aliases for local names", .choices = NULL },
	{ "admin", GLOBAL(KEY_WORD, admin), NULL,
		"address for every local name without alias, as root", .choices = NULL },
	{ "local_names", GLOBAL(KEY_LIST, local_names), NULL,
		"domains that are this machine's: their names are local", .choices = NULL },
	{ "queue_dir", GLOBAL(KEY_PATH, queue_dir), NULL, "directory of the queue",
		.choices = NULL },
	{ "delivery", GLOBAL(KEY_CHOICE, delivery), "now",
		"now, background or queue: when a message of one's own is first tried",
		.choices = delivery_choices },
	{ "max_age", GLOBAL(KEY_DURATION, retry.max_age), "5d",
		"how long a message is tried before it is given up",
		.least = SECOND, .most = MONTHS_MOST },
	{ "delay_notice", GLOBAL(KEY_DURATION, retry.delay_notice), "4h",
		"age at which the sender is told that it is late; 0: never",
		.least = 0, .most = MONTHS_MOST },
	{ "retry", GLOBAL(KEY_TEXT, retry_text), "5m 4h",
		"the first wait and, doubled each time, the longest", .choices = NULL },
	{ "failure_notice", GLOBAL(KEY_BOOL, failure_notice), "yes",
		"whether senders are told by mail of what is given up", .choices = NULL },
	{ "on_failure", GLOBAL(KEY_TEXT, on_failure), NULL,
		"shell command for what is given up; SENDOFF_ID and SENDOFF_REASON tell",
		.choices = NULL },
	{ "failed_keep", GLOBAL(KEY_DURATION, failed_keep), "30d",
		"how long what was given up is kept", .least = 0, .most = MONTHS_MOST },
	{ "max_message", GLOBAL(KEY_SIZE, max_message), "100M",
		"largest message; 0: no limit", .least = 0, .most = SIZE_MOST },
	{ "quota_messages", GLOBAL(KEY_NUMBER, quota_messages), "1000",
		"messages of one user in the system's queue", .least = 1, .most = 100000000 },
	{ "quota_bytes", GLOBAL(KEY_SIZE, quota_bytes), "500M",
		"octets of one user in the system's queue", .least = 1024, .most = SIZE_MOST },
	{ "min_free", GLOBAL(KEY_SIZE, min_free), "50M",
		"free space below which the system's queue takes nothing", .least = 0,
		.most = SIZE_MOST },
	{ "listen", GLOBAL(KEY_LIST, listen), NULL,
		"loopback ports for programs that only speak SMTP, as 127.0.0.1:2525",
		.choices = NULL },
	{ "trace", GLOBAL(KEY_CHOICE, trace), "auto",
		"auto, yes or no: a Received line; auto is yes in the system's queue",
		.choices = trace_choices },
	{ .name = NULL }
};

const struct conf_table account_tables[] = {
	{ who_keys, offsetof(struct account, who) },
	{ net_keys, offsetof(struct account, net) },
	{ smtp_keys, offsetof(struct account, smtp) },
	{ tls_keys, offsetof(struct account, tls) },
	{ sasl_keys, offsetof(struct account, sasl) },
	{ secret_keys, offsetof(struct account, secret) },
	{ oauth_keys, offsetof(struct account, oauth) },
	{ traffic_keys, offsetof(struct account, traffic) },
	{ NULL, 0 }
};

const struct conf_table global_tables[] = {
	{ own_global_keys, 0 },
	{ log_keys, offsetof(struct global_settings, log) },
	{ NULL, 0 }
};

bool account_has_secret(const struct account *a)
{
	return secret_configured(&a->secret) || oauth_configured(&a->oauth);
}

bool account_logs_in(const struct account *a)
{
	if (sasl_never(&a->sasl))
		return false;
	return a->sasl.user || a->sasl.authzid || a->sasl.mechanisms.count ||
		account_has_secret(a);
}

bool account_has_ticket(const struct account *a)
{
	return sasl_names(&a->sasl, SASL_GSSAPI);
}

bool account_signs_in(const struct account *a)
{
	return account_logs_in(a) && oauth_configured(&a->oauth);
}

const struct oauth_provider *account_oauth_provider(const struct account *a)
{
	const struct preset *known = a->who.provider ? preset_find(a->who.provider) :
		preset_of_host(a->net.host);

	return oauth_settings_provider(&a->oauth, known ? known->id : NULL);
}

bool account_wants_secret(const struct account *a)
{
	return account_logs_in(a) && !account_has_secret(a) && !account_has_ticket(a) &&
		!a->tls.cert && !sasl_names(&a->sasl, SASL_ANONYMOUS) && account_oauth_provider(a);
}

bool account_is_pattern(const char *item)
{
	return strchr(item, '*') != NULL;
}

bool account_mixes_up(const struct account *a)
{
	return a->net.port == PORT_IMPLICIT && a->smtp.tls != SMTP_TLS_IMPLICIT;
}

static bool is_socket(const struct account *a)
{
	return a->net.host[0] == '/';
}

void account_where(const struct account *a, char *out, size_t size)
{
	bool literal = strchr(a->net.host, ':') && a->net.host[0] != '[';
	char shown[300];

	text_clean_to(shown, sizeof(shown), a->net.host, strlen(a->net.host));
	if (is_socket(a))   /* in the file system it has no port */
		snprintf(out, size, "%s", shown);
	else
		snprintf(out, size, literal ? "[%s]:%ld" : "%s:%ld", shown, a->net.port);
}

static void finish_port(struct account *a)
{
	if (a->smtp.tls == SMTP_TLS_UNSET)
		a->smtp.tls = a->net.port == PORT_IMPLICIT ? SMTP_TLS_IMPLICIT :
			is_socket(a) && a->smtp.protocol == PROTOCOL_LMTP ? SMTP_TLS_OFF :
			SMTP_TLS_STARTTLS;
	if (!a->net.port && !is_socket(a))
		a->net.port = a->smtp.tls == SMTP_TLS_IMPLICIT ? PORT_IMPLICIT :
			a->smtp.tls == SMTP_TLS_OFF || a->smtp.tls == SMTP_TLS_OPPORTUNISTIC ? PORT_PLAIN :
			PORT_SUBMISSION;
}

void account_set_port(struct account *a, long port, bool tls_too)
{
	a->net.port = port;
	if (tls_too)
		a->smtp.tls = SMTP_TLS_UNSET;
	finish_port(a);
}

/* "~/x" becomes HOME/x. */
static int expand(char **path, const char *home, struct err *e)
{
	char *whole;

	if (!*path || (*path)[0] != '~')
		return 0;
	if (!home)
		return err_set(e, ERR_CONFIG, "'~' in a path cannot be resolved: no home directory");
	whole = mem_printf("%s%s", home, *path + 1);
	free(*path);
	*path = whole;
	return 0;
}

static int expand_paths(struct account *a, const char *home, struct err *e)
{
	for (size_t i = 0; i < a->tls.ca_files.count; i++)
		if (expand(&a->tls.ca_files.items[i], home, e) < 0)
			return -1;
	if (expand(&a->tls.cert, home, e) < 0 || expand(&a->tls.key, home, e) < 0 ||
			expand(&a->tls.crl_file, home, e) < 0)
		return -1;
	if (expand(&a->oauth.service_account, home, e) < 0 || expand(&a->oauth.certificate, home, e) < 0)
		return -1;
	return expand(&a->secret.file, home, e) < 0 ? -1 : expand(&a->secret.netrc, home, e);
}

static int to_envelope_form(char **address, const char *key, struct err *e)
{
	struct buf out = BUF_INIT(ADDRESS_PATH_MAX + 1);

	if (!*address)
		return 0;
	if (address_parse_one(*address, strlen(*address), NULL, &out, e) < 0 || !out.len ||
	    !strchr(buf_text(&out), '@')) {
		buf_release(&out);
		return err_set(e, ERR_CONFIG, "%s is not a whole address, as name@example.com", key);
	}
	free(*address);
	*address = buf_take(&out);
	return 0;
}

/* What EHLO may name, in ASCII. */
static int to_domain_form(char **domain, const char *key, struct err *e)
{
	struct buf out = BUF_INIT(ADDRESS_PATH_MAX + 1);

	if (!*domain)
		return 0;
	if (address_write("x", *domain, NULL, &out, e) < 0) {
		buf_release(&out);
		err_set(e, ERR_CONFIG, "%s is neither the name of a host nor an address in brackets",
			key);
		return err_hint(e, "without it a name is found that fits");
	}
	free(*domain);
	*domain = mem_string(buf_text(&out) + 2);
	buf_release(&out);
	return 0;
}

/* "30/m": a number of messages in a second, minute, hour or day. */
static int finish_rate(struct account *a, struct err *e)
{
	static const char units[] = "smhd";
	static const long lengths[] = { SECOND, 60 * SECOND, HOUR, DAY };
	char *end = NULL;
	const char *text = a->traffic.max_rate, *unit;
	long count = text ? strtol(text, &end, 10) : 1;

	if (!text)
		return 0;
	unit = end[0] == '/' && end[1] && !end[2] ? strchr(units, end[1]) : NULL;
	if (count < 1 || count > 100000 || !unit || text[0] < '0' || text[0] > '9') {
		err_set(e, ERR_CONFIG, "max_rate is not a number of messages in a time");
		return err_hint(e, "write it as in: max_rate = 30/m");
	}
	a->traffic.rate_interval = lengths[unit - units] / count;
	return 0;
}

static int user_hint(const struct account *a, struct err *e)
{
	const struct preset *p = a->who.provider ? preset_find(a->who.provider) : NULL;

	if (!p)
		return err_hint(e, "add the key user, usually your whole address");
	if (p->user == PRESET_USER_OWN)
		return err_hint(e, "add the key user: %s %s", p->name, p->note);
	return err_hint(e, "add the key from, which is your address at %s", p->name);
}

/* Whether `auth` leaves a way for a token. */
static bool takes_token(const struct sasl_settings *set)
{
	for (unsigned m = 0; m < SASL_MECHANISMS; m++)
		if ((sasl_traits((enum sasl_mechanism)m) & SASL_TOKEN) &&
		    sasl_allows(set, (enum sasl_mechanism)m))
			return true;
	return false;
}

/* A key and the line that set it. */
static const char *key_at(const struct account *a, const char *key, char out[80])
{
	const struct conf_entry *entry = a->source ?
		conf_find(a->source, CONF_ACCOUNT, a->name, key) : NULL;

	if (entry && entry->line)
		snprintf(out, 80, "%s (line %u)", key, entry->line);
	else
		snprintf(out, 80, "%s", key);
	return out;
}

static int both_set(const struct account *a, const char *one, const char *other, struct err *e)
{
	char first[80], second[80];

	return err_set(e, ERR_CONFIG, "%s and %s are both set", key_at(a, one, first),
		key_at(a, other, second));
}

static int check_sources(const struct account *a, struct err *e)
{
	const char *keys[SECRET_SOURCES];

	if (secret_sources(&a->secret, keys) < 2)
		return secret_settings_check(&a->secret, e);
	both_set(a, keys[0], keys[1], e);
	return err_hint(e, "keep one of them: a password has one source");
}

static int half_a_keyring(const struct account *a, struct err *e)
{
	bool loads = a->oauth.load_command != NULL;
	char there[80];

	err_set(e, ERR_CONFIG, "%s is set, and %s is missing",
		key_at(a, loads ? "oauth_load_command" : "oauth_save_command", there),
		loads ? "oauth_save_command" : "oauth_load_command");
	return err_hint(e, "set both: what the one puts into the keyring the other gets from there");
}

/* An access token takes the place of a password. */
static int check_oauth(const struct account *a, struct err *e)
{
	const char *keys[SECRET_SOURCES];

	if (!oauth_configured(&a->oauth))
		return 0;
	if (secret_sources(&a->secret, keys) > 0) {
		both_set(a, oauth_key(&a->oauth), keys[0], e);
		return err_hint(e, "keep one of them: an account signs in by OAuth or has a password");
	}
	if (oauth_settings_check(&a->oauth, e) < 0)
		return -1;
	if (!a->oauth.load_command != !a->oauth.save_command)
		return half_a_keyring(a, e);
	if (account_signs_in(a) && !takes_token(&a->sasl)) {
		err_set(e, ERR_CONFIG, "auth names no login that takes an access token, and %s is set",
			oauth_key(&a->oauth));
		return err_hint(e, "leave auth out, or name oauthbearer or xoauth2");
	}
	return 0;
}

/* Who stands between could use what is meant for the server. */
static int check_trust(const struct account *a, struct err *e)
{
	bool secret = account_has_secret(a);
	const char *what = oauth_configured(&a->oauth) ? "an access token" :
		secret ? "a password" : "a Kerberos ticket";

	if (a->tls.verify || (!secret && !account_has_ticket(a)))
		return 0;
	err_set(e, ERR_CONFIG, "tls_verify = no together with %s would give it to anyone", what);
	return err_hint(e, "set tls_pin to the server's key, or tls_ca_file to the authority "
		"that signed it");
}

/* What anybody on the way can have sent in clear must not be more than the mail. */
static int check_opportunistic(const struct account *a, struct err *e)
{
	if (a->smtp.tls != SMTP_TLS_OPPORTUNISTIC || (!account_logs_in(a) && !a->tls.pins.count))
		return 0;
	err_set(e, ERR_CONFIG, "tls = opportunistic does without TLS where the server offers none, and "
		"%s", account_logs_in(a) ? "this account logs in" : "tls_pin is set");
	return err_hint(e, "set tls = starttls, or implicit for port 465");
}

int account_set_tls(struct account *a, int mode, struct err *e)
{
	a->smtp.tls = mode;
	return check_opportunistic(a, e);
}

static int check_login(const struct account *a, struct err *e)
{
	bool secret = account_has_secret(a);

	if (check_opportunistic(a, e) < 0)
		return -1;
	if (!account_logs_in(a))
		return 0;
	if (secret && !a->sasl.user && !a->secret.netrc) {   /* which names one */
		if (account_signs_in(a))
			err_set(e, ERR_CONFIG, "%s is set but no user", oauth_key(&a->oauth));
		else
			err_set(e, ERR_CONFIG, "there is a password but no user");
		return user_hint(a, e);
	}
	if (!secret && !a->tls.cert && !account_has_ticket(a) && !account_wants_secret(a) &&
	    !sasl_names(&a->sasl, SASL_ANONYMOUS)) {
		err_set(e, ERR_CONFIG, "there is a login but no password");
		return err_hint(e, "add one of password_command, password_file, credential, netrc, "
			"password; or auth = none when the server asks for no login");
	}
	if (account_has_ticket(a) &&
	    kerberos_check_host(a->tls.host ? a->tls.host : a->net.host, e) < 0)
		return -1;
	return check_trust(a, e);
}

int account_finish_global(struct global_settings *g, const char *home, struct err *e)
{
	static const struct key wait = { .name = "retry", .type = KEY_DURATION, .least = 10,
		.most = 30L * DAY };
	const char *text = g->retry_text ? g->retry_text : "5m 4h";
	size_t first = strcspn(text, " \t"), gap = strspn(text + first, " \t");
	char *words[] = { mem_copy(text, first), mem_string(text + first + gap) };
	bool good = key_parse(&wait, words[0], &g->retry.first, e) == 0 &&
		key_parse(&wait, words[1][0] ? words[1] : words[0], &g->retry.most, e) == 0;

	free(words[0]);
	free(words[1]);
	if (!good || g->retry.most < g->retry.first) {
		err_set(e, ERR_CONFIG, "retry is not a first and a longest wait");
		return err_hint(e, "write it as in: retry = 5m 4h");
	}
	if (expand(&g->aliases, home, e) < 0 || expand(&g->queue_dir, home, e) < 0)
		return -1;
	return to_envelope_form(&g->admin, "admin", e);
}

static int check_way(const struct account *a, struct err *e)
{
	const struct conf_entry *entry;
	const char *key = NULL;

	if (reach_settings_check(&a->net, &key, e) == 0)
		return 0;
	entry = a->source ? conf_find(a->source, CONF_ACCOUNT, a->name, key) : NULL;
	return entry && entry->line ? err_context(e, "line %u", entry->line) : -1;
}

/* RFC 2033 has no port of its own for LMTP, and section 5 forbids that of SMTP. */
static int check_lmtp(const struct account *a, struct err *e)
{
	if (a->smtp.protocol != PROTOCOL_LMTP || is_socket(a) || a->net.command ||
	    (a->net.port && a->net.port != PORT_PLAIN))
		return 0;
	err_set(e, ERR_CONFIG, "account '%s': %s", a->name, a->net.port ?
		"port 25 is SMTP's, and protocol = lmtp is set" :
		"protocol = lmtp has no usual port, and none is set");
	return err_hint(e, "set port to that of the server for LMTP (mostly 24), or host to the path "
		"of its socket");
}

int account_finish(struct account *a, const char *home, struct err *e)
{
	bool good;

	if (!a->net.host) {
		err_set(e, ERR_CONFIG, "account '%s' has no host", a->name);
		return err_hint(e, "add: host = the name of your provider's submission server, or: "
			"provider = one of those in sendoff-providers(7)");
	}
	if (check_lmtp(a, e) < 0)
		return -1;
	finish_port(a);
	if (a->secret.env)   /* from the password commands of other accounts too */
		secret_hide(a->secret.env);
	good = expand_paths(a, home, e) == 0 && to_envelope_form(&a->who.from, "from", e) == 0 &&
		to_domain_form(&a->smtp.ehlo, "ehlo", e) == 0 &&
		check_sources(a, e) == 0 &&
		sasl_settings_check(&a->sasl, e) == 0 && check_oauth(a, e) == 0 &&
		tls_settings_check(&a->tls, e) == 0 && check_way(a, e) == 0 &&
		finish_rate(a, e) == 0 && check_login(a, e) == 0;
	for (size_t i = 0; good && i < a->who.allowed_from.count; i++)
		good = account_is_pattern(a->who.allowed_from.items[i]) ||
			to_envelope_form(&a->who.allowed_from.items[i], "allowed_from", e) == 0;
	return good ? 0 : err_context(e, "account '%s'", a->name);
}

void account_release(struct account *a)
{
	conf_clear(account_tables, a);
	conf_release(&a->given);
	secret_wipe(&a->secret.given);
	free(a->name);
	a->name = NULL;
}
