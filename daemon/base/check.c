#include "kpid/base/check.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
	const char *name = strrchr(file, '/');
	fprintf(stderr,
	        "kpid: internal error, please report it: %s:%d: not true: %s; "
	        "nothing committed is wrong, and nothing is lost\n",
	        name == NULL ? file : name + 1, line, condition);
	_exit(EX_SOFTWARE);
}
