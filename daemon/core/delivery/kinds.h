/* The kinds of receivers. To add one: add its row to RECEIVER_KINDS, define `const struct receiver_kind receiver_NAME`
 * in kinds/NAME.c, and test it in tests/unit/test_receiver_NAME.c. */
#ifndef KPID_CORE_DELIVERY_KINDS_H
#define KPID_CORE_DELIVERY_KINDS_H

#include "kpid/core/message.h"

/* In the order in which error messages list them. */
#define RECEIVER_KINDS(X)                                                                                              \
	X(webhook)                                                                                                     \
	X(alertmanager)                                                                                                \
	X(dingtalk)                                                                                                    \
	X(feishu)                                                                                                      \
	X(wecom)                                                                                                       \
	X(pagerduty)

/* What group_at_least means, and so how many of the alerts that are due go into one message. */
enum receiver_grouping {
	GROUP_WHEN_MANY, /* all of them if at least group_at_least are due, else one; 0: always one */
	GROUP_AS_LIST,   /* all of them, up to group_at_least */
	GROUP_NEVER,     /* always one; group_at_least is not allowed */
};

struct receiver_kind {
	const char *name; /* its "type" in the file of receivers */
	/* defaults */
	int64_t group_at_least, pause_us;
	/* limits */
	enum receiver_grouping grouping;
	size_t max_secrets;
	const char *secret_use; /* what to write as secret_files if one is required; NULL: it is optional */
	int64_t resend_us;      /* see receiver_resend_us() */
	/* the message: writes the body, and changes URL and headers where the kind needs it */
	const char *content_type;
	void (*write)(const struct notification *notification, struct message *message_out);
	/* Reads the body of a response with a 2xx status, and appends the reason unless it was accepted. NULL: every
	 * such response accepts the message. */
	enum answer (*read_answer)(struct text body, struct buf *why_out);
};

/* NULL if there is no such kind. */
const struct receiver_kind *receiver_kind_find(struct text name);
/* "webhook, alertmanager or pagerduty" */
#define RECEIVER_KIND_NAMES_BYTES 256
const char *receiver_kind_names(char buffer[RECEIVER_KIND_NAMES_BYTES]);

extern const struct receiver_kind *const receiver_kinds[]; /* ends with NULL */

#endif
