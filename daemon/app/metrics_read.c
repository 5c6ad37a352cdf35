#include "app/metrics_read.h"

#include <assert.h>
#include <stdio.h>

#include "adapters/metrics/counts.h"
#include "adapters/metrics/process.h"
#include "kpid/base/clock.h"
#include "kpid/core/partition.h"

/* ---- helpers ---- */

static void add_by_name(struct metrics_text *text, const char *name, uint64_t value)
{
	struct text label = text_of(name);
	metrics_sample(text, &label, (int64_t)value);
}

static void add_by_names(struct metrics_text *text, const char *const *names, const uint64_t *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add_by_name(text, names[i], values[i]);
}

/* ---- the program ---- */

void read_build(const struct metrics_view *view, struct metrics_text *text)
{
	const struct text values[] = {TEXT(KPID_VERSION), TEXT(TICKET_RULES_VERSION)};
	(void)view;
	metrics_sample(text, values, 1);
}

void read_conditions(const struct metrics_view *view, struct metrics_text *text)
{
	for (int i = 0; i < CONDITION_N; i++)
		add_by_name(text, condition_name((enum condition)i), view->health->holds[i]);
	add_by_name(text, "running", !view->health->stopping);
}

/* ---- batches ---- */

void read_events(const struct metrics_view *view, struct metrics_text *text)
{
	static const char *const names[OUTCOME_N] = {
	        [OUTCOME_NEW] = "new",
	        [OUTCOME_DUPLICATE] = "duplicate",
	        [OUTCOME_TOMBSTONE] = "tombstone",
	        [OUTCOME_UNKNOWN_TYPE] = "unknown_type",
	        [OUTCOME_DEAD_LETTER] = "dead_letter",
	        [OUTCOME_PASSED_OVER] = "passed_over",
	};
	(void)view;
	add_by_names(text, names, counts.events, OUTCOME_N);
}

void read_dead_letters(const struct metrics_view *view, struct metrics_text *text)
{
	(void)view;
	for (int i = 0; i < DEAD_N_REASONS; i++)
		add_by_name(text, dead_letter_reason_name((enum dead_letter_reason)i), counts.dead_letters[i]);
}

/* ---- mappings ---- */

static const struct mappings_item *mapping_at(const struct metrics_view *view, size_t i)
{
	const struct mappings *mappings = view->app->mappings;
	return mappings != NULL && i < mappings->n ? &mappings->items[i] : NULL;
}

void read_mapping_records(const struct metrics_view *view, struct metrics_text *text)
{
	const struct mappings_item *item;
	for (size_t i = 0; (item = mapping_at(view, i)) != NULL; i++) {
		const struct intake_counts *n = &item->intake->counts;
		const struct {
			struct text outcome;
			int64_t n;
		} outcomes[] = {{TEXT("mapped"), n->n_mapped},
		                {TEXT("skipped"), n->n_skipped},
		                {TEXT("tombstone"), n->n_tombstones},
		                {TEXT("rejected"), n->n_rejected}};
		for (size_t j = 0; j < sizeof(outcomes) / sizeof(outcomes[0]); j++) {
			const struct text labels[] = {text_of(item->map->name), outcomes[j].outcome};
			metrics_sample(text, labels, outcomes[j].n);
		}
	}
}

void read_mapping_events(const struct metrics_view *view, struct metrics_text *text)
{
	const struct mappings_item *item;
	for (size_t i = 0; (item = mapping_at(view, i)) != NULL; i++)
		add_by_name(text, item->map->name, (uint64_t)item->intake->counts.n_events);
}

void read_mapping_seconds(const struct metrics_view *view, struct metrics_text *text)
{
	const struct mappings_item *item;
	for (size_t i = 0; (item = mapping_at(view, i)) != NULL; i++) {
		const struct text label = text_of(item->map->name);
		metrics_sample_us(text, &label, item->intake->counts.spent_us);
	}
}

void read_mapping_failed_in_row(const struct metrics_view *view, struct metrics_text *text)
{
	const struct mappings_item *item;
	for (size_t i = 0; (item = mapping_at(view, i)) != NULL; i++)
		add_by_name(text, item->map->name, (uint64_t)item->intake->counts.n_failed_in_row);
}

