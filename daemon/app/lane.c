#include "app/lane.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/metrics/counts.h"
#include "adapters/pg/rows.h"
#include "adapters/timer.h"
#include "app/configured_shard.h"
#include "app/feeding.h"
#include "app/judging.h"
#include "kpid/base/backoff.h"
#include "kpid/base/check.h"
#include "kpid/base/clock.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

enum { RETRY_FIRST_US = 20000 };

enum lane_state {
	LANE_NO_DATABASE, /* not connected; the sealed batch waits, if there is one */
	LANE_VERIFYING,   /* connected again: querying whether the sealed batch was committed */
	LANE_IDLE,
	LANE_WRITING,
	LANE_PAUSING /* the sealed batch waits for a retry */
};

struct lane {
	struct lane_shared *shared;
	int index;
	enum lane_state state;
	struct pg_session *session;
	struct pg_writer *writer;
	struct batch batches[2];
	struct batch *filling, *sealed; /* sealed: being written or waiting for that; NULL: none */
	bool sealed_much;               /* the sealed batch was full or large: a backlog is read */
	int64_t filled_since_us;        /* monotonic: when the first message was added; 0: empty */
	struct batch_pace pace;
	int64_t written_since_us; /* monotonic: when the current try began */
	struct write_order order;
	struct judging judging; /* of the batch being written */
	struct batch_rules rules;
	struct event *age_timer, *retry_timer;
	struct backoff backoff;
	enum sql_error fault; /* of the last failed attempt */
	bool lock_tickets;
	struct arena parse_arena;
	struct feeding feeding; /* the message read last */
	int64_t fingerprint;    /* of that message */
	bool amid;              /* more records of it follow: it is in no transaction until all are read */
};

int64_t lane_shared_now_us(const struct lane_shared *shared)
{
	int64_t now_us = common_clock_at(&shared->clock, monotonic_clock_us());
	return now_us == TIME_NONE ? wall_clock_us() : now_us;
}

/* ---- filling ---- */

int lane_index(const struct lane *lane)
{
	return lane->index;
}

bool lane_has_room(const struct lane *lane)
{
	const struct lane_shared *shared = lane->shared;
	return lane->filling->n_events < (size_t)shared->config->run.batch_max_events &&
	       lane->filling->n_events < lane->pace.most_events &&
	       batch_size_bytes(lane->filling) < (size_t)shared->batch_bytes;
}

/* Begins or continues a message. */
static void feed_on(struct lane *lane, const struct wire_message *message)
{
	enum { KEEP_BYTES = 256 * 1024 };
	struct feeding *feeding = &lane->feeding;
	feeding->message = message;
	feeding->now_us = lane_shared_now_us(lane->shared);
	arena_clear(&lane->parse_arena, KEEP_BYTES);
	lane->amid = feeding_read(feeding, &lane->parse_arena);
}

/* The whole message is in the batch. */
static void end_message(struct lane *lane)
{
	const struct feeding *feeding = &lane->feeding;
	struct source *source = feeding->source;
	struct batch_source *progress = batch_source(lane->filling, source->source_no, source->next_offset);
	progress->n_messages += feeding->n_counted > 1 ? feeding->n_counted : 1;
	progress->next_offset = source->next_offset = feeding->message->offset + 1;
	watermark_read_to(&source->watermark, source->next_offset);
	progress->watermark_us = source->watermark.until_us;
	progress->fingerprint = lane->fingerprint;
	progress->checked = source->checked;
	if (lane->filled_since_us == 0) {
		lane->filled_since_us = monotonic_clock_us();
		lane->shared->batch_begun(lane->shared->load_context);
		lane_try_flush(lane, false);
	}
}

