#include "app/dead_letter_expiry.h"

#include <event2/event.h>
#include <inttypes.h>

#include "adapters/pg/rows.h"
#include "app/app.h"
#include "kpid/base/log.h"

/* PIECE: as in kpid.expire_dead_letters() */
enum { FIRST_S = 5, PAUSE_S = 3600, PIECE = 1000 };

static void look_in(struct dead_letter_expiry *expiry, int seconds)
{
	const struct timeval pause = {seconds, 0};
	evtimer_add(expiry->timer, &pause);
}

static void on_deleted(void *context, PGresult *result)
{
	struct dead_letter_expiry *expiry = context;
	if (!pg_result_ok(result)) {
		log_warning("deleting old dead letters failed: %s", PQresultErrorMessage(result));
		return;
	}
	int64_t n = pg_get_int8(result, 0, DEAD_LETTERS_EXPIRE_N);
	if (n > 0)
		log_info("%" PRId64 " dead letters of mapped records were older than %" PRId64 " days, and are deleted",
		         n, expiry->app->config->run.dead_letter_days);
	if (n >= PIECE)
		look_in(expiry, 1);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct dead_letter_expiry *expiry = context;
	struct app *app = expiry->app;
	char days[4];
	(void)fd, (void)what;
	look_in(expiry, PAUSE_S);
	if (!app->begun || !pg_session_is_ready(app->control)) {
		look_in(expiry, FIRST_S);
		return;
	}
	const struct pg_param param = pg_param_int4((int32_t)app->config->run.dead_letter_days, days);
	pg_session_query(app->control, "queries/dead_letters_expire.sql", &param, 1, on_deleted, expiry);
	pg_session_sync(app->control, NULL, NULL);
}

void dead_letter_expiry_start(struct dead_letter_expiry *expiry, struct app *app)
{
	*expiry = (struct dead_letter_expiry){app, evtimer_new(app->base, on_timer, expiry)};
	look_in(expiry, FIRST_S);
}

void dead_letter_expiry_release(struct dead_letter_expiry *expiry)
{
	if (expiry->timer != NULL)
		event_free(expiry->timer);
}
