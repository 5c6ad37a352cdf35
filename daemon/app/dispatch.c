#include "app/dispatch.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/http/http.h"
#include "adapters/pg/lease.h"
#include "adapters/pg/rows.h"
#include "adapters/pg/session.h"
#include "app/lane.h"
#include "app/voice.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"
#include "kpid/core/message.h"

/* SHARES: who takes one alert a message is told so many side by side, each alert always by the same one. */
enum { LOOK_MS = 200, MOST_AT_ONCE = 10000, SHARES = 8 };

/* A receiver that forgets what lasts is told again so often; see ALERTMANAGER_LASTS_US. */
#define SAY_AGAIN_US (INT64_C(60) * US_PER_SECOND)

/* One receiver, or a share of its alerts, and what it is being told. */
struct teller {
	struct dispatch *dispatch;
	int32_t share, n_shares;
	const struct loaded_receiver *receiver;
	struct message message;
	struct pg_array alert_ids, revisions, lasts; /* of the message under way */
	int64_t not_before_us;                       /* monotonic: its pause between messages */
	int32_t n_failures;                          /* the most of any alert of the message */
	bool sending;                                /* a request is under way */
	bool busy;                                   /* asking what is due, telling, or writing down how it went */
	bool said_failing;
};

struct dispatch {
	struct event_base *base;
	struct receivers *receivers;
	struct voice voice;
	struct pg_session *session;
	struct lease lease; /* who holds it sends */
	struct http *http;
	struct event *timer;
	struct teller *tellers;
	size_t n;
	bool asking;
	bool forgets_outbox; /* there is no topic, and so nobody else to take messages out */
};

/* ---- what is due ---- */

static struct told_alert alert_of(const PGresult *result, int row)
{
	return (struct told_alert){
	        .alert_id = pg_get_text(result, row, 0),
	        .revision = pg_get_int4(result, row, 1),
	        .ticket_id = pg_get_text(result, row, 2),
	        .target = pg_get_text(result, row, 3),
	        .state = pg_get_text(result, row, 4),
	        .cause = pg_get_text(result, row, 5),
	        .owner_id = pg_get_text(result, row, 6),
	        .project_id = pg_get_text(result, row, 7),
	        .policy = pg_get_text(result, row, 8),
	        .policy_version = pg_get_text(result, row, 9),
	        .cloudevent = pg_get_text(result, row, 10),
	        .n = pg_get_int4(result, row, 11),
	        .level = pg_get_int4(result, row, 12),
	        .n_warnings = pg_get_int4(result, row, 13),
	        .due_us = pg_get_time(result, row, 14),
	        .breached_us = pg_get_time(result, row, 15),
	        .warned_us = pg_get_time(result, row, 16),
	        .detected_us = pg_get_time(result, row, 17),
	        .resolved_us = pg_get_time(result, row, 18),
	        .unconfirmed = pg_get_bool(result, row, 19),
	};
}

static void on_written_end(void *context, PGresult *result);

static struct pg_param number_param(int64_t value, bool there, char buffer[8])
{
	return there ? pg_param_int8(value, buffer) : (struct pg_param){NULL, 0, true};
}

static void write_down(struct teller *teller, enum answer answer, const char *why)
{
	struct dispatch *dispatch = teller->dispatch;
	char wait[8], again[8], gone = answer == ANSWER_NEVER ? 1 : 0;
	if (!pg_session_is_ready(dispatch->session)) {
		teller->busy = false; /* it will be told again */
		return;
	}
	int64_t backoff_us = receiver_backoff_us(teller->n_failures + 1, (double)random() / (double)RAND_MAX);
	bool forgets = teller->receiver->rule->type == RECEIVER_ALERTMANAGER;
	struct pg_param params[8] = {
	        pg_param_text(teller->receiver->rule->name),
	        pg_array_param(&teller->alert_ids),
	        pg_array_param(&teller->revisions),
	        pg_param_text(answer == ANSWER_OK ? TEXT_ABSENT : text_of(why)),
	        pg_param_int8(backoff_us, wait),
	        {&gone, 1, true},
	        number_param(SAY_AGAIN_US, forgets, again),
	        pg_array_param(&teller->lasts),
	};
	lease_fence(&dispatch->lease);
	pg_session_query(dispatch->session, "queries/delivery_done.sql", params, 8, NULL, NULL);
	pg_session_sync(dispatch->session, on_written_end, teller);
}