bool lane_feed(struct lane *lane, struct source *source, const struct wire_message *message, int64_t fingerprint,
               int64_t appended_us)
{
	struct batch_source *progress = batch_source(lane->filling, source->source_no, source->next_offset);
	KPID_CHECK(!lane->amid);
	if (progress->n_messages == 0)
		progress->epoch = source->epoch;
	KPID_CHECK(progress->epoch == source->epoch); /* a claim drops what was read under the previous one */
	KPID_CHECK(progress->next_offset == source->next_offset);
	KPID_CHECK(source->next_offset == OFFSET_NONE || message->offset >= source->next_offset);

	lane->feeding = (struct feeding){
	        .batch = lane->filling,
	        .source = source,
	        .intake = source->intake,
	        .shard = configured_shard(lane->shared->config),
	        .appended_us = appended_us,
	};
	lane->fingerprint = fingerprint;
	feed_on(lane, message);
	if (!lane->amid)
		end_message(lane);
	return lane->amid;
}

bool lane_is_amid(const struct lane *lane)
{
	return lane->amid;
}

bool lane_feed_more(struct lane *lane, const struct wire_message *message)
{
	KPID_CHECK(lane->amid);
	feed_on(lane, message);
	if (!lane->amid) {
		end_message(lane);
		lane_try_flush(lane, false); /* the batch has waited for the message */
	}
	return lane->amid;
}

void lane_feed_whole(struct lane *lane, struct source *source, const struct wire_message *message, int64_t fingerprint)
{
	bool more = lane_feed(lane, source, message, fingerprint, TIME_FOR_EVER);
	while (more)
		more = lane_feed_more(lane, message);
}

static bool has_source(const struct batch *batch, int32_t source_no)
{
	for (size_t i = 0; batch != NULL && i < batch->n_sources; i++)
		if (batch->sources[i].source_no == source_no)
			return true;
	return false;
}

bool lane_is_writing(const struct lane *lane, const struct source *source)
{
	return has_source(lane->sealed, source->source_no);
}

bool lane_holds(const struct lane *lane, const struct source *source)
{
	return has_source(lane->filling, source->source_no) || lane_is_writing(lane, source);
}

bool lane_is_idle(const struct lane *lane)
{
	return lane->sealed == NULL && batch_is_empty(lane->filling);
}

/* ---- writing ---- */

/* The minimum watermark of all sources once this batch is committed, including what the batch itself advances. */
static int64_t as_of_after(const struct lane_shared *shared, const struct batch *batch, int64_t now_us)
{
	const struct completeness *completeness = &shared->completeness;
	int64_t as_of_us = completeness->n == 0 ? TIME_NONE : now_us;
	for (size_t i = 0; i < completeness->n; i++) {
		int64_t until_us = completeness->items[i].until_us;
		for (size_t j = 0; j < batch->n_sources; j++) {
			const struct batch_source *source = &batch->sources[j];
			if (source->source_no != completeness->items[i].source_no)
				continue;
			int64_t with_us = batch_source_event_time_watermark(source, now_us);
			until_us = with_us > until_us ? with_us : until_us;
		}
		as_of_us = until_us < as_of_us ? until_us : as_of_us;
	}
	return as_of_us;
}

static void write_sealed(struct lane *lane)
{
	struct lane_shared *shared = lane->shared;
	struct batch *batch = lane->sealed;
	int64_t now_us = lane_shared_now_us(shared);
	for (size_t i = 0; i < batch->n_sources; i++) {
		const struct source *source = sources_find_no(shared->sources, batch->sources[i].source_no);
		batch->sources[i].high_offset = source == NULL ? -1 : source->high_offset;
		batch->sources[i].vouched_until_us = source == NULL ? TIME_NONE : source->vouch.until_us;
		batch->sources[i].end_seen_us = source == NULL || source->high_asked_us == 0
		                                        ? TIME_NONE
		                                        : common_clock_at(&shared->clock, source->high_asked_us);
	}
	judging_hold(&lane->judging, shared->registry, shared->config);
	lane->rules = judging_rules(&lane->judging, as_of_after(shared, batch, now_us));
	lane->rules.ticket_max_events = (size_t)lane->judging.config->run.ticket_max_events;
	/* 0 until PostgreSQL's clock is known: by the machine's clock, what was judged before may seem to be in the
	 * future. */
	lane->rules.now_us = common_clock_at(&shared->clock, monotonic_clock_us()) == TIME_NONE ? 0 : now_us;
	lane->order = (struct write_order){
	        .batch = batch,
	        .rules = &lane->rules,
	        .now_us = now_us,
	        .config = lane->judging.config,
	        .lock_tickets = lane->lock_tickets,
	        .backlog = lane->sealed_much,
	        .source_name = sources_name,
	        .source_context = shared->sources,
	};
	lane->state = LANE_WRITING;
	lane->written_since_us = monotonic_clock_us();
	backlog_note_batch(&shared->backlog, lane->sealed_much, lane->written_since_us);
	pg_writer_start(lane->writer, &lane->order);
}

