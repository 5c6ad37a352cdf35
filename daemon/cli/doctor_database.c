/* kpid doctor: the database. Each check is a query that returns a row for each problem: level, what, advice. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/pg/migrate.h"
#include "app/mappings.h"
#include "app/policy_registry.h"
#include "app/shared_settings.h"
#include "cli/backlog.h"
#include "cli/doctor.h"
#include "cli/policy_file.h"
#include "kpid/base/clock.h"

enum { MOST_PARAMS = 5 };

struct query_check {
	const char *name, *ok, *file;
	const char *params[MOST_PARAMS]; /* as text, ended by NULL */
};

/* The parameters are the limits from which a check warns. */
static const struct query_check table_checks[] = {
        {"rights", "the role may change rows, and nothing else", "queries/doctor_rights.sql", {NULL}},
        {"indexes", "all indexes are valid", "queries/doctor_indexes.sql", {NULL}},
        {"sessions", "no old transaction blocks vacuum", "queries/doctor_sessions.sql", {"60"}},
        {"calendars", "the hours of all calendars are stored far ahead", "queries/doctor_calendars.sql", {"30"}},
        {"gaps", "no messages are missing", "queries/doctor_gaps.sql", {NULL}},
        {"dead letters", "no message was rejected in the last hour", "queries/doctor_dead_letters.sql", {"3600"}},
        {"mappings", "every mapping fits its records", "queries/doctor_mappings.sql", {"100"}},
        {"types", "every topic with messages has events", "queries/unknown_types.sql", {"{}", NULL}},
        {"set aside", "no ticket is set aside", "queries/doctor_parked.sql", {"5"}},
        {"outbox", "no message about an alert is waiting", "queries/doctor_outbox.sql", {"10"}},
        {"deliveries", "no receiver fails", "queries/doctor_deliveries.sql", {NULL}},
};

#define NO_LIMIT "9223372036854775807"

/* Checks that depend on whether a backlog is read. It leaves many dead rows, and pages so full that few updates are
 * HOT: neither lasts, and no index is the cause. Deadlines wait for it. */
static const struct query_check checks_of_load[][2] = {
        {{"tables",
          "few dead rows, and most updates are HOT",
          "queries/doctor_tables.sql",
          {"10000", "0.5", "10000", "0.8"}},
         {"deadlines",
          "no deadline has passed without a judgement",
          "queries/doctor_deadlines.sql",
          {"5", "600", "false"}}},
        {{"tables",
          "autovacuum is on for all; dead rows and HOT updates are checked when the backlog is caught up",
          "queries/doctor_tables.sql",
          {NO_LIMIT, "0.5", NO_LIMIT, "0.8"}},
         {"deadlines",
          "no deadline before the backlog has passed without a judgement",
          "queries/doctor_deadlines.sql",
          {"5", "600", "true"}}},
};

static enum doctor_level level_of(struct text name)
{
	return text_equal(name, TEXT("fail")) ? DOCTOR_FAIL : DOCTOR_WARN;
}

static void add_not_checked(struct doctor *doctor, const char *name)
{
	doctor_format(doctor, name, DOCTOR_FAIL, "see the other findings about the database first",
	              "could not be checked: %s", buf_text(&doctor->sync.error).ptr);
}

static void run_check(struct doctor *doctor, const struct query_check *check)
{
	struct pg_param params[MOST_PARAMS];
	int n = 0;
	for (; n < MOST_PARAMS && check->params[n] != NULL; n++)
		params[n] = pg_param_c_string(check->params[n]);
	PGresult *rows = pg_sync_query(&doctor->sync, check->file, params, n);
	if (rows == NULL) {
		add_not_checked(doctor, check->name);
		return;
	}
	for (int row = 0; row < PQntuples(rows); row++)
		doctor_say(doctor, check->name, level_of(pg_get_text(rows, row, DOCTOR_SERVER_LEVEL)),
		           pg_get_text(rows, row, DOCTOR_SERVER_WHAT), pg_get_text(rows, row, DOCTOR_SERVER_ADVICE));
	if (PQntuples(rows) == 0)
		doctor_say(doctor, check->name, DOCTOR_OK, text_of(check->ok), TEXT(""));
	PQclear(rows);
}

static void run_checks(struct doctor *doctor, const struct query_check *checks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		run_check(doctor, &checks[i]);
}

