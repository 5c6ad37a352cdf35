/* JSON on standard output. */
#ifndef KPID_CLI_JSON_OUT_H
#define KPID_CLI_JSON_OUT_H

#include <jansson.h>
#include <stdint.h>

#include "cli/cli.h"
#include "kpid/base/buf.h"
#include "kpid/base/text.h"

/* Absent becomes null. Bytes that are not UTF-8 are escaped, as on a terminal. */
json_t *json_of_text(struct text t);
/* As json_of_text(), but empty becomes null, too. */
json_t *json_of_name(struct text t);
/* RFC 3339 in UTC; TIME_NONE becomes null. */
json_t *json_of_time(int64_t us);
/* Prints JSON text (UTF-8). Writes invisible characters and those that control a terminal as \uXXXX, which is the same
 * JSON but safe to display. */
void json_print_text(struct text json);
/* Prints the data of a command to standard output: with --json like json_print_text(), else unchanged. Releases it. */
void cli_print_data(const struct cli *cli, struct buf *data);
/* Prints it indented, escaped in the same way, and releases it. */
void json_print(json_t *json);

#endif
