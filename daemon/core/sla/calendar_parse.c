#include "calendar_parse.h"

#include <stdlib.h>

#include "kpid/core/duration.h"

#define A_CALENDAR "{\"always\": true}, or a calendar with a time_zone and weekly hours"
#define A_DAY      "a list of hours, such as [\"08:30-12:00\", \"13:30-17:30\"]; [] is a day off"
#define A_WEEK     "an object, such as {\"mon\": [\"09:00-17:00\"]}"

static const char *const weekdays[8] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL};

struct parsing {
	struct policy_check *check;
	struct arena *arena;
	zone_find_fn *find_zone;
	struct policy_calendar *out;
};

/* "HH:MM" at the beginning of the five bytes; -1 if they are none. */
static int minute_of(const char *text)
{
	for (int i = 0; i < 5; i++)
		if (i == 2 ? text[i] != ':' : text[i] < '0' || text[i] > '9')
			return -1;
	int hour = (text[0] - '0') * 10 + text[1] - '0', minute = (text[3] - '0') * 10 + text[4] - '0';
	if (minute > 59 || hour * 60 + minute > MINUTES_PER_DAY)
		return -1;
	return hour * 60 + minute;
}

static bool read_hours(struct parsing *parsing, const struct policy_spot *spot, struct calendar_hours *hours_out)
{
	struct policy_check *check = parsing->check;
	struct text text;
	if (!policy_is_word(check, spot, "hours in quotes, such as \"08:30-12:00\"", &text))
		return false;
	int start = -1, end = -1;
	if (text.len == 11 && text.ptr[5] == '-') {
		start = minute_of(text.ptr);
		end = minute_of(text.ptr + 6);
	}
	if (start < 0 || end < 0) {
		policy_fault_add(check, spot->place,
		                 "%s are no hours; write them as \"08:30-12:00\", of 00:00 to 24:00; a night is two: "
		                 "\"22:00-24:00\" and, on the next day, \"00:00-06:00\"",
		                 policy_quote(check, text));
		return false;
	}
	*hours_out = (struct calendar_hours){(int16_t)start, (int16_t)end};
	return true;
}

/* Hours of one day with their places, to find those that overlap. */
struct placed_hours {
	struct calendar_hours hours;
	const struct policy_place *place;
};

static int by_start(const void *a, const void *b)
{
	const struct placed_hours *left = a, *right = b;
	return left->hours.start_minute - right->hours.start_minute;
}

static void check_overlaps(struct parsing *parsing, struct placed_hours *hours, size_t n)
{
	qsort(hours, n, sizeof(*hours), by_start);
	int end = 0;
	for (size_t i = 0; i < n; i++) {
		if (hours[i].hours.end_minute <= hours[i].hours.start_minute)
			continue; /* S7: empty */
		if (hours[i].hours.start_minute < end)
			policy_fault_add(parsing->check, hours[i].place,
			                 "overlaps other hours of that day; let each begin where the one before has "
			                 "ended");
		if (hours[i].hours.end_minute > end)
			end = hours[i].hours.end_minute;
	}
}

static void read_day(struct parsing *parsing, const struct policy_spot *spot, struct calendar_day *day_out)
{
	if (!policy_is(parsing->check, spot, JSON_ARRAY, A_DAY))
		return;
	size_t capacity = json_array_size(spot->value), n = 0;
	struct placed_hours *placed = arena_alloc(&parsing->check->scratch, (capacity + 1) * sizeof(*placed));
	struct policy_spot item;
	for (bool ok = policy_first(spot, &item); ok; ok = policy_next(spot, &item)) {
		placed[n].place = item.place;
		n += read_hours(parsing, &item, &placed[n].hours);
	}
	check_overlaps(parsing, placed, n);
	struct calendar_hours *hours = arena_alloc(parsing->arena, (n + 1) * sizeof(*hours));
	for (size_t i = 0; i < n; i++)
		hours[i] = placed[i].hours;
	*day_out = (struct calendar_day){hours, n};
}

/* True if some time is worked in it, as its clocks show it. */
static bool is_worked(const struct calendar_day *day)
{
	for (size_t i = 0; i < day->n; i++)
		if (day->hours[i].end_minute > day->hours[i].start_minute)
			return true;
	return false;
}

static void read_weekly(struct parsing *parsing, const struct policy_spot *calendar)
{
	struct policy_check *check = parsing->check;
	struct policy_spot weekly, day;
	if (!policy_member(calendar, "weekly", &weekly)) {
		policy_fault_missing(check, calendar, "weekly",
		                     "write the hours of an ordinary week, such as {\"mon\": [\"09:00-17:00\"]}");
		return;
	}
	if (!policy_is_object(check, &weekly, A_WEEK))
		return;
	size_t n_faults = check->faults->n;
	bool works = false;
	policy_check_keys(check, &weekly, "day of the week", weekdays);
	for (int i = 0; i < 7; i++) {
		if (policy_member(&weekly, weekdays[i], &day))
			read_day(parsing, &day, &parsing->out->hours->weekly[i]);
		works |= is_worked(&parsing->out->hours->weekly[i]);
	}
	if (!works && check->faults->n == n_faults)
		policy_fault_add(check, weekly.place,
		                 "has no hours, so that no clock would ever run; write those of an ordinary week, such "
		                 "as {\"mon\": [\"09:00-17:00\"]}");
}

