#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "kpid/base/memory.h"

int main(int argc, char **argv)
{
	/* librdkafka's threads allocate memory that the event loop frees: an arena for each thread would waste memory.
	 */
	mallopt(M_ARENA_MAX, 2);
	/* Large blocks live as long as a batch: return them to the system instead of fragmenting the heap. */
	mallopt(M_MMAP_THRESHOLD, 256 * 1024);
	mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
	/* Without memory jansson would return a truncated text, which kpid would send as if it were complete: exit
	 * instead. */
	json_set_alloc_funcs(mem_alloc, free);
	return cli_main(argc, argv);
}