/* ---- batches ---- */

void read_batches(const struct metrics_view *view, struct metrics_text *text)
{
	static const char *const names[COUNTS_N_BATCH_OUTCOMES] = {
	        [WRITE_COMMITTED] = "committed", [WRITE_FENCED] = "fenced",
	        [WRITE_RACED] = "raced",         [WRITE_UNKNOWN_REVISION] = "unknown_revision",
	        [WRITE_FAILED] = "failed",
	};
	static_assert((int)WRITE_FAILED == (int)COUNTS_N_BATCH_OUTCOMES - 1, "each outcome is counted");
	(void)view;
	add_by_names(text, names, counts.batches, COUNTS_N_BATCH_OUTCOMES);
}

void read_batch_parts(const struct metrics_view *view, struct metrics_text *text)
{
	static const struct text names[] = {TEXT("read"), TEXT("evaluate"), TEXT("write"), TEXT("commit")};
	int64_t sums[] = {0, 0, 0, 0};
	for (int i = 0; i < view->app->n_lanes; i++) {
		const struct write_parts *parts = lane_parts(view->app->lanes[i]);
		sums[0] += parts->read_us;
		sums[1] += parts->evaluate_us;
		sums[2] += parts->write_us;
		sums[3] += parts->commit_us;
	}
	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++)
		metrics_sample_us(text, &names[i], sums[i]);
}

void read_retries(const struct metrics_view *view, struct metrics_text *text)
{
	(void)view;
	for (size_t i = 0; i < counts.n_retries; i++) {
		const char *sqlstate = counts.retries[i].sqlstate;
		add_by_name(text, sqlstate[0] == '\0' ? "none" : sqlstate, counts.retries[i].n);
	}
}

void read_event_to_commit(const struct metrics_view *view, struct metrics_text *text)
{
	(void)view;
	metrics_sample_histogram(text, NULL, &counts.event_to_commit);
}

void read_deadline_to_row(const struct metrics_view *view, struct metrics_text *text)
{
	(void)view;
	metrics_sample_histogram(text, NULL, &counts.deadline_to_row);
}

/* ---- partitions ---- */

void read_partitions(const struct metrics_view *view, struct metrics_text *text)
{
	const struct sources *sources = &view->app->sources;
	uint64_t n[PARTITION_N_STATES] = {0};
	for (size_t i = 0; i < sources->n; i++)
		n[sources->items[i]->state]++;
	for (int i = 0; i < PARTITION_N_STATES; i++)
		add_by_name(text, partition_state_name((enum partition_state)i), n[i]);
}

/* The labels of a partition. number: where its text is kept. */
static void name_partition(const struct source *source, char number[12], struct text labels_out[2])
{
	snprintf(number, 12, "%d", (int)source->partition);
	labels_out[0] = text_of(source->topic);
	labels_out[1] = text_of(number);
}

void read_lag_messages(const struct metrics_view *view, struct metrics_text *text)
{
	const struct sources *sources = &view->app->sources;
	for (size_t i = 0; i < sources->n; i++) {
		const struct source *source = sources->items[i];
		char number[12];
		struct text labels[2];
		int64_t n_left = source_left(source, monotonic_clock_us());
		if (!partition_is_assigned(source->state) || n_left < 0)
			continue;
		name_partition(source, number, labels);
		metrics_sample(text, labels, n_left);
	}
}

/* What the last tick found, or this instance has seen since: without a deadline, ticks are rare. */
static int64_t later_of(const struct completeness_item *item, const struct source *source)
{
	bool knows = source != NULL && partition_is_assigned(source->state);
	return knows && source->vouch.until_us > item->until_us ? source->vouch.until_us : item->until_us;
}

/* The watermark of a source in the database; TIME_NONE: unknown. */
static int64_t complete_until(const struct app *app, const struct source *source)
{
	const struct completeness *completeness = &app->shared.completeness;
	for (size_t i = 0; i < completeness->n; i++)
		if (completeness->items[i].source_no == source->source_no)
			return later_of(&completeness->items[i], source);
	return TIME_NONE;
}

