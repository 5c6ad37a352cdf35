#include "kinds.h"

#include <stdio.h>

#define DECLARE(name) extern const struct receiver_kind receiver_##name;
RECEIVER_KINDS(DECLARE)

#define ROW(name) &receiver_##name,
const struct receiver_kind *const receiver_kinds[] = {RECEIVER_KINDS(ROW) NULL};

enum { N_KINDS = sizeof(receiver_kinds) / sizeof(receiver_kinds[0]) - 1 };

const struct receiver_kind *receiver_kind_find(struct text name)
{
	for (size_t i = 0; i < N_KINDS; i++)
		if (text_equal(name, text_of(receiver_kinds[i]->name)))
			return receiver_kinds[i];
	return NULL;
}

const char *receiver_kind_names(char buffer[RECEIVER_KIND_NAMES_BYTES])
{
	size_t len = 0;
	for (size_t i = 0; i < N_KINDS && len < RECEIVER_KIND_NAMES_BYTES; i++) {
		const char *before = i == 0 ? "" : i + 1 == N_KINDS ? " or " : ", ";
		len += (size_t)snprintf(buffer + len, RECEIVER_KIND_NAMES_BYTES - len, "%s%s", before,
		                        receiver_kinds[i]->name);
	}
	return buffer;
}
