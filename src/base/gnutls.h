/* base/gnutls.h - GnuTLS, loaded when it is first needed.
 *
 * Loading it costs several times what queueing a message does, so that the program
 * is not linked with it.  Its functions are called as ever, but through tables that
 * gnutls_need() fills; one that is not in the lists here does not link.
 *
 * For .c files: headers that need its types include its own headers.
 */
#ifndef BASE_GNUTLS_H
#define BASE_GNUTLS_H

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/ocsp.h>
#include <gnutls/pkcs11.h>
#include <gnutls/x509.h>
#include <gnutls/x509-ext.h>
#include <stdbool.h>

#include "base/err.h"

/* Pure arithmetic. */
#define GNUTLS_SUMS(X) \
	X(hash_fast) X(hmac_fast) X(memcmp) X(pbkdf2)

#define GNUTLS_CALLS(X) \
	X(alert_get) X(alert_get_name) X(alert_send) X(bye) \
	X(certificate_allocate_credentials) X(certificate_free_credentials) \
	X(certificate_get_crt_raw) X(certificate_get_peers) \
	X(certificate_verification_status_print) X(cipher_get) X(cipher_get_name) \
	X(credentials_set) X(deinit) X(error_is_fatal) X(free) X(group_get) \
	X(group_get_name) X(handshake) X(init) X(malloc) X(ocsp_status_request_get2) \
	X(pk_algorithm_get_name) X(pk_bits_to_sec_param) X(priority_deinit) \
	X(priority_init2) X(priority_protocol_list) X(priority_set) X(protocol_get_name) \
	X(protocol_get_version) X(pubkey_deinit) X(pubkey_get_pk_algorithm) X(pubkey_init) \
	X(record_check_pending) X(record_get_direction) X(record_recv) X(record_send) \
	X(server_name_set) X(session_channel_binding) X(session_ext_master_secret_status) \
	X(session_get_desc) X(sign_get_name) X(sign_is_secure2) X(strerror) \
	X(transport_get_ptr) X(transport_set_ptr) X(transport_set_pull_function) \
	X(transport_set_vec_push_function) X(x509_crt_check_hostname2) X(x509_crt_check_ip) \
	X(x509_crt_check_issuer) X(x509_crt_deinit) X(x509_crt_get_activation_time) \
	X(x509_crt_get_authority_info_access) X(x509_crt_get_dn3) \
	X(x509_crt_get_expiration_time) X(x509_crt_get_fingerprint) \
	X(x509_crt_get_issuer_dn3) X(x509_crt_get_key_id) X(x509_crt_get_pk_algorithm) \
	X(x509_crt_get_raw_dn) X(x509_crt_get_raw_issuer_dn) X(x509_crt_get_serial) \
	X(x509_crt_get_signature_algorithm) X(x509_crt_get_subject_alt_name2) \
	X(x509_crt_get_tlsfeatures) X(x509_crt_import) X(x509_crt_init) X(x509_crt_verify) \
	X(x509_tlsfeatures_deinit) X(x509_tlsfeatures_get) X(x509_tlsfeatures_init) \
	X(x509_trust_list_add_cas) X(x509_trust_list_deinit) X(x509_trust_list_get_issuer) \
	X(x509_trust_list_init) X(x509_trust_list_verify_crt2)

/* Of our own certificate and what else is signed with a key of ours. */
#define GNUTLS_OWN_KEYS(X) \
	X(certificate_set_key) X(certificate_set_verify_function) X(pcert_deinit) \
	X(pcert_import_x509_raw) X(pcert_list_import_x509_raw) X(privkey_deinit) \
	X(privkey_import_ext4) X(privkey_import_x509) X(privkey_import_x509_raw) \
	X(privkey_init) X(privkey_sign_data2) X(privkey_sign_hash2) \
	X(sign_supports_pk_algorithm) X(x509_privkey_deinit) X(x509_privkey_get_key_id) \
	X(x509_privkey_get_pk_algorithm) X(x509_privkey_import2) X(x509_privkey_init)

