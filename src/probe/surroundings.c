/* probe/surroundings.c - looking around; see surroundings.h. */
#include "probe/surroundings.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"
#include "deliver/enqueue.h"
#include "net/local.h"
#include "net/name.h"
#include "net/trust.h"
#include "queue/spool.h"

enum { RUNNER_WAIT_MS = 2000, MOUNTS_MOST = 4 << 20, RESOLVER_MOST = 64 * 1024 };

/* ---- files and directories */

static bool find_mount(const char *path, struct mount_facts *m)
{
	struct buf text = BUF_INIT(MOUNTS_MOST);
	struct err ignored;
	bool found = file_read("/proc/self/mountinfo", FILE_ANY, &text, &ignored) == FILE_OK &&
		confinement_mount(buf_text(&text), text.len, path, m);

	buf_release(&text);
	return found;
}

/* What systemd lays over the places of home directories (ProtectHome): a directory that
 * nobody may enter, or an empty file system. */
static bool is_cover(const struct mount_facts *m, int number)
{
	static const char *const points[] = { "/home", "/root", "/run/user" };

	if (number != ENOENT && number != EACCES && number != EROFS)
		return false;
	if (strstr(m->root, "systemd/inaccessible"))
		return true;
	for (size_t i = 0; i < COUNT(points); i++)
		if (!strcmp(m->point, points[i]) && !strcmp(m->type, "tmpfs"))
			return number != EACCES;
	return false;
}

/* What it means that a call for this path failed so. */
static void judge(struct place *p, const struct confinement *c, int want, int number)
{
	struct mount_facts m;
	bool mounted = find_mount(p->path, &m);

	if (mounted)
		text_clean_to(p->mount, sizeof(p->mount), m.point, strlen(m.point));
	if (mounted && is_cover(&m, number))
		p->trouble = PLACE_HIDDEN;
	else if (number == EROFS)
		p->trouble = PLACE_READ_ONLY;
	else if (number == ENOENT || number == ENOTDIR)
		p->trouble = PLACE_ABSENT;
	else if (number == EACCES || number == EPERM)
		p->trouble = confinement_is_policy(c, p->path, want) ? PLACE_POLICY : PLACE_DENIED;
	else
		p->trouble = PLACE_OTHER;
	if (!p->words[0])
		snprintf(p->words, sizeof(p->words), "%s", strerror(number));
}

/* Opened, since only that tells what a policy thinks. */
static void try_directory(struct place *p, const struct confinement *c)
{
	int fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		judge(p, c, X_OK, errno);
	else
		close(fd);
}

/* A file without a name, where the file system can have one; else the mode alone. */
static void try_writing(struct place *p, const char *directory, const struct confinement *c)
{
	int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
		fd = faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) == 0 ? dup(0) : -1;
	if (fd < 0)
		judge(p, c, W_OK | X_OK, errno);
	else
		close(fd);
}

/* ---- who */

static void name_user(uid_t uid, char out[SURROUNDINGS_NAME])
{
	const struct passwd *entry = getpwuid(uid);

	if (entry)
		text_clean_to(out, SURROUNDINGS_NAME, entry->pw_name, strlen(entry->pw_name));
}

static const char *kind_of_input(void)
{
	struct stat st;

	if (isatty(0))
		return "terminal";
	if (fstat(0, &st) < 0)
		return "closed";
	return S_ISFIFO(st.st_mode) ? "pipe" : S_ISSOCK(st.st_mode) ? "socket" :
		S_ISREG(st.st_mode) ? "file" : S_ISCHR(st.st_mode) ? "device" : "other";
}

static void look_who(struct surroundings *s)
{
	const struct group *group = getgrgid(getegid());
	int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	s->uid = geteuid();
	s->real_uid = getuid();
	s->gid = getegid();
	s->real_gid = getgid();
	name_user(s->uid, s->user);
	name_user(s->real_uid, s->real_user);
	if (group)
		text_clean_to(s->group, sizeof(s->group), group->gr_name, strlen(group->gr_name));
	s->no_terminal = terminal < 0;
	s->input = kind_of_input();
	if (terminal >= 0)
		close(terminal);
}

/* ---- where files are sought */

