#include "app/app_load.h"

#include <stdio.h>
#include <stdlib.h>

#include "adapters/pg/rows.h"
#include "app/app.h"
#include "app/exit_status.h"
#include "kpid/base/log.h"

void app_drop_next(struct app *app)
{
	policy_set_free(app->next_policies);
	app->next_policies = NULL;
	mappings_free(app->next_mappings);
	app->next_mappings = NULL;
	kpid_config_free(app->next_config);
	app->next_config = NULL;
}

/* A message that is being read is read to its end with the mapping that it began with. */
static void swap_mappings(struct app *app)
{
	if (app->next_mappings == NULL)
		return;
	mappings_continue(app->next_mappings, app->mappings);
	app->mappings->older = app->old_mappings;
	app->old_mappings = app->mappings;
	app->mappings = app->next_mappings;
	app->next_mappings = NULL;
	for (size_t i = 0; i < app->sources.n; i++)
		app->sources.items[i]->intake = mappings_of_topic(app->mappings, app->sources.items[i]->topic);
	app_forget_old_mappings(app);
}

static void swap_config(struct app *app)
{
	if (app->next_config == NULL)
		return;
	kpid_config_free(app->config);
	app->config = app->next_config;
	app->next_config = NULL;
	app->shared.config = app->config;
	swap_mappings(app);
	log_set_level((enum log_level)app->config->run.log_level);
	if (app->feeder.reloaded != NULL)
		app->feeder.reloaded(app->feeder.context);
	log_info("the configuration has been reloaded");
}

/* ---- settings ---- */

/* What the configuration gives, with the policy file that is about to be loaded. */
static void note_settings(struct app *app)
{
	struct buf ids = BUF_INIT;
	rules_add_ids(app->next_policies, &ids);
	if (ids.len_bytes == 0)
		buf_add_str(&ids, "none");
	shared_settings_release(&app->settings);
	/* kpid policy recalc has no lanes: its policies are not for new tickets. */
	shared_settings_init(&app->settings, app->config, app->feeder.group_id != NULL,
	                     app->n_lanes > 0 ? ids.data : NULL,
	                     app->next_mappings != NULL ? app->next_mappings : app->mappings);
	buf_release(&ids);
}

/* Warns once while other instances have other settings: each works by its own. */
static void warn_of_differences(struct app *app, const PGresult *stored)
{
	struct buf all = BUF_INIT;
	for (int row = 0; row < PQntuples(stored); row++) {
		struct text value = pg_get_text(stored, row, SETTINGS_LIST_VALUE);
		const struct shared_setting *ours =
		        shared_settings_find(&app->settings, pg_get_text(stored, row, SETTINGS_LIST_NAME));
		if (ours == NULL || !shared_setting_can_change(text_of(ours->name)) ||
		    !shared_setting_differs(ours, value))
			continue;
		buf_add_str(&all, all.len_bytes == 0 ? "" : "; ");
		shared_setting_describe(ours, value, &all);
		buf_add_str(&all, ": ");
		shared_setting_remedy(ours, &all);
	}
	if (all.len_bytes > 0 && !text_same(buf_text(&all), buf_text(&app->differences)))
		log_warning("%s", all.data);
	buf_release(&app->differences);
	app->differences = all;
}

static void on_stored_settings(void *context, PGresult *result)
{
	struct app *app = context;
	if (pg_result_ok(result) && app->next_policies == NULL)
		warn_of_differences(app, result);
}

/* This instance contradicts what the others work by. */
static void refuse(struct app *app, const struct shared_setting *setting, struct text stored)
{
	struct buf words = BUF_INIT;
	shared_setting_describe(setting, stored, &words);
	buf_add_str(&words, "; ");
	shared_setting_remedy(setting, &words);
	log_error("%s", words.data);
	buf_release(&words);
	app_quit(app, KPID_EXIT_CONFIG);
}

