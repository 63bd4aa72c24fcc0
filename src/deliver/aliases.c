/* deliver/aliases.c - reading alias files; see aliases.h. */
#include "deliver/aliases.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/host.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"
#include "mail/address.h"

enum { PERSONAL, SYSTEM };

static const char usual[] = "/etc/aliases";

/* A directory of another user's was left in the environment by cron or sudo. */
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
		return mem_printf("%s/sendoff/aliases", xdg);
	home = process_home();
	return home ? mem_printf("%s/.config/sendoff/aliases", home) : NULL;
}

static enum file_result read_owned(const char *path, uid_t *owner, struct buf *out, struct err *e)
{
	struct stat st;
	int fd;
	enum file_result result = file_open(path, FILE_OWNED, &fd, e);

	if (result != FILE_OK)
		return result;
	if (fstat(fd, &st) < 0 || file_read_open(fd, path, out, e) < 0)
		result = FILE_BAD;
	else
		*owner = st.st_uid;
	close(fd);
	return result;
}

/* Own trouble with an own file is told; the system's file may be none of ours. */
static int load(struct alias_book *b, size_t table, const char *path, struct err *e)
{
	struct buf text = BUF_INIT(ALIASES_FILE_MAX);
	enum file_result result = read_owned(path, &b->owners[table], &text, e);
	int good = 0;

	if (result == FILE_OK)
		good = alias_table_parse(&b->tables[table], path, buf_text(&text), text.len, e);
	else if (result == FILE_BAD || (result == FILE_DENIED && table == PERSONAL))
		good = err_context(e, "aliases");
	buf_release(&text);
	return good;
}

int alias_book_read(const struct alias_book *b, size_t table, const char *path, struct buf *out,
	struct err *e)
{
	char shown[256];
	uid_t owner = (uid_t)-1;

	if (read_owned(path, &owner, out, e) != FILE_OK)
		return -1;
	if (owner == b->owners[table])
		return 0;
	buf_clear(out);
	text_clean_to(shown, sizeof(shown), path, strlen(path));
	err_set(e, ERR_CONFIG, "'%s' does not belong to the owner of the aliases that include it (uid "
		"%lu)", shown, (unsigned long)b->owners[table]);
	return err_hint(e, "put the addresses into the alias itself, or give the file to that user");
}

static int include(void *context, size_t table, const char *path, struct buf *out, struct err *e)
{
	return alias_book_read(context, table, path, out, e);
}

/* Of an address, or a pattern as of `match`: without "@" it is a domain. */
static bool is_in_domain(const char *item, const char *domain)
{
	const char *at = strrchr(item, '@');
	char *address = mem_printf("x@%s", domain);
	bool good = address_matches(address, at ? at + 1 : item);

	free(address);
	return good;
}

static bool lists_domain(const struct key_list *list, const char *domain)
{
	for (size_t i = 0; i < list->count; i++)
		if (is_in_domain(list->items[i], domain))
			return true;
	return false;
}

static bool is_known_elsewhere(const struct config *c, const char *domain)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct who_settings *who = &c->accounts[i].who;
		const char *user = c->accounts[i].sasl.user;

		if ((who->from && is_in_domain(who->from, domain)) ||
				(user && strchr(user, '@') && is_in_domain(user, domain)) ||
				lists_domain(&who->match, domain) || lists_domain(&who->allowed_from, domain))
			return true;
	}
	return false;
}

const char **aliases_local_names(const struct config *c)
{
	const char *host = host_name();
	size_t own = c ? c->global.local_names.count : 0, count = 0, label = strcspn(host, ".");
	const char **names = mem_alloc((own + 3) * sizeof(*names) + 2 * (strlen(host) + 1));
	char *bare = (char *)(names + own + 3), *full = bare + label + 1;

	for (; count < own; count++)
		names[count] = c->global.local_names.items[count];
	memcpy(bare, host, label);
	bare[label] = '\0';
	memcpy(full, host, strlen(host) + 1);
	names[count++] = bare;
	if (host[label] && c && !is_known_elsewhere(c, host))
		names[count++] = full;
	names[count] = NULL;
	return names;
}

static void make_rules(struct alias_book *b, const struct config *c)
{
	b->local_names = aliases_local_names(c);
	b->rules = (struct alias_rules){
		.tables = { b->tables[PERSONAL], b->tables[SYSTEM] },
		.admin = c ? c->global.admin : NULL,
		.domain = config_domain(c),
		.local_names = b->local_names, .include = include, .context = b
	};
}

int alias_book_load(struct alias_book *b, const struct config *c, bool personal, struct err *e)
{
	const char *system = c && c->global.aliases ? c->global.aliases : usual;
	char *own = personal ? personal_path() : NULL;
	int good;

	memset(b, 0, sizeof(*b));
	good = own ? load(b, PERSONAL, own, e) : 0;
	if (good == 0)
		good = load(b, SYSTEM, system, e);
	free(own);
	if (good < 0)
		alias_book_release(b);
	else
		make_rules(b, c);
	return good;
}

void alias_book_release(struct alias_book *b)
{
	alias_table_free(&b->tables[PERSONAL]);
	alias_table_free(&b->tables[SYSTEM]);
	free(b->local_names);
	memset(b, 0, sizeof(*b));
}

const struct alias_rules *alias_book_rules(const struct alias_book *b)
{
	return &b->rules;
}
