/* What the kernel says of this process, for its metrics. */
#ifndef KPID_ADAPTERS_METRICS_PROCESS_H
#define KPID_ADAPTERS_METRICS_PROCESS_H

#include <stdint.h>

struct process_values {
	int64_t resident_bytes, virtual_bytes;
	int64_t cpu_us;     /* of all threads */
	int64_t started_us; /* since 1970 */
};

/* All 0 if /proc is not there. */
struct process_values process_read(void);
int64_t process_open_fds(void);
int64_t process_max_fds(void);

#endif
