/* Evaluates batches against an in-memory database. The rows are the same for any order, batching and duplicates,
 * and no alarm is raised before the sources are complete. */
#include "fold_case.h"

#include <errno.h>

#include "kpid/core/batch.h"
#include "kpid/core/history.h"

enum { MOST_ROWS = 64, SOURCE_NO = 7 };

struct kpi_cell {
	char agent[16];
	int64_t bucket_us;
	int64_t values[KPI_N_MEASURES];
};

struct alert_cell {
	struct alert alert;
	bool voided;
	int n_changes;
};

/* The contents of the tables for one ticket, and the sums. */
struct store {
	struct stored_ticket ticket;
	char *history, *previous_history; /* texts of the ticket being put point into the previous one */
	struct ticket_row row;            /* numbers of the last row written; its pointers are dangling */
	int n_writes;
	struct kpi_cell kpis[MOST_ROWS * 4];
	size_t n_kpis;
	int64_t backlog[4];
	struct sla_clock clocks[MOST_ROWS];
	size_t n_clocks;
	struct alert_cell alerts[MOST_ROWS];
	size_t n_alerts;
	struct ticket_cycle cycles[MOST_ROWS];
	size_t n_cycles;
	char *conflicts[MOST_ROWS * 8];
	size_t n_conflicts, n_too_many;
	size_t max_events;
	int64_t now_us;
	int64_t n_duplicates;
	size_t n_breaches, n_voided; /* by the tallies */
	size_t n_reduced, n_emptied, n_removals;
	int64_t n_removed;
	struct text removed_source;
	struct fold_case *fold;
	struct batch batch;
	struct arena scratch;
};

static const char *const agents[] = {"", "ann", "bob", "cai"};

static int agent_index(struct text id)
{
	for (int i = 0; i < 4; i++)
		if (text_same(text_of(agents[i]), id))
			return i;
	fail_msg("an agent that nobody named");
	return 0;
}

/* ---- the sink ---- */

static void put_ticket(void *context, const struct ticket_row *row)
{
	struct store *store = context;
	assert_int_equal(row->rev, store->ticket.rev + 1);
	free(store->previous_history);
	store->previous_history = store->history;
	store->history = malloc(row->history.len);
	assert_non_null(store->history);
	memcpy(store->history, row->history.ptr, row->history.len);
	store->row = *row;
	store->ticket = (struct stored_ticket){
	        .rev = row->rev,
	        .as_of_us = row->as_of_us,
	        .opened_us = row->ticket->opened_us,
	        .revision_no = row->ticket->revision == NULL ? 0 : row->ticket->revision->revision_no,
	        .history = {store->history, row->history.len},
	};
	store->n_writes++;
}

static size_t clock_at(const struct store *store, enum sla_target target, uint32_t n)
{
	size_t i = 0;
	while (i < store->n_clocks && !(store->clocks[i].target == target && store->clocks[i].n == n))
		i++;
	return i;
}

static void put_clock(void *context, struct text ticket_id, const struct sla_clock *clock)
{
	struct store *store = context;
	(void)ticket_id;
	size_t i = clock_at(store, clock->target, clock->n);
	assert_true(i < MOST_ROWS);
	/* Clocks with and without something to fall due are kept apart; a move removes it from the other list
	 * first. */
	if (i < store->n_clocks)
		assert_int_equal(store->clocks[i].fires_us == TIME_NONE, clock->fires_us == TIME_NONE);
	store->n_clocks += i == store->n_clocks;
	store->clocks[i] = *clock;
}

static void delete_clock(void *context, struct text ticket_id, enum sla_target target, uint32_t n)
{
	struct store *store = context;
	(void)ticket_id;
	size_t i = clock_at(store, target, n);
	assert_true(i < store->n_clocks);
	store->clocks[i] = store->clocks[--store->n_clocks];
}

static size_t alert_at(const struct store *store, enum sla_target target, uint32_t n)
{
	size_t i = 0;
	while (i < store->n_alerts && !(store->alerts[i].alert.target == target && store->alerts[i].alert.n == n))
		i++;
	return i;
}

static void put_alert(void *context, const struct alert *alert)
{
	struct store *store = context;
	size_t i = alert_at(store, alert->target, alert->n);
	assert_true(i < MOST_ROWS);
	if (i == store->n_alerts)
		store->alerts[store->n_alerts++].n_changes = 0;
	store->alerts[i].alert = *alert;
	store->alerts[i].voided = false;
	store->alerts[i].n_changes++;
}

static void void_alert(void *context, struct text ticket_id, enum sla_target target, uint32_t n)
{
	struct store *store = context;
	(void)ticket_id;
	size_t i = alert_at(store, target, n);
	assert_true(i < store->n_alerts);
	assert_false(store->alerts[i].voided);
	store->alerts[i].voided = true;
	store->alerts[i].n_changes++;
}

static void put_cycle(void *context, struct text ticket_id, const struct ticket_cycle *cycle)
{
	struct store *store = context;
	(void)ticket_id;
	assert_true(cycle->cycle >= 1 && cycle->cycle <= store->n_cycles + 1);
	if (cycle->cycle == store->n_cycles + 1)
		store->n_cycles++;
	store->cycles[cycle->cycle - 1] = *cycle;
}

static void delete_cycle(void *context, struct text ticket_id, uint32_t cycle)
{
	struct store *store = context;
	(void)ticket_id;
	assert_true(cycle >= 1 && store->n_cycles > 0); /* always the last ones */
	store->n_cycles--;
}

static void put_conflict(void *context, const struct conflict_letter *letter)
{
	struct store *store = context;
	char *canonical = strndup(letter->canonical.ptr, letter->canonical.len);
	for (size_t i = 0; i < store->n_conflicts; i++) {
		if (strcmp(store->conflicts[i], canonical) == 0) { /* one row per distinct content */
			free(canonical);
			return;
		}
	}
	assert_true(store->n_conflicts < MOST_ROWS * 8);
	store->conflicts[store->n_conflicts++] = canonical;
}

