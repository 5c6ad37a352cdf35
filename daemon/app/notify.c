#include "app/notify.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-daemon.h>

#include "app/lane.h"

void notify_status(const char *words)
{
	sd_notifyf(0, "STATUS=%s", words);
}

void notify_ready(void)
{
	sd_notify(0, "READY=1");
}

void notify_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, monotonic_clock_us());
}

void notify_stopping(void)
{
	sd_notify(0, "STOPPING=1\nSTATUS=stopping");
}

static void on_watchdog(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what, (void)context;
	sd_notify(0, "WATCHDOG=1");
}

struct event *notify_watchdog(struct event_base *base)
{
	uint64_t within_us;
	if (sd_watchdog_enabled(0, &within_us) <= 0)
		return NULL;
	const struct timeval every = {(time_t)(within_us / 2 / 1000000), (suseconds_t)(within_us / 2 % 1000000)};
	struct event *timer = event_new(base, -1, EV_PERSIST, on_watchdog, NULL);
	event_add(timer, &every);
	return timer;
}
