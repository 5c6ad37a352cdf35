/* kpid doctor: the database. A check is a query whose rows are what is wrong: level, what, advice. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/pg/migrate.h"
#include "app/lane.h"
#include "app/rules_book.h"
#include "cli/doctor.h"
#include "cli/policy_file.h"
#include "kpid/core/ticket.h"

enum { MOST_PARAMS = 5 };

struct query_check {
	const char *name, *ok, *file;
	const char *params[MOST_PARAMS]; /* as text; NULL ends them */
};

static const struct query_check of_the_server[] = {
        {"server", "PostgreSQL is new enough and fit to be written to", "queries/doctor_server.sql", {"150000"}},
};

/* Bounds: when somebody should look. */
static const struct query_check of_our_tables[] = {
        {"rights", "the role may change rows and nothing else", "queries/doctor_rights.sql", {NULL}},
        {"tables",
         "few dead rows, and updates leave indexes alone (HOT)",
         "queries/doctor_tables.sql",
         {"10000", "0.5", "10000", "0.8"}},
        {"indexes", "all indexes are valid", "queries/doctor_indexes.sql", {NULL}},
        {"sessions", "no old transaction holds back vacuum", "queries/doctor_sessions.sql", {"60"}},
        {"calendars", "the hours of all calendars are laid out far ahead", "queries/doctor_calendars.sql", {"30"}},
        {"gaps", "no messages are missing", "queries/doctor_gaps.sql", {NULL}},
        {"dead letters", "no message was rejected within an hour", "queries/doctor_dead_letters.sql", {"3600"}},
        {"types", "every topic that brings messages brings events", "queries/unknown_types.sql", {"{}", NULL}},
        {"set aside", "no ticket is set aside", "queries/doctor_parked.sql", {"5"}},
        {"deadlines", "all that have passed are judged", "queries/doctor_deadlines.sql", {"60", "600"}},
        {"outbox", "no message about an alert waits", "queries/doctor_outbox.sql", {"10"}},
        {"deliveries", "no receiver fails", "queries/doctor_deliveries.sql", {NULL}},
};

static enum doctor_level level_of(struct text name)
{
	return text_equal(name, TEXT("fail")) ? DOCTOR_FAIL : DOCTOR_WARN;
}

static void say_not_asked(struct doctor *doctor, const char *name)
{
	doctor_format(doctor, name, DOCTOR_FAIL, "see the other findings about the database first",
	              "it could not be asked: %s", buf_text(&doctor->sync.error).ptr);
}

static void ask(struct doctor *doctor, const struct query_check *check)
{
	struct pg_param params[MOST_PARAMS];
	int n = 0;
	for (; n < MOST_PARAMS && check->params[n] != NULL; n++)
		params[n] = pg_param_c_string(check->params[n]);
	PGresult *rows = pg_sync_query(&doctor->sync, check->file, params, n);
	if (rows == NULL) {
		say_not_asked(doctor, check->name);
		return;
	}
	for (int row = 0; row < PQntuples(rows); row++)
		doctor_say(doctor, check->name, level_of(pg_get_text(rows, row, 0)), pg_get_text(rows, row, 1),
		           pg_get_text(rows, row, 2));
	if (PQntuples(rows) == 0)
		doctor_say(doctor, check->name, DOCTOR_OK, text_of(check->ok), TEXT(""));
	PQclear(rows);
}

static void ask_all(struct doctor *doctor, const struct query_check *checks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ask(doctor, &checks[i]);
}

/* The ids of the policy file's revisions, as instances compare them; "": there is no file that can be read. */
static void add_revisions(const struct kpid_config *config, struct buf *out)
{
	struct config_faults faults = CONFIG_FAULTS_INIT;
	struct policy_set *set = config->sla.policy_file == NULL
	                                 ? NULL
	                                 : policy_file_read(config->sla.policy_file, false, &faults, NULL);
	if (set != NULL)
		rules_add_ids(set, out);
	else
		buf_add_str(out, "");
	policy_set_free(set);
	config_faults_release(&faults);
}

/* Those whose bounds are in the configuration. */
static void ask_of_configuration(struct doctor *doctor)
{
	char window[24] = "", silence[24];
	struct buf revisions = BUF_INIT;
	const struct kpid_config *config = doctor->config;
	bool names_zone = kpid_config_names(config, "report.time_zone");
	if (kpid_config_names(config, "kpi.fcr_window"))
		snprintf(window, sizeof(window), "%" PRId64, config->kpi.fcr_window_us);
	add_revisions(config, &revisions);
	snprintf(silence, sizeof(silence), "%" PRId64, doctor->config->sla.max_silence_us / US_PER_SECOND + 1);
	const struct query_check checks[] = {
	        {"settings",
	         "this configuration agrees with the database",
	         "queries/doctor_settings.sql",
	         {window, TICKET_RULES_VERSION, names_zone ? config->report.time_zone : "", buf_text(&revisions).ptr,
	          config_pairs_get(&config->kafka, "group.id")}},
	        {"sources",
	         "all partitions are read, and none is behind",
	         "queries/doctor_sources.sql",
	         {silence, "300", NULL}},
	};
	ask_all(doctor, checks, sizeof(checks) / sizeof(checks[0]));
	buf_release(&revisions);
}

