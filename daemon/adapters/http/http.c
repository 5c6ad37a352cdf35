#include "adapters/http/http.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <stdlib.h>

#include "kpid/base/buf.h"
#include "kpid/base/memory.h"
#include "kpid/core/timestamp.h"

struct exchange {
	struct http *http;
	CURL *easy;
	struct curl_slist *headers;
	struct buf body, answer;
	char error[CURL_ERROR_SIZE];
	http_answer_fn fn;
	void *context;
	struct exchange *next;
};

struct http {
	struct event_base *base;
	CURLM *multi;
	struct event *timer;
	struct exchange *exchanges;
};

static void free_exchange(struct exchange *exchange)
{
	struct exchange **at = &exchange->http->exchanges;
	while (*at != exchange)
		at = &(*at)->next;
	*at = exchange->next;
	curl_multi_remove_handle(exchange->http->multi, exchange->easy);
	curl_easy_cleanup(exchange->easy);
	curl_slist_free_all(exchange->headers);
	buf_release(&exchange->body);
	buf_release(&exchange->answer);
	free(exchange);
}

static void report_result(struct exchange *exchange, CURLcode result)
{
	long status = 0;
	const char *error = exchange->error[0] != '\0' ? exchange->error : curl_easy_strerror(result);
	if (result == CURLE_OK)
		curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
	exchange->fn(exchange->context, status, buf_text(&exchange->answer), result == CURLE_OK ? NULL : error);
}

static void read_results(struct http *http)
{
	CURLMsg *message;
	int n_left;
	while ((message = curl_multi_info_read(http->multi, &n_left)) != NULL) {
		struct exchange *exchange = NULL;
		CURLcode result = message->data.result;
		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&exchange);
		report_result(exchange, result);
		free_exchange(exchange);
	}
}

/* ---- libcurl and libevent ---- */

static void on_socket_ready(evutil_socket_t fd, short what, void *context)
{
	struct http *http = context;
	int n_running;
	int action = ((what & EV_READ) != 0 ? CURL_CSELECT_IN : 0) | ((what & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
	curl_multi_socket_action(http->multi, fd, action, &n_running);
	read_results(http);
}

/* A CURLMOPT_SOCKETFUNCTION: libcurl wants other events of a socket. socket_data: its struct event. */
static int on_socket_change(CURL *easy, curl_socket_t fd, int what, void *context, void *socket_data)
{
	struct http *http = context;
	struct event *event = socket_data;
	(void)easy;
	if (event != NULL)
		event_free(event);
	if (what == CURL_POLL_REMOVE) {
		curl_multi_assign(http->multi, fd, NULL);
		return 0;
	}
	int events = EV_PERSIST;
	events |= (what & CURL_POLL_IN) != 0 ? EV_READ : 0;
	events |= (what & CURL_POLL_OUT) != 0 ? EV_WRITE : 0;
	event = event_new(http->base, fd, (short)events, on_socket_ready, http);
	event_add(event, NULL);
	curl_multi_assign(http->multi, fd, event);
	return 0;
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct http *http = context;
	int n_running;
	(void)fd, (void)what;
	curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &n_running);
	read_results(http);
}

static int on_timeout_change(CURLM *multi, long timeout_ms, void *context)
{
	struct http *http = context;
	(void)multi;
	if (timeout_ms < 0) {
		evtimer_del(http->timer);
		return 0;
	}
	struct timeval timeout = {timeout_ms / 1000, (timeout_ms % 1000) * 1000};
	evtimer_add(http->timer, &timeout);
	return 0;
}

struct http *http_new(struct event_base *base)
{
	struct http *http = mem_zalloc(sizeof(*http));
	curl_global_init(CURL_GLOBAL_DEFAULT);
	http->base = base;
	http->multi = curl_multi_init();
	http->timer = evtimer_new(base, on_timer, http);
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket_change);
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_timeout_change);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
	return http;
}

void http_free(struct http *http)
{
	if (http == NULL)
		return;
	for (struct exchange *exchange = http->exchanges, *next; exchange != NULL; exchange = next) {
		next = exchange->next;
		free_exchange(exchange);
	}
	curl_multi_cleanup(http->multi);
	event_free(http->timer);
	curl_global_cleanup();
	free(http);
}

/* ---- one exchange ---- */

/* Returning less than size * n aborts the exchange: the response is too long. */
static size_t on_answer(char *bytes, size_t size, size_t n, void *context)
{
	struct exchange *exchange = context;
	if (exchange->answer.len_bytes + size * n > HTTP_ANSWER_BYTES)
		return 0;
	buf_add(&exchange->answer, bytes, size * n);
	return size * n;
}

static void set_options(struct exchange *exchange, const struct http_request *request)
{
	CURL *easy = exchange->easy;
	curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange);
	curl_easy_setopt(easy, CURLOPT_URL, request->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https,http");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "127.0.0.1,localhost,::1");
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(request->timeout_us / 1000));
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (request->ca_file != NULL)
		curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "kpid/" KPID_VERSION);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->error);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, buf_text(&exchange->body).ptr);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)exchange->body.len_bytes);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->headers);
}

void http_post(struct http *http, const struct http_request *request, http_answer_fn fn, void *context)
{
	struct exchange *exchange = mem_zalloc(sizeof(*exchange));
	*exchange = (struct exchange){.http = http,
	                              .easy = curl_easy_init(),
	                              .fn = fn,
	                              .context = context,
	                              .body = BUF_INIT,
	                              .answer = BUF_INIT,
	                              .next = http->exchanges};
	http->exchanges = exchange;
	buf_add_text(&exchange->body, request->body);
	/* Keeps libcurl from waiting for "100 Continue" before a large body. */
	exchange->headers = curl_slist_append(NULL, "expect:");
	for (size_t i = 0; i < request->n_headers; i++)
		exchange->headers = curl_slist_append(exchange->headers, request->headers[i]);
	set_options(exchange, request);
	curl_multi_add_handle(http->multi, exchange->easy);
}
