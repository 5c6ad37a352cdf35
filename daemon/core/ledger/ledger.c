#include "kpid/core/ledger.h"

#include <stdlib.h>

#include "../batch/find_pin.h"
#include "../ticket/folding.h"
#include "items.h"
#include "notes.h"

static struct text never_absent(struct text text)
{
	return text_is_empty(text) ? TEXT("") : text;
}

/* What one fold hands to the measures that are known at its end. */
struct measuring {
	const struct ledger_rules *rules;
	const struct notes *notes;
	const struct folding *folding;
	const struct kpi_facts *facts;
	const struct ticket *ticket;
	struct contributions *to;
};

static void contribute_own(const struct measuring *m, int64_t at_us, struct text agent_id, enum ledger_measure measure)
{
	contribute(m->to, at_us, agent_id, KPI_N_MEASURES + (int)measure, 1);
}

/* ---- measures of L4 ---- */

static bool had_owner_by(const struct measuring *m, int64_t at_us)
{
	return m->notes->first_owned_us != TIME_NONE && m->notes->first_owned_us <= at_us;
}

static void add_first_owned(const struct measuring *m)
{
	const struct ticket *ticket = m->ticket;
	if (ticket->n_cycles == 0 || !m->facts->resolution_counts[0])
		return;
	int64_t at_us = ticket->cycles[0].resolved_us;
	if (!had_owner_by(m, at_us))
		return;
	bool transferred = m->notes->first_transfer_us != TIME_NONE && m->notes->first_transfer_us <= at_us;
	contribute_own(m, at_us, ticket->first_owner_id, LEDGER_FIRST_OWNED);
	if (!transferred && text_same(ticket->cycles[0].resolver_id, ticket->first_owner_id))
		contribute_own(m, at_us, ticket->first_owner_id, LEDGER_FIRST_OWNED_KEPT);
}

/* Surveys are in the order of the cycles. *next: the first that is not of an earlier cycle. */
static bool called_back(const struct measuring *m, const struct ticket_cycle *cycle, size_t *next)
{
	bool found = false;
	while (*next < m->notes->n_surveys && m->notes->surveys[*next].cycle < cycle->cycle)
		++*next;
	for (; *next < m->notes->n_surveys && m->notes->surveys[*next].cycle == cycle->cycle; ++*next) {
		int64_t at_us = m->notes->surveys[*next].at_us;
		found |= at_us >= cycle->resolved_us && at_us - cycle->resolved_us <= m->rules->callback_within_us;
	}
	return found;
}

static void add_callbacks(const struct measuring *m)
{
	size_t next = 0;
	for (size_t i = 0; i < m->ticket->n_cycles && next < m->notes->n_surveys; i++) {
		const struct ticket_cycle *cycle = &m->ticket->cycles[i];
		if (m->facts->resolution_counts[i] && called_back(m, cycle, &next))
			contribute_own(m, cycle->resolved_us, cycle->resolver_id, LEDGER_CALLBACK_DONE);
	}
}

static bool in_last_part(const struct measuring *m, size_t i, const struct sla_clock *clock)
{
	struct clock_use use;
	return folding_clock_use(m->folding, i, clock->stopped_us, &use) &&
	       (__int128)(use.whole_us - use.used_us) * LEDGER_WHOLE <= (__int128)use.whole_us * m->rules->last_part;
}

static void add_clock(const struct measuring *m, size_t i, const struct sla_clock *clock)
{
	bool first_response = clock->target == TARGET_FIRST_RESPONSE, resolution = clock->target == TARGET_RESOLUTION;
	bool met = clock->verdict == VERDICT_MET;
	if ((!met && clock->verdict != VERDICT_BREACHED) || (!first_response && !resolution))
		return;
	int64_t at_us = met ? clock->stopped_us : clock->breached_us;
	if (resolution && clock->cycle == 1 && had_owner_by(m, at_us)) {
		contribute_own(m, at_us, m->ticket->first_owner_id, LEDGER_FIRST_OWNED_MEASURED);
		if (met)
			contribute_own(m, at_us, m->ticket->first_owner_id, LEDGER_FIRST_OWNED_WITHIN_SLA);
	}
	if (met && in_last_part(m, i, clock))
		contribute_own(m, at_us, clock->agent_id,
		               resolution ? LEDGER_RESOLUTION_LAST_PART : LEDGER_FIRST_RESPONSE_LAST_PART);
}

static void add_clocks(const struct measuring *m)
{
	for (size_t i = 0; i < folding_n_clocks(m->folding); i++) {
		struct sla_clock scratch;
		const struct sla_clock *clock = folding_clock(m->folding, i, &scratch);
		if (clock != NULL)
			add_clock(m, i, clock);
	}
}

/* ---- rows ---- */

static int compare_rows(const void *a, const void *b)
{
	const struct ledger_row *x = a, *y = b;
	if (x->bucket_us != y->bucket_us)
		return x->bucket_us < y->bucket_us ? -1 : 1;
	int order = text_compare(x->agent_id, y->agent_id);
	if (order == 0)
		order = text_compare(x->project_id, y->project_id);
	return order != 0 ? order : text_compare(x->team_id, y->team_id);
}

/* A contribution under its key. */
struct keyed {
	struct ledger_row key; /* values are not set */
	const struct contribution *of;
};

static int compare_keyed(const void *a, const void *b)
{
	return compare_rows(&((const struct keyed *)a)->key, &((const struct keyed *)b)->key);
}

