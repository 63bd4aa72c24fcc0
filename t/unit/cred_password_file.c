/* t/unit/cred_password_file.c - passwords written and removed: whole or not at all, for their
 * owner alone, and nothing that is not ours is touched. */
#include "t/unit/tap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "cred/password_file.h"

enum { OTHER = 65534 };   /* a user and a group that are not ours */

static char directory[] = "/tmp/sendoff-password-XXXXXX";
static char path[64], fresh[64], elsewhere[64];
static struct err why;

/* --- what is there ------------------------------------------------------------ */

static void put(const char *where, const char *text)
{
	int fd = open(where, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		printf("Bail out! cannot write %s\n", where);
	close(fd);
}

/* "-": nothing; static. */
static const char *content(const char *where)
{
	static char text[SECRET_MAX + 8];
	int fd = open(where, O_RDONLY | O_NOFOLLOW);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (len < 0)
		return "-";
	text[len] = '\0';
	return text;
}

static int mode_of(const char *where)
{
	struct stat st;

	return lstat(where, &st) == 0 ? (int)(st.st_mode & 07777) : -1;
}

/* How many names are in the directory. */
static int names(void)
{
	DIR *d = opendir(directory);
	int count = -2;   /* . and .. */

	while (d && readdir(d))
		count++;
	if (d)
		closedir(d);
	return count;
}

static int remove_all(void)
{
	chmod(directory, 0700);
	rmdir(fresh);
	rmdir(path);
	unlink(fresh);
	unlink(path);
	unlink(elsewhere);
	return names();
}

/* --- what is done --------------------------------------------------------------- */

static int save_for(const char *where, const char *password, gid_t group)
{
	struct secret s = { NULL, 0 };
	int result;

	secret_set(&s, password, strlen(password));
	why = (struct err){ 0 };
	result = password_file_save(where, &s, group, &why);
	secret_wipe(&s);
	return result;
}

static int save(const char *password)
{
	return save_for(path, password, (gid_t)-1);
}

static int try(void)
{
	why = (struct err){ 0 };
	return password_file_try(path, &why);
}

static int take_away(void)
{
	why = (struct err){ 0 };
	return password_file_remove(path, &why);
}

/* All three refuse, say so, and leave `left` names. */
static void refused(enum err_kind kind, const char *words, int left, const char *name)
{
	static const char *const deeds[] = { "try", "save", "remove" };

	for (int i = 0; i < 3; i++) {
		check_int(i == 0 ? try() : i == 1 ? save("new") : take_away(), -1, "%s: %s is refused", name,
			deeds[i]);
		check_int(why.kind, kind, "%s: %s: its kind", name, deeds[i]);
		check(strstr(why.text, words) != NULL, "%s: %s: told: %s", name, deeds[i], why.text);
		check(why.hint[0] != '\0', "%s: %s: and what to do: %s", name, deeds[i], why.hint);
		check_int(names(), left, "%s: %s: nothing came or went", name, deeds[i]);
	}
}

/* --- tests -------------------------------------------------------------------------- */

static void test_contents(void)
{
	static const char *const odd[] = { "geheim", "a b", " x ", "\"quoted\"", "#x", "; x", "a\\nb", "%s%n",
		"p\xc3\xa4ss", "\xff\xfe\x01\x7f", "tab\t", "cr\r", "lf\n", "two\nlines", "$(id)`id`", "" };
	struct buf text = BUF_INIT(SECRET_MAX + 2);
	struct secret back = { NULL, 0 };

	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		char *want = mem_printf("%s\n", odd[i]);

		check_int(save(odd[i]), 0, "password %zu: saved (%s)", i, why.text);
		check_text(content(path), want, "password %zu: octet by octet", i);
		check_int(mode_of(path), 0600, "password %zu: D10 for its owner alone", i);
		check_int(names(), 1, "password %zu: nothing besides", i);
		buf_clear(&text);
		check_int(file_read(path, FILE_SECRET, &text, &why), FILE_OK, "password %zu: read as secrets are", i);
		secret_set(&back, buf_text(&text), text.len);
		secret_chomp(&back);
		if (!strchr(odd[i], '\r'))   /* a CR before the end of the line counts as its part */
			check_text(back.data, odd[i], "password %zu: and is itself", i);
		free(want);
	}
	secret_wipe(&back);
	buf_wipe(&text);
	remove_all();
}

