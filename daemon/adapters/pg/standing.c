#include "adapters/pg/standing.h"

#include "adapters/pg/rows.h"
#include "kpid/base/hash.h"
#include "kpid/base/log.h"
#include "kpid/core/timestamp.h"

#include <time.h>

#define SAY_AGAIN_S 60

/* Several sessions may wait for the same ones, every few seconds: each is named once a minute. */
static bool was_said(struct text who)
{
	enum { N_SAID = 16 };
	static struct {
		uint64_t hash;
		time_t at;
	} said[N_SAID];
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	uint64_t hash = hash_text(who);
	int place = (int)(hash % N_SAID);
	if (said[place].hash == hash && now.tv_sec - said[place].at < SAY_AGAIN_S)
		return true;
	said[place].hash = hash;
	said[place].at = now.tv_sec;
	return false;
}

static void on_rows(void *context, PGresult *result)
{
	(void)context;
	if (!pg_result_ok(result))
		return;
	for (int row = 0; row < PQntuples(result); row++) {
		struct text who = pg_get_text(result, row, 0);
		if (pg_get_bool(result, row, 1))
			log_warning("ended the transaction of an instance that does not go on: %.*s", (int)who.len,
			            who.ptr);
		else if (!was_said(who))
			log_warning("others wait for rows that are held by %.*s; end its transaction", (int)who.len,
			            who.ptr);
	}
}

void pg_end_standing(struct pg_session *session)
{
	pg_session_query(session, "queries/standing_end.sql", NULL, 0, on_rows, NULL);
}
