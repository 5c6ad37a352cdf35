#include "app/app.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/pg/rows.h"
#include "app/exit_status.h"
#include "app/notify.h"
#include "kpid/base/hash.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

enum {
	LOOK_AT_POLICIES_S = 10,
	STOP_SECONDS = 3
}; /* of the 5 that are promised: what librdkafka does to end takes its time, too */

/* ---- settings and policies: stored, loaded, numbered, and then in force ---- */

static void note_policy_ids(struct app *app, const struct policy_set *policies)
{
	buf_clear(&app->policy_ids);
	rules_add_ids(policies, &app->policy_ids);
}

static const char *policy_ids(const struct app *app)
{
	return app->policy_ids.len_bytes == 0 ? "none" : buf_text(&app->policy_ids).ptr;
}

static void drop_next(struct app *app)
{
	policy_set_free(app->next_policies);
	app->next_policies = NULL;
	kpid_config_free(app->next_config);
	app->next_config = NULL;
}

static void swap_config(struct app *app)
{
	if (app->next_config == NULL)
		return;
	kpid_config_free(app->config);
	app->config = app->next_config;
	app->next_config = NULL;
	app->shared.config = app->config;
	log_set_level((enum log_level)app->config->run.log_level);
	if (app->feeder.reloaded != NULL)
		app->feeder.reloaded(app->feeder.context);
	log_info("the configuration has been reloaded");
}

/* Other policies than the last that were read, by any instance: new tickets are judged by whichever instance reads
 * them.
 */
static void say_policies(struct app *app, struct text stored, const char *ours)
{
	bool differ = !text_is_absent(stored) && !text_same(stored, text_of(ours));
	if (differ && !app->policies_differ)
		log_warning("the policy file here has the revisions %s, and another instance has read %.*s; each "
		            "judges new "
		            "tickets by its own: give all the same file and reload them",
		            ours, (int)stored.len, stored.ptr);
	app->policies_differ = differ;
}

static void say_new_policies(struct text before, struct text ours)
{
	if (!text_same(before, ours))
		log_info("the policy file has the revisions %.*s; the one before had %.*s", (int)ours.len, ours.ptr,
		         (int)before.len, before.ptr);
}

/* A setting that every number in the database was made with. */
static void refuse_setting(struct app *app, struct text name, struct text stored, struct text ours)
{
	const char *remedy = "every number there was made with that: set it back, or read everything again into a new "
	                     "database";
	if (text_same(name, TEXT("report.time_zone")))
		remedy = "set it to that, or change it for everybody with `kpid settings set report.time_zone`";
	if (text_same(name, TEXT("kafka.group.id")))
		remedy = "two groups would take every partition from each other: set it to that, or, if the group was "
		         "renamed, run `kpid settings set kafka.group.id` with the new name";
	log_error("%.*s is %.*s here and %.*s in the database; %s", (int)name.len, name.ptr, (int)ours.len, ours.ptr,
	          (int)stored.len, stored.ptr, remedy);
	app_quit(app, KPID_EXIT_CONFIG);
}

static void on_settings(void *context, PGresult *result)
{
	struct app *app = context;
	if (!pg_result_ok(result) || app->begun)
		return;
	for (int row = 0; row < PQntuples(result); row++) {
		struct text name = pg_get_text(result, row, 0), stored = pg_get_text(result, row, 1);
		struct text ours = pg_get_text(result, row, 2);
		if (text_same(name, TEXT("kpi.fcr_window_us")) && !kpid_config_names(app->config, "kpi.fcr_window"))
			app->config->kpi.fcr_window_us = strtoll(stored.ptr, NULL, 10); /* a default gives way */
		else if (text_same(name, TEXT("sla.policy_revisions")) && text_is_absent(ours))
			say_policies(app, stored, policy_ids(app));
		else if (text_same(name, TEXT("sla.policy_revisions")))
			say_new_policies(stored, ours);
		else if (!text_is_absent(ours) && !text_same(stored, ours))
			refuse_setting(app, name, stored, ours);
	}
}

