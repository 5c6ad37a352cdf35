/* A calendar of random hours in a random zone. Working time is additive; a due time is the earliest instant at
 * which it has passed; the inverse is the latest; and no answer depends on earlier questions. */
#include "adapters/zone/zone.h"
#include "fuzz.h"
#include "kpid/core/calendar.h"

enum { MAX_HOURS = 4, MAX_DATES = 8 };

struct hours {
	struct calendar_hours items[MAX_HOURS];
};

/* Ascending and disjoint, as the policy file requires. */
static struct calendar_day read_day(struct fuzz_input *input, struct hours *hours)
{
	size_t n = 0;
	int at = 0;
	int wanted = fuzz_byte(input) % (MAX_HOURS + 1);
	for (int i = 0; i < wanted; i++) {
		int start = at + (int)(fuzz_number(input, 2) % 500),
		    end = start + 1 + (int)(fuzz_number(input, 2) % 600);
		end = end > MINUTES_PER_DAY ? MINUTES_PER_DAY : end;
		if (start >= end)
			break;
		hours->items[n++] = (struct calendar_hours){(int16_t)start, (int16_t)end, false};
		at = end + 1;
	}
	if (n > 0 && wanted % 2 == 1) { /* a night shift */
		struct calendar_hours *last = &hours->items[n - 1];
		last->ends_next_day = true;
		last->end_minute = (int16_t)(last->start_minute * (fuzz_byte(input) % 100) / 100);
	}
	return (struct calendar_day){hours->items, n};
}

struct made {
	struct calendar calendar;
	struct hours weekly[7], of_dates[MAX_DATES];
	struct calendar_date dates[MAX_DATES];
	struct calendar_yearly yearly;
	struct hours of_year;
};

static void read_calendar(struct fuzz_input *input, struct made *made)
{
	static const char *const zones[] = {"UTC",
	                                    "Asia/Shanghai",
	                                    "Europe/Berlin",
	                                    "America/New_York",
	                                    "Australia/Lord_Howe",
	                                    "America/Havana",
	                                    "Pacific/Apia",
	                                    "Asia/Kathmandu",
	                                    "Africa/Casablanca",
	                                    "Antarctica/Troll"};
	*made = (struct made){.calendar = {.n_spans = 0}};
	size_t zone = fuzz_byte(input) % (sizeof(zones) / sizeof(zones[0]));
	CHECK(zone_find(zones[zone], &made->calendar.zone));
	for (int i = 0; i < 7; i++)
		made->calendar.weekly[i] = read_day(input, &made->weekly[i]);
	int32_t day = 0;
	size_t n = fuzz_byte(input) % (MAX_DATES + 1);
	for (size_t i = 0; i < n; i++) {
		day += 1 + (int32_t)(fuzz_number(input, 2) % 20000);
		int32_t last_day = day + fuzz_byte(input) % 20;
		made->dates[i] = (struct calendar_date){day, last_day, read_day(input, &made->of_dates[i])};
		day = last_day;
	}
	made->yearly.month = (uint8_t)(1 + fuzz_byte(input) % 12);
	made->yearly.month_day = (uint8_t)(1 + fuzz_byte(input) % 31);
	made->yearly.hours = read_day(input, &made->of_year);
	made->calendar.yearly = &made->yearly;
	made->calendar.n_yearly = fuzz_byte(input) % 2;
	made->calendar.dates = made->dates;
	made->calendar.n_dates = n;
}

static void release(struct made *made)
{
	calendar_release(&made->calendar);
	if (made->calendar.zone.release != NULL)
		made->calendar.zone.release(made->calendar.zone.context);
}

static bool is_empty(const struct made *made)
{
	size_t n = 0;
	for (int i = 0; i < 7; i++)
		n += made->calendar.weekly[i].n;
	return n == 0;
}

static int64_t read_instant(struct fuzz_input *input)
{
	const int64_t first_us = INT64_C(631152000000000), years_us = INT64_C(211) * 365 * US_PER_DAY; /* of 1990 .. */
	return first_us + (int64_t)(fuzz_number(input, 7) % (uint64_t)years_us);
}

static void check_times(struct calendar *calendar, int64_t a, int64_t b, int64_t c)
{
	int64_t whole = calendar_worked_us(calendar, a, c);
	CHECK(whole == calendar_worked_us(calendar, a, b) + calendar_worked_us(calendar, b, c));
	CHECK(whole >= 0 && whole <= (c > a ? c - a : 0));
	CHECK(calendar_worked_us(calendar, c, a) == 0);
}

static void check_due(struct made *made, int64_t from_us, int64_t work_us)
{
	struct calendar *calendar = &made->calendar;
	int64_t due_us = calendar_after_us(calendar, from_us, work_us);
	if (due_us != TIME_FOR_EVER) {
		CHECK(due_us >= from_us + work_us);
		CHECK(calendar_worked_us(calendar, from_us, due_us) == work_us);
		CHECK(calendar_worked_us(calendar, from_us, due_us - 1) == work_us - 1);
		int64_t back_us = calendar_before_us(calendar, due_us, work_us);
		CHECK(back_us >= from_us && calendar_worked_us(calendar, from_us, back_us) == 0);
		CHECK(calendar_after_us(calendar, back_us, work_us) == due_us);
	} else {
		CHECK(is_empty(made) || made->calendar.n_dates > 0 ||
		      calendar_worked_us(calendar, from_us, CALENDAR_END_DAY * US_PER_DAY) < work_us);
	}
	int64_t since_us = calendar_before_us(calendar, from_us, work_us);
	if (since_us != CALENDAR_FIRST_DAY * US_PER_DAY) {
		CHECK(calendar_worked_us(calendar, since_us, from_us) == work_us);
		CHECK(calendar_worked_us(calendar, since_us + 1, from_us) == work_us - 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct fuzz_input input = {data, data + n_bytes}, again;
	struct made made, fresh;
	again = input;
	read_calendar(&input, &made);
	for (int i = 0; i < 2; i++) {
		int64_t a = read_instant(&input),
		        b = a + (int64_t)(fuzz_number(&input, 6) % (uint64_t)(800 * US_PER_DAY)),
		        c = b + (int64_t)(fuzz_number(&input, 6) % (uint64_t)(800 * US_PER_DAY)),
		        work_us = 1 + (int64_t)(fuzz_number(&input, 6) % (uint64_t)(366 * US_PER_DAY));
		check_times(&made.calendar, a, b, c);
		check_due(&made, a, work_us);
		if (i > 0)
			continue;
		struct fuzz_input from_start = again;
		read_calendar(&from_start, &fresh);
		CHECK(calendar_after_us(&fresh.calendar, a, work_us) == calendar_after_us(&made.calendar, a, work_us));
		CHECK(calendar_worked_us(&fresh.calendar, b, c) == calendar_worked_us(&made.calendar, b, c));
		release(&fresh);
		if (input.at == input.end)
			break;
	}
	release(&made);
	return 0;
}
