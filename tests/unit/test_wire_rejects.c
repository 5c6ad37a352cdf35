/* Runs the corpora of tests/golden/events through wire_parse(). Jansson reads the corpus, not the messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "kpid/base/memory.h"
#include "kpid/core/wire.h"

#define NOW_US INT64_C(1793491200000000) /* 2026-11-01T00:00:00Z */

enum { MAX_HEADERS = 16, MAX_MESSAGES = 16 };

static FILE *open_corpus(const char *name)
{
	char path[4096];
#ifdef KPID_SOURCE_DIR
	snprintf(path, sizeof(path), "%s/tests/golden/events/%s", KPID_SOURCE_DIR, name);
#else
	int dir_bytes = (int)(strrchr(__FILE__, '/') - __FILE__);
	snprintf(path, sizeof(path), "%.*s/../golden/events/%s", dir_bytes, __FILE__, name);
#endif
	FILE *file = fopen(path, "r");
	if (file == NULL)
		fail_msg("cannot open %s", path);
	return file;
}

static int base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = c == '\0' ? NULL : strchr(digits, c);
	return found == NULL ? -1 : (int)(found - digits);
}

static void add_base64(struct buf *out, const char *text)
{
	uint32_t bits = 0;
	int n_bits = 0;
	for (; base64_digit(*text) >= 0; text++) {
		bits = bits << 6 | (uint32_t)base64_digit(*text);
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			buf_add_char(out, (char)(bits >> n_bits));
		}
	}
}

/* Replaces {{NOW+6m}} and {{NOW-6m}} by times. */
static void add_template(struct buf *out, const char *text)
{
	const char *token;
	while ((token = strstr(text, "{{NOW")) != NULL) {
		char time[TIMESTAMP_TEXT_BYTES], *end;
		buf_add(out, text, (size_t)(token - text));
		long minutes = strtol(token + 5, &end, 10);
		timestamp_format(NOW_US + minutes * 60 * US_PER_SECOND, time);
		buf_add_str(out, time);
		assert_memory_equal(end, "m}}", 3);
		text = end + 3;
	}
	buf_add_str(out, text);
}

static struct text text_of_json(json_t *value)
{
	if (!json_is_string(value))
		return TEXT_ABSENT;
	return (struct text){json_string_value(value), (uint32_t)json_string_length(value)};
}

/* Decodes a header: a text, null, or {"b64": ...}. */
static struct text header_value(json_t *value, struct buf *bytes)
{
	if (!json_is_object(value))
		return text_of_json(value);
	buf_clear(bytes);
	add_base64(bytes, json_string_value(json_object_get(value, "b64")));
	return buf_text(bytes);
}

static enum event_type topic_type(const char *topic)
{
	if (strcmp(topic, "ticket-opened") == 0)
		return EVENT_OPENED;
	if (strcmp(topic, "ticket-closed") == 0)
		return EVENT_CLOSED;
	return strcmp(topic, "survey") == 0 ? EVENT_SURVEY : EVENT_TYPE_NONE;
}

static struct text exact_copy(struct text bytes)
{
	char *exact = mem_alloc(bytes.len);
	memcpy(exact, bytes.ptr, bytes.len);
	return (struct text){exact, bytes.len};
}

/* A message of the corpus. Its value is in a heap block of exactly its size, so that a sanitizer detects a read
 * beyond it. The caller frees it, and releases the bytes of the headers. */
static struct wire_message message_of(json_t *line, struct wire_header headers[MAX_HEADERS],
                                      struct buf header_bytes[MAX_HEADERS])
{
	struct buf value = BUF_INIT;
	struct wire_message message = {.headers = headers, .topic = text_of_json(json_object_get(line, "topic"))};
	json_t *pair;
	size_t i;
	json_array_foreach(json_object_get(line, "headers"), i, pair)
	{
		assert_true(i < MAX_HEADERS);
		headers[i].name = text_of_json(json_array_get(pair, 0));
		headers[i].value = header_value(json_array_get(pair, 1), &header_bytes[i]);
		message.n_headers = i + 1;
	}
	message.topic_type = topic_type(message.topic.ptr);
	if (json_is_string(json_object_get(line, "value_b64")))
		add_base64(&value, json_string_value(json_object_get(line, "value_b64")));
	else if (json_is_string(json_object_get(line, "value")))
		add_template(&value, json_string_value(json_object_get(line, "value")));
	else
		return message;
	message.value = exact_copy(buf_text(&value));
	buf_release(&value);
	return message;
}

static const char *verdict_name(enum wire_verdict verdict, const struct wire_rejection *rejection)
{
	switch (verdict) {
	case WIRE_EVENT:
		return "event";
	case WIRE_TOMBSTONE:
		return "tombstone";
	case WIRE_UNKNOWN_TYPE:
		return "unknown_type";
	case WIRE_REJECTED:
		break;
	}
	return dead_letter_reason_name(rejection->reason);
}

static void assert_plain_detail(const char *name, const char *detail)
{
	if (strlen(detail) < 10)
		fail_msg("%s: detail \"%s\"", name, detail);
	for (; *detail != '\0'; detail++) {
		if (*detail < 0x20 || *detail > 0x7e)
			fail_msg("%s: a detail that is not plain ASCII", name);
	}
}

