/* Reads JSON numbers exactly, without floating point. */
#ifndef KPID_CORE_WIRE_DECIMAL_H
#define KPID_CORE_WIRE_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

#include "kpid/base/text.h"

#define DECIMAL_MAX_MICROS INT64_C(9000000000000000000)

/* The value in millionths of a valid JSON number, rounded half up (towards +infinity). False if its absolute value
 * exceeds DECIMAL_MAX_MICROS. */
bool decimal_to_micros(struct text number, int64_t *micros_out);
/* True if the number would round to an infinite double. */
bool decimal_beyond_double(struct text number);

#endif
