#include "event_set.h"

#include <errno.h>
#include <stdlib.h>

#include "kpid/base/check.h"

enum { FEW = 16 }; /* new events that are compared one by one */

static size_t count_new(const struct batch_event *first)
{
	size_t n = 0;
	for (const struct batch_event *item = first; item != NULL; item = item->next)
		n++;
	return n;
}

static void init_slots(struct event_set *set)
{
	set->n_slots = 2 * FEW;
	while (set->n_slots < set->n_new * 2)
		set->n_slots *= 2;
	set->slots = arena_zalloc(set->arena, set->n_slots * sizeof(*set->slots));
}

void event_set_init(struct event_set *set, struct arena *arena, struct text ticket_id, struct text history,
                    const struct batch_event *first, size_t max_events)
{
	size_t n_new = count_new(first);
	set->arena = arena;
	set->ticket_id = ticket_id;
	set->history = history;
	set->max_events = max_events;
	set->new_events = arena_alloc(arena, n_new * sizeof(*set->new_events));
	set->n_new = n_new;
	set->to_index = first;
	set->slots = NULL;
	set->accepted = NULL;
	set->replaced = NULL;
	set->n_stored = set->n_indexed = set->n_decided = set->n_slots = 0;
	set->n_events = set->n_replaced = set->n_accepted = 0;
	set->changed = false;
	set->removed_source = TEXT_ABSENT;
	set->tally = NULL;
	set->removed_capacity = 0;
	if (n_new > FEW)
		init_slots(set);
	history_stream_begin(&set->stored, history, ticket_id);
}

/* ---- by identity ---- */

/* The only event of a history of one. */
static int read_alone(struct history_reader *reader, struct text packed, struct text ticket_id,
                      struct ticket_event *event_out)
{
	history_read_begin(reader, packed, ticket_id);
	return history_read(reader, event_out);
}

static int read_item(const struct event_set *set, const struct batch_event *item, struct history_reader *reader,
                     struct ticket_event *event_out)
{
	struct text packed = {item->packed, item->len_bytes};
	return read_alone(reader, packed, set->ticket_id, event_out);
}

static int read_new(const struct event_set *set, size_t i, struct history_reader *reader,
                    struct ticket_event *event_out)
{
	return read_item(set, set->new_events[i].item, reader, event_out);
}

static bool has_identity(const struct event_set *set, size_t i, const struct ticket_event *event, uint64_t hash)
{
	struct history_reader reader;
	struct ticket_event other;
	return set->new_events[i].identity_hash == hash && read_new(set, i, &reader, &other) > 0 &&
	       ticket_event_same_identity(&other, event);
}

/* The first new event of an identity; NO_EVENT: none was indexed. *slot_out: where the table has it, or would. */
static size_t find_first(const struct event_set *set, const struct ticket_event *event, uint64_t hash,
                         uint32_t **slot_out)
{
	*slot_out = NULL;
	for (size_t i = 0; set->slots == NULL && i < set->n_indexed; i++)
		if (set->new_events[i].first == i && has_identity(set, i, event, hash))
			return i;
	if (set->slots == NULL)
		return NO_EVENT;
	for (size_t slot = (size_t)hash & (set->n_slots - 1);; slot = (slot + 1) & (set->n_slots - 1)) {
		*slot_out = &set->slots[slot];
		if (set->slots[slot] == 0)
			return NO_EVENT;
		if (has_identity(set, set->slots[slot] - 1, event, hash))
			return set->slots[slot] - 1;
	}
}

int event_set_index(struct event_set *set, size_t *n_steps)
{
	struct history_reader reader;
	struct ticket_event event;
	for (; set->to_index != NULL && *n_steps > 0; set->to_index = set->to_index->next, --*n_steps) {
		size_t i = set->n_indexed;
		if (read_item(set, set->to_index, &reader, &event) <= 0)
			return -EBADMSG;
		uint64_t hash = ticket_event_identity_hash(&event);
		uint32_t *slot;
		size_t first = find_first(set, &event, hash, &slot);
		set->new_events[i] = (struct new_event){
		        .item = set->to_index,
		        .occurred_us = event.occurred_us,
		        .type = event.type,
		        .identity_hash = hash,
		        .first = first == NO_EVENT ? i : first,
		        .winner = NO_EVENT,
		        .stored_index = NO_EVENT,
		};
		if (slot != NULL && first == NO_EVENT)
			*slot = (uint32_t)i + 1;
		set->n_indexed++;
	}
	return set->to_index != NULL;
}

