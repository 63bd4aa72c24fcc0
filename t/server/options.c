/* t/server/options.c - the command line of the test server; see t/README. */
#include "t/server/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OPT_READY = 256, OPT_LISTEN, OPT_PORT, OPT_LIFETIME, OPT_TLS, OPT_CERT, OPT_KEY,
	OPT_CLIENT_CA, OPT_TLS_MAX, OPT_PRIORITY, OPT_USER, OPT_PASSWORD, OPT_TOKEN, OPT_TOKENS,
	OPT_MECHANISMS, OPT_MECHANISMS_CLEAR, OPT_REQUIRE_LOGIN, OPT_EXTENSIONS, OPT_EXT_TLS,
	OPT_SIZE, OPT_MAX_RECIPIENTS, OPT_LIMITS, OPT_STORE, OPT_LOG, OPT_RAW, OPT_STRICT,
	OPT_LENIENT, OPT_ALLOW, OPT_AT, OPT_SPLIT, OPT_COALESCE, OPT_ONE_BY_ONE, OPT_SETTLE,
	OPT_BUFFER, OPT_ROUNDS, OPT_BAD_SIGNATURE, OPT_NO_SIGNATURE, OPT_REUSE_NONCE,
	OPT_MOOD, OPT_LIMIT_CONNECTIONS, OPT_OCSP, OPT_AUTHZID, OPT_LMTP, OPT_RAW_KEY
};

static const struct option names[] = {
	{ "ready", required_argument, NULL, OPT_READY },
	{ "listen", required_argument, NULL, OPT_LISTEN },
	{ "port", required_argument, NULL, OPT_PORT },
	{ "lifetime", required_argument, NULL, OPT_LIFETIME },
	{ "lmtp", no_argument, NULL, OPT_LMTP },
	{ "tls", required_argument, NULL, OPT_TLS },
	{ "cert", required_argument, NULL, OPT_CERT },
	{ "key", required_argument, NULL, OPT_KEY },
	{ "raw-key", required_argument, NULL, OPT_RAW_KEY },
	{ "client-ca", required_argument, NULL, OPT_CLIENT_CA },
	{ "ocsp", required_argument, NULL, OPT_OCSP },
	{ "tls-max", required_argument, NULL, OPT_TLS_MAX },
	{ "priority", required_argument, NULL, OPT_PRIORITY },
	{ "user", required_argument, NULL, OPT_USER },
	{ "authzid", required_argument, NULL, OPT_AUTHZID },
	{ "password", required_argument, NULL, OPT_PASSWORD },
	{ "token", required_argument, NULL, OPT_TOKEN },
	{ "tokens", required_argument, NULL, OPT_TOKENS },
	{ "mechanisms", required_argument, NULL, OPT_MECHANISMS },
	{ "mechanisms-before-tls", required_argument, NULL, OPT_MECHANISMS_CLEAR },
	{ "require-login", no_argument, NULL, OPT_REQUIRE_LOGIN },
	{ "extensions", required_argument, NULL, OPT_EXTENSIONS },
	{ "ext-after-tls", required_argument, NULL, OPT_EXT_TLS },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "max-recipients", required_argument, NULL, OPT_MAX_RECIPIENTS },
	{ "limits", required_argument, NULL, OPT_LIMITS },
	{ "store", required_argument, NULL, OPT_STORE },
	{ "log", required_argument, NULL, OPT_LOG },
	{ "raw", required_argument, NULL, OPT_RAW },
	{ "strict", no_argument, NULL, OPT_STRICT },
	{ "lenient", no_argument, NULL, OPT_LENIENT },
	{ "allow", required_argument, NULL, OPT_ALLOW },
	{ "at", required_argument, NULL, OPT_AT },
	{ "mood", required_argument, NULL, OPT_MOOD },
	{ "limit-connections", required_argument, NULL, OPT_LIMIT_CONNECTIONS },
	{ "split", no_argument, NULL, OPT_SPLIT },
	{ "coalesce", no_argument, NULL, OPT_COALESCE },
	{ "one-by-one", no_argument, NULL, OPT_ONE_BY_ONE },
	{ "settle", required_argument, NULL, OPT_SETTLE },
	{ "buffer", required_argument, NULL, OPT_BUFFER },
	{ "scram-rounds", required_argument, NULL, OPT_ROUNDS },
	{ "scram-bad-signature", no_argument, NULL, OPT_BAD_SIGNATURE },
	{ "scram-no-signature", no_argument, NULL, OPT_NO_SIGNATURE },
	{ "scram-reuse-nonce", no_argument, NULL, OPT_REUSE_NONCE },
	{ NULL, 0, NULL, 0 }
};

__attribute__((noreturn))
static void options_refuse(const char *what, const char *value)
{
	fprintf(stderr, "t/server: %s '%s'\n", what, value);
	exit(2);
}

static unsigned long long options_number(const char *text, unsigned long long most)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || n > most)
		options_refuse("not a usable number:", text);
	return n;
}

static enum security options_security(const char *text)
{
	static const char *const modes[] = { "off", "starttls", "implicit" };

