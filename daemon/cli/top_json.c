#include "cli/json_out.h"
#include "cli/top.h"

static json_t *json_of_sla(const struct top_sla *sla)
{
	return json_pack("{s:I, s:I}", "measured", (json_int_t)sla->measured, "within_sla", (json_int_t)sla->within);
}

static json_t *json_of_period(const struct top_sla slas[TARGET_N])
{
	json_t *object = json_object();
	for (int target = 0; target < TARGET_N; target++)
		json_object_set_new(object, sla_target_name((enum sla_target)target), json_of_sla(&slas[target]));
	return object;
}

static json_t *json_of_lag(int64_t lag_messages)
{
	return lag_messages == LAG_UNKNOWN ? json_null() : json_integer(lag_messages);
}

static json_t *json_of_known(int64_t n)
{
	return n < 0 ? json_null() : json_integer(n);
}

/* null: no backlog is read. share and seconds_to_go are null while partitions have an unknown lag. */
static json_t *json_of_backlog(const struct top_view *view)
{
	const struct read_progress *progress = &view->progress;
	const struct catch_up_sample *now = &progress->samples[progress->n - 1];
	double share = read_progress_share(progress);
	int64_t to_go_us = read_progress_to_go_us(progress);
	if (!view->is_behind)
		return json_null();
	return json_pack("{s:I, s:b, s:o, s:o, s:o}", "left", (json_int_t)now->n_left, "at_least", now->n_unknown > 0,
	                 "share", share < 0 ? json_null() : json_real(share), "per_second",
	                 json_of_known(read_progress_per_second(progress)), "seconds_to_go",
	                 json_of_known(to_go_us < 0 ? to_go_us : to_go_us / US_PER_SECOND));
}

static json_t *json_of_agents(const struct top_view *view)
{
	json_t *array = json_array();
	for (size_t i = 0; i < view->n_shown_agents; i++) {
		const struct top_agent *agent = &view->agents[i];
		json_array_append_new(
		        array, json_pack("{s:o, s:I, s:I, s:I, s:o, s:I}", "agent_id", json_of_text(agent->agent_id),
		                         "opened", (json_int_t)agent->opened, "responded", (json_int_t)agent->responded,
		                         "resolved", (json_int_t)agent->resolved, "sla", json_of_sla(&agent->sla),
		                         "backlog", (json_int_t)agent->backlog));
	}
	return array;
}

static json_t *json_of_deadlines(const struct top_view *view)
{
	json_t *array = json_array();
	for (size_t i = 0; i < view->n_deadlines; i++) {
		const struct top_deadline *deadline = &view->deadlines[i];
		json_array_append_new(
		        array,
		        json_pack("{s:o, s:o, s:o, s:o, s:f, s:o}", "ticket_id", json_of_text(deadline->ticket_id),
		                  "target", json_of_text(deadline->target), "state", json_of_text(deadline->state),
		                  "due_at", json_of_time(deadline->due_us), "seconds_left",
		                  (double)deadline->left_us / 1e6, "agent_id", json_of_name(deadline->agent_id)));
	}
	return array;
}

static json_t *json_of_alerts(const struct top_view *view)
{
	json_t *array = json_array();
	for (size_t i = 0; i < view->n_alerts; i++) {
		const struct top_alert *alert = &view->alerts[i];
		json_array_append_new(
		        array, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "ticket_id",
		                         json_of_text(alert->ticket_id), "target", json_of_text(alert->target), "state",
		                         json_of_text(alert->state), "breached_at", json_of_time(alert->breached_us),
		                         "detected_at", json_of_time(alert->detected_us), "owner_at_breach",
		                         json_of_name(alert->owner), "policy", json_of_name(alert->policy)));
	}
	return array;
}

static json_t *json_of_partitions(const struct top_view *view)
{
	json_t *array = json_array();
	for (size_t i = 0; i < view->n_partitions; i++) {
		const struct top_partition *partition = &view->partitions[i];
		json_array_append_new(
		        array,
		        json_pack("{s:o, s:i, s:o, s:o, s:o, s:o, s:o}", "topic", json_of_text(partition->topic),
		                  "partition", (int)partition->partition, "state", json_of_text(partition->state),
		                  "state_reason", json_of_text(partition->state_reason), "owner",
		                  json_of_text(partition->owner), "lag_messages", json_of_lag(partition->lag_messages),
		                  "complete_until", json_of_time(partition->complete_us)));
	}
	return array;
}

void top_view_write_json(const struct top_view *view)
{
	json_t *object = json_object();
	json_object_set_new(object, "as_of", json_of_time(view->now_us));
	json_object_set_new(object, "n_messages", json_integer(view->n_messages));
	json_object_set_new(object, "n_dead_letters", json_integer(view->n_dead_letters));
	json_object_set_new(object, "lag_messages", json_of_lag(view->lag_messages));
	json_object_set_new(object, "partitions_lag_unknown", json_integer(view->n_lag_unknown));
	json_object_set_new(object, "backlog", json_of_backlog(view));
	json_object_set_new(object, "complete_until", json_of_time(view->complete_us));
	json_object_set_new(object, "partitions_running", json_integer(view->n_running));
	json_object_set_new(object, "partitions_stopped", json_integer(view->n_stopped));
	json_object_set_new(object, "open_tickets", json_integer(view->n_open));
	json_object_set_new(object, "clocks",
	                    json_pack("{s:I, s:I, s:I, s:I}", "breached", (json_int_t)view->n_breached, "at_risk",
	                              (json_int_t)view->n_at_risk, "pending", (json_int_t)view->n_pending, "paused",
	                              (json_int_t)view->n_paused));
	json_object_set_new(object, "compliance",
	                    json_pack("{s:o, s:o}", "last_hour", json_of_period(view->slas[TOP_HOUR]), "today",
	                              json_of_period(view->slas[TOP_TODAY])));
	json_object_set_new(object, "n_agents", json_integer(view->n_agents));
	json_object_set_new(object, "agents", json_of_agents(view));
	json_object_set_new(object, "deadlines", json_of_deadlines(view));
	json_object_set_new(object, "alerts", json_of_alerts(view));
	json_object_set_new(object, "partitions", json_of_partitions(view));
	json_print(object);
}
