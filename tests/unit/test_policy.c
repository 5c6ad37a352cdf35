#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_zone.h"
#include "kpid/base/buf.h"
#include "kpid/core/policy.h"

#define TARGET_OK   "{\"within\": \"1h\", \"calendar\": \"always\"}"
#define POLICY_OK   "{\"name\": \"other\", \"targets\": {\"resolution\": " TARGET_OK "}}"
#define REVISION_OK "{\"id\": \"r\", \"policies\": [" POLICY_OK "]}"
/* Files with one thing to look at. */
#define FILE_WITH_REVISIONS(revisions) "{\"revisions\": [" revisions "]}"
#define FILE_WITH_MEMBER(member)       FILE_WITH_REVISIONS("{\"id\": \"r\", " member ", \"policies\": [" POLICY_OK "]}")
#define FILE_WITH_POLICIES(policies)   FILE_WITH_REVISIONS("{\"id\": \"r\", \"policies\": [" policies "]}")
#define FILE_WITH_TARGETS(targets)     FILE_WITH_POLICIES("{\"name\": \"p\", \"targets\": " targets "}")
#define FILE_WITH_TARGET(target)       FILE_WITH_TARGETS("{\"resolution\": " target "}")
#define FILE_WITH_WITHIN(within)       FILE_WITH_TARGET("{\"calendar\": \"always\", \"within\": " within "}")
#define FILE_WITH_MATCH(match)         FILE_WITH_POLICIES("{\"name\": \"p\", \"targets\": {}, \"match\": " match "}")

#define REVISION_PATH "revisions[0]"
#define POLICY_PATH   "revisions[0].policies[0]"
#define TARGET_PATH   "revisions[0].policies[0].targets.resolution"

struct expected_fault {
	const char *path, *words; /* words: part of the message */
	int line;                 /* 0: whatever it is */
};

static void print_faults(const struct policy_faults *faults)
{
	for (size_t i = 0; i < faults->n; i++) {
		const struct policy_fault *fault = &faults->items[i];
		print_message("%d: %.*s: %.*s\n", fault->line, (int)fault->path.len, fault->path.ptr,
		              (int)fault->message.len, fault->message.ptr);
	}
}

static bool has_fault(const struct policy_faults *faults, const struct expected_fault *expected)
{
	for (size_t i = 0; i < faults->n; i++) {
		const struct policy_fault *fault = &faults->items[i];
		if (text_equal(fault->path, text_of(expected->path)) &&
		    memmem(fault->message.ptr, fault->message.len, expected->words, strlen(expected->words)) != NULL &&
		    (expected->line == 0 || fault->line == expected->line))
			return true;
	}
	return false;
}

/* These faults, all of them, and no others. */
static void assert_faults_of(struct text json, const struct expected_fault *expected, size_t n)
{
	struct policy_faults faults;
	struct policy_set *set = policy_set_parse(json, fake_zone_find, &faults);
	bool all = set == NULL && faults.n == n;
	for (size_t i = 0; i < n; i++) {
		if (!has_fault(&faults, &expected[i])) {
			print_message("not found: %s: %s\n", expected[i].path, expected[i].words);
			all = false;
		}
	}
	if (!all)
		print_faults(&faults);
	policy_faults_release(&faults);
	policy_set_free(set);
	assert_true(all);
}

static void assert_fault(const char *json, const char *path, const char *words)
{
	const struct expected_fault expected = {path, words, 0};
	assert_faults_of(text_of(json), &expected, 1);
}

static struct policy_set *parse(const char *json)
{
	struct policy_faults faults;
	struct policy_set *set = policy_set_parse(text_of(json), fake_zone_find, &faults);
	print_faults(&faults);
	policy_faults_release(&faults);
	assert_non_null(set);
	return set;
}

static void assert_fine(const char *json)
{
	policy_set_free(parse(json));
}

static void assert_text(struct text text, const char *expected)
{
	assert_int_equal(text.len, strlen(expected));
	assert_memory_equal(text.ptr, expected, text.len);
}

static int64_t at(const char *time)
{
	int64_t us;
	assert_true(timestamp_parse(text_of(time), &us));
	return us;
}

/* ---- what is read ---- */

static const char whole_file[] =
        "{\n"
        "  \"revisions\": [\n"
        "    {\n"
        "      \"id\": \"2026-07\",\n"
        "      \"effective_from\": \"2026-07-01T00:00:00+08:00\",\n"
        "      \"resume_on_reply\": [\"awaiting_customer\", \"\"],\n"
        "      \"calendars\": {\"always\": {\"always\": true}, \"day and night\": {\"always\": true}},\n"
        "      \"policies\": [\n"
        "        {\n"
        "          \"name\": \"emergency\",\n"
        "          \"match\": {\"category\": [\"lift/*\", \"\"], \"priority\": [1, \"2\"]},\n"
        "          \"targets\": {\n"
        "            \"first_response\": {\"within\": \"5m\", \"calendar\": \"always\"},\n"
        "            \"resolution\": {\"within\": \"24h\", \"calendar\": \"day and night\",\n"
        "                           \"pause_on\": [\"awaiting_customer\", \"\"], \"reopen\": \"continue\"}\n"
        "          }\n"
        "        },\n"
        "        {\"name\": \"other\", \"targets\": {\"resolution\": {\"within\": \"3d\", \"calendar\": \"always\", "
        "\"reopen\": \"restart\"}}}\n"
        "      ]\n"
        "    },\n"
        "    {\"policies\": [{\"targets\": {}, \"name\": \"none\"}], \"id\": \"first\"}\n"
        "  ]\n"
        "}\n";

static void test_P_whole_file(void **state)
{
	(void)state;
	struct policy_set *set = parse(whole_file);
	assert_int_equal(set->n_revisions, 2);
	assert_text(set->revisions[0].id, "first");
	assert_true(set->revisions[0].effective_from_us == INT64_MIN);
	const struct policy_revision *revision = &set->revisions[1];
	assert_text(revision->id, "2026-07");
	assert_true(revision->effective_from_us == at("2026-06-30T16:00:00Z"));
	assert_int_equal(revision->revision_no, 0);
	assert_int_equal(revision->resume_on_reply.n, 2);
	assert_true(text_list_has(revision->resume_on_reply, TEXT("awaiting_customer")));
	assert_int_equal(revision->n_policies, 2);
	const struct policy *policy = &revision->policies[0];
	assert_text(policy->name, "emergency");
	assert_false(policy->match[EVENT_PROJECT_ID].present);
	assert_true(policy->match[EVENT_CATEGORY].present);
	assert_int_equal(policy->match[EVENT_CATEGORY].patterns.n, 2);
	assert_text(policy->match[EVENT_PRIORITY].patterns.items[0], "1");
	assert_text(policy->match[EVENT_PRIORITY].patterns.items[1], "2");
	assert_true(policy->targets[TARGET_FIRST_RESPONSE].present);
	assert_true(policy->targets[TARGET_FIRST_RESPONSE].within_us == 300 * US_PER_SECOND);
	assert_false(policy->targets[TARGET_ARRIVAL].present);
	const struct target_rule *resolution = &policy->targets[TARGET_RESOLUTION];
	assert_true(resolution->within_us == US_PER_DAY);
	assert_int_equal(resolution->pause_on.n, 2);
	assert_true(resolution->reopen_continue);
	assert_false(revision->policies[1].targets[TARGET_RESOLUTION].reopen_continue);
	policy_set_free(set);
}

static void test_P_target_names(void **state)
{
	(void)state;
	assert_string_equal(sla_target_name(TARGET_FIRST_RESPONSE), "first_response");
	assert_string_equal(sla_target_name(TARGET_NEXT_RESPONSE), "next_response");
	assert_string_equal(sla_target_name(TARGET_ARRIVAL), "arrival");
	assert_string_equal(sla_target_name(TARGET_RESOLUTION), "resolution");
}

static void test_P_harmless_variants(void **state)
{
	(void)state;
	assert_fine(FILE_WITH_REVISIONS(REVISION_OK));
	assert_fine("\xEF\xBB\xBF" FILE_WITH_REVISIONS(REVISION_OK));
	assert_fine(FILE_WITH_TARGETS("{}"));
	assert_fine(FILE_WITH_TARGET("{\"within\": \"1h\", \"calendar\": \"always\", \"pause_on\": []}"));
	assert_fine(FILE_WITH_MEMBER("\"resume_on_reply\": [], \"calendars\": {}"));
	assert_fine(FILE_WITH_MEMBER("\"effective_from\": \"2026-01-01 00:00:00z\""));
}

static void test_P_revision_json_is_canonical_and_round_trips(void **state)
{
	(void)state;
	struct policy_set *set = parse(whole_file);
	assert_text(set->revisions[0].json, "{\"id\":\"first\",\"policies\":[{\"name\":\"none\",\"targets\":{}}]}");
	struct policy_faults faults;
	struct policy_set *again = policy_revision_parse(set->revisions[1].json, fake_zone_find, &faults);
	assert_non_null(again);
	assert_int_equal(faults.n, 0);
	policy_faults_release(&faults);
	assert_int_equal(again->n_revisions, 1);
	assert_true(text_equal(again->revisions[0].json, set->revisions[1].json));
	assert_true(text_equal(again->revisions[0].id, set->revisions[1].id));
	assert_true(again->revisions[0].effective_from_us == set->revisions[1].effective_from_us);
	assert_true(again->revisions[0].policies[0].targets[TARGET_RESOLUTION].reopen_continue);
	policy_set_free(set);
	assert_text(again->revisions[0].policies[0].match[EVENT_PRIORITY].patterns.items[0], "1");
	policy_set_free(again);
}

