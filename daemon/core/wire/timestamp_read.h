/* timestamp_parse() with words for what is wrong. */
#ifndef KPID_CORE_WIRE_TIMESTAMP_READ_H
#define KPID_CORE_WIRE_TIMESTAMP_READ_H

#include <stdint.h>

#include "kpid/base/text.h"

/* NULL and *us_out set, or what is wrong in a few plain words ("no time zone"). */
const char *timestamp_read(struct text text, int64_t *us_out);

#endif
