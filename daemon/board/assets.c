#include "board/assets.h"

#include <stdio.h>
#include <stdlib.h>

#include "board/page_files.h"
#include "kpid/base/digest.h"
#include "kpid/base/memory.h"

struct assets {
	struct asset *items; /* as page_files */
	size_t n;
};

static const char *type_of(const char *name)
{
	static const char *const types[][2] = {
	        {".html", "text/html; charset=utf-8"},
	        {".css", "text/css; charset=utf-8"},
	        {".mjs", "text/javascript; charset=utf-8"},
	        {".js", "text/javascript; charset=utf-8"},
	        {".svg", "image/svg+xml"},
	        {".png", "image/png"},
	        {".json", "application/json"},
	        {".webmanifest", "application/manifest+json"},
	        {".woff2", "font/woff2"},
	        {".txt", "text/plain; charset=utf-8"},
	};
	const char *dot = strrchr(name, '.');
	for (size_t i = 0; dot != NULL && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(dot, types[i][0]) == 0)
			return types[i][1];
	return "application/octet-stream";
}

struct assets *assets_new(void)
{
	struct assets *assets = mem_zalloc(sizeof(*assets));
	while (page_files[assets->n].name != NULL)
		assets->n++;
	assets->items = mem_zalloc((assets->n + 1) * sizeof(*assets->items));
	for (size_t i = 0; i < assets->n; i++) {
		const struct page_file *file = &page_files[i];
		struct asset *asset = &assets->items[i];
		char digest[SHA256_HEX_BYTES];
		struct buf bytes = BUF_INIT;
		buf_add(&bytes, file->data, file->len_bytes);
		sha256_hex(buf_text(&bytes), digest);
		snprintf(asset->etag, sizeof(asset->etag), "\"%.20s\"", digest);
		asset->type = type_of(file->name);
		asset->body = blob_of(&bytes);
	}
	return assets;
}

void assets_free(struct assets *assets)
{
	if (assets == NULL)
		return;
	for (size_t i = 0; i < assets->n; i++)
		blob_release(assets->items[i].body);
	free(assets->items);
	free(assets);
}

const struct asset *assets_find(const struct assets *assets, struct text name)
{
	for (size_t i = 0; i < assets->n; i++)
		if (text_equal(text_of(page_files[i].name), name))
			return &assets->items[i];
	return NULL;
}

bool asset_is_known(const struct asset *asset, struct text if_none_match)
{
	/* A list of quoted tags, which cannot contain another's quotes; W/ before one changes nothing here. */
	return !text_is_absent(if_none_match) &&
	       memmem(if_none_match.ptr, if_none_match.len, asset->etag, strlen(asset->etag)) != NULL;
}
