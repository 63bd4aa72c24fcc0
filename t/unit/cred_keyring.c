/* t/unit/cred_keyring.c - a token in a keyring: what is given to it, what is taken from it, and
 * which of two that differ counts. */
#include "t/unit/tap.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/mem.h"
#include "cred/keyring.h"
#include "cred/token_text.h"

static char dir[] = "/tmp/sendoff-keyring-XXXXXX";
static struct oauth_plan plan;

/* The two commands, with that directory as D. */
static void commands(const char *load, const char *save)
{
	free(plan.load_command);
	free(plan.save_command);
	plan.load_command = load ? mem_printf("D=%s; %s", dir, load) : NULL;
	plan.save_command = save ? mem_printf("D=%s; %s", dir, save) : NULL;
}

static void usual(void)
{
	commands("cat $D/store", "cat >$D/store");
}

static struct token made(const char *access, const char *refresh, int64_t obtained)
{
	struct token t = { .obtained = obtained, .expires = obtained + 3600, .signed_in = 1795000000,
		.client_id = "client", .token_url = "https://x.test/token" };

	if (access)
		secret_set(&t.access, access, strlen(access));
	if (refresh)
		secret_set(&t.refresh, refresh, strlen(refresh));
	return t;
}

/* What the file of a token is read as. */
static struct token filed(const struct token *t)
{
	struct buf text = BUF_INIT(TOKEN_TEXT_MAX);
	struct token back = { .obtained = 0 };
	struct err e = { 0 };

	if (token_write(t, &text, &e) < 0 || token_read(text.data, text.len, &back, &e) < 0)
		check(false, "it can be filed: %s", e.text);
	buf_release(&text);
	return back;
}

static void there_and_back(void)
{
	struct token t = made("geheim1", "geheim2", 1796000000), file;
	struct err e = { 0 };
	char want[DIGEST_HEX + 1];

	usual();
	check_int(keyring_save(&plan, &t, &e), 0, "saved: %s", e.text);
	check(token_in_keyring(&t), "it is in the keyring");
	digest_of("geheim1", 7, want);
	check_text(t.keyring_access, want, "... by its digest");
	check_text(t.access.data, "geheim1", "what is at hand stays so");
	check_int(keyring_verify(&plan, &t, &e), 0, "the keyring gives it: %s", e.text);
	file = filed(&t);
	check(!file.access.data && !file.refresh.data, "D9: the file has no secret");
	check(token_in_keyring(&file) && token_has_refresh(&file), "... and says where they are");
	file.stale = true;
	check_int(keyring_load(&plan, &file, &e), 0, "loaded: %s", e.text);
	check_text(file.access.data, "geheim1", "... with both");
	check_text(file.refresh.data, "geheim2", "... secrets");
	check(file.stale, "... and what the file has noted");
	token_leaves_keyring(&file);
	check_int(keyring_load(&plan, &file, &e), 0, "one that is in no keyring");
	check_text(file.access.data, "geheim1", "... is complete");
	token_wipe(&file);
	token_wipe(&t);
}

/* Another process was killed before it had written the file. */
static void newer(void)
{
	struct token old = made("geheim1", "geheim2", 1796000000), file, new;
	struct err e = { 0 };

	usual();
	keyring_save(&plan, &old, &e);
	snprintf(old.over, sizeof(old.over), "over");
	file = filed(&old);
	new = made("geheim3", "geheim4", 1796009000);
	new.signed_in = 1;
	keyring_save(&plan, &new, &e);
	check_int(keyring_load(&plan, &file, &e), 0, "loaded: %s", e.text);
	check_text(file.access.data, "geheim3", "what the keyring has counts");
	check_text(file.refresh.data, "geheim4", "... all of it");
	check_int(file.obtained, 1796009000, "... with its moments");
	check_int(file.signed_in, 1795000000, "... but that of the sign-in");
	check_text(file.over, "", "what was noted of the old one is not said of it");
	check_text(file.keyring_access, new.keyring_access, "... and its digest is known");
	check_int(keyring_verify(&plan, &old, &e), -1, "the old one is not there");
	check_text(e.text, "oauth_load_command does not give what oauth_save_command was given", "... told");
	token_wipe(&old);
	token_wipe(&new);
	token_wipe(&file);
}

static void fails(const char *load, const char *words)
{
	struct token t = made(NULL, NULL, 1796000000);
	struct err e = { 0 };

	snprintf(t.keyring_access, sizeof(t.keyring_access), "x");
	commands(load, "true");
	check_int(keyring_load(&plan, &t, &e), -1, "not loaded: %s", load ? load : "no command");
	check_int(e.kind, ERR_SECRET, "... of which kind");
	check_text(e.cause, "keyring-unusable", "... for which cause");
	check(strstr(e.text, words), "... says '%s': %s", words, e.text);
	check(!strstr(e.text, "geheim"), "D9: ... and no more");
	check(token_in_keyring(&t) && !t.access.data, "what is known of it stays");
	token_wipe(&t);
}