static void test_P_stored_revision_with_faults(void **state)
{
	(void)state;
	struct policy_faults faults;
	assert_null(policy_revision_parse(TEXT("{\"policies\":[{\"name\":\"p\",\"targets\":{}}]}"), fake_zone_find,
	                                  &faults));
	assert_int_equal(faults.n, 1);
	assert_text(faults.items[0].path, "id");
	policy_faults_release(&faults);
	assert_null(policy_revision_parse(TEXT(""), fake_zone_find, &faults));
	policy_faults_release(&faults);
}

static void test_P_empty_set(void **state)
{
	(void)state;
	struct policy_set *set = policy_set_empty();
	assert_int_equal(set->n_revisions, 0);
	assert_null(policy_set_at(set, at("2026-01-01T00:00:00Z")));
	policy_set_free(set);
	policy_set_free(NULL);
}

/* ---- S1: which revision ---- */

static void test_S1_greatest_effective_from_up_to_the_opening(void **state)
{
	(void)state;
	struct policy_set *set = parse(FILE_WITH_REVISIONS(
	        "{\"id\": \"c\", \"effective_from\": \"2026-03-01T00:00:00Z\", \"policies\": [" POLICY_OK "]},"
	        "{\"id\": \"a\", \"effective_from\": \"2026-01-01T00:00:00Z\", \"policies\": [" POLICY_OK "]},"
	        "{\"id\": \"b\", \"effective_from\": \"2026-02-01T00:00:00Z\", \"policies\": [" POLICY_OK "]}"));
	assert_null(policy_set_at(set, at("2025-12-31T23:59:59.999999Z")));
	assert_text(policy_set_at(set, at("2026-01-01T00:00:00Z"))->id, "a");
	assert_text(policy_set_at(set, at("2026-01-31T23:59:59.999999Z"))->id, "a");
	assert_text(policy_set_at(set, at("2026-02-01T00:00:00Z"))->id, "b");
	assert_text(policy_set_at(set, at("2026-02-28T23:59:59.999999Z"))->id, "b");
	assert_text(policy_set_at(set, at("2026-03-01T00:00:00Z"))->id, "c");
	assert_text(policy_set_at(set, at("2199-01-01T00:00:00Z"))->id, "c");
	policy_set_free(set);
}

static void test_S1_P2_without_effective_from_back_for_ever(void **state)
{
	(void)state;
	struct policy_set *set = parse(whole_file);
	assert_text(policy_set_at(set, at("1990-01-01T00:00:00Z"))->id, "first");
	assert_text(policy_set_at(set, at("2026-06-30T15:59:59.999999Z"))->id, "first");
	assert_text(policy_set_at(set, at("2026-06-30T16:00:00Z"))->id, "2026-07");
	policy_set_free(set);
}

/* ---- P1: which policy ---- */

/* Whether {"match": match} holds for a ticket of these five attributes, NULL being absent. */
static bool holds(const char *match, const char *project, const char *channel, const char *category,
                  const char *priority, const char *team)
{
	struct buf json = BUF_INIT;
	buf_add_format(&json, "{\"id\":\"r\",\"policies\":[{\"name\":\"p\",\"targets\":{},\"match\":%s}]}", match);
	struct policy_faults faults;
	struct policy_set *set = policy_revision_parse(buf_text(&json), fake_zone_find, &faults);
	print_faults(&faults);
	policy_faults_release(&faults);
	buf_release(&json);
	assert_non_null(set);
	const struct text attributes[EVENT_N_ATTRIBUTES] = {
	        [EVENT_PROJECT_ID] = text_of(project), [EVENT_CHANNEL] = text_of(channel),
	        [EVENT_CATEGORY] = text_of(category),  [EVENT_PRIORITY] = text_of(priority),
	        [EVENT_TEAM_ID] = text_of(team),
	};
	bool result = policy_revision_match(&set->revisions[0], attributes) != NULL;
	policy_set_free(set);
	return result;
}

static bool category_holds(const char *pattern, const char *category)
{
	struct buf match = BUF_INIT;
	buf_add_format(&match, "{\"category\":[\"%s\"]}", pattern);
	bool result = holds(match.data, "p1", NULL, category, NULL, NULL);
	buf_release(&match);
	return result;
}

static void test_P1_all_named_attributes_must_hold(void **state)
{
	(void)state;
	const char *match = "{\"category\":[\"repair/*\"],\"priority\":[\"1\"]}";
	assert_true(holds(match, NULL, NULL, "repair/lift", "1", NULL));
	assert_false(holds(match, NULL, NULL, "repair/lift", "2", NULL));
	assert_false(holds(match, NULL, NULL, "complaint", "1", NULL));
	assert_false(holds(match, NULL, NULL, "repair/lift", NULL, NULL));
}

static void test_P1_each_attribute(void **state)
{
	(void)state;
	assert_true(holds("{\"project_id\":[\"x\"]}", "x", "a", "b", "c", "d"));
	assert_true(holds("{\"channel\":[\"x\"]}", "a", "x", "b", "c", "d"));
	assert_true(holds("{\"category\":[\"x\"]}", "a", "b", "x", "c", "d"));
	assert_true(holds("{\"priority\":[\"x\"]}", "a", "b", "c", "x", "d"));
	assert_true(holds("{\"team_id\":[\"x\"]}", "a", "b", "c", "d", "x"));
	assert_false(holds("{\"team_id\":[\"x\"]}", "x", "x", "x", "x", "d"));
}

static void test_P1_one_pattern_of_a_list_suffices(void **state)
{
	(void)state;
	const char *match = "{\"channel\":[\"phone\",\"desk\",\"\"]}";
	assert_true(holds(match, NULL, "phone", NULL, NULL, NULL));
	assert_true(holds(match, NULL, "desk", NULL, NULL, NULL));
	assert_true(holds(match, NULL, NULL, NULL, NULL, NULL));
	assert_false(holds(match, NULL, "app", NULL, NULL, NULL));
}

static void test_P1_star_matches_any_run_of_characters(void **state)
{
	(void)state;
	assert_true(category_holds("*", "x"));
	assert_true(category_holds("lift/*", "lift/"));
	assert_true(category_holds("lift/*", "lift/trapped/now"));
	assert_false(category_holds("lift/*", "lift"));
	assert_false(category_holds("lift/*", "a lift/x"));
	assert_true(category_holds("*/urgent", "repair/urgent"));
	assert_false(category_holds("*/urgent", "repair/urgent/2"));
	assert_true(category_holds("a*b*c", "abc"));
	assert_true(category_holds("a*b*c", "axbxbxcxc"));
	assert_false(category_holds("a*b*c", "acb"));
	assert_true(category_holds("**a**", "a"));
	assert_true(category_holds("*aab", "aaab"));
	assert_false(category_holds("repair", "repairs"));
	assert_false(category_holds("repairs", "repair"));
	assert_false(category_holds("Repair", "repair"));
	assert_true(category_holds("报修/*", "报修/电梯"));
	assert_true(category_holds("a?[b]", "a?[b]"));
	assert_false(category_holds("a?c", "abc"));
}

static void test_P1_star_does_not_backtrack_without_end(void **state)
{
	(void)state;
	char pattern[257], category[257];
	for (size_t i = 0; i < 256; i++) {
		pattern[i] = i % 2 == 0 ? 'a' : '*';
		category[i] = 'a';
	}
	pattern[254] = 'b';
	pattern[256] = category[256] = '\0';
	assert_false(category_holds(pattern, category));
}

static void test_P1_absent_matches_only_the_empty_pattern(void **state)
{
	(void)state;
	assert_false(category_holds("*", NULL));
	assert_false(category_holds("*", ""));
	assert_false(category_holds("**", ""));
	assert_true(category_holds("", NULL));
	assert_true(category_holds("", ""));
	assert_false(category_holds("", "x"));
}

static void test_P1_first_match_wins(void **state)
{
	(void)state;
	struct policy_set *set =
	        parse(FILE_WITH_POLICIES("{\"name\": \"a\", \"match\": {\"priority\": [\"1\"]}, \"targets\": {}},"
	                                 "{\"name\": \"b\", \"match\": {\"priority\": [\"*\"]}, \"targets\": {}},"
	                                 "{\"name\": \"c\", \"targets\": {}}"));
	struct text attributes[EVENT_N_ATTRIBUTES] = {[EVENT_PRIORITY] = TEXT("1")};
	assert_text(policy_revision_match(&set->revisions[0], attributes)->name, "a");
	attributes[EVENT_PRIORITY] = TEXT("2");
	assert_text(policy_revision_match(&set->revisions[0], attributes)->name, "b");
	attributes[EVENT_PRIORITY] = TEXT_ABSENT;
	assert_text(policy_revision_match(&set->revisions[0], attributes)->name, "c");
	policy_set_free(set);
}

static void test_P3_no_policy_matches(void **state)
{
	(void)state;
	assert_false(holds("{\"priority\":[\"1\"]}", NULL, NULL, NULL, NULL, NULL));
}

static void test_P1_E7_whole_numbers_are_their_text(void **state)
{
	(void)state;
	assert_true(holds("{\"priority\":[1]}", NULL, NULL, NULL, "1", NULL));
	assert_true(holds("{\"priority\":[-5, 1827364550192837465]}", NULL, NULL, NULL, "1827364550192837465", NULL));
	assert_false(holds("{\"priority\":[1]}", NULL, NULL, NULL, "10", NULL));
	assert_fault(FILE_WITH_MATCH("{\"priority\": [100000000000000000000]}"), "(file)",
	             "a number that is too large (too big integer");
	assert_fault(FILE_WITH_MATCH("{\"priority\": [1.0]}"), POLICY_PATH ".match.priority[0]",
	             "is a number; write a pattern");
}