static void test_lengths(void)
{
	char *longest = mem_alloc(SECRET_MAX + 2);

	memset(longest, 'k', SECRET_MAX + 1);
	check_int(save("old"), 0, "the old one");
	check_int(save(longest), -1, "one octet too long");
	check_int(why.kind, ERR_SECRET, "its kind");
	check_text(content(path), "old\n", "the old one is left");
	check_int(names(), 1, "and nothing besides");
	longest[SECRET_MAX] = '\0';
	check_int(save(longest), 0, "the longest (%s)", why.text);
	check_int(strlen(content(path)), SECRET_MAX + 1, "is whole");
	free(longest);
	remove_all();
}

static void test_modes(void)
{
	mode_t before = umask(0);

	check_int(save("x"), 0, "without a umask");
	check_int(mode_of(path), 0600, "D10 for its owner alone");
	umask(before);
	check_int(chmod(path, 0666), 0, "one that all can write");
	check_int(save("y"), 0, "is replaced");
	check_int(mode_of(path), 0600, "by one for its owner alone");
	check_int(chmod(path, 0400), 0, "one that nobody can write");
	check_int(save("z"), 0, "is replaced as well");
	check_text(content(path), "z\n", "indeed");
	remove_all();
}

static void test_group(void)
{
	gid_t group = geteuid() == 0 ? OTHER : getegid();
	struct stat st;

	check_int(save_for(path, "geheim", group), 0, "for a group (%s)", why.text);
	check(stat(path, &st) == 0 && st.st_gid == group && (st.st_mode & 07777) == 0640,
		"which may read it, and nobody else");
	check_int(save_for(path, "geheim2", group), 0, "again");
	check(stat(path, &st) == 0 && st.st_gid == group && (st.st_mode & 07777) == 0640, "the same");
	check_int(save("geheim3"), 0, "for none");
	check_int(mode_of(path), 0600, "for its owner alone again");
	if (geteuid() != 0) {
		check_int(save_for(path, "x", 0), -1, "for a group that we are not in: refused");
		check_text(content(path), "geheim3\n", "what was there is left");
		check_int(names(), 1, "alone");
	}
	remove_all();
}

/* What became of names in the directory: of the file, and of what is written beside it. */
struct events {
	unsigned file, beside;       /* set of IN_ */
	bool late;                   /* its rights were changed when there was something in it */
};

static struct events events_of(int fd)
{
	static char list[16 << 10] __attribute__((aligned(8)));
	ssize_t len = read(fd, list, sizeof(list));
	struct events seen = { 0, 0, false };

	for (ssize_t at = 0; at < len;) {
		const struct inotify_event *event = (const void *)(list + at);

		if (!strcmp(event->name, "password"))
			seen.file |= event->mask;
		else
			seen.beside |= event->mask;
		seen.late |= event->mask & IN_ATTRIB && seen.beside & IN_MODIFY;
		at += (ssize_t)(sizeof(*event) + event->len);
	}
	return seen;
}

static void test_never_half(void)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	struct events seen;

	if (fd < 0 || inotify_add_watch(fd, directory, IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB |
			IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE) < 0) {
		check(true, "# SKIP no inotify");
		return;
	}
	for (int i = 0; i < 2; i++) {
		check_int(save_for(path, "geheim", i ? getegid() : (gid_t)-1), 0, "saved");
		seen = events_of(fd);
		check_int(seen.file, IN_MOVED_TO, "A1 under its name it comes whole, and at once");
		check(seen.beside & IN_MODIFY && seen.beside & IN_CLOSE_WRITE, "it was written beside it");
		check(!seen.late, "D10 with its rights from the beginning");
	}
	check_int(try(), 0, "tried");
	seen = events_of(fd);
	check_int(seen.file, 0, "what is there is left alone");
	check(seen.beside & IN_MODIFY && seen.beside & IN_DELETE, "there is room, as was seen beside it");
	check_text(content(path), "geheim\n", "indeed");
	close(fd);
	remove_all();
}

