#include "validate.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "decimal.h"
#include "event_fields.h"
#include "timestamp_read.h"

enum {
	IDENTIFIER_MAX_BYTES = 256,
	IDENTIFIER_MAX_DIGITS = 20, /* snowflake ids have 19 */
};

#define MICROS_PER_ONE INT64_C(1000000)

void validation_error(struct validation *validation, enum dead_letter_reason reason, const char *prefix,
                      const char *name, const char *format, ...)
{
	struct wire_rejection *rejection = validation->rejection;
	if (validation->is_rejected && rejection->reason <= reason)
		return;
	validation->is_rejected = true;
	rejection->reason = reason;
	int len = snprintf(rejection->detail, sizeof(rejection->detail), "%s%s: ", prefix, name);
	size_t used_bytes = len < 0 ? 0 : (size_t)len;
	if (used_bytes >= sizeof(rejection->detail))
		return;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(rejection->detail + used_bytes, sizeof(rejection->detail) - used_bytes, format, arguments);
	va_end(arguments);
}

bool validation_is_missing(const struct jsonscan_value *value)
{
	return value->kind == JSONSCAN_ABSENT || value->kind == JSONSCAN_NULL;
}

bool validation_is_empty_string(const struct jsonscan_value *value)
{
	return value->kind == JSONSCAN_STRING && value->len == 0;
}

/* The decimal text of a whole number with at most IDENTIFIER_MAX_DIGITS digits; absent for any other number. */
static struct text whole_number(const struct jsonscan_value *value)
{
	uint32_t sign = value->ptr[0] == '-' ? 1 : 0;
	if (value->len - sign > IDENTIFIER_MAX_DIGITS)
		return TEXT_ABSENT;
	for (uint32_t i = sign; i < value->len; i++) {
		if (value->ptr[i] < '0' || value->ptr[i] > '9')
			return TEXT_ABSENT;
	}
	if (value->ptr[sign] == '0')
		return TEXT("0"); /* -0 is the same number */
	return (struct text){value->ptr, value->len};
}

struct text validation_identifier(struct validation *validation, const struct jsonscan_value *value, const char *prefix,
                                  const char *name)
{
	struct text text;
	switch (value->kind) {
	case JSONSCAN_ABSENT:
	case JSONSCAN_NULL:
		break;
	case JSONSCAN_STRING:
		text = jsonscan_string(value, validation->arena);
		if (text.len <= IDENTIFIER_MAX_BYTES)
			return text;
		validation_error(validation, DEAD_BAD_VALUE, prefix, name, "%u bytes; write at most %d", text.len,
		                 IDENTIFIER_MAX_BYTES);
		break;
	case JSONSCAN_NUMBER:
		text = whole_number(value);
		if (!text_is_absent(text))
			return text;
		validation_error(validation, DEAD_BAD_VALUE, prefix, name,
		                 "not a whole number of at most %d digits; write a string", IDENTIFIER_MAX_DIGITS);
		break;
	case VALUE_IS_BROKEN:
		validation_error(validation, DEAD_BAD_VALUE, prefix, name,
		                 "not valid UTF-8, or contains NUL; write plain text");
		break;
	default:
		validation_error(validation, DEAD_BAD_VALUE, prefix, name,
		                 "wrong JSON type; write a string or a whole number");
	}
	return TEXT_ABSENT;
}

struct text validation_required(struct validation *validation, const struct jsonscan_value *value, const char *prefix,
                                const char *name)
{
	struct text text = validation_identifier(validation, value, prefix, name);
	if (validation_is_missing(value))
		validation_error(validation, DEAD_MISSING_FIELD, prefix, name, "missing; every event must name it");
	else if (!text_is_absent(text) && text_is_empty(text))
		validation_error(validation, DEAD_BAD_VALUE, prefix, name, "empty; write at least one character");
	return text;
}

