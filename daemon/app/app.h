/* The application: sessions, lanes, deadlines, policies, and the feeder, which is Kafka for `kpid run` and a file for
 * `kpid ingest`. */
#ifndef KPID_APP_APP_H
#define KPID_APP_APP_H

#include <stdbool.h>

#include "adapters/pg/session.h"
#include "app/ack_silence_expiry.h"
#include "app/backlog_report.h"
#include "app/calendar_materializer.h"
#include "app/dead_letter_expiry.h"
#include "app/deadline_scheduler.h"
#include "app/lane.h"
#include "app/mappings.h"
#include "app/parked.h"
#include "app/session_watch.h"
#include "app/shared_settings.h"
#include "kpid/config.h"

struct app;

/* What feeds the lanes: callbacks from the application. */
struct app_feeder {
	/* Policies are loaded: opens further sessions, each with session_watch_add(). Called once. NULL: needs none. */
	void (*open)(void *context);
	/* All sessions are open: events may be read. Called once. */
	void (*begin)(void *context);
	/* The control session is ready again: earlier queries will not be answered. NULL: it was sent none. */
	void (*ready_again)(void *context);
	/* As in struct lane_shared. NULL if there are no lanes. */
	void (*wants_more)(void *context, struct lane *lane);
	void (*idle)(void *context, struct lane *lane);
	/* As in struct deadline_scheduler_events. NULL: it cannot observe the sources. */
	void (*needs_completeness)(void *context, int64_t deadline_us);
	/* SIGHUP: reads what else belongs to the configuration. Returns false after logging what is wrong: then nothing
	 * is reloaded. NULL: nothing else to read. */
	bool (*prepare_reload)(void *context, const struct kpid_config *next);
	void (*reloaded)(void *context); /* brings what was prepared into force; NULL if prepare_reload is */
	/* For the status once begun: returns what the feeder waits for ("Kafka") or NULL, and appends "; PROBLEM" for
	 * each problem. NULL: nothing to say. */
	const char *(*status)(void *context, struct buf *problems_io);
	void (*stop)(void *context); /* SIGTERM or SIGINT: finish, then call app_quit() */
	/* The exit code if stopped before begin(), if stopped twice, or if stopping takes too long. 0 for a daemon,
	 * which continues after a restart. */
	int stopped_status;
	/* Quit with KPID_EXIT_NO_POSTGRES if PostgreSQL refuses something until somebody acts; else wait. */
	bool gives_up;
	const char *group_id; /* the consumer group; NULL: no topic is read. Must stay valid until the first begin() */
	bool takes_over;      /* stored settings that differ give way to those of the configuration */
	void *context;
};

struct app {
	struct event_base *base;
	struct kpid_config *config;       /* in force */
	struct kpid_config *first_config; /* of the start, which sessions and clients use */
	const char *config_path;
	const char *const *config_sets;
	size_t n_config_sets;
	struct policy_registry registry;
	struct policy_set *next_policies; /* from the file, until they are stored and loaded; NULL */
	struct mappings *mappings;        /* in force; NULL: no topic is read */
	struct mappings *next_mappings;   /* of next_config, until it comes into force; NULL */
	struct mappings *old_mappings;    /* with which a message is still being read; NULL */
	struct kpid_config *next_config;  /* waits for next_policies; NULL */
	struct sources sources;
	struct lane_shared shared;
	struct lane **lanes;
	int n_lanes;
	struct deadline_scheduler *scheduler;
	struct parked *parked;
	int64_t n_refused;          /* tickets set aside because PostgreSQL refuses them, as last counted */
	struct pg_session *control; /* for single statements: claims, policies, observations of partitions */
	struct calendar_materializer calendar_materializer;
	struct ack_silence_expiry ack_silence_expiry;
	struct unknown_types unknown_types;
	struct dead_letter_expiry dead_letter_expiry; /* of a process that reads topics */
	struct shared_settings settings;              /* of the configuration and the policy file read last */
	struct buf differences;                       /* from what the other instances work by, as last logged */
	struct event *compare_timer;                  /* compares them regularly */
	struct event *on_term, *on_int, *on_hup, *stop_timer, *watchdog; /* watchdog: NULL without a service manager */
	struct session_watch watch; /* of all sessions but the control session and those opened on demand */
	struct event *look_timer;   /* looks whether all sessions are open, and shows the status */
	struct backlog_report backlog_report;
	struct buf unusable;     /* why PostgreSQL cannot be used until somebody acts; empty: it can */
	struct buf status_words; /* as last shown */
	struct app_feeder feeder;
	/* At the start, policies are loaded, then sessions are opened (opening), then events are read (begun). */
	bool opening, begun, loading, reloading, reload_due, stopping;
	int status; /* the exit code that app_run() returns */
};

/* Takes ownership of the configuration. Returns NULL after logging the errors of the policy file. */
struct app *app_new(struct kpid_config *config, int n_lanes, const struct app_feeder *feeder);
void app_free(struct app *app);
/* Runs until app_quit(), and returns its status. */
int app_run(struct app *app);
void app_quit(struct app *app, int status);
bool app_is_idle(const struct app *app); /* no lane fills or writes a batch */
void app_flush(struct app *app);         /* writes all filled batches now */
/* Frees the mappings that are no longer in force, unless a lane is amid a message. */
void app_forget_old_mappings(struct app *app);

/* Claims sources on the control session. fn gets the result of queries/source_claim.sql, and applies each row with
 * app_claimed(). Returns false if the session is not ready: ready_again() will be called. */
bool app_claim(struct app *app, struct source *const *sources, size_t n, pg_result_fn fn, void *context);
/* Copies a row into its source. Drops what was read under an earlier claim and is in no transaction. The caller passes
 * *event_out to source_step(). */
struct source *app_claimed(struct app *app, const PGresult *result, int row, enum partition_event *event_out);

#endif
