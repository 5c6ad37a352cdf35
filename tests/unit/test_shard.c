/* Which shard a ticket belongs to, and which ticket a message names. */
#include "kpid/core/shard.h"
#include "wire_case.h"

#define OPENING(data)                                                                                                  \
	"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/c\",\"type\":\"ticket.opened\",\"time\":\"2026-10-01T08:" \
	"00:00Z\"," data "}"

/* From PostgreSQL 15: SELECT hashtextextended(ticket_id, 0). tests/sql/test_sql_shards.py compares random ids. */
static void test_the_hash_is_that_of_postgresql(void **state)
{
	static const struct {
		const char *ticket_id;
		int64_t hash;
	} cases[] = {
	        {"", INT64_C(-6939563903564495251)},
	        {"a", INT64_C(3591986179850072241)},
	        {"T0000123", INT64_C(1809587341446853569)},
	        {"abcdefghijkl", INT64_C(-7556637188122330412)},
	        {"abcdefghijklm", INT64_C(8871624171452417744)},
	        {"0123456789abcdefghijklmnopqrstuvwxyz", INT64_C(2599983508539421163)},
	};
	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		assert_int_equal(shard_hash(text_of(cases[i].ticket_id)), cases[i].hash);
		assert_int_equal(shard_of_ticket(text_of(cases[i].ticket_id), 7), (cases[i].hash % 7 + 7) % 7);
	}
}

static void test_each_ticket_has_one_shard_and_all_are_used(void **state)
{
	enum { N_TICKETS = 4000, COUNT = 4 };
	int n_of[COUNT] = {0};
	char id[24];
	(void)state;
	for (int i = 0; i < N_TICKETS; i++) {
		snprintf(id, sizeof(id), "T%d", i);
		int n_owners = 0;
		for (int32_t index = 0; index < COUNT; index++) {
			const struct shard shard = {SHARD_BY_TICKET, index, COUNT};
			if (!shard_has_ticket(&shard, text_of(id)))
				continue;
			n_owners++;
			n_of[index]++;
		}
		assert_int_equal(n_owners, 1);
		/* Twice as many shards divide each shard, so a copy of it has all tickets of both. */
		assert_int_equal(shard_of_ticket(text_of(id), 2 * COUNT) % COUNT, shard_of_ticket(text_of(id), COUNT));
	}
	for (int i = 0; i < COUNT; i++)
		assert_in_range(n_of[i], N_TICKETS / COUNT * 9 / 10, N_TICKETS / COUNT * 11 / 10);
}

static void test_what_names_no_ticket_belongs_to_shard_0(void **state)
{
	const struct shard first = {SHARD_BY_TICKET, 0, 3}, last = {SHARD_BY_TICKET, 2, 3};
	(void)state;
	assert_true(shard_has_ticket(&first, TEXT_ABSENT));
	assert_false(shard_has_ticket(&last, TEXT_ABSENT));
}

static void test_partitions_are_shared_only_by_partition(void **state)
{
	const struct shard by_ticket = {SHARD_BY_TICKET, 1, 4}, by_partition = {SHARD_BY_PARTITION, 1, 4},
	                   alone = {SHARD_BY_PARTITION, 0, 1};
	(void)state;
	for (int32_t p = 0; p < 12; p++) {
		assert_true(shard_has_partition(&by_ticket, p));
		assert_true(shard_has_partition(&alone, p));
		assert_int_equal(shard_has_partition(&by_partition, p), p % 4 == 1);
	}
	assert_true(shard_filters_tickets(&by_ticket));
	assert_false(shard_filters_tickets(&by_partition) || shard_filters_tickets(&alone));
	assert_true(shard_has_ticket(&by_partition, TEXT("T1")) && shard_has_ticket(&by_partition, TEXT("T2")));
}

/* ---- the ticket that a message names ---- */

static void assert_names(const char *json, const struct wire_header *headers, size_t n_headers, const char *ticket_id)
{
	const struct wire_message message = {
	        .value = text_of(json), .headers = headers, .n_headers = n_headers, .topic = TEXT("ticket-opened")};
	struct text found = wire_ticket(&message, &arena);
	if (ticket_id == NULL ? !text_is_absent(found) : !text_same(found, text_of(ticket_id)))
		fail_msg("\"%.*s\", not %s: %s", (int)found.len, found.len == 0 ? "" : found.ptr,
		         ticket_id == NULL ? "none" : ticket_id, json);
}