static void put_too_many(void *context, const struct ticket_event *event)
{
	(void)event;
	((struct store *)context)->n_too_many++;
}

static void add_sums(struct store *store, struct kpi_sums *sums)
{
	size_t n;
	struct kpi_row **rows = kpi_sums_sorted(sums, &n);
	for (size_t i = 0; i < n; i++) {
		size_t j = 0;
		while (j < store->n_kpis && !(store->kpis[j].bucket_us == rows[i]->bucket_us &&
		                              text_same(text_of(store->kpis[j].agent), rows[i]->agent_id)))
			j++;
		assert_true(j < MOST_ROWS * 4);
		if (j == store->n_kpis) {
			store->n_kpis++;
			store->kpis[j] = (struct kpi_cell){.bucket_us = rows[i]->bucket_us};
			memcpy(store->kpis[j].agent, rows[i]->agent_id.ptr, rows[i]->agent_id.len);
		}
		for (int k = 0; k < KPI_N_MEASURES; k++)
			store->kpis[j].values[k] += (int64_t)kpi_row_sum(rows[i], (enum kpi_measure)k);
	}
	struct batch_agent **changed = kpi_sums_backlog(sums, &n);
	for (size_t i = 0; i < n; i++)
		store->backlog[agent_index(changed[i]->agent_id)] += changed[i]->backlog;
}

static const struct policy_revision *revision_by_no(void *context, int32_t revision_no)
{
	struct fold_case *fold = context;
	return revision_no == fold->revision.revision_no ? &fold->revision : NULL;
}

static struct store *store_new(struct fold_case *fold)
{
	struct store *store = calloc(1, sizeof(*store));
	assert_non_null(store);
	store->fold = fold;
	store->ticket.as_of_us = store->ticket.opened_us = TIME_NONE;
	fold->revision.revision_no = 5;
	batch_init(&store->batch);
	arena_init(&store->scratch);
	return store;
}

static void store_free(struct store *store)
{
	for (size_t i = 0; i < store->n_conflicts; i++)
		free(store->conflicts[i]);
	free(store->history);
	free(store->previous_history);
	batch_release(&store->batch);
	arena_release(&store->scratch);
	free(store);
}

static struct batch_sink sink_of(struct store *store)
{
	return (struct batch_sink){
	        .context = store,
	        .ticket = put_ticket,
	        .cycle_put = put_cycle,
	        .cycle_delete = delete_cycle,
	        .clock_put = put_clock,
	        .clock_delete = delete_clock,
	        .alert_put = put_alert,
	        .alert_void = void_alert,
	        .conflict = put_conflict,
	        .too_many = put_too_many,
	};
}

/* Commits the store's batch. */
static void commit(struct store *store, int64_t as_of_us)
{
	const struct batch_sink sink = sink_of(store);
	const struct batch_rules rules = {
	        .fold = store->fold->rules,
	        .as_of_us = as_of_us,
	        .revision_by_no = revision_by_no,
	        .context = store->fold,
	        .ticket_max_events = store->max_events,
	        .now_us = store->now_us,
	        .removed_source = store->removed_source,
	};
	struct kpi_sums sums;
	kpi_sums_init(&sums);
	batch_seal(&store->batch);
	for (size_t i = 0; i < store->batch.n_tickets; i++) {
		int32_t revision_no;
		assert_int_equal(batch_evaluate(&store->batch, store->batch.tickets[i], &store->ticket, &rules,
		                                &store->scratch, &sink, &sums, &revision_no),
		                 BATCH_OK);
	}
	for (size_t i = 0; i < store->batch.n_sources; i++)
		store->n_duplicates += store->batch.sources[i].n_duplicates;
	store->n_breaches += store->batch.tally.n_breaches;
	for (int i = 0; i < TARGET_N; i++)
		store->n_voided += store->batch.tally.n_voided[i];
	store->n_reduced += store->batch.tally.n_reduced;
	store->n_emptied += store->batch.tally.n_emptied;
	store->n_removals = store->batch.tally.n_removals;
	for (size_t i = 0; i < store->batch.tally.n_removals; i++)
		store->n_removed += store->batch.tally.removals[i].n_events;
	add_sums(store, &sums);
	kpi_sums_release(&sums);
	batch_clear(&store->batch);
}

static void add(struct store *store, const struct ticket_event *event)
{
	batch_source(&store->batch, SOURCE_NO, 0);
	batch_add_event(&store->batch, event);
}

static void judge(struct store *store, int64_t as_of_us)
{
	batch_add_ticket(&store->batch, TEXT("T-1"));
	commit(store, as_of_us);
}

