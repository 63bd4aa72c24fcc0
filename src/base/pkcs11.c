/* base/pkcs11.c - PKCS#11 URIs; see pkcs11.h. */
#include "base/pkcs11.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/mem.h"

enum { URI_MAX = 8 * 1024 };

static const char scheme[] = "pkcs11:";

bool pkcs11_is_uri(const char *text)
{
	return !strncasecmp(text, scheme, sizeof(scheme) - 1);
}

const char *pkcs11_pin(const char *text, size_t *len)
{
	static const char name[] = "pin-value=";
	const char *at = strcasestr(text, name);

	if (!at)
		return NULL;
	at += sizeof(name) - 1;
	*len = strcspn(at, "&;?");
	return at;
}

/* One attribute, "name=value". */
struct part {
	const char *name, *value;
	size_t name_len, value_len;
};

static bool is_named(const struct part *p, const char *name)
{
	return p->name_len == strlen(name) && !strncasecmp(p->name, name, p->name_len);
}

/* One of ours.  No other name is quoted: it may be the rest of a PIN with a '&' in it. */
static const char *own_name(const struct part *p)
{
	static const char *const names[] = { "pin-source", "pin-value", "module-path" };

	for (size_t i = 0; i < COUNT(names); i++)
		if (is_named(p, names[i]))
			return names[i];
	return NULL;
}

static int decode(const struct part *p, struct buf *out, struct err *e)
{
	if (percent_decode(p->value, p->value_len, out) == 0 &&
			(!out->len || !memchr(out->data, '\0', out->len)))
		return 0;
	return err_set(e, ERR_CONFIG, "%s holds a '%%' that is not followed by two hexadecimal "
		"digits, or an octet of zero", own_name(p) ? own_name(p) : "an attribute");
}

/* RFC 7512 has a path, a file: URI or "|command" in pin-source. */
static int read_source(const struct part *p, char **out, struct err *e)
{
	static const char *const begins[] = { "file://localhost/", "file:///", "file:/" };
	struct buf text = BUF_INIT(URI_MAX);
	const char *path;
	int rc = decode(p, &text, e);

	path = buf_text(&text);
	for (size_t i = 0; rc == 0 && i < COUNT(begins); i++)
		if (!strncasecmp(path, begins[i], strlen(begins[i])) && (i < 2 || path[6] != '/')) {
			path += strlen(begins[i]) - 1;
			break;
		}
	if (rc == 0 && path[0] == '|') {
		err_set(e, ERR_CONFIG, "pin-source names a command, and only files are read");
		rc = err_hint(e, "let the command write the PIN into a file below /run");
	} else if (rc == 0 && path[0] != '/') {
		err_set(e, ERR_CONFIG, "pin-source is not the path of a file");
		rc = err_hint(e, "write it as in: ?pin-source=/etc/sendoff/pin");
	} else if (rc == 0 && *out) {
		rc = err_set(e, ERR_CONFIG, "pin-source stands twice in it");
	} else if (rc == 0) {
		*out = mem_string(path);
	}
	buf_wipe(&text);
	return rc;
}

static int read_value(const struct part *p, struct secret *out, struct err *e)
{
	struct buf text = BUF_INIT(URI_MAX);
	int rc = decode(p, &text, e);

	if (rc == 0 && (out->data || !text.len))
		rc = err_set(e, ERR_CONFIG, "pin-value is empty, or stands twice");
	if (rc == 0)
		secret_set(out, buf_text(&text), text.len);
	buf_wipe(&text);
	return rc;
}

static int read_module(const struct part *p, char **out, struct err *e)
{
	struct buf text = BUF_INIT(URI_MAX);
	int rc = decode(p, &text, e);

	if (rc == 0 && (*out || buf_text(&text)[0] != '/'))
		rc = err_set(e, ERR_CONFIG, "module-path is not the absolute path of one module");
	if (rc == 0)
		*out = mem_string(buf_text(&text));
	buf_release(&text);
	return rc;
}

static int read_part(const struct part *p, bool query, struct pkcs11_uri *out, struct buf *object,
	bool *asked, struct err *e)
{
	struct buf ignored = BUF_INIT(URI_MAX);
	int rc;

	if (own_name(p) && !query) {
		err_set(e, ERR_CONFIG, "%s stands among the attributes of the object", own_name(p));
		return err_hint(e, "such words come last, behind a '?': pkcs11:object=key?pin-source=/path");
	}
	if (is_named(p, "pin-source"))
		return read_source(p, &out->pin_file, e);
	if (is_named(p, "pin-value"))
		return read_value(p, &out->pin, e);
	if (is_named(p, "module-path"))
		return read_module(p, &out->module, e);
	rc = decode(p, &ignored, e);   /* as the library will have it */
	buf_release(&ignored);
	if (rc < 0)
		return -1;
	if (object->len > sizeof(scheme) - 1)
		buf_add_char(object, !query ? ';' : *asked ? '&' : '?');
	*asked |= query;
	buf_add(object, p->name, (size_t)(p->value + p->value_len - p->name));
	return 0;
}

static int read_parts(const char *text, struct pkcs11_uri *out, struct buf *object, struct err *e)
{
	bool query = false, asked = false;

	buf_add_text(object, scheme);
	for (const char *at = text; *at;) {
		size_t len = strcspn(at, query ? "&" : ";?"), name = strcspn(at, "=");
		struct part p = { .name = at, .name_len = name, .value = at + name + 1 };

		if (strcspn(at, query ? "?;" : "&") < len) {   /* RFC 7512 bears some of it; a slip */
			err_set(e, ERR_CONFIG, query ? "there is a second '?' or a ';' behind the first" :
				"a '&' stands among the attributes of the object");
			return err_hint(e, "';' is between those of the object, '?' behind them, and '&' "
				"between what follows; in a value they are %%3B, %%3F and %%26");
		}
		if (len && (name >= len || !name))
			return err_set(e, ERR_CONFIG, "it is not a list of name=value");
		p.value_len = len ? len - name - 1 : 0;
		if (len && read_part(&p, query, out, object, &asked, e) < 0)
			return -1;
		query |= at[len] == '?';
		at += len + (at[len] != '\0');
	}
	if (object->len == sizeof(scheme) - 1)
		return err_set(e, ERR_CONFIG, "it names no object");
	if (out->pin.data && out->pin_file)
		return err_set(e, ERR_CONFIG, "pin-source and pin-value are both set");
	return 0;
}

int pkcs11_read(const char *text, struct pkcs11_uri *out, struct err *e)
{
	struct buf object = BUF_INIT(URI_MAX);
	int rc;

	*out = (struct pkcs11_uri){ 0 };
	if (!pkcs11_is_uri(text) || strlen(text) >= URI_MAX / 2)
		return err_set(e, ERR_CONFIG, "it is no URI of PKCS#11");
	rc = read_parts(text + sizeof(scheme) - 1, out, &object, e);
	if (rc < 0) {
		buf_release(&object);
		pkcs11_release(out);
		return -1;
	}
	out->object = buf_take(&object);
	return 0;
}

void pkcs11_release(struct pkcs11_uri *u)
{
	free(u->object);
	free(u->module);
	free(u->pin_file);
	secret_wipe(&u->pin);
	*u = (struct pkcs11_uri){ 0 };
}
