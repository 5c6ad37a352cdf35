/* kpid dlq: dead letters. */
#ifndef KPID_CLI_DLQ_H
#define KPID_CLI_DLQ_H

#include "cli/pg_sync.h"
#include "kpid/base/arena.h"
#include "kpid/core/wire.h"

/* The position that a message was read from. */
struct dlq_key {
	char *topic;
	int32_t partition;
	int64_t offset;
};

struct dlq_letter {
	struct text reason, detail, value, headers_json; /* headers_json: absent without headers */
	struct text mapping, mapping_version;            /* that rejected it; absent: none */
	struct wire_header *headers;
	size_t n_headers;
	int64_t read_us, requeued_us;
	struct arena arena; /* owns the above */
};

/* The request of the command line. */
struct dlq_request {
	const char *reason, *topic, *limit; /* NULL: not given; limit: a number */
	bool raw, dry_run;
	struct dlq_key *keys;
	size_t n_keys;
};

enum dlq_found { DLQ_FOUND, DLQ_NOT_THERE, DLQ_NO_ANSWER };

/* Parses "TOPIC/PARTITION/OFFSET"; the topic may contain slashes. Returns false for anything else. Caller frees the
 * topic. */
bool dlq_parse_key(const char *argument, struct dlq_key *key_out);
void dlq_add_key(const struct dlq_key *key, struct buf *out);
/* Finds the letter_no of each message that was read from this position, oldest first: more than one only if the topic
 * was recreated. Returns NULL on an error, with the reason in sync->error. Caller frees the result with PQclear(). */
PGresult *dlq_find(struct pg_sync *sync, const struct dlq_key *key);
/* DLQ_FOUND: caller releases the letter. DLQ_NO_ANSWER: the reason is in sync->error. */
enum dlq_found dlq_read(struct pg_sync *sync, int64_t letter_no, struct dlq_letter *letter_out);
void dlq_letter_release(struct dlq_letter *letter);

/* Each returns an enum cli_status, and prints errors to stderr. */
int dlq_list(struct pg_sync *sync, const struct dlq_request *request);
int dlq_show(struct pg_sync *sync, const struct dlq_key *key, bool raw);
int dlq_requeue(struct pg_sync *sync, const struct dlq_request *request, const struct kpid_config *config);

#endif
