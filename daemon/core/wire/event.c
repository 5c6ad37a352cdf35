#include "kpid/core/event.h"

#include <stddef.h>

#include "event_fields.h"
#include "kpid/base/hash.h"

static const struct text type_names[EVENT_N_TYPES] = {
        [EVENT_OPENED] = {"ticket.opened", 13},       [EVENT_UPDATED] = {"ticket.updated", 14},
        [EVENT_ASSIGNED] = {"ticket.assigned", 15},   [EVENT_REQUESTER_REPLIED] = {"ticket.requester_replied", 24},
        [EVENT_RESPONDED] = {"ticket.responded", 16}, [EVENT_ARRIVED] = {"ticket.arrived", 14},
        [EVENT_PAUSED] = {"ticket.paused", 13},       [EVENT_RESUMED] = {"ticket.resumed", 14},
        [EVENT_RESOLVED] = {"ticket.resolved", 15},   [EVENT_CLOSED] = {"ticket.closed", 13},
        [EVENT_REOPENED] = {"ticket.reopened", 15},   [EVENT_SURVEY] = {"survey.submitted", 16},
};

static const char *const resolution_names[] = {
        [RESOLUTION_ABSENT] = NULL,           [RESOLUTION_SOLVED] = "solved",       [RESOLUTION_UNSOLVED] = "unsolved",
        [RESOLUTION_CANCELLED] = "cancelled", [RESOLUTION_DUPLICATE] = "duplicate",
};

static const char *const survey_kind_names[] = {
        [SURVEY_KIND_ABSENT] = NULL,
        [SURVEY_CSAT] = "csat",
        [SURVEY_NPS] = "nps",
        [SURVEY_CES] = "ces",
};

#define NAME(literal)  .name = {(literal), sizeof(literal) - 1}
#define AT(member)     .offset = offsetof(struct ticket_event, member)
#define TEXT_AT(field) AT(texts[field]), .number = (field)
#define TIME_AT(field) AT(times[field]), .number = (field)

enum {
	OPENED = 1 << EVENT_OPENED,
	UPDATED = 1 << EVENT_UPDATED,
	ASSIGNED = 1 << EVENT_ASSIGNED,
	RESPONDED = 1 << EVENT_RESPONDED,
	ARRIVED = 1 << EVENT_ARRIVED,
	PAUSED = 1 << EVENT_PAUSED,
	RESUMED = 1 << EVENT_RESUMED,
	RESOLVED = 1 << EVENT_RESOLVED,
	CLOSED = 1 << EVENT_CLOSED,
	REOPENED = 1 << EVENT_REOPENED,
	SURVEY = 1 << EVENT_SURVEY,
	AGENT_TYPES = OPENED | ASSIGNED | RESPONDED | ARRIVED | RESOLVED | CLOSED | SURVEY,
};

