/* A robot in a WeCom group. */
#include "../alert_text.h"
#include "../body.h"
#include "../chat.h"
#include "../kinds.h"

static void write_wecom(const struct notification *notification, struct message *message_out)
{
	struct buf text = BUF_INIT;
	alert_text_add(&text, notification, "> ");
	body_put(message_out,
	         json_pack("{s:s, s:{s:o}}", "msgtype", "markdown", "markdown", "content", body_buf(&text)));
}

static enum answer read_answer(struct text body, struct buf *why_out)
{
	static const json_int_t rate_limit[] = {45009, 45033};
	static const struct chat_answer form = {"errcode", NULL, "errmsg", rate_limit,
	                                        sizeof(rate_limit) / sizeof(rate_limit[0])};
	return chat_read_answer(&form, body, why_out);
}

const struct receiver_kind receiver_wecom = {
        .name = "wecom",
        .group_at_least = CHAT_GROUP_AT_LEAST,
        .pause_us = CHAT_PAUSE_US,
        .max_secrets = 1,
        .content_type = "application/json; charset=UTF-8",
        .write = write_wecom,
        .read_answer = read_answer,
};
