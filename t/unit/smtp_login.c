/* t/unit/smtp_login.c - AUTH: the shape of each mechanism's dialogue, servers
 * that do not keep to it, and what the transcript shows of it. */
#include "t/unit/smtp_rig.h"

#include "base/codec.h"

#define HELLO "EHLO me.example\r\n"
#define GREETING "220 mx\r\n"
#define OFFERS "250-mx\r\n250-PIPELINING\r\n250 AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256 " \
	"OAUTHBEARER XOAUTH2 EXTERNAL GSSAPI\r\n"
#define BEGIN { "<TLS>", GREETING }, { HELLO, OFFERS }
#define SEND { "MAIL FROM:<me@example.com>\r\nRCPT TO:<r1@example.com>\r\nDATA\r\n", \
	"250 ok\r\n250 ok\r\n354 go\r\n" }, { "x\r\n.\r\nQUIT\r\n", "250 ok\r\n" }
#define SENT .verdicts = "D250", .end = "ended"
#define IN "235 2.7.0 in\r\n"
#define WITH(mechanism) { .tls = SMTP_TLS_IMPLICIT, .login = true, .auth = mechanism }

/* Responses that are made outside. */
static const char *const whole[] = { "ticket", "", "none", NULL };
static const char *const half[] = { "ticket", "", "!", NULL };
static const char *const no_ticket[] = { "!", NULL };
#define BY_TICKET(made) { .tls = SMTP_TLS_IMPLICIT, .login = true, .auth = "GSSAPI", .responses = made }
#define ASKED { "AUTH GSSAPI dGlja2V0\r\n", "334 cHJvb2Y=\r\n" }, { "\r\n", "334 bGF5ZXI=\r\n" }

static const struct dialogue outside[] = {
	{ "GSSAPI", BY_TICKET(whole), .exchanges = { BEGIN, ASKED, { "bm9uZQ==\r\n", IN }, SEND },
		SENT, .done = "<><proof><layer>1" },
	{ "GSSAPI never leads the group", { .tls = SMTP_TLS_IMPLICIT, .pipelining = PIPELINING_FULL,
		.login = true, .auth = "GSSAPI", .responses = whole }, .exchanges = { BEGIN, ASKED,
		{ "bm9uZQ==\r\n", IN }, SEND }, SENT, .done = "<><proof><layer>1" },
	{ "GSSAPI, no ticket: nothing is said of a login", BY_TICKET(no_ticket), .exchanges = { BEGIN,
		{ "", NULL } }, .verdicts = "Tlogin", .end = "login", .done = "<>1" },
	{ "GSSAPI, the server's proof is none: given up", BY_TICKET(half), .exchanges = { BEGIN,
		{ "AUTH GSSAPI dGlja2V0\r\n", "334 cHJvb2Y=\r\n" }, { "\r\n", "334 bGF5ZXI=\r\n" },
		{ "*\r\n", "501 cancelled\r\n" } }, .verdicts = "Tlogin", .end = "login", .done = "<><proof><layer>1" },
	{ "D7 GSSAPI: 235 to the ticket", BY_TICKET(whole), .exchanges = { BEGIN,
		{ "AUTH GSSAPI dGlja2V0\r\n", IN } }, .verdicts = "Tlogin", .end = "login", .done = "<>1" },
	{ "D7 GSSAPI: 235 before the layer", BY_TICKET(whole), .exchanges = { BEGIN,
		{ "AUTH GSSAPI dGlja2V0\r\n", "334 cHJvb2Y=\r\n" }, { "\r\n", IN } },
		.verdicts = "Tlogin", .end = "login", .done = "<><proof>1" },
	{ "GSSAPI: a challenge behind the last", BY_TICKET(whole), .exchanges = { BEGIN, ASKED,
		{ "bm9uZQ==\r\n", "334 bW9yZQ==\r\n" }, { "*\r\n", "501 cancelled\r\n" } },
		.verdicts = "Tlogin", .end = "login", .done = "<><proof><layer>1" },
	{ "GSSAPI: a challenge that is not base64", BY_TICKET(whole), .exchanges = { BEGIN,
		{ "AUTH GSSAPI dGlja2V0\r\n", "334 !!\r\n" }, { "*\r\n", "501 cancelled\r\n" } },
		.verdicts = "Tprotocol", .end = "protocol", .done = "<>1" },
	{ "GSSAPI: refused", BY_TICKET(whole), .exchanges = { BEGIN, ASKED,
		{ "bm9uZQ==\r\n", "535 5.7.8 no\r\n" }, { "QUIT\r\n", NULL } }, .verdicts = "T535",
		.end = "said 535", .done = "<><proof><layer>1" },
};

