/* Helpers to write the bodies of messages. Functions that return a json_t return a new reference. */
#ifndef KPID_CORE_DELIVERY_BODY_H
#define KPID_CORE_DELIVERY_BODY_H

#include <jansson.h>

#include "kpid/base/digest.h"
#include "kpid/core/message.h"

/* null if the text is absent. */
json_t *body_text(struct text text);
/* Releases the buffer. */
json_t *body_buf(struct buf *buf);
/* null for TIME_NONE. */
json_t *body_time(int64_t us);
/* Adds a member unless the text is empty. */
void body_add_text(json_t *object, const char *name, struct text value);
/* The data of the alert's CloudEvent. */
json_t *body_alert_data(const struct alert_view *alert);
/* "critical" once the alert has breached, else "warning". */
const char *body_severity(const struct alert_view *alert);
/* Appends the JSON to the body, and releases it. */
void body_put(struct message *message, json_t *json);

void body_add_header(struct message *message, const char *name, struct text value);
void body_add_digest(struct buf *out, const unsigned char digest[SHA256_BYTES]); /* in base64 */

#endif
