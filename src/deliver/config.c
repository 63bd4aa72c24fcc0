/* deliver/config.c - finding and joining the sources; see config.h. */
#include "deliver/config.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/host.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"
#include "deliver/config_state.h"
#include "deliver/provided.h"

#ifndef SENDOFF_SYSCONFDIR
#define SENDOFF_SYSCONFDIR "/etc"
#endif

#ifndef SENDOFF_LOCALSTATEDIR
#define SENDOFF_LOCALSTATEDIR "/var"
#endif
#ifndef SENDOFF_RUNDIR
#define SENDOFF_RUNDIR "/run"
#endif

#define SYSTEM_FILE SENDOFF_SYSCONFDIR "/sendoff/config"

/* ---- the runner */

enum { RUNNER_TIMEOUT_MS = 5 * 60 * 1000 };

const char *config_smtp_socket(void)
{
	return SENDOFF_RUNDIR "/sendoff/smtp.sock";
}

const char *config_control_socket(void)
{
	return SENDOFF_RUNDIR "/sendoff/control.sock";
}

const char *config_system_file(void)
{
	return SYSTEM_FILE;
}

const char *config_system_spool(void)
{
	return SENDOFF_LOCALSTATEDIR "/spool/sendoff";
}

bool config_has_runner(void)
{
	const struct passwd *user;

	if (access(SENDOFF_RUNDIR "/sendoff", F_OK) < 0)
		return false;
	user = getpwnam(CONFIG_RUNNER_USER);
	return user && user->pw_uid != geteuid();
}

const struct account *config_runner_account(void)
{
	static char name[] = "system", host[] = SENDOFF_RUNDIR "/sendoff/smtp.sock";
	static struct account a;
	struct err ignored;

	if (a.name)
		return &a;
	conf_fill(&(struct conf_source){ .name = NULL }, CONF_ACCOUNT, NULL, account_tables, true,
		&a, &ignored);
	a.name = name;
	a.scope = SCOPE_SYSTEM;
	a.net.host = host;
	a.smtp.tls = SMTP_TLS_OFF;
	a.who.rewrite_from = REWRITE_NEVER;
	a.smtp.max_recipients = 100000;
	return &a;
}

static void note_tried(struct config *c, const char *path, const char *what)
{
	char shown[512];

	text_clean_to(shown, sizeof(shown), path, strlen(path));
	buf_printf(&c->tried, "%s: %s\n", shown, what);
}

static void note_denied(struct config *c, const char *path)
{
	if (!path)
		return;
	free(c->denied);
	c->denied = mem_string(path);
}

/* Reads one file.  Returns FILE_OK, or why not; only FILE_BAD is final. */
static enum file_result load_file(struct config *c, const char *path, struct err *e)
{
	struct conf_source *src = &c->sources[c->source_count];
	struct buf *text = &c->texts[c->source_count];
	enum file_result result;
	int fd = -1, good;

	result = file_open(path, FILE_OWNED, &fd, e);
	if (result != FILE_OK) {
		note_denied(c, result == FILE_DENIED ? path : NULL);
		note_tried(c, path, result == FILE_ABSENT ? "absent" :
			result == FILE_DENIED ? "no permission to read it" : e->text);
		c->faulty |= result == FILE_BAD;
		return result;
	}
	text->max = CONF_FILE_MAX;
	good = file_read_open(fd, path, text, e) == 0 &&
		conf_parse(src, path, buf_text(text), text->len, global_tables, account_tables,
			e) == 0;
	c->source_count++;
	if (good && src->has_secret)
		good = file_check_secret(fd, path, e) == 0;
	close(fd);
	note_tried(c, path, good ? "read" : e->text);
	c->faulty |= !good;
	return good ? FILE_OK : FILE_BAD;
}

/* A directory from the environment counts only when it is the caller's own:
 * cron and sudo leave another user's. */
static bool is_own_directory(const char *path)
{
	struct stat st;

	return path[0] == '/' && stat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
		st.st_uid == geteuid();
}

static char *personal_path(void)
{
	const char *xdg = process_env("XDG_CONFIG_HOME"), *home;

	if (xdg && is_own_directory(xdg))
		return mem_printf("%s/sendoff/config", xdg);
	home = process_home();
	return home ? mem_printf("%s/.config/sendoff/config", home) : NULL;
}

/* ---- the environment as an account */

bool config_in_environment(void)
{
	return process_env("SENDOFF_HOST") || process_env("SENDOFF_PROVIDER");
}

