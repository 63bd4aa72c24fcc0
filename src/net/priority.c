/* net/priority.c - tls_min_version and tls_priority; see priority.h.
 *
 * A priority string is GnuTLS's own language, in which much can be said that has no place
 * here: what stands in NEVER is taken out behind it, whatever it says, and so are the
 * versions below the least.  What it says of the verification of certificates reaches
 * nobody, for that is done by net/verify.  Raw public keys it can ask for, of servers alone:
 * our own proof is always a certificate.
 */
#include "net/priority.h"

#include <string.h>
#include <strings.h>

#include "base/gnutls.h"
#include "base/mem.h"
#include "base/text.h"

#define NEVER "-ANON-ECDH:-ANON-DH:-NULL"
#define NEVER_OURS "-CTYPE-CLI-RAWPK"
#define NO_RSA "-RSA"

static const struct {
	enum tls_least least;
	gnutls_protocol_t protocol;
	const char *name, *word;
} versions[] = {
	{ TLS_LEAST_1_3, GNUTLS_TLS1_3, "TLS 1.3", "VERS-TLS1.3" },
	{ TLS_LEAST_1_2, GNUTLS_TLS1_2, "TLS 1.2", "VERS-TLS1.2" },
	{ TLS_LEAST_1_1, GNUTLS_TLS1_1, "TLS 1.1", "VERS-TLS1.1" },
	{ TLS_LEAST_1_0, GNUTLS_TLS1_0, "TLS 1.0", "VERS-TLS1.0" },
};

static int least_of(const struct tls_settings *set)
{
	return set->least ? set->least : TLS_LEAST_1_2;
}

static bool is_word(const char *at, size_t len, const char *word)
{
	return len == strlen(word) && !strncasecmp(at, word, len);
}

/* One word that adds something. */
static int check_added(const struct tls_settings *set, const char *at, size_t len, struct err *e)
{
	static const char *const open[] = { "NULL", "CIPHER-NULL" };
	static const char *const nobody[] = { "ANON-ECDH", "ANON-DH" };

	for (size_t i = 0; i < COUNT(open); i++)
		if (is_word(at, len, open[i]))
			return err_set(e, ERR_CONFIG, "tls_priority asks for %s, which does not encrypt",
				open[i]);
	for (size_t i = 0; i < COUNT(nobody); i++)
		if (is_word(at, len, nobody[i]))
			return err_set(e, ERR_CONFIG,
				"tls_priority asks for %s, by which no server proves who it is", nobody[i]);
	if (is_word(at, len, "VERS-SSL3.0"))
		return err_set(e, ERR_CONFIG, "tls_priority asks for SSL 3.0, which is broken");
	if (is_word(at, len, "CTYPE-CLI-RAWPK"))
		return err_set(e, ERR_CONFIG, "tls_priority asks for CTYPE-CLI-RAWPK: a client shows its "
			"certificate here, never a raw public key");
	for (size_t i = 0; i < COUNT(versions); i++) {
		if (!is_word(at, len, versions[i].word) || (int)versions[i].least >= least_of(set))
			continue;
		err_set(e, ERR_CONFIG, "tls_priority asks for %s, which is older than "
			"tls_min_version allows", versions[i].name);
		return err_hint(e, "where it must be, set tls_min_version = %s too",
			versions[i].name + 4);
	}
	return 0;
}

int priority_check(const struct tls_settings *set, struct err *e)
{
	for (const char *at = set->priority; at && *at;) {
		size_t len = strcspn(at, ":");

		if (*at == '+' && check_added(set, at + 1, len - 1, e) < 0)
			return e->hint[0] ? -1 : err_hint(e, "take it out of tls_priority");
		at += len + (at[len] == ':');
	}
	return 0;
}

/* The proofs of servers that a word behind its sign is about.  RAWPK is only ever counted
 * where it is named: many a string adds all that there is. */
static int proofs_of(const char *at, size_t len, bool added)
{
	static const struct {
		const char *word;
		int proofs;
	} words[] = {
		{ "X509", PRIORITY_X509 }, { "X.509", PRIORITY_X509 }, { "RAWPK", PRIORITY_RAW_KEY },
	};

	if (len < 6 || strncasecmp(at, "CTYPE-", 6) != 0)
		return 0;
	at += 6;
	len -= 6;
	if (len > 4 && !strncasecmp(at, "SRV-", 4)) {
		at += 4;
		len -= 4;
	}
	if (is_word(at, len, "ALL"))
		return PRIORITY_X509 | (added ? 0 : PRIORITY_RAW_KEY);
	for (size_t i = 0; i < COUNT(words); i++)
		if (is_word(at, len, words[i].word))
			return words[i].proofs;
	return 0;
}