static void test_left_over(void)
{
	put(fresh, "half of a pass");
	check_int(chmod(fresh, 0644), 0, "what a crash has left");
	check_int(save("geheim"), 0, "is in nobody's way");
	check_text(content(path), "geheim\n", "the new one is whole");
	check_int(mode_of(path), 0600, "and for its owner alone");
	check_int(names(), 1, "the left-over is gone");

	put(elsewhere, "somebody's");
	check_int(symlink(elsewhere, fresh), 0, "a link in its place");
	check_int(save("geheim2"), 0, "is removed");
	check_text(content(elsewhere), "somebody's", "and not followed");
	check_text(content(path), "geheim2\n", "the new one is there");
	unlink(elsewhere);

	check_int(mkdir(fresh, 0700), 0, "a directory in its place");
	check_int(save("geheim3"), -1, "is told");
	check_int(why.kind, ERR_STORE, "its kind: %s", why.text);
	check_text(content(path), "geheim2\n", "the old one is left");
	check_int(try(), -1, "and that is known before");
	remove_all();
}

static void test_links(void)
{
	put(elsewhere, "somebody's");
	check_int(symlink(elsewhere, path), 0, "a link");
	refused(ERR_RIGHT, "is a link", 2, "a link");
	check_text(content(elsewhere), "somebody's", "what it leads to is left alone");
	unlink(elsewhere);
	refused(ERR_RIGHT, "is a link", 1, "a link to nothing");
	check_text(content(elsewhere), "-", "nothing is made there");
	unlink(path);

	/* A second name of the same file. */
	put(path, "old\n");
	check_int(link(path, elsewhere), 0, "a second name");
	check_int(save("geheim"), 0, "the file is replaced");
	check_text(content(elsewhere), "old\n", "and not written to");
	remove_all();
}

static void test_no_files(void)
{
	check_int(mkdir(path, 0700), 0, "a directory");
	refused(ERR_RIGHT, "is not a file", 1, "a directory");
	rmdir(path);
	check_int(mkfifo(path, 0600), 0, "a FIFO");
	alarm(10);
	refused(ERR_RIGHT, "is not a file", 1, "a FIFO");
	alarm(0);
	remove_all();
}

static void test_directory(void)
{
	static const mode_t bad[] = { 0770, 0702, 0777, 01777 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char name[40];

		snprintf(name, sizeof(name), "a directory of mode %04o", (unsigned)bad[i]);
		check_int(chmod(directory, bad[i]), 0, "%s", name);
		refused(ERR_RIGHT, "can be changed by other users", 0, name);
		check_int(mode_of(directory), bad[i], "%s: left as it is", name);
	}
	for (mode_t mode = 0700; mode <= 0755; mode += 055) {
		check_int(chmod(directory, mode), 0, "a directory of mode %04o", (unsigned)mode);
		check_int(save("x"), 0, "does");
		check_int(mode_of(directory), mode, "and is left as it is");
	}
	remove_all();
}

static void test_owners(void)
{
	if (geteuid() != 0) {
		check(true, "# SKIP only root can give files away");
		return;
	}
	put(path, "theirs\n");
	check_int(chown(path, OTHER, OTHER), 0, "somebody else's file");
	refused(ERR_RIGHT, "belongs to another user (uid 65534)", 1, "somebody else's file");
	check_text(content(path), "theirs\n", "it is left alone");
	remove_all();
	check_int(chown(directory, OTHER, OTHER), 0, "somebody else's directory");
	refused(ERR_RIGHT, "belongs to another user (uid 65534)", 0, "somebody else's directory");

	/* By who is not root: of root may be the directory, not the file. */
	put(path, "root's\n");
	check_int(seteuid(OTHER), 0, "as a user");
	refused(ERR_RIGHT, "belongs to another user (uid 0)", 1, "root's file");
	check_int(seteuid(0), 0, "root again");
	unlink(path);
	check_int(chown(directory, 0, 0) + chmod(directory, 0755), 0, "root's directory");
	check_int(seteuid(OTHER), 0, "as a user");
	check_int(save("x"), -1, "where that may not write");
	check_int(why.kind, ERR_STORE, "its kind: %s", why.text);
	check_int(seteuid(0), 0, "root again");
	check_int(names(), 0, "nothing is there");
	remove_all();
}

