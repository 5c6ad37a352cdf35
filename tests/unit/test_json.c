/* The strict JSON reader and its decimals: against fixed cases and against jansson. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "../../daemon/core/wire/decimal.h"
#include "../../daemon/core/wire/jsonscan.h"
#include "../../daemon/core/wire/member_names.h"
#include "kpid/base/buf.h"
#include "kpid/base/memory.h"

enum { LEVELS = 16, SLOT_A = 0, SLOT_B, SLOT_DATA, N_SLOTS };

struct result {
	bool is_json;
	struct jsonscan_value root;
	struct jsonscan_error error;
	struct jsonscan_value outer[N_SLOTS], inner[N_SLOTS];
};

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

static int find_slot(struct text name)
{
	if (text_equal(name, TEXT("a")))
		return SLOT_A;
	if (text_equal(name, TEXT("b")))
		return SLOT_B;
	return text_equal(name, TEXT("data")) ? SLOT_DATA : -1;
}

static struct result scan(struct text json)
{
	struct result result = {0};
	const struct jsonscan_wanted wanted = {find_slot, SLOT_DATA, result.outer, result.inner, false};
	result.is_json = jsonscan_read(json, LEVELS, &wanted, &arena, &result.root, &result.error);
	return result;
}

static void assert_json(const char *json)
{
	struct result result = scan(text_of(json));
	if (!result.is_json)
		fail_msg("rejected at %zu (%s): %s", result.error.at_byte, result.error.text, json);
}

static void assert_not_json(const char *json, const char *words, size_t at_byte)
{
	struct result result = scan(text_of(json));
	if (result.is_json)
		fail_msg("accepted: %s", json);
	assert_string_equal(result.error.text, words);
	assert_int_equal(result.error.at_byte, at_byte);
}

static void assert_all_json(const char *const texts[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_json(texts[i]);
}

static void assert_none_json(const char *const texts[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (scan(text_of(texts[i])).is_json)
			fail_msg("accepted: %s", texts[i]);
	}
}

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

static void test_any_value_may_be_the_root(void **state)
{
	(void)state;
	assert_int_equal(scan(TEXT(" null ")).root.kind, JSONSCAN_NULL);
	assert_int_equal(scan(TEXT("true")).root.kind, JSONSCAN_TRUE);
	assert_int_equal(scan(TEXT("false")).root.kind, JSONSCAN_FALSE);
	assert_int_equal(scan(TEXT("-1.5e3")).root.kind, JSONSCAN_NUMBER);
	assert_int_equal(scan(TEXT("\"\"")).root.kind, JSONSCAN_STRING);
	assert_int_equal(scan(TEXT("[1,[],{}]")).root.kind, JSONSCAN_ARRAY);
	assert_int_equal(scan(TEXT("\t\r\n {\"a\" : 1 , \"c\":[ 1 , 2 ]}\n")).root.kind, JSONSCAN_OBJECT);
}

static void test_members_are_kept_in_their_slots(void **state)
{
	(void)state;
	struct result result =
	        scan(TEXT("{\"b\":[1,{\"a\":2}],\"data\":{\"a\":-1.50,\"data\":{\"b\":3}},\"x\":{\"a\":1}}"));
	assert_true(result.is_json);
	assert_int_equal(result.outer[SLOT_A].kind, JSONSCAN_ABSENT);
	assert_int_equal(result.outer[SLOT_B].kind, JSONSCAN_ARRAY);
	assert_int_equal(result.outer[SLOT_B].len, 11);
	assert_int_equal(result.outer[SLOT_DATA].kind, JSONSCAN_OBJECT);
	assert_int_equal(result.inner[SLOT_A].kind, JSONSCAN_NUMBER);
	assert_memory_equal(result.inner[SLOT_A].ptr, "-1.50", 5);
	assert_int_equal(result.inner[SLOT_A].len, 5);
	assert_int_equal(result.inner[SLOT_B].kind, JSONSCAN_ABSENT);
	assert_int_equal(result.inner[SLOT_DATA].kind, JSONSCAN_OBJECT);
}

static void test_E5_grammar(void **state)
{
	static const char *const texts[] = {
	        "",          " ",          "{",          "}",
	        "[",         "]",          "{]",         "[}",
	        "[1,]",      "[,1]",       "[1 2]",      "{\"a\"}",
	        "{\"a\":}",  "{\"a\":1,}", "{,}",        "{a:1}",
	        "{'a':1}",   "{1:1}",      "{\"a\" 1}",  "{\"a\":1;}",
	        "nul",       "nulL",       "True",       "NaN",
	        "Infinity",  "-Infinity",  "undefined",  "'a'",
	        "\"",        "\"a",        "{\"a\":1",   "[[]",
	        "/* c */ 1", "1 // c",     "\v1",        "\xef\xbb\xbf{}",
	        "\f1",       "1\xc2\xa0",  "{\"a\"::1}", "{\"a\":1,,\"b\":2}",
	};
	(void)state;
	assert_none_json(texts, N_OF(texts));
}

