#include "adapters/pg/lease.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adapters/pg/rows.h"
#include "adapters/pg/standing.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"
#include "kpid/core/timestamp.h"

#define SAY_AGAIN_US (INT64_C(60) * US_PER_SECOND)

int64_t lease_now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

void lease_init(struct lease *lease, struct pg_session *session, const char *holder, const struct lease_task *task)
{
	*lease = (struct lease){.task = *task, .session = session, .holder = mem_strdup(holder)};
}

void lease_release(struct lease *lease)
{
	free(lease->holder);
	lease->holder = NULL;
}

bool lease_is_held(const struct lease *lease)
{
	return lease->epoch != 0 && lease_now_us() < lease->valid_until_us;
}

static void lose(struct lease *lease)
{
	if (lease->epoch == 0)
		return;
	lease->epoch = 0;
	log_warning("%s: another instance has taken over, as this one had not renewed its lease", lease->task.what);
	lease->task.lost(lease->task.context);
}

/* ---- taking and renewing ---- */

/* Whoever holds the row in a transaction that nobody will end. */
static void end_standing(struct lease *lease)
{
	pg_end_standing(lease->session);
	pg_session_sync(lease->session, NULL, NULL);
}

static void on_taken(void *context, PGresult *result)
{
	struct lease *lease = context;
	if (!pg_result_ok(result)) {
		const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
		if (sqlstate != NULL && strcmp(sqlstate, SQLSTATE_LOCK_TIMEOUT) == 0)
			end_standing(lease);
		return;
	}
	if (PQntuples(result) == 0) {
		lose(lease);
		return;
	}
	int64_t epoch = pg_get_int8(result, 0, 0);
	if (epoch != lease->epoch)
		log_debug("this instance holds the lease %s", lease->task.name);
	lease->epoch = epoch;
	lease->valid_until_us = lease->asked_us + lease_times.long_us;
}

/* ---- what waits ---- */

static void say_late(struct lease *lease, const PGresult *result)
{
	long long age_s = (long long)pg_get_int8(result, 0, 0);
	struct text holder = pg_get_text(result, 0, 1);
	if (text_is_absent(holder))
		log_error("%s have waited for %lld s: no instance has taken the lease %s", lease->task.what, age_s,
		          lease->task.name);
	else if (lease->epoch != 0)
		log_error("%s have waited for %lld s: this instance holds the lease %s and could not send them",
		          lease->task.what, age_s, lease->task.name);
	else
		log_error(
		        "%s have waited for %lld s: %.*s holds the lease %s (process %d of the server%s) and does not "
		        "send them",
		        lease->task.what, age_s, (int)holder.len, holder.ptr, lease->task.name,
		        (int)pg_get_int4(result, 0, 2), pg_get_bool(result, 0, 3) ? "" : ", which has ended");
}

static void on_late(void *context, PGresult *result)
{
	struct lease *lease = context;
	if (!pg_result_ok(result))
		return;
	bool waits = PQntuples(result) > 0;
	if (!waits && lease->said_us != 0)
		log_info("%s do not wait any more", lease->task.what);
	if (!waits) {
		lease->said_us = 0;
	} else if (lease->said_us == 0 || lease_now_us() - lease->said_us > SAY_AGAIN_US) {
		say_late(lease, result);
		lease->said_us = lease_now_us();
	}
}

/* ---- regularly ---- */

static void on_asked(void *context, PGresult *result)
{
	(void)result;
	((struct lease *)context)->asking = false;
}

void lease_look(struct lease *lease)
{
	char epoch[8], duration[8];
	int64_t pause_us = lease->epoch != 0 ? lease_times.renew_us : lease_times.take_us;
	if (lease->asking || (lease->asked_us != 0 && lease_now_us() - lease->asked_us < pause_us))
		return;
	struct pg_param params[] = {pg_param_text(text_of(lease->task.name)), pg_param_text(text_of(lease->holder)),
	                            pg_param_int8(lease->epoch, epoch), pg_param_int8(lease_times.long_us, duration)};
	lease->asking = true;
	lease->asked_us = lease_now_us();
	/* In a transaction of its own: what fails after it must not take back an epoch that is used already. */
	pg_session_query(lease->session, "queries/lease_take.sql", params, 4, on_taken, lease);
	pg_session_sync(lease->session, NULL, NULL);
	pg_session_query(lease->session, lease->task.late_query, NULL, 0, on_late, lease);
	pg_session_sync(lease->session, on_asked, lease);
}

/* ---- the fence ---- */

static void on_fenced(void *context, PGresult *result)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	if (sqlstate != NULL && strcmp(sqlstate, SQLSTATE_LEASE_LOST) == 0)
		lose(context);
}

void lease_fence(struct lease *lease)
{
	char epoch[8];
	struct pg_param params[] = {pg_param_text(text_of(lease->task.name)), pg_param_int8(lease->epoch, epoch)};
	pg_session_query(lease->session, "queries/lease_hold.sql", params, 2, on_fenced, lease);
}

void lease_forget(struct lease *lease)
{
	lease->epoch = 0;
	lease->asked_us = 0;
	lease->asking = false;
}
