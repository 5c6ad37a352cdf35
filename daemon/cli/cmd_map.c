/* kpid map: guesses and checks mappings, and runs their cases. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/lua/names.h"
#include "app/mapping_file.h"
#include "cli/guess_file.h"
#include "cli/records.h"
#include "kpid/base/memory.h"
#include "kpid/core/dead_letter.h"

#define CASES    ".cases"
#define EXPECTED ".expected"

/* ---- check ---- */

static int check(const char *path)
{
	struct buf text = BUF_INIT, error = BUF_INIT;
	const struct mapping_order order = {.rules = {.source = TEXT("/map/check")}};
	struct mapping *mapping = mapping_file_load(path, &order, &error);
	bool good = mapping != NULL && mapping_file_read(path, &text, &error) &&
	            mapping_names_check(mapping, path, buf_text(&text), &error) == 0;
	if (error.len_bytes > 0)
		fprintf(stderr, "%s%s", error.data, error.data[error.len_bytes - 1] == '\n' ? "" : "\n");
	if (good)
		puts("ok");
	mapping_free(mapping);
	buf_release(&text);
	buf_release(&error);
	return good ? CLI_OK : CLI_CONFIG;
}

/* ---- test ---- */

struct testing {
	struct buf out;
	int64_t line_no;
};

static void on_begin(void *context, int64_t line_no, struct text record)
{
	(void)record;
	((struct testing *)context)->line_no = line_no;
}

static void on_end(void *context)
{
	(void)context;
}

static void on_event(void *context, const struct ticket_event *event)
{
	struct testing *testing = context;
	ticket_event_as_cloudevent(event, &testing->out);
	buf_add_char(&testing->out, '\n');
}

static void on_passed(void *context, const char *reason)
{
	struct testing *testing = context;
	buf_add_format(&testing->out, "line %" PRId64 ": %s%s\n", testing->line_no,
	               reason == NULL ? "empty" : "skipped: ", reason == NULL ? "" : reason);
}

static void on_rejected(void *context, struct text record, enum dead_letter_reason reason, const char *detail)
{
	struct testing *testing = context;
	(void)record, (void)detail;
	buf_add_format(&testing->out, "line %" PRId64 ": %s\n", testing->line_no, dead_letter_reason_name(reason));
}

static bool read_file(const char *path, struct buf *out)
{
	char chunk[4096];
	size_t n;
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return false;
	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		buf_add(out, chunk, n);
	fclose(file);
	return true;
}

/* Options of all cases, one in a line: "zone = Asia/Shanghai". text is changed. */
static bool read_options(const struct cli *cli, char *text, struct records_options *options)
{
	char *rest = text;
	for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
		char *equals = strstr(line, " = ");
		if (line[0] == '\0' || line[0] == '#')
			continue;
		if (equals != NULL)
			*equals = '\0';
		int option = records_find(line);
		if (equals == NULL || option == 0 || option == RECORDS_MAP || option == RECORDS_FLAT) {
			fprintf(stderr, "options: \"%s\" is no option of records; write NAME = VALUE\n", line);
			return false;
		}
		if (!records_take(cli, options, option, equals + 3))
			return false;
	}
	return true;
}

/* Prints the first line that differs. Returns true if none does. */
static bool compare(const char *path, const struct buf *have, const struct buf *want)
{
	const char *a = buf_text(have).ptr, *b = buf_text(want).ptr;
	for (int line = 1;; line++) {
		size_t n_a = strcspn(a, "\n"), n_b = strcspn(b, "\n");
		if (n_a != n_b || memcmp(a, b, n_a) != 0) {
			printf("%s:%d:\n  expected: %.*s\n  but it is: %.*s\n", path, line, (int)n_b, b, (int)n_a, a);
			return false;
		}
		if (a[n_a] == '\0' && b[n_b] == '\0')
			return true;
		a += n_a + (a[n_a] == '\n');
		b += n_b + (b[n_b] == '\n');
	}
}

static int write_expected(const char *path, const struct buf *have)
{
	FILE *file = fopen(path, "we");
	if (file == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return CLI_FAILED;
	}
	fwrite(buf_text(have).ptr, 1, have->len_bytes, file);
	printf("wrote %s\n", path);
	return fclose(file) == 0 ? CLI_OK : CLI_FAILED;
}

static int run_case(const struct cli *cli, const struct records_options *options, const char *path, bool writes)
{
	struct records records;
	struct testing testing = {.line_no = 0};
	struct buf expected_path = BUF_INIT, expected = BUF_INIT;
	const struct records_sink sink = {
	        .begin = on_begin, .end = on_end, .intake = {on_event, on_passed, on_rejected, &testing}};
	int status = records_open(cli, options, path, &records);
	buf_add_format(&expected_path, "%s" EXPECTED, path);
	if (status == CLI_OK && !records_read(path, &records.file, &sink))
		status = CLI_FAILED;
	if (status == CLI_OK && writes) {
		status = write_expected(expected_path.data, &testing.out);
	} else if (status == CLI_OK && !read_file(expected_path.data, &expected)) {
		printf("%s: there is no such file; --write makes it of what the mapping gives now\n",
		       expected_path.data);
		status = CLI_FAILED;
	} else if (status == CLI_OK && !compare(expected_path.data, &testing.out, &expected)) {
		status = CLI_FAILED;
	}
	records_release(&records);
	buf_release(&testing.out);
	buf_release(&expected);
	buf_release(&expected_path);
	return status;
}

