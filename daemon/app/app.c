#include "app/app.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/pg/channels.h"
#include "adapters/pg/rows.h"
#include "adapters/timer.h"
#include "app/app_load.h"
#include "app/app_status.h"
#include "app/exit_status.h"
#include "app/notify.h"
#include "kpid/base/clock.h"
#include "kpid/base/hash.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

/* STOP_S: kpid promises to stop within 5 s; librdkafka needs the rest. */
enum { COMPARE_S = 60, STOP_S = 3, LOOK_OPENING_US = 20000, LOOK_US = 1000000 };

static void on_parked_due(void *context)
{
	parked_wake(((struct app *)context)->parked);
}

static void on_parked_changed(void *context)
{
	deadline_scheduler_tick(((struct app *)context)->scheduler);
}

static void on_parked_refused(void *context, int64_t n)
{
	struct app *app = context;
	if (n == app->n_refused)
		return;
	if (n == 0)
		log_info("no ticket is refused now");
	app->n_refused = n;
	app_show_status(app);
}

/* The session has logged it. A daemon waits until somebody acts; a command ends. */
static void on_unusable(void *context, enum sql_error error, const char *reason)
{
	struct app *app = context;
	(void)error;
	buf_clear(&app->unusable);
	buf_add_str(&app->unusable, reason);
	app_show_status(app);
	if (app->feeder.gives_up)
		app_quit(app, KPID_EXIT_NO_POSTGRES);
}

static void on_lane_cannot_write(void *context, enum sql_error error)
{
	struct app *app = context;
	(void)error;
	app_show_status(app);
	if (app->feeder.gives_up)
		app_quit(app, KPID_EXIT_NO_POSTGRES);
}

/* A new session has the current settings of the role, which may have been the cause. */
static void retry_start(struct app *app)
{
	on_unusable(app, sql_error_of(pg_session_refusal(app->control)), "a statement at the start was refused");
	if (app->status == 0)
		pg_session_reopen(app->control);
}

static void end_reload(struct app *app, bool refused)
{
	app->reloading = false;
	if (refused) {
		app_drop_next(app);
		log_error("nothing was reloaded: the configuration in force is kept");
	}
	notify_ready();
}

static void on_compare(evutil_socket_t fd, short what, void *context)
{
	static const struct timeval pause = {COMPARE_S, 0};
	struct app *app = context;
	(void)fd, (void)what;
	evtimer_add(app->compare_timer, &pause);
	if (!app->begun || app->loading || !pg_session_is_ready(app->control))
		return;
	app_compare_settings(app);
}

/* A request that came while policies were being loaded. */
static void reload_if_due(struct app *app);

/* ---- the start ---- */

static void begin(struct app *app)
{
	app->begun = true;
	on_compare(-1, 0, app);
	app->feeder.begin(app->feeder.context);
	app_show_status(app);
	notify_ready();
	reload_if_due(app);
}

/* Every part gets its session before events are read: otherwise they would be counted, and their deadlines not judged.
 */
static void open_sessions(struct app *app)
{
	app->opening = true;
	for (int i = 0; i < app->n_lanes; i++) {
		session_watch_add(&app->watch, lane_session(app->lanes[i]), "a lane, which writes events,");
		lane_start(app->lanes[i]);
	}
	session_watch_add(&app->watch, deadline_scheduler_session(app->scheduler), "judging deadlines");
	deadline_scheduler_start(app->scheduler);
	ack_silence_expiry_start(&app->ack_silence_expiry);
	if (app->feeder.open != NULL)
		app->feeder.open(app->feeder.context);
}

static void on_look(evutil_socket_t fd, short what, void *context)
{
	struct app *app = context;
	bool is_starting = app->opening && !app->begun, has_control = pg_session_is_ready(app->control);
	(void)fd, (void)what;
	timer_start(app->look_timer, is_starting ? LOOK_OPENING_US : LOOK_US);
	if (app->begun && !app->stopping)
		backlog_report_look(&app->backlog_report, &app->sources, app->shared.n_committed, monotonic_clock_us());
	if (has_control && session_watch_check(&app->watch, monotonic_clock_us()) > 0 && is_starting)
		log_error("no events are read until every part of this instance has its session");
	if (is_starting && has_control && app->status == 0 && session_watch_all_open(&app->watch))
		begin(app);
	else
		app_show_status(app);
}

static void on_loaded(void *context, PGresult *result)
{
	struct app *app = context;
	(void)result;
	app->loading = false;
	if (pg_session_refusal(app->control)[0] == '\0')
		buf_clear(&app->unusable);
	if (app->reloading) /* what the server refused must not come into force later */
		end_reload(app, app->next_policies != NULL);
	if (app->begun) {
		for (int i = 0; i < app->n_lanes; i++)
			lane_try_flush(app->lanes[i], false);
		reload_if_due(app);
		return;
	}
	if (app->status != 0)
		return;
	if (app->next_policies != NULL) { /* the server refused a statement */
		retry_start(app);
		return;
	}
	if (!app->opening)
		open_sessions(app);
	on_look(-1, 0, app);
}