static void not_loaded(void)
{
	struct token t = made("geheim1", NULL, 1796000000), none = made(NULL, NULL, 1);
	struct err e = { 0 };

	usual();
	keyring_save(&plan, &t, &e);
	fails(NULL, "the token is in a keyring, and oauth_load_command is not set");
	fails("exit 1", "oauth_load_command failed: exit status 1");
	fails("true", "oauth_load_command gives nothing");
	fails("echo geheim1", "is not what oauth_save_command was given: it is damaged at octet 1");
	fails("head -c 40 $D/store", "it is damaged");
	fails("sed 's/: 1,/: 7,/' $D/store", "it is of version 7, which is not known here");
	fails("head -c 90000 /dev/zero", "oauth_load_command gives more than 81920 octets");
	keyring_save(&plan, &none, &e);
	usual();
	keyring_save(&plan, &none, &e);
	fails("cat $D/store", "what oauth_load_command gives has no token in it");
	token_wipe(&t);
}

static void not_saved(void)
{
	struct token t = made("geheim1", "geheim2", 1796000000), file;
	struct err e = { 0 };

	commands("true", "cat >/dev/null; exit 3");
	check_int(keyring_save(&plan, &t, &e), -1, "not saved");
	check_text(e.text, "oauth_save_command failed: exit status 3", "... and why");
	check_text(e.cause, "keyring-unusable", "... for which cause");
	check(!token_in_keyring(&t), "it is not in the keyring");
	file = filed(&t);
	check_text(file.refresh.data, "geheim2", "so that the file has it");
	check_text(file.keyring_trouble, "oauth_save_command failed: exit status 3", "... and why");
	usual();
	check_int(keyring_save(&plan, &file, &e), 0, "saved later: %s", e.text);
	check_text(file.keyring_trouble, "", "... and no more is said");
	token_wipe(&file);
	token_wipe(&t);
}

/* As long as two tokens can be, which no pipe takes at once. */
static void long_ones(void)
{
	static char longest[SECRET_MAX];
	struct token t = made(NULL, NULL, 1796000000), back;
	struct err e = { 0 };

	memset(longest, '\\', sizeof(longest));
	secret_set(&t.access, longest, sizeof(longest));
	secret_set(&t.refresh, longest, sizeof(longest));
	commands("cat $D/store", "sleep 0.2; cat >$D/store");
	check_int(keyring_save(&plan, &t, &e), 0, "the longest tokens are saved: %s", e.text);
	back = filed(&t);
	check_int(keyring_load(&plan, &back, &e), 0, "... and loaded: %s", e.text);
	check(back.refresh.len == sizeof(longest) && !memcmp(back.refresh.data, longest, sizeof(longest)),
		"... whole");
	token_wipe(&back);
	commands("true", "exit 0");
	check_int(keyring_save(&plan, &t, &e), 0, "whoever reads nothing says by its status that all is well");
	commands("true", "exec <&-; exit 4");
	check_int(keyring_save(&plan, &t, &e), -1, "... or not");
	token_wipe(&t);
}

/* What holds its output open is not waited for. */
static void agents(void)
{
	struct token t = made("geheim1", NULL, 1796000000);
	struct err e = { 0 };
	char *path = mem_printf("%s/agent", dir);

	commands("true", "cat >/dev/null; sleep 20 & echo $! >$D/agent");
	check_int(keyring_save(&plan, &t, &e), 0, "an agent that it leaves behind: %s", e.text);
	check(access(path, F_OK) == 0, "... is there");
	free(path);
	path = mem_printf("kill $(cat %s/agent)", dir);
	check_int(system(path), 0, "... and lives on");
	free(path);
	token_wipe(&t);
}

static void forgotten(void)
{
	struct token t = made("geheim1", NULL, 1796000000);
	char *path = mem_printf("%s/store", dir);
	struct stat st;
	struct err e = { 0 };

	usual();
	keyring_save(&plan, &t, &e);
	check_int(keyring_forget(&plan, &e), 0, "forgotten: %s", e.text);
	check(stat(path, &st) == 0 && st.st_size == 0, "... by an input that is empty");
	commands("true", "exit 3");
	check_int(keyring_forget(&plan, &e), -1, "not forgotten");
	check_text(e.text, "oauth_save_command failed: exit status 3", "... and why");
	token_wipe(&t);
	free(path);
}

int main(void)
{
	char *command;

	signal(SIGPIPE, SIG_IGN);   /* as the program does */
	if (!mkdtemp(dir))
		return 1;
	there_and_back();
	newer();
	not_loaded();
	not_saved();
	long_ones();
	agents();
	forgotten();
	commands(NULL, NULL);
	command = mem_printf("rm -rf %s", dir);
	check_int(system(command), 0, "all is removed");
	free(command);
	return tap_done();
}