static void on_policies(void *context, PGresult *result)
{
	struct app *app = context;
	if (!pg_result_ok(result))
		return;
	if (rules_book_update(&app->book, app->next_policies, result)) {
		app->next_policies = NULL;
		swap_config(app);
		return;
	}
	drop_next(app);
	if (!app->begun)
		app_quit(app, KPID_EXIT_CONFIG);
	else
		log_error("the configuration in force is kept");
}

/* ---- what was set aside ---- */

static void show_running(const struct app *app)
{
	char words[128] = "running";
	if (app->n_refused > 0)
		snprintf(words, sizeof(words),
		         "running; PostgreSQL refuses %lld tickets, which are set aside: see kpid doctor",
		         (long long)app->n_refused);
	notify_status(words);
}

static void on_parked_due(void *context)
{
	parked_wake(((struct app *)context)->parked);
}

static void on_parked_changed(void *context)
{
	watch_tick(((struct app *)context)->watch);
}

static void on_parked_refused(void *context, int64_t n)
{
	struct app *app = context;
	if (n == app->n_refused)
		return;
	if (n == 0)
		log_info("no ticket is refused any more");
	app->n_refused = n;
	if (!app->stopping)
		show_running(app);
}

/* It was logged. A daemon waits until somebody has acted; a command does not. */
static void on_unusable(void *context, enum sql_fault fault, const char *reason)
{
	struct app *app = context;
	struct buf words = BUF_INIT;
	(void)fault;
	buf_add_format(&words, "PostgreSQL cannot be used: %s", reason);
	notify_status(buf_text(&words).ptr);
	buf_release(&words);
	if (app->feeder.gives_up)
		app_quit(app, KPID_EXIT_NO_POSTGRES);
}

static void on_lane_cannot_write(void *context, enum sql_fault fault)
{
	on_unusable(context, fault, sql_fault_name(fault));
}

/* What the settings of a role may have to do with is tried on a session of its own, which has those of today. */
static void start_again(struct app *app)
{
	on_unusable(app, sql_fault_of(pg_session_refusal(app->control)), "a statement of the start was refused");
	if (app->status == 0)
		pg_session_reopen(app->control);
}

static void end_reload(struct app *app, bool refused)
{
	app->reloading = false;
	if (refused) {
		drop_next(app);
		log_error("nothing was reloaded: the configuration in force is kept");
	}
	notify_ready();
}

/* Another instance may have been given another policy file since. */
static void on_policies_looked_at(void *context, PGresult *result)
{
	struct app *app = context;
	if (pg_result_ok(result) && PQntuples(result) == 1 && app->next_policies == NULL)
		say_policies(app, pg_get_text(result, 0, 0), policy_ids(app));
}

static void on_look(evutil_socket_t fd, short what, void *context)
{
	static const struct timeval pause = {LOOK_AT_POLICIES_S, 0};
	struct app *app = context;
	(void)fd, (void)what;
	evtimer_add(app->look_timer, &pause);
	if (!app->begun || app->loading || !pg_session_is_ready(app->control))
		return;
	pg_session_query(app->control, "queries/settings_policies.sql", NULL, 0, on_policies_looked_at, app);
	pg_session_sync(app->control, NULL, NULL);
}

static void on_loaded(void *context, PGresult *result)
{
	struct app *app = context;
	(void)result;
	app->loading = false;
	if (app->reloading) /* what the server refused is not to come into force some time later */
		end_reload(app, app->next_policies != NULL);
	if (app->begun) {
		for (int i = 0; i < app->n_lanes; i++)
			lane_poke(app->lanes[i], false);
		return;
	}
	if (app->status != 0)
		return;
	if (app->next_policies != NULL) { /* the server refused something */
		start_again(app);
		return;
	}
	app->begun = true;
	on_look(-1, 0, app);
	for (int i = 0; i < app->n_lanes; i++)
		lane_start(app->lanes[i]);
	watch_start(app->watch);
	attend_start(&app->attend);
	app->feeder.begin(app->feeder.context);
	show_running(app);
	notify_ready();
}

