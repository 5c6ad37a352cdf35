/* Dates as people and spreadsheets write them, as local text (M9). */
#include <stdio.h>
#include <stdlib.h>

#include "kpid/core/flat.h"

enum { MAX_TEXT = 64, EXCEL_1970 = 25569, N_PARTS = 3 };

static bool is_digit(char c)
{
	return (unsigned)(c - '0') <= 9;
}

/* Takes a number of up to four digits. Returns the number of digits. */
static int take_number(const char **at_io, int *number_out)
{
	int n = 0;
	*number_out = 0;
	for (; n < 4 && is_digit(**at_io); n++)
		*number_out = *number_out * 10 + (*(*at_io)++ - '0');
	return n;
}

static bool take_word(const char **at_io, const char *word)
{
	size_t len = strlen(word);
	if (strncasecmp(*at_io, word, len) != 0)
		return false;
	*at_io += len;
	return true;
}

static void skip_spaces(const char **at_io)
{
	while (**at_io == ' ')
		(*at_io)++;
}

/* What may follow a part of a date. */
static bool take_separator(const char **at_io, int part)
{
	static const char *const chinese[N_PARTS] = {"年", "月", "日"};
	if (take_word(at_io, chinese[part]))
		return true;
	if (part == N_PARTS - 1)
		return true;
	return take_word(at_io, ".") || take_word(at_io, "/") || take_word(at_io, "-");
}

static bool take_date(const char **at_io, const int order[N_PARTS], int date_out[N_PARTS])
{
	for (int part = 0; part < N_PARTS; part++) {
		int n_digits = take_number(at_io, &date_out[order[part]]);
		bool is_good = order[part] == 0 ? n_digits == 4 : n_digits == 1 || n_digits == 2;
		if (!is_good || !take_separator(at_io, part))
			return false;
	}
	return true;
}

/* Takes morning or afternoon, and converts the hour. */
static bool take_half(const char **at_io, int *hour_io)
{
	skip_spaces(at_io);
	bool is_morning = take_word(at_io, "AM") || take_word(at_io, "上午");
	bool is_afternoon = !is_morning && (take_word(at_io, "PM") || take_word(at_io, "下午"));
	if (!is_morning && !is_afternoon)
		return true;
	if (*hour_io < 1 || *hour_io > 12)
		return false;
	*hour_io = *hour_io % 12 + (is_afternoon ? 12 : 0);
	return true;
}

struct time_of_day {
	int hour, minute, second;
	const char *fraction;
	int n_fraction;
};

static bool take_time(const char **at_io, struct time_of_day *time)
{
	take_word(at_io, "T");
	take_word(at_io, ",");
	skip_spaces(at_io);
	if (**at_io == '\0')
		return true;
	int n_hour = take_number(at_io, &time->hour);
	if (n_hour < 1 || n_hour > 2 || !take_word(at_io, ":") || take_number(at_io, &time->minute) != 2)
		return false;
	if (take_word(at_io, ":") && take_number(at_io, &time->second) != 2)
		return false;
	if (**at_io == '.') {
		time->fraction = (*at_io)++;
		while (is_digit(**at_io))
			(*at_io)++;
		time->n_fraction = (int)(*at_io - time->fraction) > 7 ? 7 : (int)(*at_io - time->fraction);
		if (time->n_fraction < 2)
			return false;
	}
	return take_half(at_io, &time->hour) && **at_io == '\0';
}

/* True if the text is a local time that exists in some zone. */
static bool is_local_time(const char *text)
{
	char with_zone[FLAT_DATE_BYTES + 1];
	int64_t us;
	snprintf(with_zone, sizeof(with_zone), "%sZ", text);
	return timestamp_parse(text_of(with_zone), &us);
}

static bool write_date(const char *at, const int order[N_PARTS], char out[FLAT_DATE_BYTES])
{
	int date[N_PARTS] = {0};
	struct time_of_day time = {.fraction = ""};
	if (!take_date(&at, order, date) || !take_time(&at, &time))
		return false;
	snprintf(out, FLAT_DATE_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d%.*s", date[0] % 10000, date[1] % 100,
	         date[2] % 100, time.hour % 100, time.minute % 100, time.second % 100, time.n_fraction, time.fraction);
	return is_local_time(out);
}

static bool write_us(int64_t us, char out[FLAT_DATE_BYTES])
{
	char text[TIMESTAMP_TEXT_BYTES];
	size_t len = timestamp_format(us, text);
	memcpy(out, text, len - 1); /* without the Z */
	out[len - 1] = '\0';
	return is_local_time(out);
}

/* A number of digits with or without a point, below 10^15. */
static bool read_number(const char *text, double *number_out)
{
	size_t n_whole = strspn(text, "0123456789");
	const char *rest = text + n_whole;
	size_t n_rest = *rest == '.' ? 1 + strspn(rest + 1, "0123456789") : 0;
	*number_out = strtod(text, NULL);
	return n_whole > 0 && n_whole <= 15 && rest[n_rest] == '\0';
}

bool flat_date_write(enum flat_date order, struct text text, char out[FLAT_DATE_BYTES])
{
	static const int orders[][N_PARTS] = {[FLAT_DMY] = {2, 1, 0}, [FLAT_MDY] = {1, 2, 0}, [FLAT_YMD] = {0, 1, 2}};
	char copy[MAX_TEXT + 1];
	double number;
	if (text.len > MAX_TEXT || text.len == 0 || memchr(text.ptr, '\0', text.len) != NULL)
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	switch (order) {
	case FLAT_EXCEL: /* days, to the millisecond */
		return read_number(copy, &number) && number < 1e6 &&
		       write_us((int64_t)((number - EXCEL_1970) * 86400e3 + (number < EXCEL_1970 ? -0.5 : 0.5)) * 1000,
		                out);
	case FLAT_WALL_MS:
		return read_number(copy, &number) && write_us((int64_t)(number * 1000), out);
	default:
		return write_date(copy, orders[order], out);
	}
}
