/* What the files of statements share. */
#ifndef KPID_SIMULATION_QUERIES_H
#define KPID_SIMULATION_QUERIES_H

#include "sim.h"

struct elements { /* of an array */
	struct cell *items;
	size_t n;
};

struct elements elements_of(struct cell array);
void add_row(struct statement *s, const struct cell *cells, int n);
void set_affected(struct statement *s, size_t n);
/* NULL: there is none of that number. */
struct slot *source_by_no(int64_t source_no, const struct transaction *transaction);
/* A row of kpid.ticket as ticket_read.sql gives it. */
void add_ticket(struct statement *s, const struct cell *row);
int compare_texts(const void *a, const void *b);

/* What was set aside (parked.c). */
bool is_parked(const struct statement *s, struct cell ticket_id);
bool parked_is_due(const struct statement *s);
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
