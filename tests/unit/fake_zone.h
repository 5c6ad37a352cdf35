/* Time zones as hand-written lists of changes, so that tests of the core do not depend on those of the machine. */
#ifndef KPID_TESTS_FAKE_ZONE_H
#define KPID_TESTS_FAKE_ZONE_H

#include <string.h>

#include "kpid/core/timestamp.h"
#include "kpid/port/zone.h"

struct fake_change {
	const char *at; /* NULL: no beginning */
	int32_t offset_s;
};

struct fake_zone {
	const char *name;
	struct fake_change changes[4];
	size_t n;
};

static const struct fake_zone fake_zones[] = {
        {"UTC", {{NULL, 0}}, 1},
        {"Asia/Shanghai", {{NULL, 8 * 3600}}, 1},
        /* 2026-03-29 02:00 -> 03:00, 2026-10-25 03:00 -> 02:00 */
        {"Europe/Berlin", {{NULL, 3600}, {"2026-03-29T01:00:00Z", 7200}, {"2026-10-25T01:00:00Z", 3600}}, 3},
        /* by half an hour: 2026-04-05 02:00 -> 01:30, 2026-10-04 02:00 -> 02:30 */
        {"Australia/Lord_Howe", {{NULL, 39600}, {"2026-04-04T15:00:00Z", 37800}, {"2026-10-03T15:30:00Z", 39600}}, 3},
        /* at midnight: 2026-03-08 00:00 -> 01:00, 2026-11-01 01:00 -> 00:00 */
        {"America/Havana", {{NULL, -18000}, {"2026-03-08T05:00:00Z", -14400}, {"2026-11-01T05:00:00Z", -18000}}, 3},
        /* a date that was skipped: 2011-12-30 */
        {"Pacific/Apia", {{NULL, -36000}, {"2011-12-30T10:00:00Z", 50400}}, 2},
};

static inline int32_t fake_zone_offset_s(void *context, int64_t at_us)
{
	const struct fake_zone *zone = context;
	size_t i = zone->n - 1;
	for (; i > 0; i--) {
		const char *at = zone->changes[i].at;
		int64_t change_us = 0;
		timestamp_parse((struct text){at, (uint32_t)strlen(at)}, &change_us);
		if (change_us <= at_us)
			break;
	}
	return zone->changes[i].offset_s;
}

static inline bool fake_zone_find(const char *name, struct zone *zone_out)
{
	for (size_t i = 0; i < sizeof(fake_zones) / sizeof(fake_zones[0]); i++) {
		if (strcmp(fake_zones[i].name, name) != 0)
			continue;
		*zone_out = (struct zone){fake_zone_offset_s, NULL, (void *)(uintptr_t)&fake_zones[i]};
		return true;
	}
	return false;
}

#endif