static void seal(struct lane *lane)
{
	lane->sealed_much = backlog_is_part(lane->filling->n_events, !lane_has_room(lane));
	batch_seal(lane->filling);
	lane->sealed = lane->filling;
	lane->filling = lane->sealed == &lane->batches[0] ? &lane->batches[1] : &lane->batches[0];
	lane->filled_since_us = 0;
}

static void wait_for_more(struct lane *lane, int64_t wait_us)
{
	if (!evtimer_pending(lane->age_timer, NULL))
		timer_start(lane->age_timer, wait_us);
}

void lane_try_flush(struct lane *lane, bool flush)
{
	if (lane->state != LANE_IDLE)
		return;
	if (lane->sealed == NULL) {
		if (batch_is_empty(lane->filling) || lane->amid)
			return;
		int64_t age_us = monotonic_clock_us() - lane->filled_since_us;
		int64_t max_age_us = lane->shared->config->run.batch_max_age_us;
		if (!flush && lane_has_room(lane) && lane->filled_since_us != 0 && age_us < max_age_us) {
			wait_for_more(lane, max_age_us - age_us);
			return;
		}
		seal(lane);
		write_sealed(lane);
		lane->shared->wants_more(lane->shared->context, lane);
		return;
	}
	write_sealed(lane);
}

static void on_age(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	lane_try_flush(context, true);
}

static void forget_sealed(struct lane *lane)
{
	batch_clear(lane->sealed);
	lane->sealed = NULL;
	lane->lock_tickets = false;
	backoff_reset(&lane->backoff);
	lane->fault = SQL_TRANSIENT;
}

/* next_work_us: see struct write_parts; TIME_NONE if it is not known. */
static void apply_commit(struct lane *lane, int64_t next_work_us)
{
	for (size_t i = 0; i < lane->sealed->n_sources; i++) {
		const struct batch_source *progress = &lane->sealed->sources[i];
		struct source *source = sources_find_no(lane->shared->sources, progress->source_no);
		if (source == NULL || source->epoch != progress->epoch)
			continue;
		KPID_CHECK(source->committed_offset == progress->begin_offset);
		source->committed_offset = progress->next_offset;
		lane->shared->n_committed += progress->n_messages;
		if (progress->n_unknown_type > 0)
			unknown_types_note(lane->shared->unknown_types, source->topic);
	}
	forget_sealed(lane);
	backlog_note_commit(&lane->shared->backlog);
	lane->state = LANE_IDLE;
	lane->shared->work_written(lane->shared->load_context, next_work_us);
	lane->shared->idle(lane->shared->context, lane);
	lane_try_flush(lane, false);
}

static void retry_later(struct lane *lane)
{
	int64_t wait_us = backoff_add_failure(&lane->backoff, monotonic_clock_us(), sql_error_lasts(lane->fault));
	lane->state = LANE_PAUSING;
	timer_start(lane->retry_timer, wait_us);
}

static void on_retry(evutil_socket_t fd, short what, void *context)
{
	struct lane *lane = context;
	(void)fd, (void)what;
	if (lane->state != LANE_PAUSING)
		return;
	lane->state = LANE_IDLE;
	lane_try_flush(lane, true);
}

/* ---- verifying whether the sealed batch was committed, and who owns its sources ---- */

void lane_drop(struct lane *lane, struct source *source)
{
	bool ends = lane->amid && lane->feeding.source == source;
	lane->amid = lane->amid && !ends;
	batch_drop_source(lane->filling, source->source_no);
	if (batch_is_empty(lane->filling)) { /* the next message is the first one again */
		batch_clear(lane->filling);
		lane->filled_since_us = 0;
	} else if (ends) {
		wait_for_more(lane, 0); /* the batch has waited for the message, perhaps beyond its age */
	}
	/* A batch that waits for a retry can be changed; one in a transaction cannot. */
	if (lane->sealed != NULL && (lane->state == LANE_PAUSING || lane->state == LANE_NO_DATABASE)) {
		batch_drop_source(lane->sealed, source->source_no);
		if (lane->sealed->n_sources == 0)
			forget_sealed(lane);
	}
	source->next_offset = source->committed_offset;
	watermark_clear(&source->watermark);
}

