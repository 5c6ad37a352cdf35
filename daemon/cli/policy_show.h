/* What policies come to, in words. */
#ifndef KPID_CLI_POLICY_SHOW_H
#define KPID_CLI_POLICY_SHOW_H

#include "kpid/base/buf.h"
#include "kpid/core/policy.h"

void policy_show(const struct policy_set *set, struct buf *out);

#endif
