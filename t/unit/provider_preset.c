/* t/unit/provider_preset.c - the table of presets holds together, and is found in. */
#include "t/unit/tap.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "provider/preset.h"

enum { PRESETS_LEAST = 90, NOTE_MAX = 260 };

static bool made_of(const char *text, const char *extra)
{
	for (; *text; text++)
		if (!islower((unsigned char)*text) && !isdigit((unsigned char)*text) &&
		    !strchr(extra, *text))
			return false;
	return true;
}

/* A name as DNS knows it, in small letters; with * or REGION where a pattern may be. */
static bool is_name(const char *text, const char *wild)
{
	char *copy = mem_string(text), *at = copy, *label;
	unsigned labels = 0;
	bool good = true;

	while ((label = strsep(&at, "."))) {
		labels++;
		if (strcmp(label, wild) != 0)
			good = good && *label && *label != '-' && label[strlen(label) - 1] != '-' &&
				strlen(label) < 64 && made_of(label, "-");
	}
	free(copy);
	return good && labels >= 2;
}

/* Calls for each name of a list; returns how many. */
static unsigned each(const char *list, void (*call)(const struct preset *, const char *),
	const struct preset *p)
{
	char *copy = mem_string(list ? list : ""), *at = copy, *one;
	unsigned count = 0;

	while ((one = strsep(&at, " "))) {
		if (*one)
			call(p, one);
		count += *one != '\0';
	}
	free(copy);
	return count;
}

static void domain_is_right(const struct preset *p, const char *domain)
{
	check(is_name(domain, ""), "%s: %s is a domain", p->id, domain);
	check(preset_of_domain(domain) == p, "%s: %s is of no other preset", p->id, domain);
}

static void host_is_right(const struct preset *p, const char *host)
{
	check(is_name(host, "*"), "%s: %s is a host or a pattern of one", p->id, host);
}

static void check_ways(const struct preset *p)
{
	size_t count = 0;

	for (; count <= PRESET_WAYS && p->ways[count].port; count++) {
		const struct preset_way *w = &p->ways[count];

		check(w->port < 65536 && w->port != 25, "%s: port %u is one for submission", p->id,
			w->port);
		check(w->tls == PRESET_IMPLICIT || w->tls == PRESET_STARTTLS, "%s: encrypted", p->id);
		check(w->port != 465 || w->tls == PRESET_IMPLICIT, "%s: 465 is implicit", p->id);
		check(w->port != 587 || w->tls == PRESET_STARTTLS, "%s: 587 is STARTTLS", p->id);
		for (size_t k = 0; k < count; k++)
			check(p->ways[k].port != w->port, "%s: port %u once", p->id, w->port);
	}
	check(count <= PRESET_WAYS, "%s: the ways end", p->id);
	check((count > 0) == (p->host != NULL), "%s: a host has ways, and nothing else has", p->id);
}

static void check_note(const struct preset *p)
{
	size_t len = strlen(p->note);

	check(len > 20 && len <= NOTE_MAX, "%s: a note of some length (%zu)", p->id, len);
	check(len && isalnum((unsigned char)p->note[len - 1]), "%s: which ends without a full stop",
		p->id);
	check(islower((unsigned char)p->note[0]), "%s: and goes on behind the name", p->id);
	for (size_t i = 0; i < len; i++)
		if (p->note[i] < ' ' || p->note[i] > '~' || (p->note[i] == ' ' && p->note[i + 1] == ' '))
			check(false, "%s: the note holds plain text (octet %zu)", p->id, i);
	check(strstr(p->note, ": ") || strstr(p->note, "; ") || strstr(p->note, ", "),
		"%s: and says what to do", p->id);
}

static void test_table(void)
{
	unsigned count = 0, domains = 0;

	for (const struct preset *p = presets; p->id; p++, count++) {
		check(p->id[0] && made_of(p->id, "-"), "%s: an id", p->id);
		check(preset_find(p->id) == p, "%s: has one row", p->id);
		check(p->name && p->name[0], "%s: has a name", p->id);
		check(!p->host || is_name(p->host, "REGION"), "%s: its host is one", p->id);
		check(!p->host || p->takes, "%s: takes something", p->id);
		check((p->user == PRESET_USER_LITERAL) == (p->literal != NULL), "%s: its user", p->id);
		domains += each(p->domains, domain_is_right, p);
		each(p->hosts, host_is_right, p);
		check_ways(p);
		check_note(p);
	}
	check(count >= PRESETS_LEAST, "%u presets", count);
	check(domains >= 250, "%u domains", domains);
}

