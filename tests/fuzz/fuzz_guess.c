/* Any records as a sample for `kpid map guess`: the mapping is the same each time, passes `kpid map check`, and where
 * it does not say that it skips all, it runs. Input: one byte for the form, then rows of CSV or lines of JSON. */
#include "adapters/csv/csv_row.h"
#include "adapters/lua/names.h"
#include "fuzz.h"
#include "kpid/core/json_tokens.h"
#include "kpid/core/map_guess.h"
#include "message.h"

enum { MOST_LINES = 64 };

struct sample {
	bool is_csv;
	struct arena arena;
	struct text lines[MOST_LINES];
	struct csv_cells rows[MOST_LINES]; /* of CSV; the first is the header */
	size_t n;
};

static int32_t offset_s(void *context, int64_t at_us)
{
	(void)context, (void)at_us;
	return 8 * 3600;
}

static bool is_row(const struct csv_cells *cells, const struct csv_cells *header)
{
	return cells->n > 0 && cells->n == header->n;
}

static void split(struct text bytes, struct sample *sample)
{
	while (bytes.len > 0 && sample->n < MOST_LINES) {
		const char *end = memchr(bytes.ptr, '\n', bytes.len);
		uint32_t len = end == NULL ? bytes.len : (uint32_t)(end - bytes.ptr);
		struct text line = {bytes.ptr, len};
		bytes = (struct text){bytes.ptr + len + (end != NULL), bytes.len - len - (end != NULL)};
		struct csv_cells *cells = &sample->rows[sample->n];
		if (sample->is_csv && (!json_text_is_clean(line) || !csv_row_split(line, ',', &sample->arena, cells) ||
		                       !is_row(cells, &sample->rows[0])))
			continue;
		sample->lines[sample->n++] = line;
	}
}

static const char *guess(const struct sample *sample, struct buf *out)
{
	const struct map_guess_order order = {.file = TEXT("a\n--[["), .options = TEXT(""), .is_whole = true};
	struct map_guess *guess = map_guess_new();
	for (size_t i = sample->is_csv ? 1 : 0; i < sample->n; i++) {
		if (sample->is_csv)
			map_guess_row(guess, sample->rows[0].items, sample->rows[i].items, sample->rows[0].n);
		else
			map_guess_json(guess, sample->lines[i]);
	}
	const char *error = map_guess_write(guess, &order, out);
	map_guess_free(guess);
	return error;
}

static void run(struct mapping *mapping, const struct sample *sample, bool skips)
{
	struct mapped *mapped = malloc(sizeof(*mapped));
	struct arena arena;
	CHECK(mapped != NULL);
	arena_init(&arena);
	for (size_t i = sample->is_csv ? 1 : 0; i < sample->n; i++) {
		struct mapping_record record = {.json = sample->lines[i]};
		if (sample->is_csv)
			record = (struct mapping_record){.names = sample->rows[0].items,
			                                 .cells = sample->rows[i].items,
			                                 .n_cells = sample->rows[0].n};
		arena_clear(&arena, 4096);
		enum mapped_verdict verdict = mapping_run(mapping, &record, FUZZ_NOW_US, &arena, mapped);
		if (verdict == MAPPED_REJECTED)
			CHECK(mapped->detail[0] != '\0');
		CHECK(!skips || verdict != MAPPED_EVENTS);
	}
	arena_release(&arena);
	free(mapped);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const struct zone zone = {offset_s, NULL, NULL};
	struct fuzz_input input = {data, data + n_bytes};
	struct sample *sample = calloc(1, sizeof(*sample));
	struct buf text = BUF_INIT, again = BUF_INIT, error = BUF_INIT;
	CHECK(sample != NULL);
	arena_init(&sample->arena);
	sample->is_csv = fuzz_byte(&input) % 2 == 0;
	struct text bytes = fuzz_exact((struct text){(const char *)input.at, (uint32_t)(input.end - input.at)});
	split(bytes, sample);
	const char *skips = guess(sample, &text);
	guess(sample, &again);
	CHECK(text_equal(buf_text(&text), buf_text(&again)) && text.len_bytes <= MAPPING_MAX_BYTES);
	const struct mapping_order order = {
	        .name = "x.lua", .text = buf_text(&text), .rules = {.source = TEXT("/map/x"), .zone = &zone}};
	struct mapping *mapping = mapping_new(&order, &error);
	if (mapping == NULL || mapping_names_check(mapping, "x.lua", buf_text(&text), &error) != 0)
		fprintf(stderr, "%s\n%s\n", buf_text(&error).ptr, buf_text(&text).ptr);
	CHECK(error.len_bytes == 0);
	run(mapping, sample, skips != NULL);
	mapping_free(mapping);
	arena_release(&sample->arena);
	free(sample);
	free((char *)(uintptr_t)bytes.ptr);
	buf_release(&text);
	buf_release(&again);
	buf_release(&error);
	return 0;
}
