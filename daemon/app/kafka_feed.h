/* Feeds the lanes from Kafka: group membership, claims, where to begin, gaps, completeness. */
#ifndef KPID_APP_KAFKA_FEED_H
#define KPID_APP_KAFKA_FEED_H

#include "app/receivers.h"
#include "kpid/config.h"

/* Runs the daemon until SIGTERM. Takes the configuration and the receivers over, which kpid_config_can_run() approved.
 * path and sets: where the configuration came from, for SIGHUP. Returns an exit code. */
int kafka_feed_run(struct kpid_config *config, struct receivers *receivers, const char *path, const char *const *sets,
                   size_t n_sets);

#endif
