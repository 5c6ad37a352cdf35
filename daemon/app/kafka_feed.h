/* Feeds the lanes from Kafka: group membership, claims, offsets, gaps, watermarks. The parts are in app/kafka/. */
#ifndef KPID_APP_KAFKA_FEED_H
#define KPID_APP_KAFKA_FEED_H

#include <stdbool.h>
#include <stddef.h>

#include "app/receivers.h"
#include "kpid/config.h"

struct kafka_feed_order {
	/* Where the configuration came from, for SIGHUP. */
	const char *path;
	const char *const *sets;
	size_t n_sets;
	bool takes_over; /* stored settings that differ give way to those of the configuration */
};

/* Runs the daemon until SIGTERM. Takes ownership of the configuration, which kpid_config_can_run() must have approved,
 * and of the receivers. The order must outlive the call. Returns an exit code. */
int kafka_feed_run(struct kpid_config *config, struct receivers *receivers, const struct kafka_feed_order *order);

#endif
