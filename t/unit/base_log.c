/* t/unit/base_log.c - the exact lines of the log, and where they may not go. */
#include "t/unit/tap.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

static char directory[] = "/tmp/sendoff-log-XXXXXX";
static char path[64], link_path[64];

static struct log_record sample(void)
{
	struct log_record r = { .when = { .tv_sec = 1795251600, .tv_nsec = 5000000 } };

	log_text(&r, "account", "work");
	log_text(&r, "absent", NULL);
	log_text(&r, "reply", "550 \"no\" c:\\x a=b");
	log_number(&r, "size", -12);
	log_text(&r, "empty", "");
	return r;
}

static void test_lines(void)
{
	static const char text[] =
		"account=work reply=\"550 \\\"no\\\" c:\\\\x a=b\" size=-12 empty=";
	static const char json[] = "\"account\":\"work\",\"reply\":\"550 \\\"no\\\" c:\\\\x a=b\","
		"\"size\":-12,\"empty\":\"\"}";
	struct log_record r = sample(), none = { .when = r.when };
	struct buf out = BUF_INIT(0);

	log_write(&r, LOG_TEXT, false, &out);
	check_text(buf_text(&out), text, "text");
	buf_clear(&out);
	log_write(&r, LOG_TEXT, true, &out);
	check(!strncmp(buf_text(&out), "2026-11-21T09:00:00.005Z ", 25), "text, the time first");
	check_text(buf_text(&out) + 25, text, "and the same behind it");
	buf_clear(&out);
	log_write(&r, LOG_JSON, false, &out);
	check_text(buf_text(&out) + 1, json, "JSON");
	buf_clear(&out);
	log_write(&r, LOG_JSON, true, &out);
	check(!strncmp(buf_text(&out), "{\"time\":\"2026-11-21T09:00:00.005Z\",", 35),
		"JSON with the time first");
	check_text(buf_text(&out) + 35, json, "and the same behind it");
	buf_clear(&out);
	log_write(&none, LOG_JSON, false, &out);
	check_text(buf_text(&out), "{}", "an empty record");
	buf_release(&out);
}

/* Every octet a server can send: one line, and JSON that an independent reader
 * takes. */
static void test_hostile(void)
{
	struct buf out = BUF_INIT(0);
	bool lines = true, objects = true;

	for (int i = 1; i < 256; i++) {
		char in[] = { 'a', (char)i, '"', (char)i, 'z', '\0' };
		struct log_record r = { .count = 0 };
		json_t *object;

		log_text(&r, "reply", in);
		buf_clear(&out);
		log_write(&r, LOG_TEXT, false, &out);
		for (size_t k = 0; k < out.len; k++)
			lines = lines && (unsigned char)out.data[k] >= 0x20 && out.data[k] != 0x7f;
		buf_clear(&out);
		log_write(&r, LOG_JSON, false, &out);
		object = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
		objects = objects && json_is_string(json_object_get(object, "reply"));
		json_decref(object);
	}
	check(lines, "E4 no octet ends a line or moves the terminal");
	check(objects, "E4 JSON stays JSON");
	buf_release(&out);
}

static void test_limits(void)
{
	struct log_record r = { .count = 0 };
	struct buf out = BUF_INIT(0);
	char huge[5000];

	memset(huge, 'h', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	for (int i = 0; i < LOG_FIELDS_MAX + 5; i++)
		log_number(&r, "n", i);
	check_int(r.count, LOG_FIELDS_MAX, "more fields are dropped");
	r.count = 0;
	log_text(&r, "huge", huge);
	log_write(&r, LOG_TEXT, false, &out);
	check_int(out.len, 5 + 512 + 3, "E4 a value is cut at 512 octets");
	buf_release(&out);
}

static bool send_to(char *target, char *warning, size_t size)
{
	struct log_settings set = { .target = target, .format = LOG_TEXT };
	struct log_record r = sample();

	warning[0] = '\0';
	return log_send(&set, "none", &r, warning, size);
}

static void test_file(void)
{
	char warning[200], back[512] = "";
	struct stat st = { 0 };
	int fd;

	umask(0);
	check(send_to(path, warning, sizeof(warning)), "to a file: %s", warning);
	check(send_to(path, warning, sizeof(warning)), "and again");
	check(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600, "F8 mode 0600");
	fd = open(path, O_RDONLY);
	check(read(fd, back, sizeof(back) - 1) > 0, "it can be read");
	close(fd);
	check(!strncmp(back, "2026-11-21T09:00:00.005Z account=work ", 38), "with the time");
	check(strstr(back, "empty=\n2026-") && back[strlen(back) - 1] == '\n', "one line each");
	check_int(st.st_size, (long long)strlen(back), "appended, nothing lost");
}

static void test_refused(void)
{
	static char relative[] = "mail.log", full[] = "/dev/full", none[] = "none";
	static char missing[] = "/nonexistent/\033dir/log";
	char warning[300];
	struct stat st;

	check(symlink(path, link_path) == 0, "a planted link");
	check(stat(path, &st) == 0, "a target");
	check(!send_to(link_path, warning, sizeof(warning)), "F8 is not followed");
	check(strstr(warning, "symbolic link") && strstr(warning, link_path), "said: %s", warning);
	unlink(link_path);
	check(mkfifo(link_path, 0600) == 0 && !send_to(link_path, warning, sizeof(warning)),
		"F8 a FIFO does not hold us up: %s", warning);
	unlink(link_path);
	check(!send_to(full, warning, sizeof(warning)), "a device: %s", warning);
	check(!send_to(missing, warning, sizeof(warning)) && !strchr(warning, '\033'),
		"E4 no directory: %s", warning);
	check(!send_to(relative, warning, sizeof(warning)), "a relative name: %s", warning);
	check(send_to(none, warning, sizeof(warning)) && !warning[0], "none");
	check(send_to(NULL, warning, sizeof(warning)) && !warning[0], "the fallback");
}

static void test_stderr(void)
{
	static char target[] = "stderr";
	char warning[200], back[512] = "";
	int ends[2], saved = dup(2);
	bool good;

	if (pipe(ends) < 0)
		return;
	dup2(ends[1], 2);
	good = send_to(target, warning, sizeof(warning));
	dup2(saved, 2);
	close(saved);
	close(ends[1]);
	check(good && read(ends[0], back, sizeof(back) - 1) > 0, "to stderr");
	close(ends[0]);
	check(strstr(back, " account=work ") && back[strlen(back) - 1] == '\n', "a whole line");
}

static void test_keys(void)
{
	check_text(log_keys[0].name, "log", "first key");
	check_text(log_keys[1].name, "log_format", "second key");
	check(log_keys[2].name == NULL, "and no other");
}

int main(void)
{
	if (!mkdtemp(directory))
		return 1;
	snprintf(path, sizeof(path), "%s/log", directory);
	snprintf(link_path, sizeof(link_path), "%s/link", directory);
	test_lines();
	test_hostile();
	test_limits();
	test_file();
	test_refused();
	test_stderr();
	test_keys();
	unlink(path);
	rmdir(directory);
	return tap_done();
}
