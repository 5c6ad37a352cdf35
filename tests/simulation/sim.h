/* What the parts of the simulation share. One thread, one seed at a time: chance, time, instances and the store are
 * those of the seed under way. Times are microseconds of UTC unless they say otherwise. */
#ifndef KPID_SIMULATION_SIM_H
#define KPID_SIMULATION_SIM_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/text.h"
#include "kpid/config.h"
#include "kpid/core/policy.h"

/* ---- the seed: chance, memory, failure (world.c) ---- */

struct sim_options {
	uint64_t seed;
	int most_messages, most_faults; /* what is over is left out */
	bool trace;
};

struct sim_counts {
	uint64_t seeds, steps, messages, faults, starts, crashes, stops, freezes, jumps, cuts, cut_commits, terminated;
	uint64_t restarts, refused, deadlocks, waits, commits, rollbacks, rebalances, kicks, truncated, gaps, accepted;
	uint64_t transactions, tickets, events, alerts, voided, dead_letters, fenced, sent, sent_again, leases_taken,
	        parked, strangers;
};

extern struct sim_counts sim_counts;

void *sim_alloc(size_t size_bytes);  /* zeroed; lives as long as the seed */
uint32_t sim_below(uint32_t n);      /* 0 .. n - 1, n > 0 */
bool sim_chance(uint32_t per_mille); /* true so often */
int64_t sim_between(int64_t least, int64_t most);
bool sim_is_calm(void);                  /* nothing breaks any more */
void sim_owe(int64_t delay_us);          /* a server answers only then: until it has, nothing is at rest */
bool sim_dawdles(void);                  /* servers often take seconds in this seed, and it is not calm yet */
bool sim_refuses(struct text ticket_id); /* the server takes no row of that ticket, as long as it is not calm */
/* The seed has failed; the first reason counts. */
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
	int64_t wall_offset_us; /* its clock less the true time */
	int64_t frozen_until_us;
	struct event_base *base;
	struct kafka_consumer *consumer;
	const char *name;
	bool dead;                             /* gone: what it had planned does not happen */
	bool crashing;                         /* it ends without a word to anybody */
	void (*on_signal)(int, short, void *); /* for SIGTERM */
	void *signal_context;
};

int64_t sim_now_us(void);
struct sim_instance *sim_current(void); /* whose code runs; NULL: none */

struct sim_plan; /* something that will happen */
/* fn is called after a while; by an instance (NULL: the world): not while that is frozen, never once it is dead. */
struct sim_plan *sim_after(int64_t delay_us, struct sim_instance *instance, void (*fn)(void *context), void *context);
void sim_cancel(struct sim_plan *plan); /* NULL is fine */

void sim_loop_start(int64_t now_us);
/* Lets things happen until done() says so, or the seed fails. */
void sim_loop(bool (*done)(void));
/* Begins a process in that place. */
struct sim_instance *sim_instance_start(int index, struct kpid_config *config);
void sim_instance_crash(struct sim_instance *instance);
void sim_instance_terminate(struct sim_instance *instance); /* SIGTERM */
void sim_loop_release(void);

/* ---- the store (store.c): tables of rows in PostgreSQL's binary format ---- */

struct cell {
	const char *data;
	int32_t len; /* -1: NULL */
};

struct slot {                             /* the place of one key */
	struct cell *committed, *pending; /* NULL: no row */
	bool written;                     /* pending counts, for its owner */
	struct transaction *owner;        /* who has locked it */
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
};

enum store_table {
	SETTINGS,
	REVISIONS,
	SOURCES,
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
	SP_COLUMNS
};

/* Columns of LEASES. */
enum { L_NAME, L_HOLDER, L_PID, L_EPOCH, L_EXPIRES, L_COLUMNS };
/* Columns of PARKED_TICKETS and PARKED_EVENTS. */
enum { PT_TICKET, PT_REASON, PT_EVENTS, PT_ATTEMPTS, PT_NEXT, PT_COLUMNS };
enum { PE_NO, PE_TICKET, PE_SOURCE, PE_EVENT, PE_COLUMNS };

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

/* What a transaction (NULL: nobody's) sees. */
struct cell *slot_row(const struct slot *slot, const struct transaction *transaction);
struct slot *table_find(enum store_table table, const struct cell *key);  /* NULL: never was */
struct slot *table_place(enum store_table table, const struct cell *key); /* made if it never was */
/* False: somebody else has it, and the transaction waits. */
bool slot_lock(struct transaction *transaction, struct slot *slot);
/* row NULL deletes. Only what is locked. */
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

