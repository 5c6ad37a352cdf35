/* Shared by the parts of the simulation. One thread, one seed at a time: random numbers, time, instances and the
 * store belong to the current seed. Times are microseconds of UTC unless stated otherwise. */
#ifndef KPID_SIMULATION_SIM_H
#define KPID_SIMULATION_SIM_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/text.h"
#include "kpid/config.h"
#include "kpid/core/policy.h"

/* ---- the seed: random numbers, memory, failure (world.c) ---- */

struct sim_options {
	uint64_t seed;
	int most_messages, most_faults; /* leave out what is finished */
	bool trace;
};

struct sim_counts {
	uint64_t seeds, steps, messages, faults, starts, crashes, stops, freezes, jumps, cuts, cut_commits, terminated;
	uint64_t restarts, refused, deadlocks, waits, commits, rollbacks, rebalances, kicks, truncated, gaps, accepted;
	uint64_t transactions, tickets, events, alerts, voided, dead_letters, fenced, sent, sent_again, leases_taken,
	        parked, strangers, inserted, collisions, records;
};

extern struct sim_counts sim_counts;

void *sim_alloc(size_t size_bytes);       /* zeroed; lives as long as the seed */
uint32_t sim_below(uint32_t n);           /* 0 .. n - 1, n > 0 */
bool sim_chance(uint32_t per_mille);      /* true with this probability */
uint32_t sim_sends_below(uint32_t n);     /* for what producers send */
int64_t sim_sends_before(int64_t now_us); /* when something happened that is sent now */
int64_t sim_between(int64_t least, int64_t most);
bool sim_is_calm(void);                  /* no more faults */
void sim_owe(int64_t delay_us);          /* a server answers only by then: until it has, nothing is at rest */
bool sim_dawdles(void);                  /* servers often take seconds in this seed, and faults are still on */
bool sim_refuses(struct text ticket_id); /* the server refuses rows of that ticket while faults are on */
/* Marks the seed as failed; the first reason counts. */
void sim_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool sim_failed(void);
void sim_trace(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Returns false after printing why. */
bool sim_run(const struct sim_options *options);
void sim_release(void);

/* ---- time, the event loop, instances (loop.c) ---- */

struct kafka_consumer;

struct sim_instance { /* one process */
	int index;
	int64_t wall_offset_us; /* its clock minus the true time */
	int64_t frozen_until_us;
	struct event_base *base;
	struct kafka_consumer *consumer;
	const char *name;
	bool dead;                             /* dead: its plans do not happen */
	bool crashing;                         /* it ends without notifying anybody */
	void (*on_signal)(int, short, void *); /* for SIGTERM */
	void *signal_context;
};

int64_t sim_now_us(void);
void sim_spend(int64_t us);             /* the code that runs takes that long */
struct sim_instance *sim_current(void); /* the instance whose code runs; NULL: none */

struct sim_plan; /* a planned call */
/* Calls fn after a delay. For an instance (NULL: the world): not while it is frozen, never once it is dead. */
struct sim_plan *sim_after(int64_t delay_us, struct sim_instance *instance, void (*fn)(void *context), void *context);
void sim_cancel(struct sim_plan *plan); /* NULL is fine */

void sim_loop_start(int64_t now_us);
/* Runs plans until done() returns true or the seed fails. */
void sim_loop(bool (*done)(void));
/* Starts a process in that slot. */
struct sim_instance *sim_instance_start(int index, struct kpid_config *config);
void sim_instance_crash(struct sim_instance *instance);
void sim_instance_terminate(struct sim_instance *instance); /* SIGTERM */
void sim_loop_release(void);

/* ---- the store (store.c): tables of rows in PostgreSQL's binary format ---- */

struct cell {
	const char *data;
	int32_t len; /* -1: NULL */
};

struct slot {                             /* the row of one key */
	struct cell *committed, *pending; /* NULL: no row */
	bool written;                     /* the uncommitted row, valid for its owner */
	struct transaction *owner;        /* the transaction that has locked it */
};

struct table {
	const char *name;
	int n_columns, n_keys; /* the first columns are the key */
	struct slot **slots;
	size_t n, capacity;
};

struct transaction {
	struct slot **locked;
	size_t n, capacity;
	struct slot *waits_for;
	struct connection *connection;
	bool has_sources; /* has touched kpid.source_partition */
	/* Channels to notify at the commit: it has inserted messages about alerts; a deadline waits for others. */
	bool has_alerts, has_deadline;
};

enum store_table {
	SETTINGS,
	REVISIONS,
	SOURCES,
	HEARTBEATS,
	GAPS,
	TICKETS,
	CYCLES,
	KPIS,
	BACKLOG,
	CLOCKS,
	ALERTS,
	OUTBOX,
	LEASES,
	LETTERS,
	CONFLICTS,
	PARKED_TICKETS,
	PARKED_EVENTS,
	MAPPING_USES,
	N_TABLES
};

/* Columns of SOURCES. */
enum {
	SP_TOPIC,
	SP_PARTITION,
	SP_NO,
	SP_EPOCH,
	SP_OWNER,
	SP_NEXT,
	SP_FINGERPRINT,
	SP_HIGH,
	SP_COMPLETE,
	SP_SEEN,
	SP_STATE,
	SP_MESSAGES,
	SP_LETTERS,
	SP_CHECKED,
	SP_CHECKED_FINGERPRINT,
	SP_READ_TO,
	SP_HEARTBEAT,
	SP_ASKED, /* end_seen_at, by observations alone */
	SP_COLUMNS
};

/* Columns of HEARTBEATS. */
enum { H_NO, H_UNTIL, H_EXCEPT_NOS, H_EXCEPT_UNTIL, H_COLUMNS };

/* Columns of LEASES. */
enum { L_NAME, L_HOLDER, L_PID, L_EPOCH, L_EXPIRES, L_COLUMNS };
/* Columns of PARKED_TICKETS and PARKED_EVENTS. */
enum { PT_TICKET, PT_REASON, PT_EVENTS, PT_ATTEMPTS, PT_NEXT, PT_COLUMNS };
enum { PE_NO, PE_TICKET, PE_SOURCE, PE_EVENT, PE_COLUMNS };
/* Columns of MAPPING_USES. */
enum {
	MU_SOURCE,
	MU_FROM,
	MU_MAPPING,
	MU_VERSION,
	MU_RECORDS,
	MU_EVENTS,
	MU_SKIPPED,
	MU_TOMBSTONES,
	MU_REJECTED,
	MU_COLUMNS
};

extern struct table store[N_TABLES];

void store_start(void);
struct cell cell_null(void);
struct cell cell_int4(int64_t value);
struct cell cell_int8(int64_t value);
struct cell cell_bool(bool value);
struct cell cell_text(struct text text); /* absent: NULL */
struct cell cell_time(int64_t us);       /* TIME_NONE: '-infinity' */
int64_t cell_number(struct cell cell);   /* of any width; NULL: INT64_MIN */
int64_t cell_us(struct cell cell);       /* a time; NULL and '-infinity': TIME_NONE */
struct text cell_as_text(struct cell cell);
bool cell_same(struct cell a, struct cell b);
bool cell_is(struct cell cell, const char *word);

/* The row that a transaction (NULL: none) sees. */
struct cell *slot_row(const struct slot *slot, const struct transaction *transaction);
struct slot *table_find(enum store_table table, const struct cell *key);  /* NULL: never existed */
struct slot *table_place(enum store_table table, const struct cell *key); /* created if it never existed */
/* Returns false if another transaction has locked it; this one then waits. */
bool slot_lock(struct transaction *transaction, struct slot *slot);
/* A NULL row deletes. The row must be locked. */
void slot_put(struct transaction *transaction, struct slot *slot, struct cell *row);
struct cell *row_copy(enum store_table table, const struct cell *row);
void transaction_end(struct transaction *transaction, bool commit);

/* ---- statements (queries.c) ---- */

struct pg_result {
	ExecStatusType status;
	int n_rows, n_columns;
	struct cell *cells;
	char affected[16];
	const char *sqlstate, *message;
};

struct statement {
	const char *file;
	struct cell params[24];
	int n_params;
	struct transaction *transaction;
	PGresult *result;
	const char *refused_sqlstate, *refused_message; /* it raises an error */
};

/* Returns false if it waits for a lock; run it again then. */
bool statement_run(struct statement *statement);
void statement_add_row(struct statement *statement, const struct cell *cells, int n);
const struct cell *statement_elements(struct cell array, size_t *n_out); /* of an array */
/* Whether the message before the committed offset of a partition is known, or nothing of it was ever read. */
bool source_has_fingerprint(int topic, int partition);
bool source_is_unread(int topic, int partition);
/* complete_until of a row of SOURCES as kpid.source_known shows it to a transaction (NULL: none). */
struct cell source_complete(const struct cell *row, const struct transaction *transaction);

/* ---- sessions (session.c) ---- */

void sessions_start(void);
void sessions_wake(void); /* a transaction has ended */
/* Faults. Return false if there was nothing to break. */
bool sessions_cut_one(void);
bool sessions_terminate_one(void);
void sessions_restart_server(int64_t down_us);
/* terminate_stalled.sql: terminates stalled transactions. Returns how many. */
int sessions_terminate_stalled(const struct connection *but);
/* batch_elsewhere.sql */
bool sessions_write_elsewhere(const struct connection *but);
const char *connection_owner(const struct transaction *transaction);
struct sim_instance *connection_instance(const struct transaction *transaction);

int64_t sim_connection_number(const struct transaction *transaction); /* the server process */
bool sim_connection_is_there(int64_t number);

/* ---- sending of alerts (outbox.c) ---- */

void outbox_sim_start(void);
bool lease_take_run(struct statement *statement);
bool lease_hold_run(struct statement *statement);
bool outbox_read_run(struct statement *statement);
bool outbox_delete_run(struct statement *statement);
bool outbox_oldest_run(struct statement *statement);
void outbox_check_lease(const struct transaction *transaction, const struct cell *was, const struct cell *is);
void outbox_check_delete(const struct transaction *transaction, const struct cell *was);

/* ---- Kafka (kafka.c) ---- */

enum { SIM_TOPICS = 2, SIM_MOST_PARTITIONS = 3 };

enum sim_end { SIM_OPEN, SIM_COMMITTED, SIM_ABORTED };

/* Of a producer: its messages can be read once it is committed. */
struct sim_transaction {
	enum sim_end end;
	uint32_t partitions; /* a bit for each partition with messages of it */
};

struct sim_message {
	int topic, partition;
	int64_t offset;
	int64_t appended_us; /* true time */
	int64_t occurred_us; /* TIME_NONE: no event */
	const char *bytes;   /* NULL: a tombstone */
	uint32_t len;
	bool counted;                              /* its offset was committed by the instance that read it */
	const struct sim_transaction *transaction; /* NULL: not in a transaction */
	bool is_marker;                            /* the control record of a transaction; not a message */
	struct sim_message *next;
};

struct sim_partition {
	struct sim_message **log; /* by offset */
	size_t n, capacity;
	int64_t low;
	struct sim_message *all;          /* all ever, newest first */
	bool was_cut;                     /* or recreated, ever */
	int64_t last_gap_from, passed_to; /* skipped by an accepted gap; of the current log */
};

extern const char *const sim_topics[SIM_TOPICS];
extern int sim_n_partitions;

void kafka_start(int n_partitions, bool eager);
struct sim_partition *kafka_partition(int topic, int partition);
int kafka_topic_no(struct text topic);
/* transaction: NULL, or an open one. */
void kafka_append(int topic, int partition, const char *bytes, uint32_t len, int64_t occurred_us,
                  struct sim_transaction *transaction);
void kafka_end_transaction(struct sim_transaction *transaction, enum sim_end end);
/* Never delivered: a control record, or a message of an aborted transaction. */
bool sim_message_is_void(const struct sim_message *message);
/* The first offset from there on with a message that is or may yet be delivered; else the end of the log. */
int64_t kafka_next_message(int topic, int partition, int64_t offset);
bool kafka_lose_tail(void);
bool kafka_lose_head(void);
bool kafka_recreate_topic(void);
/* Both concern a partition that was not read yet: its messages are deleted; its log is replaced by one as long. */
bool kafka_empty_unread(void);
bool kafka_replace_unread(void);
void kafka_rebalance(void);
bool kafka_is_at_end(int topic, int partition); /* somebody reads it and has been notified of its end */
int64_t kafka_first(const struct sim_instance *instance, int topic,
                    int partition); /* the offset at which the instance started there */
/* The message that an instance was last given from there; NULL: none. */
struct sim_message *kafka_given(const struct sim_instance *instance, int topic, int partition, int64_t offset);

/* ---- records of another system (records.c) ----
 * In some seeds a mapping reads the last topic. Its messages are pages of records. */

enum { SIM_MAPPED_TOPIC = SIM_TOPICS - 1, SIM_MOST_RECORDS = 6 };

enum sim_record_kind {
	SIM_RECORD_EVENT,
	SIM_RECORD_SKIPPED,
	SIM_RECORD_REJECTED,
	SIM_RECORD_TOMBSTONE,
	SIM_RECORD_KINDS
};

struct sim_record {
	enum sim_record_kind kind;
	struct text bytes; /* as it is in the page */
	struct text event; /* the CloudEvent that the mapping must give */
};

struct sim_records {
	struct sim_record items[SIM_MOST_RECORDS];
	int n;
};

bool sim_maps(void); /* in this seed */
void records_start(void);
const char *records_mapping(void); /* the path of the mapping */
void records_release(void);
/* A page of new records; no: of the message. */
struct text records_new_page(int no);
/* What the mapping must make of a message of the mapped topic: the records of a page, or the message as one record. */
struct sim_records records_of(const struct sim_message *message);

/* ---- commit_invariants.c ---- */

/* Fails the seed if the transaction breaks an invariant. Called before its rows become visible to others. */
void check_commit_invariants(struct transaction *transaction);

/* ---- expected_tables.c ---- */

/* Compares every table with a fold of all events that were read. Called when nothing is in flight. */
void check_expected_tables(const struct policy_set *policies, int64_t fcr_window_us);

#endif
