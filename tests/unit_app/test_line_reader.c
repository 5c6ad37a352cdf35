/* Reads files and streams of lines: what a line is, and that no read error is mistaken for the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "app/line_reader.h"
#include "kpid/base/buf.h"
#include "kpid/base/log.h"

static char path[] = "/tmp/test_line_reader.XXXXXX";

static void write_file(const void *bytes, size_t n)
{
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	fclose(file);
}

/* All lines, each with a newline, and how reading ended. */
static enum line_result read_all(struct line_reader *reader, struct buf *out)
{
	struct text line;
	enum line_result result;
	while ((result = line_reader_next(reader, &line)) == LINE_READ || result == LINE_MORE) {
		if (result == LINE_MORE)
			continue;
		buf_add_text(out, line);
		buf_add_char(out, '\n');
	}
	return result;
}

static void expect(const void *bytes, size_t n, enum line_result result, const char *lines)
{
	struct buf out = BUF_INIT;
	write_file(bytes, n);
	struct line_reader *reader = line_reader_open(path);
	assert_non_null(reader);
	assert_int_equal(read_all(reader, &out), result);
	assert_string_equal(out.data == NULL ? "" : out.data, lines);
	/* An error is repeated, and reading the file again gives the same. */
	struct text line;
	assert_int_equal(line_reader_next(reader, &line), result);
	buf_clear(&out);
	assert_true(line_reader_rewind(reader));
	assert_int_equal(read_all(reader, &out), result);
	assert_string_equal(out.data == NULL ? "" : out.data, lines);
	line_reader_close(reader);
	buf_release(&out);
}

#define EXPECT(bytes, result, lines) expect(bytes, sizeof(bytes) - 1, result, lines)

static void gzip_add(struct buf *out, const char *words)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)words, .avail_in = (unsigned)strlen(words)};
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	size_t room = deflateBound(&z, z.avail_in);
	z.next_out = (Bytef *)buf_extend(out, room);
	z.avail_out = (unsigned)room;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out->len_bytes -= z.avail_out;
	deflateEnd(&z);
}

static void test_lines(void **state)
{
	(void)state;
	EXPECT("", LINE_END, "");
	EXPECT("a", LINE_END, "a\n");
	EXPECT("a\nb\n", LINE_END, "a\nb\n");
	EXPECT("a\n\nb", LINE_END, "a\n\nb\n");
	EXPECT("\n", LINE_END, "\n");
}

static void test_files_from_windows(void **state)
{
	(void)state;
	EXPECT("\xef\xbb\xbf{}\r\n\r\n{1}\r\n", LINE_END, "{}\n\n{1}\n");
	EXPECT("\xef\xbb\xbf", LINE_END, "\n");
	EXPECT("{}\r", LINE_END, "{}\n");
	EXPECT("{}\r\r\n", LINE_END, "{}\r\n");
	/* Two of them, concatenated. */
	EXPECT("\xef\xbb\xbf{1}\n\xef\xbb\xbf{2}\n", LINE_END, "{1}\n{2}\n");
	assert_true(line_is_blank(TEXT(" \t\r")));
	assert_true(line_is_blank(TEXT("")));
	assert_false(line_is_blank(TEXT(" x")));
}

static void test_utf16_is_refused(void **state)
{
	(void)state;
	EXPECT("\xff\xfe{\0}\0\n\0", LINE_FAILED, "");
	EXPECT("\xfe\xff\0{\0}\0\n", LINE_FAILED, "");
	EXPECT("{\0}\0\n\0", LINE_FAILED, "");
	EXPECT("\0{\0}\0\n", LINE_FAILED, "");
}

static void test_other_compressions_are_refused(void **state)
{
	(void)state;
	EXPECT("\x28\xb5\x2f\xfdrest", LINE_FAILED, "");
	EXPECT("\xfd\x37zXZ\0rest", LINE_FAILED, "");
	EXPECT("BZh91AY", LINE_FAILED, "");
	EXPECT("PK\x03\x04rest", LINE_FAILED, "");
}

static void expect_buf(const struct buf *bytes, enum line_result result, const char *lines)
{
	expect(bytes->data, bytes->len_bytes, result, lines);
}

static void test_gzip_members_joined(void **state)
{
	struct buf bytes = BUF_INIT;
	(void)state;
	gzip_add(&bytes, "a\nb");
	gzip_add(&bytes, "c\n");
	gzip_add(&bytes, "");
	gzip_add(&bytes, "d");
	expect_buf(&bytes, LINE_END, "a\nbc\nd\n");
	/* Zeros at the end pad a block. */
	memset(buf_extend(&bytes, 1000), 0, 1000);
	expect_buf(&bytes, LINE_END, "a\nbc\nd\n");
	buf_add_char(&bytes, 'x');
	expect_buf(&bytes, LINE_FAILED, "a\nbc\n");
	buf_release(&bytes);
}

static void test_gzip_truncated_anywhere(void **state)
{
	struct buf bytes = BUF_INIT;
	(void)state;
	gzip_add(&bytes, "first\nsecond\n");
	for (size_t n = 2; n < bytes.len_bytes; n++) {
		struct text line;
		enum line_result result;
		write_file(bytes.data, n);
		struct line_reader *reader = line_reader_open(path);
		while ((result = line_reader_next(reader, &line)) == LINE_READ)
			assert_true(text_equal(line, TEXT("first")) || text_equal(line, TEXT("second")));
		assert_int_equal(result, LINE_FAILED);
		line_reader_close(reader);
	}
	buf_add_str(&bytes, "trailing");
	expect_buf(&bytes, LINE_FAILED, "first\nsecond\n");
	buf_release(&bytes);
}

