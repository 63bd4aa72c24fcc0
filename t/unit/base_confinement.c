/* t/unit/base_confinement.c - what the kernel says of a process, hostile words included. */
#include "t/unit/tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/confinement.h"

#define L(text) text, sizeof(text) - 1

static struct confinement fresh(void)
{
	return (struct confinement){ .may_connect = -1, .may_send = -1 };
}

static const struct {
	const char *text;
	size_t len;
	bool known, no_new_privs;
	int seccomp;
	uint64_t capabilities;
} statuses[] = {
	{ L("Name:\tsendoff\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t3\n"), 0, 1, 2, 0 },
	{ L("CapEff:\t000001fffeffffff\nCapBnd:\t0\nSeccomp:\t0\n"), 1, 0, 0, 0x1fffeffffff },
	{ L("CapEff:\t0000000000000000\nNoNewPrivs:\t0"), 1, 0, 0, 0 },
	{ L("CapEff:\t1\nCapEff:\t2"), 1, 0, 0, 2 },
	{ L("CapEff:\t11112222333344445\n"), 0, 0, 0, 0 },            /* too long */
	{ L("CapEff:\t00g0\n"), 0, 0, 0, 0 },
	{ L("CapEff:\t\n"), 0, 0, 0, 0 },
	{ L("CapEff:"), 0, 0, 0, 0 },
	{ L("XNoNewPrivs:\t1\nNoNewPrivsX:\t1\nNoNewPrivs 1\nNoNewPrivs:\t11\n"), 0, 0, 0, 0 },
	{ L("Seccomp:\t9\nSeccomp:\t-1\nSeccomp:\t\n"), 0, 0, 0, 0 },
	{ L("Name:\tNoNewPrivs:\t1\n"), 0, 0, 0, 0 },                 /* a program may be called so */
	{ L("\n\n:\n::\n"), 0, 0, 0, 0 },
	{ L(""), 0, 0, 0, 0 },
};

static void test_status(void)
{
	for (size_t i = 0; i < COUNT(statuses); i++) {
		struct confinement c = fresh();

		confinement_status(statuses[i].text, statuses[i].len, &c);
		check(c.status_known == statuses[i].known && c.no_new_privs == statuses[i].no_new_privs &&
			c.seccomp == statuses[i].seccomp && c.capabilities == statuses[i].capabilities,
			"status row %zu", i);
	}
}

static const struct {
	const char *text;
	size_t len;
	enum confinement_policy policy;
	bool enforced;
	const char *label, *domain;
} labels[] = {
	{ L("unconfined\n"), POLICY_NONE, 0, "", "" },
	{ L("unconfined"), POLICY_NONE, 0, "", "" },
	{ L("/usr/bin/msgtool (enforce)\n"), POLICY_APPARMOR, 1, "/usr/bin/msgtool", "" },
	{ L("docker-default (complain)"), POLICY_APPARMOR, 0, "docker-default", "" },
	{ L(":ns://a:b:c (enforce)"), POLICY_APPARMOR, 1, ":ns://a:b:c", "" },
	{ L("two words (enforce)\n"), POLICY_APPARMOR, 1, "two words", "" },
	{ L("evil\033[2J (enforce)\n"), POLICY_APPARMOR, 1, "evil\\x1b[2J", "" },
	{ L("system_u:system_r:httpd_t:s0"), POLICY_SELINUX, 1, "system_u:system_r:httpd_t:s0", "httpd_t" },
	{ L("system_u:system_r:httpd_t:s0\0"), POLICY_SELINUX, 1, "system_u:system_r:httpd_t:s0",
		"httpd_t" },
	{ L("a:b:c\n"), POLICY_SELINUX, 1, "a:b:c", "c" },
	{ L("a:b:evil\nx\033:s0"), POLICY_SELINUX, 1, "a:b:evil\\x0ax\\x1b:s0", "evil\\x0ax\\x1b" },
	{ L("u:r:unconfined_t:s0-s0:c0.c1023"), POLICY_NONE, 0, "", "" },
	{ L("a:b"), POLICY_NONE, 0, "", "" },
	{ L("a::b"), POLICY_NONE, 0, "", "" },
	{ L("::"), POLICY_NONE, 0, "", "" },
	{ L("a:b:"), POLICY_NONE, 0, "", "" },
	{ L(" (enforce)\n"), POLICY_NONE, 0, "", "" },
	{ L("a:b:unconfined_tx"), POLICY_SELINUX, 1, "a:b:unconfined_tx", "unconfined_tx" },
	{ L("kernel"), POLICY_NONE, 0, "", "" },
	{ L("\0\0\n"), POLICY_NONE, 0, "", "" },
	{ L(""), POLICY_NONE, 0, "", "" },
};

