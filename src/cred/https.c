/* cred/https.c - one request, asked by a child; see https.h.
 *
 * The child is a copy of us that holds what is sent and what comes back, and nothing of
 * either is left when it has ended: it asks, tells, and does not tidy up.
 */
#include "cred/https.h"

#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/secret.h"
#include "base/text.h"
#include "cred/curl.h"
#include "net/lookup.h"
#include "net/proxy.h"
#include "net/trust.h"

enum {
	URL_MAX       = 2048,    /* octets */
	HOST_MAX      = 256,
	RETRY_MOST    = 86400,   /* seconds; who says more is not believed */
	GRACE_MS      = 500,     /* the child's own deadline is so much nearer than ours */
	AUTHORITY_MAX = SECRET_MAX + 64
};

static const char scheme[] = "https://";

/* What the child tells. */
struct told {
	struct err err;          /* without a cause */
	int status;
	long retry_after;
	size_t len;
	bool too_long;
	bool missing;            /* libcurl is */
	char noted[HTTPS_NOTED];
	char body[HTTPS_BODY_MAX];
};

struct question {
	const struct https_request *request;   /* borrowed, as host */
	const char *host;
	uint64_t deadline;
	void *context;                         /* of `keep` */
};

struct https {
	struct lookup *lookup;
	char host[HOST_MAX];     /* cleaned; with the port, where the URL has one */
	unsigned seconds;        /* that it was given */
	https_done *done;
	void *context;
};

static unsigned seconds_until(uint64_t deadline)
{
	uint64_t now = clock_ms();

	return deadline > now ? (unsigned)((deadline - now + 999) / 1000) : 0;
}

/* ---- the URL */

/* Printable ASCII with a host and nobody's name before it. */
static int check_url(const char *url, char host[HOST_MAX], struct err *e)
{
	size_t head = sizeof(scheme) - 1, len = strlen(url), end;
	char shown[HOST_MAX];

	text_clean_to(shown, sizeof(shown), url, len);
	if (len <= head || len > URL_MAX || !text_equal_fold(url, head, scheme, head))
		return err_set(e, ERR_CONFIG, "'%s' is no https:// URL", shown);
	for (size_t i = 0; i < len; i++)
		if (url[i] < 0x21 || url[i] > 0x7e)
			return err_set(e, ERR_CONFIG, "'%s' is no URL: octet %zu is not printable "
				"ASCII", shown, i + 1);
	end = strcspn(url + head, "/?#");
	if (!end || url[head] == ':' || end >= HOST_MAX || memchr(url + head, '@', end))
		return err_set(e, ERR_CONFIG, "'%s' is no URL with a host", shown);
	memcpy(host, url + head, end);
	host[end] = '\0';
	return 0;
}

/* ---- in the child */

static size_t take(char *data, size_t one, size_t count, void *context)
{
	struct told *t = context;
	size_t len = one * count;

	t->too_long = len > sizeof(t->body) - t->len;
	if (t->too_long)
		return 0;
	memcpy(t->body + t->len, data, len);
	t->len += len;
	return len;
}

/* libcurl says only that a name was not found, not whether it exists. */
static enum err_kind name_kind(const char *host)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	char name[HOST_MAX];
	struct addrinfo *list = NULL;
	int code;

	memcpy(name, host, strlen(host) + 1);
	name[strcspn(name, ":")] = '\0';
	code = getaddrinfo(name, NULL, &hints, &list);
	if (list)
		freeaddrinfo(list);
#ifdef EAI_NODATA
	if (code == EAI_NODATA)
		return ERR_NAME;
#endif
	return code == EAI_NONAME ? ERR_NAME : ERR_NAME_AGAIN;
}

static enum err_kind kind_of(CURLcode code, const char *host)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return name_kind(host);
	case CURLE_COULDNT_RESOLVE_PROXY:
		return ERR_NAME_AGAIN;
	case CURLE_OPERATION_TIMEDOUT:
		return ERR_TIMEOUT;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return ERR_CERT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ENGINE_NOTFOUND:
	case CURLE_SSL_ENGINE_SETFAILED:
	case CURLE_SSL_ENGINE_INITFAILED:
		return ERR_TLS;
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return ERR_CONFIG;
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_PARTIAL_FILE:
		return ERR_LOST;
	case CURLE_WRITE_ERROR:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
	case CURLE_BAD_CONTENT_ENCODING:
		return ERR_PROTOCOL;
	case CURLE_OUT_OF_MEMORY:
	case CURLE_FAILED_INIT:
	case CURLE_NOT_BUILT_IN:
		return ERR_SYSTEM;
	default:
		return ERR_CONNECT;
	}
}

/* A proxy is somebody's whom the user must know of when it refuses. */
static bool is_proxys(CURL *easy, struct told *t, const char *proxy, const char *host,
	const char *why)
{
	long code = 0;

	if ((!proxy && !process_https_proxy()) ||
			curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &code) != CURLE_OK ||
			!code || code == 200)
		return false;
	err_set(&t->err, ERR_CONNECT, "%s cannot be asked: %s", host, why);
	err_hint(&t->err, proxy ? "the proxy of the account refused: see its user and password, and that "
		"it lets us through to port 443" : "the proxy of the variable https_proxy refused; no_proxy "
		"names hosts that are asked without it");
	return true;
}

