#include "app/line_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "kpid/base/buf.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

enum { RAW_BYTES = 64 * 1024, PLAIN_BYTES = 256 * 1024 };

struct line_reader {
	char *name;
	int fd;
	int64_t position, length;
	unsigned char raw[RAW_BYTES];
	size_t raw_at, raw_end;
	bool raw_ended;
	bool known, gzip; /* known: the first bytes have been looked at */
	z_stream inflater;
	bool member_ended; /* between members of a gzip file */
	char plain[PLAIN_BYTES];
	size_t plain_at, plain_end;
	struct buf line; /* the beginning of a line that goes on in the next piece */
	bool handed_out; /* line was the last result */
};

struct line_reader *line_reader_open(const char *path)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	if (fd < 0 || fstat(fd, &status) != 0) {
		log_error("%s: %s", path, strerror(errno));
		return NULL;
	}
	if (S_ISDIR(status.st_mode)) {
		log_error("%s is a folder; name a file of events", path);
		close(fd);
		return NULL;
	}
	struct line_reader *reader = mem_zalloc(sizeof(*reader));
	reader->name = mem_strdup(is_stdin ? "standard input" : path);
	reader->fd = fd;
	reader->length = S_ISREG(status.st_mode) ? status.st_size : -1;
	return reader;
}

void line_reader_close(struct line_reader *reader)
{
	if (reader == NULL)
		return;
	if (reader->gzip)
		inflateEnd(&reader->inflater);
	if (reader->fd != STDIN_FILENO)
		close(reader->fd);
	buf_release(&reader->line);
	free(reader->name);
	free(reader);
}

int line_reader_fd(const struct line_reader *reader)
{
	return reader->fd;
}

int64_t line_reader_position(const struct line_reader *reader)
{
	return reader->position - (int64_t)(reader->raw_end - reader->raw_at);
}

int64_t line_reader_length(const struct line_reader *reader)
{
	return reader->length;
}

static enum line_result fill_raw(struct line_reader *reader)
{
	if (reader->raw_at < reader->raw_end || reader->raw_ended)
		return LINE_READ;
	struct pollfd ready = {reader->fd, POLLIN, 0};
	if (reader->length < 0 && poll(&ready, 1, 0) == 0)
		return LINE_WAIT;
	ssize_t n = read(reader->fd, reader->raw, RAW_BYTES);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return LINE_WAIT;
	if (n < 0) {
		log_error("%s: %s", reader->name, strerror(errno));
		return LINE_FAILED;
	}
	reader->raw_at = 0;
	reader->raw_end = (size_t)n;
	reader->position += n;
	reader->raw_ended = n == 0;
	return LINE_READ;
}

static bool start_inflating(struct line_reader *reader)
{
	enum { GZIP_WINDOW_BITS = 15 + 16 };
	if (inflateInit2(&reader->inflater, GZIP_WINDOW_BITS) == Z_OK)
		return true;
	log_error("%s: cannot unpack", reader->name);
	return false;
}

static enum line_result inflate_some(struct line_reader *reader)
{
	z_stream *z = &reader->inflater;
	if (reader->raw_ended && reader->raw_at == reader->raw_end) {
		if (reader->member_ended)
			return LINE_END;
		log_error("%s: the gzip file ends too soon; what was read of it so far counts", reader->name);
		return LINE_FAILED;
	}
	if (reader->member_ended) {
		inflateReset(z);
		reader->member_ended = false;
	}
	z->next_in = reader->raw + reader->raw_at;
	z->avail_in = (unsigned)(reader->raw_end - reader->raw_at);
	z->next_out = (unsigned char *)reader->plain;
	z->avail_out = PLAIN_BYTES;
	int result = inflate(z, Z_NO_FLUSH);
	reader->raw_at = reader->raw_end - z->avail_in;
	reader->plain_at = 0;
	reader->plain_end = PLAIN_BYTES - z->avail_out;
	reader->member_ended = result == Z_STREAM_END;
	if (result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR)
		return LINE_READ;
	log_error("%s: the gzip file is damaged (%s); what was read of it so far counts", reader->name,
	          z->msg == NULL ? "unknown" : z->msg);
	return LINE_FAILED;
}

/* More unpacked bytes. */
static enum line_result fill_plain(struct line_reader *reader)
{
	enum line_result result = fill_raw(reader);
	if (result != LINE_READ)
		return result;
	if (!reader->known) {
		reader->known = true;
		reader->gzip =
		        reader->raw_end - reader->raw_at >= 2 && reader->raw[0] == 0x1f && reader->raw[1] == 0x8b;
		if (reader->gzip && !start_inflating(reader))
			return LINE_FAILED;
	}
	if (reader->gzip)
		return inflate_some(reader);
	if (reader->raw_ended)
		return LINE_END;
	memcpy(reader->plain, reader->raw + reader->raw_at, reader->raw_end - reader->raw_at);
	reader->plain_at = 0;
	reader->plain_end = reader->raw_end - reader->raw_at;
	reader->raw_at = reader->raw_end;
	return LINE_READ;
}

/* Keeps the beginning of a line for the next piece. */
static void keep(struct line_reader *reader, const char *bytes, size_t n)
{
	size_t room = LINE_MAX_BYTES - reader->line.len_bytes;
	if (n > room)
		n = room;
	buf_add(&reader->line, bytes, n);
}

enum line_result line_reader_next(struct line_reader *reader, struct text *line_out)
{
	if (reader->handed_out) {
		buf_clear(&reader->line);
		reader->handed_out = false;
	}
	for (;;) {
		char *from = reader->plain + reader->plain_at;
		size_t n = reader->plain_end - reader->plain_at;
		char *end = n == 0 ? NULL : memchr(from, '\n', n);
		if (end != NULL) {
			reader->plain_at += (size_t)(end - from) + 1;
			if (reader->line.len_bytes == 0) {
				*line_out = (struct text){from, (uint32_t)(end - from)};
				return LINE_READ;
			}
			keep(reader, from, (size_t)(end - from));
			*line_out = buf_text(&reader->line);
			reader->handed_out = true;
			return LINE_READ;
		}
		keep(reader, from, n);
		reader->plain_at = reader->plain_end;
		enum line_result result = fill_plain(reader);
		if (result == LINE_END && reader->line.len_bytes > 0) {
			*line_out = buf_text(&reader->line);
			reader->handed_out = true;
			return LINE_READ;
		}
		if (result != LINE_READ)
			return result;
	}
}