static void test_labels(void)
{
	char text[600] = "a:b:";
	struct confinement c = fresh();

	for (size_t i = 0; i < COUNT(labels); i++) {
		c = fresh();
		confinement_label(labels[i].text, labels[i].len, &c);
		check(c.policy == labels[i].policy && c.enforced == labels[i].enforced,
			"label row %zu: policy", i);
		check_text(c.label, labels[i].label, "label row %zu: name", i);
		check_text(c.domain, labels[i].domain, "label row %zu: domain", i);
	}
	memset(text + 4, 'x', sizeof(text) - 4);
	c = fresh();
	confinement_label(text, sizeof(text), &c);
	check(c.policy == POLICY_SELINUX && strlen(c.label) < sizeof(c.label) &&
		strlen(c.domain) < sizeof(c.domain), "a label that is too long is cut");
}

static const struct {
	const char *text;
	size_t len;
	const char *unit, *container;
} groups[] = {
	{ L("0::/system.slice/backup.service\n"), "backup.service", "" },
	{ L("0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-mail.scope\n"),
		"app-mail.scope", "" },
	{ L("0::/system.slice/php-fpm.service/workers/7"), "php-fpm.service", "" },
	{ L("2:cpu:/other.service\n1:name=systemd:/system.slice/cron.service\n0::/\n"), "cron.service",
		"" },
	{ L("4:memory:/docker/0123456789ab\n0::/\n"), "", "docker" },
	{ L("0::/system.slice/docker.service\n"), "docker.service", "" },   /* outside of it */
	{ L("0::/kubepods.slice/kubepods-pod1.slice/cri.scope\n"), "cri.scope", "kubernetes" },
	{ L("0::/machine.slice/libpod-12.scope/container\n"), "libpod-12.scope", "podman" },
	{ L("0::/lxc.payload.web\n"), "", "lxc" },
	{ L("0::/a\033[2J.service\n"), "a\\x1b[2J.service", "" },
	{ L("0::/.service\n"), ".service", "" },
	{ L("0::.service"), ".service", "" },
	{ L("0::"), "", "" },
	{ L("0:"), "", "" },
	{ L("x.service\n:\n::\n\n"), "", "" },
	{ L("0::////\n"), "", "" },
	{ L("0::/service/scope/xservice\n"), "", "" },
	{ L(""), "", "" },
};

static void test_cgroups(void)
{
	char text[2000] = "0::/";
	struct confinement c = fresh();

	for (size_t i = 0; i < COUNT(groups); i++) {
		c = fresh();
		confinement_cgroup(groups[i].text, groups[i].len, &c);
		check_text(c.unit, groups[i].unit, "cgroup row %zu: unit", i);
		check_text(c.container, groups[i].container, "cgroup row %zu: container", i);
	}
	memset(text + 4, 'x', sizeof(text) - 4);
	memcpy(text + sizeof(text) - 8, ".service", 8);
	c = fresh();
	confinement_cgroup(text, sizeof(text), &c);
	check(c.unit[0] && strlen(c.unit) < sizeof(c.unit), "a name that is too long is cut");
}

/* ---- mounts */

static const char mounts[] =
	"22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
	"23 22 0:20 / /proc rw - proc proc rw\n"
	"24 22 0:30 / /home ro,nosuid - tmpfs tmpfs rw\n"
	"25 22 0:31 /systemd/inaccessible/dir /root rw master:3 propagate_from:2 - tmpfs tmpfs rw\n"
	"26 22 8:2 / /srv/with\\040blank rw - xfs /dev/sdb rw\n"
	"27 22 8:3 / /var rw - ext4 /dev/sdc ro,errors=remount-ro\n"
	"28 27 8:4 / /var rw - btrfs /dev/sdd rw\n"
	"29 22 8:5 / /opt rw,errors=ro - ext4 /dev/sde rw,norock\n";

static const struct {
	const char *path, *point, *root, *type;
	bool read_only;
} lookups[] = {
	{ "/", "/", "/", "ext4", false },
	{ "/etc/x", "/", "/", "ext4", false },
	{ "/home", "/home", "/", "tmpfs", true },
	{ "/home/anna", "/home", "/", "tmpfs", true },
	{ "/homes", "/", "/", "ext4", false },
	{ "/root/.config", "/root", "/systemd/inaccessible/dir", "tmpfs", false },
	{ "/srv/with blank/x", "/srv/with blank", "/", "xfs", false },
	{ "/var/spool", "/var", "/", "btrfs", false },   /* the later one lies above */
	{ "/opt", "/opt", "/", "ext4", false },
	{ "relative", NULL, NULL, NULL, false },
	{ "", NULL, NULL, NULL, false },
};

