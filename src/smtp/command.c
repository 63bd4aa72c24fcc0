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
static int whole(const struct buf *out, const char *what, struct err *e)
{
	return buf_ok(out) ? 0 : err_set(e, ERR_MESSAGE, "%s is too long to be sent", what);
}

static bool needs_utf8(const struct smtp_message *m)
{
	if (m->utf8 || address_needs_utf8(m->sender))
		return true;
	for (size_t i = 0; i < m->count; i++)
		if (address_needs_utf8(m->recipients[i]))
			return true;
	return false;
}

static void add_text(const char *parameter, const char *value, struct buf *out)
{
	if (!value || !*value)
		return;
	buf_add_text(out, parameter);
	xtext_encode(value, strlen(value), out);
}

static void add_handover(const struct smtp_handover *h, struct buf *out)
{
	add_text(" XACCOUNT=", h->account, out);
	add_text(" XNAME=", h->name, out);
	if (h->no_sender)
		buf_add_text(out, " XNOSENDER");
	if (h->hold > 0)
		buf_printf(out, " XHOLD=%" PRId64, h->hold);
	if (h->errors == 'm' || h->errors == 'p' || h->errors == 'q')
		buf_printf(out, " XERR=%c", h->errors);
	add_text(" XTAG=", h->tag, out);
	add_text(" XTOKEN=", h->token, out);
}

int command_mail(const struct smtp_message *m, const struct smtp_capabilities *c, struct buf *out,
	struct err *e)
{
	const struct dsn *dsn = m->dsn;

	buf_add_text(out, "MAIL FROM:");
	if (add_path(m->sender, out, e) < 0)
		return -1;
	if (c->size_known && !m->trial)
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
	if (whole(out, "the sender's address", e) < 0)
		return -1;
	if (c->xsendoff && m->handover)
		add_handover(m->handover, out);
	return whole(out, "what is said about the message (account, name, tag)", e);
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
	return whole(out, "a recipient's address", e);
}

/* "root", "\"r@t\"": a local part alone.  The null sender is none. */
static bool is_bare(const char *address)
{
	const char *at = address;

	if (*at == '"')
		for (at++; *at && *at != '"'; at++)
			if (*at == '\\' && at[1])
				at++;
	return *address && !strchr(at, '@');
}

static int check_bare(const char *address, struct err *e)
{
	char shown[128];

	if (!is_bare(address))
		return 0;
	text_clean_to(shown, sizeof(shown), address, strlen(address));
	err_set(e, ERR_CAPABILITY, "the bare name '%s' needs a domain for this server", shown);
	return err_hint(e, "write the whole address, as name@example.com, or set domain in the "
		"configuration");
}

int command_check(const struct smtp_message *m, const struct smtp_capabilities *c, struct err *e)
{
	if (c->size_known && c->size && m->size > c->size) {
		err_set(e, ERR_CAPABILITY, "the message has %" PRIu64
			" octets, this server takes at most %" PRIu64, m->size, c->size);
		return err_hint(e, "make the message smaller, or use an account whose server takes "
			"more");
	}
	if (needs_utf8(m) && !c->smtputf8) {
		err_set(e, ERR_CAPABILITY, "an address has a local part that is not ASCII and this "
			"server does not offer SMTPUTF8");
		return err_hint(e, "use an ASCII address of that person, or another account");
	}
	if (m->eight_bit && !c->eight_bit_mime) {
		err_set(e, ERR_CAPABILITY,
			"the message has 8-bit content and this server does not offer 8BITMIME");
		return err_hint(e, "encode the message as quoted-printable or base64 before it is "
			"given to sendoff, or use another account");
	}
	if (c->xsendoff)
		return 0;
	for (size_t i = 0; i < m->count; i++)
		if (check_bare(m->recipients[i], e) < 0)
			return -1;
	return check_bare(m->sender, e);
}
