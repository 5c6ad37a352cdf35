/* Writes metrics as Prometheus reads them: its text format 0.0.4, or OpenMetrics 1.0. Pure.
 *
 * A family is written with metrics_begin() and then its samples; the whole text ends with metrics_end(). Samples of a
 * family must differ in their labels. */
#ifndef KPID_CORE_METRICS_H
#define KPID_CORE_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "kpid/base/buf.h"
#include "kpid/base/text.h"
#include "kpid/core/histogram.h"

enum metric_type {
	METRIC_COUNTER,   /* since the start of the process; its samples end in _total */
	METRIC_GAUGE,     /* now */
	METRIC_HISTOGRAM, /* times, see struct histogram */
	METRIC_INFO       /* the value is 1, the labels are the information; its samples end in _info */
};

/* A family of the table: see kpid/metrics.def. */
struct metric {
	const char *name; /* with its unit, without _total and _info */
	enum metric_type type;
	const char *unit;   /* "seconds", "bytes" or "" */
	const char *labels; /* names, separated by spaces; "" for none */
	const char *help;   /* sentences */
};

enum metrics_format { METRICS_TEXT, METRICS_OPENMETRICS };

/* The format that the Accept field of a request prefers. Absent, or anything else: METRICS_TEXT. */
enum metrics_format metrics_format_of(struct text accept);
const char *metrics_content_type(enum metrics_format format);
const char *metric_type_name(enum metric_type type); /* of the documentation and of OpenMetrics: "counter" */
/* The suffix of the samples in queries: "_total", "_info" or "". */
const char *metric_suffix(enum metric_type type);

struct metrics_text {
	struct buf *out;
	enum metrics_format format;
	const struct metric *metric; /* being written */
};

/* Begins a family: its help, type and unit. */
void metrics_begin(struct metrics_text *text, const struct metric *metric);
/* Appends a sample. values: one for each label of the family, in their order; NULL if it has none. Absent counts as
 * empty. Invisible characters and bytes that are no UTF-8 are escaped as in the log. */
void metrics_sample(struct metrics_text *text, const struct text *values, int64_t value);
/* Likewise for a time or an instant (seconds since 1970): written in seconds, exactly. */
void metrics_sample_us(struct metrics_text *text, const struct text *values, int64_t us);
void metrics_sample_histogram(struct metrics_text *text, const struct text *values, const struct histogram *histogram);
void metrics_end(struct metrics_text *text);

#endif
