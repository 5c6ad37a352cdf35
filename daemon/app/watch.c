#include "app/watch.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/pg/rows.h"
#include "adapters/pg/standing.h"
#include "app/judging.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

/* So long all that has passed is locked by others, before it is said who they are, and before it is said again. */
#define HELD_US (INT64_C(2) * US_PER_SECOND)

/* Of queries/tick.sql; completeness.c reads those from the third on. */
enum { COLUMN_ATTEND = 5, COLUMN_PARKED, COLUMN_UNSETTLED };
enum { RETRY_FIRST_MS = 100, RETRY_LONGEST_MS = 5000, RETRY_SELDOM_MS = 30000 };

enum { CLOCKS_MAY_DIFFER_US = 1000000 };

struct watch {
	struct lane_shared *shared;
	struct watch_events events;
	struct pg_session *session;
	struct pg_writer *writer;
	struct event *timer;
	struct batch batch;
	struct judging judging; /* of the batch that is in its transaction */
	struct batch_rules rules;
	struct write_order order;
	int64_t asked_us, asked_wall_us; /* when the tick under way was sent: monotonic, and by the machine's clock */
	bool clocks_differ;              /* the machine's and PostgreSQL's: it was said */
	int64_t answered_us;             /* monotonic: of the last tick */
	int64_t awake_since_us;          /* monotonic: ticks have been answered without a standstill since */
	int64_t held_since_us;           /* monotonic: all that has passed is locked by others since; 0: it is not */
	int64_t not_before_us;           /* monotonic: deadlines are not fired, after a refusal */
	int retry_ms;
	int64_t fire_as_of_us;
	bool fire_unconfirmed;
	bool due_failed;
	bool asking; /* a tick's question is under way */
	bool firing; /* from asking which are due until their transaction has ended */
	bool again;  /* a tick was asked for meanwhile */
	bool quiet;
};

/* ---- firing ---- */

/* What was refused is tried again with a growing pause; what somebody must act on, seldom. */
static void fire_later(struct watch *watch)
{
	bool lasts = sql_fault_lasts(sql_fault_of(pg_writer_sqlstate(watch->writer)));
	int longest_ms = lasts ? RETRY_SELDOM_MS : RETRY_LONGEST_MS;
	watch->not_before_us = monotonic_clock_us() + (int64_t)watch->retry_ms * 1000;
	watch->retry_ms = watch->retry_ms * 2 > longest_ms ? longest_ms : watch->retry_ms * 2;
}

static void on_fired(void *context, enum write_outcome outcome)
{
	struct watch *watch = context;
	watch->firing = false;
	judging_drop(&watch->judging);
	batch_clear(&watch->batch);
	if (outcome == WRITE_UNKNOWN_REVISION)
		watch->shared->load_revisions(watch->shared->load_context);
	if (outcome == WRITE_FAILED)
		fire_later(watch);
	/* There may be more of them. After a race the next tick tries again. */
	if (outcome == WRITE_COMMITTED) {
		watch->retry_ms = RETRY_FIRST_MS;
		watch_tick(watch);
	}
}

static void on_due(void *context, PGresult *result)
{
	struct watch *watch = context;
	if (!pg_result_ok(result)) {
		watch->due_failed = true;
		return;
	}
	for (int row = 0; row < PQntuples(result); row++)
		batch_add_ticket(&watch->batch, pg_get_text(result, row, 0));
}

/* When another tick has been asked for, more may be complete than the answer at hand knows: kpid ingest would end
 * before the deadlines that its last lines have made due. */
static void ask_for_completeness(struct watch *watch, int64_t deadline_us)
{
	if (!watch->again)
		watch->events.needs_completeness(watch->events.context, deadline_us);
}

/* What is not locked must not wait behind what is: some source may have to be asked for it. */
static void on_next(void *context, PGresult *result)
{
	struct watch *watch = context;
	if (!pg_result_ok(result) || PQntuples(result) == 0)
		return;
	int64_t next_us = pg_get_time(result, 0, 0);
	if (next_us >= watch->fire_as_of_us && next_us < lane_shared_now_us(watch->shared))
		ask_for_completeness(watch, next_us);
}

static void on_next_end(void *context, PGresult *result)
{
	(void)result;
	((struct watch *)context)->firing = false;
}

