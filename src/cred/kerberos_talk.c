/* cred/kerberos_talk.c - GSSAPI as RFC 4752 section 3.1 has it; see kerberos_talk.h.
 *
 * Not by libgsasl: it does not tell why there is no context (no ticket, no KDC, a wrong
 * clock), takes whatever security layers the server offers, and offers no choice of whom to
 * act as.  Nothing is tidied up: the child that calls this ends when it has done so.
 */
#include "cred/kerberos_talk.h"

#include <krb5.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "cred/gssapi.h"

enum { NO_LAYER = 1, LAYER_LEN = 4 };   /* RFC 4752 section 3.1: a bit-mask, and a size */

/* RFC 4121 section 4.1, 1.2.840.113554.1.2.2; RFC 2744 section 5.2, ...1.2.1.4. */
static unsigned char mechanism_id[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2 };
static unsigned char service_id[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 1, 4 };
static gss_OID_desc krb5_mechanism = { sizeof(mechanism_id), mechanism_id };
static gss_OID_desc service_name = { sizeof(service_id), service_id };

/* What the numbers of MIT Kerberos come to; those of its ticket caches and key tables are
 * one matter: there is nothing to log in with. */
static const struct {
	long code;
	enum kerberos_trouble trouble;
} known[] = {
	{ KRB5_FCC_NOFILE, KERBEROS_NO_TICKET }, { KRB5_CC_NOTFOUND, KERBEROS_NO_TICKET },
	{ KRB5_KT_NOTFOUND, KERBEROS_NO_TICKET }, { KRB5_KCM_NO_SERVER, KERBEROS_NO_TICKET },
	{ KRB5_CC_BADNAME, KERBEROS_NO_TICKET }, { KRB5_CC_FORMAT, KERBEROS_NO_TICKET },
	{ KRB5_FCC_PERM, KERBEROS_NO_TICKET }, { KRB5_KT_FORMAT, KERBEROS_NO_TICKET },
	{ KRB5KRB_AP_ERR_TKT_EXPIRED, KERBEROS_TICKET_EXPIRED },
	{ KRB5KRB_AP_ERR_SKEW, KERBEROS_CLOCK }, { KRB5_KDCREP_SKEW, KERBEROS_CLOCK },
	{ KRB5KRB_AP_ERR_TKT_NYV, KERBEROS_CLOCK },
	{ KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN, KERBEROS_SERVER_UNKNOWN },
	{ KRB5_ERR_HOST_REALM_UNKNOWN, KERBEROS_SERVER_UNKNOWN },
	{ KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN, KERBEROS_CLIENT_REFUSED },
	{ KRB5KDC_ERR_CLIENT_REVOKED, KERBEROS_CLIENT_REFUSED },
	{ KRB5KDC_ERR_NAME_EXP, KERBEROS_CLIENT_REFUSED },
	{ KRB5KDC_ERR_KEY_EXP, KERBEROS_CLIENT_REFUSED },
	{ KRB5KDC_ERR_POLICY, KERBEROS_CLIENT_REFUSED },
	{ KRB5KDC_ERR_PREAUTH_FAILED, KERBEROS_CLIENT_REFUSED },
	{ KRB5KRB_AP_ERR_BAD_INTEGRITY, KERBEROS_CLIENT_REFUSED },
	{ KRB5_KDC_UNREACH, KERBEROS_KDC_SILENT }, { KRB5_REALM_UNKNOWN, KERBEROS_KDC_SILENT },
	{ KRB5_REALM_CANT_RESOLVE, KERBEROS_KDC_SILENT },
	{ KRB5KDC_ERR_SVC_UNAVAILABLE, KERBEROS_KDC_SILENT },
};

