/* The heads of answers, with the header fields that keep the page safe. */
#ifndef KPID_ADAPTERS_HTTP_RESPONSE_H
#define KPID_ADAPTERS_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

#include "kpid/base/buf.h"

const char *response_reason(int status);
/* Appends the head of an answer of len_bytes, after which the connection is closed. headers: more lines, each with CR
 * LF; NULL: none. */
void response_head(struct buf *out, int status, const char *type, const char *headers, size_t len_bytes);
/* Appends the head of a file of unknown length. chunked: in chunks, else up to the end of the connection. */
void response_file_head(struct buf *out, const char *type, const char *headers, bool chunked);
/* Appends the head of a stream of server-sent events. */
void response_stream_head(struct buf *out);

#endif