static void test_E5_trailing_text(void **state)
{
	(void)state;
	assert_not_json("{} x", "text after the end of the JSON", 3);
	assert_not_json("{}{}", "text after the end of the JSON", 2);
	assert_not_json("1 2", "text after the end of the JSON", 2);
	assert_not_json("nullnull", "text after the end of the JSON", 4);
	assert_false(scan(TEXT("{}\0")).is_json);
}

static void test_E5_number_grammar(void **state)
{
	static const char *const good[] = {"0",    "-0",   "10",  "0.5",      "-0.0", "1e1",
	                                   "1E+1", "1e-1", "0e0", "1.25e007", "0E5"};
	static const char *const bad[] = {"-",    "+1",  "01",  "-01", "1.",  ".5",    "-.5",   "1e", "1e+",
	                                  "1.e1", "0x1", "1_0", "1,0", "--1", "1e1.5", "1e1e1", "00", "\xef\xbc\x91"};
	(void)state;
	assert_all_json(good, N_OF(good));
	assert_none_json(bad, N_OF(bad));
}

static void test_E5_numbers_beyond_a_double(void **state)
{
	static const char *const good[] = {"1e308",
	                                   "-1.7976931348623157e308",
	                                   "1.7976931348623158e308",
	                                   "17976931348623157e292",
	                                   "0.00000000017976931348623157e318",
	                                   "0e999999999999",
	                                   "0.000e400",
	                                   "1e-400",
	                                   "1e-99999999999999999999"};
	static const char *const bad[] = {"1e309",
	                                  "-1e309",
	                                  "1.7976931348623159e308",
	                                  "17976931348623159e292",
	                                  "0.1e310",
	                                  "1e99999999999999999999",
	                                  "123456789e301"};
	char digits[512];
	(void)state;
	assert_all_json(good, N_OF(good));
	for (size_t i = 0; i < N_OF(bad); i++)
		assert_not_json(bad[i], "number beyond the range of a double", 0);
	/* a big integer is fine if it is finite */
	assert_json("123456789012345678901234567890");
	memset(digits, '9', sizeof(digits));
	digits[308] = '\0';
	assert_json(digits);
	digits[308] = '9';
	digits[309] = '\0';
	assert_not_json(digits, "number beyond the range of a double", 0);
}

/* Around 2^1024 - 2^970, where a double becomes infinite; digit by digit as in strtod(). */
static void test_E5_the_limit_of_a_double_is_exact(void **state)
{
	static const char edge[] = "179769313486231580793728971405303415079934132710037826936173778980444968292764"
	                           "750946649017977587207096330286416692887910946555547851940402630657488671505820"
	                           "681908902000708383676273854845817711531764475730270069855571366959622842914819"
	                           "860834936475292719074168444365510704342711559699508093042880177904174497792";
	char number[400];
	(void)state;
	for (size_t i = 0; i < sizeof(edge) - 1; i++) {
		for (char c = '0'; c <= '9'; c++) {
			memcpy(number, edge, sizeof(edge));
			number[i] = c;
			if (number[0] == '0')
				continue;
			bool is_infinite = strtod(number, NULL) > 1.7976931348623157e308;
			assert_int_equal(scan(text_of(number)).is_json, !is_infinite);
		}
	}
	snprintf(number, sizeof(number), "%s.0001", edge);
	assert_false(scan(text_of(number)).is_json);
}

