/* Exact reading of JSON numbers from their text; no floating point. */
#ifndef KPID_CORE_WIRE_DECIMAL_H
#define KPID_CORE_WIRE_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

#include "kpid/base/text.h"

#define DECIMAL_MAX_MICROS INT64_C(9000000000000000000)

/* number is of JSON's grammar. Its value in millionths, rounded half up (towards +infinity);
 * false when that is beyond DECIMAL_MAX_MICROS either way. */
bool decimal_to_micros(struct text number, int64_t *micros_out);
/* Would it round to an infinite double? */
bool decimal_beyond_double(struct text number);

#endif
