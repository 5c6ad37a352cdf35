#include "kpid/core/partition_end.h"

#include "kpid/core/batch.h"

enum partition_end partition_end_of(const struct partition_reach *reach, int64_t low_offset, int64_t high_offset)
{
	bool nothing_read = reach->next_offset == OFFSET_NONE;
	if (nothing_read && low_offset < reach->begin_offset)
		return PARTITION_BEGINS_EARLIER;
	int64_t reached = nothing_read ? reach->begin_offset : reach->next_offset;
	return high_offset <= reached || high_offset == reach->end_offset ? PARTITION_AT_END : PARTITION_HAS_MORE;
}

bool partition_was_left_at_end(int64_t next_offset, int64_t read_to, int64_t low_offset, int64_t high_offset)
{
	if (next_offset != OFFSET_NONE)
		return high_offset == read_to;
	/* read_to may be of a former log, and where reading began is unknown: so the log must be empty. Then either it
	 * never had a message, or the owner saw it end there with nothing read. */
	return high_offset == low_offset && (high_offset == 0 || high_offset == read_to);
}
