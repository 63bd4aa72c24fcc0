/* t/fuzz/base_pkcs11.c - any text as a PKCS#11 URI.
 *
 * What is read is whole: an object without PIN and module, absolute paths.  What is not
 * leaves nothing, and the words on it hold no PIN.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/pkcs11.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

/* Whether an attribute of that name stands in it. */
static bool names(const char *uri, const char *name)
{
	for (const char *at = uri + sizeof("pkcs11:") - 1; at; at = strpbrk(at, ";?&")) {
		at += *at && strchr(";?&", *at) ? 1 : 0;
		if (!strncasecmp(at, name, strlen(name)))
			return true;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_copy((const char *)data, size);
	struct pkcs11_uri u;
	struct err e = { 0 };
	size_t len = 0;
	const char *pin = pkcs11_pin(text, &len);

	must(!pin || (pin > text && len <= strlen(pin)));
	if (pkcs11_read(text, &u, &e) == 0) {
		must(pkcs11_is_uri(u.object) && u.object[7] && strlen(u.object) <= strlen(text));
		must(!names(u.object, "pin-value=") && !names(u.object, "pin-source=") &&
			!names(u.object, "module-path="));
		must(!u.pin_file || (u.pin_file[0] == '/' && !u.pin.data));
		must(!u.module || u.module[0] == '/');
		must(!u.pin.data || (u.pin.len && pin));
	} else {
		must(e.kind == ERR_CONFIG && !u.object && !u.module && !u.pin_file && !u.pin.data);
		must(!strstr(e.text, "4711") && !strstr(e.hint, "4711"));
	}
	pkcs11_release(&u);
	free(text);
	return 0;
}
