/* t/unit/base_pkcs11.c - PKCS#11 URIs: what goes to the library, and what does not. */
#include "base/pkcs11.h"

#include "base/mem.h"
#include "t/unit/tap.h"

static void test_good(void)
{
	static const struct {
		const char *text, *object, *module, *file, *pin;
	} table[] = {
		{ "pkcs11:object=k", "pkcs11:object=k", "", "", "" },
		{ "PKCS11:token=a%20b;object=k;type=private", "pkcs11:token=a%20b;object=k;type=private", "",
			"", "" },
		{ "pkcs11:object=k?pin-source=/etc/pin", "pkcs11:object=k", "", "/etc/pin", "" },
		{ "pkcs11:object=k?pin-source=file:/etc/pin", "pkcs11:object=k", "", "/etc/pin", "" },
		{ "pkcs11:object=k?pin-source=file:///etc/pin", "pkcs11:object=k", "", "/etc/pin", "" },
		{ "pkcs11:object=k?pin-source=file://localhost/etc/pin", "pkcs11:object=k", "", "/etc/pin",
			"" },
		{ "pkcs11:object=k?pin-source=%2Fetc%2Fa%26b", "pkcs11:object=k", "", "/etc/a&b", "" },
		{ "pkcs11:object=k?pin-value=12%2634", "pkcs11:object=k", "", "", "12&34" },
		{ "pkcs11:object=k?PIN-VALUE=1234&module-path=/lib/m.so", "pkcs11:object=k", "/lib/m.so", "",
			"1234" },
		{ "pkcs11:object=k?module-name=m&pin-value=1&x-y=z", "pkcs11:object=k?module-name=m&x-y=z",
			"", "", "1" },
		{ "pkcs11:object=k;", "pkcs11:object=k", "", "", "" },
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		struct pkcs11_uri u;
		struct err e = { 0 };

		check(pkcs11_is_uri(table[i].text), "%s is a URI", table[i].text);
		check_int(pkcs11_read(table[i].text, &u, &e), 0, "and is read: %s", e.text);
		check_text(u.object, table[i].object, "what the library gets");
		check_text(u.module ? u.module : "", table[i].module, "the module");
		check_text(u.pin_file ? u.pin_file : "", table[i].file, "the file of the PIN");
		check_text(u.pin.data ? u.pin.data : "", table[i].pin, "the PIN");
		pkcs11_release(&u);
	}
	check(!pkcs11_is_uri("/etc/key.pem") && !pkcs11_is_uri("pkcs12:x"), "other things are none");
}

static void test_bad(void)
{
	static const char *const table[] = {
		"pkcs11:", "pkcs11:?pin-value=4711", "pkcs11:object", "pkcs11:=x", "pkcs11:object=k%2",
		"pkcs11:object=k%zz", "pkcs11:object=k?pin-value=", "pkcs11:object=k?pin-value=4711&pin-value=2",
		"pkcs11:object=k?pin-value=4711%00", "pkcs11:object=k?pin-source=/a&pin-value=4711",
		"pkcs11:object=k?pin-source=/a&pin-source=/b", "pkcs11:object=k?pin-source=a",
		"pkcs11:object=k?pin-source=file:a", "pkcs11:object=k?pin-source=file://elsewhere/a",
		"pkcs11:object=k?pin-source=|cat%20pin", "pkcs11:object=k;pin-value=4711",
		"pkcs11:object=k;pin-source=/a", "pkcs11:object=k?module-path=m.so", "/etc/key.pem",
		"pkcs11:object=k&pin-value=4711", "pkcs11:object=k?x-y=z?pin-value=4711", "pkcs11:object=k?pin-value=x&4711=%", "pkcs11:object=k?pin-value=x&4711",
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		struct pkcs11_uri u;
		struct err e = { 0 };

		check_int(pkcs11_read(table[i], &u, &e), -1, "%s is refused: %s", table[i], e.text);
		check(e.kind == ERR_CONFIG && !strstr(e.text, "4711") && !strstr(e.hint, "4711"),
			"as a setting, without the PIN");
		check(!u.object && !u.pin.data && !u.pin_file, "nothing is left");
	}
}

static void test_long(void)
{
	char text[12000] = "pkcs11:object=";
	struct pkcs11_uri u;
	struct err e = { 0 };

	memset(text + 14, 'x', sizeof(text) - 15);
	text[sizeof(text) - 1] = '\0';
	check_int(pkcs11_read(text, &u, &e), -1, "one of 12000 octets is refused: %s", e.text);
}

static void test_pin(void)
{
	size_t len = 0;
	const char *at = pkcs11_pin("pkcs11:object=k?x=y&Pin-Value=12;3&z=1", &len);

	check(at && len == 2 && !strncmp(at, "12", 2), "the PIN is found wherever it stands");
	check(!pkcs11_pin("pkcs11:object=k?pin-source=/a", &len), "or none is");
}

int main(void)
{
	test_good();
	test_bad();
	test_long();
	test_pin();
	return tap_done();
}
