/* Sends alerts that have changed to receivers over HTTP. One instance at a time does: who holds the lease "receivers"
 * (adapters/pg/lease.h); each receiver has its own pace, so that one that is slow or dead holds up no other. At least
 * once, under a stable id. A message may come again after a later one if its sender was frozen while it was on its way.
 */
#ifndef KPID_APP_DISPATCH_H
#define KPID_APP_DISPATCH_H

#include <stdbool.h>

#include "app/receivers.h"

struct event_base;
struct dispatch;

/* Takes the receivers over. */
struct dispatch *dispatch_new(struct event_base *base, const struct kpid_config *config, struct receivers *receivers);
void dispatch_free(struct dispatch *dispatch); /* NULL is fine */
void dispatch_start(struct dispatch *dispatch);
/* Speaks as this configuration says from the next message on. */
void dispatch_speak(struct dispatch *dispatch, const struct kpid_config *config);
const struct receivers *dispatch_receivers(const struct dispatch *dispatch);

#endif
