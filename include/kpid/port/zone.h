/* What the core needs to know of a time zone: its offset at an instant. The rules of zones are data of the
 * machine, so whoever reads them hands them in as this. */
#ifndef KPID_PORT_ZONE_H
#define KPID_PORT_ZONE_H

#include <stdbool.h>
#include <stdint.h>

struct zone {
	/* Seconds east of UTC that clocks in the zone show at an instant, microseconds of UTC. */
	int32_t (*offset_s)(void *context, int64_t at_us);
	void (*release)(void *context); /* NULL: nothing to give back */
	void *context;
};

/* The zone of an IANA name such as "Asia/Shanghai", to be released by whom it was found for; false, and
 * *zone_out untouched, if there is none of that name. */
typedef bool zone_find_fn(const char *name, struct zone *zone_out);

#endif
