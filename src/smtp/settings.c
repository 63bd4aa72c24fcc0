/* smtp/settings.c - the keys that the engine obeys; see engine.h. */
#include "smtp/engine.h"

#include <stddef.h>
#include <string.h>

static const struct key_choice tls_choices[] = {
	{ "implicit", SMTP_TLS_IMPLICIT },
	{ "starttls", SMTP_TLS_STARTTLS },
	{ "opportunistic", SMTP_TLS_OPPORTUNISTIC },
	{ "off", SMTP_TLS_OFF },
	{ "auto", SMTP_TLS_UNSET },
	{ NULL, 0 }
};

static const struct key_choice protocol_choices[] = {
	{ "smtp", PROTOCOL_SMTP },
	{ "lmtp", PROTOCOL_LMTP },
	{ NULL, 0 }
};

static const struct key_choice pipelining_choices[] = {
	{ "standard", PIPELINING_STANDARD },
	{ "full", PIPELINING_FULL },
	{ "off", PIPELINING_OFF },
	{ NULL, 0 }
};

#define ROW(type, field) type, offsetof(struct smtp_settings, field)
const struct key smtp_keys[] = {
	{ "protocol", ROW(KEY_CHOICE, protocol), "smtp",
		"smtp, or lmtp (RFC 2033) for a server that delivers into mailboxes",
		.choices = protocol_choices },
	{ "tls", ROW(KEY_CHOICE, tls), "auto",
		"implicit, starttls (required), opportunistic or off; auto: implicit on port 465, off "
		"with lmtp at a socket's path, else starttls",
		.choices = tls_choices },
	{ "ehlo", ROW(KEY_WORD, ehlo), NULL, "name to give in EHLO or LHLO", .choices = NULL },
	{ "pipelining", ROW(KEY_CHOICE, pipelining), "standard",
		"standard, full (AUTH PLAIN leads the MAIL group) or off",
		.choices = pipelining_choices },
	{ "chunking", ROW(KEY_BOOL, chunking), "no", "send content with BDAT where offered",
		.choices = NULL },
	{ "max_recipients", ROW(KEY_NUMBER, max_recipients), "100", "recipients of one transaction",
		.least = 1, .most = 100000 },
	{ .name = NULL }
};
#undef ROW

const char *smtp_tls_name(int mode)
{
	const struct key_choice *c = tls_choices;

	while (c->value != mode && c->name)
		c++;
	return c->name;
}

int smtp_tls_find(const char *name)
{
	for (const struct key_choice *c = tls_choices; c->name; c++)
		if (!strcmp(c->name, name))
			return c->value;
	return SMTP_TLS_UNSET;
}

bool smtp_starts_tls(int mode)
{
	return mode == SMTP_TLS_STARTTLS || mode == SMTP_TLS_OPPORTUNISTIC;
}