static void test_P1_reasons_are_whole_words(void **state)
{
	(void)state;
	const struct text items[] = {TEXT("awaiting_customer"), TEXT("parts*")};
	const struct text_list list = {items, 2};
	assert_true(text_list_has(list, TEXT("awaiting_customer")));
	assert_true(text_list_has(list, TEXT("parts*")));
	assert_false(text_list_has(list, TEXT("awaiting")));
	assert_false(text_list_has(list, TEXT("parts1")));
	assert_false(text_list_has(list, TEXT("")));
	assert_false(text_list_has((struct text_list){NULL, 0}, TEXT("")));
	const struct text none[] = {TEXT("")};
	assert_true(text_list_has((struct text_list){none, 1}, TEXT("")));
	assert_true(text_list_has((struct text_list){none, 1}, TEXT_ABSENT));
}

/* ---- faults of the text ---- */

static void test_P_not_a_policy_file(void **state)
{
	(void)state;
	assert_fault("", "(file)", "is empty");
	assert_fault(" \n\t", "(file)", "is empty");
	assert_fault("3", "(file)", "is a number; write {\"revisions\"");
	assert_fault("[]", "(file)", "is a list; write");
	assert_fault("{}", "revisions", "is missing");
	assert_fault("{\"revisions\": {}}", "revisions", "is an object; write a list");
}

static void test_P_not_json_says_where(void **state)
{
	(void)state;
	const struct expected_fault comma = {"(file)", "no comma after the last item", 3};
	assert_faults_of(TEXT("{\n\"revisions\": [1,\n]}"), &comma, 1);
	const struct expected_fault comment = {"(file)", "is not JSON", 2};
	assert_faults_of(TEXT("{\n// hello\n}"), &comment, 1);
	assert_fault("{\"revisions\": [", "(file)", "is not JSON");
	assert_fault("{} {}", "(file)", "is not JSON");
	assert_fault("{\"\xff\": 1}", "(file)", "is not JSON");
	static const char nul_text[] = "{\n\"revisions\": 1\0}";
	const struct expected_fault nul = {"(file)", "is not JSON: it holds a NUL byte", 2};
	assert_faults_of((struct text){nul_text, sizeof(nul_text) - 1}, &nul, 1);
}

static void test_P_too_large_a_file(void **state)
{
	(void)state;
	uint32_t len = 16 * 1024 * 1024 + 1;
	char *blanks = malloc(len);
	memset(blanks, ' ', len);
	const struct expected_fault expected = {"(file)", "at most 16777216 are allowed", 0};
	assert_faults_of((struct text){blanks, len}, &expected, 1);
	free(blanks);
}

static void test_P_deeply_nested(void **state)
{
	(void)state;
	struct buf json = BUF_INIT;
	buf_add_str(&json, "{\"revisions\":");
	for (int i = 0; i < 2000; i++)
		buf_add_str(&json, "[");
	for (int i = 0; i < 2000; i++)
		buf_add_str(&json, "]");
	buf_add_str(&json, "}");
	assert_fault(json.data, REVISION_PATH, "is a list; write a revision");
	buf_release(&json);
}

static void test_P_unknown_keys(void **state)
{
	(void)state;
	assert_fault("{\"revisions\": [" REVISION_OK "], \"version\": 1}", "version", "use one of: revisions");
	assert_fault(FILE_WITH_MEMBER("\"efective_from\": 1"), REVISION_PATH ".efective_from",
	             "did you mean \"effective_from\"?");
	assert_fault(FILE_WITH_POLICIES("{\"name\": \"p\", \"targets\": {}, \"mach\": {}}"), POLICY_PATH ".mach",
	             "did you mean \"match\"?");
	assert_fault(FILE_WITH_TARGET("{\"within\": \"1h\", \"calendar\": \"always\", \"pause\": []}"),
	             TARGET_PATH ".pause", "did you mean \"pause_on\"?");
	assert_fault(FILE_WITH_TARGET("{\"within\": \"1h\", \"calendar\": \"always\", \"resume\": []}"),
	             TARGET_PATH ".resume",
	             "is no known key of a target; take it out, or use one of: within, calendar, pause_on, reopen");
	assert_fault(FILE_WITH_TARGETS("{\"respnse\": {}}"), POLICY_PATH ".targets.respnse", "is no known target");
	assert_fault(FILE_WITH_TARGETS("{\"first_repsonse\": {}}"), POLICY_PATH ".targets.first_repsonse",
	             "did you mean \"first_response\"?");
	assert_fault(FILE_WITH_MATCH("{\"categroy\": []}"), POLICY_PATH ".match.categroy",
	             "did you mean \"category\"?");
	assert_fault(FILE_WITH_MATCH("{\"requester_ref\": []}"), POLICY_PATH ".match.requester_ref",
	             "use one of: project_id");
	assert_fault(FILE_WITH_MEMBER("\"calendars\": {\"c\": {\"always\": true, \"x\": 1}}"),
	             REVISION_PATH ".calendars.c.x", "is no known key");
	assert_fault(FILE_WITH_MEMBER("\"a b\\n\": 1"), REVISION_PATH "[\"a b\\u000a\"]", "is no known key");
	assert_fault(FILE_WITH_MEMBER("\"\": 1"), REVISION_PATH "[\"\"]", "is no known key");
}

static void test_P_duplicate_keys(void **state)
{
	(void)state;
	const struct expected_fault expected = {REVISION_PATH ".id", "stands here twice (before on line 2); keep one",
	                                        3};
	assert_faults_of(TEXT("{\"revisions\": [{\n\"id\": 5,\n\"i\\u0064\": \"b\", \"policies\": [" POLICY_OK "]}]}"),
	                 &expected, 1);
	const struct expected_fault thrice[] = {
	        {"revisions[0].policies[0].targets.arrival", "before on line 2", 3},
	        {"revisions[0].policies[0].targets.arrival", "before on line 3", 4},
	};
	assert_faults_of(TEXT(FILE_WITH_TARGETS("{\n\"arrival\": [{}],\n\"arrival\": 1,\n\"arrival\": " TARGET_OK "}")),
	                 thrice, 2);
	assert_fault(FILE_WITH_MATCH("{\"priority\": [1], \"priority\": [1]}"), POLICY_PATH ".match.priority", "twice");
	assert_fault(FILE_WITH_MEMBER("\"calendars\": {\"a\": {\"always\": true}, \"a\": {\"always\": true}}"),
	             REVISION_PATH ".calendars.a", "twice");
	assert_fault("{\"revisions\": 1, \"revisions\": [" REVISION_OK "]}", "revisions", "twice");
}

static void test_P_lines(void **state)
{
	(void)state;
	const struct expected_fault expected[] = {
	        {"revisions[0].id", "is missing", 2},
	        {"revisions[0].policies[0].name", "is empty", 6},
	        {"revisions[0].policies[0].match.priority[1]", "is true; write a pattern", 9},
	        {"revisions[0].policies[0].targets.arrival.within", "has no unit", 13},
	        {"revisions[0].policies[0].targets.arrival.calendar", "is missing", 12},
	};
	assert_faults_of(TEXT("{\"revisions\": [\n"
	                      "{\r\n"
	                      "  \"effective_from\"\n"
	                      "    : \"2026-01-01T00:00:00Z\",\n"
	                      "  \"policies\": [{\n"
	                      "    \"name\": \"\",\n"
	                      "    \"match\": {\"priority\": [\n"
	                      "      \"a \\\" { [ \\\\\",\n"
	                      "      true]},\n"
	                      "    \"targets\":\n"
	                      "      {\n"
	                      "        \"arrival\": {\n"
	                      "          \"within\":\n"
	                      "            \"30\"}}}]}]}"),
	                 expected, 5);
}

/* ---- faults of meaning ---- */

static void test_P_wrong_types(void **state)
{
	(void)state;
	assert_fault(FILE_WITH_REVISIONS("\"2026\""), REVISION_PATH, "is a string; write a revision");
	assert_fault(FILE_WITH_REVISIONS("{\"id\": 2026, \"policies\": [" POLICY_OK "]}"), REVISION_PATH ".id",
	             "is a number; write a name in quotes");
	assert_fault(FILE_WITH_MEMBER("\"effective_from\": null"), REVISION_PATH ".effective_from",
	             "is null; write a time");
	assert_fault(FILE_WITH_MEMBER("\"resume_on_reply\": \"x\""), REVISION_PATH ".resume_on_reply",
	             "is a string; write a list of reasons");
	assert_fault(FILE_WITH_MEMBER("\"resume_on_reply\": [7]"), REVISION_PATH ".resume_on_reply[0]",
	             "is a number; write a reason in quotes");
	assert_fault(FILE_WITH_MEMBER("\"calendars\": []"), REVISION_PATH ".calendars", "is a list; write an object");
	assert_fault(FILE_WITH_REVISIONS("{\"id\": \"r\", \"policies\": {}}"), REVISION_PATH ".policies",
	             "is an object");
	assert_fault(FILE_WITH_POLICIES("false"), POLICY_PATH, "is false; write a policy");
	assert_fault(FILE_WITH_POLICIES("{\"name\": [], \"targets\": {}}"), POLICY_PATH ".name",
	             "is a list; write a name");
	assert_fault(FILE_WITH_MATCH("[]"), POLICY_PATH ".match", "is a list; write an object");
	assert_fault(FILE_WITH_MATCH("{\"priority\": \"1\"}"), POLICY_PATH ".match.priority",
	             "is a string; write a list");
	assert_fault(FILE_WITH_TARGETS("[]"), POLICY_PATH ".targets", "is a list; write an object");
	assert_fault(FILE_WITH_TARGET("\"1h\""), TARGET_PATH, "is a string; write a target");
	assert_fault(FILE_WITH_WITHIN("60"), TARGET_PATH ".within", "is a number; write a duration in quotes");
	assert_fault(FILE_WITH_TARGET("{\"within\": \"1h\", \"calendar\": true}"), TARGET_PATH ".calendar",
	             "is true; write the name of a calendar");
	assert_fault(FILE_WITH_TARGET("{\"within\": \"1h\", \"calendar\": \"always\", \"pause_on\": {}}"),
	             TARGET_PATH ".pause_on", "is an object; write a list of reasons");
	assert_fault(FILE_WITH_TARGET("{\"within\": \"1h\", \"calendar\": \"always\", \"reopen\": true}"),
	             TARGET_PATH ".reopen", "is true; write \"restart\" or \"continue\"");
}

