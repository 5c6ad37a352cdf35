#include "app/deadline_scheduler.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/pg/channels.h"
#include "adapters/pg/rows.h"
#include "adapters/pg/stalled_sessions.h"
#include "adapters/timer.h"
#include "app/judging.h"
#include "kpid/base/backoff.h"
#include "kpid/base/clock.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

/* Interval for logging which transactions lock the tickets of all due deadlines. */
#define HELD_LOG_US (INT64_C(2) * US_PER_SECOND)

/* Interval of ticks without a deadline, in case that another instance has written one and does not fire it. */
#define IDLE_TICK_US (INT64_C(10) * US_PER_SECOND)

enum { RETRY_FIRST_US = 100000, CLOCKS_MAY_DIFFER_US = 1000000, ASK_AGAIN_US = 1000000 };

struct deadline_scheduler {
	struct lane_shared *shared;
	struct deadline_scheduler_events events;
	struct pg_session *session;
	struct pg_writer *writer;
	struct event *timer;
	struct batch batch;
	struct judging judging; /* of the batch being written */
	struct batch_rules rules;
	struct write_order order;
	int64_t tick_due_us;                     /* monotonic: when the next tick is due, or the current one was */
	int64_t tick_sent_us, tick_sent_wall_us; /* when the last tick was sent, by each clock */
	int64_t next_us;                         /* when the next deadline or retry is due; TIME_FOR_EVER: none */
	int64_t written_us;                      /* the earliest deadline committed since the last tick was sent */
	int64_t asked_for_us, asked_us;          /* the deadline for which others were asked last, and when */
	bool clocks_differ;                      /* the clocks of this machine and PostgreSQL; it was logged */
	int64_t responsive_since_us;             /* monotonic: no tick has been late since; 0: before the first */
	int64_t fired_us;                        /* monotonic: when it last looked for due deadlines */
	int64_t held_since_us;                   /* monotonic: since when all due tickets are locked; 0: they are not */
	struct backoff backoff;                  /* of firing, after failures */
	int64_t fire_as_of_us;
	bool fire_unconfirmed;
	bool due_failed;
	bool ticking;    /* a tick was sent and not answered yet */
	bool firing;     /* from querying due deadlines to the end of their transaction */
	bool tick_again; /* another tick was requested meanwhile */
	bool due;        /* a deadline or retry was due at the last tick */
	bool quiet;
};

/* ---- the timer ---- */

static int64_t earlier(int64_t a_us, int64_t b_us)
{
	return a_us < b_us ? a_us : b_us;
}

/* Ticks must come several times in the longest silence, for may_judge_silence(). */
static int64_t idle_tick_us(const struct deadline_scheduler *scheduler)
{
	return earlier(IDLE_TICK_US, scheduler->shared->config->sla.max_silence_us / 4);
}

/* When the next tick is due, on the monotonic clock. */
static int64_t next_tick_us(const struct deadline_scheduler *scheduler)
{
	int64_t now_us = monotonic_clock_us(), common_us = lane_shared_now_us(scheduler->shared);
	int64_t work_us = earlier(scheduler->next_us, scheduler->written_us);
	if (scheduler->due)
		return scheduler->tick_sent_us + scheduler->shared->config->sla.tick_us;
	if (work_us <= common_us)
		return now_us;
	int64_t wait_us = earlier(work_us - common_us, IDLE_TICK_US);
	return earlier(now_us + wait_us, scheduler->tick_sent_us + idle_tick_us(scheduler));
}

/* Call after each change of what next_tick_us() reads. */
static void plan_tick(struct deadline_scheduler *scheduler)
{
	if (scheduler->ticking || scheduler->firing)
		return;
	int64_t at_us = next_tick_us(scheduler);
	scheduler->tick_due_us = earlier(scheduler->tick_due_us, at_us);
	timer_start(scheduler->timer, at_us - monotonic_clock_us());
}

