#include "warning_parse.h"

#include <stdlib.h>

#include "kpid/core/duration.h"

enum { MAX_ESCALATIONS = 32 };

#define WARNINGS    "a list of warnings, such as [\"80%\", \"2h before\"]"
#define ESCALATIONS "a list of times after the breach, such as [\"1h\", \"4h\"]"

enum { WHOLE = 100000 }; /* 100 % in thousandths of a percent */

/* Reads digits from *at_io on; a number that is too large stays at WHOLE. Returns how many digits there are. */
static uint32_t read_digits(struct text text, uint32_t *at_io, int64_t *number_io)
{
	uint32_t first = *at_io;
	for (; *at_io < text.len && text.ptr[*at_io] >= '0' && text.ptr[*at_io] <= '9'; ++*at_io) {
		*number_io = *number_io * 10 + (text.ptr[*at_io] - '0');
		*number_io = *number_io > WHOLE ? WHOLE : *number_io;
	}
	return *at_io - first;
}

/* "80%" to 80000, "12.5%" to 12500; -1 if it is nothing of the kind. */
static int64_t thousandths_of(struct text text)
{
	int64_t percent = 0, decimals = 0;
	uint32_t at = 0, n_decimals = 3;
	if (read_digits(text, &at, &percent) == 0)
		return -1;
	if (at < text.len && text.ptr[at] == '.') {
		at++;
		n_decimals = read_digits(text, &at, &decimals);
		if (n_decimals == 0 || n_decimals > 3)
			return -1;
	}
	for (; n_decimals < 3; n_decimals++)
		decimals *= 10;
	return at + 1 == text.len && text.ptr[at] == '%' ? percent * 1000 + decimals : -1;
}

static bool ends_with(struct text text, struct text end)
{
	return text.len > end.len && memcmp(text.ptr + text.len - end.len, end.ptr, end.len) == 0;
}

/* True with a fault if the verdict is none of a good duration. */
static bool duration_fault(struct policy_check *check, const struct policy_spot *spot, struct text text,
                           enum duration_verdict verdict)
{
	if (verdict == DURATION_OK)
		return false;
	const char *remedy = verdict == DURATION_NO_WORKING_DAY
	                             ? "counts working days (wd), which only a `within` may; write hours or days"
	                             : duration_remedy(verdict);
	policy_fault_add(check, spot->place, "%s %s", policy_quote(check, text), remedy);
	return true;
}

static bool read_percent(struct policy_check *check, const struct policy_spot *spot, struct text text,
                         int64_t thousandths, int64_t within_us, struct warning_rule *warning_out)
{
	if (thousandths <= 0 || thousandths >= WHOLE) {
		policy_fault_add(check, spot->place,
		                 "%s is not between 0%% and 100%%; write a part of `within`, such "
		                 "as \"80%%\"",
		                 policy_quote(check, text));
		return false;
	}
	*warning_out =
	        (struct warning_rule){false, within_us * thousandths / WHOLE}; /* S8; 366 days leave room for this */
	return true;
}

static bool read_warning(struct policy_check *check, const struct policy_spot *spot, const struct target_rule *rule,
                         struct warning_rule *warning_out)
{
	struct text text;
	if (!policy_is_word(check, spot, "a warning in quotes, such as \"80%\" or \"2h before\"", &text))
		return false;
	int64_t thousandths = thousandths_of(text);
	if (thousandths >= 0)
		return read_percent(check, spot, text, thousandths, rule->within_us, warning_out);
	struct text before = TEXT(" before");
	if (!ends_with(text, before)) {
		policy_fault_add(
		        check, spot->place,
		        "%s is no warning; write a part of `within` such as \"80%%\" or \"12.5%%\" (at most three "
		        "decimals), or a time before it is due such as \"2h before\"",
		        policy_quote(check, text));
		return false;
	}
	struct text duration = {text.ptr, text.len - before.len};
	*warning_out = (struct warning_rule){true, 0};
	if (duration_fault(check, spot, text, duration_parse(duration, 0, &warning_out->us)))
		return false;
	if (target_hours(rule) == NULL && rule->within_us > 0 && warning_out->us > rule->within_us) {
		policy_fault_add(check, spot->place,
		                 "%s is before the clock starts, as `within` is shorter; write a "
		                 "shorter time",
		                 policy_quote(check, text));
		return false;
	}
	return true;
}

static bool is_list(struct policy_check *check, const struct policy_spot *target, const char *key, const char *instead,
                    size_t max, struct policy_spot *list_out)
{
	if (!policy_member(target, key, list_out) || !policy_is(check, list_out, JSON_ARRAY, instead))
		return false;
	size_t n = json_array_size(list_out->value);
	if (n > max)
		policy_fault_add(check, list_out->place, "has %zu items; at most %zu are allowed", n, max);
	return n <= max;
}

static void read_warnings(struct policy_check *check, struct arena *arena, const struct policy_spot *target,
                          struct target_rule *rule_io)
{
	struct policy_spot list, item;
	if (!is_list(check, target, "warn_at", WARNINGS, TARGET_MAX_WARNINGS, &list))
		return;
	struct warning_rule *warnings = arena_alloc(arena, (json_array_size(list.value) + 1) * sizeof(*warnings));
	size_t n = 0;
	for (bool ok = policy_first(&list, &item); ok; ok = policy_next(&list, &item))
		n += read_warning(check, &item, rule_io, &warnings[n]);
	rule_io->warnings = warnings;
	rule_io->n_warnings = n;
}

static int by_time(const void *a, const void *b)
{
	const int64_t *left = a, *right = b;
	return (*left > *right) - (*left < *right);
}

static void read_escalations(struct policy_check *check, struct arena *arena, const struct policy_spot *target,
                             struct target_rule *rule_io)
{
	struct policy_spot list, item;
	if (!is_list(check, target, "escalate_after", ESCALATIONS, MAX_ESCALATIONS, &list))
		return;
	int64_t *after_us = arena_alloc(arena, (json_array_size(list.value) + 1) * sizeof(*after_us));
	size_t n = 0;
	for (bool ok = policy_first(&list, &item); ok; ok = policy_next(&list, &item)) {
		struct text text;
		if (policy_is_word(check, &item, "a time after the breach in quotes, such as \"1h\"", &text) &&
		    !duration_fault(check, &item, text, duration_parse(text, 0, &after_us[n])))
			n++;
	}
	qsort(after_us, n, sizeof(*after_us), by_time);
	rule_io->escalations_us = after_us;
	rule_io->n_escalations = n;
}

void warnings_parse(struct policy_check *check, struct arena *arena, const struct policy_spot *target,
                    struct target_rule *rule_io)
{
	read_warnings(check, arena, target, rule_io);
	read_escalations(check, arena, target, rule_io);
}