static void test_P_missing_keys(void **state)
{
	(void)state;
	assert_fault(FILE_WITH_REVISIONS("{\"policies\": [" POLICY_OK "]}"), REVISION_PATH ".id", "is missing; give");
	assert_fault(FILE_WITH_REVISIONS("{\"id\": \"r\"}"), REVISION_PATH ".policies", "is missing; write a list");
	assert_fault(FILE_WITH_POLICIES("{\"targets\": {}}"), POLICY_PATH ".name", "is missing; give");
	assert_fault(FILE_WITH_POLICIES("{\"name\": \"p\"}"), POLICY_PATH ".targets",
	             "is missing; write \"targets\": {}");
	assert_fault(FILE_WITH_TARGET("{\"calendar\": \"always\"}"), TARGET_PATH ".within",
	             "is missing; write how long");
	assert_fault(FILE_WITH_TARGET("{\"within\": \"1h\"}"), TARGET_PATH ".calendar",
	             "is missing; write \"calendar\": \"always\"");
}

static void test_P_empty_lists(void **state)
{
	(void)state;
	assert_fault("{\"revisions\": []}", "revisions", "is an empty list; write a list of revisions");
	assert_fault(FILE_WITH_REVISIONS("{\"id\": \"r\", \"policies\": []}"), REVISION_PATH ".policies",
	             "is an empty list; write a list of policies");
	assert_fault(FILE_WITH_MATCH("{\"priority\": []}"), POLICY_PATH ".match.priority",
	             "is an empty list, which never holds");
	assert_fault(FILE_WITH_MATCH("{}"), POLICY_PATH ".match", "names no attribute; take `match` out");
}

static void test_P_names(void **state)
{
	(void)state;
	assert_fault(FILE_WITH_REVISIONS("{\"id\": \"\", \"policies\": [" POLICY_OK "]}"), REVISION_PATH ".id",
	             "is empty");
	assert_fault(FILE_WITH_POLICIES("{\"name\": \"\", \"targets\": {}}"), POLICY_PATH ".name", "is empty");
	assert_fault(FILE_WITH_MEMBER("\"calendars\": {\"\": {\"always\": true}}"), REVISION_PATH ".calendars[\"\"]",
	             "has an empty name");
	struct buf json = BUF_INIT;
	char name[258];
	memset(name, 'n', 257);
	name[257] = '\0';
	buf_add_format(
	        &json,
	        FILE_WITH_REVISIONS("{\"id\": \"%s\", \"policies\": [{\"name\": \"%s\", \"targets\": {}, \"match\": "
	                            "{\"priority\": [\"%s\"]}}], \"resume_on_reply\": [\"%s\"]}"),
	        name, name, name, name);
	const struct expected_fault expected[] = {
	        {REVISION_PATH ".id", "is 257 bytes long; shorten it to 256 at most", 1},
	        {REVISION_PATH ".resume_on_reply[0]", "is 257 bytes long", 1},
	        {POLICY_PATH ".name", "is 257 bytes long", 1},
	        {POLICY_PATH ".match.priority[0]", "is 257 bytes long", 1},
	};
	assert_faults_of(buf_text(&json), expected, 4);
	buf_clear(&json);
	buf_add_format(&json, FILE_WITH_REVISIONS("{\"id\": \"%s\", \"policies\": [" POLICY_OK "]}"), name + 1);
	assert_fine(json.data);
	buf_clear(&json);
	buf_add_format(&json, FILE_WITH_MEMBER("\"calendars\": {\"%s\": {\"always\": true}}"), name);
	struct buf path = BUF_INIT;
	buf_add_format(&path, REVISION_PATH ".calendars.%s", name);
	assert_fault(json.data, path.data, "has a name of 257 bytes");
	buf_clear(&json);
	buf_add_format(&json, FILE_WITH_MEMBER("\"%s\": 1"), name);
	buf_clear(&path);
	buf_add_format(&path, REVISION_PATH ".%s", name);
	assert_fault(json.data, path.data, "is no known key of a revision; take it out");
	buf_release(&path);
	buf_release(&json);
}

static void test_P_two_revisions_of_one_id(void **state)
{
	(void)state;
	assert_fault(FILE_WITH_REVISIONS(
	                     "{\"id\": \"r\", \"effective_from\": \"2026-01-01T00:00:00Z\", \"policies\": [" POLICY_OK
	                     "]}," REVISION_OK),
	             "revisions[1].id", "is the id of revisions[0] already");
}

static void test_P_two_revisions_of_one_instant(void **state)
{
	(void)state;
	assert_fault(
	        FILE_WITH_REVISIONS(
	                "{\"id\": \"a\", \"effective_from\": \"2026-01-01T00:00:00Z\", \"policies\": [" POLICY_OK "]},"
	                "{\"id\": \"b\", \"effective_from\": \"2026-01-01T08:00:00+08:00\", \"policies\": [" POLICY_OK
	                "]}"),
	        "revisions[1].effective_from", "is the same instant as that of revisions[0]");
	assert_fault(FILE_WITH_REVISIONS("{\"id\": \"a\", \"policies\": [" POLICY_OK "]}," REVISION_OK),
	             "revisions[1].effective_from", "only one revision can reach back for ever");
	const struct expected_fault unreadable[] = {
	        {"revisions[0].effective_from", "is no time", 0},
	        {"revisions[1].effective_from", "is no time", 0},
	};
	assert_faults_of(
	        TEXT(FILE_WITH_REVISIONS("{\"id\": \"a\", \"effective_from\": \"x\", \"policies\": [" POLICY_OK "]},"
	                                 "{\"id\": \"b\", \"effective_from\": \"x\", \"policies\": [" POLICY_OK
	                                 "]}," REVISION_OK)),
	        unreadable, 2);
}

static void test_P_effective_from_is_a_time(void **state)
{
	(void)state;
	static const char *const bad[] = {"2026-01-01", "2026-01-01T00:00:00", "2026-02-30T00:00:00Z", "",
	                                  "now",        "1989-12-31T00:00:00Z"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf json = BUF_INIT;
		buf_add_format(&json, FILE_WITH_MEMBER("\"effective_from\": \"%s\""), bad[i]);
		assert_fault(json.data, REVISION_PATH ".effective_from", "write it as \"2026-01-01T00:00:00+08:00\"");
		buf_release(&json);
	}
}

static void test_P_policies_after_one_without_match(void **state)
{
	(void)state;
	const struct expected_fault expected[] = {
	        {"revisions[0].policies[2]", "is never reached, because policies[1] before it has no `match`", 3},
	        {"revisions[0].policies[3]", "is never reached, because policies[1]", 4},
	};
	assert_faults_of(TEXT(FILE_WITH_POLICIES("{\"name\": \"a\", \"match\": {\"priority\": [1]}, \"targets\": {}},\n"
	                                         "{\"name\": \"b\", \"targets\": {}},\n"
	                                         "{\"name\": \"c\", \"match\": {\"priority\": [1]}, \"targets\": {}},\n"
	                                         "{\"name\": \"d\", \"targets\": {}}")),
	                 expected, 2);
}

static void test_P_two_policies_of_one_name(void **state)
{
	(void)state;
	assert_fault(FILE_WITH_POLICIES("{\"name\": \"a\", \"match\": {\"priority\": [1]}, \"targets\": {}},"
	                                "{\"name\": \"b\", \"match\": {\"priority\": [2]}, \"targets\": {}},"
	                                "{\"name\": \"a\", \"targets\": {}}"),
	             "revisions[0].policies[2].name", "is the name of policies[0] already");
}

static void test_P2_durations(void **state)
{
	(void)state;
	assert_fault(FILE_WITH_WITHIN("\"\""), TARGET_PATH ".within", "\"\" is empty");
	assert_fault(FILE_WITH_WITHIN("\"30\""), TARGET_PATH ".within", "\"30\" ends with a number that has no unit");
	assert_fault(FILE_WITH_WITHIN("\"1.5h\""), TARGET_PATH ".within", "write \"1h30m\"");
	assert_fault(FILE_WITH_WITHIN("\"2w\""), TARGET_PATH ".within", "the units are d, h, m and s");
	assert_fault(FILE_WITH_WITHIN("\"1h1h\""), TARGET_PATH ".within", "names a unit twice");
	assert_fault(FILE_WITH_WITHIN("\"0m\""), TARGET_PATH ".within", "write more than zero");
	assert_fault(FILE_WITH_WITHIN("\"367d\""), TARGET_PATH ".within", "at most \"366d\"");
	assert_fault(FILE_WITH_WITHIN("\"2wd\""), TARGET_PATH ".within", "counts working days");
	assert_fine(FILE_WITH_WITHIN("\"2d\""));
	/* A long value is cut between characters: 79 bytes, then one of three. */
	assert_fault(FILE_WITH_WITHIN(
	                     "\"1234567890123456789012345678901234567890123456789012345678901234567890123456789时时\""),
	             TARGET_PATH ".within", "3456789\"... ");
}

