/* A CloudEvent, signed as Standard Webhooks 1.0. */
#include <openssl/evp.h>
#include <stdio.h>

#include "../alert_text.h"
#include "../body.h"
#include "../kinds.h"

enum { MAX_SECRET_BYTES = 512 };

/* Decodes a "whsec_" secret. Returns its length in bytes, or 0 if the secret has another form. */
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
	body_add_digest(out, digest);
}

/* One event that holds the data of all the alerts. */
static json_t *write_group(const struct notification *notification)
{
	struct buf summary = BUF_INIT;
	json_t *items = json_array(), *data = json_object(), *event = json_object();
	alert_text_add(&summary, notification, "- ");
	for (size_t i = 0; i < notification->n_alerts; i++)
		json_array_append_new(items, body_alert_data(&notification->alerts[i]));
	json_object_set_new(data, "n", json_integer((json_int_t)notification->n_alerts));
	json_object_set_new(data, "summary", body_buf(&summary));
	json_object_set_new(data, "alerts", items);
	json_object_set_new(event, "specversion", json_string("1.0"));
	json_object_set_new(event, "type", json_string("kpid.alerts"));
	json_object_set_new(event, "source", json_string("/kpid"));
	json_object_set_new(event, "id", body_text(notification->id));
	json_object_set_new(event, "time", body_time(notification->now_us));
	json_object_set_new(event, "datacontenttype", json_string("application/json"));
	json_object_set_new(event, "data", data);
	return event;
}

static void add_headers(const struct notification *notification, struct message *message)
{
	char seconds[24];
	struct buf signatures = BUF_INIT;
	int64_t now_s = notification->now_us / US_PER_SECOND;
	snprintf(seconds, sizeof(seconds), "%lld", (long long)now_s);
	body_add_header(message, "webhook-id", notification->id);
	body_add_header(message, "webhook-timestamp", text_of(seconds));
	for (size_t i = 0; i < notification->receiver->n_secrets; i++) {
		buf_add_str(&signatures, i > 0 ? " " : "");
		message_sign_webhook(notification->secrets[i], notification->id, now_s, buf_text(&message->body),
		                     &signatures);
	}
	if (notification->receiver->n_secrets > 0)
		body_add_header(message, "webhook-signature", buf_text(&signatures));
	buf_release(&signatures);
}

static void write_webhook(const struct notification *notification, struct message *message_out)
{
	if (notification->n_alerts == 1)
		buf_add_text(&message_out->body, notification->alerts[0].cloudevent);
	else
		body_put(message_out, write_group(notification));
	add_headers(notification, message_out);
}

const struct receiver_kind receiver_webhook = {
        .name = "webhook",
        .max_secrets = 2, /* signs with both while a secret is being replaced */
        .content_type = "application/cloudevents+json; charset=UTF-8",
        .write = write_webhook,
};
