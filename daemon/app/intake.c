#include "app/intake.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kpid/base/clock.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"
#include "kpid/core/json_pointer.h"

enum { KEEP_BYTES = 1024 * 1024 };

void intake_init(struct intake *intake)
{
	*intake = (struct intake){.form = INTAKE_FLAT};
	arena_init(&intake->arena);
	arena_init(&intake->header_arena);
}

static void release_reasons(struct intake_reasons *reasons)
{
	for (size_t i = 0; i < reasons->n; i++)
		free(reasons->items[i]);
	reasons->n = 0;
}

void intake_release(struct intake *intake)
{
	release_reasons(&intake->skips);
	release_reasons(&intake->faults);
	mapping_free(intake->mapping);
	arena_release(&intake->arena);
	arena_release(&intake->header_arena);
}

/* ---- rows ---- */

static struct text trimmed(struct text text)
{
	while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
		text = (struct text){text.ptr + 1, text.len - 1};
	while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
		text.len--;
	return text;
}

bool intake_header(struct intake *intake, struct text row, struct buf *error_out)
{
	struct csv_cells cells;
	arena_clear(&intake->header_arena, KEEP_BYTES);
	if (intake->delimiter == '\0')
		intake->delimiter = csv_delimiter_guess(row);
	if (!csv_row_split(row, intake->delimiter, &intake->header_arena, &cells) || cells.n == 0) {
		buf_add_str(error_out, "the header is not a row of CSV; --skip N passes over N lines before it");
		return false;
	}
	if (!json_text_is_clean(row)) {
		buf_add_str(error_out, "the header does not decode; name the encoding with --encoding");
		return false;
	}
	for (size_t i = 0; i < cells.n; i++) {
		cells.items[i] = trimmed(cells.items[i]);
		for (size_t j = 0; j < i; j++) {
			if (cells.items[i].len == 0 || !text_equal(cells.items[i], cells.items[j]))
				continue;
			buf_add_format(error_out, "the header has \"%.*s\" twice; rename one of the columns",
			               (int)cells.items[i].len, cells.items[i].ptr);
			return false;
		}
	}
	intake->names = cells.items;
	intake->n_names = cells.n;
	return true;
}

/* Returns NULL, or what is wrong with the row. */
static const char *split_row(struct intake *intake, struct text row, struct mapping_record *record)
{
	struct csv_cells cells;
	if (row.len > MAPPING_MAX_RECORD)
		return "more than 1000000 bytes";
	if (!json_text_is_clean(row))
		return "it has bytes that do not decode, or NUL";
	if (!csv_row_split(row, intake->delimiter, &intake->arena, &cells))
		return "it is not CSV: a quote is where none may be";
	if (cells.n < intake->n_names)
		return "it has too few cells";
	if (cells.n > intake->n_names)
		return "it has too many cells";
	record->names = intake->names;
	record->cells = cells.items;
	record->n_cells = cells.n;
	return NULL;
}

/* ---- records ---- */

struct reading {
	struct intake *intake;
	const struct wire_message *message;
	const struct intake_sink *sink;
	int64_t now_us;
};

/* The text as it is kept, or "other" if there are too many. *is_new_out: it was not there before. */
static const char *keep_reason(struct intake_reasons *reasons, const char *text, bool *is_new_out)
{
	*is_new_out = false;
	for (size_t i = 0; i < reasons->n; i++)
		if (strcmp(reasons->items[i], text) == 0)
			return reasons->items[i];
	if (reasons->n == INTAKE_MOST_REASONS)
		return "other";
	*is_new_out = true;
	return reasons->items[reasons->n++] = mem_strdup(text);
}

static void note_fault(struct intake *intake, const char *detail)
{
	bool is_new;
	keep_reason(&intake->faults, detail, &is_new);
	if (intake->logs && is_new)
		log_warning("mapping %s: a record was rejected: %s", intake->name, detail);
	if (++intake->counts.n_failed_in_row == INTAKE_ALARM && intake->logs)
		log_error("mapping %s: the last %d records were rejected, the latest one with: %s", intake->name,
		          INTAKE_ALARM, detail);
}

static void reject(const struct reading *reading, struct text record, enum dead_letter_reason reason,
                   const char *detail)
{
	char with_line[MAPPING_DETAIL_BYTES + 32];
	reading->intake->counts.n_rejected++;
	note_fault(reading->intake, detail);
	if (reading->intake->is_csv)
		snprintf(with_line, sizeof(with_line), "line %" PRId64 ": %s", reading->intake->line_no, detail);
	reading->sink->rejected(reading->sink->context, record, reason, reading->intake->is_csv ? with_line : detail);
}

static void give(const struct reading *reading, const struct ticket_event *events, size_t n,
                 const struct flat_tally *tally)
{
	struct intake_counts *counts = &reading->intake->counts;
	counts->n_mapped++;
	counts->n_failed_in_row = 0;
	counts->n_events += (int64_t)n;
	counts->tally.n_moved += tally->n_moved;
	counts->tally.n_twice += tally->n_twice;
	for (size_t i = 0; i < n; i++)
		reading->sink->event(reading->sink->context, &events[i]);
}

