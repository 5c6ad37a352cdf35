/* Identifies the source of a file by its name and its lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "app/file_match.h"
#include "kpid/core/batch.h"

static void assert_chosen(struct file_match *match, const char *topic, int64_t next_offset)
{
	char *chosen = file_match_choose(match);
	assert_string_equal(chosen, topic);
	assert_int_equal(match->best.next_offset, next_offset);
	free(chosen);
}

static struct line_chain chain_of(const char *const *lines, int n)
{
	struct line_chain chain = {{0}};
	for (int i = 0; i < n; i++)
		line_chain_add(&chain, text_of(lines[i]));
	return chain;
}

/* Checks each line of a file of four. */
static void look(struct file_match *match, const char *const *lines)
{
	for (int i = 0; i <= 4; i++) {
		struct line_chain chain = chain_of(lines, i);
		file_match_compare(match, i, &chain);
	}
}

static void test_fingerprint_is_of_all_lines(void **state)
{
	static const char *const a[] = {"1", "2"}, *const b[] = {"12", ""}, *const c[] = {"2", "1"};
	(void)state;
	struct line_chain chains[] = {chain_of(a, 2), chain_of(b, 2), chain_of(c, 2), chain_of(a, 1)};
	for (int i = 0; i < 4; i++)
		for (int j = 0; j < i; j++)
			assert_int_not_equal(line_chain_fingerprint(&chains[i]), line_chain_fingerprint(&chains[j]));
	struct line_chain again = chain_of(a, 2);
	assert_int_equal(line_chain_fingerprint(&again), line_chain_fingerprint(&chains[0]));
}

/* Stored in databases: must not change between versions. */
static void test_fingerprint_is_stable(void **state)
{
	static const char *const lines[] = {"a", "b"};
	(void)state;
	struct line_chain chain = chain_of(lines, 2);
	assert_int_equal(line_chain_fingerprint(&chain), INT64_C(-6067265024427901997));
}

static void test_longest_common_beginning_wins(void **state)
{
	static const char *const file[] = {"a", "b", "c", "d"}, *const other[] = {"a", "b", "x", "d"};
	struct file_match match = {.stem = NULL};
	(void)state;
	file_match_name(&match, "/data/events.ndjson", TEXT("a"));
	assert_string_equal(match.stem, "ingest:events.ndjson@ca978112ca1bbdca");
	struct line_chain two = chain_of(file, 2), three = chain_of(file, 3), four_of_other = chain_of(other, 4);
	file_match_add(&match, TEXT("ingest:events.ndjson@ca978112ca1bbdca"), 2, line_chain_fingerprint(&two));
	file_match_add(&match, TEXT("ingest:events.ndjson@ca978112ca1bbdca.2"), 4,
	               line_chain_fingerprint(&four_of_other));
	file_match_add(&match, TEXT("ingest:events.ndjson@ca978112ca1bbdca.3"), 3, line_chain_fingerprint(&three));
	file_match_add(&match, TEXT("ingest:events.ndjson@ca978112ca1bbdca.x"), 4, 0);
	file_match_add(&match, TEXT("ingest:events.ndjson@ca978112ca1bbdca5"), 4, 0);
	assert_int_equal(match.n_parts, 3);
	assert_int_equal(match.furthest, 4);
	look(&match, file);
	assert_chosen(&match, "ingest:events.ndjson@ca978112ca1bbdca.3", 3);
	file_match_release(&match);
}

static void test_file_with_another_line_is_another_source(void **state)
{
	static const char *const corrected[] = {"a", "B", "c", "d"}, *const file[] = {"a", "b", "c", "d"};
	struct file_match match = {.stem = NULL};
	(void)state;
	file_match_name(&match, "f", TEXT("a"));
	struct line_chain all = chain_of(file, 4);
	file_match_add(&match, text_of(match.stem), 4, line_chain_fingerprint(&all));
	look(&match, corrected);
	assert_chosen(&match, "ingest:f@ca978112ca1bbdca.2", OFFSET_NONE);
	/* A source that was claimed, but where nothing was committed, can be used. */
	file_match_clear(&match);
	file_match_add(&match, TEXT("ingest:f@ca978112ca1bbdca.7"), OFFSET_NONE, 0);
	look(&match, corrected);
	assert_chosen(&match, "ingest:f@ca978112ca1bbdca.7", OFFSET_NONE);
	file_match_clear(&match);
	look(&match, corrected);
	assert_chosen(&match, "ingest:f@ca978112ca1bbdca", OFFSET_NONE);
	file_match_release(&match);
}

static void test_names_are_whole_characters(void **state)
{
	char name[3 * 80 + 1] = "";
	struct file_match match = {.stem = NULL};
	(void)state;
	for (size_t i = 0; i + 1 < sizeof(name); i++)
		name[i] = "\xe4\xba\x8b"[i % 3];
	file_match_name(&match, name, TEXT("a"));
	assert_int_equal(strlen(match.stem), strlen("ingest:") + 180 + strlen("@ca978112ca1bbdca"));
	assert_memory_equal(match.stem + strlen("ingest:") + 177, "\xe4\xba\x8b@", 4);
	name[0] = 'a'; /* and every cut is inside a character */
	memmove(name + 1, name + 3, strlen(name + 3) + 1);
	file_match_name(&match, name, TEXT("a"));
	assert_int_equal(strlen(match.stem), strlen("ingest:") + 178 + strlen("@ca978112ca1bbdca"));
	file_match_name(&match, "d/a\nb\xff\x1b[31m\xe2\x80\x8b", TEXT("a"));
	assert_string_equal(match.stem, "ingest:a\\x0ab\\xff\\x1b[31m\\u200b@ca978112ca1bbdca");
	file_match_release(&match);
	char *topic = file_match_stream_topic("-", 17, 4);
	assert_string_equal(topic, "ingest:-@17.4");
	free(topic);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_fingerprint_is_of_all_lines),
	        cmocka_unit_test(test_fingerprint_is_stable),
	        cmocka_unit_test(test_longest_common_beginning_wins),
	        cmocka_unit_test(test_file_with_another_line_is_another_source),
	        cmocka_unit_test(test_names_are_whole_characters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
