/* The exit codes that the daemon itself returns. cli/cli.h has the whole list. */
#ifndef KPID_APP_EXIT_STATUS_H
#define KPID_APP_EXIT_STATUS_H

enum { KPID_EXIT_FAILED = 1, KPID_EXIT_CONFIG = 3, KPID_EXIT_NO_POSTGRES = 4, KPID_EXIT_NO_KAFKA = 5 };

/* No exit status: the daemon left the group by no fault of its own, and runs again. */
enum { KPID_RUN_AGAIN = -1 };

#endif