static bool check_reject(json_t *line)
{
	struct wire_header headers[MAX_HEADERS];
	struct buf header_bytes[MAX_HEADERS] = {BUF_INIT};
	struct wire_message message = message_of(line, headers, header_bytes);
	struct wire_rejection rejection = {DEAD_N_REASONS, ""};
	struct ticket_event event;
	struct arena arena;
	arena_init(&arena);
	enum wire_verdict verdict = wire_parse(&message, NOW_US, &arena, &event, &rejection);
	const char *name = json_string_value(json_object_get(line, "name"));
	const char *got = verdict_name(verdict, &rejection);
	const char *expected = json_string_value(json_object_get(line, "expect"));
	bool is_right = strcmp(got, expected) == 0;
	if (!is_right)
		print_message("%s: %s, not %s: %s\n", name, got, expected, rejection.detail);
	if (verdict == WIRE_REJECTED)
		assert_plain_detail(name, rejection.detail);
	arena_release(&arena);
	for (size_t i = 0; i < message.n_headers; i++)
		buf_release(&header_bytes[i]);
	free((char *)message.value.ptr);
	return is_right;
}

static void test_E5_corpus_of_rejects(void **state)
{
	FILE *file = open_corpus("rejects.jsonl");
	unsigned n_lines = 0, n_wrong = 0;
	json_t *line;
	(void)state;
	while ((line = json_loadf(file, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, NULL)) != NULL) {
		n_lines++;
		n_wrong += !check_reject(line);
		json_decref(line);
	}
	assert_true(feof(file));
	fclose(file);
	assert_true(n_lines > 100);
	assert_int_equal(n_wrong, 0);
}

struct kept {
	struct ticket_event event;
	struct buf content;
	size_t message;
};

/* Resolves events of one identity by E2: the number of other contents beside the smallest, and the index of the
 * smallest. */
static unsigned count_conflicts(const struct kept *kept, size_t n, size_t *smallest_out)
{
	unsigned n_contents = 0;
	*smallest_out = 0;
	for (size_t i = 0; i < n; i++) {
		assert_true(ticket_event_same_identity(&kept[i].event, &kept[0].event));
		assert_true(text_equal(kept[i].event.ticket_id, kept[0].event.ticket_id));
		bool is_new = true;
		for (size_t j = 0; j < i; j++) {
			bool is_same = ticket_event_same_content(&kept[i].event, &kept[j].event);
			assert_int_equal(is_same, text_equal(buf_text(&kept[i].content), buf_text(&kept[j].content)));
			is_new &= !is_same;
		}
		n_contents += is_new;
		if (text_compare(buf_text(&kept[i].content), buf_text(&kept[*smallest_out].content)) < 0)
			*smallest_out = i;
	}
	return n_contents - 1;
}

static void check_conflict(json_t *line)
{
	json_t *messages = json_object_get(line, "messages");
	struct kept kept[MAX_MESSAGES];
	struct wire_message all[MAX_MESSAGES];
	struct arena arena;
	size_t n_kept = 0, smallest = 0, i;
	json_t *item;
	const char *name = json_string_value(json_object_get(line, "name"));
	if (json_object_get(line, "identities") != NULL)
		return; /* nothing to compare */
	arena_init(&arena);
	assert_true(json_array_size(messages) <= MAX_MESSAGES);
	json_array_foreach(messages, i, item)
	{
		struct wire_header headers[MAX_HEADERS];
		struct buf header_bytes[MAX_HEADERS] = {BUF_INIT};
		struct wire_rejection rejection;
		all[i] = message_of(item, headers, header_bytes);
		kept[n_kept] = (struct kept){.message = i, .content = BUF_INIT};
		if (wire_parse(&all[i], NOW_US, &arena, &kept[n_kept].event, &rejection) != WIRE_EVENT)
			continue;
		ticket_event_canonical(&kept[n_kept].event, &kept[n_kept].content);
		n_kept++;
	}
	unsigned n_conflicts = count_conflicts(kept, n_kept, &smallest);
	if (n_conflicts != json_integer_value(json_object_get(line, "id_conflict")) ||
	    kept[smallest].message != (size_t)json_integer_value(json_object_get(line, "keep")))
		fail_msg("%s: %u conflicts, keeps %zu", name, n_conflicts, kept[smallest].message);
	for (i = 0; i < n_kept; i++)
		buf_release(&kept[i].content);
	for (i = 0; i < json_array_size(messages); i++)
		free((char *)all[i].value.ptr);
	arena_release(&arena);
}

static void test_E2_corpus_of_conflicts(void **state)
{
	FILE *file = open_corpus("conflicts.jsonl");
	json_t *line;
	(void)state;
	while ((line = json_loadf(file, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, NULL)) != NULL) {
		check_conflict(line);
		json_decref(line);
	}
	assert_true(feof(file));
	fclose(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_E5_corpus_of_rejects),
	        cmocka_unit_test(test_E2_corpus_of_conflicts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
