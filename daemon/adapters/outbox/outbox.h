/* Sends the messages of kpid.outbox to the alert topic: in the order of their numbers, at least once, each
 * under the id that its row had from the start. One instance at a time sends: who holds the lease "outbox"
 * (adapters/pg/lease.h). So the messages of an alert arrive for the first time in their order. One may come again, and
 * then after later ones, if its sender was frozen or cut off while it was on its way: its revision is the lower one. */
#ifndef KPID_ADAPTERS_OUTBOX_OUTBOX_H
#define KPID_ADAPTERS_OUTBOX_OUTBOX_H

#include <stdbool.h>

#include "kpid/config.h"

struct event_base;
struct outbox;

/* NULL after logging why. config->alert.topic must be set. */
struct outbox *outbox_new(struct event_base *base, const struct kpid_config *config);
/* What was not acknowledged is sent again by the next one. */
void outbox_free(struct outbox *outbox);
void outbox_start(struct outbox *outbox);

#endif
