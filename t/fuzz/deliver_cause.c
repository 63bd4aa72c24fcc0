/* t/fuzz/deliver_cause.c - whatever a server says: a row that speaks of servers, and
 * the same one each time.  The first octet chooses the step, the second whether the
 * server has the name of a provider's; the rest is a reply. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deliver/cause_row.h"
#include "smtp/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const hosts[] = { NULL, "mail.example.test", "smtp.gmail.com", "smtp.mail.me.com",
	"mail.gmx.net", "/run/sendoff/smtp.sock" };

static void look(const struct smtp_reply *reply, enum smtp_step step, const char *host)
{
	struct buf shown = BUF_INIT(4096);
	struct smtp_result r = { .step = step, .code = reply->code, .verdict = VERDICT_TRY_LATER };
	const struct cause *cause;
	bool server = false;

	reply_show(reply, &shown);
	memcpy(r.enhanced, reply->enhanced, sizeof(r.enhanced));
	r.text = buf_take(&shown);
	cause = cause_of_result(&r, host);
	for (size_t i = 0; i < cause_row_count; i++)
		server |= cause == &cause_rows[i].cause && cause_rows[i].signs[0].most > 0;
	/* 2xx and 3xx are no refusals. */
	if (cause != cause_of_result(&r, host) || (server != (reply->code >= 400)))
		abort();
	smtp_result_release(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reply_parser p;
	struct err e = { 0 };
	size_t at = 2, used;

	if (size < 3)
		return 0;
	reply_parser_init(&p);
	while (at < size && reply_feed(&p, (const char *)data + at, size - at, &used, &e) == 1) {
		look(&p.reply, (enum smtp_step)(data[0] % STEP_COUNT), hosts[data[1] % COUNT(hosts)]);
		at += used;
	}
	reply_parser_release(&p);
	return 0;
}