/* Which roots have not served. */
static void add_trust(struct told *t, const char *ca_file, CURLcode code)
{
	char shown[200];

	if (code != CURLE_SSL_CACERT_BADFILE && t->err.kind != ERR_CERT)
		return;
	if (ca_file) {
		text_clean_to(shown, sizeof(shown), ca_file, strlen(ca_file));
		err_hint(&t->err, "%s that '%s' holds the server's authority: of tls_ca_file the first "
			"file counts here", t->err.kind == ERR_CERT ?
			"see that this machine's clock is right, and" : "see", shown);
	} else if (code == CURLE_SSL_CACERT_BADFILE) {
		err_hint(&t->err, "install the package ca-certificates");
	}
}

static void explain(CURL *easy, CURLcode code, char *said, const struct question *q,
	struct told *t)
{
	const char *text = *said ? said : curl_easy_strerror(code);
	struct mask mask = { 0 };
	char why[400];

	proxy_hide(q->request->proxy ? q->request->proxy : process_https_proxy(), &mask);
	mask_words(&mask, said);
	mask_wipe(&mask);
	text_clean_to(why, sizeof(why), text, strlen(text));
	if (t->too_long)
		err_set(&t->err, ERR_PROTOCOL, "the answer of %s is longer than %d octets", q->host,
			HTTPS_BODY_MAX);
	else if (!is_proxys(easy, t, q->request->proxy, q->host, why))
		err_set(&t->err, kind_of(code, q->host), "%s cannot be asked: %s", q->host, why);
	add_trust(t, q->request->ca_file, code);
}

/* Ours alone count: neither the roots that libcurl would take nor what it would add. */
static bool set_trust(CURL *easy, const char *ca_file)
{
	const char *file = ca_file ? ca_file : trust_system_file();
	bool good = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK;
	struct stat st;

	if (!file)
		return good;
	if (stat(file, &st) == 0 && S_ISDIR(st.st_mode))
		return good && curl_easy_setopt(easy, CURLOPT_CAINFO, NULL) == CURLE_OK &&
			curl_easy_setopt(easy, CURLOPT_CAPATH, file) == CURLE_OK;
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);   /* not all builds have it */
	return good && curl_easy_setopt(easy, CURLOPT_CAINFO, file) == CURLE_OK;
}

/* The account's own; names are left to it. */
static bool set_own_proxy(CURL *easy, const char *url)
{
	struct proxy p;
	struct err ignored;
	char host[NAME_MAX_OCTETS], place[NAME_MAX_OCTETS + 32];
	bool good = proxy_parse(url, &p, &ignored) == 0 &&
		name_ascii(p.host, host, ERR_CONFIG, &ignored) == 0;

	if (good) {
		snprintf(place, sizeof(place), strchr(host, ':') ? "%s://[%s]:%u" : "%s://%s:%u",
			p.kind == PROXY_HTTP ? "http" : "socks5h", host, p.port);
		good = curl_easy_setopt(easy, CURLOPT_PROXY, place) == CURLE_OK &&
			curl_easy_setopt(easy, CURLOPT_NOPROXY, "") == CURLE_OK;
	}
	if (good && p.user.data)
		good = curl_easy_setopt(easy, CURLOPT_PROXYUSERNAME, p.user.data) == CURLE_OK &&
			curl_easy_setopt(easy, CURLOPT_PROXYPASSWORD, p.password.data) == CURLE_OK;
	proxy_release(&p);
	return good;
}

static bool set_proxy(CURL *easy, const char *own)
{
	const char *proxy = process_https_proxy(), *no_proxy = process_no_proxy();

	if (own)
		return set_own_proxy(easy, own);
	return curl_easy_setopt(easy, CURLOPT_PROXY, proxy ? proxy : "") == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_NOPROXY, no_proxy ? no_proxy : "") == CURLE_OK;
}

static bool set_headers(CURL *easy, const char *authorization)
{
	struct curl_slist *list = curl_slist_append(NULL, "Accept: application/json");
	struct buf line = BUF_INIT(AUTHORITY_MAX);

	if (authorization && list) {
		buf_printf(&line, "Authorization: %s", authorization);
		list = buf_ok(&line) ? curl_slist_append(list, buf_text(&line)) : NULL;
		buf_wipe(&line);
	}
	return list && curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list) == CURLE_OK;
}

static bool set_body(CURL *easy, const struct buf *body)
{
	return !body || (curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)body->len) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, buf_text(body)) == CURLE_OK);
}

