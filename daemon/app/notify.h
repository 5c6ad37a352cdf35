/* What the service manager is told (sd_notify(3)). Without one, that is without $NOTIFY_SOCKET, nothing happens. */
#ifndef KPID_APP_NOTIFY_H
#define KPID_APP_NOTIFY_H

#include <stdbool.h>

struct event;
struct event_base;

void notify_status(const char *words); /* for `systemctl status`: one line */
void notify_ready(void);               /* after the start, and after a reload whether or not it was taken */
void notify_reloading(void);
void notify_stopping(void);

/* Says that the loop still turns, twice in each time that the manager waits for that ($WATCHDOG_USEC); and until
 * *begun, that the start goes on. NULL: there is no manager. Free with event_free(). */
struct event *notify_turning(struct event_base *base, const bool *begun);

#endif
