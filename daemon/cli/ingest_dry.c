#include "cli/ingest_dry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/dry_verdicts.h"
#include "cli/term.h"
#include "cli/word_count.h"
#include "kpid/base/clock.h"
#include "kpid/core/dead_letter.h"

enum { SHOWN_BYTES = 100, SHOWN_WORDS = 20 };

struct dry {
	const struct cli *cli;
	struct buf out;
	int64_t line_no;
	int64_t first_us, last_us;
	struct word_count types, tickets, opened, agents, projects, skips, faults, unknown;
	struct dry_verdicts *verdicts; /* NULL: without a policy file */
};

static void print(struct dry *dry)
{
	fwrite(buf_text(&dry->out).ptr, 1, dry->out.len_bytes, stdout);
	buf_clear(&dry->out);
}

/* ---- records ---- */

static void on_event(void *context, const struct ticket_event *event)
{
	struct dry *dry = context;
	buf_add_str(&dry->out, dry->cli->json ? "" : "  ");
	ticket_event_as_cloudevent(event, &dry->out);
	buf_add_char(&dry->out, '\n');
	word_count_add(&dry->types, text_of(event_type_name(event->type)), 1);
	word_count_add(&dry->tickets, event->ticket_id, 1);
	if (event->type == EVENT_OPENED || event->times[EVENT_OPENED_AT] != TIME_NONE)
		word_count_add(&dry->opened, event->ticket_id, 1);
	if (!text_is_empty(event->texts[EVENT_AGENT_ID]))
		word_count_add(&dry->agents, event->texts[EVENT_AGENT_ID], 1);
	if (!text_is_empty(event->texts[EVENT_PROJECT_ID]))
		word_count_add(&dry->projects, event->texts[EVENT_PROJECT_ID], 1);
	if (dry->first_us == TIME_NONE || event->occurred_us < dry->first_us)
		dry->first_us = event->occurred_us;
	if (event->occurred_us > dry->last_us)
		dry->last_us = event->occurred_us;
	if (dry->verdicts != NULL)
		dry_verdicts_add(dry->verdicts, event);
}

static void note(struct dry *dry, const char *what, const char *why)
{
	if (dry->cli->json)
		return;
	buf_add_format(&dry->out, "  %s", what);
	if (why != NULL) {
		buf_add_str(&dry->out, ": ");
		term_escape(&dry->out, text_of(why));
	}
	buf_add_char(&dry->out, '\n');
}

static void on_passed(void *context, const char *reason)
{
	struct dry *dry = context;
	note(dry, reason == NULL ? "passed over: empty or null" : "skipped", reason);
	if (reason != NULL)
		word_count_add(&dry->skips, text_of(reason), 1);
}

/* A fault by word() names the word: `x.lua:3: what: "gone" is not in the table` is counted as `what: "gone"`. */
static bool add_unknown_word(struct word_count *unknown, const char *detail)
{
	static const char ending[] = " is not in the table";
	size_t len = strlen(detail), n_ending = sizeof(ending) - 1;
	const char *place = strstr(detail, ": ");
	if (len < n_ending || strcmp(detail + len - n_ending, ending) != 0 || place == NULL)
		return false;
	struct text word = {place + 2, (uint32_t)(detail + len - n_ending - (place + 2))};
	word_count_add(unknown, word, 1);
	return true;
}

static void on_rejected(void *context, struct text record, enum dead_letter_reason reason, const char *detail)
{
	struct dry *dry = context;
	char text[MAPPING_DETAIL_BYTES + 64];
	(void)record;
	note(dry, dead_letter_reason_name(reason), detail);
	/* The same fault of many records is one. */
	const char *what = detail;
	if (strncmp(what, "line ", 5) == 0)
		what += 5 + strspn(what + 5, "0123456789: ");
	if (dry->cli->json)
		fprintf(stderr, "line %" PRId64 ": %s: %s\n", dry->line_no, dead_letter_reason_name(reason), what);
	snprintf(text, sizeof(text), "%s: %s", dead_letter_reason_name(reason), what);
	if (reason != DEAD_MAP_ERROR || !add_unknown_word(&dry->unknown, what))
		word_count_add(&dry->faults, text_of(text), 1);
}

