/* t/unit/smtp_capabilities.c - what an EHLO reply offers. */
#include "t/unit/tap.h"

#include <stddef.h>

#include "base/mem.h"
#include "smtp/capabilities.h"

/* Letters of what was found: s STARTTLS, p PIPELINING, 8 8BITMIME, u SMTPUTF8,
 * d DSN, c CHUNKING, e ENHANCEDSTATUSCODES, z SIZE, x XSENDOFF. */
static const struct {
	const char *in, *flags, *auth;
	unsigned long long size;
	long recipients;
} rows[] = {
	{ "250 mx.example\r\n", "", "", 0, 0 },
	{ "250\r\n", "", "", 0, 0 },
	/* The first line is a name, whatever it says. */
	{ "250 STARTTLS\r\n", "", "", 0, 0 },
	{ "250-PIPELINING\r\n250 DSN\r\n", "d", "", 0, 0 },
	{ "250-mx\r\n250-STARTTLS\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n"
	  "250-CHUNKING\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE 35882577\r\n",
	  "sp8udcez", "", 35882577, 0 },
	{ "250-mx\r\n250-XSENDOFF\r\n250 XSENDOFFS\r\n", "x", "", 0, 0 },
	{ "250 XSENDOFF\r\n", "", "", 0, 0 },
	{ "250-mx\r\n250-starttls\r\n250 PipeLining\r\n", "sp", "", 0, 0 },
	{ "250-mx\r\n250-STARTTLSX\r\n250-XSTARTTLS\r\n250-START TLS\r\n250 PIPELIN\r\n", "", "",
		0, 0 },
	{ "250-mx\r\n250-STARTTLS required\r\n250 \tDSN\t\r\n", "sd", "", 0, 0 },
	{ "250-mx\n250-STARTTLS\n250 DSN\n", "sd", "", 0, 0 },
	{ "250-mx\r\n250-\r\n250-  \r\n250 DSN\r\n", "d", "", 0, 0 },
	{ "250-mx\r\n250-AUTH PLAIN LOGIN\r\n250 HELP\r\n", "", "PLAIN LOGIN", 0, 0 },
	{ "250-mx\r\n250-AUTH=PLAIN LOGIN\r\n250 HELP\r\n", "", "PLAIN LOGIN", 0, 0 },
	{ "250-mx\r\n250 auth= PLAIN\r\n", "", "PLAIN", 0, 0 },
	{ "250-mx\r\n250-AUTH PLAIN\r\n250 AUTH=LOGIN\r\n", "", "PLAIN LOGIN", 0, 0 },
	{ "250-mx\r\n250 AUTH\r\n", "", "", 0, 0 },
	{ "250-mx\r\n250 AUTHX PLAIN\r\n", "", "", 0, 0 },
	{ "250-mx\r\n250 AUTH  \t PLAIN\t\tLOGIN \r\n", "", "PLAIN LOGIN", 0, 0 },
	{ "250-mx\r\n250 AUTH PL\x01" "AIN \xff LOGIN\r\n", "", "LOGIN", 0, 0 },
	{ "250-mx\r\n250 SIZE\r\n", "z", "", 0, 0 },
	{ "250-mx\r\n250 SIZE 0\r\n", "z", "", 0, 0 },
	{ "250-mx\r\n250 size 10 20\r\n", "z", "", 10, 0 },
	{ "250-mx\r\n250 SIZE -1\r\n", "z", "", 0, 0 },
	{ "250-mx\r\n250 SIZE 12x\r\n", "z", "", 0, 0 },
	{ "250-mx\r\n250 SIZE 0x10\r\n", "z", "", 0, 0 },
	{ "250-mx\r\n250 SIZE 999999999999999999\r\n", "z", "", 999999999999999999ULL, 0 },
	{ "250-mx\r\n250 SIZE 9999999999999999999\r\n", "z", "", 0, 0 },
	{ "250-mx\r\n250 SIZE 99999999999999999999999999\r\n", "z", "", 0, 0 },
	{ "250-mx\r\n250 LIMITS RCPTMAX=20\r\n", "", "", 0, 20 },
	{ "250-mx\r\n250 LIMITS MAILMAX=5 rcptmax=7 RCPTDOMAINMAX=1\r\n", "", "", 0, 7 },
	{ "250-mx\r\n250 LIMITS RCPTMAX=0\r\n", "", "", 0, 0 },
	{ "250-mx\r\n250 LIMITS RCPTMAX=-3\r\n", "", "", 0, 0 },
	{ "250-mx\r\n250 LIMITS RCPTMAX=\r\n", "", "", 0, 0 },
	{ "250-mx\r\n250 LIMITS RCPTMAX\r\n", "", "", 0, 0 },
	{ "250-mx\r\n250 LIMITS XRCPTMAX=4\r\n", "", "", 0, 0 },
	{ "250-mx\r\n250 LIMITS RCPTMAX=99999999999999999999\r\n", "", "", 0, 0 },
	{ "250-mx\r\n250 RCPTMAX=20\r\n", "", "", 0, 0 },
};