/* All that has passed is locked by transactions under way. It is tried again at every tick. */
static void pass_over(struct watch *watch)
{
	int64_t now_us = monotonic_clock_us();
	if (watch->held_since_us == 0)
		watch->held_since_us = now_us;
	pg_session_query(watch->session, "queries/deadlines_next.sql", NULL, 0, on_next, watch);
	if (now_us - watch->held_since_us > HELD_US) {
		watch->held_since_us = now_us;
		pg_end_standing(watch->session);
	}
	pg_session_sync(watch->session, on_next_end, watch);
}

static void on_due_end(void *context, PGresult *result)
{
	struct watch *watch = context;
	struct lane_shared *shared = watch->shared;
	(void)result;
	if (watch->batch.n_tickets == 0) {
		if (watch->due_failed)
			watch->firing = false;
		else
			pass_over(watch);
		return;
	}
	watch->held_since_us = 0;
	batch_seal(&watch->batch);
	judging_hold(&watch->judging, shared->book, shared->config);
	watch->rules = judging_rules(&watch->judging, watch->fire_as_of_us);
	watch->rules.now_us = lane_shared_now_us(shared);
	watch->order = (struct write_order){
	        .batch = &watch->batch,
	        .rules = &watch->rules,
	        .now_us = lane_shared_now_us(shared),
	        .config = watch->judging.config,
	        .unconfirmed = watch->fire_unconfirmed,
	};
	pg_writer_start(watch->writer, &watch->order);
}

static void fire(struct watch *watch, int64_t as_of_us, bool unconfirmed)
{
	char buffer[8];
	watch->firing = true;
	watch->due_failed = false;
	watch->fire_as_of_us = watch->shared->fired_as_of_us = as_of_us;
	watch->fire_unconfirmed = watch->shared->fired_unconfirmed = unconfirmed;
	struct pg_param param = pg_param_time(as_of_us, buffer);
	pg_session_query(watch->session, "queries/deadlines_due.sql", &param, 1, on_due, watch);
	pg_session_sync(watch->session, on_due_end, watch);
}

/* ---- ticking ---- */

/* Whether a source may be called silent. While the database, or we ourselves, stood still, no source could have been
 * heard of: that is counted from when ticks were answered again. */
static bool may_tell_silence(struct watch *watch)
{
	int64_t max_silence_us = watch->shared->config->sla.max_silence_us, now_us = monotonic_clock_us();
	if (now_us - watch->answered_us > max_silence_us / 2)
		watch->awake_since_us = now_us;
	watch->answered_us = now_us;
	return now_us - watch->awake_since_us > max_silence_us;
}

static const char *of_difference(int64_t difference_us, char text[64])
{
	snprintf(text, 64, "%.1f s %s", (double)llabs(difference_us) / 1e6, difference_us > 0 ? "ahead of" : "behind");
	return text;
}

/* Says once that the machine's clock and PostgreSQL's differ, and that they do not any more. The answer took its time:
 * counted is what they differ by for sure. */
static void hear_clock(struct watch *watch, int64_t time_us)
{
	char text[64];
	int64_t received_us = monotonic_clock_us(), ahead_us = watch->asked_wall_us - time_us;
	int64_t behind_us = time_us - wall_clock_us();
	bool differs = ahead_us > CLOCKS_MAY_DIFFER_US || behind_us > CLOCKS_MAY_DIFFER_US;
	common_clock_hear(&watch->shared->clock, time_us, watch->asked_us, received_us);
	if (differs && !watch->clocks_differ)
		log_warning(
		        "the clock of this machine is %s that of PostgreSQL, which is the one that counts: let both "
		        "machines keep time by NTP",
		        of_difference(ahead_us > 0 ? ahead_us : -behind_us, text));
	else if (!differs && watch->clocks_differ)
		log_info("the clocks of this machine and of PostgreSQL agree again");
	watch->clocks_differ = differs;
}

