/* Converts JSON values to the fields of an event, and reports errors (rules E5 to E7). */
#ifndef KPID_CORE_WIRE_VALIDATE_H
#define KPID_CORE_WIRE_VALIDATE_H

#include <stdbool.h>
#include <stdint.h>

#include "jsonscan.h"
#include "kpid/core/event.h"
#include "kpid/core/wire.h"

/* The validation of one message. */
struct validation {
	int64_t now_us;
	struct arena *arena;
	const char *data_prefix; /* prefix of data fields in error texts: "data." or "" */
	bool is_rejected;
	struct wire_rejection *rejection; /* if is_rejected: the error whose reason comes first in E5 */
};

/* Kind of a value from a header whose bytes are not text. */
enum { VALUE_IS_BROKEN = JSONSCAN_OBJECT + 1 };

/* Reports an error of the field prefix+name. The text says what is wrong and what to send instead. */
__attribute__((format(printf, 5, 6))) void validation_error(struct validation *validation,
                                                            enum dead_letter_reason reason, const char *prefix,
                                                            const char *name, const char *format, ...);

/* True if absent or null. */
bool validation_is_missing(const struct jsonscan_value *value);
bool validation_is_empty_string(const struct jsonscan_value *value);
/* Returns absent if the value is missing or has an error. An empty string stays empty. */
struct text validation_identifier(struct validation *validation, const struct jsonscan_value *value, const char *prefix,
                                  const char *name);
/* As validation_identifier(), but a missing or empty value is an error. */
struct text validation_required(struct validation *validation, const struct jsonscan_value *value, const char *prefix,
                                const char *name);
/* A time that must not be in the future. Returns TIME_NONE if it is missing or has an error. */
int64_t validation_past_time(struct validation *validation, const struct jsonscan_value *value, const char *prefix,
                             const char *name);
/* Sets the data fields that event->type lists, except ticket_id. values: indexed by enum event_field. */
void validation_data(struct validation *validation, const struct jsonscan_value *values, struct ticket_event *event);

#endif
