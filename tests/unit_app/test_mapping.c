#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adapters/lua/mapping.h"
#include "adapters/zone/zone.h"

#define NOW_US INT64_C(1793491200000000) /* 2026-11-01T00:00:00Z */
#define EVENT  "event{ type = 'ticket.opened', id = '1', time = 1790841600, ticket_id = 'T', category = tostring("
#define END    ") }"

static struct arena arena;
static struct mapped out;
static struct zone zone;
static char last[20000];

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

static struct mapping *load(const char *lua)
{
	static const struct mapping_param params[] = {{"unowned", "1"}};
	const struct mapping_order order = {
	        .name = "x.lua",
	        .text = text_of(lua),
	        .rules = {.source = TEXT("/map/x"), .zone = &zone},
	        .params = params,
	        .n_params = 1,
	};
	struct buf error = BUF_INIT;
	struct mapping *mapping = mapping_new(&order, &error);
	snprintf(last, sizeof(last), "%s", buf_text(&error).ptr);
	buf_release(&error);
	return mapping;
}

static enum mapped_verdict run_loaded(struct mapping *mapping, const char *json)
{
	static const struct wire_header headers[] = {
	        {TEXT("X-Kind"), TEXT("a")}, {TEXT("x-kind"), TEXT("b")}, {TEXT("x-bad"), TEXT("\xff")}};
	size_t len = strlen(json);
	char *exact = malloc(len == 0 ? 1 : len); /* without a NUL, so that a sanitizer sees a read beyond it */
	assert_non_null(exact);
	memcpy(exact, json, len);
	const struct mapping_record record = {
	        .json = {exact, (uint32_t)len}, .key = TEXT("K"), .headers = headers, .n_headers = 3};
	arena_clear(&arena, 1 << 20);
	enum mapped_verdict verdict = mapping_run(mapping, &record, NOW_US, &arena, &out);
	free(exact);
	return verdict;
}

static enum mapped_verdict run(const char *lua, const char *json)
{
	struct mapping *mapping = load(lua);
	if (mapping == NULL)
		fail_msg("%s: %s", lua, last);
	enum mapped_verdict verdict = run_loaded(mapping, json);
	mapping_free(mapping);
	return verdict;
}

/* The value of a Lua expression on a record, as text. */
static void assert_value_of(const char *expression, const char *json, const char *expected)
{
	snprintf(last, sizeof(last), EVENT "%s" END, expression);
	char lua[20000];
	snprintf(lua, sizeof(lua), "%s", last);
	if (run(lua, json) != MAPPED_EVENTS)
		fail_msg("%s: %s", expression, out.detail);
	struct text text = out.events[0].texts[EVENT_CATEGORY];
	if (!text_equal(text, text_of(expected)))
		fail_msg("%s: %.*s, not %s", expression, (int)text.len, text.ptr, expected);
}

static void assert_rejected(const char *lua, enum dead_letter_reason reason, const char *part)
{
	enum mapped_verdict verdict = run(lua, "{\"a\":1,\"list\":[1,2,3]}");
	if (verdict != MAPPED_REJECTED || out.reason != reason || strstr(out.detail, part) == NULL)
		fail_msg("%s: %d %s %s", lua, verdict,
		         verdict == MAPPED_REJECTED ? dead_letter_reason_name(out.reason) : "", out.detail);
	assert_int_equal(out.n_events, 0);
}

static void assert_error(const char *lua)
{
	assert_rejected(lua, DEAD_MAP_ERROR, "x.lua:1:");
}

/* ---- M2 ---- */

