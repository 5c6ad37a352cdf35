#include "hook/endpoints.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>

#include "adapters/timer.h"
#include "config/config_internal.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

enum { LOG_EVERY_S = 60, LINE_OF_SIGNATURE = 2, LINE_OF_SECRET = 3, LINE_OF_HEADERS = 5 };

/* ---- loading ---- */

struct loading {
	const struct kpid_config *config;
	struct config_errors *errors;
	bool is_good;
};

static void fail(struct loading *loading, const struct config_hook *hook, int line, const char *option,
                 const char *message)
{
	struct buf key = BUF_INIT;
	buf_add_format(&key, "hook %s.%s", hook->name, option);
	config_error_add(loading->errors, loading->config->file == NULL ? "defaults" : loading->config->file,
	                 hook->lines[line], key.data, "%s", message);
	buf_release(&key);
	loading->is_good = false;
}

/* Reads one secret into the rule. */
static void add_secret(struct loading *loading, struct endpoint *endpoint, const char *path)
{
	struct buf secret = BUF_INIT, message = BUF_INIT, *key = &endpoint->keys[endpoint->rule.n_secrets];
	if (config_secret_read(path, &secret, &message)) {
		const char *why = signature_key(endpoint->rule.kind, buf_text(&secret), key);
		if (why != NULL)
			buf_add_format(&message, "%s %s", path, why);
		else
			endpoint->rule.secrets[endpoint->rule.n_secrets++] = buf_text(key);
	}
	if (message.len_bytes > 0)
		fail(loading, endpoint->config, LINE_OF_SECRET, "secret_file", message.data);
	if (secret.data != NULL)
		explicit_bzero(secret.data, secret.capacity_bytes);
	buf_release(&secret);
	buf_release(&message);
}

static void load_secrets(struct loading *loading, struct endpoint *endpoint)
{
	const struct config_hook *hook = endpoint->config;
	const char *rest = hook->secret_file;
	char *path;
	if (endpoint->rule.kind == SIGNATURE_NONE && rest != NULL)
		fail(loading, hook, LINE_OF_SECRET, "secret_file",
		     "has no use with signature = none; remove one of them");
	else if (endpoint->rule.kind != SIGNATURE_NONE && rest == NULL)
		fail(loading, hook, LINE_OF_SIGNATURE, "secret_file",
		     "is missing; write the secret that the help desk shows into a file, and name it");
	while (loading->is_good && config_list_next(&rest, &path)) {
		add_secret(loading, endpoint, path);
		free(path);
	}
}

static void split(const char *list, struct config_words *out)
{
	const char *rest = list;
	char *word;
	while (config_list_next(&rest, &word))
		config_words_add(out, word);
}

static void load(struct loading *loading, struct endpoint *endpoint)
{
	const struct config_hook *hook = endpoint->config;
	if (!signature_parse(text_of(hook->signature), &endpoint->rule)) {
		struct buf message = BUF_INIT;
		buf_add_format(&message, "\"%s\" is not one of %s", hook->signature, signature_words());
		fail(loading, hook, LINE_OF_SIGNATURE, "signature", message.data);
		buf_release(&message);
		return;
	}
	load_secrets(loading, endpoint);
	split(hook->key, &endpoint->pointers);
	split(hook->headers, &endpoint->headers);
	for (size_t i = 0; i < endpoint->headers.n; i++)
		if (endpoint->rule.kind == SIGNATURE_HEADER &&
		    endpoint->rule.header.len == strlen(endpoint->headers.items[i]) &&
		    strncasecmp(endpoint->headers.items[i], endpoint->rule.header.ptr, endpoint->rule.header.len) == 0)
			fail(loading, hook, LINE_OF_HEADERS, "headers", "names the header that holds the secret");
}

struct endpoints *endpoints_load(const struct kpid_config *config, struct config_errors *errors)
{
	struct loading loading = {config, errors, true};
	struct endpoints *endpoints = mem_zalloc(sizeof(*endpoints));
	endpoints->items = mem_zalloc(config->hooks.n * sizeof(*endpoints->items) + 1);
	endpoints->n = config->hooks.n;
	for (size_t i = 0; i < endpoints->n; i++) {
		struct loading one = loading;
		endpoints->items[i].config = &config->hooks.items[i];
		load(&one, &endpoints->items[i]);
		loading.is_good = loading.is_good && one.is_good;
	}
	if (loading.is_good)
		return endpoints;
	endpoints_free(endpoints);
	return NULL;
}

static void release_key(struct buf *key)
{
	if (key->data != NULL)
		explicit_bzero(key->data, key->capacity_bytes);
	buf_release(key);
}

void endpoints_free(struct endpoints *endpoints)
{
	if (endpoints == NULL)
		return;
	for (size_t i = 0; i < endpoints->n; i++) {
		struct endpoint *endpoint = &endpoints->items[i];
		for (size_t j = 0; j < SIGNATURE_MAX_SECRETS; j++)
			release_key(&endpoint->keys[j]);
		config_words_release(&endpoint->pointers);
		config_words_release(&endpoint->headers);
	}
	free(endpoints->items);
	free(endpoints);
}

/* ---- finding ---- */

const struct endpoint *endpoints_find_unsigned(const struct endpoints *endpoints)
{
	for (size_t i = 0; i < endpoints->n; i++)
		if (endpoints->items[i].rule.kind == SIGNATURE_NONE)
			return &endpoints->items[i];
	return NULL;
}

struct endpoint *endpoints_find(struct endpoints *endpoints, struct text path)
{
	for (size_t i = 0; i < endpoints->n; i++)
		if (text_equal(path, text_of(endpoints->items[i].config->path)))
			return &endpoints->items[i];
	return NULL;
}

/* ---- refusals ---- */

static void on_log_timer(evutil_socket_t fd, short what, void *context)
{
	struct endpoint *endpoint = context;
	(void)fd, (void)what;
	if (endpoint->n_not_logged == 0)
		return;
	log_warning("[hook %s]: %" PRIu64 " more requests were refused (401) in the last minute; %s",
	            endpoint->config->name, endpoint->n_not_logged, signature_why(endpoint->why));
	endpoint->n_not_logged = 0;
	timer_start(endpoint->log_timer, LOG_EVERY_S * US_PER_SECOND);
}

void endpoints_start(struct endpoints *endpoints, struct event_base *base)
{
	for (size_t i = 0; i < endpoints->n; i++)
		endpoints->items[i].log_timer = evtimer_new(base, on_log_timer, &endpoints->items[i]);
}

void endpoints_stop(struct endpoints *endpoints)
{
	for (size_t i = 0; i < endpoints->n; i++) {
		event_free(endpoints->items[i].log_timer);
		endpoints->items[i].log_timer = NULL;
	}
}

void endpoint_refuse_signature(struct endpoint *endpoint, enum signature_verdict why, const char *peer)
{
	endpoint->counts.n_not_signed++;
	endpoint->why = why;
	if (evtimer_pending(endpoint->log_timer, NULL)) {
		endpoint->n_not_logged++;
		return;
	}
	log_warning(
	        "[hook %s]: a request from %s was refused (401): %s; senders do not repeat it. Compare the secret with "
	        "that of the help desk, and the clock of this machine",
	        endpoint->config->name, peer, signature_why(why));
	timer_start(endpoint->log_timer, LOG_EVERY_S * US_PER_SECOND);
}