static void test_P_reopen(void **state)
{
	(void)state;
	assert_fault(FILE_WITH_TARGET("{\"within\": \"1h\", \"calendar\": \"always\", \"reopen\": \"Continue\"}"),
	             TARGET_PATH ".reopen", "is \"Continue\"; write \"restart\" or \"continue\"");
	assert_fault(FILE_WITH_TARGETS(
	                     "{\"arrival\": {\"within\": \"1h\", \"calendar\": \"always\", \"reopen\": \"restart\"}}"),
	             POLICY_PATH ".targets.arrival.reopen", "for `resolution` only; take it out of `arrival`");
}

#define FILE_WITH_CALENDAR(members) FILE_WITH_MEMBER("\"calendars\": {\"c\": {" members "}}")
#define CALENDAR_PATH               REVISION_PATH ".calendars.c"
#define IN_SHANGHAI                 "\"time_zone\": \"Asia/Shanghai\", "
#define A_MONDAY                    "\"weekly\": {\"mon\": [\"09:00-17:00\"]}"
#define FILE_ON_OFFICE(hours, within)                                                                                  \
	FILE_WITH_REVISIONS("{\"id\": \"r\", \"calendars\": {\"office\": {" IN_SHANGHAI hours                          \
	                    "}}, \"policies\": [{\"name\": \"p\", \"targets\": {\"resolution\": {\"within\": "         \
	                    "\"" within "\", \"calendar\": \"office\"}}}]}")

static void test_P_calendar_that_is_always(void **state)
{
	(void)state;
	assert_fault(FILE_WITH_MEMBER("\"calendars\": {\"always\": {\"always\": true, \"weekly\": {}}}"),
	             REVISION_PATH ".calendars.always.weekly", "has no meaning beside `always`");
	assert_fault(FILE_WITH_CALENDAR("\"always\": false"), CALENDAR_PATH ".always", "can only be true");
	assert_fault(FILE_WITH_MEMBER("\"calendars\": {\"c\": true}"), CALENDAR_PATH, "is true; write");
}

static void test_P_calendar_with_hours(void **state)
{
	(void)state;
	struct policy_set *set =
	        parse(FILE_ON_OFFICE("\"working_day\": \"7h30m\", \"weekly\": {\"mon\": [\"13:30-17:30\", "
	                             "\"08:30-12:00\"], \"sun\": []}, \"days\": {\"2026-10-10\": "
	                             "[\"09:00-24:00\"], \"2026-10-01\": []}",
	                             "2wd"));
	const struct target_rule *rule = &set->revisions[0].policies[0].targets[TARGET_RESOLUTION];
	assert_int_equal(rule->within_us, 15 * 3600 * US_PER_SECOND);
	assert_text(rule->calendar->name, "office");
	assert_text(rule->calendar->time_zone, "Asia/Shanghai");
	struct calendar *hours = target_hours(rule);
	assert_int_equal(hours->n_dates, 2);
	assert_int_equal(hours->dates[0].first_day, 20727);
	assert_int_equal(hours->dates[0].hours.n, 0);
	assert_int_equal(hours->dates[1].hours.hours[0].end_minute, MINUTES_PER_DAY);
	/* Monday 2026-03-09, 16:30: one hour is left of that day. */
	assert_int_equal(calendar_after_us(hours, at("2026-03-09T16:30:00+08:00"), 2 * 3600 * US_PER_SECOND),
	                 at("2026-03-16T09:30:00+08:00"));
	policy_set_free(set);
}

static void test_P_calendar_types(void **state)
{
	(void)state;
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI "\"weekly\": []"), CALENDAR_PATH ".weekly", "is a list; write");
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI "\"weekly\": {\"mon\": \"09:00-17:00\"}"),
	             CALENDAR_PATH ".weekly.mon", "is a string; write");
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI "\"weekly\": {\"mon\": [9]}"), CALENDAR_PATH ".weekly.mon[0]",
	             "is a number; write hours in quotes");
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI A_MONDAY ", \"days\": []"), CALENDAR_PATH ".days",
	             "is a list; write an object");
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI A_MONDAY ", \"days\": {\"2026-10-1\": []}"),
	             CALENDAR_PATH ".days.2026-10-1", "is no date between 1990 and 2200");
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI A_MONDAY ", \"working_day\": 8"), CALENDAR_PATH ".working_day",
	             "is a number; write a duration in quotes");
	/* What is said of a calendar that cannot be read is said once. */
	assert_fault(FILE_WITH_REVISIONS("{\"id\": \"r\", \"calendars\": [], \"policies\": [{\"name\": \"p\", "
	                                 "\"targets\": {\"arrival\": {\"within\": \"1h\", \"calendar\": \"c\"}}}]}"),
	             REVISION_PATH ".calendars", "is a list; write an object");
}

static void test_P_calendar_faults(void **state)
{
	(void)state;
	assert_fault(FILE_WITH_CALENDAR(A_MONDAY), CALENDAR_PATH ".time_zone", "is missing");
	assert_fault(FILE_WITH_CALENDAR("\"time_zone\": \"Asia/Shangai\", " A_MONDAY), CALENDAR_PATH ".time_zone",
	             "\"Asia/Shangai\" is no time zone that this machine knows");
	assert_fault(FILE_WITH_CALENDAR("\"time_zone\": 8, " A_MONDAY), CALENDAR_PATH ".time_zone", "is a number");
	assert_fault(FILE_WITH_CALENDAR("\"time_zone\": \"UTC\""), CALENDAR_PATH ".weekly", "is missing");
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI "\"weekly\": {}"), CALENDAR_PATH ".weekly", "has no hours");
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI "\"weekly\": {\"mon\": [], \"tue\": []}"), CALENDAR_PATH ".weekly",
	             "has no hours");
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI A_MONDAY ", \"week\": 1"), CALENDAR_PATH ".week",
	             "is no known key");
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI "\"weekly\": {\"monday\": [\"09:00-17:00\"], \"tue\": "
	                                            "[\"09:00-17:00\"]}"),
	             CALENDAR_PATH ".weekly.monday", "is no known day of the week");
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI A_MONDAY ", \"days\": {\"2026-02-29\": []}"),
	             CALENDAR_PATH ".days.2026-02-29", "is no date");
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI A_MONDAY ", \"days\": {\"2026-03-09\": \"off\"}"),
	             CALENDAR_PATH ".days.2026-03-09", "is a string; write a list of hours");
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI A_MONDAY ", \"working_day\": \"1wd\""),
	             CALENDAR_PATH ".working_day", "by working days");
	assert_fault(FILE_ON_OFFICE("\"working_day\": \"8\", " A_MONDAY, "2wd"),
	             REVISION_PATH ".calendars.office.working_day", "no unit"); /* and nothing of 2wd */
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI A_MONDAY ", \"working_day\": \"8\""), CALENDAR_PATH ".working_day",
	             "no unit");
}

static void test_P_hours(void **state)
{
	(void)state;
	static const char *const bad[] = {"9:00-17:00",  "09:00 - 17:00", "09:00-24:01", "09:60-10:00",
	                                  "25:00-26:00", "09:00",         "09.00-17.00", "",
	                                  "09:00-17:00 "};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf json = BUF_INIT;
		buf_add_format(&json,
		               FILE_WITH_CALENDAR(IN_SHANGHAI "\"weekly\": {\"mon\": [\"09:00-17:00\", \"%s\"]}"),
		               bad[i]);
		assert_fault(json.data, CALENDAR_PATH ".weekly.mon[1]", "are no hours");
		buf_release(&json);
	}
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI "\"weekly\": {\"mon\": [\"13:00-17:00\", \"09:00-13:01\"]}"),
	             CALENDAR_PATH ".weekly.mon[0]", "overlaps other hours of that day");
	/* The last hours overlap the first, though not those in between. */
	const struct expected_fault two[] = {{CALENDAR_PATH ".weekly.mon[1]", "overlaps other hours", 0},
	                                     {CALENDAR_PATH ".weekly.mon[2]", "overlaps other hours", 0}};
	assert_faults_of(
	        TEXT(FILE_WITH_CALENDAR(IN_SHANGHAI
	                                "\"weekly\": {\"mon\": [\"08:00-12:00\", \"09:00-10:00\", \"11:00-13:00\"]}")),
	        two, 2);
	assert_fine(FILE_WITH_CALENDAR(IN_SHANGHAI "\"weekly\": {\"mon\": [\"13:00-17:00\", \"09:00-13:00\"]}"));
}

#define FILE_WITH_WEEKLY(members) FILE_WITH_CALENDAR(IN_SHANGHAI "\"weekly\": {" members "}")
#define FILE_WITH_DAYS(members)   FILE_WITH_CALENDAR(IN_SHANGHAI A_MONDAY ", \"days\": {" members "}")

static const struct calendar *calendar_of(const struct policy_set *set)
{
	return set->revisions[0].calendars->hours;
}

static void test_S7_hours_over_midnight_do_not_vanish(void **state)
{
	(void)state;
	struct policy_set *set = parse(FILE_WITH_WEEKLY("\"mon\": [\"08:00-12:00\", \"22:00-06:00\"], \"tue\": "
	                                                "[\"20:00-00:00\"], \"wed\": [\"24:00-06:00\"]"));
	const struct calendar_day *weekly = calendar_of(set)->weekly;
	assert_int_equal(weekly[0].n, 2);
	assert_false(weekly[0].hours[0].ends_next_day);
	assert_true(weekly[0].hours[1].ends_next_day);
	assert_int_equal(weekly[0].hours[1].end_minute, 360);
	assert_true(weekly[1].hours[0].ends_next_day);
	assert_int_equal(weekly[1].hours[0].end_minute, 0);
	assert_true(weekly[2].hours[0].ends_next_day);
	policy_set_free(set);

	const char *path = CALENDAR_PATH ".weekly.mon[1]";
	const char *equal = "end when they begin; write \"00:00-24:00\" for a whole day";
	assert_fault(FILE_WITH_WEEKLY("\"mon\": [\"08:00-12:00\", \"13:00-13:00\"]"), path, equal);
	assert_fault(FILE_WITH_WEEKLY("\"mon\": [\"08:00-12:00\", \"00:00-00:00\"]"), path, equal);
	assert_fault(FILE_WITH_WEEKLY("\"mon\": [\"08:00-12:00\", \"24:00-24:00\"]"), path, equal);
	assert_fault(FILE_WITH_WEEKLY("\"mon\": [\"08:00-12:00\", \"24:00-00:00\"]"), path, equal);
	assert_fault(FILE_WITH_WEEKLY("\"mon\": [\"20:00-02:00\", \"23:00-23:30\"]"), path, "overlaps other hours");
	assert_fault(FILE_WITH_WEEKLY("\"mon\": [\"20:00-02:00\", \"22:00-06:00\"]"), path, "overlaps other hours");
	/* What it takes of the next date is nothing of this one. */
	assert_fine(FILE_WITH_WEEKLY("\"mon-sun\": [\"22:00-06:00\", \"00:00-08:00\"]"));
}

