/* Prometheus Alertmanager, API v2. A request is a list of alerts. */
#include "../alert_text.h"
#include "../body.h"
#include "../kinds.h"

/* Alertmanager expires an alert at its endsAt, so active alerts are sent again well before. */
#define EXPIRES_AFTER_US (INT64_C(300) * US_PER_SECOND)
#define RESEND_US        (INT64_C(60) * US_PER_SECOND)

/* Alertmanager identifies an alert by its labels: they must not change during its life. */
static json_t *write_labels(const struct alert_view *alert)
{
	json_t *labels = json_object();
	json_object_set_new(labels, "alertname", json_string("kpid_sla"));
	body_add_text(labels, "alert_id", alert->alert_id);
	body_add_text(labels, "ticket_id", alert->ticket_id);
	body_add_text(labels, "target", alert->target);
	body_add_text(labels, "project_id", alert->project_id);
	return labels;
}

static json_t *write_annotations(const struct notification *notification, const struct alert_view *alert)
{
	struct buf line = BUF_INIT;
	json_t *annotations = json_object();
	alert_text_add_line(&line, notification->voice, alert);
	json_object_set_new(annotations, "summary", body_buf(&line));
	json_object_set_new(annotations, "state", body_text(alert->state));
	json_object_set_new(annotations, "severity", json_string(body_severity(alert)));
	body_add_text(annotations, "policy", alert->policy);
	body_add_text(annotations, "link", notification->receiver->link);
	return annotations;
}

static json_t *write_alert(const struct notification *notification, const struct alert_view *alert)
{
	int64_t now_us = notification->now_us;
	int64_t starts_us = alert->breached_us != TIME_NONE ? alert->breached_us : alert->warned_us;
	int64_t ends_us = alert_view_is_over(alert) ? now_us : now_us + EXPIRES_AFTER_US;
	json_t *item = json_object();
	json_object_set_new(item, "labels", write_labels(alert));
	json_object_set_new(item, "annotations", write_annotations(notification, alert));
	json_object_set_new(item, "startsAt", body_time(starts_us == TIME_NONE ? now_us : starts_us));
	json_object_set_new(item, "endsAt", body_time(ends_us));
	return item;
}

static void write_alertmanager(const struct notification *notification, struct message *message_out)
{
	json_t *items = json_array();
	for (size_t i = 0; i < notification->n_alerts; i++)
		json_array_append_new(items, write_alert(notification, &notification->alerts[i]));
	body_put(message_out, items);
}

const struct receiver_kind receiver_alertmanager = {
        .name = "alertmanager",
        .group_at_least = 200,
        .grouping = GROUP_AS_LIST,
        .max_secrets = 1,
        .resend_us = RESEND_US,
        .content_type = "application/json; charset=UTF-8",
        .write = write_alertmanager,
};
