/* timestamp_parse() with an error text. */
#ifndef KPID_CORE_WIRE_TIMESTAMP_READ_H
#define KPID_CORE_WIRE_TIMESTAMP_READ_H

#include <stdint.h>

#include "kpid/base/text.h"

/* Returns NULL and sets *us_out, or returns what is wrong, such as "no time zone". */
const char *timestamp_read(struct text text, int64_t *us_out);

#endif