/* Writes the watermarks, or the time since them. */
static void add_watermarks(const struct metrics_view *view, struct metrics_text *text, bool as_lag)
{
	const struct sources *sources = &view->app->sources;
	int64_t now_us = lane_shared_now_us(&view->app->shared);
	for (size_t i = 0; i < sources->n; i++) {
		const struct source *source = sources->items[i];
		int64_t until_us = complete_until(view->app, source);
		char number[12];
		struct text labels[2];
		if (!partition_is_assigned(source->state) || until_us == TIME_NONE)
			continue;
		name_partition(source, number, labels);
		int64_t lag_us = now_us > until_us ? now_us - until_us : 0;
		metrics_sample_us(text, labels, as_lag ? lag_us : until_us);
	}
}

void read_lag_seconds(const struct metrics_view *view, struct metrics_text *text)
{
	add_watermarks(view, text, true);
}

void read_partition_complete_until(const struct metrics_view *view, struct metrics_text *text)
{
	add_watermarks(view, text, false);
}

void read_complete_until(const struct metrics_view *view, struct metrics_text *text)
{
	const struct completeness *completeness = &view->app->shared.completeness;
	int64_t until_us = TIME_FOR_EVER;
	for (size_t i = 0; i < completeness->n; i++) {
		const struct completeness_item *item = &completeness->items[i];
		int64_t later_us = later_of(item, sources_find_no(&view->app->sources, item->source_no));
		until_us = later_us < until_us ? later_us : until_us;
	}
	if (until_us != TIME_NONE && until_us != TIME_FOR_EVER)
		metrics_sample_us(text, NULL, until_us);
}

void read_rebalances(const struct metrics_view *view, struct metrics_text *text)
{
	static const char *const names[REBALANCE_N] = {
	        [REBALANCE_ASSIGNED] = "assigned",
	        [REBALANCE_REVOKED] = "revoked",
	        [REBALANCE_LOST] = "lost",
	};
	(void)view;
	add_by_names(text, names, counts.rebalances, REBALANCE_N);
}

void read_gaps(const struct metrics_view *view, struct metrics_text *text)
{
	(void)view;
	metrics_sample(text, NULL, (int64_t)counts.gaps);
}

/* ---- SLAs ---- */

static void add_by_target(struct metrics_text *text, const uint64_t values[TARGET_N])
{
	for (int i = 0; i < TARGET_N; i++)
		add_by_name(text, sla_target_name((enum sla_target)i), values[i]);
}

void read_breaches(const struct metrics_view *view, struct metrics_text *text)
{
	(void)view;
	add_by_target(text, counts.breaches);
}

void read_breaches_voided(const struct metrics_view *view, struct metrics_text *text)
{
	(void)view;
	add_by_target(text, counts.voided);
}

/* labels: with room for target and state at `at`. */
static void add_clocks(struct metrics_text *text, const struct clock_counts *clocks, struct text *labels, size_t at)
{
	static const struct text states[CLOCK_N_STATES] = {
	        [CLOCK_PENDING] = TEXT("pending"),
	        [CLOCK_AT_RISK] = TEXT("at_risk"),
	        [CLOCK_BREACHED] = TEXT("breached"),
	        [CLOCK_PAUSED] = TEXT("paused"),
	};
	for (int target = 0; target < TARGET_N; target++) {
		for (int state = 0; state < CLOCK_N_STATES; state++) {
			labels[at] = text_of(sla_target_name((enum sla_target)target));
			labels[at + 1] = states[state];
			metrics_sample(text, labels, clocks->n[target][state]);
		}
	}
}

static bool is_known(const struct metrics_view *view)
{
	return view->database->read_us != TIME_NONE;
}

void read_open_clocks(const struct metrics_view *view, struct metrics_text *text)
{
	struct text labels[2];
	if (is_known(view))
		add_clocks(text, &view->database->clocks, labels, 0);
}

void read_project_open_clocks(const struct metrics_view *view, struct metrics_text *text)
{
	for (size_t i = 0; i < view->database->n_projects; i++) {
		struct text labels[3] = {text_of(view->database->projects[i].project)};
		add_clocks(text, &view->database->projects[i].clocks, labels, 1);
	}
}

