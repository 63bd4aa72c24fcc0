/* deliver/unconfigured.h - an account that stands in no file: from an address, or from
 * what the command line says of a server.
 *
 * Its settings are made as those of a file are, so all of them mean the same, and
 * config_origin() tells of each where it comes from.
 */
#ifndef DELIVER_UNCONFIGURED_H
#define DELIVER_UNCONFIGURED_H

#include "deliver/provided.h"
#include "net/srv.h"

/* As a file would have them; NULL: not said. */
struct unconfigured_words {
	const char *address;       /* whose account it is: its from, and its user */
	const char *provider, *host, *port, *tls, *user;
	const char *const *settings;   /* further keys, as "KEY=VALUE"; none holds a secret */
	size_t setting_count;
	bool no_login;             /* nor is there one where there is only a host */

	/* What DNS has told of the address's domain, which counts where neither a provider
	 * nor a host is known; one that is foreign has been accepted by the user. */
	const struct srv_target *found;
};

struct unconfigured {
	struct conf_source said;   /* own; "command line" */
	struct account account;    /* own; its name is "check", its source is `said` */
};

/* When it is to log in, secret.asked is set: the password comes into account.secret.given.
 *  u stays where it is until it is
 * released, which is right in any case.  -1: ERR_USAGE: a word that is no good, or no
 * server is known. */
int  unconfigured_make(struct unconfigured *u, const struct unconfigured_words *w,
	const char *home, struct err *e);
void unconfigured_release(struct unconfigured *u);

/* Whether the words leave open which server it is, so that it is worth asking DNS: the
 * domain of the address; else NULL. */
const char *unconfigured_domain(const struct unconfigured_words *w);

/* How servers of a domain are usually called, the likeliest first; NULL: no more.  That
 * one answers proves nothing: such a name is proposed to the user, and never told a
 * password before the user has taken it. */
const char *unconfigured_guess(const char *domain, unsigned number, char *out, size_t size);

#endif
