#ifndef DEMO_ALERTS_H
#define DEMO_ALERTS_H

#include <signal.h>

/* Prints each message of the topic, from its beginning on, as a line of three fields with tabs between: when it
 * was received (microseconds since 1970), its key, its value. Ends when *stop is set. Returns 0 or 1. */
int alerts_print(const char *bootstrap, const char *topic, const volatile sig_atomic_t *stop);

#endif