static const struct dialogue shapes[] = {
	{ "PLAIN", WITH("PLAIN"), .exchanges = { BEGIN, { "AUTH PLAIN " SECRET_PLAIN "\r\n", IN },
		SEND }, SENT },
	{ "LOGIN", WITH("LOGIN"),
		.exchanges = { BEGIN, { "AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n" },
		{ "dXNlcg==\r\n", "334 UGFzc3dvcmQ6\r\n" }, { SECRET_LOGIN "\r\n", IN }, SEND },
			SENT },
	{ "LOGIN with blanks behind its prompts", WITH("LOGIN"), .exchanges = { BEGIN,
		{ "AUTH LOGIN\r\n", "334 VXNlcm5hbWU6 \r\n" },
		{ "dXNlcg==\r\n", "334 UGFzc3dvcmQ6  \r\n" }, { SECRET_LOGIN "\r\n", IN }, SEND },
		SENT },
	{ "LOGIN with prompts of its own", WITH("LOGIN"), .exchanges = { BEGIN,
		{ "AUTH LOGIN\r\n", "334\r\n" }, { "dXNlcg==\r\n", "334 \r\n" },
		{ SECRET_LOGIN "\r\n", IN }, SEND }, SENT },
	{ "CRAM-MD5 (RFC 2195 section 2)", { .tls = SMTP_TLS_OFF, .login = true, .auth = "CRAM-MD5",
		.user = "tim", .secret = "tanstaaftanstaaf",
		.hidden = "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw" },
		.exchanges = { { "", GREETING }, { HELLO, OFFERS }, { "AUTH CRAM-MD5\r\n",
		"334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+\r\n" },
		{ "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw\r\n", IN }, SEND }, SENT },
	{ "SCRAM-SHA-256 (RFC 7677 section 3)", { .tls = SMTP_TLS_OFF, .login = true,
		.auth = "SCRAM-SHA-256", .secret = "pencil",
		.hidden = "biwsbj11c2VyLHI9ck9wck5HZndFYmVSV2diTkVrcU8=" }, .exchanges = {
		{ "", GREETING }, { HELLO, OFFERS },
		{ "AUTH SCRAM-SHA-256 biwsbj11c2VyLHI9ck9wck5HZndFYmVSV2diTkVrcU8=\r\n",
		"334 cj1yT3ByTkdmd0ViZVJXZ2JORWtxTyVodllEcFdVYTJSYVRDQWZ1eEZJbGopaE5sRiRrMCxz"
		"PVcyMlphSjBTTlk3c29Fc1VFamI2Z1E9PSxpPTQwOTY=\r\n" },
		{ "Yz1iaXdzLHI9ck9wck5HZndFYmVSV2diTkVrcU8laHZZRHBXVWEyUmFUQ0FmdXhGSWxqKWhObEYkazAs"
		"cD1kSHpiWmFwV0lrNGpVaE4rVXRlOXl0YWc5empmTUhnc3FtbWl6N0FuZFZRPQ==\r\n",
		"334 dj02cnJpVFJCaTIzV3BSUi93dHVwK21NaFVaVW4vZEI1bkxUSlJzamw5NUc0PQ==\r\n" },
		{ "\r\n", IN }, SEND }, SENT },
	{ "D7 SCRAM-SHA-256: 235 without the server's proof", { .tls = SMTP_TLS_OFF, .login = true,
		.auth = "SCRAM-SHA-256", .secret = "pencil" }, .exchanges = {
		{ "", GREETING }, { HELLO, OFFERS },
		{ "AUTH SCRAM-SHA-256 biwsbj11c2VyLHI9ck9wck5HZndFYmVSV2diTkVrcU8=\r\n", IN } },
		.verdicts = "Tlogin", .end = "login" },
	{ "D7 SCRAM-SHA-256: a nonce that is not ours", { .tls = SMTP_TLS_OFF, .login = true,
		.auth = "SCRAM-SHA-256", .secret = "pencil" }, .exchanges = {
		{ "", GREETING }, { HELLO, OFFERS },
		{ "AUTH SCRAM-SHA-256 biwsbj11c2VyLHI9ck9wck5HZndFYmVSV2diTkVrcU8=\r\n",
		"334 cj1vdGhlcixzPVcyMlphSjBTTlk3c29Fc1VFamI2Z1E9PSxpPTQwOTY=\r\n" },
		{ "*\r\n", "501 cancelled\r\n" } }, .verdicts = "Tlogin", .end = "login" },
	{ "EXTERNAL without a name", { .tls = SMTP_TLS_IMPLICIT, .login = true, .auth = "EXTERNAL",
		.user = "" }, .exchanges = { BEGIN, { "AUTH EXTERNAL =\r\n", IN }, SEND }, SENT },
	{ "EXTERNAL with a name", WITH("EXTERNAL"), .exchanges = { BEGIN,
		{ "AUTH EXTERNAL dXNlcg==\r\n", IN }, SEND }, SENT },
	{ "EXTERNAL leads the group", { .tls = SMTP_TLS_IMPLICIT, .pipelining = PIPELINING_FULL,
		.login = true, .auth = "EXTERNAL" }, .exchanges = { BEGIN,
		{ "AUTH EXTERNAL dXNlcg==\r\nMAIL FROM:<me@example.com>\r\n"
		"RCPT TO:<r1@example.com>\r\nDATA\r\n", IN "250 ok\r\n250 ok\r\n354 go\r\n" },
			{ "x\r\n.\r\nQUIT\r\n", "250 ok\r\n" } },
		SENT },
	{ "LOGIN never leads the group", { .tls = SMTP_TLS_IMPLICIT, .pipelining = PIPELINING_FULL,
		.login = true, .auth = "LOGIN" }, .exchanges = { BEGIN,
		{ "AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n" },
			{ "dXNlcg==\r\n", "334 UGFzc3dvcmQ6\r\n" },
		{ SECRET_LOGIN "\r\n", IN }, SEND }, SENT },
	{ "XOAUTH2", { .tls = SMTP_TLS_IMPLICIT, .login = true, .auth = "XOAUTH2",
		.secret = "ya29.token",
			.hidden = "dXNlcj11c2VyAWF1dGg9QmVhcmVyIHlhMjkudG9rZW4BAQ==" },
		.exchanges = { BEGIN,
		{ "AUTH XOAUTH2 dXNlcj11c2VyAWF1dGg9QmVhcmVyIHlhMjkudG9rZW4BAQ==\r\n", IN },
			SEND }, SENT },
	{ "D8 XOAUTH2 refused in two steps", { .tls = SMTP_TLS_IMPLICIT, .login = true,
		.auth = "XOAUTH2", .secret = "ya29.token" }, .exchanges = { BEGIN,
		{ "AUTH XOAUTH2 dXNlcj11c2VyAWF1dGg9QmVhcmVyIHlhMjkudG9rZW4BAQ==\r\n",
		"334 eyJzdGF0dXMiOiI0MDEifQ==\r\n" }, { "\r\n", "535 5.7.8 no\r\n" },
			{ "QUIT\r\n", NULL } },
		.verdicts = "T535", .end = "said 535" },
	{ "D8 XOAUTH2 that goes on and on", { .tls = SMTP_TLS_IMPLICIT, .login = true,
		.auth = "XOAUTH2", .secret = "ya29.token" }, .exchanges = { BEGIN,
		{ "AUTH XOAUTH2 dXNlcj11c2VyAWF1dGg9QmVhcmVyIHlhMjkudG9rZW4BAQ==\r\n",
		"334 eyJzdGF0dXMiOiI0MDEifQ==\r\n" },
			{ "\r\n", "334 eyJzdGF0dXMiOiI0MDEifQ==\r\n" },
		{ "*\r\n", "501 no\r\n" } }, .verdicts = "Tlogin", .end = "login" },
	{ "D8 OAUTHBEARER refused in two steps", { .tls = SMTP_TLS_IMPLICIT, .login = true,
		.auth = "OAUTHBEARER", .secret = "tok" }, .exchanges = { BEGIN,
		{ "AUTH OAUTHBEARER bixhPXVzZXIsAWhvc3Q9bXguZXhhbXBsZQFwb3J0PTQ2NQFhdXRoPUJlYXJlciB0"
		"b2sBAQ==\r\n", "334 eyJzdGF0dXMiOiI0MDEifQ==\r\n" }, { "AQ==\r\n", "535 no\r\n" },
		{ "QUIT\r\n", NULL } }, .verdicts = "T535", .end = "said 535" },
};

