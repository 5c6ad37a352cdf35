/* The plan file of appraisals (rules I): each error with its path and its line. */

/* cmocka.h needs these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "kpid/base/buf.h"
#include "kpid/core/appraisal.h"

#define LINEAR    "\"score\": {\"linear\": {\"zero\": \"80%\", \"full\": \"95%\"}}"
#define VALUE     "\"value\": \"resolution_within_sla / resolution_measured\""
#define HEAD_UP   "\"name\": \"i\", \"kind\": \"process\", \"unit\": \"percent\", \"better\": \"up\", \"weight\": 30"
#define HEAD_DOWN "\"name\": \"i\", \"kind\": \"process\", \"unit\": \"percent\", \"better\": \"down\", \"weight\": 30"
#define OTHERS                                                                                                         \
	", {\"name\": \"o\", \"kind\": \"outcome\", \"unit\": \"percent\", \"better\": \"up\", \"weight\": 40, " VALUE \
	", " LINEAR "}, {\"name\": \"p\", \"kind\": \"outcome\", \"unit\": \"percent\", \"better\": \"up\", "          \
	"\"weight\": 30, " VALUE ", " LINEAR "}"
#define GRADES                         "\"grades\": [{\"name\": \"A\", \"at_least\": 90}, {\"name\": \"B\"}]"
#define PLAN_OF(head, list, end)       "{" head ", \"indicators\": [" list "], " end "}"
#define NAMED                          "\"name\": \"n\", \"cycles\": [\"month\"]"
#define INDICATORS                     "{" HEAD_UP ", " VALUE ", " LINEAR "}" OTHERS
#define FILE_OF(plans)                 "{\"revisions\": [{\"id\": \"r\", \"plans\": [" plans "]}]}"
#define FILE_WITH_PLAN(members)        FILE_OF(PLAN_OF(NAMED, INDICATORS, GRADES members))
#define FILE_WITH_INDICATOR(indicator) FILE_OF(PLAN_OF(NAMED, "{" indicator "}" OTHERS, GRADES))
#define FILE_WITH_SCORE(score)         FILE_WITH_INDICATOR(HEAD_UP ", " VALUE ", \"score\": {" score "}")
#define FILE_WITH_DOWN(score)          FILE_WITH_INDICATOR(HEAD_DOWN ", " VALUE ", \"score\": {" score "}")
#define FILE_WITH_VALUE(value)         FILE_WITH_INDICATOR(HEAD_UP ", \"value\": \"" value "\", " LINEAR)
#define FILE_WITH_GRADES(grades)       FILE_OF(PLAN_OF(NAMED, INDICATORS, "\"grades\": [" grades "]"))

#define PLAN      "revisions[0].plans[0]"
#define INDICATOR PLAN ".indicators[0]"

static bool found(const struct file_error *errors, size_t n, const char *path, const char *words)
{
	for (size_t i = 0; i < n; i++)
		if (text_equal(errors[i].path, text_of(path)) &&
		    memmem(errors[i].message.ptr, errors[i].message.len, words, strlen(words)) != NULL)
			return true;
	return false;
}

static void print_all(const char *what, const struct file_error *errors, size_t n)
{
	for (size_t i = 0; i < n; i++)
		print_message("%s: %d: %.*s: %.*s\n", what, errors[i].line, (int)errors[i].path.len, errors[i].path.ptr,
		              (int)errors[i].message.len, errors[i].message.ptr);
}

/* This error alone. path NULL: none. */
static void check_with(const char *json, const struct appraisal_limits *limits, const char *path, const char *words)
{
	struct file_errors errors;
	struct appraisal_set *set = appraisal_set_parse(text_of(json), limits, &errors);
	bool fine = path == NULL ? set != NULL : set == NULL && errors.n == 1 && found(errors.items, 1, path, words);
	if (!fine) {
		print_message("%s\nexpected: %s: %s\n", json, path, words);
		print_all("error", errors.items, errors.n);
	}
	file_errors_release(&errors);
	appraisal_set_free(set);
	assert_true(fine);
}

static void assert_fault(const char *json, const char *path, const char *words)
{
	check_with(json, &APPRAISAL_LIMITS_DEFAULT, path, words);
}

