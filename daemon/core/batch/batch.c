/* Fills a batch. Events are packed and grouped by ticket. */
#include "kpid/core/batch.h"

#include <stdlib.h>

#include "batch_event.h"
#include "kpid/base/check.h"
#include "kpid/base/hash.h"
#include "kpid/base/memory.h"
#include "kpid/core/history.h"

enum { FIRST_SLOTS = 1024, KEEP_BYTES = 1 << 20 };

void batch_init(struct batch *batch)
{
	*batch = (struct batch){.n_events = 0};
	arena_init(&batch->arena);
}

void batch_release(struct batch *batch)
{
	arena_release(&batch->arena);
	free(batch->sources);
	free(batch->dead_letters);
	free(batch->mappings);
	free(batch->skips);
	free(batch->tickets);
	free(batch->slots);
	free(batch->tally.breaches);
	free(batch->tally.removals);
	arrivals_release(&batch->arrivals);
	buf_release(&batch->packed);
	batch_init(batch);
}

void batch_clear(struct batch *batch)
{
	arena_clear(&batch->arena, KEEP_BYTES);
	if (batch->n_slots > 0)
		memset(batch->slots, 0, batch->n_slots * sizeof(struct batch_ticket *));
	batch->n_sources = batch->n_dead_letters = batch->n_tickets = batch->n_events = 0;
	batch->n_mappings = batch->n_skips = 0;
	batch->n_rejudged = 0;
	batch_tally_clear(batch);
	arrivals_clear(&batch->arrivals);
}

void batch_tally_clear(struct batch *batch)
{
	batch->tally.n_breaches = batch->tally.n_conflicts = 0;
	batch->tally.n_removals = batch->tally.n_reduced = batch->tally.n_emptied = 0;
	memset(batch->tally.n_voided, 0, sizeof(batch->tally.n_voided));
}

void batch_tally_removal(struct batch_tally *tally, int32_t source_no)
{
	size_t i = 0;
	while (i < tally->n_removals && tally->removals[i].source_no != source_no)
		i++;
	if (i == tally->n_removals) {
		tally->removals = mem_grow(tally->removals, &tally->removals_capacity, tally->n_removals + 1,
		                           sizeof(*tally->removals));
		tally->removals[tally->n_removals++] = (struct batch_removal){.source_no = source_no};
	}
	tally->removals[i].n_events++;
}

bool batch_is_empty(const struct batch *batch)
{
	return batch->n_sources == 0 && batch->n_tickets == 0;
}

size_t batch_size_bytes(const struct batch *batch)
{
	size_t tables = (batch->n_slots + batch->tickets_capacity) * sizeof(struct batch_ticket *);
	return batch->arena.total_bytes + tables + batch->dead_letters_capacity * sizeof(*batch->dead_letters) +
	       arrivals_size_bytes(&batch->arrivals);
}

struct batch_source *batch_source(struct batch *batch, int32_t source_no, int64_t begin_offset)
{
	if (batch->last_source < batch->n_sources && batch->sources[batch->last_source].source_no == source_no)
		return &batch->sources[batch->last_source];
	for (size_t i = 0; i < batch->n_sources; i++) {
		if (batch->sources[i].source_no == source_no) {
			batch->last_source = i;
			return &batch->sources[i];
		}
	}
	batch->sources =
	        mem_grow(batch->sources, &batch->sources_capacity, batch->n_sources + 1, sizeof(*batch->sources));
	struct batch_source *source = &batch->sources[batch->n_sources++];
	*source = (struct batch_source){
	        .source_no = source_no,
	        .begin_offset = begin_offset,
	        .next_offset = begin_offset,
	        .checked = {OFFSET_NONE, 0},
	        .last_event_us = TIME_NONE,
	        .watermark_us = TIME_NONE,
	        .vouched_until_us = TIME_NONE,
	        .end_seen_us = TIME_NONE,
	        .high_offset = -1,
	};
	return source;
}

int64_t batch_source_event_time_watermark(const struct batch_source *source, int64_t now_us)
{
	return source->watermark_us > now_us ? now_us : source->watermark_us;
}

static void grow_slots(struct batch *batch)
{
	size_t n_slots = batch->n_slots == 0 ? FIRST_SLOTS : batch->n_slots * 4;
	struct batch_ticket **slots = mem_zalloc(n_slots * sizeof(struct batch_ticket *));
	for (size_t i = 0; i < batch->n_tickets; i++) {
		struct batch_ticket *ticket = batch->tickets[i];
		ticket->next_in_slot = slots[ticket->hash & (n_slots - 1)];
		slots[ticket->hash & (n_slots - 1)] = ticket;
	}
	free(batch->slots);
	batch->slots = slots;
	batch->n_slots = n_slots;
}

