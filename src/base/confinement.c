/* base/confinement.c - what holds this process in; see confinement.h. */
#include "base/confinement.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"

enum {
	FILE_MOST = 1 << 20,
	CAPABILITY_DAC_OVERRIDE = 1,   /* linux/capability.h */
	OVERFLOW_ID = 65534,           /* how ids are shown that a user namespace does not map */
	GROUPS_MOST = 65536
};

/* ---- lines */

/* The line at text, without its end; moves on behind it.  False at the end. */
static bool next_line(const char **at, const char *end, const char **line, size_t *len)
{
	const char *newline;

	if (*at >= end)
		return false;
	*line = *at;
	newline = memchr(*at, '\n', (size_t)(end - *at));
	*len = (size_t)((newline ? newline : end) - *at);
	*at = newline ? newline + 1 : end;
	return true;
}

/* What stands behind "NAME:" and blanks, or NULL. */
static const char *field(const char *line, size_t len, const char *name, size_t *rest)
{
	size_t n = strlen(name);

	if (len <= n || memcmp(line, name, n) != 0 || line[n] != ':')
		return NULL;
	for (n++; n < len && (line[n] == ' ' || line[n] == '\t'); n++)
		;
	*rest = len - n;
	return line + n;
}

static bool ends_with(const char *text, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len >= n && !memcmp(text + len - n, end, n);
}

static bool contains(const char *text, size_t len, const char *word)
{
	return memmem(text, len, word, strlen(word)) != NULL;
}

/* ---- status */

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex_in(const char *text, size_t len, uint64_t *out)
{
	uint64_t value = 0;

	if (!len || len > 16)
		return false;
	for (size_t i = 0; i < len; i++) {
		int digit = digit_of(text[i]);

		if (digit < 0)
			return false;
		value = value << 4 | (uint64_t)digit;
	}
	*out = value;
	return true;
}

void confinement_status(const char *text, size_t len, struct confinement *c)
{
	const char *at = text, *end = text + len, *line, *value;
	size_t size, rest;

	while (next_line(&at, end, &line, &size)) {
		if ((value = field(line, size, "NoNewPrivs", &rest)) && rest == 1)
			c->no_new_privs = *value == '1';
		else if ((value = field(line, size, "Seccomp", &rest)) && rest == 1 &&
				*value >= '0' && *value <= '2')
			c->seccomp = *value - '0';
		else if ((value = field(line, size, "CapEff", &rest)) &&
				hex_in(value, rest, &c->capabilities))
			c->status_known = true;
	}
}

/* ---- the label of a policy */

/* "user:role:type:level": the type, or 0 octets. */
static size_t type_in(const char *text, size_t len, const char **type)
{
	const char *first = memchr(text, ':', len), *second, *third;

	if (!first || first == text)
		return 0;
	second = memchr(first + 1, ':', len - (size_t)(first + 1 - text));
	if (!second || second == first + 1)
		return 0;
	*type = second + 1;
	third = memchr(*type, ':', len - (size_t)(*type - text));
	return (size_t)((third ? third : text + len) - *type);
}

void confinement_label(const char *text, size_t len, struct confinement *c)
{
	static const char enforce[] = " (enforce)", complain[] = " (complain)";
	const char *type = NULL;
	bool enforced;
	size_t size;

	while (len && (text[len - 1] == '\n' || text[len - 1] == '\0'))
		len--;
	enforced = ends_with(text, len, enforce);
	if (enforced || ends_with(text, len, complain)) {
		len -= enforced ? sizeof(enforce) - 1 : sizeof(complain) - 1;
		if (!len)
			return;
		c->policy = POLICY_APPARMOR;
		c->enforced = enforced;
	} else if ((size = type_in(text, len, &type)) > 0) {
		/* The type of those that nothing is kept from. */
		if (size == 12 && !memcmp(type, "unconfined_t", 12))
			return;
		c->policy = POLICY_SELINUX;
		c->enforced = true;
		text_clean_to(c->domain, sizeof(c->domain), type, size);
	} else {
		return;   /* "unconfined", or something of another kind */
	}
	text_clean_to(c->label, sizeof(c->label), text, len);
}

/* ---- control groups */

static void find_container(const char *path, size_t len, struct confinement *c)
{
	static const struct { const char *word, *name; } known[] = {
		{ "/docker/", "docker" }, { "/libpod-", "podman" }, { "/kubepods", "kubernetes" },
		{ "/lxc/", "lxc" }, { "/lxc.payload", "lxc" },
	};

	for (size_t i = 0; i < COUNT(known) && !c->container[0]; i++)
		if (contains(path, len, known[i].word))
			snprintf(c->container, sizeof(c->container), "%s", known[i].name);
}

/* The last component that is a unit with processes of its own; below it a service may
 * have made groups as it likes. */
static void find_unit(const char *path, size_t len, struct confinement *c)
{
	const char *end = path + len;

	while (end > path) {
		const char *start = memrchr(path, '/', (size_t)(end - path));
		size_t size;

		start = start ? start + 1 : path;
		size = (size_t)(end - start);
		if (ends_with(start, size, ".service") || ends_with(start, size, ".scope")) {
			text_clean_to(c->unit, sizeof(c->unit), start, size);
			return;
		}
		end = start > path ? start - 1 : path;
	}
}