/* clang-format off */
const struct event_field_row event_fields[N_FIELDS] = {
	[FIELD_AGENT_ID]    = {NAME("agent_id"), HOLDS_IDENTIFIER, AGENT_TYPES, OPENED | ASSIGNED, TEXT_AT(EVENT_AGENT_ID)},
	[FIELD_ANSWERS]     = {NAME("answers"), HOLDS_SCORES, SURVEY, 0, TEXT_AT(EVENT_ANSWERS)},
	[FIELD_ANSWERS_SCALE_MAX] = {NAME("answers_scale_max"), HOLDS_SCORE, SURVEY, 0, AT(answers_scale_micros)},
	[FIELD_AUTOMATIC]   = {NAME("automatic"), HOLDS_FLAG, RESPONDED | CLOSED, 0, AT(automatic)},
	[FIELD_CATEGORY]    = {NAME("category"), HOLDS_IDENTIFIER, OPENED | UPDATED, OPENED | UPDATED, TEXT_AT(EVENT_CATEGORY)},
	[FIELD_CHANNEL]     = {NAME("channel"), HOLDS_IDENTIFIER, OPENED | UPDATED, OPENED | UPDATED, TEXT_AT(EVENT_CHANNEL)},
	[FIELD_DATA]        = {NAME("data"), HOLDS_ENVELOPE},
	[FIELD_DATA_BASE64] = {NAME("data_base64"), HOLDS_ENVELOPE},
	[FIELD_EVENT_ID]    = {NAME("event_id"), HOLDS_ENVELOPE},
	[FIELD_EXPECTED]    = {NAME("expected"), HOLDS_SCORES, SURVEY, 0, TEXT_AT(EVENT_EXPECTED)},
	[FIELD_FIRST_RESPONSE_AT] = {NAME("first_response_at"), HOLDS_PAST_TIME, CLOSED, 0, TIME_AT(EVENT_FIRST_RESPONSE_AT)},
	[FIELD_FIRST_RESPONSE_DUE_AT] = {NAME("first_response_due_at"), HOLDS_PROMISE, OPENED | UPDATED, 0, TIME_AT(EVENT_FIRST_RESPONSE_DUE_AT)},
	[FIELD_ID]          = {NAME("id"), HOLDS_ENVELOPE},
	[FIELD_KIND]        = {NAME("kind"), HOLDS_SURVEY_KIND, SURVEY, 0, AT(kind)},
	[FIELD_OPENED_AT]   = {NAME("opened_at"), HOLDS_PAST_TIME, OPENED | CLOSED, 0, TIME_AT(EVENT_OPENED_AT)},
	[FIELD_PRIORITY]    = {NAME("priority"), HOLDS_IDENTIFIER, OPENED | UPDATED, OPENED | UPDATED, TEXT_AT(EVENT_PRIORITY)},
	[FIELD_PROJECT_ID]  = {NAME("project_id"), HOLDS_IDENTIFIER, OPENED | UPDATED, OPENED | UPDATED, TEXT_AT(EVENT_PROJECT_ID)},
	[FIELD_REASON]      = {NAME("reason"), HOLDS_FREE_TEXT, PAUSED | RESUMED | REOPENED, 0, TEXT_AT(EVENT_REASON)},
	[FIELD_REQUESTER_REF] = {NAME("requester_ref"), HOLDS_IDENTIFIER, OPENED | UPDATED, OPENED | UPDATED, TEXT_AT(EVENT_REQUESTER_REF)},
	[FIELD_RESOLUTION]  = {NAME("resolution"), HOLDS_RESOLUTION, RESOLVED | CLOSED, 0, AT(resolution)},
	[FIELD_RESOLUTION_DUE_AT] = {NAME("resolution_due_at"), HOLDS_PROMISE, OPENED | UPDATED, 0, TIME_AT(EVENT_RESOLUTION_DUE_AT)},
	[FIELD_RESOLVED_AT] = {NAME("resolved_at"), HOLDS_PAST_TIME, CLOSED, 0, TIME_AT(EVENT_RESOLVED_AT)},
	[FIELD_SCALE_MAX]   = {NAME("scale_max"), HOLDS_SCORE, SURVEY, 0, AT(scale_max_micros)},
	[FIELD_SCORE]       = {NAME("score"), HOLDS_SCORE, SURVEY, 0, AT(score_micros)},
	[FIELD_SEQUENCE]    = {NAME("sequence"), HOLDS_ENVELOPE},
	[FIELD_SOURCE]      = {NAME("source"), HOLDS_ENVELOPE},
	[FIELD_SPECVERSION] = {NAME("specversion"), HOLDS_ENVELOPE},
	[FIELD_SURVEY_ID]   = {NAME("survey_id"), HOLDS_IDENTIFIER, SURVEY, 0, TEXT_AT(EVENT_SURVEY_ID)},
	[FIELD_TEAM_ID]     = {NAME("team_id"), HOLDS_IDENTIFIER, OPENED | ASSIGNED, OPENED | ASSIGNED, TEXT_AT(EVENT_TEAM_ID)},
	[FIELD_TICKET_ID]   = {NAME("ticket_id"), HOLDS_ENVELOPE},
	[FIELD_TIME]        = {NAME("time"), HOLDS_ENVELOPE},
	[FIELD_TYPE]        = {NAME("type"), HOLDS_ENVELOPE},
};
/* clang-format on */

/* The first row whose name starts with the letter. If there is none, any row of another letter. */
static const uint8_t first_with_letter[26] = {
        ['c' - 'a'] = FIELD_CATEGORY,          ['d' - 'a'] = FIELD_DATA,     ['e' - 'a'] = FIELD_EVENT_ID,
        ['f' - 'a'] = FIELD_FIRST_RESPONSE_AT, ['i' - 'a'] = FIELD_ID,       ['k' - 'a'] = FIELD_KIND,
        ['o' - 'a'] = FIELD_OPENED_AT,         ['p' - 'a'] = FIELD_PRIORITY, ['r' - 'a'] = FIELD_REASON,
        ['s' - 'a'] = FIELD_SCALE_MAX,         ['t' - 'a'] = FIELD_TEAM_ID,
};