/* What a backlog explains needs no advice meanwhile. */
static void check_backlog(struct doctor *doctor)
{
	struct catch_up_sample sample;
	bool is_read;
	if (!backlog_look(&doctor->sync, &sample, &is_read)) {
		add_not_checked(doctor, "backlog");
		return;
	}
	if (is_read)
		doctor_format(doctor, "backlog", DOCTOR_WARN,
		              "wait until it is caught up: kpid top shows the time to go. Then run kpid doctor again",
		              "a backlog is being read: %s%" PRId64 " messages are left",
		              sample.n_unknown > 0 ? "at least " : "", sample.n_left);
	else
		doctor_format(doctor, "backlog", DOCTOR_OK, "", "no backlog is being read");
	run_checks(doctor, checks_of_load[is_read], 2);
}

/* The ids of the policy file's revisions, as instances compare them. False without a readable file. */
static bool read_revisions(const struct kpid_config *config, struct buf *ids_out)
{
	struct config_errors errors = CONFIG_ERRORS_INIT;
	struct policy_set *set = config->sla.policy_file == NULL
	                                 ? NULL
	                                 : policy_file_read(config->sla.policy_file, false, &errors, NULL);
	if (set != NULL)
		rules_add_ids(set, ids_out);
	if (ids_out->len_bytes == 0)
		buf_add_str(ids_out, "none");
	bool is_read = set != NULL || config->sla.policy_file == NULL;
	policy_set_free(set);
	config_errors_release(&errors);
	return is_read;
}

static void say_difference(struct doctor *doctor, const struct shared_setting *setting, struct text stored)
{
	struct buf what = BUF_INIT, advice = BUF_INIT;
	struct text name = text_of(setting->name);
	bool is_file = text_same(name, TEXT(SETTING_POLICIES)) || shared_setting_is_mapping(name);
	shared_setting_describe(setting, stored, &what);
	shared_setting_remedy(setting, &advice);
	doctor_say(doctor, "settings", is_file ? DOCTOR_WARN : DOCTOR_FAIL, buf_text(&what), buf_text(&advice));
	buf_release(&what);
	buf_release(&advice);
}

/* Compares what this configuration gives with what the instances agreed on. */
static void check_settings(struct doctor *doctor)
{
	struct shared_settings ours;
	struct buf ids = BUF_INIT;
	size_t n_different = 0;
	PGresult *rows = pg_sync_query(&doctor->sync, "queries/settings_list.sql", NULL, 0);
	if (rows == NULL) {
		add_not_checked(doctor, "settings");
		return;
	}
	bool has_ids = read_revisions(doctor->config, &ids);
	struct config_errors errors = CONFIG_ERRORS_INIT;
	struct mappings *mappings = mappings_load(doctor->config, &errors);
	shared_settings_init(&ours, doctor->config, true, has_ids ? ids.data : NULL, mappings);
	for (int row = 0; row < PQntuples(rows); row++) {
		struct text name = pg_get_text(rows, row, SETTINGS_LIST_NAME),
		            stored = pg_get_text(rows, row, SETTINGS_LIST_VALUE);
		const struct shared_setting *setting = shared_settings_find(&ours, name);
		bool is_default =
		        text_same(name, TEXT(SETTING_WINDOW)) && !kpid_config_names(doctor->config, "kpi.fcr_window");
		if (setting == NULL || is_default || !shared_setting_differs(setting, stored))
			continue;
		say_difference(doctor, setting, stored);
		n_different++;
	}
	if (n_different == 0)
		doctor_format(doctor, "settings", DOCTOR_OK, "",
		              "the configuration matches the settings in the database");
	shared_settings_release(&ours);
	mappings_free(mappings);
	config_errors_release(&errors);
	buf_release(&ids);
	PQclear(rows);
}

static void check_sources(struct doctor *doctor)
{
	char silence[24];
	snprintf(silence, sizeof(silence), "%" PRId64, doctor->config->sla.max_silence_us / US_PER_SECOND + 1);
	run_check(doctor, &(struct query_check){"sources",
	                                        "all partitions are read, the lag of each is known, and none lags",
	                                        "queries/doctor_sources.sql",
	                                        {silence, "300", NULL}});
}

static void check_schema(struct doctor *doctor)
{
	struct buf why = BUF_INIT;
	int verdict = migrate_check(doctor->sync.conn, sql_files, &why);
	doctor->has_tables = verdict == MIGRATE_CURRENT;
	if (doctor->has_tables)
		doctor_format(doctor, "schema", DOCTOR_OK, "", "the database is at this program's version");
	else
		doctor_say(doctor, "schema", DOCTOR_FAIL, buf_text(&why),
		           text_of(verdict == MIGRATE_BEHIND
		                           ? "stop all instances, run kpid migrate up, then start them"
		                   : verdict == MIGRATE_AHEAD ? "install the newer version of kpid here, too"
		                                              : "run kpid migrate status for details"));
	buf_release(&why);
}

