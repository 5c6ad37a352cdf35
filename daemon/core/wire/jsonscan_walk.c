/* Walks over an object that jsonscan_read() has accepted, so nothing is checked again. */
#include "jsonscan.h"

void jsonscan_walk_init(struct jsonscan_walk *walk, const struct jsonscan_value *object)
{
	walk->at = object->ptr + 1;
}

static const char *skip_space_and(const char *p, char c)
{
	while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t' || *p == c)
		p++;
	return p;
}

/* Reads a string; p is after its opening quote. */
static const char *read_string(const char *p, struct jsonscan_value *out)
{
	const char *first = p;
	bool is_escaped = false;
	for (; *p != '"'; p++) {
		if (*p == '\\') {
			is_escaped = true;
			p++;
		}
	}
	*out = (struct jsonscan_value){first, (uint32_t)(p - first), JSONSCAN_STRING, is_escaped};
	return p + 1;
}

/* Reads a number, null, true or false. */
static const char *read_scalar(const char *p, struct jsonscan_value *out)
{
	enum jsonscan_kind kind = *p == 'n'   ? JSONSCAN_NULL
	                          : *p == 't' ? JSONSCAN_TRUE
	                          : *p == 'f' ? JSONSCAN_FALSE
	                                      : JSONSCAN_NUMBER;
	const char *first = p;
	while ((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') || *p == 'E' || *p == '.' || *p == '-' || *p == '+')
		p++;
	*out = (struct jsonscan_value){first, (uint32_t)(p - first), (uint8_t)kind, false};
	return p;
}

bool jsonscan_walk_next(struct jsonscan_walk *walk, struct jsonscan_value *name_out, struct jsonscan_value *value_out)
{
	const char *p = walk->at == NULL ? "}" : skip_space_and(walk->at, ',');
	if (*p == '}')
		return false;
	p = skip_space_and(read_string(p + 1, name_out), ':');
	if (*p == '"') {
		walk->at = read_string(p + 1, value_out);
	} else if (*p == '{' || *p == '[') {
		*value_out = (struct jsonscan_value){p, 0, *p == '{' ? JSONSCAN_OBJECT : JSONSCAN_ARRAY, false};
		walk->at = NULL;
	} else {
		walk->at = read_scalar(p, value_out);
	}
	return true;
}
