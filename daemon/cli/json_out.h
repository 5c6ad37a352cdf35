/* JSON on standard output. */
#ifndef KPID_CLI_JSON_OUT_H
#define KPID_CLI_JSON_OUT_H

#include <jansson.h>
#include <stdint.h>

#include "kpid/base/text.h"

/* Absent is null. Bytes that are no UTF-8 are escaped, as on a terminal. */
json_t *json_of_text(struct text t);
/* As json_of_text(), but empty is null, too: nobody, not set. */
json_t *json_of_name(struct text t);
/* RFC 3339, UTC; TIME_NONE is null. */
json_t *json_of_time(int64_t us);
/* Prints JSON that is text already (UTF-8). Characters outside ASCII that a terminal would obey, or that are not seen,
 * are spelled \uXXXX: the same JSON, safe to look at. */
void json_print_text(struct text json);
/* Prints it on lines of its own, in the same way, and releases it. */
void json_print(json_t *json);

#endif
