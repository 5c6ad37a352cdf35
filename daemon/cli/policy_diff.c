#include "cli/policy_diff.h"

#include <stdlib.h>

#include "cli/json_diff.h"
#include "kpid/base/memory.h"

static struct json_revision *list_of(const struct policy_set *set)
{
	struct json_revision *list = mem_zalloc((set->n_revisions + 1) * sizeof(*list));
	for (size_t i = 0; i < set->n_revisions; i++)
		list[i] = (struct json_revision){set->revisions[i].id, set->revisions[i].json};
	return list;
}

void policy_diff(const struct policy_set *old_set, const struct policy_set *new_set, struct buf *out)
{
	struct json_revision *old_list = list_of(old_set), *new_list = list_of(new_set);
	json_diff_revisions(old_list, old_set->n_revisions, new_list, new_set->n_revisions, out);
	free(old_list);
	free(new_list);
}