static void send_settings(struct app *app)
{
	char window[32];
	const struct kpid_config *next = app->next_config == NULL ? app->config : app->next_config;
	bool names_zone = kpid_config_names(app->config, "report.time_zone");
	/* Judging recorded tickets again is no policy for new ones. */
	bool names_policies = app->next_policies != NULL && next->sla.policy_file != NULL && app->n_lanes > 0;
	snprintf(window, sizeof(window), "%lld", (long long)app->config->kpi.fcr_window_us);
	if (app->next_policies != NULL)
		note_policy_ids(app, app->next_policies);
	const char *group_id = app->feeder.group_id;
	struct pg_param params[5] = {pg_param_text(text_of(window)), pg_param_text(text_of(TICKET_RULES_VERSION)),
	                             pg_param_text(names_zone ? text_of(app->config->report.time_zone) : TEXT_ABSENT),
	                             pg_param_text(names_policies ? text_of(policy_ids(app)) : TEXT_ABSENT),
	                             pg_param_text(group_id == NULL ? TEXT_ABSENT : text_of(group_id))};
	/* Twice: of two first starts at once, one sees what the other has stored only in its next statement. */
	for (int i = 0; i < 2; i++)
		pg_session_query(app->control, "queries/settings_agree.sql", params, 5, on_settings, app);
}

static void send_revisions(struct app *app)
{
	struct pg_array arrays[3] = {{.n = 0}, {.n = 0}, {.n = 0}};
	pg_array_start(&arrays[0], PG_OID_TEXT);
	pg_array_start(&arrays[1], PG_OID_TIMESTAMPTZ);
	pg_array_start(&arrays[2], PG_OID_TEXT);
	for (size_t i = 0; i < app->next_policies->n_revisions; i++) {
		const struct policy_revision *revision = &app->next_policies->revisions[i];
		pg_array_text(&arrays[0], revision->id);
		pg_array_time_unbounded(&arrays[1], revision->effective_from_us);
		pg_array_text(&arrays[2], revision->json);
	}
	struct pg_param params[3];
	for (int i = 0; i < 3; i++)
		params[i] = pg_array_param(&arrays[i]);
	pg_session_query(app->control, "queries/policy_store.sql", params, 3, NULL, NULL);
	for (int i = 0; i < 3; i++)
		pg_array_release(&arrays[i]);
}

/* Those of the file, and those that a ticket was found to need. */
static void ask_for_revisions(struct app *app)
{
	struct pg_array numbers = {.n = 0}, ids = {.n = 0};
	pg_array_start(&numbers, PG_OID_INT4);
	for (size_t i = 0; i < app->book.n_missing; i++)
		pg_array_int4(&numbers, app->book.missing[i]);
	pg_array_start(&ids, PG_OID_TEXT);
	for (size_t i = 0; app->next_policies != NULL && i < app->next_policies->n_revisions; i++)
		pg_array_text(&ids, app->next_policies->revisions[i].id);
	struct pg_param params[2] = {pg_array_param(&numbers), pg_array_param(&ids)};
	pg_session_query(app->control, "queries/policy_load.sql", params, 2, on_policies, app);
	pg_array_release(&numbers);
	pg_array_release(&ids);
}

static void load_policies(struct app *app)
{
	if (!pg_session_is_ready(app->control) || app->loading)
		return;
	app->loading = true;
	send_settings(app);
	if (app->next_policies != NULL)
		send_revisions(app);
	ask_for_revisions(app);
	pg_session_sync(app->control, on_loaded, app);
}

static void on_load_revisions(void *context)
{
	load_policies(context);
}

static void on_attend(void *context)
{
	attend_now(&((struct app *)context)->attend);
}

/* ---- reload ---- */

static struct kpid_config *read_config(struct app *app)
{
	struct config_faults faults = CONFIG_FAULTS_INIT;
	struct kpid_config *config = kpid_config_load(app->config_path, app->config_sets, app->n_config_sets, &faults);
	config_faults_log(&faults);
	config_faults_release(&faults);
	/* A default gives way to what was found in the database. */
	if (config != NULL && !kpid_config_names(config, "kpi.fcr_window"))
		config->kpi.fcr_window_us = app->config->kpi.fcr_window_us;
	return config;
}

