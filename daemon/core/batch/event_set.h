/* The events of a ticket: those of its stored history, and the new ones of a batch (rules E2, E5).
 *
 * A ticket may have 100,000 events. They stay packed; each pass decodes one after the other into the same struct.
 * In order: event_set_init(); event_set_index() and event_set_scan() until done; event_set_add() for each new event;
 * event_set_sort(). Then the streams may be read, each any number of times. */
#ifndef KPID_CORE_BATCH_EVENT_SET_H
#define KPID_CORE_BATCH_EVENT_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../ticket/event_stream.h"
#include "../ticket/steps.h"
#include "batch_event.h"
#include "kpid/core/batch.h"

/* A new event. The fields from `winner` on belong to its identity, and are kept with the first new event of it. */
struct new_event {
	const struct batch_event *item;
	int64_t occurred_us;
	enum event_type type;
	uint64_t identity_hash;
	size_t first;            /* index of the first new event of the same identity */
	size_t winner;           /* index of the new event whose content counts; NO_EVENT: none */
	size_t stored_index;     /* of the event of this identity in the stored history; NO_EVENT: none */
	struct text stored;      /* that event, packed alone */
	bool stored_is_replaced; /* the content of a new event counts instead */
};

#define NO_EVENT SIZE_MAX

struct event_set {
	struct arena *arena;
	struct text ticket_id, history; /* absent: nothing is stored */
	size_t max_events;              /* 0: no limit */
	struct history_stream stored;   /* while scanning */
	size_t n_stored;                /* scanned so far; afterwards, all */
	struct new_event *new_events;   /* in order of arrival */
	size_t n_new, n_indexed, n_decided;
	const struct batch_event *to_index;
	uint32_t *slots; /* identity hash -> index + 1 of its first new event; NULL: there are so few that all are
	                    compared */
	size_t n_slots;
	size_t n_events; /* that count: stored ones and accepted new ones */
	size_t n_replaced;
	struct text removed_source; /* see event_set_remove(); absent: nothing is removed */
	struct batch_tally *tally;
	size_t removed_capacity;
	bool changed;
	/* after event_set_sort() */
	const struct new_event **accepted; /* in the order of F1 */
	size_t n_accepted;
	size_t *replaced; /* stored events that do not count, ascending; removed ones already after event_set_scan() */
};

enum added { ADDED, DUPLICATE, TOO_MANY };

/* first: of the new events, in order of arrival; NULL: none. max_events: see struct batch_rules. */
void event_set_init(struct event_set *set, struct arena *arena, struct text ticket_id, struct text history,
                    const struct batch_event *first, size_t max_events);
/* Call after event_set_init(), for a set without new events: the stored events that come from within the source do not
 * count. The tally notes them. */
void event_set_remove(struct event_set *set, struct text source, struct batch_tally *tally);
/* Decodes the new events. Subtracts their number from *n_steps, until that is 0.
 * Returns 1: there are more; 0: done; -EBADMSG: a new event is broken. */
int event_set_index(struct event_set *set, size_t *n_steps);
/* Likewise for the stored events, and adds all of them to the plan. -EBADMSG: the history is broken. */
int event_set_scan(struct event_set *set, struct step_plan *plan, size_t *n_steps);
bool event_set_is_decided(const struct event_set *set);
/* The source of the next new event. */
int32_t event_set_next_source(const struct event_set *set);
/* Decides whether the next new event counts. Of different contents under one identity the smallest counts; the others
 * go to the sink, and so does an event beyond the limit. */
enum added event_set_add(struct event_set *set, const struct batch_sink *sink);
/* After the last event_set_add(). */
void event_set_sort(struct event_set *set);

/* Events in the order of F1, as an event_stream. */
struct event_set_stream {
	struct event_stream stream;
	const struct event_set *set;
	struct history_stream stored;
	const struct ticket_event *next_stored; /* NULL: there are no more */
	size_t n_stored_read, n_replaced_passed, n_accepted_read;
	struct history_reader reader; /* of new events */
	struct ticket_event next_new;
	bool has_next_stored, has_next_new;
};

/* All events that count. */
void event_set_stream_begin(struct event_set_stream *stream, const struct event_set *set);
/* The i-th of the accepted events (i < n_accepted), valid until the next call. Not for a stream that is being read. */
const struct ticket_event *event_set_read_accepted(struct event_set_stream *stream, size_t i);

#endif
