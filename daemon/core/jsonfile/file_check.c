#include "file_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "kpid/base/memory.h"

enum { NAME_MAX_BYTES = 256, QUOTE_MAX_BYTES = 80, HINT_MAX_BYTES = 64 };

/* Skips shadowed places. */
static bool step_to(const struct file_node *container, struct file_place *place, struct file_node *node_out)
{
	while (place != NULL && place->shadowed)
		place = place->next;
	if (place == NULL)
		return false;
	node_out->place = place;
	if (json_is_object(container->value))
		node_out->value = json_object_getn(container->value, place->key.ptr, place->key.len);
	else
		node_out->value = json_array_get(container->value, place->index);
	return node_out->value != NULL;
}

bool node_first(const struct file_node *container, struct file_node *node_out)
{
	return step_to(container, container->place->first, node_out);
}

bool node_next(const struct file_node *container, struct file_node *node_io)
{
	return step_to(container, node_io->place->next, node_io);
}

bool node_member(const struct file_node *object, const char *key, struct file_node *node_out)
{
	struct file_node member;
	for (bool ok = node_first(object, &member); ok; ok = node_next(object, &member)) {
		if (text_equal(member.place->key, text_of(key))) {
			*node_out = member;
			return true;
		}
	}
	return false;
}

static struct text buf_to_arena(struct buf *buf, struct arena *arena)
{
	struct text text = arena_text(arena, buf_text(buf));
	buf_release(buf);
	return text;
}

/* Takes ownership of path and message. */
static struct file_error make_error(struct file_errors *errors, int line, struct buf *path, struct buf *message)
{
	if (path->len_bytes == 0)
		buf_add_str(path, "(file)");
	return (struct file_error){
	        .path = buf_to_arena(path, &errors->arena),
	        .line = line,
	        .message = buf_to_arena(message, &errors->arena),
	};
}

void file_errors_release(struct file_errors *errors)
{
	free(errors->items);
	free(errors->warnings);
	arena_release(&errors->arena);
	*errors = (struct file_errors){.items = NULL};
}

static void push_error(struct file_errors *errors, struct file_error error)
{
	errors->items = mem_grow(errors->items, &errors->capacity, errors->n + 1, sizeof(*errors->items));
	errors->items[errors->n++] = error;
}

__attribute__((format(printf, 3, 0))) static struct file_error
error_at(struct file_check *check, const struct file_place *place, const char *format, va_list args)
{
	struct buf path = BUF_INIT, message = BUF_INIT;
	va_list counted;
	va_copy(counted, args);
	int len = vsnprintf(NULL, 0, format, counted);
	va_end(counted);
	if (len > 0) {
		vsnprintf(buf_extend(&message, (size_t)len + 1), (size_t)len + 1, format, args);
		message.len_bytes--; /* the NUL */
	}
	if (place != NULL)
		file_place_path(place, &path);
	return make_error(check->errors, place == NULL ? 0 : place->line, &path, &message);
}

void file_error_add(struct file_check *check, const struct file_place *place, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	push_error(check->errors, error_at(check, place, format, args));
	va_end(args);
}

void file_warning_add(struct file_check *check, const struct file_place *place, const char *format, ...)
{
	struct file_errors *errors = check->errors;
	va_list args;
	va_start(args, format);
	errors->warnings = mem_grow(errors->warnings, &errors->warnings_capacity, errors->n_warnings + 1,
	                            sizeof(*errors->warnings));
	errors->warnings[errors->n_warnings++] = error_at(check, place, format, args);
	va_end(args);
}

void file_error_missing(struct file_check *check, const struct file_node *object, const char *key, const char *remedy)
{
	struct buf path = BUF_INIT, message = BUF_INIT;
	file_place_path(object->place, &path);
	file_path_add_key(&path, text_of(key));
	buf_add_format(&message, "is missing; %s", remedy);
	push_error(check->errors, make_error(check->errors, object->place->line, &path, &message));
}

const char *file_quote(struct file_check *check, struct text text)
{
	struct buf quoted = BUF_INIT;
	struct text shown = text_cut(text, QUOTE_MAX_BYTES);
	buf_add_json_string(&quoted, shown);
	if (shown.len < text.len)
		buf_add_str(&quoted, "...");
	buf_add_char(&quoted, '\0');
	return buf_to_arena(&quoted, &check->scratch).ptr;
}

static const char *type_words(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
	case JSON_REAL:
		return "a number";
	case JSON_TRUE:
		return "true";
	case JSON_FALSE:
		return "false";
	case JSON_NULL:
		return "null";
	}
	return "something else";
}

bool node_is(struct file_check *check, const struct file_node *node, json_type type, const char *instead)
{
	if (json_typeof(node->value) == type)
		return true;
	file_error_add(check, node->place, "is %s; write %s", type_words(node->value), instead);
	return false;
}

