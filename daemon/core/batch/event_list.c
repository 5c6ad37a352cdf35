#include "event_list.h"

#include <stdlib.h>

#include "kpid/base/hash.h"
#include "kpid/core/history.h"

int event_list_unpack(struct event_list *list, struct text history, struct text ticket_id, size_t n_new)
{
	struct ticket_event *events = NULL;
	size_t n = 0;
	int result = text_is_absent(history) ? 0 : history_unpack(history, ticket_id, list->arena, &events, &n);
	if (result != 0)
		return result;
	list->capacity = n + n_new;
	list->items = arena_alloc(list->arena, list->capacity * sizeof(*list->items));
	for (size_t i = 0; i < n; i++)
		list->items[i] = &events[i];
	list->n = list->n_stored = n;
	list->stored = list->items;
	return 0;
}

/* ---- by identity ---- */

static size_t slot_of(const struct event_list *list, const struct ticket_event *event)
{
	uint64_t hash = hash_mix(hash_text(event->id) ^ hash_mix(hash_text(event->source)));
	return (size_t)hash & (list->n_slots - 1);
}

static void slots_put(struct event_list *list, size_t at)
{
	size_t slot = slot_of(list, list->items[at]);
	while (list->slots[slot] != 0)
		slot = (slot + 1) & (list->n_slots - 1);
	list->slots[slot] = (uint32_t)at + 1;
}

/* A walk over all events for each new one is the quickest as long as they are few. */
void event_list_prepare(struct event_list *list)
{
	enum { FEW = 32 };
	if (list->capacity <= FEW)
		return;
	list->n_slots = FEW;
	while (list->n_slots < list->capacity * 2)
		list->n_slots *= 2;
	list->slots = arena_zalloc(list->arena, list->n_slots * sizeof(*list->slots));
	for (size_t i = 0; i < list->n; i++)
		slots_put(list, i);
}

/* The event of the same identity, or where in the slots it would be. */
static bool list_find(const struct event_list *list, const struct ticket_event *event, size_t *at_out,
                      uint32_t **slot_out)
{
	*slot_out = NULL;
	if (list->slots == NULL) {
		for (size_t i = 0; i < list->n; i++) {
			*at_out = i;
			if (list->items[i] != NULL && ticket_event_same_identity(list->items[i], event))
				return true;
		}
		return false;
	}
	for (size_t slot = slot_of(list, event);; slot = (slot + 1) & (list->n_slots - 1)) {
		*slot_out = &list->slots[slot];
		if (list->slots[slot] == 0)
			return false;
		*at_out = list->slots[slot] - 1;
		if (ticket_event_same_identity(list->items[*at_out], event))
			return true;
	}
}

static size_t list_n_events(const struct event_list *list)
{
	return list->n - list->n_replaced;
}

static void list_append(struct event_list *list, const struct ticket_event *event, uint32_t *slot)
{
	list->items[list->n++] = event;
	if (slot != NULL)
		*slot = (uint32_t)list->n;
	list->changed = true;
}

static void list_replace(struct event_list *list, size_t at, const struct ticket_event *event, uint32_t *slot)
{
	list->changed = true;
	if (at >= list->n_stored) {
		list->items[at] = event;
		return;
	}
	if (list->n_replaced++ == 0)
		list->stored = memcpy(arena_alloc(list->arena, list->n_stored * sizeof(*list->stored)), list->items,
		                      list->n_stored * sizeof(*list->stored));
	list->items[at] = NULL;
	list_append(list, event, slot);
}

static int compare_events(const void *a, const void *b)
{
	return ticket_event_order(*(const struct ticket_event *const *)a, *(const struct ticket_event *const *)b);
}

/* All events in the order of F1, in an array of their own: that of the history stays, but for what is gone. */
void event_list_sort(struct event_list *list)
{
	size_t n_new = list->n - list->n_stored, n = 0, i = 0, j = list->n_stored;
	if (n_new > 1)
		qsort(list->items + j, n_new, sizeof(struct ticket_event *), compare_events);
	const struct ticket_event **sorted = arena_alloc(list->arena, list->n * sizeof(*sorted));
	while (i < list->n_stored || j < list->n) {
		if (i < list->n_stored && list->items[i] == NULL)
			i++;
		else if (j == list->n || (i < list->n_stored && compare_events(&list->items[i], &list->items[j]) < 0))
			sorted[n++] = list->items[i++];
		else
			sorted[n++] = list->items[j++];
	}
	list->items = sorted;
	list->n = n;
}

static struct text canonical_of(const struct ticket_event *event, struct arena *arena)
{
	struct buf buf = BUF_INIT;
	ticket_event_canonical(event, &buf);
	struct text canonical = arena_text(arena, buf_text(&buf));
	buf_release(&buf);
	return canonical;
}

/* RULES E2: of different contents under one identity the smallest stays, the others are put aside. */
enum added event_list_add(struct event_list *list, const struct ticket_event *event, const struct batch_sink *sink)
{
	size_t at;
	uint32_t *slot;
	if (!list_find(list, event, &at, &slot)) {
		if (list->max_events != 0 && list_n_events(list) >= list->max_events)
			return TOO_MANY;
		list_append(list, event, slot);
		return ADDED;
	}
	if (ticket_event_same_content(list->items[at], event))
		return DUPLICATE;
	struct text theirs = canonical_of(list->items[at], list->arena), ours = canonical_of(event, list->arena);
	struct conflict_letter letter = {event, ours};
	if (text_compare(ours, theirs) < 0) {
		letter = (struct conflict_letter){list->items[at], theirs};
		list_replace(list, at, event, slot);
	}
	sink->conflict(sink->context, &letter);
	return ADDED;
}
