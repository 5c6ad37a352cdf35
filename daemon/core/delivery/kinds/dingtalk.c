/* A robot in a DingTalk group. */
#include "../alert_text.h"
#include "../body.h"
#include "../chat.h"
#include "../kinds.h"

static json_t *write_title(const struct notification *notification)
{
	struct buf title = BUF_INIT;
	if (notification->n_alerts == 1)
		alert_text_add_line(&title, notification->voice, &notification->alerts[0]);
	else
		alert_text_add_counts(&title, notification);
	return body_buf(&title);
}

static void add_url_encoded(struct buf *out, struct text text)
{
	for (uint32_t i = 0; i < text.len; i++)
		buf_add_format(out, "%%%02X", (unsigned char)text.ptr[i]);
}

/* The signature goes into the URL: HMAC-SHA256 of "milliseconds\nsecret" with the secret as key. */
static void sign(const struct notification *notification, struct buf *url)
{
	struct text secret = notification->secrets[0];
	unsigned char digest[SHA256_BYTES];
	struct buf content = BUF_INIT, signature = BUF_INIT;
	long long ms = (long long)(notification->now_us / 1000);
	buf_add_format(&content, "%lld\n", ms);
	buf_add_text(&content, secret);
	sha256_hmac(secret, buf_text(&content), digest);
	body_add_digest(&signature, digest);
	buf_add_format(url, "%stimestamp=%lld&sign=", strchr(url->data, '?') == NULL ? "?" : "&", ms);
	add_url_encoded(url, buf_text(&signature));
	buf_release(&content);
	buf_release(&signature);
}

static void write_dingtalk(const struct notification *notification, struct message *message_out)
{
	struct buf text = BUF_INIT;
	alert_text_add(&text, notification, "- ");
	body_put(message_out, json_pack("{s:s, s:{s:o, s:o}}", "msgtype", "markdown", "markdown", "title",
	                                write_title(notification), "text", body_buf(&text)));
	if (notification->receiver->n_secrets > 0)
		sign(notification, &message_out->url);
}

static enum answer read_answer(struct text body, struct buf *why_out)
{
	static const json_int_t rate_limit[] = {130101, 410100, 660026};
	static const struct chat_answer form = {"errcode", NULL, "errmsg", rate_limit,
	                                        sizeof(rate_limit) / sizeof(rate_limit[0])};
	return chat_read_answer(&form, body, why_out);
}

const struct receiver_kind receiver_dingtalk = {
        .name = "dingtalk",
        .group_at_least = CHAT_GROUP_AT_LEAST,
        .pause_us = CHAT_PAUSE_US,
        .max_secrets = 1,
        .content_type = "application/json; charset=UTF-8",
        .write = write_dingtalk,
        .read_answer = read_answer,
};
