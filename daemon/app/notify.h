/* Notifies the service manager (sd_notify(3)). Without one, that is without $NOTIFY_SOCKET, nothing happens. */
#ifndef KPID_APP_NOTIFY_H
#define KPID_APP_NOTIFY_H

#include <stdbool.h>

struct event;
struct event_base;

void notify_status(const char *words); /* for `systemctl status`: one line */
void notify_ready(void);               /* after the start, and after a reload, even a failed one */
void notify_reloading(void);
void notify_stopping(void);

/* Starts to notify the watchdog twice in each $WATCHDOG_USEC while the event loop runs, and to extend the start-up
 * timeout until *begun. Returns NULL without a manager. Release with event_free(). */
struct event *notify_watchdog(struct event_base *base, const bool *begun);

#endif
