/* state(): a ticket's condition as one or two events (M14). */
#include "flat_mistake.h"

/* Fields of a condition. The first ones belong to every event. */
enum state_field {
	STATE_ID,
	STATE_TIME,
	STATE_TICKET_ID,
	STATE_SOURCE,
	STATE_SEQUENCE,
	STATE_KIND,
	STATE_REASON,
	STATE_AGENT_ID,
	STATE_RESOLUTION,
	STATE_AUTOMATIC,
	STATE_N_FIELDS
};

static const struct text field_names[STATE_N_FIELDS] = {
        [STATE_ID] = {"id", 2},
        [STATE_TIME] = {"time", 4},
        [STATE_TICKET_ID] = {"ticket_id", 9},
        [STATE_SOURCE] = {"source", 6},
        [STATE_SEQUENCE] = {"sequence", 8},
        [STATE_KIND] = {"kind", 4},
        [STATE_REASON] = {"reason", 6},
        [STATE_AGENT_ID] = {"agent_id", 8},
        [STATE_RESOLUTION] = {"resolution", 10},
        [STATE_AUTOMATIC] = {"automatic", 9},
};

struct step {
	struct text type, suffix; /* of the id */
	struct text sequence;
	unsigned uses; /* bits of enum state_field beyond those of every event */
};

#define USES(field) (1u << (field))

static const struct step reopened = {{"ticket.reopened", 15}, {"/reopened", 9}, {"1", 1}, 0};

static const struct kind {
	struct text name;
	bool reopens;
	struct step step;
} kinds[] = {
        {{"open", 4}, true, {{"ticket.resumed", 14}, {"/resumed", 8}, {"2", 1}, 0}},
        {{"paused", 6}, true, {{"ticket.paused", 13}, {"/paused", 7}, {"2", 1}, USES(STATE_REASON)}},
        {{"resolved", 8},
         false,
         {{"ticket.resolved", 15}, {"/resolved", 9}, {"3", 1}, USES(STATE_AGENT_ID) | USES(STATE_RESOLUTION)}},
        {{"closed", 6},
         false,
         {{"ticket.closed", 13},
          {"/closed", 7},
          {"3", 1},
          USES(STATE_AGENT_ID) | USES(STATE_RESOLUTION) | USES(STATE_AUTOMATIC)}},
};

static int field_of(struct text name)
{
	int field = 0;
	while (field < STATE_N_FIELDS && !text_equal(field_names[field], name))
		field++;
	return field;
}

static const struct kind *kind_of(const struct flat_value *value)
{
	for (size_t i = 0; value != NULL && value->kind == FLAT_TEXT && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (text_equal(kinds[i].name, value->text))
			return &kinds[i];
	return NULL;
}

/* Appends the bytes to a value that is text or an integer. Any other value stays, and is rejected with its own reason.
 */
static struct flat_value with_suffix(const struct flat_value *value, struct text between, struct text suffix,
                                     struct arena *arena)
{
	if ((value->kind != FLAT_TEXT && value->kind != FLAT_INTEGER) || value->text.len == 0)
		return *value;
	uint32_t len = value->text.len + between.len + suffix.len;
	char *bytes = arena_alloc(arena, len);
	memcpy(bytes, value->text.ptr, value->text.len);
	if (between.len > 0)
		memcpy(bytes + value->text.len, between.ptr, between.len);
	memcpy(bytes + value->text.len + between.len, suffix.ptr, suffix.len);
	return (struct flat_value){FLAT_TEXT, {bytes, len}};
}

static bool is_given(const struct flat_value *value)
{
	return value != NULL && value->kind != FLAT_NULL && !(value->kind == FLAT_TEXT && value->text.len == 0);
}

static enum flat_verdict make(const struct flat_rules *rules, const struct flat_value *const values[],
                              const struct step *step, struct arena *arena, struct flat_tally *tally,
                              struct ticket_event *event_out, struct wire_rejection *rejection_out)
{
	struct flat_field fields[STATE_N_FIELDS + 1];
	size_t n = 0;
	for (int field = 0; field < STATE_N_FIELDS; field++) {
		bool is_used = field < STATE_KIND || (step->uses & USES(field)) != 0;
		if (values[field] == NULL || !is_used || field == STATE_SEQUENCE)
			continue;
		fields[n++] = (struct flat_field){
		        field_names[field],
		        field == STATE_ID ? with_suffix(values[field], TEXT(""), step->suffix, arena) : *values[field]};
	}
	struct flat_value sequence = {FLAT_TEXT, step->sequence};
	if (is_given(values[STATE_SEQUENCE]))
		sequence = with_suffix(values[STATE_SEQUENCE], TEXT("."), step->sequence, arena);
	fields[n++] = (struct flat_field){field_names[STATE_SEQUENCE], sequence};
	fields[n++] = (struct flat_field){TEXT("type"), {FLAT_TEXT, step->type}};
	return flat_event(rules, fields, n, arena, tally, event_out, rejection_out);
}

enum flat_verdict flat_state(const struct flat_rules *rules, const struct flat_field *fields, size_t n_fields,
                             struct arena *arena, struct flat_tally *tally,
                             struct ticket_event events_out[FLAT_MAX_STATE_EVENTS], size_t *n_out,
                             struct wire_rejection *rejection_out)
{
	const struct flat_value *values[STATE_N_FIELDS] = {NULL};
	struct flat_tally first = {0, 0}; /* of the same time: it counts once */
	size_t n = 0;
	for (size_t i = 0; i < n_fields; i++) {
		int field = field_of(fields[i].name);
		if (field == STATE_N_FIELDS)
			return flat_mistake(rejection_out, "\"%.*s\" is no field of state()",
			                    FLAT_SHOWN(fields[i].name));
		values[field] = &fields[i].value;
	}
	const struct kind *kind = kind_of(values[STATE_KIND]);
	if (kind == NULL)
		return flat_mistake(rejection_out, "kind: \"%.*s\" is not one of open, paused, resolved and closed",
		                    FLAT_SHOWN(values[STATE_KIND] == NULL ? TEXT_ABSENT : values[STATE_KIND]->text));
	enum flat_verdict verdict = FLAT_EVENT;
	if (kind->reopens)
		verdict = make(rules, values, &reopened, arena, &first, &events_out[n++], rejection_out);
	if (verdict == FLAT_EVENT)
		verdict = make(rules, values, &kind->step, arena, tally, &events_out[n++], rejection_out);
	if (verdict == FLAT_EVENT)
		*n_out = n;
	return verdict;
}