/* ---- the tables as text ---- */

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *printed(const struct store *store)
{
	char *lines[MOST_ROWS * 16];
	size_t n = 0;
	struct buf buf = BUF_INIT;
	for (size_t i = 0; i < store->n_kpis; i++)
		for (int k = 0; k < KPI_N_MEASURES; k++)
			if (store->kpis[i].values[k] != 0)
				assert_true(asprintf(&lines[n++], "kpi %s %lld %s %lld", store->kpis[i].agent,
				                     (long long)store->kpis[i].bucket_us,
				                     kpi_measure_name((enum kpi_measure)k),
				                     (long long)store->kpis[i].values[k]) > 0);
	for (int i = 0; i < 4; i++)
		assert_true(asprintf(&lines[n++], "backlog %s %lld", agents[i], (long long)store->backlog[i]) > 0);
	for (size_t i = 0; i < store->n_clocks; i++)
		assert_true(asprintf(&lines[n++], "clock %d %u due %lld fires %lld breached %d",
		                     (int)store->clocks[i].target, store->clocks[i].n,
		                     (long long)store->clocks[i].due_us, (long long)store->clocks[i].fires_us,
		                     store->clocks[i].verdict == VERDICT_BREACHED) > 0);
	for (size_t i = 0; i < store->n_alerts; i++)
		if (!store->alerts[i].voided)
			assert_true(asprintf(&lines[n++], "alert %d %u %d due %lld breached %lld resolved %lld",
			                     (int)store->alerts[i].alert.target, store->alerts[i].alert.n,
			                     (int)store->alerts[i].alert.state,
			                     (long long)store->alerts[i].alert.due_us,
			                     (long long)store->alerts[i].alert.breached_us,
			                     (long long)store->alerts[i].alert.resolved_us) > 0);
	for (size_t i = 0; i < store->n_cycles; i++)
		assert_true(asprintf(&lines[n++], "cycle %u from %lld resolved %lld verdict %d", store->cycles[i].cycle,
		                     (long long)store->cycles[i].started_us, (long long)store->cycles[i].resolved_us,
		                     (int)store->cycles[i].verdict) > 0);
	for (size_t i = 0; i < store->n_conflicts; i++)
		assert_true(asprintf(&lines[n++], "conflict %s", store->conflicts[i]) > 0);
	qsort(lines, n, sizeof(lines[0]), compare_lines);
	for (size_t i = 0; i < n; i++) {
		buf_add_str(&buf, lines[i]);
		buf_add_char(&buf, '\n');
		free(lines[i]);
	}
	return buf.data;
}

/* ---- tests ---- */

static void random_events(struct fold_case *c, size_t n)
{
	static const char *const priorities[] = {"1", "2", "3", "9"};
	static const char *const reasons[] = {"", "wait", "other"};
	for (size_t i = 0; i < n; i++) {
		struct ticket_event *event =
		        happens(c, rand() % 90, i == 0 ? EVENT_OPENED : (enum event_type)(rand() % EVENT_N_TYPES),
		                rand() % 3 == 0 ? NULL : agents[1 + rand() % 3]);
		if (event->type == EVENT_OPENED || event->type == EVENT_UPDATED)
			event->texts[EVENT_PRIORITY] = text_of(priorities[rand() % 4]);
		if (event->type == EVENT_UPDATED)
			event->texts[EVENT_AGENT_ID] = TEXT_ABSENT;
		if (event->type == EVENT_PAUSED)
			event->texts[EVENT_REASON] = text_of(reasons[rand() % 3]);
		if (event->type == EVENT_SURVEY)
			event->score_micros = rand() % 6 * INT64_C(1000000);
		if (event->type == EVENT_CLOSED && rand() % 2 == 0)
			event->automatic = TRI_TRUE;
		if (i > 0 && rand() % 12 == 0) /* the identity of the previous event, most likely with other content */
			event->id = c->events[i - 1].id;
	}
}

static void test_any_order_any_batches_same_rows(void **state)
{
	(void)state;
	srand(3);
	for (int round = 0; round < 1000; round++) {
		struct fold_case *c = fold_case_new();
		size_t n = 1 + (size_t)rand() % 14;
		char *expected = NULL;
		random_events(c, n);
		for (int permutation = 0; permutation < 100; permutation++) {
			struct store *store = store_new(c);
			bool taken[FOLD_CASE_EVENTS] = {false};
			int64_t as_of_us = TIME_NONE;
			for (size_t n_taken = 0; n_taken < n;) {
				size_t i = (size_t)rand() % n; /* also the accepted ones: duplicates */
				n_taken += !taken[i];
				taken[i] = true;
				add(store, &c->events[i]);
				if (rand() % 4 ==
				    0) /* the watermark only grows, and may be ahead of events still to come */
					as_of_us = as_of_us > AT(0) || rand() % 3 != 0 ? as_of_us : AT(rand() % 120);
				if (rand() % 2 == 0)
					commit(store, as_of_us);
				if (rand() % 8 == 0 && store->batch.n_tickets == 0 && store->ticket.rev > 0)
					judge(store, as_of_us);
			}
			commit(store, as_of_us);
			judge(store, AT(120));
			char *actual = printed(store);
			if (expected == NULL)
				expected = strdup(actual);
			assert_string_equal(actual, expected);
			free(actual);
			store_free(store);
		}
		free(expected);
		fold_case_free(c);
	}
}

/* Into an empty store, from the ticket's row alone. */
static int recompute(struct store *to, const struct store *from, struct text history)
{
	const struct batch_sink sink = sink_of(to);
	const struct batch_rules rules = {
	        .fold = from->fold->rules,
	        .as_of_us = TIME_NONE,
	        .revision_by_no = revision_by_no,
	        .context = from->fold,
	};
	struct stored_ticket stored = from->ticket;
	struct kpi_sums sums;
	struct buf packed = BUF_INIT;
	int32_t revision_no;
	kpi_sums_init(&sums);
	stored.history = history;
	to->ticket.rev = stored.rev - 1;
	int result = batch_recompute(TEXT("T-1"), &stored, &rules, &to->scratch, &packed, &sink, &sums, &revision_no);
	add_sums(to, &sums);
	kpi_sums_release(&sums);
	buf_release(&packed);
	return result;
}

