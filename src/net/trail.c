/* net/trail.c - the words of a trail; see trail.h. */
#include "net/trail.h"

const char *trail_way_name(enum trail_way way)
{
	static const char *const names[] = {
		[WAY_GIVEN] = "given", [WAY_ADDRESS] = "address", [WAY_PATH] = "path",
		[WAY_HOSTS] = "/etc/hosts", [WAY_SERVICE] = "name service", [WAY_COMMAND] = "command",
	};

	return names[way];
}

const char *trail_end_name(enum trail_end end)
{
	static const char *const names[] = {
		[TRY_NOT_BEGUN] = "not tried", [TRY_UNDER_WAY] = "under way",
		[TRY_CONNECTED] = "connected", [TRY_FAILED] = "failed",
		[TRY_ABANDONED] = "abandoned", [TRY_LATE] = "no answer",
	};

	return names[end];
}