static void test_M2_a_record_is_a_table(void **state)
{
	(void)state;
	const char *json = "{\"a\":{\"b\":[1,null,\"x\\u4e2d\"]},\"n\":null,\"t\":true,\"big\":9007199254740993,"
	                   "\"least\":-9223372036854775808,\"huge\":9223372036854775808,\"f\":1772443500.123456,"
	                   "\"g\":1772445600.5,\"h\":2.0,\"e\":1e3,\"z\":-0,\"nul\":\"\\u0000\",\"s\":\"\\ud800\"}";
	assert_value_of("record.a.b[1]", json, "1");
	assert_value_of("record.a.b[2] == null", json, "true");
	assert_value_of("null and 'yes'", json, "yes");
	assert_value_of("#record.a.b", json, "3");
	assert_value_of("record.a.b[3]", json, "x\xe4\xb8\xad");
	assert_value_of("record.n", json, "nil");
	assert_value_of("record.t", json, "true");
	assert_value_of("record.big", json, "9007199254740993");
	assert_value_of("record.big + 1", json, "9007199254740994");
	assert_value_of("record.least", json, "-9223372036854775808");
	assert_value_of("type(record.least)", json, "number");
	assert_value_of("record.huge", json, "9223372036854775808");
	assert_value_of("type(record.huge)", json, "string");
	assert_value_of("record.f", json, "1772443500.123456");
	assert_value_of("type(record.f)", json, "string");
	assert_value_of("type(record.g) .. record.g", json, "number1772445600.5");
	assert_value_of("record.h", json, "2.0");
	assert_value_of("type(record.e) .. record.e", json, "string1e3");
	assert_value_of("record.z", json, "-0");
	assert_value_of("record.nul .. record.s", json, "\xef\xbf\xbd\xef\xbf\xbd");
	assert_value_of("key .. headers['x-kind'] .. tostring(headers['x-bad']) .. param.unowned", json, "Kbnil1");
	assert_value_of("record[2]", "[1,2]", "2");
}

static void assert_record(const char *json, enum mapped_verdict verdict, enum dead_letter_reason reason)
{
	if (run("skip('x')", json) != verdict || (verdict == MAPPED_REJECTED && out.reason != reason))
		fail_msg("%s: %s", json, out.detail);
}

static void test_M2_what_is_no_record(void **state)
{
	(void)state;
	assert_record("3", MAPPED_REJECTED, DEAD_NOT_AN_OBJECT);
	assert_record("\"x\"", MAPPED_REJECTED, DEAD_NOT_AN_OBJECT);
	assert_record("{", MAPPED_REJECTED, DEAD_NOT_JSON);
	assert_record("{\"a\":1,\"a\":null}", MAPPED_REJECTED, DEAD_NOT_JSON);
	assert_record("nullx", MAPPED_REJECTED, DEAD_NOT_JSON);
	/* M12 */
	assert_record("", MAPPED_TOMBSTONE, 0);
	assert_record(" \n", MAPPED_TOMBSTONE, 0);
	assert_record("null", MAPPED_TOMBSTONE, 0);
	assert_record(" null ", MAPPED_TOMBSTONE, 0);
	/* M8 */
	char deep[200];
	memset(deep, '[', 65);
	memset(deep + 65, ']', 65);
	deep[130] = '\0';
	assert_record(deep, MAPPED_REJECTED, DEAD_TOO_DEEP);
	assert_record(deep + 1, MAPPED_REJECTED, DEAD_NOT_JSON);
	deep[129] = '\0';
	assert_record(deep + 1, MAPPED_SKIPPED, 0);
	char *large = calloc(1, 1000002);
	memset(large, ' ', 1000001);
	memcpy(large, "[]", 2);
	assert_record(large, MAPPED_REJECTED, DEAD_TOO_LARGE);
	large[1000000] = '\0';
	assert_record(large, MAPPED_SKIPPED, 0);
	free(large);
}

static void test_M13_a_row_is_a_table_of_texts(void **state)
{
	(void)state;
	const struct text names[] = {TEXT("id"), TEXT(""), TEXT("n")}, cells[] = {TEXT("A"), TEXT("x"), TEXT("7")};
	const struct mapping_record row = {.names = names, .cells = cells, .n_cells = 3};
	struct mapping *mapping = load(EVENT "record.id .. type(record.n) .. tostring(record[''])" END);
	assert_int_equal(mapping_run(mapping, &row, NOW_US, &arena, &out), MAPPED_EVENTS);
	assert_true(text_equal(out.events[0].texts[EVENT_CATEGORY], TEXT("Astringnil")));
	mapping_free(mapping);
}

