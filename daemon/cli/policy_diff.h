/* kpid policy diff: lists the changes from one policy file to another. */
#ifndef KPID_CLI_POLICY_DIFF_H
#define KPID_CLI_POLICY_DIFF_H

#include "kpid/base/buf.h"
#include "kpid/core/policy.h"

/* Appends a line for each change. */
void policy_diff(const struct policy_set *old_set, const struct policy_set *new_set, struct buf *out);

#endif