static void assert_fine(const char *json)
{
	check_with(json, &APPRAISAL_LIMITS_DEFAULT, NULL, "no error");
}

static void assert_warning(const char *json, const char *path, const char *words)
{
	struct file_errors errors;
	struct appraisal_set *set = appraisal_set_parse(text_of(json), &APPRAISAL_LIMITS_DEFAULT, &errors);
	bool fine = set != NULL && errors.n_warnings > 0 && found(errors.warnings, errors.n_warnings, path, words);
	if (!fine) {
		print_all("error", errors.items, errors.n);
		print_all("warning", errors.warnings, errors.n_warnings);
	}
	file_errors_release(&errors);
	appraisal_set_free(set);
	assert_true(fine);
}

static void test_I1_numbers(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t number;
	} good[] = {{"0.85", 85000000},
	            {"95%", 95000000},
	            {"-12", -1200000000},
	            {"0.5%", 500000},
	            {"1h30m", INT64_C(5400) * 100000000},
	            {"-15m", INT64_C(-900) * 100000000},
	            {"999999999.999999", INT64_C(99999999999999900)},
	            {"12.345678%", 12345678}};
	static const char *const bad[] = {"",     "-", "1.",  ".5",  "1e3", "+1", "1,5",
	                                  "95 %", "%", "1wd", "--1", "nan", "0x1"};
	int64_t number;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(appraisal_number_parse(text_of(good[i].text), &number), NUMBER_OK);
		assert_int_equal(number, good[i].number);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(appraisal_number_parse(text_of(bad[i]), &number), NUMBER_UNREADABLE);
	assert_int_equal(appraisal_number_parse(TEXT("1234567890"), &number), NUMBER_TOO_LONG);
	assert_int_equal(appraisal_number_parse(TEXT("1.1234567"), &number), NUMBER_TOO_LONG);
}

static void test_I3_values(void **state)
{
	(void)state;
	static const char *const good[] = {"manual",
	                                   "repeated",
	                                   "(nps_promoters - nps_detractors) / nps_responses",
	                                   "2 * reopened+3*eased - opened",
	                                   "opened/(resolved + closed)",
	                                   "(opened)"};
	static const char *const bad[] = {"",
	                                  "opened -",
	                                  "opened - reopened / resolved",
	                                  "resolved / opened + closed",
	                                  "a / b / c",
	                                  "((a))",
	                                  "(a",
	                                  "2 * 3",
	                                  "-a",
	                                  "a b",
	                                  "a * 2",
	                                  "answered(x",
	                                  "12",
	                                  "1234567890 * a"};
	struct appraisal_value value;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_null(appraisal_value_parse(text_of(good[i]), &value));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_non_null(appraisal_value_parse(text_of(bad[i]), &value));
	assert_non_null(appraisal_value_parse(TEXT("2 * reopened - answered(a b) / opened"), &value));
	assert_null(appraisal_value_parse(TEXT("(2 * reopened - answered(a b)) / opened"), &value));
	assert_int_equal(value.above.n, 2);
	assert_int_equal(value.above.terms[0].factor, 2);
	assert_int_equal(value.above.terms[1].factor, -1);
	assert_true(text_equal(value.above.terms[1].dimension, TEXT("a b")));
	assert_true(value.has_under);
}

static void test_I6_good_files(void **state)
{
	(void)state;
	assert_fine(FILE_WITH_PLAN(""));
	assert_fine(
	        FILE_WITH_PLAN(", \"match\": {\"priority\": [1, \"\"]}, \"roles\": [\"\"], \"levels\": [\"team\"]"));
	assert_fine(FILE_WITH_SCORE("\"step\": {\"steps\": [{\"at_least\": \"90%\", \"points\": 30}, {\"at_least\": 0, "
	                            "\"points\": 3}], \"else\": 3}"));
	assert_fine(
	        FILE_WITH_DOWN("\"deduct\": {\"from\": 0, \"each\": 1, \"less\": 2, \"beyond\": 0, \"floor\": 30}"));
	assert_fine(FILE_WITH_DOWN("\"linear\": {\"zero\": \"15m\", \"full\": \"-5m\"}"));
}