/* ---- firing ---- */

static void retry_later(struct deadline_scheduler *scheduler)
{
	bool lasting = sql_error_lasts(sql_error_of(pg_writer_sqlstate(scheduler->writer)));
	backoff_add_failure(&scheduler->backoff, monotonic_clock_us(), lasting);
}

static void on_fired(void *context, enum write_outcome outcome)
{
	struct deadline_scheduler *scheduler = context;
	scheduler->firing = false;
	judging_drop(&scheduler->judging);
	batch_clear(&scheduler->batch);
	if (outcome == WRITE_UNKNOWN_REVISION)
		scheduler->shared->load_revisions(scheduler->shared->load_context);
	if (outcome == WRITE_FAILED)
		retry_later(scheduler);
	/* There may be more. After a race, the next tick retries. */
	if (outcome == WRITE_COMMITTED) {
		backoff_reset(&scheduler->backoff);
		deadline_scheduler_tick(scheduler);
	}
	plan_tick(scheduler);
}

static void on_due(void *context, PGresult *result)
{
	struct deadline_scheduler *scheduler = context;
	if (!pg_result_ok(result)) {
		scheduler->due_failed = true;
		return;
	}
	for (int row = 0; row < PQntuples(result); row++)
		batch_add_ticket(&scheduler->batch, pg_get_text(result, row, DEADLINES_DUE_TICKET_ID));
}

/* Other instances know how far their partitions are, but may not know of the deadline. */
static void ask_others(struct deadline_scheduler *scheduler, int64_t deadline_us)
{
	int64_t now_us = monotonic_clock_us();
	if (deadline_us == scheduler->asked_for_us && now_us - scheduler->asked_us < ASK_AGAIN_US)
		return;
	scheduler->asked_for_us = deadline_us;
	scheduler->asked_us = now_us;
	const struct pg_param param = pg_param_text(text_of(scheduler->shared->config->run.instance));
	pg_session_query(scheduler->session, "queries/deadline_wake.sql", &param, 1, NULL, NULL);
	pg_session_sync(scheduler->session, NULL, NULL);
}

/* Not if another tick was requested: watermarks may have advanced since this answer, and kpid ingest would end before
 * it fires the deadlines of its last lines. */
static void request_completeness(struct deadline_scheduler *scheduler, int64_t deadline_us)
{
	if (scheduler->tick_again)
		return;
	ask_others(scheduler, deadline_us);
	if (scheduler->events.needs_completeness != NULL)
		scheduler->events.needs_completeness(scheduler->events.context, deadline_us);
}

/* A deadline behind the locked ones must not wait for them. It may need newer watermarks. */
static void on_next(void *context, PGresult *result)
{
	struct deadline_scheduler *scheduler = context;
	if (!pg_result_ok(result) || PQntuples(result) == 0)
		return;
	int64_t next_us = pg_get_time(result, 0, DEADLINES_NEXT_FIRES_AT);
	if (next_us >= scheduler->fire_as_of_us && next_us < lane_shared_now_us(scheduler->shared))
		request_completeness(scheduler, next_us);
}

static void on_next_end(void *context, PGresult *result)
{
	struct deadline_scheduler *scheduler = context;
	(void)result;
	scheduler->firing = false;
	plan_tick(scheduler);
}

/* Other transactions lock the tickets of all due deadlines. Each tick retries. */
static void report_held(struct deadline_scheduler *scheduler)
{
	int64_t now_us = monotonic_clock_us();
	if (scheduler->held_since_us == 0)
		scheduler->held_since_us = now_us;
	pg_session_query(scheduler->session, "queries/deadlines_next.sql", NULL, 0, on_next, scheduler);
	if (now_us - scheduler->held_since_us > HELD_LOG_US) {
		scheduler->held_since_us = now_us;
		pg_terminate_stalled(scheduler->session);
	}
	pg_session_sync(scheduler->session, on_next_end, scheduler);
}

