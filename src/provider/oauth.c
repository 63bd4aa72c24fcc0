/* provider/oauth.c - finding a provider's sign-in; see oauth.h. */
#include "provider/oauth.h"

#include <string.h>

#include "base/text.h"
#include "provider/preset.h"

enum { SLIPS_MOST = 2 };

const struct oauth_provider *oauth_provider_find(const char *id)
{
	for (const struct oauth_provider *p = oauth_providers; p->id; p++)
		if (text_equal_fold(id, strlen(id), p->id, strlen(p->id)))
			return p;
	return NULL;
}

const struct oauth_provider *oauth_provider_of_preset(const char *preset)
{
	size_t len = strlen(preset);

	for (const struct oauth_provider *p = oauth_providers; p->id; p++)
		for (const char *at = p->presets; *at; at += strspn(at, " ")) {
			size_t n = strcspn(at, " ");

			if (text_equal_fold(at, n, preset, len))
				return p;
			at += n;
		}
	return NULL;
}

static const char *slip_of(const char *word)
{
	size_t len = strlen(word), least = (len < 5 ? 1 : SLIPS_MOST) + 1;
	const char *nearest = NULL;

	for (const struct oauth_provider *p = oauth_providers; p->id; p++) {
		size_t distance = text_distance(word, p->id);

		if (distance < least && len > 1) {
			least = distance;
			nearest = p->id;
		}
	}
	return nearest;
}

const char *oauth_provider_nearest(const char *word)
{
	const struct oauth_provider *p = oauth_provider_find(word);
	const struct preset *meant = preset_nearest(word);

	if (!p && meant)
		p = oauth_provider_of_preset(meant->id);
	return p ? p->id : slip_of(word);
}