static void test_I6_unknown_keys_and_columns(void **state)
{
	(void)state;
	assert_fault(
	        "{\"revisions\": [{\"id\": \"r\", \"plan\": 1, \"plans\": [" PLAN_OF(NAMED, INDICATORS, GRADES) "]}]}",
	        "revisions[0].plan", "did you mean");
	assert_fault(FILE_WITH_PLAN(", \"rolls\": []"), PLAN ".rolls", "did you mean \"roles\"?");
	assert_fault(FILE_WITH_INDICATOR(HEAD_UP ", \"wight\": 1, " VALUE ", " LINEAR), INDICATOR ".wight",
	             "\"weight\"?");
	assert_fault(FILE_WITH_VALUE("resolutions_measured"), INDICATOR ".value",
	             "did you mean \"resolution_measured\"?");
	assert_fault(FILE_WITH_VALUE("resolution_us_sum"), INDICATOR ".value", "is no column of the ledger");
	assert_fault(FILE_WITH_VALUE("answered"), INDICATOR ".value", "without a dimension");
	assert_fault(FILE_WITH_VALUE("answered(x)"), INDICATOR ".value",
	             "which `servqual` of the revision does not have");
	assert_fault(FILE_WITH_VALUE("opened(x)"), INDICATOR ".value", "with a dimension");
	assert_fault(FILE_WITH_VALUE("opened -"), INDICATOR ".value", "lacks a column");
	assert_fault(FILE_WITH_PLAN(", \"match\": {\"requester_ref\": [\"a\"]}"), PLAN ".match.requester_ref",
	             "use one of: project_id");
	assert_fault(FILE_WITH_PLAN(", \"flags\": [{\"name\": \"f\", \"mark\": \"parkd\", \"per\": \"opened\", "
	                            "\"min_count\": 1}]"),
	             PLAN ".flags[0].mark", "did you mean \"parked\"?");
}

static void test_I6_missing_keys(void **state)
{
	(void)state;
	assert_fault("{\"revisions\": [{\"plans\": [" PLAN_OF(NAMED, INDICATORS, GRADES) "]}]}", "revisions[0].id",
	             "is missing");
	assert_fault("{\"revisions\": [{\"id\": \"r\"}]}", "revisions[0].plans", "is missing");
	assert_fault(FILE_OF(PLAN_OF("\"cycles\": [\"month\"]", INDICATORS, GRADES)), PLAN ".name", "is missing");
	assert_fault(FILE_OF(PLAN_OF("\"name\": \"n\"", INDICATORS, GRADES)), PLAN ".cycles", "is missing");
	assert_fault(FILE_OF("{" NAMED ", " GRADES "}"), PLAN ".indicators", "is missing");
	assert_fault(FILE_OF("{" NAMED ", \"indicators\": [" INDICATORS "]}"), PLAN ".grades", "is missing");
	assert_fault(FILE_WITH_INDICATOR(HEAD_UP ", " LINEAR), INDICATOR ".value", "is missing");
	assert_fault(FILE_WITH_INDICATOR(HEAD_UP ", " VALUE), INDICATOR ".score", "is missing");
	assert_fault(FILE_WITH_PLAN(", \"flags\": [{\"name\": \"f\", \"mark\": \"parked\", \"per\": \"opened\"}]"),
	             PLAN ".flags[0].min_count", "is missing");
}

