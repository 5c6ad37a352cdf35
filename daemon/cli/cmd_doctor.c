/* kpid doctor: runs the checks and prints their findings. */
#include <librdkafka/rdkafka.h>
#include <stdarg.h>
#include <stdio.h>

#include "cli/doctor.h"
#include "cli/json_out.h"
#include "cli/term.h"
#include "kpid/base/log.h"

enum { LEVEL_COLUMNS = 4 };

static const char *const level_names[] = {"ok", "warn", "fail"};

void doctor_say(struct doctor *doctor, const char *check, enum doctor_level level, struct text what, struct text advice)
{
	doctor->n[level]++;
	json_array_append_new(doctor->findings,
	                      json_pack("{s:s, s:s, s:o, s:o}", "check", check, "level", level_names[level], "what",
	                                json_of_text(what), "advice", json_of_name(advice)));
}

void doctor_format(struct doctor *doctor, const char *check, enum doctor_level level, const char *advice,
                   const char *format, ...)
{
	char what[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	doctor_say(doctor, check, level, text_of(what), text_of(advice));
}

static void check_versions(struct doctor *doctor)
{
	bool old = rd_kafka_version() < 0x02000000;
	doctor_format(doctor, "program", old ? DOCTOR_FAIL : DOCTOR_OK, old ? "install librdkafka 2.0 or newer" : "",
	              "kpid " KPID_VERSION " with librdkafka %s", rd_kafka_version_str());
}

/* ---- output ---- */

static struct text text_in(const json_t *object, const char *name)
{
	return text_of(json_string_value(json_object_get(object, name)));
}

/* "  warn  topics        what is wrong", then "→ what to do" below it. check_columns: width of the longest check. */
static void write_finding(const json_t *finding, const struct term *term, size_t check_columns, struct buf *out)
{
	size_t indent = 2 + LEVEL_COLUMNS + 2 + check_columns + 2;
	struct text level = text_in(finding, "level"), advice = text_in(finding, "advice");
	enum term_style style = text_equal(level, TEXT("ok"))     ? TERM_GREEN
	                        : text_equal(level, TEXT("warn")) ? TERM_YELLOW
	                                                          : TERM_RED;
	buf_add_str(out, "  ");
	term_style(out, term, style);
	term_field(out, level, LEVEL_COLUMNS, false);
	term_style(out, term, TERM_PLAIN);
	buf_add_str(out, "  ");
	term_field(out, text_in(finding, "check"), check_columns, false);
	buf_add_str(out, "  ");
	term_wrap(out, text_in(finding, "what"), indent, indent, term->columns);
	if (text_is_empty(advice))
		return;
	term_spaces(out, indent);
	buf_add_str(out, "→ ");
	term_wrap(out, advice, indent + 2, indent + 2, term->columns);
}

static void print_findings(const struct doctor *doctor)
{
	struct term term;
	struct buf out = BUF_INIT;
	const json_t *finding;
	size_t i, check_columns = 0;
	term_init(&term);
	json_array_foreach(doctor->findings, i, finding)
	{
		size_t width = term_width(text_in(finding, "check"));
		check_columns = width > check_columns ? width : check_columns;
	}
	json_array_foreach(doctor->findings, i, finding) write_finding(finding, &term, check_columns, &out);
	buf_add_format(&out, "\n%lld ok, %lld warn, %lld fail\n", (long long)doctor->n[DOCTOR_OK],
	               (long long)doctor->n[DOCTOR_WARN], (long long)doctor->n[DOCTOR_FAIL]);
	fwrite(buf_text(&out).ptr, 1, out.len_bytes, stdout);
	buf_release(&out);
}

static void print(const struct doctor *doctor)
{
	if (!doctor->cli->json)
		print_findings(doctor);
	else
		json_print(json_pack("{s:I, s:I, s:I, s:O}", "ok", (json_int_t)doctor->n[DOCTOR_OK], "warn",
		                     (json_int_t)doctor->n[DOCTOR_WARN], "fail", (json_int_t)doctor->n[DOCTOR_FAIL],
		                     "findings", doctor->findings));
}

int cmd_doctor(struct cli *cli, int argc, char **argv)
{
	struct kpid_config *config;
	int status;
	int option = cli_option(cli, argc, argv, "", NULL, &status);
	if (option == CLI_OPTION_DONE)
		return status;
	if (!cli_arguments(cli, argc, 0, 0))
		return CLI_USAGE;
	status = cli_load_config(cli, &config);
	if (status != CLI_OK)
		return status;
	log_set_level(LOG_LEVEL_ERROR); /* doctor reports what librdkafka would warn of */
	struct doctor doctor = {.cli = cli, .config = config, .findings = json_array()};
	check_versions(&doctor);
	doctor_check_files(&doctor);
	doctor_check_database(&doctor);
	doctor_check_kafka(&doctor);
	doctor_check_hook(&doctor);
	print(&doctor);
	status = doctor.n[DOCTOR_FAIL] > 0 ? CLI_FAILED : CLI_OK;
	pg_sync_close(&doctor.sync);
	json_decref(doctor.findings);
	kpid_config_free(config);
	return status;
}