static void test_gzip_damaged_checksum(void **state)
{
	struct buf bytes = BUF_INIT;
	(void)state;
	gzip_add(&bytes, "a\nb\n");
	bytes.data[bytes.len_bytes - 8] ^= 1;
	struct text line;
	write_file(bytes.data, bytes.len_bytes);
	struct line_reader *reader = line_reader_open(path);
	enum line_result result;
	while ((result = line_reader_next(reader, &line)) == LINE_READ)
		;
	assert_int_equal(result, LINE_FAILED);
	line_reader_close(reader);
	buf_release(&bytes);
}

/* Reading into address 0 of this process: a read error, like that of a disk. */
static void test_read_error_is_not_the_end(void **state)
{
	struct text line;
	(void)state;
	struct line_reader *reader = line_reader_open("/proc/self/mem");
	assert_non_null(reader);
	assert_int_equal(line_reader_next(reader, &line), LINE_FAILED);
	assert_int_equal(line_reader_next(reader, &line), LINE_FAILED);
	line_reader_close(reader);
}

static void test_endless_line_returns(void **state)
{
	struct text line;
	(void)state;
	struct line_reader *reader = line_reader_open("/dev/zero");
	assert_non_null(reader);
	assert_false(line_reader_is_file(reader));
	for (int i = 0; i < 100; i++)
		assert_int_equal(line_reader_next(reader, &line), LINE_MORE);
	line_reader_close(reader);
}

static void test_long_line_is_truncated(void **state)
{
	struct buf bytes = BUF_INIT;
	struct text line;
	(void)state;
	memset(buf_extend(&bytes, LINE_MAX_BYTES + 1), 'x', LINE_MAX_BYTES + 1);
	buf_add_str(&bytes, "\nnext\n");
	write_file(bytes.data, bytes.len_bytes);
	struct line_reader *reader = line_reader_open(path);
	enum line_result result;
	while ((result = line_reader_next(reader, &line)) == LINE_MORE)
		;
	assert_int_equal(result, LINE_READ);
	assert_int_equal(line.len, LINE_MAX_BYTES);
	assert_true(line_reader_was_cut(reader));
	assert_int_equal(line_reader_next(reader, &line), LINE_READ);
	assert_true(text_equal(line, TEXT("next")));
	assert_false(line_reader_was_cut(reader));
	line_reader_close(reader);
	buf_release(&bytes);
}

/* A pipe delivers byte by byte: the kind of file is known later. */
static void test_pipe_in_drops(void **state)
{
	struct buf bytes = BUF_INIT, out = BUF_INIT;
	char name[32];
	int ends[2];
	(void)state;
	gzip_add(&bytes, "a\nb\n");
	assert_int_equal(pipe(ends), 0);
	snprintf(name, sizeof(name), "/dev/fd/%d", ends[0]);
	struct line_reader *reader = line_reader_open(name);
	assert_non_null(reader);
	assert_false(line_reader_is_file(reader));
	for (size_t i = 0; i < bytes.len_bytes; i++) {
		assert_int_equal(read_all(reader, &out), LINE_WAIT);
		assert_int_equal(write(ends[1], bytes.data + i, 1), 1);
	}
	close(ends[1]);
	assert_int_equal(read_all(reader, &out), LINE_END);
	assert_string_equal(out.data, "a\nb\n");
	line_reader_close(reader);
	close(ends[0]);
	buf_release(&bytes);
	buf_release(&out);
}

static void test_changes_are_seen(void **state)
{
	struct buf out = BUF_INIT;
	char other[sizeof(path) + 4];
	(void)state;
	write_file("a\nb\n", 4);
	struct line_reader *reader = line_reader_open(path);
	assert_int_equal(read_all(reader, &out), LINE_END);
	assert_int_equal(line_reader_change(reader), FILE_UNCHANGED);
	write_file("a\nb\nc\n", 6);
	assert_int_equal(line_reader_change(reader), FILE_CHANGED);
	assert_int_equal(read_all(reader, &out), LINE_END);
	assert_true(line_reader_rewind(reader));
	assert_int_equal(read_all(reader, &out), LINE_END);
	write_file("a\n", 2);
	assert_int_equal(line_reader_change(reader), FILE_SHORTER);
	write_file("a\nb\nc\n", 6);
	snprintf(other, sizeof(other), "%s.new", path);
	assert_int_equal(rename(path, other), 0);
	write_file("a\nb\nc\n", 6);
	assert_int_equal(line_reader_change(reader), FILE_REPLACED);
	unlink(other);
	line_reader_close(reader);
	buf_release(&out);
}

static void test_files_that_cannot_be_opened(void **state)
{
	(void)state;
	assert_null(line_reader_open("/tmp"));
	assert_null(line_reader_open("/nowhere/file.ndjson"));
}

static int setup(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	int fd = mkstemp(path);
	close(fd);
	return fd < 0;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_lines),
	        cmocka_unit_test(test_files_from_windows),
	        cmocka_unit_test(test_utf16_is_refused),
	        cmocka_unit_test(test_other_compressions_are_refused),
	        cmocka_unit_test(test_gzip_members_joined),
	        cmocka_unit_test(test_gzip_truncated_anywhere),
	        cmocka_unit_test(test_gzip_damaged_checksum),
	        cmocka_unit_test(test_read_error_is_not_the_end),
	        cmocka_unit_test(test_endless_line_returns),
	        cmocka_unit_test(test_long_line_is_truncated),
	        cmocka_unit_test(test_pipe_in_drops),
	        cmocka_unit_test(test_changes_are_seen),
	        cmocka_unit_test(test_files_that_cannot_be_opened),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