/* ---- M1, M3 ---- */

static void test_M1_nothing_is_kept_between_records(void **state)
{
	(void)state;
	struct mapping *mapping = load("if seen or record.seen then skip('seen') else skip('new') end seen = 1 "
	                               "record.seen = 1 param.seen = 1 headers.seen = 1 _ENV.other = 1");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(run_loaded(mapping, "{}"), MAPPED_SKIPPED);
		assert_string_equal(out.skip_reason, "new");
	}
	mapping_free(mapping);
	assert_error("string.upper = nil");
	assert_error("string.mine = 1");
	assert_error("table.insert(math, 1)");
}

static void test_M3_a_record_gives_events_or_a_reason(void **state)
{
	(void)state;
	assert_rejected("local x = 1", DEAD_MAP_NOTHING, "none of event, state and skip");
	assert_rejected("", DEAD_MAP_NOTHING, "");
	assert_int_equal(run("skip('a\\n\\xff') skip('b')", "{}"), MAPPED_SKIPPED);
	assert_string_equal(out.skip_reason, "a\\x0a\\xff");
	assert_int_equal(run("skip('a') " EVENT "1" END, "{}"), MAPPED_EVENTS);
#define MANY(n) "for i = 1, " n " do event{ type = 'ticket.resumed', id = i, time = 1790841600, ticket_id = 1 } end"
	assert_int_equal(run(MANY("100"), "{}"), MAPPED_EVENTS);
	assert_int_equal(out.n_events, 100);
	assert_rejected(MANY("101"), DEAD_MAP_LIMIT, "more than 100 events");
}

/* ---- M4, M5, M7, M14 ---- */

static void test_M4_tables_are_merged_from_left_to_right(void **state)
{
	(void)state;
	assert_int_equal(run("local now = { id = 7, time = '2026-10-01T08:00:00Z', ticket_id = 9007199254740993 } "
	                     "event(now, { type = 'ticket.opened', priority = 'a', agent_id = null }, false, nil, "
	                     "{ priority = 'b', team_id = nil })",
	                     "{}"),
	                 MAPPED_EVENTS);
	const struct ticket_event *event = &out.events[0];
	assert_true(text_equal(event->ticket_id, TEXT("9007199254740993")));
	assert_true(text_equal(event->id, TEXT("7")));
	assert_true(text_equal(event->texts[EVENT_PRIORITY], TEXT("b")));
	assert_true(text_equal(event->texts[EVENT_AGENT_ID], TEXT("")));
	assert_true(text_is_absent(event->texts[EVENT_TEAM_ID]));
}

static void test_M4_M7_the_first_fault_names_its_place(void **state)
{
	(void)state;
	assert_rejected("\nevent{ type = 'ticket.opened', colour = 1 }", DEAD_MAP_ERROR,
	                "x.lua:2: \"colour\" is no field");
	assert_rejected("event{ type = 'x' }", DEAD_MAP_ERROR, "x.lua:1: type: \"x\" is no type");
	assert_rejected("event(3)", DEAD_MAP_ERROR, "table expected, got number");
	assert_rejected("event{ 1 }", DEAD_MAP_ERROR, "has a name");
	assert_rejected("event()", DEAD_MISSING_FIELD, "event 1: type");
	assert_rejected(EVENT "1" END
	                      " event{ type = 'ticket.closed', id = 1, ticket_id = 1, time = '2026-02-30T00:00' }",
	                DEAD_BAD_TIME, "x.lua:1: event 2: time: no such date");
	assert_rejected("event{ type = 'ticket.opened', id = 1, ticket_id = 1, time = 1790841600, category = 1.5 }",
	                DEAD_BAD_VALUE, "category");
	assert_rejected("event{ type = 'ticket.opened', id = '\\xff', ticket_id = 1, time = 1790841600 }",
	                DEAD_BAD_VALUE, "id");
	assert_rejected("error('not \\xff for us')", DEAD_MAP_ERROR, "x.lua:1: not \\xff for us");
	assert_rejected("error({})", DEAD_MAP_ERROR, "the error has no text");
	assert_rejected("local x = record.no.where", DEAD_MAP_ERROR, "x.lua:1:");
}

