/* simulate: runs seeds through the simulation, one after the other. Reports a seed that fails; --seed N --trace
 * prints its steps. */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "sim.h"

static const char usage[] =
        "usage: simulate [--seed N] [--seeds N] [--seconds N] [--messages N] [--faults N] [--trace]\n";

static struct sim_options options = {.seed = 1, .most_messages = 1000, .most_faults = 1000};

/* A failed check of the daemon, or a crash: prints which seed it was. */
static void on_crash(int number)
{
	char line[64];
	int len = snprintf(line, sizeof(line), "seed %" PRIu64 ": signal %d\n", options.seed, number);
	if (write(1, line, (size_t)len) < 0)
		_exit(1);
	signal(number, SIG_DFL);
	raise(number);
}

static void print_counts(void)
{
	const struct sim_counts *c = &sim_counts;
	const struct {
		const char *name;
		uint64_t n;
	} all[] = {
	        {"seeds", c->seeds},
	        {"steps", c->steps},
	        {"messages", c->messages},
	        {"faults", c->faults},
	        {"starts", c->starts},
	        {"kills", c->crashes},
	        {"stops", c->stops},
	        {"freezes", c->freezes},
	        {"clock_jumps", c->jumps},
	        {"cuts", c->cuts},
	        {"cut_commits", c->cut_commits},
	        {"terminated", c->terminated},
	        {"restarts", c->restarts},
	        {"refused", c->refused},
	        {"lock_waits", c->waits},
	        {"deadlocks", c->deadlocks},
	        {"commits", c->commits},
	        {"rollbacks", c->rollbacks},
	        {"rebalances", c->rebalances},
	        {"members_lost", c->kicks},
	        {"logs_cut", c->truncated},
	        {"gaps", c->gaps},
	        {"gaps_accepted", c->accepted},
	        {"transactions", c->transactions},
	        {"tickets", c->tickets},
	        {"events", c->events},
	        {"alerts", c->alerts},
	        {"voided", c->voided},
	        {"dead_letters", c->dead_letters},
	        {"sent", c->sent},
	        {"sent_again", c->sent_again},
	        {"leases_taken", c->leases_taken},
	        {"parked", c->parked},
	        {"strangers", c->strangers},
	        {"inserted", c->inserted},
	        {"collisions", c->collisions},
	        {"mapped_records", c->records},
	};
	fputs("counts", stdout);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		printf(" %s=%" PRIu64, all[i].name, all[i].n);
	putchar('\n');
}

static int64_t seconds_now(void)
{
	return (int64_t)time(NULL);
}

int main(int argc, char **argv)
{
	static const struct option known[] = {
	        {"seed", required_argument, NULL, 's'},
	        {"seeds", required_argument, NULL, 'n'},
	        {"seconds", required_argument, NULL, 'm'},
	        {"messages", required_argument, NULL, 'e'},
	        {"faults", required_argument, NULL, 'f'},
	        {"trace", no_argument, NULL, 't'},
	        {NULL, 0, NULL, 0},
	};
	uint64_t n_seeds = 1;
	int64_t seconds = 0;
	bool ok = true;
	for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
		switch (option) {
		case 's':
			options.seed = strtoull(optarg, NULL, 10);
			break;
		case 'n':
			n_seeds = strtoull(optarg, NULL, 10);
			break;
		case 'm':
			seconds = strtoll(optarg, NULL, 10);
			n_seeds = UINT64_MAX;
			break;
		case 'e':
			options.most_messages = atoi(optarg);
			break;
		case 'f':
			options.most_faults = atoi(optarg);
			break;
		case 't':
			options.trace = true;
			break;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	signal(SIGABRT, on_crash);
	signal(SIGSEGV, on_crash);
	int64_t end = seconds_now() + seconds;
	for (uint64_t i = 0; ok && i < n_seeds && (seconds == 0 || seconds_now() < end); i++, options.seed++)
		ok = sim_run(&options);
	print_counts();
	sim_release();
	return ok ? 0 : 1;
}
