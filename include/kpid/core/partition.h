/* The life of a source partition as a state machine: what this instance may do with it, and what each event changes.
 *
 * Pure: partition_step() looks the move up in one table and returns the new state with the action that the caller must
 * perform. A file that `kpid ingest` reads is a partition as well and uses a few of these states. */
#ifndef KPID_CORE_PARTITION_H
#define KPID_CORE_PARTITION_H

#include <stdbool.h>
#include <stddef.h>

/* "Claimed" is a matter of the database: our instance has raised the epoch. "Assigned" is a matter of Kafka: librdkafka
 * has the partition. */
enum partition_state {
	PARTITION_UNASSIGNED,      /* not ours, or not yet */
	PARTITION_CLAIMED,         /* claimed, not assigned: the brokers are asked where it begins and ends */
	PARTITION_CLAIMED_STOPPED, /* the same, but the database has it stopped at a gap */
	PARTITION_LOCATING,        /* assigned and paused: the brokers are asked where it begins and ends */
	PARTITION_VERIFYING,       /* read; the first message must be the last one that was committed */
	PARTITION_READING,         /* read */
	PARTITION_MEASURING_GAP, /* paused: a gap was met, and the brokers are asked where the partition begins and ends
	                          */
	PARTITION_STOPPED,       /* paused at a gap until someone accepts it */
	PARTITION_RETRYING,      /* paused: where to begin is unknown; it is claimed again after about a second */
	PARTITION_FENCED,        /* another instance has claimed it; claimed again if it stays assigned to us */
	PARTITION_RECLAIM_DUE,   /* the claim was lost or failed: to be claimed again at once */
	PARTITION_RECLAIMING,    /* a claim is on its way */
	PARTITION_N_STATES,
	PARTITION_ANY = PARTITION_N_STATES /* in the table: every state */
};

enum partition_event {
	PARTITION_CLAIMED_RUNNING,  /* our claim succeeded */
	PARTITION_CLAIMED_AT_GAP,   /* our claim succeeded; the database has the partition stopped */
	PARTITION_ASSIGNED_STOPPED, /* librdkafka gets it with the others, though it is not to be read */
	PARTITION_BEGIN_FOUND,      /* the brokers have the offset where reading begins */
	PARTITION_BEGIN_TO_VERIFY,  /* the same; the message before it is there too and its fingerprint is known */
	PARTITION_BEGIN_MISSING,    /* the brokers do not have that offset: a gap */
	PARTITION_BEGIN_UNKNOWN,    /* no usable answer, or one that a rebalance has overtaken */
	PARTITION_FIRST_VERIFIED,   /* the first message does not contradict the fingerprint */
	PARTITION_FIRST_UNSURE,     /* the topic may have been recreated since its beginning was asked for */
	PARTITION_BEGIN_MOVED,      /* nothing was read, and the log begins elsewhere by now */
	PARTITION_GAP_MET,          /* messages are missing, or the topic was recreated */
	PARTITION_GAP_MEASURED,     /* the brokers have answered where the partition begins and ends */
	PARTITION_STALLED,          /* nothing is delivered although the partition has lag */
	PARTITION_CLAIM_SENT,       /* it is being claimed again */
	PARTITION_CLAIM_FAILED,     /* the database refused the claim, or the connection was lost */
	PARTITION_LOST_TO_OTHER,    /* the database has a later epoch than ours */
	PARTITION_COMMITS_LOST,     /* the database has an earlier epoch or offset than ours */
	PARTITION_REVOKED,          /* Kafka takes it away */
	PARTITION_N_EVENTS
};

enum partition_action {
	PARTITION_DO_NOTHING,
	PARTITION_DO_RESUME,      /* clear librdkafka's pause, before the partition is assigned with the others */
	PARTITION_DO_PAUSE,       /* pause it in librdkafka */
	PARTITION_DO_LOCATE,      /* pause it, and ask the brokers where it begins and ends */
	PARTITION_DO_REASSIGN,    /* resume it, and assign it again where reading begins */
	PARTITION_DO_MEASURE_GAP, /* pause it, and ask the brokers where it begins and ends, until they answer */
	PARTITION_DO_RECORD_GAP,  /* pause it, log the gap, and record it in the database */
	PARTITION_DO_DROP,        /* drop what was read and is in no transaction */
	PARTITION_N_ACTIONS
};

struct partition_move {
	enum partition_state state; /* the new one */
	enum partition_action action;
};

/* A row of the table. */
struct partition_row {
	enum partition_state from; /* PARTITION_ANY: from all states that have no row of their own for the event */
	enum partition_event event;
	struct partition_move move;
};

/* Ends the process, in release builds too, when the event is impossible in the state (see KPID_CHECK). */
struct partition_move partition_step(enum partition_state state, enum partition_event event);
/* Whether the table has a row for the pair. */
bool partition_can_step(enum partition_state state, enum partition_event event);

/* librdkafka has it, paused or not. */
bool partition_is_assigned(enum partition_state state);
/* Its messages are wanted. */
bool partition_is_reading(enum partition_state state);
/* Assigned, but our last claim no longer holds. */
bool partition_needs_claim(enum partition_state state);

/* Names for messages and the diagram, such as "measuring_gap". */
const char *partition_state_name(enum partition_state state);
const char *partition_event_name(enum partition_event event);
const char *partition_action_name(enum partition_action action);

/* The whole table, for tests and the diagram of docs/architecture.md. */
const struct partition_row *partition_rows(size_t *n_out);

#endif
