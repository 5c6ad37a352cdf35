/* How untrusted text is written to a terminal or a log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kpid/base/buf.h"
#include "kpid/base/printable.h"

static void expect(struct text given, const char *wanted)
{
	struct buf out = BUF_INIT;
	struct printable piece;
	while (given.len > 0) {
		uint32_t before = given.len;
		printable_next(&given, &piece);
		assert_true(given.len < before);
		assert_true((piece.character == 0) == (piece.bytes[0] == '\\' && piece.len_bytes > 1));
		buf_add(&out, piece.bytes, piece.len_bytes);
	}
	assert_string_equal(buf_text(&out).ptr, wanted);
	buf_release(&out);
}

static void text_stays(void **state)
{
	(void)state;
	expect(TEXT("a \\ 报修 é 🛠"), "a \\ 报修 é 🛠");
}

static void controls_are_spelled_out(void **state)
{
	(void)state;
	expect(TEXT("\x1b[2J\t\r\n\x7f"), "\\x1b[2J\\x09\\x0d\\x0a\\x7f");
	expect((struct text){"a\0b", 3}, "a\\x00b");
	expect(TEXT("\xc2\x9b"
	            "31m"),
	       "\\u009b31m");
}

static void what_is_not_seen_is_spelled_out(void **state)
{
	(void)state;
	expect(TEXT("\xe2\x80\xae"
	            "exe\xef\xbb\xbf\xe2\x81\xa6\xf3\xa0\x81\x81"),
	       "\\u202eexe\\ufeff\\u2066\\ue0041");
}

static void what_is_no_utf8_is_spelled_out(void **state)
{
	(void)state;
	expect(TEXT("\x9b"
	            "31m\xff\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80"),
	       "\\x9b31m\\xff\\xc0\\x80\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80");
	expect(TEXT("cut \xe6\x8a"), "cut \\xe6\\x8a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(text_stays),
	        cmocka_unit_test(controls_are_spelled_out),
	        cmocka_unit_test(what_is_not_seen_is_spelled_out),
	        cmocka_unit_test(what_is_no_utf8_is_spelled_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
