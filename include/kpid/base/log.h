/* Logs lines to stderr: time, level, message. Control characters are escaped, so that input can neither forge a line
 * nor control a terminal. Never log a secret. */
#ifndef KPID_BASE_LOG_H
#define KPID_BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Drops lines that are less severe than this level. Default: LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);
/* Writes journald's <N> prefixes instead of time stamps, for stderr that goes to the journal. */
void log_set_journal(int enabled);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
