/* Sends the messages of kpid.outbox to the alert topic: in the order of their numbers, at least once, under the id of
 * their row. Only the instance that holds the lease "outbox" (adapters/pg/lease.h) sends, so the messages of an alert
 * first arrive in order. If a sender was frozen or disconnected, a message may arrive again after later ones: its
 * revision is lower. */
#ifndef KPID_ADAPTERS_OUTBOX_OUTBOX_H
#define KPID_ADAPTERS_OUTBOX_OUTBOX_H

#include <stdbool.h>

#include "kpid/base/buf.h"
#include "kpid/config.h"

struct event_base;
struct outbox;
struct pg_session;

/* Returns NULL after logging why. config->alert.topic must not be NULL. */
struct outbox *outbox_new(struct event_base *base, const struct kpid_config *config);
/* The next sender sends again what was not acknowledged. */
void outbox_free(struct outbox *outbox);
void outbox_start(struct outbox *outbox);
const struct pg_session *outbox_session(const struct outbox *outbox);
/* See lease_describe_delay(). */
void outbox_describe_delay(const struct outbox *outbox, struct buf *out);

#endif
