/* Times: int64_t microseconds of UTC since 1970-01-01, proleptic Gregorian calendar, no leap seconds. */
#ifndef KPID_CORE_TIMESTAMP_H
#define KPID_CORE_TIMESTAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/text.h"

#define TIME_NONE     INT64_MIN /* "no such time" */
#define TIME_FOR_EVER INT64_MAX
#define US_PER_SECOND INT64_C(1000000)
#define US_PER_DAY    (INT64_C(86400) * US_PER_SECOND)
#define BUCKET_US     (INT64_C(300) * US_PER_SECOND) /* KPI bucket: 5 minutes of UTC */

/* Parses RFC 3339 with a zone (rules E5, E7): 'T', 't' or a space between date and time; 'Z', 'z' or an offset.
 * Fraction digits after the sixth are ignored. False for anything else: no zone, an impossible date or time, second 60,
 * a UTC year outside 1990..2200. */
bool timestamp_parse(struct text text, int64_t *us_out);

#define TIMESTAMP_TEXT_BYTES 28 /* "2026-11-01T00:00:00.000000Z" and its NUL */
/* Writes the time in UTC with 0, 3 or 6 fraction digits, as few as possible. Returns the length in bytes without NUL.
 */
size_t timestamp_format(int64_t us, char out[TIMESTAMP_TEXT_BYTES]);

/* Month (1 .. 12) and day of the month (1 .. 31) of a date, given in days since 1970-01-01. Valid from year 1 on. */
void timestamp_month_day(int32_t day, unsigned *month_out, unsigned *month_day_out);

/* Start of the KPI bucket that contains the time. */
static inline int64_t timestamp_bucket(int64_t us)
{
	int64_t rest = us % BUCKET_US;
	return us - (rest < 0 ? rest + BUCKET_US : rest);
}

#endif