/* ---- sending ---- */

void read_outbox_deliveries(const struct metrics_view *view, struct metrics_text *text)
{
	(void)view;
	add_by_name(text, "delivered", counts.outbox_delivered);
	add_by_name(text, "failed", counts.outbox_failed);
}

void read_deliveries(const struct metrics_view *view, struct metrics_text *text)
{
	static const struct text results[ANSWER_N] = {
	        [ANSWER_ACCEPTED] = TEXT("accepted"),
	        [ANSWER_RETRY] = TEXT("retry"),
	        [ANSWER_GONE] = TEXT("gone"),
	};
	(void)view;
	for (size_t i = 0; i < counts.n_receivers; i++) {
		for (int j = 0; j < ANSWER_N; j++) {
			const struct text labels[] = {text_of(counts.receivers[i].name), results[j]};
			metrics_sample(text, labels, (int64_t)counts.receivers[i].answers[j]);
		}
	}
}

/* ---- the database ---- */

static void add_known(const struct metrics_view *view, struct metrics_text *text, int64_t value)
{
	if (is_known(view))
		metrics_sample(text, NULL, value);
}

static void add_known_time(const struct metrics_view *view, struct metrics_text *text, int64_t us)
{
	if (is_known(view))
		metrics_sample_us(text, NULL, us);
}

void read_outbox_messages(const struct metrics_view *view, struct metrics_text *text)
{
	add_known(view, text, view->database->n_outbox);
}

void read_outbox_oldest(const struct metrics_view *view, struct metrics_text *text)
{
	add_known_time(view, text, view->database->outbox_oldest_us);
}

void read_unrouted(const struct metrics_view *view, struct metrics_text *text)
{
	add_known(view, text, view->database->n_unrouted);
}

void read_unrouted_oldest(const struct metrics_view *view, struct metrics_text *text)
{
	add_known_time(view, text, view->database->unrouted_oldest_us);
}

void read_open_gaps(const struct metrics_view *view, struct metrics_text *text)
{
	add_known(view, text, view->database->n_gaps);
}

void read_set_aside(const struct metrics_view *view, struct metrics_text *text)
{
	if (!is_known(view))
		return;
	add_by_name(text, "refused", (uint64_t)view->database->n_refused);
	add_by_name(text, "waiting", (uint64_t)view->database->n_waiting);
}

void read_database_read(const struct metrics_view *view, struct metrics_text *text)
{
	add_known_time(view, text, view->database->read_us);
}

void read_sessions(const struct metrics_view *view, struct metrics_text *text)
{
	(void)view;
	metrics_sample(text, NULL, counts.sessions_ready);
}

void read_sessions_lost(const struct metrics_view *view, struct metrics_text *text)
{
	(void)view;
	metrics_sample(text, NULL, (int64_t)counts.sessions_lost);
}

/* ---- the process ---- */

void read_memory_budget(const struct metrics_view *view, struct metrics_text *text)
{
	metrics_sample(text, NULL, view->app->first_config->run.memory);
}

void read_resident_memory(const struct metrics_view *view, struct metrics_text *text)
{
	(void)view;
	metrics_sample(text, NULL, process_read().resident_bytes);
}

void read_virtual_memory(const struct metrics_view *view, struct metrics_text *text)
{
	(void)view;
	metrics_sample(text, NULL, process_read().virtual_bytes);
}

void read_cpu(const struct metrics_view *view, struct metrics_text *text)
{
	(void)view;
	metrics_sample_us(text, NULL, process_read().cpu_us);
}

void read_open_fds(const struct metrics_view *view, struct metrics_text *text)
{
	(void)view;
	metrics_sample(text, NULL, process_open_fds());
}

void read_max_fds(const struct metrics_view *view, struct metrics_text *text)
{
	(void)view;
	metrics_sample(text, NULL, process_max_fds());
}

void read_start_time(const struct metrics_view *view, struct metrics_text *text)
{
	(void)view;
	metrics_sample_us(text, NULL, process_read().started_us);
}
