/* Files that `kpid ingest` reads, plain or gzip, however they are cut: lines of bounded length until the end or a
 * fault. A plain file gives just its lines; packed by zlib it gives the same. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "app/line_reader.h"
#include "fuzz.h"
#include "kpid/base/buf.h"
#include "kpid/base/log.h"

static struct line_reader *open_bytes(const void *bytes, size_t n_bytes, int *fd_out)
{
	char path[32];
	*fd_out = memfd_create("lines", MFD_CLOEXEC);
	CHECK(*fd_out >= 0 && write(*fd_out, bytes, n_bytes) == (ssize_t)n_bytes);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", *fd_out);
	struct line_reader *reader = line_reader_open(path);
	CHECK(reader != NULL);
	return reader;
}

/* Appends each line and a newline. */
static enum line_result read_all(const void *bytes, size_t n_bytes, struct buf *out)
{
	int fd;
	struct line_reader *reader = open_bytes(bytes, n_bytes, &fd);
	enum line_result result;
	struct text line;
	while ((result = line_reader_next(reader, &line)) == LINE_READ) {
		CHECK(line.len <= LINE_MAX_BYTES);
		CHECK(line.len == 0 || memchr(line.ptr, '\n', line.len) == NULL);
		CHECK(line_reader_position(reader) <= (int64_t)n_bytes);
		buf_add_text(out, line);
		buf_add_char(out, '\n');
	}
	CHECK(result == LINE_END || result == LINE_FAILED);
	line_reader_close(reader);
	close(fd);
	return result;
}

static void pack(const uint8_t *data, size_t n_bytes, struct buf *out)
{
	z_stream deflater = {.next_in = (uint8_t *)(uintptr_t)data, .avail_in = (unsigned)n_bytes};
	CHECK(deflateInit2(&deflater, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
	size_t room = deflateBound(&deflater, n_bytes);
	deflater.next_out = (uint8_t *)buf_extend(out, room);
	deflater.avail_out = (unsigned)room;
	CHECK(deflate(&deflater, Z_FINISH) == Z_STREAM_END);
	out->len_bytes -= deflater.avail_out;
	deflateEnd(&deflater);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct buf lines = BUF_INIT, packed = BUF_INIT, unpacked = BUF_INIT;
	log_set_level(LOG_LEVEL_ERROR);
	enum line_result result = read_all(data, n_bytes, &lines);
	bool gzip = n_bytes >= 2 && data[0] == 0x1f && data[1] == 0x8b;
	if (!gzip) {
		bool ends = n_bytes == 0 || data[n_bytes - 1] == '\n';
		CHECK(result == LINE_END && lines.len_bytes == n_bytes + !ends);
		CHECK(n_bytes == 0 || memcmp(lines.data, data, n_bytes) == 0);
		pack(data, n_bytes, &packed);
		CHECK(read_all(packed.data, packed.len_bytes, &unpacked) == LINE_END);
		CHECK(text_equal(buf_text(&lines), buf_text(&unpacked)));
	}
	buf_release(&lines);
	buf_release(&packed);
	buf_release(&unpacked);
	return 0;
}
