/* The metrics that come from the database. They are read every 15 s at most, on a connection of their own that is
 * opened for that, and only while somebody asks for them: a scrape never waits for PostgreSQL, and the other sessions
 * never wait for these queries. */
#ifndef KPID_APP_METRICS_DATABASE_H
#define KPID_APP_METRICS_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/pg/session.h"
#include "kpid/core/policy.h"

enum metrics_clock_state { CLOCK_PENDING, CLOCK_AT_RISK, CLOCK_BREACHED, CLOCK_PAUSED, CLOCK_N_STATES };

struct clock_counts {
	int64_t n[TARGET_N][CLOCK_N_STATES];
};

struct project_clocks {
	char *project;
	struct clock_counts clocks;
};

struct database_values {
	int64_t read_us; /* by PostgreSQL's clock; TIME_NONE: never, and nothing else is set */
	struct clock_counts clocks;
	struct project_clocks *projects; /* all that were asked for */
	size_t n_projects;
	int64_t n_outbox, outbox_oldest_us, n_unrouted, unrouted_oldest_us, n_gaps, n_refused, n_waiting;
};

struct metrics_database;

/* config: of the connection. */
struct metrics_database *metrics_database_new(struct event_base *base, const struct kpid_config *config);
void metrics_database_free(struct metrics_database *database); /* NULL is allowed */
/* Starts to read, if the last values are too old. config: in force, for its projects. Does nothing while reading. */
void metrics_database_refresh(struct metrics_database *database, const struct kpid_config *config);
const struct database_values *metrics_database_values(const struct metrics_database *database);

#endif
