#include "kpid/core/message.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "kpid/base/digest.h"
#include "words.h"

enum { MAX_SECRET_BYTES = 512, MAX_WORDS_BYTES = 200 };

/* An alert that still lasts is said again before Alertmanager forgets it, see delivery_done.sql. */
#define ALERTMANAGER_LASTS_US (INT64_C(300) * US_PER_SECOND)

bool told_alert_is_over(const struct told_alert *alert)
{
	return text_equal(alert->state, TEXT("resolved")) || text_equal(alert->state, TEXT("voided")) ||
	       text_equal(alert->state, TEXT("averted"));
}

void message_init(struct message *message)
{
	*message = (struct message){.url = BUF_INIT, .body = BUF_INIT};
}

void message_release(struct message *message)
{
	buf_release(&message->url);
	buf_release(&message->body);
}

/* ---- signing ---- */

static void add_base64(struct buf *out, const unsigned char *bytes, size_t n)
{
	unsigned char text[4 * ((MAX_SECRET_BYTES + 2) / 3) + 1];
	EVP_EncodeBlock(text, bytes, (int)n);
	buf_add_str(out, (const char *)text);
}

/* The bytes of a "whsec_" secret; its length, or 0 if it is none. */
static size_t decode_secret(struct text secret, unsigned char out[MAX_SECRET_BYTES])
{
	static const char prefix[] = "whsec_";
	size_t n_prefix = sizeof(prefix) - 1;
	if (secret.len <= n_prefix || secret.len > MAX_SECRET_BYTES || memcmp(secret.ptr, prefix, n_prefix) != 0 ||
	    (secret.len - n_prefix) % 4 != 0)
		return 0;
	int n = EVP_DecodeBlock(out, (const unsigned char *)secret.ptr + n_prefix, (int)(secret.len - n_prefix));
	if (n < 0)
		return 0;
	for (uint32_t i = secret.len; i > n_prefix && secret.ptr[i - 1] == '='; i--)
		n--;
	return (size_t)n;
}

void message_sign_webhook(struct text secret, struct text id, int64_t seconds, struct text body, struct buf *out)
{
	unsigned char key[MAX_SECRET_BYTES], digest[SHA256_BYTES];
	struct buf signed_content = BUF_INIT;
	size_t n_key = decode_secret(secret, key);
	buf_add_text(&signed_content, id);
	buf_add_format(&signed_content, ".%lld.", (long long)seconds);
	buf_add_text(&signed_content, body);
	struct text real_key = n_key == 0 ? secret : (struct text){(const char *)key, (uint32_t)n_key};
	sha256_hmac(real_key, buf_text(&signed_content), digest);
	buf_release(&signed_content);
	buf_add_str(out, "v1,");
	add_base64(out, digest, sizeof(digest));
}

static void add_header(struct message *message, const char *name, struct text value)
{
	if (message->n_headers < MESSAGE_MAX_HEADERS)
		snprintf(message->headers[message->n_headers++].text, sizeof(message->headers[0].text), "%s: %.*s",
		         name, (int)value.len, value.ptr);
}

/* ---- bodies ---- */

static json_t *text_json(struct text text)
{
	return text_is_absent(text) ? json_null() : json_stringn(text.ptr, text.len);
}

static json_t *buf_json(struct buf *buf)
{
	json_t *json = json_stringn(buf_text(buf).ptr, buf->len_bytes);
	buf_release(buf);
	return json;
}

static json_t *time_json(int64_t us)
{
	char text[TIMESTAMP_TEXT_BYTES];
	if (us == TIME_NONE)
		return json_null();
	timestamp_format(us, text);
	return json_string(text);
}

static void take_json(struct message *message, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);
	buf_add_str(&message->body, text == NULL ? "{}" : text);
	free(text);
	json_decref(json);
}

/* The data of its CloudEvent. */
static json_t *data_of(const struct told_alert *alert)
{
	json_t *event = json_loadb(alert->cloudevent.ptr, alert->cloudevent.len, 0, NULL);
	json_t *data = json_incref(json_object_get(event, "data"));
	json_decref(event);
	return data == NULL ? json_object() : data;
}

