/* t/unit/smtp_fake.h - a server in memory that keeps to RFC 5321, but for the
 * one answer that a test takes from it, and knows what it really took; or to RFC 2033. */
#ifndef T_UNIT_SMTP_FAKE_H
#define T_UNIT_SMTP_FAKE_H

#include "t/unit/smtp_rig.h"

#include "base/text.h"

#ifndef FAKE_MAILS
#define FAKE_MAILS 4
#endif

struct fake {
	/* What a test sets. */
	bool lmtp;
	const char *offers;             /* lines of the EHLO reply, "250-X\r\n" */
	const char *content;            /* the reply to content; NULL: 250 */
	size_t limit;                   /* recipients of a transaction; 0: any number */
	const char *too_many;           /* the reply beyond it */
	const char *(*rcpt)(const char *address);   /* the reply, or NULL: 250 */
	bool lenient_data;              /* 354 although nobody was accepted */
	/* The reply at a step of the mail from "mNUMBER@...", to RCPT "rWHO@..."; NULL: the
	 * usual one. */
	const char *(*judge)(const struct fake *f, enum smtp_step step, unsigned long who);

	/* One answer is another: the one with this number, from 0 on. */
	size_t at;
	const char *instead;            /* NULL: it is given twice */
	bool sabotaged;

	/* Where it is. */
	struct buf in, out, body;
	bool greeted, closed, lost, logged_in, needs_login;
	bool mail, data;
	unsigned long number;           /* of the sender */
	bool chunk;
	size_t chunk_left;
	size_t replies;
	char **accepted;
	size_t accepted_count;

	/* What it took: deliveries for each mail ("m1..." in its content) and each
	 * recipient ("r1@..."). */
	unsigned *taken[FAKE_MAILS];
	size_t recipients;
	size_t transactions, most_asked, asked, resets, flights;
	bool in_doubt;                  /* content was taken, but its reply was no reply */
	bool bare;                      /* a bare CR or LF was on the wire */
};

static inline void fake_init(struct fake *f, size_t recipients)
{
	memset(f, 0, sizeof(*f));
	f->at = (size_t)-1;
	f->recipients = recipients;
	f->in.max = f->out.max = f->body.max = 1 << 24;
	f->taken[0] = mem_alloc(FAKE_MAILS * (recipients + 1) * sizeof(unsigned));
	for (size_t i = 1; i < FAKE_MAILS; i++)
		f->taken[i] = f->taken[i - 1] + recipients + 1;
}

static inline void fake_forget(struct fake *f)
{
	while (f->accepted_count)
		free(f->accepted[--f->accepted_count]);
	f->mail = false;
	f->asked = 0;
}

static inline void fake_release(struct fake *f)
{
	fake_forget(f);
	free(f->accepted);
	free(f->taken[0]);
	buf_release(&f->in);
	buf_release(&f->out);
	buf_release(&f->body);
}

/* Says it, or what the test wants said; returns the code that was said, 0 when
 * it was none. */
static inline int fake_say(struct fake *f, const char *reply)
{
	bool now = f->replies++ == f->at;

	if (now && !f->instead)
		buf_add_text(&f->out, reply);
	else if (now)
		reply = f->instead;
	f->sabotaged |= now;
	if (!strcmp(reply, "<LOST>")) {
		f->lost = f->closed = true;
		return 0;
	}
	buf_add_text(&f->out, reply);
	f->closed |= !strncmp(reply, "421", 3);
	if (!(reply[0] >= '2' && reply[0] <= '5') || (now && f->instead && reply[3] == '-'))
		return 0;   /* rubbish, or mixed codes */
	return (reply[0] - '0') * 100 + (reply[1] - '0') * 10 + reply[2] - '0';
}

static inline const char *fake_judged(const struct fake *f, enum smtp_step step,
	unsigned long who, const char *usual)
{
	const char *other = f->judge ? f->judge(f, step, who) : NULL;

	return other ? other : usual;
}

/* A fate for each recipient. */
static inline void fake_deliver(struct fake *f, unsigned long mail)
{
	for (size_t i = 0; i < f->accepted_count && !f->closed; i++) {
		unsigned long who = strtoul(f->accepted[i] + 1, NULL, 10);
		int code = fake_say(f, f->content ? f->content :
			fake_judged(f, STEP_DELIVERY, who, "250 2.0.0 delivered\r\n"));

		f->in_doubt |= !code || code / 100 == 3 || f->closed;
		if (code / 100 == 2)
			f->taken[mail][who]++;
	}
}

static inline void fake_take_once(struct fake *f, unsigned long mail)
{
	int code = fake_say(f, !f->accepted_count ? "554 5.5.1 no valid recipients\r\n" :
		f->content ? f->content : fake_judged(f, STEP_CONTENT, 0, "250 2.0.0 queued\r\n"));

	if (f->accepted_count)
		f->in_doubt |= !code || code / 100 == 3;
	for (size_t i = 0; code / 100 == 2 && i < f->accepted_count; i++)
		f->taken[mail][strtoul(f->accepted[i] + 1, NULL, 10)]++;
}

static inline void fake_take(struct fake *f)
{
	unsigned long mail = strtoul(buf_text(&f->body) + 1, NULL, 10);

	if (f->lmtp && f->accepted_count)
		fake_deliver(f, mail);
	else
		fake_take_once(f, mail);
	f->transactions++;
	f->data = f->chunk = false;
	buf_clear(&f->body);
	fake_forget(f);
}

