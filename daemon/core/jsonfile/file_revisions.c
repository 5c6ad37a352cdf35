#include "file_revisions.h"

/* False if effective_from has an error, so that the start of the revision is not known. */
static bool has_known_start(const struct file_revision *revision)
{
	struct file_node member;
	return json_is_object(revision->node.value) &&
	       (revision->effective_from_us != INT64_MIN || !node_member(&revision->node, "effective_from", &member));
}

static void check_id(struct file_check *check, const struct file_revision *revisions, size_t at)
{
	struct file_node id;
	size_t same = 0;
	while (same < at && !text_same(revisions[same].id, revisions[at].id))
		same++;
	if (same < at && !text_is_empty(revisions[at].id) && node_member(&revisions[at].node, "id", &id))
		file_error_add(check, id.place, "is already the id of revisions[%zu]; give each revision its own id",
		               same);
}

static void check_start(struct file_check *check, const struct file_revision *revisions, size_t at)
{
	const struct file_revision *revision = &revisions[at];
	struct file_node instant;
	size_t same = 0;
	while (same < at &&
	       (!has_known_start(&revisions[same]) || revisions[same].effective_from_us != revision->effective_from_us))
		same++;
	if (same == at || !has_known_start(revision))
		return;
	if (node_member(&revision->node, "effective_from", &instant))
		file_error_add(check, instant.place,
		               "is the same time as in revisions[%zu]; each revision must start at its own time", same);
	else
		file_error_missing(check, &revision->node, "effective_from",
		                   "only one revision may leave it out, and an earlier one already does; write when "
		                   "this one takes effect");
}

void file_revisions_check_distinct(struct file_check *check, const struct file_revision *revisions, size_t n)
{
	for (size_t at = 1; at < n; at++) {
		check_id(check, revisions, at);
		check_start(check, revisions, at);
	}
}
