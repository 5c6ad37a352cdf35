/* The state of the board: snapshots, deltas, and what a page that comes back gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "board/live.h"
#include "kpid/core/timestamp.h"

/* A list of rows "key=value". */
static struct part *list_of(const char *const *rows)
{
	struct part *list = part_list();
	for (; *rows != NULL; rows++) {
		char key[8] = {(*rows)[0]}, json[40];
		snprintf(json, sizeof(json), "{\"key\":\"%c\",\"v\":%s}", (*rows)[0], *rows + 2);
		part_add(list, text_of(key), text_of(json));
	}
	return list;
}

#define LIST(...) list_of((const char *const[]){__VA_ARGS__, NULL})

static void assert_contains(const struct blob *blob, const char *expected)
{
	if (strstr(blob->bytes.data, expected) == NULL)
		fail_msg("no %s in %s", expected, blob->bytes.data);
}

static void assert_lacks(const struct blob *blob, const char *unexpected)
{
	if (strstr(blob->bytes.data, unexpected) != NULL)
		fail_msg("%s in %s", unexpected, blob->bytes.data);
}

static struct blob *publish(struct live *live)
{
	return live_publish(live, (int64_t)live->stamp.seq * US_PER_SECOND, TIME_NONE);
}

static void test_a_delta_has_only_what_changed(void **state)
{
	struct live live;
	(void)state;
	live_init(&live, 0x5f);
	live_set(&live, PART_TOTALS, part_value(TEXT("{\"open\":1}")));
	live_set(&live, PART_CLOCKS, LIST("a=1", "b=2", "c=3"));
	struct blob *event = publish(&live);
	assert_contains(event,
	                "id: 5f-1\nevent: delta\ndata: {\"seq\":1,\"now\":\"1970-01-01T00:00:00Z\",\"as_of\":null,");
	assert_contains(event, "\"totals\":{\"open\":1},\"clocks\":{\"set\":[{\"key\":\"a\",\"v\":1},");
	assert_contains(event, "\"order\":[\"a\",\"b\",\"c\"]}}\n\n");

	assert_false(live_has_news(&live, PART_TOTALS));
	live_set(&live, PART_TOTALS, part_value(TEXT("{\"open\":1}")));
	live_set(&live, PART_CLOCKS, LIST("a=1", "b=9", "c=3"));
	assert_false(live_has_news(&live, PART_TOTALS));
	assert_true(live_has_news(&live, PART_CLOCKS));
	event = publish(&live);
	assert_lacks(event, "totals");
	assert_contains(event, "\"clocks\":{\"set\":[{\"key\":\"b\",\"v\":9}]}}");

	live_set(&live, PART_CLOCKS, LIST("c=3", "d=4", "b=9"));
	event = publish(&live);
	assert_contains(
	        event, "\"clocks\":{\"set\":[{\"key\":\"d\",\"v\":4}],\"del\":[\"a\"],\"order\":[\"c\",\"d\",\"b\"]}}");

	event = publish(&live);
	assert_contains(event, "data: {\"seq\":4,\"now\":\"1970-01-01T00:00:03Z\",\"as_of\":null}\n\n");
	live_set(&live, PART_CLOCKS, part_list());
	event = publish(&live);
	assert_contains(event, "\"clocks\":{\"del\":[\"c\",\"d\",\"b\"]}}");
	live_release(&live);
}

static void test_a_snapshot_has_everything(void **state)
{
	struct live live;
	(void)state;
	live_init(&live, 0x5f);
	assert_contains(live_snapshot(&live), "{\"boot\":\"5f\",\"seq\":0,\"now\":null,\"as_of\":null,\"fresh\":null,");
	live_set(&live, PART_AGENTS, LIST("a=1"));
	assert_lacks(live_snapshot(&live), "\"v\":1");
	publish(&live);
	assert_contains(live_snapshot(&live), "\"seq\":1");
	assert_contains(live_snapshot(&live), "\"clocks\":[],\"breaches\":[],\"agents\":[{\"key\":\"a\",\"v\":1}],");
	assert_contains(live_snapshot_event(&live), "id: 5f-1\nevent: snapshot\ndata: {\"boot\":\"5f\"");
	live_release(&live);
}

static void test_a_page_that_comes_back_gets_what_it_lacks(void **state)
{
	struct live live;
	uint64_t first;
	char id[40];
	(void)state;
	live_init(&live, 0x5f);
	for (int i = 0; i < 2 * LIVE_RING; i++)
		publish(&live);
	assert_int_equal(3, live_since(&live, TEXT("5f-237"), &first));
	assert_int_equal(238, first);
	assert_contains(live_event(&live, first), "id: 5f-238\n");
	assert_int_equal(0, live_since(&live, TEXT("5f-240"), &first));
	snprintf(id, sizeof(id), "5f-%d", LIVE_RING);
	assert_int_equal(LIVE_RING, live_since(&live, text_of(id), &first));
	assert_contains(live_event(&live, first), "id: 5f-121\n");
	snprintf(id, sizeof(id), "5f-%d", LIVE_RING - 1);
	assert_int_equal(-1, live_since(&live, text_of(id), &first)); /* too old */
	static const char *const foreign[] = {
	        "5f-241", "5e-240", "5f", "5f-", "5f-2x", "", "5f-99999999999999999999999"};
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		assert_int_equal(-1, live_since(&live, text_of(foreign[i]), &first));
	live_release(&live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_a_delta_has_only_what_changed),
	        cmocka_unit_test(test_a_snapshot_has_everything),
	        cmocka_unit_test(test_a_page_that_comes_back_gets_what_it_lacks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