static void found(const struct preset *p, const char *id, const char *by)
{
	check_text(p ? p->id : "none", id, "by %s", by);
}

static void test_domains(void)
{
	found(preset_of_domain("gmail.com"), "google", "a domain");
	found(preset_of_domain("GMail.Com"), "google", "one in capitals");
	found(preset_of_domain("gmail.com."), "google", "one with a dot behind");
	found(preset_of_domain("mail.gmail.com"), "none", "a domain below it, which is another");
	found(preset_of_domain("gmail.co"), "none", "its beginning");
	found(preset_of_domain("xgmail.com"), "none", "its end");
	found(preset_of_domain(""), "none", "nothing");
	found(preset_of_domain("gmail.com googlemail.com"), "none", "the whole list");
	found(preset_of_address("me@web.de"), "web-de", "an address");
	found(preset_of_address("\"a@gmail.com\"@web.de"), "web-de", "what follows the last @");
	found(preset_of_address("web.de"), "none", "no address");
	found(preset_of_address("me@"), "none", "half an address");
}

static void test_hosts(void)
{
	found(preset_of_host("smtp.gmail.com"), "google", "a host");
	found(preset_of_host("SMTP.GMAIL.COM."), "google", "one in capitals, with a dot");
	found(preset_of_host("smtp.gmail.com.evil.test"), "none", "a host that begins like it");
	found(preset_of_host("x.smtp.gmail.com"), "none", "one that ends like it");
	found(preset_of_host("smtp-gmail.com"), "none", "one that looks like it");
	found(preset_of_host("email-smtp.eu-west-1.amazonaws.com"), "amazon-ses", "a region");
	found(preset_of_host("email-smtp-fips.us-east-1.amazonaws.com"), "amazon-ses", "its other form");
	found(preset_of_host("email-smtp..amazonaws.com"), "none", "no region");
	found(preset_of_host("email-smtp.a.b.amazonaws.com"), "none", "two labels for one");
	found(preset_of_host("email-smtp.amazonaws.com"), "none", "none for one");
	found(preset_of_host("smtp.zoho.eu"), "zoho-eu", "a country");
	found(preset_of_host("smtppro.zoho.in"), "zoho-in", "another host of it");
	found(preset_of_host("mail-eu2.smtp2go.com"), "smtp2go", "the last of several");
	found(preset_of_host("ex3.mail.ovh.net"), "ovh", "a pattern");
	found(preset_of_host("127.0.0.1"), "none", "an address of this machine");
	found(preset_of_host("localhost"), "none", "a name of this machine");
	found(preset_of_host(""), "none", "nothing");
	found(preset_of_host("."), "none", "a dot");
	found(preset_of_host("..."), "none", "dots");
}

static void test_nearest(void)
{
	static const struct { const char *word, *id; } rows[] = {
		{ "google", "google" }, { "gogle", "google" }, { "Googel", "google" }, { "gmail", "google" },
		{ "gmail.com", "google" }, { "smtp.gmail.com", "google" }, { "me@gmail.com", "google" },
		{ "hotmail", "outlook" }, { "office365", "microsoft365" }, { "Microsoft", "microsoft365" },
		{ "sendgird", "sendgrid" }, { "amazon", "amazon-ses" }, { "protonmail", "proton-bridge" },
		{ "web.de", "web-de" }, { "GMX", "gmx" }, { "gmz", "gmx" }, { "x", "none" }, { "", "none" },
		{ "my-own-server", "none" }, { "smtp.example.com", "none" }, { "@", "none" },
	};
	char endless[300];

	for (size_t i = 0; i < COUNT(rows); i++)
		found(preset_nearest(rows[i].word), rows[i].id, rows[i].word);
	memset(endless, 'g', sizeof(endless));
	endless[sizeof(endless) - 1] = '\0';
	found(preset_nearest(endless), "none", "a word without end");
}

