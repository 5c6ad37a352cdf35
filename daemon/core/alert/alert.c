#include "kpid/core/alert.h"

#include "kpid/base/buf.h"
#include "kpid/base/digest.h"

const char *alert_state_name(enum alert_state state)
{
	static const char *const names[] = {
	        [ALERT_WARNING] = "warning",   [ALERT_AVERTED] = "averted", [ALERT_BREACHED] = "breached",
	        [ALERT_RESOLVED] = "resolved", [ALERT_VOIDED] = "voided",
	};
	return names[state];
}

/* A2 */
static enum alert_state state_of(const struct sla_clock *clock)
{
	if (clock->verdict == VERDICT_BREACHED)
		return clock->stopped ? ALERT_RESOLVED : ALERT_BREACHED;
	return clock->stopped || clock->verdict == VERDICT_NONE ? ALERT_AVERTED : ALERT_WARNING;
}

bool alert_of_clock(struct text ticket_id, const struct ticket *ticket, const struct sla_clock *clock,
                    struct alert *alert_out)
{
	bool breached = clock->verdict == VERDICT_BREACHED;
	if (!breached && clock->warned_us == TIME_NONE)
		return false;
	*alert_out = (struct alert){
	        .ticket_id = ticket_id,
	        .target = clock->target,
	        .n = clock->n,
	        .state = state_of(clock),
	        .level = clock->level,
	        .n_warnings = clock->n_warnings,
	        .warned_us = clock->warned_us,
	        .latest_us = breached ? clock->breached_us : clock->warned_last_us,
	        .due_us = clock->due_us,
	        .breached_us = clock->breached_us,
	        .resolved_us = breached && clock->stopped ? clock->stopped_us : TIME_NONE,
	        .cause = clock->cause,
	        .owner_at_breach = breached ? clock->owner_at_breach : clock->owner_at_warning,
	        .project_id = breached ? clock->project_at_breach : clock->project_at_warning,
	        .policy = clock->policy == NULL ? TEXT_ABSENT : clock->policy->name,
	        .policy_version = ticket->revision == NULL ? TEXT_ABSENT : ticket->revision->id,
	        .ticket_closed = ticket->state == TICKET_CLOSED,
	        .evidence_source_no = clock->evidence_source_no,
	        .evidence_offset = clock->evidence_offset,
	};
	return true;
}

bool alert_same_content(const struct alert *a, const struct alert *b)
{
	return text_equal(a->ticket_id, b->ticket_id) && a->target == b->target && a->n == b->n &&
	       a->state == b->state && a->level == b->level && a->n_warnings == b->n_warnings &&
	       a->warned_us == b->warned_us && a->due_us == b->due_us && a->breached_us == b->breached_us &&
	       a->resolved_us == b->resolved_us && a->cause == b->cause &&
	       text_same(a->owner_at_breach, b->owner_at_breach) && text_same(a->project_id, b->project_id) &&
	       text_same(a->policy, b->policy) && text_same(a->policy_version, b->policy_version) &&
	       a->evidence_source_no == b->evidence_source_no && a->evidence_offset == b->evidence_offset;
}

void alert_id(struct text ticket_id, enum sla_target target, uint32_t n, char out[ALERT_ID_BYTES])
{
	struct buf key = BUF_INIT;
	buf_add_text(&key, ticket_id);
	buf_add_format(&key, "/%s/%u", sla_target_name(target), n);
	unsigned char digest[SHA256_BYTES];
	sha256_digest(buf_text(&key), digest);
	buf_release(&key);
	for (size_t i = 0; i < (ALERT_ID_BYTES - 1) / 2; i++) {
		out[2 * i] = "0123456789abcdef"[digest[i] >> 4];
		out[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
	}
	out[ALERT_ID_BYTES - 1] = '\0';
}
