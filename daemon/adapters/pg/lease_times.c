#include "adapters/pg/lease.h"
#include "kpid/core/timestamp.h"

/* In a file of its own because the simulation replaces it with shorter times. */
const struct lease_times lease_times = {
        .long_us = 15 * US_PER_SECOND,
        .renew_us = 3 * US_PER_SECOND,
        .take_us = 2 * US_PER_SECOND,
        .idle_us = 10 * US_PER_SECOND,
        .spare_us = 30 * US_PER_SECOND,
};
