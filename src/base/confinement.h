/* base/confinement.h - what holds this process in: the kernel's account of it.
 *
 * A service may be kept from files and networks that its user could use by hand.  Here
 * stands by what, and whether a refusal is the doing of file modes or of a policy.
 */
#ifndef BASE_CONFINEMENT_H
#define BASE_CONFINEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/buf.h"

enum confinement_policy { POLICY_NONE, POLICY_APPARMOR, POLICY_SELINUX };

enum { CONFINEMENT_NAME = 256 };

struct confinement {
	bool status_known;         /* the fields up to capabilities are */
	bool no_new_privs;
	int seccomp;               /* 0 none, 1 strict, 2 a filter */
	uint64_t capabilities;     /* effective */

	enum confinement_policy policy;   /* that confines this process; none: it is unconfined */
	bool enforced;             /* as against only watched (complain, permissive) */
	char label[CONFINEMENT_NAME];     /* profile or context, cleaned */
	char domain[64];           /* of SELinux: the type, "httpd_t" */
	int may_connect, may_send; /* httpd_can_network_connect, httpd_can_sendmail; -1: not known */

	char unit[CONFINEMENT_NAME];      /* of systemd, "backup.service", cleaned; "" */
	char container[32];        /* "docker" ...; "" */
};

/* ---- pure: bytes in, facts out.  What is not understood changes nothing. */

void confinement_status(const char *text, size_t len, struct confinement *c);   /* proc(5) status */
void confinement_label(const char *text, size_t len, struct confinement *c);    /* attr/current */
void confinement_cgroup(const char *text, size_t len, struct confinement *c);   /* cgroups(7) */

/* Which mount a path lies on, of a proc(5) mountinfo. */
struct mount_facts {
	char point[1024];          /* where it is mounted; as it is, not cleaned */
	char root[1024];           /* what of its file system */
	char type[64];
	bool read_only;
};
bool confinement_mount(const char *text, size_t len, const char *path, struct mount_facts *out);

/* Whether a file's mode grants all of want (R_OK, W_OK, X_OK) to somebody. */
struct mode_subject {
	uid_t uid;
	const gid_t *groups;       /* borrowed */
	size_t group_count;
	bool override;             /* CAP_DAC_OVERRIDE */
};
bool confinement_mode_grants(const struct stat *st, int want, const struct mode_subject *who);

/* ---- of this process */

/* self: "/proc/self"; root: "" (tests have others). */
void confinement_read(const char *self, const char *root, struct confinement *c);

/* Whether the modes of a path and of all directories above it allow what was refused with
 * EACCES: then it was a policy.  false: they do not, or cannot be looked at. */
bool confinement_is_policy(const struct confinement *c, const char *path, int want);
/* Who refuses, and where its words are to be found: one clause and a next step. */
void confinement_blame(const struct confinement *c, struct buf *out);

/* The file in which its administrator may allow more to an AppArmor profile.  Returns to. */
char *confinement_local_file(const struct confinement *c, char *to, size_t size);

#endif
