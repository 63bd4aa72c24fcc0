/* runner/reception.c - one message, from MAIL to the spool; see reception.h. */
#include "runner/reception.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/digest.h"
#include "base/host.h"
#include "base/mem.h"
#include "base/text.h"
#include "deliver/cause.h"
#include "deliver/enqueue.h"
#include "deliver/message.h"

enum {
	LOOK_EACH = 1 << 20,   /* octets of content between two looks at the space left */
	HEAD_ABOUT = 512, RECIPIENT_ABOUT = 8    /* octets in a head, beside the addresses */
};

/* A message and all that is to be stored with it. */
struct filing {
	struct pool_job job;
	struct reception *reception;   /* borrowed */
	struct desk *desk;             /* borrowed */
	struct message message;        /* own; its recipients are what those asked for became */
	struct envelope asked;         /* own; the recipients of RCPT */
	char *next;                    /* own; one that waits for its turn; NULL */
	unsigned next_notify;
	char *account, *name, *tag;    /* own; NULL */
	char *problem;                 /* own; what keeps all mail back for the moment; NULL */
	char token[33];
	int64_t hold;
	enum entry_errors errors;
	struct digest *mark;           /* own; of the token and the recipients */
	bool known;                    /* it is in the spool already, as was asked */
	size_t expanded;               /* addresses so far */
	struct err left_out;           /* what is of no use in the aliases; ERR_NONE: all is */
	uint64_t octets, claimed;      /* of content so far; of these, told to quota */
	uint64_t storing;              /* octets that it will take, told to the desk */
	struct server_reply trouble;   /* code 0: none so far */

	char id[ENTRY_ID_LEN + 1], key[ENTRY_ID_LEN + 1];
	int result;                    /* of enqueue() */
	struct err error;
};

static void free_filing(struct filing **fp)
{
	struct filing *f = *fp;

	*fp = NULL;
	if (!f)
		return;
	f->reception->guest->account->claimed -= f->claimed;
	f->desk->storing -= f->storing;
	message_release(&f->message);
	envelope_release(&f->asked);
	free(f->next);
	digest_free(&f->mark);
	free(f->account);
	free(f->name);
	free(f->tag);
	free(f->problem);
	free(f);
}

static char *copy(const char *text)
{
	return text ? mem_string(text) : NULL;
}

/* ---- whether there is room */

/* What is being stored takes its place yet: until it is, a long message is on the
 * disk twice. */
static bool has_space(const struct reception *r, uint64_t octets)
{
	const struct desk *d = r->guest->desk;
	uint64_t least = desk_floor(d, r->guest->peer.uid);

	return !least || spool_free_space(d->spool) >= least + d->storing + octets;
}

static bool has_quota(const struct reception *r, uint64_t octets)
{
	const struct global_settings *g = &r->guest->desk->policy.config.global;

	return quota_has_room(r->guest->account, octets, (uint64_t)g->quota_messages,
		(uint64_t)g->quota_bytes);
}

/* One that was stored already takes no room; it is looked for where there is none. */
static bool is_stored(struct filing *f)
{
	if (!f->known)
		f->known = f->id[0] && spool_knows(f->desk->spool, f->id);
	return f->known;
}

static void say_full(struct server_reply *reply)
{
	server_reply_set(reply, 452, "4.3.1",
		"not stored: the disk of this machine's mail queue is nearly full");
}

static void say_over_quota(const struct reception *r, struct server_reply *reply)
{
	server_reply_set(reply, 452, "4.2.2", "not stored: too much mail %s is in this machine's "
		"queue already (see sendoff queue list --all)", r->guest->port ?
		"that came by loopback ports" : "of this user");
}

static void say_too_many(struct server_reply *reply)
{
	server_reply_set(reply, 452, "4.5.3", "too many recipients in one message");
}

/* ---- events */

