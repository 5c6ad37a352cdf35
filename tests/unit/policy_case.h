/* Minimal policy files, and assertions on their parse results; for test_policy*.c. */
#ifndef KPID_TESTS_POLICY_CASE_H
#define KPID_TESTS_POLICY_CASE_H

/* cmocka.h needs these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_zone.h"
#include "kpid/base/buf.h"
#include "kpid/core/policy.h"

#define TARGET_OK   "{\"within\": \"1h\", \"calendar\": \"always\"}"
#define POLICY_OK   "{\"name\": \"other\", \"targets\": {\"resolution\": " TARGET_OK "}}"
#define REVISION_OK "{\"id\": \"r\", \"policies\": [" POLICY_OK "]}"
/* Minimal files around one part. */
#define FILE_WITH_REVISIONS(revisions) "{\"revisions\": [" revisions "]}"
#define FILE_WITH_MEMBER(member)       FILE_WITH_REVISIONS("{\"id\": \"r\", " member ", \"policies\": [" POLICY_OK "]}")
#define FILE_WITH_POLICIES(policies)   FILE_WITH_REVISIONS("{\"id\": \"r\", \"policies\": [" policies "]}")
#define FILE_WITH_TARGETS(targets)     FILE_WITH_POLICIES("{\"name\": \"p\", \"targets\": " targets "}")
#define FILE_WITH_TARGET(target)       FILE_WITH_TARGETS("{\"resolution\": " target "}")
#define FILE_WITH_WITHIN(within)       FILE_WITH_TARGET("{\"calendar\": \"always\", \"within\": " within "}")
#define FILE_WITH_MATCH(match)         FILE_WITH_POLICIES("{\"name\": \"p\", \"targets\": {}, \"match\": " match "}")

#define FILE_WITH_CALENDAR(members) FILE_WITH_MEMBER("\"calendars\": {\"c\": {" members "}}")
#define CALENDAR_PATH               REVISION_PATH ".calendars.c"
#define IN_SHANGHAI                 "\"time_zone\": \"Asia/Shanghai\", "
#define A_MONDAY                    "\"weekly\": {\"mon\": [\"09:00-17:00\"]}"
#define FILE_ON_OFFICE(hours, within)                                                                                  \
	FILE_WITH_REVISIONS("{\"id\": \"r\", \"calendars\": {\"office\": {" IN_SHANGHAI hours                          \
	                    "}}, \"policies\": [{\"name\": \"p\", \"targets\": {\"resolution\": {\"within\": "         \
	                    "\"" within "\", \"calendar\": \"office\"}}}]}")

#define REVISION_PATH "revisions[0]"
#define POLICY_PATH   "revisions[0].policies[0]"
#define TARGET_PATH   "revisions[0].policies[0].targets.resolution"

struct expected_error {
	const char *path, *words; /* words: part of the message */
	int line;                 /* 0: any */
};

static inline void print_errors(const struct file_errors *errors)
{
	for (size_t i = 0; i < errors->n; i++) {
		const struct file_error *error = &errors->items[i];
		print_message("%d: %.*s: %.*s\n", error->line, (int)error->path.len, error->path.ptr,
		              (int)error->message.len, error->message.ptr);
	}
}

static inline bool has_error(const struct file_errors *errors, const struct expected_error *expected)
{
	for (size_t i = 0; i < errors->n; i++) {
		const struct file_error *error = &errors->items[i];
		if (text_equal(error->path, text_of(expected->path)) &&
		    memmem(error->message.ptr, error->message.len, expected->words, strlen(expected->words)) != NULL &&
		    (expected->line == 0 || error->line == expected->line))
			return true;
	}
	return false;
}

/* These errors, all of them, and no others. */
static inline void assert_faults_of(struct text json, const struct expected_error *expected, size_t n)
{
	struct file_errors errors;
	struct policy_set *set = policy_set_parse(json, fake_zone_find, &errors);
	bool all = set == NULL && errors.n == n;
	for (size_t i = 0; i < n; i++) {
		if (!has_error(&errors, &expected[i])) {
			print_message("not found: %s: %s\n", expected[i].path, expected[i].words);
			all = false;
		}
	}
	if (!all)
		print_errors(&errors);
	file_errors_release(&errors);
	policy_set_free(set);
	assert_true(all);
}

static inline void assert_fault(const char *json, const char *path, const char *words)
{
	const struct expected_error expected = {path, words, 0};
	assert_faults_of(text_of(json), &expected, 1);
}

static inline struct policy_set *parse(const char *json)
{
	struct file_errors errors;
	struct policy_set *set = policy_set_parse(text_of(json), fake_zone_find, &errors);
	print_errors(&errors);
	file_errors_release(&errors);
	assert_non_null(set);
	return set;
}

static inline void assert_fine(const char *json)
{
	policy_set_free(parse(json));
}

static inline void assert_text(struct text text, const char *expected)
{
	assert_int_equal(text.len, strlen(expected));
	assert_memory_equal(text.ptr, expected, text.len);
}

static inline int64_t at(const char *time)
{
	int64_t us;
	assert_true(timestamp_parse(text_of(time), &us));
	return us;
}

#endif