static bool set_all(CURL *easy, const struct question *q, struct told *t, char *said)
{
	uint64_t now = clock_ms();
	long left = q->deadline > now + 2 * GRACE_MS ? (long)(q->deadline - now) - GRACE_MS : GRACE_MS;

#if LIBCURL_VERSION_NUM >= 0x075500
	/* An older one has nothing else either: no redirect is followed. */
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
#endif
	return curl_easy_setopt(easy, CURLOPT_URL, q->request->url) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, left) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, left) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, said) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_WRITEDATA, t) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_USERAGENT, "sendoff/" SENDOFF_VERSION) == CURLE_OK &&
		set_trust(easy, q->request->ca_file) && set_proxy(easy, q->request->proxy) &&
		set_headers(easy, q->request->authorization) && set_body(easy, q->request->body);
}

static void perform(const struct question *q, struct told *t)
{
	char said[CURL_ERROR_SIZE] = "";
	curl_off_t retry = 0;
	CURLcode code;
	static CURL *easy;   /* it ends with the child, as all that it has */
	long status = 0;

	easy = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_easy_init() : NULL;
	if (!easy || !set_all(easy, q, t, said)) {
		err_set(&t->err, ERR_SYSTEM, "libcurl cannot be set up to ask %s", q->host);
		return;
	}
	code = curl_easy_perform(easy);
	if (code != CURLE_OK) {
		explain(easy, code, said, q, t);
		return;
	}
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry);   /* seconds, also of a date */
	t->status = (int)status;
	t->retry_after = retry < 0 ? 0 : retry > RETRY_MOST ? RETRY_MOST : (long)retry;
}

static void copy_answer(struct https_answer *a, const struct told *t)
{
	a->status = t->status;
	a->retry_after = t->retry_after;
	a->body = BUF_INIT(HTTPS_BODY_MAX + 1);
	buf_reserve(&a->body, t->len);   /* never grows, so leaves no copy */
	buf_add(&a->body, t->body, t->len);
	snprintf(a->noted, sizeof(a->noted), "%.*s", (int)sizeof(t->noted) - 1, t->noted);
}

static void keep(const struct question *q, struct told *t)
{
	struct https_answer a = { 0 };
	struct err e = t->err;

	child_end_within(0);
	if (!t->err.kind)
		copy_answer(&a, t);
	if (q->request->keep(q->context, t->err.kind ? NULL : &a, &e) < 0)
		t->err = e;
	else if (!t->err.kind && e.kind)
		snprintf(t->noted, sizeof(t->noted), "%.*s", (int)sizeof(t->noted) - 1, e.text);
	https_answer_release(&a);
}

/* Whatever the libraries behind libcurl would read of the environment is none of theirs; a
 * keyring, in which it may be kept, is found by it. */
static int ask(int out, void *question)
{
	static char *none[] = { NULL };
	struct told *t = mem_alloc(sizeof(*t));
	const struct question *q = question;
	char **ours = environ;

	process_hold_secret();
	environ = none;
	if (q->request->keep) {
		child_stand_alone();
		child_end_within(seconds_until(q->deadline) + 1);   /* whatever hangs in a library */
	}
	t->missing = curl_need(&t->err) < 0;
	if (!t->missing)
		perform(q, t);
	environ = ours;
	if (q->request->keep)
		keep(q, t);
	t->err.cause = NULL;
	return lookup_answer(out, t, sizeof(*t));
}

/* ---- here */

static void tell(void *context, const void *answer, bool late)
{
	const struct told *t = answer;
	struct https *h = context;
	struct https_answer a = { 0 };
	struct err e = { 0 };

	if (late) {
		err_set(&e, ERR_TIMEOUT, "%s cannot be asked: no answer within %u s", h->host,
			h->seconds);
	} else if (!t || t->len > sizeof(t->body)) {
		err_set(&e, ERR_SYSTEM, "%s cannot be asked: the process that does it was ended",
			h->host);
	} else if (t->err.kind) {
		e = t->err;
		if (t->missing)
			err_cause(&e, "library-missing");
	} else {
		copy_answer(&a, t);
	}
	h->done(h->context, e.kind ? NULL : &a, &e);
	https_answer_release(&a);
}

struct https *https_start(struct loop *l, const struct https_request *r, uint64_t deadline,
	https_done *done, void *context)
{
	struct https *h = mem_alloc(sizeof(*h));
	struct question q = { .request = r, .host = h->host, .deadline = deadline,
		.context = context };
	struct err e = { 0 };

	if (deadline == LOOP_NEVER)
		q.deadline = clock_ms() + HTTPS_SECONDS * 1000;
	h->seconds = seconds_until(q.deadline);
	h->done = done;
	h->context = context;
	if (check_url(r->url, h->host, &e) == 0 && r->keep)
		h->lookup = lookup_start_spared(l, ask, &q, sizeof(struct told),
			q.deadline + r->keep_seconds * 1000ULL, r->lock, tell, h, &e);
	else if (!e.kind)
		h->lookup = lookup_start(l, ask, &q, sizeof(struct told), q.deadline, tell, h, &e);
	if (h->lookup)
		return h;
	free(h);
	done(context, NULL, &e);
	return NULL;
}

void https_free(struct https **hp)
{
	struct https *h = *hp;

	if (!h)
		return;
	lookup_free(&h->lookup);
	free(h);
	*hp = NULL;
}

void https_answer_release(struct https_answer *a)
{
	buf_wipe(&a->body);
}
