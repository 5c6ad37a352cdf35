#include <malloc.h>

#include "cli/cli.h"

int main(int argc, char **argv)
{
	/* librdkafka's threads allocate what the loop frees: an arena for each would keep what nobody needs. */
	mallopt(M_ARENA_MAX, 2);
	return cli_main(argc, argv);
}
