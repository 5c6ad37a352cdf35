#include "cli/guess_file.h"

#include <inttypes.h>
#include <stdio.h>

#include "kpid/base/log.h"
#include "kpid/core/map_guess.h"

enum { MOST_BYTES = 16 * 1024 * 1024 };

struct looking {
	struct map_guess *guess;
	int64_t n_bytes, n_rejected;
	bool is_enough;
};

static void on_begin(void *context, int64_t line_no, struct text record)
{
	(void)line_no;
	((struct looking *)context)->n_bytes += record.len;
}

static void on_end(void *context)
{
	(void)context;
}

static bool is_enough(void *context)
{
	struct looking *looking = context;
	looking->is_enough = map_guess_is_full(looking->guess) || looking->n_bytes >= MOST_BYTES;
	return looking->is_enough;
}

static void on_event(void *context, const struct ticket_event *event)
{
	(void)context, (void)event;
}

static void on_passed(void *context, const char *reason)
{
	(void)context, (void)reason;
}

static void on_rejected(void *context, struct text record, enum dead_letter_reason reason, const char *detail)
{
	struct looking *looking = context;
	(void)record;
	if (looking->n_rejected++ == 0)
		log_warning("%s: %s", dead_letter_reason_name(reason), detail);
}

static void on_record(void *context, const struct mapping_record *record)
{
	struct looking *looking = context;
	if (text_is_absent(record->json))
		map_guess_row(looking->guess, record->names, record->cells, record->n_cells);
	else
		map_guess_json(looking->guess, record->json);
}

/* A word of a command, in quotes if a shell would change it. It stays in its line. */
static void add_word(struct buf *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_.-+,:";
	bool is_plain = word[strspn(word, plain)] == '\0';
	buf_add_str(out, is_plain ? "" : "'");
	for (; *word != '\0'; word++) {
		if (*word == '\'')
			buf_add_str(out, "'\\''");
		else
			buf_add_text(out,
			             (unsigned char)*word < ' ' && *word != '\t' ? TEXT("?") : (struct text){word, 1});
	}
	buf_add_str(out, is_plain ? "" : "'");
}

static void add_options(struct buf *out, const struct records_options *options)
{
	const struct {
		const char *name, *value;
	} all[] = {{"--format", options->format},
	           {"--each", options->each},
	           {"--delimiter", options->delimiter},
	           {"--encoding", options->encoding},
	           {"--skip", options->skip}};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i].value == NULL)
			continue;
		buf_add_format(out, " %s ", all[i].name);
		add_word(out, all[i].value);
	}
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash == NULL ? path : slash + 1;
}

static int write_mapping(struct looking *looking, const struct records_options *options, const char *path)
{
	struct buf words = BUF_INIT, out = BUF_INIT;
	add_options(&words, options);
	const struct map_guess_order order = {
	        .file = text_of(name_of(path)), .options = buf_text(&words), .is_whole = !looking->is_enough};
	const char *error = map_guess_write(looking->guess, &order, &out);
	bool is_written = fwrite(buf_text(&out).ptr, 1, out.len_bytes, stdout) == out.len_bytes && fflush(stdout) == 0;
	buf_release(&words);
	buf_release(&out);
	if (!is_written)
		log_error("the mapping cannot be written");
	else if (error != NULL)
		log_error("%s: %s; the mapping skips every record until you name the columns", path, error);
	else if (looking->is_enough)
		log_info("%s: only its beginning was read; words that come later are not in the mapping", path);
	return is_written && error == NULL ? CLI_OK : CLI_FAILED;
}

int guess_file(const struct cli *cli, struct records_options *options, const char *path)
{
	struct records records;
	struct looking looking = {.guess = map_guess_new()};
	const struct records_sink sink = {.begin = on_begin,
	                                  .end = on_end,
	                                  .is_enough = is_enough,
	                                  .intake = {on_event, on_passed, on_rejected, &looking}};
	options->is_look = true;
	int status = records_open(cli, options, path, &records);
	records.intake.look = on_record;
	records.intake.look_context = &looking;
	if (status == CLI_OK)
		status = records_read(path, &records.file, &sink) ? write_mapping(&looking, options, path) : CLI_FAILED;
	if (looking.n_rejected > 1)
		log_warning("%s: %" PRId64 " records could not be read", path, looking.n_rejected);
	records_release(&records);
	map_guess_free(looking.guess);
	return status;
}
