/* t/unit/deliver_aliases.c - deliver/aliases: which files hold, and whose. */
#include "deliver/aliases.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "t/unit/tap.h"

static char root[] = "/tmp/sendoff-aliases-XXXXXX";

static char *path_of(const char *name)
{
	return mem_printf("%s/%s", root, name);
}

static void put(const char *name, const char *text, mode_t mode)
{
	char *path = path_of(name);
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
			fchmod(fd, mode) < 0)
		printf("# cannot write %s\n", path);
	close(fd);
	free(path);
}

static void collect(void *context, const char *address)
{
	buf_add_text(context, address);
	buf_add_char(context, ' ');
}

static void check_resolved(const struct alias_book *b, const char *address, const char *want)
{
	struct buf got = BUF_INIT(0);
	struct err e = { 0 };

	if (alias_resolve(alias_book_rules(b), address, collect, &got, &e) < 0)
		buf_add_text(&got, strstr(e.text, root) ? strrchr(e.text, '/') : e.text);
	check_text(buf_text(&got), want, "%s", address);
	buf_release(&got);
}

static struct config config_of_files(void)
{
	static char domain[] = "d.example", admin[] = "admin@example.org", name[] = "box.example";
	static char *names[] = { name };
	struct config c = { .count = 0 };

	c.global.domain = domain;
	c.global.admin = admin;
	c.global.local_names = (struct key_list){ names, 1 };
	c.global.aliases = path_of("system");
	return c;
}

static void test_both(struct config *c)
{
	struct alias_book b;
	struct err e = { 0 };
	char *list = path_of("list"), *text;

	text = mem_printf("root: one@example.org\nme: sys@example.org\nlist: :include:%s\n", list);
	put("system", text, 0644);
	free(text);
	put("list", "a@example.org\nroot\n", 0644);
	put("sendoff/aliases", "me: own@example.org\n", 0600);
	check_int(alias_book_load(&b, c, true, &e), 0, "both files");
	check_resolved(&b, "root@box.example", "one@example.org ");
	check_resolved(&b, "me", "own@example.org ");
	check_resolved(&b, "list", "a@example.org one@example.org ");
	check_resolved(&b, "nobody", "admin@example.org ");
	check_text(alias_book_rules(&b)->domain, "d.example", "the domain");
	alias_book_release(&b);
	check_int(alias_book_load(&b, c, false, &e), 0, "the system's alone");
	check_resolved(&b, "me", "sys@example.org ");
	alias_book_release(&b);
	free(list);
}

static void test_absent(struct config *c)
{
	struct alias_book b;
	struct err e = { 0 };
	char *path = path_of("system");

	unlink(path);
	check_int(alias_book_load(&b, c, false, &e), 0, "no file is no fault");
	check(!alias_book_rules(&b)->tables[0] && !alias_book_rules(&b)->tables[1], "and no table");
	check_resolved(&b, "root", "admin@example.org ");
	alias_book_release(&b);
	check_int(alias_book_load(&b, NULL, false, &e), 0, "nor is no configuration");
	check(!alias_book_rules(&b)->admin && alias_book_rules(&b)->domain, "the host's domain then");
	alias_book_release(&b);
	if (geteuid() != 0) {
		put("system", "root: x@x\n", 0);
		check_int(alias_book_load(&b, c, false, &e), 0, "nor one that may not be read");
		check(!alias_book_rules(&b)->tables[1], "of which nothing is known");
		alias_book_release(&b);
	}
	free(path);
}

/* F7: what others can change decides nothing. */
static void test_ownership(struct config *c)
{
	struct alias_book b;
	struct err e = { 0 };
	char *list = path_of("list"), *text = mem_printf("list: ok@x, :include:%s\n", list);

	put("system", "root: x@x\n", 0666);
	check_int(alias_book_load(&b, c, false, &e), -1, "F7 a file that all may write");
	check(e.kind == ERR_CONFIG && strstr(e.text, "can be changed by other users"), "%s", e.text);
	check(!b.tables[1] && !b.local_names, "nothing is kept");
	put("system", "root: x@x\n", 0644);
	put("sendoff/aliases", "me: own@example.org\n", 0622);
	check_int(alias_book_load(&b, c, true, &e), -1, "F7 the same for a personal one");
	put("sendoff/aliases", text, 0600);
	put("list", "a@example.org\n", 0646);
	check_int(alias_book_load(&b, c, true, &e), 0, "an included file is read when it is wanted");
	check_resolved(&b, "list", "/list' can be changed by other users (mode 0646)");
	put("list", "a@example.org, |secret\n", 0644);
	check_resolved(&b, "list", "ok@x a@example.org ");
	unlink(list);
	check_resolved(&b, "list", "/list': No such file or directory");
	if (geteuid() == 0) {
		put("list", "a@example.org\n", 0644);
		if (chown(list, 65534, 65534) == 0)
			check_resolved(&b, "list", "/list' belongs to another user (uid 65534)");
	}
	alias_book_release(&b);
	put("system", text, 0644);
	free(text);
	text = path_of("system");
	if (geteuid() == 0 && chown(text, 65534, 65534) == 0) {
		put("list", "a@example.org\n", 0644);
		check_int(alias_book_load(&b, c, false, &e), -1, "another user's file");
	}
	free(text);
	free(list);
}

/* A file of ours includes one of root's only where it is root's itself. */
static void test_other_owner(struct config *c)
{
	struct alias_book b;
	struct err e = { 0 };
	struct buf out = BUF_INIT(0);

	put("system", "root: x@x\n", 0644);
	check_int(alias_book_load(&b, c, false, &e), 0, "a file of ours");
	b.owners[1] = 12345;
	put("list", "a@example.org\n", 0644);
	{
		char *list = path_of("list");

		check_int(alias_book_read(&b, 1, list, &out, &e), -1, "F7 owners must agree");
		check(!out.len && strstr(e.text, "(uid 12345)"), "%s", e.text);
		b.owners[1] = geteuid();
		check_int(alias_book_read(&b, 1, list, &out, &e), 0, "and then it is read");
		check_text(buf_text(&out), "a@example.org\n", "its text");
		free(list);
	}
	buf_release(&out);
	alias_book_release(&b);
}

static void clean(void)
{
	static const char *const names[] = { "system", "list", "sendoff/aliases" };

	for (size_t i = 0; i < COUNT(names); i++) {
		char *path = path_of(names[i]);

		unlink(path);
		free(path);
	}
}

int main(void)
{
	struct config c;
	char *sub;

	if (!mkdtemp(root))
		return 1;
	sub = path_of("sendoff");
	mkdir(sub, 0700);
	setenv("XDG_CONFIG_HOME", root, 1);
	c = config_of_files();
	test_both(&c);
	test_absent(&c);
	test_ownership(&c);
	test_other_owner(&c);
	clean();
	rmdir(sub);
	rmdir(root);
	free(sub);
	free(c.global.aliases);
	return tap_done();
}
