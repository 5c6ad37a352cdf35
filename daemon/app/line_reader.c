#include "app/line_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "adapters/csv/encoding.h"
#include "kpid/base/buf.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

enum {
	RAW_BYTES = 64 * 1024,
	PLAIN_BYTES = 256 * 1024,
	MAGIC_BYTES = 6,    /* the longest magic number of a compression format */
	PIECES_PER_CALL = 8 /* without a line end by then, a call returns LINE_MORE */
};

struct line_reader {
	char *path; /* NULL: standard input */
	const char *name;
	int fd;
	off_t start; /* offset of the first byte to read; > 0 if standard input is a file that was partly read */
	struct stat before;
	bool is_file, failed;
	int64_t position;
	unsigned char raw[RAW_BYTES];
	size_t raw_at, raw_end;
	bool raw_ended;
	bool detected, gzip; /* detected: the compression format is known */
	z_stream inflater;
	bool member_ended; /* between members of a gzip file */
	bool padded;       /* zeros followed a member: only zeros may follow */
	char plain[PLAIN_BYTES];
	size_t plain_at, plain_end;
	/* of other records than lines */
	struct record_format format;
	struct record_frame frame;
	struct encoding *encoding; /* NULL: the text is not decoded, or its encoding is not known yet */
	const char *encoding_name;
	struct buf sample, decoded; /* decoded: takes the place of plain */
	bool decoded_end;           /* the last bytes were decoded */
	int64_t record_line, next_line;
	struct buf line; /* the start of a line that continues in the next piece */
	bool line_begun; /* even if nothing of it is kept yet */
	bool cut;
	bool returned; /* line was the last result */
	bool any_line;
};

/* ---- life ---- */

static bool read_stat(struct line_reader *reader)
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
	} else if (read_stat(reader)) {
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
	encoding_free(reader->encoding);
	buf_release(&reader->sample);
	buf_release(&reader->decoded);
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
	if (!read_stat(reader))
		return false;
	if (reader->gzip)
		inflateEnd(&reader->inflater);
	buf_clear(&reader->line);
	reader->position = 0;
	reader->raw_at = reader->raw_end = reader->plain_at = reader->plain_end = 0;
	reader->raw_ended = reader->detected = reader->gzip = reader->member_ended = reader->padded = false;
	reader->line_begun = reader->cut = reader->returned = reader->any_line = reader->failed = false;
	reader->frame = (struct record_frame){.form = reader->format.form, .delimiter = reader->frame.delimiter};
	reader->record_line = reader->next_line = 0;
	reader->decoded_end = false;
	buf_clear(&reader->decoded);
	buf_clear(&reader->sample);
	if (reader->encoding != NULL)
		encoding_reset(reader->encoding);
	return true;
}

static bool open_encoding(struct line_reader *reader, const char *name)
{
	reader->encoding = encoding_new(name);
	reader->encoding_name = name;
	if (reader->encoding == NULL)
		log_error("%s is no encoding that iconv knows; iconv --list shows them", name);
	return reader->encoding != NULL;
}

bool line_reader_set_format(struct line_reader *reader, const struct record_format *format)
{
	reader->format = *format;
	reader->frame = (struct record_frame){.form = format->form, .delimiter = format->delimiter};
	if (format->form == RECORD_CSV && format->delimiter == '\0')
		reader->frame.delimiter = ',';
	return format->encoding == NULL || open_encoding(reader, format->encoding);
}

void line_reader_set_delimiter(struct line_reader *reader, char delimiter)
{
	reader->frame.delimiter = delimiter;
}

const char *line_reader_encoding(const struct line_reader *reader)
{
	return reader->encoding_name;
}

int64_t line_reader_record_line(const struct line_reader *reader)
{
	return reader->record_line;
}

