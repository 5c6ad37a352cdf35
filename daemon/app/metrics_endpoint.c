#include "app/metrics_endpoint.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/http/listen.h"
#include "adapters/http/server.h"
#include "app/metrics_table.h"
#include "config/config_internal.h"
#include "kpid/base/clock.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"
#include "kpid/core/timestamp.h"

enum { LISTEN_AGAIN_S = 10, REFRESH_S = 15, WANTED_S = 300, DEADLINES_LATE_S = 10 };

struct metrics_endpoint {
	struct app *app;
	void (*look)(const void *context, struct health *health_io);
	const void *context;
	struct listen_address address;
	char *own_host;       /* of the address, as a browser names it */
	const char *hosts[4]; /* that requests may name */
	struct http_server *server;
	struct metrics_database *database;
	struct event *listen_timer;  /* tries to listen again */
	struct event *refresh_timer; /* reads the database while somebody wants the metrics */
	int64_t asked_us;            /* monotonic: last request for the metrics */
	bool is_late;                /* the address was taken; it was logged */
};

/* ---- health ---- */

static bool postgres_is_usable(const struct app *app)
{
	for (int i = 0; i < app->n_lanes; i++)
		if (lane_refusal(app->lanes[i]) != SQL_TRANSIENT)
			return false;
	return pg_session_is_ready(app->control) && session_watch_all_open(&app->watch);
}

static struct health health_of(const struct metrics_endpoint *endpoint)
{
	const struct app *app = endpoint->app;
	struct health health = {.stopping = app->stopping};
	health.holds[CONDITION_STARTED] = app->begun;
	health.holds[CONDITION_POSTGRES] = app->begun && postgres_is_usable(app);
	health.holds[CONDITION_DEADLINES] =
	        deadline_scheduler_overdue_us(app->scheduler) < DEADLINES_LATE_S * US_PER_SECOND;
	endpoint->look(endpoint->context, &health);
	for (size_t i = 0; i < app->sources.n; i++) {
		health.n_reading += partition_is_reading(app->sources.items[i]->state);
		health.n_stopped += app->sources.items[i]->state == PARTITION_STOPPED;
	}
	return health;
}

/* ---- the database ---- */

static void refresh(struct metrics_endpoint *endpoint)
{
	/* While the server is away, another session would only log that once more. */
	if (endpoint->app->begun && pg_session_is_ready(endpoint->app->control))
		metrics_database_refresh(endpoint->database, endpoint->app->config);
}

static void on_refresh(evutil_socket_t fd, short what, void *context)
{
	static const struct timeval pause = {REFRESH_S, 0};
	struct metrics_endpoint *endpoint = context;
	(void)fd, (void)what;
	refresh(endpoint);
	if (monotonic_clock_us() - endpoint->asked_us < WANTED_S * US_PER_SECOND)
		evtimer_add(endpoint->refresh_timer, &pause);
}

/* ---- requests ---- */

static void answer(struct http_connection *connection, int status, const char *type, struct buf *body)
{
	struct blob *blob = blob_of(body);
	http_answer(connection, &(struct http_answer){status, type, NULL, blob});
	blob_release(blob);
}

static void answer_metrics(struct metrics_endpoint *endpoint, struct http_connection *connection,
                           const struct request *request)
{
	struct health health = health_of(endpoint);
	const struct metrics_view view = {endpoint->app, metrics_database_values(endpoint->database), &health};
	enum metrics_format format = metrics_format_of(request->fields[FIELD_ACCEPT]);
	struct buf body = BUF_INIT;
	endpoint->asked_us = monotonic_clock_us();
	if (!evtimer_pending(endpoint->refresh_timer, NULL))
		on_refresh(-1, 0, endpoint);
	metrics_write(&view, format, &body);
	answer(connection, 200, metrics_content_type(format), &body);
}

static void answer_ready(struct metrics_endpoint *endpoint, struct http_connection *connection,
                         const struct request *request)
{
	struct health health = health_of(endpoint);
	struct buf body = BUF_INIT;
	health_write(&health, text_equal(request->query, TEXT("verbose")), &body);
	answer(connection, health_is_ready(&health) ? 200 : 503, "text/plain; charset=utf-8", &body);
}

