/* The end of a client of librdkafka that may not come to one. */
#ifndef KPID_ADAPTERS_KAFKA_DESTROY_H
#define KPID_ADAPTERS_KAFKA_DESTROY_H

#include <librdkafka/rdkafka.h>

/* Ends a consumer that has left its group, or was in none. One that has not ended after 0.8 s (what is healthy takes a
 * tenth of it) is left to the end of the process. */
void kafka_destroy_consumer(rd_kafka_t *rk);

#endif
