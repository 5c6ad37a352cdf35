/* The cost of records through a mapping up to flat events, as `kpid ingest --map` and `--flat` read a file, without a
 * database. Prints JSON: records, events, seconds, CPU microseconds per record, and the peak of memory.
 *
 *     bench_mapping MAPPING.lua|--flat FILE csv|ndjson [ROUNDS]
 *
 * With ROUNDS, the first record is mapped this often instead: the mapping alone with its parse. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "adapters/zone/zone.h"
#include "app/file_records.h"
#include "app/mapping_file.h"
#include "kpid/base/log.h"

struct counting {
	int64_t n_events, n_rejected;
};

static double seconds_of(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void on_event(void *context, const struct ticket_event *event)
{
	struct counting *counting = context;
	counting->n_events += event->occurred_us > 0;
}

static void on_passed(void *context, const char *reason)
{
	(void)context, (void)reason;
}

static void on_rejected(void *context, struct text record, enum dead_letter_reason reason, const char *detail)
{
	struct counting *counting = context;
	(void)record, (void)reason;
	if (counting->n_rejected++ == 0)
		fprintf(stderr, "rejected: %s\n", detail);
}

static int64_t now_us(void)
{
	return (int64_t)(seconds_of(CLOCK_REALTIME) * 1e6);
}

static int64_t read_records(struct file_records *records, struct line_reader *reader, const char *path, long rounds,
                            const struct intake_sink *sink)
{
	struct file_cursor cursor = {.reader = reader};
	struct text line;
	int64_t n = 0;
	for (enum line_result result; (result = line_reader_next(reader, &line)) != LINE_END;) {
		if (result == LINE_FAILED)
			return -1;
		if (result != LINE_READ || line_is_blank(line))
			continue;
		if (file_records_header(records, path, &cursor, line) == HEADER_NONE) {
			const struct wire_message message = {.value = line, .topic = TEXT("bench")};
			for (long i = 0; i < (rounds == 0 ? 1 : rounds); i++, n++)
				intake_read(records->intake, &message, now_us(), sink, NULL);
			if (rounds > 0)
				return n;
		}
		cursor.line_no++;
	}
	return n;
}

static int measure(struct intake *intake, const char *path, bool is_csv, long rounds)
{
	struct counting counting = {0, 0};
	const struct intake_sink sink = {on_event, on_passed, on_rejected, &counting};
	struct file_records records = {.intake = intake, .format = {.form = is_csv ? RECORD_CSV : RECORD_LINES}};
	struct line_reader *reader = line_reader_open(path);
	if (reader == NULL || !line_reader_set_format(reader, &records.format))
		return 1;
	double began = seconds_of(CLOCK_MONOTONIC), began_cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
	int64_t n = read_records(&records, reader, path, rounds, &sink);
	double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - began_cpu, wall = seconds_of(CLOCK_MONOTONIC) - began;
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	line_reader_close(reader);
	if (n <= 0 || counting.n_rejected > 0 || counting.n_events == 0)
		return 1;
	printf("{\"records\": %" PRId64 ", \"events\": %" PRId64
	       ", \"seconds\": %.3f, \"cpu_us_per_record\": %.3f, \"rss_max_mib\": %.1f}\n",
	       n, counting.n_events, wall, cpu / (double)n * 1e6, (double)usage.ru_maxrss / 1024);
	return 0;
}

int main(int argc, char **argv)
{
	struct intake intake;
	struct zone zone;
	struct buf error = BUF_INIT;
	if (argc < 4 || !zone_find("Asia/Shanghai", &zone)) {
		fputs("usage: bench_mapping MAPPING.lua|--flat FILE csv|ndjson [ROUNDS]\n", stderr);
		return 2;
	}
	intake_init(&intake);
	log_set_level(LOG_LEVEL_WARNING);
	intake.rules = (struct flat_rules){.source = TEXT("/bench"), .zone = &zone};
	intake.is_csv = strcmp(argv[3], "csv") == 0;
	if (strcmp(argv[1], "--flat") != 0) {
		const struct mapping_order order = {.rules = intake.rules};
		intake.form = INTAKE_MAP;
		intake.name = "bench";
		intake.mapping = mapping_file_load(argv[1], &order, &error);
		if (intake.mapping == NULL) {
			fprintf(stderr, "%s\n", error.data);
			return 1;
		}
	}
	int status = measure(&intake, argv[2], intake.is_csv, argc > 4 ? strtol(argv[4], NULL, 10) : 0);
	intake_release(&intake);
	buf_release(&error);
	return status;
}
