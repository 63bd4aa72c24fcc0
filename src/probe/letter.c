/* probe/letter.c - the test message; see letter.h. */
#include "probe/letter.h"

#include <string.h>

#include "base/host.h"
#include "base/process.h"
#include "deliver/config.h"

/* Vacation programs do not answer what is generated (RFC 3834). */
static void write_text(const struct account *a, const char *from, char *const *to, size_t count,
	struct buf *out)
{
	char where[320];

	account_where(a, where, sizeof(where));
	buf_printf(out, "From: %s\nTo: ", from);
	for (size_t i = 0; i < count; i++)
		buf_printf(out, "%s%s", i ? ",\n " : "", to[i]);
	buf_printf(out, "\nSubject: sendoff check: test message\nAuto-Submitted: auto-generated\n\n"
		"This is the test message of `sendoff check`, sent by account %s\nthrough %s "
		"from the machine %s.\n\nIf you can read it, that account works.\n",
		a->name, where, host_name());
}

int letter_make(struct probe_letter *l, const struct account *a, const char *from,
	char *const *to, size_t count, struct err *e)
{
	struct intake intake = { .login = process_user(), .domain = config_domain(NULL),
		.id_domain = strchr(from, '@') ? strchr(from, '@') + 1 : NULL };
	struct buf text = BUF_INIT(1 << 20);
	struct letter letter;
	int good;

	memset(l, 0, sizeof(*l));
	write_text(a, from, to, count, &text);
	message_init(&l->message, &intake);
	envelope_set_sender(&l->message.envelope, from);
	for (size_t i = 0; i < count; i++)
		message_add_recipient(&l->message, to[i], to[i]);
	good = message_feed(&l->message, buf_text(&text), text.len, e);
	buf_release(&text);
	if (good < 0 || message_finish(&l->message, &intake, e) < 0)
		return -1;
	message_letter(&l->message, &letter);
	return attempt_dress(&l->attempt, &letter, a, e);
}

void letter_release(struct probe_letter *l)
{
	attempt_release(&l->attempt);
	message_release(&l->message);
}