#define AUTH_PLAIN "AUTH PLAIN " SECRET_PLAIN "\r\n"

static const struct dialogue faults[] = {
	{ "C9 535 is final", WITH("PLAIN"),
		.exchanges = { BEGIN, { AUTH_PLAIN, "535 5.7.8 no\r\n" },
		{ "QUIT\r\n", NULL } }, .verdicts = "T535", .end = "said 535" },
	{ "C9 454 is for later", WITH("PLAIN"), .exchanges = { BEGIN, { AUTH_PLAIN, "454 no\r\n" },
		{ "QUIT\r\n", NULL } }, .verdicts = "T454", .end = "said 454" },
	{ "C9 504 is no reason for another mechanism", WITH("PLAIN"), .exchanges = { BEGIN,
		{ AUTH_PLAIN, "504 no\r\n" }, { "QUIT\r\n", NULL } },
		.verdicts = "T504", .end = "said 504" },
	{ "D6 250 is no login", WITH("PLAIN"), .exchanges = { BEGIN, { AUTH_PLAIN, "250 ok\r\n" } },
		.verdicts = "Tprotocol", .end = "protocol" },
	{ "D6 354 is no login", WITH("PLAIN"), .exchanges = { BEGIN, { AUTH_PLAIN, "354 ok\r\n" } },
		.verdicts = "Tprotocol", .end = "protocol" },
	{ "PLAIN has nothing to add", WITH("PLAIN"),
		.exchanges = { BEGIN, { AUTH_PLAIN, "334 \r\n" },
		{ "*\r\n", "501 cancelled\r\n" } }, .verdicts = "Tlogin", .end = "login" },
	{ "a challenge that is not base64", WITH("LOGIN"), .exchanges = { BEGIN,
		{ "AUTH LOGIN\r\n", "334 Username:\r\n" }, { "*\r\n", "501 cancelled\r\n" } },
		.verdicts = "Tprotocol", .end = "protocol" },
	{ "a challenge of two lines", WITH("LOGIN"), .exchanges = { BEGIN,
		{ "AUTH LOGIN\r\n", "334-VXNl\r\n334 cm5hbWU6\r\n" },
			{ "*\r\n", "501 cancelled\r\n" } },
		.verdicts = "Tprotocol", .end = "protocol" },
	{ "a challenge with padding inside", WITH("LOGIN"), .exchanges = { BEGIN,
		{ "AUTH LOGIN\r\n", "334 VQ==VQ==\r\n" }, { "*\r\n", "501 cancelled\r\n" } },
		.verdicts = "Tprotocol", .end = "protocol" },
	{ "D6 235 after we gave up", WITH("LOGIN"), .exchanges = { BEGIN,
		{ "AUTH LOGIN\r\n", "334 Username:\r\n" }, { "*\r\n", IN } },
		.verdicts = "Tprotocol", .end = "protocol" },
	{ "lost after we gave up: the reason stays", WITH("PLAIN"), .exchanges = { BEGIN,
		{ AUTH_PLAIN, "334 \r\n" }, { "*\r\n", "<LOST>" } }, .verdicts = "Tlogin",
			.end = "login" },
	{ "D6 235 before the user was asked for is no login", WITH("LOGIN"), .exchanges = { BEGIN,
		{ "AUTH LOGIN\r\n", IN } }, .verdicts = "Tlogin", .end = "login" },
	{ "D6 235 before the password was asked for is no login", WITH("LOGIN"), .exchanges = { BEGIN,
		{ "AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n" }, { "dXNlcg==\r\n", IN } },
		.verdicts = "Tlogin", .end = "login" },
	{ "D6 235 without a challenge is no login", WITH("CRAM-MD5"), .exchanges = { BEGIN,
		{ "AUTH CRAM-MD5\r\n", IN } }, .verdicts = "Tlogin", .end = "login" },
	{ "D6 the mechanism that was asked for is not offered", { .tls = SMTP_TLS_IMPLICIT,
		.login = true, .auth = "SCRAM-SHA-256" }, .exchanges = { { "<TLS>", GREETING },
		{ HELLO, "250-mx\r\n250 AUTH PLAIN LOGIN\r\n" } }, .verdicts = "Tlogin",
			.end = "login" },
	{ "D5 no password without TLS",
		{ .tls = SMTP_TLS_OFF, .login = true, .anonymous_tls = true },
		.exchanges = { { "", GREETING }, { HELLO, OFFERS } },
		.verdicts = "Tlogin", .end = "login" },
	{ "D5 no password to a server that nobody verified", { .tls = SMTP_TLS_IMPLICIT,
		.login = true, .anonymous_tls = true }, .exchanges = { BEGIN },
		.verdicts = "Tlogin", .end = "login" },
};

