/* t/server/main.c - a submission server that tests can script.
 *
 * An independent judge: it shares no code of the protocol with what it judges,
 * only the buffers and codecs of src/base.  It writes down what it saw, keeps what
 * it accepted, and breaks the rules where its script says so.  t/README says how
 * tests use it and lists its options.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "t/server/front.h"
#include "t/server/session.h"
#include "t/server/store.h"

static struct options options;

int main(int argc, char **argv)
{
	options_parse(&options, argc, argv);
	umask(077);
	if (store_init(options.store) < 0) {
		fprintf(stderr, "t/server: %s: %s\n", options.store, strerror(errno));
		return 1;
	}
	return front_run(&options, session_run);
}
