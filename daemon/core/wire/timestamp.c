#include "kpid/core/timestamp.h"

#include "timestamp_read.h"

enum {
	FIRST_YEAR = 1990,
	LAST_YEAR = 2200,
	DATE_AND_TIME_BYTES = 19, /* 2026-11-01T00:00:00 */
	ZONE_OFFSET_BYTES = 6,    /* +08:00 */
};

#define FIRST_US      (INT64_C(7305) * US_PER_DAY)        /* 1990-01-01 */
#define AFTER_LAST_US (INT64_C(84371) * US_PER_DAY)       /* 2201-01-01 */
#define MIN_FORMAT_US (INT64_C(-719162) * US_PER_DAY)     /* 0001-01-01 */
#define MAX_FORMAT_US (INT64_C(2932897) * US_PER_DAY - 1) /* the end of 9999 */

/* two_digits() returns more than this if there are no two digits. */
#define TWO_DIGITS_MAX 99u

static bool is_digit(char c)
{
	return (unsigned)(c - '0') <= 9;
}

static unsigned two_digits(const char *p)
{
	unsigned tens = (unsigned)(p[0] - '0');
	unsigned ones = (unsigned)(p[1] - '0');
	return tens > 9 || ones > 9 ? TWO_DIGITS_MAX + 1 : tens * 10 + ones;
}

