/* t/fuzz/base_confinement.c - any octets as what the kernel says of a process.
 *
 * Names of units and profiles are somebody's choice: whatever they are, what is kept of
 * them may go to a terminal.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/confinement.h"
#include "probe/surroundings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

static void must_be_clean(const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	must(len < size && text_is_utf8(text, len));
	for (size_t i = 0; i < len; i++)
		must((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct confinement c = { .may_connect = -1, .may_send = -1 };
	struct mount_facts m;

	confinement_status(text, size, &c);
	confinement_label(text, size, &c);
	confinement_cgroup(text, size, &c);
	must(c.seccomp >= 0 && c.seccomp <= 2);
	must_be_clean(c.label, sizeof(c.label));
	must_be_clean(c.domain, sizeof(c.domain));
	must_be_clean(c.unit, sizeof(c.unit));
	must_be_clean(c.container, sizeof(c.container));
	must((c.policy == POLICY_NONE) == !c.label[0]);
	if (confinement_mount(text, size, "/home/anna/.config", &m))
		must(!strncmp("/home/anna/.config", m.point, strlen(m.point)) &&
			strnlen(m.root, sizeof(m.root)) < sizeof(m.root) &&
			strnlen(m.type, sizeof(m.type)) < sizeof(m.type));
	surroundings_resolver(text, size);
	return 0;
}
