#include "app/ledger_forget.h"

#include <inttypes.h>

#include "adapters/pg/rows.h"
#include "kpid/base/clock.h"
#include "kpid/base/log.h"
#include "sql/queries.h"

#define EVERY_US INT64_C(3600000000)

bool ledger_forget_is_due(const struct ledger_forget *forget)
{
	return forget->keep_months > 0 &&
	       (forget->looked_us == 0 || monotonic_clock_us() - forget->looked_us >= EVERY_US);
}

static void on_answer(void *context, PGresult *result)
{
	const struct ledger_forget *forget = context;
	int n = pg_result_ok(result) ? (int)pg_get_int4(result, 0, LEDGER_FORGET_N_FORGOTTEN) : 0;
	if (n > 0)
		log_info("%d agents are forgotten in appraisals, because their last period ended more than %" PRId64
		         " months ago (appraisal.keep)",
		         n, forget->keep_months);
}

void ledger_forget_send(struct ledger_forget *forget, struct pg_session *session)
{
	char months[4];
	const struct pg_param param = pg_param_int4((int32_t)forget->keep_months, months);
	forget->looked_us = monotonic_clock_us();
	pg_session_query(session, "queries/ledger_forget.sql", &param, 1, on_answer, forget);
}