static int64_t read_time(struct validation *validation, const struct jsonscan_value *value, const char *prefix,
                         const char *name)
{
	int64_t us;
	if (validation_is_missing(value))
		return TIME_NONE;
	if (value->kind != JSONSCAN_STRING) {
		validation_error(validation, DEAD_BAD_VALUE, prefix, name,
		                 "not a string; write \"2026-11-01T08:00:00+08:00\"");
		return TIME_NONE;
	}
	const char *error = timestamp_read(jsonscan_string(value, validation->arena), &us);
	if (error == NULL)
		return us;
	validation_error(validation, DEAD_BAD_TIME, prefix, name, "%s; write 2026-11-01T08:00:00+08:00", error);
	return TIME_NONE;
}

int64_t validation_past_time(struct validation *validation, const struct jsonscan_value *value, const char *prefix,
                             const char *name)
{
	int64_t us = read_time(validation, value, prefix, name);
	if (us != TIME_NONE && us - WIRE_MAX_AHEAD_US > validation->now_us)
		validation_error(validation, DEAD_FUTURE, prefix, name,
		                 "more than 5 minutes ahead of our clock; check the sender's clock and time zone");
	return us;
}

/* --- scores --- */

static int64_t read_score(struct validation *validation, const struct jsonscan_value *value, const char *name)
{
	int64_t micros;
	if (value->kind != JSONSCAN_NUMBER)
		validation_error(validation, DEAD_BAD_VALUE, validation->data_prefix, name, "not a number");
	else if (!decimal_to_micros((struct text){value->ptr, value->len}, &micros))
		validation_error(validation, DEAD_BAD_VALUE, validation->data_prefix, name,
		                 "out of range; write a number from -9000000000000 to 9000000000000");
	else
		return micros;
	return SCORE_ABSENT;
}

struct item {
	struct text name;
	int64_t micros;
};

static bool is_on_scale(int64_t micros, int64_t scale_micros)
{
	return micros >= 0 && micros <= scale_micros;
}

/* scale_field: the field that can set another scale. */
static void report_off_scale(struct validation *validation, const char *name, const char *what, int64_t scale_micros,
                             const char *scale_field)
{
	validation_error(validation, DEAD_BAD_VALUE, validation->data_prefix, name,
	                 "%soutside 0 to %lld.%06lld; %s names another scale", what,
	                 (long long)(scale_micros / MICROS_PER_ONE), (long long)(scale_micros % MICROS_PER_ONE),
	                 scale_field);
}

static int compare_items(const void *left, const void *right)
{
	return text_compare(((const struct item *)left)->name, ((const struct item *)right)->name);
}

/* False after reporting an error. */
static bool read_item(struct validation *validation, const struct jsonscan_value *name,
                      const struct jsonscan_value *value, const char *field, int64_t scale_micros,
                      struct item *item_out)
{
	item_out->name = jsonscan_string(name, validation->arena);
	item_out->micros = read_score(validation, value, field);
	if (item_out->micros == SCORE_ABSENT)
		return false;
	if (!is_on_scale(item_out->micros, scale_micros))
		report_off_scale(validation, field, "an item is ", scale_micros, "answers_scale_max");
	return true;
}

static size_t count_members(const struct jsonscan_value *object)
{
	struct jsonscan_walk walk;
	struct jsonscan_value name, value;
	size_t n = 0;
	jsonscan_walk_init(&walk, object);
	while (jsonscan_walk_next(&walk, &name, &value))
		n++;
	return n;
}

static struct text canonical_items(const struct item *items, size_t n_items, struct arena *arena)
{
	struct buf buf = BUF_INIT;
	buf_add_char(&buf, '{');
	for (size_t i = 0; i < n_items; i++) {
		if (i > 0)
			buf_add_char(&buf, ',');
		buf_add_json_string(&buf, items[i].name);
		buf_add_format(&buf, ":%lld", (long long)items[i].micros);
	}
	buf_add_char(&buf, '}');
	struct text text = arena_text(arena, buf_text(&buf));
	buf_release(&buf);
	return text;
}

