#include "warning_parse.h"

#include <stdlib.h>

#include "kpid/core/duration.h"

enum { MAX_ESCALATIONS = 32 };

#define WARNINGS    "a list of warnings, such as [\"80%\", \"2h before\"]"
#define ESCALATIONS "a list of times after the breach, such as [\"1h\", \"4h\"]"

enum { WHOLE = 100000 }; /* 100 % in thousandths of a percent */

/* Reads digits from *at_io on. The number is capped at WHOLE. Returns the number of digits. */
static uint32_t read_digits(struct text text, uint32_t *at_io, int64_t *number_io)
{
	uint32_t first = *at_io;
	for (; *at_io < text.len && text.ptr[*at_io] >= '0' && text.ptr[*at_io] <= '9'; ++*at_io) {
		*number_io = *number_io * 10 + (text.ptr[*at_io] - '0');
		*number_io = *number_io > WHOLE ? WHOLE : *number_io;
	}
	return *at_io - first;
}

/* "80%" -> 80000, "12.5%" -> 12500; -1 if it is not a percentage. */
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

/* Adds an error and returns true unless the verdict is DURATION_OK. */
static bool has_duration_error(struct file_check *check, const struct file_node *node, struct text text,
                               enum duration_verdict verdict)
{
	if (verdict == DURATION_OK)
		return false;
	const char *remedy = verdict == DURATION_NO_WORKING_DAY
	                             ? "counts working days (wd), which only `within` may use; write hours or days"
	                             : duration_remedy(verdict);
	file_error_add(check, node->place, "%s %s", file_quote(check, text), remedy);
	return true;
}

static bool read_percent(struct file_check *check, const struct file_node *node, struct text text, int64_t thousandths,
                         int64_t within_us, struct warning_rule *warning_out)
{
	if (thousandths <= 0 || thousandths >= WHOLE) {
		file_error_add(check, node->place,
		               "%s is not between 0%% and 100%%; write a percentage of `within`, such as \"80%%\"",
		               file_quote(check, text));
		return false;
	}
	/* S8; within_us is at most 366 days: no overflow */
	*warning_out = (struct warning_rule){false, within_us * thousandths / WHOLE};
	return true;
}

static bool read_warning(struct file_check *check, const struct file_node *node, const struct target_rule *rule,
                         struct warning_rule *warning_out)
{
	struct text text;
	if (!node_is_word(check, node, "a warning in quotes, such as \"80%\" or \"2h before\"", &text))
		return false;
	int64_t thousandths = thousandths_of(text);
	if (thousandths >= 0)
		return read_percent(check, node, text, thousandths, rule->within_us, warning_out);
	struct text before = TEXT(" before");
	if (!ends_with(text, before)) {
		file_error_add(check, node->place,
		               "%s is not a warning; write a percentage of `within` such as \"80%%\" or \"12.5%%\" (at "
		               "most three decimals), or a time before the due time such as \"2h before\"",
		               file_quote(check, text));
		return false;
	}
	struct text duration = {text.ptr, text.len - before.len};
	*warning_out = (struct warning_rule){true, 0};
	if (has_duration_error(check, node, text, duration_parse(duration, 0, &warning_out->us)))
		return false;
	if (target_hours(rule) == NULL && rule->within_us > 0 && warning_out->us > rule->within_us) {
		file_error_add(check, node->place,
		               "%s is longer than `within`, so the warning would come before the clock starts; write a "
		               "shorter time",
		               file_quote(check, text));
		return false;
	}
	return true;
}

static bool is_list(struct file_check *check, const struct file_node *target, const char *key, const char *instead,
                    size_t max, struct file_node *list_out)
{
	if (!node_member(target, key, list_out) || !node_is(check, list_out, JSON_ARRAY, instead))
		return false;
	size_t n = json_array_size(list_out->value);
	if (n > max)
		file_error_add(check, list_out->place, "has %zu items; at most %zu are allowed", n, max);
	return n <= max;
}

static void read_warnings(struct file_check *check, struct arena *arena, const struct file_node *target,
                          struct target_rule *rule_io)
{
	struct file_node list, item;
	if (!is_list(check, target, "warn_at", WARNINGS, TARGET_MAX_WARNINGS, &list))
		return;
	struct warning_rule *warnings = arena_alloc(arena, (json_array_size(list.value) + 1) * sizeof(*warnings));
	size_t n = 0;
	for (bool ok = node_first(&list, &item); ok; ok = node_next(&list, &item))
		n += read_warning(check, &item, rule_io, &warnings[n]);
	rule_io->warnings = warnings;
	rule_io->n_warnings = n;
}

static int by_time(const void *a, const void *b)
{
	const int64_t *left = a, *right = b;
	return (*left > *right) - (*left < *right);
}

static void read_escalations(struct file_check *check, struct arena *arena, const struct file_node *target,
                             struct target_rule *rule_io)
{
	struct file_node list, item;
	if (!is_list(check, target, "escalate_after", ESCALATIONS, MAX_ESCALATIONS, &list))
		return;
	int64_t *after_us = arena_alloc(arena, (json_array_size(list.value) + 1) * sizeof(*after_us));
	size_t n = 0;
	for (bool ok = node_first(&list, &item); ok; ok = node_next(&list, &item)) {
		struct text text;
		if (node_is_word(check, &item, "a time after the breach in quotes, such as \"1h\"", &text) &&
		    !has_duration_error(check, &item, text, duration_parse(text, 0, &after_us[n])))
			n++;
	}
	qsort(after_us, n, sizeof(*after_us), by_time);
	rule_io->escalations_us = after_us;
	rule_io->n_escalations = n;
}

void warnings_parse(struct file_check *check, struct arena *arena, const struct file_node *target,
                    struct target_rule *rule_io)
{
	read_warnings(check, arena, target, rule_io);
	read_escalations(check, arena, target, rule_io);
}
