/* probe/tell.c - what was seen, in words and as facts; see state.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/text.h"
#include "deliver/provided.h"
#include "probe/chain_tell.h"
#include "probe/software.h"
#include "probe/state.h"
#include "probe/token_tell.h"

/* ---- secret */

static void tell_provider(struct probe *p)
{
	struct buf note = BUF_INIT(1024);
	enum provided_note what = provided_note(p->o->account, &note);
	const struct preset *known = provided_preset(p->o->account);

	if (what != PROVIDED_NOTHING)
		report_more(p->open, what == PROVIDED_WARNING ? MARK_WARNING : MARK_NONE, "%s",
			buf_text(&note));
	report_text(p->open, "provider", known ? known->id : NULL);
	buf_release(&note);
}

void tell_secret(struct probe *p)
{
	struct report_stage *s = p->open;
	const struct account *a = p->o->account;

	if (p->out->cause) {
		report_say(s, MARK_FAILED, "%s", p->out->what);
	} else if (!account_logs_in(a)) {
		report_say(s, MARK_SKIPPED, "none needed: this account does not log in");
	} else if (!account_has_secret(a)) {
		report_say(s, MARK_SKIPPED, "none: it logs in %s", account_has_ticket(a) ?
			"by its Kerberos ticket" : a->tls.cert ? "by its client certificate" :
			"as nobody");
	} else {
		report_say(s, MARK_OK, "%s", p->o->secret_from);
		if (account_signs_in(a))
			token_tell(s, a, p->stored, &p->secret);
	}
	tell_provider(p);
	report_text(s, "source", account_logs_in(a) && account_has_secret(a) ?
		p->o->secret_from : "none");
}

/* ---- name and connection */

static const char *family_name(int family)
{
	return family == AF_INET6 ? "IPv6" : family == AF_INET ? "IPv4" : "socket";
}

static const char *address_text(const struct probe *p, const struct trail_try *t)
{
	return t->address[0] ? t->address : p->account.net.host;
}

/* Whose name is looked up, if any is. */
static void say_name(struct probe *p, const char *addresses, const char *by)
{
	struct report_stage *s = p->open;
	const char *host = p->account.net.host, *through = p->trail.through;

	if (p->trail.way == WAY_COMMAND)
		report_say(s, MARK_SKIPPED, "%s is not looked up: %s leads there", host, through);
	else if (through[0])
		report_say(s, MARK_OK, "the proxy %s: %s (%s); %s is left to it to look up", through,
			addresses, by, host);
	else
		report_say(s, MARK_OK, "%s: %s (%s)", host, addresses, by);
}

void tell_name(struct probe *p)
{
	static const char *const ways[] = {
		[WAY_GIVEN] = "given", [WAY_ADDRESS] = "it is one itself",
		[WAY_PATH] = "a socket of this machine", [WAY_HOSTS] = "from /etc/hosts",
		[WAY_SERVICE] = "from the name service", [WAY_COMMAND] = "none",
	};
	struct report_stage *s = p->open;
	const struct dial_trail *t = &p->trail;
	struct buf list = BUF_INIT(4096);
	json_t *addresses = json_array();

	for (unsigned i = 0; i < t->count; i++) {
		buf_printf(&list, "%s%s", i ? ", " : "", address_text(p, &t->tries[i]));
		json_array_append_new(addresses, report_string(address_text(p, &t->tries[i])));
	}
	say_name(p, buf_text(&list), ways[t->way]);
	report_text(s, "host", p->account.net.host);
	report_json(s, "addresses", addresses);
	report_text(s, "by", trail_way_name(t->way));
	report_text(s, "through", t->through[0] ? t->through : NULL);
	s->ms = t->name_ms;
	buf_release(&list);
}

