/* Tools for reading a JSON file that an operator wrote: values with their place in the file, errors, hints.
 * Used for the policy file and the file of receivers. */
#ifndef KPID_CORE_JSONFILE_FILE_CHECK_H
#define KPID_CORE_JSONFILE_FILE_CHECK_H

#include <jansson.h>
#include <stdbool.h>

#include "file_scan.h"
#include "kpid/core/file_errors.h"

struct file_check {
	struct file_errors *errors;
	struct arena scratch; /* lives as long as the parsing: places, parts of messages */
};

/* A JSON value and its place in the file. */
struct file_node {
	const json_t *value;
	struct file_place *place;
};

/* The first and the next member or item, in the order of the file. Of several members with one key, only the last.
 * Loop: for (ok = node_first(&list, &item); ok; ok = node_next(&list, &item)) */
bool node_first(const struct file_node *container, struct file_node *node_out);
bool node_next(const struct file_node *container, struct file_node *node_io);
/* False, and *node_out is not set, if there is no such key. */
bool node_member(const struct file_node *object, const char *key, struct file_node *node_out);

/* place NULL: the whole file, line unknown. */
void file_error_add(struct file_check *check, const struct file_place *place, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* For what is valid, but perhaps not intended. */
void file_warning_add(struct file_check *check, const struct file_place *place, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* An error at the path of the missing key. */
void file_error_missing(struct file_check *check, const struct file_node *object, const char *key, const char *remedy);
/* The text in double quotes: control characters escaped, shortened if long. Lives as long as check->scratch. */
const char *file_quote(struct file_check *check, struct text text);

/* True if the value has the type; otherwise adds an error. instead: what to write, such as "a list such as […]". */
bool node_is(struct file_check *check, const struct file_node *node, json_type type, const char *instead);
/* As node_is() with JSON_OBJECT. Also adds an error for each repeated key, but returns true. */
bool node_is_object(struct file_check *check, const struct file_node *node, const char *instead);
/* As node_is() with JSON_STRING. *text_out is set if it is one, and points into the value. */
bool node_is_string(struct file_check *check, const struct file_node *node, const char *instead, struct text *text_out);
/* As node_is_string(). A string longer than 256 bytes is an error, too. */
bool node_is_word(struct file_check *check, const struct file_node *node, const char *instead, struct text *word_out);
/* As node_is_word(). An empty string is an error, too. */
bool node_is_name(struct file_check *check, const struct file_node *node, const char *instead, struct text *name_out);
/* Adds an error if the member's own key is empty or longer than 256 bytes. */
void node_check_key_length(struct file_check *check, const struct file_node *member);
/* Adds an error for a key that is not in known (ends with NULL), with a hint. what: "key", "target". */
void file_error_unknown_key(struct file_check *check, const struct file_node *member, const char *what,
                            const char *const known[]);
/* The same for each key of the object that is not in known. */
void node_check_keys(struct file_check *check, const struct file_node *object, const char *what,
                     const char *const known[]);

/* Finds the candidate most similar to a word, if one is similar enough to be suggested. */
struct key_hint {
	struct text word, best; /* best is absent: no candidate is similar enough */
	size_t distance;
};

void key_hint_init(struct key_hint *hint, struct text word);
void key_hint_consider(struct key_hint *hint, struct text candidate);

#endif
