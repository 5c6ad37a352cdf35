#include "adapters/pg/stalled_sessions.h"

#include "adapters/pg/rows.h"
#include "kpid/base/clock.h"
#include "kpid/base/hash.h"
#include "kpid/base/log.h"
#include "kpid/core/timestamp.h"

#define LOG_AGAIN_US (INT64_C(60) * US_PER_SECOND)

/* Each session is logged once a minute: several callers may wait for the same ones, every few seconds. */
static bool was_logged(struct text who)
{
	enum { N_LOGGED = 16 };
	static struct {
		uint64_t hash;
		int64_t at_us;
	} logged[N_LOGGED];
	int64_t now_us = monotonic_clock_us();
	uint64_t hash = hash_text(who);
	int place = (int)(hash % N_LOGGED);
	if (logged[place].hash == hash && now_us - logged[place].at_us < LOG_AGAIN_US)
		return true;
	logged[place].hash = hash;
	logged[place].at_us = now_us;
	return false;
}

static void on_rows(void *context, PGresult *result)
{
	(void)context;
	if (!pg_result_ok(result))
		return;
	for (int row = 0; row < PQntuples(result); row++) {
		struct text who = pg_get_text(result, row, TERMINATE_STALLED_WHO);
		if (pg_get_bool(result, row, TERMINATE_STALLED_ENDED))
			log_warning("terminated the session of a stalled instance: %.*s", (int)who.len, who.ptr);
		else if (!was_logged(who))
			log_warning("%.*s holds rows that others wait for; end its transaction", (int)who.len, who.ptr);
	}
}

void pg_terminate_stalled(struct pg_session *session)
{
	pg_session_query(session, "queries/terminate_stalled.sql", NULL, 0, on_rows, NULL);
}
