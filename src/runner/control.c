/* runner/control.c - connections to the control socket; see control.h.
 *
 * An answer is made whole before it is written, in a file when it is long, so
 * that who reads slowly keeps nobody waiting.
 */
#include "runner/control.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "runner/control_state.h"

enum {
	ANSWERS_EACH = 4,            /* of one user that are being made or lie in files, unread */
	QUESTION_MS = 30 * 1000,     /* for the line that asks */
	ANSWER_MS = 5 * 60 * 1000,   /* for each ANSWER_OCTETS of the answer */
	ANSWER_OCTETS = 64 << 10
};

static struct desk *desk_of(const struct question *q)
{
	return q->guest.desk;
}

/* An answer may be as long as a message: whoever asks and does not read is to fill
 * the disk with few of them.  Root may have any number. */
static bool count_answer(struct question *q)
{
	struct quota_user *u = q->guest.account;

	if (u->uid != 0 && u->answers >= ANSWERS_EACH)
		return false;
	u->answers++;
	q->counted = true;
	return true;
}

static void uncount_answer(struct question *q)
{
	if (q->counted)
		q->guest.account->answers--;
	q->counted = false;
}

static void free_question(struct question *q)
{
	struct desk *d = desk_of(q);

	uncount_answer(q);
	*q->at = q->next;
	if (q->next)
		q->next->at = q->at;
	loop_remove(&d->loop, &q->watch);
	close(q->watch.fd);
	guest_leaves(&q->guest);
	person_release(&q->guest.person);
	buf_release(&q->in);
	spill_release(&q->out);
	json_decref(q->asked);
	free(q);
}

/* ---- the answer goes out */

static void wait_for(struct question *q, short events, uint64_t ms)
{
	q->watch.events = events;
	q->watch.deadline = clock_ms() + ms;
}

/* Whoever reads an octet now and then does not keep it for ever. */
static void renew(struct question *q)
{
	if (q->sent - q->renewed < ANSWER_OCTETS)
		return;
	q->renewed = q->sent;
	wait_for(q, POLLOUT, ANSWER_MS);
}

/* False: all of it is gone, or nobody is there to read it. */
static bool write_some(struct question *q)
{
	char *piece = desk_of(q)->piece;
	struct err ignored;
	ssize_t len, n;

	for (;;) {
		len = spill_read(&q->out, q->sent, piece, DESK_PIECE, &ignored);
		if (len <= 0)
			return false;
		n = send(q->watch.fd, piece, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0) {
			q->sent += (uint64_t)n;
			renew(q);
		} else if (n < 0 && errno == EAGAIN) {
			return true;
		} else if (n == 0 || errno != EINTR) {
			return false;
		}
	}
}

static void begin_to_write(struct question *q)
{
	q->answered = true;
	wait_for(q, POLLOUT, ANSWER_MS);
	if (!write_some(q))
		free_question(q);
}

/* ---- the question comes in */

static void worked(struct pool_job *job)
{
	struct question *q = (struct question *)job;

	q->working = false;
	if (q->out.fd < 0) {
		uncount_answer(q);
		desk_of(q)->places.deadline = DESK_AT_ONCE;
	}
	if (q->look)
		desk_tell(desk_of(q), json_pack("{s:s}", "do", "look"));
	begin_to_write(q);
}

static void refuse(struct question *q)
{
	guest_refuse(q->watch.fd, "{\"end\":true,\"error\":{\"kind\":\"runner\",\"text\":"
		"\"too many connections of this user\",\"hint\":\"try again later\"}}\n");
	free_question(q);
}

static bool has_turn(const struct question *q)
{
	return !control_is_long(q) || guest_has_turn(&q->guest);
}

static void answer(struct question *q)
{
	uint64_t began = clock_ms();

	control_answer(q);
	if (control_is_long(q))
		guest_took(&q->guest, clock_ms() - began);
}

static void advance(struct question *q)
{
	int met = guest_meet(&q->guest);

	if (met < 0) {
		refuse(q);
		return;
	}
	if (!met || !q->asked || q->working || q->answered || !has_turn(q) || !count_answer(q))
		return;
	answer(q);
	if (q->flush)
		desk_tell(desk_of(q), json_pack("{s:s}", "do", "flush"));
	if (!q->work) {
		if (q->out.fd < 0)
			uncount_answer(q);
		begin_to_write(q);
		return;
	}
	q->working = true;
	q->watch.events = 0;
	q->watch.deadline = LOOP_NEVER;
	q->retry = desk_of(q)->policy.config.global.retry;
	q->floor = desk_floor(desk_of(q), q->guest.peer.uid);
	snprintf(q->key, sizeof(q->key), "%lu", (unsigned long)q->guest.account->uid);
	q->job = (struct pool_job){ .run = control_work, .done = worked, .key = q->key };
	pool_add(desk_of(q)->readers, &q->job);
}

/* False: it is over with this one. */
static bool read_some(struct question *q)
{
	char *piece = desk_of(q)->piece, *newline;
	ssize_t n = recv(q->watch.fd, piece, DESK_PIECE, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0)
		return false;
	buf_add(&q->in, piece, (size_t)n);
	if (!buf_ok(&q->in))
		return false;
	newline = memchr(q->in.data, '\n', q->in.len);
	if (!newline)
		return true;
	q->asked = json_loadb(q->in.data, (size_t)(newline - q->in.data), JSON_REJECT_DUPLICATES,
		NULL);
	if (!json_is_object(q->asked))
		return false;
	/* Only from here on it may be that nobody knows yet who it is. */
	wait_for(q, 0, DESK_WAIT_MS);
	return true;
}

static void run(struct watch *w, short revents)
{
	struct question *q = w->owner;

	if (!revents && q->asked && !q->answered)
		refuse(q);   /* no place came free for it */
	else if (!revents || (q->answered ? !write_some(q) : !q->asked && !read_some(q)))
		free_question(q);
	else if (!q->answered)
		advance(q);
}

void control_new(struct desk *d, int fd)
{
	struct question *q = mem_alloc(sizeof(*q));

	if (!guest_arrives(&q->guest, d, fd)) {
		close(fd);
		free(q);
		return;
	}
	q->in.max = CONTROL_QUESTION_MAX;
	spill_init(&q->out, d->spill_path);
	q->out.memory.max = DESK_MEMORY;
	q->watch = (struct watch){ .fd = fd, .run = run, .owner = q };
	wait_for(q, POLLIN, QUESTION_MS);
	/* At the end: turns are taken in the order of coming. */
	for (q->at = &d->questions; *q->at; q->at = &(*q->at)->next)
		;
	*q->at = q;
	loop_add(&d->loop, &q->watch);
	advance(q);
}

void control_advance(struct desk *d)
{
	struct question *next;

	for (struct question *q = d->questions; q; q = next) {
		next = q->next;
		advance(q);
	}
}

void control_free(struct desk *d)
{
	while (d->questions)
		free_question(d->questions);
}
