#include "kpid/core/flat.h"

#include <inttypes.h>
#include <stdio.h>

#include "../wire/event_fields.h"
#include "../wire/validate.h"
#include "flat_mistake.h"

/* A flat event that is being read. */
struct reading {
	const struct flat_rules *rules;
	struct validation validation;
	struct flat_tally *tally;
	enum event_type type;
	struct jsonscan_value values[N_FIELDS];
};

static struct jsonscan_value string_of(struct text text)
{
	if (!jsonscan_is_clean(text))
		return (struct jsonscan_value){.kind = VALUE_IS_BROKEN};
	return (struct jsonscan_value){text.ptr == NULL ? "" : text.ptr, text.len, JSONSCAN_STRING, false};
}

static bool is_time(const struct event_field_row *row)
{
	return row->kind == HOLDS_PAST_TIME || row->kind == HOLDS_PROMISE;
}

static bool is_number(struct text text)
{
	const struct jsonscan_wanted nothing = {.nested = FIELD_UNKNOWN};
	struct jsonscan_value root;
	struct jsonscan_error error;
	struct arena arena;
	arena_init(&arena);
	bool is = jsonscan_read(text, 0, &nothing, &arena, &root, &error) && root.kind == JSONSCAN_NUMBER;
	arena_release(&arena);
	return is;
}

/* The time of a field in RFC 3339; absent after reporting an error. */
static struct jsonscan_value time_value(struct reading *reading, const char *name, struct text text)
{
	int64_t us;
	const char *error = flat_time_read(text, reading->rules->zone, reading->tally, &us);
	if (error != NULL) {
		validation_error(&reading->validation, DEAD_BAD_TIME, "", name, "%s; write 2026-11-01T08:00:00+08:00",
		                 error);
		return (struct jsonscan_value){.kind = JSONSCAN_ABSENT};
	}
	char *rfc3339 = arena_alloc(reading->validation.arena, TIMESTAMP_TEXT_BYTES);
	return string_of((struct text){rfc3339, (uint32_t)timestamp_format(us, rfc3339)});
}

/* The value of a field as JSON has it. */
static struct jsonscan_value json_value(struct reading *reading, const struct event_field_row *row, bool holds_time,
                                        const struct flat_value *value)
{
	struct text text = value->text;
	switch (value->kind) {
	case FLAT_NULL:
		return (struct jsonscan_value){.kind = JSONSCAN_NULL};
	case FLAT_FALSE:
	case FLAT_TRUE:
		return (struct jsonscan_value){.kind = value->kind == FLAT_TRUE ? JSONSCAN_TRUE : JSONSCAN_FALSE};
	case FLAT_INTEGER:
	case FLAT_NUMBER:
		if (holds_time)
			return time_value(reading, row->name.ptr, text);
		/* An integer is text where text is due, whatever its length (M4). */
		if (value->kind == FLAT_INTEGER && row->kind != HOLDS_SCORE)
			return string_of(text);
		if (row->kind == HOLDS_SCORE && !is_number(text)) /* Lua's inf and nan */
			return (struct jsonscan_value){.kind = JSONSCAN_FALSE};
		return (struct jsonscan_value){text.ptr, text.len, JSONSCAN_NUMBER, false};
	case FLAT_TEXT:
		if (holds_time)
			return time_value(reading, row->name.ptr, text);
		/* A number that Lua would change is text in a record (M2). */
		if (row->kind == HOLDS_SCORE && is_number(text))
			return (struct jsonscan_value){text.ptr, text.len, JSONSCAN_NUMBER, false};
		return string_of(text);
	case FLAT_OBJECT:
		return (struct jsonscan_value){text.ptr, text.len, JSONSCAN_OBJECT, false};
	case FLAT_OTHER:
		break;
	}
	return (struct jsonscan_value){.kind = JSONSCAN_ARRAY};
}

static const struct flat_value *find(const struct flat_field *fields, size_t n_fields, struct text name)
{
	while (n_fields-- > 0)
		if (text_equal(fields[n_fields].name, name))
			return &fields[n_fields].value;
	return NULL;
}

/* Every flat event has these; the other fields of the envelope belong to CloudEvents. */
static bool is_common(int field)
{
	return field == FIELD_ID || field == FIELD_SEQUENCE || field == FIELD_SOURCE || field == FIELD_TICKET_ID ||
	       field == FIELD_TIME || field == FIELD_TYPE;
}

static enum flat_verdict take_type(struct reading *reading, const struct flat_field *fields, size_t n_fields)
{
	const struct flat_value *type = find(fields, n_fields, TEXT("type"));
	if (type == NULL || type->kind == FLAT_NULL) {
		validation_error(&reading->validation, DEAD_MISSING_FIELD, "", "type",
		                 "missing; write a type such as ticket.opened");
		return FLAT_REJECTED;
	}
	reading->type = type->kind == FLAT_TEXT ? event_type_find(type->text) : EVENT_TYPE_NONE;
	if (reading->type == EVENT_TYPE_NONE)
		return flat_mistake(reading->validation.rejection,
		                    "type: \"%.*s\" is no type of events; see docs/events.md", FLAT_SHOWN(type->text));
	return FLAT_EVENT;
}

