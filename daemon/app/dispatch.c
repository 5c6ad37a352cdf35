#include "app/dispatch.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/http/http.h"
#include "adapters/metrics/counts.h"
#include "adapters/pg/channels.h"
#include "adapters/pg/lease.h"
#include "adapters/pg/rows.h"
#include "adapters/pg/session.h"
#include "adapters/timer.h"
#include "app/voice.h"
#include "kpid/base/clock.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"
#include "kpid/core/message.h"
#include "kpid/core/timestamp.h"

/* SHARES: the number of messages sent side by side to a receiver that takes one alert per message. An alert always
 * belongs to the same share, so its messages stay in order. */
enum { SHARES = 8 };

/* Between polls: while there is work, and at most, in case PostgreSQL's clock is changed. */
#define BUSY_US    INT64_C(200000)
#define LONGEST_US (INT64_C(60) * US_PER_SECOND)

/* A receiver, or a share of its alerts, and the message being sent to it. */
struct notifier {
	struct dispatch *dispatch;
	int32_t share, n_shares;
	const struct loaded_receiver *receiver;
	struct message message;
	struct pg_array alert_ids, revisions, actives; /* of the message being sent */
	int64_t not_before_us;                         /* monotonic: the pause between messages */
	int32_t n_failures;                            /* the maximum over the alerts of the message */
	bool sending;                                  /* a request is running */
	bool busy;                                     /* querying due alerts, sending, or storing the result */
	bool failure_logged;
};

struct dispatch {
	struct event_base *base;
	struct receivers *receivers;
	struct voice voice;
	struct pg_session *session;
	struct lease lease; /* the holder sends */
	struct http *http;
	struct event *timer;
	struct notifier *notifiers;
	size_t n;
	int64_t polled_us;  /* monotonic: the last poll */
	int64_t due_at_us;  /* monotonic: when the next notification is due, as far as known */
	int64_t held_epoch; /* of the lease when it was last polled; 0: never */
	bool waiting;       /* there may be work now */
	bool polling;
	bool hurries, hurried; /* the next poll comes at once; the last one did */
	bool forgets_outbox;   /* without an alert topic, nothing else empties the outbox */
};

static void poll(struct dispatch *dispatch);

static void wake(struct dispatch *dispatch)
{
	dispatch->waiting = true;
	poll(dispatch);
}

/* ---- sending what is due ---- */

static struct alert_view read_alert(const PGresult *result, int row)
{
	return (struct alert_view){
	        .alert_id = pg_get_text(result, row, DELIVERY_DUE_ALERT_ID),
	        .revision = pg_get_int4(result, row, DELIVERY_DUE_REVISION),
	        .ticket_id = pg_get_text(result, row, DELIVERY_DUE_TICKET_ID),
	        .target = pg_get_text(result, row, DELIVERY_DUE_TARGET),
	        .state = pg_get_text(result, row, DELIVERY_DUE_STATE),
	        .cause = pg_get_text(result, row, DELIVERY_DUE_CAUSE),
	        .owner_id = pg_get_text(result, row, DELIVERY_DUE_OWNER_AT_BREACH),
	        .project_id = pg_get_text(result, row, DELIVERY_DUE_PROJECT_ID),
	        .policy = pg_get_text(result, row, DELIVERY_DUE_POLICY),
	        .policy_version = pg_get_text(result, row, DELIVERY_DUE_POLICY_VERSION),
	        .cloudevent = pg_get_text(result, row, DELIVERY_DUE_CLOUDEVENT),
	        .n = pg_get_int4(result, row, DELIVERY_DUE_N),
	        .level = pg_get_int4(result, row, DELIVERY_DUE_LEVEL),
	        .n_warnings = pg_get_int4(result, row, DELIVERY_DUE_N_WARNINGS),
	        .due_us = pg_get_time(result, row, DELIVERY_DUE_DUE_AT),
	        .breached_us = pg_get_time(result, row, DELIVERY_DUE_BREACHED_AT),
	        .warned_us = pg_get_time(result, row, DELIVERY_DUE_WARNED_AT),
	        .detected_us = pg_get_time(result, row, DELIVERY_DUE_DETECTED_AT),
	        .resolved_us = pg_get_time(result, row, DELIVERY_DUE_RESOLVED_AT),
	        .unconfirmed = pg_get_bool(result, row, DELIVERY_DUE_UNCONFIRMED),
	};
}

static void on_stored(void *context, PGresult *result);

static struct pg_param number_param(int64_t value, bool there, char buffer[8])
{
	return there ? pg_param_int8(value, buffer) : (struct pg_param){NULL, 0, true};
}