static void on_tick(void *context, PGresult *result)
{
	struct watch *watch = context;
	struct lane_shared *shared = watch->shared;
	if (!pg_result_ok(result))
		return;
	hear_clock(watch, pg_get_time(result, 0, 0));
	bool silence_counts = may_tell_silence(watch);
	completeness_update(&shared->completeness, result);
	if (pg_get_bool(result, 0, COLUMN_ATTEND))
		shared->attend(shared->load_context);
	if (pg_get_bool(result, 0, COLUMN_PARKED))
		shared->parked_due(shared->load_context);
	shared->unsettled = pg_get_bool(result, 0, COLUMN_UNSETTLED);
	int64_t now_us = pg_get_time(result, 0, 0), next_us = pg_get_time(result, 0, 1);
	int64_t complete_us = completeness_least(&shared->completeness, false);
	int64_t heard_us = completeness_least(&shared->completeness, true);
	if (shared->completeness.n == 0 && !shared->without_sources)
		complete_us = TIME_NONE;
	complete_us = complete_us > now_us ? now_us : complete_us;
	heard_us = heard_us > now_us ? now_us : heard_us; /* nothing is heard of: deadlines pass all the same */
	watch->quiet = next_us == TIME_NONE || next_us >= now_us;
	if (watch->quiet) {
		watch->held_since_us = 0;
		return;
	}
	if (monotonic_clock_us() < watch->not_before_us)
		return;
	if (next_us < complete_us)
		fire(watch, complete_us, false);
	else if (silence_counts && next_us < heard_us)
		fire(watch, heard_us, true);
	else
		ask_for_completeness(watch, next_us);
}

static void on_tick_end(void *context, PGresult *result)
{
	struct watch *watch = context;
	(void)result;
	watch->asking = false;
	if (watch->again)
		watch_tick(watch);
}

static void send_tick(struct watch *watch)
{
	char buffer[8];
	watch->asking = true;
	watch->again = false;
	watch->asked_us = monotonic_clock_us();
	watch->asked_wall_us = wall_clock_us();
	struct pg_param param = pg_param_int8(watch->shared->config->sla.max_silence_us, buffer);
	pg_session_query(watch->session, "queries/tick.sql", &param, 1, on_tick, watch);
	pg_session_sync(watch->session, on_tick_end, watch);
}

void watch_tick(struct watch *watch)
{
	watch->quiet = false;
	if (watch->asking || watch->firing)
		watch->again = true;
	else if (pg_session_is_ready(watch->session))
		send_tick(watch);
}

bool watch_is_quiet(const struct watch *watch)
{
	return watch->quiet && !watch->asking && !watch->firing;
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct watch *watch = context;
	int64_t tick_us = watch->shared->config->sla.tick_us;
	struct timeval tick = {tick_us / US_PER_SECOND, tick_us % US_PER_SECOND};
	(void)fd, (void)what;
	evtimer_add(watch->timer, &tick);
	if (!watch->asking && !watch->firing && pg_session_is_ready(watch->session))
		send_tick(watch);
}

/* ---- life ---- */

static void on_ready(void *context)
{
	(void)context; /* the timer goes on by itself */
}

static void on_lost(void *context, const char *reason)
{
	struct watch *watch = context;
	(void)reason;
	pg_writer_abandon(watch->writer);
	judging_drop(&watch->judging);
	batch_clear(&watch->batch);
	watch->asking = watch->firing = watch->quiet = false;
	watch->not_before_us = 0;
	watch->retry_ms = RETRY_FIRST_MS;
}

struct watch *watch_new(struct lane_shared *shared, const struct watch_events *events)
{
	struct watch *watch = mem_zalloc(sizeof(*watch));
	watch->shared = shared;
	watch->retry_ms = RETRY_FIRST_MS;
	watch->events = *events;
	watch->session = pg_session_new(shared->base, &shared->config->postgres, "deadlines",
	                                &(struct pg_session_events){on_ready, on_lost, watch});
	watch->writer = pg_writer_new(watch->session, on_fired, watch);
	watch->timer = evtimer_new(shared->base, on_timer, watch);
	batch_init(&watch->batch);
	return watch;
}

void watch_free(struct watch *watch)
{
	if (watch == NULL)
		return;
	pg_writer_free(watch->writer);
	judging_drop(&watch->judging);
	pg_session_free(watch->session);
	event_free(watch->timer);
	batch_release(&watch->batch);
	free(watch);
}

void watch_start(struct watch *watch)
{
	pg_session_start(watch->session);
	on_timer(-1, 0, watch);
}