static void write_webhook(const struct message_voice *voice, const struct receiver *receiver,
                          const struct text *secrets, const struct told_alert *alerts, size_t n, struct text id,
                          int64_t now_us, struct message *message)
{
	if (n == 1) {
		buf_add_text(&message->body, alerts[0].cloudevent);
	} else {
		struct buf words = BUF_INIT;
		json_t *items = json_array(), *data = json_object(), *event = json_object();
		words_add_text(&words, voice, receiver, alerts, n, "- ");
		for (size_t i = 0; i < n; i++)
			json_array_append_new(items, data_of(&alerts[i]));
		json_object_set_new(data, "n", json_integer((json_int_t)n));
		json_object_set_new(data, "summary", buf_json(&words));
		json_object_set_new(data, "alerts", items);
		json_object_set_new(event, "specversion", json_string("1.0"));
		json_object_set_new(event, "type", json_string("kpid.alerts"));
		json_object_set_new(event, "source", json_string("/kpid"));
		json_object_set_new(event, "id", text_json(id));
		json_object_set_new(event, "time", time_json(now_us));
		json_object_set_new(event, "datacontenttype", json_string("application/json"));
		json_object_set_new(event, "data", data);
		take_json(message, event);
	}
	char seconds[24];
	struct buf signatures = BUF_INIT;
	snprintf(seconds, sizeof(seconds), "%lld", (long long)(now_us / US_PER_SECOND));
	add_header(message, "webhook-id", id);
	add_header(message, "webhook-timestamp", text_of(seconds));
	for (size_t i = 0; i < receiver->n_secrets; i++) {
		buf_add_str(&signatures, i > 0 ? " " : "");
		message_sign_webhook(secrets[i], id, now_us / US_PER_SECOND, buf_text(&message->body), &signatures);
	}
	if (receiver->n_secrets > 0)
		add_header(message, "webhook-signature", buf_text(&signatures));
	buf_release(&signatures);
}

static const char *severity_of(const struct told_alert *alert)
{
	return alert->breached_us == TIME_NONE ? "warning" : "critical";
}

static void add_label(json_t *labels, const char *name, struct text value)
{
	if (!text_is_empty(value))
		json_object_set_new(labels, name, text_json(value));
}

/* Labels are what an alert is to Alertmanager: they must not change over its life. */
static json_t *alertmanager_item(const struct message_voice *voice, const struct receiver *receiver,
                                 const struct told_alert *alert, int64_t now_us)
{
	struct buf line = BUF_INIT;
	json_t *item = json_object(), *labels = json_object(), *annotations = json_object();
	json_object_set_new(labels, "alertname", json_string("kpid_sla"));
	add_label(labels, "alert_id", alert->alert_id);
	add_label(labels, "ticket_id", alert->ticket_id);
	add_label(labels, "target", alert->target);
	add_label(labels, "project_id", alert->project_id);
	words_add_line(&line, voice, alert);
	json_object_set_new(annotations, "summary", buf_json(&line));
	json_object_set_new(annotations, "state", text_json(alert->state));
	json_object_set_new(annotations, "severity", json_string(severity_of(alert)));
	add_label(annotations, "policy", alert->policy);
	add_label(annotations, "link", receiver->link);
	int64_t starts_us = alert->breached_us != TIME_NONE ? alert->breached_us : alert->warned_us;
	json_object_set_new(item, "labels", labels);
	json_object_set_new(item, "annotations", annotations);
	json_object_set_new(item, "startsAt", time_json(starts_us == TIME_NONE ? now_us : starts_us));
	json_object_set_new(item, "endsAt",
	                    time_json(told_alert_is_over(alert) ? now_us : now_us + ALERTMANAGER_LASTS_US));
	return item;
}

static void write_alertmanager(const struct message_voice *voice, const struct receiver *receiver,
                               const struct told_alert *alerts, size_t n, int64_t now_us, struct message *message)
{
	json_t *items = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(items, alertmanager_item(voice, receiver, &alerts[i], now_us));
	take_json(message, items);
}

static void add_url_encoded(struct buf *out, struct text text)
{
	for (uint32_t i = 0; i < text.len; i++)
		buf_add_format(out, "%%%02X", (unsigned char)text.ptr[i]);
}

static json_t *title_of(const struct message_voice *voice, const struct told_alert *alerts, size_t n)
{
	struct buf title = BUF_INIT;
	if (n == 1)
		words_add_line(&title, voice, &alerts[0]);
	else
		words_add_counts(&title, voice, alerts, n);
	return buf_json(&title);
}