static void on_reload(evutil_socket_t fd, short what, void *context)
{
	struct app *app = context;
	(void)fd, (void)what;
	if (!app->begun || app->loading) {
		log_warning("a reload was asked for while policies are being loaded; ask again in a moment");
		return;
	}
	app->reloading = true;
	notify_reloading();
	drop_next(app);
	struct kpid_config *config = read_config(app);
	struct policy_set *policies = config == NULL ? NULL : rules_file_load(config->sla.policy_file);
	struct config_words names = {NULL, 0, 0};
	bool ok = policies != NULL;
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
	if (ok)
		load_policies(app);
	else
		end_reload(app, true);
}

/* ---- life ---- */

static void on_ready(void *context)
{
	struct app *app = context;
	load_policies(app);
	if (!app->begun)
		return;
	show_running(app);
	app->feeder.ready_again(app->feeder.context);
}

static void on_lost(void *context, const char *reason)
{
	struct app *app = context;
	(void)reason;
	app->loading = false;
	notify_status("waiting for PostgreSQL");
	attend_forget(&app->attend);
	unknown_types_forget(&app->unknown_types);
}

/* Ends without waiting for what is under way. */
static void quit_at_once(struct app *app)
{
	app_quit(app, app->status != 0 ? app->status : app->feeder.stopped_status);
}

static void on_stop_deadline(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	log_warning("not everything ended in time; what was not committed is read again by whoever comes next");
	quit_at_once(context);
}

static void on_stop(evutil_socket_t fd, short what, void *context)
{
	struct app *app = context;
	struct timeval patience = {STOP_SECONDS, 0};
	(void)fd, (void)what;
	if (app->stopping || !app->begun) {
		quit_at_once(app);
		return;
	}
	app->stopping = true;
	log_info("stopping");
	notify_stopping();
	evtimer_add(app->stop_timer, &patience);
	app->feeder.stop(app->feeder.context);
}

struct app *app_new(struct kpid_config *config, int n_lanes, const struct app_feeder *feeder)
{
	struct policy_set *policies = rules_file_load(config->sla.policy_file);
	if (policies == NULL) {
		kpid_config_free(config);
		return NULL;
	}
	hash_seed((uint64_t)wall_clock_us() ^ (uint64_t)getpid() << 32);
	srandom((unsigned)(wall_clock_us() ^ getpid()));
	struct app *app = mem_zalloc(sizeof(*app));
	app->config = config;
	app->first_config = kpid_config_hold(config);
	app->next_policies = policies;
	app->feeder = *feeder;
	app->base = event_base_new();
	rules_book_init(&app->book);
	app->shared = (struct lane_shared){
	        .clock = COMMON_CLOCK_UNKNOWN,
	        .base = app->base,
	        .config = config,
	        .book = &app->book,
	        .sources = &app->sources,
	        .unknown_types = &app->unknown_types,
	        .context = feeder->context,
	        .wants_more = feeder->wants_more,
	        .committed = feeder->committed,
	        .idle = feeder->idle,
	        .load_revisions = on_load_revisions,
	        .attend = on_attend,
	        .parked_due = on_parked_due,
	        .load_context = app,
	        .fired_as_of_us = TIME_NONE,
	        .cannot_write = on_lane_cannot_write,
	};
	app->n_lanes = n_lanes;
	app->lanes = mem_zalloc((size_t)n_lanes * sizeof(struct lane *));
	for (int i = 0; i < n_lanes; i++)
		app->lanes[i] = lane_new(&app->shared, i);
	app->watch = watch_new(&app->shared, &(struct watch_events){feeder->needs_completeness, feeder->context});
	app->parked = parked_new(&app->shared, &(struct parked_events){on_parked_changed, on_parked_refused, app});
	app->control = pg_session_new(app->base, &config->postgres, "control",
	                              &(struct pg_session_events){on_ready, on_lost, app});
	pg_session_on_unusable(app->control, on_unusable);
	horizon_init(&app->horizon, app->base, app->first_config, &app->book, on_load_revisions, app);
	attend_init(&app->attend, app->base, app->control);
	unknown_types_init(&app->unknown_types, app->base, app->control);
	app->on_term = evsignal_new(app->base, SIGTERM, on_stop, app);
	app->on_int = evsignal_new(app->base, SIGINT, on_stop, app);
	app->on_hup = evsignal_new(app->base, SIGHUP, on_reload, app);
	app->stop_timer = evtimer_new(app->base, on_stop_deadline, app);
	evsignal_add(app->on_term, NULL);
	evsignal_add(app->on_int, NULL);
	evsignal_add(app->on_hup, NULL);
	signal(SIGPIPE, SIG_IGN);
	app->turning = notify_turning(app->base, &app->begun);
	app->look_timer = evtimer_new(app->base, on_look, app);
	return app;
}

