/* The example due times come from the code that also judges. */
#include "cli/policy_show.h"

#include <stdio.h>

#include "cli/term.h"

#define HOUR_US (INT64_C(3600) * US_PER_SECOND)

/* ---- local time ---- */

/* The local time of a zone, in microseconds as if it were UTC. */
static int64_t local_us(const struct zone *zone, int64_t at_us)
{
	return zone->offset_s == NULL ? at_us : at_us + zone->offset_s(zone->context, at_us) * US_PER_SECOND;
}

static int32_t day_of(int64_t local_us)
{
	return (int32_t)((local_us - ((local_us % US_PER_DAY + US_PER_DAY) % US_PER_DAY)) / US_PER_DAY);
}

static int weekday_of(int32_t day)
{
	return (day % 7 + 10) % 7;
}

/* "Mon 2026-03-09 09:00" */
static void add_local(struct buf *out, const struct zone *zone, int64_t at_us)
{
	static const char *const names[7] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
	char text[TIMESTAMP_TEXT_BYTES];
	int64_t local = local_us(zone, at_us);
	timestamp_format(local, text);
	bool seconds = local % (60 * US_PER_SECOND) != 0;
	buf_add_format(out, "%s %.10s %.*s", names[weekday_of(day_of(local))], text, seconds ? 8 : 5, text + 11);
}

/* ---- days to show ---- */

static bool is_ordinary(const struct calendar *calendar, int32_t day)
{
	return calendar_hours_on(calendar, day) == &calendar->weekly[weekday_of(day)];
}

/* The first Monday from a day on that begins two weeks without special dates. */
static int32_t ordinary_monday(const struct calendar *calendar, int32_t from_day)
{
	int32_t monday = from_day + (7 - weekday_of(from_day)) % 7;
	for (int tries = 0; calendar != NULL && tries < 60; tries++, monday += 7) {
		int i = 0;
		while (i < 14 && is_ordinary(calendar, monday + i))
			i++;
		if (i == 14)
			break;
	}
	return monday;
}

/* The next holiday on a working weekday within ten years; 0: none. */
static int32_t first_holiday(const struct calendar *calendar, int32_t from_day)
{
	enum { DAYS_AHEAD = 10 * 366 };
	for (int32_t day = from_day; day < from_day + DAYS_AHEAD; day++)
		if (calendar_hours_on(calendar, day)->n == 0 && calendar->weekly[weekday_of(day)].n > 0)
			return day;
	return 0;
}

/* The beginning of a local day, exact enough to find its first working hour. */
static int64_t start_of(const struct calendar *calendar, int32_t day)
{
	int64_t noon_us = day * US_PER_DAY + US_PER_DAY / 2;
	int64_t offset_us =
	        calendar == NULL ? 0 : calendar->zone.offset_s(calendar->zone.context, noon_us) * US_PER_SECOND;
	return day * US_PER_DAY - offset_us;
}

/* The first working time on or after a day; nine o'clock without a calendar. */
static int64_t opening_us(struct calendar *calendar, int32_t day)
{
	if (calendar == NULL)
		return day * US_PER_DAY + 9 * HOUR_US;
	int64_t at_us = start_of(calendar, day);
	return calendar_after_us(calendar, at_us, 1) - 1;
}

/* One working hour before the holiday. */
static int64_t last_hour_us(struct calendar *calendar, int32_t holiday)
{
	return calendar_before_us(calendar, start_of(calendar, holiday), HOUR_US);
}

static int64_t due_us(struct calendar *calendar, int64_t opened_us, int64_t within_us)
{
	return calendar == NULL ? opened_us + within_us : calendar_after_us(calendar, opened_us, within_us);
}

/* ---- text ---- */

static void add_example(struct buf *out, const char *when, struct calendar *calendar, int64_t opened_us,
                        int64_t within_us)
{
	static const struct zone utc = {NULL, NULL, NULL};
	const struct zone *zone = calendar == NULL ? &utc : &calendar->zone;
	buf_add_format(out, "        %-16s opened ", when);
	add_local(out, zone, opened_us);
	int64_t due = due_us(calendar, opened_us, within_us);
	buf_add_str(out, due == TIME_FOR_EVER ? ", never due" : ", due ");
	if (due != TIME_FOR_EVER)
		add_local(out, zone, due);
	buf_add_char(out, '\n');
}

