/* Alerts as text for people, in the language and time zone of the notification's voice. */
#ifndef KPID_CORE_DELIVERY_ALERT_TEXT_H
#define KPID_CORE_DELIVERY_ALERT_TEXT_H

#include "kpid/core/message.h"

/* "breached (escalation 1): first_response of T-1, due 2026-01-01 08:00:00 +08:00 Asia/Shanghai, owner ann, project p1"
 */
void alert_text_add_line(struct buf *out, const struct message_voice *voice, const struct alert_view *alert);
/* "12 alerts: 9 breached, 3 warning" */
void alert_text_add_counts(struct buf *out, const struct notification *notification);
/* The counts if there are several alerts, the first few as lines, and the link of the receiver. Less than 4,096 bytes
 * without the link, which is the limit of WeCom. */
void alert_text_add(struct buf *out, const struct notification *notification, const char *line_start);

#endif
