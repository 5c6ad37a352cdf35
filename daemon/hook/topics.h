/* Asks the brokers now and then whether they have the topics, to report and log what keeps requests from being taken.
 */
#ifndef KPID_HOOK_TOPICS_H
#define KPID_HOOK_TOPICS_H

#include <stdbool.h>
#include <stddef.h>

#include "kpid/config.h"

struct event_base;
struct topics;

/* names: borrowed. Returns NULL if a property in [kafka] is wrong; the error is already logged. */
struct topics *topics_new(struct event_base *base, const struct config_pairs *kafka, const char *const *names,
                          size_t n_names);
/* Waits up to two seconds for a question that is under way. */
void topics_free(struct topics *topics);
void topics_start(struct topics *topics);
/* Why requests cannot be taken: static text, or that of the last answer; NULL if they can. */
const char *topics_fault(const struct topics *topics);

#endif
