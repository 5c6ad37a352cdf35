#include "hook/hook.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "adapters/http/sockets.h"
#include "adapters/timer.h"
#include "app/notify.h"
#include "hook/hook_internal.h"
#include "kpid/base/clock.h"
#include "kpid/base/hash.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

/* N_STOP_LOOKS, STOP_LOOK_MS: how long requests have to end, which they do within HOOK_ANSWER_MS. */
enum { N_STOP_LOOKS = 50, STOP_LOOK_MS = 100 };

/* ---- requests ---- */

static void on_request(void *context, struct http_connection *connection, const struct request *request,
                       struct text body)
{
	receive(context, connection, request, body);
}

static void on_taken(void *context, void *tag)
{
	(void)context, (void)tag; /* no answer is a file */
}

static void on_gone(void *context, struct http_connection *connection, void *tag)
{
	(void)context, (void)connection;
	receive_gone(tag);
}

/* ---- Kafka ---- */

static void on_reported(void *context, int64_t number, enum producer_report report, const char *why)
{
	receive_reported(context, (struct delivery *)(uintptr_t)number, report, why);
}

static void on_idle(void *context)
{
	(void)context;
}

static const char **topics_of(const struct kpid_config *config)
{
	const char **topics = mem_zalloc(config->hooks.n * sizeof(*topics) + 1);
	for (size_t i = 0; i < config->hooks.n; i++)
		topics[i] = config->hooks.items[i].topic;
	return topics;
}

/* False if a property in [kafka] is wrong; that is logged. */
static bool make_producer(struct hook *hook)
{
	const struct kafka_producer_events events = {on_reported, on_idle, hook};
	hook->producer = kafka_record_producer_new(hook->base, &hook->config->kafka, hook->config->hook.queue,
	                                           HOOK_ACK_MS, hook->topic_names, hook->config->hooks.n, &events);
	return hook->producer != NULL;
}

static void on_replace(evutil_socket_t fd, short what, void *context)
{
	struct hook *hook = context;
	(void)fd, (void)what;
	receive_drop_all(hook);
	kafka_producer_free(hook->producer);
	if (make_producer(hook))
		return;
	hook->has_failed = true;
	event_base_loopbreak(hook->base);
}

/* Not at once, because the caller may be a callback of the producer. */
void hook_replace_producer(struct hook *hook)
{
	timer_start(hook->replacing, 0);
}

/* ---- life ---- */

static void on_stop_look(evutil_socket_t fd, short what, void *context)
{
	struct hook *hook = context;
	(void)fd, (void)what;
	if (http_server_is_idle(hook->http) || hook->n_stop_looks-- <= 0)
		event_base_loopbreak(hook->base);
	else
		timer_start(hook->stop_timer, STOP_LOOK_MS * 1000);
}

static void on_stop(evutil_socket_t fd, short what, void *context)
{
	struct hook *hook = context;
	if (hook->is_stopping) {
		event_base_loopbreak(hook->base);
		return;
	}
	hook->is_stopping = true;
	hook->n_stop_looks = N_STOP_LOOKS;
	log_info("stopping");
	notify_stopping();
	http_server_drain(hook->http);
	on_stop_look(fd, what, hook);
}

static void make_server(struct hook *hook)
{
	static const char *const local_hosts[] = {"localhost", "127.0.0.1", "[::1]"};
	const struct kpid_config *config = hook->config;
	const struct http_limits limits = {.max_connections = (size_t)config->hook.max_connections,
	                                   .max_body_bytes = HOOK_MAX_BODY_BYTES,
	                                   .max_unread_bytes = (size_t)config->hook.queue,
	                                   .answer_within_us = HOOK_ANSWER_MS * 1000,
	                                   .retry_after_s = HOOK_RETRY_AFTER_S,
	                                   .methods = "POST",
	                                   .late = "Kafka did not acknowledge it in time",
	                                   .hosts_option = "[hook] allow_hosts"};
	const struct http_events events = {on_request, on_taken, on_gone, hook};
	const char *const *hosts = (const char *const *)config->hook.allow_hosts.items;
	size_t n_hosts = config->hook.allow_hosts.n;
	if (n_hosts == 0) {
		hosts = local_hosts;
		n_hosts = sizeof(local_hosts) / sizeof(local_hosts[0]);
	}
	hook->http = http_server_new(hook->base, &limits, hosts, n_hosts, &events);
}