static void put_rows(const struct notes *notes, struct arena *arena, struct ledger *ledger)
{
	const struct contributions *all = &notes->contributions;
	struct keyed *keyed = arena_alloc(arena, all->n * sizeof(*keyed));
	struct ledger_row *rows = arena_alloc(arena, all->n * sizeof(*rows));
	for (size_t i = 0; i < all->n; i++) {
		const struct place *place = notes_place(notes, all->items[i].at_us);
		keyed[i].of = &all->items[i];
		keyed[i].key.bucket_us = timestamp_bucket(all->items[i].at_us);
		keyed[i].key.agent_id = never_absent(all->items[i].agent_id);
		keyed[i].key.project_id = place == NULL ? TEXT("") : never_absent(place->project_id);
		keyed[i].key.team_id = place == NULL ? TEXT("") : never_absent(place->team_id);
	}
	if (all->n > 1)
		qsort(keyed, all->n, sizeof(*keyed), compare_keyed);
	size_t n = 0;
	for (size_t i = 0; i < all->n; i++) {
		if (n == 0 || compare_rows(&rows[n - 1], &keyed[i].key) != 0) {
			rows[n] = keyed[i].key;
			memset(rows[n++].values, 0, sizeof(rows->values));
		}
		rows[n - 1].values[keyed[i].of->column] += keyed[i].of->value;
	}
	ledger->rows = rows;
	ledger->n_rows = n;
}

static void put_items(const struct notes *notes, const struct kpi_facts *facts, struct arena *arena,
                      struct ledger *ledger)
{
	struct ledger_item *items = NULL;
	size_t n = 0, capacity = 0;
	for (size_t i = 0; i < facts->n_surveys; i++) {
		const struct place *place = notes_place(notes, facts->surveys[i].at_us);
		struct text project = place == NULL ? TEXT("") : never_absent(place->project_id),
		            team = place == NULL ? TEXT("") : never_absent(place->team_id);
		ledger_add_items(&facts->surveys[i], project, team, arena, &items, &n, &capacity);
	}
	ledger->items = items;
	ledger->n_items = n;
}

static void put_solved(const struct kpi_facts *facts, struct arena *arena, struct ledger *ledger)
{
	const struct ticket *ticket = &ledger->ticket;
	struct ledger_solved *solved = arena_alloc(arena, ticket->n_cycles * sizeof(*solved));
	size_t n = 0;
	for (size_t i = 0; i < ticket->n_cycles; i++) {
		const struct ticket_cycle *cycle = &ticket->cycles[i];
		if (facts->resolution_counts[i] && cycle->resolution == RESOLUTION_SOLVED)
			solved[n++] = (struct ledger_solved){cycle->cycle, cycle->resolved_us,
			                                     never_absent(cycle->resolver_id)};
	}
	ledger->solved = solved;
	ledger->n_solved = n;
}

/* ---- the fold ---- */

static void add_kpis(const struct kpi_sink *sink, struct contributions *to)
{
	for (size_t i = 0; i < sink->n; i++)
		contribute(to, sink->entries[i].at_us, sink->entries[i].agent_id, (int)sink->entries[i].measure,
		           sink->entries[i].value);
}

static int plan_steps(struct text history, struct text ticket_id, struct arena *arena, struct step_plan *plan_out)
{
	struct history_stream stream;
	step_plan_init(plan_out, arena);
	history_stream_begin(&stream, history, ticket_id);
	for (const struct ticket_event *event; (event = event_stream_next(&stream.stream)) != NULL;)
		step_plan_add(plan_out, event);
	step_plan_finish(plan_out);
	return stream.result;
}

int ledger_fold(struct text ticket_id, const struct stored_ticket *stored, const struct batch_rules *rules,
                const struct ledger_rules *ledger_rules, struct arena *arena, struct ledger *ledger_out,
                int32_t *revision_no_out)
{
	struct fold_pin pin;
	struct step_plan plan;
	struct history_stream stream;
	struct notes notes;
	size_t n_steps = SIZE_MAX, n_clocks = SIZE_MAX;
	int result = find_pin(stored, rules, &pin, revision_no_out);
	if (result != BATCH_OK)
		return result;
	result = plan_steps(stored->history, ticket_id, arena, &plan);
	if (result < 0)
		return result;
	pin.opened_us = plan.opened_us; /* the stored column must not choose another revision */
	*ledger_out = (struct ledger){.n_rows = 0};
	notes_init(&notes, ledger_rules, arena);
	struct fold_observer observer = notes_observer(&notes);
	history_stream_begin(&stream, stored->history, ticket_id);
	struct folding *folding = folding_begin(&plan, &stream.stream, &rules->fold, &pin, stored->as_of_us, &observer,
	                                        arena, &ledger_out->ticket);
	folding_take_steps(folding, &n_steps);
	const struct kpi_facts *facts = folding_facts(folding);
	struct kpi_sink sink = {
	        .capacity = kpi_max_entries(&ledger_out->ticket, facts, folding_n_clocks(folding)),
	};
	sink.entries = arena_alloc(arena, sink.capacity * sizeof(*sink.entries));
	folding_settle(folding, &sink, &n_clocks);

	const struct measuring measuring = {ledger_rules,        &notes, folding, facts, &ledger_out->ticket,
	                                    &notes.contributions};
	add_kpis(&sink, &notes.contributions);
	add_first_owned(&measuring);
	add_callbacks(&measuring);
	add_clocks(&measuring);
	put_rows(&notes, arena, ledger_out);
	put_items(&notes, facts, arena, ledger_out);
	put_solved(facts, arena, ledger_out);
	const struct place *opened =
	        ledger_out->ticket.opened_us == TIME_NONE ? NULL : notes_place(&notes, ledger_out->ticket.opened_us);
	ledger_out->opened_project_id = opened == NULL ? TEXT("") : never_absent(opened->project_id);
	ledger_out->opened_team_id = opened == NULL ? TEXT("") : never_absent(opened->team_id);
	return BATCH_OK;
}
