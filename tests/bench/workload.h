/* A synthetic help desk: 200 agents; tickets are opened at random, answered, resolved, closed and surveyed; events
 * are in order of time; 1 of 100 is sent again within 20 minutes. The same parameters give the same bytes. */
#ifndef KPID_BENCH_WORKLOAD_H
#define KPID_BENCH_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Average durations in seconds. 1 of 10 answers is late: evenly from late_from_s to late_to_s. */
struct workload_pace {
	double respond_s, late_from_s, late_to_s, resolve_s, close_s, survey_s, again_s;
};

extern const struct workload_pace workload_real_pace; /* 7 minutes to the answer, late after 15, hours to the closing */
extern const struct workload_pace
        workload_fast_pace; /* the same within half a minute: 2 s to the answer, late after 10 */

struct workload_params {
	uint64_t seed;
	char ticket_prefix;  /* for the ticket numbers: workloads with different prefixes share no ticket */
	int64_t start_us;    /* the first ticket opens soon after */
	double events_per_s; /* average backlog, once as many tickets are closed as opened */
	bool only_openings;  /* no ticket is ever answered */
	struct workload_pace pace;
};

enum workload_kind {
	WORKLOAD_OPENED,
	WORKLOAD_RESPONDED,
	WORKLOAD_RESPONDED_AGAIN,
	WORKLOAD_RESOLVED,
	WORKLOAD_CLOSED,
	WORKLOAD_SURVEYED
};

struct workload_event {
	int64_t sent_us; /* when it is sent; later than its own time if it is a repetition */
	int64_t time_us;
	enum workload_kind kind;
	bool is_duplicate;
	unsigned agent, project, priority, score; /* score: 0, or 1 to 5 */
	const char *channel, *category, *type;
	char id[40], ticket_id[16], time[32];
};

struct workload;

struct workload *workload_new(const struct workload_params *params);
void workload_free(struct workload *workload);
/* There is always a next one. */
void workload_next(struct workload *workload, struct workload_event *event_out);
/* Writes the event as CloudEvents JSON, with a NUL after it, and returns its length. */
size_t workload_json(const struct workload_event *event, char *room, size_t room_bytes);

#endif
