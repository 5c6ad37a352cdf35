#include "app/line_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "kpid/base/buf.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

enum {
	RAW_BYTES = 64 * 1024,
	PLAIN_BYTES = 256 * 1024,
	MAGIC_BYTES = 6,    /* the longest beginning that tells a packing */
	PIECES_PER_CALL = 8 /* a call that has found no line end by then returns LINE_MORE */
};

struct line_reader {
	char *path; /* NULL: standard input */
	const char *name;
	int fd;
	off_t start; /* where reading began: not 0 where standard input is a file that somebody has read from */
	struct stat before;
	bool is_file, failed;
	int64_t position;
	unsigned char raw[RAW_BYTES];
	size_t raw_at, raw_end;
	bool raw_ended;
	bool known, gzip; /* known: the first bytes have been looked at */
	z_stream inflater;
	bool member_ended; /* between members of a gzip file */
	bool padded;       /* zeros came after a member: nothing but zeros may follow */
	char plain[PLAIN_BYTES];
	size_t plain_at, plain_end;
	struct buf line; /* the beginning of a line that goes on in the next piece */
	bool line_begun; /* also where nothing of it is kept yet */
	bool cut;
	bool handed_out; /* line was the last result */
	bool any_line;
};

/* ---- life ---- */

static bool look_at(struct line_reader *reader)
{
	if (fstat(reader->fd, &reader->before) == 0)
		return true;
	log_error("%s: %s", reader->name, strerror(errno));
	return false;
}

struct line_reader *line_reader_open(const char *path)
{
	struct line_reader *reader = mem_zalloc(sizeof(*reader));
	bool is_stdin = strcmp(path, "-") == 0;
	reader->path = is_stdin ? NULL : mem_strdup(path);
	reader->name = is_stdin ? "standard input" : reader->path;
	reader->fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (reader->fd < 0) {
		log_error("%s: %s", reader->name, strerror(errno));
	} else if (look_at(reader)) {
		if (!S_ISDIR(reader->before.st_mode)) {
			reader->start = S_ISREG(reader->before.st_mode) ? lseek(reader->fd, 0, SEEK_CUR) : -1;
			reader->is_file = reader->start >= 0;
			return reader;
		}
		log_error("%s is a directory: name a file of events", reader->name);
	}
	line_reader_close(reader);
	return NULL;
}

void line_reader_close(struct line_reader *reader)
{
	if (reader == NULL)
		return;
	if (reader->gzip)
		inflateEnd(&reader->inflater);
	if (reader->fd > STDIN_FILENO)
		close(reader->fd);
	buf_release(&reader->line);
	free(reader->path);
	free(reader);
}

bool line_reader_is_file(const struct line_reader *reader)
{
	return reader->is_file;
}

bool line_reader_rewind(struct line_reader *reader)
{
	if (!look_at(reader))
		return false;
	if (reader->gzip)
		inflateEnd(&reader->inflater);
	buf_clear(&reader->line);
	reader->position = 0;
	reader->raw_at = reader->raw_end = reader->plain_at = reader->plain_end = 0;
	reader->raw_ended = reader->known = reader->gzip = reader->member_ended = reader->padded = false;
	reader->line_begun = reader->cut = reader->handed_out = reader->any_line = reader->failed = false;
	return true;
}

enum line_change line_reader_change(const struct line_reader *reader)
{
	struct stat now, named;
	const struct stat *before = &reader->before;
	int64_t end = reader->start + reader->position;
	if (fstat(reader->fd, &now) != 0)
		return FILE_CHANGED;
	/* Files of /proc have no length, whatever they hold. */
	if (now.st_size < before->st_size || end < before->st_size || (before->st_size > 0 && end > now.st_size))
		return FILE_SHORTER;
	if (reader->path != NULL && stat(reader->path, &named) == 0 &&
	    (named.st_dev != now.st_dev || named.st_ino != now.st_ino))
		return FILE_REPLACED;
	bool same = now.st_size == before->st_size && now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
	            now.st_mtim.tv_nsec == before->st_mtim.tv_nsec;
	return same ? FILE_UNCHANGED : FILE_CHANGED;
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
	return reader->is_file ? reader->before.st_size - reader->start : -1;
}

bool line_reader_was_cut(const struct line_reader *reader)
{
	return reader->cut;
}

bool line_is_blank(struct text line)
{
	for (uint32_t i = 0; i < line.len; i++)
		if (line.ptr[i] != ' ' && line.ptr[i] != '\t' && line.ptr[i] != '\r')
			return false;
	return true;
}

/* ---- bytes as they are on disk ---- */