static void read_from(struct smtp_capabilities *c, const char *in, size_t cut)
{
	struct reply_parser p;
	struct err e = { 0 };
	size_t used, len = strlen(in);

	reply_parser_init(&p);
	if (reply_feed(&p, in, cut, &used, &e) == 0)
		reply_feed(&p, in + cut, len - cut, &used, &e);
	capabilities_read(c, &p.reply);
	reply_parser_release(&p);
}

static void flags_of(const struct smtp_capabilities *c, char *out)
{
	const bool set[] = { c->starttls, c->pipelining, c->eight_bit_mime, c->smtputf8, c->dsn,
		c->chunking, c->enhanced, c->size_known, c->xsendoff };

	for (size_t i = 0; i < COUNT(set); i++)
		if (set[i])
			*out++ = "sp8udcezx"[i];
	*out = '\0';
}

static void test_rows(void)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		/* Full of what another server offered: nothing of it may stay (E5). */
		struct smtp_capabilities c;
		char flags[16];
		bool same = true;

		for (size_t cut = 0; cut <= strlen(rows[i].in); cut++) {
			memset(&c, 1, sizeof(c));
			read_from(&c, rows[i].in, cut);
			flags_of(&c, flags);
			same &= !strcmp(flags, rows[i].flags) && !strcmp(c.auth, rows[i].auth) &&
				c.size == rows[i].size && c.recipients_most == rows[i].recipients &&
				c.esmtp;
		}
		check_text(flags, rows[i].flags, "E5 row %zu: flags", i);
		check_text(c.auth, rows[i].auth, "row %zu: mechanisms", i);
		check_int(c.size, rows[i].size, "row %zu: size", i);
		check_int(c.recipients_most, rows[i].recipients, "row %zu: recipients", i);
		check(same, "E5 row %zu: the same wherever it is cut", i);
	}
}

/* More mechanisms than there is room for: whole names only, and no overflow. */
static void test_many_mechanisms(void)
{
	struct buf in = BUF_INIT(REPLY_TEXT_MAX);
	struct smtp_capabilities c;

	buf_add_text(&in, "250-mx\r\n");
	for (int i = 0; i < 300; i++)
		buf_printf(&in, "250-AUTH MECH-%03d\r\n", i);
	buf_add_text(&in, "250 DSN\r\n");
	read_from(&c, buf_text(&in), in.len);
	check(strlen(c.auth) < sizeof(c.auth), "C2 the list is terminated");
	check_int(strlen(c.auth) % 9, 8, "C2 of whole names");
	check(!strncmp(c.auth, "MECH-000 MECH-001 ", 18), "C2 the first ones");
	check(c.dsn, "C2 what follows is read");
	buf_release(&in);
}

int main(void)
{
	test_rows();
	test_many_mechanisms();
	return tap_done();
}
