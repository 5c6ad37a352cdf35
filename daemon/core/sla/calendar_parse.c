#include "calendar_parse.h"

#include <stdlib.h>

#include "calendar_keys.h"
#include "kpid/core/duration.h"

#define A_CALENDAR "{\"always\": true}, or a calendar with a time_zone and weekly hours"
#define A_DAY      "a list of hours, such as [\"08:30-12:00\", \"13:30-17:30\"]; [] is a day off"
#define A_WEEK     "an object, such as {\"mon-fri\": [\"09:00-17:00\"]}"

enum { LONG_NIGHT_MINUTES = 12 * 60 };

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

/* The end of hours, in minutes after the midnight at which their date begins. */
static int last_minute(const struct calendar_hours *hours)
{
	return hours->end_minute + (hours->ends_next_day ? MINUTES_PER_DAY : 0);
}

static void warn_of_long_night(struct parsing *parsing, const struct policy_spot *spot, struct text text,
                               const struct calendar_hours *hours)
{
	int minutes = last_minute(hours) - hours->start_minute;
	if (!hours->ends_next_day || minutes <= LONG_NIGHT_MINUTES)
		return;
	policy_warning_add(
	        parsing->check, spot->place,
	        "%s ends on the next date, %d h %02d min after it begins; if that is not meant, exchange the "
	        "two times, or write 24:00 for the end of the day",
	        policy_quote(parsing->check, text), minutes / 60, minutes % 60);
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
		                 "%s are no hours; write them as \"08:30-12:00\", of 00:00 to 24:00, or as "
		                 "\"22:00-06:00\" for a night",
		                 policy_quote(check, text));
		return false;
	}
	if (start == end || (start == MINUTES_PER_DAY && end == 0)) {
		policy_fault_add(
		        check, spot->place,
		        "%s end when they begin; write \"00:00-24:00\" for a whole day, and take out hours that "
		        "are not worked",
		        policy_quote(check, text));
		return false;
	}
	*hours_out = (struct calendar_hours){(int16_t)start, (int16_t)end, end < start};
	warn_of_long_night(parsing, spot, text, hours_out);
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
		if (hours[i].hours.start_minute < end)
			policy_fault_add(parsing->check, hours[i].place,
			                 "overlaps other hours of that day; let each begin where the one before has "
			                 "ended");
		if (last_minute(&hours[i].hours) > end)
			end = last_minute(&hours[i].hours);
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

/* ---- the week ---- */

/* Takes the days of a key; of each weekday, the key that named it first is in named_by. */
static void read_weekdays(struct parsing *parsing, const struct policy_spot *spot, struct text named_by[7])
{
	int first, last;
	struct calendar_day hours = {NULL, 0};
	read_day(parsing, spot, &hours);
	if (!weekday_key_parse(spot->place->key, &first, &last)) {
		policy_fault_unknown_key(parsing->check, spot, "day of the week", weekday_names);
		return;
	}
	for (int day = first;; day = (day + 1) % 7) {
		if (!text_is_absent(named_by[day]))
			policy_fault_add(
			        parsing->check, spot->place,
			        "names %s, which %s has named already; give each day of the week its hours once",
			        weekday_names[day], policy_quote(parsing->check, named_by[day]));
		named_by[day] = spot->place->key;
		parsing->out->hours->weekly[day] = hours;
		if (day == last)
			return;
	}
}

static void read_weekly(struct parsing *parsing, const struct policy_spot *calendar)
{
	struct policy_check *check = parsing->check;
	struct policy_spot weekly, day;
	if (!policy_member(calendar, "weekly", &weekly)) {
		policy_fault_missing(check, calendar, "weekly",
		                     "write the hours of an ordinary week, such as {\"mon-fri\": [\"09:00-17:00\"]}");
		return;
	}
	if (!policy_is_object(check, &weekly, A_WEEK))
		return;
	size_t n_faults = check->faults->n, n_hours = 0;
	struct text named_by[7] = {TEXT_ABSENT, TEXT_ABSENT, TEXT_ABSENT, TEXT_ABSENT,
	                           TEXT_ABSENT, TEXT_ABSENT, TEXT_ABSENT};
	for (bool ok = policy_first(&weekly, &day); ok; ok = policy_next(&weekly, &day))
		read_weekdays(parsing, &day, named_by);
	for (int i = 0; i < 7; i++)
		n_hours += parsing->out->hours->weekly[i].n;
	if (n_hours == 0 && check->faults->n == n_faults)
		policy_fault_add(check, weekly.place,
		                 "has no hours, so that no clock would ever run; write those of an ordinary week, such "
		                 "as {\"mon-fri\": [\"09:00-17:00\"]}");
}

