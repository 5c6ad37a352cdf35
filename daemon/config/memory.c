#include "kpid/config.h"

#define KIB INT64_C(1024)
#define MIB (KIB * 1024)

/* The program, its libraries, and the rows that are under way to PostgreSQL. */
#define FIXED_BYTES       (30 * MIB)
#define LEAST_AHEAD_BYTES MIB
#define MOST_AHEAD_BYTES  (16 * MIB)
#define LEAST_BATCH_BYTES MIB

/* A lane holds the batch that is filled, the one that is written, and the KPI sums of the latter, which take half as
 * much or more. Measured: resident memory grows by 3 times the size of a batch. */
enum { AHEAD_SHARE = 12, PARTS_OF_A_LANE = 3 };

static int64_t within(int64_t value, int64_t least, int64_t most)
{
	return value < least ? least : value > most ? most : value;
}

struct config_memory kpid_config_memory(const struct kpid_config *config, int n_lanes)
{
	int64_t free_bytes = config->run.memory - FIXED_BYTES;
	int64_t ahead_bytes = within(free_bytes / AHEAD_SHARE, LEAST_AHEAD_BYTES, MOST_AHEAD_BYTES);
	int64_t batch_bytes = (free_bytes - ahead_bytes) / (PARTS_OF_A_LANE * n_lanes);
	return (struct config_memory){
	        .ahead_bytes = within(ahead_bytes / n_lanes, LEAST_AHEAD_BYTES, MOST_AHEAD_BYTES),
	        .batch_bytes = within(batch_bytes, LEAST_BATCH_BYTES, INT64_MAX),
	};
}
