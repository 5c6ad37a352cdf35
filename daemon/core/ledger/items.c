#include "items.h"

#include "../wire/jsonscan.h"
#include "notes.h"

enum { MOST_LEVELS = 2 };

int64_t ledger_quotient_micros(int64_t numerator, int64_t denominator)
{
	__int128 doubled = (__int128)numerator * 2 * 1000000, half = denominator;
	return (int64_t)((doubled < 0 ? doubled - half : doubled + half) / (2 * (__int128)denominator));
}

/* A whole number of millionths, as the canonical form has it. */
static int64_t number_of(const struct jsonscan_value *value)
{
	int64_t number = 0;
	for (uint32_t i = 0; i < value->len; i++)
		number = number * 10 + (value->ptr[i] - '0');
	return number;
}

static int find_nothing(struct text name)
{
	(void)name;
	return -1;
}

/* Begins to walk over the scores of a canonical object; false: there are none. */
static bool walk_scores(struct text scores, struct arena *arena, struct jsonscan_walk *walk_out)
{
	const struct jsonscan_wanted wanted = {.find = find_nothing, .nested = -1};
	struct jsonscan_value root;
	struct jsonscan_error error;
	if (text_is_empty(scores) || !jsonscan_read(scores, MOST_LEVELS, &wanted, arena, &root, &error))
		return false;
	jsonscan_walk_init(walk_out, &root);
	return true;
}

/* The score of an item; SCORE_ABSENT: the object does not name it. Both objects are sorted, but items are few. */
static int64_t score_of(struct text scores, struct text item, struct arena *arena)
{
	struct jsonscan_walk walk;
	struct jsonscan_value name, value;
	if (!walk_scores(scores, arena, &walk))
		return SCORE_ABSENT;
	while (jsonscan_walk_next(&walk, &name, &value))
		if (text_same(jsonscan_string(&name, arena), item))
			return number_of(&value);
	return SCORE_ABSENT;
}

void ledger_add_items(const struct kpi_survey *survey, struct text project_id, struct text team_id, struct arena *arena,
                      struct ledger_item **items, size_t *n_items, size_t *capacity)
{
	int64_t scale =
	        survey->answers_scale_micros == SCORE_ABSENT ? survey->scale_micros : survey->answers_scale_micros;
	struct jsonscan_walk walk;
	struct jsonscan_value name, value;
	if (!walk_scores(survey->answers, arena, &walk))
		return;
	while (jsonscan_walk_next(&walk, &name, &value)) {
		struct text item = jsonscan_string(&name, arena);
		int64_t answer = number_of(&value), expected = score_of(survey->expected, item, arena);
		*items = ledger_grow(arena, *items, *n_items, capacity, sizeof(**items));
		(*items)[(*n_items)++] = (struct ledger_item){
		        .bucket_us = timestamp_bucket(survey->at_us),
		        .agent_id = text_is_empty(survey->agent_id) ? TEXT("") : survey->agent_id,
		        .project_id = project_id,
		        .team_id = team_id,
		        .item = item,
		        .kind = survey->kind,
		        .perceived_micros = ledger_quotient_micros(answer, scale),
		        .paired = expected != SCORE_ABSENT,
		        .gap_micros = expected == SCORE_ABSENT ? 0 : ledger_quotient_micros(answer - expected, scale),
		};
	}
}