static struct batch_ticket *find(const struct batch *batch, struct text ticket_id, uint64_t hash)
{
	struct batch_ticket *ticket = batch->n_slots == 0 ? NULL : batch->slots[hash & (batch->n_slots - 1)];
	while (ticket != NULL && !(ticket->hash == hash && text_same(ticket->ticket_id, ticket_id)))
		ticket = ticket->next_in_slot;
	return ticket;
}

struct batch_ticket *batch_find_ticket(const struct batch *batch, struct text ticket_id)
{
	return find(batch, ticket_id, hash_text(ticket_id));
}

static struct batch_ticket *ticket_of(struct batch *batch, struct text ticket_id)
{
	uint64_t hash = hash_text(ticket_id);
	struct batch_ticket *ticket = find(batch, ticket_id, hash);
	if (ticket != NULL)
		return ticket;
	if (batch->n_tickets >= batch->n_slots)
		grow_slots(batch);
	struct batch_ticket **slot = &batch->slots[hash & (batch->n_slots - 1)];
	ticket = arena_alloc(&batch->arena, sizeof(*ticket));
	*ticket = (struct batch_ticket){
	        .ticket_id = arena_text(&batch->arena, ticket_id),
	        .next_in_slot = *slot,
	        .hash = hash,
	};
	*slot = ticket;
	batch->tickets =
	        mem_grow(batch->tickets, &batch->tickets_capacity, batch->n_tickets + 1, sizeof(*batch->tickets));
	batch->tickets[batch->n_tickets++] = ticket;
	return ticket;
}

void batch_add_event(struct batch *batch, const struct ticket_event *event)
{
	buf_clear(&batch->packed);
	history_pack(&event, 1, &batch->packed);
	batch_add_packed(batch, event->ticket_id, event->source_no, buf_text(&batch->packed));
}

void batch_add_packed(struct batch *batch, struct text ticket_id, int32_t source_no, struct text packed)
{
	struct batch_event *item = arena_alloc(&batch->arena, sizeof(*item) + packed.len);
	item->next = NULL;
	item->source_no = source_no;
	item->len_bytes = packed.len;
	memcpy(item->packed, packed.ptr, packed.len);
	struct batch_ticket *ticket = ticket_of(batch, ticket_id);
	if (ticket->last == NULL)
		ticket->first = item;
	else
		ticket->last->next = item;
	ticket->last = item;
	batch->n_events++;
}

const struct batch_event *batch_next_event(const struct batch_ticket *ticket, const struct batch_event *at,
                                           int32_t *source_no_out, struct text *packed_out)
{
	const struct batch_event *next = at == NULL ? ticket->first : at->next;
	if (next != NULL) {
		*source_no_out = next->source_no;
		*packed_out = (struct text){next->packed, next->len_bytes};
	}
	return next;
}

void batch_add_ticket(struct batch *batch, struct text ticket_id)
{
	ticket_of(batch, ticket_id);
}

void batch_add_unknown_type(struct batch *batch, struct batch_source *source, struct text type)
{
	source->n_unknown_type++;
	if (text_is_absent(source->unknown_type))
		source->unknown_type = arena_text(&batch->arena, type);
}

void batch_add_dead_letter(struct batch *batch, const struct batch_dead_letter *dead_letter)
{
	batch->dead_letters = mem_grow(batch->dead_letters, &batch->dead_letters_capacity, batch->n_dead_letters + 1,
	                               sizeof(*batch->dead_letters));
	struct batch_dead_letter *copy = &batch->dead_letters[batch->n_dead_letters++];
	*copy = *dead_letter;
	copy->topic = arena_text(&batch->arena, dead_letter->topic);
	copy->detail =
	        arena_text(&batch->arena, (struct text){dead_letter->detail, (uint32_t)strlen(dead_letter->detail) + 1})
	                .ptr;
	copy->value = arena_text(&batch->arena, dead_letter->value);
	struct wire_header *headers = arena_alloc(&batch->arena, dead_letter->n_headers * sizeof(*headers));
	for (size_t i = 0; i < dead_letter->n_headers; i++) {
		headers[i].name = arena_text(&batch->arena, dead_letter->headers[i].name);
		headers[i].value = arena_text(&batch->arena, dead_letter->headers[i].value);
	}
	copy->headers = headers;
	copy->mapping = arena_text(&batch->arena, dead_letter->mapping);
	copy->mapping_version = arena_text(&batch->arena, dead_letter->mapping_version);
}

