#include "app/lane.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "adapters/pg/rows.h"
#include "app/judging.h"
#include "kpid/base/check.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

/* RETRY_SELDOM_MS: of what is refused until somebody acts. */
enum { RETRY_FIRST_MS = 20, RETRY_LONGEST_MS = 5000, RETRY_SELDOM_MS = 30000 };

enum lane_state {
	LANE_NO_DATABASE, /* not connected; a sealed batch may wait */
	LANE_VERIFYING,   /* connected again: asking whether the sealed batch was committed */
	LANE_IDLE,
	LANE_WRITING,
	LANE_PAUSING /* the sealed batch waits to be tried again */
};

struct lane {
	struct lane_shared *shared;
	int index;
	enum lane_state state;
	struct pg_session *session;
	struct pg_writer *writer;
	struct batch batches[2];
	struct batch *filling, *sealed; /* sealed: NULL, or in its transaction or before it */
	size_t filled_bytes;
	int64_t filled_since_us; /* monotonic, of the first message of filling; 0: empty */
	struct write_order order;
	struct judging judging; /* of the batch that is in its transaction */
	struct batch_rules rules;
	struct event *age_timer, *retry_timer;
	int retry_ms;
	enum sql_fault fault; /* of the last batch that was refused */
	bool lock_tickets;
	struct arena parse_arena;
};

int64_t wall_clock_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

int64_t monotonic_clock_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

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
	const struct kpid_config *config = lane->shared->config;
	return lane->filling->n_events < (size_t)config->run.batch_max_events &&
	       lane->filled_bytes < (size_t)config->run.batch_max_bytes;
}

static void add_rejection(struct lane *lane, const struct source *source, const struct wire_message *message,
                          const struct wire_rejection *rejection)
{
	struct batch_dead_letter letter = {
	        .source_no = source->source_no,
	        .topic = message->topic,
	        .partition = message->partition,
	        .offset = message->offset,
	        .reason = rejection->reason,
	        .detail = rejection->detail,
	        .value = message->value,
	        .headers = message->headers,
	        .n_headers = message->n_headers,
	};
	batch_add_dead_letter(lane->filling, &letter);
}