static void add_list(struct buf *out, const char *label, struct text_list list)
{
	for (size_t i = 0; i < list.n; i++) {
		buf_add_str(out, i == 0 ? label : ", ");
		if (text_is_empty(list.items[i]))
			buf_add_str(out, "\"\"");
		else
			term_escape(out, list.items[i]);
	}
}

static void add_warnings(struct buf *out, const struct target_rule *rule)
{
	for (size_t i = 0; i < rule->n_warnings; i++) {
		buf_add_str(out, i == 0 ? "; warns " : " and ");
		if (rule->warnings[i].before) {
			term_duration(out, rule->warnings[i].us);
			buf_add_str(out, " before");
		} else {
			buf_add_str(out, "after ");
			term_duration(out, rule->warnings[i].us);
		}
	}
	for (size_t i = 0; i < rule->n_escalations; i++) {
		buf_add_str(out, i == 0 ? "; escalates " : " and ");
		term_duration(out, rule->escalations_us[i]);
	}
	if (rule->n_escalations > 0)
		buf_add_str(out, " after the breach");
}

static void add_target(struct buf *out, enum sla_target target, const struct target_rule *rule, int32_t from_day)
{
	struct calendar *calendar = target_hours(rule);
	buf_add_format(out, "      %-15s within ", sla_target_name(target));
	term_duration(out, rule->within_us);
	if (calendar == NULL) {
		buf_add_str(out, ", day and night");
	} else {
		buf_add_str(out, " of working time, by the calendar ");
		term_escape(out, rule->calendar->name);
		buf_add_str(out, " (");
		term_escape(out, rule->calendar->time_zone);
		buf_add_char(out, ')');
	}
	add_list(out, "; stops while paused for ", rule->pause_on);
	if (rule->reopen_continue)
		buf_add_str(out, "; continues after a reopening");
	add_warnings(out, rule);
	buf_add_char(out, '\n');
	if (calendar == NULL)
		return;
	add_example(out, "ordinary Monday:", calendar, opening_us(calendar, ordinary_monday(calendar, from_day)),
	            rule->within_us);
	int32_t holiday = first_holiday(calendar, from_day);
	if (holiday != 0)
		add_example(out, "over a holiday:", calendar, last_hour_us(calendar, holiday), rule->within_us);
}

static void add_match(struct buf *out, const struct policy *policy)
{
	static const char *const labels[POLICY_N_MATCHES] = {
	        [EVENT_PROJECT_ID] = "project_id ", [EVENT_CHANNEL] = "channel ", [EVENT_CATEGORY] = "category ",
	        [EVENT_PRIORITY] = "priority ",     [EVENT_TEAM_ID] = "team_id ",
	};
	const char *separator = ": ";
	for (size_t i = 0; i < POLICY_N_MATCHES; i++) {
		if (!policy->match[i].present)
			continue;
		buf_add_str(out, separator);
		add_list(out, labels[i], policy->match[i].patterns);
		separator = "; ";
	}
	buf_add_str(out, separator[0] == ':' ? ": all others\n" : "\n");
}

static void add_revision(struct buf *out, const struct policy_revision *revision)
{
	int32_t from_day = 20454; /* 2026-01-01, for a revision without a beginning */
	buf_add_str(out, "revision ");
	term_escape(out, revision->id);
	if (revision->effective_from_us == INT64_MIN) {
		buf_add_str(out, ", for all tickets before the next revision\n");
	} else {
		from_day = day_of(revision->effective_from_us);
		buf_add_str(out, ", for tickets opened from ");
		term_time(out, revision->effective_from_us);
		buf_add_str(out, " UTC on\n");
	}
	for (size_t i = 0; i < revision->n_policies; i++) {
		const struct policy *policy = &revision->policies[i];
		buf_add_format(out, "  %zu. ", i + 1);
		term_escape(out, policy->name);
		add_match(out, policy);
		for (int target = 0; target < TARGET_N; target++)
			if (policy->targets[target].present)
				add_target(out, (enum sla_target)target, &policy->targets[target], from_day);
	}
}

void policy_show(const struct policy_set *set, struct buf *out)
{
	for (size_t i = 0; i < set->n_revisions; i++) {
		if (i > 0)
			buf_add_char(out, '\n');
		add_revision(out, &set->revisions[i]);
	}
}
