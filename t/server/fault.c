/* t/server/fault.c - reading the script and finding the fault for a point. */
#include "t/server/fault.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/codec.h"
#include "base/mem.h"

/* Whose points and actions they are. */
enum side { SIDE_MAIL = 1, SIDE_TOKEN = 2, SIDE_BOTH = 3 };

static const struct {
	const char *name;
	enum side side;
} points[] = {
	{ "greeting", SIDE_MAIL }, { "EHLO", SIDE_MAIL }, { "HELO", SIDE_MAIL },
	{ "LHLO", SIDE_MAIL }, { "DELIVERY", SIDE_MAIL },
	{ "STARTTLS", SIDE_MAIL }, { "handshake", SIDE_BOTH }, { "AUTH", SIDE_MAIL },
	{ "AUTH-RESPONSE", SIDE_MAIL }, { "MAIL", SIDE_MAIL }, { "RCPT", SIDE_MAIL },
	{ "DATA", SIDE_MAIL }, { "CONTENT", SIDE_MAIL }, { "BDAT", SIDE_MAIL },
	{ "RSET", SIDE_MAIL }, { "QUIT", SIDE_MAIL }, { "NOOP", SIDE_MAIL }, { "VRFY", SIDE_MAIL },
	{ "EXPN", SIDE_MAIL }, { "HELP", SIDE_MAIL }, { "token", SIDE_TOKEN },
	{ "device", SIDE_TOKEN }, { "authorize", SIDE_TOKEN }, { "revoke", SIDE_TOKEN },
	{ "introspect", SIDE_TOKEN }, { "discovery", SIDE_TOKEN }
};

enum operand { OPERAND_NONE, OPERAND_LINE, OPERAND_TEXT, OPERAND_NUMBER };

static const struct {
	const char *name;
	enum fault_action action;
	enum operand operand;
	enum side side;
} actions[] = {
	{ "reply", FAULT_REPLY, OPERAND_LINE, SIDE_BOTH },
	{ "close", FAULT_CLOSE, OPERAND_NONE, SIDE_BOTH },
	{ "reset", FAULT_RESET, OPERAND_NONE, SIDE_BOTH },
	{ "silence", FAULT_SILENCE, OPERAND_NONE, SIDE_BOTH },
	{ "stall", FAULT_STALL, OPERAND_NONE, SIDE_BOTH },
	{ "drip", FAULT_DRIP, OPERAND_NUMBER, SIDE_BOTH },
	{ "delay", FAULT_DELAY, OPERAND_NUMBER, SIDE_BOTH },
	{ "garbage", FAULT_GARBAGE, OPERAND_NUMBER, SIDE_MAIL },
	{ "line", FAULT_LINE, OPERAND_NUMBER, SIDE_MAIL },
	{ "lines", FAULT_LINES, OPERAND_NUMBER, SIDE_MAIL },
	{ "split", FAULT_SPLIT, OPERAND_NONE, SIDE_MAIL },
	{ "nul", FAULT_NUL, OPERAND_NONE, SIDE_MAIL },
	{ "inject", FAULT_INJECT, OPERAND_LINE, SIDE_MAIL },
	{ "double", FAULT_DOUBLE, OPERAND_NONE, SIDE_MAIL },
	{ "plain", FAULT_PLAIN, OPERAND_NONE, SIDE_BOTH },
	{ "discard", FAULT_DISCARD, OPERAND_NONE, SIDE_MAIL },
	{ "drop-after", FAULT_DROP_AFTER, OPERAND_NUMBER, SIDE_MAIL },
	{ "status", FAULT_STATUS, OPERAND_TEXT, SIDE_TOKEN },
	{ "error", FAULT_ERROR, OPERAND_TEXT, SIDE_TOKEN },
	{ "body", FAULT_BODY, OPERAND_TEXT, SIDE_TOKEN },
	{ "huge", FAULT_HUGE, OPERAND_NUMBER, SIDE_TOKEN },
	{ "redirect", FAULT_REDIRECT, OPERAND_TEXT, SIDE_TOKEN },
	{ "type", FAULT_TYPE, OPERAND_TEXT, SIDE_TOKEN },
	{ "set", FAULT_SET, OPERAND_TEXT, SIDE_TOKEN },
	{ "drop", FAULT_DROP, OPERAND_TEXT, SIDE_TOKEN },
	{ "cut", FAULT_CUT, OPERAND_NUMBER, SIDE_TOKEN },
	{ "chunked", FAULT_CHUNKED, OPERAND_NONE, SIDE_TOKEN },
};

/* Adds what one backslash escape stands for; returns how long it is, 0: none. */
static size_t fault_escape(const char *in, size_t len, struct buf *out, bool *open)
{
	if (len < 2)
		return 0;
	switch (in[1]) {
	case 'r': buf_add_char(out, '\r'); return 2;
	case 'n': buf_add_char(out, '\n'); return 2;
	case 't': buf_add_char(out, '\t'); return 2;
	case '\\': case '"': buf_add_char(out, in[1]); return 2;
	case 'c': *open = true; return 2;
	case 'x': return len >= 4 && !hex_decode(in + 2, 2, out) ? 4 : 0;
	default: return 0;
	}
}

