/* The parts of app/kafka_feed.c. Each has one task of a member of the consumer group. All run in the thread of the
 * event loop.
 *
 * The parts report events to feed_step(), which moves a partition to its next state (kpid/core/partition.h) and
 * performs the action. */
#ifndef KPID_APP_KAFKA_FEED_PARTS_H
#define KPID_APP_KAFKA_FEED_PARTS_H

#include <event2/util.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "adapters/kafka/consumer.h"
#include "adapters/kafka/log_identity.h"
#include "adapters/kafka/probe.h"
#include "app/app.h"
#include "app/metrics_endpoint.h"
#include "app/observations.h"
#include "app/unowned_partitions.h"

/* Why the brokers were asked: selects the function that takes the answers. */
enum probe_tag {
	PROBE_TOPICS,
	PROBE_ASSIGN,
	PROBE_WATERMARKS,
	PROBE_GAPS,
	PROBE_LOCATE,
	PROBE_UNOWNED,
	PROBE_CONFIGURED
};

struct configured_topic {
	const char *name;          /* borrowed from the configuration of the start */
	const char *option;        /* that names it. Static text */
	rd_kafka_resp_err_t error; /* why it cannot be used, by the brokers' last answer; 0: it can, or unknown */
};

struct configured_topics {
	struct configured_topic *items;
	size_t n, n_missing;
	int64_t asked_us; /* monotonic; 0: never */
	bool is_asking;
};

/* How far a probe of watermarks is. The next one begins when this one is stored, because what the heartbeat vouches for
 * depends on the outcome. */
enum observing {
	OBSERVING_NOTHING,
	OBSERVING_BROKERS, /* they were asked; the answer comes even if the session is lost meanwhile */
	OBSERVING_DATABASE /* what they answered is being stored; a lost session ends that */
};

/* Our row of kpid.heartbeat, one for each session. */
struct feed_heartbeat {
	int64_t no; /* 0: there is none yet */
	bool starting;
	uint64_t round;  /* rises with each heartbeat */
	int64_t sent_us; /* monotonic: the last one */
};

/* A message whose array of records is read over several turns of the event loop. */
struct held_message {
	rd_kafka_message_t *message; /* NULL: none */
	struct source *source;
};

/* Mapping is the only expensive work of a message, so that one turn of the loop maps for a short time, of whichever
 * lanes. */
struct mapping_turn {
	struct event *timer; /* begins the next one */
	int64_t spent_us;    /* in this turn */
	int last_lane;       /* that mapped; the next one goes first */
	bool *waits;         /* by lane: it has more to read */
};

/* What reading waits for during a rebalance. */
struct feed_waiting {
	const char *what;            /* static text; NULL: nothing */
	int64_t since_us, logged_us; /* monotonic; logged_us 0: not logged yet */
};

struct kafka_feed {
	struct app *app;
	struct kafka_consumer *consumer;
	struct kafka_probe *probe;
	struct kafka_log_identity *log_identity;
	struct unowned_partitions unowned;
	struct configured_topics topics;
	struct outbox *outbox;
	struct dispatch *dispatch;
	struct ledger_refresh *ledger;
	struct metrics_endpoint *metrics; /* NULL: none are served */
	struct receivers *receivers;      /* loaded, and not yet owned by the dispatcher; NULL */
	struct event *poll_timer, *probe_retry;
	struct event **read_again; /* by lane */
	struct held_message *held; /* by lane */
	struct mapping_turn mapping_turn;
	size_t *n_read; /* by lane: messages read since its queue was empty */
	/* The group waits until an assignment or a revocation is carried out before it sends the next one. */
	rd_kafka_topic_partition_list_t *assigning; /* being claimed, located and then assigned; NULL */
	uint64_t rebalance_generation;              /* answers to questions of an earlier generation are ignored */
	bool claiming;                              /* a claim for `assigning` is under way, at most one */
	uint64_t claim_generation;                  /* the rebalance_generation of that claim */
	bool refuses;                               /* a message shows that nothing may be read: the process ends */
	bool was_assigned;                          /* the group has assigned partitions, maybe none, at least once */
	rd_kafka_topic_partition_list_t *revoking;  /* to be unassigned once no transaction contains them; NULL */
	struct feed_waiting waiting;
	enum observing observing;
	size_t n_observed; /* rows that it writes */
	bool doubts;       /* the database disagrees about some partitions */
	struct feed_heartbeat heartbeat;
	bool checking;                             /* a check for recreated topics is under way */
	bool checking_all, checks_all;             /* this one has all partitions; the next one has */
	uint64_t n_idle_checks;                    /* whose turn it is */
	uint64_t n_claims_sent, n_claims_answered; /* by resume.c; answers come in order */
	int64_t observed_us, stopped_checked_us, checked_us, idle_checked_us, group_commit_us, forwarded_us,
	        reassigned_us;              /* monotonic: last time */
	bool commits_to_group_again;        /* the latest commit to the group had something new */
	const rd_kafka_topic_t *last_topic; /* cache of the last lookup: messages come in runs */
	int32_t last_partition;
	struct source *last_source;
	bool closing;
};

