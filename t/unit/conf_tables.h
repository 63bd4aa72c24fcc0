/* t/unit/conf_tables.h - key tables for the tests of conf/, not those of sendoff. */
#ifndef T_UNIT_CONF_TABLES_H
#define T_UNIT_CONF_TABLES_H

#include <stddef.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/secret.h"
#include "conf/conf.h"
#include "t/unit/tap.h"

#define BOM "\xef\xbb\xbf"
#define NAME_TEXT "an account's name is made of at most 64 letters, digits and the signs . _ - @ +"

struct global_part {
	char *account;
	long max_age;
};

struct server_part {
	char *host;
	long port;
	long timeout;
};

struct login_part {
	struct secret password;
	char *user;
};

struct account {
	int canary;
	struct server_part server;
	struct key_list from;
	bool verify;
	struct login_part login;
};

static const struct key global_keys[] = {
	{ "default", KEY_TEXT, offsetof(struct global_part, account), NULL, "", NULL, 0, 0 },
	{ "max_age", KEY_DURATION, offsetof(struct global_part, max_age), "5d", "", NULL, 0,
		864000000 },
	{ 0 }
};
static const struct key server_keys[] = {
	{ "host", KEY_WORD, offsetof(struct server_part, host), NULL, "", NULL, 0, 0 },
	{ "port", KEY_NUMBER, offsetof(struct server_part, port), "587", "", NULL, 1, 65535 },
	{ "timeout", KEY_DURATION, offsetof(struct server_part, timeout), NULL, "", NULL, 1000,
		3600000 },
	{ 0 }
};
static const struct key own_keys[] = {
	{ "from", KEY_LIST, offsetof(struct account, from), "nobody@example.com", "", NULL, 0, 0 },
	{ "verify", KEY_BOOL, offsetof(struct account, verify), "yes", "", NULL, 0, 0 },
	{ 0 }
};
static const struct key login_keys[] = {
	{ "password", KEY_SECRET, offsetof(struct login_part, password), NULL, "", NULL, 0, 0 },
	{ "user", KEY_TEXT, offsetof(struct login_part, user), NULL, "", NULL, 0, 0 },
	{ 0 }
};
static const struct conf_table global_tables[] = { { global_keys, 0 }, { 0 } };
static const struct conf_table account_tables[] = {
	{ server_keys, offsetof(struct account, server) },
	{ own_keys, 0 },
	{ login_keys, offsetof(struct account, login) },
	{ 0 }
};

/* A copy of exactly len octets: reading beyond them is found by the sanitizer. */
static int parse(struct conf_source *src, const char *text, size_t len, struct err *e)
{
	char *exact = mem_grow(NULL, len, 1);
	int result;

	memcpy(exact, text, len);
	memset(e, 0, sizeof(*e));
	result = conf_parse(src, "/etc/f", exact, len, global_tables, account_tables, e);
	free(exact);
	return result;
}

#endif