static int load_environment(struct config *c, struct err *e)
{
	static const struct {
		const char *variable, *key;
	} known[] = {
		{ "SENDOFF_PROVIDER", "provider" }, { "SENDOFF_HOST", "host" },
		{ "SENDOFF_PORT", "port" }, { "SENDOFF_TLS", "tls" }, { "SENDOFF_USER", "user" },
		{ "SENDOFF_PASSWORD", "password" }, { "SENDOFF_PASSWORD_FILE", "password_file" },
		{ "SENDOFF_FROM", "from" },
	};
	struct conf_source *src = &c->sources[c->source_count++];

	for (size_t i = 0; i < COUNT(known); i++) {
		const char *value = process_env(known[i].variable);

		if (value && conf_set(src, CONF_ACCOUNT, "environment", known[i].key, value,
				account_tables, e) < 0)
			return err_context(e, "%s", known[i].variable);
	}
	note_tried(c, "environment", "read");
	return 0;
}

/* ---- joining */

static void add_account(struct config *c, const struct conf_source *src, const char *name)
{
	struct account *a = NULL;

	for (size_t i = 0; i < c->count; i++)
		if (!strcmp(c->accounts[i].name, name))
			a = &c->accounts[i];
	if (!a) {
		c->accounts = mem_grow(c->accounts, c->count + 1, sizeof(*c->accounts));
		a = &c->accounts[c->count++];
	} else {
		free(a->name);
	}
	memset(a, 0, sizeof(*a));
	a->name = mem_string(name);
	a->source = src;
	a->scope = !strcmp(src->name, SYSTEM_FILE) && !c->file ? SCOPE_SYSTEM : SCOPE_PERSONAL;
}

/* The runner's socket as one account among the others; a personal file may have
 * an account of that name of its own. */
static void add_runner(struct config *c)
{
	if (config_account(c, config_runner_account()->name))
		return;
	c->accounts = mem_grow(c->accounts, c->count + 1, sizeof(*c->accounts));
	c->accounts[c->count++] = *config_runner_account();
	if (!c->global.default_account)
		c->global.default_account = mem_string(config_runner_account()->name);
}

static int fill_accounts(struct config *c, struct err *e)
{
	for (size_t i = 0; i < c->count; i++) {
		struct account *a = &c->accounts[i];

		if (!a->source)
			continue;
		if (provided_fill(a, process_home(), e) < 0)
			return -1;
	}
	return 0;
}

static int join(struct config *c, struct err *e)
{
	static const struct conf_source nothing = { .name = NULL };

	/* Only the runner is there: what is usual holds for one's own queue. */
	if (!c->source_count && conf_fill(&nothing, CONF_GLOBAL, NULL, global_tables, true,
			&c->global, e) < 0)
		return -1;
	for (size_t i = 0; i < c->source_count; i++) {
		const struct conf_source *src = &c->sources[i];

		if (conf_fill(src, CONF_GLOBAL, NULL, global_tables, i == 0, &c->global, e) < 0)
			return err_context(e, "%s", src->name);
		for (size_t k = 0; k < src->account_count; k++)
			add_account(c, src, src->accounts[k]);
	}
	if (c->runner)
		add_runner(c);
	if (!c->count) {
		err_set(e, ERR_CONFIG, "no account is configured (%s)", c->sources[0].name);
		return err_hint(e, "add a section [account NAME] with at least host and from");
	}
	if (log_settings_check(&c->global.log, e) < 0 ||
	    account_finish_global(&c->global, process_home(), e) < 0)
		return err_context(e, "[sendoff]");
	return fill_accounts(c, e) < 0 ? -1 : config_check(c, e);
}

/* Nothing was found: say where we looked. */
static int nothing_found(struct config *c, struct err *e)
{
	struct buf list = BUF_INIT(700);

	if (c->denied && access(c->denied, F_OK) == 0)
		return config_denied(c->denied, e);
	for (const char *at = buf_text(&c->tried); *at;) {
		size_t len = strcspn(at, "\n");

		buf_printf(&list, "%s%.*s", list.len ? "; " : "", (int)len, at);
		at += len + (at[len] == '\n');
	}
	err_set(e, ERR_CONFIG, "no configuration was found (tried: %s)", buf_text(&list));
	buf_release(&list);
	return err_hint(e, "write one of these files (sendoff-config(5) has an example), name one "
		"with -C, or set SENDOFF_HOST or SENDOFF_PROVIDER");
}

