#include "kpid/core/sla_clock.h"

const char *sla_verdict_name(enum sla_verdict verdict)
{
	static const char *const names[] = {
	        [VERDICT_NONE] = "none",
	        [VERDICT_PENDING] = "pending",
	        [VERDICT_MET] = "met",
	        [VERDICT_BREACHED] = "breached",
	};
	return names[verdict];
}

const char *breach_cause_name(enum breach_cause cause)
{
	static const char *const names[] = {
	        [CAUSE_DEADLINE] = "deadline",
	        [CAUSE_POLICY_CHANGE] = "policy_change",
	};
	return names[cause];
}
