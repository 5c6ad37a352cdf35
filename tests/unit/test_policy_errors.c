/* Errors of a policy file: each with its key and its line (rules P). */
#include "policy_case.h"

/* ---- errors of the text ---- */

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

static void test_P_not_json_reports_the_place(void **state)
{
	(void)state;
	const struct expected_error comma = {"(file)", "no comma after the last item", 3};
	assert_faults_of(TEXT("{\n\"revisions\": [1,\n]}"), &comma, 1);
	const struct expected_error comment = {"(file)", "is not JSON", 2};
	assert_faults_of(TEXT("{\n// hello\n}"), &comment, 1);
	assert_fault("{\"revisions\": [", "(file)", "is not JSON");
	assert_fault("{} {}", "(file)", "is not JSON");
	assert_fault("{\"\xff\": 1}", "(file)", "is not JSON");
	static const char nul_text[] = "{\n\"revisions\": 1\0}";
	const struct expected_error nul = {"(file)", "is not JSON: it holds a NUL byte", 2};
	assert_faults_of((struct text){nul_text, sizeof(nul_text) - 1}, &nul, 1);
}

static void test_P_file_too_large(void **state)
{
	(void)state;
	uint32_t len = 16 * 1024 * 1024 + 1;
	char *blanks = malloc(len);
	memset(blanks, ' ', len);
	const struct expected_error expected = {"(file)", "at most 16777216 are allowed", 0};
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
	             "is not a known key of a target; remove it, or use one of: within, calendar, pause_on, reopen");
	assert_fault(FILE_WITH_TARGETS("{\"respnse\": {}}"), POLICY_PATH ".targets.respnse", "is not a known target");
	assert_fault(FILE_WITH_TARGETS("{\"first_repsonse\": {}}"), POLICY_PATH ".targets.first_repsonse",
	             "did you mean \"first_response\"?");
	assert_fault(FILE_WITH_MATCH("{\"categroy\": []}"), POLICY_PATH ".match.categroy",
	             "did you mean \"category\"?");
	assert_fault(FILE_WITH_MATCH("{\"requester_ref\": []}"), POLICY_PATH ".match.requester_ref",
	             "use one of: project_id");
	assert_fault(FILE_WITH_MEMBER("\"calendars\": {\"c\": {\"always\": true, \"x\": 1}}"),
	             REVISION_PATH ".calendars.c.x", "is not a known key");
	assert_fault(FILE_WITH_MEMBER("\"a b\\n\": 1"), REVISION_PATH "[\"a b\\u000a\"]", "is not a known key");
	assert_fault(FILE_WITH_MEMBER("\"\": 1"), REVISION_PATH "[\"\"]", "is not a known key");
}

