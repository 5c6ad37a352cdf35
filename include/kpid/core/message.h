/* Messages about alerts: what is sent to a receiver, and what its response means. */
#ifndef KPID_CORE_MESSAGE_H
#define KPID_CORE_MESSAGE_H

#include "kpid/base/buf.h"
#include "kpid/core/receiver.h"
#include "kpid/port/zone.h"

enum message_language { MESSAGE_EN, MESSAGE_ZH, MESSAGE_N_LANGUAGES };

/* The language and time zone of texts for people. Fields that programs read stay the same, with times in UTC. */
struct message_voice {
	enum message_language language;
	struct text zone_name;   /* "Asia/Shanghai" */
	const struct zone *zone; /* NULL: UTC */
};

/* An alert as stored in the database. Texts may be absent. */
struct alert_view {
	struct text alert_id, ticket_id, target, state, cause, owner_id, project_id, policy, policy_version;
	struct text cloudevent; /* from kpid.alert_message() */
	int32_t n, revision, level, n_warnings;
	int64_t due_us, breached_us, warned_us, detected_us, resolved_us; /* TIME_NONE */
	bool unconfirmed;
};

/* True for the final states averted, resolved and voided. */
bool alert_view_is_over(const struct alert_view *alert);

/* What a message is written from. Everything is borrowed. */
struct notification {
	const struct message_voice *voice;
	const struct receiver *receiver;
	struct text url;
	const struct text *secrets; /* receiver->n_secrets of them, without the newline of their files */
	const struct alert_view *alerts;
	size_t n_alerts; /* >= 1 */
	struct text id;  /* the same for each retry, so that a receiver can recognise duplicates */
	int64_t now_us;  /* wall clock */
};

struct message_header {
	char text[768]; /* "name: value" */
};

enum { MESSAGE_MAX_HEADERS = 4 };

struct message {
	struct buf url, body;
	struct message_header headers[MESSAGE_MAX_HEADERS];
	size_t n_headers;
};

void message_init(struct message *message);
void message_release(struct message *message);

/* Replaces the content of *message_out, which must be initialised. */
void message_write(const struct notification *notification, struct message *message_out);

/* Standard Webhooks 1.0: appends "v1,BASE64" of HMAC-SHA256 over "id.seconds.body". secret: "whsec_" and base64, or
 * the bytes of the key. */
void message_sign_webhook(struct text secret, struct text id, int64_t seconds, struct text body, struct buf *out);

enum answer {
	ANSWER_ACCEPTED,
	ANSWER_RETRY, /* the same message may be accepted later */
	ANSWER_GONE,  /* the receiver is gone for good: drop the message */
	ANSWER_N
};

/* Interprets a response. status: the HTTP status; 0 if there was no response. Unless the message was accepted, appends
 * the reason in English. */
enum answer message_answer(const struct receiver *receiver, long status, struct text body, struct buf *why_out);

#endif
