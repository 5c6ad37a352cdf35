/* Keys of a calendar that name days of the week or dates (rule P4). */
#ifndef KPID_CORE_SLA_CALENDAR_KEYS_H
#define KPID_CORE_SLA_CALENDAR_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "kpid/base/text.h"

/* "mon" .. "sun", Monday first; ends with NULL. */
extern const char *const weekday_names[8];

/* Parses "mon" or a range such as "mon-fri" into *first_out .. *last_out; Monday is 0. A range may wrap around, such as
 * "sun-thu": then *last_out < *first_out. False for anything else. */
bool weekday_key_parse(struct text key, int *first_out, int *last_out);

enum date_key {
	DATE_KEY_DATES,     /* a date or a range of dates */
	DATE_KEY_YEARLY,    /* a day of every year (February 29: of leap years) */
	DATE_KEY_BACKWARDS, /* a range that ends before it begins */
	DATE_KEY_NONE       /* not a date, or not between 1990 and 2200 */
};

struct named_dates {
	int32_t first_day, last_day; /* DATE_KEY_DATES: days since 1970-01-01, both included */
	uint8_t month, month_day;    /* DATE_KEY_YEARLY */
};

/* Parses "2026-10-01", "2026-10-01/2026-10-07" or "12-25". */
enum date_key date_key_parse(struct text key, struct named_dates *named_out);

#endif
