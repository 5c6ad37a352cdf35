/* The receivers of the configuration, with the content of their secret files. */
#ifndef KPID_APP_RECEIVERS_H
#define KPID_APP_RECEIVERS_H

#include "adapters/http/http.h"
#include "kpid/base/buf.h"
#include "kpid/config.h"
#include "kpid/core/message.h"

struct loaded_receiver {
	const struct receiver *rule;
	struct buf url, ca_file, secret_bytes[RECEIVER_MAX_SECRETS];
	struct text secrets[RECEIVER_MAX_SECRETS];
};

struct receivers {
	struct receiver_set *set;
	struct loaded_receiver *items;
	size_t n;
	struct buf json; /* the content of the file */
};

/* path NULL: no receivers. Returns NULL after adding at least one error. Relative paths start in the file's folder. */
struct receivers *receivers_load(const char *path, struct config_errors *errors);
void receivers_free(struct receivers *receivers); /* NULL is allowed */
/* True if the files and all files that they name have the same content. */
bool receivers_same(const struct receivers *a, const struct receivers *b);

/* Sends the message as http_post() does. */
void receiver_post(const struct loaded_receiver *receiver, const struct message *message, struct http *http,
                   http_answer_fn fn, void *context);

#endif