int event_field_find(struct text name)
{
	unsigned letter = text_is_empty(name) ? UINT8_MAX : (unsigned)name.ptr[0] - 'a';
	if (letter >= sizeof(first_with_letter))
		return FIELD_UNKNOWN;
	for (int i = first_with_letter[letter]; i < N_FIELDS && event_fields[i].name.ptr[0] == name.ptr[0]; i++) {
		if (text_equal(event_fields[i].name, name))
			return i;
	}
	return FIELD_UNKNOWN;
}

/* The part after the last dot but one; the whole name if it has fewer dots. */
static struct text last_two_parts(struct text name)
{
	unsigned n_dots = 0;
	for (uint32_t i = name.len; i-- > 0;) {
		if (name.ptr[i] == '.' && ++n_dots == 2)
			return (struct text){name.ptr + i + 1, name.len - i - 1};
	}
	return name;
}

enum event_type event_type_find(struct text name)
{
	struct text parts = last_two_parts(name);
	enum event_type type = 0;
	while (type < EVENT_N_TYPES && !text_equal(type_names[type], parts))
		type++;
	return type;
}

void ticket_event_init(struct ticket_event *event)
{
	static const struct ticket_event absent = {
	        .type = EVENT_TYPE_NONE,
	        .occurred_us = TIME_NONE,
	        .sequence = {"", 0},
	        .times = {TIME_NONE, TIME_NONE, TIME_NONE, TIME_NONE, TIME_NONE},
	        .score_micros = SCORE_ABSENT,
	        .scale_max_micros = SCORE_ABSENT,
	        .answers_scale_micros = SCORE_ABSENT,
	};
	_Static_assert(EVENT_N_TIMES == 5, "each is absent");
	*event = absent;
}

const char *event_type_name(enum event_type type)
{
	return type_names[type].ptr;
}

static bool is_text(const struct event_field_row *row)
{
	return row->kind == HOLDS_IDENTIFIER || row->kind == HOLDS_FREE_TEXT || row->kind == HOLDS_SCORES;
}

static bool is_time(const struct event_field_row *row)
{
	return row->kind == HOLDS_PAST_TIME || row->kind == HOLDS_PROMISE;
}

static const char *name_of(bool (*is_wanted)(const struct event_field_row *), unsigned number)
{
	for (size_t i = 0; i < N_FIELDS; i++) {
		if (is_wanted(&event_fields[i]) && event_fields[i].number == number)
			return event_fields[i].name.ptr;
	}
	return NULL;
}

const char *event_text_name(enum event_text field)
{
	return name_of(is_text, field);
}

const char *event_time_name(enum event_time field)
{
	return name_of(is_time, field);
}

const char *resolution_name(enum resolution resolution)
{
	return resolution_names[resolution];
}

const char *survey_kind_name(enum survey_kind kind)
{
	return survey_kind_names[kind];
}

uint32_t event_type_texts(enum event_type type)
{
	uint32_t texts = 0;
	for (size_t i = 0; i < N_FIELDS; i++) {
		if (is_text(&event_fields[i]) && event_field_is_of(&event_fields[i], type))
			texts |= UINT32_C(1) << event_fields[i].number;
	}
	return texts;
}

uint32_t event_type_times(enum event_type type)
{
	uint32_t times = 0;
	for (size_t i = 0; i < N_FIELDS; i++) {
		if (is_time(&event_fields[i]) && event_field_is_of(&event_fields[i], type))
			times |= UINT32_C(1) << event_fields[i].number;
	}
	return times;
}

uint32_t event_type_clearable(enum event_type type)
{
	uint32_t texts = 0;
	for (size_t i = 0; i < N_FIELDS; i++) {
		if (event_field_clears_in(&event_fields[i], type))
			texts |= UINT32_C(1) << event_fields[i].number;
	}
	return texts;
}

bool source_is_within(struct text source, struct text top)
{
	if (text_is_absent(source) || source.len < top.len || memcmp(source.ptr, top.ptr, top.len) != 0)
		return false;
	return source.len == top.len || source.ptr[top.len] == '/';
}

bool ticket_event_same_identity(const struct ticket_event *a, const struct ticket_event *b)
{
	return text_equal(a->source, b->source) && text_equal(a->id, b->id);
}

uint64_t ticket_event_identity_hash(const struct ticket_event *event)
{
	return hash_text(event->id); /* within a ticket, two sources seldom give the same id */
}

static const void *member(const struct event_field_row *row, const struct ticket_event *event)
{
	return (const char *)event + row->offset;
}

