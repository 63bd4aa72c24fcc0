/* cmd/login_browser.c - a browser is started with the page to sign in at; see login.h.
 *
 * Never by a shell: the address is one word of its argv, which others on this machine can
 * read, and sign in at as somebody else; a page in a private file would hide it, but browsers
 * that are confined (snap, flatpak) could not read that.  It is left to itself, in a session
 * of its own, and what it prints goes to /dev/null.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/process.h"
#include "cmd/login.h"
#include "cred/source.h"

enum { WORDS_MOST = 32 };

#define PLACE "%s"                     /* of the address, in $BROWSER */

static bool is_set(const char *name)
{
	const char *value = process_env(name);

	return value && *value;
}

bool login_is_remote(void)
{
	return is_set("SSH_CONNECTION") || is_set("SSH_TTY") ||
		(!is_set("DISPLAY") && !is_set("WAYLAND_DISPLAY") && !is_set("BROWSER"));
}

/* One word of the command, with the address where its place is.  Own. */
static char *put_address(const char *word, const char *url, bool *placed)
{
	const char *place = strstr(word, PLACE);

	if (!place)
		return mem_string(word);
	*placed = true;
	return mem_printf("%.*s%s%s", (int)(place - word), word, url, place + strlen(PLACE));
}

/* In the child.  Comes back where it cannot be run. */
static void run(const char *command, const char *url)
{
	char *words[WORDS_MOST + 2] = { NULL }, *text = mem_string(command), *rest = text, *word;
	bool placed = false;
	size_t count = 0;

	while ((word = strsep(&rest, " \t")) && count < WORDS_MOST)
		if (*word)
			words[count++] = put_address(word, url, &placed);
	if (count && !placed)
		words[count++] = mem_string(url);
	if (count)
		execvp(words[0], words);
	for (size_t i = 0; i < count; i++)
		free(words[i]);
	free(text);
}

/* $BROWSER is a list of commands with colons between, the first of which that can be run
 * serves. */
static void run_any(const char *url)
{
	const char *browsers = process_env("BROWSER");
	char *list = mem_string(browsers ? browsers : ""), *rest = list, *command;

	while ((command = strsep(&rest, ":")))
		run(command, url);
	run("xdg-open", url);
	free(list);
}

static void make_plain(void)
{
	struct sigaction plain = { .sa_handler = SIG_DFL };
	const char *const *hidden = secret_hidden_variables();
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int number = 1; number < 32; number++)
		sigaction(number, &plain, NULL);
	for (; *hidden; hidden++)
		unsetenv(*hidden);
	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		dup2(null, fd);
}

/* In the child.  Nothing comes by the pipe where a browser was started: it closes then. */
static void leave(const char *url, int told)
{
	pid_t pid;

	setsid();
	pid = fork();
	if (pid != 0)
		_exit(pid < 0);
	make_plain();
	run_any(url);
	if (write(told, "", 1) < 0)
		_exit(126);
	_exit(127);
}

bool login_browse(void *context, const char *url)
{
	int ends[2], status;
	char octet;
	ssize_t got;
	pid_t pid;

	(void)context;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	pid = fork();
	if (pid == 0)
		leave(url, ends[1]);
	close(ends[1]);
	if (pid > 0)
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR && !process_stopped())
			;
	do
		got = read(ends[0], &octet, 1);
	while (got < 0 && errno == EINTR && !process_stopped());
	close(ends[0]);
	return pid > 0 && got == 0;
}
