/* PagerDuty, Events API v2. */
#include "../alert_text.h"
#include "../body.h"
#include "../kinds.h"

static const char *event_action(const struct alert_view *alert)
{
	if (alert_view_is_over(alert))
		return "resolve";
	return text_equal(alert->state, TEXT("acknowledged")) ? "acknowledge" : "trigger";
}

static void write_pagerduty(const struct notification *notification, struct message *message_out)
{
	const struct alert_view *alert = &notification->alerts[0];
	struct text link = notification->receiver->link;
	struct buf line = BUF_INIT;
	alert_text_add_line(&line, notification->voice, alert);
	json_t *json = json_pack("{s:o, s:s, s:o}", "routing_key", body_text(notification->secrets[0]), "event_action",
	                         event_action(alert), "dedup_key", body_text(alert->alert_id));
	json_t *payload = json_pack("{s:o, s:s, s:s, s:o}", "summary", body_buf(&line), "source", "kpid", "severity",
	                            body_severity(alert), "timestamp",
	                            body_time(alert->breached_us != TIME_NONE ? alert->breached_us : alert->warned_us));
	json_object_set_new(payload, "component", body_text(alert->ticket_id));
	body_add_text(payload, "group", alert->project_id);
	json_object_set_new(payload, "class", body_text(alert->target));
	json_object_set_new(payload, "custom_details", body_alert_data(alert));
	json_object_set_new(json, "payload", payload);
	if (!text_is_absent(link))
		json_object_set_new(json, "links", json_pack("[{s:o, s:s}]", "href", body_text(link), "text", "kpid"));
	body_put(message_out, json);
}

const struct receiver_kind receiver_pagerduty = {
        .name = "pagerduty",
        .grouping = GROUP_NEVER, /* an event is about one alert */
        .max_secrets = 1,
        .secret_use = "write the file that holds the integration's routing key",
        .content_type = "application/json; charset=UTF-8",
        .write = write_pagerduty,
};
