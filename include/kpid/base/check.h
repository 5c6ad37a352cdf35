/* Assertions that release builds keep: what must hold whatever comes from outside, where looking costs next to
 * nothing. One that fails is a fault of this program, so it ends with status 70 (EX_SOFTWARE) before anything wrong is
 * committed. That is as safe as any end (see base/memory.h). Never for input, nor for rows of the database. */
#ifndef KPID_BASE_CHECK_H
#define KPID_BASE_CHECK_H

#define KPID_CHECK(condition)                                                                                          \
	(__builtin_expect(!(condition), 0) ? check_failed(#condition, __FILE__, __LINE__) : (void)0)

/* Prints the place and ends. A place to stop at in a debugger. */
_Noreturn void check_failed(const char *condition, const char *file, int line);

#endif
