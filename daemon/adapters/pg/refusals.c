#include "adapters/pg/refusals.h"

#include <inttypes.h>
#include <string.h>

#include "adapters/pg/words.h"
#include "kpid/base/log.h"
#include "kpid/base/sqlstate.h"

#define SECOND_US INT64_C(1000000)

/* The last place is for what does not fit any more. */
static struct lasting *fault_of(struct refusals *refusals, const char *statement)
{
	for (size_t i = 0; i < refusals->n; i++)
		if (refusals->items[i].statement == statement || strcmp(refusals->items[i].statement, statement) == 0)
			return &refusals->items[i].fault;
	size_t place = refusals->n < REFUSALS_MOST ? refusals->n++ : REFUSALS_MOST - 1;
	refusals->items[place].statement = statement;
	return &refusals->items[place].fault;
}

static void say(enum sql_fault fault, const char *session, const char *statement, const struct buf *why)
{
	const char *words = buf_text(why).ptr;
	/* Of these one may come at any time, and passes. */
	if (fault == SQL_TRANSIENT)
		log_warning("PostgreSQL (%s) refused %s: %s", session, statement, words);
	else
		log_error("PostgreSQL (%s) refuses %s: %s", session, statement, words);
}

void refusals_add(struct refusals *refusals, const char *session, const char *role, const char *statement,
                  const PGresult *result, int64_t now_us)
{
	const char *sqlstate = pg_sqlstate_of(result);
	enum sql_fault kind = sql_fault_of(sqlstate);
	struct lasting *fault = fault_of(refusals, statement);
	struct buf why = BUF_INIT;
	refusals->n_lasting += fault->n == 0;
	enum lasting_verdict verdict = lasting_comes(fault, (unsigned)kind, now_us);
	if (verdict == LASTING_QUIET)
		return;
	pg_add_refusal(&why, result);
	pg_add_remedy(&why, sqlstate, role);
	if (verdict == LASTING_STILL)
		buf_add_format(&why, "; %" PRIu64 " times in %" PRId64 " s", fault->n,
		               (now_us - fault->since_us) / SECOND_US);
	say(kind, session, statement, &why);
	buf_release(&why);
}

void refusals_end(struct refusals *refusals, const char *session, const char *statement, int64_t now_us)
{
	struct lasting was;
	if (refusals->n_lasting == 0)
		return;
	for (size_t i = 0; i < refusals->n; i++) {
		struct lasting *fault = &refusals->items[i].fault;
		if (fault->n == 0 || strcmp(refusals->items[i].statement, statement) != 0)
			continue;
		if (lasting_works(fault, now_us, &was))
			log_info("PostgreSQL (%s) takes %s again, after %" PRIu64 " refusals in %" PRId64 " s", session,
			         statement, was.n, (was.last_us - was.since_us) / SECOND_US);
		refusals->n_lasting -= fault->n == 0;
		return;
	}
}