/* ---- dates ---- */

/* A date of `days` with its place, to find those that overlap. */
struct placed_date {
	struct calendar_date date;
	struct policy_place *place;
};

static int by_first_day(const void *a, const void *b)
{
	const struct placed_date *left = a, *right = b;
	return (left->date.first_day > right->date.first_day) - (left->date.first_day < right->date.first_day);
}

/* A date that is named twice under one key was said as a twin. */
static void check_dates(struct parsing *parsing, struct placed_date *placed, size_t n)
{
	qsort(placed, n, sizeof(*placed), by_first_day);
	for (size_t i = 1, longest = 0; i < n; i++) {
		if (placed[i].date.first_day <= placed[longest].date.last_day)
			policy_fault_add(parsing->check, placed[i].place,
			                 "overlaps %s; let each date have its hours from one of the two",
			                 policy_quote(parsing->check, placed[longest].place->key));
		if (placed[i].date.last_day > placed[longest].date.last_day)
			longest = i;
	}
}

static int by_day_of_year(const void *a, const void *b)
{
	const struct calendar_yearly *left = a, *right = b;
	return left->month != right->month ? left->month - right->month : left->month_day - right->month_day;
}

static void fault_date(struct policy_check *check, const struct policy_spot *spot, enum date_key kind)
{
	if (kind == DATE_KEY_BACKWARDS)
		policy_fault_add(check, spot->place, "ends before it begins; write the earlier date first");
	else
		policy_fault_add(check, spot->place,
		                 "is no date between 1990 and 2200; write it as \"2026-10-01\", a range as "
		                 "\"2026-10-01/2026-10-07\", a day of every year as \"12-25\"");
}

static void read_days(struct parsing *parsing, const struct policy_spot *calendar)
{
	struct policy_check *check = parsing->check;
	struct calendar *out = parsing->out->hours;
	struct policy_spot days, day;
	if (!policy_member(calendar, "days", &days) ||
	    !policy_is_object(check, &days, "an object, such as {\"2026-10-01\": []}"))
		return;
	size_t n_keys = json_object_size(days.value), n_dates = 0, n_yearly = 0;
	struct placed_date *placed = arena_zalloc(&check->scratch, (n_keys + 1) * sizeof(*placed));
	struct calendar_yearly *yearly = arena_zalloc(parsing->arena, (n_keys + 1) * sizeof(*yearly));
	for (bool ok = policy_first(&days, &day); ok; ok = policy_next(&days, &day)) {
		struct named_dates named;
		struct calendar_day hours = {NULL, 0};
		enum date_key kind = date_key_parse(day.place->key, &named);
		if (kind == DATE_KEY_DATES || kind == DATE_KEY_YEARLY)
			read_day(parsing, &day, &hours);
		else
			fault_date(check, &day, kind);
		if (kind == DATE_KEY_DATES)
			placed[n_dates++] = (struct placed_date){{named.first_day, named.last_day, hours}, day.place};
		else if (kind == DATE_KEY_YEARLY)
			yearly[n_yearly++] = (struct calendar_yearly){named.month, named.month_day, hours};
		else
			read_day(parsing, &day, &hours); /* its hours may be at fault, too */
	}
	check_dates(parsing, placed, n_dates);
	qsort(yearly, n_yearly, sizeof(*yearly), by_day_of_year);
	struct calendar_date *dates = arena_alloc(parsing->arena, (n_dates + 1) * sizeof(*dates));
	for (size_t i = 0; i < n_dates; i++)
		dates[i] = placed[i].date;
	out->dates = dates;
	out->n_dates = n_dates;
	out->yearly = yearly;
	out->n_yearly = n_yearly;
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
	size_t n_faults = check->faults->n;
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
	calendar->faulty = check->faults->n > n_faults;
	return calendar;
}