static void test_M5_one_identity_with_two_contents_is_an_error(void **state)
{
	(void)state;
	assert_rejected(EVENT "1" END " " EVENT "2" END, DEAD_MAP_ERROR, "other content");
	assert_int_equal(run(EVENT "1" END " " EVENT "1" END, "{}"), MAPPED_EVENTS);
	assert_rejected("event{ type = 'ticket.resumed', id = 1, ticket_id = 1, time = 1790841600, source = '/y' }",
	                DEAD_BAD_VALUE, "source");
}

static void test_M14_state_gives_pairs(void **state)
{
	(void)state;
	const char *lua =
	        "local now = { id = 7, time = 1790841600, ticket_id = 1 } "
	        "state(now, { kind = 'paused', reason = 'x' }) state(now, { kind = 'closed', automatic = true })";
	assert_int_equal(run(lua, "{}"), MAPPED_EVENTS);
	assert_int_equal(out.n_events, 3);
	assert_true(text_equal(out.events[1].id, TEXT("7/paused")));
	assert_int_equal(out.events[2].automatic, TRI_TRUE);
	assert_rejected("state{ kind = 'open', priority = 1 }", DEAD_MAP_ERROR, "no field of state()");
}

static void test_E6_answers_are_a_table(void **state)
{
	(void)state;
#define SURVEY(items)                                                                                                  \
	"event{ type = 'survey.submitted', id = 1, ticket_id = 1, time = 1790841600, score = 4.5, answers = { " items  \
	", b = 5 } }"
	assert_int_equal(run(SURVEY("['a\"'] = 2.5"), "{}"), MAPPED_EVENTS);
	assert_true(text_equal(out.events[0].texts[EVENT_ANSWERS], TEXT("{\"a\\\"\":2500000,\"b\":5000000}")));
	assert_rejected(SURVEY("a = '2'"), DEAD_BAD_VALUE, "answers");
	assert_rejected(SURVEY("a = 1/0"), DEAD_BAD_VALUE, "answers");
	assert_rejected(SURVEY("[1] = 2"), DEAD_BAD_VALUE, "answers");
}

/* ---- M9 ---- */

static void test_M9_words(void **state)
{
	(void)state;
	assert_value_of("word({ a = false }, 'a', 'x')", "{}", "false");
	assert_value_of("word({ [2] = 'b' }, record.n, 'x')", "{\"n\":2}", "b");
	assert_value_of("word({}, nil, 'x')", "{}", "nil");
	assert_rejected("word({}, 'ARCHIVED', 'status')", DEAD_MAP_ERROR, "status: \"ARCHIVED\" is not in the table");
	assert_rejected("word({}, 9, 'state_id')", DEAD_MAP_ERROR, "state_id: 9 is not in the table");
	assert_value_of("or_null(nil)", "{}", "null");
	assert_value_of("or_null('x')", "{}", "x");
	assert_value_of("'[' .. trim(record.s) .. ']'", "{\"s\":\"\\u00a0\\u3000\\ufeff a b \\n\"}", "[a b]");
	assert_value_of("trim(record.s)", "{\"s\":\"\\u3000 \"}", "nil");
	assert_value_of("trim(nil)", "{}", "nil");
	assert_value_of("prefix('abc', 'ab')", "{}", "c");
	assert_value_of("prefix('abc', 'b')", "{}", "nil");
	assert_value_of("prefix(nil, 'b')", "{}", "nil");
	assert_value_of("table.concat(split('a,,b', ','), '|')", "{}", "a||b");
	assert_value_of("#split('', ',')", "{}", "1");
	assert_value_of("split(nil, ',')", "{}", "nil");
	assert_error("split('a', '')");
	assert_value_of("select('#', digits('12:5 and 7'))", "{}", "3");
	assert_value_of("select(2, digits('12:5 and 7')) + 1", "{}", "6");
	assert_value_of("digits(nil)", "{}", "nil");
	assert_error("digits('1234567890123456789')");
	assert_value_of("dmy('31.12.2026 17:05')", "{}", "2026-12-31T17:05:00");
	assert_value_of("mdy('12/31/2026 5:05 PM')", "{}", "2026-12-31T17:05:00");
	assert_value_of("ymd('2026/3/7 9:05')", "{}", "2026-03-07T09:05:00");
	assert_value_of("excel(46088.5)", "{}", "2026-03-07T12:00:00");
	assert_value_of("wall_ms(record.t)", "{\"t\":1772442000282}", "2026-03-02T09:00:00.282");
	assert_value_of("ymd(nil)", "{}", "nil");
	assert_error("ymd('yesterday')");
}

