#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "adapters/csv/csv_row.h"
#include "adapters/csv/encoding.h"
#include "app/record_frame.h"

static struct arena arena;

static int set_up(void **state)
{
	(void)state;
	arena_init(&arena);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

/* The records of the text, joined by '|', when it arrives in pieces of n bytes. */
static void assert_records(enum record_form form, const char *text, const char *expected)
{
	for (size_t n_piece = 1; n_piece <= strlen(text); n_piece++) {
		struct record_frame frame = {.form = form, .delimiter = ','};
		char out[1000] = "";
		bool begun = false;
		for (const char *piece = text; *piece != '\0';) {
			size_t n = strnlen(piece, n_piece);
			const char *end = piece + n;
			while (piece < end) {
				struct record_part part =
				        record_frame_find(&frame, piece, (size_t)(end - piece), begun);
				const char *stop = part.end == NULL ? end : part.end;
				strncat(out, part.begin, (size_t)(stop - part.begin));
				begun = part.end == NULL && (begun || part.begin < end);
				if (part.end != NULL)
					strcat(out, "|");
				piece = part.next;
			}
		}
		if (begun)
			strcat(out, "|");
		if (strcmp(out, expected) != 0)
			fail_msg("%s in pieces of %zu: %s, not %s", text, n_piece, out, expected);
	}
}

static void test_M13_a_row_ends_outside_quotes(void **state)
{
	(void)state;
	assert_records(RECORD_CSV, "a,b\n1,\"2\n3\",4\n5\n", "a,b|1,\"2\n3\",4|5|");
	assert_records(RECORD_CSV, "\"a\"\"\n\",1\n\"\",2\n", "\"a\"\"\n\",1|\"\",2|");
	assert_records(RECORD_CSV, "a\"b\nc\"d\n", "a\"b|c\"d|");
	assert_records(RECORD_CSV, " \"a\nb\" ,c\nd", " \"a\nb\" ,c|d|");
}

static void test_M3_values_of_JSON_are_records(void **state)
{
	(void)state;
	assert_records(RECORD_JSON, "[{\"a\":[1,\"]\"]},\n {\"b\":\"\\\"}\"} ]",
	               "{\"a\":[1,\"]\"]}|{\"b\":\"\\\"}\"}|");
	assert_records(RECORD_JSON, "{\"a\":1}{\"b\":2}\n\n[3]", "{\"a\":1}|{\"b\":2}|[3]|");
	assert_records(RECORD_JSON, "[1, null,\"x\", [2], {}]", "1|null|\"x\"|[2]|{}|");
	assert_records(RECORD_JSON, "[{\"torn\":", "{\"torn\":|");
	assert_records(RECORD_JSON, " [ ] ", "");
}

static void assert_cells(const char *row, char delimiter, const char *expected)
{
	struct csv_cells cells;
	char out[1000] = "";
	if (!csv_row_split(text_of(row), delimiter, &arena, &cells))
		strcat(out, "wrong");
	for (size_t i = 0; out[0] != 'w' && i < cells.n; i++) {
		strncat(out, cells.items[i].ptr, cells.items[i].len);
		strcat(out, "|");
	}
	if (strcmp(out, expected) != 0)
		fail_msg("%s: %s, not %s", row, out, expected);
}

static void test_M13_rows_are_strict(void **state)
{
	(void)state;
	assert_cells("a,,\"b,\"\"c\"\"\"", ',', "a||b,\"c\"|");
	assert_cells("a;b", ';', "a|b|");
	assert_cells("a\tb", '\t', "a|b|");
	assert_cells("\"a\nb\",c", ',', "a\nb|c|");
	assert_cells("a\"b,c", ',', "wrong");
	assert_cells("\"a\"b,c", ',', "wrong");
	assert_cells("\"a", ',', "wrong");
	assert_cells("a\nb", ',', "wrong");
}

static void test_M13_the_delimiter_is_guessed(void **state)
{
	(void)state;
	assert_int_equal(csv_delimiter_guess(TEXT("a,b;c,d")), ',');
	assert_int_equal(csv_delimiter_guess(TEXT("a;\"b,c,d\";e")), ';');
	assert_int_equal(csv_delimiter_guess(TEXT("a\tb")), '\t');
	assert_int_equal(csv_delimiter_guess(TEXT("a|b|c,d")), '|');
	assert_int_equal(csv_delimiter_guess(TEXT("a")), ',');
}

static void assert_decoded(const char *name, const char *bytes, size_t n_bytes, const char *expected)
{
	for (size_t n_piece = 1; n_piece <= n_bytes; n_piece++) {
		struct encoding *encoding = encoding_new(name);
		struct buf out = BUF_INIT;
		for (size_t at = 0; at < n_bytes; at += n_piece)
			encoding_decode(encoding, bytes + at, n_bytes - at < n_piece ? n_bytes - at : n_piece, false,
			                &out);
		encoding_decode(encoding, NULL, 0, true, &out);
		if (strcmp(buf_text(&out).ptr, expected) != 0)
			fail_msg("%s in pieces of %zu: %s", name, n_piece, buf_text(&out).ptr);
		buf_release(&out);
		encoding_free(encoding);
	}
}

static void test_M13_encodings(void **state)
{
	(void)state;
	assert_string_equal(encoding_guess("abc", 3), "UTF-8");
	assert_string_equal(encoding_guess("\xe4\xb8\xad\xe4\xb8", 5), "UTF-8"); /* cut at the end */
	assert_string_equal(encoding_guess("\xb9\xa4\xb5\xa5", 4), "GB18030");
	assert_string_equal(encoding_guess("\xff\xfe"
	                                   "a\0",
	                                   4),
	                    "UTF-16");
	assert_string_equal(encoding_guess("\xef\xbb\xbf\xb9", 4), "UTF-8");
	assert_string_equal(encoding_guess("", 0), "UTF-8");
	assert_decoded("GB18030", "\xb9\xa4\xb5\xa5,x", 6, "\xe5\xb7\xa5\xe5\x8d\x95,x");
	assert_decoded("UTF-16",
	               "\xff\xfe"
	               "a\0\x2d\x4e",
	               6, "a\xe4\xb8\xad");
	assert_decoded("GB18030",
	               "a\xff"
	               "b",
	               3,
	               "a\xff"
	               "b"); /* never UTF-8, so the row is rejected */
	assert_decoded("GB18030", "a\xb9", 2, "a\xff");
	assert_null(encoding_new("no-such-encoding"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_M13_a_row_ends_outside_quotes),
	        TEST(test_M3_values_of_JSON_are_records),
	        TEST(test_M13_rows_are_strict),
	        TEST(test_M13_the_delimiter_is_guessed),
	        TEST(test_M13_encodings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