/* A text: quotes around it removed, escapes resolved; of a line, CRLF at its end
 * unless \c says otherwise. */
static int fault_text(const char *in, bool line, struct buf *out)
{
	size_t len = strlen(in);
	bool open = !line;

	if (len >= 2 && in[0] == '"' && in[len - 1] == '"') {
		in++;
		len -= 2;
	}
	while (len) {
		size_t used = 1;

		if (*in == '\\')
			used = fault_escape(in, len, out, &open);
		else
			buf_add_char(out, *in);
		if (!used)
			return -1;
		in += used;
		len -= used;
	}
	if (!open && (out->len < 2 || memcmp(out->data + out->len - 2, "\r\n", 2)))
		buf_add_text(out, "\r\n");
	return 0;
}

static int fault_number(const char **text, unsigned long *number)
{
	char *end;

	if (!isdigit((unsigned char)**text))
		return -1;
	*number = strtoul(*text, &end, 10);
	*text = end;
	return 0;
}

static int fault_times(const char **at, struct fault *f)
{
	if (fault_number(at, &f->first) < 0)
		return -1;
	f->last = f->first;
	if (**at == '+') {
		f->last = (unsigned long)-1;
		(*at)++;
	} else if (**at == '-') {
		(*at)++;
		return fault_number(at, &f->last);
	}
	return 0;
}

static int fault_point(const char **text, struct fault *f, enum side *side)
{
	const char *at = *text;
	size_t len = strcspn(at, " :@=");
	unsigned long number;
	size_t i = 0;

	while (i < COUNT(points) && (strlen(points[i].name) != len ||
			strncasecmp(points[i].name, at, len)))
		i++;
	if (i == COUNT(points))
		return -1;
	memcpy(f->point, points[i].name, len + 1);
	*side = points[i].side;
	at += len;
	if (*at == ':' && (at++, fault_times(&at, f) < 0))
		return -1;
	if (*at == '@') {
		at++;
		if (fault_number(&at, &number) < 0)
			return -1;
		f->connection = (unsigned)number;
	}
	if (*at == '=') {
		len = strcspn(++at, " ");
		f->address = mem_copy(at, len);
		at += len;
	}
	*text = at + strspn(at, " ");
	return *at == ' ' ? 0 : -1;
}

static int fault_action(const char *text, enum side side, struct fault *f)
{
	size_t len, i = 0;

	if (!strncmp(text, "keep ", 5)) {
		f->keep = true;
		text += 5;
	}
	len = strcspn(text, " ");
	while (i < COUNT(actions) && (strlen(actions[i].name) != len ||
			strncmp(actions[i].name, text, len)))
		i++;
	if (i == COUNT(actions) || !(actions[i].side & side))
		return -1;
	f->action = actions[i].action;
	text += len;
	text += strspn(text, " ");
	switch (actions[i].operand) {
	case OPERAND_LINE: case OPERAND_TEXT:
		return fault_text(text, actions[i].operand == OPERAND_LINE, &f->text);
	case OPERAND_NUMBER:
		return fault_number(&text, &f->number) < 0 || *text ? -1 : 0;
	default:
		return *text ? -1 : 0;
	}
}

int fault_add(struct fault **list, const char *text)
{
	struct fault *f = mem_alloc(sizeof(*f));
	enum side side;

	f->first = 1;
	f->last = (unsigned long)-1;
	f->text = BUF_INIT(1 << 20);
	while (*list)
		list = &(*list)->next;
	*list = f;
	return fault_point(&text, f, &side) < 0 ? -1 : fault_action(text, side, f);
}

const struct fault *fault_meet(struct fault *list, const char *point, unsigned connection,
	const char *address)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	const struct fault *found = NULL;

	pthread_mutex_lock(&lock);
	for (struct fault *f = list; f; f = f->next) {
		if (strcmp(f->point, point) || (f->connection && f->connection != connection))
			continue;
		if (f->address && (!address || strcasecmp(f->address, address)))
			continue;
		f->met++;
		if (!found && f->met >= f->first && f->met <= f->last)
			found = f;
	}
	pthread_mutex_unlock(&lock);
	return found;
}

bool fault_allows(const struct fault *f, bool good)
{
	if (!f || f->keep)
		return good;
	switch (f->action) {
	case FAULT_REPLY:
		return f->text.data[0] == '2' || f->text.data[0] == '3';
	case FAULT_CLOSE: case FAULT_RESET: case FAULT_SILENCE: case FAULT_STALL:
	case FAULT_GARBAGE: case FAULT_PLAIN: case FAULT_DROP_AFTER: case FAULT_STATUS:
	case FAULT_ERROR: case FAULT_BODY: case FAULT_HUGE: case FAULT_REDIRECT:
		return false;
	default:
		return good;
	}
}
