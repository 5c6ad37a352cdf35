/* What the core needs to know of a time zone: its offset at an instant. The rules of zones are data of the
 * machine, so whoever reads them hands them in as this. */
#ifndef KPID_PORT_ZONE_H
#define KPID_PORT_ZONE_H

#include <stdint.h>

struct zone {
	/* Seconds east of UTC that clocks in the zone show at an instant, microseconds of UTC. */
	int32_t (*offset_s)(const void *context, int64_t at_us);
	const void *context;
};

#endif
