#include "flat_mistake.h"

#include <stdarg.h>
#include <stdio.h>

enum flat_verdict flat_mistake(struct wire_rejection *rejection, const char *format, ...)
{
	va_list arguments;
	rejection->reason = DEAD_BAD_VALUE;
	va_start(arguments, format);
	vsnprintf(rejection->detail, sizeof(rejection->detail), format, arguments);
	va_end(arguments);
	return FLAT_UNKNOWN;
}