/* Why a directory from the environment does not count; false: it does. */
static bool is_ignored(const char *path, bool may_be_made, char *why, size_t size)
{
	struct stat st;
	uid_t whose;

	if (path[0] != '/') {
		snprintf(why, size, "does not begin with /");
		return true;
	}
	if (stat(path, &st) < 0 && errno == ENOENT && may_be_made) {
		if (process_may_make(path, &whose))
			return false;
		snprintf(why, size, "would be made in a directory of another user (uid %lu)",
			(unsigned long)whose);
	} else if (stat(path, &st) < 0)
		snprintf(why, size, "%s", strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		snprintf(why, size, "is no directory");
	else if (st.st_uid != geteuid())
		snprintf(why, size, "belongs to another user (uid %lu)", (unsigned long)st.st_uid);
	else
		return false;
	return true;
}

/* The rules are those of process_home(), the configuration and the queue. */
static void look_environment(struct surroundings *s)
{
	static const struct { const char *name; bool may_be_made; } variables[] = {
		{ "HOME", false }, { "XDG_CONFIG_HOME", false }, { "XDG_STATE_HOME", true }
	};

	for (size_t i = 0; i < COUNT(variables); i++) {
		const char *value = process_env(variables[i].name);

		s->ignored[i].name = variables[i].name;
		if (value && is_ignored(value, variables[i].may_be_made, s->ignored[i].why,
				sizeof(s->ignored[i].why)))
			s->ignored[i].value = mem_string(value);
	}
}

static void look_home(struct surroundings *s)
{
	const char *home = process_home();

	look_environment(s);
	if (!home)
		return;
	s->home.path = mem_string(home);
	s->home_of_passwd = !process_env("HOME") || s->ignored[0].value;
	try_directory(&s->home, &s->confinement);
}

/* ---- the queue */

/* The directory in which the first that is missing would be made. */
static void try_making(struct surroundings *s)
{
	char *above = mem_string(s->queue.path), *slash;
	struct stat st;

	s->queue_to_be_made = true;
	while ((slash = strrchr(above, '/')) && slash > above) {
		*slash = '\0';
		if (stat(above, &st) == 0 || errno != ENOENT)
			break;
	}
	if (slash == above)
		above[1] = '\0';
	free(s->queue.path);
	s->queue.path = above;
	try_writing(&s->queue, above, &s->confinement);
}

static void look_into_queue(struct surroundings *s)
{
	struct spool *spool = NULL;
	struct err e = { 0 };
	char *within, *path;

	if (spool_open(&spool, s->queue.path, false, &e) == 0) {
		s->queue_free = spool_free_space(spool);
		spool_close(&spool);
		within = mem_printf("%s/tmp", s->queue.path);
		try_writing(&s->queue, within, &s->confinement);
		free(within);
	} else if (e.kind == ERR_NO_QUEUE) {
		path = mem_string(s->queue.path);
		try_making(s);
		free(s->queue.path);
		s->queue.path = path;
	} else {
		snprintf(s->queue.words, sizeof(s->queue.words), "%s%s%s", e.text, e.hint[0] ? "; " : "",
			e.hint);
		judge(&s->queue, &s->confinement, W_OK | X_OK, e.sys_errno ? e.sys_errno : EINVAL);
	}
}

static void look_queue(struct surroundings *s, const struct config *c)
{
	struct err e = { 0 };

	s->queue_least = c && c->global.min_free > 0 ? (uint64_t)c->global.min_free : 0;
	s->queue.path = enqueue_path(c, &e);
	if (s->queue.path) {
		look_into_queue(s);
	} else {
		s->queue.trouble = PLACE_OTHER;
		snprintf(s->queue.words, sizeof(s->queue.words), "%s; %s", e.text, e.hint);
	}
}

/* ---- the system's runner */

static void look_runner(struct surroundings *s)
{
	const struct passwd *entry;
	struct local_peer peer;
	struct err e = { 0 };
	struct stat st;
	int fd;

	s->runner_owner = s->runner_peer = (uid_t)-1;
	s->runner.path = mem_string(config_smtp_socket());
	if (lstat(s->runner.path, &st) < 0) {
		judge(&s->runner, &s->confinement, W_OK, errno);
		return;
	}
	s->runner_is_there = true;
	s->runner_owner = st.st_uid;
	entry = getpwnam(CONFIG_RUNNER_USER);
	s->runner_is_strange = st.st_uid != 0 && (!entry || entry->pw_uid != st.st_uid);
	fd = local_connect(s->runner.path, RUNNER_WAIT_MS, &e);
	if (fd < 0) {
		judge(&s->runner, &s->confinement, W_OK, errno);
		return;
	}
	if (local_peer_of(fd, &peer))
		s->runner_peer = peer.uid;
	close(fd);
}

/* ---- what else an attempt needs */

static bool is_here(const char *host)
{
	return host[0] == '/' || !strcasecmp(host, "localhost") || !strncmp(host, "127.", 4) ||
		!strcmp(host, "::1") || !strcmp(host, "[::1]");
}

static void look_roots(struct surroundings *s, const struct account *a)
{
	static const struct key_list usual = { NULL, 0 };
	struct buf out = BUF_INIT(4096);
	struct tls_trust *trust;
	struct err e = { 0 };

	if (a ? a->smtp.tls == SMTP_TLS_OFF || !a->tls.verify || a->tls.pins.count : s->by_runner)
		return;
	trust = trust_load_files(a ? &a->tls.ca_files : &usual, &e);
	if (trust) {
		trust_describe(trust, &out);
		s->roots = buf_take(&out);
		tls_trust_free(&trust);
	} else {
		snprintf(s->roots_fault, sizeof(s->roots_fault), "%s%s%s", e.text,
			e.hint[0] ? "; " : "", e.hint);
	}
}

static bool only_loopback(void)
{
	struct ifaddrs *list = NULL;
	bool other = false;

	if (getifaddrs(&list) < 0)
		return false;
	for (const struct ifaddrs *i = list; i; i = i->ifa_next)
		other = other || ((i->ifa_flags & IFF_UP) && !(i->ifa_flags & IFF_LOOPBACK));
	freeifaddrs(list);
	return !other;
}

static void look_network(struct surroundings *s, const struct account *a)
{
	struct buf text = BUF_INIT(RESOLVER_MOST);
	struct sockaddr_storage address;
	struct err e;
	int fd;

	if (a ? is_here(a->net.host) : s->by_runner)
		return;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		s->no_sockets = errno;
	else
		close(fd);
	s->no_network = only_loopback();
	if (a && name_address(a->net.host, &address) > 0)
		return;
	if (file_read("/etc/resolv.conf", FILE_ANY, &text, &e) != FILE_OK)
		s->resolver = e.sys_errno == ENOENT ? "is missing" : e.sys_errno == EACCES ?
			"cannot be read" : "is no file to be read";
	else
		s->resolver = surroundings_resolver(buf_text(&text), text.len);
	buf_release(&text);
}

const char *surroundings_resolver(const char *text, size_t len)
{
	static const char word[] = "nameserver";
	const size_t n = sizeof(word) - 1;

	for (size_t i = 0; i + n < len; i++)
		if ((!i || text[i - 1] == '\n') && !memcmp(text + i, word, n) &&
				(text[i + n] == ' ' || text[i + n] == '\t'))
			return NULL;
	return "names no server";
}

static int64_t limit_of(int which)
{
	struct rlimit limit;

	if (getrlimit((__rlimit_resource_t)which, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY ||
			limit.rlim_cur > INT64_MAX)
		return -1;
	return (int64_t)limit.rlim_cur;
}

static void look_limits(struct surroundings *s)
{
	s->file_limit = limit_of(RLIMIT_FSIZE);
	s->memory_limit = limit_of(RLIMIT_AS);
	s->open_limit = limit_of(RLIMIT_NOFILE);
}

static void note_time(struct surroundings *s, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && st.st_mtime > s->newest)
		s->newest = st.st_mtime;
}

static void look_clock(struct surroundings *s, const struct config *c)
{
	s->now = time(NULL);
	note_time(s, "/proc/self/exe");
	for (size_t i = 0; c && i < c->source_count; i++)
		if (c->sources[i].name && c->sources[i].name[0] == '/')   /* one that is faulty has none */
			note_time(s, c->sources[i].name);
}

/* The program that a command begins with, when it is set-uid: under no_new_privs it
 * would run without what it needs. */
static void look_command(struct surroundings *s, const struct account *a)
{
	char *program = a && a->secret.command && s->confinement.no_new_privs ?
		command_program(a->secret.command) : NULL;
	struct stat st;

	if (program && stat(program, &st) == 0 && (st.st_mode & (S_ISUID | S_ISGID)))
		s->setuid_command = program;
	else
		free(program);
}

struct surroundings *surroundings_look(const struct config *c, const struct account *a)
{
	struct surroundings *s = mem_alloc(sizeof(*s));

	confinement_read("/proc/self", "", &s->confinement);
	look_who(s);
	s->by_runner = a ? a->scope == SCOPE_SYSTEM && (!a->source || config_has_runner()) :
		c && c->runner && c->count == 1;
	s->scope = !a ? NULL : a->scope == SCOPE_SYSTEM ? "system" : "personal";
	look_home(s);
	if (!s->by_runner)
		look_queue(s, c);
	look_runner(s);
	look_roots(s, a);
	look_network(s, a);
	look_limits(s);
	look_clock(s, c);
	look_command(s, a);
	return s;
}

void surroundings_free(struct surroundings **sp)
{
	struct surroundings *s = *sp;

	if (!s)
		return;
	free(s->home.path);
	free(s->queue.path);
	free(s->runner.path);
	for (size_t i = 0; i < COUNT(s->ignored); i++)
		free(s->ignored[i].value);
	free(s->roots);
	free(s->setuid_command);
	free(s);
	*sp = NULL;
}
