/* Collects what the columns of records hold. */
#include "kpid/core/map_guess.h"

#include <stdlib.h>

#include "guess.h"
#include "kpid/base/hash.h"
#include "kpid/base/memory.h"
#include "kpid/core/json_tokens.h"

enum { MOST_LEVELS = 64, SCRATCH_BYTES = 256 * 1024, EXAMPLE_BYTES = 60, REPEATS = 20 };

struct map_guess *map_guess_new(void)
{
	struct map_guess *guess = mem_zalloc(sizeof(*guess));
	arena_init(&guess->arena);
	arena_init(&guess->scratch);
	guess->columns = mem_zalloc(MAP_GUESS_COLUMNS * sizeof(*guess->columns));
	return guess;
}

void map_guess_free(struct map_guess *guess)
{
	if (guess == NULL)
		return;
	for (size_t i = 0; i < guess->n_columns; i++)
		free(guess->columns[i].seen.slots);
	free(guess->columns);
	free(guess->records.slots);
	arena_release(&guess->arena);
	arena_release(&guess->scratch);
	free(guess);
}

bool map_guess_is_full(const struct map_guess *guess)
{
	return guess->n_records + guess->n_same + guess->n_others >= MAP_GUESS_RECORDS;
}

/* ---- what was seen ---- */

static void put(struct guess_seen *seen, uint64_t hash)
{
	size_t slot = hash & (seen->n_slots - 1);
	while (seen->slots[slot] != 0)
		slot = (slot + 1) & (seen->n_slots - 1);
	seen->slots[slot] = hash;
}

static bool is_in(const struct guess_seen *seen, uint64_t hash)
{
	if (seen->n_slots == 0)
		return false;
	size_t slot = hash & (seen->n_slots - 1);
	while (seen->slots[slot] != 0 && seen->slots[slot] != hash)
		slot = (slot + 1) & (seen->n_slots - 1);
	return seen->slots[slot] != 0;
}

static void grow(struct guess_seen *seen)
{
	struct guess_seen larger = {.n_slots = seen->n_slots == 0 ? 64 : 2 * seen->n_slots, .n = seen->n};
	larger.slots = mem_zalloc(larger.n_slots * sizeof(*larger.slots));
	for (size_t i = 0; i < seen->n_slots; i++)
		if (seen->slots[i] != 0)
			put(&larger, seen->slots[i]);
	free(seen->slots);
	*seen = larger;
}

/* Returns false if it was seen before. */
static bool note_seen(struct guess_seen *seen, uint64_t hash)
{
	hash += hash == 0;
	if (is_in(seen, hash))
		return false;
	if ((seen->n + 1) * 4 > seen->n_slots * 3)
		grow(seen);
	put(seen, hash);
	seen->n++;
	return true;
}

/* ---- columns ---- */

static bool has_name(const struct guess_column *column, const struct text *parts, size_t n_parts)
{
	bool same = column->n_parts == n_parts;
	for (size_t i = 0; same && i < n_parts; i++)
		same = text_same(column->parts[i], parts[i]);
	return same;
}

static void note_language(struct map_guess *guess, struct text name)
{
	for (uint32_t i = 0; i < name.len; i++) {
		guess->is_chinese |= (unsigned char)name.ptr[i] >= 0xe4 && (unsigned char)name.ptr[i] <= 0xe9;
		guess->is_german |= (unsigned char)name.ptr[i] == 0xc3;
	}
}

static struct guess_column *add_column(struct map_guess *guess, const struct text *parts, size_t n_parts)
{
	for (size_t i = 0; i < n_parts; i++)
		if (parts[i].len > GUESS_NAME_BYTES)
			return NULL;
	if (guess->n_columns == MAP_GUESS_COLUMNS) {
		guess->n_columns_lost++;
		return NULL;
	}
	struct guess_column *column = &guess->columns[guess->n_columns++];
	column->n_parts = n_parts;
	for (size_t i = 0; i < n_parts; i++) {
		column->parts[i] = arena_text(&guess->arena, parts[i]);
		note_language(guess, parts[i]);
	}
	return column;
}

/* Records have their columns in one order as a rule, so the search begins after the last one. */
static struct guess_column *find_column(struct map_guess *guess, const struct text *parts, size_t n_parts)
{
	for (size_t i = 0; i < guess->n_columns; i++) {
		size_t at = (guess->next_column + i) % guess->n_columns;
		if (!has_name(&guess->columns[at], parts, n_parts))
			continue;
		guess->next_column = at + 1;
		return &guess->columns[at];
	}
	return add_column(guess, parts, n_parts);
}

static void note_word(struct map_guess *guess, struct guess_column *column, struct text value)
{
	for (size_t i = 0; i < column->n_words; i++) {
		if (text_same(column->words[i].text, value)) {
			column->words[i].n++;
			return;
		}
	}
	if (value.len > GUESS_WORD_BYTES || column->n_words == GUESS_WORDS)
		column->has_more_words = true;
	if (!column->has_more_words)
		column->words[column->n_words++] = (struct guess_word){arena_text(&guess->arena, value), 1};
}

