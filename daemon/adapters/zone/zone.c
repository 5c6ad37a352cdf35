#include "adapters/zone/zone.h"

#include <glib.h>
#include <string.h>

#include "kpid/core/timestamp.h"

static int32_t offset_s(void *context, int64_t at_us)
{
	int64_t at_s = at_us / US_PER_SECOND - (at_us % US_PER_SECOND < 0);
	GTimeZone *zone = context;
	return g_time_zone_get_offset(zone, g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, at_s));
}

static void release(void *context)
{
	g_time_zone_unref(context);
}

/* Accepts only names of tzdata. GLib would also accept offsets ("+08"), POSIX rules ("UTC+8", which means west) and
 * paths. Other folders of tzdata, such as right/ and posix/, begin with a small letter. */
static bool is_iana_name(const char *name)
{
	if (name[0] < 'A' || name[0] > 'Z' || strstr(name, "//") != NULL)
		return false;
	for (const char *c = name; *c != '\0'; c++)
		if (!g_ascii_isalnum(*c) && *c != '/' && *c != '_' && *c != '-' && *c != '+')
			return false;
	const char *folder = g_getenv("TZDIR");
	char *path = g_build_filename(folder == NULL ? "/usr/share/zoneinfo" : folder, name, NULL);
	bool is_file = g_file_test(path, G_FILE_TEST_IS_REGULAR);
	g_free(path);
	return is_file;
}

bool zone_find(const char *name, struct zone *zone_out)
{
	if (!is_iana_name(name))
		return false;
	GTimeZone *zone = g_time_zone_new_identifier(name);
	if (zone == NULL)
		return false;
	*zone_out = (struct zone){offset_s, release, zone};
	return true;
}
