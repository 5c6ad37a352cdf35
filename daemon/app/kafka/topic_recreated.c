#include "app/kafka/feed.h"
#include "kpid/base/clock.h"

/* Interval for checking every partition, even idle ones: a recreated topic may have as many messages as the old one. */
enum { CHECK_ALL_US = 10000000 };

/* The end was met and no message: the log had nothing but aborted transactions. */
static bool met_no_message(const struct source *source)
{
	return source->next_offset == OFFSET_NONE && source->end_offset > source->low_offset;
}

/* The offset that shows whether the log is still the same. OFFSET_NONE: there is none yet. */
static int64_t offset_to_check(const struct source *source)
{
	return met_no_message(source) ? source->low_offset : source->checked.offset;
}

/* In a recreated topic, no message is where it was. So if one known message is still at its offset, the log is the
 * same, and everything that was read before the question came from it. If there is a message where none was met, the
 * log is another one. */
void feed_on_checked(void *context, const struct kafka_log_identity_list *answers)
{
	struct kafka_feed *feed = context;
	feed->checking = false;
	for (size_t i = 0; i < answers->n; i++) {
		const struct kafka_log_identity_item *answer = &answers->items[i];
		struct source *source = sources_get(&feed->app->sources, answer->topic, answer->partition);
		struct known_message asked = source->asked;
		source->asked.offset = OFFSET_NONE;
		if (asked.offset == OFFSET_NONE || !partition_is_reading(source->state) ||
		    answer->state == LOG_IDENTITY_UNKNOWN)
			continue; /* claimed again meanwhile, or no answer: it is asked again */
		if (met_no_message(source) && answer->state == LOG_IDENTITY_FOUND)
			feed_step(feed, source, PARTITION_BEGIN_MOVED);
		if (answer->offset != source->checked.offset)
			continue; /* no message was known when the question was asked */
		bool other = answer->state == LOG_IDENTITY_FOUND && answer->fingerprint != source->checked.fingerprint;
		if (other || answer->state == LOG_IDENTITY_NOT_THERE)
			feed_meet_gap(feed, source,
			              "the topic was truncated or recreated while it was read: a message that was read "
			              "is gone");
		else
			source->checked = asked;
	}
}

void feed_check_logs(struct kafka_feed *feed)
{
	struct kafka_log_identity_list list = {.n = 0};
	int64_t now_us = monotonic_clock_us();
	bool all = now_us - feed->checked_all_us > CHECK_ALL_US;
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		struct source *source = feed->app->sources.items[i];
		bool read_more = source->read.offset != source->checked.offset;
		int64_t offset = offset_to_check(source);
		if (source->state != PARTITION_READING || offset == OFFSET_NONE || !(all || read_more))
			continue;
		source->asked = met_no_message(source) ? (struct known_message){.offset = offset} : source->read;
		kafka_log_identity_add(&list, source->topic, source->partition, offset);
	}
	feed->checked_us = now_us;
	feed->checked_all_us = all ? now_us : feed->checked_all_us;
	feed->checking = list.n > 0;
	if (feed->checking)
		kafka_log_identity_ask(feed->log_identity, &list);
}
