/* net/tls_settings.c - the keys of TLS, and what can be wrong with them; see tls.h. */
#include "net/tls.h"

#include <stddef.h>
#include <string.h>

#include "base/pkcs11.h"
#include "base/text.h"
#include "net/name.h"
#include "net/pin.h"
#include "net/priority.h"

static const struct key_choice least_choices[] = {
	{ "1.0", TLS_LEAST_1_0 }, { "1.1", TLS_LEAST_1_1 }, { "1.2", TLS_LEAST_1_2 },
	{ "1.3", TLS_LEAST_1_3 }, { NULL, 0 }
};

const struct key tls_keys[] = {
	{ .name = "tls_ca_file", .type = KEY_LIST,
		.offset = offsetof(struct tls_settings, ca_files),
		.help = "PEM files of trusted roots; \"system\" stands for the system's" },
	{ .name = "tls_host", .type = KEY_WORD, .offset = offsetof(struct tls_settings, host),
		.help = "name the server's certificate must have, if not host" },
	{ .name = "tls_pin", .type = KEY_LIST, .offset = offsetof(struct tls_settings, pins),
		.help = "SHA-256 of the server's key or certificate, which is trusted then" },
	{ .name = "tls_cert", .type = KEY_PLACE, .offset = offsetof(struct tls_settings, cert),
		.help = "PEM file of a client certificate, or its PKCS#11 URI" },
	{ .name = "tls_key", .type = KEY_PLACE, .offset = offsetof(struct tls_settings, key),
		.help = "PEM file of its key, or its PKCS#11 URI" },
	{ .name = "tls_verify", .type = KEY_BOOL, .offset = offsetof(struct tls_settings, verify),
		.fallback = "yes", .help = "no: take any certificate" },
	{ .name = "tls_min_version", .type = KEY_CHOICE,
		.offset = offsetof(struct tls_settings, least), .fallback = "1.2",
		.help = "1.0, 1.1, 1.2 or 1.3: the oldest version of TLS that is used",
		.choices = least_choices },
	{ .name = "tls_crl_file", .type = KEY_PATH,
		.offset = offsetof(struct tls_settings, crl_file),
		.help = "file with lists of revoked certificates" },
	{ .name = "tls_priority", .type = KEY_WORD,
		.offset = offsetof(struct tls_settings, priority),
		.help = "versions and ciphers of TLS, as GnuTLS has it, as NORMAL:-AES-128-CBC" },
	{ .name = NULL }
};

static int check_ca_item(const char *item, struct err *e)
{
	char shown[200];

	if (!strcmp(item, "system") || item[0] == '/' || !strncmp(item, "~/", 2))
		return 0;
	text_clean_to(shown, sizeof(shown), item, strlen(item));
	return err_set(e, ERR_CONFIG, "tls_ca_file: '%s' is neither \"system\" nor a path that "
		"begins with \"/\" or \"~/\"", shown);
}

static int check_place(const char *key, const char *value, struct err *e)
{
	struct pkcs11_uri uri;

	if (!value || !pkcs11_is_uri(value))
		return 0;
	if (pkcs11_read(value, &uri, e) < 0)
		return err_context(e, "%s", key);
	pkcs11_release(&uri);
	return 0;
}

/* Nothing but a pin says whose such a key is. */
static int check_raw_key(const struct tls_settings *set, struct err *e)
{
	if (!(priority_proofs(set) & PRIORITY_RAW_KEY) || pin_of_key(&set->pins))
		return 0;
	err_set(e, ERR_CONFIG, "tls_priority asks for raw public keys, and no tls_pin %s",
		set->pins.count ? "is of a key" : "says which is the server's");
	return err_hint(e, "set tls_pin = spki:HEX of the server's key, or take RAWPK out of "
		"tls_priority");
}

int tls_settings_check(const struct tls_settings *set, struct err *e)
{
	char name[NAME_MAX_OCTETS];
	struct pin pin;

	for (size_t i = 0; i < set->ca_files.count; i++)
		if (check_ca_item(set->ca_files.items[i], e) < 0)
			return -1;
	for (size_t i = 0; i < set->pins.count; i++)
		if (pin_parse(set->pins.items[i], &pin, e) < 0)
			return -1;
	if (set->host && name_ascii(set->host, name, ERR_CONFIG, e) < 0)
		return err_context(e, "tls_host");
	if (!set->cert != !set->key)
		return err_set(e, ERR_CONFIG,
			"%s is set without %s: a client certificate needs both",
			set->cert ? "tls_cert" : "tls_key", set->cert ? "tls_key" : "tls_cert");
	if (check_place("tls_cert", set->cert, e) < 0 || check_place("tls_key", set->key, e) < 0)
		return -1;
	if (!set->verify && set->pins.count) {
		err_set(e, ERR_CONFIG, "tls_pin and tls_verify = no contradict each other");
		return err_hint(e, "remove tls_verify: a server with a pinned key needs no more");
	}
	if (set->crl_file && (!set->verify || set->pins.count)) {
		err_set(e, ERR_CONFIG, "tls_crl_file and %s contradict each other: no list would be asked",
			set->pins.count ? "tls_pin" : "tls_verify = no");
		return err_hint(e, "keep one of them");
	}
	return priority_check(set, e) < 0 ? -1 : check_raw_key(set, e);
}