static enum flat_verdict take_fields(struct reading *reading, const struct flat_field *fields, size_t n_fields)
{
	uint32_t n_bytes = 0;
	for (size_t i = 0; i < n_fields; i++) {
		int field = event_field_find(fields[i].name);
		const struct event_field_row *row = field == FIELD_UNKNOWN ? NULL : &event_fields[field];
		if (row == NULL || (!is_common(field) && !event_field_is_of(row, reading->type)))
			return flat_mistake(reading->validation.rejection, "\"%.*s\" is no field of %s",
			                    FLAT_SHOWN(fields[i].name), event_type_name(reading->type));
		/* Bounded per field, so that the sum cannot wrap. */
		n_bytes += fields[i].value.text.len > WIRE_MAX_BYTES ? WIRE_MAX_BYTES : fields[i].value.text.len;
		if (n_bytes > WIRE_MAX_BYTES) {
			validation_error(&reading->validation, DEAD_TOO_LARGE, "", "event",
			                 "more than %d bytes; leave something out", WIRE_MAX_BYTES);
			return FLAT_REJECTED;
		}
		reading->values[field] =
		        json_value(reading, row, field == FIELD_TIME || is_time(row), &fields[i].value);
	}
	return FLAT_EVENT;
}

static struct text joined(struct arena *arena, struct text first, struct text second)
{
	char *bytes = arena_alloc(arena, (size_t)first.len + second.len + 1);
	if (first.len > 0)
		memcpy(bytes, first.ptr, first.len);
	if (second.len > 0)
		memcpy(bytes + first.len, second.ptr, second.len);
	return (struct text){bytes, first.len + second.len};
}

/* The ticket's prefix, so that tickets of two help desks stay two. */
static void add_prefix(struct reading *reading)
{
	struct jsonscan_value *ticket_id = &reading->values[FIELD_TICKET_ID];
	if (text_is_empty(reading->rules->ticket_prefix) || ticket_id->kind != JSONSCAN_STRING || ticket_id->len == 0)
		return;
	*ticket_id = string_of(joined(reading->validation.arena, reading->rules->ticket_prefix,
	                              (struct text){ticket_id->ptr, ticket_id->len}));
}

/* M5: an event's source is that of its mapping, or begins with it and a slash. */
static struct text take_source(struct reading *reading)
{
	const struct jsonscan_value *value = &reading->values[FIELD_SOURCE];
	struct text base = reading->rules->source;
	if (validation_is_missing(value))
		return base;
	struct text source = validation_required(&reading->validation, value, "", "source");
	if (!text_is_absent(source) && !source_is_within(source, base))
		validation_error(&reading->validation, DEAD_BAD_VALUE, "", "source",
		                 "does not begin with the source of this input, %.*s, and a slash",
		                 (int)text_cut(base, 60).len, base.ptr);
	return source;
}

static void take_envelope(struct reading *reading, struct ticket_event *event)
{
	struct validation *validation = &reading->validation;
	add_prefix(reading);
	event->ticket_id = validation_required(validation, &reading->values[FIELD_TICKET_ID], "", "ticket_id");
	event->id = validation_required(validation, &reading->values[FIELD_ID], "", "id");
	event->source = take_source(reading);
	if (validation_is_missing(&reading->values[FIELD_TIME]))
		validation_error(validation, DEAD_MISSING_FIELD, "", "time", "missing; every event must name it");
	event->occurred_us = validation_past_time(validation, &reading->values[FIELD_TIME], "", "time");
	struct text sequence = validation_identifier(validation, &reading->values[FIELD_SEQUENCE], "", "sequence");
	if (!text_is_absent(sequence))
		event->sequence = sequence;
}

enum flat_verdict flat_event(const struct flat_rules *rules, const struct flat_field *fields, size_t n_fields,
                             struct arena *arena, struct flat_tally *tally, struct ticket_event *event_out,
                             struct wire_rejection *rejection_out)
{
	struct reading reading = {
	        .rules = rules,
	        .tally = tally,
	        .validation = {.now_us = rules->now_us, .arena = arena, .data_prefix = "", .rejection = rejection_out},
	};
	ticket_event_init(event_out);
	enum flat_verdict verdict = take_type(&reading, fields, n_fields);
	if (verdict == FLAT_EVENT)
		verdict = take_fields(&reading, fields, n_fields);
	if (verdict != FLAT_EVENT)
		return verdict;
	event_out->type = reading.type;
	/* A time that is wrong is not missing as well. */
	bool has_bad_time = reading.validation.is_rejected;
	if (!has_bad_time || reading.values[FIELD_TIME].kind != JSONSCAN_ABSENT)
		take_envelope(&reading, event_out);
	validation_data(&reading.validation, reading.values, event_out);
	if (reading.validation.is_rejected)
		return FLAT_REJECTED;
	if (event_out->type == EVENT_OPENED && event_out->times[EVENT_OPENED_AT] != TIME_NONE)
		event_out->occurred_us = event_out->times[EVENT_OPENED_AT];
	return FLAT_EVENT;
}

bool flat_contradicts(const struct ticket_event *events, size_t n_events, const struct ticket_event *event)
{
	for (size_t i = 0; i < n_events; i++)
		if (text_equal(events[i].ticket_id, event->ticket_id) &&
		    ticket_event_same_identity(&events[i], event) && !ticket_event_same_content(&events[i], event))
			return true;
	return false;
}