/* The event of the history that is stored under the identity of a new one. */
static void note_stored(struct event_set *set, const struct ticket_event *event)
{
	uint32_t *slot;
	size_t first = find_first(set, event, ticket_event_identity_hash(event), &slot);
	if (first == NO_EVENT || set->new_events[first].stored_index != NO_EVENT)
		return;
	struct buf packed = BUF_INIT;
	history_pack(&event, 1, &packed);
	set->new_events[first].stored = arena_text(set->arena, buf_text(&packed));
	set->new_events[first].stored_index = set->n_stored;
	buf_release(&packed);
}

void event_set_remove(struct event_set *set, struct text source, struct batch_tally *tally)
{
	KPID_CHECK(set->n_new == 0);
	set->removed_source = source;
	set->tally = tally;
}

/* The i-th stored event does not count. */
static void remove_stored(struct event_set *set, size_t i, const struct ticket_event *event)
{
	if (set->n_replaced == set->removed_capacity) {
		size_t capacity = set->removed_capacity == 0 ? FEW : 2 * set->removed_capacity;
		size_t *larger = arena_alloc(set->arena, capacity * sizeof(*larger));
		for (size_t k = 0; k < set->n_replaced; k++)
			larger[k] = set->replaced[k];
		set->replaced = larger;
		set->removed_capacity = capacity;
	}
	set->replaced[set->n_replaced++] = i;
	set->changed = true;
	batch_tally_removal(set->tally, event->source_no);
}

int event_set_scan(struct event_set *set, struct step_plan *plan, size_t *n_steps)
{
	for (; *n_steps > 0; set->n_stored++, --*n_steps) {
		const struct ticket_event *event = event_stream_next(&set->stored.stream);
		if (event == NULL) {
			set->n_events = set->n_stored - set->n_replaced;
			return set->stored.result;
		}
		step_plan_add(plan, event);
		if (set->n_new > 0)
			note_stored(set, event);
		else if (!text_is_absent(set->removed_source) && source_is_within(event->source, set->removed_source))
			remove_stored(set, set->n_stored, event);
	}
	return 1;
}

/* ---- adding ---- */

bool event_set_is_decided(const struct event_set *set)
{
	return set->n_decided == set->n_new;
}

/* The event that counts so far under the identity of a new one. False: there is none. */
static bool read_current(const struct event_set *set, const struct new_event *first, struct history_reader *reader,
                         struct ticket_event *event_out)
{
	if (first->winner != NO_EVENT)
		return read_new(set, first->winner, reader, event_out) > 0;
	return first->stored_index != NO_EVENT && read_alone(reader, first->stored, set->ticket_id, event_out) > 0;
}

static void set_winner(struct event_set *set, struct new_event *first, size_t i)
{
	first->winner = i;
	set->changed = true;
	if (first->stored_index != NO_EVENT && !first->stored_is_replaced) {
		first->stored_is_replaced = true;
		set->n_replaced++;
	}
}

/* E2: of different contents under one identity the smallest counts; the others become dead letters. */
static void settle_conflict(struct event_set *set, struct new_event *first, size_t i,
                            const struct ticket_event *current, const struct ticket_event *event,
                            const struct batch_sink *sink)
{
	struct buf theirs = BUF_INIT, ours = BUF_INIT;
	ticket_event_canonical(current, &theirs);
	ticket_event_canonical(event, &ours);
	struct conflict_letter letter = {event, buf_text(&ours)};
	if (text_compare(buf_text(&ours), buf_text(&theirs)) < 0) {
		letter = (struct conflict_letter){current, buf_text(&theirs)};
		set_winner(set, first, i);
	}
	sink->conflict(sink->context, &letter);
	buf_release(&theirs);
	buf_release(&ours);
}

int32_t event_set_next_source(const struct event_set *set)
{
	return set->new_events[set->n_decided].item->source_no;
}

