#include "letters.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Sources differ in how they write times: some in local time, some in UTC. */
static int source_offset_hours(const struct letter *letter)
{
	return strcmp(letter->source, "/desk/field-app") == 0 ? 0 : 8;
}

void time_text(int64_t at_us, int offset_hours, char text_out[TIME_TEXT])
{
	time_t seconds = (time_t)(at_us / 1000000) + offset_hours * 3600;
	struct tm parts;
	gmtime_r(&seconds, &parts);
	size_t length = strftime(text_out, TIME_TEXT, "%Y-%m-%dT%H:%M:%S", &parts);
	int microseconds = (int)(at_us % 1000000);
	if (offset_hours == 0)
		snprintf(text_out + length, TIME_TEXT - length, ".%06dZ", microseconds);
	else
		snprintf(text_out + length, TIME_TEXT - length, ".%06d+%02d:00", microseconds, offset_hours);
}

static void put_text(json_t *object, const char *name, const char *text)
{
	if (text)
		json_object_set_new(object, name, json_string(text));
}

/* The fields of the event itself. */
static json_t *step_data(const struct step *step)
{
	json_t *data = json_object();
	put_text(data, "ticket_id", step->ticket_id);
	put_text(data, "project_id", step->project_id);
	put_text(data, "channel", step->channel);
	put_text(data, "category", step->category);
	put_text(data, "priority", step->priority);
	put_text(data, "agent_id", step->agent_id);
	put_text(data, "reason", step->reason);
	put_text(data, "resolution", step->resolution);
	put_text(data, "kind", step->kind);
	if (step->score >= 0)
		json_object_set_new(data, "score", json_integer(step->score));
	if (step->scale_max > 0)
		json_object_set_new(data, "scale_max", json_integer(step->scale_max));
	if (step->automatic)
		json_object_set_new(data, "automatic", json_true());
	return data;
}

static json_t *envelope(const struct letter *letter)
{
	char at[TIME_TEXT];
	time_text(letter->step.at_us, source_offset_hours(letter), at);
	json_t *object = json_object();
	put_text(object, "specversion", "1.0");
	put_text(object, "id", letter->id);
	put_text(object, "source", letter->source);
	put_text(object, "type", letter->step.type);
	put_text(object, "time", at);
	put_text(object, "datacontenttype", "application/json");
	json_object_set_new(object, "data", step_data(&letter->step));
	return object;
}

static void set_value(struct letter *letter, json_t *object)
{
	letter->value = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	if (!letter->value) {
		fprintf(stderr, "demo-generator: out of memory\n");
		exit(1);
	}
	letter->value_len = strlen(letter->value);
}

void letter_write(struct letter *letter)
{
	if (letter->form == FORM_STRUCTURED) {
		set_value(letter, envelope(letter));
		return;
	}
	json_t *data = step_data(&letter->step);
	if (letter->form == FORM_BARE) {
		char at[TIME_TEXT];
		time_text(letter->step.at_us, source_offset_hours(letter), at);
		put_text(data, "event_id", letter->id);
		put_text(data, "time", at);
	}
	set_value(letter, data);
}

rd_kafka_headers_t *letter_headers(const struct letter *letter)
{
	if (letter->form != FORM_BINARY)
		return NULL;
	char at[TIME_TEXT];
	time_text(letter->step.at_us, source_offset_hours(letter), at);
	rd_kafka_headers_t *headers = rd_kafka_headers_new(6);
	rd_kafka_header_add(headers, "ce_specversion", -1, "1.0", -1);
	rd_kafka_header_add(headers, "ce_id", -1, letter->id, -1);
	rd_kafka_header_add(headers, "ce_source", -1, letter->source, -1);
	rd_kafka_header_add(headers, "ce_type", -1, letter->step.type, -1);
	rd_kafka_header_add(headers, "ce_time", -1, at, -1);
	rd_kafka_header_add(headers, "content-type", -1, "application/json", -1);
	return headers;
}

/* A text that repeats another n times. */
static char *repeated(char character, size_t n)
{
	char *text = malloc(n + 1);
	if (!text) {
		fprintf(stderr, "demo-generator: out of memory\n");
		exit(1);
	}
	memset(text, character, n);
	text[n] = '\0';
	return text;
}

void letter_spoil(struct letter *letter, const char *reason)
{
	letter->form = FORM_STRUCTURED;
	letter->fate = FATE_DEAD;
	letter->reason = reason;
	json_t *object = envelope(letter);
	if (strcmp(reason, "too_large") == 0) {
		char *text = repeated('x', 66000);
		json_object_set_new(json_object_get(object, "data"), "description", json_string(text));
		free(text);
	} else if (strcmp(reason, "too_deep") == 0) {
		json_t *nested = json_object();
		for (int i = 0; i < 20; i++)
			nested = json_pack("{s:o}", "in", nested);
		json_object_set_new(json_object_get(object, "data"), "nested", nested);
	} else if (strcmp(reason, "not_an_object") == 0) {
		object = json_pack("[o]", object);
	} else if (strcmp(reason, "missing_field") == 0) {
		json_object_del(json_object_get(object, "data"), "ticket_id");
	} else if (strcmp(reason, "bad_time") == 0) {
		json_object_set_new(object, "time", json_string("yesterday afternoon"));
	} else if (strcmp(reason, "bad_value") == 0) {
		json_object_set_new(json_object_get(object, "data"), "ticket_id", json_true());
	} else if (strcmp(reason, "future") == 0) {
		char at[TIME_TEXT];
		time_text(letter->step.at_us + INT64_C(86400) * 1000000, 8, at);
		json_object_set_new(object, "time", json_string(at));
	}
	set_value(letter, object);
	if (strcmp(reason, "not_json") == 0)
		letter->value_len /= 2; /* truncated in transit */
}
