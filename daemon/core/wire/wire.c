#include "kpid/core/wire.h"

#include <inttypes.h>
#include <stdio.h>

#include "base64.h"
#include "event_fields.h"
#include "jsonscan.h"
#include "validate.h"

enum {
	FRAME_BYTES = 5,         /* header of Schema Registry: 0x00 and the schema's id */
	GENERATED_ID_BYTES = 40, /* in addition to the topic: two slashes, two numbers, NUL */
};

enum wire_mode { MODE_BINARY, MODE_STRUCTURED, MODE_BARE };

/* The parts of a message. Its values are valid JSON, and not checked further yet. */
struct parts {
	enum wire_mode mode;
	struct jsonscan_value id, source, type, time, sequence;
	const char *prefix; /* of the names of these five in error texts */
	const char *id_name;
	const struct jsonscan_value *data; /* indexed by enum event_field; NULL: missing or not an object */
	struct jsonscan_value outer[N_FIELDS];
	struct jsonscan_value inner[N_FIELDS];
};

const char *dead_letter_reason_name(enum dead_letter_reason reason)
{
	static const char *const names[DEAD_N_REASONS] = {
	        [DEAD_TOO_LARGE] = "too_large",         [DEAD_TOO_DEEP] = "too_deep",
	        [DEAD_NOT_JSON] = "not_json",           [DEAD_NOT_AN_OBJECT] = "not_an_object",
	        [DEAD_MISSING_FIELD] = "missing_field", [DEAD_BAD_TIME] = "bad_time",
	        [DEAD_BAD_VALUE] = "bad_value",         [DEAD_FUTURE] = "future",
	        [DEAD_ID_CONFLICT] = "id_conflict",     [DEAD_TOO_MANY] = "too_many",
	        [DEAD_MAP_ERROR] = "map_error",         [DEAD_MAP_LIMIT] = "map_limit",
	        [DEAD_MAP_NOTHING] = "map_nothing",
	};
	return names[reason];
}

static struct text without_frame(struct text value)
{
	if (value.len < FRAME_BYTES || value.ptr[0] != '\0')
		return value;
	return (struct text){value.ptr + FRAME_BYTES, value.len - FRAME_BYTES};
}

/* False after reporting why the value is not a JSON object. */
static bool read_json(struct validation *validation, struct text value, struct parts *parts)
{
	const struct jsonscan_wanted wanted = {event_field_find, FIELD_DATA, parts->outer, parts->inner, false};
	struct text json = without_frame(value);
	struct jsonscan_value root;
	struct jsonscan_error error;
	if (value.len > WIRE_MAX_BYTES) {
		validation_error(validation, DEAD_TOO_LARGE, "", "message", "%u bytes; send at most %d", value.len,
		                 WIRE_MAX_BYTES);
	} else if (!jsonscan_read(json, WIRE_MAX_LEVELS, &wanted, validation->arena, &root, &error)) {
		/* E5: too_deep comes before not_json, whatever else is wrong. */
		if (jsonscan_is_deeper(json, WIRE_MAX_LEVELS))
			validation_error(validation, DEAD_TOO_DEEP, "", "message",
			                 "more than %d levels of brackets; send less nested data", WIRE_MAX_LEVELS);
		else
			validation_error(validation, DEAD_NOT_JSON, "", "message", "at byte %zu: %s",
			                 error.at_byte + (value.len - json.len), error.text);
	} else if (root.kind != JSONSCAN_OBJECT) {
		validation_error(validation, DEAD_NOT_AN_OBJECT, "", "message", "%s",
		                 root.kind == JSONSCAN_ARRAY ? "an array; send one message per event, not a batch"
		                                             : "JSON, but not an object; write {...}");
	}
	return !validation->is_rejected;
}

/* The last header with the name, as in Kafka's clients. */
static const struct wire_header *find_header(const struct wire_message *message, struct text name)
{
	for (size_t i = message->n_headers; i-- > 0;) {
		if (text_equal(message->headers[i].name, name))
			return &message->headers[i];
	}
	return NULL;
}