static void test_a_ticket_is_named_as_the_event_names_it(void **state)
{
	static const char *const messages[] = {
	        OPENING("\"data\":{\"ticket_id\":\"T1\"}"),
	        OPENING("\"data\":{\"x\":{\"ticket_id\":\"no\"},\"ticket_id\":\"T1\"},\"ticket_id\":\"no\""),
	        OPENING("\"data\":{\"ticket_id\":\"T\\u0031\\n\\u6c34\"}"),
	        OPENING("\"data\":{\"ticket\\u005fid\":\"T1\"}"),
	        OPENING("\"data\":{\"ticket_id\":12345678901234567890}"),
	        OPENING("\"data\":{\"ticket_id\":-7}"),
	        OPENING("\"data_base64\":\"eyJ0aWNrZXRfaWQiOiJUMSJ9\""),
	        "{\"ticket_id\":\"T1\",\"time\":\"2026-10-01T08:00:00Z\"}",
	};
	(void)state;
	for (size_t i = 0; i < N_OF(messages); i++) {
		const struct wire_message message = {
		        .value = text_of(messages[i]), .topic = TEXT("ticket-opened"), .topic_type = EVENT_OPENED};
		assert_int_equal(wire_parse(&message, NOW_US, &arena, &event, &rejection), WIRE_EVENT);
		assert_true(text_same(wire_ticket(&message, &arena), event.ticket_id));
	}
}

static void test_binary_mode_names_the_ticket_in_the_value(void **state)
{
	const struct wire_header headers[] = {{TEXT("ce_specversion"), TEXT("1.0")}, {TEXT("ce_type"), TEXT("x")}};
	(void)state;
	assert_names("{\"ticket_id\":\"T1\",\"data\":{\"ticket_id\":\"T2\"}}", headers, N_OF(headers), "T1");
}

/* Time and types must not decide, because shards read the same message at different times. */
static void test_a_rejected_message_names_its_ticket(void **state)
{
	(void)state;
	assert_names("{\"specversion\":\"1.0\",\"type\":\"ticket.opened\",\"time\":\"2999-01-01T00:00:00Z\","
	             "\"data\":{\"ticket_id\":\"T1\"}}",
	             NULL, 0, "T1");
	assert_names("{\"specversion\":\"1.0\",\"type\":\"no.such\",\"data\":{\"ticket_id\":\"T1\"}}", NULL, 0, "T1");
	assert_names("{\"ticket_id\":\"T1\"}", NULL, 0, "T1");
}

static void test_other_messages_name_none(void **state)
{
	static const char *const messages[] = {
	        "",
	        "[1]",
	        "{\"ticket_id\":\"T1\"",
	        "{\"ticket_id\":\"T1\",\"ticket_id\":\"T2\"}",
	        "{\"ticket_id\":\"\"}",
	        "{\"ticket_id\":null}",
	        "{\"ticket_id\":1.5}",
	        "{\"ticket_id\":[\"T1\"]}",
	        OPENING("\"ticket_id\":\"T1\""),
	        OPENING("\"data\":\"{}\",\"ticket_id\":\"T1\""),
	        OPENING("\"data\":{\"ticket_id\":\"T1\"},\"data_base64\":\"eyJ0aWNrZXRfaWQiOiJUMSJ9\""),
	};
	(void)state;
	for (size_t i = 0; i < N_OF(messages); i++)
		assert_names(messages[i], NULL, 0, NULL);
	const struct wire_message tombstone = {.value = TEXT_ABSENT};
	assert_true(text_is_absent(wire_ticket(&tombstone, &arena)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_the_hash_is_that_of_postgresql),
	        cmocka_unit_test(test_each_ticket_has_one_shard_and_all_are_used),
	        cmocka_unit_test(test_what_names_no_ticket_belongs_to_shard_0),
	        cmocka_unit_test(test_partitions_are_shared_only_by_partition),
	        cmocka_unit_test(test_a_ticket_is_named_as_the_event_names_it),
	        cmocka_unit_test(test_binary_mode_names_the_ticket_in_the_value),
	        cmocka_unit_test(test_a_rejected_message_names_its_ticket),
	        cmocka_unit_test(test_other_messages_name_none),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
