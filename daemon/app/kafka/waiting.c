#include "app/kafka/feed.h"
#include "kpid/base/clock.h"
#include "kpid/base/log.h"

enum { FIRST_LOGGED_US = 15000000, LOGGED_EVERY_US = 60000000 };

/* Static text; NULL: for nothing, or for something that is logged elsewhere. */
static const char *waits_for(const struct kafka_feed *feed)
{
	if (feed->closing || kafka_consumer_is_cut_off(feed->consumer))
		return NULL;
	if (feed->revoking != NULL)
		return "the batches that contain revoked partitions";
	if (feed->assigning != NULL)
		return feed->claiming ? "PostgreSQL to claim the assigned partitions"
		                      : "the brokers to say where the assigned partitions begin and end";
	return feed->was_assigned ? NULL : "the consumer group to assign partitions";
}

void feed_check_waiting(struct kafka_feed *feed)
{
	struct feed_waiting *waiting = &feed->waiting;
	int64_t now_us = monotonic_clock_us();
	const char *what = waits_for(feed);
	if (what == NULL || waiting->what == NULL)
		*waiting = (struct feed_waiting){.since_us = now_us};
	waiting->what = what;
	if (what == NULL || now_us - waiting->since_us < FIRST_LOGGED_US)
		return;
	if (waiting->logged_us != 0 && now_us - waiting->logged_us < LOGGED_EVERY_US)
		return;
	waiting->logged_us = now_us;
	log_warning("waiting for %s, for %d s now", what, (int)((now_us - waiting->since_us) / 1000000));
}

void feed_describe_waiting(const struct kafka_feed *feed, struct buf *out)
{
	if (feed->waiting.logged_us != 0)
		buf_add_format(out, "; waiting for %s", feed->waiting.what);
}
