#include "adapters/http/blob.h"

#include <event2/buffer.h>
#include <stdlib.h>

#include "kpid/base/memory.h"

struct blob *blob_of(struct buf *bytes)
{
	struct blob *blob = mem_zalloc(sizeof(*blob));
	blob->refs = 1;
	blob->bytes = *bytes;
	*bytes = (struct buf)BUF_INIT;
	return blob;
}

struct blob *blob_hold(struct blob *blob)
{
	blob->refs++;
	return blob;
}

void blob_release(struct blob *blob)
{
	if (blob == NULL || --blob->refs > 0)
		return;
	buf_release(&blob->bytes);
	free(blob);
}

static void on_sent(const void *data, size_t n_bytes, void *blob)
{
	(void)data, (void)n_bytes;
	blob_release(blob);
}

void blob_add_to(struct blob *blob, struct evbuffer *out)
{
	if (blob->bytes.len_bytes == 0)
		return;
	if (evbuffer_add_reference(out, blob->bytes.data, blob->bytes.len_bytes, on_sent, blob) != 0)
		mem_exhausted(0);
	blob_hold(blob);
}
