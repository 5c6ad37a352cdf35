/* Serves /metrics, /livez and /readyz of `kpid run` over HTTP, on the event loop. */
#ifndef KPID_APP_METRICS_ENDPOINT_H
#define KPID_APP_METRICS_ENDPOINT_H

#include <stdbool.h>

#include "app/app.h"
#include "app/metrics_health.h"
#include "kpid/config.h"

struct metrics_endpoint;

/* Checks [metrics] listen. Returns false after adding an error. */
bool metrics_listen_check(const struct kpid_config *config, struct config_errors *errors);

/* Listens as the configuration of the app says, which metrics_listen_check() has accepted. look() sets the conditions
 * that concern Kafka. Everything is borrowed. Returns NULL if the configuration says that nothing is served. */
struct metrics_endpoint *
metrics_endpoint_new(struct app *app, void (*look)(const void *context, struct health *health_io), const void *context);
void metrics_endpoint_free(struct metrics_endpoint *endpoint); /* NULL is allowed */

#endif
