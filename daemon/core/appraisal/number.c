/* Exact numbers of the plan file (rule I1). */
#include "kpid/core/appraisal.h"
#include "kpid/core/duration.h"
#include "kpid/core/timestamp.h"

enum { MOST_WHOLE_DIGITS = 9, MOST_DECIMALS = 6 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t count_digits(struct text text, uint32_t at)
{
	size_t n = 0;
	while (at + n < text.len && is_digit(text.ptr[at + n]))
		n++;
	return n;
}

/* "0.85" or "95%", without a sign. */
static enum appraisal_number_verdict read_decimal(struct text text, int64_t *number_out)
{
	int64_t unit = APPRAISAL_NUMBER_ONE, number = 0;
	size_t whole = count_digits(text, 0), decimals = 0;
	uint32_t at = (uint32_t)whole;
	if (whole > 0 && at < text.len && text.ptr[at] == '.') {
		decimals = count_digits(text, at + 1);
		at += 1 + (uint32_t)decimals;
		if (decimals == 0)
			return NUMBER_UNREADABLE;
	}
	bool percent = at + 1 == text.len && text.ptr[at] == '%';
	if (whole == 0 || at + percent != text.len)
		return NUMBER_UNREADABLE;
	if (whole > MOST_WHOLE_DIGITS || decimals > MOST_DECIMALS)
		return NUMBER_TOO_LONG;
	unit /= percent ? 100 : 1;
	for (uint32_t i = 0; i < at; i++) {
		if (i < whole)
			number = number * 10 + (text.ptr[i] - '0') * unit;
		else if (i > whole)
			number += (text.ptr[i] - '0') * (unit /= 10);
	}
	*number_out = number;
	return NUMBER_OK;
}

enum appraisal_number_verdict appraisal_number_parse(struct text text, int64_t *number_out)
{
	struct text digits = text;
	int64_t number, us;
	int sign = 1;
	if (digits.len > 0 && digits.ptr[0] == '-') {
		digits = (struct text){digits.ptr + 1, digits.len - 1};
		sign = -1;
	}
	enum appraisal_number_verdict verdict = read_decimal(digits, &number);
	if (verdict == NUMBER_UNREADABLE && duration_parse(digits, 0, &us) == DURATION_OK) {
		number = us / US_PER_SECOND * APPRAISAL_NUMBER_ONE;
		verdict = NUMBER_OK;
	}
	if (verdict == NUMBER_OK)
		*number_out = sign * number;
	return verdict;
}