static void test_E5_strings(void **state)
{
	static const char *const good[] = {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
	                                   "\"\\u00e9\\uD83D\\ude00\"",
	                                   "\"\x7f\"",
	                                   "\"\\ufffe\"",
	                                   "\"12345678\"",
	                                   "\"1234567\\n90\""};
	(void)state;
	assert_all_json(good, N_OF(good));
	assert_not_json("\"a\nb\"", "control character in a string; write \\n or \\u00xx", 2);
	assert_not_json("\"12345678\tb\"", "control character in a string; write \\n or \\u00xx", 9);
	assert_not_json("\"\x1f\"", "control character in a string; write \\n or \\u00xx", 1);
	assert_not_json("\"\\x\"", "unknown escape in a string", 1);
	assert_not_json("\"\\", "unterminated string", 1);
	assert_not_json("\"\\u12\"", "no four hexadecimal digits after \\u", 3);
	assert_not_json("\"\\u12g4\"", "no four hexadecimal digits after \\u", 3);
	assert_not_json("\"\\U0041\"", "unknown escape in a string", 1);
}

static void test_E5_NUL_raw_or_escaped(void **state)
{
	(void)state;
	assert_not_json("\"a\\u0000\"", "U+0000 in a string", 4);
	assert_not_json("{\"\\u0000\":1}", "U+0000 in a string", 4);
	assert_false(scan(TEXT("\"a\0b\"")).is_json);
	assert_false(scan(TEXT("\0")).is_json);
	assert_false(scan(TEXT("{\0}")).is_json);
	assert_false(scan(TEXT("1\0")).is_json);
}

static void test_E5_lone_surrogates_in_escapes(void **state)
{
	static const char *const texts[] = {
	        "\"\\ud800\"",        "\"\\udc00\"",        "\"\\ud800a\"",      "\"\\ud800\\n\"", "\"\\ud800\\ud800\"",
	        "\"\\udc00\\ud800\"", "\"\\ud800\\u0041\"", "\"\\ud83d\\ude0\"", "\"\\ud83d\\u",   "{\"\\udfff\":1}"};
	(void)state;
	assert_none_json(texts, N_OF(texts));
	assert_json("\"\\udbff\\udfff\\ud800\\udc00\"");
}

static void test_E5_bad_UTF_8(void **state)
{
	static const char *const bad[] = {
	        "\x80", /* a continuation byte alone */
	        "\xbf",
	        "\xc3", /* truncated */
	        "\xe7\x89",
	        "\xf0\x9f\x98",
	        "\xc0\x80", /* overlong */
	        "\xc1\xbf",
	        "\xe0\x9f\xbf",
	        "\xf0\x8f\xbf\xbf",
	        "\xed\xa0\x80", /* surrogates */
	        "\xed\xbf\xbf",
	        "\xf4\x90\x80\x80", /* beyond U+10FFFF */
	        "\xf5\x80\x80\x80",
	        "\xfe",
	        "\xff",
	        "\xf8\x88\x80\x80\x80",
	        "\xe9", /* Latin-1 */
	        "\xc3(",
	        "\xe7(\x89",
	        "\xe7\x89(",
	};
	static const char *const good[] = {"\"\xc2\x80\"",         "\"\xdf\xbf\"",         "\"\xe0\xa0\x80\"",
	                                   "\"\xed\x9f\xbf\"",     "\"\xee\x80\x80\"",     "\"\xef\xbf\xbf\"",
	                                   "\"\xf0\x90\x80\x80\"", "\"\xf4\x8f\xbf\xbf\"", "\"1234567\xe7\x89\xa9zz\""};
	(void)state;
	for (size_t i = 0; i < N_OF(bad); i++) {
		char json[64];
		snprintf(json, sizeof(json), "\"%s\"", bad[i]);
		assert_not_json(json, "not UTF-8", 1);
		snprintf(json, sizeof(json), "{\"x\":{\"1234567%s\":1}}", bad[i]);
		assert_false(scan(text_of(json)).is_json);
		assert_false(jsonscan_is_clean(text_of(bad[i])));
		snprintf(json, sizeof(json), "\"%s", bad[i]);
		assert_false(scan(text_of(json)).is_json);
	}
	assert_all_json(good, N_OF(good));
	assert_true(jsonscan_is_clean(TEXT("plain \xe7\x89\xa9 \xf0\x9f\x98\x80")));
	assert_false(jsonscan_is_clean(TEXT("a\0b")));
}