static void log_change(const struct shared_setting *setting, struct text stored, bool takes_over)
{
	if (text_same(text_of(setting->name), TEXT(SETTING_POLICIES)))
		log_info("the policy file has the revisions %s; the previous one had %.*s", setting->value,
		         (int)stored.len, stored.ptr);
	else if (shared_setting_is_mapping(text_of(setting->name)))
		log_info("%s is %.12s; the previous one was %.12s", setting->name, setting->value, stored.ptr);
	else if (takes_over)
		log_warning("%s is \"%s\" for all instances from now on, and was \"%.*s\": the others need the same "
		            "configuration and a restart",
		            setting->name, setting->value, (int)stored.len, stored.ptr);
}

static void on_settings(void *context, PGresult *result)
{
	struct app *app = context;
	if (!pg_result_ok(result) || app->begun || app->status == KPID_EXIT_CONFIG)
		return;
	for (int row = 0; row < PQntuples(result); row++) {
		struct text name = pg_get_text(result, row, SETTINGS_AGREE_NAME),
		            stored = pg_get_text(result, row, SETTINGS_AGREE_STORED);
		const struct shared_setting *setting = shared_settings_find(&app->settings, name);
		if (setting == NULL || !shared_setting_differs(setting, stored))
			continue;
		if (text_same(name, TEXT(SETTING_WINDOW)) && !kpid_config_names(app->config, "kpi.fcr_window"))
			app->config->kpi.fcr_window_us =
			        strtoll(stored.ptr, NULL, 10); /* the database wins over a default */
		else if (pg_get_bool(result, row, SETTINGS_AGREE_PUT))
			log_change(setting, stored, app->feeder.takes_over);
		else if (!PQgetisnull(result, row, SETTINGS_AGREE_OURS)) {
			refuse(app, setting, stored);
			if (!shared_setting_can_change(name))
				return; /* nothing is stored then: other differences need no words */
		}
	}
}

/* Whether the stored value gives way to that of this instance. A reload changes the policies of all instances, one
 * after the other; kpid ingest uses its own. */
static bool overrides(const struct app *app, const struct shared_setting *setting)
{
	struct text name = text_of(setting->name);
	if (text_same(name, TEXT(SETTING_POLICIES)) && (app->reloading || app->feeder.group_id == NULL))
		return true;
	/* The last one that read a mapping decides; the others warn. */
	if (shared_setting_is_mapping(name))
		return app->reloading || !app->begun;
	return app->feeder.takes_over && !app->begun && shared_setting_can_change(name);
}

/* Policies count when their file is read. kpid ingest may have none. */
static bool is_given(const struct app *app, const struct shared_setting *setting)
{
	const struct kpid_config *next = app->next_config == NULL ? app->config : app->next_config;
	if (setting->value == NULL || !text_same(text_of(setting->name), TEXT(SETTING_POLICIES)))
		return setting->value != NULL;
	return app->next_policies != NULL && (app->feeder.group_id != NULL || next->sla.policy_file != NULL);
}

static void send_settings(struct app *app)
{
	struct pg_array names = {.n = 0}, values = {.n = 0}, overriding = {.n = 0};
	if (app->next_policies != NULL)
		note_settings(app);
	pg_array_start(&names, PG_OID_TEXT);
	pg_array_start(&values, PG_OID_TEXT);
	pg_array_start(&overriding, PG_OID_TEXT);
	for (size_t i = 0; i < app->settings.n; i++) {
		const struct shared_setting *setting = &app->settings.items[i];
		pg_array_text(&names, text_of(setting->name));
		pg_array_text(&values, is_given(app, setting) ? text_of(setting->value) : TEXT_ABSENT);
		if (overrides(app, setting))
			pg_array_text(&overriding, text_of(setting->name));
	}
	struct pg_param params[SETTINGS_AGREE_N_PARAMS] = {
	        [SETTINGS_AGREE_PARAM_NAMES] = pg_array_param(&names),
	        [SETTINGS_AGREE_PARAM_SETTINGS] = pg_array_param(&values),
	        [SETTINGS_AGREE_PARAM_OVERRIDING] = pg_array_param(&overriding),
	};
	/* Sent twice: if two instances start at once, each sees what the other stored only in its next statement. */
	for (int i = 0; i < 2; i++)
		pg_session_query(app->control, "queries/settings_agree.sql", params, SETTINGS_AGREE_N_PARAMS,
		                 on_settings, app);
	pg_array_release(&names);
	pg_array_release(&values);
	pg_array_release(&overriding);
}

