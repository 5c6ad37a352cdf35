#include "file_scan.h"

#include <jansson.h>
#include <stdlib.h>

#include "kpid/base/memory.h"

struct scanner {
	const char *at, *end;
	int line;
	struct arena *arena;
};

/* The text is valid JSON, so commas and colons can be skipped: the order of values says everything. */
static void skip_filler(struct scanner *scanner)
{
	for (; scanner->at < scanner->end; scanner->at++) {
		switch (*scanner->at) {
		case '\n':
			scanner->line++;
			break;
		case ' ':
		case '\t':
		case '\r':
		case ',':
		case ':':
			break;
		default:
			return;
		}
	}
}

/* Skips a string and returns it, with its quotes. */
static struct text skip_string(struct scanner *scanner)
{
	const char *start = scanner->at++;
	while (scanner->at < scanner->end && *scanner->at != '"')
		scanner->at += *scanner->at == '\\' ? 2 : 1;
	scanner->at = scanner->at < scanner->end ? scanner->at + 1 : scanner->end;
	return (struct text){start, (uint32_t)(scanner->at - start)};
}

static void skip_scalar(struct scanner *scanner)
{
	if (*scanner->at == '"') {
		skip_string(scanner);
		return;
	}
	do {
		scanner->at++;
	} while (scanner->at < scanner->end && strchr(",:]} \t\r\n", *scanner->at) == NULL);
}

static struct text decode_key(struct scanner *scanner, struct text quoted)
{
	json_t *string = json_loadb(quoted.ptr, quoted.len, JSON_DECODE_ANY, NULL);
	struct text key = {json_string_value(string), (uint32_t)json_string_length(string)};
	key = arena_text(scanner->arena, text_is_absent(key) ? TEXT("") : key);
	json_decref(string);
	return key;
}

static struct file_place *add_place(struct scanner *scanner, struct file_place *parent)
{
	struct file_place *place = arena_zalloc(scanner->arena, sizeof(*place));
	place->parent = parent;
	place->line = scanner->line;
	if (parent == NULL)
		return place;
	if (parent->last == NULL) {
		parent->first = place;
	} else {
		place->index = parent->last->index + 1;
		parent->last->next = place;
	}
	parent->last = place;
	return place;
}

static int order_by_key(const void *a, const void *b)
{
	const struct file_place *left = *(struct file_place *const *)a, *right = *(struct file_place *const *)b;
	int order = text_compare(left->key, right->key);
	return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

static void mark_twins(const struct file_place *object)
{
	if (object->first == object->last)
		return;
	size_t n = object->last->index + 1, i = 0;
	struct file_place **members = mem_alloc(n * sizeof(struct file_place *));
	for (struct file_place *place = object->first; place != NULL; place = place->next)
		members[i++] = place;
	qsort(members, n, sizeof(struct file_place *), order_by_key);
	for (i = 1; i < n; i++) {
		if (text_equal(members[i - 1]->key, members[i]->key)) {
			members[i - 1]->shadowed = true;
			members[i]->twin_line = members[i - 1]->line;
		}
	}
	free(members);
}

struct file_place *file_scan(struct text json, struct arena *arena)
{
	struct scanner scanner = {json.ptr, json.ptr + json.len, 1, arena};
	struct file_place *root = NULL, *open = NULL, *named = NULL; /* named: its key was read, its value follows */
	for (skip_filler(&scanner); scanner.at < scanner.end; skip_filler(&scanner)) {
		char c = *scanner.at;
		if ((c == '}' || c == ']') && open != NULL) {
			if (open->is_object)
				mark_twins(open);
			open = open->parent;
			scanner.at++;
			continue;
		}
		struct file_place *place = named != NULL ? named : add_place(&scanner, open);
		root = root == NULL ? place : root;
		if (open != NULL && open->is_object && named == NULL) {
			place->key = decode_key(&scanner, skip_string(&scanner));
			named = place;
			continue;
		}
		named = NULL;
		if (c == '{' || c == '[') {
			place->is_object = c == '{';
			open = place;
			scanner.at++;
		} else {
			skip_scalar(&scanner);
		}
	}
	return root;
}

static bool is_plain_key(struct text key)
{
	for (uint32_t i = 0; i < key.len; i++) {
		char c = key.ptr[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
		      c == '-'))
			return false;
	}
	return key.len > 0;
}

void file_path_add_key(struct buf *out, struct text key)
{
	if (is_plain_key(key)) {
		if (out->len_bytes > 0)
			buf_add_char(out, '.');
		buf_add_text(out, key);
	} else {
		buf_add_char(out, '[');
		buf_add_json_string(out, key);
		buf_add_char(out, ']');
	}
}

static size_t depth_of(const struct file_place *place)
{
	size_t depth = 0;
	for (; place->parent != NULL; place = place->parent)
		depth++;
	return depth;
}

void file_place_path(const struct file_place *place, struct buf *out)
{
	size_t depth = depth_of(place);
	for (size_t level = 1; level <= depth; level++) {
		const struct file_place *step = place;
		for (size_t up = depth; up > level; up--)
			step = step->parent;
		if (text_is_absent(step->key))
			buf_add_format(out, "[%zu]", step->index);
		else
			file_path_add_key(out, step->key);
	}
}