static void read_flat(const struct reading *reading, struct text json)
{
	struct intake *intake = reading->intake;
	struct ticket_event event;
	struct wire_rejection rejection;
	struct flat_tally tally = {0, 0};
	intake->rules.now_us = reading->now_us;
	if (flat_json(&intake->rules, json, &intake->arena, &tally, &event, &rejection) == FLAT_EVENT)
		give(reading, &event, 1, &tally);
	else
		reject(reading, json, rejection.reason, rejection.detail);
}

static void pass(const struct reading *reading, const char *reason)
{
	struct intake *intake = reading->intake;
	bool is_new;
	reason = keep_reason(&intake->skips, reason, &is_new);
	if (intake->logs && is_new)
		log_info("mapping %s: records are skipped: %s", intake->name, reason);
	intake->counts.n_skipped++;
	intake->counts.n_failed_in_row = 0;
	reading->sink->passed(reading->sink->context, reason);
}

static void read_mapped(const struct reading *reading, const struct mapping_record *record, struct text bytes)
{
	struct intake *intake = reading->intake;
	struct mapped *mapped = &intake->mapped;
	int64_t began_us = monotonic_clock_us();
	enum mapped_verdict verdict = mapping_run(intake->mapping, record, reading->now_us, &intake->arena, mapped);
	intake->counts.spent_us += monotonic_clock_us() - began_us;
	switch (verdict) {
	case MAPPED_EVENTS:
		give(reading, mapped->events, mapped->n_events, &mapped->tally);
		break;
	case MAPPED_SKIPPED:
		pass(reading, mapped->skip_reason);
		break;
	case MAPPED_TOMBSTONE:
		intake->counts.n_tombstones++;
		reading->sink->passed(reading->sink->context, NULL);
		break;
	case MAPPED_REJECTED:
		reject(reading, bytes, mapped->reason, mapped->detail);
		break;
	}
}

static void read_record(const struct reading *reading, struct text bytes)
{
	const struct wire_message *message = reading->message;
	struct mapping_record record = {
	        .json = bytes, .key = message->key, .headers = message->headers, .n_headers = message->n_headers};
	reading->intake->counts.n_records++;
	if (reading->intake->is_csv) {
		const char *error = split_row(reading->intake, bytes, &record);
		record.json = TEXT_ABSENT;
		if (error != NULL) {
			reject(reading, bytes, DEAD_BAD_VALUE, error);
			return;
		}
	}
	if (reading->intake->form == INTAKE_LOOK)
		reading->intake->look(reading->intake->look_context, &record);
	else if (reading->intake->form == INTAKE_FLAT)
		read_flat(reading, bytes);
	else
		read_mapped(reading, &record, bytes);
}

/* ---- --each ---- */

/* Moves to the first element. False: it is not possible, and the record was rejected. */
static bool begin_each(const struct reading *reading, struct text bytes, struct json_tokens *tokens_out)
{
	struct intake *intake = reading->intake;
	const char *error = NULL;
	size_t at_byte = 0;
	char detail[128];
	*tokens_out = json_tokens_of(bytes);
	if (!json_tokens_check(bytes, MAPPING_MAX_LEVELS, &intake->arena, &error, &at_byte)) {
		snprintf(detail, sizeof(detail), "record: at byte %zu: %s", at_byte, error);
		intake->counts.n_records++;
		reject(reading, bytes, DEAD_NOT_JSON, detail);
		return false;
	}
	struct json_token token;
	if (!json_pointer_find(intake->each, tokens_out, &intake->arena, &token) || token.kind != JSON_BEGIN_ARRAY) {
		intake->counts.n_records++;
		reject(reading, bytes, DEAD_MISSING_FIELD, "record: it has no array where --each points");
		return false;
	}
	return true;
}

/* Returns true if the place is before the end. */
static bool read_each(const struct reading *reading, struct text bytes, struct intake_place *place)
{
	struct intake *intake = reading->intake;
	int64_t began_us = monotonic_clock_us();
	struct json_tokens tokens;
	if (place != NULL && place->at != NULL)
		tokens = (struct json_tokens){place->at, place->end};
	else if (!begin_each(reading, bytes, &tokens))
		return false;
	for (;;) {
		struct json_token token = json_tokens_next(&tokens);
		if (token.kind == JSON_END_ARRAY)
			return false;
		struct text element = json_tokens_skip(&tokens, &token);
		if (token.kind == JSON_STRING) /* with its quotes */
			element = (struct text){element.ptr - 1, element.len + 2};
		arena_clear(&intake->arena, KEEP_BYTES);
		read_record(reading, element);
		if (place == NULL || monotonic_clock_us() - began_us < MAPPING_TURN_US)
			continue;
		*place = (struct intake_place){tokens.at, tokens.end};
		return true;
	}
}

bool intake_read(struct intake *intake, const struct wire_message *message, int64_t now_us,
                 const struct intake_sink *sink, struct intake_place *place_io)
{
	const struct reading reading = {intake, message, sink, now_us};
	arena_clear(&intake->arena, KEEP_BYTES);
	if (text_is_absent(message->value)) {
		intake->counts.n_records++;
		intake->counts.n_tombstones++;
		sink->passed(sink->context, NULL);
	} else if (intake->each != NULL && !intake->is_csv) {
		return read_each(&reading, message->value, place_io);
	} else {
		read_record(&reading, message->value);
	}
	return false;
}
