/* Lists the changes from one file of dated revisions to another: policies, plans. */
#ifndef KPID_CLI_JSON_DIFF_H
#define KPID_CLI_JSON_DIFF_H

#include "kpid/base/buf.h"

struct json_revision {
	struct text id, json;
};

/* Appends a line for each change. The lists are borrowed. */
void json_diff_revisions(const struct json_revision *old_list, size_t n_old, const struct json_revision *new_list,
                         size_t n_new, struct buf *out);

#endif
