/* t/server/fault.c - reading the script and finding the fault for a point. */
#include "t/server/fault.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/codec.h"
#include "base/mem.h"

static const char *const points[] = {
	"greeting", "EHLO", "HELO", "STARTTLS", "handshake", "AUTH", "AUTH-RESPONSE", "MAIL",
	"RCPT", "DATA", "CONTENT", "BDAT", "RSET", "QUIT", "NOOP", "VRFY", "EXPN", "HELP"
};

enum operand { OPERAND_NONE, OPERAND_TEXT, OPERAND_NUMBER };

static const struct {
	const char *name;
	enum fault_action action;
	enum operand operand;
} actions[] = {
	{ "reply", FAULT_REPLY, OPERAND_TEXT },
	{ "close", FAULT_CLOSE, OPERAND_NONE },
	{ "reset", FAULT_RESET, OPERAND_NONE },
	{ "silence", FAULT_SILENCE, OPERAND_NONE },
	{ "stall", FAULT_STALL, OPERAND_NONE },
	{ "drip", FAULT_DRIP, OPERAND_NUMBER },
	{ "delay", FAULT_DELAY, OPERAND_NUMBER },
	{ "garbage", FAULT_GARBAGE, OPERAND_NUMBER },
	{ "line", FAULT_LINE, OPERAND_NUMBER },
	{ "lines", FAULT_LINES, OPERAND_NUMBER },
	{ "split", FAULT_SPLIT, OPERAND_NONE },
	{ "nul", FAULT_NUL, OPERAND_NONE },
	{ "inject", FAULT_INJECT, OPERAND_TEXT },
	{ "double", FAULT_DOUBLE, OPERAND_NONE },
	{ "plain", FAULT_PLAIN, OPERAND_NONE },
	{ "discard", FAULT_DISCARD, OPERAND_NONE },
	{ "drop-after", FAULT_DROP_AFTER, OPERAND_NUMBER },
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

/* The text of reply and inject: quotes around it removed, escapes resolved, CRLF
 * at its end unless \c says otherwise. */
static int fault_text(const char *in, struct buf *out)
{
	size_t len = strlen(in);
	bool open = false;

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

static int fault_point(const char **text, struct fault *f)
{
	const char *at = *text;
	size_t len = strcspn(at, " :@=");
	unsigned long number;
	size_t i = 0;

	while (i < COUNT(points) && (strlen(points[i]) != len || strncasecmp(points[i], at, len)))
		i++;
	if (i == COUNT(points))
		return -1;
	memcpy(f->point, points[i], len + 1);
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

static int fault_action(const char *text, struct fault *f)
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
	if (i == COUNT(actions))
		return -1;
	f->action = actions[i].action;
	text += len;
	text += strspn(text, " ");
	switch (actions[i].operand) {
	case OPERAND_TEXT:
		return fault_text(text, &f->text);
	case OPERAND_NUMBER:
		return fault_number(&text, &f->number) < 0 || *text ? -1 : 0;
	default:
		return *text ? -1 : 0;
	}
}

int fault_add(struct fault **list, const char *text)
{
	struct fault *f = mem_alloc(sizeof(*f));

	f->first = 1;
	f->last = (unsigned long)-1;
	f->text = BUF_INIT(1 << 20);
	while (*list)
		list = &(*list)->next;
	*list = f;
	return fault_point(&text, f) < 0 ? -1 : fault_action(text, f);
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
	case FAULT_GARBAGE: case FAULT_PLAIN: case FAULT_DROP_AFTER:
		return false;
	default:
		return good;
	}
}
