#include "cli/records.h"

#include <stdio.h>
#include <stdlib.h>

#include "adapters/zone/zone.h"
#include "app/mapping_file.h"
#include "kpid/base/memory.h"

static bool add_param(const struct cli *cli, struct records_options *options, char *value)
{
	char *equals = strchr(value, '=');
	if (equals == NULL || equals == value) {
		cli_usage_error(cli, "--param takes NAME=VALUE");
		return false;
	}
	if (options->n_params == RECORDS_MOST_PARAMS) {
		cli_usage_error(cli, "more than %d parameters", RECORDS_MOST_PARAMS);
		return false;
	}
	*equals = '\0';
	options->params[options->n_params++] = (struct mapping_param){value, equals + 1};
	return true;
}

int records_find(const char *name)
{
	static const struct option options[] = {RECORDS_LONG_OPTIONS, {NULL, 0, NULL, 0}};
	for (size_t i = 0; options[i].name != NULL; i++)
		if (strcmp(options[i].name, name) == 0)
			return options[i].val;
	return 0;
}

bool records_take(const struct cli *cli, struct records_options *options, int option, char *value)
{
	const char **const texts[RECORDS_SKIP + 1] = {
	        [RECORDS_MAP] = &options->map,
	        [RECORDS_FORMAT] = &options->format,
	        [RECORDS_ZONE] = &options->zone,
	        [RECORDS_SOURCE] = &options->source,
	        [RECORDS_PREFIX] = &options->prefix,
	        [RECORDS_EACH] = &options->each,
	        [RECORDS_DELIMITER] = &options->delimiter,
	        [RECORDS_ENCODING] = &options->encoding,
	        [RECORDS_SKIP] = &options->skip,
	};
	if (option == RECORDS_PARAM)
		return add_param(cli, options, value);
	if (option == RECORDS_FLAT) {
		options->flat = true;
	} else if (option == RECORDS_SEEN) {
		if (options->n_params == RECORDS_MOST_PARAMS)
			return add_param(cli, options, value);
		options->params[options->n_params++] = (struct mapping_param){"seen", value};
	} else {
		*texts[option] = value;
	}
	return true;
}

/* ---- the form of the file ---- */

static bool ends_with(const char *path, const char *suffix)
{
	size_t n_path = strlen(path), n = strlen(suffix);
	if (n_path >= 3 && strcasecmp(path + n_path - 3, ".gz") == 0)
		n_path -= 3;
	return n_path > n && strncasecmp(path + n_path - n, suffix, n) == 0;
}

static int read_form(const struct cli *cli, const struct records_options *options, const char *path,
                     struct record_format *format)
{
	const char *name = options->format;
	if (name == NULL)
		name = ends_with(path, ".csv") || ends_with(path, ".tsv") ? "csv"
		       : ends_with(path, ".json")                         ? "json"
		                                                          : "ndjson";
	if (strcmp(name, "csv") == 0)
		format->form = RECORD_CSV;
	else if (strcmp(name, "json") == 0)
		format->form = RECORD_JSON;
	else if (strcmp(name, "ndjson") == 0)
		format->form = RECORD_LINES;
	else
		return cli_usage_error(cli, "--format takes ndjson, json or csv");
	return CLI_OK;
}

static int read_csv_options(const struct cli *cli, const struct records_options *options, struct record_format *format)
{
	const char *delimiter = options->delimiter;
	if (format->form != RECORD_CSV && (delimiter != NULL || options->encoding != NULL || options->skip != NULL))
		return cli_usage_error(cli, "--delimiter, --encoding and --skip belong to --format csv");
	if (format->form == RECORD_CSV && options->each != NULL)
		return cli_usage_error(cli, "--each is for JSON");
	if (delimiter != NULL && strcmp(delimiter, "tab") == 0)
		delimiter = "\t";
	if (delimiter != NULL && (strlen(delimiter) != 1 || delimiter[0] == '"' || delimiter[0] == '\n'))
		return cli_usage_error(cli, "--delimiter takes one character, or tab");
	if (delimiter != NULL)
		format->delimiter = delimiter[0];
	format->encoding = options->encoding;
	if (options->skip != NULL) {
		char *end;
		format->n_skip = strtol(options->skip, &end, 10);
		if (*end != '\0' || end == options->skip || format->n_skip < 0 || format->n_skip > 1000000)
			return cli_usage_error(cli, "--skip takes a number of lines");
	}
	return CLI_OK;
}

