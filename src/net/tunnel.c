/* net/tunnel.c - a command that is the connection; see tunnel.h. */
#include "net/tunnel.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/mem.h"
#include "base/text.h"

enum { WORDS_KEPT = 1024, LAST_WORDS_MS = 400, PIECES_MOST = 128 };   /* 64 KB fit in a pipe */

struct tunnel {
	struct loop *loop;       /* borrowed */
	struct child child;
	struct watch words;      /* its stderr; fd is own */
	char said[WORDS_KEPT];   /* the end of it */
	size_t len;
};

/* False: it is at its end, or there is nothing now. */
static bool take_words(struct tunnel *c)
{
	char piece[WORDS_KEPT];
	ssize_t n = read(c->words.fd, piece, sizeof(piece));
	size_t len = n > 0 ? (size_t)n : 0, keep = c->len;

	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return false;
	if (n <= 0) {
		loop_remove(c->loop, &c->words);
		close(c->words.fd);
		c->words.fd = -1;
		return false;
	}
	if (keep + len > sizeof(c->said))
		keep = sizeof(c->said) - len;
	memmove(c->said, c->said + c->len - keep, keep);
	memcpy(c->said + keep, piece, len);
	c->len = keep + len;
	return true;
}

static void can_read(struct watch *w, short revents)
{
	(void)revents;
	take_words(w->owner);
}

struct tunnel *tunnel_start(struct loop *l, const char *text, const char *const *hidden, int *fd,
	struct err *e)
{
	struct tunnel *c = mem_alloc(sizeof(*c));

	c->loop = l;
	c->words = (struct watch){ .fd = -1, .events = POLLIN, .run = can_read, .owner = c };
	if (child_talk(&c->child, &c->words.fd, text, hidden, e) < 0) {
		free(c);
		err_context(e, "connect_command");
		return NULL;
	}
	*fd = c->child.out;
	c->child.out = -1;
	loop_add(l, &c->words);
	return c;
}

void tunnel_free(struct tunnel **cp)
{
	struct tunnel *c = *cp;

	if (!c)
		return;
	loop_remove(c->loop, &c->words);
	child_quit(&c->child);
	if (c->words.fd >= 0)
		close(c->words.fd);
	free(c);
	*cp = NULL;
}

/* The last line with something in it. */
static void last_line(const struct tunnel *c, char *out, size_t size)
{
	size_t end = c->len, start;

	while (end && strchr("\r\n \t", c->said[end - 1]))
		end--;
	for (start = end; start && c->said[start - 1] != '\n';)
		start--;
	text_clean_to(out, size, c->said + start, end - start);
}

static void explain(struct tunnel *c, int status, bool heard, const struct mask *mask, struct err *e)
{
	char how[96], line[400] = "";
	bool missing = WIFEXITED(status) && (WEXITSTATUS(status) == 126 || WEXITSTATUS(status) == 127);

	child_status_text(status, how, sizeof(how));
	if (mask) {   /* before it is cut */
		mask_apply(mask, c->said, c->len);
		last_line(c, line, sizeof(line));
	}
	err_set(e, ERR_CONNECT, "connect_command %s: %s%s%s", WIFEXITED(status) && !WEXITSTATUS(status) ?
		"ended before the server said anything" : "failed", how, line[0] ? ": " : "", line);
	err_cause(e, missing ? "connect-command-missing" : "connect-command-failed");
	if (heard)
		err_hint(e, "it led to the server and ended in the midst of the session: what it says of "
			"that it writes to its standard error");
}

bool tunnel_failed(struct tunnel *c, bool heard, const struct mask *mask, struct err *e)
{
	int status;

	if (c->child.pid <= 0 || !child_ended(&c->child, LAST_WORDS_MS))
		return false;
	status = child_end(&c->child, 1);   /* with what it has left behind */
	for (int i = 0; i < PIECES_MOST && c->words.fd >= 0 && take_words(c); i++)
		;
	if (status == -1 || (heard && WIFEXITED(status) && !WEXITSTATUS(status)))
		return false;
	explain(c, status, heard, mask, e);
	return true;
}
