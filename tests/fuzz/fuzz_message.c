/* Messages to receivers, built from odd texts, are JSON of bounded length. Any answer of a receiver means one of
 * three things, with a reason in UTF-8 that a database accepts. */
#include <jansson.h>

#include "core/delivery/kinds.h"
#include "fuzz.h"
#include "kpid/core/message.h"

enum { MAX_ALERTS = 12, MAX_TEXT_BYTES = 256, MOST_PER_ALERT = 24 * 1024 };

/* Text from the database is UTF-8 without zero bytes; other bytes become '?'. */
static struct text clean(struct fuzz_input *input, char room[MAX_TEXT_BYTES])
{
	struct text text = fuzz_text(input);
	uint32_t n = text.len > MAX_TEXT_BYTES ? MAX_TEXT_BYTES : text.len;
	memcpy(room, text.ptr, n);
	json_t *json = json_stringn(room, n);
	for (uint32_t i = 0; json == NULL && i < n; i++)
		room[i] = (unsigned char)room[i] > 0x7f ? '?' : room[i];
	json_decref(json);
	return (struct text){room, n};
}

struct texts {
	char rooms[10][MAX_TEXT_BYTES];
	struct buf cloudevent;
};

static int64_t read_time(struct fuzz_input *input)
{
	uint64_t us = fuzz_number(input, 7);
	return us % 5 == 0 ? TIME_NONE : (int64_t)(us % UINT64_C(7290000000000000));
}

static void read_alert(struct fuzz_input *input, struct texts *texts, struct alert_view *alert)
{
	static const char *const states[] = {"warning", "averted", "breached", "resolved", "voided", "acknowledged"};
	*alert = (struct alert_view){.state = text_of(states[fuzz_byte(input) % 6])};
	struct text *fields[] = {&alert->alert_id, &alert->ticket_id,  &alert->target, &alert->cause,
	                         &alert->owner_id, &alert->project_id, &alert->policy, &alert->policy_version};
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		*fields[i] = clean(input, texts->rooms[i]);
	if (fuzz_byte(input) % 2 == 0)
		alert->owner_id = alert->project_id = TEXT_ABSENT;
	texts->cloudevent = (struct buf)BUF_INIT;
	buf_add_str(&texts->cloudevent, "{\"data\":{\"ticket_id\":");
	json_t *id = json_stringn(alert->ticket_id.ptr, alert->ticket_id.len);
	char *dumped = json_dumps(id, JSON_ENCODE_ANY);
	CHECK(dumped != NULL);
	buf_add_str(&texts->cloudevent, dumped);
	buf_add_str(&texts->cloudevent, "}}");
	free(dumped);
	json_decref(id);
	alert->cloudevent = buf_text(&texts->cloudevent);
	alert->level = fuzz_byte(input);
	alert->due_us = read_time(input);
	alert->breached_us = read_time(input);
	alert->warned_us = read_time(input);
	alert->resolved_us = read_time(input);
}

static bool is_utf8(struct buf *buf)
{
	json_t *json = json_stringn(buf_text(buf).ptr, buf->len_bytes);
	json_decref(json);
	return json != NULL && (buf->len_bytes == 0 || memchr(buf->data, '\0', buf->len_bytes) == NULL);
}

/* Any offset that a zone can have. */
static int32_t zone_offset(void *context, int64_t at_us)
{
	(void)context;
	return (int32_t)(at_us / US_PER_SECOND % 100000) - 50000;
}

static const struct zone zone = {zone_offset, NULL, NULL};

static void check_messages(struct fuzz_input *input, struct receiver *receiver)
{
	static struct texts texts[MAX_ALERTS];
	struct alert_view alerts[MAX_ALERTS];
	size_t n = 1 + fuzz_byte(input) % MAX_ALERTS;
	struct text secrets[RECEIVER_MAX_SECRETS];
	struct message message;
	receiver->n_secrets = fuzz_byte(input) % (RECEIVER_MAX_SECRETS + 1);
	if (receiver->kind->secret_use != NULL)
		receiver->n_secrets = 1;
	for (size_t i = 0; i < RECEIVER_MAX_SECRETS; i++) {
		static char rooms[RECEIVER_MAX_SECRETS][MAX_TEXT_BYTES];
		secrets[i] = clean(input, rooms[i]);
	}
	for (size_t i = 0; i < n; i++)
		read_alert(input, &texts[i], &alerts[i]);
	message_init(&message);
	const struct message_voice voice = {fuzz_byte(input) % MESSAGE_N_LANGUAGES, TEXT("Asia/Kathmandu"), &zone};
	const struct notification notification = {&voice, receiver,   TEXT("https://example.com/?a=b"), secrets, alerts,
	                                          n,      TEXT("id"), INT64_C(1793491200000000)};
	message_write(&notification, &message);
	json_t *json = json_loadb(message.body.data, message.body.len_bytes, JSON_REJECT_DUPLICATES, NULL);
	CHECK(json != NULL && message.body.len_bytes > 2 && message.body.len_bytes < n * MOST_PER_ALERT);
	json_decref(json);
	CHECK(message.n_headers >= 1 && message.n_headers <= MESSAGE_MAX_HEADERS);
	for (size_t i = 0; i < message.n_headers; i++)
		CHECK(strpbrk(message.headers[i].text, "\r\n") == NULL);
	CHECK(strpbrk(message.url.data, "\r\n ") == NULL);
	message_release(&message);
	for (size_t i = 0; i < n; i++)
		buf_release(&texts[i].cloudevent);
}

static void check_answer(const struct receiver *receiver, long status, struct text body)
{
	struct buf why = BUF_INIT;
	struct text exact = fuzz_exact(body);
	enum answer answer = message_answer(receiver, status, exact, &why);
	CHECK((answer == ANSWER_ACCEPTED) == (why.len_bytes == 0));
	CHECK(answer != ANSWER_ACCEPTED || (status >= 200 && status < 300));
	CHECK(answer != ANSWER_GONE || status == 410);
	CHECK(why.len_bytes < 512 && is_utf8(&why));
	buf_release(&why);
	free((char *)exact.ptr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct fuzz_input input = {data, data + n_bytes};
	struct receiver receiver = {.name = TEXT("r"), .url = TEXT("https://example.com/")};
	size_t n_kinds = 0;
	while (receiver_kinds[n_kinds] != NULL)
		n_kinds++;
	receiver.kind = receiver_kinds[fuzz_byte(&input) % n_kinds];
	long status = (long)(fuzz_byte(&input) % 7) * 100 + fuzz_byte(&input) % 32;
	if (fuzz_byte(&input) % 2 == 0)
		receiver.link = TEXT("https://bi.example.com/?a=\"b\"");
	check_answer(&receiver, status, (struct text){(const char *)input.at, (uint32_t)(input.end - input.at)});
	check_messages(&input, &receiver);
	return 0;
}