static void test_recomputed_rows_equal_stored_rows(void **state)
{
	(void)state;
	srand(5);
	for (int round = 0; round < 3000; round++) {
		struct fold_case *c = fold_case_new();
		struct store *store = store_new(c), *again = store_new(c);
		size_t n = 1 + (size_t)rand() % 14;
		random_events(c, n);
		for (size_t i = 0; i < n; i++) {
			add(store, &c->events[i]);
			if (rand() % 2 == 0)
				commit(store, AT((int64_t)i * 10 - rand() % 20));
		}
		commit(store, AT(rand() % 120));
		assert_int_equal(recompute(again, store, store->ticket.history), BATCH_OK);
		assert_int_equal(again->ticket.opened_us, store->ticket.opened_us);
		assert_int_equal(again->ticket.revision_no, store->ticket.revision_no);
		assert_true(text_equal(again->ticket.history, store->ticket.history));
		for (size_t i = 0; i < store->n_conflicts; i++)
			again->conflicts[again->n_conflicts++] = strdup(store->conflicts[i]);
		char *expected = printed(store), *actual = printed(again);
		assert_string_equal(actual, expected);
		free(expected);
		free(actual);
		store_free(store);
		store_free(again);
		fold_case_free(c);
	}
}

static void forget_conflicts(struct store *store)
{
	while (store->n_conflicts > 0)
		free(store->conflicts[--store->n_conflicts]);
}

/* The ticket in `store` is as in a store that saw only the events that do not come from within the source. */
static void assert_never_saw(struct store *store, const struct fold_case *c, size_t n, struct text source)
{
	struct store *never = store_new(store->fold);
	size_t n_kept = 0;
	for (size_t i = 0; i < n; i++) {
		if (source_is_within(c->events[i].source, source))
			continue;
		add(never, &c->events[i]);
		n_kept++;
	}
	commit(never, store->ticket.as_of_us);
	forget_conflicts(store);
	forget_conflicts(never);
	if (n_kept > 0)
		assert_true(text_equal(store->ticket.history, never->ticket.history));
	else
		assert_true(text_equal(store->ticket.history, TEXT("\1")));
	char *expected = printed(never), *actual = printed(store);
	assert_string_equal(actual, expected);
	free(expected);
	free(actual);
	store_free(never);
}

static void test_M11_a_ticket_is_as_if_a_source_had_never_sent(void **state)
{
	static const char *const sources[] = {"test", "/desk", "/desk/eu", "/desktop"};
	(void)state;
	srand(11);
	for (int round = 0; round < 3000; round++) {
		struct fold_case *c = fold_case_new();
		struct store *store = store_new(c);
		size_t n = 1 + (size_t)rand() % 14;
		random_events(c, n);
		for (size_t i = 0; i < n; i++) {
			c->events[i].source = text_of(sources[rand() % 4]);
			add(store, &c->events[i]);
			if (rand() % 2 == 0)
				commit(store, AT((int64_t)i * 10 - rand() % 20));
		}
		commit(store, AT(rand() % 120));
		store->removed_source = TEXT("/desk");
		judge(store, TIME_NONE);
		assert_never_saw(store, c, n, TEXT("/desk"));
		store_free(store);
		fold_case_free(c);
	}
}

static void test_M11_removed_events_are_counted_by_their_places(void **state)
{
	(void)state;
	struct fold_case *c = fold_case_new();
	struct store *store = store_new(c);
	opens(c, 0, "2", "ann");
	happens(c, 2, EVENT_RESPONDED, "bob")->source = TEXT("/desk");
	happens(c, 9, EVENT_RESOLVED, "bob")->source = TEXT("/desk/eu");
	happens(c, 9, EVENT_CLOSED, "bob")->source = TEXT("/desktop");
	c->events[2].source_no = 8;
	for (size_t i = 0; i < c->n; i++)
		add(store, &c->events[i]);
	commit(store, AT(30));
	store->removed_source = TEXT("/des"); /* of nobody */
	judge(store, TIME_NONE);
	assert_int_equal(store->n_writes, 1);
	assert_int_equal(store->n_reduced, 0);

	store->removed_source = TEXT("/desk");
	judge(store, TIME_NONE);
	assert_int_equal(store->n_writes, 2);
	assert_int_equal(store->n_removed, 2);
	assert_int_equal(store->n_removals, 2);
	assert_int_equal(store->n_reduced, 1);
	assert_int_equal(store->n_emptied, 0);
	assert_never_saw(store, c, c->n, TEXT("/desk"));
	judge(store, TIME_NONE); /* again: nothing is left to do */
	assert_int_equal(store->n_writes, 2);

	store->removed_source = TEXT("/desktop");
	judge(store, TIME_NONE);
	store->removed_source = TEXT("test");
	judge(store, TIME_NONE);
	assert_int_equal(store->n_emptied, 1);
	assert_true(text_equal(store->ticket.history, TEXT("\1")));
	assert_int_equal(store->ticket.opened_us, TIME_NONE);
	assert_int_equal(store->backlog[agent_index(TEXT("ann"))], 0);

	store->removed_source = TEXT_ABSENT; /* events that come later are added to it */
	add(store, &c->events[0]);
	commit(store, AT(31));
	assert_int_equal(store->ticket.opened_us, AT(0));
	assert_int_equal(store->backlog[agent_index(TEXT("ann"))], 1);
	store_free(store);
	fold_case_free(c);
}

/* A history that no batch can have written is refused. */
static void test_a_broken_history_is_not_recomputed(void **state)
{
	(void)state;
	struct fold_case *c = fold_case_new();
	struct store *store = store_new(c), *again = store_new(c);
	struct buf twice = BUF_INIT, backwards = BUF_INIT;
	opens(c, 0, "2", "ann");
	happens(c, 4, EVENT_RESPONDED, "bob");
	add(store, &c->events[0]);
	commit(store, AT(1));
	const struct ticket_event *const same[] = {&c->events[0], &c->events[0]};
	const struct ticket_event *const reversed[] = {&c->events[1], &c->events[0]};
	history_pack(same, 2, &twice);
	history_pack(reversed, 2, &backwards);
	assert_int_equal(recompute(again, store, buf_text(&twice)), -EBADMSG);
	assert_int_equal(recompute(again, store, buf_text(&backwards)), -EBADMSG);
	assert_int_equal(recompute(again, store, TEXT("\1\17")), -EBADMSG);
	assert_int_equal(again->n_writes, 0);
	buf_release(&twice);
	buf_release(&backwards);
	store_free(store);
	store_free(again);
	fold_case_free(c);
}

