/* kpid policy show: describes policies as text, with example due times. */
#ifndef KPID_CLI_POLICY_SHOW_H
#define KPID_CLI_POLICY_SHOW_H

#include "kpid/base/buf.h"
#include "kpid/core/policy.h"

void policy_show(const struct policy_set *set, struct buf *out);

#endif