static void store_result(struct notifier *notifier, enum answer answer, const char *why)
{
	struct dispatch *dispatch = notifier->dispatch;
	char wait[8], again[8], gone[1];
	if (!pg_session_is_ready(dispatch->session)) {
		notifier->busy = false; /* it will be sent again */
		return;
	}
	int64_t backoff_us = receiver_backoff_us(notifier->n_failures + 1, (double)random() / (double)RAND_MAX);
	int64_t resend_us = receiver_resend_us(notifier->receiver->rule);
	struct pg_param params[DELIVERY_DONE_N_PARAMS] = {
	        [DELIVERY_DONE_PARAM_RECEIVER] = pg_param_text(notifier->receiver->rule->name),
	        [DELIVERY_DONE_PARAM_ALERT_IDS] = pg_array_param(&notifier->alert_ids),
	        [DELIVERY_DONE_PARAM_REVISIONS] = pg_array_param(&notifier->revisions),
	        [DELIVERY_DONE_PARAM_ERROR] = pg_param_text(answer == ANSWER_ACCEPTED ? TEXT_ABSENT : text_of(why)),
	        [DELIVERY_DONE_PARAM_RETRY_US] = pg_param_int8(backoff_us, wait),
	        [DELIVERY_DONE_PARAM_GONE] = pg_param_bool(answer == ANSWER_GONE, gone),
	        [DELIVERY_DONE_PARAM_REPEAT_US] = number_param(resend_us, resend_us > 0, again),
	        [DELIVERY_DONE_PARAM_LASTS] = pg_array_param(&notifier->actives),
	};
	lease_fence(&dispatch->lease);
	pg_session_query(dispatch->session, "queries/delivery_done.sql", params, DELIVERY_DONE_N_PARAMS, NULL, NULL);
	pg_session_sync(dispatch->session, on_stored, notifier);
}

static void log_answer(struct notifier *notifier, enum answer answer, const char *why)
{
	const char *name = notifier->receiver->rule->name.ptr;
	if (answer == ANSWER_ACCEPTED) {
		if (notifier->failure_logged)
			log_info("receiver %s accepts alerts again", name);
		notifier->failure_logged = false;
	} else if (!notifier->failure_logged || answer == ANSWER_GONE) {
		log_error("receiver %s: %s; %s", name, why,
		          answer == ANSWER_GONE ? "it is gone, and these alerts are dropped"
		                                : "retrying until it accepts them");
		notifier->failure_logged = true;
	}
}

static void on_answer(void *context, long status, struct text body, const char *error)
{
	struct notifier *notifier = context;
	struct buf why = BUF_INIT;
	notifier->sending = false;
	enum answer answer = message_answer(notifier->receiver->rule, status, body, &why);
	if (error != NULL)
		buf_add_format(&why, ": %s", error);
	notifier->not_before_us = monotonic_clock_us() + notifier->receiver->rule->pause_us;
	counts_receiver(notifier->receiver->rule->name.ptr)->answers[answer]++;
	log_answer(notifier, answer, buf_text(&why).ptr);
	store_result(notifier, answer, buf_text(&why).ptr);
	buf_release(&why);
}

static void send_message(struct notifier *notifier)
{
	notifier->sending = true;
	receiver_post(notifier->receiver, &notifier->message, notifier->dispatch->http, on_answer, notifier);
}

static void on_due(void *context, PGresult *result)
{
	struct notifier *notifier = context;
	const struct receiver *rule = notifier->receiver->rule;
	/* The lease may have ended meanwhile, as after a freeze: then another instance sends these. */
	if (!pg_result_ok(result) || PQntuples(result) == 0 || !lease_is_held(&notifier->dispatch->lease)) {
		notifier->busy = false;
		wake(notifier->dispatch); /* the next one may be due later */
		return;
	}
	int n = receiver_group_size(rule, PQntuples(result));
	struct alert_view *alerts = mem_alloc((size_t)n * sizeof(*alerts));
	struct buf id = BUF_INIT;
	pg_array_start(&notifier->alert_ids, PG_OID_TEXT);
	pg_array_start(&notifier->revisions, PG_OID_INT4);
	pg_array_start(&notifier->actives, PG_OID_BOOL);
	notifier->n_failures = 0;
	for (int row = 0; row < n; row++) {
		int32_t n_failures = pg_get_int4(result, row, DELIVERY_DUE_ATTEMPTS);
		alerts[row] = read_alert(result, row);
		pg_array_text(&notifier->alert_ids, alerts[row].alert_id);
		pg_array_int4(&notifier->revisions, alerts[row].revision);
		pg_array_bool(&notifier->actives, !alert_view_is_over(&alerts[row]));
		notifier->n_failures = n_failures > notifier->n_failures ? n_failures : notifier->n_failures;
	}
	buf_add_text(&id, alerts[0].alert_id);
	buf_add_format(&id, "/%d", (int)alerts[0].revision);
	if (n > 1)
		buf_add_format(&id, "+%d", n - 1);
	const struct notification notification = {
	        .voice = &notifier->dispatch->voice.words,
	        .receiver = rule,
	        .url = buf_text(&notifier->receiver->url),
	        .secrets = notifier->receiver->secrets,
	        .alerts = alerts,
	        .n_alerts = (size_t)n,
	        .id = buf_text(&id),
	        .now_us = wall_clock_us(),
	};
	message_write(&notification, &notifier->message);
	buf_release(&id);
	free(alerts);
	send_message(notifier);
}

