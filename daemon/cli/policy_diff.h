/* What changes from one file of policies to another, in words. */
#ifndef KPID_CLI_POLICY_DIFF_H
#define KPID_CLI_POLICY_DIFF_H

#include "kpid/base/buf.h"
#include "kpid/core/policy.h"

/* Appends a line a change; nothing if nothing changes. */
void policy_diff(const struct policy_set *old_set, const struct policy_set *new_set, struct buf *out);

#endif
