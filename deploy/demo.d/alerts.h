#ifndef DEMO_ALERTS_H
#define DEMO_ALERTS_H

#include <signal.h>

/* Prints each message of the topic, from its beginning, as a line of three fields separated by tabs: when it
 * was received (microseconds since 1970), its key, its value. Ends when *stop is set. Returns 0 or 1. */
int alerts_print(const char *bootstrap, const char *topic, const volatile sig_atomic_t *stop);

#endif