void lane_feed(struct lane *lane, struct source *source, const struct wire_message *message, int64_t fingerprint,
               int64_t appended_us)
{
	enum { KEEP_BYTES = 256 * 1024 };
	struct batch_source *progress = batch_source(lane->filling, source->source_no, source->next_offset);
	struct ticket_event event;
	struct wire_rejection rejection;
	if (progress->n_messages == 0)
		progress->epoch = source->epoch;
	KPID_CHECK(progress->epoch == source->epoch); /* a claim drops what was read under an earlier one */
	KPID_CHECK(progress->next_offset == source->next_offset);
	KPID_CHECK(source->next_offset == OFFSET_NONE || message->offset >= source->next_offset);

	arena_clear(&lane->parse_arena, KEEP_BYTES);
	switch (wire_parse(message, lane_shared_now_us(lane->shared), &lane->parse_arena, &event, &rejection)) {
	case WIRE_EVENT:
		event.source_no = source->source_no;
		event.source_offset = message->offset;
		if (event.occurred_us > progress->last_event_us)
			progress->last_event_us = event.occurred_us;
		watermark_event(&source->watermark, event.source, event.occurred_us, appended_us);
		batch_add_event(lane->filling, &event);
		break;
	case WIRE_TOMBSTONE:
		progress->n_tombstones++;
		break;
	case WIRE_UNKNOWN_TYPE:
		batch_add_unknown_type(lane->filling, progress, text_of(rejection.detail));
		break;
	case WIRE_REJECTED:
		progress->n_dead_letters++;
		add_rejection(lane, source, message, &rejection);
		break;
	}
	progress->n_messages++;
	progress->next_offset = source->next_offset = message->offset + 1;
	watermark_read_to(&source->watermark, source->next_offset);
	progress->complete_us = source->watermark.until_us;
	progress->fingerprint = fingerprint;
	progress->checked = source->checked;
	lane->filled_bytes += message->value.len;
	if (lane->filled_since_us == 0) {
		lane->filled_since_us = monotonic_clock_us();
		lane_poke(lane, false);
	}
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

/* Up to where the sources are complete once this batch is committed: what it reads of its own counts. */
static int64_t as_of_with(const struct lane_shared *shared, const struct batch *batch, int64_t now_us)
{
	const struct completeness *completeness = &shared->completeness;
	int64_t as_of_us = completeness->n == 0 ? TIME_NONE : now_us;
	for (size_t i = 0; i < completeness->n; i++) {
		int64_t until_us = completeness->items[i].until_us;
		for (size_t j = 0; j < batch->n_sources; j++) {
			const struct batch_source *source = &batch->sources[j];
			if (source->source_no != completeness->items[i].source_no)
				continue;
			int64_t with_us = batch_source_complete_until(source, now_us);
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
	}
	judging_hold(&lane->judging, shared->book, shared->config);
	lane->rules = judging_rules(&lane->judging, as_of_with(shared, batch, now_us));
	lane->rules.ticket_max_events = (size_t)lane->judging.config->run.ticket_max_events;
	/* 0 until PostgreSQL's clock is known: by the machine's alone, what was judged already may seem to lie ahead.
	 */
	lane->rules.now_us = common_clock_at(&shared->clock, monotonic_clock_us()) == TIME_NONE ? 0 : now_us;
	lane->order = (struct write_order){
	        .batch = batch,
	        .rules = &lane->rules,
	        .now_us = now_us,
	        .config = lane->judging.config,
	        .lock_tickets = lane->lock_tickets,
	        .source_name = sources_name,
	        .source_context = shared->sources,
	};
	lane->state = LANE_WRITING;
	pg_writer_start(lane->writer, &lane->order);
}

static void seal(struct lane *lane)
{
	batch_seal(lane->filling);
	lane->sealed = lane->filling;
	lane->filling = lane->sealed == &lane->batches[0] ? &lane->batches[1] : &lane->batches[0];
	lane->filled_bytes = 0;
	lane->filled_since_us = 0;
}

static void wait_for_company(struct lane *lane, int64_t wait_us)
{
	struct timeval wait = {wait_us / US_PER_SECOND, wait_us % US_PER_SECOND};
	if (!evtimer_pending(lane->age_timer, NULL))
		evtimer_add(lane->age_timer, &wait);
}

void lane_poke(struct lane *lane, bool flush)
{
	if (lane->state != LANE_IDLE)
		return;
	if (lane->sealed == NULL) {
		if (batch_is_empty(lane->filling))
			return;
		int64_t age_us = monotonic_clock_us() - lane->filled_since_us;
		int64_t max_age_us = lane->shared->config->run.batch_max_age_us;
		if (!flush && lane_has_room(lane) && lane->filled_since_us != 0 && age_us < max_age_us) {
			wait_for_company(lane, max_age_us - age_us);
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
	lane_poke(context, true);
}

static void forget_sealed(struct lane *lane)
{
	batch_clear(lane->sealed);
	lane->sealed = NULL;
	lane->lock_tickets = false;
	lane->retry_ms = RETRY_FIRST_MS;
	lane->fault = SQL_TRANSIENT;
}

static void took_effect(struct lane *lane)
{
	for (size_t i = 0; i < lane->sealed->n_sources; i++) {
		const struct batch_source *progress = &lane->sealed->sources[i];
		struct source *source = sources_find_no(lane->shared->sources, progress->source_no);
		if (source == NULL || source->epoch != progress->epoch)
			continue;
		KPID_CHECK(source->committed_offset == progress->begin_offset);
		source->committed_offset = progress->next_offset;
		if (progress->n_unknown_type > 0)
			unknown_types_note(lane->shared->unknown_types, source->topic);
	}
	forget_sealed(lane);
	lane->state = LANE_IDLE;
	lane->shared->committed(lane->shared->context, lane);
	lane->shared->idle(lane->shared->context, lane);
	lane_poke(lane, false);
}

static void try_later(struct lane *lane)
{
	struct timeval pause = {lane->retry_ms / 1000, (lane->retry_ms % 1000) * 1000};
	int longest_ms = sql_fault_lasts(lane->fault) ? RETRY_SELDOM_MS : RETRY_LONGEST_MS;
	lane->state = LANE_PAUSING;
	evtimer_add(lane->retry_timer, &pause);
	lane->retry_ms = lane->retry_ms * 2 > longest_ms ? longest_ms : lane->retry_ms * 2;
}

static void on_retry(evutil_socket_t fd, short what, void *context)
{
	struct lane *lane = context;
	(void)fd, (void)what;
	if (lane->state != LANE_PAUSING)
		return;
	lane->state = LANE_IDLE;
	lane_poke(lane, true);
}

/* ---- verifying: was the sealed batch committed, and whose are its sources? ---- */

void lane_drop(struct lane *lane, struct source *source)
{
	batch_drop_source(lane->filling, source->source_no);
	if (batch_is_empty(lane->filling)) { /* the next message is the first again, and starts the clock */
		lane->filled_bytes = 0;
		lane->filled_since_us = 0;
	}
	/* A batch that is between two tries may go without it; one that is in its transaction may not. */
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
	if (!source->fenced && rolled_back)
		log_warning("PostgreSQL has lost commits of %s/%d, as after a fail-over or a restore; it is read again "
		            "from "
		            "where the database is",
		            source->topic, (int)source->partition);
	else if (!source->fenced)
		log_warning("%s/%d has been claimed by another instance; what this one read of it is dropped",
		            source->topic, (int)source->partition);
	source->fenced = true;
	source->rolled_back = rolled_back;
	source->reading = false;
	source->fenced_us = monotonic_clock_us();
	lane_drop(lane, source);
}

/* What the database says of a source of the sealed batch. */
struct verified {
	bool ours;     /* nobody has claimed it since it was read, not even we */
	int64_t epoch; /* 0: the database does not know it */
	int64_t next_offset;
};

static struct verified verified(const PGresult *result, const struct batch_source *progress)
{
	for (int row = 0; row < PQntuples(result); row++)
		if (pg_get_int4(result, row, 0) == progress->source_no)
			return (struct verified){
			        .ours = pg_get_int8(result, row, 1) == progress->epoch,
			        .epoch = pg_get_int8(result, row, 1),
			        .next_offset = PQgetisnull(result, row, 2) ? OFFSET_NONE : pg_get_int8(result, row, 2),
			};
	return (struct verified){false, 0, OFFSET_NONE};
}

/* Of one that is not where its batch begins: whether the database knows less than it did. */
static bool is_rolled_back(const struct verified *now, const struct batch_source *progress)
{
	return now->epoch < progress->epoch ||
	       (now->ours && (now->next_offset == OFFSET_NONE || now->next_offset < progress->begin_offset));
}

static void on_verified(void *context, PGresult *result)
{
	struct lane *lane = context;
	if (!pg_result_ok(result))
		return; /* the session is about to be lost, or will be asked again */
	struct batch *batch = lane->sealed;
	for (size_t i = 0; i < batch->n_sources; i++) {
		const struct batch_source *progress = &batch->sources[i];
		struct verified now = verified(result, progress);
		if (now.ours && now.next_offset == progress->next_offset && now.next_offset != progress->begin_offset) {
			took_effect(lane);
			return;
		}
	}
	for (size_t i = batch->n_sources; i-- > 0;) {
		const struct batch_source progress = batch->sources[i];
		struct verified now = verified(result, &progress);
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
	lane_poke(lane, true);
}

static void on_verify_end(void *context, PGresult *result)
{
	struct lane *lane = context;
	(void)result;
	if (lane->state == LANE_VERIFYING)
		try_later(lane);
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

static void cannot_write(void *context, enum sql_fault fault, const char *reason)
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
		took_effect(lane);
		break;
	case WRITE_FENCED:
		verify(lane);
		break;
	case WRITE_RACED:
		lane->lock_tickets = true;
		lane_poke(lane, true);
		break;
	case WRITE_UNKNOWN_REVISION:
		lane->shared->load_revisions(lane->shared->load_context);
		try_later(lane);
		break;
	case WRITE_FAILED:
		lane->fault = sql_fault_of(pg_writer_sqlstate(lane->writer));
		try_later(lane);
		if (sql_fault_lasts(lane->fault))
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
	lane_poke(lane, false);
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
	lane->retry_ms = RETRY_FIRST_MS;
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

const struct write_parts *lane_parts(const struct lane *lane)
{
	return pg_writer_parts(lane->writer);
}