static void test_duplicates_change_nothing_and_are_counted(void **state)
{
	(void)state;
	struct fold_case *c = fold_case_new();
	struct store *store = store_new(c);
	opens(c, 0, "1", "ann");
	add(store, &c->events[0]);
	commit(store, AT(1));
	int n_writes = store->n_writes;
	add(store, &c->events[0]);
	add(store, &c->events[0]);
	commit(store, AT(2));
	assert_int_equal(store->n_writes, n_writes);
	assert_int_equal(store->n_duplicates, 2);
	store_free(store);
	fold_case_free(c);
}

static void test_deadline_fires_once_without_events(void **state)
{
	(void)state;
	struct fold_case *c = fold_case_new();
	struct store *store = store_new(c);
	opens(c, 0, "2", "ann");
	add(store, &c->events[0]);
	commit(store, AT(1));
	assert_int_equal(store->n_alerts, 0);
	judge(store, AT(5)); /* due at 5, which is not after it */
	assert_int_equal(store->n_alerts, 0);
	judge(store, AT(5) + 1);
	assert_int_equal(store->n_alerts, 1);
	assert_int_equal(store->alerts[0].alert.state, ALERT_BREACHED);
	judge(store, AT(6));
	assert_int_equal(store->alerts[0].n_changes, 1);
	assert_int_equal(store->n_breaches, 1);
	assert_int_equal(store->n_voided, 0);
	store_free(store);
	fold_case_free(c);
}

static void test_late_proof_voids_and_corrects(void **state)
{
	(void)state;
	struct fold_case *c = fold_case_new();
	struct store *store = store_new(c);
	opens(c, 0, "2", "ann");
	happens(c, 4, EVENT_RESPONDED, "bob");
	add(store, &c->events[0]);
	commit(store, AT(30));
	assert_int_equal(store->n_alerts, 1);
	add(store, &c->events[1]);
	commit(store, AT(31));
	assert_true(store->alerts[0].voided);
	char *text = printed(store);
	assert_non_null(strstr(text, "kpi bob 1767225600000000 first_response_within_sla 1"));
	assert_null(strstr(text, "kpi ann 1767225900000000"));
	free(text);
	store_free(store);
	fold_case_free(c);
}

static void test_A3_a_refuted_breach_is_voided_though_its_warning_stays(void **state)
{
	static const struct warning_rule warnings[] = {{.us = 3 * MINUTE}};
	(void)state;
	struct fold_case *c = fold_case_new();
	struct store *store = store_new(c);
	c->policies[1].targets[TARGET_FIRST_RESPONSE].warnings = warnings;
	c->policies[1].targets[TARGET_FIRST_RESPONSE].n_warnings = 1;
	opens(c, 0, "2", "ann");
	happens(c, 4, EVENT_RESPONDED, "bob"); /* after the warning, before the deadline */
	add(store, &c->events[0]);
	commit(store, AT(30));
	assert_int_equal(store->n_alerts, 1);
	assert_int_equal(store->alerts[0].alert.state, ALERT_BREACHED);
	add(store, &c->events[1]);
	commit(store, AT(31));
	assert_true(store->alerts[0].voided);
	assert_int_equal(store->n_breaches, 1);
	assert_int_equal(store->n_voided, 1);
	store_free(store);
	fold_case_free(c);
}

static void test_verdicts_of_a_fast_clock_are_judged_again(void **state)
{
	(void)state;
	struct fold_case *c = fold_case_new();
	struct store *store = store_new(c);
	opens(c, 0, "2", "ann");
	happens(c, 1, EVENT_ASSIGNED, "bob");
	happens(c, 2, EVENT_ASSIGNED, "ann");
	add(store, &c->events[0]);
	store->now_us = AT(8);
	commit(store, AT(8));
	assert_int_equal(store->n_alerts, 1);
	add(store, &c->events[1]);
	store->now_us = AT(8) - US_PER_SECOND; /* the clocks of two servers may differ by this much */
	commit(store, AT(3));
	assert_true(store->ticket.as_of_us == AT(8) && !store->alerts[0].voided);
	add(store, &c->events[2]);
	store->now_us = AT(4); /* set back */
	commit(store, AT(3));
	assert_true(store->ticket.as_of_us == AT(3) && store->alerts[0].voided);
	store_free(store);
	fold_case_free(c);
}

/* The answer is on another partition and not read yet; only the late closing is known so far. */
static void test_no_alarm_before_sources_are_complete(void **state)
{
	(void)state;
	struct fold_case *c = fold_case_new();
	struct store *store = store_new(c);
	opens(c, 0, "2", "ann");
	ends(c, 50, EVENT_CLOSED, "ann", RESOLUTION_ABSENT);
	happens(c, 4, EVENT_RESPONDED, "bob");
	add(store, &c->events[0]);
	add(store, &c->events[1]);
	commit(store, AT(3));
	assert_int_equal(store->n_alerts, 0);
	assert_int_equal(store->n_clocks, 1); /* its deadline is kept */
	assert_true(store->clocks[0].stopped);
	assert_true(store->clocks[0].fires_us == AT(5));
	add(store, &c->events[2]);
	commit(store, AT(60));
	assert_int_equal(store->n_alerts, 0);
	assert_int_equal(store->n_clocks, 0);
	store_free(store);
	fold_case_free(c);
}