/* "ID:CONTROLLERS:PATH"; systemd's is the one without controllers, or its own name. */
void confinement_cgroup(const char *text, size_t len, struct confinement *c)
{
	const char *at = text, *end = text + len, *line;
	size_t size;

	while (next_line(&at, end, &line, &size)) {
		const char *first = memchr(line, ':', size), *second;

		second = first ? memchr(first + 1, ':', size - (size_t)(first + 1 - line)) : NULL;
		if (!second)
			continue;
		find_container(second + 1, size - (size_t)(second + 1 - line), c);
		if (!c->unit[0] && (second == first + 1 || ends_with(first + 1,
				(size_t)(second - first - 1), "name=systemd")))
			find_unit(second + 1, size - (size_t)(second + 1 - line), c);
	}
}

/* ---- mounts */

/* A field of mountinfo, in which blanks and backslashes are octal.  False: too long. */
static bool unescape(const char *in, size_t len, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = in[i];

		if (n + 1 >= size)
			return false;
		if (c == '\\' && len - i > 3 && in[i + 1] >= '0' && in[i + 1] <= '3' &&
				in[i + 2] >= '0' && in[i + 2] <= '7' &&
				in[i + 3] >= '0' && in[i + 3] <= '7') {
			c = (char)((in[i + 1] - '0') << 6 | (in[i + 2] - '0') << 3 | (in[i + 3] - '0'));
			i += 3;
		}
		if (!c)
			return false;
		out[n++] = c;
	}
	out[n] = '\0';
	return n > 0;
}

static bool has_option(const char *options, size_t len, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i + n <= len; i++)
		if ((!i || options[i - 1] == ',') && !memcmp(options + i, name, n) &&
				(i + n == len || options[i + n] == ','))
			return true;
	return false;
}

/* "36 35 98:0 ROOT POINT OPTIONS [TAG...] - TYPE SOURCE SUPER-OPTIONS" */
static bool mount_line(const char *line, size_t len, struct mount_facts *m)
{
	const char *words[32] = { NULL }, *end = line + len;
	size_t sizes[32], count = 0, dash = 0;

	for (const char *at = line; at < end && count < COUNT(words);) {
		const char *blank = memchr(at, ' ', (size_t)(end - at));

		words[count] = at;
		sizes[count] = (size_t)((blank ? blank : end) - at);
		if (!dash && count >= 6 && sizes[count] == 1 && *at == '-')
			dash = count;
		count++;
		at = blank ? blank + 1 : end;
	}
	if (!dash || count < dash + 3)
		return false;
	m->read_only = has_option(words[5], sizes[5], "ro") || (count > dash + 3 &&
		has_option(words[dash + 3], sizes[dash + 3], "ro"));
	return unescape(words[3], sizes[3], m->root, sizeof(m->root)) &&
		unescape(words[4], sizes[4], m->point, sizeof(m->point)) &&
		unescape(words[dash + 1], sizes[dash + 1], m->type, sizeof(m->type));
}

static bool lies_below(const char *path, const char *point)
{
	size_t len = strlen(point);

	if (len == 1 && *point == '/')
		return path[0] == '/';
	return !strncmp(path, point, len) && (path[len] == '/' || !path[len]);
}

bool confinement_mount(const char *text, size_t len, const char *path, struct mount_facts *out)
{
	const char *at = text, *end = text + len, *line;
	struct mount_facts one;
	size_t size, longest = 0;
	bool found = false;

	while (next_line(&at, end, &line, &size)) {
		if (!mount_line(line, size, &one) || !lies_below(path, one.point))
			continue;
		/* A later one at the same place lies above the earlier. */
		if (!found || strlen(one.point) >= longest) {
			longest = strlen(one.point);
			*out = one;
			found = true;
		}
	}
	return found;
}

/* ---- modes */

bool confinement_mode_grants(const struct stat *st, int want, const struct mode_subject *who)
{
	unsigned shift = 0;
	bool member = false;

	/* Capabilities end where the ids of a user namespace do. */
	if (who->override && st->st_uid != OVERFLOW_ID && st->st_gid != OVERFLOW_ID &&
			(!(want & X_OK) || S_ISDIR(st->st_mode) || (st->st_mode & 0111)))
		return true;
	for (size_t i = 0; i < who->group_count; i++)
		member = member || who->groups[i] == st->st_gid;
	if (who->uid == st->st_uid)
		shift = 6;
	else if (member)
		shift = 3;
	return (st->st_mode >> shift & (unsigned)want & 7) == (unsigned)want;
}

/* Of all directories above the path, then of itself. */
static bool path_grants(const char *path, int want, const struct mode_subject *who)
{
	char part[PATH_MAX];
	struct stat st;

	if (path[0] != '/' || strlen(path) >= sizeof(part))
		return false;
	for (const char *slash = path; slash; slash = strchr(slash + 1, '/')) {
		size_t len = slash == path ? 1 : (size_t)(slash - path);

		memcpy(part, path, len);
		part[len] = '\0';
		if (stat(part, &st) < 0 || !confinement_mode_grants(&st, X_OK, who))
			return false;
	}
	return stat(path, &st) == 0 && confinement_mode_grants(&st, want, who);
}