static void test_M9_pairs_has_an_order(void **state)
{
	(void)state;
	const char *lua =
	        "local s = '' for k, v in pairs{ b = 1, a = 2, [10] = 3, [-1] = 4, B = 5 } do s = s .. k .. v end "
	        "skip(s)";
	assert_int_equal(run(lua, "{}"), MAPPED_SKIPPED);
	assert_string_equal(out.skip_reason, "-14103B5a2b1");
	assert_error("for k in pairs{ [1.5] = 1 } do end");
	assert_error("for k in pairs{ [true] = 1 } do end");
	assert_error("local t = {} for i = 1, 10001 do t[i] = i end for k in pairs(t) do end");
	assert_int_equal(run("local t = { a = 1, b = 2 } for k in pairs(t) do t[k] = nil end skip('x')", "{}"),
	                 MAPPED_SKIPPED);
}

static void test_M9_what_is_not_available(void **state)
{
	(void)state;
	static const char *const absent[] = {
	        "next({})",
	        "pcall(error)",
	        "xpcall(error, error)",
	        "load('return 1')",
	        "loadstring('')",
	        "dofile('x')",
	        "loadfile('x')",
	        "require('os')",
	        "setmetatable({}, {})",
	        "getmetatable('')",
	        "rawget({}, 1)",
	        "rawset({}, 1, 1)",
	        "rawequal(1, 1)",
	        "rawlen({})",
	        "collectgarbage()",
	        "print(1)",
	        "os.time()",
	        "io.open('x')",
	        "debug.sethook()",
	        "package.path = ''",
	        "coroutine.wrap(function() end)",
	        "_G.x = 1",
	        "table.sort({})",
	        "table.move({}, 1, 2, 3)",
	        "math.random()",
	        "math.randomseed(1)",
	        "warn('x')",
	        "string.find('a', 'a')",
	        "string.match('a', 'a')",
	        "string.gmatch('a', 'a')",
	        "string.gsub('a', 'a', 'b')",
	        "string.rep('a', 3)",
	        "string.dump(error)",
	        "('a'):find('a')",
	        "('a'):rep(3)",
	        "(''):gsub('a', 'b')",
	        "(''):match('.-b')",
	        "('%p'):format(record)",
	        "('%10p'):format('')",
	        "('%d%%%p'):format(1, {})",
	        "tostring({})",
	        "tostring(error)",
	        "('%s'):format({})",
	        "local x = '' .. {}",
	        "assert(1)",
	        "getmetatable(string)",
	        "string.__index.find('a', 'a')",
	        "_ENV.__index.pairs({})",
	};
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		assert_error(absent[i]);
	assert_value_of("('%5.1f %s %d %%p'):format(2.25, null, 3)", "{}", "  2.2 null 3 %p");
	assert_value_of("('%5.1f'):upper():len() + utf8.len('\xe4\xb8\xad') + math.maxinteger * 0", "{}", "6");
	assert_value_of("table.unpack({ 7 }) + select(-1, 1, 2) + tonumber('0x10')", "{}", "25");
}