static void assert_warned(const char *json, const char *path, const char *words)
{
	struct policy_faults faults;
	struct policy_set *set = policy_set_parse(text_of(json), fake_zone_find, &faults);
	assert_non_null(set);
	assert_int_equal(faults.n, 0);
	assert_int_equal(faults.n_warnings, path == NULL ? 0 : 1);
	if (path != NULL) {
		assert_text(faults.warnings[0].path, path);
		assert_int_equal(faults.warnings[0].line, 1);
		assert_non_null(
		        memmem(faults.warnings[0].message.ptr, faults.warnings[0].message.len, words, strlen(words)));
	}
	policy_faults_release(&faults);
	policy_set_free(set);
}

static void test_P4_long_night_is_warned_of(void **state)
{
	(void)state;
	assert_warned(FILE_WITH_WEEKLY("\"mon\": [\"17:00-09:00\"]"), CALENDAR_PATH ".weekly.mon[0]",
	              "\"17:00-09:00\" ends on the next date, 16 h 00 min after it begins");
	assert_warned(FILE_WITH_DAYS("\"2026-10-01\": [\"09:00-00:00\"]"), CALENDAR_PATH ".days.2026-10-01[0]",
	              "15 h 00 min");
	assert_warned(FILE_WITH_WEEKLY("\"mon\": [\"19:59-08:00\"]"), CALENDAR_PATH ".weekly.mon[0]", "12 h 01 min");
	assert_warned(FILE_WITH_WEEKLY("\"mon\": [\"20:00-08:00\"]"), NULL, NULL);
	assert_warned(FILE_WITH_WEEKLY("\"mon\": [\"00:00-24:00\"]"), NULL, NULL);
}

static void test_P4_ranges_of_weekdays(void **state)
{
	(void)state;
	struct policy_set *set =
	        parse(FILE_WITH_WEEKLY("\"mon-wed\": [\"09:00-17:00\"], \"fri-fri\": [\"09:00-12:00\"]"));
	for (int day = 0; day < 7; day++)
		assert_int_equal(calendar_of(set)->weekly[day].n, day <= 2 || day == 4);
	policy_set_free(set);
	set = parse(FILE_WITH_WEEKLY("\"sun-thu\": [\"09:00-17:00\"]")); /* over the end of the week */
	for (int day = 0; day < 7; day++)
		assert_int_equal(calendar_of(set)->weekly[day].n, day <= 3 || day == 6);
	policy_set_free(set);

	assert_fault(FILE_WITH_WEEKLY("\"mon-fri\": [\"09:00-17:00\"], \"wed\": []"), CALENDAR_PATH ".weekly.wed",
	             "names wed, which \"mon-fri\" has named already");
	assert_fault(FILE_WITH_WEEKLY("\"mon-fri\": [\"09:00-17:00\"], \"fri-sun\": []"),
	             CALENDAR_PATH ".weekly.fri-sun", "names fri,");
	assert_fault(FILE_WITH_WEEKLY("\"mon-fr\": [\"09:00-17:00\"]"), CALENDAR_PATH ".weekly.mon-fr",
	             "is no known day of the week");
	assert_fault(FILE_WITH_WEEKLY("\"mon - fri\": [\"09:00-17:00\"]"), CALENDAR_PATH ".weekly[\"mon - fri\"]",
	             "is no known day of the week");
	assert_fault(FILE_WITH_WEEKLY("\"Mon\": [\"09:00-17:00\"]"), CALENDAR_PATH ".weekly.Mon",
	             "is no known day of the week");
}

static void test_P4_ranges_of_dates_and_yearly_days(void **state)
{
	(void)state;
	struct policy_set *set = parse(FILE_WITH_DAYS("\"2026-10-01/2026-10-07\": [], \"12-25\": [], \"02-29\": "
	                                              "[\"10:00-11:00\"], \"2026-09-30\": [], "
	                                              "\"2026-12-31/2027-01-01\": []"));
	const struct calendar *calendar = calendar_of(set);
	assert_int_equal(calendar->n_dates, 3);
	assert_int_equal(calendar->dates[1].first_day, 20727);
	assert_int_equal(calendar->dates[1].last_day, 20733);
	assert_int_equal(calendar->dates[2].last_day - calendar->dates[2].first_day, 1);
	assert_int_equal(calendar->n_yearly, 2);
	assert_int_equal(calendar->yearly[0].month, 2);
	assert_int_equal(calendar->yearly[0].month_day, 29);
	assert_int_equal(calendar->yearly[0].hours.n, 1);
	policy_set_free(set);

	assert_fault(FILE_WITH_DAYS("\"2026-10-01/2026-10-07\": [], \"2026-10-07\": []"),
	             CALENDAR_PATH ".days.2026-10-07", "overlaps \"2026-10-01/2026-10-07\"");
	assert_fault(FILE_WITH_DAYS("\"2026-10-01\": [], \"2026-10-01/2026-10-01\": []"),
	             CALENDAR_PATH ".days[\"2026-10-01/2026-10-01\"]", "overlaps \"2026-10-01\"");
	/* The long one overlaps the last, though not those in between. */
	assert_fault(FILE_WITH_DAYS("\"2026-01-01/2026-12-31\": [], \"2027-01-01\": [], \"2026-12-31\": []"),
	             CALENDAR_PATH ".days.2026-12-31", "overlaps \"2026-01-01/2026-12-31\"");
	assert_fault(FILE_WITH_DAYS("\"2026-10-07/2026-10-01\": []"), CALENDAR_PATH ".days[\"2026-10-07/2026-10-01\"]",
	             "ends before it begins");
	static const char *const bad[] = {"02-30",
	                                  "13-01",
	                                  "00-10",
	                                  "1-1",
	                                  "2026-10-01/10-07",
	                                  "2026-10-01/2026-10-32",
	                                  "10-01/10-07",
	                                  "2026-10-01 2026-10-02",
	                                  "2201-01-01",
	                                  "2026-1-01",
	                                  "ab-cd"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf json = BUF_INIT;
		struct policy_faults faults;
		buf_add_format(&json, FILE_WITH_DAYS("\"%s\": []"), bad[i]);
		assert_null(policy_set_parse(buf_text(&json), fake_zone_find, &faults));
		assert_int_equal(faults.n, 1);
		assert_non_null(
		        memmem(faults.items[0].message.ptr, faults.items[0].message.len, "is no date between", 18));
		policy_faults_release(&faults);
		buf_release(&json);
	}
}

static void test_target_that_never_falls_due_is_a_fault(void **state)
{
	(void)state;
	const char *path = TARGET_PATH ".within";
	const char *words = "of work never pass by the calendar \"office\", which works too little for it";
	assert_fault(FILE_ON_OFFICE("\"weekly\": {\"mon\": [\"00:00-00:01\"]}", "8000h"), path, words);
	assert_fine(FILE_ON_OFFICE("\"weekly\": {\"mon\": [\"00:00-00:01\"]}", "8h"));
	struct buf json = BUF_INIT; /* every day of the year is off */
	buf_add_str(&json, FILE_WITH_REVISIONS("{\"id\": \"r\", \"calendars\": {\"office\": {" IN_SHANGHAI A_MONDAY
	                                       ", \"days\": {\"01-01\": []"));
	json.len_bytes -= 2; /* the end of the file, which comes later */
	for (unsigned day = 1; day < 366; day++) {
		unsigned month, month_day;
		timestamp_month_day((int32_t)(10957 + day), &month, &month_day); /* of 2000 */
		buf_add_format(&json, ", \"%02u-%02u\": []", month, month_day);
	}
	size_t open = json.len_bytes;
	buf_add_str(&json, "}}}, \"policies\": [{\"name\": \"p\", \"targets\": {\"resolution\": {\"within\": \"1h\", "
	                   "\"calendar\": \"office\"}}}]}]}");
	buf_add_char(&json, '\0');
	assert_fault(json.data, path, words);
	json.len_bytes = open;
	buf_release(&json);
	/* What was stored before stays readable. */
	struct policy_faults faults;
	struct policy_set *set = policy_revision_parse(
	        TEXT("{\"id\": \"r\", \"calendars\": {\"c\": {\"time_zone\": \"UTC\", \"weekly\": {\"mon\": "
	             "[\"00:00-00:01\"]}}}, \"policies\": [{\"name\": \"p\", \"targets\": {\"resolution\": "
	             "{\"within\": "
	             "\"8000h\", \"calendar\": \"c\"}}}]}"),
	        fake_zone_find, &faults);
	assert_non_null(set);
	policy_faults_release(&faults);
	policy_set_free(set);
}