enum line_change line_reader_change(const struct line_reader *reader)
{
	struct stat now, named;
	const struct stat *before = &reader->before;
	int64_t end = reader->start + reader->position;
	if (fstat(reader->fd, &now) != 0)
		return FILE_CHANGED;
	/* Files in /proc have length 0, whatever their content. */
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

/* ---- raw bytes ---- */

/* Appends to the raw bytes. */
static enum line_result read_more(struct line_reader *reader)
{
	struct pollfd ready = {reader->fd, POLLIN, 0};
	if (!reader->is_file && poll(&ready, 1, 0) == 0)
		return LINE_WAIT;
	unsigned char *to = reader->raw + reader->raw_end;
	size_t room = RAW_BYTES - reader->raw_end;
	/* Other processes may share standard input and move its position. */
	ssize_t n = reader->is_file ? pread(reader->fd, to, room, reader->start + reader->position)
	                            : read(reader->fd, to, room);
	if (n < 0 && errno == EINTR)
		return LINE_MORE;
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return LINE_WAIT;
	if (n < 0) {
		log_error("%s: %s; everything read so far counts", reader->name, strerror(errno));
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
	/* A pipe may deliver the first bytes one by one. */
	while (!reader->detected && !reader->raw_ended && reader->raw_end < MAGIC_BYTES) {
		enum line_result result = read_more(reader);
		if (result != LINE_READ)
			return result;
	}
	return LINE_READ;
}

static bool starts_with(const struct line_reader *reader, const char *magic, size_t n)
{
	return reader->raw_end - reader->raw_at >= n && memcmp(reader->raw + reader->raw_at, magic, n) == 0;
}

/* Detects, and logs, formats that would only give dead letters. */
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
		if (!starts_with(reader, packings[i].magic, packings[i].n))
			continue;
		log_error("%s is compressed with %s, which kpid cannot read: use %s FILE | kpid ingest -", reader->name,
		          packings[i].name, packings[i].program);
		return true;
	}
	return false;
}

static bool detect_packing(struct line_reader *reader)
{
	enum { GZIP_WINDOW_BITS = 15 + 16 };
	reader->detected = true;
	if (is_unknown_packing(reader))
		return false;
	if (!starts_with(reader, "\x1f\x8b", 2))
		return true;
	reader->inflater = (z_stream){.zalloc = Z_NULL};
	reader->gzip = inflateInit2(&reader->inflater, GZIP_WINDOW_BITS) == Z_OK;
	if (!reader->gzip)
		log_error("%s: cannot decompress", reader->name);
	return reader->gzip;
}

/* ---- decompressed bytes ---- */