static void on_mail(void *context, const struct server_mail *m, struct server_reply *reply)
{
	struct reception *r = context;
	struct desk *d = r->guest->desk;
	struct intake in = { .spill = d->spill_path };
	struct filing *f;
	struct err e = { 0 };

	if (m->x.account && policy_may_use(&d->policy, m->x.account, &r->guest->person, &e) < 0) {
		if (e.kind == ERR_RIGHT)
			server_reply_set(reply, 550, "5.7.1", "%s", e.text);
		else
			server_reply_set(reply, 555, "5.5.4", "%s", e.text);
		return;
	}
	f = mem_alloc(sizeof(*f));
	f->reception = r;
	f->desk = d;
	message_init(&f->message, &in);
	f->message.body.memory.max = DESK_MEMORY;
	if (!m->x.no_sender)
		envelope_set_sender(&f->message.envelope, m->sender);
	f->message.envelope.dsn = m->dsn;
	f->message.envelope.dsn.envid = copy(m->dsn.envid);
	f->account = copy(m->x.account);
	f->name = copy(m->x.name);
	f->tag = copy(m->x.tag);
	memcpy(f->token, m->x.token, sizeof(f->token));
	f->hold = m->x.hold;
	f->errors = m->x.errors == 'p' ? ERRORS_PRINT :
		m->x.errors == 'q' ? ERRORS_QUIET : ERRORS_MAIL;
	if (f->token[0]) {
		f->mark = digest_new();
		digest_add(f->mark, &r->guest->peer.uid, sizeof(r->guest->peer.uid));
		digest_add(f->mark, f->token, sizeof(f->token));
	}
	r->open = f;
}

static void find_address(void *context, const char *address)
{
	envelope_add(context, address);
}

/* What becomes of it by the aliases. */
static void expand(struct filing *f, const char *address, struct server_reply *reply)
{
	struct envelope found = { .sender = NULL };
	struct alias_rules rules;
	struct err e = { 0 };

	policy_rules(&f->desk->policy, &rules);
	rules.left_out = &f->left_out;
	if (alias_resolve(&rules, address, find_address, &found, &e) < 0) {
		/* root's mistake: it is mended, and the mail comes again. */
		if (e.kind == ERR_CONFIG)
			server_reply_set(reply, 451, "4.3.5", "%s", e.text);
		else
			server_reply_set(reply, 553, "5.1.3", "%s", e.text);
	} else if (f->expanded + found.count > RECEPTION_EXPANDED) {
		say_too_many(reply);
	} else {
		f->expanded += found.count;
		envelope_add(&f->asked, address);
		for (size_t i = 0; i < found.count; i++)
			message_add_recipient(&f->message, found.recipients[i], address);
	}
	envelope_release(&found);
}

/* Whether nothing need be followed for it. */
static bool is_quick(const struct filing *f, const char *address)
{
	return f->expanded >= RECEPTION_EXPANDED || envelope_has(&f->asked, address);
}

static void take_recipient(struct reception *r, const char *address, unsigned notify,
	struct server_reply *reply)
{
	struct filing *f = r->open;
	uint64_t began = clock_ms();
	bool first = !f->asked.count;

	if (!envelope_has(&f->asked, address)) {
		if (f->expanded >= RECEPTION_EXPANDED)
			say_too_many(reply);
		else
			expand(f, address, reply);
		guest_took(r->guest, clock_ms() - began);
	}
	if (reply->code >= 400)
		return;
	dsn_add_notify(&f->message.envelope.dsn, notify, first);
	if (f->mark)
		digest_add(f->mark, address, strlen(address) + 1);
}

/* One read brings thousands of these, and aliases may take long. */
static void on_rcpt(void *context, const char *address, unsigned notify, const char *original,
	struct server_reply *reply)
{
	struct reception *r = context;
	struct filing *f = r->open;

	(void)original;
	if (is_quick(f, address) || guest_has_turn(r->guest)) {
		take_recipient(r, address, notify, reply);
		return;
	}
	f->next = mem_string(address);
	f->next_notify = notify;
	reply->code = 0;
}

void reception_go_on(struct reception *r)
{
	struct server_reply reply;
	char *address;

	if (!r->open || !r->open->next)
		return;
	if (!r->guest->desk->closing && !guest_has_turn(r->guest))
		return;
	address = r->open->next;
	r->open->next = NULL;
	server_reply_set(&reply, 250, "2.1.5", "recipient taken");
	take_recipient(r, address, r->open->next_notify, &reply);
	free(address);
	r->answer(r->context, &reply);
}

/* The same user, token and recipients make the same id, so that the spool itself
 * knows what came before.  The recipients count because a client may hand in one
 * message in parts. */
static void make_id(struct filing *f)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	char hex[DIGEST_HEX + 1];
	struct buf bits = BUF_INIT(DIGEST_HEX);

	if (!f->mark || !digest_end(&f->mark, hex) || hex_decode(hex, DIGEST_HEX, &bits) < 0)
		return;
	for (size_t i = 0; i < ENTRY_ID_LEN; i++) {
		const unsigned char *at = (const unsigned char *)bits.data + i * 5 / 8;
		unsigned both = (unsigned)at[0] << 8 | at[1];

		f->id[i] = letters[both >> (11 - i * 5 % 8) & 31];
	}
	buf_release(&bits);
}

