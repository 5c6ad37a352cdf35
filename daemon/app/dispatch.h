/* Sends changed alerts to receivers over HTTP, in the one instance that holds the lease "receivers"
 * (adapters/pg/lease.h). A slow or dead receiver does not delay the others. Each message is sent at least once, under a
 * stable id. If its sender was frozen meanwhile, it may be sent again after a later one. */
#ifndef KPID_APP_DISPATCH_H
#define KPID_APP_DISPATCH_H

#include <stdbool.h>

#include "app/receivers.h"

struct event_base;
struct dispatch;
struct pg_session;

/* Takes ownership of the receivers. */
struct dispatch *dispatch_new(struct event_base *base, const struct kpid_config *config, struct receivers *receivers);
void dispatch_free(struct dispatch *dispatch); /* NULL is allowed */
void dispatch_start(struct dispatch *dispatch);
const struct pg_session *dispatch_session(const struct dispatch *dispatch);
/* See lease_describe_delay(). */
void dispatch_describe_delay(const struct dispatch *dispatch, struct buf *out);
/* Uses the language and time zone of this configuration from the next message on. */
void dispatch_set_voice(struct dispatch *dispatch, const struct kpid_config *config);
const struct receivers *dispatch_receivers(const struct dispatch *dispatch);

#endif
