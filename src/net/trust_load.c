/* net/trust_load.c - the files and directories that trusted roots are in; see trust.h. */
#include "net/trust.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/gnutls.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/crl_lists.h"
#include "net/priority.h"

enum {
	STORE_MAX   = 16 << 20,   /* octets of one file, or of all in one directory */
	STORE_FILES = 4096        /* of one directory */
};

static const char *const system_paths[] = {
	"/etc/ssl/certs/ca-certificates.crt",                  /* Debian, Arch, Alpine */
	"/etc/pki/tls/certs/ca-bundle.crt",                    /* Fedora, RHEL */
	"/etc/ssl/ca-bundle.pem",                              /* SUSE */
	"/etc/ssl/cert.pem",                                   /* Alpine, BSDs */
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"
};

static void add_file(struct tls_trust *t, const char *path, struct buf *text)
{
	trust_name(t, path);
	trust_take(t, text);
}

static int load_system(struct tls_trust *t, struct err *e)
{
	struct buf tried = BUF_INIT(512);

	for (size_t i = 0; i < COUNT(system_paths); i++) {
		struct buf text = BUF_INIT(STORE_MAX);
		size_t before = trust_count(t);

		if (file_read(system_paths[i], FILE_ANY, &text, e) == FILE_OK) {
			add_file(t, system_paths[i], &text);
			if (trust_understood(t, before)) {
				buf_release(&tried);
				return 0;
			}
		} else {
			buf_release(&text);
		}
		buf_printf(&tried, "%s%s", i ? ", " : "", system_paths[i]);
	}
	err_set(e, ERR_CERT, "no trusted roots found to verify the server by (tried %s)",
		buf_text(&tried));
	buf_release(&tried);
	err_cause(e, "no-ca-bundle");
	return err_hint(e, "install the package ca-certificates, or set tls_ca_file");
}

const char *trust_system_file(void)
{
	for (size_t i = 0; i < COUNT(system_paths); i++)
		if (access(system_paths[i], R_OK) == 0)
			return system_paths[i];
	return NULL;
}

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A directory of roots mostly has each of them by several names. */
struct members {
	struct { dev_t device; ino_t inode; } seen[STORE_FILES];
	size_t count, octets;
};

static bool is_new(struct members *m, const struct stat *st)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->seen[i].inode == st->st_ino && m->seen[i].device == st->st_dev)
			return false;
	m->seen[m->count].inode = st->st_ino;
	m->seen[m->count++].device = st->st_dev;
	return true;
}

/* What is no file, or a link that leads nowhere, is passed over. */
static int load_member(struct tls_trust *t, const char *path, struct members *m, struct err *e)
{
	struct buf text = BUF_INIT(STORE_MAX);
	enum file_result result;
	struct stat st;

	if (stat(path, &st) < 0 ? errno == ENOENT : !S_ISREG(st.st_mode) || !is_new(m, &st))
		return 0;
	result = file_read(path, FILE_ANY, &text, e);
	m->octets += text.len;
	if (result == FILE_OK && m->octets > STORE_MAX)
		err_set(e, ERR_CONFIG, "the files in the directory are too large (more than %d octets)",
			STORE_MAX);
	if (result == FILE_OK && m->octets <= STORE_MAX)
		trust_take(t, &text);
	else
		buf_release(&text);
	return result == FILE_ABSENT || (result == FILE_OK && m->octets <= STORE_MAX) ? 0 : -1;
}

static int load_members(struct tls_trust *t, const char *path, DIR *list, struct err *e)
{
	struct members *m = mem_alloc(sizeof(*m));
	struct dirent *entry;
	int rc = 0;

	while (rc == 0 && (entry = readdir(list))) {
		char *file;

		if (entry->d_name[0] == '.')
			continue;
		if (m->count == STORE_FILES) {
			rc = err_set(e, ERR_CONFIG, "there are more than %d files in the directory",
				STORE_FILES);
			break;
		}
		file = mem_printf("%s/%s", path, entry->d_name);
		rc = load_member(t, file, m, e);
		free(file);
	}
	free(m);
	return rc;
}

static int load_directory(struct tls_trust *t, const char *path, struct err *e)
{
	DIR *list = opendir(path);
	size_t before = trust_count(t);
	char shown[256];
	int rc;

	text_clean_to(shown, sizeof(shown), path, strlen(path));
	if (!list)
		return err_sys(e, ERR_CONFIG, errno, "tls_ca_file: cannot open '%s'", shown);
	trust_name(t, path);
	rc = load_members(t, path, list, e);
	closedir(list);
	if (rc < 0)
		return err_context(e, "tls_ca_file: '%s'", shown);
	if (trust_understood(t, before))
		return 0;
	err_set(e, ERR_CONFIG, "tls_ca_file: no file in the directory '%s' holds a certificate in PEM "
		"form", shown);
	return err_hint(e, "name a directory as /etc/ssl/certs is one, or a file");
}

static int load_file(struct tls_trust *t, const char *path, struct err *e)
{
	struct buf text = BUF_INIT(STORE_MAX);
	size_t before = trust_count(t);
	char shown[256];

	if (file_read(path, FILE_ANY, &text, e) != FILE_OK) {
		if (is_directory(path)) {
			buf_release(&text);
			*e = (struct err){ 0 };
			return load_directory(t, path, e);
		}
		e->kind = ERR_CONFIG;
		err_context(e, "tls_ca_file");
		buf_release(&text);
		return -1;
	}
	add_file(t, path, &text);
	text_clean_to(shown, sizeof(shown), path, strlen(path));
	if (trust_understood(t, before))
		return 0;
	err_set(e, ERR_CONFIG, "tls_ca_file: '%s' holds no certificate in PEM form", shown);
	return err_hint(e, "it must hold \"-----BEGIN CERTIFICATE-----\"; to convert another form: "
		"openssl x509 -in FILE -out NEW.pem (-inform der for a binary one)");
}

struct tls_trust *trust_load_files(const struct key_list *files, struct err *e)
{
	struct tls_trust *t = trust_new();
	int rc = 0;

	if (!files->count)
		rc = load_system(t, e);
	for (size_t i = 0; i < files->count && !rc; i++)
		rc = !strcmp(files->items[i], "system") ? load_system(t, e) :
			load_file(t, files->items[i], e);
	if (rc < 0)
		tls_trust_free(&t);
	return t;
}

/* Before any server has heard of us. */
static int try_priority(const struct tls_settings *set, struct err *e)
{
	gnutls_priority_t priority = NULL;

	if (!set->priority)
		return 0;
	if (priority_make(set, &priority, e) < 0)
		return -1;
	gnutls_priority_deinit(priority);
	return 0;
}

struct tls_trust *tls_trust_load(const struct tls_settings *set, struct err *e)
{
	struct tls_trust *t;
	struct crls *crls;

	if (gnutls_need(e) < 0 || try_priority(set, e) < 0)
		return NULL;
	if (!set->verify || set->pins.count)
		return trust_new();
	t = trust_load_files(&set->ca_files, e);
	if (!t || !set->crl_file)
		return t;
	crls = crls_load(set->crl_file, e);
	if (crls)
		trust_set_crls(t, crls);
	else
		tls_trust_free(&t);
	return t;
}