/* Of what was revoked: lists, and OCSP responses that a server sends along. */
#define GNUTLS_REVOCATION(X) \
	X(ocsp_resp_check_crt) X(ocsp_resp_deinit) X(ocsp_resp_get_single) \
	X(ocsp_resp_get_status) X(ocsp_resp_import) X(ocsp_resp_init) \
	X(ocsp_resp_verify_direct) X(x509_crl_deinit) X(x509_crl_get_extension_info) \
	X(x509_crl_get_issuer_dn3) X(x509_crl_get_next_update) X(x509_crl_get_raw_issuer_dn) \
	X(x509_crl_get_this_update) X(x509_crl_iter_crt_serial) X(x509_crl_iter_deinit) \
	X(x509_crl_list_import2) X(x509_crl_verify)

/* Of security tokens: a library that was built without them lacks some. */
#define GNUTLS_TOKENS(X) \
	X(certificate_set_flags) X(pkcs11_add_provider) X(pkcs11_init) \
	X(pkcs11_token_check_mechanism) X(privkey_get_pk_algorithm) X(privkey_import_url) \
	X(privkey_set_pin_function) X(pubkey_import_x509_raw) X(pubkey_verify_data2) \
	X(pubkey_verify_hash2) X(x509_crt_export2) X(x509_crt_import_url) X(x509_crt_set_pin_function)

/* Of raw public keys in place of certificates (RFC 7250), which few ask for. */
#define GNUTLS_RAW_KEYS(X) \
	X(certificate_type_get2) X(pubkey_import)

#define GNUTLS_POINTER(name) __typeof__(gnutls_##name) *name;
extern struct gnutls_sums { GNUTLS_SUMS(GNUTLS_POINTER) } gnutls_sums;
extern struct gnutls_calls { GNUTLS_CALLS(GNUTLS_POINTER) } gnutls_calls;
extern struct gnutls_own_keys { GNUTLS_OWN_KEYS(GNUTLS_POINTER) } gnutls_own_keys;
extern struct gnutls_revocation { GNUTLS_REVOCATION(GNUTLS_POINTER) } gnutls_revocation;
extern struct gnutls_tokens { GNUTLS_TOKENS(GNUTLS_POINTER) } gnutls_tokens;
extern struct gnutls_raw_keys { GNUTLS_RAW_KEYS(GNUTLS_POINTER) } gnutls_raw_keys;

/* To be called before any of the functions.  -1: ERR_TLS, it cannot be had. */
int gnutls_need(struct err *e);

/* Before those of a key of ours, of what was revoked, of security tokens (those of a key of ours
 * among them), once the others are here.  -1: ERR_TLS. */
int gnutls_own_key_need(struct err *e);
int gnutls_revocation_need(struct err *e);
int gnutls_token_need(struct err *e);
/* Likewise before those of raw public keys. */
int gnutls_raw_key_need(struct err *e);

/* For pure code, which can load nothing. */
static inline bool gnutls_is_here(void)
{
	return gnutls_sums.hash_fast != NULL;
}

#define gnutls_hash_fast (*gnutls_sums.hash_fast)
#define gnutls_hmac_fast (*gnutls_sums.hmac_fast)
#define gnutls_memcmp (*gnutls_sums.memcmp)
#define gnutls_pbkdf2 (*gnutls_sums.pbkdf2)

