/* kpid alerts ack, unack, silence, unsilence: calls the functions of schema report. */
#include <stdio.h>
#include <string.h>

#include "cli/alerts.h"
#include "cli/json_out.h"
#include "kpid/core/duration.h"

/* Converts a duration to an interval of PostgreSQL. Returns any other text unchanged. */
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

/* Accepts NULL, a time with a zone, or a duration from now. Otherwise prints a usage error and returns false. */
static bool is_time(const struct pg_sync *sync, const char *option, const char *text)
{
	int64_t us;
	if (text == NULL || is_duration(text) || timestamp_parse(text_of(text), &us))
		return true;
	pg_sync_print_error(
	        sync,
	        "--%s: %s is neither a time with a zone, such as 2026-10-01T08:00:00+08:00, nor a duration such as 2h",
	        option, text);
	return false;
}

static int print_outcome(const struct pg_sync *sync, PGresult *row, const char *what)
{
	if (row == NULL)
		return pg_sync_failed(sync);
	struct text alert_id = pg_get_text(row, 0, ALERT_ACK_ALERT_ID), state = pg_get_text(row, 0, ALERT_ACK_STATE);
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
		pg_sync_print_error(sync, "--again: %s is not a duration such as 4h", request->after);
		return CLI_USAGE;
	}
	const struct pg_param params[ALERT_ACK_N_PARAMS] = {
	        [ALERT_ACK_PARAM_ALERT] = pg_param_c_string(request->argument),
	        [ALERT_ACK_PARAM_BY] = pg_param_c_string(cli_user()),
	        [ALERT_ACK_PARAM_WHY] = pg_param_c_string(request->why),
	        [ALERT_ACK_PARAM_AGAIN_AFTER] = pg_param_c_string(interval_of(request->after, after)),
	};
	return print_outcome(sync, pg_sync_query(sync, "queries/alert_ack.sql", params, ALERT_ACK_N_PARAMS),
	                     "is acknowledged");
}

int alerts_unack(struct pg_sync *sync, const struct alerts_request *request)
{
	const struct pg_param params[ALERT_UNACK_N_PARAMS] = {
	        [ALERT_UNACK_PARAM_ALERT] = pg_param_c_string(request->argument),
	        [ALERT_UNACK_PARAM_BY] = pg_param_c_string(cli_user()),
	        [ALERT_UNACK_PARAM_WHY] = pg_param_c_string(request->why),
	};
	return print_outcome(sync, pg_sync_query(sync, "queries/alert_unack.sql", params, ALERT_UNACK_N_PARAMS),
	                     "is no longer acknowledged");
}

int alerts_silence(struct pg_sync *sync, const struct alerts_request *request)
{
	char until[32], since[32];
	if (!is_time(sync, "until", request->until) || !is_time(sync, "since", request->since))
		return CLI_USAGE;
	const struct pg_param params[ALERT_SILENCE_N_PARAMS] = {
	        [ALERT_SILENCE_PARAM_DURATION] =
	                pg_param_c_string(is_duration(request->until) ? interval_of(request->until, until) : NULL),
	        [ALERT_SILENCE_PARAM_UNTIL] = pg_param_c_string(is_duration(request->until) ? NULL : request->until),
	        [ALERT_SILENCE_PARAM_BEGINS_IN] = pg_param_c_string(
	                request->since != NULL && is_duration(request->since) ? interval_of(request->since, since)
	                                                                      : NULL),
	        [ALERT_SILENCE_PARAM_BEGINS_AT] = pg_param_c_string(
	                request->since != NULL && is_duration(request->since) ? NULL : request->since),
	        [ALERT_SILENCE_PARAM_BY] = pg_param_c_string(cli_user()),
	        [ALERT_SILENCE_PARAM_WHY] = pg_param_c_string(request->why),
	        [ALERT_SILENCE_PARAM_PROJECT_ID] = pg_param_c_string(request->project),
	        [ALERT_SILENCE_PARAM_TARGET] = pg_param_c_string(request->target),
	};
	PGresult *row = pg_sync_query(sync, "queries/alert_silence.sql", params, ALERT_SILENCE_N_PARAMS);
	if (row == NULL)
		return pg_sync_failed(sync);
	int64_t number = pg_get_int8(row, 0, ALERT_SILENCE_SILENCE_NO);
	if (sync->cli->json)
		json_print(json_pack("{s:I}", "silence_no", (json_int_t)number));
	else
		printf("silence %lld; kpid alerts unsilence %lld ends it early\n", (long long)number,
		       (long long)number);
	PQclear(row);
	return CLI_OK;
}

int alerts_unsilence(struct pg_sync *sync, const struct alerts_request *request)
{
	const struct pg_param params[ALERT_UNSILENCE_N_PARAMS] = {
	        [ALERT_UNSILENCE_PARAM_SILENCE_NO] = pg_param_c_string(request->argument),
	};
	PGresult *row = pg_sync_query(sync, "queries/alert_unsilence.sql", params, ALERT_UNSILENCE_N_PARAMS);
	if (row == NULL)
		return pg_sync_failed(sync);
	bool ended = pg_get_bool(row, 0, ALERT_UNSILENCE_ENDED);
	PQclear(row);
	if (!ended)
		pg_sync_print_error(sync, "there is no active silence %s", request->argument);
	return ended ? CLI_OK : CLI_FAILED;
}
