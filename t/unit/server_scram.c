/* t/unit/server_scram.c - the test server's SCRAM against the examples of the
 * RFCs: a judge has to be judged by somebody else.
 */
#include "t/server/scram_server.c"

#include "t/unit/tap.h"

struct example {
	const char *name;
	gnutls_mac_algorithm_t mac;
	const char *salt;            /* base64 */
	const char *nonce, *first, *server_first, *final, *server_final;
};

static const struct example examples[] = {
	{ "RFC 5802 section 5", GNUTLS_MAC_SHA1, "QSXCR+Q6sek8bf92",
	  "3rfcNHYJY1ZVvWVs7j",
	  "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
	  "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
	  "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
	  "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=" },
	{ "RFC 7677 section 3", GNUTLS_MAC_SHA256, "W22ZaJ0SNY7soEsUEjb6gQ==",
	  "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
	  "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
	  "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
	  "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	  "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	  "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" },
};

static struct scram_server server_for(const struct example *x, struct buf *salt)
{
	buf_clear(salt);
	base64_decode(x->salt, strlen(x->salt), salt);
	return (struct scram_server){
		.mac = x->mac, .user = "user", .password = "pencil", .faults = { .rounds = 4096 },
		.salt = salt->data, .salt_len = salt->len, .nonce = x->nonce
	};
}

static void try_example(const struct example *x)
{
	struct buf salt = BUF_INIT(0), out = BUF_INIT(0);
	struct scram_server s = server_for(x, &salt);

	check_int(scram_server_first(&s, x->first, strlen(x->first), &out), AUTH_CHALLENGE,
		"%s: the first message is taken", x->name);
	check_text(buf_text(&out), x->server_first, "%s: answered", x->name);
	buf_clear(&out);
	check_int(scram_server_final(&s, x->final, strlen(x->final), NULL, &out), AUTH_CHALLENGE,
		"%s: the proof is taken", x->name);
	check_text(buf_text(&out), x->server_final, "%s: signed", x->name);
	scram_server_release(&s);
	buf_release(&salt);
	buf_release(&out);
}

/* The dialogue of the example with one octet of a message changed. */
static enum auth_verdict try_changed(const struct example *x, bool first, size_t at)
{
	struct buf salt = BUF_INIT(0), out = BUF_INIT(0);
	struct scram_server s = server_for(x, &salt);
	char *text = mem_string(first ? x->first : x->final);
	enum auth_verdict verdict;

	text[at] = text[at] == 'Z' ? 'Y' : 'Z';
	verdict = scram_server_first(&s, first ? text : x->first, strlen(x->first), &out);
	if (verdict == AUTH_CHALLENGE) {
		buf_clear(&out);
		verdict = scram_server_final(&s, first ? x->final : text, strlen(x->final), NULL, &out);
	}
	scram_server_release(&s);
	buf_release(&salt);
	buf_release(&out);
	free(text);
	return verdict;
}

static void try_faults(const struct example *x)
{
	struct buf salt = BUF_INIT(0), out = BUF_INIT(0);
	struct scram_server s = server_for(x, &salt);

	s.faults.bad_signature = true;
	scram_server_first(&s, x->first, strlen(x->first), &out);
	buf_clear(&out);
	scram_server_final(&s, x->final, strlen(x->final), NULL, &out);
	check(out.len == strlen(x->server_final) && strcmp(out.data, x->server_final),
		"%s: a bad signature is bad", x->name);
	scram_server_release(&s);
	s = server_for(x, &salt);
	s.faults.reuse_nonce = true;
	buf_clear(&out);
	scram_server_first(&s, x->first, strlen(x->first), &out);
	check(!strstr(buf_text(&out), x->nonce), "%s: a reused nonce lacks our part", x->name);
	scram_server_release(&s);
	buf_release(&salt);
	buf_release(&out);
}

int main(void)
{
	for (size_t i = 0; i < COUNT(examples); i++) {
		const struct example *x = &examples[i];
		unsigned taken = 0;

		try_example(x);
		for (size_t at = 0; at < strlen(x->first); at++)
			taken += try_changed(x, true, at) == AUTH_CHALLENGE;
		for (size_t at = 0; at < strlen(x->final); at++)
			taken += try_changed(x, false, at) == AUTH_CHALLENGE;
		check_int(taken, 0, "%s: nothing else is taken", x->name);
		try_faults(x);
	}
	return tap_done();
}