/* ---- feed.c: what all parts use ---- */

/* The lane_of of kafka_consumer_assign(); context: the feed. */
int feed_lane_of(void *context, const char *topic, int32_t partition);
/* Finds the source, or adds it with nothing known yet. */
struct source *feed_source(struct kafka_feed *feed, const char *topic, int32_t partition);
struct lane *feed_lane(const struct kafka_feed *feed, const struct source *source);
void feed_commit_to_group(struct kafka_feed *feed);
/* Logs the reason and ends the process. */
void feed_on_fatal(void *context, const char *reason);
bool feed_is_rebalancing(const struct kafka_feed *feed);

/* ---- actions.c: performs what the state machine asks for ---- */

/* Moves the source to its next state and performs the action. Set source->gap before events that measure or record one.
 */
void feed_step(struct kafka_feed *feed, struct source *source, enum partition_event event);
/* Where reading begins or continues. Always a number: librdkafka (2.0.2 to 2.9 at least) may look up "the end" after
 * the partition was already assigned elsewhere, and then goes there all the same. */
int64_t feed_position(const struct source *source);
void feed_pause(struct kafka_feed *feed, const struct source *source);
/* Adds the question whose answer feed_locate() takes. */
void feed_ask_where_to_begin(const struct kafka_feed *feed, struct kafka_probe_list *list, const struct source *source);
/* Asks again about all gaps that are being measured. */
void feed_measure_gaps(struct kafka_feed *feed);
/* With run.start = latest, a partition that was never read begins at its end. */
bool feed_begins_at_end(const struct kafka_feed *feed, const struct source *source);

/* ---- messages.c: messages of the partitions go to the lanes ---- */

void feed_on_readable(void *context, int lane);
void feed_on_read_again(evutil_socket_t fd, short what, void *context); /* context: struct read_again_context */
void feed_on_wants_more(void *context, struct lane *lane);
void feed_on_mapping_turn(evutil_socket_t fd, short what, void *context);
/* Drops messages that were read in part, and what was read of their partitions. */
void feed_drop_held(struct kafka_feed *feed);
/* Whether the last fetch has shown messages that are not read yet. False before the first fetch. */
bool feed_has_backlog(const struct kafka_feed *feed, const struct source *source);
/* Whether its messages may be in the lane's queue behind those of other partitions. */
bool feed_waits_its_turn(const struct kafka_feed *feed, const struct source *source);

struct read_again_context {
	struct kafka_feed *feed;
	int lane;
};

/* ---- gaps.c: where reading begins, and gaps ---- */

/* A gap was met while reading. reason: static text. */
void feed_meet_gap(struct kafka_feed *feed, struct source *source, const char *reason);
void feed_on_gaps_probed(struct kafka_feed *feed, const struct kafka_probe_list *answers);
/* Decides from the brokers' answer where a source that is CLAIMED or LOCATING begins, and moves it on. */
void feed_locate(struct kafka_feed *feed, struct source *source, const struct kafka_probe_item *answer);

