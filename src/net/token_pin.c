/* net/token_pin.c - reading the PIN of a security token; see token_pin.h. */
#include "net/token_pin.h"

#include <string.h>

#include "base/file.h"
#include "base/text.h"

enum { PIN_MAX = 255 };   /* octets; the library takes no more */

static int no_pin(const char *path, const char *why, struct err *e)
{
	char shown[256];

	text_clean_to(shown, sizeof(shown), path, strlen(path));
	err_set(e, ERR_CONFIG, "pin-source: '%s' %s", shown, why);
	return err_hint(e, "write the PIN into it, and nothing else, on one line");
}

static int read_file(const char *path, struct secret *out, struct err *e)
{
	struct buf text = BUF_INIT(PIN_MAX + 2);   /* with CR LF */
	int rc = 0;

	buf_reserve(&text, text.max);   /* never grows, so leaves no copy */
	if (file_read(path, FILE_SECRET, &text, e) != FILE_OK)
		rc = err_context(e, "pin-source");
	else
		secret_set(out, buf_text(&text), text.len);
	buf_wipe(&text);
	if (rc < 0)
		return -1;
	secret_chomp(out);
	if (!out->len)
		return no_pin(path, "is empty", e);
	if (memchr(out->data, '\0', out->len))
		return no_pin(path, "holds a NUL octet, which no PIN has", e);
	if (memchr(out->data, '\n', out->len))
		return no_pin(path, "holds more than one line", e);
	return out->len > PIN_MAX ? no_pin(path, "holds more than any PIN has", e) : 0;
}

int token_pin_read(const struct pkcs11_uri *uri, struct secret *out, struct err *e)
{
	if (!uri->pin.data)
		return read_file(uri->pin_file, out, e);
	if (uri->pin.len > PIN_MAX)
		return err_set(e, ERR_CONFIG, "pin-value holds more than any PIN has");
	secret_set(out, uri->pin.data, uri->pin.len);
	return 0;
}