	for (unsigned i = 0; i < 3; i++)
		if (!strcmp(text, modes[i]))
			return (enum security)i;
	options_refuse("unknown --tls mode", text);
}

static void options_allow(struct options *opt, const char *id)
{
	if (opt->allow_count == ALLOW_MOST)
		options_refuse("too many --allow:", id);
	opt->allow[opt->allow_count++] = id;
}

/* Options that only name something. */
static const char **options_text(struct options *opt, int which)
{
	switch (which) {
	case OPT_READY:            return &opt->ready;
	case OPT_LISTEN:           return &opt->listen;
	case OPT_CERT:             return &opt->cert;
	case OPT_KEY:              return &opt->key;
	case OPT_RAW_KEY:          return &opt->raw_key;
	case OPT_CLIENT_CA:        return &opt->client_ca;
	case OPT_OCSP:             return &opt->ocsp;
	case OPT_TLS_MAX:          return &opt->tls_max;
	case OPT_PRIORITY:         return &opt->priority;
	case OPT_USER:             return &opt->user;
	case OPT_AUTHZID:          return &opt->authzid;
	case OPT_PASSWORD:         return &opt->password;
	case OPT_TOKEN:            return &opt->token;
	case OPT_TOKENS:           return &opt->tokens;
	case OPT_MECHANISMS:       return &opt->mechanisms;
	case OPT_MECHANISMS_CLEAR: return &opt->mechanisms_clear;
	case OPT_EXTENSIONS:       return &opt->extensions;
	case OPT_EXT_TLS:          return &opt->extensions_tls;
	case OPT_LIMITS:           return &opt->limits;
	case OPT_STORE:            return &opt->store;
	case OPT_LOG:              return &opt->log;
	case OPT_RAW:              return &opt->raw;
	case OPT_MOOD:             return &opt->mood;
	default:                   return NULL;
	}
}

static void options_set(struct options *opt, int which, const char *value)
{
	const char **text = options_text(opt, which);

	if (text) {
		*text = value;
		return;
	}
	switch (which) {
	case OPT_PORT:           opt->port = (unsigned)options_number(value, 65535); break;
	case OPT_LIFETIME:       opt->lifetime = (unsigned)options_number(value, 86400); break;
	case OPT_LMTP:           opt->lmtp = true; break;
	case OPT_TLS:            opt->security = options_security(value); break;
	case OPT_REQUIRE_LOGIN:  opt->require_login = true; break;
	case OPT_SIZE:           opt->size = options_number(value, UINT64_MAX); break;
	case OPT_MAX_RECIPIENTS: opt->max_recipients = (unsigned)options_number(value, 1000000); break;
	case OPT_STRICT:         opt->strict = true; break;
	case OPT_LENIENT:        opt->strict = false; break;
	case OPT_ALLOW:          options_allow(opt, value); break;
	case OPT_AT:
		if (fault_add(&opt->faults, value) < 0)
			options_refuse("cannot read --at", value);
		break;
	case OPT_LIMIT_CONNECTIONS:
		opt->limit_connections = (unsigned)options_number(value, 1000000);
		break;
	case OPT_SPLIT:          opt->split = true; break;
	case OPT_COALESCE:       opt->one_by_one = false; break;
	case OPT_ONE_BY_ONE:     opt->one_by_one = true; break;
	case OPT_SETTLE:         opt->settle = (unsigned)options_number(value, 60000); break;
	case OPT_BUFFER:         opt->buffer = (int)options_number(value, 1 << 24); break;
	case OPT_ROUNDS:         opt->scram.rounds = options_number(value, UINT32_MAX); break;
	case OPT_BAD_SIGNATURE:  opt->scram.bad_signature = true; break;
	case OPT_NO_SIGNATURE:   opt->scram.no_signature = true; break;
	case OPT_REUSE_NONCE:    opt->scram.reuse_nonce = true; break;
	default:
		exit(2);   /* getopt_long has said why */
	}
}

void options_parse(struct options *opt, int argc, char **argv)
{
	int which;

	*opt = (struct options){
		.listen = "127.0.0.1", .lifetime = 120, .strict = true, .size = 52428800,
		.extensions = "SIZE PIPELINING 8BITMIME SMTPUTF8 DSN CHUNKING ENHANCEDSTATUSCODES",
		.scram = { .rounds = 4096 },
	};
	while ((which = getopt_long(argc, argv, "", names, NULL)) != -1)
		options_set(opt, which, optarg);
	if (optind < argc)
		options_refuse("unexpected word", argv[optind]);
	if (opt->security != SECURITY_OFF && (!opt->cert || !opt->key))
		options_refuse("--cert and --key are needed with --tls", "");
	if (opt->user && !opt->password && !opt->token && !opt->tokens && !opt->client_ca)
		options_refuse("--user without --password, --token, --tokens or --client-ca:", opt->user);
	if (!opt->mechanisms && opt->user)
		opt->mechanisms = opt->password ? "PLAIN LOGIN" :
			opt->token || opt->tokens ? "XOAUTH2 OAUTHBEARER" : "EXTERNAL";
}
