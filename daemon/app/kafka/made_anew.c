#include "app/kafka/feed.h"

/* How often it is looked at all, read more of or not: they may have been made anew with as many messages. */
enum { CHECK_ALL_US = 10000000 };

/* Of a topic that was made anew, no message is in its place. As long as one of before is, the log is the same, and so
 * is what was read of it by the time that this was asked. */
void feed_on_checked(void *context, const struct kafka_reread_list *answers)
{
	struct kafka_feed *feed = context;
	feed->checking = false;
	for (size_t i = 0; i < answers->n; i++) {
		const struct kafka_reread_item *answer = &answers->items[i];
		struct source *source = sources_get(&feed->app->sources, answer->topic, answer->partition);
		struct known_message asked = source->asked;
		source->asked.offset = OFFSET_NONE;
		if (asked.offset == OFFSET_NONE || !source->reading || answer->state == REREAD_UNKNOWN)
			continue; /* claimed anew meanwhile; or to be asked again */
		bool other = answer->state == REREAD_FOUND && answer->fingerprint != source->checked.fingerprint;
		if (other || answer->state == REREAD_NOT_THERE)
			feed_meet_gap(
			        feed, source,
			        "the topic was truncated or made anew while it was read: what stood there is not there "
			        "any more");
		else
			source->checked = asked;
	}
}

void feed_check_logs(struct kafka_feed *feed)
{
	struct kafka_reread_list list = {.n = 0};
	int64_t now_us = monotonic_clock_us();
	bool all = now_us - feed->checked_all_us > CHECK_ALL_US;
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		struct source *source = feed->app->sources.items[i];
		bool read_more = source->read.offset != source->checked.offset;
		if (!source->reading || source->verify_fingerprint || source->checked.offset == OFFSET_NONE ||
		    !(all || read_more))
			continue;
		source->asked = source->read;
		kafka_reread_add(&list, source->topic, source->partition, source->checked.offset);
	}
	feed->checked_us = now_us;
	feed->checked_all_us = all ? now_us : feed->checked_all_us;
	feed->checking = list.n > 0;
	if (feed->checking)
		kafka_reread_ask(feed->reread, &list);
}