/* Opens the sockets, and checks what has no signature. */
static bool open_sockets(const struct hook *hook, struct sockets *out, struct buf *error_out)
{
	const struct kpid_config *config = hook->config;
	const struct endpoint *unsigned_one = endpoints_find_unsigned(hook->endpoints);
	if (!sockets_make_room("hook", (size_t)config->hook.max_connections, error_out) ||
	    !sockets_open("hook", config->hook.listen, config->hook.allow_hosts.n > 0, out, error_out))
		return false;
	if (out->are_local || unsigned_one == NULL)
		return true;
	buf_add_format(
	        error_out,
	        "hook %s.signature: none is allowed on this machine only, and others can connect to the address; "
	        "choose a signature, or listen on 127.0.0.1",
	        unsigned_one->config->name);
	sockets_close(out);
	return false;
}

static void make_events(struct hook *hook)
{
	static const bool begun = true;
	hook->on_term = evsignal_new(hook->base, SIGTERM, on_stop, hook);
	hook->on_int = evsignal_new(hook->base, SIGINT, on_stop, hook);
	hook->stop_timer = evtimer_new(hook->base, on_stop_look, hook);
	hook->replacing = evtimer_new(hook->base, on_replace, hook);
	evsignal_add(hook->on_term, NULL);
	evsignal_add(hook->on_int, NULL);
	hook->watchdog = notify_watchdog(hook->base, &begun);
}

static bool make_topics(struct hook *hook)
{
	hook->topics = topics_new(hook->base, &hook->config->kafka, hook->topic_names, hook->config->hooks.n);
	return hook->topics != NULL;
}

struct hook *hook_new(const struct kpid_config *config, struct endpoints *endpoints, struct buf *error_out)
{
	struct sockets sockets = {.n = 0};
	struct hook *hook = mem_zalloc(sizeof(*hook));
	hook->config = config;
	hook->endpoints = endpoints;
	hook->base = event_base_new();
	hook->topic_names = topics_of(config);
	arena_init(&hook->arena);
	hash_seed((uint64_t)wall_clock_us() ^ (uint64_t)getpid() << 32);
	signal(SIGPIPE, SIG_IGN);
	make_events(hook);
	make_server(hook);
	endpoints_start(endpoints, hook->base);
	bool is_good = open_sockets(hook, &sockets, error_out);
	if (is_good && !(make_producer(hook) && make_topics(hook))) {
		buf_add_str(error_out, "kafka: the configuration of librdkafka is wrong; see above");
		is_good = false;
	}
	if (!is_good) {
		sockets_close(&sockets);
		hook_free(hook);
		return NULL;
	}
	for (size_t i = 0; i < sockets.n; i++)
		http_server_listen(hook->http, sockets.fds[i]);
	sockets_log(&sockets, "webhooks");
	return hook;
}

bool hook_run(struct hook *hook)
{
	topics_start(hook->topics);
	notify_ready();
	notify_status("receiving");
	event_base_dispatch(hook->base);
	return !hook->has_failed;
}

void hook_free(struct hook *hook)
{
	if (hook == NULL)
		return;
	http_server_free(hook->http);
	receive_drop_all(hook);
	kafka_producer_free(hook->producer);
	topics_free(hook->topics);
	arena_release(&hook->arena);
	endpoints_stop(hook->endpoints);
	event_free(hook->on_term);
	event_free(hook->on_int);
	event_free(hook->stop_timer);
	event_free(hook->replacing);
	if (hook->watchdog != NULL)
		event_free(hook->watchdog);
	event_base_free(hook->base);
	free(hook->topic_names);
	free(hook);
}
