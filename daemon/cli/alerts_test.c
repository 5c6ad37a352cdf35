#include "cli/alerts_test.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "adapters/http/http.h"
#include "app/lane.h"
#include "app/receivers.h"
#include "app/voice.h"
#include "cli/term.h"
#include "kpid/core/message.h"

struct trial {
	const struct receiver *rule;
	struct event_base *base;
	struct buf why;
	enum answer answer;
};

static void on_answer(void *context, long status, struct text body, const char *error)
{
	struct trial *trial = context;
	trial->answer = message_answer(trial->rule, status, body, &trial->why);
	if (error != NULL)
		buf_add_format(&trial->why, ": %s", error);
	event_base_loopbreak(trial->base);
}

static int say(const struct cli *cli, const char *receiver, const char *what)
{
	struct buf line = BUF_INIT;
	term_escape(&line, text_of(what));
	fprintf(stderr, "kpid %s: receiver %s: %s\n", cli->command->name, receiver, buf_text(&line).ptr);
	buf_release(&line);
	return CLI_FAILED;
}

/* An event of a type of its own: whoever reads it must not take it for a breach. */
static void write_event(struct buf *out, struct text id, int64_t now_us)
{
	char time[TIMESTAMP_TEXT_BYTES];
	timestamp_format(now_us, time);
	buf_add_format(out,
	               "{\"specversion\":\"1.0\",\"source\":\"/"
	               "kpid\",\"type\":\"kpid.alert.test\",\"id\":\"%.*s\",\"time\":\"%s\","
	               "\"datacontenttype\":\"application/json\",\"data\":{\"alert_id\":\"%.*s\",\"state\":\"test\"}}",
	               (int)id.len, id.ptr, time, (int)id.len, id.ptr);
}

static int tell(const struct cli *cli, const struct kpid_config *config, const struct loaded_receiver *receiver)
{
	struct trial trial = {.rule = receiver->rule, .base = event_base_new(), .why = BUF_INIT};
	struct http *http = http_new(trial.base);
	struct message message;
	struct buf event = BUF_INIT, id = BUF_INIT;
	int64_t now_us = wall_clock_us();
	const char *headers[MESSAGE_MAX_HEADERS];
	message_init(&message);
	buf_add_format(&id, "test-%lld", (long long)now_us);
	write_event(&event, buf_text(&id), now_us);
	/* Averted: who opens incidents closes this one at once. */
	const struct told_alert alert = {
	        .alert_id = buf_text(&id),
	        .ticket_id = TEXT("KPID-TEST"),
	        .target = TEXT("first_response"),
	        .state = TEXT("averted"),
	        .policy = TEXT("a test, nothing has happened"),
	        .cloudevent = buf_text(&event),
	        .n = 1,
	        .revision = 1,
	        .due_us = now_us,
	        .breached_us = TIME_NONE,
	        .warned_us = now_us,
	        .detected_us = now_us,
	        .resolved_us = TIME_NONE,
	};
	struct voice voice;
	voice_init(&voice, config);
	message_write(&voice.words, receiver->rule, buf_text(&receiver->url), receiver->secrets, &alert, 1,
	              buf_text(&id), now_us, &message);
	for (size_t i = 0; i < message.n_headers; i++)
		headers[i] = message.headers[i].text;
	const struct http_request request = {
	        .url = buf_text(&message.url).ptr,
	        .headers = headers,
	        .n_headers = message.n_headers,
	        .body = buf_text(&message.body),
	        .timeout_us = receiver->rule->timeout_us,
	        .ca_file = receiver->ca_file.len_bytes == 0 ? NULL : receiver->ca_file.data,
	};
	http_post(http, &request, on_answer, &trial);
	event_base_dispatch(trial.base);
	int status = CLI_OK;
	if (trial.answer == ANSWER_OK)
		printf("%s has taken it\n", receiver->rule->name.ptr);
	else
		status = say(cli, receiver->rule->name.ptr, buf_text(&trial.why).ptr);
	http_free(http);
	event_base_free(trial.base);
	message_release(&message);
	voice_release(&voice);
	buf_release(&trial.why);
	buf_release(&event);
	buf_release(&id);
	return status;
}

int alerts_test(const struct cli *cli, const struct kpid_config *config, const char *receiver)
{
	struct config_faults faults = CONFIG_FAULTS_INIT;
	struct receivers *receivers = receivers_load(config->alert.receivers_file, &faults);
	int status = CLI_CONFIG;
	if (receivers == NULL) {
		struct buf text = BUF_INIT;
		config_faults_write(&faults, &text);
		fputs(buf_text(&text).ptr, stderr);
		buf_release(&text);
	} else {
		size_t i = 0;
		while (i < receivers->n && strcmp(receivers->items[i].rule->name.ptr, receiver) != 0)
			i++;
		status = i == receivers->n ? say(cli, receiver, "there is none of that name in [alert] receivers_file")
		                           : tell(cli, config, &receivers->items[i]);
	}
	receivers_free(receivers);
	config_faults_release(&faults);
	return status;
}
