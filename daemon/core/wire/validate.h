/* From JSON values to the fields of an event, and what is wrong with them (RULES E5 to E7). */
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
	const char *data_prefix; /* of the names of data fields, in words for the operator: "data." or "" */
	bool is_rejected;
	struct wire_rejection *rejection; /* of the faults noted the one whose reason is tried first, if is_rejected */
};

/* A value whose bytes came from outside the JSON and are no text. */
enum { VALUE_IS_BROKEN = JSONSCAN_OBJECT + 1 };

/* Notes that the field prefix+name has this fault, said in plain words with the remedy. */
__attribute__((format(printf, 5, 6))) void validation_fault(struct validation *validation,
                                                            enum dead_letter_reason reason, const char *prefix,
                                                            const char *name, const char *format, ...);

/* Absent or null. */
bool validation_is_missing(const struct jsonscan_value *value);
bool validation_is_empty_string(const struct jsonscan_value *value);
/* Absent if it is missing or at fault; empty if it is so. */
struct text validation_identifier(struct validation *validation, const struct jsonscan_value *value, const char *prefix,
                                  const char *name);
/* As above, where being missing or empty is a fault. */
struct text validation_required(struct validation *validation, const struct jsonscan_value *value, const char *prefix,
                                const char *name);
/* TIME_NONE if it is missing or at fault. */
int64_t validation_past_time(struct validation *validation, const struct jsonscan_value *value, const char *prefix,
                             const char *name);
/* Fills in the data fields that event->type lists, save ticket_id. values is by enum event_field. */
void validation_data(struct validation *validation, const struct jsonscan_value *values, struct ticket_event *event);

#endif