static bool date_of(struct text text, int32_t *day_out)
{
	char time[21] = "....-..-..T00:00:00Z";
	int64_t us;
	if (text.len != 10)
		return false;
	memcpy(time, text.ptr, 10);
	if (!timestamp_parse((struct text){time, 20}, &us))
		return false;
	*day_out = (int32_t)(us / US_PER_DAY);
	return true;
}

static int by_date(const void *a, const void *b)
{
	const struct calendar_date *left = a, *right = b;
	return (left->day > right->day) - (left->day < right->day);
}

static void read_days(struct parsing *parsing, const struct policy_spot *calendar)
{
	struct policy_check *check = parsing->check;
	struct policy_spot days, day;
	if (!policy_member(calendar, "days", &days) ||
	    !policy_is_object(check, &days, "an object, such as {\"2026-10-01\": []}"))
		return;
	struct calendar_date *dates = arena_zalloc(parsing->arena, (json_object_size(days.value) + 1) * sizeof(*dates));
	size_t n = 0;
	for (bool ok = policy_first(&days, &day); ok; ok = policy_next(&days, &day)) {
		if (!date_of(day.place->key, &dates[n].day)) {
			policy_fault_add(check, day.place,
			                 "is no date between 1990 and 2200; write it as \"2026-10-01\"");
			read_day(parsing, &day, &dates[n].hours); /* its hours may be at fault, too */
			continue;
		}
		read_day(parsing, &day, &dates[n++].hours);
	}
	qsort(dates, n, sizeof(*dates), by_date);
	parsing->out->hours->dates = dates;
	parsing->out->hours->n_dates = n;
}

static void read_zone(struct parsing *parsing, const struct policy_spot *calendar)
{
	struct policy_check *check = parsing->check;
	struct policy_spot spot;
	struct text name;
	if (!policy_member(calendar, "time_zone", &spot)) {
		policy_fault_missing(check, calendar, "time_zone",
		                     "write the zone in which the hours hold, such as \"Asia/Shanghai\"");
		return;
	}
	if (!policy_is_name(check, &spot, "the name of a time zone, such as \"Asia/Shanghai\"", &name))
		return;
	parsing->out->time_zone = arena_text(parsing->arena, name);
	if (!parsing->find_zone(json_string_value(spot.value), &parsing->out->hours->zone))
		policy_fault_add(check, spot.place,
		                 "%s is no time zone that this machine knows; write an IANA name, such as "
		                 "\"Asia/Shanghai\" (package tzdata)",
		                 policy_quote(check, name));
}

static void read_working_day(struct parsing *parsing, const struct policy_spot *calendar)
{
	struct policy_check *check = parsing->check;
	struct policy_spot spot;
	if (!policy_member(calendar, "working_day", &spot))
		return;
	parsing->out->working_day_us = 1; /* if it is at fault, a `wd` is not at fault for that */
	if (!policy_is(check, &spot, JSON_STRING, "a duration in quotes, such as \"7h30m\""))
		return;
	struct text text = {json_string_value(spot.value), (uint32_t)json_string_length(spot.value)};
	enum duration_verdict verdict = duration_parse(text, 0, &parsing->out->working_day_us);
	if (verdict == DURATION_NO_WORKING_DAY)
		policy_fault_add(check, spot.place,
		                 "%s says how long a working day is by working days; write hours, such as \"7h30m\"",
		                 policy_quote(check, text));
	else if (verdict != DURATION_OK)
		policy_fault_add(check, spot.place, "%s %s", policy_quote(check, text), duration_remedy(verdict));
}

static void read_always(struct parsing *parsing, const struct policy_spot *calendar, const struct policy_spot *always)
{
	static const char *const known[] = {"always", NULL};
	struct policy_spot spot;
	parsing->out->always = true;
	for (bool ok = policy_first(calendar, &spot); ok; ok = policy_next(calendar, &spot)) {
		struct text key = spot.place->key;
		if (text_equal(key, TEXT("time_zone")) || text_equal(key, TEXT("weekly")) ||
		    text_equal(key, TEXT("days")) || text_equal(key, TEXT("working_day"))) {
			policy_fault_add(parsing->check, spot.place,
			                 "has no meaning beside `always`; take one of the two out");
			return;
		}
	}
	policy_check_keys(parsing->check, calendar, "key", known);
	if (!json_is_true(always->value))
		policy_fault_add(parsing->check, always->place, "can only be true; write {\"always\": true}");
}

struct policy_calendar *calendar_parse(struct policy_check *check, struct arena *arena, const struct policy_spot *spot,
                                       zone_find_fn *find_zone)
{
	static const char *const known[] = {"always", "time_zone", "working_day", "weekly", "days", NULL};
	struct policy_calendar *calendar = arena_zalloc(arena, sizeof(*calendar));
	struct parsing parsing = {check, arena, find_zone, calendar};
	struct policy_spot always;
	calendar->name = arena_text(arena, spot->place->key);
	policy_check_key_length(check, spot);
	if (!policy_is_object(check, spot, A_CALENDAR))
		return calendar;
	if (policy_member(spot, "always", &always)) {
		read_always(&parsing, spot, &always);
		return calendar;
	}
	calendar->hours = arena_zalloc(arena, sizeof(*calendar->hours));
	policy_check_keys(check, spot, "key of a calendar", known);
	read_zone(&parsing, spot);
	read_working_day(&parsing, spot);
	read_weekly(&parsing, spot);
	read_days(&parsing, spot);
	return calendar;
}
