/* The events of a ticket while a batch adds new ones (RULES E2, E5). */
#ifndef KPID_CORE_BATCH_EVENT_LIST_H
#define KPID_CORE_BATCH_EVENT_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/core/batch.h"

/* The events of a ticket: those of its history in the order of F1, then new ones in the order of arrival, until
 * event_list_sort() joins them. */
struct event_list {
	struct arena *arena;
	const struct ticket_event **items;  /* NULL: another content of its identity counts */
	const struct ticket_event **stored; /* those of the history, as it was */
	size_t n, n_stored, n_replaced, capacity;
	uint32_t *slots; /* by identity, index + 1; NULL: so few that each is looked at */
	size_t n_slots;
	size_t max_events; /* 0: no limit */
	bool changed;
};

enum added { ADDED, DUPLICATE, TOO_MANY };

/* The events of a stored history (absent: there is none), in their order, and room for n_new more. arena and max_events
 * are set, the rest is zero. As history_unpack(). */
int event_list_unpack(struct event_list *list, struct text history, struct text ticket_id, size_t n_new);
/* Before the first is added. */
void event_list_prepare(struct event_list *list);
/* Of different contents under one identity the smallest stays; the others go to the sink. */
enum added event_list_add(struct event_list *list, const struct ticket_event *event, const struct batch_sink *sink);
/* Brings all events into the order of F1; nothing may be added after. stored stays as it is. */
void event_list_sort(struct event_list *list);

#endif
