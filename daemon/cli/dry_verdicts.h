/* kpid ingest --dry-run --policy: the verdicts that would follow from the events of a file alone. */
#ifndef KPID_CLI_DRY_VERDICTS_H
#define KPID_CLI_DRY_VERDICTS_H

#include <stdint.h>

#include "cli/cli.h"
#include "kpid/base/arena.h"
#include "kpid/base/buf.h"
#include "kpid/core/event.h"
#include "kpid/core/policy.h"

struct dry_event;

/* The events of a file. Zeroed but for policies: none yet. */
struct dry_verdicts {
	struct policy_set *policies;
	struct arena arena;
	struct dry_event *events;
	size_t n, capacity;
};

/* Reads the policy file. Returns CLI_OK, or CLI_CONFIG after printing its errors. Release it in both cases. */
int dry_verdicts_open(struct dry_verdicts *verdicts, const char *policy_path);
void dry_verdicts_release(struct dry_verdicts *verdicts);

/* Keeps a copy of the event. */
void dry_verdicts_add(struct dry_verdicts *verdicts, const struct ticket_event *event);
/* Appends how the tickets would be judged at as_of_us, as lines of text: what each policy and target has met and
 * breached, and the tickets with breaches. */
void dry_verdicts_write(struct dry_verdicts *verdicts, int64_t as_of_us, struct buf *out);

#endif