static void test_P_days_and_working_days_of_within(void **state)
{
	(void)state;
	assert_fine(FILE_ON_OFFICE(A_MONDAY, "80h"));
	assert_fault(FILE_ON_OFFICE(A_MONDAY, "2d"), TARGET_PATH ".within", "\"2d\" counts days of 24 hours");
	assert_fault(FILE_ON_OFFICE(A_MONDAY, "2wd"), TARGET_PATH ".within", "counts working days (wd)");
	assert_fault(FILE_WITH_WITHIN("\"2wd\""), TARGET_PATH ".within", "counts working days (wd)");
	assert_fine(FILE_ON_OFFICE("\"working_day\": \"8h\", " A_MONDAY, "2wd4h"));
}

static void test_P_calendar_must_be_defined(void **state)
{
	(void)state;
	assert_fault(FILE_WITH_TARGET("{\"within\": \"1h\", \"calendar\": \"office\"}"), TARGET_PATH ".calendar",
	             "the calendar \"office\", which this revision does not define; define it in `calendars`");
	assert_fault(FILE_WITH_TARGET("{\"within\": \"1h\", \"calendar\": \"allways\"}"), TARGET_PATH ".calendar",
	             "did you mean \"always\"?");
	assert_fault(FILE_WITH_TARGET("{\"within\": \"1h\", \"calendar\": \"\"}"), TARGET_PATH ".calendar", "is empty");
	const char *near =
	        FILE_WITH_REVISIONS("{\"id\": \"r\", \"calendars\": {\"guards\": {\"always\": true}}, \"policies\": "
	                            "[{\"name\": \"p\", \"targets\": {\"resolution\": {\"within\": \"1h\", "
	                            "\"calendar\": \"guard\"}}}]}");
	assert_fault(near, TARGET_PATH ".calendar", "did you mean \"guards\"?");
	/* Of another revision: not this one's. */
	assert_fault(
	        FILE_WITH_REVISIONS(
	                "{\"id\": \"a\", \"effective_from\": \"2026-01-01T00:00:00Z\", \"calendars\": {\"guards\": "
	                "{\"always\": true}}, \"policies\": [" POLICY_OK "]},"
	                "{\"id\": \"b\", \"policies\": [{\"name\": \"p\", \"targets\": {\"resolution\": {\"within\": "
	                "\"1h\", \"calendar\": \"guards\"}}}]}"),
	        "revisions[1].policies[0].targets.resolution.calendar", "does not define");
}

#define FILE_WITH_WARNINGS(warn_at)                                                                                    \
	FILE_WITH_TARGET("{\"within\": \"1h40m\", \"calendar\": \"always\", \"warn_at\": " warn_at "}")
#define FILE_WITH_ESCALATIONS(after)                                                                                   \
	FILE_WITH_TARGET("{\"within\": \"1h\", \"calendar\": \"always\", \"escalate_after\": " after "}")

static void test_P_warnings_and_escalations(void **state)
{
	(void)state;
	struct policy_set *set = parse(FILE_WITH_TARGET(
	        "{\"within\": \"1s\", \"calendar\": \"always\", \"warn_at\": [\"50%\", \"1s before\", \"99%\"], "
	        "\"escalate_after\": [\"4h\", \"1d\", \"1h\"]}"));
	const struct target_rule *rule = &set->revisions[0].policies[0].targets[TARGET_RESOLUTION];
	assert_int_equal(rule->n_warnings, 3);
	assert_false(rule->warnings[0].before);
	assert_int_equal(rule->warnings[0].us, 500000);
	assert_true(rule->warnings[1].before);
	assert_int_equal(rule->warnings[1].us, US_PER_SECOND);
	assert_int_equal(rule->warnings[2].us, 990000);
	assert_int_equal(rule->n_escalations, 3);
	assert_int_equal(rule->escalations_us[0], 3600 * US_PER_SECOND); /* ascending */
	assert_int_equal(rule->escalations_us[2], US_PER_DAY);
	policy_set_free(set);
	assert_fine(FILE_WITH_WARNINGS("[]"));
	assert_fine(FILE_WITH_WARNINGS("[\"1h40m before\", \"1%\"]"));
}