/* False: it waits for a lock, and is to be run again. */
bool statement_run(struct statement *statement);
void statement_add_row(struct statement *statement, const struct cell *cells, int n);
const struct cell *statement_elements(struct cell array, size_t *n_out); /* of an array */
/* The message before the committed offset of a partition is known, or nothing of it was ever read. */
bool source_has_fingerprint(int topic, int partition);

/* ---- sessions (session.c) ---- */

void sessions_start(void);
void sessions_wake(void); /* a transaction has ended */
/* Faults. False: there was nothing to break. */
bool sessions_cut_one(void);
bool sessions_terminate_one(void);
void sessions_restart_server(int64_t down_us);
/* standing_end.sql: ends the transactions of who stands still. Returns how many. */
int sessions_end_standing(const struct connection *but);
const char *connection_owner(const struct transaction *transaction);
struct sim_instance *connection_instance(const struct transaction *transaction);

int64_t sim_connection_number(const struct transaction *transaction); /* the process of the server */
bool sim_connection_is_there(int64_t number);

/* ---- who sends alerts (outbox.c) ---- */

void outbox_sim_start(void);
bool lease_take_run(struct statement *statement);
bool lease_hold_run(struct statement *statement);
bool outbox_read_run(struct statement *statement);
bool outbox_delete_run(struct statement *statement);
bool outbox_late_run(struct statement *statement);
void outbox_check_lease(const struct transaction *transaction, const struct cell *was, const struct cell *is);
void outbox_check_delete(const struct transaction *transaction, const struct cell *was);

/* ---- Kafka (kafka.c) ---- */

enum { SIM_TOPICS = 2, SIM_MOST_PARTITIONS = 3 };

enum sim_end { SIM_OPEN, SIM_COMMITTED, SIM_ABORTED };

/* Of a producer: what it sends is to be read once it is committed. */
struct sim_transaction {
	enum sim_end end;
	uint32_t partitions; /* a bit each: of those that have something of it */
};

struct sim_message {
	int topic, partition;
	int64_t offset;
	int64_t appended_us; /* true time */
	int64_t occurred_us; /* TIME_NONE: no event */
	const char *bytes;   /* NULL: a tombstone */
	uint32_t len;
	bool counted;                              /* its offset was committed by who had read it */
	const struct sim_transaction *transaction; /* NULL: of none */
	bool is_marker;                            /* where a transaction ended; no message */
	struct sim_message *next;
};

struct sim_partition {
	struct sim_message **log; /* by offset */
	size_t n, capacity;
	int64_t low;
	struct sim_message *all;          /* ever, newest first */
	bool was_cut;                     /* or made anew, ever */
	int64_t last_gap_from, passed_to; /* what an accepted gap skipped; of the log that is there now */
};

extern const char *const sim_topics[SIM_TOPICS];
extern int sim_n_partitions;

void kafka_start(int n_partitions, bool eager);
struct sim_partition *kafka_partition(int topic, int partition);
int kafka_topic_no(struct text topic);
/* transaction: NULL, or one that is open. */
void kafka_append(int topic, int partition, const char *bytes, uint32_t len, int64_t occurred_us,
                  struct sim_transaction *transaction);
void kafka_end_transaction(struct sim_transaction *transaction, enum sim_end end);
/* Nobody is ever given it: a marker, or of an aborted transaction. */
bool sim_message_is_void(const struct sim_message *message);
/* The first offset from there on with a message that is or may yet be given to somebody; else the end of the log. */
int64_t kafka_next_message(int topic, int partition, int64_t offset);
bool kafka_lose_tail(void);
bool kafka_lose_head(void);
bool kafka_make_anew(void);
void kafka_rebalance(void);
bool kafka_is_at_end(int topic, int partition); /* somebody reads it, and has been told of its end */
int64_t kafka_first(const struct sim_instance *instance, int topic, int partition); /* where it began there */
/* The message that an instance was given last from there; NULL: none. */
struct sim_message *kafka_given(const struct sim_instance *instance, int topic, int partition, int64_t offset);

/* ---- what must hold (oracle.c) ---- */

/* Before a transaction's rows become everybody's. */
void oracle_check_commit(struct transaction *transaction);
/* At rest: every table against a fold of every event that was read. */
void oracle_check_rest(const struct policy_set *policies, int64_t fcr_window_us);

#endif
