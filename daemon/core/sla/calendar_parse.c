#include "calendar_parse.h"

#include <stdlib.h>

#include "calendar_keys.h"
#include "kpid/core/duration.h"

#define A_CALENDAR "{\"always\": true}, or a calendar with a time_zone and weekly hours"
#define A_DAY      "a list of hours, such as [\"08:30-12:00\", \"13:30-17:30\"]; [] is a day off"
#define A_WEEK     "an object, such as {\"mon-fri\": [\"09:00-17:00\"]}"

enum { LONG_NIGHT_MINUTES = 12 * 60 };

struct parsing {
	struct file_check *check;
	struct arena *arena;
	zone_find_fn *find_zone;
	struct policy_calendar *out;
};

/* Minute of the day from five bytes "HH:MM"; -1 if they are something else. */
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

/* End of the hours, in minutes after the midnight at which their date begins. */
static int last_minute(const struct calendar_hours *hours)
{
	return hours->end_minute + (hours->ends_next_day ? MINUTES_PER_DAY : 0);
}

static void warn_of_long_night(struct parsing *parsing, const struct file_node *node, struct text text,
                               const struct calendar_hours *hours)
{
	int minutes = last_minute(hours) - hours->start_minute;
	if (!hours->ends_next_day || minutes <= LONG_NIGHT_MINUTES)
		return;
	file_warning_add(parsing->check, node->place,
	                 "%s ends on the next day, %d h %02d min after it begins; if that is not intended, swap the "
	                 "two times, or write 24:00 for the end of the day",
	                 file_quote(parsing->check, text), minutes / 60, minutes % 60);
}

static bool read_hours(struct parsing *parsing, const struct file_node *node, struct calendar_hours *hours_out)
{
	struct file_check *check = parsing->check;
	struct text text;
	if (!node_is_word(check, node, "hours in quotes, such as \"08:30-12:00\"", &text))
		return false;
	int start = -1, end = -1;
	if (text.len == 11 && text.ptr[5] == '-') {
		start = minute_of(text.ptr);
		end = minute_of(text.ptr + 6);
	}
	if (start < 0 || end < 0) {
		file_error_add(check, node->place,
		               "%s is not a time range; write it as \"08:30-12:00\", within 00:00 to 24:00, or as "
		               "\"22:00-06:00\" for a night shift",
		               file_quote(check, text));
		return false;
	}
	if (start == end || (start == MINUTES_PER_DAY && end == 0)) {
		file_error_add(check, node->place,
		               "%s ends when it begins; write \"00:00-24:00\" for a whole day, or remove it",
		               file_quote(check, text));
		return false;
	}
	*hours_out = (struct calendar_hours){(int16_t)start, (int16_t)end, end < start};
	warn_of_long_night(parsing, node, text, hours_out);
	return true;
}

/* Hours of one day with their place in the file, to report overlaps. */
struct placed_hours {
	struct calendar_hours hours;
	const struct file_place *place;
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
			file_error_add(parsing->check, hours[i].place,
			               "overlaps other hours of that day; each range must not begin before the "
			               "previous one ends");
		if (last_minute(&hours[i].hours) > end)
			end = last_minute(&hours[i].hours);
	}
}

