/* deliver/config_check.c - what settings mean together, and beside the files that they
 * stand in; see config_state.h. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "deliver/config_state.h"
#include "mail/address.h"
#include "net/loopback.h"

static int check_default(const struct config *c, struct err *e)
{
	const char *name = c->global.default_account;
	struct buf origin = BUF_INIT(4096);
	char shown[80];

	if (!name || config_account(c, name))
		return 0;
	config_origin(c, NULL, "default", &origin);
	text_clean_to(shown, sizeof(shown), name, strlen(name));
	err_set(e, ERR_CONFIG, "%s: default names no account that exists: '%s'", buf_text(&origin),
		shown);
	buf_release(&origin);
	return -1;
}

static int check_fallbacks(const struct config *c, struct err *e)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct account *a = &c->accounts[i];
		struct buf origin = BUF_INIT(4096);

		if (!a->who.fallback || (config_account(c, a->who.fallback) &&
				strcmp(a->who.fallback, a->name) != 0))
			continue;
		config_origin(c, a, "fallback", &origin);
		err_set(e, ERR_CONFIG, "%s: fallback names no other account", buf_text(&origin));
		err_hint(e, "`sendoff config show` lists the accounts");
		buf_release(&origin);
		return -1;
	}
	return 0;
}

/* Kept in ASCII (IDNA), since headers that it completes must stay ASCII too. */
static int finish_domain(struct config *c, struct err *e)
{
	struct buf address = BUF_INIT(ADDRESS_PATH_MAX + 1), origin = BUF_INIT(4096);
	int good;

	if (!c->global.domain)
		return 0;
	good = address_write("x", c->global.domain, NULL, &address, e);
	if (good == 0) {
		free(c->global.domain);
		c->global.domain = mem_string(strchr(buf_text(&address), '@') + 1);
	}
	buf_release(&address);
	if (good == 0)
		return 0;
	config_origin(c, NULL, "domain", &origin);
	err_set(e, ERR_CONFIG, "%s: domain is not the name of a domain", buf_text(&origin));
	err_hint(e, "write it as in: domain = example.com");
	buf_release(&origin);
	return -1;
}

/* Whose file it is: a runner of one's own has no port for everybody. */
static bool is_personal(const struct config *c, const struct conf_source *src)
{
	return !c->file && strcmp(src->name, config_system_file()) != 0;
}

static int check_listen(const struct config *c, struct err *e)
{
	const struct key_list *ports = &c->global.listen;
	struct buf origin = BUF_INIT(4096);
	struct loopback ignored;
	bool good = true;

	for (size_t i = 0; good && i < c->source_count; i++)
		if (is_personal(c, &c->sources[i]) &&
		    conf_find(&c->sources[i], CONF_GLOBAL, NULL, "listen")) {
			err_set(e, ERR_CONFIG, "listen is for the machine's runner only");
			err_hint(e, "move it into %s", config_system_file());
			good = false;
		}
	for (size_t i = 0; good && i < ports->count; i++)
		good = loopback_parse(ports->items[i], &ignored, e) == 0;
	if (good && ports->count > ACCOUNT_LISTEN_MOST) {
		err_set(e, ERR_CONFIG, "listen names more than %d ports", ACCOUNT_LISTEN_MOST);
		good = false;
	}
	if (good)
		return 0;
	config_origin(c, NULL, "listen", &origin);
	err_context(e, "%s", buf_text(&origin));
	buf_release(&origin);
	return -1;
}

int config_check(struct config *c, struct err *e)
{
	return finish_domain(c, e) < 0 || check_listen(c, e) < 0 || check_default(c, e) < 0 ||
		check_fallbacks(c, e) < 0 ? -1 : 0;
}