static void on_begin(void *context, struct server_reply *reply)
{
	struct reception *r = context;

	make_id(r->open);
	if ((has_space(r, 0) && has_quota(r, 0)) || is_stored(r->open))
		return;
	if (!has_space(r, 0)) {
		say_full(reply);
		return;
	}
	r->counting = desk_count(r->guest->desk);
	if (r->counting)
		reply->code = 0;
	else
		say_over_quota(r, reply);
}

void reception_counted(struct reception *r)
{
	struct server_reply reply;

	if (!r->counting)
		return;
	r->counting = false;
	if (has_quota(r, 0))
		server_reply_set(&reply, 354, "", "go on, end with a dot on a line of its own");
	else
		say_over_quota(r, &reply);
	r->answer(r->context, &reply);
}

static void take_error(struct filing *f, const struct err *e)
{
	struct server_reply *t = &f->trouble;

	if (e->kind == ERR_MESSAGE)
		server_reply_set(t, 554, "5.6.0", "%s", e->text);
	else if (e->kind == ERR_USAGE)
		server_reply_set(t, 554, "5.5.1", "%s", e->text);
	else if (e->kind == ERR_CONFIG)
		server_reply_set(t, 451, "4.3.5", "%s", e->text);
	if (t->code)
		return;
	server_reply_set(t, 452, "4.3.1", "%s", e->text);
	desk_tell_trouble(f->desk, e->text);
}

static void on_content(void *context, const char *data, size_t len)
{
	struct reception *r = context;
	struct filing *f = r->open;
	struct err e = { 0 };

	f->octets += len;
	if (f->trouble.code)
		return;
	if (f->octets - f->claimed >= LOOK_EACH) {
		r->guest->account->claimed += f->octets - f->claimed;
		f->claimed = f->octets;
		if (!has_space(r, 0) && !is_stored(f))
			say_full(&f->trouble);
		else if (!has_quota(r, 0) && !is_stored(f))
			say_over_quota(r, &f->trouble);
	}
	if (!f->trouble.code && message_feed(&f->message, data, len, &e) < 0)
		take_error(f, &e);
}

/* ---- it is whole */

static void make_trace(const struct reception *r, struct buf *out)
{
	const struct policy *p = &r->guest->desk->policy;
	time_t now = time(NULL);
	char date[40];

	clock_rfc5322(now, clock_local_offset(now), date, sizeof(date));
	if (r->guest->port)
		buf_printf(out, "by %s (sendoff) from loopback port %u; %s", p->host,
			r->guest->port, date);
	else
		buf_printf(out, "by %s (sendoff) from local uid %lu; %s", p->host,
			(unsigned long)r->guest->peer.uid, date);
}

static int finish(struct reception *r, struct err *e)
{
	struct policy *p = &r->guest->desk->policy;
	struct filing *f = r->open;
	struct buf trace = BUF_INIT(1024);
	struct intake in = {
		.full_name = f->name, .login = r->guest->person.name,
		.domain = config_domain(&p->config), .spill = r->guest->desk->spill_path,
		.id_domain = host_is_domain(p->host) ? p->host : NULL,
	};
	int good;

	make_trace(r, &trace);
	if (p->config.global.trace != TRACE_NO)
		in.received = buf_text(&trace);
	good = message_finish(&f->message, &in, e);
	buf_release(&trace);
	return good;
}

/* Two marks may be equal by chance.  What has gone since was the same. */
static bool is_same(const struct filing *f, uid_t uid)
{
	struct entry n = { .created = 0 };
	struct spool *s = NULL;   /* of this thread */
	char id[ENTRY_ID_LEN + 1];
	enum queue_state state;
	struct err ignored;
	bool same = true;

	if (spool_open(&s, f->desk->spool_path, false, &ignored) == 0 &&
	    spool_find(s, f->id, id, &state, &ignored) == 0 &&
	    spool_peek(s, state, id, &n, &ignored) == 0)
		same = n.uid == uid && !strcmp(n.token, f->token);
	entry_release(&n);
	spool_close(&s);
	return same;
}

/* In a thread: of the desk nothing is touched but the spool. */
static void store(struct pool_job *job)
{
	struct filing *f = (struct filing *)job;
	const struct guest *g = f->reception->guest;
	struct enqueue_facts facts = {
		.account = f->account, .tag = f->tag, .token = f->token[0] ? f->token : NULL,
		.uid = g->peer.uid, .login = g->person.name, .errors = f->errors,
		.not_before = f->hold,
		.tried_cause = cause_of_err(&(struct err){ .kind = ERR_CONFIG })->id,
		.tried_reason = f->problem,
	};

	f->result = enqueue(f->desk->spool, &f->message, &facts, f->id, &f->error);
	if (f->result == 1 && !is_same(f, g->peer.uid)) {
		f->id[0] = '\0';
		f->result = enqueue(f->desk->spool, &f->message, &facts, f->id, &f->error);
	}
}