static enum kerberos_trouble trouble_of(OM_uint32 major, OM_uint32 minor)
{
	for (size_t i = 0; i < COUNT(known); i++)
		if ((OM_uint32)known[i].code == minor)
			return known[i].trouble;
	if (GSS_ROUTINE_ERROR(major) == GSS_S_NO_CRED)
		return KERBEROS_NO_TICKET;
	if (GSS_ROUTINE_ERROR(major) == GSS_S_CREDENTIALS_EXPIRED)
		return KERBEROS_TICKET_EXPIRED;
	return KERBEROS_FAILED;
}

/* The library's own words for a number. */
static void add_words(OM_uint32 code, int type, struct buf *out)
{
	OM_uint32 minor, more = 0;

	for (int i = 0; i < 4 && (i == 0 || more); i++) {
		gss_buffer_desc text = GSS_C_EMPTY_BUFFER;

		if (GSS_ERROR(gss_display_status(&minor, code, type, &krb5_mechanism, &more, &text)))
			return;
		if (text.length)
			buf_printf(out, "%s%.*s", out->len ? ": " : "", (int)text.length,
				(const char *)text.value);
		gss_release_buffer(&minor, &text);
	}
}

static enum err_kind kind_of(enum kerberos_trouble t)
{
	switch (t) {
	case KERBEROS_NO_TICKET:
	case KERBEROS_TICKET_EXPIRED:
	case KERBEROS_CLIENT_REFUSED:
		return ERR_SECRET;
	case KERBEROS_KDC_SILENT:
		return ERR_CONNECT;
	default:
		return ERR_LOGIN;
	}
}

static void fail(struct kerberos_told *told, enum kerberos_trouble trouble, const char *why)
{
	told->trouble = trouble;
	err_set(&told->err, kind_of(trouble), "%s", why);
}

/* minor 0: what it says adds nothing. */
static void refused(struct kerberos_told *told, const char *what, OM_uint32 major, OM_uint32 minor)
{
	enum kerberos_trouble trouble = trouble_of(major, minor);
	struct buf words = BUF_INIT(2048);
	char shown[500];

	if (minor)
		add_words(minor, GSS_C_MECH_CODE, &words);
	if (!words.len)
		add_words(major, GSS_C_GSS_CODE, &words);
	text_clean_to(shown, sizeof(shown), buf_text(&words), words.len);
	buf_release(&words);
	told->trouble = trouble;
	err_set(&told->err, kind_of(trouble), "%s: %s", what, shown[0] ? shown : "no reason given");
}

static bool name_service(struct kerberos_talk *k, struct kerberos_told *told)
{
	OM_uint32 major, minor;
	gss_buffer_desc text;

	if (k->service)
		return true;
	text.value = mem_printf("%s@%s", k->protocol, k->host);
	text.length = strlen(text.value);
	major = gss_import_name(&minor, &text, &service_name, &k->service);
	if (GSS_ERROR(major))
		refused(told, "Kerberos does not take the name of the server", major, minor);
	free(text.value);
	return !GSS_ERROR(major);
}

static void show_name(gss_name_t name, char out[KERBEROS_NAME_MAX])
{
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor;

	if (!name || GSS_ERROR(gss_display_name(&minor, name, &text, NULL)))
		return;
	text_clean_to(out, KERBEROS_NAME_MAX, text.value, text.length);
	gss_release_buffer(&minor, &text);
}

static void tell_facts(const struct kerberos_talk *k, struct kerberos_facts *facts)
{
	gss_name_t ours = GSS_C_NO_NAME, theirs = GSS_C_NO_NAME;
	OM_uint32 minor, seconds = 0;

	if (GSS_ERROR(gss_inquire_context(&minor, k->context, &ours, &theirs, &seconds, NULL, NULL,
			NULL, NULL)))
		return;
	show_name(ours, facts->principal);
	show_name(theirs, facts->service);
	facts->seconds = seconds;
}