static void test_I6_names_used_twice(void **state)
{
	(void)state;
	assert_fault(FILE_OF(PLAN_OF(NAMED ", \"roles\": [\"x\"]", INDICATORS, GRADES) ", " PLAN_OF(NAMED, INDICATORS,
	                                                                                            GRADES)),
	             "revisions[0].plans[1].name", "is already the name of item 0");
	assert_fault(FILE_WITH_GRADES("{\"name\": \"A\", \"at_least\": 90}, {\"name\": \"A\"}"), PLAN ".grades[1].name",
	             "is already the name");
	assert_fault(FILE_WITH_PLAN(", \"dimensions\": [\"d\", \"d\"]"), PLAN ".dimensions[1]", "appears twice");
	assert_fault(FILE_WITH_PLAN(", \"levels\": [\"team\", \"team\"]"), PLAN ".levels[1]", "appears twice");
	assert_fault(
	        "{\"revisions\": [{\"id\": \"r\", \"plans\": [" PLAN_OF(
	                NAMED, INDICATORS, GRADES) "]}, {\"id\": \"r\", "
	                                           "\"effective_from\": \"2026-01-01T00:00:00Z\", \"plans\": [" PLAN_OF(
	                                                   NAMED, INDICATORS, GRADES) "]}]}",
	        "revisions[1].id", "is already the id of revisions[0]");
	assert_fault("{\"revisions\": [{\"id\": \"r\", \"plans\": [" PLAN_OF(
	                     NAMED, INDICATORS, GRADES) "]}, {\"id\": \"s\", "
	                                                "\"plans\": [" PLAN_OF(NAMED, INDICATORS, GRADES) "]}]}",
	             "revisions[1].effective_from", "only one revision may leave it out");
	assert_fault(
	        "{\"revisions\": [{\"id\": \"r\", \"servqual\": {\"a\": [\"x\"], \"b\": [\"x\"]}, \"plans\": [" PLAN_OF(
	                NAMED, INDICATORS, GRADES) "]}]}",
	        "revisions[0].servqual.b[0]", "is already an item of \"a\"");
}

static void test_I6_weights(void **state)
{
	(void)state;
	assert_fault(FILE_OF(PLAN_OF(NAMED, "{" HEAD_UP ", " VALUE ", " LINEAR "}", GRADES)), PLAN ".indicators",
	             "add up to 30; they must");
	assert_fault(FILE_WITH_INDICATOR(
	                     "\"name\": \"i\", \"kind\": \"process\", \"unit\": \"percent\", \"better\": \"up\", "
	                     "\"weight\": \"30.000001\", " VALUE ", " LINEAR),
	             PLAN ".indicators", "add up to 100.000001");
	assert_fault(FILE_WITH_INDICATOR(
	                     "\"name\": \"i\", \"kind\": \"process\", \"unit\": \"percent\", \"better\": \"up\", "
	                     "\"weight\": 0, " VALUE ", " LINEAR),
	             INDICATOR ".weight", "must be more than 0");
	assert_fault(FILE_WITH_INDICATOR(
	                     "\"name\": \"i\", \"kind\": \"process\", \"unit\": \"percent\", \"better\": \"up\", "
	                     "\"weight\": 30.5, " VALUE ", " LINEAR),
	             INDICATOR ".weight", "write it in quotes");
}

static void test_I6_scores(void **state)
{
	(void)state;
	assert_fault(FILE_WITH_SCORE("\"linear\": {\"zero\": \"95%\", \"full\": \"0.95\"}"),
	             INDICATOR ".score.linear.zero", "equals `full`");
	assert_fault(FILE_WITH_SCORE("\"linear\": {\"zero\": \"95%\", \"full\": \"80%\"}"),
	             INDICATOR ".score.linear.zero", "wrong side");
	assert_fault(FILE_WITH_DOWN("\"linear\": {\"zero\": \"2m\", \"full\": \"15m\"}"),
	             INDICATOR ".score.linear.zero", "wrong side");
	assert_fault(FILE_WITH_SCORE("\"step\": {\"steps\": [{\"at_least\": \"90%\", \"points\": 30}, {\"at_least\": "
	                             "\"0.9\", \"points\": 3}]}"),
	             INDICATOR ".score.step.steps[1].at_least", "no worse");
	assert_fault(
	        FILE_WITH_DOWN("\"step\": {\"steps\": [{\"at_most\": 3, \"points\": 30}, {\"at_most\": 4, \"points\": "
	                       "30}]}"),
	        INDICATOR ".score.step.steps[1].points", "must earn less");
	assert_fault(FILE_WITH_DOWN("\"step\": {\"steps\": [{\"at_least\": 3, \"at_most\": 3, \"points\": 30}]}"),
	             INDICATOR ".score.step.steps[0].at_least", "is not a known key");
	assert_fault(FILE_WITH_SCORE("\"step\": {\"steps\": [{\"at_least\": 1, \"points\": 2}], \"else\": 3}"),
	             INDICATOR ".score.step.else", "more than the last step");
	assert_fault(FILE_WITH_SCORE("\"step\": {\"steps\": [{\"at_least\": 1, \"points\": 31}]}"),
	             INDICATOR ".score.step.steps[0].points", "more than the weight");
	assert_fault(FILE_WITH_SCORE("\"deduct\": {\"from\": 1, \"each\": 0, \"less\": 2}"),
	             INDICATOR ".score.deduct.each", "more than 0");
	assert_fault(FILE_WITH_SCORE("\"deduct\": {\"from\": 1, \"each\": 1, \"less\": -2}"),
	             INDICATOR ".score.deduct.less", "more than 0");
	assert_fault(FILE_WITH_SCORE("\"deduct\": {\"from\": 1, \"each\": 1, \"less\": 2, \"beyond\": 2}"),
	             INDICATOR ".score.deduct.beyond", "better side");
	assert_fault(FILE_WITH_DOWN("\"deduct\": {\"from\": 1, \"each\": 1, \"less\": 2, \"beyond\": 0}"),
	             INDICATOR ".score.deduct.beyond", "better side");
	assert_fault(FILE_WITH_SCORE("\"deduct\": {\"from\": 1, \"each\": 1, \"less\": 2, \"floor\": 31}"),
	             INDICATOR ".score.deduct.floor", "outside 0 to the weight");
	assert_fault(FILE_WITH_SCORE("\"deduct\": {\"from\": 1, \"each\": 1, \"less\": 2, \"count\": \"half\"}"),
	             INDICATOR ".score.deduct.count", "\"started\" or \"whole\"");
	assert_fault(FILE_WITH_SCORE(""), INDICATOR ".score", "has 0 scoring rules");
}