static uint64_t size_of(const struct message *m)
{
	return m->header.len + 2 + spill_size(&m->body);
}

/* With its head, about. */
static uint64_t size_on_disk(const struct message *m)
{
	uint64_t size = size_of(m) + HEAD_ABOUT;

	for (size_t i = 0; i < m->envelope.count; i++) {
		const char *original = m->originals ? m->originals[i] : NULL;

		size += strlen(m->envelope.recipients[i]) + (original ? strlen(original) : 0) +
			RECIPIENT_ABOUT;
	}
	return size;
}

/* Whether all of it finds room; its size is known now. */
static void look_for_room(const struct reception *r, struct filing *f)
{
	uint64_t size = size_on_disk(&f->message);

	if (!has_space(r, size) && !is_stored(f))
		say_full(&f->trouble);
	else if (!has_quota(r, size > f->claimed ? size - f->claimed : 0) && !is_stored(f))
		say_over_quota(r, &f->trouble);
	if (f->trouble.code)
		return;
	f->storing = size;
	f->desk->storing += size;
}

/* Text of the client's, fit for JSON and a log; NULL is left out. */
static void add_clean(json_t *object, const char *name, const char *text)
{
	char shown[TEXT_SHOWN_MAX];

	if (text)
		json_object_set_new(object, name,
			json_string(text_clean_to(shown, sizeof(shown), text, strlen(text))));
}

static void tell_stored(const struct filing *f)
{
	const struct guest *g = f->reception->guest;
	json_t *told = json_pack("{s:s, s:s, s:I, s:I, s:I}", "do", "stored", "id", f->id,
		g->port ? "loopback_port" : "uid", g->port ? (json_int_t)g->port : (json_int_t)g->peer.uid,
		"size", (json_int_t)size_of(&f->message),
		"recipients", (json_int_t)f->message.envelope.count);

	add_clean(told, "login", g->port ? NULL : g->person.name);
	add_clean(told, "account", f->account);
	add_clean(told, "sender", f->message.envelope.sender);
	add_clean(told, "message_id", f->message.message_id);
	add_clean(told, "tag", f->tag);
	add_clean(told, "left_out", f->left_out.kind != ERR_NONE ? f->left_out.text : NULL);
	desk_tell(f->desk, told);
}

static void stored(struct pool_job *job)
{
	struct filing *f = (struct filing *)job;
	struct reception *r = f->reception;
	struct server_reply reply;

	if (f->result == 0) {
		quota_stored(r->guest->account, size_on_disk(&f->message));
		tell_stored(f);
	}
	if (f->result >= 0) {
		server_reply_set(&reply, 250, "2.0.0", "stored as s-%s", f->id);
	} else {
		take_error(f, &f->error);
		reply = f->trouble;
	}
	r->filed = NULL;
	free_filing(&f);
	r->answer(r->context, &reply);
}

static void on_end(void *context, struct server_reply *reply)
{
	struct reception *r = context;
	struct filing *f = r->open;
	struct err e = { 0 };

	if (!f->trouble.code && finish(r, &e) < 0)
		take_error(f, &e);
	if (!f->trouble.code)
		look_for_room(r, f);
	if (f->trouble.code) {
		*reply = f->trouble;
		free_filing(&r->open);
		return;
	}
	r->open = NULL;
	r->filed = f;
	memcpy(f->key, f->id, sizeof(f->key));
	f->problem = copy(r->guest->desk->policy.problem);
	f->job = (struct pool_job){
		.run = store, .done = stored, .key = f->key[0] ? f->key : NULL,
		.owner = r->guest->account->uid
	};
	pool_add(f->desk->files, &f->job);
}

static void on_reset(void *context)
{
	struct reception *r = context;

	r->counting = false;
	free_filing(&r->open);
}

void reception_events(struct reception *r, struct server_events *events)
{
	*events = (struct server_events){
		.mail = on_mail, .rcpt = on_rcpt, .begin = on_begin, .content = on_content,
		.end = on_end, .reset = on_reset, .context = r,
	};
}

void reception_release(struct reception *r)
{
	free_filing(&r->open);
	free_filing(&r->filed);
}