static void log_answer(struct teller *teller, enum answer answer, const char *why)
{
	const char *name = teller->receiver->rule->name.ptr;
	if (answer == ANSWER_OK) {
		if (teller->said_failing)
			log_info("receiver %s takes alerts again", name);
		teller->said_failing = false;
	} else if (!teller->said_failing || answer == ANSWER_NEVER) {
		log_error("receiver %s: %s; %s", name, why,
		          answer == ANSWER_NEVER ? "it is gone, and is not told of that any more"
		                                 : "trying again until it is told");
		teller->said_failing = true;
	}
}

static void on_answer(void *context, long status, struct text body, const char *error)
{
	struct teller *teller = context;
	struct buf why = BUF_INIT;
	teller->sending = false;
	enum answer answer = message_answer(teller->receiver->rule, status, body, &why);
	if (error != NULL)
		buf_add_format(&why, ": %s", error);
	teller->not_before_us = monotonic_clock_us() + teller->receiver->rule->pause_us;
	log_answer(teller, answer, buf_text(&why).ptr);
	write_down(teller, answer, buf_text(&why).ptr);
	buf_release(&why);
}

static void send_message(struct teller *teller)
{
	const char *headers[MESSAGE_MAX_HEADERS];
	for (size_t i = 0; i < teller->message.n_headers; i++)
		headers[i] = teller->message.headers[i].text;
	struct http_request request = {
	        .url = buf_text(&teller->message.url).ptr,
	        .headers = headers,
	        .n_headers = teller->message.n_headers,
	        .body = buf_text(&teller->message.body),
	        .timeout_us = teller->receiver->rule->timeout_us,
	        .ca_file = teller->receiver->ca_file.len_bytes == 0 ? NULL : teller->receiver->ca_file.data,
	};
	teller->sending = true;
	http_post(teller->dispatch->http, &request, on_answer, teller);
}

/* How many of those that are due go into one message. */
static int group_of(const struct receiver *rule, int n_due)
{
	if (rule->type == RECEIVER_ALERTMANAGER)
		return n_due;
	return rule->group_at_least > 0 && n_due >= rule->group_at_least ? n_due : 1;
}

static void on_due(void *context, PGresult *result)
{
	struct teller *teller = context;
	const struct receiver *rule = teller->receiver->rule;
	/* By now the lease may have ended: who was frozen meanwhile sends nothing of what was due. */
	if (!pg_result_ok(result) || PQntuples(result) == 0 || !lease_is_held(&teller->dispatch->lease)) {
		teller->busy = false;
		return;
	}
	int n = group_of(rule, PQntuples(result));
	struct told_alert *alerts = mem_alloc((size_t)n * sizeof(*alerts));
	struct buf id = BUF_INIT;
	pg_array_start(&teller->alert_ids, PG_OID_TEXT);
	pg_array_start(&teller->revisions, PG_OID_INT4);
	pg_array_start(&teller->lasts, PG_OID_BOOL);
	teller->n_failures = 0;
	for (int row = 0; row < n; row++) {
		int32_t n_failures = pg_get_int4(result, row, 20);
		alerts[row] = alert_of(result, row);
		pg_array_text(&teller->alert_ids, alerts[row].alert_id);
		pg_array_int4(&teller->revisions, alerts[row].revision);
		pg_array_bool(&teller->lasts, !told_alert_is_over(&alerts[row]));
		teller->n_failures = n_failures > teller->n_failures ? n_failures : teller->n_failures;
	}
	buf_add_text(&id, alerts[0].alert_id);
	buf_add_format(&id, "/%d", (int)alerts[0].revision);
	if (n > 1)
		buf_add_format(&id, "+%d", n - 1);
	message_write(&teller->dispatch->voice.words, rule, buf_text(&teller->receiver->url), teller->receiver->secrets,
	              alerts, (size_t)n, buf_text(&id), wall_clock_us(), &teller->message);
	buf_release(&id);
	free(alerts);
	send_message(teller);
}

/* ---- who is to be told ---- */

static bool is_opening(struct text state)
{
	return text_equal(state, TEXT("warning")) || text_equal(state, TEXT("breached"));
}

