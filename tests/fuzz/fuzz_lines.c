/* Files for `kpid ingest`, plain or gzip, truncated anywhere: lines of bounded length until the end or an error. A
 * plain file gives exactly its lines, without byte-order marks and the carriage returns of line ends. Compressed
 * by zlib it gives the same, also when it is read again. */
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
static enum line_result read_all(const void *bytes, size_t n_bytes, bool again, struct buf *out)
{
	int fd;
	struct line_reader *reader = open_bytes(bytes, n_bytes, &fd);
	enum line_result result;
	struct text line;
	if (again) {
		for (int i = 0; i < 3; i++)
			line_reader_next(reader, &line);
		CHECK(line_reader_rewind(reader));
	}
	while ((result = line_reader_next(reader, &line)) == LINE_READ || result == LINE_MORE) {
		if (result == LINE_MORE)
			continue;
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

/* The expected result of read_all(). */
static void split(const uint8_t *data, size_t n_bytes, struct buf *out)
{
	for (size_t at = 0; at < n_bytes;) {
		const uint8_t *end = memchr(data + at, '\n', n_bytes - at);
		size_t from = at, to = end == NULL ? n_bytes : (size_t)(end - data);
		at = to + 1;
		from += to - from >= 3 && memcmp(data + from, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
		to -= to > from && data[to - 1] == '\r';
		buf_add(out, data + from, to - from);
		buf_add_char(out, '\n');
	}
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
	struct buf lines = BUF_INIT, packed = BUF_INIT, again = BUF_INIT, expected = BUF_INIT;
	log_set_level(LOG_LEVEL_ERROR);
	enum line_result result = read_all(data, n_bytes, false, &lines);
	CHECK(read_all(data, n_bytes, true, &again) == result && text_equal(buf_text(&lines), buf_text(&again)));
	bool gzip = n_bytes >= 2 && data[0] == 0x1f && data[1] == 0x8b;
	if (!gzip && result == LINE_END) {
		split(data, n_bytes, &expected);
		CHECK(text_equal(buf_text(&lines), buf_text(&expected)));
		pack(data, n_bytes, &packed);
		buf_clear(&again);
		CHECK(read_all(packed.data, packed.len_bytes, true, &again) == LINE_END);
		CHECK(text_equal(buf_text(&lines), buf_text(&again)));
	}
	buf_release(&lines);
	buf_release(&packed);
	buf_release(&again);
	buf_release(&expected);
	return 0;
}
