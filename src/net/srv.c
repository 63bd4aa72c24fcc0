/* net/srv.c - asking for the submission servers of a domain; see srv.h. */
#include "net/srv.h"

#include <netdb.h>
#include <netinet/in.h>
#include <arpa/nameser.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "net/lookup.h"

enum { MESSAGE_MAX = 65535 };

/* What the child tells. */
struct answer {
	bool again;              /* some question was not answered */
	struct srv_list found;
};

struct srv {
	struct lookup *lookup;
	char shown[NAME_MAX_OCTETS];
	srv_done *done;
	void *context;
};

/* Runs in the child. */
static void ask_for(const char *service, const char *domain, bool implicit, struct answer *a)
{
	static unsigned char message[MESSAGE_MAX];
	char name[NAME_MAX_OCTETS + 32];
	int len;

	snprintf(name, sizeof(name), "%s.%s", service, domain);
	len = res_query(name, ns_c_in, ns_t_srv, message, sizeof(message));
	if (len > MESSAGE_MAX)
		len = MESSAGE_MAX;
	if (len < 0)
		a->again |= h_errno != HOST_NOT_FOUND && h_errno != NO_DATA;
	else
		a->again |= srv_read(message, (size_t)len, domain, implicit, &a->found) < 0;
}

static int ask(int out, void *context)
{
	static struct answer a;

	ask_for("_submissions._tcp", context, true, &a);
	ask_for("_submission._tcp", context, false, &a);
	return lookup_answer(out, &a, sizeof(a));
}

/* a NULL: the child did not tell. */
static void explain(const struct srv *s, const struct answer *a, bool late, struct err *e)
{
	if (!a || a->again)
		err_set(e, ERR_NAME_AGAIN, "cannot ask for the submission server of %s: %s", s->shown,
			late ? "no answer in time" : a ? "the name servers do not answer now" :
			"the look-up ended early");
	else if (a->found.refused)
		err_set(e, ERR_NAME, "%s takes no mail for submission: its SRV record says so",
			s->shown);
	else
		err_set(e, ERR_NAME, "%s does not tell its submission server: it has no SRV record",
			s->shown);
}

static void answered(void *context, const void *answer, bool late)
{
	struct srv *s = context;
	struct answer a;
	struct err e = { 0 };

	if (answer)
		memcpy(&a, answer, sizeof(a));
	if (!answer || !a.found.count || a.found.count > SRV_MOST) {
		explain(s, answer && a.found.count <= SRV_MOST ? &a : NULL, late, &e);
		s->done(s->context, NULL, &e);
		return;
	}
	s->done(s->context, &a.found, &e);
}

struct srv *srv_start(struct loop *l, const char *domain, uint64_t deadline, srv_done *done,
	void *context)
{
	char name[NAME_MAX_OCTETS];
	struct sockaddr_storage ignored;
	struct err e = { 0 };
	struct srv *s;

	if (name_ascii(domain, name, ERR_NAME, &e) < 0) {
		done(context, NULL, &e);
		return NULL;
	}
	s = mem_alloc(sizeof(*s));
	text_clean_to(s->shown, sizeof(s->shown), name, strlen(name));
	s->done = done;
	s->context = context;
	if (name_address(name, &ignored))
		err_set(&e, ERR_NAME, "%s is an address and has no SRV record", s->shown);
	else
		s->lookup = lookup_start(l, ask, name, sizeof(struct answer), deadline, answered, s, &e);
	if (s->lookup)
		return s;
	free(s);
	done(context, NULL, &e);
	return NULL;
}

void srv_free(struct srv **sp)
{
	struct srv *s = *sp;

	if (!s)
		return;
	lookup_free(&s->lookup);
	free(s);
	*sp = NULL;
}
