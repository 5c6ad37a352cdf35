/* Shared by the files that implement statements. */
#ifndef KPID_SIMULATION_QUERIES_H
#define KPID_SIMULATION_QUERIES_H

#include "sim.h"

struct elements { /* of an array */
	struct cell *items;
	size_t n;
};

struct rows {
	struct cell **items;
	size_t n;
};

#define NOW cell_time(sim_now_us())

struct elements elements_of(struct cell array);
void add_row(struct statement *s, const struct cell *cells, int n);
void set_affected(struct statement *s, size_t n);
/* NULL: no revision of that number. */
struct slot *source_by_no(int64_t source_no, const struct transaction *transaction);
/* A row of kpid.ticket as ticket_read.sql returns it. */
void add_ticket(struct statement *s, const struct cell *row);
int compare_texts(const void *a, const void *b);

/* queries.c */
struct rows rows_of(struct cell array, enum store_table table);
bool lock_keys(struct statement *s, enum store_table table, const struct rows *rows);

/* queries_sources.c */
bool source_claim(struct statement *s);
bool source_introduce(struct statement *s);
bool offset_lock(struct statement *s);
struct cell cell_sum(struct cell a, struct cell b);
bool offset_move(struct statement *s);
bool source_observed(struct statement *s);
bool source_verify(struct statement *s);
bool source_release(struct statement *s);
bool source_begin(struct statement *s);
bool source_stop(struct statement *s);
bool terminate_stalled(struct statement *s);
bool batch_elsewhere(struct statement *s);
/* Partitions at their expected offsets, in the order of source_no; locked, as they are then. The first parameters are
 * those of offset_lock.sql. */
struct rows lock_sources(struct statement *s, bool skip_locked, size_t **which_out, bool *waits_out);
struct cell greatest(struct cell a, struct cell b);
struct cell not_ahead(struct cell stored, struct cell shown);

/* heartbeats.c */
bool heartbeat_start(struct statement *s);
bool heartbeat_beat(struct statement *s);
bool heartbeat_leave(struct statement *s);
bool heartbeat_check(struct statement *s);
/* Locks the heartbeat that the source names. Returns false if the statement waits for it. */
bool heartbeat_share(struct statement *s, const struct cell *source);
bool deadline_wake(struct statement *s);
bool unowned_partitions(struct statement *s);

/* queries_tickets.c */
bool tick(struct statement *s);
bool deadlines_due(struct statement *s);
bool deadlines_next(struct statement *s);
bool ticket_read(struct statement *s);
bool ticket_read_locked(struct statement *s);
bool ticket_write(struct statement *s);
bool ticket_update(struct statement *s);
bool cycle_put(struct statement *s);
bool clock_put(struct statement *s);
bool cycle_delete(struct statement *s);
bool clock_delete(struct statement *s);
bool alert_put(struct statement *s);
bool alert_void(struct statement *s);

/* Parked tickets (parked.c). */
bool is_parked(const struct statement *s, struct cell ticket_id);
struct cell parked_next_at(const struct statement *s); /* NULL: none is parked */
bool parked_is_unsettled(const struct statement *s);
bool parked_among(struct statement *s);
bool parked_put(struct statement *s);
bool parked_due(struct statement *s);
bool parked_lock(struct statement *s);
bool parked_take(struct statement *s);
bool parked_end(struct statement *s);
bool parked_later(struct statement *s);
bool parked_count(struct statement *s);
bool parked_counted(struct statement *s);
bool ticket_read_skip(struct statement *s);

#endif
