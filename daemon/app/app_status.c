#include "app/app_status.h"

#include "app/app.h"
#include "app/notify.h"

/* SQL_TRANSIENT: none. */
static enum sql_error lanes_refusal(const struct app *app)
{
	for (int i = 0; i < app->n_lanes; i++)
		if (lane_refusal(app->lanes[i]) != SQL_TRANSIENT)
			return lane_refusal(app->lanes[i]);
	return SQL_TRANSIENT;
}

static void describe_running(const struct app *app, struct buf *out)
{
	struct buf problems = BUF_INIT;
	const char *waits_for = NULL;
	if (app->feeder.status != NULL)
		waits_for = app->feeder.status(app->feeder.context, &problems);
	enum sql_error refusal = lanes_refusal(app);
	if (refusal != SQL_TRANSIENT)
		buf_add_format(out, "not writing, because PostgreSQL refuses it (%s): see the log",
		               sql_error_name(refusal));
	else if (waits_for != NULL)
		buf_add_format(out, "waiting for %s", waits_for);
	else if (app->backlog_report.words.len_bytes > 0)
		buf_add_text(out, buf_text(&app->backlog_report.words));
	else
		buf_add_str(out, "running");
	session_watch_describe(&app->watch, out);
	buf_add_text(out, buf_text(&problems));
	if (app->n_refused > 0)
		buf_add_format(out, "; PostgreSQL refuses %lld tickets, which are set aside: see kpid doctor",
		               (long long)app->n_refused);
	buf_release(&problems);
}

static void describe(const struct app *app, struct buf *out)
{
	if (app->unusable.len_bytes > 0)
		buf_add_format(out, "PostgreSQL cannot be used: %s", app->unusable.data);
	else if (!pg_session_is_ready(app->control))
		buf_add_str(out, "waiting for PostgreSQL");
	else if (!app->begun)
		buf_add_str(out, "starting");
	if (!app->begun)
		session_watch_describe(&app->watch, out);
	if (out->len_bytes == 0)
		describe_running(app, out);
}

/* A message of the server may contain anything; the status is one line. */
static void make_one_line(struct buf *words)
{
	for (size_t i = 0; i < words->len_bytes; i++)
		if ((unsigned char)words->data[i] < ' ')
			words->data[i] = ' ';
}

void app_show_status(struct app *app)
{
	struct buf words = BUF_INIT;
	if (app->stopping)
		return;
	describe(app, &words);
	make_one_line(&words);
	if (!text_same(buf_text(&words), buf_text(&app->status_words))) {
		notify_status(words.data);
		buf_clear(&app->status_words);
		buf_add_text(&app->status_words, buf_text(&words));
	}
	buf_release(&words);
}