static void test_E5_duplicate_keys_at_any_depth(void **state)
{
	(void)state;
	assert_not_json("{\"a\":1,\"a\":1}", "duplicate key", 7);
	assert_not_json("{\"\":1,\"\":1}", "duplicate key", 6);
	assert_not_json("{\"x\":[{\"y\":{\"k\":1,\"l\":2,\"k\":3}}]}", "duplicate key", 24);
	assert_json("{\"a\":{\"a\":{\"a\":1}},\"A\":[{\"a\":1},{\"a\":1}]}");
	assert_json("{\"a\":1,\"aa\":1,\"a \":1,\"\":1}");
}

static void test_E5_duplicate_keys_are_compared_unescaped(void **state)
{
	(void)state;
	assert_not_json("{\"a\":1,\"\\u0061\":1}", "duplicate key", 7);
	assert_not_json("{\"\xf0\x9f\x98\x80\":1,\"\\ud83d\\ude00\":1}", "duplicate key", 10);
	assert_not_json("{\"a/b\":1,\"a\\/b\":1}", "duplicate key", 9);
	assert_json("{\"\\\\u0061\":1,\"a\":1}");
}

/* {"<prefix>0":0,"<prefix>1":0,...} */
static void add_object(struct buf *out, unsigned n_names, const char *prefix)
{
	buf_add_char(out, '{');
	for (unsigned i = 0; i < n_names; i++) {
		buf_add_format(out, "%s\"%s%u\":0", i == 0 ? "" : ",", prefix, i);
	}
	buf_add_char(out, '}');
}

static void test_E5_duplicate_keys_among_many(void **state)
{
	(void)state;
	for (unsigned n_names = 1; n_names < 5000; n_names += n_names < 200 ? 1 : 1201) {
		struct buf buf = BUF_INIT;
		add_object(&buf, n_names, "");
		assert_true(scan(buf_text(&buf)).is_json);
		buf.len_bytes--;
		buf_add_format(&buf, ",\"%u\":1}", n_names / 2);
		struct result result = scan(buf_text(&buf));
		assert_false(result.is_json);
		assert_string_equal(result.error.text, "duplicate key");
		buf_release(&buf);
	}
}

static void test_E5_duplicate_keys_around_large_objects(void **state)
{
	(void)state;
	struct buf buf = BUF_INIT;
	buf_add_str(&buf, "{\"a\":");
	add_object(&buf, 300, "k");
	buf_add_str(&buf, ",\"b\":[");
	add_object(&buf, 300, "k");
	buf_add_str(&buf, "],\"data\":");
	add_object(&buf, 70, "a");
	assert_false(scan(buf_text(&buf)).is_json);
	size_t len_bytes = buf.len_bytes;
	buf_add_str(&buf, ",\"k1\":0}");
	assert_true(scan(buf_text(&buf)).is_json);
	buf.len_bytes = len_bytes;
	buf_add_str(&buf, ",\"k1\":0,\"a\":0}");
	assert_string_equal(scan(buf_text(&buf)).error.text, "duplicate key");
	buf_release(&buf);
}

