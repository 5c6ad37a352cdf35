/* Receivers: where alerts go over HTTP. Their file, routing and retries. Immutable once parsed. */
#ifndef KPID_CORE_RECEIVER_H
#define KPID_CORE_RECEIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/arena.h"
#include "kpid/core/policy.h"

/* One kind of receiver, such as a DingTalk robot: see daemon/core/delivery/kinds.h. */
struct receiver_kind;

enum { RECEIVER_MAX_SECRETS = 2 };

struct receiver {
	const struct receiver_kind *kind;
	/* Each text that is present ends with a NUL. */
	struct text name;     /* unique in the file */
	struct text url;      /* absent if url_file is set: check what that file holds with receiver_is_url() */
	struct text url_file; /* absent if url is set */
	struct text secret_files[RECEIVER_MAX_SECRETS]; /* the newest secret first */
	size_t n_secrets;
	struct text ca_file;                       /* absent: the certificate authorities of the system */
	struct text link;                          /* shown in messages as the place to read more; absent: none */
	struct text_list projects, teams, targets; /* patterns as in policies; n == 0 matches everything */
	int64_t min_level;      /* -1: warnings and above; 0: breaches and above; n: the n-th escalation and above */
	int64_t group_at_least; /* 0: one alert per message; else see enum receiver_grouping */
	int64_t timeout_us;     /* of one request */
	int64_t pause_us;       /* between two requests */
};

struct receiver_set {
	struct receiver *items;
	size_t n;
	struct arena arena; /* owns everything above */
};

/* Parses and checks the file and reports all errors at once. Returns NULL with at least one error. In either case the
 * caller calls file_errors_release(). Does not read the files that it names. */
struct receiver_set *receiver_set_parse(struct text json, struct file_errors *errors_out);
void receiver_set_free(struct receiver_set *set); /* NULL is allowed */

/* True for an https:// address, and for an http:// address of this machine. Messages contain ticket data, and the
 * address may itself be a secret, so plain HTTP never leaves the machine. */
bool receiver_is_url(struct text url);
#define RECEIVER_NO_URL                                                                                                \
	"is not an address to send to; write https://…, or http:// to this machine (127.0.0.1, [::1], localhost)"

/* The properties of an alert that routing uses. */
struct alert_route {
	struct text project_id, team_id, target;
	bool warning; /* not breached yet */
	int64_t level;
};

bool receiver_wants(const struct receiver *receiver, const struct alert_route *route);

/* True if each message to the receiver carries exactly one alert. */
bool receiver_sends_singly(const struct receiver *receiver);
/* The maximum number of due alerts to fetch for the next message. */
int64_t receiver_max_due(const struct receiver *receiver);
/* The number of alerts that go into the next message when n_due (>= 1) are due. */
int receiver_group_size(const struct receiver *receiver, int n_due);
/* Interval in microseconds for sending active alerts again to a receiver that expires them; 0: never. */
int64_t receiver_resend_us(const struct receiver *receiver);

/* The wait after n_failures failures in a row (>= 1): doubles from one second to five minutes, minus up to half as
 * jitter. chance: a random number from 0 to 1. */
int64_t receiver_backoff_us(int32_t n_failures, double chance);

#endif
