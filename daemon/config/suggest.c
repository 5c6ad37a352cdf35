#include "config/suggest.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define MAX_LEN 64

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Ignores case, and treats '-', '_' and '.' as the same character. */
static int fold_case(char c)
{
	if (c == '-' || c == '_' || c == '.')
		return '_';
	return tolower((unsigned char)c);
}

/* The edit distance: letters added, dropped, changed, or swapped with a neighbour. */
static size_t distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
	size_t rows[3][MAX_LEN + 1];
	size_t *before_last = rows[0], *last = rows[1], *row = rows[2];
	for (size_t j = 0; j <= n_b; j++)
		last[j] = j;
	for (size_t i = 1; i <= n_a; i++) {
		row[0] = i;
		for (size_t j = 1; j <= n_b; j++) {
			int same = fold_case(a[i - 1]) == fold_case(b[j - 1]);
			row[j] = min(min(row[j - 1], last[j]) + 1, last[j - 1] + (same ? 0 : 1));
			if (i > 1 && j > 1 && fold_case(a[i - 1]) == fold_case(b[j - 2]) &&
			    fold_case(a[i - 2]) == fold_case(b[j - 1]))
				row[j] = min(row[j], before_last[j - 2] + 1);
		}
		size_t *spare = before_last;
		before_last = last;
		last = row;
		row = spare;
	}
	return last[n_b];
}

void suggestion_init(struct suggestion *suggestion, const char *written)
{
	/* Up to a third of the letters may be wrong: a wilder guess would not help. */
	*suggestion = (struct suggestion){written, NULL, strlen(written) / 3 + 1};
}

void suggestion_offer(struct suggestion *suggestion, const char *known)
{
	size_t n_written = strlen(suggestion->written), n_known = strlen(known);
	if (n_written == 0 || n_written > MAX_LEN || n_known > MAX_LEN)
		return;
	/* The beginning of a word ("warn") is close, however much is missing. */
	bool cut_short = n_written >= 3 && strncasecmp(suggestion->written, known, n_written) == 0;
	size_t d = cut_short ? 1 : distance(suggestion->written, n_written, known, n_known);
	if (d < suggestion->distance || (d == suggestion->distance && suggestion->nearest == NULL)) {
		suggestion->nearest = known;
		suggestion->distance = d;
	}
}