static void look_at_schema(struct doctor *doctor)
{
	struct buf why = BUF_INIT;
	int verdict = migrate_check(doctor->sync.conn, sql_files, &why);
	doctor->has_tables = verdict == MIGRATE_CURRENT;
	if (doctor->has_tables)
		doctor_format(doctor, "schema", DOCTOR_OK, "", "the database is at this program's version");
	else
		doctor_say(doctor, "schema", DOCTOR_FAIL, buf_text(&why),
		           text_of(verdict == MIGRATE_BEHIND  ? "stop all instances, kpid migrate up, start them"
		                   : verdict == MIGRATE_AHEAD ? "install the newer kpid here too"
		                                              : "kpid migrate status tells more"));
	buf_release(&why);
}

/* Half of the round trip is how well it can be known. */
static void look_at_clock(struct doctor *doctor)
{
	int64_t before_us = wall_clock_us();
	PGresult *row = pg_sync_query(&doctor->sync, "queries/doctor_clock.sql", NULL, 0);
	int64_t after_us = wall_clock_us();
	if (row == NULL) {
		say_not_asked(doctor, "clock");
		return;
	}
	int64_t off_us = pg_get_time(row, 0, 0) - (before_us + after_us) / 2;
	int64_t surely_us = llabs(off_us) - (after_us - before_us) / 2;
	PQclear(row);
	enum doctor_level level = surely_us > 5 * US_PER_SECOND ? DOCTOR_FAIL
	                          : surely_us > US_PER_SECOND   ? DOCTOR_WARN
	                                                        : DOCTOR_OK;
	doctor_format(doctor, "clock", level,
	              level == DOCTOR_OK ? ""
	                                 : "let both machines keep time by NTP: deadlines are seen by their clocks",
	              "PostgreSQL's clock is %.3f s %s this machine's", (double)llabs(off_us) / 1e6,
	              off_us < 0 ? "behind" : "ahead of");
}

/* A revision that has judged never changes. */
static void look_at_revisions(struct doctor *doctor)
{
	struct config_faults faults = CONFIG_FAULTS_INIT;
	struct policy_set *set = doctor->config->sla.policy_file == NULL
	                                 ? NULL
	                                 : policy_file_read(doctor->config->sla.policy_file, false, &faults, NULL);
	config_faults_release(&faults);
	if (set == NULL)
		return; /* it was said */
	const struct pg_param all[2] = {pg_param_c_string(NULL), pg_param_c_string(NULL)};
	PGresult *stored = pg_sync_query(&doctor->sync, "queries/policy_load.sql", all, 2);
	if (stored == NULL)
		say_not_asked(doctor, "revisions");
	else if (rules_number(set, stored))
		doctor_format(doctor, "revisions", DOCTOR_OK, "", "no revision in use was changed");
	else
		doctor_format(doctor, "revisions", DOCTOR_FAIL,
		              "give what is new an id and an effective_from of its own; a daemon refuses the file",
		              "a revision of the file is stored under its id with other content");
	policy_set_free(set);
	PQclear(stored);
}

/* kpid prepares statements and changes settings, so each of its connections needs a server session of its own. */
static void look_for_pooler(struct doctor *doctor)
{
	if (pg_sync_is_shared(&doctor->sync, &doctor->config->postgres))
		doctor_say(
		        doctor, "sessions of its own", DOCTOR_FAIL,
		        TEXT("a pooler in transaction mode is between kpid and PostgreSQL: it shares sessions of the "
		             "server among its clients"),
		        text_of(sql_remedy_of(SQLSTATE_SHARED_SESSION)));
	else
		doctor_format(doctor, "sessions of its own", DOCTOR_OK, "", "each connection has a session of its own");
}

void doctor_look_at_database(struct doctor *doctor)
{
	if (!pg_sync_open(&doctor->sync, doctor->cli, &doctor->config->postgres) ||
	    !pg_sync_command(&doctor->sync, "SET statement_timeout = '20s'")) {
		doctor_format(doctor, "database", DOCTOR_FAIL,
		              "see host, port, dbname, user and password_file in [postgres], and that the server runs",
		              "PostgreSQL cannot be reached: %s", buf_text(&doctor->sync.error).ptr);
		return;
	}
	look_for_pooler(doctor);
	ask_all(doctor, of_the_server, sizeof(of_the_server) / sizeof(of_the_server[0]));
	look_at_clock(doctor);
	look_at_schema(doctor);
	if (!doctor->has_tables)
		return;
	ask_all(doctor, of_our_tables, sizeof(of_our_tables) / sizeof(of_our_tables[0]));
	ask_of_configuration(doctor);
	look_at_revisions(doctor);
}
