#include "hook/topics.h"

#include <event2/event.h>
#include <stdlib.h>

#include "adapters/kafka/probe.h"
#include "adapters/timer.h"
#include "kpid/base/buf.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

enum { ASK_EVERY_S = 5 };

struct topics {
	struct kafka_probe *probe;
	struct event *timer;
	const char *const *names;
	size_t n_names;
	struct buf fault;  /* of the last answer; empty: none */
	bool is_known;     /* there was an answer */
	struct buf logged; /* the fault that was logged last */
};

static void ask(struct topics *topics)
{
	struct kafka_probe_list list = {.n = 0};
	for (size_t i = 0; i < topics->n_names; i++)
		kafka_probe_add(&list, topics->names[i], KAFKA_PROBE_TOPIC);
	kafka_probe_ask(topics->probe, &list);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	ask(context);
}

static void log_change(struct topics *topics)
{
	if (text_equal(buf_text(&topics->fault), buf_text(&topics->logged)))
		return;
	if (topics->fault.len_bytes > 0)
		log_error("requests are answered with 503: %s", topics->fault.data);
	else
		log_info("Kafka takes requests again");
	buf_clear(&topics->logged);
	buf_add_text(&topics->logged, buf_text(&topics->fault));
}

static void on_answers(void *context, const struct kafka_probe_list *answers)
{
	struct topics *topics = context;
	buf_clear(&topics->fault);
	for (size_t i = 0; i < answers->n && topics->fault.len_bytes == 0; i++) {
		const struct kafka_probe_item *item = &answers->items[i];
		if (item->error == RD_KAFKA_RESP_ERR__TIMED_OUT || item->error == RD_KAFKA_RESP_ERR__TRANSPORT ||
		    item->error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
			buf_add_format(&topics->fault, "Kafka does not answer: %s", rd_kafka_err2str(item->error));
		else if (item->n_partitions == 0)
			buf_add_format(&topics->fault,
			               "there is no topic %s: %s; create it, or allow this user to write to it",
			               item->topic, rd_kafka_err2str(item->error));
	}
	topics->is_known = true;
	log_change(topics);
	timer_start(topics->timer, ASK_EVERY_S * US_PER_SECOND);
}

struct topics *topics_new(struct event_base *base, const struct config_pairs *kafka, const char *const *names,
                          size_t n_names)
{
	struct topics *topics = mem_zalloc(sizeof(*topics));
	topics->names = names;
	topics->n_names = n_names;
	topics->probe = kafka_probe_new(base, kafka, NULL, on_answers, topics);
	if (topics->probe == NULL) {
		free(topics);
		return NULL;
	}
	topics->timer = evtimer_new(base, on_timer, topics);
	return topics;
}

void topics_free(struct topics *topics)
{
	if (topics == NULL)
		return;
	kafka_probe_free(topics->probe);
	event_free(topics->timer);
	buf_release(&topics->fault);
	buf_release(&topics->logged);
	free(topics);
}

void topics_start(struct topics *topics)
{
	ask(topics);
}

const char *topics_fault(const struct topics *topics)
{
	if (!topics->is_known)
		return "Kafka has not answered yet";
	return topics->fault.len_bytes > 0 ? topics->fault.data : NULL;
}