static void load_policies(struct app *app)
{
	if (!pg_session_is_ready(app->control) || app->loading)
		return;
	app->loading = true;
	app_query_load(app);
	pg_session_sync(app->control, on_loaded, app);
}

static void on_load_revisions(void *context)
{
	load_policies(context);
}

static void on_batch_begun(void *context)
{
	deadline_scheduler_refresh(((struct app *)context)->scheduler);
}

static void on_work_written(void *context, int64_t at_us)
{
	deadline_scheduler_wake(((struct app *)context)->scheduler, at_us);
}

/* ---- acknowledgements and silences ---- */

static void on_actions_due(void *context, int64_t at_us)
{
	struct app *app = context;
	ack_silence_expiry_at(&app->ack_silence_expiry, at_us - lane_shared_now_us(&app->shared));
}

static void on_actions_applied(void *context)
{
	deadline_scheduler_tick(((struct app *)context)->scheduler);
}

static void on_action(void *context)
{
	ack_silence_expiry_now(&((struct app *)context)->ack_silence_expiry);
	on_compare(-1, 0, context);
}

/* ---- reload ---- */

static void reload(struct app *app)
{
	app->reloading = true;
	notify_reloading();
	app_drop_next(app);
	struct kpid_config *config = app_read_config(app);
	struct policy_set *policies = config == NULL ? NULL : rules_file_load(config->sla.policy_file);
	bool has_mappings = app->mappings != NULL;
	struct mappings *mappings = config == NULL || !has_mappings ? NULL : app_load_mappings(config);
	struct config_words names = {NULL, 0, 0};
	bool ok = policies != NULL && (mappings != NULL || !has_mappings);
	if (ok && kpid_config_diff_not_reloadable(app->config, config, &names) > 0) {
		for (size_t i = 0; i < names.n; i++)
			log_error("%s has changed, which needs a restart", names.items[i]);
		ok = false;
	}
	config_words_release(&names);
	if (ok && app->feeder.prepare_reload != NULL)
		ok = app->feeder.prepare_reload(app->feeder.context, config);
	app->next_config = config;
	app->next_policies = policies;
	app->next_mappings = mappings;
	if (ok)
		load_policies(app);
	else
		end_reload(app, true);
}

static void reload_if_due(struct app *app)
{
	if (!app->reload_due || !app->begun || app->loading)
		return;
	app->reload_due = false;
	reload(app);
}

static void on_reload(evutil_socket_t fd, short what, void *context)
{
	struct app *app = context;
	(void)fd, (void)what;
	app->reload_due = true;
	reload_if_due(app);
}

/* ---- life ---- */

static void on_ready(void *context)
{
	struct app *app = context;
	load_policies(app);
	if (!app->begun)
		return;
	ack_silence_expiry_now(&app->ack_silence_expiry);
	if (app->feeder.ready_again != NULL)
		app->feeder.ready_again(app->feeder.context);
}

static void on_lost(void *context, const char *reason)
{
	struct app *app = context;
	(void)reason;
	app->loading = false;
	app_show_status(app);
	ack_silence_expiry_forget(&app->ack_silence_expiry);
	unknown_types_forget(&app->unknown_types);
}

/* Ends without waiting for transactions. */
static void quit_now(struct app *app)
{
	app_quit(app, app->status != 0 ? app->status : app->feeder.stopped_status);
}

static void on_stop_deadline(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	log_warning("not everything ended in time: the next instance reads again what was not committed");
	quit_now(context);
}

static void on_stop(evutil_socket_t fd, short what, void *context)
{
	struct app *app = context;
	struct timeval patience = {STOP_S, 0};
	(void)fd, (void)what;
	if (app->stopping || !app->begun) {
		quit_now(app);
		return;
	}
	app->stopping = true;
	log_info("stopping");
	notify_stopping();
	evtimer_add(app->stop_timer, &patience);
	app->feeder.stop(app->feeder.context);
}

static void make_lanes(struct app *app, int n_lanes)
{
	app->shared.batch_bytes = kpid_config_memory(app->config, n_lanes > 0 ? n_lanes : 1).batch_bytes;
	app->n_lanes = n_lanes;
	app->lanes = mem_zalloc((size_t)n_lanes * sizeof(struct lane *));
	for (int i = 0; i < n_lanes; i++)
		app->lanes[i] = lane_new(&app->shared, i);
}

