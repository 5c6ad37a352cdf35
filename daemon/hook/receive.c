/* From a request to a record in Kafka, and from its acknowledgement to the answer. */
#include <inttypes.h>
#include <stdlib.h>

#include "adapters/http/peer.h"
#include "hook/hook_internal.h"
#include "kpid/base/clock.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"
#include "kpid/core/hook_key.h"
#include "kpid/core/timestamp.h"

enum { KEEP_BYTES = 64 * 1024, RECORD_OVERHEAD_BYTES = 512, KIND_UNAVAILABLE = 0, KIND_TOO_LARGE = 1 };

/* ---- answers ---- */

static void answer_taken(struct http_connection *connection)
{
	struct buf body = BUF_INIT;
	buf_add_str(&body, "{\"ok\": true}\n");
	struct blob *blob = blob_of(&body);
	http_answer(connection, &(struct http_answer){200, "application/json", NULL, blob});
	blob_release(blob);
}

static void answer_not_signed(const struct endpoint *endpoint, struct http_connection *connection)
{
	struct buf body = BUF_INIT, header = BUF_INIT;
	buf_add_str(&body, "{\"error\": \"the signature is missing or wrong\"}\n");
	buf_add_format(&header, "WWW-Authenticate: %s\r\n", signature_challenge(endpoint->rule.kind));
	struct blob *blob = blob_of(&body);
	http_answer(connection, &(struct http_answer){401, "application/json", header.data, blob});
	blob_release(blob);
	buf_release(&header);
}

static void refuse(struct endpoint *endpoint, struct http_connection *connection, int status, const char *message)
{
	endpoint->counts.n_refused++;
	http_answer_error(connection, status, message);
}

static void log_failure(struct hook *hook, unsigned kind, const char *why)
{
	switch (log_throttle_failed(&hook->failures, kind, monotonic_clock_us())) {
	case LOG_THROTTLE_FIRST:
		if (kind == KIND_TOO_LARGE)
			log_error("a request was answered with 413, because it is larger than its topic allows; raise "
			          "the "
			          "topic's max.message.bytes to 1048588 or more");
		else
			log_error("requests are answered with 503, and senders repeat them: %s", why);
		break;
	case LOG_THROTTLE_REMINDER:
		log_error("requests are still answered with 503 or 413: %" PRIu64 " so far; the last reason: %s",
		          hook->failures.n, why);
		break;
	case LOG_THROTTLE_QUIET:
		break;
	}
}

static void log_success(struct hook *hook)
{
	struct log_throttle summary;
	if (log_throttle_worked(&hook->failures, monotonic_clock_us(), &summary))
		log_info("requests are taken again; %" PRIu64 " were answered with an error", summary.n);
}

static void answer_unavailable(struct hook *hook, struct endpoint *endpoint, struct http_connection *connection,
                               const char *why)
{
	endpoint->counts.n_unavailable++;
	log_failure(hook, KIND_UNAVAILABLE, why);
	http_answer_error(connection, 503, "try again later");
}

static void answer_too_large(struct hook *hook, struct endpoint *endpoint, struct http_connection *connection)
{
	log_failure(hook, KIND_TOO_LARGE, "a record is too large");
	refuse(endpoint, connection, 413, "the request is too large for its topic");
}

/* ---- deliveries ---- */

static struct delivery *delivery_new(struct hook *hook, struct endpoint *endpoint, struct http_connection *connection,
                                     size_t n_bytes)
{
	struct delivery *delivery = mem_zalloc(sizeof(*delivery));
	*delivery = (struct delivery){.next = hook->deliveries,
	                              .connection = connection,
	                              .endpoint = endpoint,
	                              .n_bytes = n_bytes,
	                              .began_us = monotonic_clock_us()};
	if (hook->deliveries != NULL)
		hook->deliveries->prev = delivery;
	hook->deliveries = delivery;
	hook->n_queued_bytes += n_bytes;
	return delivery;
}

static void delivery_free(struct hook *hook, struct delivery *delivery)
{
	if (delivery->prev != NULL)
		delivery->prev->next = delivery->next;
	else
		hook->deliveries = delivery->next;
	if (delivery->next != NULL)
		delivery->next->prev = delivery->prev;
	hook->n_queued_bytes -= delivery->n_bytes;
	free(delivery);
}

void receive_gone(struct delivery *delivery)
{
	delivery->connection = NULL;
	delivery->endpoint->counts.n_unavailable++;
}

static void on_failed(struct hook *hook, const struct delivery *delivery, const char *why)
{
	struct buf broken = BUF_INIT;
	if (kafka_producer_is_broken(hook->producer, &broken)) {
		log_failure(hook, KIND_UNAVAILABLE, broken.data);
		hook_replace_producer(hook);
	}
	buf_release(&broken);
	if (delivery->connection != NULL)
		answer_unavailable(hook, delivery->endpoint, delivery->connection, why);
	else
		log_failure(hook, KIND_UNAVAILABLE, why);
}

