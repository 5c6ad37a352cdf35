/* A few events of two tickets, in any order and batches, with duplicates, and judged in between at any time: the
 * final rows are the same. */
#include "desk.h"
#include "fuzz.h"
#include "rows.h"

enum { MAX_EVENTS = 14, BYTES_PER_EVENT = 7, END_MINUTES = 4000 };

static struct policy_set *policies;

struct events {
	struct ticket_event items[MAX_EVENTS];
	char ids[MAX_EVENTS][4];
	size_t n;
};

/* Sometimes the identity of the previous event, mostly with other content. Among equal contents the first arrival
 * is kept, with its offset, so those have the same. */
static void read_events(struct fuzz_input *input, struct events *events)
{
	for (events->n = 0; events->n < MAX_EVENTS && input->end - input->at >= BYTES_PER_EVENT; events->n++) {
		size_t i = events->n;
		uint8_t which = fuzz_byte(input);
		bool again = i > 0 && which % 11 == 0;
		snprintf(events->ids[i], sizeof(events->ids[i]), "%zu", i % 100);
		struct ticket_event *event = &events->items[i];
		int64_t minutes = (int64_t)(fuzz_number(input, 2) % 3000);
		*event = desk_event(which % 2 == 0 ? TEXT("T1") : TEXT("T2"), text_of(events->ids[i]), minutes,
		                    (uint32_t)fuzz_number(input, 4));
		event->source_no = 1;
		event->source_offset = (int64_t)i;
		if (again) {
			event->id = events->items[i - 1].id;
			event->ticket_id = events->items[i - 1].ticket_id;
		}
		for (size_t j = 0; j < i; j++)
			if (text_equal(event->ticket_id, events->items[j].ticket_id) &&
			    ticket_event_same_identity(event, &events->items[j]) &&
			    ticket_event_same_content(event, &events->items[j]))
				event->source_offset = events->items[j].source_offset;
	}
}

static void add(struct batch *batch, const struct ticket_event *event)
{
	batch_source(batch, event->source_no, 0);
	batch_add_event(batch, event);
}

static void judge_at_the_end(struct rows *rows, struct batch *batch)
{
	batch_source(batch, 1, 0);
	batch_add_ticket(batch, TEXT("T1"));
	batch_add_ticket(batch, TEXT("T2"));
	rows_commit(rows, batch, DESK_T0_US + END_MINUTES * 60 * US_PER_SECOND);
}

static void all_at_once(struct rows *rows, const struct events *events)
{
	struct batch batch;
	batch_init(&batch);
	rows_init(rows, policies);
	for (size_t i = 0; i < events->n; i++)
		add(&batch, &events->items[i]);
	rows_commit(rows, &batch, TIME_NONE);
	judge_at_the_end(rows, &batch);
	batch_release(&batch);
}

static uint32_t next(uint32_t *chance)
{
	*chance = *chance * 1664525 + 1013904223;
	return *chance >> 8;
}

static void in_pieces(struct rows *rows, const struct events *events, uint32_t chance)
{
	struct batch batch;
	bool taken[MAX_EVENTS] = {false};
	int64_t as_of_us = TIME_NONE;
	batch_init(&batch);
	rows_init(rows, policies);
	for (size_t n_taken = 0; n_taken < events->n;) {
		size_t i = next(&chance) % events->n; /* possibly an accepted one: a duplicate */
		n_taken += !taken[i];
		taken[i] = true;
		add(&batch, &events->items[i]);
		if (next(&chance) % 4 == 0) {
			int64_t later_us = DESK_T0_US + next(&chance) % END_MINUTES * 60 * US_PER_SECOND;
			as_of_us = later_us > as_of_us ? later_us : as_of_us;
		}
		if (next(&chance) % 3 == 0)
			rows_commit(rows, &batch, as_of_us);
		if (next(&chance) % 8 == 0)
			batch_add_ticket(&batch, TEXT("T1"));
	}
	rows_commit(rows, &batch, as_of_us);
	judge_at_the_end(rows, &batch);
	batch_release(&batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct fuzz_input input = {data, data + n_bytes};
	struct events events;
	struct rows expected, actual;
	struct buf expected_text = BUF_INIT, actual_text = BUF_INIT;
	if (policies == NULL)
		policies = desk_policies();
	uint32_t chance = (uint32_t)fuzz_number(&input, 4);
	read_events(&input, &events);
	all_at_once(&expected, &events);
	rows_print(&expected, &expected_text);
	for (uint32_t i = 0; i < 4; i++) {
		in_pieces(&actual, &events, chance + i);
		buf_clear(&actual_text);
		rows_print(&actual, &actual_text);
		if (!text_equal(buf_text(&expected_text), buf_text(&actual_text)))
			fprintf(stderr, "at once:\n%s\nin pieces:\n%s\n", buf_text(&expected_text).ptr,
			        buf_text(&actual_text).ptr);
		CHECK(text_equal(buf_text(&expected_text), buf_text(&actual_text)));
		CHECK(text_same(rows_history(&expected, TEXT("T1")), rows_history(&actual, TEXT("T1"))));
		CHECK(text_same(rows_history(&expected, TEXT("T2")), rows_history(&actual, TEXT("T2"))));
		rows_release(&actual);
	}
	rows_release(&expected);
	buf_release(&expected_text);
	buf_release(&actual_text);
	return 0;
}
