/* Times as sources write them (M6), and dates as people do (M9). */
#include <stdio.h>

#include "../wire/timestamp_read.h"
#include "kpid/core/flat.h"
#include "kpid/core/local_time.h"

enum { TO_MINUTES = 16 /* 2026-11-01T00:00 */, MAX_TEXT = 64, NANOS_DIGITS = 19 };

static bool is_digit(char c)
{
	return (unsigned)(c - '0') <= 9;
}

/* ---- numbers ---- */

/* Digits with or without a point. */
static bool is_plain_number(struct text text)
{
	uint32_t n_points = 0;
	for (uint32_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '.')
			n_points++;
		else if (!is_digit(text.ptr[i]))
			return false;
	}
	return text.len > 0 && n_points <= 1 && is_digit(text.ptr[0]) && is_digit(text.ptr[text.len - 1]);
}

/* Seconds, milliseconds, microseconds or nanoseconds since 1970: the ranges of 1990 to 2200 do not overlap. */
static const char *read_number(struct text text, int64_t *us_out)
{
	static const int64_t units_us[] = {1000000, 1000, 1};
	static const int64_t first_s = 631152000, after_last_s = 7289654400; /* 1990-01-01, 2201-01-01 */
	uint64_t whole = 0;
	uint32_t i = 0;
	while (i < text.len && text.ptr[i] == '0')
		i++;
	uint32_t first = i;
	for (; i < text.len && text.ptr[i] != '.'; i++) {
		if (i - first >= NANOS_DIGITS)
			return "no time from 1990 to 2200";
		whole = whole * 10 + (uint64_t)(text.ptr[i] - '0');
	}
	if (whole / 1000000000 >= (uint64_t)first_s && whole / 1000000000 < (uint64_t)after_last_s) {
		*us_out = (int64_t)(whole / 1000);
		return NULL;
	}
	for (size_t unit = 0; unit < 3; unit++) {
		uint64_t per_second = (uint64_t)(1000000 / units_us[unit]);
		if (whole < (uint64_t)first_s * per_second || whole >= (uint64_t)after_last_s * per_second)
			continue;
		int64_t us = (int64_t)whole * units_us[unit];
		for (int64_t digit_us = units_us[unit] / 10; i + 1 < text.len && digit_us > 0; digit_us /= 10)
			us += digit_us * (text.ptr[++i] - '0');
		*us_out = us;
		return NULL;
	}
	return "no time from 1990 to 2200";
}

/* ---- texts ---- */

/* The zone that ends the text, as RFC 3339 writes it; "" if there is none, NULL if it is not a zone. */
static const char *read_zone(struct text zone, char out[8])
{
	if (zone.len > 0 && zone.ptr[0] == ' ')
		zone = (struct text){zone.ptr + 1, zone.len - 1};
	else if (zone.len == 0)
		return "";
	if (text_equal(zone, TEXT("Z")) || text_equal(zone, TEXT("z")) || text_equal(zone, TEXT("UTC")) ||
	    text_equal(zone, TEXT("GMT")))
		return "Z";
	if (zone.len == 0 || (zone.ptr[0] != '+' && zone.ptr[0] != '-'))
		return NULL;
	if (zone.len == 3) /* +08 */
		snprintf(out, 8, "%.3s:00", zone.ptr);
	else if (zone.len == 5 && zone.ptr[3] != ':') /* +0800 */
		snprintf(out, 8, "%.3s:%.2s", zone.ptr, zone.ptr + 3);
	else if (zone.len == 6)
		snprintf(out, 8, "%.6s", zone.ptr);
	else
		return NULL;
	return out;
}

static const char *read_local(const char *rfc3339, const struct zone *zone, struct flat_tally *tally, int64_t *us_out)
{
	enum local_time_kind kind;
	int64_t local_us;
	if (zone == NULL)
		return "no time zone";
	const char *error = timestamp_read(text_of(rfc3339), &local_us);
	if (error != NULL)
		return error;
	*us_out = local_time_to_utc(zone, local_us, false, &kind);
	tally->n_moved += kind == LOCAL_TIME_MISSING;
	tally->n_twice += kind == LOCAL_TIME_TWICE;
	return NULL;
}

const char *flat_time_read(struct text text, const struct zone *zone, struct flat_tally *tally, int64_t *us_out)
{
	char rfc3339[MAX_TEXT + 16], zone_text[8];
	if (is_plain_number(text))
		return read_number(text, us_out);
	if (text.len == 10 && text.ptr[4] == '-' && text.ptr[7] == '-')
		return "a date without a time of day";
	if (text.len < TO_MINUTES || text.len > MAX_TEXT)
		return "not a time";
	uint32_t at = TO_MINUTES;
	const char *seconds = ":00";
	if (at < text.len && text.ptr[at] == ':') {
		seconds = "";
		at = at + 3 > text.len ? text.len : at + 3;
	}
	if (seconds[0] == '\0' && at < text.len && text.ptr[at] == '.')
		do
			at++;
		while (at < text.len && is_digit(text.ptr[at]));
	const char *offset = read_zone((struct text){text.ptr + at, text.len - at}, zone_text);
	if (offset == NULL)
		return "not a time zone";
	snprintf(rfc3339, sizeof(rfc3339), "%.*s%s%s", (int)at, text.ptr, seconds, offset[0] == '\0' ? "Z" : offset);
	return offset[0] == '\0' ? read_local(rfc3339, zone, tally, us_out) : timestamp_read(text_of(rfc3339), us_out);
}