/* What became of an address, as "refused (IPv6)". */
static void add_try(const struct probe *p, const struct trail_try *t, struct buf *out)
{
	buf_printf(out, "%s port %u (%s): %s", address_text(p, t), t->port, family_name(t->family),
		t->end == TRY_FAILED ? strerror(t->number) : trail_end_name(t->end));
	if (t->ms >= 0)
		buf_printf(out, ", %" PRId64 " ms", t->ms);
}

static json_t *try_json(const struct probe *p, const struct trail_try *t)
{
	json_t *object = json_object();

	json_object_set_new(object, "address", report_string(address_text(p, t)));
	json_object_set_new(object, "family", json_string(family_name(t->family)));
	json_object_set_new(object, "port", json_integer(t->port));
	json_object_set_new(object, "outcome", json_string(trail_end_name(t->end)));
	if (t->end == TRY_FAILED)
		json_object_set_new(object, "error", json_string(strerror(t->number)));
	if (t->ms >= 0)
		json_object_set_new(object, "ms", json_integer(t->ms));
	return object;
}

/* Neither kind of proxy is told its login in any other way. */
static void warn_of_login(struct probe *p)
{
	const struct dial_trail *t = &p->trail;
	const struct trail_try *won = t->winner >= 0 ? &t->tries[t->winner] : NULL;
	bool near = won && (!strncmp(won->address, "127.", 4) || !strcmp(won->address, "::1"));

	if (won && !near && strchr(p->account.net.proxy.data, '@'))
		report_more(p->open, MARK_WARNING, "user and password go to the proxy in clear, for all "
			"on the way there to read");
}

void tell_connect(struct probe *p, bool good)
{
	struct report_stage *s = p->open;
	const struct dial_trail *t = &p->trail;
	const struct trail_try *won = good && t->winner >= 0 ? &t->tries[t->winner] : NULL;
	struct buf line = BUF_INIT(1024);
	json_t *tries = json_array();

	for (unsigned i = 0; i < t->count; i++)
		json_array_append_new(tries, try_json(p, &t->tries[i]));
	report_json(s, "tries", tries);
	report_text(s, "through", t->through[0] ? t->through : NULL);
	report_text(s, "source_address", p->account.net.source);
	if (t->through[0] && good) {
		report_say(s, MARK_OK, "through %s", t->through);
		report_text(s, "peer", t->through);
		s->ms = won ? won->ms : -1;
		warn_of_login(p);
	} else if (won) {
		if (won->family == AF_UNIX)
			report_say(s, MARK_OK, "%s", p->account.net.host);
		else
			report_say(s, MARK_OK, "%s port %u (%s)", won->address, won->port,
				family_name(won->family));
		report_text(s, "peer", address_text(p, won));
		s->ms = won->ms;
	}
	for (unsigned i = 0; i < t->count; i++) {
		if (won && (won == &t->tries[i] || t->tries[i].end != TRY_FAILED))
			continue;
		buf_clear(&line);
		add_try(p, &t->tries[i], &line);
		report_more(s, MARK_NONE, "%s", buf_text(&line));
	}
	buf_release(&line);
}

/* ---- TLS */

void tell_tls(struct probe *p, const struct tls *t, bool good)
{
	struct report_stage *s = p->open;
	const struct tls_facts *f = t ? tls_facts(t) : NULL;

	report_text(s, "mode", smtp_tls_name(p->account.smtp.tls));
	if (f && f->version[0]) {
		report_text(s, "version", f->version);
		report_text(s, "cipher", f->cipher[0] ? f->cipher : NULL);
		report_text(s, "group", f->group[0] ? f->group : NULL);
	}
	if (good)
		report_say(s, MARK_OK, "%s, %s %s", f->version, f->raw_key ? "raw public key" : "certificate",
			f->verified ? "verified" : "NOT verified");
	report_bool(s, "verified", good && f->verified);
	if (t)
		chain_tell(s, t, good);
	if (good && !f->verified)
		report_more(s, MARK_WARNING, "tls_verify = no: whoever answers there is believed");
}

