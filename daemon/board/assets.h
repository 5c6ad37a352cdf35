/* The files of the page as answers. */
#ifndef KPID_BOARD_ASSETS_H
#define KPID_BOARD_ASSETS_H

#include "adapters/http/blob.h"
#include "kpid/base/text.h"

struct assets;

/* An answer's body, with the name of its content. */
struct asset {
	const char *type;
	char etag[24]; /* quoted */
	struct blob *body;
};

struct assets *assets_new(void);
void assets_free(struct assets *assets);
/* Finds a file by its name; NULL: there is none. Borrowed. */
const struct asset *assets_find(const struct assets *assets, struct text name);
/* Whether the If-None-Match field names the asset. */
bool asset_is_known(const struct asset *asset, struct text if_none_match);

#endif
