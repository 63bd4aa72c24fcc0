/* smtp/command.c - writing MAIL and RCPT; see command.h. */
#include "smtp/command.h"

#include <inttypes.h>
#include <string.h>

#include "base/codec.h"
#include "base/text.h"
#include "mail/address.h"

/* Adds <address>; the last gate before the wire. */
static int add_path(const char *address, struct buf *out, struct err *e)
{
	for (const unsigned char *s = (const unsigned char *)address; *s; s++)
		if (*s < ' ' || *s == 0x7f || *s == '<' || *s == '>') {
			char shown[128];

			text_clean_to(shown, sizeof(shown), address, strlen(address));
			return err_set(e, ERR_MESSAGE, "address '%s' cannot be sent", shown);
		}
	buf_printf(out, "<%s>", address);
	return 0;
}

/* A line that is not whole must not be sent: it would be another command. */
static int whole(const struct buf *out, struct err *e)
{
	return buf_ok(out) ? 0 : err_set(e, ERR_MESSAGE, "an address is too long to be sent");
}

static bool needs_utf8(const struct smtp_message *m)
{
	if (address_needs_utf8(m->sender))
		return true;
	for (size_t i = 0; i < m->count; i++)
		if (address_needs_utf8(m->recipients[i]))
			return true;
	return false;
}

int command_mail(const struct smtp_message *m, const struct smtp_capabilities *c, struct buf *out,
	struct err *e)
{
	const struct dsn *dsn = m->dsn;

	buf_add_text(out, "MAIL FROM:");
	if (add_path(m->sender, out, e) < 0)
		return -1;
	if (c->size_known)
		buf_printf(out, " SIZE=%" PRIu64, m->size);
	if (m->eight_bit && c->eight_bit_mime)
		buf_add_text(out, " BODY=8BITMIME");
	if (c->smtputf8 && needs_utf8(m))
		buf_add_text(out, " SMTPUTF8");
	if (c->dsn && dsn && dsn->ret)
		buf_add_text(out, dsn->ret == DSN_RET_FULL ? " RET=FULL" : " RET=HDRS");
	if (c->dsn && dsn && dsn->envid) {
		buf_add_text(out, " ENVID=");
		xtext_encode(dsn->envid, strlen(dsn->envid), out);
	}
	return whole(out, e);
}

static void add_notify(unsigned notify, struct buf *out)
{
	static const struct {
		unsigned bit;
		const char *name;
	} names[] = {
		{ DSN_NEVER, "NEVER" }, { DSN_SUCCESS, "SUCCESS" },
		{ DSN_FAILURE, "FAILURE" }, { DSN_DELAY, "DELAY" },
	};
	const char *before = " NOTIFY=";

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (notify & names[i].bit) {
			buf_printf(out, "%s%s", before, names[i].name);
			before = ",";
		}
}

int command_rcpt(const struct smtp_message *m, size_t recipient,
	const struct smtp_capabilities *c, struct buf *out, struct err *e)
{
	const char *address = m->recipients[recipient];

	buf_add_text(out, "RCPT TO:");
	if (add_path(address, out, e) < 0)
		return -1;
	if (c->dsn && m->dsn && m->dsn->notify) {
		add_notify(m->dsn->notify, out);
		if (!address_needs_utf8(address)) {
			buf_add_text(out, " ORCPT=rfc822;");
			xtext_encode(address, strlen(address), out);
		}
	}
	return whole(out, e);
}

int command_check(const struct smtp_message *m, const struct smtp_capabilities *c, struct err *e)
{
	if (c->size_known && c->size && m->size > c->size) {
		err_set(e, ERR_CAPABILITY, "the message has %" PRIu64
			" octets, this server takes at most %" PRIu64, m->size, c->size);
		return err_hint(e, "make the message smaller, or use an account whose server takes "
			"more");
	}
	if (m->eight_bit && !c->eight_bit_mime) {
		err_set(e, ERR_CAPABILITY,
			"the message has 8-bit content and this server does not offer 8BITMIME");
		return err_hint(e, "encode the message as quoted-printable or base64 before it is "
			"given to sendoff, or use another account");
	}
	if (needs_utf8(m) && !c->smtputf8) {
		err_set(e, ERR_CAPABILITY, "an address has a local part that is not ASCII and this "
			"server does not offer SMTPUTF8");
		return err_hint(e, "use an ASCII address of that person, or another account");
	}
	return 0;
}