int priority_proofs(const struct tls_settings *set)
{
	int proofs = PRIORITY_X509;

	for (const char *at = set->priority; at && *at;) {
		size_t len = strcspn(at, ":");

		if (*at == '+')
			proofs |= proofs_of(at + 1, len - 1, true);
		else if (*at == '-' || *at == '!')
			proofs &= ~proofs_of(at + 1, len - 1, false);
		at += len + (at[len] == ':');
	}
	return proofs;
}

bool priority_spares_rsa(const struct tls_settings *set)
{
	if (!set->cert || (!set->verify && !set->pins.count))
		return false;
	for (const char *at = set->priority; at && *at;) {
		size_t len = strcspn(at, ":");

		if (is_word(at, len, "+RSA"))
			return false;
		at += len + (at[len] == ':');
	}
	return true;
}

/* The word that the library could not go beyond. */
static int refuse(const struct tls_settings *set, const char *whole, const char *at, int rc,
	struct err *e)
{
	size_t own = strlen(set->priority), from = at && at >= whole ? (size_t)(at - whole) : 0;
	char shown[120];

	if (rc == GNUTLS_E_NO_PRIORITIES_WERE_SET) {
		err_set(e, ERR_CONFIG, "tls_priority leaves no version or cipher of TLS that may be used");
	} else if (from < own) {
		size_t len = strcspn(set->priority + from, ":");

		text_clean_to(shown, sizeof(shown), set->priority + from, len);
		err_set(e, ERR_CONFIG, "tls_priority: '%s' is not understood, at character %zu of it",
			shown, from + 1);
	} else {
		err_set(e, ERR_CONFIG, "tls_priority is not understood: %s", gnutls_strerror(rc));
	}
	return err_hint(e, "write it as GnuTLS has it, as NORMAL:-AES-128-CBC; "
		"gnutls-cli --list --priority TEXT tells what it means");
}

int priority_make(const struct tls_settings *set, gnutls_priority_t *out, struct err *e)
{
	struct buf text = BUF_INIT(16 * 1024);
	const char *at = NULL;
	int rc;

	/* Without one the administrator's policy for the whole system stays, except for what
	 * it may allow that we do not. */
	buf_add_text(&text, set->priority ? set->priority : "-VERS-ALL");
	for (size_t i = 0; i < COUNT(versions); i++) {
		bool tried = (int)versions[i].least >= least_of(set);

		if (!set->priority == tried)
			buf_printf(&text, ":%c%s", tried ? '+' : '-', versions[i].word);
	}
	buf_add_text(&text, set->priority ? ":-VERS-SSL3.0:-VERS-DTLS-ALL:" NEVER : ":" NEVER);
	if (priority_proofs(set) & PRIORITY_RAW_KEY)
		buf_add_text(&text, ":" NEVER_OURS);
	if (priority_spares_rsa(set))
		buf_add_text(&text, ":" NO_RSA);
	rc = gnutls_priority_init2(out, buf_text(&text), &at,
		set->priority ? 0 : GNUTLS_PRIORITY_INIT_DEF_APPEND);
	if (rc < 0 && set->priority)
		refuse(set, buf_text(&text), at, rc, e);
	else if (rc < 0)
		err_set(e, ERR_TLS, "cannot set TLS up: %s", gnutls_strerror(rc));
	buf_release(&text);
	return rc < 0 ? -1 : 0;
}

const char *priority_version_name(gnutls_protocol_t version)
{
	for (size_t i = 0; i < COUNT(versions); i++)
		if (versions[i].protocol == version)
			return versions[i].name;
	return NULL;
}

void priority_versions(gnutls_priority_t priority, const char *between, struct buf *out)
{
	const char *names[COUNT(versions)];
	const unsigned *list = NULL;
	int count = gnutls_priority_protocol_list(priority, &list);
	size_t found = 0;

	for (size_t i = 0; i < COUNT(versions); i++)
		for (int k = 0; k < count; k++)
			if (list[k] == versions[i].protocol) {
				names[found++] = versions[i].name;
				break;
			}
	for (size_t i = 0; i < found; i++)
		buf_printf(out, "%s%s", i == 0 ? "" : i + 1 < found ? ", " : between, names[i]);
}