static void on_request(void *context, struct http_connection *connection, const struct request *request,
                       struct text request_body)
{
	struct metrics_endpoint *endpoint = context;
	struct buf body = BUF_INIT;
	(void)request_body;
	if (request->method == REQUEST_POST) {
		http_answer_error(connection, 405, "only GET and HEAD");
	} else if (text_equal(request->path, TEXT("/metrics"))) {
		answer_metrics(endpoint, connection, request);
	} else if (text_equal(request->path, TEXT("/livez"))) {
		buf_add_str(&body, "ok\n"); /* the event loop turns: it has just answered */
		answer(connection, 200, "text/plain; charset=utf-8", &body);
	} else if (text_equal(request->path, TEXT("/readyz"))) {
		answer_ready(endpoint, connection, request);
	} else {
		http_answer_error(connection, 404, "there are /metrics, /livez and /readyz?verbose");
	}
}

static void on_gone(void *context, struct http_connection *connection, void *tag)
{
	(void)context, (void)connection, (void)tag; /* every request was answered at once */
}

/* ---- listening ---- */

bool metrics_listen_check(const struct kpid_config *config, struct config_errors *errors)
{
	struct listen_address address;
	struct buf error = BUF_INIT;
	bool ok = config->metrics.listen == NULL || listen_parse(config->metrics.listen, &address, &error);
	if (!ok)
		config_error_add(errors, config->file == NULL ? "defaults" : config->file, 0, "metrics.listen", "%s",
		                 error.data);
	buf_release(&error);
	return ok;
}

static void on_listen(evutil_socket_t fd, short what, void *context)
{
	static const struct timeval pause = {LISTEN_AGAIN_S, 0};
	struct metrics_endpoint *endpoint = context;
	const char *address = endpoint->app->first_config->metrics.listen;
	struct buf error = BUF_INIT;
	(void)fd, (void)what;
	int listening = listen_open(&endpoint->address, &error);
	if (listening >= 0) {
		http_server_listen(endpoint->server, listening);
		log_info("metrics are served at %s", address);
	} else {
		if (!endpoint->is_late)
			log_warning(
			        "metrics are not served at %s: %s; trying again every %d s. Give each instance on a "
			        "machine a metrics.listen of its own",
			        address, error.data, LISTEN_AGAIN_S);
		endpoint->is_late = true;
		evtimer_add(endpoint->listen_timer, &pause);
	}
	buf_release(&error);
}

/* A page of another site may reach this machine through a name of its own: with an address of this machine alone, only
 * its names are answered. */
static size_t allow_hosts(struct metrics_endpoint *endpoint)
{
	const char *listen = endpoint->app->first_config->metrics.listen, *colon = strrchr(listen, ':');
	size_t n = 0;
	if (endpoint->address.is_unix || !endpoint->address.is_local)
		return 0;
	endpoint->own_host = colon == NULL ? mem_strdup("localhost") : strndup(listen, (size_t)(colon - listen));
	endpoint->hosts[n++] = endpoint->own_host;
	endpoint->hosts[n++] = "localhost";
	endpoint->hosts[n++] = "127.0.0.1";
	endpoint->hosts[n++] = "[::1]";
	return n;
}

/* ---- life ---- */

struct metrics_endpoint *
metrics_endpoint_new(struct app *app, void (*look)(const void *context, struct health *health_io), const void *context)
{
	static const struct http_limits limits = {.max_connections = 64,
	                                          .max_per_address = 16,
	                                          .max_body_bytes = REQUEST_MAX_BODY_BYTES,
	                                          .methods = "GET, HEAD",
	                                          .late = "there was no answer in time",
	                                          .hosts_option = "[metrics] listen"};
	const char *listen = app->first_config->metrics.listen;
	struct buf error = BUF_INIT;
	if (listen == NULL)
		return NULL;
	struct metrics_endpoint *endpoint = mem_zalloc(sizeof(*endpoint));
	endpoint->app = app;
	endpoint->look = look;
	endpoint->context = context;
	(void)listen_parse(listen, &endpoint->address, &error);
	buf_release(&error);
	size_t n_hosts = allow_hosts(endpoint);
	endpoint->server =
	        http_server_new(app->base, &limits, endpoint->hosts, n_hosts,
	                        &(struct http_events){.request = on_request, .gone = on_gone, .context = endpoint});
	endpoint->database = metrics_database_new(app->base, app->first_config);
	endpoint->listen_timer = evtimer_new(app->base, on_listen, endpoint);
	endpoint->refresh_timer = evtimer_new(app->base, on_refresh, endpoint);
	on_listen(-1, 0, endpoint);
	return endpoint;
}

void metrics_endpoint_free(struct metrics_endpoint *endpoint)
{
	if (endpoint == NULL)
		return;
	http_server_free(endpoint->server);
	metrics_database_free(endpoint->database);
	event_free(endpoint->listen_timer);
	event_free(endpoint->refresh_timer);
	free(endpoint->own_host);
	free(endpoint);
}
