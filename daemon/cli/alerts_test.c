#include "cli/alerts_test.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "adapters/http/http.h"
#include "app/receivers.h"
#include "app/voice.h"
#include "cli/term.h"
#include "kpid/base/clock.h"
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

static int fail(const struct cli *cli, const char *receiver, const char *what)
{
	struct buf line = BUF_INIT;
	term_escape(&line, text_of(what));
	fprintf(stderr, "kpid %s: receiver %s: %s\n", cli->command->name, receiver, buf_text(&line).ptr);
	buf_release(&line);
	return CLI_FAILED;
}

/* Uses an event type of its own, so that no reader takes it for a breach. */
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

static int send_test(const struct cli *cli, const struct kpid_config *config, const struct loaded_receiver *receiver)
{
	struct trial trial = {.rule = receiver->rule, .base = event_base_new(), .why = BUF_INIT};
	struct http *http = http_new(trial.base);
	struct message message;
	struct buf event = BUF_INIT, id = BUF_INIT;
	int64_t now_us = wall_clock_us();
	message_init(&message);
	buf_add_format(&id, "test-%lld", (long long)now_us);
	write_event(&event, buf_text(&id), now_us);
	/* State averted: a receiver that opens incidents closes this one at once. */
	const struct alert_view alert = {
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
	const struct notification notification = {
	        .voice = &voice.words,
	        .receiver = receiver->rule,
	        .url = buf_text(&receiver->url),
	        .secrets = receiver->secrets,
	        .alerts = &alert,
	        .n_alerts = 1,
	        .id = buf_text(&id),
	        .now_us = now_us,
	};
	message_write(&notification, &message);
	receiver_post(receiver, &message, http, on_answer, &trial);
	event_base_dispatch(trial.base);
	int status = CLI_OK;
	if (trial.answer == ANSWER_ACCEPTED)
		printf("%s accepted the test message\n", receiver->rule->name.ptr);
	else
		status = fail(cli, receiver->rule->name.ptr, buf_text(&trial.why).ptr);
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
	struct config_errors errors = CONFIG_ERRORS_INIT;
	struct receivers *receivers = receivers_load(config->alert.receivers_file, &errors);
	int status = CLI_CONFIG;
	if (receivers == NULL) {
		cli_print_errors(&errors);
	} else {
		size_t i = 0;
		while (i < receivers->n && strcmp(receivers->items[i].rule->name.ptr, receiver) != 0)
			i++;
		status = i == receivers->n ? fail(cli, receiver, "[alert] receivers_file has no receiver of this name")
		                           : send_test(cli, config, &receivers->items[i]);
	}
	receivers_free(receivers);
	config_errors_release(&errors);
	return status;
}
