/* t/fuzz/cred_landing.c - any request, to the port that a browser comes back to.
 *
 * What is taken is a path and query that we wait for, in visible ASCII; what is refused has
 * a status, and its page is well-formed.  A request that is not whole can still become one.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cred/landing.h"

enum { PORT = 40001 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

static void check_taken(const struct buf *target)
{
	must(target->len > 2 && target->len < LANDING_REQUEST_MAX && !strncmp(buf_text(target), "/?", 2));
	for (size_t i = 0; i < target->len; i++)
		must(target->data[i] > ' ' && target->data[i] < 0x7f && target->data[i] != '#');
}

static void check_refused(int status)
{
	struct buf page = BUF_INIT(16 * 1024);

	must(status >= 400 && status < 600);
	landing_refuse(status, &page);
	must(buf_ok(&page) && !strncmp(buf_text(&page), "HTTP/1.1 ", 9) &&
		strstr(buf_text(&page), "\r\n\r\n<!DOCTYPE html>\n"));
	buf_release(&page);
}

/* A page must bear any words; a place, any text. */
static void check_texts(const uint8_t *data, size_t size)
{
	char *text = mem_copy((const char *)data, size < 1000 ? size : 1000);
	struct buf page = BUF_INIT(64 * 1024), url = BUF_INIT(4096);
	struct landing at;

	landing_page(200, text, text, &page);
	must(!strstr(buf_text(&page), "<script"));
	if (landing_parse(text, &at)) {
		must(at.path[0] == '/' && at.port < 65536 && at.host[0]);
		landing_write(text, PORT, &url);
		must(buf_ok(&url));
	}
	buf_release(&page);
	buf_release(&url);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len = size < LANDING_REQUEST_MAX ? size : LANDING_REQUEST_MAX;
	struct buf target = BUF_INIT(LANDING_REQUEST_MAX);
	struct landing at;
	int status = 0;

	landing_parse("http://127.0.0.1:{port}/", &at);
	switch (landing_read(&at, PORT, (const char *)data, len, &target, &status)) {
	case LANDING_MORE:
		must(!target.len && len < LANDING_REQUEST_MAX);
		break;
	case LANDING_NOT_US:
		must(!target.len);
		check_refused(status);
		break;
	case LANDING_CAME:
		check_taken(&target);
		break;
	}
	check_texts(data, size);
	buf_release(&target);
	return 0;
}
