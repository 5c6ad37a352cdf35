/* The parts of app/kafka_feed.c: each is one thing that a member of the group does with its partitions. All run in the
 * loop's thread. */
#ifndef KPID_APP_KAFKA_FEED_PARTS_H
#define KPID_APP_KAFKA_FEED_PARTS_H

#include <event2/util.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "adapters/kafka/consumer.h"
#include "adapters/kafka/probe.h"
#include "adapters/kafka/reread.h"
#include "app/app.h"
#include "app/orphans.h"

/* What the brokers were asked for. */
enum probe_tag { PROBE_TOPICS, PROBE_ASSIGN, PROBE_SEEN, PROBE_GAPS, PROBE_STANDING, PROBE_ORPHANS };

struct kafka_feed {
	struct app *app;
	struct kafka_consumer *consumer;
	struct kafka_probe *probe;
	struct kafka_reread *reread;
	struct orphans orphans;
	struct outbox *outbox;
	struct dispatch *dispatch;
	struct receivers *receivers; /* until there is the dispatch, or a reload has come into force */
	struct event *poll_timer, *probe_retry;
	struct event **read_again; /* by lane */
	size_t *n_read;            /* by lane: messages since its queue was empty */
	/* The group waits for one answer at a time. */
	rd_kafka_topic_partition_list_t *assigning; /* to be claimed, looked at, and then taken; NULL */
	uint64_t turn;                              /* of taking them: what was asked for in an earlier one is void */
	bool claiming;                              /* a claim is under way: at most one */
	uint64_t claim_turn;                        /* for which */
	rd_kafka_topic_partition_list_t *revoking;  /* to be given up once no transaction has them; NULL */
	bool seeing;                                /* looking at ends is under way */
	size_t n_seen;                              /* partitions that it tells of */
	bool doubts;                                /* the database did not take it of all of them */
	bool checking;                              /* messages are being read again */
	int64_t seen_us, stood_us, checked_us, checked_all_us, group_commit_us; /* monotonic: when last */
	const rd_kafka_topic_t *last_topic; /* the source found last: messages come in runs */
	int32_t last_partition;
	struct source *last_source;
	bool closing;
};

/* ---- kafka_feed.c ---- */

/* As kafka_consumer_assign() asks for it; context: the feed. */
int feed_lane_of(void *context, const char *topic, int32_t partition);
/* Finds it, or adds it with nothing known yet. */
struct source *feed_source(struct kafka_feed *feed, const char *topic, int32_t partition);
struct lane *feed_lane(const struct kafka_feed *feed, const struct source *source);
void feed_commit_to_group(struct kafka_feed *feed);
/* The process cannot go on, and ends. */
void feed_on_fatal(void *context, const char *reason);

/* ---- messages.c: what comes of the partitions goes to the lanes ---- */

void feed_on_readable(void *context, int lane);
void feed_on_read_again(evutil_socket_t fd, short what, void *context); /* context: struct read_again_context */
void feed_on_wants_more(void *context, struct lane *lane);
/* By what the last fetch has shown; a source that nothing was fetched of yet has none. */
bool feed_has_backlog(const struct kafka_feed *feed, const struct source *source);
/* Its messages may be in the lane's queue behind others, which has not been seen empty. */
bool feed_waits_its_turn(const struct kafka_feed *feed, const struct source *source);

struct read_again_context {
	struct kafka_feed *feed;
	int lane;
};

/* ---- gaps.c: where to begin, and where not to go on ---- */

void feed_pause(struct kafka_feed *feed, struct source *source);
/* Before it is assigned: what was fetched by then would be thrown away, and not be fetched again. */
void feed_resume(struct kafka_feed *feed, struct source *source);
/* It is not read until feed_look_at_standing() finds that it may be. */
void feed_stand(struct kafka_feed *feed, struct source *source);
/* Met while reading: what is there instead is not known yet. reason lives for ever. */
void feed_meet_gap(struct kafka_feed *feed, struct source *source, const char *reason);
void feed_look_at_gaps(struct kafka_feed *feed);
void feed_on_gaps_probed(struct kafka_feed *feed, const struct kafka_probe_list *answers);
/* Adds the question whose answer feed_look_where_to_begin() takes. */
void feed_ask_where_to_begin(const struct kafka_feed *feed, struct kafka_probe_list *list, const struct source *source);
/* Looks at what the brokers have of a claimed source. It is read from feed_position() on, unless it stands: at a gap,
 * or until it can be looked at again. */
void feed_look_where_to_begin(struct kafka_feed *feed, struct source *source, const struct kafka_probe_item *answer);
/* Always a number: of "the end", librdkafka (2.0.2 to 2.9 at least) may get to know where that is after the partition
 * was told to begin elsewhere, and goes there all the same. */
int64_t feed_position(const struct source *source);

/* ---- taking.c: partitions are taken and given up ---- */

void feed_on_assigned(void *context, const rd_kafka_topic_partition_list_t *partitions);
void feed_on_revoked(void *context, const rd_kafka_topic_partition_list_t *partitions, bool lost);
bool feed_is_rebalancing(const struct kafka_feed *feed);
/* Begins to take what is to be taken, or begins again. */
void feed_look_at_topics(struct kafka_feed *feed);
void feed_on_topics_probed(struct kafka_feed *feed, const struct kafka_probe_list *answers);
void feed_on_assignment_probed(struct kafka_feed *feed, const struct kafka_probe_list *answers);
void feed_on_probe_retry(evutil_socket_t fd, short what, void *context);
/* Gives up what is to be given up, as soon as no transaction has any of it. */
void feed_finish_revocation(struct kafka_feed *feed);

/* ---- ends.c: completeness, which is where partitions end ---- */

void feed_look_at_ends(struct kafka_feed *feed);
void feed_on_ends_probed(struct kafka_feed *feed, const struct kafka_probe_list *answers);
void feed_on_needs_completeness(void *context, int64_t deadline_us);
void feed_ask_about_orphans(void *context, struct kafka_probe_list *list);
void feed_on_orphans_seen(void *context);

/* ---- standing.c: partitions go on: after accepted gaps and fences, and where nothing comes of them ---- */

void feed_look_at_standing(struct kafka_feed *feed);
void feed_on_standing_probed(struct kafka_feed *feed, const struct kafka_probe_list *answers);
/* Whether nothing has come of it since it was taken, not even that it is at its end: for long, and it is taken anew. */
void feed_look_whether_it_comes(struct kafka_feed *feed, struct source *source, const struct kafka_probe_item *answer);
/* What was asked of the database is not answered any more. */
void feed_forget_reclaims(struct kafka_feed *feed);

/* ---- made_anew.c: topics that are made anew while they are read ---- */

void feed_check_logs(struct kafka_feed *feed);
void feed_on_checked(void *context, const struct kafka_reread_list *answers);

#endif