/* Beside a session for each lane: of claims, deadlines, the outbox and receivers, and on demand of tickets that are set
 * aside, of calendars and of metrics. */
enum { SESSIONS_BESIDE_LANES = 7 };

static void check_server(struct doctor *doctor)
{
	char n_sessions[24];
	snprintf(n_sessions, sizeof(n_sessions), "%" PRId64, doctor->config->run.lanes + SESSIONS_BESIDE_LANES);
	run_check(doctor, &(struct query_check){"server",
	                                        "the version and settings of PostgreSQL are suitable",
	                                        "queries/doctor_server.sql",
	                                        {"150000", n_sessions}});
}

/* The clocks' difference is known to half of the round trip. */
static void check_clock(struct doctor *doctor)
{
	int64_t before_us = wall_clock_us();
	PGresult *row = pg_sync_query(&doctor->sync, "queries/doctor_clock.sql", NULL, 0);
	int64_t after_us = wall_clock_us();
	if (row == NULL) {
		add_not_checked(doctor, "clock");
		return;
	}
	int64_t off_us = pg_get_time(row, 0, DOCTOR_CLOCK_NOW) - (before_us + after_us) / 2;
	int64_t surely_us = llabs(off_us) - (after_us - before_us) / 2;
	PQclear(row);
	enum doctor_level level = surely_us > 5 * US_PER_SECOND ? DOCTOR_FAIL
	                          : surely_us > US_PER_SECOND   ? DOCTOR_WARN
	                                                        : DOCTOR_OK;
	doctor_format(doctor, "clock", level,
	              level == DOCTOR_OK
	                      ? ""
	                      : "synchronise both machines by NTP: their clocks decide when a deadline has passed",
	              "PostgreSQL's clock is %.3f s %s this machine's", (double)llabs(off_us) / 1e6,
	              off_us < 0 ? "behind" : "ahead of");
}

/* Checks that the file did not change a stored revision. */
static void check_revisions(struct doctor *doctor)
{
	struct config_errors errors = CONFIG_ERRORS_INIT;
	struct policy_set *set = doctor->config->sla.policy_file == NULL
	                                 ? NULL
	                                 : policy_file_read(doctor->config->sla.policy_file, false, &errors, NULL);
	config_errors_release(&errors);
	if (set == NULL)
		return; /* already reported */
	PGresult *stored = pg_sync_load_policies(&doctor->sync);
	if (stored == NULL)
		add_not_checked(doctor, "revisions");
	else if (rules_number(set, stored))
		doctor_format(doctor, "revisions", DOCTOR_OK, "", "no stored revision was changed");
	else
		doctor_format(doctor, "revisions", DOCTOR_FAIL,
		              "give the new content a new id and a later effective_from; a daemon refuses this file",
		              "a revision of the file differs from the stored revision of the same id");
	policy_set_free(set);
	PQclear(stored);
}

/* kpid prepares statements and changes settings, so each of its connections needs a server session of its own. */
static void check_pooler(struct doctor *doctor)
{
	if (pg_sync_is_shared(&doctor->sync, &doctor->config->postgres))
		doctor_say(doctor, "sessions of its own", DOCTOR_FAIL,
		           TEXT("a connection pooler in transaction mode shares server sessions among its clients"),
		           text_of(sql_remedy_of(SQLSTATE_SHARED_SESSION)));
	else
		doctor_format(doctor, "sessions of its own", DOCTOR_OK, "",
		              "each connection has its own server session");
}

void doctor_check_database(struct doctor *doctor)
{
	if (!pg_sync_open(&doctor->sync, doctor->cli, &doctor->config->postgres) ||
	    !pg_sync_command(&doctor->sync, "SET statement_timeout = '20s'")) {
		doctor_format(
		        doctor, "database", DOCTOR_FAIL,
		        "check host, port, dbname, user and password_file in [postgres], and that the server runs",
		        "PostgreSQL cannot be reached: %s", buf_text(&doctor->sync.error).ptr);
		return;
	}
	check_pooler(doctor);
	check_server(doctor);
	check_clock(doctor);
	check_schema(doctor);
	if (!doctor->has_tables)
		return;
	check_backlog(doctor);
	run_checks(doctor, table_checks, sizeof(table_checks) / sizeof(table_checks[0]));
	doctor_check_openings(doctor);
	check_settings(doctor);
	check_sources(doctor);
	check_revisions(doctor);
}
