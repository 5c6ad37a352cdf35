/* kpid verify: prints the findings, as text or JSON. */
#include <stdio.h>
#include <string.h>

#include "cli/json_out.h"
#include "cli/table.h"
#include "cli/verify.h"

static struct text text_in(const json_t *object, const char *name)
{
	return text_of(json_string_value(json_object_get(object, name)));
}

static void add_value(struct table *table, struct text value, const char *absent)
{
	table_text(table, text_is_absent(value) ? TERM_DIM : TERM_PLAIN,
	           text_is_absent(value) ? text_of(absent) : value);
}

static void write_differences(const struct verify *verify, const struct term *term, struct buf *out)
{
	static const struct table_column columns[] = {{"table", false, false},
	                                              {"key", false, true},
	                                              {"column", false, false},
	                                              {"stored", false, true},
	                                              {"expected", false, true}};
	struct table table;
	const json_t *difference;
	size_t i;
	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	json_array_foreach(verify->differences, i, difference)
	{
		struct text column = text_in(difference, "column");
		const char *absent = text_is_absent(column) ? "no row" : "NULL";
		table_text(&table, TERM_PLAIN, text_in(difference, "table"));
		table_text(&table, TERM_PLAIN, text_in(difference, "key"));
		add_value(&table, column, "the row");
		add_value(&table, text_in(difference, "stored"), absent);
		add_value(&table, text_in(difference, "expected"), absent);
	}
	table_write(&table, term, out);
	table_release(&table);
	if (verify->n_differences > (int64_t)json_array_size(verify->differences))
		buf_add_format(out, "  … and %lld more; --json has all\n",
		               (long long)(verify->n_differences - (int64_t)json_array_size(verify->differences)));
}

static bool is_whole(const struct verify *verify)
{
	return verify->request->ticket_id == NULL && verify->request->sample == 0;
}

static void print_text(const struct verify *verify, bool repaired)
{
	struct term term;
	struct buf out = BUF_INIT;
	term_init(&term);
	if (verify->n_differences > 0)
		write_differences(verify, &term, &out);
	term_count(&out, verify->n_tickets);
	buf_add_str(&out, verify->n_tickets == 1 ? " ticket" : " tickets");
	if (is_whole(verify)) {
		buf_add_str(&out, ", ");
		term_count(&out, verify->n_sums);
		buf_add_str(&out, " 5-minute sums and ");
		term_count(&out, verify->n_agents);
		buf_add_str(&out, " backlogs");
	}
	buf_add_str(&out, " recalculated from the histories: ");
	if (verify->n_differences == 0) {
		buf_add_str(&out, "all stored rows are equal\n");
	} else {
		term_count(&out, verify->n_differences);
		buf_add_str(&out, verify->n_differences == 1 ? " difference" : " differences");
		buf_add_str(&out, repaired ? ", repaired; report.repair has the record\n" : "\n");
	}
	if (!is_whole(verify))
		buf_add_str(&out, "Sums and backlogs depend on all tickets and were not checked.\n");
	else if (verify->n_broken + verify->n_lost > 0)
		buf_add_str(&out,
		            "The sums depend on all histories, so they were not checked and nothing can be repaired.\n"
		            "Restore these rows of kpid.ticket from a backup first.\n");
	if (verify->ledger_differs)
		buf_add_str(&out,
		            "The ledger does not agree with the daily figures, or sums of the board do not agree "
		            "with the ledger. If the daily figures are right, run `kpid appraisal refresh --all`.\n");
	if (verify->n_set_aside > 0)
		buf_add_format(
		        &out,
		        "%lld tickets are set aside with %lld events that are not applied yet: see report.parked and "
		        "`kpid doctor`.\n",
		        (long long)verify->n_set_aside, (long long)verify->n_waiting);
	fwrite(buf_text(&out).ptr, 1, out.len_bytes, stdout);
	buf_release(&out);
}

void verify_print(const struct verify *verify, bool repaired)
{
	if (!verify->sync->cli->json) {
		print_text(verify, repaired);
		return;
	}
	json_print(json_pack("{s:I, s:I, s:I, s:b, s:I, s:I, s:I, s:O}", "tickets", (json_int_t)verify->n_tickets,
	                     "sums", (json_int_t)verify->n_sums, "backlogs", (json_int_t)verify->n_agents, "repaired",
	                     repaired, "set_aside", (json_int_t)verify->n_set_aside, "events_set_aside",
	                     (json_int_t)verify->n_waiting, "n_differences", (json_int_t)verify->n_differences,
	                     "differences", verify->differences));
}