static void test_I6_grades_and_limits(void **state)
{
	(void)state;
	assert_fault(
	        FILE_WITH_GRADES("{\"name\": \"A\", \"at_least\": 80}, {\"name\": \"B\", \"at_least\": 80}, {\"name\": "
	                         "\"C\"}"),
	        PLAN ".grades[1].at_least", "is not below");
	assert_fault(FILE_WITH_GRADES("{\"name\": \"A\"}, {\"name\": \"B\"}"), PLAN ".grades[0]", "has no `at_least`");
	assert_fault(FILE_WITH_GRADES("{\"name\": \"A\", \"at_least\": 80}"), PLAN ".grades[0].at_least", "remove it");
	assert_fault(
	        FILE_WITH_INDICATOR(HEAD_UP ", " VALUE ", " LINEAR ", \"limit\": {\"beyond\": 4, \"grade\": \"Z\"}"),
	        INDICATOR ".limit.grade", "is not the name of a grade");
	assert_fault(FILE_WITH_INDICATOR(HEAD_UP ", " VALUE ", " LINEAR ", \"dimension\": \"d\""),
	             INDICATOR ".dimension", "is not listed");
}

static void test_I6_adjust(void **state)
{
	(void)state;
	assert_fault(FILE_WITH_INDICATOR(HEAD_UP ", \"value\": \"opened\", " LINEAR ", \"adjust\": [\"priority\"]"),
	             INDICATOR ".adjust", "needs a `value` with a /");
	assert_fault(FILE_WITH_INDICATOR(HEAD_UP ", \"value\": \"manual\", " LINEAR ", \"adjust\": [\"priority\"]"),
	             INDICATOR ".adjust", "needs a `value` with a /");
	assert_fault(FILE_WITH_INDICATOR(HEAD_UP ", \"value\": \"opened / (closed - eased)\", " LINEAR
	                                         ", \"adjust\": [\"category:2\"]"),
	             INDICATOR ".adjust", "without a minus");
	assert_fault(FILE_WITH_INDICATOR(HEAD_UP ", " VALUE ", " LINEAR ", \"adjust\": [\"category:0\"]"),
	             INDICATOR ".adjust[0]", "is no attribute");
	assert_fine(FILE_WITH_INDICATOR(HEAD_UP ", " VALUE ", " LINEAR ", \"adjust\": [\"category:12\", \"team_id\"]"));
}