static void test_dialogues(void)
{
	for (size_t i = 0; i < COUNT(shapes); i++)
		dialogue_run(&shapes[i], "x\r\n");
	for (size_t i = 0; i < COUNT(outside); i++)
		dialogue_run(&outside[i], "x\r\n");
	for (size_t i = 0; i < COUNT(faults); i++)
		dialogue_run(&faults[i], "x\r\n");
}

/* Most tickets are longer than the line of AUTH may be. */
static void test_long_ticket(void)
{
	char ticket[1501];
	const char *const responses[] = { ticket, "", "none", NULL };
	struct buf coded = BUF_INIT(0);
	struct rig r;

	memset(ticket, 't', sizeof(ticket) - 1);
	ticket[sizeof(ticket) - 1] = '\0';
	base64_encode(ticket, sizeof(ticket) - 1, &coded);
	rig_start(&r, &(struct scene)BY_TICKET(responses), 0);
	rig_add(&r, 1, "x\r\n");
	rig_ready(&r);
	rig_flight(&r);
	rig_say(&r, GREETING);
	rig_flight(&r);
	rig_say(&r, OFFERS);
	check_text(rig_flight(&r), "AUTH GSSAPI\r\n", "a long ticket: not in that line");
	rig_say(&r, "334 \r\n");
	buf_add_text(&coded, "\r\n");
	check_text(rig_flight(&r), buf_text(&coded), "... but in the next");
	check(!strstr(buf_text(&r.trace), "dHR0dHR0"), "D9 and not in the transcript");
	check_int(r.responded, 1, "it was made once");
	rig_release(&r);
	buf_release(&coded);
}