void batch_add_mapping(struct batch *batch, const struct batch_mapping *use)
{
	for (size_t i = 0; i < batch->n_mappings; i++) {
		struct batch_mapping *known = &batch->mappings[i];
		if (known->source_no != use->source_no || !text_same(known->mapping, use->mapping) ||
		    !text_same(known->version, use->version))
			continue;
		known->n_records += use->n_records;
		known->n_events += use->n_events;
		known->n_skipped += use->n_skipped;
		known->n_tombstones += use->n_tombstones;
		known->n_rejected += use->n_rejected;
		known->n_failed_in_row = use->n_failed_in_row;
		return;
	}
	batch->mappings =
	        mem_grow(batch->mappings, &batch->mappings_capacity, batch->n_mappings + 1, sizeof(*batch->mappings));
	struct batch_mapping *copy = &batch->mappings[batch->n_mappings++];
	*copy = *use;
	copy->mapping = arena_text(&batch->arena, use->mapping);
	copy->version = arena_text(&batch->arena, use->version);
}

void batch_add_skip(struct batch *batch, int32_t source_no, struct text mapping, struct text reason)
{
	for (size_t i = 0; i < batch->n_skips; i++) {
		struct batch_skip *known = &batch->skips[i];
		if (known->source_no == source_no && text_same(known->reason, reason) &&
		    text_same(known->mapping, mapping)) {
			known->n++;
			return;
		}
	}
	batch->skips = mem_grow(batch->skips, &batch->skips_capacity, batch->n_skips + 1, sizeof(*batch->skips));
	batch->skips[batch->n_skips++] = (struct batch_skip){source_no, arena_text(&batch->arena, mapping),
	                                                     arena_text(&batch->arena, reason), 1};
}

static void drop_mappings(struct batch *batch, int32_t source_no)
{
	size_t kept = 0;
	for (size_t i = 0; i < batch->n_mappings; i++)
		if (batch->mappings[i].source_no != source_no)
			batch->mappings[kept++] = batch->mappings[i];
	batch->n_mappings = kept;
	kept = 0;
	for (size_t i = 0; i < batch->n_skips; i++)
		if (batch->skips[i].source_no != source_no)
			batch->skips[kept++] = batch->skips[i];
	batch->n_skips = kept;
}

static void drop_events(struct batch *batch, struct batch_ticket *ticket, int32_t source_no)
{
	struct batch_event **link = &ticket->first;
	ticket->last = NULL;
	while (*link != NULL) {
		if ((*link)->source_no == source_no) {
			*link = (*link)->next;
			batch->n_events--;
		} else {
			ticket->last = *link;
			link = &(*link)->next;
		}
	}
}

void batch_drop_source(struct batch *batch, int32_t source_no)
{
	size_t kept = 0;
	for (size_t i = 0; i < batch->n_sources; i++)
		if (batch->sources[i].source_no != source_no)
			batch->sources[kept++] = batch->sources[i];
	if (kept == batch->n_sources)
		return;
	batch->n_sources = kept;

	kept = 0;
	for (size_t i = 0; i < batch->n_dead_letters; i++)
		if (batch->dead_letters[i].source_no != source_no)
			batch->dead_letters[kept++] = batch->dead_letters[i];
	batch->n_dead_letters = kept;
	drop_mappings(batch, source_no);
	arrivals_drop_source(&batch->arrivals, source_no);

	/* A ticket that loses all its events stays. It is judged again, which changes only what is due. */
	for (size_t i = 0; i < batch->n_tickets; i++)
		drop_events(batch, batch->tickets[i], source_no);
}

static int compare_tickets(const void *a, const void *b)
{
	const struct batch_ticket *x = *(struct batch_ticket *const *)a, *y = *(struct batch_ticket *const *)b;
	return text_compare(x->ticket_id, y->ticket_id);
}

void batch_seal(struct batch *batch)
{
	if (batch->n_tickets > 1)
		qsort(batch->tickets, batch->n_tickets, sizeof(struct batch_ticket *), compare_tickets);
	/* Rows are locked in this order, each once. */
	for (size_t i = 1; i < batch->n_tickets; i++)
		KPID_CHECK(text_compare(batch->tickets[i - 1]->ticket_id, batch->tickets[i]->ticket_id) < 0);
}