static void on_due_end(void *context, PGresult *result)
{
	struct deadline_scheduler *scheduler = context;
	struct lane_shared *shared = scheduler->shared;
	(void)result;
	if (scheduler->batch.n_tickets == 0) {
		if (!scheduler->due_failed) {
			report_held(scheduler);
			return;
		}
		scheduler->firing = false;
		plan_tick(scheduler);
		return;
	}
	scheduler->held_since_us = 0;
	batch_seal(&scheduler->batch);
	judging_hold(&scheduler->judging, shared->registry, shared->config);
	scheduler->rules = judging_rules(&scheduler->judging, scheduler->fire_as_of_us);
	scheduler->rules.now_us = lane_shared_now_us(shared);
	scheduler->order = (struct write_order){
	        .batch = &scheduler->batch,
	        .rules = &scheduler->rules,
	        .now_us = lane_shared_now_us(shared),
	        .config = scheduler->judging.config,
	        .unconfirmed = scheduler->fire_unconfirmed,
	};
	pg_writer_start(scheduler->writer, &scheduler->order);
}

static void fire(struct deadline_scheduler *scheduler, int64_t as_of_us, bool unconfirmed)
{
	char buffer[8];
	scheduler->firing = true;
	scheduler->fired_us = monotonic_clock_us();
	scheduler->due_failed = false;
	scheduler->fire_as_of_us = scheduler->shared->fired_as_of_us = as_of_us;
	scheduler->fire_unconfirmed = scheduler->shared->fired_unconfirmed = unconfirmed;
	struct pg_param param = pg_param_time(as_of_us, buffer);
	pg_session_query(scheduler->session, "queries/deadlines_due.sql", &param, 1, on_due, scheduler);
	pg_session_sync(scheduler->session, on_due_end, scheduler);
}

/* ---- ticking ---- */

/* Whether a source that was not seen may count as silent. Not while, and for sla.max_silence after, this process or the
 * database was unresponsive: no source could be seen then. */
static bool may_judge_silence(struct deadline_scheduler *scheduler)
{
	int64_t max_silence_us = scheduler->shared->config->sla.max_silence_us, now_us = monotonic_clock_us();
	if (scheduler->responsive_since_us == 0 || now_us - scheduler->tick_due_us > max_silence_us / 2)
		scheduler->responsive_since_us = now_us;
	return now_us - scheduler->responsive_since_us > max_silence_us;
}

static const char *describe_difference(int64_t difference_us, char text[64])
{
	snprintf(text, 64, "%.1f s %s", (double)llabs(difference_us) / 1e6, difference_us > 0 ? "ahead of" : "behind");
	return text;
}

/* Logs once when the clocks of this machine and PostgreSQL differ, and when they agree again. Only the certain part of
 * the difference counts: the round trip makes the rest unknown. */
static void compare_clocks(struct deadline_scheduler *scheduler, int64_t time_us)
{
	char text[64];
	int64_t received_us = monotonic_clock_us(), ahead_us = scheduler->tick_sent_wall_us - time_us;
	int64_t behind_us = time_us - wall_clock_us();
	bool differs = ahead_us > CLOCKS_MAY_DIFFER_US || behind_us > CLOCKS_MAY_DIFFER_US;
	common_clock_update(&scheduler->shared->clock, time_us, scheduler->tick_sent_us, received_us);
	if (differs && !scheduler->clocks_differ)
		log_warning("the clock of this machine is %s that of PostgreSQL, which kpid uses: synchronise both "
		            "machines "
		            "with NTP",
		            describe_difference(ahead_us > 0 ? ahead_us : -behind_us, text));
	else if (!differs && scheduler->clocks_differ)
		log_info("the clocks of this machine and of PostgreSQL agree again");
	scheduler->clocks_differ = differs;
}