static void test_mounts(void)
{
	static const char *const broken[] = {
		"", "\n\n", "1 2 3\n", "1 2 3:4 / / rw\n", "1 2 3:4 / / rw -\n", "1 2 3:4 / / rw - ext4\n",
		"1 2 3:4  / rw x - ext4 d rw\n", "1 2 3:4 / \\000 rw x - ext4 d rw\n",
		"- - - - - - - - -\n",
	};
	struct mount_facts m;
	bool whole = true;

	for (size_t i = 0; i < COUNT(lookups); i++) {
		bool found = confinement_mount(mounts, sizeof(mounts) - 1, lookups[i].path, &m);

		check_int(found, lookups[i].point != NULL, "mount of \"%s\"", lookups[i].path);
		if (!found)
			continue;
		check_text(m.point, lookups[i].point, "... point");
		check_text(m.root, lookups[i].root, "... root");
		check_text(m.type, lookups[i].type, "... type");
		check_int(m.read_only, lookups[i].read_only, "... read-only");
	}
	for (size_t i = 0; i < COUNT(broken); i++)
		check(!confinement_mount(broken[i], strlen(broken[i]), "/x", &m), "broken mounts %zu", i);
	/* Cut anywhere, it is never read beyond its end, nor half a line taken for more. */
	for (size_t cut = 0; cut < sizeof(mounts); cut++) {
		char *part = mem_alloc(cut + 1);

		memcpy(part, mounts, cut);
		if (confinement_mount(part, cut, "/home/anna", &m))
			whole = whole && (!strcmp(m.point, "/home") || !strcmp(m.point, "/"));
		free(part);
	}
	check(whole, "mounts cut at every octet");
}

/* ---- modes */

static void test_modes(void)
{
	static const gid_t own[] = { 100, 200 };
	static const struct mode_subject anna = { 1000, own, 2, false }, root = { 0, own, 2, true },
		bare_root = { 0, NULL, 0, false };
	static const struct {
		const struct mode_subject *who;
		mode_t mode;
		uid_t uid;
		gid_t gid;
		int want;
		bool grants;
	} rows[] = {
		{ &anna, S_IFREG | 0600, 1000, 100, R_OK | W_OK, true },
		{ &anna, S_IFREG | 0400, 1000, 100, R_OK | W_OK, false },
		{ &anna, S_IFREG | 0077, 1000, 100, R_OK, false },   /* the owner's bits alone */
		{ &anna, S_IFREG | 0640, 0, 200, R_OK, true },
		{ &anna, S_IFREG | 0604, 0, 200, R_OK, false },
		{ &anna, S_IFREG | 0640, 0, 300, R_OK, false },
		{ &anna, S_IFREG | 0604, 0, 300, R_OK, true },
		{ &anna, S_IFDIR | 0711, 0, 0, X_OK, true },
		{ &anna, S_IFDIR | 0711, 0, 0, X_OK | R_OK, false },
		{ &root, S_IFREG | 0000, 1000, 100, R_OK | W_OK, true },
		{ &root, S_IFREG | 0000, 1000, 100, X_OK, false },
		{ &root, S_IFREG | 0001, 1000, 100, X_OK, true },
		{ &root, S_IFDIR | 0000, 1000, 100, X_OK, true },
		{ &root, S_IFREG | 0600, 65534, 100, R_OK, false },   /* another namespace's */
		{ &bare_root, S_IFREG | 0600, 1000, 100, R_OK, false },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct stat st = { .st_mode = rows[i].mode, .st_uid = rows[i].uid, .st_gid = rows[i].gid };

		check_int(confinement_mode_grants(&st, rows[i].want, rows[i].who), rows[i].grants,
			"mode row %zu", i);
	}
}

/* ---- whole processes, as files */

static char top[] = "/tmp/sendoff-probe-XXXXXX";

