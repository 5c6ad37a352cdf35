/* Who is told of alerts over HTTP: the file of receivers. Immutable once parsed. */
#ifndef KPID_CORE_RECEIVER_H
#define KPID_CORE_RECEIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/arena.h"
#include "kpid/core/policy.h"

enum receiver_type {
	RECEIVER_WEBHOOK,      /* a CloudEvent, signed as Standard Webhooks 1.0 */
	RECEIVER_ALERTMANAGER, /* Prometheus Alertmanager, API v2 */
	RECEIVER_DINGTALK,     /* robots of chats */
	RECEIVER_FEISHU,
	RECEIVER_WECOM,
	RECEIVER_PAGERDUTY, /* Events API v2 */
	RECEIVER_N_TYPES
};

const char *receiver_type_name(enum receiver_type type); /* "webhook" */

#define RECEIVER_MAX_SECRETS 2

struct receiver {
	struct text name; /* unique; ends with a NUL, as the next two */
	struct text url;  /* absent: stands in url_file, and receiver_is_url() has yet to be asked */
	struct text url_file;
	struct text
	        secret_files[RECEIVER_MAX_SECRETS]; /* each ends with a NUL; of a webhook the new one and the old one */
	size_t n_secrets;
	struct text ca_file; /* absent: the machine's own authorities */
	struct text link;    /* where people look further: goes into messages; absent: nowhere */
	enum receiver_type type;
	struct text_list projects, teams, targets; /* patterns, as those of policies; n == 0: all */
	int64_t min_level;                         /* -1: warnings too; 0: breaches; n: from that escalation on */
	int64_t group_at_least; /* so many at once become one message; 0: never. Of an Alertmanager: how many a request
	                         */
	int64_t timeout_us;     /* of a request */
	int64_t pause_us;       /* between requests */
};

struct receiver_set {
	struct receiver *items;
	size_t n;
	struct arena arena; /* owns everything above */
};

/* Parses and checks the file: all faults at once. NULL with at least one fault; either way the caller ends with
 * policy_faults_release(). Files that it names are not read. */
struct receiver_set *receiver_set_parse(struct text json, struct policy_faults *faults_out);
void receiver_set_free(struct receiver_set *set); /* NULL is fine */

/* An address to send to. Plain HTTP is for this very machine only: what is sent tells of tickets, and the address may
 * be a secret. */
bool receiver_is_url(struct text url);
#define RECEIVER_NO_URL                                                                                                \
	"is no address to send to; write https://…, or http:// to this machine itself (127.0.0.1, [::1], localhost)"

/* What routing asks about an alert. */
struct alert_route {
	struct text project_id, team_id, target;
	bool warning; /* and no breach */
	int64_t level;
};

bool receiver_wants(const struct receiver *receiver, const struct alert_route *route);

/* How long to wait after so many failures in a row (>= 1): twice as long each time, from a second to five
 * minutes, less up to half of it. chance: 0..1, random. */
int64_t receiver_backoff_us(int32_t n_failures, double chance);

#endif