bool node_is_object(struct file_check *check, const struct file_node *node, const char *instead)
{
	if (!node_is(check, node, JSON_OBJECT, instead))
		return false;
	for (const struct file_place *place = node->place->first; place != NULL; place = place->next)
		if (place->twin_line != 0)
			file_error_add(check, place, "appears twice (first on line %d); remove one", place->twin_line);
	return true;
}

bool node_is_string(struct file_check *check, const struct file_node *node, const char *instead, struct text *text_out)
{
	if (!node_is(check, node, JSON_STRING, instead))
		return false;
	*text_out = (struct text){json_string_value(node->value), (uint32_t)json_string_length(node->value)};
	return true;
}

bool node_is_word(struct file_check *check, const struct file_node *node, const char *instead, struct text *word_out)
{
	struct text word;
	if (!node_is_string(check, node, instead, &word))
		return false;
	if (word.len > NAME_MAX_BYTES) {
		file_error_add(check, node->place, "is %u bytes long; shorten it to %d at most", (unsigned)word.len,
		               NAME_MAX_BYTES);
		return false;
	}
	*word_out = word;
	return true;
}

bool node_is_name(struct file_check *check, const struct file_node *node, const char *instead, struct text *name_out)
{
	if (!node_is_word(check, node, instead, name_out))
		return false;
	if (name_out->len == 0)
		file_error_add(check, node->place, "is empty; write %s", instead);
	return name_out->len > 0;
}

void node_check_key_length(struct file_check *check, const struct file_node *member)
{
	if (member->place->key.len == 0)
		file_error_add(check, member->place, "has an empty name; give it one");
	if (member->place->key.len > NAME_MAX_BYTES)
		file_error_add(check, member->place, "has a name of %u bytes; shorten it to %d at most",
		               (unsigned)member->place->key.len, NAME_MAX_BYTES);
}

void file_error_unknown_key(struct file_check *check, const struct file_node *member, const char *what,
                            const char *const known[])
{
	struct key_hint hint;
	key_hint_init(&hint, member->place->key);
	for (size_t i = 0; known[i] != NULL; i++)
		key_hint_consider(&hint, text_of(known[i]));
	if (!text_is_absent(hint.best)) {
		file_error_add(check, member->place, "is not a known %s; did you mean %s?", what,
		               file_quote(check, hint.best));
		return;
	}
	struct buf names = BUF_INIT;
	for (size_t i = 0; known[i] != NULL; i++)
		buf_add_format(&names, "%s%s", i == 0 ? "" : ", ", known[i]);
	file_error_add(check, member->place, "is not a known %s; remove it, or use one of: %s", what, names.data);
	buf_release(&names);
}

void node_check_keys(struct file_check *check, const struct file_node *object, const char *what,
                     const char *const known[])
{
	struct file_node member;
	for (bool ok = node_first(object, &member); ok; ok = node_next(object, &member)) {
		size_t i = 0;
		while (known[i] != NULL && !text_equal(member.place->key, text_of(known[i])))
			i++;
		if (known[i] == NULL)
			file_error_unknown_key(check, &member, what, known);
	}
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edit distance: bytes changed, inserted, deleted or swapped with a neighbour. Both at most HINT_MAX_BYTES long. */
static size_t edit_distance(struct text a, struct text b)
{
	size_t rows[3][HINT_MAX_BYTES + 1]; /* current row and the two before it, in rotation */
	for (size_t j = 0; j <= b.len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t *now = rows[i % 3], *back = rows[(i + 2) % 3], *back_two = rows[(i + 1) % 3];
		now[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t change = back[j - 1] + (a.ptr[i - 1] == b.ptr[j - 1] ? 0 : 1);
			now[j] = least(change, least(back[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1])
				now[j] = least(now[j], back_two[j - 2] + 1);
		}
	}
	return rows[a.len % 3][b.len];
}

void key_hint_init(struct key_hint *hint, struct text word)
{
	*hint = (struct key_hint){word, TEXT_ABSENT, word.len > HINT_MAX_BYTES ? 0 : (size_t)word.len / 4 + 2};
}

/* "pause" for "pause_on": a large edit distance, but a good suggestion. */
static bool is_prefix(struct text word, struct text candidate)
{
	return word.len >= 3 && word.len < candidate.len && memcmp(word.ptr, candidate.ptr, word.len) == 0;
}

void key_hint_consider(struct key_hint *hint, struct text candidate)
{
	if (hint->distance == 0 || candidate.len == 0 || candidate.len > HINT_MAX_BYTES)
		return;
	size_t distance = is_prefix(hint->word, candidate) ? 1 : edit_distance(hint->word, candidate);
	if (distance < hint->distance && distance < candidate.len && distance < hint->word.len) {
		hint->best = candidate;
		hint->distance = distance;
	}
}
