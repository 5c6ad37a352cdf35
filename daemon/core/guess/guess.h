/* What the parts of a guess share. Private to this folder. */
#ifndef KPID_CORE_GUESS_H
#define KPID_CORE_GUESS_H

#include "kpid/base/arena.h"
#include "kpid/core/map_guess.h"

enum {
	GUESS_LEVELS = 3,       /* of members in members */
	GUESS_NAME_BYTES = 200, /* a column with a longer name is passed over */
	GUESS_WORD_BYTES = 100, /* a longer value is no word */
	GUESS_WORDS = 40,       /* more distinct values are no words of a status */
	GUESS_ID_BYTES = 200,   /* a longer value identifies nothing */
};

/* What a value may be as a time. One value may look like several. */
enum guess_look {
	LOOK_ZONED, /* RFC 3339 with a zone */
	LOOK_LOCAL, /* the same without one */
	LOOK_EPOCH, /* a number of seconds, milliseconds … since 1970 */
	LOOK_YMD,
	LOOK_DMY,
	LOOK_MDY,
	LOOK_EXCEL, /* a number of days */
	LOOK_N
};

/* How a column of times is read by the mapping. */
enum guess_reading { READ_PLAIN, READ_YMD, READ_DMY, READ_MDY, READ_EXCEL };

struct guess_time {
	bool is_time;
	enum guess_reading reading;
	bool or_excel;   /* some values are numbers of days */
	bool needs_zone; /* some values name none */
	bool is_either;  /* every value is a date both as DMY and as MDY */
};

enum guess_role {
	ROLE_NONE,
	ROLE_TICKET,
	ROLE_OPENED,
	ROLE_ASSIGNED,
	ROLE_RESPONDED,
	ROLE_ARRIVED,
	ROLE_RESOLVED,
	ROLE_CLOSED,
	ROLE_UPDATED,
	ROLE_DUE,
	ROLE_STATUS,
	ROLE_PRIORITY,
	ROLE_AGENT,
	ROLE_RESOLVER,
	ROLE_TEAM,
	ROLE_PROJECT,
	ROLE_CATEGORY,
	ROLE_CHANNEL,
	ROLE_REQUESTER,
	ROLE_PERSON, /* a requester by name: personal data */
	ROLE_SCORE,
	ROLE_N
};

struct guess_word {
	struct text text;
	int64_t n;
};

/* Hashes of what was seen. */
struct guess_seen {
	uint64_t *slots; /* 0: free */
	size_t n_slots, n;
};

/* A column of CSV, or a member of JSON. */
struct guess_column {
	struct text parts[GUESS_LEVELS]; /* of its name; a column has one */
	size_t n_parts;
	int64_t n_filled, n_repeats, n_numbers;
	int64_t n_looks[LOOK_N], n_points, n_halves; /* points: dates such as 31.12.2026; halves: with AM or PM */
	double greatest;                             /* of the numbers */
	uint32_t longest;                            /* value, in bytes */
	struct guess_word words[GUESS_WORDS];
	size_t n_words;
	bool has_more_words;
	struct text example; /* the first value */
	struct guess_seen seen;
	bool is_repeated; /* so often that it identifies nothing; seen is empty then */
};

struct map_guess {
	struct arena arena;   /* of names and words */
	struct arena scratch; /* of the record that is read */
	struct guess_column *columns;
	size_t n_columns, n_columns_lost, next_column;
	int64_t n_records, n_same, n_others; /* distinct, repeated exactly, and what is no object */
	struct guess_seen records;
	bool is_json, is_chinese, is_german;
	struct text array;                        /* the first member that is an array of objects; absent: none */
	const struct guess_column *roles[ROLE_N]; /* NULL: no column */
};

/* guess_look.c: the value without white space at both ends; the looks of a value, as bits; a column as a time. named:
 * by its name it is one. */
struct text guess_trim(struct text value);
unsigned guess_looks(struct text value);
struct guess_time guess_time_of(const struct map_guess *guess, const struct guess_column *column, bool named);

/* guess_role.c: gives each role its column, by names and values. */
bool guess_role_is_time(enum guess_role role);
void guess_roles_assign(struct map_guess *guess);
/* Another column that may be the number of a ticket, and differs in each record. NULL: none. */
const struct guess_column *guess_other_number(const struct map_guess *guess);

/* guess_word.c: the kind of a word of a status ("open", "paused", "resolved", "closed", "cancelled"), a priority ("1"
 * to "4") or a satisfaction ("1" to "5"). NULL: the word is not known. */
const char *guess_word_of(enum guess_role role, struct text word);
/* Lower-case letters and digits of a name or word, without white space and signs, cut at room. Returns its length. */
size_t guess_plain(struct text text, char *out, size_t room);

/* guess_lua.c: parts of a program. */
void guess_add_string(struct buf *out, struct text text);
void guess_add_name(struct buf *out, const struct guess_column *column); /* for comments: "a.b" */
void guess_add_cell(struct buf *out, const struct map_guess *guess, const struct guess_column *column);
void guess_add_time(struct buf *out, const struct map_guess *guess, enum guess_role role);

#endif