static void read_day(struct parsing *parsing, const struct file_node *node, struct calendar_day *day_out)
{
	if (!node_is(parsing->check, node, JSON_ARRAY, A_DAY))
		return;
	size_t capacity = json_array_size(node->value), n = 0;
	struct placed_hours *placed = arena_alloc(&parsing->check->scratch, (capacity + 1) * sizeof(*placed));
	struct file_node item;
	for (bool ok = node_first(node, &item); ok; ok = node_next(node, &item)) {
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

/* Reads the hours of one key of `weekly`. named_by: for each weekday, the last key that named it so far; absent: none.
 */
static void read_weekdays(struct parsing *parsing, const struct file_node *node, struct text named_by[7])
{
	int first, last;
	struct calendar_day hours = {NULL, 0};
	read_day(parsing, node, &hours);
	if (!weekday_key_parse(node->place->key, &first, &last)) {
		file_error_unknown_key(parsing->check, node, "day of the week", weekday_names);
		return;
	}
	for (int day = first;; day = (day + 1) % 7) {
		if (!text_is_absent(named_by[day]))
			file_error_add(parsing->check, node->place,
			               "names %s, which %s already names; define each day of the week once",
			               weekday_names[day], file_quote(parsing->check, named_by[day]));
		named_by[day] = node->place->key;
		parsing->out->hours->weekly[day] = hours;
		if (day == last)
			return;
	}
}

static void read_weekly(struct parsing *parsing, const struct file_node *calendar)
{
	struct file_check *check = parsing->check;
	struct file_node weekly, day;
	if (!node_member(calendar, "weekly", &weekly)) {
		file_error_missing(check, calendar, "weekly",
		                   "write the hours of a normal week, such as {\"mon-fri\": [\"09:00-17:00\"]}");
		return;
	}
	if (!node_is_object(check, &weekly, A_WEEK))
		return;
	size_t n_errors = check->errors->n, n_hours = 0;
	struct text named_by[7] = {TEXT_ABSENT, TEXT_ABSENT, TEXT_ABSENT, TEXT_ABSENT,
	                           TEXT_ABSENT, TEXT_ABSENT, TEXT_ABSENT};
	for (bool ok = node_first(&weekly, &day); ok; ok = node_next(&weekly, &day))
		read_weekdays(parsing, &day, named_by);
	for (int i = 0; i < 7; i++)
		n_hours += parsing->out->hours->weekly[i].n;
	if (n_hours == 0 && check->errors->n == n_errors)
		file_error_add(check, weekly.place,
		               "has no hours, so no clock would ever run; write the hours of a normal week, such as "
		               "{\"mon-fri\": [\"09:00-17:00\"]}");
}

/* ---- dates ---- */

/* A date of `days` with its place in the file, to report overlaps. */
struct placed_date {
	struct calendar_date date;
	struct file_place *place;
};

static int by_first_day(const void *a, const void *b)
{
	const struct placed_date *left = a, *right = b;
	return (left->date.first_day > right->date.first_day) - (left->date.first_day < right->date.first_day);
}

/* A repeated key was already reported. */
static void check_dates(struct parsing *parsing, struct placed_date *placed, size_t n)
{
	qsort(placed, n, sizeof(*placed), by_first_day);
	for (size_t i = 1, longest = 0; i < n; i++) {
		if (placed[i].date.first_day <= placed[longest].date.last_day)
			file_error_add(parsing->check, placed[i].place, "overlaps %s; define each date once",
			               file_quote(parsing->check, placed[longest].place->key));
		if (placed[i].date.last_day > placed[longest].date.last_day)
			longest = i;
	}
}

static int by_day_of_year(const void *a, const void *b)
{
	const struct calendar_yearly *left = a, *right = b;
	return left->month != right->month ? left->month - right->month : left->month_day - right->month_day;
}

static void error_date(struct file_check *check, const struct file_node *node, enum date_key kind)
{
	if (kind == DATE_KEY_BACKWARDS)
		file_error_add(check, node->place, "ends before it begins; write the earlier date first");
	else
		file_error_add(check, node->place,
		               "is not a date between 1990 and 2200; write \"2026-10-01\" for a date, "
		               "\"2026-10-01/2026-10-07\" for a range, \"12-25\" for a day of every year");
}

static void read_days(struct parsing *parsing, const struct file_node *calendar)
{
	struct file_check *check = parsing->check;
	struct calendar *out = parsing->out->hours;
	struct file_node days, day;
	if (!node_member(calendar, "days", &days) ||
	    !node_is_object(check, &days, "an object, such as {\"2026-10-01\": []}"))
		return;
	size_t n_keys = json_object_size(days.value), n_dates = 0, n_yearly = 0;
	struct placed_date *placed = arena_zalloc(&check->scratch, (n_keys + 1) * sizeof(*placed));
	struct calendar_yearly *yearly = arena_zalloc(parsing->arena, (n_keys + 1) * sizeof(*yearly));
	for (bool ok = node_first(&days, &day); ok; ok = node_next(&days, &day)) {
		struct named_dates named;
		struct calendar_day hours = {NULL, 0};
		enum date_key kind = date_key_parse(day.place->key, &named);
		if (kind == DATE_KEY_DATES || kind == DATE_KEY_YEARLY)
			read_day(parsing, &day, &hours);
		else
			error_date(check, &day, kind);
		if (kind == DATE_KEY_DATES)
			placed[n_dates++] = (struct placed_date){{named.first_day, named.last_day, hours}, day.place};
		else if (kind == DATE_KEY_YEARLY)
			yearly[n_yearly++] = (struct calendar_yearly){named.month, named.month_day, hours};
		else
			read_day(parsing, &day, &hours); /* report errors of its hours, too */
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

static void read_zone(struct parsing *parsing, const struct file_node *calendar)
{
	struct file_check *check = parsing->check;
	struct file_node node;
	struct text name;
	if (!node_member(calendar, "time_zone", &node)) {
		file_error_missing(check, calendar, "time_zone",
		                   "write the time zone of the hours, such as \"Asia/Shanghai\"");
		return;
	}
	if (!node_is_name(check, &node, "the name of a time zone, such as \"Asia/Shanghai\"", &name))
		return;
	parsing->out->time_zone = arena_text(parsing->arena, name);
	if (!parsing->find_zone(json_string_value(node.value), &parsing->out->hours->zone))
		file_error_add(check, node.place,
		               "%s is not a time zone known on this machine; write an IANA name, such as "
		               "\"Asia/Shanghai\" (package tzdata)",
		               file_quote(check, name));
}

static void read_working_day(struct parsing *parsing, const struct file_node *calendar)
{
	struct file_check *check = parsing->check;
	struct file_node node;
	struct text text;
	if (!node_member(calendar, "working_day", &node))
		return;
	parsing->out->working_day_us = 1; /* so that no `wd` is reported if working_day has an error */
	if (!node_is_string(check, &node, "a duration in quotes, such as \"7h30m\"", &text))
		return;
	enum duration_verdict verdict = duration_parse(text, 0, &parsing->out->working_day_us);
	if (verdict == DURATION_NO_WORKING_DAY)
		file_error_add(check, node.place,
		               "%s defines a working day in working days; write hours, such as \"7h30m\"",
		               file_quote(check, text));
	else if (verdict != DURATION_OK)
		file_error_add(check, node.place, "%s %s", file_quote(check, text), duration_remedy(verdict));
}

static void read_always(struct parsing *parsing, const struct file_node *calendar, const struct file_node *always)
{
	static const char *const known[] = {"always", NULL};
	struct file_node node;
	parsing->out->always = true;
	for (bool ok = node_first(calendar, &node); ok; ok = node_next(calendar, &node)) {
		struct text key = node.place->key;
		if (text_equal(key, TEXT("time_zone")) || text_equal(key, TEXT("weekly")) ||
		    text_equal(key, TEXT("days")) || text_equal(key, TEXT("working_day"))) {
			file_error_add(parsing->check, node.place,
			               "cannot be combined with `always`; remove one of the two");
			return;
		}
	}
	node_check_keys(parsing->check, calendar, "key", known);
	if (!json_is_true(always->value))
		file_error_add(parsing->check, always->place, "can only be true; write {\"always\": true}");
}

struct policy_calendar *calendar_parse(struct file_check *check, struct arena *arena, const struct file_node *node,
                                       zone_find_fn *find_zone)
{
	static const char *const known[] = {"always", "time_zone", "working_day", "weekly", "days", NULL};
	struct policy_calendar *calendar = arena_zalloc(arena, sizeof(*calendar));
	struct parsing parsing = {check, arena, find_zone, calendar};
	struct file_node always;
	size_t n_errors = check->errors->n;
	calendar->name = arena_text(arena, node->place->key);
	node_check_key_length(check, node);
	if (!node_is_object(check, node, A_CALENDAR))
		return calendar;
	if (node_member(node, "always", &always)) {
		read_always(&parsing, node, &always);
		return calendar;
	}
	calendar->hours = arena_zalloc(arena, sizeof(*calendar->hours));
	node_check_keys(check, node, "key of a calendar", known);
	read_zone(&parsing, node);
	read_working_day(&parsing, node);
	read_weekly(&parsing, node);
	read_days(&parsing, node);
	calendar->has_errors = check->errors->n > n_errors;
	return calendar;
}
