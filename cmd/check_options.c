/* cmd/check_options.c - what the command line of a check says; see check.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cmd/check.h"

enum { SECONDS_LEAST = 1, SECONDS_MOST = 3600 };

#define TAKE(name) static int take_##name(void *into, const char *value, struct err *e)

TAKE(host)
{
	(void)e;
	((struct check_words *)into)->host = value;
	return 0;
}

TAKE(user)
{
	if (!*value)
		return err_set(e, ERR_USAGE, "--user names nobody");
	((struct check_words *)into)->user = value;
	return 0;
}

TAKE(password_file)
{
	(void)e;
	((struct check_words *)into)->password_file = value;
	return 0;
}

static int number(const char *name, const char *value, long least, long most, long *out,
	struct err *e)
{
	char *end;

	errno = 0;
	*out = strtol(value, &end, 10);
	if (errno || end == value || *end || *out < least || *out > most)
		return err_set(e, ERR_USAGE, "%s is not a number from %ld to %ld", name, least, most);
	return 0;
}

TAKE(port)
{
	long ignored;

	((struct check_words *)into)->port = value;
	return number("--port", value, 1, 65535, &ignored, e);
}

TAKE(seconds)
{
	return number("--timeout", value, SECONDS_LEAST, SECONDS_MOST,
		&((struct check_words *)into)->seconds, e);
}

TAKE(tls)
{
	struct check_words *w = into;

	w->tls = smtp_tls_find(value);
	return w->tls != SMTP_TLS_UNSET ? 0 :
		err_set(e, ERR_USAGE, "--tls is implicit, starttls, opportunistic or off");
}

TAKE(from)
{
	(void)e;
	((struct check_words *)into)->from = value;
	return 0;
}

TAKE(to)
{
	struct check_words *w = into;

	(void)e;
	w->to = mem_grow(w->to, w->to_count + 1, sizeof(*w->to));
	w->to[w->to_count++] = value;
	return 0;
}

TAKE(setting)
{
	struct check_words *w = into;

	(void)e;
	w->settings = mem_grow(w->settings, w->setting_count + 1, sizeof(*w->settings));
	w->settings[w->setting_count++] = value;
	return 0;
}

TAKE(send)
{
	((struct check_words *)into)->send = true;
	return take_to(into, value, e);
}

TAKE(all)
{
	(void)value;
	(void)e;
	((struct check_words *)into)->all = true;
	return 0;
}

/* One line, and none that the dialogue could not go on behind. */
static int add_question(struct check_words *w, const char *option, const char *verb,
	const char *rest, struct err *e)
{
	static const char *const ours[] = { "DATA", "BDAT", "BURL", "AUTH", "STARTTLS", "EHLO", "HELO", "QUIT" };
	const char *more = rest + strspn(rest, " \t");
	char *line = mem_printf("%s%s%s", verb, verb[0] && more[0] ? " " : "", more);
	size_t len = strcspn(line, " \t"), all = strlen(line);

	for (size_t i = 0; i < all; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f) {
			free(line);
			err_set(e, ERR_USAGE, "%s takes one line without control characters", option);
			return err_hint(e, "one command each; the option may be given again");
		}
	for (size_t i = 0; i < COUNT(ours); i++)
		if (text_equal_fold(line, len, ours[i], strlen(ours[i]))) {
			free(line);
			err_set(e, ERR_USAGE, "%s cannot send %s: that is for the check itself", option,
				ours[i]);
			return err_hint(e, "%s", i < 3 ? "a message is sent by --send ADDRESS" :
				i < 4 ? "the login is the account's; --all tries every mechanism" :
				"it is sent anyway, when its time has come");
		}
	if (!all || all > 500 || w->question_count == QUESTIONS_MOST) {
		free(line);
		return err_set(e, ERR_USAGE, "%s: a command has 1 to 500 octets, and there may be %d",
			option, QUESTIONS_MOST);
	}
	w->questions[w->question_count++] = line;
	return 0;
}

TAKE(vrfy)
{
	return add_question(into, "--vrfy", "VRFY", value, e);
}

TAKE(expn)
{
	return add_question(into, "--expn", "EXPN", value, e);
}

TAKE(command)
{
	return add_question(into, "--command", "", value, e);
}

TAKE(remote_help)
{
	struct check_words *w = into;

	w->remote_help = value ? 0 : w->question_count + 1;
	return add_question(into, "--remote-help", "HELP", value ? value : "", e);
}

const struct opt check_options[] = {
	{ 0, "host", OPT_VALUE, "HOST", "the server, instead of an account's", take_host },
	{ 0, "port", OPT_VALUE, "PORT", "its port", take_port },
	{ 0, "tls", OPT_VALUE, "MODE", "implicit, starttls, opportunistic or off", take_tls },
	{ 0, "user", OPT_VALUE, "NAME", "whom to log in as; the password is asked for", take_user },
	{ 0, "password-file", OPT_VALUE, "FILE", "the password is in this file; - is standard input",
		take_password_file },
	{ 0, "set", OPT_VALUE, "KEY=VALUE", "a further key for an account that stands in no file",
		take_setting },
	{ 'f', "from", OPT_VALUE, "ADDRESS", "ask whether it takes this sender", take_from },
	{ 't', "to", OPT_VALUE, "ADDRESS", "ask whether it takes this recipient; repeatable", take_to },
	{ 0, "send", OPT_VALUE, "ADDRESS", "send one test message there", take_send },
	{ 0, "all", OPT_FLAG, NULL, "try every mechanism and every address of the server", take_all },
	{ 0, "vrfy", OPT_VALUE, "ADDRESS", "ask whether it knows this address (VRFY)", take_vrfy },
	{ 0, "expn", OPT_VALUE, "LIST", "ask who is on this list (EXPN)", take_expn },
	{ 0, "remote-help", OPT_OPTIONAL, "TOPIC", "ask the server for help (HELP)", take_remote_help },
	{ 0, "command", OPT_VALUE, "LINE", "send this line and show the answer", take_command },
	{ 0, "timeout", OPT_VALUE, "SECONDS", "for all of it; 30 without this", take_seconds },
	{ 0, NULL, OPT_FLAG, NULL, NULL, NULL }
};

/* ACCOUNT or ADDRESS; behind --remote-help the topic may stand as a word of its own. */
int check_take_words(struct check *c, char **words, int count, struct err *e)
{
	int most = c->globals->account ? 0 : 1;

	if (c->w.remote_help && count > most) {
		char **bare = &c->w.questions[c->w.remote_help - 1];
		char **last = &c->w.questions[c->w.question_count - 1];

		if (add_question(&c->w, "--remote-help", "HELP", words[--count], e) < 0)
			return -1;
		free(*bare);
		*bare = *++last;
		c->w.question_count--;
	}
	if (count > most) {
		err_set(e, ERR_USAGE, "too many words: one account or address is checked at a time");
		return err_hint(e, "see `sendoff help check`");
	}
	c->w.word = count ? words[0] : NULL;
	if (c->w.send && c->w.to_count > 1) {
		err_set(e, ERR_USAGE, "--send sends one message to one address");
		return err_hint(e, "give either --send or --to");
	}
	return 0;
}