/* A line of content without its CRLF. */
static inline void fake_data_line(struct fake *f, const char *line, size_t len)
{
	if (len == 1 && line[0] == '.') {
		fake_take(f);
		return;
	}
	if (len && line[0] == '.')
		line++, len--;
	buf_add(&f->body, line, len);
	buf_add_text(&f->body, "\r\n");
}

static inline void fake_rcpt(struct fake *f, const char *line)
{
	const char *from = strchr(line, '<'), *end = from ? strchr(from, '>') : NULL, *reply;
	char *address;

	if (!f->mail || !end) {
		fake_say(f, "503 5.5.1 MAIL first\r\n");
		return;
	}
	address = mem_copy(from + 1, (size_t)(end - from - 1));
	reply = f->rcpt ? f->rcpt(address) : NULL;
	if (++f->asked > f->most_asked)
		f->most_asked = f->asked;
	if (!reply && f->limit && f->accepted_count >= f->limit)
		reply = f->too_many;
	if (!reply)
		reply = fake_judged(f, STEP_RCPT, strtoul(address + 1, NULL, 10), NULL);
	if (fake_say(f, reply ? reply : "250 2.1.5 ok\r\n") / 100 == 2) {
		f->accepted = mem_grow(f->accepted, f->accepted_count + 1, sizeof(char *));
		f->accepted[f->accepted_count++] = address;
	} else {
		free(address);
	}
}

static inline void fake_command(struct fake *f, const char *line)
{
	if (!strncmp(line, f->lmtp ? "LHLO " : "EHLO ", 5)) {
		struct buf reply = BUF_INIT(4096);

		buf_printf(&reply, "250-mx.example\r\n%s250 HELP\r\n", f->offers);
		fake_say(f, buf_text(&reply));
		buf_release(&reply);
	} else if (!strcmp(line, "STARTTLS")) {
		fake_say(f, "220 go ahead\r\n");
	} else if (!strncmp(line, "AUTH ", 5)) {
		f->logged_in |= fake_say(f, "235 2.7.0 in\r\n") == 235;
	} else if (!strncmp(line, "MAIL FROM:", 10)) {
		f->number = strtoul(line + 12, NULL, 10);
		if (f->needs_login && !f->logged_in)
			fake_say(f, "530 5.7.0 log in first\r\n");
		else if (f->mail)
			fake_say(f, "503 5.5.1 nested MAIL\r\n");
		else
			f->mail = fake_say(f, fake_judged(f, STEP_MAIL, 0,
				"250 2.1.0 ok\r\n")) / 100 == 2;
	} else if (!strncmp(line, "RCPT TO:", 8)) {
		fake_rcpt(f, line);
	} else if (!strcmp(line, "DATA")) {
		if (f->accepted_count || (f->mail && f->lenient_data))
			f->data = fake_say(f, fake_judged(f, STEP_DATA, 0, "354 go\r\n")) / 100 == 3;
		else
			fake_say(f, "503 5.5.1 no valid recipients\r\n");
	} else if (!strncmp(line, "BDAT ", 5)) {
		f->chunk = true;
		f->chunk_left = strtoul(line + 5, NULL, 10);
	} else if (!strcmp(line, "RSET")) {
		fake_forget(f);
		f->resets++;
		fake_say(f, "250 2.0.0 ok\r\n");
	} else if (!strcmp(line, "QUIT")) {
		fake_say(f, "221 2.0.0 bye\r\n");
		f->closed = true;
	} else {
		fake_say(f, "500 5.5.2 what?\r\n");
	}
}

/* Hears a flight.  The replies are in f->out. */
static inline void fake_hear(struct fake *f, const char *flight)
{
	size_t at = 0;

	if (!strncmp(flight, "<TLS>", 5))
		flight += 5;
	buf_clear(&f->out);
	buf_add_text(&f->in, flight);
	if (!f->greeted && !f->closed) {
		f->greeted = true;
		fake_say(f, "220 mx.example\r\n");
	}
	while (!f->closed) {
		char *line = f->in.data ? f->in.data + at : NULL;
		size_t left = f->in.len - at, len;
		char *end;

		if (f->chunk) {
			size_t n = left < f->chunk_left ? left : f->chunk_left;

			if (n)
				buf_add(&f->body, line, n);
			at += n;
			f->chunk_left -= n;
			if (f->chunk_left)
				break;
			fake_take(f);
			continue;
		}
		end = left ? memchr(line, '\n', left) : NULL;
		if (!end)
			break;
		f->bare |= end == line || end[-1] != '\r' ||
			memchr(line, '\r', (size_t)(end - line - 1));
		len = (size_t)(end - line);
		at += len + 1;
		len -= len > 0;
		line[len] = '\0';
		if (f->data)
			fake_data_line(f, line, len);
		else
			fake_command(f, line);
	}
	buf_drop(&f->in, at);
}

/* The whole dialogue.  NULL, or what went wrong with it. */
static inline const char *fake_run(struct fake *f, struct rig *r)
{
	for (size_t flights = 0; flights < 20000; flights++) {
		const char *flight = rig_flight(r);
		bool said;

		f->flights += *flight != '\0';
		fake_hear(f, flight);
		if (f->bare)
			return "E2: a bare CR or LF is on the wire";
		said = f->out.len > 0;
		if (said)
			rig_say(r, buf_text(&f->out));
		if (r->want == SMTP_ENDED || r->want == SMTP_FAILED) {
			fake_hear(f, rig_flight(r));
			return rig_wrong(r);
		}
		if (f->closed)
			rig_break(r, ERR_LOST);
		else if (!said && !*flight)
			return "both ends wait";
	}
	return "there is no end";
}

#endif
