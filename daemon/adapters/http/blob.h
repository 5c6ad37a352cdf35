/* Bytes that several answers share: counted references, so that a delta is encoded once for all viewers. */
#ifndef KPID_ADAPTERS_HTTP_BLOB_H
#define KPID_ADAPTERS_HTTP_BLOB_H

#include <stddef.h>

#include "kpid/base/buf.h"

struct evbuffer;

struct blob {
	size_t refs;
	struct buf bytes;
};

/* Takes the bytes; *bytes is empty afterwards. The caller has one reference. */
struct blob *blob_of(struct buf *bytes);
struct blob *blob_hold(struct blob *blob);
void blob_release(struct blob *blob); /* blob may be NULL */
/* Appends the bytes without a copy; the buffer holds a reference. */
void blob_add_to(struct blob *blob, struct evbuffer *out);

#endif
