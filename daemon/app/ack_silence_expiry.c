#include "app/ack_silence_expiry.h"

#include <event2/event.h>

#include "adapters/pg/rows.h"
#include "adapters/timer.h"
#include "kpid/base/clock.h"
#include "kpid/core/timestamp.h"

/* There may be many silenced alerts, so all of them are read only when a silence has ended. A concurrent batch may add
 * another one, and a row may be locked: hence a few more full checks after that, and a regular one every minute. */
enum { FULL_CHECKS_AFTER_END = 5 };

#define PAUSE_US (INT64_C(1) * US_PER_SECOND)
#define FULL_US  (INT64_C(60) * US_PER_SECOND)

static void plan(struct ack_silence_expiry *expiry, int64_t at_us)
{
	expiry->next_us = at_us;
	timer_start(expiry->timer, at_us - monotonic_clock_us());
}

static void on_silences(void *context, PGresult *result)
{
	struct ack_silence_expiry *expiry = context;
	if (pg_result_ok(result) && PQntuples(result) == 1 && pg_get_bool(result, 0, SILENCE_EXPIRE_ENDED))
		expiry->n_full_checks = FULL_CHECKS_AFTER_END;
}

static void on_end(void *context, PGresult *result)
{
	struct ack_silence_expiry *expiry = context;
	(void)result;
	expiry->busy = false;
	plan(expiry, expiry->again               ? monotonic_clock_us()
	             : expiry->n_full_checks > 0 ? expiry->checked_us + PAUSE_US
	                                         : expiry->checked_all_us + FULL_US);
	expiry->checked(expiry->context);
}

static void query_silences(struct ack_silence_expiry *expiry)
{
	bool all = expiry->n_full_checks > 0 || expiry->checked_us - expiry->checked_all_us >= FULL_US;
	char byte[1];
	struct pg_param param = pg_param_bool(all, byte);
	expiry->n_full_checks -= expiry->n_full_checks > 0;
	if (all)
		expiry->checked_all_us = expiry->checked_us;
	pg_session_query(expiry->session, "queries/silence_expire.sql", &param, 1, on_silences, expiry);
}

static void check(struct ack_silence_expiry *expiry)
{
	expiry->again |= expiry->busy;
	if (expiry->busy || !pg_session_is_ready(expiry->session))
		return;
	expiry->busy = true;
	expiry->again = false;
	expiry->checked_us = monotonic_clock_us();
	pg_session_query(expiry->session, "queries/alert_apply_acks.sql", NULL, 0, NULL, NULL);
	pg_session_sync(expiry->session, NULL, NULL);
	query_silences(expiry);
	pg_session_sync(expiry->session, on_end, expiry);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	check(context);
}

void ack_silence_expiry_init(struct ack_silence_expiry *expiry, struct event_base *base, struct pg_session *session,
                             void (*checked)(void *context), void *context)
{
	*expiry = (struct ack_silence_expiry){.session = session, .checked = checked, .context = context};
	expiry->checked_us = expiry->checked_all_us = -FULL_US;
	expiry->timer = evtimer_new(base, on_timer, expiry);
}

void ack_silence_expiry_start(struct ack_silence_expiry *expiry)
{
	expiry->started = true;
	check(expiry);
}

void ack_silence_expiry_release(struct ack_silence_expiry *expiry)
{
	event_free(expiry->timer);
}

void ack_silence_expiry_now(struct ack_silence_expiry *expiry)
{
	if (expiry->started)
		check(expiry);
}

void ack_silence_expiry_at(struct ack_silence_expiry *expiry, int64_t wait_us)
{
	int64_t at_us = monotonic_clock_us() + (wait_us > 0 ? wait_us : 0);
	if (at_us < expiry->checked_us + PAUSE_US)
		at_us = expiry->checked_us + PAUSE_US;
	if (expiry->started && !expiry->busy && at_us < expiry->next_us)
		plan(expiry, at_us);
}

void ack_silence_expiry_forget(struct ack_silence_expiry *expiry)
{
	expiry->busy = false;
}