static struct text read_scores(struct validation *validation, const struct jsonscan_value *value, const char *field,
                               int64_t scale_micros)
{
	struct jsonscan_walk walk;
	struct jsonscan_value item_name, item_value;
	size_t n_items = 0;
	if (validation_is_missing(value))
		return TEXT_ABSENT;
	if (value->kind != JSONSCAN_OBJECT) {
		validation_error(validation, DEAD_BAD_VALUE, validation->data_prefix, field,
		                 "not an object; write {\"item\": 4}");
		return TEXT_ABSENT;
	}
	struct item *items = arena_alloc(validation->arena, count_members(value) * sizeof(*items));
	jsonscan_walk_init(&walk, value);
	while (jsonscan_walk_next(&walk, &item_name, &item_value)) {
		if (!read_item(validation, &item_name, &item_value, field, scale_micros, &items[n_items]))
			return TEXT_ABSENT;
		n_items++;
	}
	qsort(items, n_items, sizeof(*items), compare_items);
	return canonical_items(items, n_items, validation->arena);
}

static int64_t default_scale_micros(enum survey_kind kind)
{
	switch (kind) {
	case SURVEY_NPS:
		return 10 * MICROS_PER_ONE;
	case SURVEY_CES:
		return 7 * MICROS_PER_ONE;
	case SURVEY_KIND_ABSENT:
	case SURVEY_CSAT:
		break;
	}
	return 5 * MICROS_PER_ONE;
}

/* Fields of a survey that depend on its scale. The other fields have been read. */
static void read_survey(struct validation *validation, const struct jsonscan_value *values, struct ticket_event *event)
{
	const char *prefix = validation->data_prefix;
	int64_t scale_micros = event->scale_max_micros;
	if (validation_is_missing(&values[FIELD_SCORE]))
		validation_error(validation, DEAD_MISSING_FIELD, prefix, "score", "missing; every survey must name it");
	if (scale_micros == SCORE_ABSENT)
		scale_micros = default_scale_micros(event->kind);
	if (scale_micros <= 0)
		validation_error(validation, DEAD_BAD_VALUE, prefix, "scale_max", "not above 0");
	else if (event->score_micros != SCORE_ABSENT && !is_on_scale(event->score_micros, scale_micros))
		report_off_scale(validation, "score", "", scale_micros, "scale_max");
	if (event->answers_scale_micros != SCORE_ABSENT)
		scale_micros = event->answers_scale_micros;
	if (scale_micros <= 0)
		validation_error(validation, DEAD_BAD_VALUE, prefix, "answers_scale_max", "not above 0");
	event->texts[EVENT_ANSWERS] = read_scores(validation, &values[FIELD_ANSWERS], "answers", scale_micros);
	event->texts[EVENT_EXPECTED] = read_scores(validation, &values[FIELD_EXPECTED], "expected", scale_micros);
}

/* --- the other kinds of field --- */

static struct text read_free_text(struct validation *validation, const struct jsonscan_value *value, const char *name)
{
	if (value->kind == JSONSCAN_STRING)
		return jsonscan_string(value, validation->arena);
	validation_error(validation, DEAD_BAD_VALUE, validation->data_prefix, name, "not a string; write text");
	return TEXT_ABSENT;
}

static uint8_t read_flag(struct validation *validation, const struct jsonscan_value *value, const char *name)
{
	if (value->kind == JSONSCAN_TRUE)
		return TRI_TRUE;
	if (value->kind == JSONSCAN_FALSE)
		return TRI_FALSE;
	validation_error(validation, DEAD_BAD_VALUE, validation->data_prefix, name,
	                 "not a boolean; write true or false");
	return TRI_ABSENT;
}