static void test_P_duplicate_keys(void **state)
{
	(void)state;
	const struct expected_error expected = {REVISION_PATH ".id", "appears twice (first on line 2); remove one", 3};
	assert_faults_of(TEXT("{\"revisions\": [{\n\"id\": 5,\n\"i\\u0064\": \"b\", \"policies\": [" POLICY_OK "]}]}"),
	                 &expected, 1);
	const struct expected_error thrice[] = {
	        {"revisions[0].policies[0].targets.arrival", "first on line 2", 3},
	        {"revisions[0].policies[0].targets.arrival", "first on line 3", 4},
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
	const struct expected_error expected[] = {
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

/* ---- errors of meaning ---- */

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
	             "is an empty list, which matches no ticket");
	assert_fault(FILE_WITH_MATCH("{}"), POLICY_PATH ".match", "names no attribute; remove `match`");
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
	const struct expected_error expected[] = {
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
	assert_fault(json.data, path.data, "is not a known key of a revision; remove it");
	buf_release(&path);
	buf_release(&json);
}

static void test_P_two_revisions_of_one_id(void **state)
{
	(void)state;
	assert_fault(FILE_WITH_REVISIONS(
	                     "{\"id\": \"r\", \"effective_from\": \"2026-01-01T00:00:00Z\", \"policies\": [" POLICY_OK
	                     "]}," REVISION_OK),
	             "revisions[1].id", "is already the id of revisions[0]");
}

static void test_P_two_revisions_of_one_instant(void **state)
{
	(void)state;
	assert_fault(
	        FILE_WITH_REVISIONS(
	                "{\"id\": \"a\", \"effective_from\": \"2026-01-01T00:00:00Z\", \"policies\": [" POLICY_OK "]},"
	                "{\"id\": \"b\", \"effective_from\": \"2026-01-01T08:00:00+08:00\", \"policies\": [" POLICY_OK
	                "]}"),
	        "revisions[1].effective_from", "is the same time as in revisions[0]");
	assert_fault(FILE_WITH_REVISIONS("{\"id\": \"a\", \"policies\": [" POLICY_OK "]}," REVISION_OK),
	             "revisions[1].effective_from", "only one revision may leave it out");
	const struct expected_error unreadable[] = {
	        {"revisions[0].effective_from", "is not a time", 0},
	        {"revisions[1].effective_from", "is not a time", 0},
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
	const struct expected_error expected[] = {
	        {"revisions[0].policies[2]", "is never reached, because policies[1] has no `match`", 3},
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
	             "revisions[0].policies[2].name", "is already the name of policies[0]");
}

static void test_P2_durations(void **state)
{
	(void)state;
	assert_fault(FILE_WITH_WITHIN("\"\""), TARGET_PATH ".within", "\"\" is empty");
	assert_fault(FILE_WITH_WITHIN("\"30\""), TARGET_PATH ".within", "\"30\" ends with a number that has no unit");
	assert_fault(FILE_WITH_WITHIN("\"1.5h\""), TARGET_PATH ".within", "write \"1h30m\"");
	assert_fault(FILE_WITH_WITHIN("\"2w\""), TARGET_PATH ".within", "the units are d, h, m and s");
	assert_fault(FILE_WITH_WITHIN("\"1h1h\""), TARGET_PATH ".within", "uses a unit twice");
	assert_fault(FILE_WITH_WITHIN("\"0m\""), TARGET_PATH ".within", "is zero; write a longer time");
	assert_fault(FILE_WITH_WITHIN("\"367d\""), TARGET_PATH ".within", "at most \"366d\"");
	assert_fault(FILE_WITH_WITHIN("\"2wd\""), TARGET_PATH ".within", "counts working days");
	assert_fine(FILE_WITH_WITHIN("\"2d\""));
	/* A long value is truncated between characters: 79 bytes, then one of three. */
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
	             POLICY_PATH ".targets.arrival.reopen", "to `resolution` only; remove it from `arrival`");
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

static void test_P_warning_errors(void **state)
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
	assert_fault(FILE_WITH_WARNINGS("[\"12.3456%\"]"), path, "is not a warning; write a percentage");
	assert_fault(FILE_WITH_WARNINGS("[\"12.%\"]"), path, "is not a warning");
	assert_fault(FILE_WITH_WARNINGS("[\".5%\"]"), path, "is not a warning");
	assert_fault(FILE_WITH_WARNINGS("[\"-5%\"]"), path, "is not a warning");
	assert_fault(FILE_WITH_WARNINGS("[\"8o%\"]"), path, "is not a warning; write a percentage of `within`");
	assert_fault(FILE_WITH_WARNINGS("[\"%\"]"), path, "is not a warning");
	assert_fault(FILE_WITH_WARNINGS("[\"before\"]"), path, "is not a warning");
	assert_fault(FILE_WITH_WARNINGS("[\"2h\"]"), path, "is not a warning");
	assert_fault(FILE_WITH_WARNINGS("[\"1h41m before\"]"), path, "the warning would come before the clock starts");
	assert_fault(FILE_WITH_WARNINGS("[\"1wd before\"]"), path, "which only `within` may use");
	assert_fault(FILE_WITH_WARNINGS("[\"0h before\"]"), path, "\"0h before\" is zero");
	assert_fault(FILE_WITH_WARNINGS("[80]"), path, "is a number");
	assert_fault(FILE_WITH_WARNINGS("\"80%\""), TARGET_PATH ".warn_at", "is a string; write a list of warnings");
	assert_fault(FILE_WITH_ESCALATIONS("[1]"), TARGET_PATH ".escalate_after[0]", "is a number; write a time");
#define EIGHT "\"1m\", \"1m\", \"1m\", \"1m\", \"1m\", \"1m\", \"1m\", \"1m\""
	assert_fine(FILE_WITH_ESCALATIONS("[" EIGHT ", " EIGHT ", " EIGHT ", " EIGHT "]"));
	assert_fault(FILE_WITH_ESCALATIONS("[" EIGHT ", " EIGHT ", " EIGHT ", " EIGHT ", \"1m\"]"),
	             TARGET_PATH ".escalate_after", "has 33 items; at most 32 are allowed");
#undef EIGHT
	assert_fault(FILE_WITH_ESCALATIONS("[\"1\"]"), TARGET_PATH ".escalate_after[0]", "no unit");
	assert_fault(FILE_WITH_ESCALATIONS("[\"1wd\"]"), TARGET_PATH ".escalate_after[0]",
	             "which only `within` may use");
	assert_fault(FILE_WITH_ESCALATIONS("{}"), TARGET_PATH ".escalate_after", "is an object; write a list of times");
}

static void test_P_all_errors_at_once(void **state)
{
	(void)state;
	const struct expected_error expected[] = {
	        {"revision", "did you mean \"revisions\"?", 2},
	        {"revisions[0].id", "is empty", 4},
	        {"revisions[0].effective_from", "\"yesterday\" is not a time", 5},
	        {"revisions[0].calendars.office.weekly", "is missing", 6},
	        {"revisions[0].policies[0].nmae", "did you mean \"name\"?", 8},
	        {"revisions[0].policies[0].name", "is missing", 8},
	        {"revisions[0].policies[0].targets.first_response.calendar", "names the calendar \"offcie\"", 10},
	        {"revisions[0].policies[0].targets.resolution.warn_at[0]", "is not a warning", 11},
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_P_not_a_policy_file),
	        cmocka_unit_test(test_P_not_json_reports_the_place),
	        cmocka_unit_test(test_P_file_too_large),
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
	        cmocka_unit_test(test_P_warnings_and_escalations),
	        cmocka_unit_test(test_S8_percentages_with_decimals),
	        cmocka_unit_test(test_P_warning_errors),
	        cmocka_unit_test(test_P_all_errors_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