/* ---- routing ---- */

static bool is_opening(struct text state)
{
	return text_equal(state, TEXT("warning")) || text_equal(state, TEXT("breached"));
}

static void on_routed(void *context, PGresult *result)
{
	struct dispatch *dispatch = context;
	/* They are due, so the next poll comes at once. The one after it does not, whatever is routed meanwhile. */
	dispatch->hurries = pg_result_ok(result) && dispatch->n > 0 && !dispatch->hurried;
}

static void on_routed_end(void *context, PGresult *result)
{
	(void)result;
	wake(context);
}

/* Queues each changed alert for the receivers that want it, or that got an earlier revision of it. */
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
		struct text alert_id = pg_get_text(result, row, DISPATCH_READ_ALERT_ID),
		            state = pg_get_text(result, row, DISPATCH_READ_STATE);
		int32_t revision = pg_get_int4(result, row, DISPATCH_READ_REVISION);
		struct alert_route route = {
		        .project_id = pg_get_text(result, row, DISPATCH_READ_PROJECT_ID),
		        .team_id = pg_get_text(result, row, DISPATCH_READ_TEAM_ID),
		        .target = pg_get_text(result, row, DISPATCH_READ_TARGET),
		        .warning = text_equal(state, TEXT("warning")),
		        .level = pg_get_int4(result, row, DISPATCH_READ_LEVEL),
		};
		for (size_t i = 0; i < dispatch->n; i++) {
			const struct receiver *rule = dispatch->notifiers[i].receiver->rule;
			if (dispatch->notifiers[i].share != 0)
				continue;
			pg_array_text(&names, rule->name);
			pg_array_text(&ids, alert_id);
			pg_array_int4(&revisions, revision);
			pg_array_bool(&opens, is_opening(state) && receiver_wants(rule, &route));
		}
		pg_array_text(&done_ids, alert_id);
		pg_array_int4(&done_revisions, pg_get_int4(result, row, DISPATCH_READ_NOTIFIED_REVISION));
	}
	struct pg_param put[DISPATCH_PUT_N_PARAMS] = {
	        [DISPATCH_PUT_PARAM_RECEIVERS] = pg_array_param(&names),
	        [DISPATCH_PUT_PARAM_ALERT_IDS] = pg_array_param(&ids),
	        [DISPATCH_PUT_PARAM_REVISIONS] = pg_array_param(&revisions),
	        [DISPATCH_PUT_PARAM_OPENS] = pg_array_param(&opens),
	};
	struct pg_param done[DISPATCH_DONE_N_PARAMS] = {
	        [DISPATCH_DONE_PARAM_ALERT_IDS] = pg_array_param(&done_ids),
	        [DISPATCH_DONE_PARAM_REVISIONS] = pg_array_param(&done_revisions),
	};
	lease_fence(&dispatch->lease);
	pg_session_query(dispatch->session, "queries/dispatch_put.sql", put, DISPATCH_PUT_N_PARAMS, NULL, NULL);
	pg_session_query(dispatch->session, "queries/dispatch_done.sql", done, DISPATCH_DONE_N_PARAMS, on_routed,
	                 dispatch);
	pg_session_sync(dispatch->session, on_routed_end, dispatch);
	struct pg_array *const arrays[] = {&names, &ids, &revisions, &opens, &done_ids, &done_revisions};
	for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
		pg_array_release(arrays[i]);
}

/* ---- polling ---- */