#define gnutls_alert_get (*gnutls_calls.alert_get)
#define gnutls_alert_get_name (*gnutls_calls.alert_get_name)
#define gnutls_alert_send (*gnutls_calls.alert_send)
#define gnutls_bye (*gnutls_calls.bye)
#define gnutls_certificate_allocate_credentials (*gnutls_calls.certificate_allocate_credentials)
#define gnutls_certificate_free_credentials (*gnutls_calls.certificate_free_credentials)
#define gnutls_certificate_get_crt_raw (*gnutls_calls.certificate_get_crt_raw)
#define gnutls_certificate_get_peers (*gnutls_calls.certificate_get_peers)
#define gnutls_certificate_set_key (*gnutls_own_keys.certificate_set_key)
#define gnutls_certificate_set_verify_function (*gnutls_own_keys.certificate_set_verify_function)
#define gnutls_certificate_verification_status_print \
	(*gnutls_calls.certificate_verification_status_print)
#define gnutls_cipher_get (*gnutls_calls.cipher_get)
#define gnutls_cipher_get_name (*gnutls_calls.cipher_get_name)
#define gnutls_credentials_set (*gnutls_calls.credentials_set)
#define gnutls_deinit (*gnutls_calls.deinit)
#define gnutls_error_is_fatal (*gnutls_calls.error_is_fatal)
#define gnutls_free (*gnutls_calls.free)
#define gnutls_group_get (*gnutls_calls.group_get)
#define gnutls_group_get_name (*gnutls_calls.group_get_name)
#define gnutls_handshake (*gnutls_calls.handshake)
#define gnutls_init (*gnutls_calls.init)
#define gnutls_malloc (*gnutls_calls.malloc)
#define gnutls_ocsp_resp_check_crt (*gnutls_revocation.ocsp_resp_check_crt)
#define gnutls_ocsp_resp_deinit (*gnutls_revocation.ocsp_resp_deinit)
#define gnutls_ocsp_resp_get_single (*gnutls_revocation.ocsp_resp_get_single)
#define gnutls_ocsp_resp_get_status (*gnutls_revocation.ocsp_resp_get_status)
#define gnutls_ocsp_resp_import (*gnutls_revocation.ocsp_resp_import)
#define gnutls_ocsp_resp_init (*gnutls_revocation.ocsp_resp_init)
#define gnutls_ocsp_resp_verify_direct (*gnutls_revocation.ocsp_resp_verify_direct)
#define gnutls_ocsp_status_request_get2 (*gnutls_calls.ocsp_status_request_get2)
#define gnutls_pcert_deinit (*gnutls_own_keys.pcert_deinit)
#define gnutls_pcert_import_x509_raw (*gnutls_own_keys.pcert_import_x509_raw)
#define gnutls_pcert_list_import_x509_raw (*gnutls_own_keys.pcert_list_import_x509_raw)
#define gnutls_pk_algorithm_get_name (*gnutls_calls.pk_algorithm_get_name)
#define gnutls_pk_bits_to_sec_param (*gnutls_calls.pk_bits_to_sec_param)
#define gnutls_priority_deinit (*gnutls_calls.priority_deinit)
#define gnutls_priority_init2 (*gnutls_calls.priority_init2)
#define gnutls_priority_protocol_list (*gnutls_calls.priority_protocol_list)
#define gnutls_priority_set (*gnutls_calls.priority_set)
#define gnutls_privkey_deinit (*gnutls_own_keys.privkey_deinit)
#define gnutls_privkey_import_ext4 (*gnutls_own_keys.privkey_import_ext4)
#define gnutls_privkey_import_x509 (*gnutls_own_keys.privkey_import_x509)
#define gnutls_privkey_import_x509_raw (*gnutls_own_keys.privkey_import_x509_raw)
#define gnutls_privkey_init (*gnutls_own_keys.privkey_init)
#define gnutls_privkey_sign_data2 (*gnutls_own_keys.privkey_sign_data2)
#define gnutls_privkey_sign_hash2 (*gnutls_own_keys.privkey_sign_hash2)
#define gnutls_protocol_get_name (*gnutls_calls.protocol_get_name)
#define gnutls_protocol_get_version (*gnutls_calls.protocol_get_version)
#define gnutls_pubkey_deinit (*gnutls_calls.pubkey_deinit)
#define gnutls_pubkey_get_pk_algorithm (*gnutls_calls.pubkey_get_pk_algorithm)
#define gnutls_pubkey_init (*gnutls_calls.pubkey_init)
#define gnutls_record_check_pending (*gnutls_calls.record_check_pending)
#define gnutls_record_get_direction (*gnutls_calls.record_get_direction)
#define gnutls_record_recv (*gnutls_calls.record_recv)
#define gnutls_record_send (*gnutls_calls.record_send)
#define gnutls_server_name_set (*gnutls_calls.server_name_set)
#define gnutls_session_channel_binding (*gnutls_calls.session_channel_binding)
#define gnutls_session_ext_master_secret_status (*gnutls_calls.session_ext_master_secret_status)
#define gnutls_session_get_desc (*gnutls_calls.session_get_desc)
#define gnutls_sign_get_name (*gnutls_calls.sign_get_name)
#define gnutls_sign_is_secure2 (*gnutls_calls.sign_is_secure2)
#define gnutls_sign_supports_pk_algorithm (*gnutls_own_keys.sign_supports_pk_algorithm)
#define gnutls_strerror (*gnutls_calls.strerror)
#define gnutls_transport_get_ptr (*gnutls_calls.transport_get_ptr)
#define gnutls_transport_set_ptr (*gnutls_calls.transport_set_ptr)
#define gnutls_transport_set_pull_function (*gnutls_calls.transport_set_pull_function)
#define gnutls_transport_set_vec_push_function (*gnutls_calls.transport_set_vec_push_function)
#define gnutls_x509_crl_deinit (*gnutls_revocation.x509_crl_deinit)
#define gnutls_x509_crl_get_extension_info (*gnutls_revocation.x509_crl_get_extension_info)
#define gnutls_x509_crl_get_issuer_dn3 (*gnutls_revocation.x509_crl_get_issuer_dn3)
#define gnutls_x509_crl_get_next_update (*gnutls_revocation.x509_crl_get_next_update)
#define gnutls_x509_crl_get_raw_issuer_dn (*gnutls_revocation.x509_crl_get_raw_issuer_dn)
#define gnutls_x509_crl_get_this_update (*gnutls_revocation.x509_crl_get_this_update)
#define gnutls_x509_crl_iter_crt_serial (*gnutls_revocation.x509_crl_iter_crt_serial)
#define gnutls_x509_crl_iter_deinit (*gnutls_revocation.x509_crl_iter_deinit)
#define gnutls_x509_crl_list_import2 (*gnutls_revocation.x509_crl_list_import2)
#define gnutls_x509_crl_verify (*gnutls_revocation.x509_crl_verify)
#define gnutls_x509_crt_check_hostname2 (*gnutls_calls.x509_crt_check_hostname2)
#define gnutls_x509_crt_check_ip (*gnutls_calls.x509_crt_check_ip)
#define gnutls_x509_crt_check_issuer (*gnutls_calls.x509_crt_check_issuer)
#define gnutls_x509_crt_deinit (*gnutls_calls.x509_crt_deinit)
#define gnutls_x509_crt_get_activation_time (*gnutls_calls.x509_crt_get_activation_time)
#define gnutls_x509_crt_get_authority_info_access \
	(*gnutls_calls.x509_crt_get_authority_info_access)
