/* A robot in a Feishu group. */
#include <stdio.h>

#include "../alert_text.h"
#include "../body.h"
#include "../chat.h"
#include "../kinds.h"

/* HMAC-SHA256 of nothing, with "seconds\nsecret" as key. */
static void sign(const struct notification *notification, json_t *json)
{
	unsigned char digest[SHA256_BYTES];
	struct buf key = BUF_INIT, signature = BUF_INIT;
	char seconds[24];
	snprintf(seconds, sizeof(seconds), "%lld", (long long)(notification->now_us / US_PER_SECOND));
	buf_add_format(&key, "%s\n", seconds);
	buf_add_text(&key, notification->secrets[0]);
	sha256_hmac(buf_text(&key), TEXT(""), digest);
	body_add_digest(&signature, digest);
	json_object_set_new(json, "timestamp", json_string(seconds));
	json_object_set_new(json, "sign", body_buf(&signature));
	buf_release(&key);
}

static void write_feishu(const struct notification *notification, struct message *message_out)
{
	struct buf text = BUF_INIT;
	json_t *json = json_object();
	alert_text_add(&text, notification, "• ");
	if (notification->receiver->n_secrets > 0)
		sign(notification, json);
	json_object_set_new(json, "msg_type", json_string("text"));
	json_object_set_new(json, "content", json_pack("{s:o}", "text", body_buf(&text)));
	body_put(message_out, json);
}

static enum answer read_answer(struct text body, struct buf *why_out)
{
	static const json_int_t rate_limit[] = {9499, 11232};
	static const struct chat_answer form = {"code", "StatusCode", "msg", rate_limit,
	                                        sizeof(rate_limit) / sizeof(rate_limit[0])};
	return chat_read_answer(&form, body, why_out);
}

const struct receiver_kind receiver_feishu = {
        .name = "feishu",
        .group_at_least = CHAT_GROUP_AT_LEAST,
        .pause_us = CHAT_PAUSE_US,
        .max_secrets = 1,
        .content_type = "application/json; charset=UTF-8",
        .write = write_feishu,
        .read_answer = read_answer,
};
