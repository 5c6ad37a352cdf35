/* Policies with calendars, warnings and every target, and random events for them. */
#ifndef KPID_TESTS_FUZZ_DESK_H
#define KPID_TESTS_FUZZ_DESK_H

#include "kpid/core/event.h"
#include "kpid/core/policy.h"

#define DESK_T0_US INT64_C(1767225600000000) /* 2026-01-01T00:00:00Z */

/* Free with policy_set_free(). */
struct policy_set *desk_policies(void);
/* `id` is the event's identifier and must outlive it. The time is `minutes` after T0; `choice` decides the rest. */
struct ticket_event desk_event(struct text ticket_id, struct text id, int64_t minutes, uint32_t choice);

#endif
