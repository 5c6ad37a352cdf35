#include "kpid/core/metrics.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "kpid/base/check.h"
#include "kpid/base/printable.h"
#include "kpid/core/timestamp.h"

/* ---- names ---- */

const char *metric_type_name(enum metric_type type)
{
	static const char *const names[] = {
	        [METRIC_COUNTER] = "counter",
	        [METRIC_GAUGE] = "gauge",
	        [METRIC_HISTOGRAM] = "histogram",
	        [METRIC_INFO] = "info",
	};
	return names[type];
}

const char *metric_suffix(enum metric_type type)
{
	return type == METRIC_COUNTER ? "_total" : type == METRIC_INFO ? "_info" : "";
}

const char *metrics_content_type(enum metrics_format format)
{
	return format == METRICS_OPENMETRICS ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
	                                     : "text/plain; version=0.0.4; charset=utf-8";
}

/* ---- which format ---- */

/* Takes the text up to the separator, or all of it, without spaces around it. */
static struct text take_part(struct text *rest, char separator)
{
	const char *end = rest->len == 0 ? NULL : memchr(rest->ptr, separator, rest->len);
	struct text part = {rest->ptr, end == NULL ? rest->len : (uint32_t)(end - rest->ptr)};
	uint32_t taken = end == NULL ? part.len : part.len + 1;
	rest->ptr += taken;
	rest->len -= taken;
	while (part.len > 0 && part.ptr[0] == ' ')
		part.ptr++, part.len--;
	while (part.len > 0 && part.ptr[part.len - 1] == ' ')
		part.len--;
	return part;
}

/* "0.75" in thousandths. */
static int weight_of(struct text value)
{
	char digits[8] = "";
	memcpy(digits, value.ptr, value.len < sizeof(digits) - 1 ? value.len : sizeof(digits) - 1);
	return (int)(strtod(digits, NULL) * 1000);
}

/* The weight of one part of an Accept field. *other_out: it is of OpenMetrics, in a version that is not spoken here. */
static int weigh(struct text part, struct text *type_out, bool *other_out)
{
	int weight = 1000;
	*other_out = false;
	*type_out = take_part(&part, ';');
	while (part.len > 0) {
		struct text value = take_part(&part, ';');
		struct text name = take_part(&value, '=');
		if (text_equal(name, TEXT("q")))
			weight = weight_of(value);
		else if (text_equal(name, TEXT("version")))
			*other_out = !text_same(value, TEXT("1.0.0"));
	}
	return weight;
}

enum metrics_format metrics_format_of(struct text accept)
{
	int open = 0, plain = 0;
	while (accept.len > 0) {
		struct text type;
		bool other;
		int weight = weigh(take_part(&accept, ','), &type, &other);
		if (text_same(type, TEXT("application/openmetrics-text")) && !other)
			open = weight > open ? weight : open;
		else if (text_same(type, TEXT("text/plain")))
			plain = weight > plain ? weight : plain;
	}
	return open > 0 && open >= plain ? METRICS_OPENMETRICS : METRICS_TEXT;
}

/* ---- writing ---- */

static void add_escaped(struct buf *out, struct text value, bool quotes)
{
	for (uint32_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];
		if (c == '\n') {
			buf_add_str(out, "\\n");
			continue;
		}
		if (c == '\\' || (c == '"' && quotes))
			buf_add_char(out, '\\');
		buf_add_char(out, c);
	}
}

void metrics_begin(struct metrics_text *text, const struct metric *metric)
{
	bool open = text->format == METRICS_OPENMETRICS;
	const char *suffix = open ? "" : metric_suffix(metric->type);
	const char *type = !open && metric->type == METRIC_INFO ? "gauge" : metric_type_name(metric->type);
	text->metric = metric;
	buf_add_format(text->out, "# TYPE %s%s %s\n", metric->name, suffix, type);
	if (open && metric->unit[0] != '\0')
		buf_add_format(text->out, "# UNIT %s %s\n", metric->name, metric->unit);
	buf_add_format(text->out, "# HELP %s%s ", metric->name, suffix);
	add_escaped(text->out, text_of(metric->help), open);
	buf_add_char(text->out, '\n');
}

static void add_label_value(struct buf *out, struct text value)
{
	struct printable next;
	while (value.len > 0) {
		printable_next(&value, &next);
		add_escaped(out, (struct text){next.bytes, (uint32_t)next.len_bytes}, true);
	}
}

/* Appends {name="value",…}. bound: of a bucket; NULL: none. */
static void add_labels(struct metrics_text *text, const struct text *values, const char *bound)
{
	struct text names = text_of(text->metric->labels);
	const char *before = "{";
	for (size_t i = 0; names.len > 0; i++) {
		struct text name = take_part(&names, ' ');
		buf_add_str(text->out, before);
		buf_add_text(text->out, name);
		buf_add_str(text->out, "=\"");
		add_label_value(text->out, values[i]);
		buf_add_char(text->out, '"');
		before = ",";
	}
	if (bound != NULL) {
		buf_add_format(text->out, "%sle=\"%s\"", before, bound);
		before = ",";
	}
	if (before[0] == ',')
		buf_add_char(text->out, '}');
}

static void add_name(struct metrics_text *text, const char *suffix, const struct text *values, const char *bound)
{
	buf_add_str(text->out, text->metric->name);
	buf_add_str(text->out, suffix);
	add_labels(text, values, bound);
	buf_add_char(text->out, ' ');
}

/* In seconds, without zeros at the end but with one decimal place at least. */
static void add_seconds(struct buf *out, __int128 us)
{
	unsigned __int128 size = us < 0 ? -(unsigned __int128)us : (unsigned __int128)us;
	buf_add_format(out, "%s%" PRIu64 ".%06" PRIu64, us < 0 ? "-" : "", (uint64_t)(size / US_PER_SECOND),
	               (uint64_t)(size % US_PER_SECOND));
	while (out->data[out->len_bytes - 1] == '0' && out->data[out->len_bytes - 2] != '.')
		out->data[--out->len_bytes] = '\0';
}

void metrics_sample(struct metrics_text *text, const struct text *values, int64_t value)
{
	add_name(text, metric_suffix(text->metric->type), values, NULL);
	buf_add_format(text->out, "%" PRId64 "\n", value);
}

void metrics_sample_us(struct metrics_text *text, const struct text *values, int64_t us)
{
	add_name(text, metric_suffix(text->metric->type), values, NULL);
	add_seconds(text->out, us);
	buf_add_char(text->out, '\n');
}

void metrics_sample_histogram(struct metrics_text *text, const struct text *values, const struct histogram *histogram)
{
	uint64_t n = 0;
	KPID_CHECK(text->metric->type == METRIC_HISTOGRAM);
	for (int i = 0; i <= HISTOGRAM_N_BOUNDS; i++) {
		struct buf bound = BUF_INIT;
		if (i < HISTOGRAM_N_BOUNDS)
			add_seconds(&bound, histogram_bounds_us[i]);
		else
			buf_add_str(&bound, "+Inf");
		n += histogram->counts[i];
		add_name(text, "_bucket", values, bound.data);
		buf_add_format(text->out, "%" PRIu64 "\n", n);
		buf_release(&bound);
	}
	add_name(text, "_sum", values, NULL);
	add_seconds(text->out, histogram->sum_us);
	buf_add_char(text->out, '\n');
	add_name(text, "_count", values, NULL);
	buf_add_format(text->out, "%" PRIu64 "\n", n);
}

void metrics_end(struct metrics_text *text)
{
	if (text->format == METRICS_OPENMETRICS)
		buf_add_str(text->out, "# EOF\n");
}
