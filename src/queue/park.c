/* queue/park.c - what flushers must agree on about an account; see park.h. */
#include "queue/park.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "queue/internal.h"
#include "queue/line.h"

#define VERSION "sendoff-account 1\n"
#define END     "end\n"

enum {
	TEXT_MAX = 64 << 10,     /* octets of such a file */
	LOCK_TRIES = 600         /* 5 ms each; whoever has it needs it for much less */
};

/* --- as text -------------------------------------------------------------- */

static const char *const kinds[] = { "none", "network", "login", "rate", NULL };

#define FIELD(word, type, field) \
	{ word, type, offsetof(struct park, field), sizeof(((struct park *)0)->field), false, NULL }

static const struct field fields[] = {
	{ "kind", FIELD_CHOICE, offsetof(struct park, kind), sizeof(unsigned), true, kinds },
	FIELD("since", FIELD_TIME, since),
	FIELD("until", FIELD_TIME, until),
	FIELD("set", FIELD_TIME, set),
	FIELD("steps", FIELD_UNSIGNED, steps),
	FIELD("cause", FIELD_TEXT, cause),
	FIELD("reason", FIELD_TEXT, reason),
	FIELD("fingerprint", FIELD_ARRAY, fingerprint),
	FIELD("overridden", FIELD_TIME, overridden),
	FIELD("told", FIELD_BOOL, told),
	FIELD("later-sender", FIELD_ARRAY, later_sender),
	FIELD("rate-next", FIELD_TIME, rate_next),
	FIELD("warned", FIELD_TIME, warned),
	FIELD("apart", FIELD_TIME, apart),
	FIELD("senders-of", FIELD_ARRAY, senders_of),
	{ 0 }
};

void park_release(struct park *p)
{
	park_senders_release(p);
	free(p->cause);
	free(p->reason);
	*p = (struct park){ .kind = PARK_NONE };
}

static void write_text(const struct park *p, struct buf *out)
{
	buf_add_text(out, VERSION);
	fields_write(fields, p, out);
	park_senders_write(p, out);
	buf_add_text(out, END);
}

/* Anything else than what write_text() writes is nothing. */
static void read_text(const char *text, size_t len, struct park *p)
{
	struct lines l;
	struct err ignored;
	struct line *line;
	size_t version = sizeof(VERSION) - 1, end = sizeof(END) - 1;

	if (len < version + end || memcmp(text, VERSION, version) != 0 ||
			memcmp(text + len - end, END, end) != 0)
		return;
	lines_start(&l, text + version, len - version - end, 1);
	if (fields_read(fields, &l, p, &ignored) < 0 || park_senders_read(p, &l, &ignored) < 0 ||
			lines_peek(&l, &line) != 0)
		park_release(p);
}

/* --- its files ------------------------------------------------------------ */

static bool is_plain(const char *account, size_t i)
{
	char c = account[i];

	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			c == '-' || c == '_')
		return true;
	return c == '.' && i > 0 && account[i + 1] && strcmp(account + i, ".lock") != 0;
}

/* An account's name as that of a file; no name has another's lock. */
static int file_name(const char *account, const char *ending, char name[NAME_SIZE],
	struct err *e)
{
	struct buf out = BUF_INIT(NAME_SIZE - 1);

	for (size_t i = 0; account[i]; i++)
		if (is_plain(account, i))
			buf_add_char(&out, account[i]);
		else
			buf_printf(&out, "%%%02X", (unsigned char)account[i]);
	if (!*account)
		buf_add_char(&out, '%');
	buf_add_text(&out, ending);
	snprintf(name, NAME_SIZE, "%s", buf_text(&out));
	if (!buf_ok(&out)) {
		buf_release(&out);
		return err_set(e, ERR_STORE, "the name of the account is too long");
	}
	buf_release(&out);
	return 0;
}

/* What is planted under its name stops nobody: all take the next one then. */
int account_open_lock(struct spool *s, const char *account, struct err *e)
{
	static const char *const endings[] = { ".lock", ".lock+", ".lock++" };
	int directory = spool_place(s, PLACE_ACCOUNTS, true, e), fd = -1;
	char name[NAME_SIZE];
	struct stat st;

	for (size_t i = 0; directory >= 0 && i < COUNT(endings); i++) {
		if (file_name(account, endings[i], name, e) < 0)
			return -1;
		do
			fd = openat(directory, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK |
				O_NOCTTY | O_CLOEXEC, FILE_MODE);
		while (fd < 0 && errno == EINTR);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOSPC ||
				errno == EDQUOT || errno == EROFS || errno == ENOMEM))
			break;
		if (fd >= 0 && fstat(fd, &st) == 0 && spool_is_file(&st))
			return fd;
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	return directory < 0 ? -1 :
		spool_failed(s, errno, e, "the lock of an account cannot be opened");
}

int account_lock(int fd, long octet)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = octet, .l_len = 1 };

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 1;
	return errno == EAGAIN || errno == EACCES ? 0 : -1;
}

static int too_long(const char *account, struct err *e)
{
	char shown[80];

	text_clean_to(shown, sizeof(shown), account, strlen(account));
	return err_set(e, ERR_STORE, "the account '%s' is locked by another process for too long",
		shown);
}

/* Holds octet 0 of the lock.  Not for ever: its holder may have been stopped. */
static int lock_text(struct spool *s, const char *account, struct err *e)
{
	static const struct timespec wait = { .tv_nsec = 5000000 };
	int fd = account_open_lock(s, account, e), got = 0;

	if (fd < 0)
		return -1;
	for (unsigned i = 0; i < LOCK_TRIES && (got = account_lock(fd, 0)) == 0; i++)
		nanosleep(&wait, NULL);
	if (got == 1)
		return fd;
	if (got < 0)
		spool_failed(s, errno, e, "an account cannot be locked");
	else
		too_long(account, e);
	close(fd);
	return -1;
}