static bool same_member(const struct event_field_row *row, const struct ticket_event *a, const struct ticket_event *b)
{
	const void *in_a = member(row, a);
	const void *in_b = member(row, b);
	switch (row->kind) {
	case HOLDS_IDENTIFIER:
	case HOLDS_FREE_TEXT:
	case HOLDS_SCORES:
		return text_equal(*(const struct text *)in_a, *(const struct text *)in_b);
	case HOLDS_PAST_TIME:
	case HOLDS_PROMISE:
	case HOLDS_SCORE:
		return *(const int64_t *)in_a == *(const int64_t *)in_b;
	case HOLDS_RESOLUTION:
	case HOLDS_SURVEY_KIND:
	case HOLDS_FLAG:
		return *(const uint8_t *)in_a == *(const uint8_t *)in_b;
	case HOLDS_ENVELOPE:
		break;
	}
	return true;
}

bool ticket_event_same_content(const struct ticket_event *a, const struct ticket_event *b)
{
	if (a->type != b->type || a->occurred_us != b->occurred_us || !text_same(a->sequence, b->sequence))
		return false;
	for (size_t i = 0; i < N_FIELDS; i++) {
		if (event_field_is_of(&event_fields[i], a->type) && !same_member(&event_fields[i], a, b))
			return false;
	}
	return true;
}

int ticket_event_order(const struct ticket_event *a, const struct ticket_event *b)
{
	int order = (a->occurred_us > b->occurred_us) - (a->occurred_us < b->occurred_us);
	if (order == 0)
		order = text_compare(a->sequence, b->sequence);
	if (order == 0)
		order = (a->type > b->type) - (a->type < b->type);
	if (order == 0)
		order = text_compare(a->source, b->source);
	if (order == 0)
		order = text_compare(a->id, b->id);
	return order;
}

/* add_number() relies on this. No time or score has this value. */
/* NOLINTNEXTLINE(misc-redundant-expression): the assertion is about this equality */
_Static_assert(TIME_NONE == SCORE_ABSENT, "the same value means absent");

static void add_name(struct buf *out, const struct event_field_row *row)
{
	if (out->data[out->len_bytes - 1] != '{')
		buf_add_char(out, ',');
	buf_add_char(out, '"');
	buf_add_text(out, row->name);
	buf_add(out, "\":", 2);
}

static void add_text(struct buf *out, const struct event_field_row *row, struct text value)
{
	if (text_is_absent(value))
		return;
	add_name(out, row);
	if (row->kind == HOLDS_SCORES)
		buf_add_text(out, value);
	else if (text_is_empty(value) && row->kind == HOLDS_IDENTIFIER)
		buf_add_str(out, "null"); /* cleared (F5) */
	else
		buf_add_json_string(out, value);
}

static void add_number(struct buf *out, const struct event_field_row *row, int64_t value)
{
	if (value == TIME_NONE)
		return;
	add_name(out, row);
	buf_add_format(out, "%lld", (long long)value);
}

static void add_word(struct buf *out, const struct event_field_row *row, const char *word)
{
	if (word == NULL)
		return;
	add_name(out, row);
	buf_add_format(out, "\"%s\"", word);
}

static void add_flag(struct buf *out, const struct event_field_row *row, enum tristate value)
{
	if (value == TRI_ABSENT)
		return;
	add_name(out, row);
	buf_add_str(out, value == TRI_TRUE ? "true" : "false");
}

static void add_field(struct buf *out, const struct event_field_row *row, const struct ticket_event *event)
{
	const void *value = member(row, event);
	switch (row->kind) {
	case HOLDS_IDENTIFIER:
	case HOLDS_FREE_TEXT:
	case HOLDS_SCORES:
		add_text(out, row, *(const struct text *)value);
		break;
	case HOLDS_PAST_TIME:
	case HOLDS_PROMISE:
	case HOLDS_SCORE:
		add_number(out, row, *(const int64_t *)value);
		break;
	case HOLDS_RESOLUTION:
		add_word(out, row, resolution_names[*(const uint8_t *)value]);
		break;
	case HOLDS_SURVEY_KIND:
		add_word(out, row, survey_kind_names[*(const uint8_t *)value]);
		break;
	case HOLDS_FLAG:
		add_flag(out, row, *(const uint8_t *)value);
		break;
	case HOLDS_ENVELOPE:
		break;
	}
}

void ticket_event_canonical(const struct ticket_event *event, struct buf *out)
{
	buf_add_str(out, "{\"data\":{");
	for (size_t i = 0; i < N_FIELDS; i++) {
		if (event_field_is_of(&event_fields[i], event->type))
			add_field(out, &event_fields[i], event);
	}
	buf_add_format(out, "},\"occurred_at\":%lld,\"sequence\":", (long long)event->occurred_us);
	buf_add_json_string(out, event->sequence);
	buf_add_format(out, ",\"type\":\"%s\"}", type_names[event->type].ptr);
}