static void catch_signals(struct app *app)
{
	app->on_term = evsignal_new(app->base, SIGTERM, on_stop, app);
	app->on_int = evsignal_new(app->base, SIGINT, on_stop, app);
	app->on_hup = evsignal_new(app->base, SIGHUP, on_reload, app);
	evsignal_add(app->on_term, NULL);
	evsignal_add(app->on_int, NULL);
	evsignal_add(app->on_hup, NULL);
	signal(SIGPIPE, SIG_IGN);
}

struct app *app_new(struct kpid_config *config, int n_lanes, const struct app_feeder *feeder)
{
	struct policy_set *policies = rules_file_load(config->sla.policy_file);
	struct mappings *mappings = policies == NULL || feeder->group_id == NULL ? NULL : app_load_mappings(config);
	if (policies == NULL || (mappings == NULL && feeder->group_id != NULL)) {
		policy_set_free(policies);
		kpid_config_free(config);
		return NULL;
	}
	hash_seed((uint64_t)wall_clock_us() ^ (uint64_t)getpid() << 32);
	srandom((unsigned)(wall_clock_us() ^ getpid()));
	struct app *app = mem_zalloc(sizeof(*app));
	app->config = config;
	app->first_config = kpid_config_hold(config);
	app->next_policies = policies;
	app->mappings = mappings;
	app->feeder = *feeder;
	app->base = event_base_new();
	policy_registry_init(&app->registry);
	app->shared = (struct lane_shared){
	        .clock = COMMON_CLOCK_UNKNOWN,
	        .base = app->base,
	        .config = config,
	        .registry = &app->registry,
	        .sources = &app->sources,
	        .unknown_types = &app->unknown_types,
	        .context = feeder->context,
	        .wants_more = feeder->wants_more,
	        .idle = feeder->idle,
	        .load_revisions = on_load_revisions,
	        .batch_begun = on_batch_begun,
	        .work_written = on_work_written,
	        .actions_due = on_actions_due,
	        .parked_due = on_parked_due,
	        .load_context = app,
	        .fired_as_of_us = TIME_NONE,
	        .cannot_write = on_lane_cannot_write,
	};
	make_lanes(app, n_lanes);
	app->scheduler = deadline_scheduler_new(
	        &app->shared, &(struct deadline_scheduler_events){feeder->needs_completeness, feeder->context});
	app->parked = parked_new(&app->shared, &(struct parked_events){on_parked_changed, on_parked_refused, app});
	app->control = pg_session_new(app->base, &config->postgres, "control",
	                              &(struct pg_session_events){on_ready, on_lost, app});
	pg_session_on_unusable(app->control, on_unusable);
	pg_session_listen(app->control, CHANNEL_ACTION, on_action);
	calendar_materializer_init(&app->calendar_materializer, app->base, app->first_config, &app->registry,
	                           on_load_revisions, app);
	ack_silence_expiry_init(&app->ack_silence_expiry, app->base, app->control, on_actions_applied, app);
	unknown_types_init(&app->unknown_types, app->base, app->control);
	app->stop_timer = evtimer_new(app->base, on_stop_deadline, app);
	app->watchdog = notify_watchdog(app->base, &app->begun);
	app->compare_timer = evtimer_new(app->base, on_compare, app);
	app->look_timer = evtimer_new(app->base, on_look, app);
	if (mappings != NULL)
		dead_letter_expiry_start(&app->dead_letter_expiry, app);
	catch_signals(app);
	return app;
}

void app_free(struct app *app)
{
	if (app == NULL)
		return;
	for (int i = 0; i < app->n_lanes; i++)
		lane_free(app->lanes[i]);
	free(app->lanes);
	deadline_scheduler_free(app->scheduler);
	parked_free(app->parked);
	pg_session_free(app->control);
	calendar_materializer_release(&app->calendar_materializer);
	ack_silence_expiry_release(&app->ack_silence_expiry);
	unknown_types_release(&app->unknown_types);
	dead_letter_expiry_release(&app->dead_letter_expiry);
	event_free(app->on_term);
	event_free(app->on_int);
	event_free(app->on_hup);
	event_free(app->stop_timer);
	event_free(app->compare_timer);
	event_free(app->look_timer);
	session_watch_release(&app->watch);
	backlog_report_release(&app->backlog_report);
	buf_release(&app->unusable);
	buf_release(&app->status_words);
	buf_release(&app->differences);
	shared_settings_release(&app->settings);
	if (app->watchdog != NULL)
		event_free(app->watchdog);
	event_base_free(app->base);
	app_drop_next(app);
	mappings_free(app->old_mappings);
	mappings_free(app->mappings);
	policy_registry_release(&app->registry);
	sources_release(&app->sources);
	completeness_release(&app->shared.completeness);
	kpid_config_free(app->config);
	kpid_config_free(app->first_config);
	free(app);
}

