/* t/unit/tls_rig.h - a TLS server in the same process, over a socket pair and
 * without threads, and the identities that it can show. */
#ifndef T_UNIT_TLS_RIG_H
#define T_UNIT_TLS_RIG_H

#include "t/unit/tap.h"
#include "t/unit/zoo.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/conn.h"
#include "net/pin.h"
#include "net/tls.h"
#include "net/verify.h"

static const char tls12[] = "NORMAL:-VERS-ALL:+VERS-TLS1.2";

static char dir[] = "/tmp/sendoff-tls-XXXXXX";
static struct identity root, leaf;
static char *ca_file;

struct server {
	int fd;
	gnutls_session_t session;
	gnutls_certificate_credentials_t cred;
};

enum { ROOT, SELF, STRANGER, MIDDLE, OLD_MIDDLE, CROSS, NAMESAKE, NARROW, OLD_ROOT, WEAK_ROOT,
	RSA_ROOT, BARRED, YOUNG_ROOT, YOUNG_MIDDLE, FLIMSY, LEAF, ISSUERS };

static struct identity issuers[ISSUERS];
static unsigned along;         /* bits of issuers: certificates sent behind the server's own */

static unsigned make_chain(const struct identity *id, gnutls_x509_crt_t chain[ISSUERS + 1])
{
	unsigned count = 1;

	chain[0] = id->crt;
	for (int i = 0; i < ISSUERS; i++)
		if (along & 1u << i)
			chain[count++] = issuers[i].crt;
	return count;
}

static void server_open(struct server *s, int fd, const struct identity *id, const char *priority)
{
	gnutls_x509_crt_t chain[ISSUERS + 1];
	int count = (int)make_chain(id, chain);

	s->fd = fd;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	ZOO_MUST(gnutls_init(&s->session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL));
	ZOO_MUST(gnutls_priority_set_direct(s->session, priority ? priority : "NORMAL", NULL));
	ZOO_MUST(gnutls_certificate_allocate_credentials(&s->cred));
	ZOO_MUST(gnutls_certificate_set_x509_key(s->cred, chain, count, id->key));
	ZOO_MUST(gnutls_credentials_set(s->session, GNUTLS_CRD_CERTIFICATE, s->cred));
	gnutls_transport_set_int(s->session, fd);
}

static void server_close(struct server *s)
{
	gnutls_deinit(s->session);
	gnutls_certificate_free_credentials(s->cred);
	if (s->fd >= 0)
		close(s->fd);
}

static char *file_of(const char *name)
{
	return mem_printf("%s/%s", dir, name);
}

/* Both sides in turn until both have an outcome.  The client's is returned. */
static enum tls_want shake(struct tls *t, struct server *s, struct err *e)
{
	enum tls_want want = TLS_WANT_WRITE;
	int rc = GNUTLS_E_AGAIN;

	for (int i = 0; i < 100 && (want > 0 || rc == GNUTLS_E_AGAIN); i++) {
		if (want > 0)
			want = tls_handshake(t, e);
		if (want < 0)
			break;
		if (rc == GNUTLS_E_AGAIN)
			rc = gnutls_handshake(s->session);
		if (rc < 0 && gnutls_error_is_fatal(rc)) {
			gnutls_alert_send_appropriate(s->session, rc);
			return tls_handshake(t, e);
		}
	}
	return want;
}

struct session {
	struct tls_settings set;
	struct tls_trust *trust;
	struct tls *tls;
	struct server server;
	int fd;
	struct err err;
	enum tls_want end;
};

static char *files[1];

static void settings(struct session *s)
{
	memset(s, 0, sizeof(*s));
	files[0] = ca_file;
	s->set.verify = true;
	s->set.ca_files = (struct key_list){ files, 1 };
}

/* Opens both ends and shakes hands. */
static void start(struct session *s, const char *host, const struct identity *id,
	const char *priority)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return;
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	s->fd = pair[0];
	server_open(&s->server, pair[1], id, priority);
	s->trust = tls_trust_load(&s->set, &s->err);
	s->tls = tls_new(s->fd, host, &s->set, s->trust, &s->err);
	s->end = s->tls ? shake(s->tls, &s->server, &s->err) : TLS_FAILED;
}

static void stop(struct session *s)
{
	tls_free(&s->tls);
	tls_trust_free(&s->trust);
	server_close(&s->server);
	close(s->fd);
}

static void make_issuers(void)
{
	static const struct recipe recipes[ISSUERS] = {
		[ROOT] = { .cn = "Root", .ca = true },
		[STRANGER] = { .cn = "Stranger", .ca = true },
		[MIDDLE] = { .cn = "Middle", .ca = true },
		[OLD_MIDDLE] = { .cn = "Old middle", .ca = true, .to = 2021 },
		[NAMESAKE] = { .cn = "Root", .ca = true },
		[NARROW] = { .cn = "Narrow", .ca = true, .permitted = "example.org" },
		[OLD_ROOT] = { .cn = "Old", .ca = true, .to = 2021 },
		[WEAK_ROOT] = { .cn = "Weak", .ca = true, .rsa = 1024 },
		[RSA_ROOT] = { .cn = "RSA", .ca = true, .rsa = 2048 },
		[BARRED] = { .cn = "Barred", .ca = true, .excluded = "example.com" },
		[YOUNG_ROOT] = { .cn = "Young", .ca = true, .from = 2090 },
		[YOUNG_MIDDLE] = { .cn = "Young middle", .ca = true, .from = 2090 },
		[FLIMSY] = { .cn = "Flimsy", .ca = true, .curve = GNUTLS_ECC_CURVE_SECP192R1 }
	};
	static const int issued_by[ISSUERS] = { [MIDDLE] = ROOT + 1, [OLD_MIDDLE] = ROOT + 1,
		[FLIMSY] = ROOT + 1, [YOUNG_MIDDLE] = YOUNG_ROOT + 1 };   /* 0: by itself */
	static const int trusted[] = { ROOT, NARROW, OLD_ROOT, WEAK_ROOT, RSA_ROOT, BARRED,
		YOUNG_ROOT };
	static const struct recipe good = { .cn = "leaf", .dns = { "mail.example.com" } };
	struct identity other;
	FILE *f;

	root = zoo_make(&recipes[ROOT], NULL);
	issuers[ROOT] = root;
	for (int i = STRANGER; i < LEAF; i++)
		if (i != CROSS)
			issuers[i] = zoo_make(&recipes[i],
				issued_by[i] ? &issuers[issued_by[i] - 1] : NULL);
	issuers[CROSS] = zoo_with_key(&recipes[STRANGER], &root, issuers[STRANGER].key);
	leaf = zoo_make(&good, &root);
	issuers[LEAF] = leaf;
	other = zoo_make(&(struct recipe){ .cn = "Another root", .ca = true }, NULL);
	ca_file = file_of("ca.pem");
	f = fopen(ca_file, "w");
	for (size_t i = 0; i < COUNT(trusted); i++)
		zoo_write_cert(f, issuers[trusted[i]].crt);
	zoo_write_cert(f, other.crt);
	fclose(f);
	zoo_free(&other);
}

/* Before the first test, and behind the last. */
static bool rig_open(void)
{
	if (!mkdtemp(dir))
		return false;
	make_issuers();
	return true;
}

static int rig_close(void)
{
	unlink(ca_file);
	free(ca_file);
	rmdir(dir);
	for (int i = 0; i < ISSUERS; i++)
		if (i != SELF)
			zoo_free(&issuers[i]);
	return tap_done();
}

#endif
