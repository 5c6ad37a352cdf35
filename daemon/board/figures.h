/* The sums of the day, kept per 5 minutes: compliance of the last hour, of today and of the same hour a week ago, and
 * the lines of the day. The database is asked for a few buckets at a time, so that no query has to sum a whole day. */
#ifndef KPID_BOARD_FIGURES_H
#define KPID_BOARD_FIGURES_H

#include <stdbool.h>
#include <stdint.h>

#include "kpid/base/buf.h"
#include "kpid/core/policy.h"
#include "kpid/core/timestamp.h"

enum {
	FIGURES_HOUR = 12,               /* buckets of an hour */
	FIGURES_STEP = 3,                /* buckets of a step of the lines */
	FIGURES_MAX = 26 * FIGURES_HOUR, /* a day of at most 25 hours, and the hour before it */
	FIGURES_MAX_STEPS = 25 * FIGURES_HOUR / FIGURES_STEP
};

struct figures_sums {
	int64_t within[TARGET_N], measured[TARGET_N];
};

struct figures {
	int64_t midnight_us; /* the begin of today in the report's zone; TIME_NONE: not known yet */
	int64_t first_us;    /* of buckets */
	struct figures_sums buckets[FIGURES_MAX];
	bool is_known[FIGURES_MAX];
	struct figures_sums week_ago[2 * FIGURES_HOUR]; /* ring: by the number of the bucket */
	int64_t week_ago_us[2 * FIGURES_HOUR];          /* which bucket it has; TIME_NONE: none */
	int64_t backlog[FIGURES_MAX_STEPS];             /* the last one seen in each step; -1: none */
	int64_t stored[FIGURES_MAX_STEPS];              /* at the end of each step, by the ledger; -1: not known */
	int64_t stored_until_us;                        /* stored has the steps that end until then; TIME_NONE: none */
	bool asks_previous;                             /* the newest range was the bucket before the running one */
	int64_t n_looked;                               /* buckets of this round of looks */
	int64_t n_per_look;                             /* buckets per question, by what the last ones cost */
};

/* Buckets to ask for: from <= time < until. */
struct figures_range {
	int64_t from_us, until_us;
};

void figures_init(struct figures *figures);
/* Call before the ranges are asked for: begins a new day if midnight has changed. */
void figures_set_day(struct figures *figures, int64_t midnight_us);
/* The running bucket, or the one before it: in turn, the running one first. */
struct figures_range figures_newest(struct figures *figures, int64_t now_us);
/* The next buckets of the day or of the week before: all of them in turn, because late events change old ones. */
struct figures_range figures_next_look(struct figures *figures, int64_t now_us);
/* How long the last look took: decides how many buckets the next one has. */
void figures_took(struct figures *figures, int64_t took_us);
/* Replaces the buckets of a range: begin, then put each that has anything. */
void figures_begin(struct figures *figures, struct figures_range range);
void figures_put(struct figures *figures, int64_t bucket_us, const struct figures_sums *sums);
/* What is open now. */
void figures_put_backlog(struct figures *figures, int64_t now_us, int64_t backlog);
/* Replaces what the ledger knows: begin, then add what was open at the instants at which that changed, in their order.
 */
void figures_begin_backlog(struct figures *figures, int64_t known_until_us);
void figures_add_backlog(struct figures *figures, int64_t from_us, int64_t backlog);

/* The parts "compliance" and "day" of a state, as JSON. */
void figures_write_compliance(const struct figures *figures, int64_t now_us, struct buf *out);
void figures_write_day(const struct figures *figures, int64_t now_us, struct buf *out);

#endif
