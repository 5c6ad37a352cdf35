/* Writes many tickets again while other instances run: page by page in the order of their ids, each page in one
 * transaction, as for new events. Tickets that are set aside are left out. */
#ifndef KPID_APP_TICKET_PASS_H
#define KPID_APP_TICKET_PASS_H

#include "adapters/pg/session.h"
#include "adapters/pg/writer.h"
#include "app/app.h"

enum { TICKET_PASS_MOST_PARAMS = 4 };

struct ticket_pass;

/* What a pass does. Each function gets the context of ticket_pass_run(). */
struct ticket_pass_work {
	const char *session;     /* name of its session */
	const char *interrupted; /* logged if it is stopped by a signal */
	const char *page_file;   /* query of a page, whose first column is the ticket_id, ascending */
	int n_page_params;
	/* Before the first page: sends a query, and calls ticket_pass_begun() or ticket_pass_quit(). NULL: nothing. */
	void (*begin)(struct ticket_pass *pass, void *context);
	/* after: the last ticket of the page before; "": none. What params refer to must outlive the call. */
	void (*page_params)(void *context, struct text after, struct pg_param *params);
	/* Completes the rules and the order of a page. */
	void (*prepare)(void *context, struct batch_rules *rules, struct write_order *order);
	void (*written)(void *context, const struct batch *batch);
	/* After the last page: sends its queries, and calls ticket_pass_quit(). */
	void (*finish)(struct ticket_pass *pass, void *context);
};

/* Takes ownership of config. Returns an exit code. */
int ticket_pass_run(struct kpid_config *config, const struct ticket_pass_work *work, void *context);

/* For the functions of struct ticket_pass_work. */
void *ticket_pass_context(struct ticket_pass *pass);
struct app *ticket_pass_app(struct ticket_pass *pass);
struct pg_session *ticket_pass_session(struct ticket_pass *pass);
size_t ticket_pass_n_left_out(const struct ticket_pass *pass); /* tickets that are set aside */
void ticket_pass_begun(struct ticket_pass *pass);
void ticket_pass_quit(struct ticket_pass *pass, int status);

#endif