void tell_clear(struct probe *p, const char *why)
{
	report_say(p->open, MARK_WARNING, "%s: all of it goes in clear", why);
	report_text(p->open, "mode", smtp_tls_name(p->account.smtp.tls));
	report_bool(p->open, "verified", false);
}

/* ---- EHLO */

/* The keywords of a reply, for one line and as JSON. */
static json_t *extensions(const char *ehlo, struct buf *line)
{
	json_t *list = json_array();
	const char *at = strchr(ehlo, '\n');

	while (at) {
		size_t len = strcspn(++at, "\r\n");
		char *one = mem_copy(at, len);

		if (len) {
			json_array_append_new(list, report_string(one));
			buf_printf(line, "%s%s", line->len ? ", " : "", one);
		}
		free(one);
		at = strchr(at, '\n');
	}
	return list;
}

static json_t *mechanisms(const char *words)
{
	json_t *list = json_array();

	while (*words) {
		size_t len = strcspn(words, " ");
		char *one = mem_copy(words, len);

		json_array_append_new(list, report_string(one));
		free(one);
		words += len;
		words += strspn(words, " ");
	}
	return list;
}

void tell_ehlo(struct probe *p)
{
	struct report_stage *s = p->open;
	const char *software = software_guess(buf_text(&p->greeting), buf_text(&p->ehlo));
	struct buf line = BUF_INIT(REPLY_TEXT_MAX);
	json_t *list = extensions(buf_text(&p->ehlo), &line);
	const char *end = strchrnul(buf_text(&p->greeting), '\n');

	if (software)
		report_say(s, MARK_OK, "%s, it seems", software);
	else
		report_say(s, MARK_OK, "software unknown");
	report_more(s, MARK_NONE, "greeting: %.*s", (int)(end - buf_text(&p->greeting)),
		buf_text(&p->greeting));
	if (!p->now.esmtp)
		report_more(s, MARK_WARNING, "it knows HELO only, so no extension and no login");
	else
		report_more(s, MARK_NONE, "extensions: %s", line.len ? buf_text(&line) : "none");
	if (p->now.size)
		report_more(s, MARK_NONE, "largest message: %" PRIu64 " octets", p->now.size);
	report_text(s, "greeting", buf_text(&p->greeting));
	report_text(s, "software", software);
	report_json(s, "extensions", list);
	if (p->now.size_known)
		report_number(s, "size", (int64_t)p->now.size);
	if (p->now.recipients_most)
		report_number(s, "recipients_most", p->now.recipients_most);
	buf_release(&line);
}

/* ---- login */

static const char *or_none(const char *words)
{
	return words[0] ? words : "none";
}

/* Whom a login is for, where it is not the account's user. */
static void tell_others(struct report_stage *s, const struct account *a,
	const struct kerberos_facts *ticket)
{
	const char *authzid = account_logs_in(a) ? a->sasl.authzid : NULL;

	if (authzid)
		report_more(s, MARK_NONE, "acting as %s (authzid)", authzid);
	report_text(s, "authzid", authzid);
	if (!ticket)
		return;
	report_more(s, MARK_NONE, "the ticket is for %s, and good for %" PRIu32 " min more",
		ticket->service, ticket->seconds / 60);
	report_text(s, "principal", ticket->principal);
	report_text(s, "service", ticket->service);
	report_number(s, "ticket_seconds", ticket->seconds);
}

static const char *login_user(const struct account *a, const struct kerberos_facts *ticket)
{
	if (ticket)
		return ticket->principal;
	return a->sasl.user ? a->sasl.user : account_has_ticket(a) ? "the ticket says" :
		a->tls.cert ? "the certificate says" : "nobody";
}