static struct jsonscan_value string_of(struct text text)
{
	return (struct jsonscan_value){text.ptr, text.len, JSONSCAN_STRING, false};
}

static struct jsonscan_value header_value(const struct wire_message *message, struct text name, struct arena *arena)
{
	const struct wire_header *header = find_header(message, name);
	if (header == NULL || text_is_absent(header->value))
		return (struct jsonscan_value){.kind = JSONSCAN_ABSENT};
	if (!jsonscan_is_clean(header->value))
		return (struct jsonscan_value){.kind = VALUE_IS_BROKEN};
	return string_of(arena_text(arena, header->value));
}

/* CloudEvents' Kafka binding: only this header marks a structured value (E1). */
static bool says_structured(const struct wire_message *message)
{
	static const struct text start = {"application/cloudevents", sizeof("application/cloudevents") - 1};
	const struct wire_header *header = find_header(message, TEXT("content-type"));
	return header != NULL && header->value.len >= start.len && memcmp(header->value.ptr, start.ptr, start.len) == 0;
}

static enum wire_mode detect_mode(const struct wire_message *message, const struct jsonscan_value *outer)
{
	if (message->n_headers > 0) {
		if (says_structured(message))
			return MODE_STRUCTURED;
		if (find_header(message, TEXT("ce_specversion")) != NULL ||
		    find_header(message, TEXT("ce_type")) != NULL)
			return MODE_BINARY;
	}
	bool has_data = outer[FIELD_DATA].kind != JSONSCAN_ABSENT || outer[FIELD_DATA_BASE64].kind != JSONSCAN_ABSENT;
	if (outer[FIELD_SPECVERSION].kind != JSONSCAN_ABSENT || (outer[FIELD_TYPE].kind != JSONSCAN_ABSENT && has_data))
		return MODE_STRUCTURED;
	return MODE_BARE;
}

static void take_headers(const struct wire_message *message, struct arena *arena, struct parts *parts)
{
	parts->prefix = "ce_";
	parts->id_name = "id";
	parts->id = header_value(message, TEXT("ce_id"), arena);
	parts->source = header_value(message, TEXT("ce_source"), arena);
	parts->type = header_value(message, TEXT("ce_type"), arena);
	parts->time = header_value(message, TEXT("ce_time"), arena);
	parts->sequence = header_value(message, TEXT("ce_sequence"), arena);
	parts->data = parts->outer;
}

static void take_members(struct parts *parts)
{
	parts->prefix = "";
	parts->id_name = "id";
	parts->id = parts->outer[FIELD_ID];
	parts->source = parts->outer[FIELD_SOURCE];
	parts->type = parts->outer[FIELD_TYPE];
	parts->time = parts->outer[FIELD_TIME];
	parts->sequence = parts->outer[FIELD_SEQUENCE];
}

static struct text generated_id(const struct wire_message *message, struct arena *arena)
{
	size_t room = message->topic.len + GENERATED_ID_BYTES;
	char *id = arena_alloc(arena, room);
	int len =
	        snprintf(id, room, "%.*s/%" PRId32 "/%" PRId64, (int)message->topic.len,
	                 text_is_empty(message->topic) ? "" : message->topic.ptr, message->partition, message->offset);
	return (struct text){id, (uint32_t)len};
}

/* Bare JSON: takes source and id from the topic and the offset if the members do not give them (E1). */
static void take_coordinates(const struct wire_message *message, struct arena *arena, struct parts *parts)
{
	parts->data = parts->outer;
	if (validation_is_missing(&parts->source) && !text_is_empty(message->topic))
		parts->source = string_of(arena_text(arena, message->topic));
	if (!validation_is_missing(&parts->id))
		return;
	parts->id_name = "event_id";
	parts->id = parts->outer[FIELD_EVENT_ID];
	if (validation_is_missing(&parts->id) || validation_is_empty_string(&parts->id))
		parts->id = string_of(generated_id(message, arena));
}