/* RFC 4954 section 4: an initial response never makes the line longer than 512
 * octets; then it waits for an empty challenge. */
static void test_long_response(const char *mechanism, const char *prefix, size_t prefix_len,
	const char *suffix)
{
	enum { LONGEST = 4000 };
	char *secret = mem_alloc(LONGEST + 1);
	size_t most = 0, name = strlen("AUTH  \r\n") + strlen(mechanism);

	for (size_t len = 300; len <= LONGEST; len += len < 400 ? 1 : 600) {
		struct scene scene = { .tls = SMTP_TLS_IMPLICIT, .login = true,
			.pipelining = PIPELINING_FULL, .auth = mechanism };
		struct buf plain = BUF_INIT(LONGEST * 2), coded = BUF_INIT(LONGEST * 2);
		struct rig r;
		char *want;
		bool fits;

		memset(secret, 'k', len);
		secret[len] = '\0';
		buf_add(&plain, prefix, prefix_len);
		buf_add(&plain, secret, len);
		buf_add_text(&plain, suffix);
		base64_encode(plain.data, plain.len, &coded);
		fits = coded.len + name <= 512;
		most = fits ? coded.len + name : most;
		scene.secret = secret;
		scene.hidden = buf_text(&coded);
		rig_start(&r, &scene, 0);
		rig_add(&r, 1, "x\r\n");
		rig_ready(&r);
		rig_turn(&r);
		rig_say(&r, GREETING);
		rig_flight(&r);
		rig_say(&r, OFFERS);
		want = fits ? mem_printf("AUTH %s %s\r\n", mechanism, buf_text(&coded)) :
			mem_printf("AUTH %s\r\n", mechanism);
		rig_flight(&r);
		/* A leading AUTH has MAIL behind it, one that waits has not. */
		check(!strncmp(buf_text(&r.flight), want, strlen(want)),
			"%s with a secret of %zu octets", mechanism, len);
		free(want);
		if (!fits) {
			check_int(r.flight.len, strlen("AUTH \r\n") + strlen(mechanism),
				"and nothing else");
			rig_say(&r, "334 \r\n");
			want = mem_printf("%s\r\n", buf_text(&coded));
			check_text(rig_flight(&r), want, "%s: a line of its own for %zu octets",
				mechanism,
				len);
			free(want);
			rig_say(&r, IN);
			check_text(smtp_mechanism(r.s), mechanism, "%s: logged in", mechanism);
		}
		check_text(rig_wrong(&r), NULL, "%s with %zu octets: in order", mechanism, len);
		rig_release(&r);
		buf_release(&plain);
		buf_release(&coded);
	}
	check(most >= 508, "%s: a line of %zu octets was one line", mechanism, most);
	free(secret);
}

