#include "adapters/pg/lease.h"

#include <stdlib.h>

#include "adapters/pg/error_text.h"
#include "adapters/pg/rows.h"
#include "adapters/pg/stalled_sessions.h"
#include "kpid/base/clock.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"
#include "kpid/core/timestamp.h"

#define LOG_AGAIN_US (INT64_C(60) * US_PER_SECOND)

enum { LATE_S = 10 };

void lease_init(struct lease *lease, struct pg_session *session, const char *holder, const struct lease_task *task)
{
	*lease = (struct lease){.task = *task, .session = session, .holder = mem_strdup(holder), .late = BUF_INIT};
}

void lease_release(struct lease *lease)
{
	buf_release(&lease->late);
	free(lease->holder);
	lease->holder = NULL;
}

bool lease_is_held(const struct lease *lease)
{
	return lease->epoch != 0 && boot_clock_us() < lease->valid_until_us;
}

static void lose(struct lease *lease)
{
	if (lease->epoch == 0)
		return;
	lease->epoch = 0;
	log_warning("%s: another instance has taken over because this one did not renew its lease", lease->task.what);
	lease->task.lost(lease->task.context);
}

/* ---- taking and renewing ---- */

/* The row may be locked by a transaction that nobody will end. */
static void terminate_stalled(struct lease *lease)
{
	pg_terminate_stalled(lease->session);
	pg_session_sync(lease->session, NULL, NULL);
}

static void on_taken(void *context, PGresult *result)
{
	struct lease *lease = context;
	if (!pg_result_ok(result)) {
		if (pg_has_sqlstate(result, SQLSTATE_LOCK_TIMEOUT))
			terminate_stalled(lease);
		return;
	}
	if (PQntuples(result) == 0) {
		lose(lease);
		return;
	}
	int64_t epoch = pg_get_int8(result, 0, LEASE_TAKE_EPOCH);
	if (epoch != lease->epoch)
		log_debug("this instance holds the lease %s", lease->task.name);
	lease->epoch = epoch;
	lease->valid_until_us = lease->asked_us + lease_times.long_us;
}

/* ---- delays ---- */

/* Who ought to send what waits. */
static void note_late(struct lease *lease, const PGresult *result)
{
	struct text holder = pg_get_text(result, 0, OUTBOX_OLDEST_HOLDER);
	buf_clear(&lease->late);
	if (text_is_absent(holder))
		buf_add_format(&lease->late, "no instance has taken the lease %s", lease->task.name);
	else if (lease->epoch != 0)
		buf_add_format(&lease->late, "this instance holds the lease %s and could not send them",
		               lease->task.name);
	else
		buf_add_format(
		        &lease->late, "%.*s holds the lease %s (process %d of the server%s) and does not send them",
		        (int)holder.len, holder.ptr, lease->task.name, (int)pg_get_int4(result, 0, OUTBOX_OLDEST_PID),
		        pg_get_bool(result, 0, OUTBOX_OLDEST_IS_ALIVE) ? "" : ", which has ended");
}

void lease_describe_delay(const struct lease *lease, struct buf *out)
{
	if (lease->late.len_bytes > 0)
		buf_add_format(out, "; %s wait: %s", lease->task.what, lease->late.data);
}

static void on_oldest(void *context, PGresult *result)
{
	struct lease *lease = context;
	if (!pg_result_ok(result))
		return;
	lease->waits = PQntuples(result) > 0;
	bool is_late = lease->waits && pg_get_int8(result, 0, OUTBOX_OLDEST_AGE_S) > LATE_S;
	if (!is_late && lease->late_logged_us != 0)
		log_info("%s are no longer delayed", lease->task.what);
	if (!is_late) {
		lease->late_logged_us = 0;
		buf_clear(&lease->late);
		return;
	}
	note_late(lease, result);
	if (lease->late_logged_us == 0 || boot_clock_us() - lease->late_logged_us > LOG_AGAIN_US) {
		log_error("%s have waited for %lld s: %s", lease->task.what,
		          (long long)pg_get_int8(result, 0, OUTBOX_OLDEST_AGE_S), lease->late.data);
		lease->late_logged_us = boot_clock_us();
	}
}

/* ---- renewal ---- */

static void on_asked(void *context, PGresult *result)
{
	struct lease *lease = context;
	(void)result;
	lease->asking = false;
	lease->task.looked(lease->task.context);
}

int64_t lease_wait_us(const struct lease *lease, bool busy)
{
	int64_t pause_us = lease->epoch != 0 ? lease_times.renew_us : lease_times.take_us;
	if (!busy && lease->late.len_bytes == 0) /* the status must not name a delay that is over */
		pause_us = lease->epoch == 0 && lease->task.oldest_query == NULL ? lease_times.spare_us
		                                                                 : lease_times.idle_us;
	int64_t left_us = lease->asked_us == 0 ? 0 : lease->asked_us + pause_us - boot_clock_us();
	if (lease->asking)
		return pause_us;
	return left_us > 0 ? left_us : 0;
}

bool lease_look(struct lease *lease, bool busy)
{
	char epoch[8], duration[8];
	if (lease_wait_us(lease, busy) > 0)
		return false;
	struct pg_param params[LEASE_TAKE_N_PARAMS] = {
	        [LEASE_TAKE_PARAM_NAME] = pg_param_text(text_of(lease->task.name)),
	        [LEASE_TAKE_PARAM_HOLDER] = pg_param_text(text_of(lease->holder)),
	        [LEASE_TAKE_PARAM_EPOCH] = pg_param_int8(lease->epoch, epoch),
	        [LEASE_TAKE_PARAM_DURATION_US] = pg_param_int8(lease_times.long_us, duration),
	};
	lease->asking = true;
	lease->asked_us = boot_clock_us();
	/* Taking comes last in the transaction: a failure after it would roll back an epoch that is in use. */
	if (lease->task.oldest_query != NULL)
		pg_session_query(lease->session, lease->task.oldest_query, NULL, 0, on_oldest, lease);
	pg_session_query(lease->session, "queries/lease_take.sql", params, LEASE_TAKE_N_PARAMS, on_taken, lease);
	pg_session_sync(lease->session, on_asked, lease);
	return true;
}

/* ---- the fence ---- */

static void on_fenced(void *context, PGresult *result)
{
	if (pg_has_sqlstate(result, SQLSTATE_LEASE_LOST))
		lose(context);
}

void lease_fence(struct lease *lease)
{
	char epoch[8];
	struct pg_param params[LEASE_HOLD_N_PARAMS] = {
	        [LEASE_HOLD_PARAM_NAME] = pg_param_text(text_of(lease->task.name)),
	        [LEASE_HOLD_PARAM_EPOCH] = pg_param_int8(lease->epoch, epoch),
	};
	pg_session_query(lease->session, "queries/lease_hold.sql", params, LEASE_HOLD_N_PARAMS, on_fenced, lease);
}

void lease_forget(struct lease *lease)
{
	lease->epoch = 0;
	lease->asked_us = 0;
	lease->asking = false;
}