/* A file that somebody named must be there. */
static int load_named(struct config *c, const char *path, bool by_option, struct err *e)
{
	enum file_result result = load_file(c, path, e);

	if (result == FILE_DENIED)
		return config_denied(path, e);
	if (result == FILE_ABSENT)
		err_hint(e, "check the name behind %s", by_option ? "-C" : "SENDOFF_CONFIG");
	return result == FILE_OK ? 0 : -1;
}

/* The runner hands nothing in to itself: what it may not read is a mistake. */
static bool owns_system_spool(void)
{
	struct stat st;

	return geteuid() != 0 && stat(config_system_spool(), &st) == 0 && st.st_uid == geteuid();
}

static int load_usual(struct config *c, struct err *e)
{
	char *personal = personal_path();
	enum file_result system = load_file(c, SYSTEM_FILE, e), own;

	c->runner = (system == FILE_DENIED ||
		(system == FILE_ABSENT && access(config_smtp_socket(), F_OK) == 0)) &&
		!owns_system_spool();
	c->only_system = system != FILE_ABSENT && (!personal || access(personal, F_OK) < 0);
	if (!personal) {
		note_tried(c, "personal file", "no home directory");
		return system == FILE_BAD ? -1 : 0;
	}
	own = system == FILE_BAD ? FILE_BAD : load_file(c, personal, e);
	free(personal);
	return system == FILE_BAD || own == FILE_BAD ? -1 : 0;
}

static char *absolute(const char *file)
{
	char directory[PATH_MAX];

	if (file[0] == '/')
		return mem_string(file);
	return getcwd(directory, sizeof(directory)) ? mem_printf("%s/%s", directory, file) :
		mem_string(file);
}

static void begin(struct config *c)
{
	memset(c, 0, sizeof(*c));
	c->tried.max = 64 * 1024;
	secret_hide("SENDOFF_PASSWORD");
	process_hold_secret();   /* a password may stand in what is read now */
}

int config_load(struct config *c, const char *file, struct err *e)
{
	int good;

	begin(c);
	if (!file && config_in_environment()) {
		good = load_environment(c, e);
	} else if (file || process_env("SENDOFF_CONFIG")) {
		c->file = absolute(file ? file : process_env("SENDOFF_CONFIG"));
		good = load_named(c, file ? file : process_env("SENDOFF_CONFIG"), file != NULL, e);
	} else {
		good = load_usual(c, e);
	}
	if (good == 0 && !c->source_count && !c->runner)
		return nothing_found(c, e);
	if (good == 0)
		good = join(c, e);
	c->faulty |= good < 0 && c->source_count;
	return good;
}

/* ---- from one process to another: texts with a NUL behind each, which none of them
 * can hold; the file that was named, then name and content of each source. */

enum { HANDED_MAX = CONFIG_SOURCES_MAX * (CONF_FILE_MAX + PATH_MAX) + PATH_MAX };

int config_hand_over(const struct config *c, struct err *e)
{
	struct buf all = BUF_INIT(HANDED_MAX);
	int fd = memfd_create("sendoff-config", MFD_CLOEXEC);

	buf_add(&all, c->file ? c->file : "", c->file ? strlen(c->file) + 1 : 1);
	for (size_t i = 0; i < c->source_count; i++) {
		buf_add(&all, c->sources[i].name, strlen(c->sources[i].name) + 1);
		buf_add(&all, buf_text(&c->texts[i]), c->texts[i].len + 1);
	}
	if (fd >= 0 && (file_write_all(fd, all.data, all.len) < 0 || lseek(fd, 0, SEEK_SET) < 0)) {
		close(fd);
		fd = -1;
	}
	buf_wipe(&all);
	return fd >= 0 ? fd : err_sys(e, ERR_SYSTEM, errno, "the configuration cannot be handed on");
}

/* The next text, or NULL. */
static const char *next_text(const char **at, const char *end)
{
	const char *text = *at, *nul = text < end ? memchr(text, '\0', (size_t)(end - text)) : NULL;

	if (nul)
		*at = nul + 1;
	return nul ? text : NULL;
}

