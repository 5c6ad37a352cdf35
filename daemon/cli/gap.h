/* kpid gap: partitions that stopped because messages are missing. */
#ifndef KPID_CLI_GAP_H
#define KPID_CLI_GAP_H

#include "cli/pg_sync.h"

struct gap_request {
	char *topic;
	const char *partition; /* points into topic; NULL: all partitions */
	const char *at;        /* "earliest", "expected" or a number */
};

/* Each returns an enum cli_status, and prints errors to stderr. topics: those of the configuration. */
typedef int (*gap_action)(struct pg_sync *sync, const struct gap_request *request, const struct config_topics *topics);
int gap_list(struct pg_sync *sync, const struct gap_request *request, const struct config_topics *topics);
int gap_accept(struct pg_sync *sync, const struct gap_request *request, const struct config_topics *topics);
int gap_retire(struct pg_sync *sync, const struct gap_request *request, const struct config_topics *topics);

#endif
