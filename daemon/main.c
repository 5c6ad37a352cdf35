#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "kpid/base/memory.h"

int main(int argc, char **argv)
{
	/* librdkafka's threads allocate what the loop frees: an arena for each would keep what nobody needs. */
	mallopt(M_ARENA_MAX, 2);
	/* Large pieces live as long as a batch: they go back to the system, instead of leaving holes. */
	mallopt(M_MMAP_THRESHOLD, 256 * 1024);
	mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
	/* Half a JSON text for want of memory would be sent as if it were whole. */
	json_set_alloc_funcs(mem_alloc, free);
	return cli_main(argc, argv);
}
