/* The dated revisions of a file: of policies, or of plans. */
#ifndef KPID_CORE_JSONFILE_FILE_REVISIONS_H
#define KPID_CORE_JSONFILE_FILE_REVISIONS_H

#include "file_check.h"

/* What was read of a revision, with its place in the file. */
struct file_revision {
	struct file_node node;
	struct text id;            /* absent or empty: it has an error, or none */
	int64_t effective_from_us; /* INT64_MIN: from ever, or the member has an error */
};

/* Adds an error for each revision that has the id or the start of an earlier one. In the order of the file. */
void file_revisions_check_distinct(struct file_check *check, const struct file_revision *revisions, size_t n);

#endif
