#include "file_load.h"

enum { MAX_FILE_BYTES = 16 * 1024 * 1024 };

static bool is_blank(struct text text)
{
	for (uint32_t i = 0; i < text.len; i++)
		if (strchr(" \t\r\n", text.ptr[i]) == NULL || text.ptr[i] == '\0')
			return false;
	return true;
}

/* jansson accepts a NUL after a number. */
static bool has_nul(struct file_check *check, struct text json)
{
	const char *nul = memchr(json.ptr, '\0', json.len);
	if (nul == NULL)
		return false;
	struct file_place place = {.line = 1};
	for (const char *at = json.ptr; at < nul; at++)
		place.line += *at == '\n';
	file_error_add(check, &place, "is not JSON: it holds a NUL byte; save it as plain UTF-8 text");
	return true;
}

static struct text skip_byte_order_mark(struct text json)
{
	if (json.len >= 3 && memcmp(json.ptr, "\xEF\xBB\xBF", 3) == 0)
		return (struct text){json.ptr + 3, json.len - 3};
	return json;
}

json_t *file_load(struct file_check *check, struct text *json_io, const char *example)
{
	struct text json = skip_byte_order_mark(*json_io);
	*json_io = json;
	if (json.len > MAX_FILE_BYTES) {
		file_error_add(check, NULL, "is %u bytes long; at most %d are allowed; remove what is no longer needed",
		               (unsigned)json.len, MAX_FILE_BYTES);
		return NULL;
	}
	if (is_blank(json)) {
		file_error_add(check, NULL, "is empty; write at least %s", example);
		return NULL;
	}
	if (has_nul(check, json))
		return NULL;
	json_error_t error;
	json_t *root = json_loadb(json.ptr, json.len, JSON_DECODE_ANY, &error);
	if (root == NULL) {
		const struct file_place place = {.line = error.line < 0 ? 0 : error.line};
		if (json_error_code(&error) == json_error_numeric_overflow)
			file_error_add(check, &place, "has a number that is too large (%s); write it in quotes",
			               error.text);
		else
			file_error_add(check, &place,
			               "is not JSON: %s (JSON has no comments, and no comma after the last item)",
			               error.text);
	}
	return root;
}

bool node_has_list(struct file_check *check, const struct file_node *object, const char *key, const char *instead,
                   size_t max, struct file_node *list_out)
{
	if (!node_member(object, key, list_out)) {
		struct buf remedy = BUF_INIT;
		buf_add_format(&remedy, "write %s", instead);
		file_error_missing(check, object, key, remedy.data);
		buf_release(&remedy);
		return false;
	}
	if (!node_is(check, list_out, JSON_ARRAY, instead))
		return false;
	size_t n = json_array_size(list_out->value);
	if (n == 0)
		file_error_add(check, list_out->place, "is an empty list; write %s", instead);
	if (n > max)
		file_error_add(check, list_out->place,
		               "has %zu items; at most %zu are allowed; remove what is no longer needed", n, max);
	return n > 0 && n <= max;
}

struct text json_compact(const json_t *value, struct arena *arena)
{
	size_t flags = JSON_COMPACT | JSON_SORT_KEYS;
	size_t len_bytes = json_dumpb(value, NULL, 0, flags);
	char *bytes = arena_alloc(arena, len_bytes);
	json_dumpb(value, bytes, len_bytes, flags);
	return (struct text){bytes, (uint32_t)len_bytes};
}
