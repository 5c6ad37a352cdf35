#include "kpid/core/local_time.h"

#include "kpid/core/timestamp.h"

/* Upper bound of a UTC offset and of a change of clocks. */
#define MARGIN_US (INT64_C(26) * 3600 * US_PER_SECOND)

static int64_t offset_us(const struct zone *zone, int64_t at_us)
{
	return zone->offset_s(zone->context, at_us) * US_PER_SECOND;
}

/* With the offset before a change of clocks, a time that does not exist moves forward by the gap, and a time that
 * exists twice is its first occurrence; the second is the one with the offset after the change. Without a change
 * nearby, both offsets are equal. */
int64_t local_time_to_utc(const struct zone *zone, int64_t local_us, bool second, enum local_time_kind *kind_out)
{
	int64_t before_us = local_us - offset_us(zone, local_us - MARGIN_US);
	int64_t after_us = local_us - offset_us(zone, local_us + MARGIN_US);
	enum local_time_kind kind = LOCAL_TIME_ONCE;
	int64_t us = before_us;
	if (before_us != after_us) {
		bool before_holds = before_us + offset_us(zone, before_us) == local_us;
		bool after_holds = after_us + offset_us(zone, after_us) == local_us;
		if (before_holds && after_holds) {
			kind = LOCAL_TIME_TWICE;
			us = second ? after_us : before_us;
		} else if (after_holds) {
			us = after_us;
		} else if (!before_holds) {
			kind = LOCAL_TIME_MISSING;
		}
	}
	if (kind_out != NULL)
		*kind_out = kind;
	return us;
}
