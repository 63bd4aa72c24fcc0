/* t/unit/smtp_many.c - many messages in one session: what a round trip costs each,
 * that no failure of one touches the next, and that nothing grows. */
#define FAKE_MAILS 1001

#include "t/unit/smtp_fake.h"

#include "smtp/state.h"

#define OFFERS "250-PIPELINING\r\n250-CHUNKING\r\n"

/* Mails from m0@..., m1@... whose content names them too. */
static void add_mails(struct rig *r, char *names[][2], size_t count, size_t recipients)
{
	for (size_t i = 0; i < count; i++) {
		struct mail *mail;

		names[i][0] = mem_printf("m%zu@example.com", i);
		names[i][1] = mem_printf("m%zu\r\n", i);
		mail = rig_add(r, recipients, names[i][1]);
		mail->m.sender = names[i][0];
	}
}

static void free_names(char *names[][2], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(names[i][0]);
		free(names[i][1]);
	}
}

/* ---- round trips */

/* With one message ahead of the one that is being sent, DATA costs one round trip
 * a message, and BDAT half of one; EHLO and the first group come before. */
static const struct {
	const char *name;
	struct scene scene;
	size_t mails, recipients, flights;
} costs[] = {
	{ "DATA, two at a time", { .ahead = 2 }, 1000, 1, 1002 },
	{ "DATA, two at a time, ten recipients", { .ahead = 2 }, 100, 10, 102 },
	{ "DATA, all at once", { .ahead = 0 }, 100, 1, 102 },
	{ "DATA, one by one", { .lazy = true }, 100, 1, 201 },
	{ "DATA, two at a time, with marks", { .ahead = 2, .hooks = true }, 100, 3, 102 },
	{ "BDAT, two at a time", { .ahead = 2, .chunking = true }, 1000, 1, 501 },
	{ "BDAT, three at a time", { .ahead = 3, .chunking = true }, 1000, 1, 501 },
	{ "BDAT, all at once", { .chunking = true }, 100, 1, 51 },
	{ "BDAT, an odd number", { .ahead = 2, .chunking = true }, 101, 1, 52 },
	{ "BDAT, two at a time, with marks", { .ahead = 2, .chunking = true, .hooks = true },
		100, 1, 51 },
	{ "BDAT, with marks for several recipients",
		{ .ahead = 2, .chunking = true, .hooks = true }, 100, 3, 102 },
	{ "BDAT, several recipients", { .ahead = 2, .chunking = true }, 100, 3, 51 },
};

static void test_costs(void)
{
	for (size_t i = 0; i < COUNT(costs); i++) {
		struct scene scene = costs[i].scene;
		char *names[FAKE_MAILS][2];
		size_t wrong = 0;
		struct fake f;
		struct rig r;

		scene.tls = SMTP_TLS_OFF;
		fake_init(&f, costs[i].recipients);
		f.offers = OFFERS;
		rig_start(&r, &scene, 0);
		add_mails(&r, names, costs[i].mails, costs[i].recipients);
		rig_ready(&r);
		check_text(fake_run(&f, &r), NULL, "%s: in order", costs[i].name);
		check_int(r.want, SMTP_ENDED, "%s: ended", costs[i].name);
		for (size_t k = 0; k < costs[i].mails; k++)
			for (size_t n = 1; n <= costs[i].recipients; n++)
				wrong += f.taken[k][n] != 1;
		check_int(wrong, 0, "B1 %s: each once", costs[i].name);
		check_int(f.flights, costs[i].flights, "%s: the flights", costs[i].name);
		fake_release(&f);
		free_names(names, costs[i].mails);
		rig_release(&r);
	}
}

/* ---- nothing grows */

static size_t held_by(const struct smtp *s)
{
	size_t size = s->in.cap + s->out.cap + s->cap * sizeof(struct expected);

	for (size_t i = 0; i < s->flying_count; i++)
		size += sizeof(struct transaction) + s->flying[i]->count * sizeof(size_t);
	for (const struct work *w = s->works; w; w = w->next)
		size += sizeof(*w) + w->again_count * sizeof(size_t);
	return size;
}

static void test_growth(void)
{
	for (int chunking = 0; chunking < 2; chunking++) {
		struct scene scene = { .tls = SMTP_TLS_OFF, .ahead = 2, .chunking = chunking };
		size_t early = 0, most = 0;
		char *names[1000][2];
		struct fake f;
		struct rig r;

		fake_init(&f, 3);
		f.offers = OFFERS;
		f.limit = 2;   /* the third comes in a transaction of its own */
		f.too_many = "452 4.5.3 too many\r\n";
		rig_start(&r, &scene, 0);
		add_mails(&r, names, COUNT(names), 3);
		rig_ready(&r);
		while (r.want != SMTP_ENDED && r.want != SMTP_FAILED) {
			size_t held;

			fake_hear(&f, rig_flight(&r));
			rig_say(&r, buf_text(&f.out));
			held = held_by(r.s);
			if (r.done.len < 200 && held > early)
				early = held;
			most = held > most ? held : most;
		}
		check_int(r.want, SMTP_ENDED, "a thousand messages, chunking %d", chunking);
		check_int(most, early, "C3: none holds more than the first ones, chunking %d",
			chunking);
		check(!r.s->works && !r.s->flying_count, "nothing is left of them");
		check_text(rig_wrong(&r), NULL, "in order");
		fake_release(&f);
		free_names(names, COUNT(names));
		rig_release(&r);
	}
}

