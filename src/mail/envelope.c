/* mail/envelope.c - collecting sender and recipients; see envelope.h. */
#include "mail/envelope.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/mem.h"
#include "base/text.h"
#include "mail/address.h"
#include "mail/header.h"
#include "mail/resent.h"

enum { ENVID_MAX = 100 };

void envelope_release(struct envelope *env)
{
	for (size_t i = 0; i < env->count; i++)
		free(env->recipients[i]);
	free(env->recipients);
	free(env->sender);
	free(env->dsn.envid);
	free(env->index);
	*env = (struct envelope){ 0 };
}

void envelope_set_sender(struct envelope *env, const char *address)
{
	char *copy = mem_string(address);

	free(env->sender);
	env->sender = copy;
}

/* FNV-1a; letters of the whole address are folded, since address_equal() folds
 * those of the domain and an equal hash proves nothing anyway. */
static uint64_t hash_address(const char *address)
{
	uint64_t hash = 0xcbf29ce484222325U;

	for (; *address; address++) {
		unsigned char c = (unsigned char)*address;

		hash = (hash ^ (c >= 'A' && c <= 'Z' ? c + 32U : c)) * 0x100000001b3U;
	}
	return hash ^ hash >> 29;
}

/* The slot that holds the address, or the free one where it belongs.  Slots are
 * numbers of recipients plus one, 0 is free; the size is a power of two. */
static size_t *find_slot(const struct envelope *env, const char *address)
{
	size_t mask = env->index_size - 1, i = (size_t)hash_address(address) & mask;

	while (env->index[i] && !address_equal(env->recipients[env->index[i] - 1], address))
		i = (i + 1) & mask;
	return &env->index[i];
}

/* At most half full, so that runs of used slots stay short. */
static void grow_index(struct envelope *env)
{
	if (env->count < env->index_size / 2)
		return;
	free(env->index);
	env->index_size = env->index_size ? env->index_size * 2 : 16;
	env->index = mem_alloc(env->index_size * sizeof(*env->index));
	for (size_t i = 0; i < env->count; i++)
		*find_slot(env, env->recipients[i]) = i + 1;
}

bool envelope_add(struct envelope *env, const char *address)
{
	size_t *slot;

	grow_index(env);
	slot = find_slot(env, address);
	if (*slot)
		return false;
	if (env->count == env->cap) {
		env->cap = env->cap ? env->cap * 2 : 4;
		env->recipients = mem_grow(env->recipients, env->cap, sizeof(*env->recipients));
	}
	env->recipients[env->count++] = mem_string(address);
	*slot = env->count;
	return true;
}

bool envelope_has(const struct envelope *env, const char *address)
{
	return env->index_size && *find_slot(env, address);
}

static long add_text(struct envelope *env, const char *text, size_t len, enum address_place place,
	const char *default_domain, struct err *e)
{
	struct mailbox_list list = { 0 };
	long count = -1;

	if (mailbox_list_parse(text, len, place, &list, e) < 0)
		return -1;
	for (size_t i = 0; i < list.count; i++) {
		struct buf address = BUF_INIT(0);
		int result = address_write(list.items[i].local, list.items[i].domain,
			default_domain, &address, e);

		if (!result)
			envelope_add(env, buf_text(&address));
		buf_release(&address);
		if (result)
			goto out;
	}
	count = (long)list.count;
out:
	mailbox_list_release(&list);
	return count;
}

int envelope_add_word(struct envelope *env, const char *word, const char *default_domain,
	struct err *e)
{
	return add_text(env, word, strlen(word), ADDRESS_IN_ARGV, default_domain, e) < 0 ? -1 : 0;
}

static bool is_one_of(const struct field *f, const char *const names[3])
{
	return field_is(f, names[0]) || field_is(f, names[1]) || field_is(f, names[2]);
}

long envelope_add_header(struct envelope *env, const char *block, size_t len,
	const char *default_domain, struct err *e)
{
	static const char *const plain[3] = { "To", "Cc", "Bcc" };
	static const char *const resent[3] = { "Resent-To", "Resent-Cc", "Resent-Bcc" };
	const char *const *names = plain;
	struct field f;
	long count = 0;

	for (size_t at = 0; header_next(block, len, &at, &f);)
		if (is_one_of(&f, resent))
			names = resent;
	if (names == resent)
		len = resent_end(block, len);
	for (size_t at = 0; header_next(block, len, &at, &f);) {
		long more;

		if (!is_one_of(&f, names))
			continue;
		more = add_text(env, f.value, f.value_len, ADDRESS_IN_HEADER, default_domain, e);
		if (more < 0)
			return err_context(e, "%.*s", (int)f.name_len, f.start);
		count += more;
	}
	return count;
}

static bool is_word(const char *word, size_t len, const char *name)
{
	return text_equal_fold(word, len, name, strlen(name));
}

int dsn_parse_notify(const char *text, unsigned *notify, struct err *e)
{
	unsigned set = DSN_UNSET;
	char shown[64];

	for (const char *p = text;; p++) {
		size_t len;

		p += strspn(p, " ");
		len = strcspn(p, ", ");
		if (is_word(p, len, "never") || is_word(p, len, "none"))
			set |= DSN_NEVER;
		else if (is_word(p, len, "success"))
			set |= DSN_SUCCESS;
		else if (is_word(p, len, "failure"))
			set |= DSN_FAILURE;
		else if (is_word(p, len, "delay"))
			set |= DSN_DELAY;
		else
			break;
		p += len + strspn(p + len, " ");
		if (*p == ',')
			continue;
		if (*p)
			break;
		if (set & DSN_NEVER && set != DSN_NEVER)
			break;
		*notify = set;
		return 0;
	}
	return err_set(e, ERR_USAGE, "delivery reports '%s': not 'never' or a comma list of "
		"success, failure, delay", text_clean_to(shown, sizeof(shown), text, strlen(text)));
}

void dsn_add_notify(struct dsn *d, unsigned notify, bool first)
{
	/* Who asks for nothing is told of failures, and of delays (RFC 3461 section 4.1). */
	static const unsigned usual = DSN_FAILURE | DSN_DELAY;

	if (first || d->notify == notify) {
		d->notify = notify;
		return;
	}
	d->notify = (d->notify == DSN_UNSET ? usual : d->notify) |
		(notify == DSN_UNSET ? usual : notify);
	d->notify &= ~(unsigned)DSN_NEVER;
}

int dsn_parse_ret(const char *text, enum dsn_ret *ret, struct err *e)
{
	size_t len = strlen(text);
	char shown[64];

	if (!is_word(text, len, "full") && !is_word(text, len, "hdrs"))
		return err_set(e, ERR_USAGE, "what a delivery report returns '%s': not 'full' or "
			"'hdrs'", text_clean_to(shown, sizeof(shown), text, len));
	*ret = is_word(text, len, "full") ? DSN_RET_FULL : DSN_RET_HDRS;
	return 0;
}

int dsn_parse_envid(const char *text, char **envid, struct err *e)
{
	struct buf wire = BUF_INIT(ENVID_MAX);
	size_t len = strlen(text);
	char shown[64];
	bool good = len;

	for (size_t i = 0; i < len; i++)
		good = good && text[i] >= 32 && text[i] < 127;
	xtext_encode(text, len, &wire);
	good = good && buf_ok(&wire);
	buf_release(&wire);
	if (!good)
		return err_set(e, ERR_USAGE, "envelope id '%s': not 1 to 100 printable ASCII "
			"characters", text_clean_to(shown, sizeof(shown), text, len));
	free(*envid);
	*envid = mem_string(text);
	return 0;
}