static void test_M9_only_text_is_loaded(void **state)
{
	(void)state;
	assert_null(load("\x1bLua"));
	assert_non_null(strstr(last, "x.lua"));
	assert_non_null(strstr(last, "binary chunk")); /* refused by its first byte, and not by what follows */
	assert_null(load("local x ="));
	assert_non_null(strstr(last, "x.lua:1:"));
	char *long_text = calloc(1, MAPPING_MAX_BYTES + 2);
	memset(long_text, ' ', MAPPING_MAX_BYTES + 1);
	assert_null(load(long_text));
	long_text[MAPPING_MAX_BYTES] = '\0';
	struct mapping *mapping = load(long_text);
	assert_non_null(mapping);
	assert_true(mapping_knows(mapping, TEXT("string.upper")));
	assert_true(mapping_knows(mapping, TEXT("record")));
	assert_false(mapping_knows(mapping, TEXT("string.find")));
	assert_false(mapping_knows(mapping, TEXT("pcall")));
	assert_int_equal(strlen(mapping_version(mapping)), 64);
	mapping_free(mapping);
	free(long_text);
}

/* ---- M8 ---- */

static int64_t cpu_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A sanitizer makes everything slower. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { MOST_MS = 2000 };
#else
enum { MOST_MS = 150 };
#endif

static void assert_ends(const char *lua, const char *json)
{
	struct mapping *mapping = load(lua);
	if (mapping == NULL)
		fail_msg("%s: %s", lua, last);
	for (int i = 0; i < 2; i++) {
		int64_t began_ms = cpu_ms();
		enum mapped_verdict verdict = run_loaded(mapping, json);
		int64_t took_ms = cpu_ms() - began_ms;
		if (verdict != MAPPED_REJECTED || (out.reason != DEAD_MAP_LIMIT && out.reason != DEAD_MAP_ERROR) ||
		    took_ms > MOST_MS)
			fail_msg("%.60s: %d after %d ms: %s", lua, verdict, (int)took_ms, out.detail);
	}
	mapping_free(mapping);
}

static void test_M8_programs_end_within_the_limits(void **state)
{
	(void)state;
	static const char *const hostile[] = {
	        "while true do end",
	        "repeat until false",
	        "::a:: goto a",
	        "local function f() return f() end f()",
	        "local function f() return 1 + f() end f()",
	        "local s = 'x' while true do s = s .. s end",
	        "local t = {} for i = 1, 1e9 do t[i] = i end",
	        "local t = {} while true do t = { t } end",
	        "local t = {} for i = 1, 6e4 do t[i] = 'abcdefgh' end while true do local s = table.concat(t) end",
	        "local t = {} for i = 1, 1e5 do table.insert(t, 1, i) end",
	        "local s = 'x' for i = 1, 18 do s = s .. s end while true do local y = s:upper() end",
	        "local s = 'x' for i = 1, 18 do s = s .. s end while true do local y = split(s, 'x') end",
	        "local s = ' ' for i = 1, 18 do s = s .. s end while true do local y = trim(s) end",
	        "while true do local s = string.format('%99.99f', 1e308) end",
	        "while true do local s = string.pack('!16 s16', 'x') end",
	        "local s = string.pack('c100000000', 'x')",
	        "local x = table.unpack({}, 1, 900000)",
	        "local s = 'x' for i = 1, 20 do s = s .. s end while true do local x = s:byte(1, -1) end",
	        "local t = {} for i = 1, 10000 do t[i] = i end while true do for k in pairs(t) do break end end",
	        "while true do event{ type = 'ticket.paused', id = 1, time = 1790841600, ticket_id = 1 } end",
	        "local s = 'x' for i = 1, 15 do s = s .. s end for i = 1, 100 do event{ type = 'ticket.paused', id = "
	        "i, "
	        "time = 1790841600, ticket_id = 1, reason = s .. s:sub(200) } end",
	        "local s = 'x' for i = 1, 22 do s = s .. s end",
	        "local s = 'x' for i = 1, 20 do s = s .. s end while true do skip(s) end",
	        "local t = {} while true do t[#t + 1] = function() return t end end",
	        "local x = ('x'):rep(1e9)",
	};
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
		assert_ends(hostile[i], "{}");
}

