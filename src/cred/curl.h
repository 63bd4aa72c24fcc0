/* cred/curl.h - libcurl, loaded when a token is first asked for.
 *
 * It brings some thirty libraries along, so it is loaded in the child that asks
 * (cred/https) and nowhere else.  As in base/gnutls.h its functions are called as ever.
 */
#ifndef CRED_CURL_H
#define CRED_CURL_H

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include "base/err.h"

#undef curl_easy_getinfo   /* macros of the same name, which no pointer can be called by */
#undef curl_easy_setopt

#define CURL_CALLS(X) \
	X(easy_getinfo) X(easy_init) X(easy_perform) X(easy_setopt) X(easy_strerror) \
	X(global_init) X(slist_append)

#define CURL_POINTER(name) __typeof__(curl_##name) *name;
extern struct curl_calls { CURL_CALLS(CURL_POINTER) } curl_calls;

/* To be called before any of the functions.  -1: ERR_SYSTEM, it cannot be had. */
int curl_need(struct err *e);

#define curl_easy_getinfo (*curl_calls.easy_getinfo)
#define curl_easy_init (*curl_calls.easy_init)
#define curl_easy_perform (*curl_calls.easy_perform)
#define curl_easy_setopt (*curl_calls.easy_setopt)
#define curl_easy_strerror (*curl_calls.easy_strerror)
#define curl_global_init (*curl_calls.global_init)
#define curl_slist_append (*curl_calls.slist_append)

#endif
