#include "body.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

json_t *body_text(struct text text)
{
	return text_is_absent(text) ? json_null() : json_stringn(text.ptr, text.len);
}

json_t *body_buf(struct buf *buf)
{
	json_t *json = json_stringn(buf_text(buf).ptr, buf->len_bytes);
	buf_release(buf);
	return json;
}

json_t *body_time(int64_t us)
{
	char text[TIMESTAMP_TEXT_BYTES];
	if (us == TIME_NONE)
		return json_null();
	timestamp_format(us, text);
	return json_string(text);
}

void body_add_text(json_t *object, const char *name, struct text value)
{
	if (!text_is_empty(value))
		json_object_set_new(object, name, body_text(value));
}

json_t *body_alert_data(const struct alert_view *alert)
{
	json_t *event = json_loadb(alert->cloudevent.ptr, alert->cloudevent.len, 0, NULL);
	json_t *data = json_incref(json_object_get(event, "data"));
	json_decref(event);
	return data == NULL ? json_object() : data;
}

const char *body_severity(const struct alert_view *alert)
{
	return alert->breached_us == TIME_NONE ? "warning" : "critical";
}

void body_put(struct message *message, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);
	buf_add_str(&message->body, text == NULL ? "{}" : text);
	free(text);
	json_decref(json);
}

void body_add_header(struct message *message, const char *name, struct text value)
{
	if (message->n_headers < MESSAGE_MAX_HEADERS)
		snprintf(message->headers[message->n_headers++].text, sizeof(message->headers[0].text), "%s: %.*s",
		         name, (int)value.len, value.ptr);
}

void body_add_digest(struct buf *out, const unsigned char digest[SHA256_BYTES])
{
	unsigned char text[4 * ((SHA256_BYTES + 2) / 3) + 1];
	EVP_EncodeBlock(text, digest, SHA256_BYTES);
	buf_add_str(out, (const char *)text);
}