int app_run(struct app *app)
{
	app_show_status(app);
	pg_session_start(app->control);
	event_base_dispatch(app->base);
	return app->status;
}

void app_quit(struct app *app, int status)
{
	app->status = status;
	event_base_loopbreak(app->base);
}

bool app_is_idle(const struct app *app)
{
	for (int i = 0; i < app->n_lanes; i++)
		if (!lane_is_idle(app->lanes[i]))
			return false;
	return true;
}

void app_flush(struct app *app)
{
	for (int i = 0; i < app->n_lanes; i++)
		lane_try_flush(app->lanes[i], true);
}

void app_forget_old_mappings(struct app *app)
{
	for (int i = 0; i < app->n_lanes; i++)
		if (lane_is_amid(app->lanes[i]))
			return;
	mappings_free(app->old_mappings);
	app->old_mappings = NULL;
}

/* ---- claims ---- */

/* The former owner may have written deadlines that this instance does not know. */
static void on_claim_end(void *context, PGresult *result)
{
	(void)result;
	deadline_scheduler_tick(((struct app *)context)->scheduler);
}

bool app_claim(struct app *app, struct source *const *sources, size_t n, pg_result_fn fn, void *context)
{
	if (!pg_session_is_ready(app->control))
		return false;
	struct pg_array topics = {.n = 0}, partitions = {.n = 0};
	pg_array_start(&topics, PG_OID_TEXT);
	pg_array_start(&partitions, PG_OID_INT4);
	for (size_t i = 0; i < n; i++) {
		pg_array_text(&topics, text_of(sources[i]->topic));
		pg_array_int4(&partitions, sources[i]->partition);
	}
	struct pg_param params[SOURCE_CLAIM_N_PARAMS] = {
	        [SOURCE_CLAIM_PARAM_TOPICS] = pg_array_param(&topics),
	        [SOURCE_CLAIM_PARAM_PARTITIONS] = pg_array_param(&partitions),
	        [SOURCE_CLAIM_PARAM_OWNER] = pg_param_text(text_of(app->config->run.instance)),
	};
	pg_session_query(app->control, "queries/source_claim.sql", params, SOURCE_CLAIM_N_PARAMS, fn, context);
	pg_session_sync(app->control, on_claim_end, app);
	pg_array_release(&topics);
	pg_array_release(&partitions);
	return true;
}

struct source *app_claimed(struct app *app, const PGresult *result, int row, enum partition_event *event_out)
{
	char topic[256];
	struct text name = pg_get_text(result, row, SOURCE_CLAIM_TOPIC);
	snprintf(topic, sizeof(topic), "%.*s", (int)name.len, name.ptr);
	struct source *source = sources_get(&app->sources, topic, pg_get_int4(result, row, SOURCE_CLAIM_PARTITION));
	lane_drop(app->lanes[source->lane], source);
	source->source_no = pg_get_int4(result, row, SOURCE_CLAIM_SOURCE_NO);
	source->epoch = pg_get_int8(result, row, SOURCE_CLAIM_EPOCH);
	source->committed_offset = pg_get_int8_or(result, row, SOURCE_CLAIM_NEXT_OFFSET, OFFSET_NONE);
	source->next_offset = source->committed_offset;
	source->fingerprint = pg_get_int8(result, row, SOURCE_CLAIM_LAST_FINGERPRINT);
	bool stopped = text_same(pg_get_text(result, row, SOURCE_CLAIM_STATE), TEXT("stopped"));
	*event_out = stopped ? PARTITION_CLAIMED_AT_GAP : PARTITION_CLAIMED_RUNNING;
	source->end_offset = OFFSET_NONE;
	vouch_clear(&source->vouch);
	source->more_since_us = source->held_since_us = 0;
	source->held_logged = false;
	bool knows = source->committed_offset != OFFSET_NONE &&
	             !PQgetisnull(result, row, SOURCE_CLAIM_CHECKED_OFFSET) &&
	             !PQgetisnull(result, row, SOURCE_CLAIM_CHECKED_FINGERPRINT);
	source->checked.offset = knows ? pg_get_int8(result, row, SOURCE_CLAIM_CHECKED_OFFSET) : OFFSET_NONE;
	source->checked.fingerprint = pg_get_int8(result, row, SOURCE_CLAIM_CHECKED_FINGERPRINT);
	source->read = (struct known_message){knows ? source->committed_offset - 1 : OFFSET_NONE, source->fingerprint};
	source->asked.offset = OFFSET_NONE;
	source->owner_asked = false;
	/* An accepted gap clears the fingerprint. */
	source->knows_fingerprint =
	        source->committed_offset != OFFSET_NONE && !PQgetisnull(result, row, SOURCE_CLAIM_LAST_FINGERPRINT);
	return source;
}
