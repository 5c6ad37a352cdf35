/* Reads a mapping from its file. */
#ifndef KPID_APP_MAPPING_FILE_H
#define KPID_APP_MAPPING_FILE_H

#include <stddef.h>

#include "adapters/lua/mapping.h"
#include "kpid/base/buf.h"

/* Reads the text of the file. Returns false after appending what is wrong. */
bool mapping_file_read(const char *path, struct buf *text_out, struct buf *error_out);

/* Loads the mapping of a file. order->name and order->text are set from it; the rest is borrowed and must outlive the
 * mapping, as must path. Returns NULL after appending what is wrong. */
struct mapping *mapping_file_load(const char *path, const struct mapping_order *order, struct buf *error_out);

/* NAME, for NAME.lua. Caller frees it. */
char *mapping_file_name(const char *path);
/* The source of a mapping that names none: "/map/NAME", for NAME.lua. Caller frees it. */
char *mapping_file_source(const char *path);

#endif
