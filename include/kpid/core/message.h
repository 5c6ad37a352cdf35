/* What is sent about alerts, for each type of receiver, and how it is signed. */
#ifndef KPID_CORE_MESSAGE_H
#define KPID_CORE_MESSAGE_H

#include "kpid/base/buf.h"
#include "kpid/core/receiver.h"
#include "kpid/port/zone.h"

enum message_language { MESSAGE_EN, MESSAGE_ZH, MESSAGE_N_LANGUAGES };

/* How people are spoken to, in every message that has words for them. What programs read stays as it is, in UTC. */
struct message_voice {
	enum message_language language;
	struct text zone_name;   /* as people know it: "Asia/Shanghai" */
	const struct zone *zone; /* in which they read times; NULL: UTC */
};

/* An alert as it stands in the database. Texts may be absent. */
struct told_alert {
	struct text alert_id, ticket_id, target, state, cause, owner_id, project_id, policy, policy_version;
	struct text cloudevent; /* the message of kpid.alert_message() */
	int32_t n, revision, level, n_warnings;
	int64_t due_us, breached_us, warned_us, detected_us, resolved_us; /* TIME_NONE */
	bool unconfirmed;
};

/* True for states after which nothing more is expected: averted, resolved, voided. */
bool told_alert_is_over(const struct told_alert *alert);

struct message_header {
	char text[768]; /* "name: value" */
};

#define MESSAGE_MAX_HEADERS 4

struct message {
	struct buf url, body;
	struct message_header headers[MESSAGE_MAX_HEADERS];
	size_t n_headers;
};

void message_init(struct message *message);
void message_release(struct message *message);

/* secrets: as read from their files, without the newline. One alert, or several as one message. id: stable for the
 * same news, so that a receiver knows what it has seen. now_us: the wall clock. */
void message_write(const struct message_voice *voice, const struct receiver *receiver, struct text url,
                   const struct text *secrets, const struct told_alert *alerts, size_t n_alerts, struct text id,
                   int64_t now_us, struct message *message_out);

/* Standard Webhooks 1.0: appends "v1,BASE64" of HMAC-SHA256 over "id.seconds.body". secret: "whsec_" and base64, or
 * the key's own bytes. */
void message_sign_webhook(struct text secret, struct text id, int64_t seconds, struct text body, struct buf *out);

enum answer { ANSWER_OK, ANSWER_AGAIN, ANSWER_NEVER };

/* What a receiver's answer means; status: of HTTP, 0: there was none. Appends why, in words, unless it is OK.
 * NEVER: it will not take this message however often it comes. */
enum answer message_answer(const struct receiver *receiver, long status, struct text body, struct buf *why_out);

#endif