enum added event_set_add(struct event_set *set, const struct batch_sink *sink)
{
	size_t i = set->n_decided++;
	struct new_event *first = &set->new_events[set->new_events[i].first];
	struct history_reader reader, current_reader;
	struct ticket_event event, current;
	if (read_current(set, first, &current_reader, &current)) {
		read_new(set, i, &reader, &event);
		if (ticket_event_same_content(&current, &event))
			return DUPLICATE;
		settle_conflict(set, first, i, &current, &event, sink);
		return ADDED;
	}
	if (set->max_events != 0 && set->n_events >= set->max_events) {
		read_new(set, i, &reader, &event);
		sink->too_many(sink->context, &event);
		return TOO_MANY;
	}
	set_winner(set, first, i);
	set->n_events++;
	return ADDED;
}

/* ---- in the order of F1 ---- */

static int compare_new(const void *a, const void *b, void *context)
{
	const struct event_set *set = context;
	const struct new_event *x = *(const struct new_event *const *)a, *y = *(const struct new_event *const *)b;
	if (x->occurred_us != y->occurred_us)
		return x->occurred_us < y->occurred_us ? -1 : 1;
	struct history_reader reader_x, reader_y;
	struct ticket_event event_x, event_y;
	read_new(set, (size_t)(x - set->new_events), &reader_x, &event_x);
	read_new(set, (size_t)(y - set->new_events), &reader_y, &event_y);
	return ticket_event_order(&event_x, &event_y);
}

static int compare_indexes(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	return (x > y) - (x < y);
}

void event_set_sort(struct event_set *set)
{
	if (!set->changed || set->n_new == 0)
		return;
	set->accepted = arena_alloc(set->arena, set->n_new * sizeof(struct new_event *));
	set->replaced = arena_alloc(set->arena, set->n_replaced * sizeof(*set->replaced));
	size_t n_replaced = 0;
	for (size_t i = 0; i < set->n_new; i++) {
		const struct new_event *first = &set->new_events[i];
		if (first->first != i)
			continue;
		if (first->winner != NO_EVENT)
			set->accepted[set->n_accepted++] = &set->new_events[first->winner];
		if (first->stored_is_replaced)
			set->replaced[n_replaced++] = first->stored_index;
	}
	if (set->n_accepted > 1)
		qsort_r(set->accepted, set->n_accepted, sizeof(struct new_event *), compare_new, set);
	if (n_replaced > 1)
		qsort(set->replaced, n_replaced, sizeof(*set->replaced), compare_indexes);
}

/* The next stored event that counts. */
static const struct ticket_event *read_stored(struct event_set_stream *stream)
{
	const struct event_set *set = stream->set;
	const struct ticket_event *event;
	while ((event = event_stream_next(&stream->stored.stream)) != NULL) {
		size_t i = stream->n_stored_read++;
		if (stream->n_replaced_passed == set->n_replaced || set->replaced[stream->n_replaced_passed] != i)
			break;
		stream->n_replaced_passed++;
	}
	return event;
}

const struct ticket_event *event_set_read_accepted(struct event_set_stream *stream, size_t i)
{
	const struct event_set *set = stream->set;
	read_new(set, (size_t)(set->accepted[i] - set->new_events), &stream->reader, &stream->next_new);
	return &stream->next_new;
}

static const struct ticket_event *next_of_set(struct event_stream *base)
{
	struct event_set_stream *stream = (struct event_set_stream *)base;
	bool more_new = stream->n_accepted_read < stream->set->n_accepted;
	if (!stream->has_next_stored) {
		stream->next_stored = read_stored(stream);
		stream->has_next_stored = true;
	}
	if (more_new && !stream->has_next_new) {
		event_set_read_accepted(stream, stream->n_accepted_read);
		stream->has_next_new = true;
	}
	const struct ticket_event *event = stream->next_stored;
	if (more_new && (event == NULL || ticket_event_order(event, &stream->next_new) >= 0)) {
		event = &stream->next_new;
		stream->has_next_new = false;
		stream->n_accepted_read++;
	} else if (event != NULL) {
		stream->has_next_stored = false;
	}
	return event;
}

void event_set_stream_begin(struct event_set_stream *stream, const struct event_set *set)
{
	stream->stream.next = next_of_set;
	stream->set = set;
	stream->n_stored_read = stream->n_replaced_passed = stream->n_accepted_read = 0;
	stream->has_next_stored = stream->has_next_new = false;
	history_stream_begin(&stream->stored, set->history, set->ticket_id);
}
