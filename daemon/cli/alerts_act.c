/* kpid alerts ack, unack, silence, unsilence: what is done is done by functions of schema report. */
#include <stdio.h>
#include <string.h>

#include "cli/alerts.h"
#include "cli/json_out.h"
#include "kpid/core/duration.h"

/* A duration as a time from now, in a form that PostgreSQL takes as an interval; or the text as it is. */
static const char *interval_of(const char *text, char buffer[32])
{
	int64_t us;
	if (text == NULL || duration_parse(text_of(text), 0, &us) != DURATION_OK)
		return text;
	snprintf(buffer, 32, "%lld seconds", (long long)(us / US_PER_SECOND));
	return buffer;
}

static bool is_duration(const char *text)
{
	int64_t us;
	return duration_parse(text_of(text), 0, &us) == DURATION_OK;
}

/* NULL, a time with a zone, or a duration from now; else a usage error was said. */
static bool is_time(const struct pg_sync *sync, const char *option, const char *text)
{
	int64_t us;
	if (text == NULL || is_duration(text) || timestamp_parse(text_of(text), &us))
		return true;
	pg_sync_say(sync,
	            "--%s: %s is neither a time with a zone, such as 2026-10-01T08:00:00+08:00, nor a duration "
	            "such as 2h",
	            option, text);
	return false;
}

static int tell(const struct pg_sync *sync, PGresult *row, const char *what)
{
	if (row == NULL)
		return pg_sync_failed(sync);
	struct text alert_id = pg_get_text(row, 0, 0), state = pg_get_text(row, 0, 1);
	if (sync->cli->json)
		json_print(json_pack("{s:o, s:o}", "alert_id", json_of_text(alert_id), "state", json_of_text(state)));
	else
		printf("%.*s %s\n", (int)alert_id.len, alert_id.ptr, what);
	PQclear(row);
	return CLI_OK;
}

int alerts_ack(struct pg_sync *sync, const struct alerts_request *request)
{
	char after[32];
	if (request->after != NULL && !is_duration(request->after)) {
		pg_sync_say(sync, "--again: %s is no duration such as 4h", request->after);
		return CLI_USAGE;
	}
	const struct pg_param params[] = {pg_param_c_string(request->argument), pg_param_c_string(cli_user()),
	                                  pg_param_c_string(request->why),
	                                  pg_param_c_string(interval_of(request->after, after))};
	return tell(sync, pg_sync_query(sync, "queries/alert_ack.sql", params, 4), "is acknowledged");
}

int alerts_unack(struct pg_sync *sync, const struct alerts_request *request)
{
	const struct pg_param params[] = {pg_param_c_string(request->argument), pg_param_c_string(cli_user()),
	                                  pg_param_c_string(request->why)};
	return tell(sync, pg_sync_query(sync, "queries/alert_unack.sql", params, 3), "is no longer acknowledged");
}

int alerts_silence(struct pg_sync *sync, const struct alerts_request *request)
{
	char until[32], since[32];
	if (!is_time(sync, "until", request->until) || !is_time(sync, "since", request->since))
		return CLI_USAGE;
	const struct pg_param params[] = {
	        pg_param_c_string(is_duration(request->until) ? interval_of(request->until, until) : NULL),
	        pg_param_c_string(is_duration(request->until) ? NULL : request->until),
	        pg_param_c_string(request->since != NULL && is_duration(request->since)
	                                  ? interval_of(request->since, since)
	                                  : NULL),
	        pg_param_c_string(request->since != NULL && is_duration(request->since) ? NULL : request->since),
	        pg_param_c_string(cli_user()),
	        pg_param_c_string(request->why),
	        pg_param_c_string(request->project),
	        pg_param_c_string(request->target),
	};
	PGresult *row = pg_sync_query(sync, "queries/alert_silence.sql", params, 8);
	if (row == NULL)
		return pg_sync_failed(sync);
	int64_t number = pg_get_int8(row, 0, 0);
	if (sync->cli->json)
		json_print(json_pack("{s:I}", "silence_no", (json_int_t)number));
	else
		printf("silence %lld; kpid alerts unsilence %lld ends it before its time\n", (long long)number,
		       (long long)number);
	PQclear(row);
	return CLI_OK;
}

int alerts_unsilence(struct pg_sync *sync, const struct alerts_request *request)
{
	const struct pg_param params[] = {pg_param_c_string(request->argument)};
	PGresult *row = pg_sync_query(sync, "queries/alert_unsilence.sql", params, 1);
	if (row == NULL)
		return pg_sync_failed(sync);
	bool ended = pg_get_bool(row, 0, 0);
	PQclear(row);
	if (!ended)
		pg_sync_say(sync, "there is no silence %s that lasts", request->argument);
	return ended ? CLI_OK : CLI_FAILED;
}