void lane_fence(struct lane *lane, struct source *source, bool rolled_back)
{
	bool is_new = !partition_needs_claim(source->state);
	if (is_new && rolled_back)
		log_warning("PostgreSQL has lost commits of %s/%d, as after a fail-over or a restore; reading it again "
		            "from the offset in the database",
		            source->topic, (int)source->partition);
	else if (is_new)
		log_warning("%s/%d was claimed by another instance; dropping what this one read and did not commit",
		            source->topic, (int)source->partition);
	source_step(source, rolled_back ? PARTITION_COMMITS_LOST : PARTITION_LOST_TO_OTHER);
	source->fenced_us = monotonic_clock_us();
	lane_drop(lane, source);
}

/* A source of the sealed batch, as stored in the database. */
struct verified_source {
	bool ours;     /* not claimed since the batch was read, not even by this process */
	int64_t epoch; /* 0: the database has no such source */
	int64_t next_offset;
};

static struct verified_source verified_source(const PGresult *result, const struct batch_source *progress)
{
	for (int row = 0; row < PQntuples(result); row++)
		if (pg_get_int4(result, row, SOURCE_VERIFY_SOURCE_NO) == progress->source_no)
			return (struct verified_source){
			        .ours = pg_get_int8(result, row, SOURCE_VERIFY_EPOCH) == progress->epoch,
			        .epoch = pg_get_int8(result, row, SOURCE_VERIFY_EPOCH),
			        .next_offset = pg_get_int8_or(result, row, SOURCE_VERIFY_NEXT_OFFSET, OFFSET_NONE),
			};
	return (struct verified_source){false, 0, OFFSET_NONE};
}

/* For a source that is not where its batch begins: whether the database has lost commits. */
static bool is_rolled_back(const struct verified_source *now, const struct batch_source *progress)
{
	return now->epoch < progress->epoch ||
	       (now->ours && (now->next_offset == OFFSET_NONE || now->next_offset < progress->begin_offset));
}

static void on_verified(void *context, PGresult *result)
{
	struct lane *lane = context;
	if (!pg_result_ok(result))
		return; /* on_verify_end() retries, or the session is being lost */
	struct batch *batch = lane->sealed;
	for (size_t i = 0; i < batch->n_sources; i++) {
		const struct batch_source *progress = &batch->sources[i];
		struct verified_source now = verified_source(result, progress);
		if (now.ours && now.next_offset == progress->next_offset && now.next_offset != progress->begin_offset) {
			counts_committed(batch, lane_shared_now_us(lane->shared));
			apply_commit(lane, TIME_NONE);
			return;
		}
	}
	for (size_t i = batch->n_sources; i-- > 0;) {
		const struct batch_source progress = batch->sources[i];
		struct verified_source now = verified_source(result, &progress);
		if (now.ours && now.next_offset == progress.begin_offset)
			continue;
		batch_drop_source(batch, progress.source_no);
		struct source *source = sources_find_no(lane->shared->sources, progress.source_no);
		if (source != NULL && source->epoch == progress.epoch)
			lane_fence(lane, source, is_rolled_back(&now, &progress));
	}
	lane->state = LANE_IDLE;
	if (batch->n_sources == 0) {
		forget_sealed(lane);
		lane->shared->idle(lane->shared->context, lane);
	}
	lane_try_flush(lane, true);
}

static void on_verify_end(void *context, PGresult *result)
{
	struct lane *lane = context;
	(void)result;
	if (lane->state == LANE_VERIFYING)
		retry_later(lane);
}