static void test_deferred_alarm_is_raised_when_complete(void **state)
{
	(void)state;
	struct fold_case *c = fold_case_new();
	struct store *store = store_new(c);
	opens(c, 0, "2", "ann");
	happens(c, 9, EVENT_RESPONDED, "bob");
	add(store, &c->events[0]);
	add(store, &c->events[1]);
	commit(store, AT(3));
	assert_int_equal(store->n_alerts, 0);
	judge(store, AT(8));
	assert_int_equal(store->n_alerts, 1);
	assert_int_equal(store->alerts[0].alert.state, ALERT_RESOLVED);
	store_free(store);
	fold_case_free(c);
}

static void test_unknown_revision_has_no_effects(void **state)
{
	(void)state;
	struct fold_case *c = fold_case_new();
	struct store *store = store_new(c);
	const struct batch_sink sink = {.context = NULL};
	const struct batch_rules rules = {
	        .fold = c->rules,
	        .as_of_us = AT(1),
	        .revision_by_no = revision_by_no,
	        .context = c,
	};
	struct kpi_sums sums;
	int32_t revision_no = 0;
	kpi_sums_init(&sums);
	opens(c, 0, "2", "ann");
	add(store, &c->events[0]);
	store->ticket.revision_no = 77;
	assert_int_equal(batch_evaluate(&store->batch, store->batch.tickets[0], &store->ticket, &rules, &store->scratch,
	                                &sink, &sums, &revision_no),
	                 BATCH_UNKNOWN_REVISION);
	assert_int_equal(revision_no, 77);
	kpi_sums_release(&sums);
	store_free(store);
	fold_case_free(c);
}

static void test_E5_too_many_events_of_one_ticket_are_dead_letters(void **state)
{
	(void)state;
	struct fold_case *c = fold_case_new();
	struct store *store = store_new(c);
	store->max_events = 3;
	opens(c, 0, "2", "ann");
	happens(c, 1, EVENT_RESPONDED, "bob");
	happens(c, 2, EVENT_RESOLVED, "bob");
	for (size_t i = 0; i < c->n; i++)
		add(store, &c->events[i]);
	commit(store, AT(3));
	assert_int_equal(store->n_too_many, 0);

	struct ticket_event *more = happens(c, 0, EVENT_REOPENED, NULL); /* however early */
	add(store, more);
	add(store, &c->events[1]); /* a stored event is a duplicate, as always */
	c->events[2].occurred_us = AT(1);
	add(store, &c->events[2]); /* and may be replaced by a smaller content */
	batch_source(&store->batch, SOURCE_NO, 0);
	commit(store, AT(3));
	assert_int_equal(store->n_too_many, 1);
	assert_int_equal(store->n_duplicates, 1);
	assert_int_equal(store->n_conflicts, 1);
	assert_int_equal(store->row.rev, 2);

	store->max_events = 4; /* raised: it took no identity */
	add(store, more);
	commit(store, AT(3));
	assert_int_equal(store->n_too_many, 1);
	assert_int_equal(store->row.rev, 3);
	store_free(store);
	fold_case_free(c);
}

static void test_M10_what_mappings_did_is_added_up_by_source_and_version(void **state)
{
	(void)state;
	struct batch batch;
	const struct batch_mapping use = {.source_no = 1,
	                                  .mapping = TEXT("desk"),
	                                  .version = TEXT("aa"),
	                                  .from_offset = 7,
	                                  .n_records = 2,
	                                  .n_events = 3,
	                                  .n_rejected = 1,
	                                  .n_failed_in_row = 1};
	struct batch_mapping next = use, of_next_version = use, of_other_source = use;
	next.from_offset = 8;
	next.n_failed_in_row = 0;
	of_next_version.version = TEXT("bb");
	of_other_source.source_no = 2;
	batch_init(&batch);
	batch_add_mapping(&batch, &use);
	batch_add_mapping(&batch, &of_next_version);
	batch_add_mapping(&batch, &of_other_source);
	batch_add_mapping(&batch, &next);
	for (int i = 0; i < 4; i++)
		batch_add_skip(&batch, i % 2 + 1, TEXT("desk"), i < 3 ? TEXT("a note") : TEXT("other"));
	assert_int_equal(batch.n_mappings, 3);
	assert_int_equal(batch.mappings[0].from_offset, 7);
	assert_int_equal(batch.mappings[0].n_records, 4);
	assert_int_equal(batch.mappings[0].n_events, 6);
	assert_int_equal(batch.mappings[0].n_rejected, 2);
	assert_int_equal(batch.mappings[0].n_failed_in_row, 0);
	assert_int_equal(batch.n_skips, 3);
	assert_int_equal(batch.skips[0].n, 2);
	batch_source(&batch, 1, 7);
	batch_drop_source(&batch, 1);
	assert_int_equal(batch.n_mappings, 1);
	assert_int_equal(batch.mappings[0].source_no, 2);
	assert_int_equal(batch.n_skips, 2);
	batch_clear(&batch);
	assert_int_equal(batch.n_mappings + batch.n_skips, 0);
	batch_release(&batch);
}

static void test_dropping_a_source_leaves_the_others(void **state)
{
	(void)state;
	struct fold_case *c = fold_case_new();
	struct batch batch;
	batch_init(&batch);
	opens(c, 0, "2", "ann");
	happens(c, 1, EVENT_RESPONDED, "bob");
	happens(c, 2, EVENT_RESOLVED, "bob");
	for (int i = 0; i < 3; i++) {
		c->events[i].source_no = i % 2;
		batch_source(&batch, i % 2, 0)->next_offset = i + 1;
		batch_add_event(&batch, &c->events[i]);
	}
	batch_add_dead_letter(&batch, &(struct batch_dead_letter){.source_no = 0, .topic = TEXT("t"), .detail = "d"});
	arrivals_add(&batch.arrivals, 0, AT(1), AT(2));
	arrivals_add(&batch.arrivals, 1, AT(1), AT(2));
	batch_drop_source(&batch, 0);
	assert_int_equal(batch.arrivals.n, 1);
	assert_int_equal(batch.n_sources, 1);
	assert_int_equal(batch.n_events, 1);
	assert_int_equal(batch.n_dead_letters, 0);
	assert_int_equal(batch.sources[0].source_no, 1);
	assert_ptr_equal(batch.tickets[0]->first, batch.tickets[0]->last);
	batch_release(&batch);
	fold_case_free(c);
}

