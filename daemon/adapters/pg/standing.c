#include "adapters/pg/standing.h"

#include "kpid/base/log.h"

static void on_ended(void *context, PGresult *result)
{
	(void)context;
	if (!pg_result_ok(result))
		log_warning("ending transactions that stand still: %s", PQresultErrorMessage(result));
	else if (PQntuples(result) > 0)
		log_warning("%d transactions of instances that stand still were ended", PQntuples(result));
}

void pg_end_standing(struct pg_session *session)
{
	pg_session_query(session, "queries/standing_end.sql", NULL, 0, on_ended, NULL);
}
