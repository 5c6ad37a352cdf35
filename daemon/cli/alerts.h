/* kpid alerts: lists, acknowledges and silences alerts. */
#ifndef KPID_CLI_ALERTS_H
#define KPID_CLI_ALERTS_H

#include "cli/pg_sync.h"

struct alerts_request {
	const char *argument;                 /* the alert or the number of a silence; NULL: none */
	const char *why;                      /* NULL: not given */
	const char *project, *target, *state; /* NULL: all */
	const char *until, *since;            /* of a silence: RFC 3339, or a duration from now; NULL: not given */
	const char *after;                    /* ack: duration after which the alert is raised again; NULL: never */
	bool all;                             /* list: also alerts that ended */
};

/* Each returns an enum cli_status, and prints errors to stderr. */
typedef int (*alerts_action)(struct pg_sync *sync, const struct alerts_request *request);
int alerts_list(struct pg_sync *sync, const struct alerts_request *request);
int alerts_ack(struct pg_sync *sync, const struct alerts_request *request);
int alerts_unack(struct pg_sync *sync, const struct alerts_request *request);
int alerts_silence(struct pg_sync *sync, const struct alerts_request *request);
int alerts_unsilence(struct pg_sync *sync, const struct alerts_request *request);

#endif
