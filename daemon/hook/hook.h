/* The receiver of webhooks as a process: an HTTP server that writes what it receives to Kafka, and answers 200 once
 * Kafka has acknowledged it. It uses no database. */
#ifndef KPID_HOOK_HOOK_H
#define KPID_HOOK_HOOK_H

#include "hook/endpoints.h"
#include "kpid/config.h"

struct hook;

/* Listens as the configuration says, or on what systemd passes. Borrows both. Returns NULL after appending the reason
 * to error_out, as "section.key: message". */
struct hook *hook_new(const struct kpid_config *config, struct endpoints *endpoints, struct buf *error_out);
void hook_free(struct hook *hook);
/* Runs until SIGTERM or SIGINT. False: it ended because it can no longer write to Kafka, which is logged. */
bool hook_run(struct hook *hook);

#endif
