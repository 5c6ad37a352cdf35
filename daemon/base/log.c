#include "kpid/base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "kpid/base/printable.h"

static atomic_int max_level = LOG_LEVEL_INFO;
static atomic_int to_journal;

void log_set_level(enum log_level level)
{
	max_level = (int)level;
}

void log_set_journal(int enabled)
{
	to_journal = enabled;
}

static void put_escaped(FILE *stream, const char *line)
{
	struct text rest = text_of(line);
	struct printable piece;
	while (rest.len > 0) {
		printable_next(&rest, &piece);
		fwrite(piece.bytes, 1, piece.len_bytes, stream);
	}
}

__attribute__((format(printf, 2, 0))) static void log_line(enum log_level level, const char *format, va_list arguments)
{
	static const char *const names[] = {"error", "warning", "info", "debug"};
	static const int priorities[] = {3, 4, 6, 7}; /* syslog priorities, which journald reads */
	if ((int)level > max_level)
		return;
	char line[2048];
	vsnprintf(line, sizeof(line), format, arguments);
	/* Messages of libraries often end with a line break. */
	for (size_t len = strlen(line); len > 0 && strchr("\r\n", line[len - 1]) != NULL; len--)
		line[len - 1] = '\0';
	flockfile(stderr);
	if (to_journal) {
		fprintf(stderr, "<%d>", priorities[level]);
	} else {
		struct timespec now;
		struct tm utc;
		char stamp[32];
		clock_gettime(CLOCK_REALTIME, &now);
		gmtime_r(&now.tv_sec, &utc);
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
		fprintf(stderr, "%s.%03ldZ %-7s ", stamp, now.tv_nsec / 1000000, names[level]);
	}
	put_escaped(stderr, line);
	putc('\n', stderr);
	fflush(stderr);
	funlockfile(stderr);
}

#define LOG_AT(level)                                                                                                  \
	va_list arguments;                                                                                             \
	va_start(arguments, format);                                                                                   \
	log_line(level, format, arguments);                                                                            \
	va_end(arguments)

void log_error(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_ERROR);
}

void log_warning(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_WARNING);
}

void log_info(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_INFO);
}

void log_debug(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_DEBUG);
}
