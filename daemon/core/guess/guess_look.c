/* What values look like as times. */
#include "guess.h"
#include "kpid/core/flat.h"
#include "kpid/port/zone.h"

enum { SHORTEST_TEXT = 8, LONGEST_TEXT = 64, FIRST_DAY = 36526, AFTER_LAST_DAY = 58000 /* 2000 to 2058 */ };

#define BIT(look) (1u << (look))

static uint32_t space(struct text text, bool from_end)
{
	static const struct text spaces[] = {{" ", 1},        {"\t", 1},           {"\n", 1},
	                                     {"\r", 1},       {"\v", 1},           {"\f", 1},
	                                     {"\xc2\xa0", 2}, {"\xe3\x80\x80", 3}, {"\xef\xbb\xbf", 3}};
	for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
		uint32_t len = spaces[i].len;
		if (text.len >= len && memcmp(from_end ? text.ptr + text.len - len : text.ptr, spaces[i].ptr, len) == 0)
			return len;
	}
	return 0;
}

struct text guess_trim(struct text value)
{
	uint32_t len;
	while ((len = space(value, false)) > 0) {
		value.ptr += len;
		value.len -= len;
	}
	while ((len = space(value, true)) > 0)
		value.len -= len;
	return value;
}

/* Digits with at most one point: the whole part; -1: it is no such number. */
static double whole_number(struct text value)
{
	double number = 0;
	bool in_fraction = false;
	for (uint32_t i = 0; i < value.len; i++) {
		unsigned digit = (unsigned)(value.ptr[i] - '0');
		if (digit <= 9 && !in_fraction)
			number = number * 10 + digit;
		else if (value.ptr[i] == '.' && !in_fraction && i > 0 && i + 1 < value.len)
			in_fraction = true;
		else if (digit > 9)
			return -1;
	}
	return value.len == 0 ? -1 : number;
}

static int32_t no_offset(void *context, int64_t at_us)
{
	(void)context, (void)at_us;
	return 0;
}

static unsigned looks_of_number(struct text value, double whole)
{
	struct flat_tally tally = {0, 0};
	int64_t us;
	unsigned looks = flat_time_read(value, NULL, &tally, &us) == NULL ? BIT(LOOK_EPOCH) : 0;
	return whole >= FIRST_DAY && whole < AFTER_LAST_DAY ? looks | BIT(LOOK_EXCEL) : looks;
}

unsigned guess_looks(struct text value)
{
	static const struct zone utc = {no_offset, NULL, NULL};
	static const struct {
		enum flat_date date;
		enum guess_look look;
	} dates[] = {{FLAT_YMD, LOOK_YMD}, {FLAT_DMY, LOOK_DMY}, {FLAT_MDY, LOOK_MDY}};
	char out[FLAT_DATE_BYTES];
	struct flat_tally tally = {0, 0};
	int64_t us;
	unsigned looks = 0;
	double whole = value.len > LONGEST_TEXT ? -1 : whole_number(value);
	if (whole >= 0)
		return looks_of_number(value, whole);
	if (value.len < SHORTEST_TEXT || value.len > LONGEST_TEXT || (unsigned)(value.ptr[0] - '0') > 9)
		return 0;
	if (flat_time_read(value, NULL, &tally, &us) == NULL)
		looks |= BIT(LOOK_ZONED);
	else if (flat_time_read(value, &utc, &tally, &us) == NULL)
		looks |= BIT(LOOK_LOCAL);
	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++)
		looks |= flat_date_write(dates[i].date, value, out) ? BIT(dates[i].look) : 0;
	return looks;
}

/* True if a column that can be read only one way has the day before the month, and none has it after. */
static bool has_day_first(const struct map_guess *guess)
{
	int64_t n_day_first = 0, n_month_first = 0;
	for (size_t i = 0; i < guess->n_columns; i++) {
		const struct guess_column *column = &guess->columns[i];
		n_day_first += column->n_looks[LOOK_DMY] > column->n_looks[LOOK_MDY];
		n_month_first += column->n_looks[LOOK_MDY] > column->n_looks[LOOK_DMY];
	}
	return n_day_first > n_month_first;
}

static bool has_month_first(const struct map_guess *guess)
{
	for (size_t i = 0; i < guess->n_columns; i++)
		if (guess->columns[i].n_looks[LOOK_MDY] > guess->columns[i].n_looks[LOOK_DMY])
			return !has_day_first(guess);
	return false;
}

/* All dates of the column are dates both ways: the rest of the file decides, or how people write. */
static enum guess_reading decide(const struct map_guess *guess, const struct guess_column *column, bool *is_either_out)
{
	*is_either_out = false;
	if (column->n_points > 0 || has_day_first(guess))
		return READ_DMY;
	if (has_month_first(guess))
		return READ_MDY;
	*is_either_out = true;
	return column->n_halves > 0 ? READ_MDY : READ_DMY;
}

struct guess_time guess_time_of(const struct map_guess *guess, const struct guess_column *column, bool named)
{
	const int64_t *n = column->n_looks;
	struct guess_time time = {.reading = READ_PLAIN};
	int64_t plain = n[LOOK_ZONED] + n[LOOK_LOCAL] + (named ? n[LOOK_EPOCH] : 0);
	int64_t excel = named ? n[LOOK_EXCEL] : 0, best = plain;
	if (n[LOOK_YMD] > best) {
		time.reading = READ_YMD;
		best = n[LOOK_YMD];
	}
	if (n[LOOK_DMY] > best || n[LOOK_MDY] > best) {
		time.reading = n[LOOK_DMY] > n[LOOK_MDY] ? READ_DMY : READ_MDY;
		best = n[LOOK_DMY] > n[LOOK_MDY] ? n[LOOK_DMY] : n[LOOK_MDY];
		if (n[LOOK_DMY] == n[LOOK_MDY])
			time.reading = decide(guess, column, &time.is_either);
	}
	if (best == 0 && excel > 0)
		time.reading = READ_EXCEL;
	/* Numbers of days beside local times need one way for both: a number is no RFC 3339. */
	if (excel > 0 && best > 0 && time.reading == READ_PLAIN && n[LOOK_YMD] > 0)
		time.reading = READ_YMD;
	time.or_excel = excel > 0 && time.reading != READ_EXCEL;
	time.needs_zone = time.reading != READ_PLAIN || n[LOOK_LOCAL] > 0 || time.or_excel;
	time.is_time = column->n_filled > 0 && (best + excel) * 10 >= column->n_filled * 8;
	return time;
}