#define gnutls_x509_crt_get_dn3 (*gnutls_calls.x509_crt_get_dn3)
#define gnutls_x509_crt_get_expiration_time (*gnutls_calls.x509_crt_get_expiration_time)
#define gnutls_x509_crt_get_fingerprint (*gnutls_calls.x509_crt_get_fingerprint)
#define gnutls_x509_crt_get_issuer_dn3 (*gnutls_calls.x509_crt_get_issuer_dn3)
#define gnutls_x509_crt_get_key_id (*gnutls_calls.x509_crt_get_key_id)
#define gnutls_x509_crt_get_pk_algorithm (*gnutls_calls.x509_crt_get_pk_algorithm)
#define gnutls_x509_crt_get_raw_dn (*gnutls_calls.x509_crt_get_raw_dn)
#define gnutls_x509_crt_get_raw_issuer_dn (*gnutls_calls.x509_crt_get_raw_issuer_dn)
#define gnutls_x509_crt_get_serial (*gnutls_calls.x509_crt_get_serial)
#define gnutls_x509_crt_get_signature_algorithm (*gnutls_calls.x509_crt_get_signature_algorithm)
#define gnutls_x509_crt_get_subject_alt_name2 (*gnutls_calls.x509_crt_get_subject_alt_name2)
#define gnutls_x509_crt_get_tlsfeatures (*gnutls_calls.x509_crt_get_tlsfeatures)
#define gnutls_x509_crt_import (*gnutls_calls.x509_crt_import)
#define gnutls_x509_crt_init (*gnutls_calls.x509_crt_init)
#define gnutls_x509_crt_verify (*gnutls_calls.x509_crt_verify)
#define gnutls_x509_privkey_deinit (*gnutls_own_keys.x509_privkey_deinit)
#define gnutls_x509_privkey_get_key_id (*gnutls_own_keys.x509_privkey_get_key_id)
#define gnutls_x509_privkey_get_pk_algorithm (*gnutls_own_keys.x509_privkey_get_pk_algorithm)
#define gnutls_x509_privkey_import2 (*gnutls_own_keys.x509_privkey_import2)
#define gnutls_x509_privkey_init (*gnutls_own_keys.x509_privkey_init)
#define gnutls_x509_tlsfeatures_deinit (*gnutls_calls.x509_tlsfeatures_deinit)
#define gnutls_x509_tlsfeatures_get (*gnutls_calls.x509_tlsfeatures_get)
#define gnutls_x509_tlsfeatures_init (*gnutls_calls.x509_tlsfeatures_init)
#define gnutls_x509_trust_list_add_cas (*gnutls_calls.x509_trust_list_add_cas)
#define gnutls_x509_trust_list_deinit (*gnutls_calls.x509_trust_list_deinit)
#define gnutls_x509_trust_list_get_issuer (*gnutls_calls.x509_trust_list_get_issuer)
#define gnutls_x509_trust_list_init (*gnutls_calls.x509_trust_list_init)
#define gnutls_x509_trust_list_verify_crt2 (*gnutls_calls.x509_trust_list_verify_crt2)

