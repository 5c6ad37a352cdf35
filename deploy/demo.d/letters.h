/* Encodes a step as the value of a message. */
#ifndef DEMO_LETTERS_H
#define DEMO_LETTERS_H

#include <librdkafka/rdkafka.h>
#include <stdint.h>

#include "schedule.h"

#define TIME_TEXT 40

/* RFC 3339 with microseconds, offset_hours east of UTC. */
void time_text(int64_t at_us, int offset_hours, char text_out[TIME_TEXT]);

/* Sets value and value_len from the step, in the form that the letter requires. */
void letter_write(struct letter *letter);
/* Sets value to something that kpid must reject for this reason (rule E5), except id_conflict. */
void letter_spoil(struct letter *letter, const char *reason);
/* The headers of a letter in binary form, or NULL. rd_kafka_producev() takes ownership. */
rd_kafka_headers_t *letter_headers(const struct letter *letter);

#endif
