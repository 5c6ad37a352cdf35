#include "kpid/core/duration.h"

#include <stdbool.h>
#include <stddef.h>

#include "kpid/core/timestamp.h"

#define DURATION_MAX_US (INT64_C(366) * US_PER_DAY)

enum { UNIT_WORKING_DAY, UNIT_DAY, UNIT_HOUR, UNIT_MINUTE, UNIT_SECOND, N_UNITS };

static const struct {
	const char *name;
	int64_t us;
} units[N_UNITS] = {
        [UNIT_WORKING_DAY] = {"wd", 0}, /* the caller passes its length */
        [UNIT_DAY] = {"d", US_PER_DAY},
        [UNIT_HOUR] = {"h", 3600 * US_PER_SECOND},
        [UNIT_MINUTE] = {"m", 60 * US_PER_SECOND},
        [UNIT_SECOND] = {"s", US_PER_SECOND},
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Reads digits from *at_io on. The number is capped at DURATION_MAX_US + 1, which is too long in any unit. */
static int64_t read_number(struct text text, uint32_t *at_io)
{
	int64_t number = 0;
	for (; *at_io < text.len && is_digit(text.ptr[*at_io]); ++*at_io) {
		number = number * 10 + (text.ptr[*at_io] - '0');
		if (number > DURATION_MAX_US)
			number = DURATION_MAX_US + 1;
	}
	return number;
}

/* Reads letters from *at_io on. Returns the unit with that name; N_UNITS: unknown. */
static int read_unit(struct text text, uint32_t *at_io)
{
	struct text name = {text.ptr + *at_io, 0};
	while (*at_io < text.len && is_letter(text.ptr[*at_io])) {
		++name.len;
		++*at_io;
	}
	for (int unit = 0; unit < N_UNITS; unit++)
		if (text_equal(name, text_of(units[unit].name)))
			return unit;
	return N_UNITS;
}

/* Reads one number with its unit and adds it to *total_io, which is capped at DURATION_MAX_US + 1. */
static enum duration_verdict read_part(struct text text, uint32_t *at_io, int64_t working_day_us, unsigned *seen_io,
                                       int64_t *total_io)
{
	if (!is_digit(text.ptr[*at_io]))
		return DURATION_NOT_WHOLE;
	int64_t number = read_number(text, at_io);
	if (*at_io == text.len)
		return DURATION_NO_UNIT;
	if (!is_letter(text.ptr[*at_io]))
		return DURATION_NOT_WHOLE;
	int unit = read_unit(text, at_io);
	if (unit == N_UNITS)
		return DURATION_UNKNOWN_UNIT;
	if (*seen_io & 1u << unit)
		return DURATION_UNIT_TWICE;
	*seen_io |= 1u << unit;
	int64_t unit_us = unit == UNIT_WORKING_DAY ? working_day_us : units[unit].us;
	if (unit_us == 0)
		return DURATION_NO_WORKING_DAY;
	int64_t part_us;
	if (__builtin_mul_overflow(number, unit_us, &part_us) || __builtin_add_overflow(*total_io, part_us, total_io) ||
	    *total_io > DURATION_MAX_US)
		*total_io = DURATION_MAX_US + 1;
	return DURATION_OK;
}

enum duration_verdict duration_parse(struct text text, int64_t working_day_us, int64_t *us_out)
{
	if (text_is_empty(text))
		return DURATION_EMPTY;
	int64_t total_us = 0;
	unsigned seen = 0;
	for (uint32_t at = 0; at < text.len;) {
		enum duration_verdict verdict = read_part(text, &at, working_day_us, &seen, &total_us);
		if (verdict != DURATION_OK)
			return verdict;
	}
	if (total_us == 0)
		return DURATION_ZERO;
	if (total_us > DURATION_MAX_US)
		return DURATION_TOO_LONG;
	*us_out = total_us;
	return DURATION_OK;
}

const char *duration_remedy(enum duration_verdict verdict)
{
	switch (verdict) {
	case DURATION_OK:
		return NULL;
	case DURATION_EMPTY:
		return "is empty; write a duration such as \"30m\" or \"1h30m\"";
	case DURATION_NOT_WHOLE:
		return "must consist of whole numbers with units; write \"1h30m\" for one and a half hours, without "
		       "spaces, signs or decimal points";
	case DURATION_NO_UNIT:
		return "ends with a number that has no unit; add d, h, m or s, as in \"30m\"";
	case DURATION_UNKNOWN_UNIT:
		return "has an unknown unit; the units are d, h, m and s, in lower case, as in \"1h30m\"";
	case DURATION_UNIT_TWICE:
		return "uses a unit twice; add the two numbers, as in \"3h\" for \"1h2h\"";
	case DURATION_NO_WORKING_DAY:
		return "counts working days (wd), which this calendar does not define; write hours or days, as in "
		       "\"16h\" or \"2d\"";
	case DURATION_ZERO:
		return "is zero; write a longer time, as in \"1s\"";
	case DURATION_TOO_LONG:
		return "is too long; at most \"366d\" is allowed";
	}
	return NULL;
}
