#include "cli/policy_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/policy_registry.h"
#include "cli/json_out.h"
#include "cli/pg_sync.h"
#include "cli/table.h"
#include "kpid/base/clock.h"
#include "kpid/base/memory.h"
#include "kpid/core/ticket.h"

enum { MOST_CHANGES = 20, MOST_LINES = 30 };

/* Number of judged clocks, and of those that met their target: stored (BEFORE) and by the tested file (AFTER). */
struct tally {
	int64_t judged[2], met[2];
};

enum { BEFORE, AFTER };

struct trial {
	struct fold_rules rules[2];
	struct policy_registry registry;
	int64_t as_of_us, n_tickets, n_changes;
	struct tally targets[TARGET_N];
	json_t *projects, *agents; /* name -> {"judged_before": ..., ...} */
	json_t *changes;
	bool keep_all;
};

/* ---- counting ---- */

static void count(struct tally *tally, int side, enum sla_verdict verdict)
{
	tally->judged[side] += verdict == VERDICT_MET || verdict == VERDICT_BREACHED;
	tally->met[side] += verdict == VERDICT_MET;
}

static void add_to(json_t *counts, const char *name, int64_t more)
{
	json_object_set_new(counts, name, json_integer(json_integer_value(json_object_get(counts, name)) + more));
}

static void count_named(json_t *names, struct text name, int side, enum sla_verdict verdict)
{
	if (verdict != VERDICT_MET && verdict != VERDICT_BREACHED)
		return;
	struct text key = text_is_empty(name) ? TEXT("(none)") : name;
	json_t *counts = json_object_getn(names, key.ptr, key.len);
	if (counts == NULL) {
		counts = json_object();
		json_object_setn_new(names, key.ptr, key.len, counts);
	}
	add_to(counts, side == BEFORE ? "judged_before" : "judged_after", 1);
	add_to(counts, side == BEFORE ? "met_before" : "met_after", verdict == VERDICT_MET);
}

static void count_ticket(struct trial *trial, const struct ticket *ticket, int side)
{
	for (size_t i = 0; i < ticket->n_clocks; i++) {
		const struct sla_clock *clock = &ticket->clocks[i];
		count(&trial->targets[clock->target], side, clock->verdict);
		count_named(trial->projects, ticket->attributes[EVENT_PROJECT_ID], side, clock->verdict);
		count_named(trial->agents, clock->agent_id, side, clock->verdict);
	}
}

/* Clocks of a ticket by key, to be asked for those of each target in ascending order. */
struct clock_finder {
	const struct ticket *ticket;
	size_t at[TARGET_N];
};

/* NULL: there is none. */
static const struct sla_clock *find_clock(struct clock_finder *finder, enum sla_target target, uint32_t n)
{
	const struct ticket *ticket = finder->ticket;
	for (size_t *at = &finder->at[target]; *at < ticket->n_clocks; ++*at) {
		const struct sla_clock *clock = &ticket->clocks[*at];
		if (clock->target == target && clock->n >= n)
			return clock->n == n ? clock : NULL;
	}
	return NULL;
}

static void note_change(struct trial *trial, struct text ticket_id, enum sla_target target, uint32_t n,
                        enum sla_verdict before, enum sla_verdict after)
{
	trial->n_changes++;
	if (!trial->keep_all && json_array_size(trial->changes) == MOST_CHANGES)
		return;
	json_array_append_new(trial->changes,
	                      json_pack("{s:o, s:s, s:i, s:s, s:s}", "ticket_id", json_of_text(ticket_id), "target",
	                                sla_target_name(target), "n", (int)n, "before", sla_verdict_name(before),
	                                "after", sla_verdict_name(after)));
}

/* Notes verdicts that differ between the two sides. */
static void compare(struct trial *trial, struct text ticket_id, const struct ticket *before, const struct ticket *after)
{
	struct clock_finder in_before = {.ticket = before}, in_after = {.ticket = after};
	for (size_t i = 0; i < before->n_clocks; i++) {
		const struct sla_clock *clock = &before->clocks[i];
		const struct sla_clock *there = find_clock(&in_after, clock->target, clock->n);
		enum sla_verdict now = there == NULL ? VERDICT_NONE : there->verdict;
		if (now != clock->verdict)
			note_change(trial, ticket_id, clock->target, clock->n, clock->verdict, now);
	}
	for (size_t i = 0; i < after->n_clocks; i++) {
		const struct sla_clock *clock = &after->clocks[i];
		bool there = find_clock(&in_before, clock->target, clock->n) != NULL;
		if (!there && clock->verdict != VERDICT_NONE)
			note_change(trial, ticket_id, clock->target, clock->n, VERDICT_NONE, clock->verdict);
	}
}

/* ---- judging ---- */