/* Keeps the beginning of an unknown type, in whole characters, so that an operator can see what is sent. */
static void note_unknown_type(struct wire_rejection *rejection, struct text name)
{
	struct text shown = text_cut(name, sizeof(rejection->detail) - 1);
	memcpy(rejection->detail, shown.ptr, shown.len);
	rejection->detail[shown.len] = '\0';
}

/* Returns EVENT_TYPE_NONE after reporting an error, or with *is_unknown_out set (E4). */
static enum event_type read_type(struct validation *validation, const struct parts *parts, bool *is_unknown_out)
{
	enum event_type type = EVENT_TYPE_NONE;
	if (parts->type.kind == JSONSCAN_STRING) {
		struct text name = jsonscan_string(&parts->type, validation->arena);
		type = event_type_find(name);
		*is_unknown_out = type == EVENT_TYPE_NONE;
		if (*is_unknown_out)
			note_unknown_type(validation->rejection, name);
	} else if (validation_is_missing(&parts->type)) {
		validation_error(validation, DEAD_MISSING_FIELD, parts->prefix, "type",
		                 "missing; every CloudEvent must name it");
	} else {
		validation_error(validation, DEAD_BAD_VALUE, parts->prefix, "type",
		                 "not a string; write a string such as \"ticket.opened\"");
	}
	return type;
}

/* The type of bare JSON comes from its topic alone. Its member `type` is an unknown field. */
static enum event_type type_of_topic(struct validation *validation, const struct wire_message *message)
{
	if (message->topic_type == EVENT_TYPE_NONE)
		validation_error(validation, DEAD_MISSING_FIELD, "", "type",
		                 "missing; send a CloudEvent with type and data, or map the topic to one type");
	return message->topic_type;
}

static void data_error(struct validation *validation, const char *text)
{
	validation_error(validation, DEAD_BAD_VALUE, "", "data_base64", "%s", text);
}

/* The members of the object in data_base64 (E7); NULL after reporting an error. */
static const struct jsonscan_value *decode_data(struct validation *validation, struct parts *parts)
{
	const struct jsonscan_wanted wanted = {event_field_find, FIELD_UNKNOWN, parts->inner, NULL, false};
	const struct jsonscan_value *value = &parts->outer[FIELD_DATA_BASE64];
	struct jsonscan_value root;
	struct jsonscan_error error;
	struct text json;
	if (value->kind != JSONSCAN_STRING)
		data_error(validation, "not a string; write base64 of the data");
	else if (!base64_decode(jsonscan_string(value, validation->arena), validation->arena, &json))
		data_error(validation, "not base64; use the standard alphabet and its padding");
	else if (!jsonscan_read(json, WIRE_MAX_LEVELS, &wanted, validation->arena, &root, &error))
		validation_error(validation, DEAD_BAD_VALUE, "", "data_base64",
		                 "the decoded data is not JSON, at byte %zu: %s", error.at_byte, error.text);
	else if (root.kind != JSONSCAN_OBJECT)
		data_error(validation, "the decoded data is not an object; encode {\"ticket_id\": ...}");
	else
		return parts->inner;
	return NULL;
}

/* Finds the data of a structured message. Reports an error if there is none, or if it cannot be read. */
static void find_data(struct validation *validation, struct parts *parts)
{
	const struct jsonscan_value *data = &parts->outer[FIELD_DATA];
	bool is_encoded = !validation_is_missing(&parts->outer[FIELD_DATA_BASE64]);
	if (validation_is_missing(data) && !is_encoded)
		validation_error(validation, DEAD_MISSING_FIELD, "", "data", "missing; every CloudEvent must name it");
	else if (validation_is_missing(data))
		parts->data = decode_data(validation, parts);
	else if (is_encoded)
		data_error(validation, "both data and data_base64 are present; send one of the two");
	else if (data->kind == JSONSCAN_OBJECT)
		parts->data = parts->inner;
	else if (data->kind == JSONSCAN_STRING)
		validation_error(validation, DEAD_BAD_VALUE, "", "data",
		                 "a string; send the object itself, {\"ticket_id\": ...}, not its text");
	else
		validation_error(validation, DEAD_BAD_VALUE, "", "data", "not an object; write {\"ticket_id\": ...}");
}

