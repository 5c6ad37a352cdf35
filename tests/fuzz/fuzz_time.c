/* Timestamps and durations: what is accepted is in range, and reads the same when it is written again. */
#include "fuzz.h"
#include "kpid/core/duration.h"
#include "kpid/core/timestamp.h"

static void check_timestamp(struct text text)
{
	int64_t us = TIME_NONE, again_us;
	char written[TIMESTAMP_TEXT_BYTES];
	if (!timestamp_parse(text, &us)) {
		CHECK(us == TIME_NONE);
		return;
	}
	size_t n = timestamp_format(us, written);
	CHECK(n == strlen(written) && n < sizeof(written));
	CHECK(memcmp(written, "1990", 4) >= 0 && memcmp(written, "2200", 4) <= 0);
	CHECK(timestamp_parse((struct text){written, (uint32_t)n}, &again_us) && again_us == us);
	CHECK(timestamp_bucket(us) <= us && us - timestamp_bucket(us) < BUCKET_US);
}

static void check_duration(struct text text, int64_t working_day_us)
{
	int64_t us = -1, longer_us;
	enum duration_verdict verdict = duration_parse(text, working_day_us, &us);
	CHECK((verdict == DURATION_OK) == (duration_remedy(verdict) == NULL));
	if (verdict != DURATION_OK) {
		CHECK(us == -1);
		return;
	}
	CHECK(us > 0 && us <= 366 * US_PER_DAY && us % US_PER_SECOND == 0);
	/* Without working days, their length does not matter. */
	if (memmem(text.ptr, text.len, "wd", 2) == NULL)
		CHECK(duration_parse(text, 0, &longer_us) == DURATION_OK && longer_us == us);
	else
		CHECK(duration_parse(text, 0, &longer_us) == DURATION_NO_WORKING_DAY);
}

/* One value per line; the first byte of the input chooses the working day. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const int64_t working_days_h[] = {0, 1, 7, 8, 24};
	struct fuzz_input input = {data, data + n_bytes};
	int64_t working_day_us = working_days_h[fuzz_byte(&input) % 5] * 3600 * US_PER_SECOND;
	struct text text = fuzz_exact((struct text){(const char *)input.at, (uint32_t)(input.end - input.at)});
	for (uint32_t at = 0, end; at <= text.len; at = end + 1) {
		for (end = at; end < text.len && text.ptr[end] != '\n';)
			end++;
		struct text line = fuzz_exact((struct text){text.ptr + at, end - at});
		check_timestamp(line);
		check_duration(line, working_day_us);
		free((char *)line.ptr);
	}
	free((char *)text.ptr);
	return 0;
}
