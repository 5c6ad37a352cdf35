/* The alert row of a clock with a breach or a warning (rules A), computed from ticket and clock. */
#ifndef KPID_CORE_ALERT_H
#define KPID_CORE_ALERT_H

#include <stdbool.h>
#include <stdint.h>

#include "kpid/core/ticket.h"

enum alert_state { ALERT_WARNING, ALERT_AVERTED, ALERT_BREACHED, ALERT_RESOLVED, ALERT_VOIDED };

const char *alert_state_name(enum alert_state state); /* "breached" */

#define ALERT_ID_BYTES 33 /* 32 hexadecimal digits and a NUL */

struct alert {
	struct text ticket_id;
	enum sla_target target;
	uint32_t n;
	enum alert_state state;                  /* never ALERT_VOIDED: that depends on the row recorded before (A3) */
	uint32_t level;                          /* number of escalations that are due; 0 for a warning */
	uint32_t n_warnings;                     /* number of warnings that are due */
	int64_t warned_us;                       /* time of the first; TIME_NONE: none */
	int64_t due_us;                          /* TIME_NONE: paused, or no longer has a target */
	int64_t latest_us;                       /* not content: time of the breach or of the latest warning */
	int64_t breached_us;                     /* TIME_NONE: only a warning so far */
	int64_t resolved_us;                     /* TIME_NONE unless ALERT_RESOLVED */
	enum breach_cause cause;                 /* of a breach only */
	struct text owner_at_breach, project_id; /* at the breach, else at the first warning; absent: none */
	struct text policy, policy_version;      /* absent: none */
	bool ticket_closed;                      /* not content: a new alert of a closed ticket need not be sent */
	int32_t evidence_source_no;
	int64_t evidence_offset;
};

/* False, and *alert_out is not set, for a clock with neither breach nor warning. */
bool alert_of_clock(struct text ticket_id, const struct ticket *ticket, const struct sla_clock *clock,
                    struct alert *alert_out);
bool alert_same_content(const struct alert *a, const struct alert *b);
/* First 32 hexadecimal digits of SHA-256 of "ticket_id/target/n". */
void alert_id(struct text ticket_id, enum sla_target target, uint32_t n, char out[ALERT_ID_BYTES]);

#endif
