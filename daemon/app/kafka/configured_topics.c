#include <stdlib.h>

#include "app/kafka/feed.h"
#include "kpid/base/clock.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

/* How often the brokers are asked while every topic exists, and while one is missing or no broker answers. */
enum { ASK_US = 60000000, ASK_AGAIN_US = 5000000 };

static void add(struct configured_topics *topics, const char *name, const char *option)
{
	topics->items[topics->n++] = (struct configured_topic){.name = name, .option = option};
}

void feed_configure_topics(struct kafka_feed *feed)
{
	const struct kpid_config *config = feed->app->first_config;
	struct configured_topics *topics = &feed->topics;
	topics->items = mem_zalloc((config->topics.n + 1) * sizeof(*topics->items));
	for (size_t i = 0; i < config->topics.n; i++)
		add(topics, config->topics.items[i].name, "[topics]");
	if (config->alert.topic != NULL)
		add(topics, config->alert.topic, "[alert] topic");
}

void feed_check_topics(struct kafka_feed *feed)
{
	struct configured_topics *topics = &feed->topics;
	struct kafka_probe_list list = {.tag = PROBE_CONFIGURED};
	int64_t now_us = monotonic_clock_us();
	bool is_urgent = topics->n_missing > 0 || kafka_consumer_is_cut_off(feed->consumer);
	if (topics->is_asking || feed->closing ||
	    (topics->asked_us != 0 && now_us - topics->asked_us < (is_urgent ? ASK_AGAIN_US : ASK_US)))
		return;
	topics->asked_us = now_us;
	topics->is_asking = true;
	for (size_t i = 0; i < topics->n; i++)
		kafka_probe_add(&list, topics->items[i].name, KAFKA_PROBE_TOPIC);
	kafka_probe_ask(feed->probe, &list);
}

/* Anything else is temporary, or not about the topic. */
static bool is_missing(rd_kafka_resp_err_t error)
{
	return error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
	       error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
}

static void log_missing(const struct configured_topic *topic)
{
	if (topic->error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
		log_error("the topic %s of %s must not be used by this user: grant the rights to it", topic->name,
		          topic->option);
	else
		log_error("the topic %s of %s does not exist: correct its name or create it; kpid creates no topics",
		          topic->name, topic->option);
}

static void note(struct kafka_feed *feed, struct configured_topic *topic, const struct kafka_probe_item *answer)
{
	rd_kafka_resp_err_t error = answer->error;
	bool was_missing = is_missing(topic->error);
	if (!is_missing(error) && error != RD_KAFKA_RESP_ERR_NO_ERROR)
		return; /* nothing is known about it */
	kafka_consumer_note_contact(feed->consumer, answer->asked_us);
	if (topic->error == error)
		return;
	topic->error = error;
	if (is_missing(error))
		log_missing(topic);
	else if (was_missing)
		log_info("the topic %s exists now", topic->name);
}

void feed_on_topics_checked(struct kafka_feed *feed, const struct kafka_probe_list *answers)
{
	struct configured_topics *topics = &feed->topics;
	topics->is_asking = false;
	topics->n_missing = 0;
	for (size_t i = 0; i < topics->n; i++) {
		note(feed, &topics->items[i], &answers->items[i]);
		topics->n_missing += is_missing(topics->items[i].error);
	}
}

void feed_describe_topics(const struct kafka_feed *feed, struct buf *out)
{
	for (size_t i = 0; i < feed->topics.n; i++)
		if (is_missing(feed->topics.items[i].error))
			buf_add_format(out, "; the topic %s of %s %s", feed->topics.items[i].name,
			               feed->topics.items[i].option,
			               feed->topics.items[i].error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
			                       ? "does not exist"
			                       : "must not be used by this user");
}

void feed_release_topics(struct kafka_feed *feed)
{
	free(feed->topics.items);
}
