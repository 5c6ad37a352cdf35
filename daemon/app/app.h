/* The daemon put together: sessions, lanes, deadlines, policies, and what feeds them. What is common to
 * `kpid run` (fed by Kafka) and `kpid ingest` (fed by a file). */
#ifndef KPID_APP_APP_H
#define KPID_APP_APP_H

#include <stdbool.h>

#include "adapters/pg/session.h"
#include "app/attend.h"
#include "app/horizon.h"
#include "app/lane.h"
#include "app/parked.h"
#include "app/watch.h"
#include "kpid/config.h"

struct app;

/* What feeds the lanes. */
struct app_feeder {
	/* The policies are loaded and the control session is ready: begin. Called once. */
	void (*begin)(void *context);
	/* The control session is ready again: what was asked before was forgotten. */
	void (*ready_again)(void *context);
	void (*wants_more)(void *context, struct lane *lane);
	void (*committed)(void *context, struct lane *lane);
	void (*idle)(void *context, struct lane *lane);
	void (*needs_completeness)(void *context, int64_t deadline_us);
	/* SIGHUP: reads what else belongs to that configuration. False after logging what is wrong: nothing is
	 * reloaded. NULL: there is nothing. */
	bool (*prepare_reload)(void *context, const struct kpid_config *next);
	void (*reloaded)(void *context); /* what was prepared comes into force; NULL with the former */
	void (*stop)(void *context);     /* SIGTERM or SIGINT: end in good order, then app_quit() */
	/* The exit code where that is asked for before begin(), a second time, or takes too long. 0: a daemon, whose
	 * work goes on when it is started again. */
	int stopped_status;
	/* Ends with KPID_EXIT_NO_POSTGRES when PostgreSQL is there and refuses what somebody must act on. */
	bool gives_up;
	const char
	        *group_id; /* the consumer group; NULL: no topic is read. Must outlive app_new() and the first ready */
	void *context;
};

struct app {
	struct event_base *base;
	struct kpid_config *config; /* in force */
	struct kpid_config
	        *first_config; /* that sessions and clients were made with; what they take of it never changes */
	const char *config_path;
	const char *const *config_sets;
	size_t n_config_sets;
	struct rules_book book;
	struct policy_set *next_policies; /* read from the file and not yet numbered; NULL */
	struct kpid_config *next_config;  /* waits for the policies */
	struct sources sources;
	struct lane_shared shared;
	struct lane **lanes;
	int n_lanes;
	struct watch *watch;
	struct parked *parked;
	int64_t n_refused;          /* tickets set aside because PostgreSQL refuses them, as last heard */
	struct pg_session *control; /* single statements: claims, policies, what is seen of partitions */
	struct horizon horizon;
	struct attend attend;
	struct unknown_types unknown_types;
	struct buf policy_ids;    /* of the policy file that was read last */
	bool policies_differ;     /* another instance has read another policy file since, and that was logged */
	struct event *look_timer; /* for that */
	struct event *on_term, *on_int, *on_hup, *stop_timer, *turning; /* the last may be NULL */
	struct app_feeder feeder;
	bool begun, loading, reloading, stopping;
	int status; /* what app_run() returns: an exit code */
};

/* Takes the configuration over. NULL after logging why (a policy file with faults). */
struct app *app_new(struct kpid_config *config, int n_lanes, const struct app_feeder *feeder);
void app_free(struct app *app);
/* Runs until app_quit(). Returns the status given there. */
int app_run(struct app *app);
void app_quit(struct app *app, int status);
bool app_is_idle(const struct app *app); /* all lanes are */
void app_flush(struct app *app);         /* what is filled goes now */

/* Claims sources through the control session. fn gets the result of queries/source_claim.sql; apply each row
 * with app_claimed(). False: the session is not ready; ready_again() will be called. */
bool app_claim(struct app *app, struct source *const *sources, size_t n, pg_result_fn fn, void *context);
/* Takes over what a row says of its source. What was read of it under an earlier claim, and is in no transaction, is
 * dropped. */
struct source *app_claimed(struct app *app, const PGresult *result, int row);

#endif