static void query_due(struct notifier *notifier)
{
	char most[8], share[8], n_shares[8];
	const struct receiver *rule = notifier->receiver->rule;
	struct pg_param params[DELIVERY_DUE_N_PARAMS] = {
	        [DELIVERY_DUE_PARAM_RECEIVER] = pg_param_text(rule->name),
	        [DELIVERY_DUE_PARAM_LIMIT] = pg_param_int8(receiver_max_due(rule), most),
	        [DELIVERY_DUE_PARAM_SHARE] = pg_param_int8(notifier->share, share),
	        [DELIVERY_DUE_PARAM_N_SHARES] = pg_param_int8(notifier->n_shares, n_shares),
	};
	notifier->busy = true;
	pg_session_query(notifier->dispatch->session, "queries/delivery_due.sql", params, DELIVERY_DUE_N_PARAMS, on_due,
	                 notifier);
}

static void query_due_of(struct dispatch *dispatch, struct text receiver)
{
	for (size_t i = 0; i < dispatch->n; i++) {
		struct notifier *notifier = &dispatch->notifiers[i];
		if (text_same(notifier->receiver->rule->name, receiver) && !notifier->busy &&
		    monotonic_clock_us() >= notifier->not_before_us)
			query_due(notifier);
	}
}

static void on_pending(void *context, PGresult *result)
{
	struct dispatch *dispatch = context;
	dispatch->waiting |= !pg_result_ok(result);
	if (!pg_result_ok(result) || PQntuples(result) == 0)
		return;
	for (int row = 0; row < PQntuples(result); row++) {
		int64_t in_us = pg_get_int8(result, row, DELIVERY_PENDING_IN_US), at_us = monotonic_clock_us() + in_us;
		if (in_us > 0) {
			dispatch->due_at_us = at_us < dispatch->due_at_us ? at_us : dispatch->due_at_us;
			continue;
		}
		dispatch->waiting = true;
		query_due_of(dispatch, pg_get_text(result, row, DELIVERY_PENDING_RECEIVER));
	}
	pg_session_sync(dispatch->session, NULL, NULL);
}

static void query_pending(struct dispatch *dispatch)
{
	struct pg_array names = {.n = 0};
	pg_array_start(&names, PG_OID_TEXT);
	for (size_t i = 0; i < dispatch->n; i++)
		if (dispatch->notifiers[i].share == 0)
			pg_array_text(&names, dispatch->notifiers[i].receiver->rule->name);
	struct pg_param param = pg_array_param(&names);
	pg_session_query(dispatch->session, "queries/delivery_pending.sql", &param, 1, on_pending, dispatch);
	pg_array_release(&names);
}

static void on_sync(void *context, PGresult *result)
{
	struct dispatch *dispatch = context;
	(void)result;
	dispatch->polling = false;
	poll(dispatch);
}

/* In a transaction of its own. */
static void forget_outbox(struct dispatch *dispatch)
{
	pg_session_sync(dispatch->session, NULL, NULL);
	pg_session_query(dispatch->session, "queries/outbox_forget.sql", NULL, 0, NULL, NULL);
}

static void query_work(struct dispatch *dispatch)
{
	dispatch->polling = true;
	dispatch->waiting = false;
	dispatch->hurried = dispatch->hurries;
	dispatch->hurries = false;
	dispatch->polled_us = monotonic_clock_us();
	dispatch->due_at_us = dispatch->polled_us + LONGEST_US;
	dispatch->held_epoch = dispatch->lease.epoch;
	pg_session_query(dispatch->session, "queries/dispatch_read.sql", NULL, 0, on_changed, dispatch);
	query_pending(dispatch);
	if (dispatch->forgets_outbox)
		forget_outbox(dispatch);
	pg_session_sync(dispatch->session, on_sync, dispatch);
}

/* When the holder should look for work, on the monotonic clock. */
static int64_t next_poll_us(const struct dispatch *dispatch)
{
	int64_t again_us = dispatch->polled_us + (dispatch->hurries ? 0 : BUSY_US);
	return dispatch->waiting || dispatch->due_at_us < again_us ? again_us : dispatch->due_at_us;
}

static void poll(struct dispatch *dispatch)
{
	if (!pg_session_is_ready(dispatch->session))
		return;
	bool looks = lease_look(&dispatch->lease, dispatch->waiting), held = lease_is_held(&dispatch->lease);
	if (!held)
		dispatch->waiting &= !looks; /* on_looked() sets it again */
	else if (!dispatch->polling && monotonic_clock_us() >= next_poll_us(dispatch))
		query_work(dispatch);
	int64_t wait_us = lease_wait_us(&dispatch->lease, dispatch->waiting);
	int64_t poll_wait_us = next_poll_us(dispatch) - monotonic_clock_us();
	if (held && !dispatch->polling && poll_wait_us < wait_us)
		wait_us = poll_wait_us;
	timer_start(dispatch->timer, wait_us);
}

