#include "calendar_keys.h"

#include <string.h>

#include "kpid/core/timestamp.h"

enum { WEEKDAY_BYTES = 3, DATE_BYTES = 10, YEARLY_BYTES = 5 };

const char *const weekday_names[8] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL};

static struct text part_of(struct text text, uint32_t from, uint32_t len)
{
	return (struct text){text.ptr + from, len};
}

/* 0 is Monday; -1: none. */
static int weekday_of(struct text name)
{
	for (int i = 0; weekday_names[i] != NULL; i++)
		if (text_equal(name, text_of(weekday_names[i])))
			return i;
	return -1;
}

bool weekday_key_parse(struct text key, int *first_out, int *last_out)
{
	bool range = key.len == 2 * WEEKDAY_BYTES + 1 && key.ptr[WEEKDAY_BYTES] == '-';
	*first_out = weekday_of(range ? part_of(key, 0, WEEKDAY_BYTES) : key);
	*last_out = range ? weekday_of(part_of(key, WEEKDAY_BYTES + 1, WEEKDAY_BYTES)) : *first_out;
	return *first_out >= 0 && *last_out >= 0;
}

static bool date_of(struct text text, int32_t *day_out)
{
	char time[] = "....-..-..T00:00:00Z";
	int64_t us;
	memcpy(time, text.ptr, DATE_BYTES);
	if (!timestamp_parse(text_of(time), &us))
		return false;
	*day_out = (int32_t)(us / US_PER_DAY);
	return true;
}

/* Parses "12-25" as a day of a leap year. */
static bool yearly_of(struct text text, struct named_dates *named_out)
{
	char date[] = "2000-..-..";
	int32_t day;
	unsigned month, month_day;
	memcpy(date + DATE_BYTES - YEARLY_BYTES, text.ptr, YEARLY_BYTES);
	if (!date_of(text_of(date), &day))
		return false;
	timestamp_month_day(day, &month, &month_day);
	named_out->month = (uint8_t)month;
	named_out->month_day = (uint8_t)month_day;
	return true;
}

enum date_key date_key_parse(struct text key, struct named_dates *named_out)
{
	*named_out = (struct named_dates){.month = 0};
	if (key.len == YEARLY_BYTES)
		return yearly_of(key, named_out) ? DATE_KEY_YEARLY : DATE_KEY_NONE;
	bool range = key.len == 2 * DATE_BYTES + 1 && key.ptr[DATE_BYTES] == '/';
	if ((!range && key.len != DATE_BYTES) || !date_of(key, &named_out->first_day))
		return DATE_KEY_NONE;
	named_out->last_day = named_out->first_day;
	if (range && !date_of(part_of(key, DATE_BYTES + 1, DATE_BYTES), &named_out->last_day))
		return DATE_KEY_NONE;
	return named_out->last_day < named_out->first_day ? DATE_KEY_BACKWARDS : DATE_KEY_DATES;
}