bool confinement_is_policy(const struct confinement *c, const char *path, int want)
{
	int count = getgroups(0, NULL);
	gid_t *groups;
	struct mode_subject who = { .uid = geteuid(),
		.override = c->capabilities >> CAPABILITY_DAC_OVERRIDE & 1 };
	bool grants;

	if (count < 0 || count > GROUPS_MOST)
		return false;
	groups = mem_alloc(((size_t)count + 1) * sizeof(*groups));
	count = getgroups(count, groups);
	if (count >= 0)
		groups[count] = getegid();
	who.groups = groups;
	who.group_count = count >= 0 ? (size_t)count + 1 : 0;
	grants = path_grants(path, want, &who);
	free(groups);
	return grants;
}

/* Called as the profile's own is: a path with dots for its slashes; that of a child profile
 * ("NAME//CHILD") is its parent's. */
char *confinement_local_file(const struct confinement *c, char *to, size_t size)
{
	static const char place[] = "/etc/apparmor.d/local/";
	const char *name = c->label + (c->label[0] == '/'), *child = strstr(name, "//");

	snprintf(to, size, "%s%.*s", place, child ? (int)(child - name) : (int)strlen(name), name);
	for (char *at = to + sizeof(place) - 1; strlen(to) >= sizeof(place) && *at; at++)
		if (*at == '/')
			*at = '.';
	return to;
}

void confinement_blame(const struct confinement *c, struct buf *out)
{
	char file[CONFINEMENT_NAME + 32];

	if (c->policy == POLICY_APPARMOR)
		buf_printf(out, "the AppArmor profile %s forbids it: see `journalctl -k | grep -i "
			"apparmor`, and allow it in %s", c->label,
			confinement_local_file(c, file, sizeof(file)));
	else if (c->policy == POLICY_SELINUX)
		buf_printf(out, "SELinux forbids it to the domain %s: see `ausearch -m avc -ts recent`",
			c->domain);
	else if (c->unit[0])
		buf_printf(out, "its mode would allow it: see what %s forbids (`systemctl cat %s`), or "
			"`journalctl -k | grep -i apparmor`", c->unit, c->unit);
	else
		buf_add_text(out, "its mode would allow it: see `journalctl -k | grep -i apparmor` or "
			"`ausearch -m avc -ts recent`");
}

/* ---- of this process */

static bool read_below(const char *directory, const char *name, struct buf *out)
{
	char *path = mem_printf("%s/%s", directory, name);
	struct err ignored;
	bool good;

	buf_clear(out);
	good = file_read(path, FILE_ANY, out, &ignored) == FILE_OK;
	free(path);
	return good;
}

/* 1, 0, or -1: it is not there. */
static int boolean(const char *root, const char *name)
{
	char *path = mem_printf("sys/fs/selinux/%s", name);
	struct buf text = BUF_INIT(64);
	int value = -1;

	if (read_below(root, path, &text) && (text.data[0] == '0' || text.data[0] == '1'))
		value = text.data[0] - '0';
	buf_release(&text);
	free(path);
	return value;
}

static void read_policy(const char *self, const char *root, struct confinement *c)
{
	struct buf text = BUF_INIT(4096);

	if (read_below(self, "attr/apparmor/current", &text) || read_below(self, "attr/current", &text))
		confinement_label(buf_text(&text), text.len, c);
	buf_release(&text);
	if (c->policy != POLICY_SELINUX)
		return;
	c->enforced = boolean(root, "enforce") != 0;   /* where it is not said, it is */
	c->may_connect = boolean(root, "booleans/httpd_can_network_connect");
	c->may_send = boolean(root, "booleans/httpd_can_sendmail");
}

/* What the makers of containers leave inside. */
static void read_container(const char *root, struct confinement *c)
{
	static const struct { const char *path, *name; } marks[] = {
		{ ".dockerenv", "docker" }, { "run/.containerenv", "podman" }
	};
	const char *named = process_env("container");

	for (size_t i = 0; i < COUNT(marks) && !c->container[0]; i++) {
		char *path = mem_printf("%s/%s", root, marks[i].path);

		if (access(path, F_OK) == 0)
			snprintf(c->container, sizeof(c->container), "%s", marks[i].name);
		free(path);
	}
	if (!c->container[0] && named)
		text_clean_to(c->container, sizeof(c->container), named, strlen(named));
}

void confinement_read(const char *self, const char *root, struct confinement *c)
{
	struct buf text = BUF_INIT(FILE_MOST);

	*c = (struct confinement){ .may_connect = -1, .may_send = -1 };
	if (read_below(self, "status", &text))
		confinement_status(buf_text(&text), text.len, c);
	if (read_below(self, "cgroup", &text))
		confinement_cgroup(buf_text(&text), text.len, c);
	buf_release(&text);
	read_policy(self, root, c);
	read_container(root, c);
}