static void note_repeat(struct guess_column *column, struct text value)
{
	if (!column->is_repeated && !note_seen(&column->seen, hash_text(value)))
		column->n_repeats++;
	if (column->n_repeats > REPEATS && column->n_repeats * 2 > column->n_filled && !column->is_repeated) {
		column->is_repeated = true;
		free(column->seen.slots);
		column->seen = (struct guess_seen){NULL, 0, 0};
	}
}

static void note_number(struct guess_column *column, struct text value)
{
	char digits[32], *end;
	if (value.len == 0 || value.len >= sizeof(digits) || (unsigned)(value.ptr[0] - '0') > 9)
		return;
	memcpy(digits, value.ptr, value.len);
	digits[value.len] = '\0';
	double number = strtod(digits, &end);
	if (*end != '\0' || strspn(digits, "0123456789.") != value.len)
		return;
	column->n_numbers++;
	column->greatest = number > column->greatest ? number : column->greatest;
}

static bool has_part(struct text value, const char *part)
{
	return memmem(value.ptr, value.len, part, strlen(part)) != NULL;
}

static void note_value(struct map_guess *guess, const struct text *parts, size_t n_parts, struct text value)
{
	value = guess_trim(value);
	if (value.len == 0 || n_parts == 0 || parts[n_parts - 1].len == 0)
		return;
	struct guess_column *column = find_column(guess, parts, n_parts);
	if (column == NULL)
		return;
	unsigned looks = guess_looks(value);
	if (column->n_filled++ == 0)
		column->example = arena_text(&guess->arena, text_cut(value, EXAMPLE_BYTES));
	for (int look = 0; look < LOOK_N; look++)
		column->n_looks[look] += (looks >> look) & 1;
	if ((looks & (1u << LOOK_DMY | 1u << LOOK_MDY)) != 0) {
		column->n_points += memchr(value.ptr, '.', value.len < 6 ? value.len : 6) != NULL;
		column->n_halves += has_part(value, "AM") || has_part(value, "PM") || has_part(value, "am") ||
		                    has_part(value, "pm");
	}
	column->longest = value.len > column->longest ? value.len : column->longest;
	note_number(column, value);
	note_word(guess, column, value);
	note_repeat(column, value);
}

/* ---- records ---- */

/* False if the same record was there before. */
static bool begin(struct map_guess *guess, uint64_t hash)
{
	if (map_guess_is_full(guess))
		return false;
	bool is_new = note_seen(&guess->records, hash);
	guess->n_records += is_new;
	guess->n_same += !is_new;
	guess->next_column = 0;
	return is_new;
}

void map_guess_row(struct map_guess *guess, const struct text *names, const struct text *cells, size_t n_cells)
{
	uint64_t hash = 0;
	for (size_t i = 0; i < n_cells; i++)
		hash = hash_mix(hash * 31 + hash_text(cells[i]));
	if (!begin(guess, hash))
		return;
	for (size_t i = 0; i < n_cells; i++)
		note_value(guess, &names[i], 1, cells[i]);
}

/* Passes over a value that is no text, number or object of interest. */
static void skip_value(struct map_guess *guess, struct json_tokens *tokens, const struct json_token *value,
                       const struct text *parts, size_t n_parts)
{
	struct json_tokens inner = *tokens;
	if (value->kind == JSON_BEGIN_ARRAY && n_parts == 1 && text_is_absent(guess->array) &&
	    parts[0].len <= GUESS_NAME_BYTES && json_tokens_next(&inner).kind == JSON_BEGIN_OBJECT)
		guess->array = arena_text(&guess->arena, parts[0]);
	json_tokens_skip(tokens, value);
}

/* The members of an object whose bracket was taken. */
static void read_object(struct map_guess *guess, struct json_tokens *tokens, struct text *parts, size_t n_parts)
{
	for (;;) {
		struct json_token name = json_tokens_next(tokens);
		if (name.kind != JSON_NAME)
			return;
		struct json_token value = json_tokens_next(tokens);
		parts[n_parts] = json_token_string(&name, &guess->scratch);
		if (value.kind == JSON_STRING || value.kind == JSON_NUMBER)
			note_value(guess, parts, n_parts + 1,
			           value.kind == JSON_STRING ? json_token_string(&value, &guess->scratch) : value.text);
		else if (value.kind == JSON_BEGIN_OBJECT && n_parts + 1 < GUESS_LEVELS)
			read_object(guess, tokens, parts, n_parts + 1);
		else
			skip_value(guess, tokens, &value, parts, n_parts + 1);
	}
}

void map_guess_json(struct map_guess *guess, struct text json)
{
	struct text parts[GUESS_LEVELS];
	const char *error;
	size_t at_byte;
	guess->is_json = true;
	arena_clear(&guess->scratch, SCRATCH_BYTES);
	if (!json_tokens_check(json, MOST_LEVELS, &guess->scratch, &error, &at_byte)) {
		guess->n_others++;
		return;
	}
	struct json_tokens tokens = json_tokens_of(json);
	if (json_tokens_next(&tokens).kind != JSON_BEGIN_OBJECT)
		guess->n_others++;
	else if (begin(guess, hash_text(json)))
		read_object(guess, &tokens, parts, 0);
}