static void put(const char *name, const char *text)
{
	char *path = mem_printf("%s/%s", top, name);
	FILE *f;

	for (char *slash = path + strlen(top); (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		exit(1);
	free(path);
}

static void test_read(void)
{
	char *self = mem_printf("%s/self", top), *root = mem_printf("%s/root", top);
	struct buf out = BUF_INIT(4096);
	struct confinement c;

	unsetenv("container");
	confinement_read("/nowhere", "/nowhere", &c);
	check(!c.status_known && c.policy == POLICY_NONE && !c.unit[0] && !c.container[0] &&
		c.may_connect == -1, "where nothing can be read nothing is known");
	confinement_blame(&c, &out);
	check(strstr(buf_text(&out), "journalctl") && strstr(buf_text(&out), "ausearch"),
		"... and both places are named");

	put("self/status", "NoNewPrivs:\t1\nSeccomp:\t2\nCapEff:\t0\n");
	put("self/cgroup", "0::/system.slice/httpd.service\n");
	put("self/attr/current", "system_u:system_r:httpd_t:s0\n");
	put("root/sys/fs/selinux/enforce", "1");
	put("root/sys/fs/selinux/booleans/httpd_can_network_connect", "0 0");
	put("root/sys/fs/selinux/booleans/httpd_can_sendmail", "1 1");
	confinement_read(self, root, &c);
	check(c.status_known && c.no_new_privs && c.seccomp == 2, "a process's status");
	check_text(c.unit, "httpd.service", "its unit");
	check_text(c.domain, "httpd_t", "its domain");
	check(c.enforced && c.may_connect == 0 && c.may_send == 1, "and the booleans");
	buf_clear(&out);
	confinement_blame(&c, &out);
	check_text(buf_text(&out), "SELinux forbids it to the domain httpd_t: see `ausearch -m avc -ts "
		"recent`", "SELinux is blamed");

	put("root/sys/fs/selinux/enforce", "0");
	confinement_read(self, root, &c);
	check(c.policy == POLICY_SELINUX && !c.enforced, "SELinux that only watches");

	/* AppArmor has a place of its own where there are several. */
	put("self/attr/apparmor/current", "msgtool (enforce)\n");
	put("root/.dockerenv", "");
	confinement_read(self, root, &c);
	check(c.policy == POLICY_APPARMOR && c.may_connect == -1, "AppArmor");
	check_text(c.container, "docker", "a container");
	buf_clear(&out);
	confinement_blame(&c, &out);
	check(strstr(buf_text(&out), "profile msgtool forbids it") &&
		strstr(buf_text(&out), "journalctl -k | grep -i apparmor") &&
		strstr(buf_text(&out), "/etc/apparmor.d/local"), "AppArmor is blamed");
	free(self);
	free(root);
	buf_release(&out);
}

static void test_policy(void)
{
	char *path = mem_printf("%s/file", top);
	struct confinement c;

	put("file", "");
	chmod(path, 0400);
	confinement_read("/proc/self", "", &c);
	check(confinement_is_policy(&c, path, R_OK), "a refusal that the modes do not explain");
	check(!confinement_is_policy(&c, path, R_OK | X_OK), "and one that they do");
	check(!confinement_is_policy(&c, "relative", R_OK) && !confinement_is_policy(&c, "", R_OK) &&
		!confinement_is_policy(&c, "/nowhere/file", R_OK), "what is not there is no policy's");
	check(confinement_is_policy(&c, "/", X_OK), "the root directory");
	free(path);
}

static void allowed_in(const char *label, const char *want)
{
	struct confinement c = { .policy = POLICY_NONE };
	char file[CONFINEMENT_NAME + 32], small[30];

	confinement_label(label, strlen(label), &c);
	check_text(confinement_local_file(&c, file, sizeof(file)), want, "%s", label);
	check(strlen(confinement_local_file(&c, small, sizeof(small))) < sizeof(small), "in little room");
}

/* Where an administrator allows more. */
static void test_local_file(void)
{
	allowed_in("sendoff (enforce)", "/etc/apparmor.d/local/sendoff");
	allowed_in("/usr/bin/sendoff (enforce)", "/etc/apparmor.d/local/usr.bin.sendoff");
	allowed_in("sendoff//gpg (enforce)", "/etc/apparmor.d/local/sendoff");
	allowed_in("../../x (complain)", "/etc/apparmor.d/local/......x");
	allowed_in("", "/etc/apparmor.d/local/");
}

int main(void)
{
	test_local_file();
	char *command = NULL;

	if (!mkdtemp(top))
		return 1;
	test_status();
	test_labels();
	test_cgroups();
	test_mounts();
	test_modes();
	test_read();
	test_policy();
	command = mem_printf("rm -rf %s", top);
	if (system(command) != 0)
		return 1;
	free(command);
	return tap_done();
}
