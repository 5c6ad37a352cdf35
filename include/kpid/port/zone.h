/* A time zone, as the core needs it: the offset from UTC at an instant. An adapter implements it, because the rules of
 * zones are data of the machine. */
#ifndef KPID_PORT_ZONE_H
#define KPID_PORT_ZONE_H

#include <stdbool.h>
#include <stdint.h>

struct zone {
	/* Offset from UTC in seconds, positive to the east, at an instant in microseconds of UTC. */
	int32_t (*offset_s)(void *context, int64_t at_us);
	void (*release)(void *context); /* NULL: nothing to release */
	void *context;
};

/* Finds a zone by its IANA name, such as "Asia/Shanghai". Caller releases it. Returns false, without touching
 * *zone_out, for an unknown name. */
typedef bool zone_find_fn(const char *name, struct zone *zone_out);

#endif
