/* What the robots of chats have in common. */
#ifndef KPID_CORE_DELIVERY_CHAT_H
#define KPID_CORE_DELIVERY_CHAT_H

#include <jansson.h>

#include "kpid/core/message.h"

/* They accept 20 messages a minute. */
#define CHAT_PAUSE_US (INT64_C(3) * US_PER_SECOND)
enum { CHAT_GROUP_AT_LEAST = 4 };

/* Where the JSON of a response says whether the robot accepted the message. */
struct chat_answer {
	const char *code;     /* the member with the code; 0: accepted */
	const char *old_code; /* another name that some versions of the service use instead; NULL: none */
	const char *reason;
	const json_int_t *rate_limit_codes;
	size_t n_rate_limit_codes;
};

enum answer chat_read_answer(const struct chat_answer *form, struct text body, struct buf *why_out);

#endif