static int take_texts(struct config *c, const struct buf *all, struct err *e)
{
	const char *at = buf_text(all), *end = at + all->len, *name, *text;

	name = next_text(&at, end);
	if (!name)
		return err_set(e, ERR_INTERNAL, "no configuration was handed on");
	c->file = *name ? mem_string(name) : NULL;
	while (c->source_count < CONFIG_SOURCES_MAX && (name = next_text(&at, end)) &&
	       (text = next_text(&at, end))) {
		struct conf_source *src = &c->sources[c->source_count++];

		if (conf_parse(src, name, text, strlen(text), global_tables, account_tables, e) < 0)
			return -1;
		note_tried(c, name, "handed on");
	}
	return join(c, e);
}

int config_take_over(struct config *c, int fd, struct err *e)
{
	struct buf all = BUF_INIT(HANDED_MAX);
	int good;

	begin(c);
	good = file_read_open(fd, "the configuration that was handed on", &all, e);
	if (good == 0)
		good = take_texts(c, &all, e);
	buf_wipe(&all);
	return good;
}

const struct config *config_of(struct config_shelf *shelf, const struct config *c,
	const char *file, struct err *e)
{
	struct shelved *one;

	if (!file || c->file)
		return c;
	for (size_t i = 0; i < shelf->count; i++)
		if (!strcmp(shelf->items[i]->file, file))
			return shelf->items[i]->good ? &shelf->items[i]->config : NULL;
	if (access(file, F_OK) < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return c;
		err_sys(e, ERR_CONFIG, errno, "the configuration that it was taken in with cannot be "
			"read (%s)", file);
		return NULL;
	}
	shelf->items = mem_grow(shelf->items, shelf->count + 1, sizeof(*shelf->items));
	one = shelf->items[shelf->count++] = mem_alloc(sizeof(*one));
	one->file = mem_string(file);
	one->good = config_load(&one->config, file, e) == 0;
	return one->good ? &one->config : NULL;
}

void config_shelf_release(struct config_shelf *shelf)
{
	for (size_t i = 0; i < shelf->count; i++) {
		free(shelf->items[i]->file);
		config_release(&shelf->items[i]->config);
		free(shelf->items[i]);
	}
	free(shelf->items);
	*shelf = (struct config_shelf){ 0 };
}

void config_be_patient(struct config *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->accounts[i].source && !conf_find(c->accounts[i].source, CONF_ACCOUNT,
				c->accounts[i].name, "timeout"))
			c->accounts[i].net.timeout = RUNNER_TIMEOUT_MS;
}

void config_release(struct config *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->accounts[i].source)   /* the runner's is static */
			account_release(&c->accounts[i]);
	free(c->accounts);
	conf_clear(global_tables, &c->global);
	for (size_t i = 0; i < c->source_count; i++)
		conf_release(&c->sources[i]);
	for (size_t i = 0; i < CONFIG_SOURCES_MAX; i++)
		buf_wipe(&c->texts[i]);
	buf_release(&c->tried);
	free(c->file);
	free(c->denied);
	memset(c, 0, sizeof(*c));
}

const struct account *config_account(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->count; i++)
		if (!strcmp(c->accounts[i].name, name))
			return &c->accounts[i];
	return NULL;
}

int config_default(const struct config *c, const struct account **a, struct err *e)
{
	if (c->global.default_account)
		*a = config_account(c, c->global.default_account);
	else if (c->count == 1)
		*a = &c->accounts[0];
	else if (!c->count)
		return err_set(e, ERR_CONFIG, "no account is configured");
	else {
		err_set(e, ERR_CONFIG, "no account fits the sender and there is no default");
		return err_hint(e, "add to [sendoff]: default = %s", c->accounts[0].name);
	}
	return 0;
}

const char *config_domain(const struct config *c)
{
	if (c && c->global.domain)
		return c->global.domain;
	return host_mailname() ? host_mailname() : host_name();
}

void config_origin(const struct config *c, const struct account *a, const char *key,
	struct buf *out)
{
	const struct conf_source *src = a ? a->source : NULL;
	const struct conf_entry *entry = NULL;

	for (size_t i = a ? 0 : c->source_count; !entry && i-- > 0;) {
		src = &c->sources[i];
		entry = conf_find(src, CONF_GLOBAL, NULL, key);
	}
	if (src && a)   /* the runner's socket stands in no source */
		entry = conf_find(src, CONF_ACCOUNT, a->name, key);
	if (a && !entry) {
		src = &a->given;
		entry = conf_find(src, CONF_ACCOUNT, a->name, key);
	}
	if (!entry)
		buf_add_text(out, "default");
	else if (!entry->line)
		buf_add_text(out, src->name);
	else
		buf_printf(out, "%s:%u", src->name, entry->line);
}
