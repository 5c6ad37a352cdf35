#include "alert_text.h"

#include <stdlib.h>

#include "kpid/base/printable.h"

/* Few and short enough for the 4,096 bytes that WeCom accepts. */
enum { MAX_LINES = 8, MAX_VALUE_BYTES = 80 };

enum { DATE_CHARS = 10, TIME_CHARS = 8, TIME_AT = 11 };

/* The name of a state or a target, and its translations. */
struct term {
	const char *name, *in[MESSAGE_N_LANGUAGES];
};

/* In the order in which counts are listed. */
static const struct term states[] = {
        {"breached", {"breached", "超时"}}, {"acknowledged", {"acknowledged", "已确认"}},
        {"warning", {"warning", "预警"}},   {"resolved", {"resolved", "已处理"}},
        {"averted", {"averted", "已避免"}}, {"voided", {"voided", "已撤销"}},
};

static const struct term targets[] = {
        {"first_response", {"first_response", "首次响应"}},
        {"next_response", {"next_response", "后续响应"}},
        {"arrival", {"arrival", "到场"}},
        {"resolution", {"resolution", "解决"}},
};

#define N_OF(terms) (sizeof(terms) / sizeof((terms)[0]))

/* The text between the values of a line. Pairs go before and after a number. */
static const struct phrases {
	const char *escalation[2], *colon, *due, *owner, *nobody, *project, *alert, *alerts, *unit, *joint, *more[2];
} phrases[MESSAGE_N_LANGUAGES] = {
        [MESSAGE_EN] = {{" (escalation ", ")"},
                        ": ",
                        ", due ",
                        ", owner ",
                        "nobody",
                        ", project ",
                        " alert",
                        " alerts",
                        " ",
                        ", ",
                        {"… and ", " more"}},
        [MESSAGE_ZH] = {{"（第 ", " 级升级）"},
                        "：",
                        "，截止 ",
                        "，负责人 ",
                        "无",
                        "，项目 ",
                        " 条告警",
                        " 条告警",
                        " 条",
                        "，",
                        {"…… 另有 ", " 条"}},
};

/* Returns the name itself if it is not in the list. */
static struct text translate(const struct term *terms, size_t n, struct text name, enum message_language language)
{
	for (size_t i = 0; i < n; i++)
		if (text_equal(name, text_of(terms[i].name)))
			return text_of(terms[i].in[language]);
	return name;
}

/* "2026-01-01 08:00:00 +08:00 Asia/Shanghai", or "2026-01-01 00:00:00 UTC". */
static void add_time(struct buf *out, const struct message_voice *voice, int64_t at_us)
{
	char text[TIMESTAMP_TEXT_BYTES];
	int32_t east_s = voice->zone == NULL ? 0 : voice->zone->offset_s(voice->zone->context, at_us);
	timestamp_format(at_us + east_s * US_PER_SECOND, text);
	buf_add(out, text, DATE_CHARS);
	buf_add_char(out, ' ');
	buf_add(out, text + TIME_AT, TIME_CHARS);
	if (east_s != 0 || !text_equal(voice->zone_name, TEXT("UTC"))) {
		int32_t minutes = abs(east_s) / 60;
		buf_add_format(out, " %c%02d:%02d", east_s < 0 ? '-' : '+', (int)(minutes / 60), (int)(minutes % 60));
	}
	buf_add_char(out, ' ');
	buf_add_text(out, voice->zone_name);
}

/* Appends a value from an event to text that a chat shows. It cannot break the line, mention a person, form a link, or
 * fill the message. */
static void add_value(struct buf *out, struct text value)
{
	for (size_t limit = out->len_bytes + MAX_VALUE_BYTES; value.len > 0;) {
		struct printable next;
		printable_next(&value, &next);
		struct text shown = {next.bytes, (uint32_t)next.len_bytes};
		if (next.character == '<')
			shown = TEXT("＜");
		else if (next.character == '[')
			shown = TEXT("［");
		if (out->len_bytes + shown.len > limit) {
			buf_add_str(out, "…");
			return;
		}
		buf_add_text(out, shown);
	}
}

/* "first_response of T-1" in English, "T-1 首次响应" in Chinese. */
static void add_subject(struct buf *out, const struct message_voice *voice, const struct alert_view *alert)
{
	struct text target = translate(targets, N_OF(targets), alert->target, voice->language);
	bool ticket_first = voice->language == MESSAGE_ZH;
	add_value(out, ticket_first ? alert->ticket_id : target);
	buf_add_str(out, ticket_first ? " " : " of ");
	add_value(out, ticket_first ? target : alert->ticket_id);
}

void alert_text_add_line(struct buf *out, const struct message_voice *voice, const struct alert_view *alert)
{
	const struct phrases *phrase = &phrases[voice->language];
	buf_add_text(out, translate(states, N_OF(states), alert->state, voice->language));
	if (alert->level > 0)
		buf_add_format(out, "%s%d%s", phrase->escalation[0], (int)alert->level, phrase->escalation[1]);
	buf_add_str(out, phrase->colon);
	add_subject(out, voice, alert);
	if (alert->due_us != TIME_NONE) {
		buf_add_str(out, phrase->due);
		add_time(out, voice, alert->due_us);
	}
	buf_add_str(out, phrase->owner);
	add_value(out, text_is_empty(alert->owner_id) ? text_of(phrase->nobody) : alert->owner_id);
	if (!text_is_empty(alert->project_id)) {
		buf_add_str(out, phrase->project);
		add_value(out, alert->project_id);
	}
}

void alert_text_add_counts(struct buf *out, const struct notification *notification)
{
	enum message_language language = notification->voice->language;
	const struct phrases *phrase = &phrases[language];
	const char *joint = phrase->colon;
	size_t n = notification->n_alerts;
	buf_add_format(out, "%zu%s", n, n == 1 ? phrase->alert : phrase->alerts);
	for (size_t i = 0; i < N_OF(states); i++) {
		size_t count = 0;
		for (size_t j = 0; j < n; j++)
			count += text_equal(notification->alerts[j].state, text_of(states[i].name));
		if (count > 0) {
			buf_add_format(out, "%s%zu%s%s", joint, count, phrase->unit, states[i].in[language]);
			joint = phrase->joint;
		}
	}
}

void alert_text_add(struct buf *out, const struct notification *notification, const char *line_start)
{
	size_t n = notification->n_alerts;
	if (n > 1) {
		alert_text_add_counts(out, notification);
		buf_add_str(out, "\n\n");
	}
	for (size_t i = 0; i < n && i < MAX_LINES; i++) {
		buf_add_str(out, n > 1 ? line_start : "");
		alert_text_add_line(out, notification->voice, &notification->alerts[i]);
		buf_add_char(out, '\n');
	}
	const char *const *more = phrases[notification->voice->language].more;
	if (n > MAX_LINES)
		buf_add_format(out, "%s%s%zu%s\n", line_start, more[0], n - MAX_LINES, more[1]);
	if (!text_is_absent(notification->receiver->link)) {
		buf_add_str(out, "\n");
		buf_add_text(out, notification->receiver->link);
	}
}