/* Index of the value in words, from 1; 0: not found. */
static uint8_t find_word(struct validation *validation, const struct jsonscan_value *value, const char *const words[],
                         size_t n_words)
{
	if (value->kind != JSONSCAN_STRING)
		return 0;
	struct text text = jsonscan_string(value, validation->arena);
	for (size_t i = 1; i < n_words; i++) {
		if (text_equal(text, text_of(words[i])))
			return (uint8_t)i;
	}
	return 0;
}

static uint8_t read_resolution(struct validation *validation, const struct jsonscan_value *value, const char *name)
{
	const char *const words[] = {NULL, resolution_name(RESOLUTION_SOLVED), resolution_name(RESOLUTION_UNSOLVED),
	                             resolution_name(RESOLUTION_CANCELLED), resolution_name(RESOLUTION_DUPLICATE)};
	uint8_t word = find_word(validation, value, words, sizeof(words) / sizeof(words[0]));
	if (word == RESOLUTION_ABSENT)
		validation_error(validation, DEAD_BAD_VALUE, validation->data_prefix, name,
		                 "unknown value; write \"solved\", \"unsolved\", \"cancelled\" or \"duplicate\"");
	return word;
}

static uint8_t read_survey_kind(struct validation *validation, const struct jsonscan_value *value, const char *name)
{
	const char *const words[] = {NULL, survey_kind_name(SURVEY_CSAT), survey_kind_name(SURVEY_NPS),
	                             survey_kind_name(SURVEY_CES)};
	uint8_t word = find_word(validation, value, words, sizeof(words) / sizeof(words[0]));
	if (word == SURVEY_KIND_ABSENT)
		validation_error(validation, DEAD_BAD_VALUE, validation->data_prefix, name,
		                 "unknown value; write \"csat\", \"nps\" or \"ces\"");
	return word;
}

static void read_field(struct validation *validation, const struct event_field_row *row,
                       const struct jsonscan_value *value, struct ticket_event *event)
{
	const char *prefix = validation->data_prefix;
	const char *name = row->name.ptr;
	void *member = event_field_in(row, event);
	switch (row->kind) {
	case HOLDS_IDENTIFIER:
		*(struct text *)member = validation_identifier(validation, value, prefix, name);
		break;
	case HOLDS_FREE_TEXT:
		*(struct text *)member = read_free_text(validation, value, name);
		break;
	case HOLDS_PAST_TIME:
		*(int64_t *)member = validation_past_time(validation, value, prefix, name);
		break;
	case HOLDS_PROMISE:
		*(int64_t *)member = read_time(validation, value, prefix, name);
		break;
	case HOLDS_SCORE:
		*(int64_t *)member = read_score(validation, value, name);
		break;
	case HOLDS_RESOLUTION:
		*(uint8_t *)member = read_resolution(validation, value, name);
		break;
	case HOLDS_SURVEY_KIND:
		*(uint8_t *)member = read_survey_kind(validation, value, name);
		break;
	case HOLDS_FLAG:
		*(uint8_t *)member = read_flag(validation, value, name);
		break;
	case HOLDS_SCORES: /* see read_survey() */
	case HOLDS_ENVELOPE:
		break;
	}
}

void validation_data(struct validation *validation, const struct jsonscan_value *values, struct ticket_event *event)
{
	for (size_t i = 0; i < N_FIELDS; i++) {
		const struct event_field_row *row = &event_fields[i];
		const struct jsonscan_value *value = &values[i];
		if (value->kind == JSONSCAN_ABSENT || !event_field_is_of(row, event->type))
			continue;
		bool is_given = value->kind != JSONSCAN_NULL &&
		                !(row->kind == HOLDS_IDENTIFIER && validation_is_empty_string(value));
		if (is_given)
			read_field(validation, row, value, event);
		else if (event_field_clears_in(row, event->type))
			*(struct text *)event_field_in(row, event) = TEXT("");
	}
	if (event->type == EVENT_SURVEY)
		read_survey(validation, values, event);
}
