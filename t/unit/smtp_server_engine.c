/* t/unit/smtp_server_engine.c - both ends of the dialogue against each other. */
#include "t/unit/smtp_rig.h"

#include "t/unit/server_rig.h"

#define MAILS 3
#define TOKEN "00112233445566778899aabbccddeeff"

static const char *const contents[MAILS] = {
	"Subject: one\r\n\r\n.\r\n..\r\n.a\r\n\r\n.\r\n", ".\r\n",
	"Subject: three\r\n\r\nb\r\n.c\r\n",
};

/* What the events must say. */
static void add_expected(struct buf *out, const char *more, size_t recipients, const char *content)
{
	buf_printf(out, "mail me@example.com size=%zu%s\n", strlen(content), more);
	for (size_t i = 1; i <= recipients; i++)
		buf_printf(out, "rcpt r%zu@example.com\n", i);
	buf_printf(out, "begin\n{%s}\nend\n", content);
}

/* Until neither has anything to say. */
static void converse(struct rig *r, struct served *d)
{
	size_t told = 0;

	served_write(d);
	for (size_t guard = 0; guard < 1000; guard++) {
		const char *flight;
		bool said = d->out.len > told;

		if (said)
			rig_deliver(r, buf_text(&d->out) + told, d->out.len - told);
		told = d->out.len;
		flight = rig_flight(r);
		if (!said && !*flight)
			return;
		served_say(d, flight);
	}
	check(false, "there is no end");
}

static void exchange(const struct scene *scene, const struct talk *t, unsigned mode, bool late)
{
	static const struct smtp_handover handover = { .account = "work", .name = "A + B\xc3\xa4=",
		.no_sender = true, .hold = 1700000000, .errors = 'q', .tag = "x y",
		.token = TOKEN };
	struct buf want = BUF_INIT(1 << 16);
	struct served d;
	struct rig r;
	char *end, *verdicts;

	served_start(&d, t, late);
	rig_start(&r, scene, mode);
	for (size_t i = 0; i < MAILS; i++)
		rig_add(&r, i + 1, contents[i]);
	r.mails[0].m.handover = &handover;
	add_expected(&want, t->o.handover ? " account=work name=A + B\xc3\xa4= tag=x y token=" TOKEN
		" nosender hold=1700000000 errors=q" : "", 1, contents[0]);
	add_expected(&want, "", 2, contents[1]);
	add_expected(&want, "", 3, contents[2]);
	rig_ready(&r);
	converse(&r, &d);
	served_stop(&d);
	end = rig_end(&r);
	verdicts = rig_verdicts(&r);
	check_text(buf_text(&d.events), want.data, "E2 what is sent is what arrives: %s", t->name);
	check_text(verdicts, "D250; D250 D250; D250 D250 D250", "everybody has it");
	check_text(end, "ended", "and both are done");
	check(d.out.len > strlen(BYE) && !strcmp(d.out.data + d.out.len - strlen(BYE), BYE),
		"the last word is goodbye");
	free(end);
	free(verdicts);
	buf_release(&want);
	rig_release(&r);
	served_release(&d);
}

int main(void)
{
	static const struct talk talks[] = {
		{ "plain", .server = "" }, { "runner", { .handover = true }, .server = "" },
	};
	static const int ways[] = { PIPELINING_STANDARD, PIPELINING_FULL, PIPELINING_OFF };

	for (unsigned n = 0; n < 3 * 2 * 2 * 2 * 2 * RIG_MODES; n++) {
		unsigned k = n / RIG_MODES;
		struct scene scene = { .tls = SMTP_TLS_OFF, .pipelining = ways[k % 3],
			.chunking = k / 3 % 2, .lazy = k / 6 % 2, .host = "/run/smtp.sock" };

		exchange(&scene, &talks[k / 12 % 2], n % RIG_MODES, k / 24);
	}
	return tap_done();
}
