/* t/token/options.c - the command line of the token server; see t/README. */
#include "t/token/options.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct settings settings = {
	.client_id = "test-client", .user = "me@example.com", .scope = "mail.send",
	.polls = "pending granted", .rotate = true, .life = 3600, .device_life = 900,
	.interval = 1, .token_size = 64, .code_life = 60, .hurry = 1,
};

enum kind { KIND_TEXT, KIND_NUMBER, KIND_YES, KIND_NO, KIND_FAULT };

#define FRONT(field) false, offsetof(struct options, field)
#define OURS(field)  true, offsetof(struct settings, field)

static const struct row {
	const char *name;
	enum kind kind;
	bool ours;         /* in struct settings, not in struct options */
	size_t offset;
} rows[] = {
	{ "ready", KIND_TEXT, FRONT(ready) },
	{ "listen", KIND_TEXT, FRONT(listen) },
	{ "port", KIND_NUMBER, FRONT(port) },
	{ "lifetime", KIND_NUMBER, FRONT(lifetime) },
	{ "cert", KIND_TEXT, FRONT(cert) },
	{ "key", KIND_TEXT, FRONT(key) },
	{ "tls-max", KIND_TEXT, FRONT(tls_max) },
	{ "log", KIND_TEXT, FRONT(log) },
	{ "raw", KIND_TEXT, FRONT(raw) },
	{ "mood", KIND_TEXT, FRONT(mood) },
	{ "at", KIND_FAULT, FRONT(faults) },
	{ "limit-connections", KIND_NUMBER, FRONT(limit_connections) },
	{ "client-id", KIND_TEXT, OURS(client_id) },
	{ "client-secret", KIND_TEXT, OURS(client_secret) },
	{ "client-cert", KIND_TEXT, OURS(client_cert) },
	{ "service", KIND_TEXT, OURS(service) },
	{ "service-cert", KIND_TEXT, OURS(service_cert) },
	{ "service-key-id", KIND_TEXT, OURS(service_key_id) },
	{ "user", KIND_TEXT, OURS(user) },
	{ "scope", KIND_TEXT, OURS(scope) },
	{ "redirect", KIND_TEXT, OURS(redirect) },
	{ "tenant", KIND_TEXT, OURS(tenant) },
	{ "polls", KIND_TEXT, OURS(polls) },
	{ "tokens", KIND_TEXT, OURS(tokens) },
	{ "issued", KIND_TEXT, OURS(issued) },
	{ "no-rotation", KIND_NO, OURS(rotate) },
	{ "jwt", KIND_YES, OURS(jwt) },
	{ "device-by-code", KIND_YES, OURS(device_by_code) },
	{ "no-iss", KIND_YES, OURS(no_iss) },
	{ "no-pkce", KIND_YES, OURS(no_pkce) },
	{ "life", KIND_NUMBER, OURS(life) },
	{ "code-life", KIND_NUMBER, OURS(code_life) },
	{ "device-life", KIND_NUMBER, OURS(device_life) },
	{ "interval", KIND_NUMBER, OURS(interval) },
	{ "hurry", KIND_NUMBER, OURS(hurry) },
	{ "token-size", KIND_NUMBER, OURS(token_size) },
};

__attribute__((noreturn))
static void refuse(const char *what, const char *value)
{
	fprintf(stderr, "t/token: %s '%s'\n", what, value);
	exit(2);
}

static unsigned number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end == text || *end || *text == '-' || n > 1 << 20)
		refuse("not a usable number:", text);
	return (unsigned)n;
}

static void set(struct options *opt, const struct row *r, const char *value)
{
	void *at = (r->ours ? (char *)&settings : (char *)opt) + r->offset;

	switch (r->kind) {
	case KIND_TEXT:   *(const char **)at = value; break;
	case KIND_NUMBER: *(unsigned *)at = number(value); break;
	case KIND_YES:    *(bool *)at = true; break;
	case KIND_NO:     *(bool *)at = false; break;
	case KIND_FAULT:
		if (fault_add(at, value) < 0)
			refuse("cannot read --at", value);
		break;
	}
}

void token_options_parse(struct options *opt, int argc, char **argv)
{
	struct option names[COUNT(rows) + 1] = { { NULL, 0, NULL, 0 } };
	int which;

	*opt = (struct options){
		.listen = "127.0.0.1", .lifetime = 120, .security = SECURITY_IMPLICIT, .strict = true,
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		names[i] = (struct option){ .name = rows[i].name, .val = 256 + (int)i, .has_arg =
			rows[i].kind == KIND_YES || rows[i].kind == KIND_NO ? no_argument :
			required_argument };
	while ((which = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (which < 256)
			exit(2);   /* getopt_long has said why */
		set(opt, &rows[which - 256], optarg);
	}
	if (optind < argc)
		refuse("unexpected word", argv[optind]);
	if (!opt->cert || !opt->key)
		refuse("needed:", "--cert and --key");
	if (settings.service && !settings.service_cert)
		refuse("--service without --service-cert:", settings.service);
}
