/* Prints the state machine of a partition as the Mermaid diagram of docs/architecture.md. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "kpid/core/partition.h"

/* Not drawn: events that change no state, revocation, and all fences but those of a partition that is read. They would
 * cross the whole picture. */
static bool is_drawn(const struct partition_row *row)
{
	bool is_fence = row->event == PARTITION_LOST_TO_OTHER || row->event == PARTITION_COMMITS_LOST;
	return row->from != PARTITION_ANY && row->from != row->move.state &&
	       (!is_fence || row->from == PARTITION_READING);
}

static void print_label(const struct partition_row *row)
{
	printf("%s", partition_event_name(row->event));
	if (row->move.action != PARTITION_DO_NOTHING)
		printf(" / %s", partition_action_name(row->move.action));
}

/* One arrow for all events between the same two states. */
static void print_arrow(const struct partition_row *rows, size_t n, size_t first)
{
	const struct partition_row *row = &rows[first];
	for (size_t i = 0; i < first; i++)
		if (is_drawn(&rows[i]) && rows[i].from == row->from && rows[i].move.state == row->move.state)
			return;
	printf("    %s --> %s: ", partition_state_name(row->from), partition_state_name(row->move.state));
	for (size_t i = first; i < n; i++) {
		if (!is_drawn(&rows[i]) || rows[i].from != row->from || rows[i].move.state != row->move.state)
			continue;
		if (i > first)
			printf("<br/>");
		print_label(&rows[i]);
	}
	printf("\n");
}

int main(void)
{
	size_t n;
	const struct partition_row *rows = partition_rows(&n);
	printf("stateDiagram-v2\n    [*] --> %s\n", partition_state_name(PARTITION_UNASSIGNED));
	for (size_t i = 0; i < n; i++)
		if (is_drawn(&rows[i]))
			print_arrow(rows, n, i);
	return EXIT_SUCCESS;
}
