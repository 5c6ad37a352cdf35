#include <string.h>

#include "app/kafka/feed.h"
#include "kpid/base/clock.h"

/* How often a partition of each topic is checked even if nothing was read: a recreated topic may have as many messages
 * as the old one. The partitions take turns. If one fails the check, the next check has all of them. */
enum { CHECK_IDLE_US = 10000000 };

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

static bool can_be_checked(const struct source *source)
{
	return source->state == PARTITION_READING && offset_to_check(source) != OFFSET_NONE;
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
		if (answer->state == LOG_IDENTITY_UNKNOWN && feed->checking_all)
			feed->checks_all = true;
		if (asked.offset == OFFSET_NONE || !partition_is_reading(source->state) ||
		    answer->state == LOG_IDENTITY_UNKNOWN)
			continue; /* claimed again meanwhile, or no answer: it is asked again */
		if (met_no_message(source) && answer->state == LOG_IDENTITY_FOUND) {
			feed_step(feed, source, PARTITION_BEGIN_MOVED);
			feed->checks_all = true;
		}
		if (answer->offset != source->checked.offset)
			continue; /* no message was known when the question was asked */
		bool other = answer->state == LOG_IDENTITY_FOUND && answer->fingerprint != source->checked.fingerprint;
		if (other || answer->state == LOG_IDENTITY_NOT_THERE) {
			feed_meet_gap(feed, source,
			              "the topic was truncated or recreated while it was read: a message that was read "
			              "is gone");
			feed->checks_all = true;
		} else {
			source->checked = asked;
		}
	}
}

static void add(struct kafka_log_identity_list *list, struct source *source)
{
	int64_t offset = offset_to_check(source);
	source->asked = met_no_message(source) ? (struct known_message){.offset = offset} : source->read;
	kafka_log_identity_add(list, source->topic, source->partition, offset);
}

/* The partition of the topic whose turn it is; NULL: none can be checked. */
static struct source *next_in_turn(const struct kafka_feed *feed, const char *topic)
{
	struct source *const *sources = feed->app->sources.items;
	struct source *found = NULL;
	size_t n = 0, turn = 0;
	for (size_t i = 0; i < feed->app->sources.n; i++)
		n += can_be_checked(sources[i]) && strcmp(sources[i]->topic, topic) == 0;
	if (n == 0)
		return NULL;
	for (size_t i = 0; i < feed->app->sources.n && found == NULL; i++)
		if (can_be_checked(sources[i]) && strcmp(sources[i]->topic, topic) == 0 &&
		    turn++ == feed->n_idle_checks % n)
			found = sources[i];
	return found;
}

static void add_idle(struct kafka_feed *feed, struct kafka_log_identity_list *list)
{
	const struct config_topics *topics = &feed->app->config->topics;
	for (size_t i = 0; i < topics->n; i++) {
		struct source *source = next_in_turn(feed, topics->items[i].name);
		if (source != NULL && source->asked.offset == OFFSET_NONE)
			add(list, source);
	}
	feed->n_idle_checks++;
}

void feed_check_logs(struct kafka_feed *feed)
{
	struct kafka_log_identity_list list = {.n = 0};
	int64_t now_us = monotonic_clock_us();
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		struct source *source = feed->app->sources.items[i];
		bool read_more = source->read.offset != source->checked.offset;
		if (can_be_checked(source) && (feed->checks_all || read_more))
			add(&list, source);
	}
	feed->checking_all = feed->checks_all;
	feed->checks_all = false;
	feed->checked_us = now_us;
	if (now_us - feed->idle_checked_us > CHECK_IDLE_US) {
		feed->idle_checked_us = now_us;
		add_idle(feed, &list);
	}
	feed->checking = list.n > 0;
	if (feed->checking)
		kafka_log_identity_ask(feed->log_identity, &list);
}
