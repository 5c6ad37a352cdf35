/* The exit codes of the program that the daemon itself gives; the whole list is in cli/cli.h. */
#ifndef KPID_APP_EXIT_STATUS_H
#define KPID_APP_EXIT_STATUS_H

enum { KPID_EXIT_FAILED = 1, KPID_EXIT_CONFIG = 3, KPID_EXIT_NO_POSTGRES = 4, KPID_EXIT_NO_KAFKA = 5 };

#endif