/* ---- failures of some */

enum outcome { GOOD, BAD_MAIL, BAD_RCPT, BAD_RCPTS, BAD_DATA, BAD_CONTENT, OUTCOMES };
enum { MAILS = 5 };

static int outcomes[MAILS];
static bool for_good[MAILS];

static const char *judge(const struct fake *f, enum smtp_step step, unsigned long who)
{
	const char *no = for_good[f->number] ? "550 no\r\n" : "450 not now\r\n";

	switch (outcomes[f->number]) {
	case BAD_MAIL:    return step == STEP_MAIL ? no : NULL;
	case BAD_RCPT:    return step == STEP_RCPT && who == 1 ? no : NULL;
	case BAD_RCPTS:   return step == STEP_RCPT ? no : NULL;
	case BAD_DATA:    return step == STEP_DATA ? no : NULL;
	case BAD_CONTENT: return step == STEP_CONTENT ? no : NULL;
	default:          return NULL;
	}
}

static char *expected_verdicts(bool bdat)
{
	struct buf out = BUF_INIT(1024);

	for (size_t i = 0; i < MAILS; i++) {
		const char *bad = for_good[i] ? "R550" : "T450", *first = bad, *second = bad;

		if (outcomes[i] == GOOD || (bdat && outcomes[i] == BAD_DATA))
			first = second = "D250";
		else if (outcomes[i] == BAD_RCPT)
			second = "D250";
		buf_printf(&out, "%s%s %s", i ? "; " : "", first, second);
	}
	return buf_take(&out);
}

/* The server's own count must be what the verdicts say. */
static bool taken_as_told(const struct fake *f, const struct rig *r)
{
	for (size_t i = 0; i < MAILS; i++)
		for (size_t k = 0; k < 2; k++)
			if (f->taken[i][k + 1] !=
			    (r->mails[i].results[k].verdict == VERDICT_DELIVERED))
				return false;
	return true;
}

static const struct {
	const char *name;
	struct scene scene;
	const char *offers;
	bool all;                /* every sequence there is */
} ways[] = {
	{ "DATA, two ahead", { .ahead = 2, .hooks = true }, OFFERS, true },
	{ "BDAT, two ahead", { .ahead = 2, .chunking = true }, OFFERS, true },
	{ "BDAT, two ahead, with marks", { .ahead = 2, .chunking = true, .hooks = true }, OFFERS,
		false },
	{ "DATA, all at once", { .ahead = 0 }, OFFERS, false },
	{ "BDAT, all at once", { .chunking = true }, OFFERS, false },
	{ "DATA, one by one", { .lazy = true }, OFFERS, false },
	{ "BDAT, one by one", { .chunking = true, .lazy = true }, OFFERS, false },
	{ "no PIPELINING", { .ahead = 2 }, "", false },
	{ "BDAT, no PIPELINING", { .ahead = 2, .chunking = true }, "250-CHUNKING\r\n", false },
};

struct tally { unsigned sessions, wrong; char first[600]; };

static void note_wrong(struct tally *t, const char *what, const char *got, const char *want)
{
	if (!t->wrong++)
		snprintf(t->first, sizeof(t->first), "%d%d%d%d%d: %s: got %s, want %s", outcomes[0],
			outcomes[1], outcomes[2], outcomes[3], outcomes[4], what, got, want);
}

static void play(size_t way, char *names[][2], struct tally *t)
{
	struct scene scene = ways[way].scene;
	const char *wrong;
	struct fake f;
	struct rig r;
	char *got, *want = expected_verdicts(scene.chunking);

	scene.tls = SMTP_TLS_OFF;
	fake_init(&f, 2);
	f.offers = ways[way].offers;
	f.judge = judge;
	rig_start(&r, &scene, 0);
	for (size_t i = 0; i < MAILS; i++)
		rig_add(&r, 2, names[i][1])->m.sender = names[i][0];
	rig_ready(&r);
	wrong = fake_run(&f, &r);
	got = rig_verdicts(&r);
	t->sessions++;
	if (wrong)
		note_wrong(t, "the session", wrong, "nothing");
	if (r.want != SMTP_ENDED)
		note_wrong(t, "the end", "another", "QUIT");
	if (strcmp(got, want))
		note_wrong(t, "verdicts", got, want);
	if (strcmp(buf_text(&r.done), "12345"))
		note_wrong(t, "order", buf_text(&r.done), "12345");
	if (!taken_as_told(&f, &r))
		note_wrong(t, "the server", "something else", got);
	free(got);
	free(want);
	fake_release(&f);
	rig_release(&r);
}