/* ---- policies ---- */

static void on_policies(void *context, PGresult *result)
{
	struct app *app = context;
	if (!pg_result_ok(result))
		return;
	if (policy_registry_update(&app->registry, app->next_policies, result)) {
		app->next_policies = NULL;
		swap_config(app);
		return;
	}
	app_drop_next(app);
	if (!app->begun)
		app_quit(app, KPID_EXIT_CONFIG);
	else
		log_error("the configuration in force is kept");
}

static void send_revisions(struct app *app)
{
	static const unsigned types[POLICY_STORE_N_PARAMS] = {[POLICY_STORE_PARAM_IDS] = PG_OID_TEXT,
	                                                      [POLICY_STORE_PARAM_EFFECTIVE_FROM] = PG_OID_TIMESTAMPTZ,
	                                                      [POLICY_STORE_PARAM_JSONS] = PG_OID_TEXT};
	struct pg_array arrays[POLICY_STORE_N_PARAMS] = {0};
	pg_arrays_start(arrays, types, POLICY_STORE_N_PARAMS);
	for (size_t i = 0; i < app->next_policies->n_revisions; i++) {
		const struct policy_revision *revision = &app->next_policies->revisions[i];
		pg_array_text(&arrays[POLICY_STORE_PARAM_IDS], revision->id);
		pg_array_time_unbounded(&arrays[POLICY_STORE_PARAM_EFFECTIVE_FROM], revision->effective_from_us);
		pg_array_text(&arrays[POLICY_STORE_PARAM_JSONS], revision->json);
	}
	pg_arrays_query(app->control, "queries/policy_store.sql", arrays, POLICY_STORE_N_PARAMS, NULL, NULL);
	pg_arrays_release(arrays, POLICY_STORE_N_PARAMS);
}

/* Reads the revisions of the file, and those that a ticket needs. */
static void query_revisions(struct app *app)
{
	struct pg_array numbers = {.n = 0}, ids = {.n = 0};
	pg_array_start(&numbers, PG_OID_INT4);
	for (size_t i = 0; i < app->registry.n_missing; i++)
		pg_array_int4(&numbers, app->registry.missing[i]);
	pg_array_start(&ids, PG_OID_TEXT);
	for (size_t i = 0; app->next_policies != NULL && i < app->next_policies->n_revisions; i++)
		pg_array_text(&ids, app->next_policies->revisions[i].id);
	struct pg_param params[POLICY_LOAD_N_PARAMS] = {
	        [POLICY_LOAD_PARAM_REVISION_NOS] = pg_array_param(&numbers),
	        [POLICY_LOAD_PARAM_IDS] = pg_array_param(&ids),
	};
	pg_session_query(app->control, "queries/policy_load.sql", params, POLICY_LOAD_N_PARAMS, on_policies, app);
	pg_array_release(&numbers);
	pg_array_release(&ids);
}

struct kpid_config *app_read_config(struct app *app)
{
	struct config_errors errors = CONFIG_ERRORS_INIT;
	struct kpid_config *config = kpid_config_load(app->config_path, app->config_sets, app->n_config_sets, &errors);
	config_errors_log(&errors);
	config_errors_release(&errors);
	/* The database wins over a default. */
	if (config != NULL && !kpid_config_names(config, "kpi.fcr_window"))
		config->kpi.fcr_window_us = app->config->kpi.fcr_window_us;
	return config;
}

struct mappings *app_load_mappings(struct kpid_config *config)
{
	struct config_errors errors = CONFIG_ERRORS_INIT;
	struct mappings *mappings = mappings_load(config, &errors);
	config_errors_log(&errors);
	config_errors_release(&errors);
	return mappings;
}

/* ---- queries ---- */

void app_query_load(struct app *app)
{
	send_settings(app);
	if (app->next_policies != NULL)
		send_revisions(app);
	query_revisions(app);
}

void app_compare_settings(struct app *app)
{
	pg_session_query(app->control, "queries/settings_list.sql", NULL, 0, on_stored_settings, app);
	pg_session_sync(app->control, NULL, NULL);
}
