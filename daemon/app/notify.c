#include "app/notify.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "kpid/base/clock.h"

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

/* The interval without $WATCHDOG_USEC, and the start-up timeout after each beat. */
enum { BEAT_US = 10000000, START_TIMEOUT_US = 4 * BEAT_US };

static void on_beat(evutil_socket_t fd, short what, void *context)
{
	const bool *begun = context;
	(void)fd, (void)what;
	sd_notify(0, "WATCHDOG=1");
	if (!*begun)
		sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%d", START_TIMEOUT_US);
}

struct event *notify_watchdog(struct event_base *base, const bool *begun)
{
	uint64_t within_us = 2 * BEAT_US;
	if (getenv("NOTIFY_SOCKET") == NULL)
		return NULL;
	if (sd_watchdog_enabled(0, &within_us) <= 0)
		within_us = 2 * BEAT_US;
	const struct timeval every = {(time_t)(within_us / 2 / 1000000), (suseconds_t)(within_us / 2 % 1000000)};
	struct event *timer = event_new(base, -1, EV_PERSIST, on_beat, (void *)(uintptr_t)begun);
	event_add(timer, &every);
	return timer;
}