/* More bytes behind those that are there. */
static enum line_result read_more(struct line_reader *reader)
{
	struct pollfd ready = {reader->fd, POLLIN, 0};
	if (!reader->is_file && poll(&ready, 1, 0) == 0)
		return LINE_WAIT;
	unsigned char *to = reader->raw + reader->raw_end;
	size_t room = RAW_BYTES - reader->raw_end;
	/* Others may read from the same standard input, which moves its position. */
	ssize_t n = reader->is_file ? pread(reader->fd, to, room, reader->start + reader->position)
	                            : read(reader->fd, to, room);
	if (n < 0 && errno == EINTR)
		return LINE_MORE;
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return LINE_WAIT;
	if (n < 0) {
		log_error("%s: %s; what was read of it so far counts", reader->name, strerror(errno));
		return LINE_FAILED;
	}
	reader->raw_end += (size_t)n;
	reader->position += n;
	reader->raw_ended = n == 0;
	return LINE_READ;
}

static enum line_result fill_raw(struct line_reader *reader)
{
	if (reader->raw_at == reader->raw_end && !reader->raw_ended) {
		reader->raw_at = reader->raw_end = 0;
		enum line_result result = read_more(reader);
		if (result != LINE_READ)
			return result;
	}
	/* A pipe may give them one by one. */
	while (!reader->known && !reader->raw_ended && reader->raw_end < MAGIC_BYTES) {
		enum line_result result = read_more(reader);
		if (result != LINE_READ)
			return result;
	}
	return LINE_READ;
}

static bool begins_with(const struct line_reader *reader, const char *magic, size_t n)
{
	return reader->raw_end - reader->raw_at >= n && memcmp(reader->raw + reader->raw_at, magic, n) == 0;
}

/* Packed in a way that would give nothing but dead letters? Says so. */
static bool is_unknown_packing(const struct line_reader *reader)
{
	static const struct {
		const char *magic, *name, *program;
		size_t n;
	} packings[] = {{"\x28\xb5\x2f\xfd", "zstd", "zstdcat", 4},
	                {"\xfd"
	                 "7zXZ",
	                 "xz", "xzcat", 6},
	                {"BZh", "bzip2", "bzcat", 3},
	                {"\x04\x22\x4d\x18", "lz4", "lz4cat", 4},
	                {"PK\x03\x04", "zip", "unzip -p", 4}};
	for (size_t i = 0; i < sizeof(packings) / sizeof(packings[0]); i++) {
		if (!begins_with(reader, packings[i].magic, packings[i].n))
			continue;
		log_error("%s is packed with %s, which kpid cannot unpack: %s FILE | kpid ingest -", reader->name,
		          packings[i].name, packings[i].program);
		return true;
	}
	return false;
}

static bool look_at_beginning(struct line_reader *reader)
{
	enum { GZIP_WINDOW_BITS = 15 + 16 };
	reader->known = true;
	if (is_unknown_packing(reader))
		return false;
	if (!begins_with(reader, "\x1f\x8b", 2))
		return true;
	reader->inflater = (z_stream){.zalloc = Z_NULL};
	reader->gzip = inflateInit2(&reader->inflater, GZIP_WINDOW_BITS) == Z_OK;
	if (!reader->gzip)
		log_error("%s: cannot unpack", reader->name);
	return reader->gzip;
}

/* ---- unpacked bytes ---- */

/* Between members: zeros fill up a block of a tape, another member may follow, anything else is damage. */
static enum line_result next_member(struct line_reader *reader)
{
	while (reader->raw_at < reader->raw_end && reader->raw[reader->raw_at] == 0) {
		reader->raw_at++;
		reader->padded = true;
	}
	if (reader->raw_at == reader->raw_end)
		return reader->raw_ended ? LINE_END : LINE_READ;
	if (reader->padded || reader->raw[reader->raw_at] != 0x1f) {
		log_error(
		        "%s: bytes that are no gzip follow its gzip data: the file is damaged; what was read of it so "
		        "far counts",
		        reader->name);
		return LINE_FAILED;
	}
	inflateReset(&reader->inflater);
	reader->member_ended = false;
	return LINE_READ;
}

