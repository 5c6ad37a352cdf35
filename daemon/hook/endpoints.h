/* The webhooks that `kpid hook` receives, as the configuration names them, with their secrets and counts. */
#ifndef KPID_HOOK_ENDPOINTS_H
#define KPID_HOOK_ENDPOINTS_H

#include "kpid/base/text.h"
#include "kpid/config.h"
#include "kpid/core/signature.h"

struct event;
struct event_base;

/* Of requests, by their answers. */
struct endpoint_counts {
	uint64_t n_taken;       /* 200 */
	uint64_t n_not_signed;  /* 401 */
	uint64_t n_refused;     /* 403, 405, 413 */
	uint64_t n_unavailable; /* 503 */
};

struct endpoint {
	const struct config_hook *config; /* borrowed */
	struct signature_rule rule;
	struct buf keys[SIGNATURE_MAX_SECRETS]; /* of rule.secrets */
	struct config_words pointers, headers;
	struct endpoint_counts counts;
	/* Refusals of signatures are logged at once, then once a minute. */
	struct event *log_timer;
	uint64_t n_not_logged;
	enum signature_verdict why; /* of the last one */
};

struct endpoints {
	struct endpoint *items;
	size_t n;
};

/* Reads the secrets. Returns NULL after adding errors. The configuration is borrowed. */
struct endpoints *endpoints_load(const struct kpid_config *config, struct config_errors *errors);
void endpoints_free(struct endpoints *endpoints); /* may be NULL */
/* Whether one takes requests that are not signed: that is allowed on this machine only. */
const struct endpoint *endpoints_find_unsigned(const struct endpoints *endpoints);
struct endpoint *endpoints_find(struct endpoints *endpoints, struct text path);

/* Makes and frees the timers of the log. */
void endpoints_start(struct endpoints *endpoints, struct event_base *base);
void endpoints_stop(struct endpoints *endpoints);
/* Counts and logs a request whose signature is not right. peer: its address. */
void endpoint_refuse_signature(struct endpoint *endpoint, enum signature_verdict why, const char *peer);

#endif
