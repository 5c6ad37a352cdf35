#include "app/ledger_settings.h"

#include <inttypes.h>
#include <stdlib.h>

#include "adapters/pg/rows.h"
#include "kpid/base/buf.h"
#include "kpid/core/duration.h"

enum { PERCENT = LEDGER_WHOLE / 100 };

#define DAY_US    US_PER_DAY
#define MINUTE_US (60 * US_PER_SECOND)

static int64_t duration_of(const PGresult *result, int column, int64_t absent_us)
{
	int64_t us;
	return duration_parse(pg_get_text(result, 0, column), 0, &us) == DURATION_OK ? us : absent_us;
}

/* "5%" */
static int32_t part_of(const PGresult *result, int column, int32_t absent_percent)
{
	struct text value = pg_get_text(result, 0, column);
	return PERCENT * (text_is_absent(value) ? absent_percent : (int32_t)strtol(value.ptr, NULL, 10));
}

void ledger_settings_read(struct ledger_settings *settings_out, const PGresult *result)
{
	*settings_out = (struct ledger_settings){
	        .rules =
	                {
	                        .callback_within_us = duration_of(result, LEDGER_BEGIN_CALLBACK_WITHIN, 7 * DAY_US),
	                        .parked_after_us = duration_of(result, LEDGER_BEGIN_PARKED_AFTER, 30 * MINUTE_US),
	                        .last_part = part_of(result, LEDGER_BEGIN_LAST_PART, 5),
	                        .eased_after = part_of(result, LEDGER_BEGIN_EASED_AFTER, 80),
	                },
	        .repeat_within_us = duration_of(result, LEDGER_BEGIN_REPEAT_WITHIN, 30 * DAY_US),
	};
}

static void add_duration(const struct kpid_config *config, const char *name, int64_t us,
                         void (*add)(struct shared_settings *to, const char *name, const char *value),
                         struct shared_settings *to)
{
	static const struct {
		int64_t us;
		char name;
	} units[] = {{US_PER_DAY, 'd'}, {3600 * US_PER_SECOND, 'h'}, {MINUTE_US, 'm'}, {US_PER_SECOND, 's'}};
	struct buf value = BUF_INIT;
	size_t i = 0;
	while (i < sizeof(units) / sizeof(units[0]) - 1 && us % units[i].us != 0)
		i++;
	buf_add_format(&value, "%" PRId64 "%c", us / units[i].us, units[i].name);
	add(to, name, kpid_config_names(config, name) ? value.data : NULL);
	buf_release(&value);
}

static void add_percent(const struct kpid_config *config, const char *name, int64_t percent,
                        void (*add)(struct shared_settings *to, const char *name, const char *value),
                        struct shared_settings *to)
{
	struct buf value = BUF_INIT;
	buf_add_format(&value, "%" PRId64 "%%", percent);
	add(to, name, kpid_config_names(config, name) ? value.data : NULL);
	buf_release(&value);
}

void ledger_settings_each(const struct kpid_config *config,
                          void (*add)(struct shared_settings *to, const char *name, const char *value),
                          struct shared_settings *to)
{
	add_duration(config, "appraisal.callback_within", config->appraisal.callback_within_us, add, to);
	add_duration(config, "appraisal.repeat_within", config->appraisal.repeat_within_us, add, to);
	add_percent(config, "appraisal.last_part", config->appraisal.last_part, add, to);
	add_duration(config, "appraisal.parked_after", config->appraisal.parked_after_us, add, to);
	add_percent(config, "appraisal.eased_after", config->appraisal.eased_after, add, to);
}
