/* Any bytes as a file of CSV: they are decoded the same in pieces of any size, rows end at the same places, and the
 * cells of a row that is written again are the same (M13). The first byte chooses the size of the pieces. */
#include "adapters/csv/csv_row.h"
#include "adapters/csv/encoding.h"
#include "fuzz.h"
#include "kpid/base/buf.h"

static void decode(const char *name, struct text bytes, size_t n_piece, struct buf *out)
{
	struct encoding *encoding = encoding_new(name);
	CHECK(encoding != NULL);
	for (size_t at = 0; at < bytes.len; at += n_piece) {
		size_t n = bytes.len - at < n_piece ? bytes.len - at : n_piece;
		encoding_decode(encoding, bytes.ptr + at, n, at + n == bytes.len, out);
	}
	encoding_free(encoding);
}

/* The offsets at which rows end, as text. */
static void find_ends(struct text text, char delimiter, size_t n_piece, struct buf *out)
{
	struct csv_end end = {false, false, false};
	for (const char *p = text.ptr, *last = text.ptr + text.len; p < last;) {
		size_t n = (size_t)(last - p) < n_piece ? (size_t)(last - p) : n_piece;
		const char *found = csv_end_find(&end, delimiter, p, n);
		CHECK(found == NULL || (found >= p && found < p + n && *found == '\n'));
		p = found == NULL ? p + n : found + 1;
		if (found != NULL)
			buf_add_format(out, "%td ", found - text.ptr);
	}
}

static void write_again(const struct csv_cells *cells, char delimiter, struct buf *out)
{
	for (size_t i = 0; i < cells->n; i++) {
		if (i > 0)
			buf_add_char(out, delimiter);
		buf_add_char(out, '"');
		for (uint32_t j = 0; j < cells->items[i].len; j++) {
			if (cells->items[i].ptr[j] == '"')
				buf_add_char(out, '"');
			buf_add_char(out, cells->items[i].ptr[j]);
		}
		buf_add_char(out, '"');
	}
}

static void check_row(struct text row, char delimiter, struct arena *arena)
{
	struct csv_cells cells, again;
	struct buf written = BUF_INIT;
	arena_clear(arena, 4096);
	row = fuzz_exact(row);
	if (csv_row_split(row, delimiter, arena, &cells) && cells.n > 0) {
		write_again(&cells, delimiter, &written);
		CHECK(csv_row_split(buf_text(&written), delimiter, arena, &again));
		CHECK(again.n == cells.n);
		for (size_t i = 0; i < cells.n; i++)
			CHECK(text_same(cells.items[i], again.items[i]));
	}
	free((char *)(uintptr_t)row.ptr);
	buf_release(&written);
}

static void check_rows(struct text text, char delimiter)
{
	struct csv_end end = {false, false, false};
	struct arena arena;
	arena_init(&arena);
	for (const char *p = text.ptr, *last = text.ptr + text.len; p < last;) {
		const char *found = csv_end_find(&end, delimiter, p, (size_t)(last - p));
		const char *stop = found == NULL ? last : found;
		check_row((struct text){p, (uint32_t)(stop - p)}, delimiter, &arena);
		p = found == NULL ? last : found + 1;
	}
	arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct fuzz_input input = {data, data + n_bytes};
	struct buf whole = BUF_INIT, pieces = BUF_INIT, ends = BUF_INIT, ends_of_pieces = BUF_INIT;
	size_t n_piece = (size_t)fuzz_byte(&input) % 7 + 1;
	struct text bytes = fuzz_exact((struct text){(const char *)input.at, (uint32_t)(input.end - input.at)});
	const char *encoding = encoding_guess(bytes.ptr, bytes.len);
	decode(encoding, bytes, bytes.len + 1, &whole);
	decode(encoding, bytes, n_piece, &pieces);
	CHECK(text_equal(buf_text(&whole), buf_text(&pieces)));
	struct text text = buf_text(&whole);
	const char *line_end = text.len == 0 ? NULL : memchr(text.ptr, '\n', text.len);
	char delimiter = csv_delimiter_guess(
	        (struct text){text.ptr, line_end == NULL ? text.len : (uint32_t)(line_end - text.ptr)});
	CHECK(memchr(",;\t|", delimiter, 4) != NULL);
	find_ends(text, delimiter, text.len + 1, &ends);
	find_ends(text, delimiter, n_piece, &ends_of_pieces);
	CHECK(text_equal(buf_text(&ends), buf_text(&ends_of_pieces)));
	check_rows(text, delimiter);
	free((char *)(uintptr_t)bytes.ptr);
	buf_release(&whole);
	buf_release(&pieces);
	buf_release(&ends);
	buf_release(&ends_of_pieces);
	return 0;
}
