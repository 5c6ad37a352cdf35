/* Asks PostgreSQL one question after the other on one read-only session, which reconnects by itself. */
#ifndef KPID_BOARD_ASKER_H
#define KPID_BOARD_ASKER_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/pg/rows.h"
#include "adapters/pg/session.h"

struct asker;
struct event_base;

/* rows: NULL if the question was not answered: refused, timed out, or the connection was lost. took_us: from sending it
 * to the answer. */
typedef void asker_fn(void *context, PGresult *rows, int64_t took_us);

/* name: for the log. timeout_ms: of each question. calls: its questions may call functions that change something. */
struct asker *asker_new(struct event_base *base, const struct config_pairs *conninfo, const char *name, int timeout_ms,
                        bool calls);
/* Within a callback without rows: the SQLSTATE of the refusal; "": the connection was lost, or there is none. */
const char *asker_refusal(const struct asker *asker);
/* Calls no more callbacks. */
void asker_free(struct asker *asker);
void asker_start(struct asker *asker);
bool asker_is_ready(const struct asker *asker);
struct asker_counts {
	uint64_t n_answered, n_failed; /* since the start */
};
struct asker_counts asker_counts(const struct asker *asker);
/* Questions that wait or are being answered. */
size_t asker_n_waiting(const struct asker *asker);
/* Asks; the parameters are in their text form and copied, NULL is SQL NULL. While the database is away, fn gets NULL
 * from the event loop's next turn or earlier. file: as for pg_session_query(). */
void asker_ask(struct asker *asker, const char *file, const char *const *params, int n_params, asker_fn *fn,
               void *context);

#endif