/* Each alert that has changed, to each receiver that wants it or was told of it before. */
static void on_changed(void *context, PGresult *result)
{
	struct dispatch *dispatch = context;
	struct pg_array names = {.n = 0}, ids = {.n = 0}, revisions = {.n = 0}, opens = {.n = 0};
	struct pg_array done_ids = {.n = 0}, done_revisions = {.n = 0};
	if (!pg_result_ok(result) || PQntuples(result) == 0)
		return;
	pg_array_start(&names, PG_OID_TEXT);
	pg_array_start(&ids, PG_OID_TEXT);
	pg_array_start(&revisions, PG_OID_INT4);
	pg_array_start(&opens, PG_OID_BOOL);
	pg_array_start(&done_ids, PG_OID_TEXT);
	pg_array_start(&done_revisions, PG_OID_INT4);
	for (int row = 0; row < PQntuples(result); row++) {
		struct text alert_id = pg_get_text(result, row, 0), state = pg_get_text(result, row, 2);
		int32_t revision = pg_get_int4(result, row, 1);
		struct alert_route route = {
		        .project_id = pg_get_text(result, row, 5),
		        .team_id = pg_get_text(result, row, 6),
		        .target = pg_get_text(result, row, 4),
		        .warning = text_equal(state, TEXT("warning")),
		        .level = pg_get_int4(result, row, 3),
		};
		for (size_t i = 0; i < dispatch->n; i++) {
			const struct receiver *rule = dispatch->tellers[i].receiver->rule;
			if (dispatch->tellers[i].share != 0)
				continue;
			pg_array_text(&names, rule->name);
			pg_array_text(&ids, alert_id);
			pg_array_int4(&revisions, revision);
			pg_array_bool(&opens, is_opening(state) && receiver_wants(rule, &route));
		}
		pg_array_text(&done_ids, alert_id);
		pg_array_int4(&done_revisions, pg_get_int4(result, row, 7));
	}
	struct pg_param put[] = {pg_array_param(&names), pg_array_param(&ids), pg_array_param(&revisions),
	                         pg_array_param(&opens)};
	struct pg_param done[] = {pg_array_param(&done_ids), pg_array_param(&done_revisions)};
	lease_fence(&dispatch->lease);
	pg_session_query(dispatch->session, "queries/dispatch_put.sql", put, 4, NULL, NULL);
	pg_session_query(dispatch->session, "queries/dispatch_done.sql", done, 2, NULL, NULL);
	pg_session_sync(dispatch->session, NULL, NULL);
	struct pg_array *const arrays[] = {&names, &ids, &revisions, &opens, &done_ids, &done_revisions};
	for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
		pg_array_release(arrays[i]);
}

/* ---- looking ---- */

static void ask_due(struct teller *teller)
{
	char most[8], share[8], n_shares[8];
	const struct receiver *rule = teller->receiver->rule;
	int64_t limit = rule->group_at_least == 0             ? 1
	                : rule->type == RECEIVER_ALERTMANAGER ? rule->group_at_least
	                                                      : MOST_AT_ONCE;
	struct pg_param params[4] = {pg_param_text(rule->name), pg_param_int8(limit, most),
	                             pg_param_int8(teller->share, share), pg_param_int8(teller->n_shares, n_shares)};
	teller->busy = true;
	pg_session_query(teller->dispatch->session, "queries/delivery_due.sql", params, 4, on_due, teller);
}

static void on_pending(void *context, PGresult *result)
{
	struct dispatch *dispatch = context;
	if (!pg_result_ok(result) || PQntuples(result) == 0)
		return;
	for (int row = 0; row < PQntuples(result); row++) {
		struct text name = pg_get_text(result, row, 0);
		for (size_t i = 0; i < dispatch->n; i++) {
			struct teller *teller = &dispatch->tellers[i];
			if (text_same(teller->receiver->rule->name, name) && !teller->busy &&
			    monotonic_clock_us() >= teller->not_before_us)
				ask_due(teller);
		}
	}
	pg_session_sync(dispatch->session, NULL, NULL);
}

static void ask_pending(struct dispatch *dispatch)
{
	struct pg_array names = {.n = 0};
	pg_array_start(&names, PG_OID_TEXT);
	for (size_t i = 0; i < dispatch->n; i++)
		if (dispatch->tellers[i].share == 0)
			pg_array_text(&names, dispatch->tellers[i].receiver->rule->name);
	struct pg_param param = pg_array_param(&names);
	pg_session_query(dispatch->session, "queries/delivery_pending.sql", &param, 1, on_pending, dispatch);
	pg_array_release(&names);
}

static void on_sync(void *context, PGresult *result)
{
	(void)result;
	((struct dispatch *)context)->asking = false;
}

/* In a transaction of its own. */
static void forget_outbox(struct dispatch *dispatch)
{
	pg_session_sync(dispatch->session, NULL, NULL);
	pg_session_query(dispatch->session, "queries/outbox_forget.sql", NULL, 0, NULL, NULL);
}

static void look(struct dispatch *dispatch)
{
	if (dispatch->asking || !pg_session_is_ready(dispatch->session))
		return;
	lease_look(&dispatch->lease);
	if (!lease_is_held(&dispatch->lease))
		return;
	dispatch->asking = true;
	pg_session_query(dispatch->session, "queries/dispatch_read.sql", NULL, 0, on_changed, dispatch);
	ask_pending(dispatch);
	if (dispatch->forgets_outbox)
		forget_outbox(dispatch);
	pg_session_sync(dispatch->session, on_sync, dispatch);
}

