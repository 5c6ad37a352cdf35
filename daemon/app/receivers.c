#include "app/receivers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_internal.h"
#include "kpid/base/memory.h"

#define MAX_FILE_BYTES (1024 * 1024)

struct loading {
	const char *path;
	char *folder;
	struct config_errors *errors;
};

static bool read_file(const struct loading *loading, struct buf *out)
{
	FILE *stream = fopen(loading->path, "re");
	char piece[16384];
	size_t n;
	if (stream == NULL) {
		config_error_add(loading->errors, loading->path, 0, "", "cannot be read: %s", strerror(errno));
		return false;
	}
	while (out->len_bytes <= MAX_FILE_BYTES && (n = fread(piece, 1, sizeof(piece), stream)) > 0)
		buf_add(out, piece, n);
	bool ok = ferror(stream) == 0 && out->len_bytes <= MAX_FILE_BYTES;
	fclose(stream);
	if (!ok)
		config_error_add(loading->errors, loading->path, 0, "", "cannot be read, or is larger than 1 MiB");
	return ok;
}

static bool read_secret(const struct loading *loading, const struct receiver *rule, struct text file, struct buf *out)
{
	struct buf message = BUF_INIT;
	char *path = config_path_from(loading->folder, file.ptr);
	bool ok = config_secret_read(path, out, &message);
	if (!ok)
		config_error_add(loading->errors, loading->path, 0, rule->name.ptr, "%s", buf_text(&message).ptr);
	free(path);
	buf_release(&message);
	return ok;
}

static void load_one(const struct loading *loading, const struct receiver *rule, struct loaded_receiver *out)
{
	*out = (struct loaded_receiver){.rule = rule};
	if (text_is_absent(rule->url_file))
		buf_add_text(&out->url, rule->url);
	else if (read_secret(loading, rule, rule->url_file, &out->url) && !receiver_is_url(buf_text(&out->url)))
		config_error_add(loading->errors, loading->path, 0, rule->name.ptr, "the content of the file %s %s",
		                 rule->url_file.ptr, RECEIVER_NO_URL);
	if (!text_is_absent(rule->ca_file)) {
		char *path = config_path_from(loading->folder, rule->ca_file.ptr);
		buf_add_str(&out->ca_file, path);
		free(path);
	}
	for (size_t i = 0; i < rule->n_secrets; i++)
		if (read_secret(loading, rule, rule->secret_files[i], &out->secret_bytes[i]))
			out->secrets[i] = buf_text(&out->secret_bytes[i]);
}

struct receivers *receivers_load(const char *path, struct config_errors *errors)
{
	struct receivers *receivers = mem_zalloc(sizeof(*receivers));
	if (path == NULL)
		return receivers;
	const char *slash = strrchr(path, '/');
	struct loading loading = {path, slash == NULL ? NULL : strndup(path, (size_t)(slash - path) + 1), errors};
	size_t n_errors = errors->n;
	if (read_file(&loading, &receivers->json)) {
		struct file_errors found;
		receivers->set = receiver_set_parse(buf_text(&receivers->json), &found);
		for (size_t i = 0; i < found.n; i++)
			config_error_add_text(errors, path, found.items[i].line, found.items[i].path,
			                      found.items[i].message, false);
		file_errors_release(&found);
	}
	if (receivers->set != NULL) {
		receivers->n = receivers->set->n;
		receivers->items = mem_zalloc((receivers->n + 1) * sizeof(*receivers->items));
		for (size_t i = 0; i < receivers->n; i++)
			load_one(&loading, &receivers->set->items[i], &receivers->items[i]);
	}
	free(loading.folder);
	if (errors->n == n_errors)
		return receivers;
	receivers_free(receivers);
	return NULL;
}

void receivers_free(struct receivers *receivers)
{
	if (receivers == NULL)
		return;
	for (size_t i = 0; i < receivers->n; i++) {
		struct loaded_receiver *item = &receivers->items[i];
		buf_release(&item->url);
		buf_release(&item->ca_file);
		for (size_t j = 0; j < RECEIVER_MAX_SECRETS; j++)
			buf_release(&item->secret_bytes[j]);
	}
	free(receivers->items);
	receiver_set_free(receivers->set);
	buf_release(&receivers->json);
	free(receivers);
}

static bool same_bytes(const struct buf *a, const struct buf *b)
{
	return a->len_bytes == b->len_bytes && (a->len_bytes == 0 || memcmp(a->data, b->data, a->len_bytes) == 0);
}

bool receivers_same(const struct receivers *a, const struct receivers *b)
{
	bool same = a->n == b->n && same_bytes(&a->json, &b->json);
	for (size_t i = 0; same && i < a->n; i++) {
		same = same_bytes(&a->items[i].url, &b->items[i].url) &&
		       same_bytes(&a->items[i].ca_file, &b->items[i].ca_file);
		for (size_t j = 0; same && j < RECEIVER_MAX_SECRETS; j++)
			same = same_bytes(&a->items[i].secret_bytes[j], &b->items[i].secret_bytes[j]);
	}
	return same;
}

void receiver_post(const struct loaded_receiver *receiver, const struct message *message, struct http *http,
                   http_answer_fn fn, void *context)
{
	const char *headers[MESSAGE_MAX_HEADERS];
	for (size_t i = 0; i < message->n_headers; i++)
		headers[i] = message->headers[i].text;
	const struct http_request request = {
	        .url = buf_text(&message->url).ptr,
	        .headers = headers,
	        .n_headers = message->n_headers,
	        .body = buf_text(&message->body),
	        .timeout_us = receiver->rule->timeout_us,
	        .ca_file = receiver->ca_file.len_bytes == 0 ? NULL : receiver->ca_file.data,
	};
	http_post(http, &request, fn, context);
}