/* A server that never stops asking is told to. */
static void test_endless_challenges(void)
{
	static const char *const mechanisms[] = { "PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256",
		"XOAUTH2", "OAUTHBEARER", "EXTERNAL" };
	static const char *const challenges[] = { "334 \r\n", "334 VXNlcm5hbWU6\r\n",
		"334 cj1yT3ByTkdmd0ViZVJXZ2JORWtxTyxzPVFTWENSK1E2c2VrOGJmOTIsaT00MDk2\r\n",
			"334 ?\r\n" };

	for (size_t i = 0; i < COUNT(mechanisms); i++)
		for (size_t k = 0; k < COUNT(challenges); k++) {
			struct scene scene = { .tls = SMTP_TLS_IMPLICIT, .login = true,
				.auth = mechanisms[i] };
			unsigned asked = 0;
			struct rig r;

			rig_start(&r, &scene, 0);
			rig_add(&r, 1, "x\r\n");
			rig_ready(&r);
			rig_turn(&r);
			rig_say(&r, GREETING);
			rig_flight(&r);
			rig_say(&r, OFFERS);
			for (; asked < 10000 && r.want == SMTP_WANT_REPLY; asked++) {
				rig_flight(&r);
				rig_say(&r, challenges[k]);
			}
			check(asked < 6, "C1 %s and challenge %zu: %u are answered", mechanisms[i],
				k, asked);
			check_int(r.want, SMTP_FAILED, "C1 then it is over");
			check_text(rig_wrong(&r), NULL, "C1 in order");
			rig_release(&r);
		}
}