static void test_paths(void)
{
	static const char *const bad[] = { "password", "~/password", "./password", "/tmp/", "" };
	char *lost = mem_printf("%s/no/password", directory), *below = mem_printf("%s/x", path);
	char *hostile = mem_printf("%s/\033[2J/x", directory);

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		check_int(save_for(bad[i], "x", (gid_t)-1), -1, "'%s' is no path of a file", bad[i]);
		check_int(why.kind, ERR_CONFIG, "'%s': its kind", bad[i]);
		check(why.hint[0] != '\0', "'%s': and what to do: %s", bad[i], why.hint);
	}
	check_int(save_for(lost, "x", (gid_t)-1), -1, "a directory that is not there");
	check_int(why.kind, ERR_STORE, "its kind: %s", why.text);
	check(strstr(why.hint, "mkdir") != NULL, "and what to do: %s", why.hint);
	put(path, "old\n");
	check_int(save_for(below, "x", (gid_t)-1), -1, "below a file");
	check_text(content(path), "old\n", "which is left alone");
	check_int(save_for(hostile, "x", (gid_t)-1), -1, "a hostile name");
	check(!strchr(why.text, '\033'), "E4 is shown clean: %s", why.text);
	free(lost);
	free(below);
	free(hostile);
	remove_all();
}

static void test_removing(void)
{
	check_int(take_away(), 1, "there is none");
	check_int(save("geheim"), 0, "there is one");
	put(fresh, "half");
	check_int(take_away(), 0, "it is removed");
	check_text(content(path), "-", "and gone");
	check_text(content(fresh), "half", "what is not it is left");
	check_int(take_away(), 1, "there is none again");
	remove_all();
}

/* --- no room --------------------------------------------------------------------------- */

/* Saves what is longer than the room in a child, which may be limited.  0: all is as it
 * should be; else the number of what is not. */
static int without_room(bool (*limit)(void))
{
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		char password[6000];

		if (!limit())
			_exit(99);
		memset(password, 'k', sizeof(password) - 1);
		password[sizeof(password) - 1] = '\0';
		_exit(save("old") < 0 ? 1 : try() == 0 ? 2 : why.kind != ERR_STORE ? 3 : save(password) == 0 ? 4 :
			why.kind != ERR_STORE || !why.hint[0] ? 5 : strcmp(content(path), "old\n") != 0 ? 6 :
			names() != 1 ? 7 : save("new") < 0 ? 8 : strcmp(content(path), "new\n") != 0 ? 9 : 0);
	}
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool by_size(void)
{
	const struct rlimit limit = { 4096, 4096 };

	signal(SIGXFSZ, SIG_IGN);
	return setrlimit(RLIMIT_FSIZE, &limit) == 0;
}

static bool by_disk(void)
{
	return unshare(CLONE_NEWNS) == 0 && mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
		mount("none", directory, "tmpfs", 0, "size=8k,mode=0700") == 0;
}

static void test_no_room(void)
{
	int result;

	check_int(without_room(by_size), 0, "A5 RLIMIT_FSIZE: told before and then, and the old one is left");
	remove_all();
	result = without_room(by_disk);
	if (result == 99)
		check(true, "# SKIP no disk of our own can be mounted");
	else
		check_int(result, 0, "A5 a full disk: told before and then, and the old one is left");
	remove_all();
}

int main(void)
{
	if (!mkdtemp(directory))
		return 1;
	snprintf(path, sizeof(path), "%s/password", directory);
	snprintf(fresh, sizeof(fresh), "%s/.password.new", directory);
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", directory);
	test_contents();
	test_lengths();
	test_modes();
	test_group();
	test_never_half();
	test_left_over();
	test_links();
	test_no_files();
	test_directory();
	test_owners();
	test_paths();
	test_removing();
	test_no_room();
	check_int(remove_all(), 0, "nothing is left");
	rmdir(directory);
	return tap_done();
}
