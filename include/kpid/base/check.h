/* Assertions that stay in release builds, for cheap checks that hold for any input. A failed assertion is a bug: the
 * process exits with status 70 (EX_SOFTWARE) before it commits anything wrong. That is as safe as any exit (see
 * base/memory.h). Never use it for input, or for rows of the database. */
#ifndef KPID_BASE_CHECK_H
#define KPID_BASE_CHECK_H

#define KPID_CHECK(condition)                                                                                          \
	(__builtin_expect(!(condition), 0) ? check_failed(#condition, __FILE__, __LINE__) : (void)0)

/* Prints the place and exits. Set a breakpoint here to debug. */
_Noreturn void check_failed(const char *condition, const char *file, int line);

#endif