static void test_M8_a_large_record_does_not_help_an_attack(void **state)
{
	(void)state;
	char *json = malloc(1000001), *end = json;
	*end++ = '[';
	for (int i = 0; i < 333000; i++)
		end = stpcpy(end, i == 0 ? "\"\"" : ",\"\"");
	strcpy(end, "]");
	assert_ends("while true do local s = table.concat(record) end", json);
	assert_ends("local t = {} while true do t = { t, record } end", json);
	/* Much memory for few bytes. */
	end = json;
	*end++ = '[';
	for (int i = 0; i < 333000; i++)
		end = stpcpy(end, i == 0 ? "[]" : ",[]");
	strcpy(end, "]");
	struct mapping *mapping = load("skip('x')");
	int64_t began_ms = cpu_ms();
	assert_int_equal(run_loaded(mapping, json), MAPPED_REJECTED);
	assert_int_equal(out.reason, DEAD_MAP_LIMIT);
	assert_true(cpu_ms() - began_ms < 4 * MOST_MS);
	/* The mapping can be used as before. */
	assert_int_equal(run_loaded(mapping, "{}"), MAPPED_SKIPPED);
	mapping_free(mapping);
	free(json);
}

static void test_M8_limits_do_not_depend_on_former_records(void **state)
{
	(void)state;
	/* Holds 3 MiB, as many as a record may. */
	const char *lua = "local s = 'x' for i = 1, 20 do s = s .. s end local t = { s .. 'a', s .. 'b' } skip(#t)";
	struct mapping *mapping = load(lua);
	for (int i = 0; i < 50; i++) {
		if (run_loaded(mapping, "{}") != MAPPED_SKIPPED)
			fail_msg("record %d: %s", i, out.detail);
	}
	mapping_free(mapping);
}

static void test_M8_shared_attacks_end(void **state)
{
	(void)state;
	const char *folder = getenv("KPID_SHARED");
	char path[500], line[10000];
	snprintf(path, sizeof(path), "%s/cases/mapping/hostile.lua.txt",
	         folder == NULL ? KPID_SOURCE_DIR "/../shared" : folder);
	FILE *file = fopen(path, "r");
	if (file == NULL) {
		print_message("skipped: %s is not here\n", path);
		skip();
	}
	while (fgets(line, sizeof(line), file) != NULL)
		assert_ends(line, "{}");
	fclose(file);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_M2_a_record_is_a_table),
	        TEST(test_M2_what_is_no_record),
	        TEST(test_M13_a_row_is_a_table_of_texts),
	        TEST(test_M1_nothing_is_kept_between_records),
	        TEST(test_M3_a_record_gives_events_or_a_reason),
	        TEST(test_M4_tables_are_merged_from_left_to_right),
	        TEST(test_M4_M7_the_first_fault_names_its_place),
	        TEST(test_M5_one_identity_with_two_contents_is_an_error),
	        TEST(test_M14_state_gives_pairs),
	        TEST(test_E6_answers_are_a_table),
	        TEST(test_M9_words),
	        TEST(test_M9_pairs_has_an_order),
	        TEST(test_M9_what_is_not_available),
	        TEST(test_M9_only_text_is_loaded),
	        TEST(test_M8_programs_end_within_the_limits),
	        TEST(test_M8_a_large_record_does_not_help_an_attack),
	        TEST(test_M8_limits_do_not_depend_on_former_records),
	        TEST(test_M8_shared_attacks_end),
	};
	if (!zone_find("UTC", &zone))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