static void show_record(void *context, int64_t line_no, struct text line)
{
	struct dry *dry = context;
	dry->line_no = line_no;
	if (dry->cli->json)
		return;
	buf_add_format(&dry->out, "line %" PRId64 ": ", dry->line_no);
	term_escape(&dry->out, text_cut(line, SHOWN_BYTES));
	buf_add_str(&dry->out, line.len > SHOWN_BYTES ? " ...\n" : "\n");
}

static void end_record(void *context)
{
	print(context);
}

/* ---- the summary ---- */

static void add_words(struct buf *out, const char *title, const struct word_count *count)
{
	if (count->n == 0)
		return;
	struct word **words = word_count_sorted(count);
	buf_add_format(out, "%s:\n", title);
	for (size_t i = 0; words[i] != NULL && i < SHOWN_WORDS; i++) {
		buf_add_format(out, "  %8" PRId64 "  ", words[i]->n);
		term_escape(out, words[i]->text);
		buf_add_char(out, '\n');
	}
	if (count->n > SHOWN_WORDS)
		buf_add_format(out, "            and %zu more\n", count->n - SHOWN_WORDS);
	free(words);
}

static void summarize(struct dry *dry, const struct intake_counts *counts)
{
	struct buf *out = &dry->out;
	buf_add_format(out,
	               "\n%" PRId64 " records: %" PRId64 " gave %" PRId64 " events, %" PRId64 " skipped, %" PRId64
	               " empty, %" PRId64 " rejected\n",
	               counts->n_records, counts->n_mapped, counts->n_events, counts->n_skipped, counts->n_tombstones,
	               counts->n_rejected);
	if (counts->n_events > 0) {
		buf_add_format(out, "%zu tickets, from ", dry->tickets.n);
		term_time(out, dry->first_us);
		buf_add_str(out, " to ");
		term_time(out, dry->last_us);
		buf_add_str(out, " UTC\n");
	}
	if (dry->tickets.n > dry->opened.n)
		buf_add_format(out, "%zu tickets without an opening: their clocks never start\n",
		               dry->tickets.n - dry->opened.n);
	if (counts->tally.n_moved > 0 || counts->tally.n_twice > 0)
		buf_add_format(out,
		               "%" PRId64 " local times do not exist (moved forward), %" PRId64
		               " exist twice (the first counts)\n",
		               counts->tally.n_moved, counts->tally.n_twice);
	add_words(out, "events", &dry->types);
	add_words(out, "unknown words", &dry->unknown);
	add_words(out, "rejected", &dry->faults);
	add_words(out, "skipped", &dry->skips);
	add_words(out, "agents", &dry->agents);
	add_words(out, "projects", &dry->projects);
	if (dry->verdicts != NULL)
		dry_verdicts_write(dry->verdicts, wall_clock_us(), out);
}

int ingest_dry(const struct cli *cli, const char *path, const struct file_records *records,
               struct dry_verdicts *verdicts)
{
	struct dry dry = {.cli = cli, .first_us = TIME_NONE, .last_us = INT64_MIN, .verdicts = verdicts};
	struct word_count *const counts[] = {&dry.types,    &dry.tickets, &dry.opened, &dry.agents,
	                                     &dry.projects, &dry.skips,   &dry.faults, &dry.unknown};
	const struct records_sink sink = {
	        .begin = show_record, .end = end_record, .intake = {on_event, on_passed, on_rejected, &dry}};
	bool good = records_read(path, records, &sink);
	if (good && !cli->json)
		summarize(&dry, &records->intake->counts);
	print(&dry);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		word_count_release(counts[i]);
	buf_release(&dry.out);
	return good ? CLI_OK : CLI_FAILED;
}
