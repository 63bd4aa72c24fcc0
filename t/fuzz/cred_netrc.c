/* t/fuzz/cred_netrc.c - any octets as a netrc file.
 *
 * It comes to an end; what it gives are words of the file, and what it says of a file in which
 * nothing is found is short and clean, and tells no password.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cred/netrc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

static void look(const char *text, size_t len, const char *user)
{
	struct netrc_wanted wanted = { "smtp.x.test", 587, user };
	struct netrc_entry got;
	struct err e = { 0 };

	if (netrc_find(text, len, &wanted, &got, &e) == 0) {
		must(got.password.data && got.password.len < len);
		must(strlen(got.password.data) == got.password.len);
		must(!got.login || strlen(got.login) < len);
		must(!user || !got.login || !strcmp(user, got.login));
	} else {
		must(e.kind == ERR_SECRET && e.cause && e.text[0] && !got.login && !got.password.data);
		for (const char *at = e.text; *at; at++)
			must((unsigned char)*at >= ' ' && *at != 0x7f);
	}
	netrc_release(&got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	look((const char *)data, size, NULL);
	look((const char *)data, size, "me");
	return 0;
}
