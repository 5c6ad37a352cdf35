/* The state of checking one plan file, and the readers of its parts. Each adds its errors to reading->check. */
#ifndef KPID_CORE_APPRAISAL_APPRAISAL_READING_H
#define KPID_CORE_APPRAISAL_APPRAISAL_READING_H

#include "../jsonfile/file_load.h"
#include "kpid/core/appraisal.h"

struct appraisal_reading {
	struct file_check check;
	struct arena *arena; /* of the set */
	struct appraisal_limits limits;
	struct file_node servqual;   /* of the revision being read */
	struct file_node dimensions; /* of the plan being read */
	bool has_servqual, has_dimensions;
};

/* The scale of an indicator, as far as its errors allow. */
struct indicator_scale {
	int better; /* 1: up, -1: down, 0: not known */
	int64_t weight;
	bool has_weight;
};

/* ---- common parts (parts.c) ---- */

/* Reads a number of I1; otherwise adds an error. */
bool appraisal_read_number(struct appraisal_reading *reading, const struct file_node *node, int64_t *number_out);
/* The same for a member. False, without an error, if there is none. */
bool appraisal_member_number(struct appraisal_reading *reading, const struct file_node *object, const char *key,
                             int64_t *number_out);
/* As appraisal_member_number(), but a missing one is an error. */
bool appraisal_need_number(struct appraisal_reading *reading, const struct file_node *object, const char *key,
                           const char *remedy, int64_t *number_out);
/* Reads a word out of known (ended by NULL) and returns its index; otherwise adds an error and returns -1. */
int appraisal_read_choice(struct appraisal_reading *reading, const struct file_node *node, const char *const known[]);
/* A list of such words, each at most once. *set_out: bits 1 << index. */
void appraisal_read_choices(struct appraisal_reading *reading, const struct file_node *object, const char *key,
                            const char *const known[], unsigned *set_out);
/* The attributes of `match` and `where` (rule P1). */
void appraisal_read_match(struct appraisal_reading *reading, const struct file_node *object, const char *key);
/* A list of patterns or words, each at most once. empty_ok: "" is allowed as an item. */
void appraisal_read_words(struct appraisal_reading *reading, const struct file_node *object, const char *key,
                          const char *instead, bool empty_ok);
/* Reads the needed `name` of an item, and adds an error if an earlier item of the list has it. */
void appraisal_read_name(struct appraisal_reading *reading, const struct file_node *list, const struct file_node *item,
                         const char *example);
/* Adds an error for each column or dimension that does not exist. */
void appraisal_check_sum(struct appraisal_reading *reading, const struct file_node *node,
                         const struct appraisal_sum *sum);

extern const char *const appraisal_attributes[];

/* ---- the parts of a plan ---- */

void appraisal_read_indicators(struct appraisal_reading *reading, const struct file_node *plan);
void appraisal_read_score(struct appraisal_reading *reading, const struct file_node *indicator,
                          const struct indicator_scale *scale);
void appraisal_read_grades(struct appraisal_reading *reading, const struct file_node *plan);
void appraisal_read_flags(struct appraisal_reading *reading, const struct file_node *plan);

#endif
