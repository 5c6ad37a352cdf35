#include "policy_check.h"

#include <stdarg.h>
#include <stdio.h>

#include "kpid/base/memory.h"

enum { NAME_MAX_BYTES = 256, QUOTE_MAX_BYTES = 80, HINT_MAX_BYTES = 64 };

/* Steps over shadowed places. */
static bool step_to(const struct policy_spot *container, struct policy_place *place, struct policy_spot *spot_out)
{
	while (place != NULL && place->shadowed)
		place = place->next;
	if (place == NULL)
		return false;
	spot_out->place = place;
	if (json_is_object(container->value))
		spot_out->value = json_object_getn(container->value, place->key.ptr, place->key.len);
	else
		spot_out->value = json_array_get(container->value, place->index);
	return spot_out->value != NULL;
}

bool policy_first(const struct policy_spot *container, struct policy_spot *spot_out)
{
	return step_to(container, container->place->first, spot_out);
}

bool policy_next(const struct policy_spot *container, struct policy_spot *spot_io)
{
	return step_to(container, spot_io->place->next, spot_io);
}

bool policy_member(const struct policy_spot *object, const char *key, struct policy_spot *spot_out)
{
	struct policy_spot member;
	for (bool ok = policy_first(object, &member); ok; ok = policy_next(object, &member)) {
		if (text_equal(member.place->key, text_of(key))) {
			*spot_out = member;
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

/* Takes over path and message. */
static struct policy_fault fault_of(struct policy_faults *faults, int line, struct buf *path, struct buf *message)
{
	if (path->len_bytes == 0)
		buf_add_str(path, "(file)");
	return (struct policy_fault){
	        .path = buf_to_arena(path, &faults->arena),
	        .line = line,
	        .message = buf_to_arena(message, &faults->arena),
	};
}

static void add_fault(struct policy_faults *faults, struct policy_fault fault)
{
	faults->items = mem_grow(faults->items, &faults->capacity, faults->n + 1, sizeof(*faults->items));
	faults->items[faults->n++] = fault;
}

__attribute__((format(printf, 3, 0))) static struct policy_fault
fault_at(struct policy_check *check, const struct policy_place *place, const char *format, va_list args)
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
		policy_place_path(place, &path);
	return fault_of(check->faults, place == NULL ? 0 : place->line, &path, &message);
}

void policy_fault_add(struct policy_check *check, const struct policy_place *place, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	add_fault(check->faults, fault_at(check, place, format, args));
	va_end(args);
}

void policy_warning_add(struct policy_check *check, const struct policy_place *place, const char *format, ...)
{
	struct policy_faults *faults = check->faults;
	va_list args;
	va_start(args, format);
	faults->warnings = mem_grow(faults->warnings, &faults->warnings_capacity, faults->n_warnings + 1,
	                            sizeof(*faults->warnings));
	faults->warnings[faults->n_warnings++] = fault_at(check, place, format, args);
	va_end(args);
}

void policy_fault_missing(struct policy_check *check, const struct policy_spot *object, const char *key,
                          const char *remedy)
{
	struct buf path = BUF_INIT, message = BUF_INIT;
	policy_place_path(object->place, &path);
	policy_path_add_key(&path, text_of(key));
	buf_add_format(&message, "is missing; %s", remedy);
	add_fault(check->faults, fault_of(check->faults, object->place->line, &path, &message));
}

/* At most max_bytes of it, ending between characters of UTF-8. */
static struct text cut(struct text text, uint32_t max_bytes)
{
	if (text.len <= max_bytes)
		return text;
	text.len = max_bytes;
	while (text.len > 0 && ((unsigned char)text.ptr[text.len] & 0xC0) == 0x80)
		text.len--;
	return text;
}

const char *policy_quote(struct policy_check *check, struct text text)
{
	struct buf quoted = BUF_INIT;
	struct text shown = cut(text, QUOTE_MAX_BYTES);
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

bool policy_is(struct policy_check *check, const struct policy_spot *spot, json_type type, const char *instead)
{
	if (json_typeof(spot->value) == type)
		return true;
	policy_fault_add(check, spot->place, "is %s; write %s", type_words(spot->value), instead);
	return false;
}

bool policy_is_object(struct policy_check *check, const struct policy_spot *spot, const char *instead)
{
	if (!policy_is(check, spot, JSON_OBJECT, instead))
		return false;
	for (const struct policy_place *place = spot->place->first; place != NULL; place = place->next)
		if (place->twin_line != 0)
			policy_fault_add(check, place, "stands here twice (before on line %d); keep one of the two",
			                 place->twin_line);
	return true;
}

bool policy_is_word(struct policy_check *check, const struct policy_spot *spot, const char *instead,
                    struct text *word_out)
{
	if (!policy_is(check, spot, JSON_STRING, instead))
		return false;
	size_t len_bytes = json_string_length(spot->value);
	if (len_bytes > NAME_MAX_BYTES) {
		policy_fault_add(check, spot->place, "is %zu bytes long; shorten it to %d at most", len_bytes,
		                 NAME_MAX_BYTES);
		return false;
	}
	*word_out = (struct text){json_string_value(spot->value), (uint32_t)len_bytes};
	return true;
}

bool policy_is_name(struct policy_check *check, const struct policy_spot *spot, const char *instead,
                    struct text *name_out)
{
	if (!policy_is_word(check, spot, instead, name_out))
		return false;
	if (name_out->len == 0)
		policy_fault_add(check, spot->place, "is empty; write %s", instead);
	return name_out->len > 0;
}

void policy_check_key_length(struct policy_check *check, const struct policy_spot *member)
{
	if (member->place->key.len == 0)
		policy_fault_add(check, member->place, "has an empty name; give it one");
	if (member->place->key.len > NAME_MAX_BYTES)
		policy_fault_add(check, member->place, "has a name of %u bytes; shorten it to %d at most",
		                 (unsigned)member->place->key.len, NAME_MAX_BYTES);
}

void policy_fault_unknown_key(struct policy_check *check, const struct policy_spot *member, const char *what,
                              const char *const known[])
{
	struct policy_hint hint;
	policy_hint_init(&hint, member->place->key);
	for (size_t i = 0; known[i] != NULL; i++)
		policy_hint_consider(&hint, text_of(known[i]));
	if (!text_is_absent(hint.best)) {
		policy_fault_add(check, member->place, "is no known %s; did you mean %s?", what,
		                 policy_quote(check, hint.best));
		return;
	}
	struct buf names = BUF_INIT;
	for (size_t i = 0; known[i] != NULL; i++)
		buf_add_format(&names, "%s%s", i == 0 ? "" : ", ", known[i]);
	policy_fault_add(check, member->place, "is no known %s; take it out, or use one of: %s", what, names.data);
	buf_release(&names);
}

void policy_check_keys(struct policy_check *check, const struct policy_spot *object, const char *what,
                       const char *const known[])
{
	struct policy_spot member;
	for (bool ok = policy_first(object, &member); ok; ok = policy_next(object, &member)) {
		size_t i = 0;
		while (known[i] != NULL && !text_equal(member.place->key, text_of(known[i])))
			i++;
		if (known[i] == NULL)
			policy_fault_unknown_key(check, &member, what, known);
	}
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters to change, add, drop or swap with their neighbour. Both at most HINT_MAX_BYTES long. */
static size_t edit_distance(struct text a, struct text b)
{
	size_t rows[3][HINT_MAX_BYTES + 1]; /* of the letters before: two back, one back, now; by turns */
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

void policy_hint_init(struct policy_hint *hint, struct text word)
{
	*hint = (struct policy_hint){word, TEXT_ABSENT, word.len > HINT_MAX_BYTES ? 0 : (size_t)word.len / 4 + 2};
}

/* "pause" for "pause_on": far by letters, near in meaning. */
static bool is_beginning(struct text word, struct text candidate)
{
	return word.len >= 3 && word.len < candidate.len && memcmp(word.ptr, candidate.ptr, word.len) == 0;
}

void policy_hint_consider(struct policy_hint *hint, struct text candidate)
{
	if (hint->distance == 0 || candidate.len == 0 || candidate.len > HINT_MAX_BYTES)
		return;
	size_t distance = is_beginning(hint->word, candidate) ? 1 : edit_distance(hint->word, candidate);
	if (distance < hint->distance && distance < candidate.len && distance < hint->word.len) {
		hint->best = candidate;
		hint->distance = distance;
	}
}