#define gnutls_certificate_set_flags (*gnutls_tokens.certificate_set_flags)
#define gnutls_pkcs11_add_provider (*gnutls_tokens.pkcs11_add_provider)
#define gnutls_pkcs11_init (*gnutls_tokens.pkcs11_init)
#define gnutls_pkcs11_token_check_mechanism (*gnutls_tokens.pkcs11_token_check_mechanism)
#define gnutls_privkey_get_pk_algorithm (*gnutls_tokens.privkey_get_pk_algorithm)
#define gnutls_privkey_import_url (*gnutls_tokens.privkey_import_url)
#define gnutls_privkey_set_pin_function (*gnutls_tokens.privkey_set_pin_function)
#define gnutls_pubkey_import_x509_raw (*gnutls_tokens.pubkey_import_x509_raw)
#define gnutls_pubkey_verify_data2 (*gnutls_tokens.pubkey_verify_data2)
#define gnutls_pubkey_verify_hash2 (*gnutls_tokens.pubkey_verify_hash2)
#define gnutls_x509_crt_export2 (*gnutls_tokens.x509_crt_export2)
#define gnutls_x509_crt_import_url (*gnutls_tokens.x509_crt_import_url)
#define gnutls_x509_crt_set_pin_function (*gnutls_tokens.x509_crt_set_pin_function)

#define gnutls_certificate_type_get2 (*gnutls_raw_keys.certificate_type_get2)
#define gnutls_pubkey_import (*gnutls_raw_keys.pubkey_import)

#endif