static void test_the_watermark_is_never_ahead_of_the_clock(void **state)
{
	(void)state;
	struct batch_source source = {.watermark_us = AT(10)};
	assert_true(batch_source_event_time_watermark(&source, AT(60)) == AT(10));
	assert_true(batch_source_event_time_watermark(&source, AT(9)) == AT(9));
	source = (struct batch_source){.watermark_us = TIME_NONE};
	assert_true(batch_source_event_time_watermark(&source, AT(60)) == TIME_NONE);
}

/* Only tombstones and rejected messages: offsets have moved, but there is no ticket. */
static void test_a_batch_without_tickets(void **state)
{
	(void)state;
	struct batch batch;
	batch_init(&batch);
	batch_source(&batch, 1, 0)->next_offset = 1;
	batch_seal(&batch);
	assert_int_equal(batch.n_tickets, 0);
	assert_false(batch_is_empty(&batch));
	assert_null(batch_find_ticket(&batch, TEXT("T")));
	batch_release(&batch);
}

/* Each agent is used again after all of them were new, so lookups must survive every growth. */
static void test_sums_of_more_agents_than_fit_at_first(void **state)
{
	enum { N_AGENTS = 5000, N_BUCKETS = 2 };
	static char names[N_AGENTS][8];
	struct kpi_sums sums;
	size_t n;
	(void)state;
	kpi_sums_init(&sums);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < N_AGENTS; i++) {
			snprintf(names[i], sizeof(names[i]), "a%05d", i);
			for (int bucket = 0; bucket < N_BUCKETS; bucket++) {
				struct kpi_entry entry = {text_of(names[i]), 0, bucket * BUCKET_US, KPI_OPENED, i + 1};
				kpi_sums_add(&sums, &entry, 1, 1);
			}
			kpi_sums_add_backlog(&sums, text_of(names[i]), i + 1);
		}
	}
	struct kpi_row **rows = kpi_sums_sorted(&sums, &n);
	assert_int_equal(n, N_AGENTS * N_BUCKETS);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(rows[i]->bucket_us, (int64_t)(i / N_AGENTS) * BUCKET_US);
		assert_true(text_equal(rows[i]->agent_id, text_of(names[i % N_AGENTS])));
		assert_int_equal(kpi_row_sum(rows[i], KPI_OPENED), 2 * (i % N_AGENTS + 1));
	}
	struct batch_agent **backlogs = kpi_sums_backlog(&sums, &n);
	assert_int_equal(n, N_AGENTS);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(backlogs[i]->backlog, 2 * (i + 1));
	kpi_sums_release(&sums);
}

/* Whichever ticket cannot be written: within a few tries it is left out. */
static void test_a_refused_ticket_is_soon_left_out(void **state)
{
	(void)state;
	for (size_t n_tickets = 1; n_tickets < 300; n_tickets++) {
		for (size_t refused = 0; refused < n_tickets; refused++) {
			struct batch_care care = batch_care_first();
			int n_tries = 1;
			while (refused < care.n_kept) {
				assert_true(batch_care_narrow(&care, FAULT_DATA, n_tickets));
				assert_int_equal(care.locks, LOCKS_WAIT);
				n_tries++;
			}
			assert_true(care.n_kept < n_tickets);
			assert_true(n_tries <= 7);
		}
	}
}

/* A locked ticket is skipped first, and no other ticket is left out. */
static void test_a_locked_ticket_is_left_out(void **state)
{
	struct batch_care care = batch_care_first();
	(void)state;
	assert_true(batch_care_narrow(&care, FAULT_LOCK, 100));
	assert_int_equal(care.locks, LOCKS_SKIP);
	assert_true(care.n_kept >= 100);
	assert_true(batch_care_narrow(&care, FAULT_LOCK, 100));
	assert_int_equal(care.n_kept, 25);
}

/* Another batch is waited for once, whenever it is met. If its locks stay, tickets are left out as for any lock. */
static void test_another_batch_is_waited_for_once(void **state)
{
	(void)state;
	for (int n_before = 0; n_before < 2; n_before++) {
		struct batch_care care = batch_care_first();
		for (int i = 0; i < n_before; i++)
			assert_true(batch_care_narrow(&care, FAULT_LOCK, 100));
		assert_true(batch_care_narrow(&care, FAULT_BUSY, 100));
		assert_int_equal(care.locks, LOCKS_WAIT_LONG);
		assert_true(batch_care_narrow(&care, FAULT_BUSY, 100));
		assert_int_equal(care.locks, LOCKS_SKIP);
		assert_true(care.n_kept >= 100);
		assert_true(batch_care_narrow(&care, FAULT_BUSY, 100));
		assert_int_equal(care.locks, LOCKS_SKIP);
		assert_int_equal(care.n_kept, 25);
	}
}

/* For a failure that no ticket causes, no ticket is left out in the end; trying also continues once all are. */
static void test_a_general_failure_leaves_no_ticket_out(void **state)
{
	struct batch_care care = batch_care_first();
	(void)state;
	assert_false(batch_care_narrow(&care, FAULT_OTHER, 100));
	assert_false(batch_care_narrow(&care, FAULT_DATA, 0));
	assert_true(care.n_kept >= 100);
	care.n_kept = 0;
	assert_false(batch_care_narrow(&care, FAULT_DATA, 100));
}