static bool all_differ(void)
{
	for (size_t i = 0; i < MAILS; i++)
		for (size_t k = 0; k < i; k++)
			if (outcomes[i] == outcomes[k])
				return false;
	return true;
}

/* Every sequence of outcomes; or every order of five that differ, once with one
 * refused for now and the next for good, and once the other way round. */
static void test_sequences(void)
{
	char *names[MAILS][2];
	unsigned sequences = 1;

	for (size_t i = 0; i < MAILS; i++) {
		names[i][0] = mem_printf("m%zu@example.com", i);
		names[i][1] = mem_printf("m%zu\r\n", i);
		sequences *= OUTCOMES;
	}
	for (size_t way = 0; way < COUNT(ways); way++) {
		struct tally t = { .first = "" };

		for (unsigned number = 0; number < sequences; number++) {
			unsigned rest = number;

			for (size_t i = 0; i < MAILS; i++, rest /= OUTCOMES)
				outcomes[i] = (int)(rest % OUTCOMES);
			if (!ways[way].all && !all_differ())
				continue;
			for (unsigned turn = 0; turn < (ways[way].all ? 1 : 2); turn++) {
				for (size_t i = 0; i < MAILS; i++)
					for_good[i] = (i + turn + number / 7) % 2;
				play(way, names, &t);
			}
		}
		check_int(t.wrong, 0, "B4 %s: %u sessions of five: %s", ways[way].name, t.sessions,
			t.first);
	}
	free_names(names, MAILS);
}

/* ---- the session ends in the middle */

static enum smtp_step bad_step;
static const char *bad_reply;

static const char *end_it(const struct fake *f, enum smtp_step step, unsigned long who)
{
	(void)who;
	return f->number == 2 && step == bad_step ? bad_reply : NULL;
}

/* At each step of the third of five; the fifth is submitted by a done() that tells
 * of the end. */
static void test_ends(void)
{
	static const enum smtp_step steps[] = { STEP_MAIL, STEP_RCPT, STEP_DATA, STEP_CONTENT };
	static const struct {
		const char *reply, *end, *verdicts[2][4];   /* by way and step */
	} ends[] = {
		{ "421 closing\r\n", "said 421", {
			{ "T421; T421; T421", "T421; T421; T421", "T421; T421; T421",
				"T421; T421; T421" },
			{ "T421; T421; T421", "T421; T421; T421", NULL, "T421; T421; T421" } } },
		{ "<LOST>", "lost", {
			{ "Tlost; Tlost; Tlost", "Tlost; Tlost; Tlost", "Tlost; Tlost; Tlost",
				"Uunknown; Tlost; Tlost" },
			{ "Uunknown; Uunknown; Tlost", "Uunknown; Uunknown; Tlost", NULL,
				"Uunknown; Uunknown; Tlost" } } },
	};

	for (size_t i = 0; i < COUNT(ends) * 2 * COUNT(steps); i++) {
		size_t end = i / 8, bdat = i / 4 % 2, step = i % 4;
		struct scene scene = { .tls = SMTP_TLS_OFF, .ahead = 2, .chunking = bdat };
		char *names[MAILS][2], *got, *want;
		struct fake f;
		struct rig r;

		if (!ends[end].verdicts[bdat][step])
			continue;
		bad_step = steps[step];
		bad_reply = ends[end].reply;
		fake_init(&f, 1);
		f.offers = OFFERS;
		f.judge = end_it;
		rig_start(&r, &scene, 0);
		add_mails(&r, names, MAILS, 1);
		rig_ready(&r);
		check_text(fake_run(&f, &r), NULL, "end %zu: all are told, once", i);
		got = rig_verdicts(&r);
		want = mem_printf("D250; D250; %s", ends[end].verdicts[bdat][step]);
		check_text(got, want, "end %zu: what they are told", i);
		free(got);
		free(want);
		got = rig_end(&r);
		check_text(got, ends[end].end, "end %zu: the session's own", i);
		free(got);
		fake_release(&f);
		free_names(names, MAILS);
		rig_release(&r);
	}
}

/* QUIT is out: whoever comes now is told so, and may try another session. */
static void test_too_late(void)
{
	struct rig r;
	char *text;

	rig_start(&r, &(struct scene){ .tls = SMTP_TLS_OFF }, 0);
	rig_add(&r, 2, "x\r\n");
	smtp_finish(r.s);
	rig_say(&r, "220 mx\r\n");
	rig_flight(&r);
	rig_say(&r, "250 mx\r\n");
	check_text(rig_flight(&r), "QUIT\r\n", "nothing to send");
	rig_submit(&r);
	check_text(rig_flight(&r), "", "too late: nothing is sent");
	text = rig_verdicts(&r);
	check_text(text, "Tlost Tlost", "too late: told so");
	free(text);
	check_text(r.mails[0].results[0].text, "the session was over before the message was sent",
		"in words");
	check_text(rig_wrong(&r), NULL, "too late: once");
	rig_release(&r);
}

int main(void)
{
	test_costs();
	test_growth();
	test_sequences();
	test_ends();
	test_too_late();
	return tap_done();
}
