/* What the ledger has to know of each step of a fold, noted by an observer. */
#ifndef KPID_CORE_LEDGER_NOTES_H
#define KPID_CORE_LEDGER_NOTES_H

#include "kpid/core/ledger.h"

/* Project and team from at_us until the next place. */
struct place {
	int64_t at_us;
	struct text project_id, team_id;
};

/* A value of one measure, before it is added to its row. */
struct contribution {
	int64_t at_us;
	struct text agent_id;
	int column; /* of struct ledger_row */
	int64_t value;
};

struct contributions {
	struct contribution *items;
	size_t n, capacity;
	struct arena *arena;
};

struct waiting_reply { /* that came during a pause which has not ended */
	int64_t at_us;
	struct text owner_id;
};

struct noted_survey {
	int64_t at_us;
	uint32_t cycle;
};

struct notes {
	const struct ledger_rules *rules;
	struct arena *arena;
	struct contributions contributions;
	struct place *places; /* by time, each time once */
	size_t n_places, places_capacity;
	struct waiting_reply *replies;
	size_t n_replies, replies_capacity;
	struct noted_survey *surveys; /* all, whether they count or not */
	size_t n_surveys, surveys_capacity;
	int64_t first_owned_us, first_transfer_us; /* TIME_NONE: not yet */
	bool accepted;
};

void notes_init(struct notes *notes, const struct ledger_rules *rules, struct arena *arena);
/* The observer of a fold, whose context is the notes. */
struct fold_observer notes_observer(struct notes *notes);
/* L3: project and team after all steps at or before at_us; NULL: there was none. */
const struct place *notes_place(const struct notes *notes, int64_t at_us);
void contribute(struct contributions *to, int64_t at_us, struct text agent_id, int column, int64_t value);

/* Doubles an array in the arena when it is full. */
void *ledger_grow(struct arena *arena, void *items, size_t n, size_t *capacity, size_t item_bytes);

#endif
