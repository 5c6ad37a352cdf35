/* The plan file of appraisals (rules I): checked as a whole, then kept as the JSON of its revisions. */
#ifndef KPID_CORE_APPRAISAL_H
#define KPID_CORE_APPRAISAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/arena.h"
#include "kpid/base/text.h"
#include "kpid/core/file_errors.h"

struct appraisal_revision {
	struct text id;
	int64_t effective_from_us; /* INT64_MIN: no start */
	struct text json;          /* compact, keys sorted by bytes: it is stored and compared in this form */
};

struct appraisal_set {
	struct appraisal_revision *revisions; /* by effective_from_us, ascending */
	size_t n_revisions;
	struct arena arena; /* owns everything above */
};

/* What `settle` must not be shorter than (rule I6). */
struct appraisal_limits {
	int64_t fcr_window_us, callback_within_us;
};

#define APPRAISAL_LIMITS_DEFAULT ((struct appraisal_limits){INT64_C(604800000000), INT64_C(604800000000)})

/* Parses and checks a whole file and reports all errors and warnings at once. Returns the set (free it with
 * appraisal_set_free()), or NULL with at least one error. In both cases the caller must call file_errors_release(). */
struct appraisal_set *appraisal_set_parse(struct text json, const struct appraisal_limits *limits,
                                          struct file_errors *errors_out);
void appraisal_set_free(struct appraisal_set *set); /* NULL is fine */

/* Numbers of a plan file (rule I1) are exact: whole hundred-millionths, at most nine digits before the point and six
 * after it (of a percentage: six after its point). */
#define APPRAISAL_NUMBER_ONE INT64_C(100000000)

enum appraisal_number_verdict { NUMBER_OK, NUMBER_UNREADABLE, NUMBER_TOO_LONG };

/* Reads "0.85", "95%", "-2" or "1h30m" (in seconds). Sets *number_out only with NUMBER_OK. */
enum appraisal_number_verdict appraisal_number_parse(struct text text, int64_t *number_out);

/* One SUM of a value (rule I3). */
struct appraisal_term {
	int64_t factor;        /* with its sign */
	struct text column;    /* "resolved", "answered" */
	struct text dimension; /* of SERVQUAL; absent: none */
};

enum { APPRAISAL_MAX_TERMS = 32 };

struct appraisal_sum {
	struct appraisal_term terms[APPRAISAL_MAX_TERMS];
	size_t n;
};

struct appraisal_value {
	bool manual, has_under;
	struct appraisal_sum above, under;
};

/* Reads `value`: SUM, SUM / SUM or manual. The texts of *value_out point into the text. Returns NULL, or what is wrong
 * and what to write instead. Does not look up the columns. */
const char *appraisal_value_parse(struct text text, struct appraisal_value *value_out);
/* The same for one SUM, such as the `mark` of a flag. */
const char *appraisal_sum_parse(struct text text, struct appraisal_sum *sum_out);
enum { APPRAISAL_COLUMN_BYTES = 64 };
/* The i-th name that a SUM may use, of the measures of rule K and of L4. False: there are no more. */
bool appraisal_column(size_t i, char name_out[APPRAISAL_COLUMN_BYTES]);
/* The names that take a dimension in parentheses, ended by NULL. */
extern const char *const appraisal_servqual_columns[];

#endif