static void test_S8_percentages_with_decimals(void **state)
{
	(void)state;
	struct policy_set *set = parse(FILE_WITH_TARGET(
	        "{\"within\": \"1h1s\", \"calendar\": \"always\", \"warn_at\": [\"12.5%\", \"0.001%\", \"99.999%\", "
	        "\"33.333%\", \"080.10%\"]}"));
	const struct target_rule *rule = &set->revisions[0].policies[0].targets[TARGET_RESOLUTION];
	static const int64_t wanted_us[] = {450125000, 36010, 3600963990, 1200321330, 2884401000};
	assert_int_equal(rule->n_warnings, 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(rule->warnings[i].us, wanted_us[i]);
	policy_set_free(set);
	set = parse(FILE_WITH_TARGET("{\"within\": \"366d\", \"calendar\": \"always\", \"warn_at\": [\"99.999%\"]}"));
	assert_int_equal(set->revisions[0].policies[0].targets[TARGET_RESOLUTION].warnings[0].us,
	                 INT64_C(31622083776000)); /* of 31622400 s, down to the microsecond */
	policy_set_free(set);
}

static void test_P_warning_faults(void **state)
{
	(void)state;
	const char *path = TARGET_PATH ".warn_at[0]";
	assert_fault(FILE_WITH_WARNINGS("[\"0%\"]"), path, "\"0%\" is not between 0% and 100%");
	assert_fault(FILE_WITH_WARNINGS("[\"100%\"]"), path, "is not between");
	assert_fault(FILE_WITH_WARNINGS("[\"120%\"]"), path, "is not between");
	assert_fault(FILE_WITH_WARNINGS("[\"1000%\"]"), path, "is not between");
	assert_fault(FILE_WITH_WARNINGS("[\"99999999999999999999%\"]"), path, "is not between");
	assert_fault(FILE_WITH_WARNINGS("[\"0.000%\"]"), path, "is not between");
	assert_fault(FILE_WITH_WARNINGS("[\"100.001%\"]"), path, "is not between");
	assert_fault(FILE_WITH_WARNINGS("[\"12.3456%\"]"), path, "is no warning; write a part");
	assert_fault(FILE_WITH_WARNINGS("[\"12.%\"]"), path, "is no warning");
	assert_fault(FILE_WITH_WARNINGS("[\".5%\"]"), path, "is no warning");
	assert_fault(FILE_WITH_WARNINGS("[\"-5%\"]"), path, "is no warning");
	assert_fault(FILE_WITH_WARNINGS("[\"8o%\"]"), path, "is no warning; write a part of `within`");
	assert_fault(FILE_WITH_WARNINGS("[\"%\"]"), path, "is no warning");
	assert_fault(FILE_WITH_WARNINGS("[\"before\"]"), path, "is no warning");
	assert_fault(FILE_WITH_WARNINGS("[\"2h\"]"), path, "is no warning");
	assert_fault(FILE_WITH_WARNINGS("[\"1h41m before\"]"), path, "is before the clock starts");
	assert_fault(FILE_WITH_WARNINGS("[\"1wd before\"]"), path, "which only a `within` may");
	assert_fault(FILE_WITH_WARNINGS("[\"0h before\"]"), path, "\"0h before\" is no time at all");
	assert_fault(FILE_WITH_WARNINGS("[80]"), path, "is a number");
	assert_fault(FILE_WITH_WARNINGS("\"80%\""), TARGET_PATH ".warn_at", "is a string; write a list of warnings");
	assert_fault(FILE_WITH_ESCALATIONS("[1]"), TARGET_PATH ".escalate_after[0]", "is a number; write a time");
#define EIGHT "\"1m\", \"1m\", \"1m\", \"1m\", \"1m\", \"1m\", \"1m\", \"1m\""
	assert_fine(FILE_WITH_ESCALATIONS("[" EIGHT ", " EIGHT ", " EIGHT ", " EIGHT "]"));
	assert_fault(FILE_WITH_ESCALATIONS("[" EIGHT ", " EIGHT ", " EIGHT ", " EIGHT ", \"1m\"]"),
	             TARGET_PATH ".escalate_after", "has 33 items; at most 32 are allowed");
#undef EIGHT
	assert_fault(FILE_WITH_ESCALATIONS("[\"1\"]"), TARGET_PATH ".escalate_after[0]", "no unit");
	assert_fault(FILE_WITH_ESCALATIONS("[\"1wd\"]"), TARGET_PATH ".escalate_after[0]", "which only a `within` may");
	assert_fault(FILE_WITH_ESCALATIONS("{}"), TARGET_PATH ".escalate_after", "is an object; write a list of times");
}

static void assert_shadowed(const char *first_match, const char *second_match, bool shadowed)
{
	struct buf json = BUF_INIT;
	buf_add_format(&json,
	               FILE_WITH_POLICIES("{\"name\": \"a\", \"targets\": {}, \"match\": %s}, "
	                                  "{\"name\": \"b\", \"targets\": {}, \"match\": %s}"),
	               first_match, second_match);
	struct policy_faults faults;
	struct policy_set *set = policy_set_check(buf_text(&json), fake_zone_find, &faults);
	const struct expected_fault expected = {"revisions[0].policies[1]",
	                                        "is never reached, because policies[0] before it matches all", 1};
	assert_int_equal(set == NULL, shadowed);
	assert_int_equal(has_fault(&faults, &expected), shadowed);
	policy_faults_release(&faults);
	policy_set_free(set);
	assert_fine(json.data); /* it is legal */
	buf_release(&json);
}

static void test_policies_that_an_earlier_one_leaves_nothing(void **state)
{
	(void)state;
	assert_shadowed("{\"category\": [\"repair/*\"]}", "{\"category\": [\"repair/pipe\", \"repair/*x\"]}", true);
	assert_shadowed("{\"category\": [\"repair/*\"]}", "{\"category\": [\"repair/pipe\", \"lift\"]}", false);
	assert_shadowed("{\"category\": [\"repair/*\"]}", "{\"category\": [\"repair/*\"], \"priority\": [1]}", true);
	assert_shadowed("{\"category\": [\"repair/*\"], \"priority\": [1]}", "{\"category\": [\"repair/*\"]}", false);
	assert_shadowed("{\"category\": [\"*\"]}", "{\"category\": [\"\"]}", false); /* of an absent one */
	assert_shadowed("{\"category\": [\"*\", \"\"]}", "{\"category\": [\"\", \"a*b*\"]}", true);
	assert_shadowed("{\"category\": [\"a*b\"]}", "{\"category\": [\"a*\"]}", false);
	assert_shadowed("{\"priority\": [1, 2]}", "{\"priority\": [2]}", true);
	assert_shadowed("{\"priority\": [1]}", "{\"team_id\": [1]}", false);
}

static void test_P_at_most_1000_revisions(void **state)
{
	(void)state;
	for (int n = 1000; n <= 1001; n++) {
		struct buf json = BUF_INIT;
		buf_add_str(&json, "{\"revisions\": [");
		for (int i = 0; i < n; i++)
			buf_add_format(
			        &json,
			        "%s{\"id\": \"%d\", \"effective_from\": \"2026-01-01T00:%02d:%02dZ\", \"policies\": ["
			        "{\"name\": \"p\", \"targets\": {}}]}",
			        i == 0 ? "" : ",", i, i / 60, i % 60);
		buf_add_str(&json, "]}");
		if (n == 1000)
			assert_fine(json.data);
		else
			assert_fault(json.data, "revisions", "has 1001 items; at most 1000 are allowed");
		buf_release(&json);
	}
}

static void test_P_at_most_10000_policies(void **state)
{
	(void)state;
	for (int n = 10000; n <= 10001; n++) {
		struct buf json = BUF_INIT;
		buf_add_str(&json, "{\"revisions\": [{\"id\": \"r\", \"policies\": [");
		for (int i = 0; i < n; i++)
			buf_add_format(&json, "%s{\"name\": \"%d\", \"match\": {\"team_id\": [%d]}, \"targets\": {}}",
			               i == 0 ? "" : ",", i, i);
		buf_add_str(&json, "]}]}");
		if (n == 10000)
			assert_fine(json.data);
		else
			assert_fault(json.data, REVISION_PATH ".policies",
			             "has 10001 items; at most 10000 are allowed");
		buf_release(&json);
	}
}

static void test_P_all_faults_at_once(void **state)
{
	(void)state;
	const struct expected_fault expected[] = {
	        {"revision", "did you mean \"revisions\"?", 2},
	        {"revisions[0].id", "is empty", 4},
	        {"revisions[0].effective_from", "\"yesterday\" is no time", 5},
	        {"revisions[0].calendars.office.weekly", "is missing", 6},
	        {"revisions[0].policies[0].nmae", "did you mean \"name\"?", 8},
	        {"revisions[0].policies[0].name", "is missing", 8},
	        {"revisions[0].policies[0].targets.first_response.calendar", "names the calendar \"offcie\"", 10},
	        {"revisions[0].policies[0].targets.resolution.warn_at[0]", "is no warning", 11},
	        {"revisions[0].policies[0].targets.resolution.pause_on[1]", "is null", 11},
	        {"revisions[0].policies[1]", "is never reached", 12},
	        {"revisions[0].policies[1].targets", "is missing", 12},
	        {"revisions[1].policies", "is an empty list", 14},
	};
	assert_faults_of(
	        TEXT("{\n"
	             "\"revision\": [],\n"
	             "\"revisions\": [{\n"
	             "  \"id\": \"\",\n"
	             "  \"effective_from\": \"yesterday\",\n"
	             "  \"calendars\": {\"office\": {\"time_zone\": \"Asia/Shanghai\"}},\n"
	             "  \"policies\": [\n"
	             "    {\"nmae\": \"a\",\n"
	             "     \"targets\": {\n"
	             "       \"first_response\": {\"within\": \"2wd\", \"calendar\": \"offcie\"},\n"
	             "       \"resolution\": {\"within\": \"1h\", \"calendar\": \"office\", \"warn_at\": [\"half\"], "
	             "\"pause_on\": "
	             "[\"x\", null]}}},\n"
	             "    {\"name\": \"b\"}]\n"
	             "  },\n"
	             "  {\"id\": \"c\", \"policies\": []}]}"),
	        expected, 12);
}

/* Cut anywhere, the file is no file, and nothing breaks. */
static void test_P_no_text_breaks_it(void **state)
{
	(void)state;
	size_t whole = strlen(whole_file) - 2; /* the last brace and the newline */
	for (size_t len = 0; len <= whole; len++) {
		char *cut = malloc(len + 1); /* of its own, so that a read behind it is seen */
		memcpy(cut, whole_file, len);
		struct policy_faults faults;
		assert_null(policy_set_parse((struct text){cut, (uint32_t)len}, fake_zone_find, &faults));
		assert_int_equal(faults.n, 1);
		policy_faults_release(&faults);
		free(cut);
	}
}

/* One byte changed anywhere: either a set or faults, and each fault with words. */
static void test_P_no_changed_byte_breaks_it(void **state)
{
	(void)state;
	static const char others[] = "\"\\{}[],:1n \n\xff";
	size_t len = strlen(whole_file);
	char *changed = malloc(len);
	for (size_t i = 0; i < len; i++) {
		for (size_t k = 0; k < sizeof(others); k++) {
			memcpy(changed, whole_file, len);
			changed[i] = others[k];
			struct policy_faults faults;
			struct policy_set *set =
			        policy_set_parse((struct text){changed, (uint32_t)len}, fake_zone_find, &faults);
			assert_true((set == NULL) == (faults.n > 0));
			for (size_t f = 0; f < faults.n; f++)
				assert_true(faults.items[f].path.len > 0 && faults.items[f].message.len > 0);
			policy_faults_release(&faults);
			policy_set_free(set);
		}
	}
	free(changed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_P_whole_file),
	        cmocka_unit_test(test_P_target_names),
	        cmocka_unit_test(test_P_harmless_variants),
	        cmocka_unit_test(test_P_revision_json_is_canonical_and_round_trips),
	        cmocka_unit_test(test_P_stored_revision_with_faults),
	        cmocka_unit_test(test_P_empty_set),
	        cmocka_unit_test(test_S1_greatest_effective_from_up_to_the_opening),
	        cmocka_unit_test(test_S1_P2_without_effective_from_back_for_ever),
	        cmocka_unit_test(test_P1_all_named_attributes_must_hold),
	        cmocka_unit_test(test_P1_each_attribute),
	        cmocka_unit_test(test_P1_one_pattern_of_a_list_suffices),
	        cmocka_unit_test(test_P1_star_matches_any_run_of_characters),
	        cmocka_unit_test(test_P1_star_does_not_backtrack_without_end),
	        cmocka_unit_test(test_P1_absent_matches_only_the_empty_pattern),
	        cmocka_unit_test(test_P1_first_match_wins),
	        cmocka_unit_test(test_P3_no_policy_matches),
	        cmocka_unit_test(test_P1_E7_whole_numbers_are_their_text),
	        cmocka_unit_test(test_P1_reasons_are_whole_words),
	        cmocka_unit_test(test_P_not_a_policy_file),
	        cmocka_unit_test(test_P_not_json_says_where),
	        cmocka_unit_test(test_P_too_large_a_file),
	        cmocka_unit_test(test_P_deeply_nested),
	        cmocka_unit_test(test_P_unknown_keys),
	        cmocka_unit_test(test_P_duplicate_keys),
	        cmocka_unit_test(test_P_lines),
	        cmocka_unit_test(test_P_wrong_types),
	        cmocka_unit_test(test_P_missing_keys),
	        cmocka_unit_test(test_P_empty_lists),
	        cmocka_unit_test(test_P_names),
	        cmocka_unit_test(test_P_two_revisions_of_one_id),
	        cmocka_unit_test(test_P_two_revisions_of_one_instant),
	        cmocka_unit_test(test_P_effective_from_is_a_time),
	        cmocka_unit_test(test_P_policies_after_one_without_match),
	        cmocka_unit_test(test_P_two_policies_of_one_name),
	        cmocka_unit_test(test_P2_durations),
	        cmocka_unit_test(test_P_reopen),
	        cmocka_unit_test(test_P_calendar_that_is_always),
	        cmocka_unit_test(test_P_calendar_with_hours),
	        cmocka_unit_test(test_P_calendar_types),
	        cmocka_unit_test(test_P_calendar_faults),
	        cmocka_unit_test(test_P_hours),
	        cmocka_unit_test(test_S7_hours_over_midnight_do_not_vanish),
	        cmocka_unit_test(test_P4_long_night_is_warned_of),
	        cmocka_unit_test(test_P4_ranges_of_weekdays),
	        cmocka_unit_test(test_P4_ranges_of_dates_and_yearly_days),
	        cmocka_unit_test(test_target_that_never_falls_due_is_a_fault),
	        cmocka_unit_test(test_P_days_and_working_days_of_within),
	        cmocka_unit_test(test_P_calendar_must_be_defined),
	        cmocka_unit_test(test_P_warnings_and_escalations),
	        cmocka_unit_test(test_policies_that_an_earlier_one_leaves_nothing),
	        cmocka_unit_test(test_S8_percentages_with_decimals),
	        cmocka_unit_test(test_P_warning_faults),
	        cmocka_unit_test(test_P_at_most_1000_revisions),
	        cmocka_unit_test(test_P_at_most_10000_policies),
	        cmocka_unit_test(test_P_all_faults_at_once),
	        cmocka_unit_test(test_P_no_text_breaks_it),
	        cmocka_unit_test(test_P_no_changed_byte_breaks_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
