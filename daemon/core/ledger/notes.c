#include "notes.h"

enum { FIRST_CAPACITY = 8 };

void *ledger_grow(struct arena *arena, void *items, size_t n, size_t *capacity, size_t item_bytes)
{
	if (n < *capacity)
		return items;
	*capacity = *capacity == 0 ? FIRST_CAPACITY : *capacity * 2;
	void *larger = arena_alloc(arena, *capacity * item_bytes);
	if (items != NULL)
		memcpy(larger, items, n * item_bytes);
	return larger;
}

void contribute(struct contributions *to, int64_t at_us, struct text agent_id, int column, int64_t value)
{
	to->items = ledger_grow(to->arena, to->items, to->n, &to->capacity, sizeof(*to->items));
	to->items[to->n++] = (struct contribution){at_us, agent_id, column, value};
}

static void contribute_own(struct notes *notes, int64_t at_us, struct text agent_id, enum ledger_measure measure,
                           int64_t value)
{
	contribute(&notes->contributions, at_us, agent_id, KPI_N_MEASURES + (int)measure, value);
}

static bool is_live(const struct ticket *ticket)
{
	return ticket->state == TICKET_OPEN || ticket->state == TICKET_PAUSED;
}

static void note_place(struct notes *notes, int64_t at_us, const struct ticket *after)
{
	struct text project = after->attributes[EVENT_PROJECT_ID], team = after->attributes[EVENT_TEAM_ID];
	const struct place *last = notes->n_places == 0 ? NULL : &notes->places[notes->n_places - 1];
	if (last != NULL && text_same(last->project_id, project) && text_same(last->team_id, team))
		return;
	if (last == NULL || last->at_us != at_us) {
		notes->places = ledger_grow(notes->arena, notes->places, notes->n_places, &notes->places_capacity,
		                            sizeof(*notes->places));
		notes->n_places++;
	}
	notes->places[notes->n_places - 1] = (struct place){at_us, project, team};
}

/* L4, accepted. An opening that a closing made does not count. */
static void note_acceptance(struct notes *notes, const struct ticket_event *event, int64_t at_us, bool derived,
                            const struct ticket *after)
{
	bool assigns = (event->type == EVENT_OPENED && !derived) || event->type == EVENT_ASSIGNED;
	if (notes->accepted || !assigns || !is_live(after) || text_is_empty(event->texts[EVENT_AGENT_ID]))
		return;
	notes->accepted = true;
	contribute_own(notes, at_us, after->owner_id, LEDGER_ACCEPTED, 1);
	contribute_own(notes, at_us, after->owner_id, LEDGER_ACCEPT_US_SUM, at_us - after->opened_us);
}

static void note_reply(struct notes *notes, int64_t at_us, const struct ticket *after)
{
	if (!is_live(after))
		return;
	contribute_own(notes, at_us, after->owner_id, LEDGER_REQUESTER_REPLIES, 1);
	if (after->state != TICKET_PAUSED)
		return;
	notes->replies = ledger_grow(notes->arena, notes->replies, notes->n_replies, &notes->replies_capacity,
	                             sizeof(*notes->replies));
	notes->replies[notes->n_replies++] = (struct waiting_reply){at_us, after->owner_id};
}

/* L4, parked: the ticket is no longer paused, at at_us. */
static void end_stay(struct notes *notes, int64_t at_us)
{
	for (size_t i = 0; i < notes->n_replies; i++)
		if (at_us - notes->replies[i].at_us > notes->rules->parked_after_us)
			contribute_own(notes, notes->replies[i].at_us, notes->replies[i].owner_id, LEDGER_PARKED, 1);
	notes->n_replies = 0;
}

static void note_survey(struct notes *notes, int64_t at_us, uint32_t cycle)
{
	notes->surveys = ledger_grow(notes->arena, notes->surveys, notes->n_surveys, &notes->surveys_capacity,
	                             sizeof(*notes->surveys));
	notes->surveys[notes->n_surveys++] = (struct noted_survey){at_us, cycle};
}

static void on_step(void *context, const struct ticket_event *event, int64_t at_us, bool derived, const char *effect,
                    const struct ticket *after)
{
	struct notes *notes = context;
	(void)effect;
	note_place(notes, at_us, after);
	if (notes->first_owned_us == TIME_NONE && !text_is_absent(after->first_owner_id))
		notes->first_owned_us = at_us;
	if (notes->first_transfer_us == TIME_NONE && after->transfer_count > 0)
		notes->first_transfer_us = at_us;
	if (after->state != TICKET_PAUSED)
		end_stay(notes, at_us);
	note_acceptance(notes, event, at_us, derived, after);
	if (event->type == EVENT_REQUESTER_REPLIED)
		note_reply(notes, at_us, after);
	if (event->type == EVENT_SURVEY)
		note_survey(notes, at_us, after->cycle);
}

/* L4, eased */
static void on_rejudged(void *context, int64_t at_us, struct text owner_id, const struct clock_outlook *before,
                        const struct clock_outlook *after)
{
	struct notes *notes = context;
	if (!before->is_judged || before->is_breached)
		return;
	bool is_late = (__int128)before->use.used_us * LEDGER_WHOLE >=
	               (__int128)before->use.whole_us * notes->rules->eased_after;
	bool is_known = before->due_us != TIME_NONE && after->due_us != TIME_NONE;
	if (is_late && (!after->is_judged || (is_known && after->due_us > before->due_us)))
		contribute_own(notes, at_us, owner_id, LEDGER_EASED, 1);
}

void notes_init(struct notes *notes, const struct ledger_rules *rules, struct arena *arena)
{
	*notes = (struct notes){
	        .rules = rules,
	        .arena = arena,
	        .contributions = {.arena = arena},
	        .first_owned_us = TIME_NONE,
	        .first_transfer_us = TIME_NONE,
	};
}

struct fold_observer notes_observer(struct notes *notes)
{
	return (struct fold_observer){.step = on_step, .rejudged = on_rejudged, .context = notes};
}

const struct place *notes_place(const struct notes *notes, int64_t at_us)
{
	size_t low = 0, high = notes->n_places;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (notes->places[middle].at_us <= at_us)
			low = middle + 1;
		else
			high = middle;
	}
	return low == 0 ? NULL : &notes->places[low - 1];
}