static bool is_leap_year(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned days_in_month(unsigned year, unsigned month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	return days[month - 1] + (month == 2 && is_leap_year(year) ? 1u : 0u);
}

/* Days since 1970-01-01. The year is counted from March, so that the leap day is its last day. */
static int64_t days_of_date(unsigned year, unsigned month, unsigned day)
{
	unsigned y = month <= 2 ? year - 1 : year;
	unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	unsigned century = y / 100;
	return (int64_t)y * 365 + y / 4 - century + century / 4 + day_of_year - 719468;
}

/* Reads a fraction that starts with its point, and moves *p_io past it. False if no digit follows the point. */
static bool read_fraction(const char **p_io, const char *end, int64_t *us_out)
{
	const char *p = *p_io + 1;
	const char *first = p;
	int64_t us = 0;
	int64_t unit_us = US_PER_SECOND;
	for (; p < end && is_digit(*p); p++) {
		unit_us /= 10;
		us += (*p - '0') * unit_us;
	}
	*p_io = p;
	*us_out = us;
	return p > first;
}

static const char *read_zone(const char *p, const char *end, int64_t *offset_us_out)
{
	*offset_us_out = 0;
	if (p == end)
		return "no time zone";
	if (end - p == 1 && (*p == 'Z' || *p == 'z'))
		return NULL;
	if (end - p != ZONE_OFFSET_BYTES || (*p != '+' && *p != '-') || p[3] != ':')
		return "not an RFC 3339 time zone";
	unsigned hours = two_digits(p + 1);
	unsigned minutes = two_digits(p + 4);
	if (hours > 23 || minutes > 59)
		return "no such time zone offset";
	int64_t offset_us = (int64_t)(hours * 60 + minutes) * 60 * US_PER_SECOND;
	*offset_us_out = *p == '-' ? -offset_us : offset_us;
	return NULL;
}

static const char *read_date(const char *p, int64_t *us_out)
{
	unsigned century = two_digits(p);
	unsigned year_of_century = two_digits(p + 2);
	unsigned month = two_digits(p + 5);
	unsigned day = two_digits(p + 8);
	if (century > TWO_DIGITS_MAX || year_of_century > TWO_DIGITS_MAX || month > TWO_DIGITS_MAX ||
	    day > TWO_DIGITS_MAX || p[4] != '-' || p[7] != '-')
		return "not an RFC 3339 time";
	unsigned year = century * 100 + year_of_century;
	/* The offset can change the year by one. */
	if (year < FIRST_YEAR - 1 || year > LAST_YEAR + 1)
		return "year outside 1990 to 2200";
	if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
		return "no such date";
	*us_out = days_of_date(year, month, day) * US_PER_DAY;
	return NULL;
}

static const char *read_time_of_day(const char *p, int64_t *us_out)
{
	unsigned hour = two_digits(p);
	unsigned minute = two_digits(p + 3);
	unsigned second = two_digits(p + 6);
	if (hour > TWO_DIGITS_MAX || minute > TWO_DIGITS_MAX || second > TWO_DIGITS_MAX || p[2] != ':' || p[5] != ':')
		return "not an RFC 3339 time";
	if (hour > 23 || minute > 59 || second > 60)
		return "no such time of day";
	if (second == 60)
		return "leap second";
	*us_out = (int64_t)((hour * 60 + minute) * 60 + second) * US_PER_SECOND;
	return NULL;
}

const char *timestamp_read(struct text text, int64_t *us_out)
{
	int64_t date_us, time_us, fraction_us = 0, offset_us;
	const char *error;
	if (text.len < DATE_AND_TIME_BYTES)
		return "not an RFC 3339 time";
	const char *p = text.ptr;
	const char *end = p + text.len;
	if ((error = read_date(p, &date_us)) != NULL)
		return error;
	if (p[10] != 'T' && p[10] != 't' && p[10] != ' ')
		return "not an RFC 3339 time";
	if ((error = read_time_of_day(p + 11, &time_us)) != NULL)
		return error;
	p += DATE_AND_TIME_BYTES;
	if (p < end && *p == '.' && !read_fraction(&p, end, &fraction_us))
		return "not an RFC 3339 time";
	if ((error = read_zone(p, end, &offset_us)) != NULL)
		return error;
	int64_t us = date_us + time_us + fraction_us - offset_us;
	if (us < FIRST_US || us >= AFTER_LAST_US)
		return "year outside 1990 to 2200";
	*us_out = us;
	return NULL;
}

bool timestamp_parse(struct text text, int64_t *us_out)
{
	return timestamp_read(text, us_out) == NULL;
}

static void put_digits(char *p, unsigned n_digits, unsigned value)
{
	while (n_digits-- > 0) {
		p[n_digits] = (char)('0' + value % 10);
		value /= 10;
	}
}

struct date {
	unsigned year, month, day;
};

/* The inverse of days_of_date(), for dates from year 1 on. */
static struct date date_of_days(int64_t days)
{
	unsigned z = (unsigned)(days + 719468);
	unsigned era = z / 146097;
	unsigned day_of_era = z % 146097;
	unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	unsigned month_from_march = (5 * day_of_year + 2) / 153;
	unsigned month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
	return (struct date){era * 400 + year_of_era + (month <= 2 ? 1 : 0), month,
	                     day_of_year - (153 * month_from_march + 2) / 5 + 1};
}

void timestamp_month_day(int32_t day, unsigned *month_out, unsigned *month_day_out)
{
	struct date date = date_of_days(day);
	*month_out = date.month;
	*month_day_out = date.day;
}

static void put_date(char *p, int64_t days)
{
	struct date date = date_of_days(days);
	put_digits(p, 4, date.year);
	p[4] = '-';
	put_digits(p + 5, 2, date.month);
	p[7] = '-';
	put_digits(p + 8, 2, date.day);
}

static void put_time_of_day(char *p, unsigned seconds)
{
	put_digits(p, 2, seconds / 3600);
	p[2] = ':';
	put_digits(p + 3, 2, seconds / 60 % 60);
	p[5] = ':';
	put_digits(p + 6, 2, seconds % 60);
}

size_t timestamp_format(int64_t us, char out[TIMESTAMP_TEXT_BYTES])
{
	/* Only TIME_NONE and TIME_FOR_EVER are beyond four-digit years. */
	us = us < MIN_FORMAT_US ? MIN_FORMAT_US : us > MAX_FORMAT_US ? MAX_FORMAT_US : us;
	int64_t days = us / US_PER_DAY;
	int64_t rest_us = us % US_PER_DAY;
	if (rest_us < 0) {
		rest_us += US_PER_DAY;
		days--;
	}
	unsigned fraction_us = (unsigned)(rest_us % US_PER_SECOND);
	size_t len = DATE_AND_TIME_BYTES;
	put_date(out, days);
	out[10] = 'T';
	put_time_of_day(out + 11, (unsigned)(rest_us / US_PER_SECOND));
	if (fraction_us != 0) {
		bool whole_ms = fraction_us % 1000 == 0;
		unsigned n_digits = whole_ms ? 3 : 6;
		out[len] = '.';
		put_digits(out + len + 1, n_digits, whole_ms ? fraction_us / 1000 : fraction_us);
		len += 1 + n_digits;
	}
	out[len++] = 'Z';
	out[len] = '\0';
	return len;
}