/* There may be more for it: at once, unless it wants a pause. */
static void on_written_end(void *context, PGresult *result)
{
	struct teller *teller = context;
	(void)result;
	teller->busy = false;
	if (monotonic_clock_us() < teller->not_before_us || !lease_is_held(&teller->dispatch->lease))
		return;
	ask_due(teller);
	pg_session_sync(teller->dispatch->session, NULL, NULL);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	static const struct timeval pause = {0, LOOK_MS * 1000};
	struct dispatch *dispatch = context;
	(void)fd, (void)what;
	evtimer_add(dispatch->timer, &pause);
	look(dispatch);
}

/* ---- life ---- */

static void on_ready(void *context)
{
	look(context);
}

/* Requests under way are broken off: whoever sends next sends that again, under the same ids. */
static void on_lease_lost(void *context)
{
	struct dispatch *dispatch = context;
	http_free(dispatch->http);
	dispatch->http = http_new(dispatch->base);
	for (size_t i = 0; i < dispatch->n; i++) {
		struct teller *teller = &dispatch->tellers[i];
		teller->busy = teller->busy && !teller->sending;
		teller->sending = false;
	}
}

static void on_lost(void *context, const char *reason)
{
	struct dispatch *dispatch = context;
	(void)reason;
	dispatch->asking = false;
	lease_forget(&dispatch->lease);
	on_lease_lost(dispatch);
	for (size_t i = 0; i < dispatch->n; i++)
		dispatch->tellers[i].busy = false;
}

static void add_tellers(struct dispatch *dispatch, const struct loaded_receiver *receiver)
{
	bool one_by_one = receiver->rule->group_at_least == 0 && receiver->rule->pause_us == 0;
	int32_t n_shares = one_by_one ? SHARES : 1;
	for (int32_t share = 0; share < n_shares; share++) {
		struct teller *teller = &dispatch->tellers[dispatch->n++];
		teller->dispatch = dispatch;
		teller->receiver = receiver;
		teller->share = share;
		teller->n_shares = n_shares;
		message_init(&teller->message);
	}
}

struct dispatch *dispatch_new(struct event_base *base, const struct kpid_config *config, struct receivers *receivers)
{
	struct dispatch *dispatch = mem_zalloc(sizeof(*dispatch));
	dispatch->base = base;
	dispatch->receivers = receivers;
	voice_init(&dispatch->voice, config);
	dispatch->forgets_outbox = config->alert.topic == NULL;
	dispatch->tellers = mem_zalloc((SHARES * receivers->n + 1) * sizeof(*dispatch->tellers));
	for (size_t i = 0; i < receivers->n; i++)
		add_tellers(dispatch, &receivers->items[i]);
	dispatch->http = http_new(base);
	dispatch->session = pg_session_new(base, &config->postgres, "dispatch",
	                                   &(struct pg_session_events){on_ready, on_lost, dispatch});
	lease_init(&dispatch->lease, dispatch->session, config->run.instance,
	           &(struct lease_task){.name = "receivers",
	                                .what = "alerts for receivers",
	                                .late_query = "queries/dispatch_late.sql",
	                                .lost = on_lease_lost,
	                                .context = dispatch});
	dispatch->timer = evtimer_new(base, on_timer, dispatch);
	return dispatch;
}

void dispatch_free(struct dispatch *dispatch)
{
	if (dispatch == NULL)
		return;
	http_free(dispatch->http);
	pg_session_free(dispatch->session);
	lease_release(&dispatch->lease);
	event_free(dispatch->timer);
	for (size_t i = 0; i < dispatch->n; i++) {
		struct teller *teller = &dispatch->tellers[i];
		message_release(&teller->message);
		pg_array_release(&teller->alert_ids);
		pg_array_release(&teller->revisions);
		pg_array_release(&teller->lasts);
	}
	free(dispatch->tellers);
	receivers_free(dispatch->receivers);
	voice_release(&dispatch->voice);
	free(dispatch);
}

void dispatch_speak(struct dispatch *dispatch, const struct kpid_config *config)
{
	voice_release(&dispatch->voice);
	voice_init(&dispatch->voice, config);
}

const struct receivers *dispatch_receivers(const struct dispatch *dispatch)
{
	return dispatch->receivers;
}

void dispatch_start(struct dispatch *dispatch)
{
	pg_session_start(dispatch->session);
	on_timer(-1, 0, dispatch);
}