static void read_envelope(struct validation *validation, const struct parts *parts, struct ticket_event *event)
{
	if (parts->data != NULL)
		event->ticket_id = validation_required(validation, &parts->data[FIELD_TICKET_ID],
		                                       validation->data_prefix, "ticket_id");
	event->source = validation_required(validation, &parts->source, parts->prefix, "source");
	event->id = validation_required(validation, &parts->id, parts->prefix, parts->id_name);
	if (validation_is_missing(&parts->time))
		validation_error(validation, DEAD_MISSING_FIELD, parts->prefix, "time",
		                 "missing; every event must name it");
	event->occurred_us = validation_past_time(validation, &parts->time, parts->prefix, "time");
	struct text sequence = validation_identifier(validation, &parts->sequence, parts->prefix, "sequence");
	if (!text_is_absent(sequence))
		event->sequence = sequence;
}

struct text wire_ticket(const struct wire_message *message, struct arena *arena)
{
	struct wire_rejection unused;
	struct validation validation = {.arena = arena, .data_prefix = "", .rejection = &unused};
	struct parts parts = {0};
	if (text_is_absent(message->value) || !read_json(&validation, message->value, &parts))
		return TEXT_ABSENT;
	parts.mode = detect_mode(message, parts.outer);
	parts.data = parts.outer;
	if (parts.mode == MODE_STRUCTURED) {
		parts.data = NULL;
		find_data(&validation, &parts);
	}
	if (parts.data == NULL)
		return TEXT_ABSENT;
	struct text ticket_id = validation_identifier(&validation, &parts.data[FIELD_TICKET_ID], "", "ticket_id");
	return text_is_empty(ticket_id) ? TEXT_ABSENT : ticket_id;
}

enum wire_verdict wire_parse(const struct wire_message *message, int64_t now_us, struct arena *arena,
                             struct ticket_event *event_out, struct wire_rejection *rejection_out)
{
	struct validation validation = {.now_us = now_us, .arena = arena, .rejection = rejection_out};
	struct parts parts = {0};
	bool is_bare, is_unknown_type = false;
	if (text_is_absent(message->value))
		return WIRE_TOMBSTONE;
	if (!read_json(&validation, message->value, &parts))
		return WIRE_REJECTED;
	parts.mode = detect_mode(message, parts.outer);
	if (parts.mode == MODE_BINARY)
		take_headers(message, arena, &parts);
	else
		take_members(&parts);
	is_bare = parts.mode == MODE_BARE;
	if (is_bare)
		take_coordinates(message, arena, &parts);
	validation.data_prefix = parts.mode == MODE_STRUCTURED ? "data." : "";

	ticket_event_init(event_out);
	event_out->type =
	        is_bare ? type_of_topic(&validation, message) : read_type(&validation, &parts, &is_unknown_type);
	if (is_unknown_type)
		return WIRE_UNKNOWN_TYPE;
	if (parts.mode == MODE_STRUCTURED)
		find_data(&validation, &parts);
	read_envelope(&validation, &parts, event_out);
	if (event_out->type != EVENT_TYPE_NONE && parts.data != NULL)
		validation_data(&validation, parts.data, event_out);
	if (validation.is_rejected)
		return WIRE_REJECTED;
	if (event_out->type == EVENT_OPENED && event_out->times[EVENT_OPENED_AT] != TIME_NONE)
		event_out->occurred_us = event_out->times[EVENT_OPENED_AT];
	return WIRE_EVENT;
}