static bool judge(struct trial *trial, const PGresult *rows, int row, struct arena *arena)
{
	struct text ticket_id = pg_get_text(rows, row, POLICY_TEST_READ_TICKET_ID);
	int32_t revision_no = pg_get_int4(rows, row, POLICY_TEST_READ_REVISION_NO);
	struct fold_pin pin = {revision_no == 0 ? NULL : policy_registry_by_no(&trial->registry, revision_no),
	                       pg_get_time(rows, row, POLICY_TEST_READ_OPENED_AT)};
	struct text history = pg_get_text(rows, row, POLICY_TEST_READ_HISTORY);
	struct ticket before, after;
	arena_clear(arena, 1 << 20);
	if (ticket_fold_history(history, ticket_id, &trial->rules[BEFORE], &pin, trial->as_of_us, NULL, arena,
	                        &before) != 0 ||
	    ticket_fold_history(history, ticket_id, &trial->rules[AFTER], NULL, trial->as_of_us, NULL, arena, &after) !=
	            0)
		return false;
	trial->n_tickets++;
	count_ticket(trial, &before, BEFORE);
	count_ticket(trial, &after, AFTER);
	compare(trial, ticket_id, &before, &after);
	return true;
}

static int judge_all(struct trial *trial, struct pg_sync *sync, const struct policy_test_request *request)
{
	struct arena arena;
	struct buf last = BUF_INIT;
	int status = CLI_OK, n_rows = 1;
	arena_init(&arena);
	buf_add_str(&last, "");
	while (status == CLI_OK && n_rows > 0) {
		const struct pg_param params[POLICY_TEST_READ_N_PARAMS] = {
		        [POLICY_TEST_READ_PARAM_SINCE] = pg_param_c_string(request->since),
		        [POLICY_TEST_READ_PARAM_BEFORE] = pg_param_c_string(request->until),
		        [POLICY_TEST_READ_PARAM_AFTER_TICKET_ID] = pg_param_c_string(buf_text(&last).ptr),
		};
		PGresult *rows = pg_sync_query(sync, "queries/policy_test_read.sql", params, POLICY_TEST_READ_N_PARAMS);
		if (rows == NULL) {
			status = pg_sync_failed(sync);
			break;
		}
		n_rows = PQntuples(rows);
		for (int row = 0; row < n_rows && status == CLI_OK; row++) {
			if (!judge(trial, rows, row, &arena)) {
				struct text ticket_id = pg_get_text(rows, row, POLICY_TEST_READ_TICKET_ID);
				pg_sync_print_error(sync, "the history of ticket %.*s cannot be read",
				                    (int)ticket_id.len, ticket_id.ptr);
				status = CLI_FAILED;
			}
		}
		if (n_rows > 0) {
			buf_clear(&last);
			buf_add_text(&last, pg_get_text(rows, n_rows - 1, POLICY_TEST_READ_TICKET_ID));
		}
		PQclear(rows);
	}
	arena_release(&arena);
	buf_release(&last);
	return status;
}

/* ---- output ---- */

static void add_rate(struct table *table, int64_t met, int64_t judged)
{
	if (judged == 0)
		table_text(table, TERM_DIM, TEXT("–"));
	else
		table_format(table, TERM_PLAIN, "%.1f %%", 100.0 * (double)met / (double)judged);
}

static void add_row(struct table *table, struct text name, const struct tally *tally)
{
	table_text(table, TERM_PLAIN, name);
	for (int side = BEFORE; side <= AFTER; side++) {
		table_count(table, TERM_PLAIN, tally->judged[side]);
		add_rate(table, tally->met[side], tally->judged[side]);
	}
}

static struct tally tally_of(const json_t *counts)
{
	return (struct tally){
	        {json_integer_value(json_object_get(counts, "judged_before")),
	         json_integer_value(json_object_get(counts, "judged_after"))},
	        {json_integer_value(json_object_get(counts, "met_before")),
	         json_integer_value(json_object_get(counts, "met_after"))},
	};
}

struct named_tally {
	struct text name;
	struct tally tally;
};

/* How much the counts change; a lost and a new verdict cancel out. */
static int64_t change_of(const struct tally *tally)
{
	return llabs(tally->judged[AFTER] - tally->judged[BEFORE]) + llabs(tally->met[AFTER] - tally->met[BEFORE]);
}

/* Sorts by the size of the change, then by the number of judged clocks. */
static int compare_named(const void *a, const void *b)
{
	const struct named_tally *x = a, *y = b;
	int64_t by_change = change_of(&y->tally) - change_of(&x->tally);
	int64_t by_number = y->tally.judged[BEFORE] - x->tally.judged[BEFORE];
	if (by_change != 0)
		return by_change > 0 ? 1 : -1;
	if (by_number != 0)
		return by_number > 0 ? 1 : -1;
	return text_compare(x->name, y->name);
}

