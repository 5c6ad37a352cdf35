/* Keys of a calendar: which days of the week, and which dates, they name (RULES P4). */
#ifndef KPID_CORE_SLA_CALENDAR_KEYS_H
#define KPID_CORE_SLA_CALENDAR_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "kpid/base/text.h"

/* "mon" .. "sun", Monday first; ends with NULL. */
extern const char *const weekday_names[8];

/* "mon", or a range such as "mon-fri"; one such as "sun-thu" runs over the end of the week. The days from *first_out to
 * *last_out, Monday is 0. False for anything else. */
bool weekday_key_parse(struct text key, int *first_out, int *last_out);

enum date_key {
	DATE_KEY_DATES,     /* a date or a range of dates */
	DATE_KEY_YEARLY,    /* a day of every year that has it */
	DATE_KEY_BACKWARDS, /* a range that ends before it begins */
	DATE_KEY_NONE       /* nothing of the kind, or not between 1990 and 2200 */
};

struct named_dates {
	int32_t first_day, last_day; /* DATE_KEY_DATES: days since 1970-01-01, both included */
	uint8_t month, month_day;    /* DATE_KEY_YEARLY */
};

/* "2026-10-01", "2026-10-01/2026-10-07" or "12-25". */
enum date_key date_key_parse(struct text key, struct named_dates *named_out);

#endif
