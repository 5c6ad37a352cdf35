/* Finds names in a mapping that nothing defines, as `kpid map check` reports them. */
#ifndef KPID_ADAPTERS_LUA_NAMES_H
#define KPID_ADAPTERS_LUA_NAMES_H

#include "adapters/lua/mapping.h"
#include "kpid/base/buf.h"

/* Appends a line "FILE:LINE: what" for each name in the text, which is valid Lua, that is neither defined in it nor
 * known to mappings. Returns how many. A name that is defined anywhere in the text counts as known. */
size_t mapping_names_check(struct mapping *mapping, const char *file, struct text text, struct buf *out);

#endif