/* Names that collide in one hash bucket: they are sorted instead, with the same result. */
static void test_E5_duplicate_keys_among_colliding_names(void **state)
{
	enum { N_NAMES = 400, MASK = 0x7ff };
	struct buf buf = BUF_INIT;
	char name[32], first[32] = "";
	unsigned n_found = 0;
	(void)state;
	buf_add_str(&buf, "{\"data\":{");
	for (unsigned i = 0; n_found < N_NAMES; i++) {
		snprintf(name, sizeof(name), "%u", i);
		if ((member_name_hash(text_of(name)) & MASK) != 0)
			continue;
		buf_add_format(&buf, "%s\"%s\":%u", n_found == 0 ? "" : ",", name, i);
		if (n_found++ == 0)
			memcpy(first, name, sizeof(first));
	}
	size_t len_bytes = buf.len_bytes;
	buf_add_str(&buf, "},\"a\":1}");
	assert_true(scan(buf_text(&buf)).is_json);
	buf.len_bytes = len_bytes;
	buf_add_format(&buf, ",\"%s\":1},\"a\":1}", first);
	assert_string_equal(scan(buf_text(&buf)).error.text, "duplicate key");
	buf_release(&buf);
}

static struct text nested(struct buf *buf, unsigned levels)
{
	buf_clear(buf);
	for (unsigned i = 0; i < levels; i++)
		buf_add_str(buf, i % 2 == 0 ? "{\"a\":" : "[");
	buf_add_char(buf, '0');
	for (unsigned i = levels; i-- > 0;)
		buf_add_char(buf, i % 2 == 0 ? '}' : ']');
	return buf_text(buf);
}

static void test_E5_levels(void **state)
{
	struct buf buf = BUF_INIT;
	(void)state;
	assert_true(scan(nested(&buf, LEVELS)).is_json);
	assert_false(jsonscan_is_deeper(nested(&buf, LEVELS), LEVELS));
	assert_false(scan(nested(&buf, LEVELS + 1)).is_json);
	assert_true(jsonscan_is_deeper(nested(&buf, LEVELS + 1), LEVELS));
	buf_release(&buf);
}

static void test_E5_levels_of_any_bytes(void **state)
{
	(void)state;
	assert_false(jsonscan_is_deeper(TEXT("[[\"[[\"]]"), 2));
	assert_false(jsonscan_is_deeper(TEXT("[[\"\\\"[[\"]]"), 2));
	assert_true(jsonscan_is_deeper(TEXT("[[\"\\\\\"[[\"]]"), 2));
	assert_false(jsonscan_is_deeper(TEXT("[[\"[[["), 2));
	assert_true(jsonscan_is_deeper(TEXT("]]]}[[{"), 2));
	assert_false(jsonscan_is_deeper(TEXT("[}[}[}[}"), 1));
	assert_false(jsonscan_is_deeper(TEXT("[ \\\"[ [ \" ["), 2)); /* not an escape outside strings */
	assert_true(jsonscan_is_deeper(TEXT("\\[[["), 2));
	assert_false(jsonscan_is_deeper(TEXT("\"\\"), 2));
	assert_false(jsonscan_is_deeper(TEXT_ABSENT, 0));
}

static void assert_string(const char *json, struct text expected)
{
	struct result result = scan(text_of(json));
	assert_true(result.is_json);
	assert_true(text_equal(jsonscan_string(&result.root, &arena), expected));
}

