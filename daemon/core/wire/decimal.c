#include "decimal.h"

enum {
	MICROS_POWER = 6,
	UINT64_DIGITS = 19,     /* any number with this many digits fits into 64 bits */
	MAX_EXPONENT = 1000000, /* far more than the digits of one message can compensate */
};

/* The value is 0.d1d2d3... * 10^power, where d1 is not 0. No digits: zero. */
struct decimal {
	const char *digits; /* may contain the decimal point */
	const char *end;
	int32_t power;
	bool is_negative;
};

static bool is_digit(char c)
{
	return (unsigned)(c - '0') <= 9;
}

static int32_t read_exponent(const char *p, const char *end)
{
	bool is_negative = *p == '-';
	int32_t exponent = 0;
	if (*p == '-' || *p == '+')
		p++;
	for (; p < end; p++)
		exponent = exponent >= MAX_EXPONENT ? MAX_EXPONENT : exponent * 10 + (*p - '0');
	return is_negative ? -exponent : exponent;
}

static struct decimal split_number(struct text number)
{
	struct decimal decimal = {.is_negative = number.ptr[0] == '-'};
	const char *end = number.ptr + number.len;
	const char *p = number.ptr + decimal.is_negative;
	const char *mantissa_end = p;
	const char *point = NULL;
	for (; mantissa_end < end && (is_digit(*mantissa_end) || *mantissa_end == '.'); mantissa_end++) {
		if (*mantissa_end == '.')
			point = mantissa_end;
	}
	while (p < mantissa_end && !(*p >= '1' && *p <= '9'))
		p++;
	decimal.digits = p;
	decimal.end = mantissa_end;
	if (p == mantissa_end)
		return decimal;
	if (point == NULL)
		point = mantissa_end;
	/* The number of digits before the point, or minus the number of zeros after it. */
	decimal.power = p < point ? (int32_t)(point - p) : -(int32_t)(p - point - 1);
	if (mantissa_end < end)
		decimal.power += read_exponent(mantissa_end + 1, end);
	return decimal;
}

/* The next digit; 0 after the last. */
static unsigned next_digit(struct decimal *decimal)
{
	if (decimal->digits < decimal->end && *decimal->digits == '.')
		decimal->digits++;
	return decimal->digits < decimal->end ? (unsigned)(*decimal->digits++ - '0') : 0;
}

static bool rest_is_zero(struct decimal *decimal)
{
	while (decimal->digits < decimal->end) {
		if (next_digit(decimal) != 0)
			return false;
	}
	return true;
}

static bool rounds_away(struct decimal *decimal)
{
	unsigned digit = next_digit(decimal);
	if (digit != 5 || !decimal->is_negative)
		return digit >= 5;
	return !rest_is_zero(decimal);
}

bool decimal_to_micros(struct text number, int64_t *micros_out)
{
	struct decimal decimal = split_number(number);
	uint64_t micros = 0;
	if (decimal.digits < decimal.end) {
		int32_t n_digits = decimal.power + MICROS_POWER;
		if (n_digits > UINT64_DIGITS)
			return false;
		for (int32_t i = 0; i < n_digits; i++)
			micros = micros * 10 + next_digit(&decimal);
		if (n_digits >= 0 && rounds_away(&decimal))
			micros++;
	}
	if (micros > (uint64_t)DECIMAL_MAX_MICROS)
		return false;
	*micros_out = decimal.is_negative ? -(int64_t)micros : (int64_t)micros;
	return true;
}

bool decimal_beyond_double(struct text number)
{
	/* 2^1024 - 2^970: halfway between the largest double and the next power of two. */
	static const char limit[] = "179769313486231580793728971405303415079934132710037826936173778980444968292764"
	                            "750946649017977587207096330286416692887910946555547851940402630657488671505820"
	                            "681908902000708383676273854845817711531764475730270069855571366959622842914819"
	                            "860834936475292719074168444365510704342711559699508093042880177904174497792";
	enum { LIMIT_DIGITS = sizeof(limit) - 1 };
	struct decimal decimal = split_number(number);
	if (decimal.digits == decimal.end || decimal.power != LIMIT_DIGITS)
		return decimal.digits != decimal.end && decimal.power > LIMIT_DIGITS;
	for (int i = 0; i < LIMIT_DIGITS; i++) {
		unsigned digit = next_digit(&decimal);
		unsigned limit_digit = (unsigned)(limit[i] - '0');
		if (digit != limit_digit)
			return digit > limit_digit;
	}
	return true;
}
