/* From the text of a file that an operator wrote to its JSON, and parts that such files have in common. */
#ifndef KPID_CORE_JSONFILE_FILE_LOAD_H
#define KPID_CORE_JSONFILE_FILE_LOAD_H

#include "file_check.h"

/* Reads at most 16 MiB of JSON; *json_io then begins after a byte order mark. NULL, with an error, if the text is not
 * JSON. example: what an empty file should hold at least. The caller calls json_decref(). */
json_t *file_load(struct file_check *check, struct text *json_io, const char *example);
/* True if the member is a list of 1..max items; otherwise adds an error. instead: as in node_is(). */
bool node_has_list(struct file_check *check, const struct file_node *object, const char *key, const char *instead,
                   size_t max, struct file_node *list_out);
/* Compact JSON, keys sorted by bytes: the form in which revisions are stored and compared. Lives as long as the arena.
 */
struct text json_compact(const json_t *value, struct arena *arena);

#endif