void tell_login(struct probe *p, const struct session *session, const char *mechanism, bool good)
{
	struct report_stage *s = p->open;
	const struct account *a = &p->account;
	const struct kerberos_facts *ticket = session_ticket(session);
	const char *user = login_user(a, ticket);
	const char *why = sasl_is_automatic(&a->sasl) ? "the best that both sides have" :
		"auth names it";

	if (!account_logs_in(a))
		report_say(s, MARK_SKIPPED, "this account does not log in");
	else if (good)
		report_say(s, MARK_OK, "as %s with %s (%s)", user, mechanism, why);
	else if (mechanism)
		report_more(s, MARK_NONE, "tried: as %s with %s (%s)", user, mechanism, why);
	if (p->second)
		report_more(s, MARK_NONE, "the access token that was stored was refused; this is with a "
			"new one");
	if (p->shaken && smtp_starts_tls(a->smtp.tls))
		report_more(s, MARK_NONE, "offered before TLS: %s; with TLS: %s",
			or_none(p->before.auth), or_none(p->now.auth));
	else
		report_more(s, MARK_NONE, "offered: %s", or_none(p->now.auth));
	if (p->shaken && p->before.auth[0] && smtp_starts_tls(a->smtp.tls))
		report_json(s, "offered_before_tls", mechanisms(p->before.auth));
	report_json(s, "offered", mechanisms(p->now.auth));
	report_text(s, "user", a->sasl.user);
	report_text(s, "mechanism", mechanism);
	tell_others(s, a, ticket);
	if (p->second)
		report_bool(s, "token_renewed", true);
}

/* ---- sender, recipients, the test message */

static json_t *result_json(const char *address, const struct smtp_result *r, bool good)
{
	json_t *object = json_object();

	json_object_set_new(object, "address", report_string(address));
	json_object_set_new(object, "accepted", json_boolean(good));
	if (r->text)
		json_object_set_new(object, "answer", report_string(r->text));
	return object;
}

static void tell_recipients(struct probe *p, size_t *refused)
{
	const struct smtp_message *m = p->mail;
	json_t *list = json_array();

	for (size_t i = 0; i < m->count; i++) {
		const struct smtp_result *r = &m->results[i];
		bool good = r->verdict == VERDICT_WELCOME || r->verdict == VERDICT_DELIVERED;

		*refused += !good;
		report_more(p->open, good ? MARK_OK : MARK_FAILED, "recipient <%s>: %s",
			m->recipients[i], r->text ? r->text : good ? "accepted" : "not reached");
		json_array_append_new(list, result_json(m->recipients[i], r, good));
	}
	report_json(p->open, "recipients", list);
}

void tell_mail(struct probe *p)
{
	struct report_stage *s = p->open;
	const struct smtp_message *m = p->mail;
	bool good = m->content.verdict == VERDICT_WELCOME || m->content.verdict == VERDICT_DELIVERED;
	size_t refused = 0;

	if (m->trial) {
		report_say(s, good ? MARK_OK : MARK_FAILED, "sender <%s>: %s", m->sender,
			m->content.text ? m->content.text : "not reached");
		report_json(s, "sender", result_json(m->sender, &m->content, good));
	} else if (good) {
		report_say(s, MARK_OK, "the test message was accepted: %s", m->content.text);
		report_more(s, MARK_NONE, "its trail: Message-ID %s; the server's own id stands in its "
			"answer above", p->letter->message.message_id);
	} else {
		report_say(s, MARK_FAILED, "the test message was not accepted");
	}
	if (!m->trial) {
		report_text(s, "sender", m->sender);
		report_text(s, "message_id", p->letter->message.message_id);
		report_text(s, "answer", m->content.text);
	}
	tell_recipients(p, &refused);
}

void tell_pipelining(struct probe *p, const char *why_not)
{
	struct report_stage *s = p->open;

	report_bool(s, "full", !why_not);
	if (why_not)
		report_say(s, MARK_NONE, "leave pipelining as it is: %s", why_not);
	else
		report_say(s, MARK_OK, "the server bears the login and MAIL in one go: "
			"pipelining = full saves a round trip");
}