static void respond(struct kerberos_told *told, const gss_buffer_desc *token)
{
	if (token->length > sizeof(told->data)) {
		fail(told, KERBEROS_FAILED, "what Kerberos wants to say to the server is too long");
		return;
	}
	if (token->length)
		memcpy(told->data, token->value, token->length);
	told->len = (uint32_t)token->length;
}

static void establish(struct kerberos_talk *k, gss_buffer_desc *challenge,
	struct kerberos_told *told)
{
	const OM_uint32 wanted = GSS_C_MUTUAL_FLAG | GSS_C_SEQUENCE_FLAG | GSS_C_INTEG_FLAG;
	gss_buffer_desc token = GSS_C_EMPTY_BUFFER;
	OM_uint32 major, minor, ignored, got = 0;
	bool first = !k->context;

	if (!name_service(k, told))
		return;
	major = gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &k->context, k->service,
		&krb5_mechanism, wanted, 0, GSS_C_NO_CHANNEL_BINDINGS,
		first ? GSS_C_NO_BUFFER : challenge, NULL, &token, &got, NULL);
	if (GSS_ERROR(major)) {
		refused(told, first ? "Kerberos gives no ticket for the server" :
			"the server's answer is not Kerberos'", major, minor);
	} else {
		k->established = !(major & GSS_S_CONTINUE_NEEDED);
		if (k->established && (got & (GSS_C_MUTUAL_FLAG | GSS_C_INTEG_FLAG)) !=
				(GSS_C_MUTUAL_FLAG | GSS_C_INTEG_FLAG))
			fail(told, KERBEROS_NO_PROOF, "the server did not prove that it is the one that "
				"Kerberos knows");
		else
			respond(told, &token);
		tell_facts(k, &told->facts);
	}
	gss_release_buffer(&ignored, &token);
}

/* The server names the layers that it takes, in a message that only it can have made; none
 * is chosen, and with that goes whom to act as. */
static void choose_layer(struct kerberos_talk *k, gss_buffer_desc *challenge,
	struct kerberos_told *told)
{
	gss_buffer_desc offer = GSS_C_EMPTY_BUFFER, choice, token = GSS_C_EMPTY_BUFFER;
	const char *authzid = k->authzid ? k->authzid : "";
	OM_uint32 major, minor, ignored;
	struct buf text = BUF_INIT(0);
	bool whole, without;

	major = gss_unwrap(&minor, k->context, challenge, &offer, NULL, NULL);
	if (GSS_ERROR(major)) {
		refused(told, "the server did not prove that it is the one that Kerberos knows", major,
			minor);
		told->trouble = KERBEROS_NO_PROOF;
		return;
	}
	whole = offer.length == LAYER_LEN;
	without = whole && ((const unsigned char *)offer.value)[0] & NO_LAYER;
	gss_release_buffer(&ignored, &offer);
	if (!whole) {
		fail(told, KERBEROS_FAILED, "the server's list of security layers is not GSSAPI's");
		return;
	}
	if (!without) {
		fail(told, KERBEROS_LAYER, "the server insists on a security layer of Kerberos' own");
		return;
	}
	buf_add(&text, "\1\0\0\0", LAYER_LEN);
	buf_add_text(&text, authzid);
	choice = (gss_buffer_desc){ .length = text.len, .value = text.data };
	major = gss_wrap(&minor, k->context, 0, GSS_C_QOP_DEFAULT, &choice, NULL, &token);
	if (GSS_ERROR(major)) {
		refused(told, "Kerberos cannot sign the answer", major, minor);
	} else {
		respond(told, &token);
		told->last = told->err.kind == ERR_NONE;
	}
	gss_release_buffer(&ignored, &token);
	buf_release(&text);
}

void kerberos_talk(struct kerberos_talk *k, const char *challenge, size_t len,
	struct kerberos_told *told)
{
	gss_buffer_desc in = { .length = len, .value = (void *)(uintptr_t)challenge };

	if (k->established)
		choose_layer(k, &in, told);
	else
		establish(k, &in, told);
}