/* The signature goes into the address: HMAC-SHA256 of "milliseconds\nsecret" under the secret. */
static void write_dingtalk(const struct message_voice *voice, const struct receiver *receiver,
                           const struct text *secrets, const struct told_alert *alerts, size_t n, int64_t now_us,
                           struct message *message)
{
	struct buf words = BUF_INIT;
	words_add_text(&words, voice, receiver, alerts, n, "- ");
	take_json(message, json_pack("{s:s, s:{s:o, s:o}}", "msgtype", "markdown", "markdown", "title",
	                             title_of(voice, alerts, n), "text", buf_json(&words)));
	if (receiver->n_secrets == 0)
		return;
	unsigned char digest[SHA256_BYTES];
	struct buf content = BUF_INIT, signature = BUF_INIT;
	long long ms = (long long)(now_us / 1000);
	buf_add_format(&content, "%lld\n", ms);
	buf_add_text(&content, secrets[0]);
	sha256_hmac(secrets[0], buf_text(&content), digest);
	add_base64(&signature, digest, sizeof(digest));
	buf_add_format(&message->url, "%stimestamp=%lld&sign=", strchr(message->url.data, '?') == NULL ? "?" : "&", ms);
	add_url_encoded(&message->url, buf_text(&signature));
	buf_release(&content);
	buf_release(&signature);
}

/* Here "seconds\nsecret" is the key, and nothing is signed. */
static void write_feishu(const struct message_voice *voice, const struct receiver *receiver, const struct text *secrets,
                         const struct told_alert *alerts, size_t n, int64_t now_us, struct message *message)
{
	struct buf words = BUF_INIT;
	json_t *json = json_object();
	words_add_text(&words, voice, receiver, alerts, n, "• ");
	if (receiver->n_secrets > 0) {
		unsigned char digest[SHA256_BYTES];
		struct buf key = BUF_INIT, signature = BUF_INIT;
		char seconds[24];
		snprintf(seconds, sizeof(seconds), "%lld", (long long)(now_us / US_PER_SECOND));
		buf_add_format(&key, "%s\n", seconds);
		buf_add_text(&key, secrets[0]);
		sha256_hmac(buf_text(&key), TEXT(""), digest);
		add_base64(&signature, digest, sizeof(digest));
		json_object_set_new(json, "timestamp", json_string(seconds));
		json_object_set_new(json, "sign", buf_json(&signature));
		buf_release(&key);
	}
	json_object_set_new(json, "msg_type", json_string("text"));
	json_object_set_new(json, "content", json_pack("{s:o}", "text", buf_json(&words)));
	take_json(message, json);
}

static void write_wecom(const struct message_voice *voice, const struct receiver *receiver,
                        const struct told_alert *alerts, size_t n, struct message *message)
{
	struct buf words = BUF_INIT;
	words_add_text(&words, voice, receiver, alerts, n, "> ");
	take_json(message, json_pack("{s:s, s:{s:o}}", "msgtype", "markdown", "markdown", "content", buf_json(&words)));
}

static void write_pagerduty(const struct message_voice *voice, const struct receiver *receiver,
                            const struct text *secrets, const struct told_alert *alert, struct message *message)
{
	const char *action = "trigger";
	if (told_alert_is_over(alert))
		action = "resolve";
	else if (text_equal(alert->state, TEXT("acknowledged")))
		action = "acknowledge";
	struct buf line = BUF_INIT;
	words_add_line(&line, voice, alert);
	json_t *json = json_pack("{s:o, s:s, s:o}", "routing_key", text_json(secrets[0]), "event_action", action,
	                         "dedup_key", text_json(alert->alert_id));
	json_t *payload = json_pack("{s:o, s:s, s:s, s:o}", "summary", buf_json(&line), "source", "kpid", "severity",
	                            severity_of(alert), "timestamp",
	                            time_json(alert->breached_us != TIME_NONE ? alert->breached_us : alert->warned_us));
	json_object_set_new(payload, "component", text_json(alert->ticket_id));
	add_label(payload, "group", alert->project_id);
	json_object_set_new(payload, "class", text_json(alert->target));
	json_object_set_new(payload, "custom_details", data_of(alert));
	json_object_set_new(json, "payload", payload);
	if (!text_is_absent(receiver->link))
		json_object_set_new(json, "links",
		                    json_pack("[{s:o, s:s}]", "href", text_json(receiver->link), "text", "kpid"));
	take_json(message, json);
}

