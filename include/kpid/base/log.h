/* One line of words on stderr for the operator: time, level, message. Control characters in what is
 * logged are escaped, so that no input can forge a line or drive a terminal. Never log a secret. */
#ifndef KPID_BASE_LOG_H
#define KPID_BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Lines above this level are dropped; INFO at start. */
void log_set_level(enum log_level level);
/* journald's <N> prefixes instead of a time stamp (when stderr is the journal). */
void log_set_journal(int enabled);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
