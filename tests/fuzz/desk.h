/* Policies with calendars, warnings and every target, and events for them made of random numbers. */
#ifndef KPID_TESTS_FUZZ_DESK_H
#define KPID_TESTS_FUZZ_DESK_H

#include "kpid/core/event.h"
#include "kpid/core/policy.h"

#define DESK_T0_US INT64_C(1767225600000000) /* 2026-01-01T00:00:00Z */

/* To be freed with policy_set_free(). */
struct policy_set *desk_policies(void);
/* id: of the event, to outlive it. minutes after T0; choice decides the rest. */
struct ticket_event desk_event(struct text ticket_id, struct text id, int64_t minutes, uint32_t choice);

#endif