static void on_looked(void *context)
{
	struct dispatch *dispatch = context;
	bool is_new = lease_is_held(&dispatch->lease) && dispatch->lease.epoch != dispatch->held_epoch;
	dispatch->waiting |= dispatch->lease.waits || is_new;
	poll(dispatch);
}

static void on_notified(void *context)
{
	wake(context);
}

/* Queries for more at once, unless the receiver needs a pause. */
static void on_stored(void *context, PGresult *result)
{
	struct notifier *notifier = context;
	(void)result;
	notifier->busy = false;
	if (monotonic_clock_us() < notifier->not_before_us || !lease_is_held(&notifier->dispatch->lease))
		return;
	query_due(notifier);
	pg_session_sync(notifier->dispatch->session, NULL, NULL);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	poll(context);
}

/* ---- life ---- */

static void on_ready(void *context)
{
	wake(context);
}

/* Aborts running requests. The next holder sends the same messages again, under the same ids. */
static void on_lease_lost(void *context)
{
	struct dispatch *dispatch = context;
	http_free(dispatch->http);
	dispatch->http = http_new(dispatch->base);
	for (size_t i = 0; i < dispatch->n; i++) {
		struct notifier *notifier = &dispatch->notifiers[i];
		notifier->busy = notifier->busy && !notifier->sending;
		notifier->sending = false;
	}
}

static void on_lost(void *context, const char *reason)
{
	struct dispatch *dispatch = context;
	(void)reason;
	dispatch->polling = false;
	dispatch->held_epoch = 0;
	evtimer_del(dispatch->timer);
	lease_forget(&dispatch->lease);
	on_lease_lost(dispatch);
	for (size_t i = 0; i < dispatch->n; i++)
		dispatch->notifiers[i].busy = false;
}

static void add_notifiers(struct dispatch *dispatch, const struct loaded_receiver *receiver)
{
	bool one_by_one = receiver_sends_singly(receiver->rule) && receiver->rule->pause_us == 0;
	int32_t n_shares = one_by_one ? SHARES : 1;
	counts_receiver(receiver->rule->name.ptr); /* so that its zeros are shown */
	for (int32_t share = 0; share < n_shares; share++) {
		struct notifier *notifier = &dispatch->notifiers[dispatch->n++];
		notifier->dispatch = dispatch;
		notifier->receiver = receiver;
		notifier->share = share;
		notifier->n_shares = n_shares;
		message_init(&notifier->message);
	}
}

struct dispatch *dispatch_new(struct event_base *base, const struct kpid_config *config, struct receivers *receivers)
{
	struct dispatch *dispatch = mem_zalloc(sizeof(*dispatch));
	dispatch->base = base;
	dispatch->receivers = receivers;
	voice_init(&dispatch->voice, config);
	dispatch->forgets_outbox = config->alert.topic == NULL;
	dispatch->notifiers = mem_zalloc((SHARES * receivers->n + 1) * sizeof(*dispatch->notifiers));
	for (size_t i = 0; i < receivers->n; i++)
		add_notifiers(dispatch, &receivers->items[i]);
	dispatch->http = http_new(base);
	dispatch->session = pg_session_new(base, &config->postgres, "dispatch",
	                                   &(struct pg_session_events){on_ready, on_lost, dispatch});
	pg_session_listen(dispatch->session, CHANNEL_ALERT, on_notified);
	lease_init(&dispatch->lease, dispatch->session, config->run.instance,
	           &(struct lease_task){.name = "receivers",
	                                .what = "alerts for receivers",
	                                .oldest_query = "queries/dispatch_oldest.sql",
	                                .looked = on_looked,
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
		struct notifier *notifier = &dispatch->notifiers[i];
		message_release(&notifier->message);
		pg_array_release(&notifier->alert_ids);
		pg_array_release(&notifier->revisions);
		pg_array_release(&notifier->actives);
	}
	free(dispatch->notifiers);
	receivers_free(dispatch->receivers);
	voice_release(&dispatch->voice);
	free(dispatch);
}

void dispatch_set_voice(struct dispatch *dispatch, const struct kpid_config *config)
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
}

const struct pg_session *dispatch_session(const struct dispatch *dispatch)
{
	return dispatch->session;
}

void dispatch_describe_delay(const struct dispatch *dispatch, struct buf *out)
{
	lease_describe_delay(&dispatch->lease, out);
}
