#include "adapters/pg/lease.h"
#include "kpid/core/timestamp.h"

/* (A file of its own: the simulation, in which a seed lasts seconds, has shorter ones.) */
const struct lease_times lease_times = {
        .long_us = 15 * US_PER_SECOND,
        .renew_us = 3 * US_PER_SECOND,
        .take_us = 2 * US_PER_SECOND,
};
