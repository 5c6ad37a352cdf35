/* What people read about alerts: in the language and with the times of a voice. */
#ifndef KPID_CORE_DELIVERY_WORDS_H
#define KPID_CORE_DELIVERY_WORDS_H

#include "kpid/core/message.h"

/* "breached (escalation 1): first_response of T-1, due 2026-01-01 08:00:00 +08:00 Asia/Shanghai, owner ann, project p1"
 */
void words_add_line(struct buf *out, const struct message_voice *voice, const struct told_alert *alert);
/* "12 alerts: 9 breached, 3 warning" */
void words_add_counts(struct buf *out, const struct message_voice *voice, const struct told_alert *alerts, size_t n);
/* The first few as lines, how many there are if there is more than one, and the link of the receiver. WeCom takes it:
 * less than 4,096 bytes beside the link. */
void words_add_text(struct buf *out, const struct message_voice *voice, const struct receiver *receiver,
                    const struct told_alert *alerts, size_t n, const char *line_start);

#endif
