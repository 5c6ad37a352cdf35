#include "kpid/core/dead_letter.h"

#include <openssl/evp.h>

static void add_base64(struct buf *out, struct text t)
{
	size_t n_chars = ((size_t)t.len + 2) / 3 * 4;
	char *at = buf_extend(out, n_chars + 1); /* the encoder writes a NUL */
	EVP_EncodeBlock((unsigned char *)at, (const unsigned char *)(t.len == 0 ? "" : t.ptr), (int)t.len);
	out->len_bytes--;
}

static void add_ascii(struct buf *out, struct text t)
{
	buf_add_char(out, '"');
	for (uint32_t i = 0; i < t.len; i++) {
		char c = t.ptr[i];
		if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
			c = '?';
		buf_add_char(out, c);
	}
	buf_add_char(out, '"');
}

void dead_letter_headers_json(const struct batch_dead_letter *letter, struct buf *out)
{
	buf_add_char(out, '[');
	for (size_t i = 0; i < letter->n_headers; i++) {
		buf_add_str(out, i == 0 ? "[" : ",[");
		add_ascii(out, letter->headers[i].name);
		buf_add_str(out, ",\"");
		add_base64(out, letter->headers[i].value);
		buf_add_str(out, "\"]");
	}
	buf_add_char(out, ']');
}

static void add_member(struct buf *out, const char *name, struct text value)
{
	buf_add_format(out, ",\"%s\":", name);
	buf_add_json_string(out, value);
}

static void add_time(struct buf *out, const char *name, int64_t us)
{
	char text[TIMESTAMP_TEXT_BYTES];
	timestamp_format(us, text);
	buf_add_format(out, ",\"%s\":\"%s\"", name, text);
}

static void add_micros(struct buf *out, const char *name, int64_t micros)
{
	buf_add_format(out, ",\"%s\":%lld.%06lld", name, (long long)(micros / 1000000), (long long)(micros % 1000000));
}

/* Scores are stored as item -> millionths: writes {"a":4500000} as {"a":4500000e-6}. */
static void add_scores(struct buf *out, const char *name, struct text canonical)
{
	bool in_string = false;
	buf_add_format(out, ",\"%s\":", name);
	for (uint32_t i = 0; i < canonical.len; i++) {
		char c = canonical.ptr[i];
		bool ends_number = !in_string && i > 0 && canonical.ptr[i - 1] >= '0' && canonical.ptr[i - 1] <= '9' &&
		                   (c == ',' || c == '}');
		if (ends_number)
			buf_add_str(out, "e-6");
		buf_add_char(out, c);
		if (in_string && c == '\\' && i + 1 < canonical.len)
			buf_add_char(out, canonical.ptr[++i]);
		else if (c == '"')
			in_string = !in_string;
	}
}

void ticket_event_as_cloudevent(const struct ticket_event *event, struct buf *out)
{
	buf_add_str(out, "{\"specversion\":\"1.0\"");
	add_member(out, "id", event->id);
	add_member(out, "source", event->source);
	add_member(out, "type", text_of(event_type_name(event->type)));
	add_time(out, "time", event->occurred_us);
	if (event->sequence.len != 0)
		add_member(out, "sequence", event->sequence);
	buf_add_str(out, ",\"data\":{\"ticket_id\":");
	buf_add_json_string(out, event->ticket_id);
	for (int i = 0; i < EVENT_N_TEXTS; i++) {
		const char *name = event_text_name((enum event_text)i);
		if (text_is_absent(event->texts[i]))
			continue;
		if (i == EVENT_ANSWERS || i == EVENT_EXPECTED)
			add_scores(out, name, event->texts[i]);
		else if (event->texts[i].len == 0 && i != EVENT_REASON)
			buf_add_format(out, ",\"%s\":null", name);
		else
			add_member(out, name, event->texts[i]);
	}
	for (int i = 0; i < EVENT_N_TIMES; i++)
		if (event->times[i] != TIME_NONE)
			add_time(out, event_time_name((enum event_time)i), event->times[i]);
	if (event->resolution != RESOLUTION_ABSENT)
		add_member(out, "resolution", text_of(resolution_name((enum resolution)event->resolution)));
	if (event->kind != SURVEY_KIND_ABSENT)
		add_member(out, "kind", text_of(survey_kind_name((enum survey_kind)event->kind)));
	if (event->automatic != TRI_ABSENT)
		buf_add_str(out, event->automatic == TRI_TRUE ? ",\"automatic\":true" : ",\"automatic\":false");
	if (event->score_micros != SCORE_ABSENT)
		add_micros(out, "score", event->score_micros);
	if (event->scale_max_micros != SCORE_ABSENT)
		add_micros(out, "scale_max", event->scale_max_micros);
	if (event->answers_scale_micros != SCORE_ABSENT)
		add_micros(out, "answers_scale_max", event->answers_scale_micros);
	buf_add_str(out, "}}");
}