void receive_reported(struct hook *hook, struct delivery *delivery, enum producer_report report, const char *why)
{
	switch (report) {
	case PRODUCER_DELIVERED:
		log_success(hook);
		histogram_add(&hook->acks, monotonic_clock_us() - delivery->began_us, 1);
		if (delivery->connection == NULL)
			break; /* too late: the sender repeats it */
		delivery->endpoint->counts.n_taken++;
		answer_taken(delivery->connection);
		break;
	case PRODUCER_REFUSED:
		if (delivery->connection != NULL)
			answer_too_large(hook, delivery->endpoint, delivery->connection);
		break;
	case PRODUCER_FAILED:
	case PRODUCER_PURGED:
		on_failed(hook, delivery, why);
		break;
	}
	delivery_free(hook, delivery);
}

void receive_drop_all(struct hook *hook)
{
	for (struct delivery *at = hook->deliveries, *next; at != NULL; at = next) {
		next = at->next;
		if (at->connection != NULL)
			answer_unavailable(hook, at->endpoint, at->connection, "the producer is replaced");
		delivery_free(hook, at);
	}
}

/* ---- requests ---- */

static struct text header_of(const struct request *request, const char *name)
{
	return request_header(request, name);
}

/* What has no signature must come from a program of this machine: neither from a page in a browser nor through a proxy.
 */
static bool is_from_here(struct http_connection *connection, const struct request *request)
{
	return http_is_local(connection) && text_is_absent(request->fields[FIELD_ORIGIN]) &&
	       text_is_absent(header_of(request, "x-forwarded-for")) && text_is_absent(header_of(request, "forwarded"));
}

static bool is_allowed(struct endpoint *endpoint, struct http_connection *connection, const struct request *request,
                       struct text body)
{
	char peer[PEER_TEXT_BYTES];
	if (request->method != REQUEST_POST) {
		refuse(endpoint, connection, 405, "only POST");
		return false;
	}
	if (endpoint->rule.kind == SIGNATURE_NONE && !is_from_here(connection, request)) {
		refuse(endpoint, connection, 403, "only programs of this machine may send without a signature");
		return false;
	}
	enum signature_verdict verdict =
	        signature_check(&endpoint->rule, request->headers, request->n_headers, body, wall_clock_us());
	if (verdict == SIGNATURE_GOOD)
		return true;
	http_peer(connection, peer, sizeof(peer));
	endpoint_refuse_signature(endpoint, verdict, peer);
	answer_not_signed(endpoint, connection);
	return false;
}

/* Returns the number of headers: when the request was received, and those that the configuration names. */
static size_t keep_headers(const struct endpoint *endpoint, const struct request *request,
                           char received[TIMESTAMP_TEXT_BYTES], struct wire_header out[])
{
	size_t n = 0;
	size_t n_bytes = timestamp_format(wall_clock_us(), received);
	out[n++] = (struct wire_header){TEXT("kpid-received"), {received, (uint32_t)n_bytes}};
	for (size_t i = 0; i < endpoint->headers.n; i++) {
		struct text value = header_of(request, endpoint->headers.items[i]);
		if (!text_is_absent(value))
			out[n++] = (struct wire_header){text_of(endpoint->headers.items[i]), value};
	}
	return n;
}

static size_t bytes_of(const struct kafka_record *record)
{
	size_t n = record->key.len + record->value.len + RECORD_OVERHEAD_BYTES;
	for (size_t i = 0; i < record->n_headers; i++)
		n += record->headers[i].name.len + record->headers[i].value.len;
	return n;
}

static void send(struct hook *hook, struct endpoint *endpoint, struct http_connection *connection,
                 const struct kafka_record *record)
{
	size_t n_bytes = bytes_of(record);
	if (hook->n_queued_bytes + n_bytes > (size_t)hook->config->hook.queue) {
		answer_unavailable(hook, endpoint, connection, "the queue is full");
		return;
	}
	struct delivery *delivery = delivery_new(hook, endpoint, connection, n_bytes);
	switch (kafka_producer_send_record(hook->producer, record, (int64_t)(uintptr_t)delivery)) {
	case PRODUCER_TAKEN:
		http_wait(connection, delivery);
		return;
	case PRODUCER_TOO_LARGE:
		answer_too_large(hook, endpoint, connection);
		break;
	case PRODUCER_FULL:
		answer_unavailable(hook, endpoint, connection, "the queue is full");
		break;
	case PRODUCER_NO_TOPIC:
		answer_unavailable(hook, endpoint, connection, "its topic does not exist");
		break;
	case PRODUCER_BROKEN:
		answer_unavailable(hook, endpoint, connection, "the producer must be replaced");
		hook_replace_producer(hook);
		break;
	}
	delivery_free(hook, delivery);
}

void receive(struct hook *hook, struct http_connection *connection, const struct request *request, struct text body)
{
	char received[TIMESTAMP_TEXT_BYTES];
	struct wire_header headers[REQUEST_MAX_HEADERS];
	struct endpoint *endpoint = endpoints_find(hook->endpoints, request->path);
	if (hook_metrics_route(hook, connection, request))
		return;
	if (endpoint == NULL) {
		http_answer_error(connection, 404, "there is no hook at this path");
		return;
	}
	if (!is_allowed(endpoint, connection, request, body))
		return;
	arena_clear(&hook->arena, KEEP_BYTES);
	const struct kafka_record record = {
	        .topic = endpoint->config->topic,
	        .key = hook_key(body, (const char *const *)endpoint->pointers.items, endpoint->pointers.n,
	                        &hook->arena),
	        .value = body,
	        .headers = headers,
	        .n_headers = keep_headers(endpoint, request, received, headers),
	};
	send(hook, endpoint, connection, &record);
}
