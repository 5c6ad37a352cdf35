/* Policy files: what is read, which revision and which policy applies, limits (rules P, S1). */
#include "policy_case.h"

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
	struct file_errors errors;
	struct policy_set *again = policy_revision_parse(set->revisions[1].json, fake_zone_find, &errors);
	assert_non_null(again);
	assert_int_equal(errors.n, 0);
	file_errors_release(&errors);
	assert_int_equal(again->n_revisions, 1);
	assert_true(text_equal(again->revisions[0].json, set->revisions[1].json));
	assert_true(text_equal(again->revisions[0].id, set->revisions[1].id));
	assert_true(again->revisions[0].effective_from_us == set->revisions[1].effective_from_us);
	assert_true(again->revisions[0].policies[0].targets[TARGET_RESOLUTION].reopen_continue);
	policy_set_free(set);
	assert_text(again->revisions[0].policies[0].match[EVENT_PRIORITY].patterns.items[0], "1");
	policy_set_free(again);
}

static void test_P_stored_revision_with_errors(void **state)
{
	(void)state;
	struct file_errors errors;
	assert_null(policy_revision_parse(TEXT("{\"policies\":[{\"name\":\"p\",\"targets\":{}}]}"), fake_zone_find,
	                                  &errors));
	assert_int_equal(errors.n, 1);
	assert_text(errors.items[0].path, "id");
	file_errors_release(&errors);
	assert_null(policy_revision_parse(TEXT(""), fake_zone_find, &errors));
	file_errors_release(&errors);
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

static void test_S1_P2_without_effective_from_always_in_force(void **state)
{
	(void)state;
	struct policy_set *set = parse(whole_file);
	assert_text(policy_set_at(set, at("1990-01-01T00:00:00Z"))->id, "first");
	assert_text(policy_set_at(set, at("2026-06-30T15:59:59.999999Z"))->id, "first");
	assert_text(policy_set_at(set, at("2026-06-30T16:00:00Z"))->id, "2026-07");
	policy_set_free(set);
}

/* ---- P1: which policy ---- */

/* Whether {"match": match} matches a ticket with these five attributes (NULL: absent). */
static bool holds(const char *match, const char *project, const char *channel, const char *category,
                  const char *priority, const char *team)
{
	struct buf json = BUF_INIT;
	buf_add_format(&json, "{\"id\":\"r\",\"policies\":[{\"name\":\"p\",\"targets\":{},\"match\":%s}]}", match);
	struct file_errors errors;
	struct policy_set *set = policy_revision_parse(buf_text(&json), fake_zone_find, &errors);
	print_errors(&errors);
	file_errors_release(&errors);
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

static void test_P1_any_pattern_of_a_list_matches(void **state)
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

static void test_P1_star_does_not_backtrack_forever(void **state)
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

static void test_P1_reasons_match_as_a_whole(void **state)
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

static void assert_shadowed(const char *first_match, const char *second_match, bool shadowed)
{
	struct buf json = BUF_INIT;
	buf_add_format(&json,
	               FILE_WITH_POLICIES("{\"name\": \"a\", \"targets\": {}, \"match\": %s}, "
	                                  "{\"name\": \"b\", \"targets\": {}, \"match\": %s}"),
	               first_match, second_match);
	struct file_errors errors;
	struct policy_set *set = policy_set_check(buf_text(&json), fake_zone_find, &errors);
	const struct expected_error expected = {"revisions[0].policies[1]",
	                                        "is never reached, because policies[0] matches every ticket that", 1};
	assert_int_equal(set == NULL, shadowed);
	assert_int_equal(has_error(&errors, &expected), shadowed);
	file_errors_release(&errors);
	policy_set_free(set);
	assert_fine(json.data); /* shadowing is legal */
	buf_release(&json);
}

static void test_policies_that_an_earlier_one_shadows(void **state)
{
	(void)state;
	assert_shadowed("{\"category\": [\"repair/*\"]}", "{\"category\": [\"repair/pipe\", \"repair/*x\"]}", true);
	assert_shadowed("{\"category\": [\"repair/*\"]}", "{\"category\": [\"repair/pipe\", \"lift\"]}", false);
	assert_shadowed("{\"category\": [\"repair/*\"]}", "{\"category\": [\"repair/*\"], \"priority\": [1]}", true);
	assert_shadowed("{\"category\": [\"repair/*\"], \"priority\": [1]}", "{\"category\": [\"repair/*\"]}", false);
	assert_shadowed("{\"category\": [\"*\"]}", "{\"category\": [\"\"]}", false); /* for an absent attribute */
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

/* Truncated anywhere, the file is invalid and nothing crashes. */
static void test_P_no_truncation_crashes(void **state)
{
	(void)state;
	size_t whole = strlen(whole_file) - 2; /* the last brace and the newline */
	for (size_t len = 0; len <= whole; len++) {
		char *cut = malloc(len + 1); /* in a block of its own, so that a read beyond it is detected */
		memcpy(cut, whole_file, len);
		struct file_errors errors;
		assert_null(policy_set_parse((struct text){cut, (uint32_t)len}, fake_zone_find, &errors));
		assert_int_equal(errors.n, 1);
		file_errors_release(&errors);
		free(cut);
	}
}

/* With any byte changed: either a set or errors, each with a message. */
static void test_P_no_changed_byte_crashes(void **state)
{
	(void)state;
	static const char others[] = "\"\\{}[],:1n \n\xff";
	size_t len = strlen(whole_file);
	char *changed = malloc(len);
	for (size_t i = 0; i < len; i++) {
		for (size_t k = 0; k < sizeof(others); k++) {
			memcpy(changed, whole_file, len);
			changed[i] = others[k];
			struct file_errors errors;
			struct policy_set *set =
			        policy_set_parse((struct text){changed, (uint32_t)len}, fake_zone_find, &errors);
			assert_true((set == NULL) == (errors.n > 0));
			for (size_t f = 0; f < errors.n; f++)
				assert_true(errors.items[f].path.len > 0 && errors.items[f].message.len > 0);
			file_errors_release(&errors);
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
	        cmocka_unit_test(test_P_stored_revision_with_errors),
	        cmocka_unit_test(test_P_empty_set),
	        cmocka_unit_test(test_S1_greatest_effective_from_up_to_the_opening),
	        cmocka_unit_test(test_S1_P2_without_effective_from_always_in_force),
	        cmocka_unit_test(test_P1_all_named_attributes_must_hold),
	        cmocka_unit_test(test_P1_each_attribute),
	        cmocka_unit_test(test_P1_any_pattern_of_a_list_matches),
	        cmocka_unit_test(test_P1_star_matches_any_run_of_characters),
	        cmocka_unit_test(test_P1_star_does_not_backtrack_forever),
	        cmocka_unit_test(test_P1_absent_matches_only_the_empty_pattern),
	        cmocka_unit_test(test_P1_first_match_wins),
	        cmocka_unit_test(test_P3_no_policy_matches),
	        cmocka_unit_test(test_P1_E7_whole_numbers_are_their_text),
	        cmocka_unit_test(test_P1_reasons_match_as_a_whole),
	        cmocka_unit_test(test_policies_that_an_earlier_one_shadows),
	        cmocka_unit_test(test_P_at_most_1000_revisions),
	        cmocka_unit_test(test_P_at_most_10000_policies),
	        cmocka_unit_test(test_P_no_truncation_crashes),
	        cmocka_unit_test(test_P_no_changed_byte_crashes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
