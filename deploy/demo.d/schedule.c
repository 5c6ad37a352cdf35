#include "schedule.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static bool before(const struct letter *a, const struct letter *b)
{
	return a->send_us != b->send_us ? a->send_us < b->send_us : a->order < b->order;
}

static void swap(struct letter *a, struct letter *b)
{
	struct letter kept = *a;
	*a = *b;
	*b = kept;
}

void schedule_put(struct schedule *schedule, const struct letter *letter)
{
	if (schedule->n == schedule->capacity) {
		size_t capacity = schedule->capacity ? schedule->capacity * 2 : 1024;
		struct letter *items = realloc(schedule->items, capacity * sizeof(*items));
		if (!items) {
			fprintf(stderr, "demo-generator: out of memory\n");
			exit(1);
		}
		schedule->items = items;
		schedule->capacity = capacity;
	}
	size_t i = schedule->n++;
	schedule->items[i] = *letter;
	schedule->items[i].order = schedule->n_ever++;
	for (; i > 0 && before(&schedule->items[i], &schedule->items[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&schedule->items[i], &schedule->items[(i - 1) / 2]);
}

const struct letter *schedule_first(const struct schedule *schedule)
{
	return schedule->n > 0 ? schedule->items : NULL;
}

struct letter schedule_take(struct schedule *schedule)
{
	struct letter first = schedule->items[0];
	schedule->items[0] = schedule->items[--schedule->n];
	for (size_t i = 0;;) {
		size_t least = i;
		for (size_t child = 2 * i + 1; child <= 2 * i + 2; child++)
			if (child < schedule->n && before(&schedule->items[child], &schedule->items[least]))
				least = child;
		if (least == i)
			return first;
		swap(&schedule->items[i], &schedule->items[least]);
		i = least;
	}
}
