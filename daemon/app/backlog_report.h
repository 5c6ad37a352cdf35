/* Reports a backlog of this instance: once a minute in the log and for the status, and in the log when it is caught up.
 */
#ifndef KPID_APP_BACKLOG_REPORT_H
#define KPID_APP_BACKLOG_REPORT_H

#include "app/source.h"
#include "kpid/core/catch_up.h"

struct backlog_report {
	struct catch_up catch_up;
	struct buf words; /* for the status; empty: no backlog is read */
};

/* Call it about once a second. n_read: messages that this instance has committed; now_us: monotonic. */
void backlog_report_look(struct backlog_report *report, const struct sources *sources, int64_t n_read, int64_t now_us);
void backlog_report_release(struct backlog_report *report);

#endif