/* Tickets that were set aside, acknowledgements and silences. */
static void take_other_work(struct deadline_scheduler *scheduler, const PGresult *result, int64_t now_us)
{
	struct lane_shared *shared = scheduler->shared;
	int64_t parked_us = pg_get_time(result, 0, TICK_PARKED_AT),
	        actions_us = pg_get_time(result, 0, TICK_ACTIONS_AT);
	scheduler->due = parked_us != TIME_NONE && parked_us <= now_us;
	scheduler->next_us = parked_us == TIME_NONE ? TIME_FOR_EVER : parked_us;
	shared->unsettled = pg_get_bool(result, 0, TICK_PARKED_UNSETTLED);
	if (scheduler->due)
		shared->parked_due(shared->load_context);
	if (actions_us != TIME_NONE)
		shared->actions_due(shared->load_context, actions_us);
}

static void on_tick(void *context, PGresult *result)
{
	struct deadline_scheduler *scheduler = context;
	struct lane_shared *shared = scheduler->shared;
	scheduler->due = true;
	if (!pg_result_ok(result))
		return;
	compare_clocks(scheduler, pg_get_time(result, 0, TICK_NOW));
	bool silence_counts = may_judge_silence(scheduler);
	completeness_update(&shared->completeness, result);
	int64_t now_us = pg_get_time(result, 0, TICK_NOW), next_us = pg_get_time(result, 0, TICK_NEXT_DEADLINE);
	take_other_work(scheduler, result, now_us);
	int64_t complete_us = completeness_least(&shared->completeness, false);
	int64_t recently_seen_us = completeness_least(&shared->completeness, true);
	if (shared->completeness.n == 0 && !shared->without_sources)
		complete_us = TIME_NONE;
	complete_us = complete_us > now_us ? now_us : complete_us;
	if (recently_seen_us > now_us)
		recently_seen_us = now_us; /* also without any source: deadlines still fire */
	scheduler->quiet = next_us == TIME_NONE || next_us >= now_us;
	scheduler->due |= !scheduler->quiet;
	if (next_us != TIME_NONE)
		scheduler->next_us = earlier(scheduler->next_us, next_us);
	if (scheduler->quiet) {
		scheduler->held_since_us = 0;
		return;
	}
	if (!backoff_is_over(&scheduler->backoff, monotonic_clock_us()) ||
	    backlog_holds_back(&shared->backlog, monotonic_clock_us(), scheduler->fired_us))
		return;
	if (next_us < complete_us)
		fire(scheduler, complete_us, false);
	else if (silence_counts && next_us < recently_seen_us)
		fire(scheduler, recently_seen_us, true);
	else
		request_completeness(scheduler, next_us);
}

static void on_tick_end(void *context, PGresult *result)
{
	struct deadline_scheduler *scheduler = context;
	(void)result;
	scheduler->ticking = false;
	scheduler->tick_due_us =
	        scheduler->firing ? scheduler->tick_sent_us + scheduler->shared->config->sla.tick_us : TIME_FOR_EVER;
	if (scheduler->tick_again)
		deadline_scheduler_tick(scheduler);
	plan_tick(scheduler);
}

static void send_tick(struct deadline_scheduler *scheduler)
{
	char buffer[8];
	scheduler->ticking = true;
	scheduler->tick_again = false;
	scheduler->written_us = TIME_FOR_EVER;
	scheduler->tick_sent_us = monotonic_clock_us();
	scheduler->tick_due_us = earlier(scheduler->tick_due_us, scheduler->tick_sent_us);
	scheduler->tick_sent_wall_us = wall_clock_us();
	struct pg_param param = pg_param_int8(scheduler->shared->config->sla.max_silence_us, buffer);
	pg_session_query(scheduler->session, "queries/tick.sql", &param, 1, on_tick, scheduler);
	pg_session_sync(scheduler->session, on_tick_end, scheduler);
}