void app_free(struct app *app)
{
	if (app == NULL)
		return;
	for (int i = 0; i < app->n_lanes; i++)
		lane_free(app->lanes[i]);
	free(app->lanes);
	watch_free(app->watch);
	parked_free(app->parked);
	pg_session_free(app->control);
	horizon_release(&app->horizon);
	attend_release(&app->attend);
	unknown_types_release(&app->unknown_types);
	event_free(app->on_term);
	event_free(app->on_int);
	event_free(app->on_hup);
	event_free(app->stop_timer);
	event_free(app->look_timer);
	buf_release(&app->policy_ids);
	if (app->turning != NULL)
		event_free(app->turning);
	event_base_free(app->base);
	drop_next(app);
	rules_book_release(&app->book);
	sources_release(&app->sources);
	completeness_release(&app->shared.completeness);
	kpid_config_free(app->config);
	kpid_config_free(app->first_config);
	free(app);
}

int app_run(struct app *app)
{
	notify_status("waiting for PostgreSQL");
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
		lane_poke(app->lanes[i], true);
}

/* ---- claims ---- */

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
	struct pg_param params[3] = {pg_array_param(&topics), pg_array_param(&partitions),
	                             pg_param_text(text_of(app->config->run.instance))};
	pg_session_query(app->control, "queries/source_claim.sql", params, 3, fn, context);
	pg_session_sync(app->control, NULL, NULL);
	pg_array_release(&topics);
	pg_array_release(&partitions);
	return true;
}

struct source *app_claimed(struct app *app, const PGresult *result, int row)
{
	char topic[256];
	struct text name = pg_get_text(result, row, 0);
	snprintf(topic, sizeof(topic), "%.*s", (int)name.len, name.ptr);
	struct source *source = sources_get(&app->sources, topic, pg_get_int4(result, row, 1));
	lane_drop(app->lanes[source->lane], source);
	source->source_no = pg_get_int4(result, row, 2);
	source->epoch = pg_get_int8(result, row, 3);
	source->committed_offset = PQgetisnull(result, row, 4) ? OFFSET_NONE : pg_get_int8(result, row, 4);
	source->next_offset = source->committed_offset;
	source->fingerprint = pg_get_int8(result, row, 5);
	source->stopped = text_same(pg_get_text(result, row, 6), TEXT("stopped"));
	source->fenced = source->rolled_back = false;
	source->end_offset = OFFSET_NONE;
	source->more_since_us = source->held_since_us = 0;
	source->held_was_said = false;
	bool knows = !PQgetisnull(result, row, 8) && !PQgetisnull(result, row, 9);
	source->checked.offset = knows ? pg_get_int8(result, row, 8) : OFFSET_NONE;
	source->checked.fingerprint = pg_get_int8(result, row, 9);
	source->read = (struct known_message){knows ? source->committed_offset - 1 : OFFSET_NONE, source->fingerprint};
	source->asked.offset = OFFSET_NONE;
	/* The fingerprint is known only of what was read since it is kept. */
	source->verify_fingerprint = source->committed_offset != OFFSET_NONE && !PQgetisnull(result, row, 5);
	return source;
}