static const struct {
	const char *auth, *first, *refusal;
} repeated[] = {
	{ "PLAIN", NULL, "500 5.5.1 Command unrecognized: \"AUTH PLAIN " SECRET_PLAIN "\"\r\n" },
	{ "PLAIN", NULL, "535-no\r\n535 for user and " SECRET "\r\n" },
	{ "PLAIN", NULL, "501 what is AHVzZXIAcGE1NS1X...?\r\n" },
	{ "LOGIN", "334 UGFzc3dvcmQ6\r\n", "500 unrecognized: " SECRET_LOGIN "\r\n" },
	{ "LOGIN", "334 UGFzc3dvcmQ6\r\n", "cGE1NS1Xb3JkIQ== is not SMTP\r\n" },
	{ "PLAIN", NULL, SECRET_PLAIN "\r\n" },
};

/* Some servers repeat what they do not understand. */
static void test_repeated(void)
{
	for (size_t i = 0; i < COUNT(repeated); i++) {
		struct scene scene = { .tls = SMTP_TLS_IMPLICIT, .login = true,
			.auth = repeated[i].auth,
			.hidden = "cGE1NS1X" };
		struct rig r;
		const struct smtp_failure *f;
		const char *text;

		rig_start(&r, &scene, 0);
		rig_add(&r, 1, "x\r\n");
		rig_ready(&r);
		rig_turn(&r);
		rig_say(&r, GREETING);
		rig_flight(&r);
		rig_say(&r, OFFERS);
		for (int k = 0; repeated[i].first && k < 2; k++) {
			rig_flight(&r);
			rig_say(&r, repeated[i].first);
		}
		rig_flight(&r);
		rig_say(&r, repeated[i].refusal);
		f = smtp_failure(r.s);
		text = f->err.kind ? f->err.text : f->result.text;
		check(text && !strstr(text, SECRET) && !strstr(text, "cGE1NS1X") &&
			!strstr(text, "AHVzZXIAcGE1"), "D9 repeated %zu: %s", i, text);
		check(strcmp(r.mails[0].results[0].text, "") && !strstr(r.mails[0].results[0].text,
			"cGE1NS1X"), "D9 repeated %zu: not in the recipient's words", i);
		check_text(rig_wrong(&r), NULL, "D9 repeated %zu: not in the transcript", i);
		rig_release(&r);
	}
}

/* A response too long for the line of AUTH is said only when it is asked for, and a yes
 * before that is none. */
static void test_unsaid(void)
{
	char *secret = mem_alloc(701);
	struct scene scene = { .tls = SMTP_TLS_IMPLICIT, .login = true, .auth = "XOAUTH2" };
	struct rig r;

	memset(secret, 'x', 700);
	scene.secret = secret;
	for (int challenged = 0; challenged < 2; challenged++) {
		rig_start(&r, &scene, 0);
		rig_add(&r, 1, "x\r\n");
		rig_ready(&r);
		rig_turn(&r);
		rig_say(&r, GREETING);
		rig_flight(&r);
		rig_say(&r, OFFERS);
		check_text(rig_flight(&r), "AUTH XOAUTH2\r\n", "the mechanism alone");
		if (challenged) {
			rig_say(&r, "334 eyJzdGF0dXMiOiI0MDEifQ==\r\n");
			check_text(rig_flight(&r), "\r\n", "an error is acknowledged");
		}
		rig_say(&r, IN);
		check_int(r.want, SMTP_FAILED, "D6 the token was not asked for, and 235 is no login");
		check_text(smtp_failure(r.s)->err.cause, "login-unasked", "D6 which is told");
		rig_release(&r);
	}
	free(secret);
}