static int is_case(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name), n_suffix = sizeof(EXPECTED) - 1;
	bool is_expected = n > n_suffix && strcmp(entry->d_name + n - n_suffix, EXPECTED) == 0;
	return entry->d_name[0] != '.' && !is_expected && strcmp(entry->d_name, "options") != 0;
}

static char *cases_folder(const char *path)
{
	struct buf folder = BUF_INIT;
	size_t n = strlen(path);
	buf_add(&folder, path, n > 4 && strcmp(path + n - 4, ".lua") == 0 ? n - 4 : n);
	buf_add_str(&folder, CASES);
	return folder.data;
}

static int run_cases(const struct cli *cli, const struct records_options *options, const char *folder, bool writes)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, is_case, alphasort), status = CLI_OK;
	if (n <= 0) {
		fprintf(stderr, "%s: there are no cases; put files of records there\n", folder);
		return CLI_FAILED;
	}
	for (int i = 0; i < n; i++) {
		struct buf path = BUF_INIT;
		buf_add_format(&path, "%s/%s", folder, entries[i]->d_name);
		int of_case = run_case(cli, options, path.data, writes);
		status = of_case == CLI_OK ? status : of_case;
		buf_release(&path);
		free(entries[i]);
	}
	free(entries);
	if (status == CLI_OK && !writes)
		printf("ok: %d cases\n", n);
	return status;
}

static int test(const struct cli *cli, const char *path, bool writes)
{
	struct records_options options = {.map = path};
	struct buf text = BUF_INIT, options_path = BUF_INIT;
	char *folder = cases_folder(path);
	buf_add_format(&options_path, "%s/options", folder);
	bool has_options = read_file(options_path.data, &text) && text.len_bytes > 0;
	int status = has_options && !read_options(cli, text.data, &options) ? CLI_CONFIG : CLI_OK;
	if (status == CLI_OK)
		status = run_cases(cli, &options, folder, writes);
	buf_release(&text);
	buf_release(&options_path);
	free(folder);
	return status;
}

/* ---- the command ---- */

enum map_action { MAP_GUESS, MAP_CHECK, MAP_TEST, MAP_NONE };

static enum map_action action_of(const char *name)
{
	static const char *const names[] = {[MAP_GUESS] = "guess", [MAP_CHECK] = "check", [MAP_TEST] = "test"};
	enum map_action action = MAP_GUESS;
	while (action < MAP_NONE && strcmp(names[action], name) != 0)
		action++;
	return action;
}

static int act(const struct cli *cli, enum map_action action, struct records_options *options, const char *path,
               bool writes)
{
	switch (action) {
	case MAP_GUESS:
		return guess_file(cli, options, path);
	case MAP_CHECK:
		return check(path);
	default:
		return test(cli, path, writes);
	}
}

int cmd_map(struct cli *cli, int argc, char **argv)
{
	enum { WRITE = 256 };
	static const struct option options[] = {{"write", no_argument, NULL, WRITE},
	                                        {"format", required_argument, NULL, RECORDS_FORMAT},
	                                        {"each", required_argument, NULL, RECORDS_EACH},
	                                        {"delimiter", required_argument, NULL, RECORDS_DELIMITER},
	                                        {"encoding", required_argument, NULL, RECORDS_ENCODING},
	                                        {"skip", required_argument, NULL, RECORDS_SKIP},
	                                        {NULL, 0, NULL, 0}};
	struct records_options named = {.map = NULL};
	int option, status;
	bool writes = false, has_form = false;
	while ((option = cli_option(cli, argc, argv, "", options, &status)) >= 0) {
		writes = writes || option == WRITE;
		has_form = has_form || option != WRITE;
		if (option != WRITE && !records_take(cli, &named, option, optarg))
			return CLI_USAGE;
	}
	if (option == CLI_OPTION_DONE)
		return status;
	if (optind >= argc)
		return cli_usage_error(cli, "an action is missing: guess, check or test");
	enum map_action action = action_of(argv[optind]);
	if (action == MAP_NONE)
		return cli_usage_error(cli, "unknown action %s; use guess, check or test", argv[optind]);
	optind++;
	if (writes && action != MAP_TEST)
		return cli_usage_error(cli, "only test takes --write");
	if (has_form && action != MAP_GUESS)
		return cli_usage_error(cli, "only guess takes options of the file; those of cases are in options");
	if (!cli_arguments(cli, argc, 1, 1))
		return CLI_USAGE;
	return act(cli, action, &named, argv[optind], writes);
}