void message_write(const struct message_voice *voice, const struct receiver *receiver, struct text url,
                   const struct text *secrets, const struct told_alert *alerts, size_t n_alerts, struct text id,
                   int64_t now_us, struct message *message_out)
{
	buf_clear(&message_out->url);
	buf_clear(&message_out->body);
	message_out->n_headers = 0;
	buf_add_text(&message_out->url, url);
	add_header(message_out, "content-type",
	           receiver->type == RECEIVER_WEBHOOK ? TEXT("application/cloudevents+json; charset=UTF-8")
	                                              : TEXT("application/json; charset=UTF-8"));
	switch (receiver->type) {
	case RECEIVER_WEBHOOK:
		write_webhook(voice, receiver, secrets, alerts, n_alerts, id, now_us, message_out);
		break;
	case RECEIVER_ALERTMANAGER:
		write_alertmanager(voice, receiver, alerts, n_alerts, now_us, message_out);
		break;
	case RECEIVER_DINGTALK:
		write_dingtalk(voice, receiver, secrets, alerts, n_alerts, now_us, message_out);
		break;
	case RECEIVER_FEISHU:
		write_feishu(voice, receiver, secrets, alerts, n_alerts, now_us, message_out);
		break;
	case RECEIVER_WECOM:
		write_wecom(voice, receiver, alerts, n_alerts, message_out);
		break;
	default:
		write_pagerduty(voice, receiver, secrets, &alerts[0], message_out);
		break;
	}
}

/* ---- answers ---- */

/* The first bytes of a text, and no part of a character. */
static int whole_characters(const char *words, size_t most_bytes)
{
	size_t n = strnlen(words, most_bytes + 1);
	if (n <= most_bytes)
		return (int)n;
	for (n = most_bytes; n > 0 && ((unsigned char)words[n] & 0xc0) == 0x80;)
		n--;
	return (int)n;
}

/* A robot says in its body whether it took a message; the member is "errcode", or "code" of Feishu. */
static enum answer robot_answer(const struct receiver *receiver, struct text body, struct buf *why_out)
{
	/* Too many messages: DingTalk, WeCom, Feishu. */
	static const json_int_t too_many[] = {130101, 410100, 660026, 45009, 45033, 9499, 11232};
	json_t *json = json_loadb(body.ptr == NULL ? "" : body.ptr, body.len, 0, NULL);
	const char *member = receiver->type == RECEIVER_FEISHU ? "code" : "errcode";
	const json_t *code = json_object_get(json, member);
	if (code == NULL && receiver->type == RECEIVER_FEISHU)
		code = json_object_get(json, "StatusCode");
	enum answer answer = ANSWER_AGAIN;
	if (!json_is_integer(code)) {
		buf_add_format(why_out, "the answer has no %s", member);
	} else if (json_integer_value(code) == 0) {
		answer = ANSWER_OK;
	} else {
		const char *words =
		        json_string_value(json_object_get(json, receiver->type == RECEIVER_FEISHU ? "msg" : "errmsg"));
		bool busy = false;
		for (size_t i = 0; i < sizeof(too_many) / sizeof(too_many[0]); i++)
			busy |= json_integer_value(code) == too_many[i];
		buf_add_format(why_out, "%s: %s %lld", busy ? "too many messages" : "refused", member,
		               (long long)json_integer_value(code));
		if (words != NULL)
			buf_add_format(why_out, ", %.*s", whole_characters(words, MAX_WORDS_BYTES), words);
	}
	json_decref(json);
	return answer;
}

enum answer message_answer(const struct receiver *receiver, long status, struct text body, struct buf *why_out)
{
	bool robot = receiver->type == RECEIVER_DINGTALK || receiver->type == RECEIVER_FEISHU ||
	             receiver->type == RECEIVER_WECOM;
	if (status >= 200 && status < 300)
		return robot ? robot_answer(receiver, body, why_out) : ANSWER_OK;
	if (status == 0)
		buf_add_str(why_out, "no answer");
	else
		buf_add_format(why_out, "HTTP status %ld", status);
	/* Gone says that nobody will ever listen there (Standard Webhooks). */
	return status == 410 ? ANSWER_NEVER : ANSWER_AGAIN;
}
