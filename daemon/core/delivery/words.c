#include "words.h"

#include <stdlib.h>

#include "kpid/base/printable.h"

/* So few and so short that WeCom takes a message of them. */
enum { FIRST_FEW = 8, MAX_VALUE_BYTES = 80 };

enum { DATE_CHARS = 10, TIME_CHARS = 8, TIME_AT = 11 };

/* A state or a target by its name, and how each language says it. */
struct word {
	const char *name, *in[MESSAGE_N_LANGUAGES];
};

/* In the order in which they are counted. */
static const struct word states[] = {
        {"breached", {"breached", "超时"}}, {"acknowledged", {"acknowledged", "已确认"}},
        {"warning", {"warning", "预警"}},   {"resolved", {"resolved", "已处理"}},
        {"averted", {"averted", "已避免"}}, {"voided", {"voided", "已撤销"}},
};

static const struct word targets[] = {
        {"first_response", {"first_response", "首次响应"}},
        {"next_response", {"next_response", "后续响应"}},
        {"arrival", {"arrival", "到场"}},
        {"resolution", {"resolution", "解决"}},
};

#define N_OF(words) (sizeof(words) / sizeof((words)[0]))

/* What is between the values of a line, and around numbers: before and behind. */
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

/* The word in the language, or the name itself where it is not in the list. */
static struct text say(const struct word *words, size_t n, struct text name, enum message_language language)
{
	for (size_t i = 0; i < n; i++)
		if (text_equal(name, text_of(words[i].name)))
			return text_of(words[i].in[language]);
	return name;
}

/* "2026-01-01 08:00:00 +08:00 Asia/Shanghai"; of UTC without the offset. */
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

/* What an event says, among words that a chat shows: it breaks no line, mentions nobody, is no link of its own, and
 * does not fill the message up. */
static void add_value(struct buf *out, struct text value)
{
	for (size_t most = out->len_bytes + MAX_VALUE_BYTES; value.len > 0;) {
		struct printable next;
		printable_next(&value, &next);
		struct text shown = {next.bytes, (uint32_t)next.len_bytes};
		if (next.character == '<')
			shown = TEXT("＜");
		else if (next.character == '[')
			shown = TEXT("［");
		if (out->len_bytes + shown.len > most) {
			buf_add_str(out, "…");
			return;
		}
		buf_add_text(out, shown);
	}
}

/* English puts the target before the ticket, Chinese behind it: "T-1 首次响应". */
static void add_subject(struct buf *out, const struct message_voice *voice, const struct told_alert *alert)
{
	struct text target = say(targets, N_OF(targets), alert->target, voice->language);
	bool ticket_first = voice->language == MESSAGE_ZH;
	add_value(out, ticket_first ? alert->ticket_id : target);
	buf_add_str(out, ticket_first ? " " : " of ");
	add_value(out, ticket_first ? target : alert->ticket_id);
}

void words_add_line(struct buf *out, const struct message_voice *voice, const struct told_alert *alert)
{
	const struct phrases *phrase = &phrases[voice->language];
	buf_add_text(out, say(states, N_OF(states), alert->state, voice->language));
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

void words_add_counts(struct buf *out, const struct message_voice *voice, const struct told_alert *alerts, size_t n)
{
	const struct phrases *phrase = &phrases[voice->language];
	const char *joint = phrase->colon;
	buf_add_format(out, "%zu%s", n, n == 1 ? phrase->alert : phrase->alerts);
	for (size_t i = 0; i < N_OF(states); i++) {
		size_t count = 0;
		for (size_t j = 0; j < n; j++)
			count += text_equal(alerts[j].state, text_of(states[i].name));
		if (count > 0) {
			buf_add_format(out, "%s%zu%s%s", joint, count, phrase->unit, states[i].in[voice->language]);
			joint = phrase->joint;
		}
	}
}

void words_add_text(struct buf *out, const struct message_voice *voice, const struct receiver *receiver,
                    const struct told_alert *alerts, size_t n, const char *line_start)
{
	if (n > 1) {
		words_add_counts(out, voice, alerts, n);
		buf_add_str(out, "\n\n");
	}
	for (size_t i = 0; i < n && i < FIRST_FEW; i++) {
		buf_add_str(out, n > 1 ? line_start : "");
		words_add_line(out, voice, &alerts[i]);
		buf_add_char(out, '\n');
	}
	const char *const *more = phrases[voice->language].more;
	if (n > FIRST_FEW)
		buf_add_format(out, "%s%s%zu%s\n", line_start, more[0], n - FIRST_FEW, more[1]);
	if (!text_is_absent(receiver->link)) {
		buf_add_str(out, "\n");
		buf_add_text(out, receiver->link);
	}
}