static void test_strings_are_unescaped(void **state)
{
	(void)state;
	assert_string("\"\"", TEXT(""));
	assert_string("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", TEXT("\"\\/\b\f\n\r\t"));
	assert_string("\"x\\u0041\\u00e9\\u7269\\uD83D\\uDE00y\"", TEXT("xA\xc3\xa9\xe7\x89\xa9\xf0\x9f\x98\x80y"));
	assert_string("\"\\u0001\\u007f\\u0080\\u07ff\\u0800\\uffff\\ud800\\udc00\\udbff\\udfff\"",
	              TEXT("\x01\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
}

static void test_plain_strings_are_slices(void **state)
{
	static const char json[] = "\"plain \xe7\x89\xa9\"";
	(void)state;
	struct result result = scan(text_of(json));
	assert_ptr_equal(jsonscan_string(&result.root, &arena).ptr, json + 1);
	assert_int_equal(arena.total_bytes, 0);
}

static void test_walk(void **state)
{
	static const char json[] = "{ \"a\\\"\" : 1.5e3 , \"\":\"x\\\\\",\"t\":true\t,\"f\" : false,\"n\":null "
	                           ",\n\"o\":{\"p\":1},\"q\":2}";
	static const struct {
		const char *name;
		enum jsonscan_kind kind;
		const char *value;
	} expected[] = {
	        {"a\\\"", JSONSCAN_NUMBER, "1.5e3"}, {"", JSONSCAN_STRING, "x\\\\"}, {"t", JSONSCAN_TRUE, "true"},
	        {"f", JSONSCAN_FALSE, "false"},      {"n", JSONSCAN_NULL, "null"},   {"o", JSONSCAN_OBJECT, ""},
	};
	struct jsonscan_walk walk;
	struct jsonscan_value name, value;
	(void)state;
	struct result result = scan(text_of(json));
	assert_true(result.is_json);
	jsonscan_walk_init(&walk, &result.root);
	for (size_t i = 0; i < N_OF(expected); i++) {
		assert_true(jsonscan_walk_next(&walk, &name, &value));
		assert_true(text_equal((struct text){name.ptr, name.len}, text_of(expected[i].name)));
		assert_int_equal(value.kind, expected[i].kind);
		assert_true(text_equal((struct text){value.ptr, value.len}, text_of(expected[i].value)));
	}
	assert_false(jsonscan_walk_next(&walk, &name, &value)); /* an object ends the walk */
	result = scan(TEXT("{ }"));
	jsonscan_walk_init(&walk, &result.root);
	assert_false(jsonscan_walk_next(&walk, &name, &value));
}

static void test_E6_millionths_are_rounded_half_up(void **state)
{
	static const struct {
		const char *number;
		int64_t micros;
	} rows[] = {
	        {"0", 0},
	        {"-0", 0},
	        {"0.000", 0},
	        {"5", 5000000},
	        {"5.0", 5000000},
	        {"4.5", 4500000},
	        {"1e0", 1000000},
	        {"1E+1", 10000000},
	        {"50e-1", 5000000},
	        {"0.05e2", 5000000},
	        {"0.0000005", 1},
	        {"0.00000049999999999999999999999999999", 0},
	        {"4.9999995", 5000000},
	        {"4.99999949999999999", 4999999},
	        {"0.1234565", 123457},
	        {"0.1234564", 123456},
	        {"1e-6", 1},
	        {"5e-7", 1},
	        {"4e-7", 0},
	        {"9e-8", 0},
	        {"5e-8", 0},
	        {"1e-999999999999", 0},
	        {"0e999999999999", 0},
	        {"0.00000000000000000001e20", 1000000},
	        {"100000000000000000000e-20", 1000000},
	        {"9000000000000", DECIMAL_MAX_MICROS},
	        {"9e12", DECIMAL_MAX_MICROS},
	        {"9000000000000.0000004", DECIMAL_MAX_MICROS},
	        {"-9e12", -DECIMAL_MAX_MICROS},
	        {"-1.5", -1500000},
	        {"-0.0000004", 0},
	        {"-0.0000005", 0}, /* half up is towards +infinity */
	        {"-0.00000050000000000001", -1},
	        {"-0.0000015", -1},
	        {"-0.0000016", -2},
	};
	(void)state;
	for (size_t i = 0; i < N_OF(rows); i++) {
		int64_t micros = 42;
		if (!decimal_to_micros(text_of(rows[i].number), &micros) || micros != rows[i].micros)
			fail_msg("%s: %lld", rows[i].number, (long long)micros);
	}
}

static void test_E6_numbers_beyond_the_millionths(void **state)
{
	static const char *const numbers[] = {
	        "9000000000000.0000005", "9000000000001",        "-9000000000001", "1e13", "1e300",
	        "10000000000000",        "99999999999999999999", "1e999999999999"};
	(void)state;
	for (size_t i = 0; i < N_OF(numbers); i++) {
		int64_t micros = 42;
		assert_false(decimal_to_micros(text_of(numbers[i]), &micros));
		assert_int_equal(micros, 42);
	}
}

/* --- against jansson --- */

static uint64_t random_state;

static uint32_t random_below(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32) % n;
}

static const char *pick(const char *const words[], size_t n)
{
	return words[random_below((uint32_t)n)];
}

static void add_space(struct buf *out)
{
	static const char *const spaces[] = {"", "", "", "", " ", "\n", "\t\r"};
	buf_add_str(out, pick(spaces, N_OF(spaces)));
}

static void add_string(struct buf *out)
{
	static const char *const pieces[] = {"a",   "b",    "data",    "",         "12345678",         "\xe7\x89\xa9",
	                                     "\\n", "\\\"", "\\u0061", "\\\\",     "\xf0\x9f\x98\x80", "\\ud83d\\ude00",
	                                     "\\/", "\x7f", "{[",      "\xc3\xa9", "\\u00E9",          " "};
	static const char *const odd[] = {"\\ud800",      "\\u0000",  "\\x",   "\x01",
	                                  "\xed\xa0\x80", "\xc0\x80", "\\u12", "\xff"};
	buf_add_char(out, '"');
	for (uint32_t n = random_below(4); n > 0; n--)
		buf_add_str(out, random_below(300) == 0 ? pick(odd, N_OF(odd)) : pick(pieces, N_OF(pieces)));
	buf_add_char(out, '"');
}

static void add_scalar(struct buf *out)
{
	static const char *const scalars[] = {"0",
	                                      "-0",
	                                      "1",
	                                      "-12.5",
	                                      "1e5",
	                                      "1E-5",
	                                      "0.1e+1",
	                                      "true",
	                                      "false",
	                                      "null",
	                                      "9223372036854775808",
	                                      "-123456789012345678901234567890",
	                                      "1e308",
	                                      "1e-320",
	                                      "0e400"};
	static const char *const odd[] = {"01", "1.", "-", "1e400", "-1e309", ".5", "tru", "NaN", "1e", "+1"};
	if (random_below(3) == 0)
		add_string(out);
	else
		buf_add_str(out, random_below(300) == 0 ? pick(odd, N_OF(odd)) : pick(scalars, N_OF(scalars)));
}

static void add_value(struct buf *out, unsigned levels)
{
	uint32_t form = levels == 0 ? 0 : random_below(4);
	add_space(out);
	if (form < 2) {
		add_scalar(out);
	} else {
		bool is_object = form == 3;
		buf_add_char(out, is_object ? '{' : '[');
		for (uint32_t i = 0, n = random_below(random_below(40) == 0 ? 40 : 4); i < n; i++) {
			if (i > 0)
				buf_add_char(out, ',');
			add_space(out);
			if (is_object) {
				add_string(out);
				add_space(out);
				buf_add_char(out, ':');
			}
			add_value(out, levels - 1);
		}
		add_space(out);
		buf_add_char(out, is_object ? '}' : ']');
	}
	add_space(out);
}

static void mutate(struct buf *buf)
{
	static const char bytes[] = "{}[]\",:\\ue0123456789.-+ \n\ttfnab\x00\x01\x7f\x80\xbf\xc2\xe7\xed\xf0\xff";
	for (uint32_t n = random_below(3); n > 0 && buf->len_bytes > 0; n--) {
		uint32_t at = random_below((uint32_t)buf->len_bytes);
		char byte = bytes[random_below(sizeof(bytes) - 1)];
		switch (random_below(4)) {
		case 0:
			buf->data[at] = byte;
			break;
		case 1: /* remove */
			memmove(buf->data + at, buf->data + at + 1, buf->len_bytes - at);
			buf->len_bytes--;
			break;
		case 2: /* insert */
			buf_add_char(buf, '\0');
			memmove(buf->data + at + 1, buf->data + at, buf->len_bytes - at - 1);
			buf->data[at] = byte;
			break;
		default: /* truncate */
			if (random_below(8) == 0)
				buf->len_bytes = at;
		}
	}
}

static void assert_same_members(const struct result *result, json_t *root)
{
	static const char *const names[] = {[SLOT_A] = "a", [SLOT_B] = "b", [SLOT_DATA] = "data"};
	static const json_type types[] = {
	        [JSONSCAN_NULL] = JSON_NULL,    [JSONSCAN_FALSE] = JSON_FALSE,   [JSONSCAN_TRUE] = JSON_TRUE,
	        [JSONSCAN_NUMBER] = JSON_REAL,  [JSONSCAN_STRING] = JSON_STRING, [JSONSCAN_ARRAY] = JSON_ARRAY,
	        [JSONSCAN_OBJECT] = JSON_OBJECT};
	for (size_t i = 0; i < N_SLOTS; i++) {
		json_t *theirs = json_object_get(root, names[i]);
		const struct jsonscan_value *ours = &result->outer[i];
		assert_int_equal(theirs == NULL, ours->kind == JSONSCAN_ABSENT);
		if (theirs == NULL)
			continue;
		assert_int_equal(json_typeof(theirs), types[ours->kind]);
		if (ours->kind != JSONSCAN_STRING)
			continue;
		struct text text = {json_string_value(theirs), (uint32_t)json_string_length(theirs)};
		assert_true(text_equal(jsonscan_string(ours, &arena), text));
	}
}

/* Whether jansson accepts it, with two known differences: the caller leaves out text with more levels than we
 * allow, and a raw NUL is never valid (jansson skips one after a number or a word). */
static json_t *load(struct text json)
{
	/* Integers beyond 64 bits are valid JSON here, and reals for jansson. */
	static const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL;
	return memchr(json.ptr, '\0', json.len) != NULL ? NULL : json_loadb(json.ptr, json.len, flags, NULL);
}

/* Compares the two readers on one text; true if both accepted it. */
static bool agrees(struct text json)
{
	struct result result = scan(json);
	json_t *root = load(json);
	if (result.is_json != (root != NULL))
		fail_msg("%s by jansson: %.*s", root != NULL ? "accepted" : "rejected", (int)json.len, json.ptr);
	if (result.is_json && result.root.kind == JSONSCAN_OBJECT)
		assert_same_members(&result, root);
	json_decref(root);
	return result.is_json;
}

static void test_E5_agrees_with_jansson(void **state)
{
	enum { N_TEXTS = 20000 };
	struct buf buf = BUF_INIT;
	unsigned n_accepted = 0;
	(void)state;
	random_state = UINT64_C(0x123456789abcdef1);
	for (unsigned i = 0; i < N_TEXTS; i++) {
		buf_clear(&buf);
		add_value(&buf, 1 + random_below(5));
		if (random_below(2) == 0)
			mutate(&buf);
		/* In a block of exactly its size, so that a sanitizer detects a read beyond it. */
		char *exact = mem_alloc(buf.len_bytes);
		memcpy(exact, buf_text(&buf).ptr, buf.len_bytes);
		struct text json = {exact, (uint32_t)buf.len_bytes};
		if (!jsonscan_is_deeper(json, LEVELS))
			n_accepted += agrees(json);
		free(exact);
		arena_clear(&arena, 1 << 20);
	}
	assert_in_range(n_accepted, N_TEXTS / 4, N_TEXTS - N_TEXTS / 10);
	buf_release(&buf);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_any_value_may_be_the_root),
	        TEST(test_members_are_kept_in_their_slots),
	        TEST(test_E5_grammar),
	        TEST(test_E5_trailing_text),
	        TEST(test_E5_number_grammar),
	        TEST(test_E5_numbers_beyond_a_double),
	        TEST(test_E5_the_limit_of_a_double_is_exact),
	        TEST(test_E5_strings),
	        TEST(test_E5_NUL_raw_or_escaped),
	        TEST(test_E5_lone_surrogates_in_escapes),
	        TEST(test_E5_bad_UTF_8),
	        TEST(test_E5_duplicate_keys_at_any_depth),
	        TEST(test_E5_duplicate_keys_are_compared_unescaped),
	        TEST(test_E5_duplicate_keys_among_many),
	        TEST(test_E5_duplicate_keys_around_large_objects),
	        TEST(test_E5_duplicate_keys_among_colliding_names),
	        TEST(test_E5_levels),
	        TEST(test_E5_levels_of_any_bytes),
	        TEST(test_strings_are_unescaped),
	        TEST(test_plain_strings_are_slices),
	        TEST(test_walk),
	        TEST(test_E6_millionths_are_rounded_half_up),
	        TEST(test_E6_numbers_beyond_the_millionths),
	        TEST(test_E5_agrees_with_jansson),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