static void verify(struct lane *lane)
{
	struct pg_array numbers = {.n = 0};
	lane->state = LANE_VERIFYING;
	pg_array_start(&numbers, PG_OID_INT4);
	for (size_t i = 0; i < lane->sealed->n_sources; i++)
		pg_array_int4(&numbers, lane->sealed->sources[i].source_no);
	struct pg_param param = pg_array_param(&numbers);
	pg_session_query(lane->session, "queries/source_verify.sql", &param, 1, on_verified, lane);
	pg_session_sync(lane->session, on_verify_end, lane);
	pg_array_release(&numbers);
}

static void cannot_write(void *context, enum sql_error fault, const char *reason)
{
	const struct lane *lane = context;
	(void)reason; /* the session has logged it */
	if (lane->shared->cannot_write != NULL)
		lane->shared->cannot_write(lane->shared->load_context, fault);
}

static void on_written(void *context, enum write_outcome outcome)
{
	struct lane *lane = context;
	lane->state = LANE_IDLE;
	judging_drop(&lane->judging);
	switch (outcome) {
	case WRITE_COMMITTED:
		batch_pace_note(&lane->pace, lane->sealed->n_events, monotonic_clock_us() - lane->written_since_us);
		apply_commit(lane, pg_writer_parts(lane->writer)->next_work_us);
		break;
	case WRITE_FENCED:
		verify(lane);
		break;
	case WRITE_RACED:
		lane->lock_tickets = true;
		lane_try_flush(lane, true);
		break;
	case WRITE_UNKNOWN_REVISION:
		lane->shared->load_revisions(lane->shared->load_context);
		retry_later(lane);
		break;
	case WRITE_FAILED:
		lane->fault = sql_error_of(pg_writer_sqlstate(lane->writer));
		retry_later(lane);
		if (sql_error_lasts(lane->fault))
			cannot_write(lane, lane->fault, NULL);
		break;
	}
}

/* ---- life ---- */

static void on_ready(void *context)
{
	struct lane *lane = context;
	if (lane->sealed != NULL) {
		verify(lane);
		return;
	}
	lane->state = LANE_IDLE;
	lane_try_flush(lane, false);
}

static void on_lost(void *context, const char *reason)
{
	struct lane *lane = context;
	(void)reason;
	pg_writer_abandon(lane->writer);
	judging_drop(&lane->judging);
	evtimer_del(lane->retry_timer);
	lane->state = LANE_NO_DATABASE;
}

struct lane *lane_new(struct lane_shared *shared, int index)
{
	struct lane *lane = mem_zalloc(sizeof(*lane));
	char name[32];
	snprintf(name, sizeof(name), "lane %d", index);
	lane->shared = shared;
	lane->index = index;
	backoff_init(&lane->backoff, RETRY_FIRST_US);
	lane->pace = batch_pace_first();
	lane->session = pg_session_new(shared->base, &shared->config->postgres, name,
	                               &(struct pg_session_events){on_ready, on_lost, lane});
	pg_session_on_unusable(lane->session, cannot_write);
	lane->writer = pg_writer_new(lane->session, on_written, lane);
	lane->age_timer = evtimer_new(shared->base, on_age, lane);
	lane->retry_timer = evtimer_new(shared->base, on_retry, lane);
	batch_init(&lane->batches[0]);
	batch_init(&lane->batches[1]);
	lane->filling = &lane->batches[0];
	arena_init(&lane->parse_arena);
	return lane;
}

void lane_free(struct lane *lane)
{
	if (lane == NULL)
		return;
	pg_writer_free(lane->writer);
	judging_drop(&lane->judging);
	pg_session_free(lane->session);
	event_free(lane->age_timer);
	event_free(lane->retry_timer);
	batch_release(&lane->batches[0]);
	batch_release(&lane->batches[1]);
	arena_release(&lane->parse_arena);
	free(lane);
}

void lane_start(struct lane *lane)
{
	pg_session_start(lane->session);
}

const struct pg_session *lane_session(const struct lane *lane)
{
	return lane->session;
}

enum sql_error lane_refusal(const struct lane *lane)
{
	return sql_error_lasts(lane->fault) ? lane->fault : SQL_TRANSIENT;
}

const struct write_parts *lane_parts(const struct lane *lane)
{
	return pg_writer_parts(lane->writer);
}