/* An event that moves from one batch to another stays the same. */
static void test_events_can_move_to_another_batch(void **state)
{
	static const struct ticket_event event = {
	        .ticket_id = TEXT("t"), .source = TEXT("s"), .id = TEXT("e"), .source_no = 7};
	struct batch one, other;
	int32_t source_no = 0;
	struct text packed = TEXT_ABSENT, again = TEXT_ABSENT;
	(void)state;
	batch_init(&one);
	batch_init(&other);
	batch_add_event(&one, &event);
	const struct batch_event *item = batch_next_event(one.tickets[0], NULL, &source_no, &packed);
	assert_non_null(item);
	assert_int_equal(source_no, 7);
	batch_add_packed(&other, one.tickets[0]->ticket_id, source_no, packed);
	assert_non_null(batch_next_event(other.tickets[0], NULL, &source_no, &again));
	assert_true(text_same(packed, again));
	assert_null(batch_next_event(one.tickets[0], item, &source_no, &packed));
	assert_int_equal(other.n_events, 1);
	batch_release(&one);
	batch_release(&other);
}

static void test_a_row_takes_its_measures_in_any_order(void **state)
{
	enum { STEP = 11 }; /* has no common divisor with the number of measures */
	struct kpi_sums sums;
	size_t n;
	(void)state;
	assert_true(KPI_N_MEASURES % STEP != 0);
	kpi_sums_init(&sums);
	for (int i = 0; i < 2 * KPI_N_MEASURES; i++) {
		enum kpi_measure measure = (enum kpi_measure)(i * STEP % KPI_N_MEASURES);
		struct kpi_entry entry = {TEXT("ann"), 0, BUCKET_US, measure, 1000 + (int)measure};
		kpi_sums_add(&sums, &entry, 1, 1);
		struct kpi_row **rows = kpi_sums_sorted(&sums, &n);
		assert_int_equal(n, 1);
		for (int j = 0; j < KPI_N_MEASURES; j++) {
			int times = 0;
			for (int k = 0; k <= i; k++)
				times += k * STEP % KPI_N_MEASURES == j;
			assert_int_equal(kpi_row_sum(rows[0], (enum kpi_measure)j), times * (1000 + j));
		}
	}
	kpi_sums_release(&sums);
}

/* 9,000 tickets of 1990 answered in 2200: accepted times whose sum exceeds 64 bits. */
static void test_sums_do_not_overflow(void **state)
{
	enum { N_TICKETS = 9000 };
	const int64_t each_us = INT64_C(210) * 365 * US_PER_DAY;
	const kpi_sum expected = (kpi_sum)N_TICKETS * each_us;
	struct kpi_sums sums;
	size_t n;
	(void)state;
	assert_true(expected > 6 * (kpi_sum)INT64_MAX);
	for (int i = 0; i < KPI_N_MEASURES; i++) {
		enum kpi_measure measure = (enum kpi_measure)i;
		if (kpi_measure_unit(measure) != KPI_MICROSECONDS)
			continue;
		struct kpi_entry entry = {TEXT("ann"), 0, BUCKET_US, measure, each_us};
		kpi_sums_init(&sums);
		for (int t = 0; t < N_TICKETS; t++)
			kpi_sums_add(&sums, &entry, 1, 1);
		struct kpi_row **rows = kpi_sums_sorted(&sums, &n);
		assert_int_equal(n, 1);
		assert_true(kpi_row_sum(rows[0], measure) == expected);
		kpi_sums_add_sum(&sums, TEXT("ann"), BUCKET_US, measure, -2 * expected);
		assert_true(kpi_row_sum(rows[0], measure) == -expected);
		for (int t = 0; t < N_TICKETS; t++)
			kpi_sums_add(&sums, &entry, 1, 1);
		kpi_sums_sorted(&sums, &n);
		assert_int_equal(n, 0); /* all zero again, including what was carried over */
		kpi_sums_release(&sums);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_a_batch_without_tickets),
	        cmocka_unit_test(test_any_order_any_batches_same_rows),
	        cmocka_unit_test(test_recomputed_rows_equal_stored_rows),
	        cmocka_unit_test(test_M11_a_ticket_is_as_if_a_source_had_never_sent),
	        cmocka_unit_test(test_M11_removed_events_are_counted_by_their_places),
	        cmocka_unit_test(test_a_broken_history_is_not_recomputed),
	        cmocka_unit_test(test_duplicates_change_nothing_and_are_counted),
	        cmocka_unit_test(test_deadline_fires_once_without_events),
	        cmocka_unit_test(test_late_proof_voids_and_corrects),
	        cmocka_unit_test(test_A3_a_refuted_breach_is_voided_though_its_warning_stays),
	        cmocka_unit_test(test_verdicts_of_a_fast_clock_are_judged_again),
	        cmocka_unit_test(test_no_alarm_before_sources_are_complete),
	        cmocka_unit_test(test_deferred_alarm_is_raised_when_complete),
	        cmocka_unit_test(test_unknown_revision_has_no_effects),
	        cmocka_unit_test(test_E5_too_many_events_of_one_ticket_are_dead_letters),
	        cmocka_unit_test(test_dropping_a_source_leaves_the_others),
	        cmocka_unit_test(test_the_watermark_is_never_ahead_of_the_clock),
	        cmocka_unit_test(test_sums_of_more_agents_than_fit_at_first),
	        cmocka_unit_test(test_a_row_takes_its_measures_in_any_order),
	        cmocka_unit_test(test_sums_do_not_overflow),
	        cmocka_unit_test(test_M10_what_mappings_did_is_added_up_by_source_and_version),
	        cmocka_unit_test(test_a_refused_ticket_is_soon_left_out),
	        cmocka_unit_test(test_a_locked_ticket_is_left_out),
	        cmocka_unit_test(test_another_batch_is_waited_for_once),
	        cmocka_unit_test(test_a_general_failure_leaves_no_ticket_out),
	        cmocka_unit_test(test_events_can_move_to_another_batch),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