/* What is no reply is shown, cut short: no cut lets a part of the secret be seen, at any
 * place, ended or not. */
static void test_cut(void)
{
	for (unsigned before = 0; before < 160; before++) {
		struct rig r;
		struct buf line = BUF_INIT(512);
		const char *text;

		rig_start(&r, &(struct scene){ .tls = SMTP_TLS_OFF, .login = true }, 0);
		smtp_secret(r.s, &r.secret);
		for (unsigned i = 0; i <= before; i++)
			buf_add_char(&line, 'x');
		buf_printf(&line, "%s%s", SECRET, before % 2 ? "\r\n" : "");
		smtp_received(r.s, line.data, line.len);
		if (before % 2 == 0)
			rig_break(&r, before % 4 ? ERR_TIMEOUT : ERR_LOST);
		text = smtp_failure(r.s)->err.text;
		check(smtp_failure(r.s)->err.kind == ERR_PROTOCOL && strstr(text, "\"x") &&
			!strstr(text, "pa55") && !strstr(text, "xpa"),
			"D9 %u octets before it: %s", before + 1, text);
		rig_release(&r);
		buf_release(&line);
	}
}

static void test_words(void)
{
	const struct scene scene = { .tls = SMTP_TLS_IMPLICIT, .login = true, .auth = "XOAUTH2",
		.secret = "ya29.token" };
	struct rig r;

	rig_start(&r, &scene, 0);
	rig_turn(&r);
	rig_say(&r, GREETING);
	rig_flight(&r);
	rig_say(&r, OFFERS);
	rig_flight(&r);
	rig_say(&r, "334 eyJzdGF0dXMiOiI0MDEifQ==\r\n");
	rig_flight(&r);
	rig_say(&r, "535 5.7.8 no\r\n");
	check_text(smtp_failure(r.s)->result.text, "535 5.7.8 no ({\"status\":\"401\"})",
		"D8 what the server said in its challenge is told");
	rig_release(&r);

	rig_start(&r, &scene, 0);
	rig_turn(&r);
	rig_say(&r, GREETING);
	rig_flight(&r);
	rig_say(&r, OFFERS);
	rig_flight(&r);
	rig_say(&r, "334 eyJ0b2tlbiI6InlhMjkudG9rZW4ifQ==\r\n");
	rig_flight(&r);
	rig_say(&r, "535 5.7.8 no ya29.token\r\n");
	check_text(smtp_failure(r.s)->result.text,
		"535 5.7.8 no ********** ({\"token\":\"**********\"})",
		"D9 but not the token, which it repeats");
	check_text(rig_wrong(&r), NULL, "D9 nor is it in the transcript");
	rig_release(&r);

	rig_start(&r, &(struct scene){ .tls = SMTP_TLS_IMPLICIT, .login = true }, 0);
	rig_add(&r, 1, "x\r\n");
	rig_ready(&r);
	rig_turn(&r);
	rig_say(&r, GREETING);
	rig_flight(&r);
	smtp_received(r.s, OFFERS, strlen(OFFERS));
	check_int(smtp_turn(r.s), SMTP_WANT_SECRET, "the secret is wanted");
	rig_break(&r, ERR_SECRET);
	check_int(r.want, SMTP_FAILED, "there is none");
	check_text(smtp_failure(r.s)->err.text, "it broke", "the reason is the caller's");
	check_int(r.mails[0].results[0].kind, ERR_SECRET, "for the recipient as well");
	check_text(rig_wrong(&r), NULL, "in order");
	rig_release(&r);
}

int main(void)
{
	test_dialogues();
	test_long_response("PLAIN", "\0user\0", 6, "");
	test_long_response("XOAUTH2", "user=user\1auth=Bearer ", 22, "\1\1");
	test_long_ticket();
	test_endless_challenges();
	test_repeated();
	test_words();
	test_unsaid();
	test_cut();
	return tap_done();
}