static void test_I6_reach_and_settle(void **state)
{
	(void)state;
	static const char two[] =
	        FILE_OF(PLAN_OF("\"name\": \"a\", \"cycles\": [\"month\", \"year\"]", INDICATORS, GRADES) ", " PLAN_OF(
	                "\"name\": \"b\", \"roles\": [\"x\"], \"cycles\": [\"year\"]", INDICATORS, GRADES));
	assert_fault(two, "revisions[0].plans[1]", "is never reached");
	assert_fine(FILE_OF(PLAN_OF("\"name\": \"a\", \"cycles\": [\"month\"]", INDICATORS, GRADES) ", " PLAN_OF(
	        "\"name\": \"b\", \"cycles\": [\"year\", \"month\"]", INDICATORS, GRADES)));
	assert_fault(FILE_WITH_PLAN(", \"settle\": \"6d\""), PLAN ".settle", "is shorter than kpi.fcr_window");
	const struct appraisal_limits limits = {INT64_C(86400000000), INT64_C(864000000000)};
	check_with(FILE_WITH_PLAN(""), &limits, PLAN, "is shorter than callback_within");
	check_with(FILE_WITH_PLAN(", \"settle\": \"10d\""), &limits, NULL, "no error");
}

static void test_I6_warnings(void **state)
{
	(void)state;
	static const char one[] =
	        FILE_OF(PLAN_OF(NAMED,
	                        "{\"name\": \"i\", \"kind\": \"process\", \"unit\": \"percent\", \"better\": "
	                        "\"up\", \"weight\": 100, " VALUE ", " LINEAR "}",
	                        GRADES));
	assert_warning(one, INDICATOR ".weight", "more than 40");
	assert_warning(one, PLAN ".indicators", "only process");
}

static void test_I6_all_errors_at_once_with_their_lines(void **state)
{
	(void)state;
	struct file_errors errors;
	static const char json[] = "{\"revisions\": [\n{\"id\": \"r\",\n\"plans\": [{\"name\": \"\",\n\"cycles\": "
	                           "[\"week\"],\n\"indicators\": [],\n\"grades\": [{\"name\": \"A\"}]}]}]}";
	struct appraisal_set *set = appraisal_set_parse(TEXT(json), &APPRAISAL_LIMITS_DEFAULT, &errors);
	assert_null(set);
	assert_int_equal(errors.n, 3);
	assert_true(found(errors.items, errors.n, PLAN ".cycles[0]", "\"month\", \"quarter\" or \"year\""));
	for (size_t i = 0; i < errors.n; i++)
		assert_int_equal(errors.items[i].line, 3 + (int)i);
	file_errors_release(&errors);
}

static void test_I7_revisions_are_kept_in_one_form(void **state)
{
	(void)state;
	struct file_errors errors;
	struct appraisal_set *a = appraisal_set_parse(TEXT(FILE_WITH_PLAN("")), &APPRAISAL_LIMITS_DEFAULT, &errors);
	file_errors_release(&errors);
	static const char other[] =
	        "{\"revisions\": [{\"plans\": [" PLAN_OF(NAMED, INDICATORS, GRADES) "],\n \"id\": \"r\"}]}";
	struct appraisal_set *b = appraisal_set_parse(TEXT(other), &APPRAISAL_LIMITS_DEFAULT, &errors);
	file_errors_release(&errors);
	assert_non_null(a);
	assert_non_null(b);
	assert_true(text_equal(a->revisions[0].json, b->revisions[0].json));
	assert_memory_equal(a->revisions[0].json.ptr, "{\"id\":\"r\",\"plans\":[{", 20);
	appraisal_set_free(a);
	appraisal_set_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_I1_numbers),
	        cmocka_unit_test(test_I3_values),
	        cmocka_unit_test(test_I6_good_files),
	        cmocka_unit_test(test_I6_unknown_keys_and_columns),
	        cmocka_unit_test(test_I6_missing_keys),
	        cmocka_unit_test(test_I6_names_used_twice),
	        cmocka_unit_test(test_I6_weights),
	        cmocka_unit_test(test_I6_scores),
	        cmocka_unit_test(test_I6_grades_and_limits),
	        cmocka_unit_test(test_I6_adjust),
	        cmocka_unit_test(test_I6_reach_and_settle),
	        cmocka_unit_test(test_I6_warnings),
	        cmocka_unit_test(test_I6_all_errors_at_once_with_their_lines),
	        cmocka_unit_test(test_I7_revisions_are_kept_in_one_form),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
