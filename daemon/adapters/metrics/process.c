#include "adapters/metrics/process.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "kpid/core/timestamp.h"

static int64_t now_us(clockid_t clock)
{
	struct timespec now = {0, 0};
	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

/* The fields of /proc/self/stat that are read, by their numbers in proc(5). */
enum { FIRST_FIELD = 3, USER_TICKS = 14, KERNEL_TICKS = 15, START_TICKS = 22, SIZE_BYTES = 23, RESIDENT_PAGES = 24 };

/* Reads the numbers behind the name, which is in parentheses and may contain anything. */
static bool read_fields(int64_t fields[RESIDENT_PAGES + 1])
{
	char line[1024] = "";
	FILE *file = fopen("/proc/self/stat", "re");
	if (file == NULL)
		return false;
	bool has_line = fgets(line, sizeof(line), file) != NULL;
	fclose(file);
	char *rest = has_line ? strrchr(line, ')') : NULL;
	if (rest == NULL || strlen(rest) < 4)
		return false;
	rest += 3; /* also over the state, a letter */
	for (int i = FIRST_FIELD + 1; i <= RESIDENT_PAGES; i++)
		fields[i] = strtoll(rest, &rest, 10);
	return true;
}

struct process_values process_read(void)
{
	static int64_t started_us; /* kept, so that setting the clock does not change it */
	struct process_values values = {0, 0, 0, 0};
	int64_t fields[RESIDENT_PAGES + 1] = {0}, ticks = sysconf(_SC_CLK_TCK);
	if (ticks <= 0 || !read_fields(fields))
		return values;
	values.resident_bytes = fields[RESIDENT_PAGES] * sysconf(_SC_PAGESIZE);
	values.virtual_bytes = fields[SIZE_BYTES];
	values.cpu_us = (fields[USER_TICKS] + fields[KERNEL_TICKS]) * US_PER_SECOND / ticks;
	/* The kernel counts from the boot of the machine. */
	if (started_us == 0)
		started_us =
		        now_us(CLOCK_REALTIME) - now_us(CLOCK_BOOTTIME) + fields[START_TICKS] * (US_PER_SECOND / ticks);
	values.started_us = started_us;
	return values;
}

int64_t process_open_fds(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int64_t n = -1; /* the folder itself */
	if (folder == NULL)
		return 0;
	for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
		n += entry->d_name[0] != '.';
	closedir(folder);
	return n;
}

int64_t process_max_fds(void)
{
	struct rlimit limit;
	return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (int64_t)limit.rlim_cur : 0;
}
