/* What `systemctl status` shows about the application, in one line. */
#ifndef KPID_APP_APP_STATUS_H
#define KPID_APP_APP_STATUS_H

#include "kpid/base/buf.h"

struct app;

/* Sends the status to the service manager if it has changed. Call it when something has changed, and once a second,
 * because sessions and brokers come and go without notice. */
void app_show_status(struct app *app);

#endif
