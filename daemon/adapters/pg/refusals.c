#include "adapters/pg/refusals.h"

#include <inttypes.h>
#include <string.h>

#include "adapters/pg/error_text.h"
#include "kpid/base/log.h"
#include "kpid/base/sqlstate.h"
#include "kpid/core/timestamp.h"

/* The last item is shared by all statements that do not fit. */
static struct log_throttle *fault_of(struct refusals *refusals, const char *statement)
{
	for (size_t i = 0; i < refusals->n; i++)
		if (refusals->items[i].statement == statement || strcmp(refusals->items[i].statement, statement) == 0)
			return &refusals->items[i].fault;
	size_t place = refusals->n < REFUSALS_MOST ? refusals->n++ : REFUSALS_MOST - 1;
	refusals->items[place].statement = statement;
	return &refusals->items[place].fault;
}

static void log_refusal(enum sql_error fault, const char *session, const char *statement, const struct buf *why)
{
	const char *words = buf_text(why).ptr;
	/* These happen now and then, and pass. */
	if (fault == SQL_TRANSIENT)
		log_warning("PostgreSQL (%s) refused %s: %s", session, statement, words);
	else
		log_error("PostgreSQL (%s) refuses %s: %s", session, statement, words);
}

void refusals_add(struct refusals *refusals, const char *session, const char *remedy, const char *statement,
                  const PGresult *result, int64_t now_us)
{
	const char *sqlstate = pg_sqlstate_of(result);
	enum sql_error kind = sql_error_of(sqlstate);
	struct log_throttle *fault = fault_of(refusals, statement);
	struct buf why = BUF_INIT;
	refusals->n_lasting += fault->n == 0;
	enum log_throttle_verdict verdict = log_throttle_failed(fault, (unsigned)kind, now_us);
	if (verdict == LOG_THROTTLE_QUIET)
		return;
	pg_add_refusal(&why, result);
	buf_add_str(&why, remedy);
	if (verdict == LOG_THROTTLE_REMINDER)
		buf_add_format(&why, "; %" PRIu64 " times in %" PRId64 " s", fault->n,
		               (now_us - fault->since_us) / US_PER_SECOND);
	log_refusal(kind, session, statement, &why);
	buf_release(&why);
}

void refusals_end(struct refusals *refusals, const char *session, const char *statement, int64_t now_us)
{
	struct log_throttle was;
	if (refusals->n_lasting == 0)
		return;
	for (size_t i = 0; i < refusals->n; i++) {
		struct log_throttle *fault = &refusals->items[i].fault;
		if (fault->n == 0 || strcmp(refusals->items[i].statement, statement) != 0)
			continue;
		if (log_throttle_worked(fault, now_us, &was))
			log_info("PostgreSQL (%s) accepts %s again, after %" PRIu64 " refusals in %" PRId64 " s",
			         session, statement, was.n, (was.last_us - was.since_us) / US_PER_SECOND);
		refusals->n_lasting -= fault->n == 0;
		return;
	}
}