/* After a member there may be padding with zeros or another member; anything else is damage. */
static enum line_result next_member(struct line_reader *reader)
{
	while (reader->raw_at < reader->raw_end && reader->raw[reader->raw_at] == 0) {
		reader->raw_at++;
		reader->padded = true;
	}
	if (reader->raw_at == reader->raw_end)
		return reader->raw_ended ? LINE_END : LINE_READ;
	if (reader->padded || reader->raw[reader->raw_at] != 0x1f) {
		log_error("%s: other bytes follow its gzip data: the file is damaged; everything read so far counts",
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
		log_error("%s: the gzip file ends too soon: it was truncated; everything read so far counts",
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
	log_error("%s: the gzip file is damaged (%s); everything read so far counts", reader->name,
	          z->msg == NULL ? "unknown" : z->msg);
	return LINE_FAILED;
}

static enum line_result fill_plain(struct line_reader *reader)
{
	enum line_result result = fill_raw(reader);
	if (result != LINE_READ)
		return result;
	if (!reader->detected && !detect_packing(reader))
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

/* Keeps the start of a line until the next piece. */
static void keep(struct line_reader *reader, const char *bytes, size_t n)
{
	size_t room = LINE_MAX_BYTES - reader->line.len_bytes;
	reader->line_begun = reader->line_begun || n > 0;
	reader->cut = reader->cut || n > room;
	buf_add(&reader->line, bytes, n > room ? room : n);
}

/* Detects a byte-order mark, or an ASCII character that may begin JSON next to a zero byte. */
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

static enum line_result return_line(struct line_reader *reader, struct text line, struct text *line_out)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	enum { MARK_BYTES = sizeof(byte_order_mark) - 1 };
	if (!reader->any_line && is_utf16(line)) {
		log_error("%s is in UTF-16: convert it, as in iconv -f UTF-16 -t UTF-8 FILE | kpid ingest -",
		          reader->name);
		return LINE_FAILED;
	}
	/* Files from Windows have byte-order marks, also in the middle if they were concatenated. */
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

static enum line_result return_kept(struct line_reader *reader, struct text *line_out)
{
	reader->returned = true;
	return return_line(reader, buf_text(&reader->line), line_out);
}

/* ---- decoded text ---- */

/* Gathers what the encoding is guessed from. */
static enum line_result fill_sample(struct line_reader *reader)
{
	while (reader->sample.len_bytes < ENCODING_SAMPLE_BYTES) {
		enum line_result result = fill_plain(reader);
		if (result == LINE_END)
			break;
		if (result != LINE_READ)
			return result;
		buf_add(&reader->sample, reader->plain + reader->plain_at, reader->plain_end - reader->plain_at);
		reader->plain_at = reader->plain_end;
	}
	const char *name = encoding_guess(buf_text(&reader->sample).ptr, reader->sample.len_bytes);
	if (!open_encoding(reader, name))
		return LINE_FAILED;
	encoding_decode(reader->encoding, buf_text(&reader->sample).ptr, reader->sample.len_bytes, false,
	                &reader->decoded);
	buf_release(&reader->sample);
	return LINE_READ;
}

/* The text that was not returned yet. */
static struct text window(struct line_reader *reader)
{
	const char *bytes = reader->format.form == RECORD_CSV ? buf_text(&reader->decoded).ptr : reader->plain;
	return (struct text){bytes + reader->plain_at, (uint32_t)(reader->plain_end - reader->plain_at)};
}

/* As fill_plain(), but for CSV the text is decoded. */
static enum line_result fill_text(struct line_reader *reader)
{
	if (reader->format.form != RECORD_CSV)
		return fill_plain(reader);
	buf_clear(&reader->decoded);
	enum line_result result = LINE_READ;
	if (reader->encoding == NULL) {
		result = fill_sample(reader);
	} else {
		result = fill_plain(reader);
		if (result == LINE_READ || (result == LINE_END && !reader->decoded_end)) {
			encoding_decode(reader->encoding, reader->plain + reader->plain_at,
			                result == LINE_READ ? reader->plain_end - reader->plain_at : 0,
			                result == LINE_END, &reader->decoded);
			reader->decoded_end = result == LINE_END;
			result = LINE_READ;
		}
	}
	reader->plain_at = 0;
	reader->plain_end = reader->decoded.len_bytes;
	return result;
}

/* ---- records ---- */

/* The row on which a file of CSV ends, or grows too long, is an error (M13). */
static bool is_broken_row(const struct line_reader *reader, bool is_end)
{
	const struct csv_end *csv = &reader->frame.csv;
	if (reader->format.form != RECORD_CSV)
		return false;
	if (reader->line.len_bytes >= LINE_MAX_BYTES)
		log_error("%s: the row that begins in line %lld has more than 1000000 bytes: is a quote missing? "
		          "everything read so far counts",
		          reader->name, (long long)reader->next_line + 1);
	else if (is_end && csv->in_quotes && !csv->may_close)
		log_error("%s: the quote in the row that begins in line %lld is not closed: the file is damaged; "
		          "everything read so far counts",
		          reader->name, (long long)reader->next_line + 1);
	else
		return false;
	return true;
}

static void count_lines(struct line_reader *reader, struct text line)
{
	reader->record_line = ++reader->next_line;
	for (uint32_t i = 0; reader->format.form == RECORD_CSV && i < line.len; i++)
		reader->next_line += line.ptr[i] == '\n';
}

/* The lines before a header are lines, whatever quotes they have. */
static struct record_part find_end(struct line_reader *reader, struct text text)
{
	struct record_frame line = {.form = RECORD_LINES};
	bool is_before = reader->next_line < reader->format.n_skip;
	return record_frame_find(is_before ? &line : &reader->frame, text.ptr, text.len, reader->line_begun);
}

static enum line_result next_record(struct line_reader *reader, struct text *line_out)
{
	for (int n_pieces = 0; n_pieces < PIECES_PER_CALL; n_pieces++) {
		struct text text = window(reader);
		struct record_part part = find_end(reader, text);
		if (part.end != NULL) {
			reader->plain_at += (size_t)(part.next - text.ptr);
			if (!reader->line_begun)
				return return_line(reader, (struct text){part.begin, (uint32_t)(part.end - part.begin)},
				                   line_out);
			keep(reader, part.begin, (size_t)(part.end - part.begin));
			return return_kept(reader, line_out);
		}
		keep(reader, part.begin, (size_t)(text.ptr + text.len - part.begin));
		reader->plain_at = reader->plain_end;
		if (is_broken_row(reader, false))
			return LINE_FAILED;
		enum line_result result = fill_text(reader);
		if (result == LINE_END && is_broken_row(reader, true))
			return LINE_FAILED;
		if (result == LINE_END && reader->line_begun)
			return return_kept(reader, line_out);
		if (result != LINE_READ)
			return result;
	}
	return LINE_MORE;
}

static enum line_result next_line(struct line_reader *reader, struct text *line_out)
{
	for (;;) {
		enum line_result result = next_record(reader, line_out);
		if (result != LINE_READ)
			return result;
		count_lines(reader, *line_out);
		bool is_empty = reader->format.form == RECORD_CSV && line_is_blank(*line_out);
		if (reader->record_line > reader->format.n_skip && !is_empty)
			return LINE_READ;
		buf_clear(&reader->line);
		reader->returned = false;
	}
}

enum line_result line_reader_next(struct line_reader *reader, struct text *line_out)
{
	if (reader->failed)
		return LINE_FAILED;
	if (reader->returned)
		buf_clear(&reader->line);
	if (!reader->line_begun)
		reader->cut = false;
	reader->returned = false;
	enum line_result result = next_line(reader, line_out);
	reader->failed = result == LINE_FAILED;
	return result;
}