static void add_named_rows(struct table *table, json_t *names)
{
	struct named_tally *rows = mem_zalloc((json_object_size(names) + 1) * sizeof(*rows));
	const char *name;
	json_t *counts;
	size_t n = 0;
	json_object_foreach(names, name, counts) rows[n++] = (struct named_tally){text_of(name), tally_of(counts)};
	qsort(rows, n, sizeof(*rows), compare_named);
	for (size_t i = 0; i < n && i < MOST_LINES; i++)
		add_row(table, rows[i].name, &rows[i].tally);
	free(rows);
}

static void write_table(struct buf *out, const struct term *term, const char *what, const struct tally *targets,
                        json_t *names)
{
	const struct table_column columns[] = {{what, false, true},
	                                       {"judged", true, false},
	                                       {"met", true, false},
	                                       {"would be", true, false},
	                                       {"met", true, false}};
	struct table table;
	size_t n = json_object_size(names);
	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (int target = 0; targets != NULL && target < TARGET_N; target++)
		if (targets[target].judged[BEFORE] + targets[target].judged[AFTER] > 0)
			add_row(&table, text_of(sla_target_name((enum sla_target)target)), &targets[target]);
	add_named_rows(&table, names);
	table_write(&table, term, out);
	if (n > MOST_LINES)
		buf_add_format(out, "  … and %zu more; --json has all\n", n - MOST_LINES);
	buf_add_char(out, '\n');
	table_release(&table);
}

static void print_text(const struct trial *trial)
{
	struct term term;
	struct buf out = BUF_INIT;
	const json_t *change;
	size_t i;
	term_init(&term);
	term_count(&out, trial->n_tickets);
	buf_add_str(&out, " tickets judged again, nothing was changed; ");
	term_count(&out, trial->n_changes);
	buf_add_str(&out, " verdicts would change\n\n");
	write_table(&out, &term, "target", trial->targets, NULL);
	write_table(&out, &term, "project", NULL, trial->projects);
	write_table(&out, &term, "agent", NULL, trial->agents);
	json_array_foreach(trial->changes, i, change)
	{
		buf_add_str(&out, "  ");
		term_escape(&out, text_of(json_string_value(json_object_get(change, "ticket_id"))));
		buf_add_format(&out, "/%s/%d  %s → %s\n", json_string_value(json_object_get(change, "target")),
		               (int)json_integer_value(json_object_get(change, "n")),
		               json_string_value(json_object_get(change, "before")),
		               json_string_value(json_object_get(change, "after")));
	}
	if (trial->n_changes > MOST_CHANGES)
		buf_add_format(&out, "  … and %lld more; --json has all\n",
		               (long long)(trial->n_changes - MOST_CHANGES));
	fwrite(buf_text(&out).ptr, 1, out.len_bytes, stdout);
	buf_release(&out);
}

static void print_json(const struct trial *trial)
{
	json_t *targets = json_object();
	for (int target = 0; target < TARGET_N; target++) {
		const struct tally *tally = &trial->targets[target];
		json_object_set_new(
		        targets, sla_target_name((enum sla_target)target),
		        json_pack("{s:I, s:I, s:I, s:I}", "judged_before", (json_int_t)tally->judged[BEFORE],
		                  "met_before", (json_int_t)tally->met[BEFORE], "judged_after",
		                  (json_int_t)tally->judged[AFTER], "met_after", (json_int_t)tally->met[AFTER]));
	}
	json_print(json_pack("{s:I, s:o, s:O, s:O, s:O}", "tickets", (json_int_t)trial->n_tickets, "targets", targets,
	                     "projects", trial->projects, "agents", trial->agents, "changes", trial->changes));
}

static int run(struct trial *trial, struct pg_sync *sync, const struct policy_test_request *request)
{
	PGresult *stored = pg_sync_load_policies(sync);
	if (stored == NULL)
		return pg_sync_failed(sync);
	bool known = policy_registry_update(&trial->registry, NULL, stored);
	trial->rules[BEFORE].policies = trial->registry.snapshot->current;
	PQclear(stored);
	if (!known)
		return CLI_FAILED; /* already reported */
	int status = judge_all(trial, sync, request);
	if (status != CLI_OK)
		return status;
	if (sync->cli->json)
		print_json(trial);
	else
		print_text(trial);
	return CLI_OK;
}

static int start(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	const struct policy_test_request *request = context;
	struct trial trial = {.projects = json_object(), .agents = json_object(), .changes = json_array()};
	policy_registry_init(&trial.registry);
	trial.rules[BEFORE] = (struct fold_rules){trial.registry.snapshot->current, config->kpi.fcr_window_us};
	trial.rules[AFTER] = (struct fold_rules){request->set, config->kpi.fcr_window_us};
	trial.as_of_us = wall_clock_us();
	trial.keep_all = sync->cli->json;
	int status = run(&trial, sync, request);
	policy_registry_release(&trial.registry);
	json_decref(trial.projects);
	json_decref(trial.agents);
	json_decref(trial.changes);
	return status;
}

int policy_test(const struct cli *cli, const struct policy_test_request *request)
{
	return pg_sync_run(cli, start, request);
}