static int load(struct spool *s, const char *account, struct park *out, struct err *e)
{
	int directory = spool_place(s, PLACE_ACCOUNTS, false, e), fd;
	struct buf text = BUF_INIT(TEXT_MAX);
	char name[NAME_SIZE];
	struct stat st;
	ssize_t got = 0;

	*out = (struct park){ .kind = PARK_NONE };
	if (directory < 0)
		return e->sys_errno == ENOENT ? 0 : -1;
	if (file_name(account, "", name, e) < 0)
		return -1;
	fd = spool_open_file(directory, name, O_RDONLY);
	if (fd < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM ?
			spool_failed(s, errno, e, "what is known of an account cannot be read") : 0;
	if (fstat(fd, &st) == 0 && spool_is_file(&st) && st.st_size < TEXT_MAX)
		got = spool_read(fd, buf_reserve(&text, (size_t)st.st_size), (size_t)st.st_size, 0);
	if (got > 0)
		read_text(text.data, (size_t)got, out);
	buf_release(&text);
	close(fd);
	return 0;
}

static int store(struct spool *s, const char *account, const struct buf *text, struct err *e)
{
	int directory = spool_place(s, PLACE_ACCOUNTS, true, e), tmp, fd, number = 0;
	char name[NAME_SIZE], random[ENTRY_ID_LEN + 1];

	if (directory < 0 || file_name(account, "", name, e) < 0)
		return -1;
	fd = spool_make_file(s, random, e);
	if (fd < 0)
		return -1;
	tmp = spool_place(s, PLACE_TMP, false, e);
	if (file_write_all(fd, text->data, text->len) < 0 ||
			renameat(tmp, random, directory, name) < 0) {
		number = errno;
		unlinkat(tmp, random, 0);
	}
	close(fd);
	return number ? spool_failed(s, number, e, "what is known of an account cannot be kept") : 0;
}

int park_read(struct spool *s, const char *account, struct park *out, struct err *e)
{
	return load(s, account, out, e);
}

int park_change(struct spool *s, const char *account,
	void (*change)(struct park *p, void *context), void *context, struct err *e)
{
	struct buf before = BUF_INIT(TEXT_MAX), after = BUF_INIT(TEXT_MAX - 1);
	int fd = lock_text(s, account, e), result;
	struct park p;

	if (fd < 0)
		return -1;
	result = load(s, account, &p, e);
	if (result == 0) {
		write_text(&p, &before);
		change(&p, context);
		write_text(&p, &after);
		if (!buf_ok(&after))
			result = err_set(e, ERR_STORE, "what is known of an account is too long");
		else if (strcmp(buf_text(&before), buf_text(&after)) != 0)
			result = store(s, account, &after, e);
		park_release(&p);
	}
	close(fd);
	buf_release(&before);
	buf_release(&after);
	return result;
}

/* --- parking -------------------------------------------------------------- */

static bool is_same(const struct park *p, const char *fingerprint)
{
	return !strcmp(p->fingerprint, fingerprint ? fingerprint : "");
}

bool park_blocks(const struct park *p, const struct retry_settings *set, const char *fingerprint,
	int64_t now)
{
	return p->kind != PARK_NONE && is_same(p, fingerprint) &&
		!schedule_due(set, p->until, p->set, now);
}

void park_set_text(char **text, const char *value)
{
	char *copy = value && *value ? mem_copy(value, strnlen(value, ENTRY_TEXT_MAX)) : NULL;

	free(*text);
	*text = copy;
}

void park_set(struct park *p, enum park_kind kind, const char *cause, const char *reason,
	const char *fingerprint, const struct retry_settings *set, uint32_t random, int64_t now)
{
	bool again = park_blocks(p, set, fingerprint, now);

	if (p->kind == PARK_NONE) {
		p->since = now;
		p->told = false;
	}
	p->kind = kind;
	park_set_text(&p->cause, cause);
	park_set_text(&p->reason, reason);
	/* A connection that was open when another one failed has failed as well: one
	 * step, not two. */
	if (!again) {
		if (!is_same(p, fingerprint))
			p->steps = 0;
		p->steps += p->steps < UINT32_MAX;
		p->set = now;
		p->until = now + schedule_wait(set, p->steps, random);
	}
	snprintf(p->fingerprint, sizeof(p->fingerprint), "%s", fingerprint ? fingerprint : "");
}

void park_clear(struct park *p)
{
	struct park kept = { .kind = PARK_NONE, .rate_next = p->rate_next,
		.warned = p->warned, .apart = p->apart };

	park_senders_move(&kept, p);
	park_release(p);
	*p = kept;
}

/* --- rate ----------------------------------------------------------------- */

long rate_wait(const struct park *p, long interval_ms, int64_t now_ms)
{
	int64_t wait = p->rate_next > now_ms ? p->rate_next - now_ms : 0;

	/* Further away than it could have been set: the clock was put back. */
	return interval_ms > 0 && wait <= interval_ms ? (long)wait : 0;
}

struct place_in_time {
	int64_t interval, now, wait;   /* ms */
};

static void take_place(struct park *p, void *context)
{
	struct place_in_time *t = context;

	t->wait = rate_wait(p, (long)t->interval, t->now);
	if (!t->wait)
		p->rate_next = t->now + t->interval;
}

long rate_take(struct spool *s, const char *account, long interval_ms, int64_t now_ms,
	struct err *e)
{
	struct place_in_time t = { .interval = interval_ms, .now = now_ms };

	if (interval_ms <= 0)
		return 0;
	return park_change(s, account, take_place, &t, e) < 0 ? -1 : (long)t.wait;
}