static enum line_result inflate_some(struct line_reader *reader)
{
	z_stream *z = &reader->inflater;
	reader->plain_at = reader->plain_end = 0;
	if (reader->member_ended) {
		enum line_result result = next_member(reader);
		if (result != LINE_READ || reader->member_ended)
			return result;
	}
	if (reader->raw_ended && reader->raw_at == reader->raw_end) {
		log_error("%s: the gzip file ends too soon: it was cut; what was read of it so far counts",
		          reader->name);
		return LINE_FAILED;
	}
	z->next_in = reader->raw + reader->raw_at;
	z->avail_in = (unsigned)(reader->raw_end - reader->raw_at);
	z->next_out = (unsigned char *)reader->plain;
	z->avail_out = PLAIN_BYTES;
	int result = inflate(z, Z_NO_FLUSH);
	reader->raw_at = reader->raw_end - z->avail_in;
	reader->plain_end = PLAIN_BYTES - z->avail_out;
	reader->member_ended = result == Z_STREAM_END;
	if (result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR)
		return LINE_READ;
	log_error("%s: the gzip file is damaged (%s); what was read of it so far counts", reader->name,
	          z->msg == NULL ? "unknown" : z->msg);
	return LINE_FAILED;
}

static enum line_result fill_plain(struct line_reader *reader)
{
	enum line_result result = fill_raw(reader);
	if (result != LINE_READ)
		return result;
	if (!reader->known && !look_at_beginning(reader))
		return LINE_FAILED;
	if (reader->gzip)
		return inflate_some(reader);
	size_t n = reader->raw_end - reader->raw_at;
	if (n == 0)
		return LINE_END;
	memcpy(reader->plain, reader->raw + reader->raw_at, n);
	reader->plain_at = 0;
	reader->plain_end = n;
	reader->raw_at = reader->raw_end;
	return LINE_READ;
}

/* ---- lines ---- */

/* Keeps the beginning of a line for the next piece. */
static void keep(struct line_reader *reader, const char *bytes, size_t n)
{
	size_t room = LINE_MAX_BYTES - reader->line.len_bytes;
	reader->line_begun = reader->line_begun || n > 0;
	reader->cut = reader->cut || n > room;
	buf_add(&reader->line, bytes, n > room ? room : n);
}

/* By a byte-order mark, or by how an ASCII character that begins JSON looks in it. */
static bool is_utf16(struct text line)
{
	static const char starts[] = "{[\" \t\r";
	if (line.len < 2)
		return false;
	unsigned char first = (unsigned char)line.ptr[0], second = (unsigned char)line.ptr[1];
	if ((first == 0xff && second == 0xfe) || (first == 0xfe && second == 0xff))
		return true;
	return (second == 0 && first != 0 && strchr(starts, first) != NULL) ||
	       (first == 0 && second != 0 && strchr(starts, second) != NULL);
}

static enum line_result hand_out(struct line_reader *reader, struct text line, struct text *line_out)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	enum { MARK_BYTES = sizeof(byte_order_mark) - 1 };
	if (!reader->any_line && is_utf16(line)) {
		log_error("%s is in UTF-16: convert it, as in iconv -f UTF-16 -t UTF-8 FILE | kpid ingest -",
		          reader->name);
		return LINE_FAILED;
	}
	/* Files from Windows have them, also in the middle where such files were put together. */
	if (line.len >= MARK_BYTES && memcmp(line.ptr, byte_order_mark, MARK_BYTES) == 0) {
		line.ptr += MARK_BYTES;
		line.len -= MARK_BYTES;
	}
	if (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	reader->any_line = true;
	reader->line_begun = false;
	*line_out = line;
	return LINE_READ;
}

static enum line_result hand_out_kept(struct line_reader *reader, struct text *line_out)
{
	reader->handed_out = true;
	return hand_out(reader, buf_text(&reader->line), line_out);
}

static enum line_result next_line(struct line_reader *reader, struct text *line_out)
{
	for (int n_pieces = 0; n_pieces < PIECES_PER_CALL; n_pieces++) {
		char *from = reader->plain + reader->plain_at;
		size_t n = reader->plain_end - reader->plain_at;
		char *end = n == 0 ? NULL : memchr(from, '\n', n);
		if (end != NULL) {
			reader->plain_at += (size_t)(end - from) + 1;
			if (!reader->line_begun)
				return hand_out(reader, (struct text){from, (uint32_t)(end - from)}, line_out);
			keep(reader, from, (size_t)(end - from));
			return hand_out_kept(reader, line_out);
		}
		keep(reader, from, n);
		reader->plain_at = reader->plain_end;
		enum line_result result = fill_plain(reader);
		if (result == LINE_END && reader->line_begun)
			return hand_out_kept(reader, line_out);
		if (result != LINE_READ)
			return result;
	}
	return LINE_MORE;
}

enum line_result line_reader_next(struct line_reader *reader, struct text *line_out)
{
	if (reader->failed)
		return LINE_FAILED;
	if (reader->handed_out)
		buf_clear(&reader->line);
	if (!reader->line_begun)
		reader->cut = false;
	reader->handed_out = false;
	enum line_result result = next_line(reader, line_out);
	reader->failed = result == LINE_FAILED;
	return result;
}
