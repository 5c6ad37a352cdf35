#include "kpid/core/partition.h"

#include <stdio.h>

#include "kpid/base/check.h"

#define ROW(from, event, to, action)                                                                                   \
	{                                                                                                              \
		PARTITION_##from, PARTITION_##event,                                                                   \
		{                                                                                                      \
			PARTITION_##to, PARTITION_DO_##action                                                          \
		}                                                                                                      \
	}

static const struct partition_row rows[] = {
        /* ---- assignment: claim, ask where it begins and ends, assign ---- */

        ROW(UNASSIGNED, CLAIMED_RUNNING, CLAIMED, NOTHING),
        ROW(UNASSIGNED, CLAIMED_AT_GAP, CLAIMED_STOPPED, NOTHING),
        /* Claimed again: another rebalance came before the assignment, or the connection was lost. */
        ROW(CLAIMED, CLAIMED_RUNNING, CLAIMED, NOTHING),
        ROW(CLAIMED, CLAIMED_AT_GAP, CLAIMED_STOPPED, NOTHING),
        ROW(CLAIMED_STOPPED, CLAIMED_RUNNING, CLAIMED, NOTHING), /* the gap was accepted meanwhile */
        ROW(CLAIMED_STOPPED, CLAIMED_AT_GAP, CLAIMED_STOPPED, NOTHING),

        /* librdkafka keeps a pause beyond a rebalance, so it is cleared before the assignment. */
        ROW(CLAIMED, BEGIN_FOUND, READING, RESUME),
        ROW(CLAIMED, BEGIN_TO_VERIFY, VERIFYING, RESUME),
        ROW(CLAIMED, BEGIN_MISSING, STOPPED, RECORD_GAP),
        ROW(CLAIMED, BEGIN_UNKNOWN, RETRYING, PAUSE),
        ROW(CLAIMED_STOPPED, ASSIGNED_STOPPED, STOPPED, PAUSE),

        /* ---- reading ---- */

        ROW(VERIFYING, FIRST_VERIFIED, READING, NOTHING),
        /* Only while nothing was read yet. */
        ROW(READING, FIRST_UNSURE, LOCATING, LOCATE),
        /* Nothing was read, so nothing is missed. */
        ROW(READING, BEGIN_MOVED, RETRYING, PAUSE),
        ROW(READING, STALLED, READING, REASSIGN),
        ROW(VERIFYING, GAP_MET, MEASURING_GAP, MEASURE_GAP),
        ROW(READING, GAP_MET, MEASURING_GAP, MEASURE_GAP),
        ROW(MEASURING_GAP, GAP_MEASURED, STOPPED, RECORD_GAP),

        /* ---- resuming: claim again, ask where it begins and ends, assign again ---- */

        /* The database has it running: the gap was accepted, or never recorded. */
        ROW(STOPPED, CLAIM_SENT, RECLAIMING, NOTHING),
        ROW(RETRYING, CLAIM_SENT, RECLAIMING, NOTHING),
        ROW(FENCED, CLAIM_SENT, RECLAIMING, NOTHING),
        ROW(RECLAIM_DUE, CLAIM_SENT, RECLAIMING, NOTHING),
        ROW(RECLAIMING, CLAIM_FAILED, RECLAIM_DUE, NOTHING),
        ROW(RECLAIMING, CLAIMED_RUNNING, LOCATING, LOCATE),
        ROW(RECLAIMING, CLAIMED_AT_GAP, STOPPED, PAUSE),
        ROW(LOCATING, BEGIN_FOUND, READING, REASSIGN),
        ROW(LOCATING, BEGIN_TO_VERIFY, VERIFYING, REASSIGN),
        ROW(LOCATING, BEGIN_MISSING, STOPPED, RECORD_GAP),
        ROW(LOCATING, BEGIN_UNKNOWN, RETRYING, NOTHING),

        /* ---- fences: the database disagrees with a batch, or with what an idle partition reports ---- */

        ROW(VERIFYING, LOST_TO_OTHER, FENCED, DROP),
        ROW(READING, LOST_TO_OTHER, FENCED, DROP),
        ROW(MEASURING_GAP, LOST_TO_OTHER, FENCED, DROP), /* the other instance will meet the gap */
        ROW(STOPPED, LOST_TO_OTHER, FENCED, DROP),
        ROW(RETRYING, LOST_TO_OTHER, FENCED, DROP),
        ROW(FENCED, LOST_TO_OTHER, FENCED, DROP), /* by its batch, after it was fenced without one */
        ROW(RECLAIM_DUE, LOST_TO_OTHER, FENCED, DROP),
        ROW(VERIFYING, COMMITS_LOST, RECLAIM_DUE, DROP),
        ROW(READING, COMMITS_LOST, RECLAIM_DUE, DROP),
        ROW(MEASURING_GAP, COMMITS_LOST, RECLAIM_DUE, DROP),
        ROW(STOPPED, COMMITS_LOST, RECLAIM_DUE, DROP),
        ROW(RETRYING, COMMITS_LOST, RECLAIM_DUE, DROP),
        ROW(FENCED, COMMITS_LOST, RECLAIM_DUE, DROP),
        ROW(RECLAIM_DUE, COMMITS_LOST, RECLAIM_DUE, DROP),
        /* A batch of an earlier claim was undecided until now: the current claim is not affected. */
        ROW(UNASSIGNED, LOST_TO_OTHER, UNASSIGNED, DROP),
        ROW(CLAIMED, LOST_TO_OTHER, CLAIMED, DROP),
        ROW(CLAIMED_STOPPED, LOST_TO_OTHER, CLAIMED_STOPPED, DROP),
        ROW(LOCATING, LOST_TO_OTHER, LOCATING, DROP),
        ROW(RECLAIMING, LOST_TO_OTHER, RECLAIMING, DROP),
        ROW(UNASSIGNED, COMMITS_LOST, UNASSIGNED, DROP),
        ROW(CLAIMED, COMMITS_LOST, CLAIMED, DROP),
        ROW(CLAIMED_STOPPED, COMMITS_LOST, CLAIMED_STOPPED, DROP),
        ROW(LOCATING, COMMITS_LOST, LOCATING, DROP),
        ROW(RECLAIMING, COMMITS_LOST, RECLAIMING, DROP),

        /* ---- revocation ---- */

        /* A gap that is being measured is forgotten: the next owner will meet it. */
        ROW(ANY, REVOKED, UNASSIGNED, DROP),
};

enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

static const struct partition_row *find(enum partition_state state, enum partition_event event)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if ((rows[i].from == state || rows[i].from == PARTITION_ANY) && rows[i].event == event)
			return &rows[i];
	return NULL;
}

struct partition_move partition_step(enum partition_state state, enum partition_event event)
{
	const struct partition_row *row = find(state, event);
	if (row == NULL) {
		char condition[128];
		snprintf(condition, sizeof(condition), "a partition in state %s can take the event %s",
		         partition_state_name(state), partition_event_name(event));
		check_failed(condition, __FILE__, __LINE__);
	}
	return row->move;
}

bool partition_can_step(enum partition_state state, enum partition_event event)
{
	return find(state, event) != NULL;
}

bool partition_is_assigned(enum partition_state state)
{
	return state != PARTITION_UNASSIGNED && state != PARTITION_CLAIMED && state != PARTITION_CLAIMED_STOPPED;
}

bool partition_is_reading(enum partition_state state)
{
	return state == PARTITION_VERIFYING || state == PARTITION_READING;
}

bool partition_needs_claim(enum partition_state state)
{
	return state == PARTITION_FENCED || state == PARTITION_RECLAIM_DUE || state == PARTITION_RECLAIMING;
}

const char *partition_state_name(enum partition_state state)
{
	static const char *const names[] = {
	        [PARTITION_UNASSIGNED] = "unassigned",
	        [PARTITION_CLAIMED] = "claimed",
	        [PARTITION_CLAIMED_STOPPED] = "claimed_stopped",
	        [PARTITION_LOCATING] = "locating",
	        [PARTITION_VERIFYING] = "verifying",
	        [PARTITION_READING] = "reading",
	        [PARTITION_MEASURING_GAP] = "measuring_gap",
	        [PARTITION_STOPPED] = "stopped",
	        [PARTITION_RETRYING] = "retrying",
	        [PARTITION_FENCED] = "fenced",
	        [PARTITION_RECLAIM_DUE] = "reclaim_due",
	        [PARTITION_RECLAIMING] = "reclaiming",
	        [PARTITION_ANY] = "any",
	};
	return names[state];
}

const char *partition_event_name(enum partition_event event)
{
	static const char *const names[PARTITION_N_EVENTS] = {
	        [PARTITION_CLAIMED_RUNNING] = "claimed_running",
	        [PARTITION_CLAIMED_AT_GAP] = "claimed_at_gap",
	        [PARTITION_ASSIGNED_STOPPED] = "assigned_stopped",
	        [PARTITION_BEGIN_FOUND] = "begin_found",
	        [PARTITION_BEGIN_TO_VERIFY] = "begin_to_verify",
	        [PARTITION_BEGIN_MISSING] = "begin_missing",
	        [PARTITION_BEGIN_UNKNOWN] = "begin_unknown",
	        [PARTITION_FIRST_VERIFIED] = "first_verified",
	        [PARTITION_FIRST_UNSURE] = "first_unsure",
	        [PARTITION_BEGIN_MOVED] = "begin_moved",
	        [PARTITION_GAP_MET] = "gap_met",
	        [PARTITION_GAP_MEASURED] = "gap_measured",
	        [PARTITION_STALLED] = "stalled",
	        [PARTITION_CLAIM_SENT] = "claim_sent",
	        [PARTITION_CLAIM_FAILED] = "claim_failed",
	        [PARTITION_LOST_TO_OTHER] = "lost_to_other",
	        [PARTITION_COMMITS_LOST] = "commits_lost",
	        [PARTITION_REVOKED] = "revoked",
	};
	return names[event];
}

const char *partition_action_name(enum partition_action action)
{
	static const char *const names[PARTITION_N_ACTIONS] = {
	        [PARTITION_DO_NOTHING] = "nothing",       [PARTITION_DO_RESUME] = "resume",
	        [PARTITION_DO_PAUSE] = "pause",           [PARTITION_DO_LOCATE] = "locate",
	        [PARTITION_DO_REASSIGN] = "reassign",     [PARTITION_DO_MEASURE_GAP] = "measure_gap",
	        [PARTITION_DO_RECORD_GAP] = "record_gap", [PARTITION_DO_DROP] = "drop",
	};
	return names[action];
}

const struct partition_row *partition_rows(size_t *n_out)
{
	*n_out = N_ROWS;
	return rows;
}
