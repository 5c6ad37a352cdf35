/* Dead letters: kpid dlq. */
#ifndef KPID_CLI_DLQ_H
#define KPID_CLI_DLQ_H

#include "cli/pg_sync.h"
#include "kpid/base/arena.h"
#include "kpid/core/wire.h"

/* Where a message was read from. */
struct dlq_key {
	char *topic;
	int32_t partition;
	int64_t offset;
};

struct dlq_letter {
	struct text reason, detail, value, headers_json; /* headers_json: absent if it has none */
	struct wire_header *headers;
	size_t n_headers;
	int64_t read_us, requeued_us;
	struct arena arena; /* owns all above */
};

/* What the command line asks for. */
struct dlq_request {
	const char *reason, *topic, *limit; /* NULL: not given; limit: a number */
	bool raw, dry_run;
	struct dlq_key *keys;
	size_t n_keys;
};

enum dlq_found { DLQ_FOUND, DLQ_NOT_THERE, DLQ_NO_ANSWER };

/* "TOPIC/PARTITION/OFFSET"; the topic may have slashes of its own. False: it is none. free() the topic. */
bool dlq_parse_key(const char *argument, struct dlq_key *key_out);
void dlq_add_key(const struct dlq_key *key, struct buf *out);
/* The letter_no of each message that was read from there, oldest first: one, unless the topic was made anew. NULL: no
 * answer, the reason is in sync->error. PQclear() it. */
PGresult *dlq_find(struct pg_sync *sync, const struct dlq_key *key);
/* With DLQ_FOUND the letter is the caller's to release; with DLQ_NO_ANSWER the reason is in sync->error. */
enum dlq_found dlq_read(struct pg_sync *sync, int64_t letter_no, struct dlq_letter *letter_out);
void dlq_letter_release(struct dlq_letter *letter);

/* Each returns an enum cli_status; what is wrong was said. */
int dlq_list(struct pg_sync *sync, const struct dlq_request *request);
int dlq_show(struct pg_sync *sync, const struct dlq_key *key, bool raw);
int dlq_requeue(struct pg_sync *sync, const struct dlq_request *request, const struct config_pairs *kafka);

#endif