static void test_facts(void)
{
	const struct preset *google = preset_find("google"), *relay = preset_find("amazon-ses");

	if (!check(google && relay, "the rows that the rest is about"))
		return;
	check_int(preset_way(google, 0, 0)->port, 465, "the best way");
	check_int(preset_way(google, 0, PRESET_STARTTLS)->port, 587, "the best with STARTTLS");
	check_int(preset_way(google, 587, 0)->tls, PRESET_STARTTLS, "what a port speaks");
	check(!preset_way(google, 587, PRESET_IMPLICIT), "no way that is not there");
	check(!preset_way(google, 2525, 0), "nor a port");
	check(preset_needs_region(relay) && !preset_needs_region(google), "who needs a region");
	check(preset_only_oauth(preset_find("outlook")), "Outlook.com takes OAuth only");
	check(!preset_only_oauth(google) && preset_only_made(google), "Gmail takes app passwords");
	check(!preset_only_made(preset_find("outlook")), "Outlook.com does not");
	check(preset_only_made(relay) && !preset_only_made(preset_find("gmx")), "nor is GMX strict");
	check(!preset_find("tuta")->host, "Tuta has no server");
	check_text(preset_find("sendgrid")->literal, "apikey", "SendGrid's user is a word");
	check_int(preset_way(preset_find("icloud"), 0, 0)->port, 587, "iCloud has no 465");
	check(!preset_way(preset_find("icloud"), 465, 0) && !preset_way(preset_find("outlook"), 465, 0) &&
		!preset_way(preset_find("microsoft365"), 465, 0) &&
		!preset_way(preset_find("postmark"), 465, 0), "nor have these");
	check_text(preset_tls_name(PRESET_IMPLICIT), "implicit", "as the key says it");
	check_text(preset_tls_name(PRESET_STARTTLS), "starttls", "likewise");
}

/* ---- the manual: with a word behind it, the program prints what sendoff-providers(7) says
 * of each preset, in the order of the table. */

enum { PAGE_WIDTH = 88 };

/* Words, the lines broken where they get long. */
static void print_words(const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (column && column + 1 + n > PAGE_WIDTH)
			column = 0, putchar('\n');
		column += (size_t)printf("%s%.*s", column ? " " : "", (int)n, text);
		text += n + strspn(text + n, " ");
	}
	putchar('\n');
}

static void print_item(const struct preset *p)
{
	static const char *const users[] = {
		[PRESET_USER_ADDRESS] = "the address", [PRESET_USER_LOCAL] = "the address without its domain",
		[PRESET_USER_LITERAL] = "always", [PRESET_USER_OWN] = "what the provider has given"
	};
	struct buf text = BUF_INIT(4096);

	printf(".It Cm %s Pq %s\n", p->id, p->name);
	if (p->host) {
		buf_printf(&text, "Server: %s, port", p->host);
		for (const struct preset_way *w = p->ways; w->port; w++)
			buf_printf(&text, "%s %u (%s)", w > p->ways ? "," : "", w->port,
				preset_tls_name(w->tls));
		buf_printf(&text, "; user: %s%s%s.", users[p->user], p->literal ? " " : "",
			p->literal ? p->literal : "");
		print_words(buf_text(&text));
		buf_clear(&text);
	}
	if (p->domains) {
		buf_add_text(&text, "Addresses:");
		for (const char *at = p->domains; *at; at += strcspn(at, " "), at += strspn(at, " "))
			buf_printf(&text, "%s %.*s", at > p->domains ? "," : "",
				(int)strcspn(at, " "), at);
		buf_add_char(&text, '.');
		print_words(buf_text(&text));
		buf_clear(&text);
	}
	buf_printf(&text, "%c%s.", toupper((unsigned char)p->note[0]), p->note + 1);
	print_words(buf_text(&text));
	buf_release(&text);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "page")) {
		for (const struct preset *p = presets; p->id; p++)
			print_item(p);
		return 0;
	}
	test_table();
	test_domains();
	test_hosts();
	test_nearest();
	test_facts();
	return tap_done();
}
