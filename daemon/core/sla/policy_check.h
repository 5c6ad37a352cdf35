/* What the reading of the policy file needs at every step: a value with its place, faults, hints. */
#ifndef KPID_CORE_SLA_POLICY_CHECK_H
#define KPID_CORE_SLA_POLICY_CHECK_H

#include <jansson.h>
#include <stdbool.h>

#include "kpid/core/policy.h"
#include "policy_scan.h"

struct policy_check {
	struct policy_faults *faults;
	struct arena scratch; /* for the time of the reading: places, words of messages */
};

struct policy_spot {
	const json_t *value;
	struct policy_place *place;
};

/* The first and the next member or item, in the order of the file; of twins the last alone.
 * Loop: for (ok = policy_first(&list, &item); ok; ok = policy_next(&list, &item)) */
bool policy_first(const struct policy_spot *container, struct policy_spot *spot_out);
bool policy_next(const struct policy_spot *container, struct policy_spot *spot_io);
/* False, and *spot_out untouched, if there is no such key. */
bool policy_member(const struct policy_spot *object, const char *key, struct policy_spot *spot_out);

/* place NULL: the file itself, line unknown. */
void policy_fault_add(struct policy_check *check, const struct policy_place *place, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* What is legal but may not be what was meant. */
void policy_warning_add(struct policy_check *check, const struct policy_place *place, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* A fault whose path is the missing key. */
void policy_fault_missing(struct policy_check *check, const struct policy_spot *object, const char *key,
                          const char *remedy);
/* The text in quotes, control characters escaped, cut where it is long; lives as long as check->scratch. */
const char *policy_quote(struct policy_check *check, struct text text);

/* True if the value has the type; else a fault that says what to write: "a list such as […]". */
bool policy_is(struct policy_check *check, const struct policy_spot *spot, json_type type, const char *instead);
/* As policy_is() of an object, with a fault for each key that stands there twice. */
bool policy_is_object(struct policy_check *check, const struct policy_spot *spot, const char *instead);
/* As policy_is() of a string, with a fault if it is longer than 256 bytes. */
bool policy_is_word(struct policy_check *check, const struct policy_spot *spot, const char *instead,
                    struct text *word_out);
/* As policy_is_word(), and not empty. */
bool policy_is_name(struct policy_check *check, const struct policy_spot *spot, const char *instead,
                    struct text *name_out);
/* A fault for the name of the spot itself: empty or longer than 256 bytes. */
void policy_check_key_length(struct policy_check *check, const struct policy_spot *member);
/* A fault, with a hint, for a key that is not among the NULL-ended ones. what: "key", "target". */
void policy_fault_unknown_key(struct policy_check *check, const struct policy_spot *member, const char *what,
                              const char *const known[]);
/* A fault, with a hint, for each key that is not among the NULL-ended ones. what: "key", "target". */
void policy_check_keys(struct policy_check *check, const struct policy_spot *object, const char *what,
                       const char *const known[]);

/* The nearest of the candidates that is close enough to be what was meant. */
struct policy_hint {
	struct text word, best; /* best: absent: none is close */
	size_t distance;
};

void policy_hint_init(struct policy_hint *hint, struct text word);
void policy_hint_consider(struct policy_hint *hint, struct text candidate);

#endif