void deadline_scheduler_tick(struct deadline_scheduler *scheduler)
{
	scheduler->quiet = false;
	if (scheduler->ticking || scheduler->firing)
		scheduler->tick_again = true;
	else if (pg_session_is_ready(scheduler->session))
		send_tick(scheduler);
}

static bool can_tick(const struct deadline_scheduler *scheduler)
{
	return !scheduler->ticking && !scheduler->firing && pg_session_is_ready(scheduler->session);
}

void deadline_scheduler_wake(struct deadline_scheduler *scheduler, int64_t at_us)
{
	if (at_us >= scheduler->written_us)
		return;
	scheduler->written_us = at_us;
	plan_tick(scheduler);
}

void deadline_scheduler_refresh(struct deadline_scheduler *scheduler)
{
	int64_t age_us = monotonic_clock_us() - scheduler->tick_sent_us;
	if (can_tick(scheduler) && age_us >= scheduler->shared->config->sla.tick_us)
		send_tick(scheduler);
}

bool deadline_scheduler_is_quiet(const struct deadline_scheduler *scheduler)
{
	return scheduler->quiet && !scheduler->ticking && !scheduler->firing;
}

int64_t deadline_scheduler_overdue_us(const struct deadline_scheduler *scheduler)
{
	int64_t overdue_us = monotonic_clock_us() - scheduler->tick_due_us;
	if (scheduler->responsive_since_us == 0)
		return TIME_FOR_EVER;
	return overdue_us > 0 ? overdue_us : 0;
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct deadline_scheduler *scheduler = context;
	(void)fd, (void)what;
	if (can_tick(scheduler))
		send_tick(scheduler);
}

/* Another instance waits for what this one knows. A tick that finds it due asks for that. */
static void on_notified(void *context)
{
	struct deadline_scheduler *scheduler = context;
	if (!scheduler->due)
		deadline_scheduler_tick(scheduler);
}

/* ---- life ---- */

static void on_ready(void *context)
{
	deadline_scheduler_tick(context);
}

static void on_lost(void *context, const char *reason)
{
	struct deadline_scheduler *scheduler = context;
	(void)reason;
	pg_writer_abandon(scheduler->writer);
	judging_drop(&scheduler->judging);
	batch_clear(&scheduler->batch);
	scheduler->ticking = scheduler->firing = scheduler->quiet = false;
	scheduler->due = true;
	backoff_reset(&scheduler->backoff);
}

struct deadline_scheduler *deadline_scheduler_new(struct lane_shared *shared,
                                                  const struct deadline_scheduler_events *events)
{
	struct deadline_scheduler *scheduler = mem_zalloc(sizeof(*scheduler));
	scheduler->shared = shared;
	backoff_init(&scheduler->backoff, RETRY_FIRST_US);
	scheduler->events = *events;
	scheduler->session = pg_session_new(shared->base, &shared->config->postgres, "deadlines",
	                                    &(struct pg_session_events){on_ready, on_lost, scheduler});
	scheduler->writer = pg_writer_new(scheduler->session, on_fired, scheduler);
	pg_session_listen(scheduler->session, CHANNEL_DEADLINE, on_notified);
	scheduler->tick_due_us = scheduler->next_us = scheduler->written_us = TIME_FOR_EVER;
	scheduler->timer = evtimer_new(shared->base, on_timer, scheduler);
	batch_init(&scheduler->batch);
	return scheduler;
}

void deadline_scheduler_free(struct deadline_scheduler *scheduler)
{
	if (scheduler == NULL)
		return;
	pg_writer_free(scheduler->writer);
	judging_drop(&scheduler->judging);
	pg_session_free(scheduler->session);
	event_free(scheduler->timer);
	batch_release(&scheduler->batch);
	free(scheduler);
}

void deadline_scheduler_start(struct deadline_scheduler *scheduler)
{
	pg_session_start(scheduler->session);
}

const struct pg_session *deadline_scheduler_session(const struct deadline_scheduler *scheduler)
{
	return scheduler->session;
}