/* ---- opening ---- */

static int check(const struct cli *cli, const struct records_options *options)
{
	if (options->flat && options->map != NULL)
		return cli_usage_error(cli, "--map and --flat exclude each other");
	if (options->flat && options->source == NULL)
		return cli_usage_error(cli, "--flat needs --source, such as --source /export");
	if (options->flat && (options->n_params > 0))
		return cli_usage_error(cli, "--param and --seen belong to --map");
	bool any = options->format != NULL || options->zone != NULL || options->source != NULL ||
	           options->prefix != NULL || options->each != NULL || options->n_params > 0 ||
	           options->delimiter != NULL || options->encoding != NULL || options->skip != NULL;
	if (!options->flat && options->map == NULL && !options->is_look && any)
		return cli_usage_error(cli, "options for records need --map FILE or --flat");
	if (options->source != NULL && (options->source[0] == '\0' || strlen(options->source) > 200))
		return cli_usage_error(cli, "--source takes a text of up to 200 bytes, such as /zammad");
	if (options->each != NULL && options->each[0] != '/')
		return cli_usage_error(cli, "--each takes a JSON pointer, such as /tickets");
	return CLI_OK;
}

/* What decides which events a file gives, beside its bytes. */
static void write_variant(const struct records_options *options, struct records *records)
{
	struct buf *out = &records->variant;
	const char *const texts[] = {records->source, options->zone,      options->prefix,
	                             options->each,   options->delimiter, options->encoding};
	buf_add_str(out, records->intake.mapping == NULL ? "flat" : mapping_version(records->intake.mapping));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		buf_add_format(out, "\n%s", texts[i] == NULL ? "" : texts[i]);
	for (size_t i = 0; i < options->n_params; i++)
		buf_add_format(out, "\n%s=%s", options->params[i].name, options->params[i].value);
	records->file.variant = out->data;
}

static int open_mapping(const struct records_options *options, struct records *records)
{
	struct buf error = BUF_INIT;
	const struct mapping_order order = {
	        .rules = records->intake.rules, .params = options->params, .n_params = options->n_params};
	records->intake.form = INTAKE_MAP;
	records->map_name = mapping_file_name(options->map);
	records->intake.name = records->map_name;
	records->intake.mapping = mapping_file_load(options->map, &order, &error);
	if (records->intake.mapping == NULL)
		fprintf(stderr, "%s\n", error.data);
	buf_release(&error);
	return records->intake.mapping == NULL ? CLI_CONFIG : CLI_OK;
}

int records_open(const struct cli *cli, const struct records_options *options, const char *path,
                 struct records *records)
{
	*records = (struct records){.source = NULL};
	intake_init(&records->intake);
	int status = check(cli, options);
	if (status != CLI_OK || (!options->flat && options->map == NULL && !options->is_look))
		return status;
	status = read_form(cli, options, path, &records->file.format);
	if (status == CLI_OK)
		status = read_csv_options(cli, options, &records->file.format);
	if (status != CLI_OK)
		return status;
	if (options->flat && records->file.format.form == RECORD_CSV)
		return cli_usage_error(cli, "--flat reads JSON; write a mapping for CSV");
	if (options->zone != NULL && !zone_find(options->zone, &records->zone))
		return cli_usage_error(cli, "--zone: unknown time zone %s; write a name such as Asia/Shanghai",
		                       options->zone);
	if (options->source != NULL || options->map != NULL)
		records->source =
		        options->source == NULL ? mapping_file_source(options->map) : mem_strdup(options->source);
	records->intake.rules = (struct flat_rules){
	        .source = text_of(records->source),
	        .ticket_prefix = text_of(options->prefix),
	        .zone = options->zone == NULL ? NULL : &records->zone,
	};
	records->intake.each = options->each;
	records->intake.is_csv = records->file.format.form == RECORD_CSV;
	records->intake.delimiter = records->file.format.delimiter;
	if (options->is_look)
		records->intake.form = INTAKE_LOOK;
	status = options->map == NULL ? CLI_OK : open_mapping(options, records);
	records->file.intake = &records->intake;
	write_variant(options, records);
	return status;
}

void records_release(struct records *records)
{
	intake_release(&records->intake);
	if (records->zone.release != NULL)
		records->zone.release(records->zone.context);
	free(records->source);
	free(records->map_name);
	buf_release(&records->variant);
}
