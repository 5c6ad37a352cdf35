/* kpid top: the live view, read from the schema report. */
#ifndef KPID_CLI_TOP_H
#define KPID_CLI_TOP_H

#include "cli/backlog.h"
#include "cli/term.h"
#include "kpid/base/arena.h"
#include "kpid/core/policy.h"

#define LAG_UNKNOWN INT64_C(-1)

struct top_sla {
	int64_t measured, within;
};

struct top_agent {
	struct text agent_id;
	int64_t opened, responded, resolved, backlog;
	struct top_sla sla; /* all targets */
};

struct top_deadline {
	struct text ticket_id, target, state, agent_id, priority, category;
	int64_t due_us, left_us;
};

struct top_alert {
	struct text ticket_id, target, state, owner, policy;
	int64_t breached_us, detected_us;
};

struct top_partition {
	struct text topic, state, state_reason, owner;
	int32_t partition;
	int64_t lag_messages; /* LAG_UNKNOWN */
	int64_t complete_us;  /* TIME_NONE */
};

enum top_period { TOP_HOUR, TOP_TODAY, TOP_N_PERIODS };

struct top_view {
	struct arena arena; /* owns all texts and arrays */
	int64_t now_us;
	int64_t n_messages, n_dead_letters;
	int64_t per_second;            /* events per second since the previous view; -1: there is none */
	int64_t lag_messages;          /* of the partitions whose lag is known; LAG_UNKNOWN: there are none */
	int64_t n_lag_unknown;         /* the other partitions */
	struct read_progress progress; /* of the views so far */
	bool is_behind;                /* a backlog is read */
	int64_t complete_us;           /* of the slowest source; TIME_NONE: unknown */
	int64_t n_stopped, n_running;
	struct top_sla slas[TOP_N_PERIODS][TARGET_N];
	int64_t n_open, n_agents;
	int64_t n_breached, n_at_risk, n_pending, n_paused; /* clocks */
	struct top_agent *agents;
	struct top_deadline *deadlines;
	struct top_alert *alerts;
	struct top_partition *partitions;
	size_t n_shown_agents, n_deadlines, n_alerts, n_partitions;
};

void top_view_init(struct top_view *view);
void top_view_release(struct top_view *view);
/* Reads the view again, from one snapshot, and compares it with its previous contents. time_zone: defines "today".
 * Returns false on an error, with the reason in sync->error and the view unchanged. */
bool top_view_read(struct top_view *view, struct pg_sync *sync, const char *time_zone);

/* Appends at most term->rows lines of at most term->columns. notice: text for the top of the page; NULL: none. */
void top_view_write(const struct top_view *view, const struct term *term, const char *notice, struct buf *out);
void top_view_write_json(const struct top_view *view);

/* The terminal while the view is live: alternate screen, no echo, no line editing. Signals that end the program restore
 * the terminal first. */
enum top_key { TOP_TICK, TOP_RESIZED, TOP_QUIT };
void top_screen_enter(void);
void top_screen_leave(void);
/* Waits for wait_us, a resize, the key q or a signal to end. */
enum top_key top_screen_wait(int64_t wait_us);

#endif
