#include <event2/event.h>
#include <jansson.h>
#include <libpq-fe.h>
#include <librdkafka/rdkafka.h>
#include <pg_config.h>
#include <stdio.h>

#include "cli/cli.h"

#define N_LIBRARIES 4

struct library {
	const char *name, *compiled, *running;
};

/* libpq gives its version as a number: 150020 is 15.20. */
static void format_libpq(char *version_out, size_t size)
{
	int number = PQlibVersion();
	snprintf(version_out, size, "%d.%d", number / 10000, number % 10000);
}

/* librdkafka gives its compile-time version as a number: 0x020002ff is 2.0.2. */
static void format_rdkafka(char *version_out, size_t size)
{
	unsigned number = RD_KAFKA_VERSION;
	snprintf(version_out, size, "%u.%u.%u", number >> 24, (number >> 16) & 0xff, (number >> 8) & 0xff);
}

static void print_json(const struct library libraries[N_LIBRARIES])
{
	printf("{\"kpid\": \"%s\", \"libraries\": {", KPID_VERSION);
	for (size_t i = 0; i < N_LIBRARIES; i++)
		printf("%s\"%s\": {\"compiled\": \"%s\", \"running\": \"%s\"}", i > 0 ? ", " : "", libraries[i].name,
		       libraries[i].compiled, libraries[i].running);
	printf("}}\n");
}

static void print_words(const struct library libraries[N_LIBRARIES])
{
	printf("kpid %s\n", KPID_VERSION);
	for (size_t i = 0; i < N_LIBRARIES; i++)
		printf("%-10s compiled with %s, running with %s\n", libraries[i].name, libraries[i].compiled,
		       libraries[i].running);
}

int cmd_version(struct cli *cli, int argc, char **argv)
{
	int status;
	int option = cli_option(cli, argc, argv, "", NULL, &status);
	if (option == CLI_OPTION_DONE)
		return status;
	if (!cli_arguments(cli, argc, 0, 0))
		return CLI_USAGE;
	char libpq[32], rdkafka[32];
	format_libpq(libpq, sizeof(libpq));
	format_rdkafka(rdkafka, sizeof(rdkafka));
	const struct library libraries[N_LIBRARIES] = {
	        {"libevent", LIBEVENT_VERSION, event_get_version()},
	        {"librdkafka", rdkafka, rd_kafka_version_str()},
	        {"libpq", PG_VERSION, libpq},
	        {"jansson", JANSSON_VERSION, jansson_version_str()},
	};
	if (cli->json)
		print_json(libraries);
	else
		print_words(libraries);
	return CLI_OK;
}