/* ---- rebalance.c: takes and gives up partitions ---- */

void feed_on_assigned(void *context, const rd_kafka_topic_partition_list_t *partitions);
void feed_on_revoked(void *context, const rd_kafka_topic_partition_list_t *partitions, bool lost);
/* Starts to take feed->assigning, or starts again: probes all topics, then claims, locates and assigns. */
void feed_start_assignment(struct kafka_feed *feed);
void feed_on_topics_probed(struct kafka_feed *feed, const struct kafka_probe_list *answers);
void feed_on_assignment_probed(struct kafka_feed *feed, const struct kafka_probe_list *answers);
void feed_on_probe_retry(evutil_socket_t fd, short what, void *context);
/* Unassigns feed->revoking, if no transaction contains any of it. Does nothing otherwise. */
void feed_finish_revocation(struct kafka_feed *feed);

/* ---- waiting.c: says what a long rebalance waits for ---- */

void feed_check_waiting(struct kafka_feed *feed);
/* Appends "; waiting for WHAT" if that takes long. */
void feed_describe_waiting(const struct kafka_feed *feed, struct buf *out);

/* ---- watermarks.c: reports up to when each partition is complete, from where it ends ---- */

/* Stores what the brokers answered about partitions that begin to be read, before a batch can lock their rows: so their
 * lag is known from then on. */
void feed_store_first_look(struct kafka_feed *feed, const struct kafka_probe_list *answers);
void feed_probe_watermarks(struct kafka_feed *feed);
void feed_on_watermarks_probed(struct kafka_feed *feed, const struct kafka_probe_list *answers);
void feed_on_needs_completeness(void *context, int64_t deadline_us);
void feed_probe_unowned(void *context, struct kafka_probe_list *list);
void feed_on_unowned_observed(void *context);

/* ---- configured_topics.c: names topics of the configuration that do not exist ---- */

void feed_configure_topics(struct kafka_feed *feed);
void feed_release_topics(struct kafka_feed *feed);
/* Asks the brokers now and then. An answer also shows that Kafka is back. */
void feed_check_topics(struct kafka_feed *feed);
void feed_on_topics_checked(struct kafka_feed *feed, const struct kafka_probe_list *answers);
/* Appends "; the topic NAME of [topics] does not exist" for each. */
void feed_describe_topics(const struct kafka_feed *feed, struct buf *out);

/* ---- heartbeat.c: one row that vouches for all partitions that are at their ends ---- */

/* Asks for a row, unless there is one. */
void feed_start_heartbeat(struct kafka_feed *feed);
/* The session, and with it the row, was lost. */
void feed_forget_heartbeat(struct kafka_feed *feed);
/* In this round the heartbeat vouches for the source. There must be a heartbeat. Returns false if the row of the
 * source must be written for that. */
bool feed_vouch(struct kafka_feed *feed, struct source *source, const struct vouch_place *place);
/* Ends a round: stores the observations and the heartbeat. until_us: all sources that it vouches for were seen at their
 * ends then or later; TIME_NONE: there are none. end is called once the outcome is known, which sets feed->doubts. */
void feed_beat(struct kafka_feed *feed, int64_t until_us, struct observations *observations, pg_result_fn end);

/* ---- resume.c: resume stopped and fenced partitions; reassign stalled ones ---- */

void feed_check_stopped(struct kafka_feed *feed);
void feed_on_located(struct kafka_feed *feed, const struct kafka_probe_list *answers);
/* Assigns a partition again that has lag and has delivered nothing for long, not even its end. */
void feed_check_stalled(struct kafka_feed *feed, struct source *source, const struct kafka_probe_item *answer);
/* The connection was lost: claims on their way are not answered. */
void feed_forget_claims(struct kafka_feed *feed);

/* ---- topic_recreated.c: detects topics that are recreated while they are read ---- */

void feed_check_logs(struct kafka_feed *feed);
void feed_on_checked(void *context, const struct kafka_log_identity_list *answers);

#endif
