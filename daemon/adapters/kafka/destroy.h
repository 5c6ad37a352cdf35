/* Destroys clients of librdkafka without waiting forever. */
#ifndef KPID_ADAPTERS_KAFKA_DESTROY_H
#define KPID_ADAPTERS_KAFKA_DESTROY_H

#include <librdkafka/rdkafka.h>

/* Destroys a consumer that has left its group or never was in one. Gives up after 0.8 s, ten times of what it usually
 * takes, and leaves the client to the end of the process. */
void kafka_destroy_consumer(rd_kafka_t *rk);

#endif
