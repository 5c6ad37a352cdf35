/* "Did you mean …?": finds the known word that is most similar to the written one. */
#ifndef KPID_CONFIG_SUGGEST_H
#define KPID_CONFIG_SUGGEST_H

#include <stddef.h>

struct suggestion {
	const char *written;
	const char *nearest; /* NULL: no word is similar enough */
	size_t distance;
};

void suggestion_init(struct suggestion *suggestion, const char *written);
/* Considers one more known word, which must outlive the suggestion. */
void suggestion_offer(struct suggestion *suggestion, const char *known);

#endif
