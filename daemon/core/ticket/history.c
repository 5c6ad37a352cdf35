#include "kpid/core/history.h"

#include <errno.h>

enum { FORMAT = 1, UUID_CHARS = 36, UUID_BYTES = 16 };
enum { UUID_DASHES = 1 << 4 | 1 << 6 | 1 << 8 | 1 << 10 }; /* the bytes that follow a dash */

/* The low two bits of a text's tag. The other bits are the argument. */
enum text_form {
	FORM_REFERENCE, /* index of an earlier literal, counted backwards from the newest */
	FORM_LITERAL,   /* length in bytes */
	FORM_UUID,      /* none; 16 bytes follow. Ids only */
	FORM_HEX        /* number of packed bytes. Ids only */
};

enum event_part { PART_SEQUENCE = 1 << 4, PART_TIMES = 1 << 5, PART_WORDS = 1 << 6, PART_SURVEY = 1 << 7 };

/* The byte of words: resolution in the low 3 bits, then automatic in 2 and kind in 2. The highest bit announces the
 * scale of a survey's items. */
enum { WORDS_ANSWERS_SCALE = 1 << 7 };

static void literals_add(struct history_literals *literals, struct text t)
{
	literals->items[literals->n_added++ % HISTORY_LITERALS] = t;
}

static size_t literals_count(const struct history_literals *literals)
{
	return literals->n_added < HISTORY_LITERALS ? literals->n_added : HISTORY_LITERALS;
}

static struct text literals_get(const struct history_literals *literals, size_t back)
{
	return literals->items[(literals->n_added - 1 - back) % HISTORY_LITERALS];
}

/* ---- writing ---- */

static void put_varint(struct buf *out, uint64_t value)
{
	char bytes[10];
	size_t n = 0;
	while (value >= 0x80) {
		bytes[n++] = (char)(value | 0x80);
		value >>= 7;
	}
	bytes[n++] = (char)value;
	buf_add(out, bytes, n);
}

static void put_signed(struct buf *out, int64_t value)
{
	put_varint(out, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

static int64_t minus(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t plus(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* The value of a lower-case hexadecimal digit plus 1; 0 for any other byte. */
static const uint8_t hex_digits[256] = {
        ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
        ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

/* Packs lower-case hexadecimal digits, with the dashes of a UUID if with_dashes. False for anything else. */
static bool pack_hex(struct text t, bool with_dashes, char *packed, size_t *n_packed_out)
{
	const char *at = t.ptr, *end = t.ptr + t.len;
	size_t n = 0;
	for (; at + 2 <= end; n++) {
		if (with_dashes && (UUID_DASHES >> n & 1) != 0 && *at++ != '-')
			return false;
		unsigned high = hex_digits[(uint8_t)at[0]], low = hex_digits[(uint8_t)at[1]];
		if (high == 0 || low == 0)
			return false;
		packed[n] = (char)((high - 1) << 4 | (low - 1));
		at += 2;
	}
	*n_packed_out = n;
	return at == end;
}

/* Ids do not become literals to refer to: within a ticket each comes once. */
static void put_id(struct buf *out, struct text t)
{
	char packed[HISTORY_ID_CHARS / 2];
	size_t n_packed;
	if (t.len == UUID_CHARS && pack_hex(t, true, packed, &n_packed)) {
		put_varint(out, FORM_UUID);
		buf_add(out, packed, n_packed);
	} else if (t.len >= 8 && t.len <= HISTORY_ID_CHARS && t.len % 2 == 0 && pack_hex(t, false, packed, &n_packed)) {
		put_varint(out, n_packed << 2 | FORM_HEX);
		buf_add(out, packed, n_packed);
	} else {
		put_varint(out, (uint64_t)t.len << 2 | FORM_LITERAL);
		buf_add_text(out, t);
	}
}

static void put_text(struct buf *out, struct history_literals *literals, struct text t)
{
	for (size_t back = 0; back < literals_count(literals); back++) {
		if (text_same(literals_get(literals, back), t)) {
			put_varint(out, back << 2 | FORM_REFERENCE);
			return;
		}
	}
	put_varint(out, (uint64_t)t.len << 2 | FORM_LITERAL);
	buf_add_text(out, t);
	literals_add(literals, t);
}

static void put_event(struct buf *out, struct history_literals *literals, const struct ticket_event *event,
                      int64_t previous_us)
{
	uint32_t texts = 0, times = 0;
	for (int i = 0; i < EVENT_N_TEXTS; i++)
		texts |= (uint32_t)!text_is_absent(event->texts[i]) << i;
	for (int i = 0; i < EVENT_N_TIMES; i++)
		times |= (uint32_t)(event->times[i] != TIME_NONE) << i;
	unsigned words = (unsigned)event->resolution | (unsigned)event->automatic << 3 | (unsigned)event->kind << 5;
	words |= event->answers_scale_micros != SCORE_ABSENT ? WORDS_ANSWERS_SCALE : 0;
	bool survey = event->score_micros != SCORE_ABSENT || event->scale_max_micros != SCORE_ABSENT;

	unsigned head = (unsigned)event->type;
	head |= event->sequence.len != 0 ? PART_SEQUENCE : 0;
	head |= times != 0 ? PART_TIMES : 0;
	head |= words != 0 ? PART_WORDS : 0;
	head |= survey ? PART_SURVEY : 0;
	buf_add_char(out, (char)head);
	put_signed(out, minus(event->occurred_us, previous_us));
	put_text(out, literals, event->source);
	put_id(out, event->id);
	put_signed(out, event->source_no);
	put_signed(out, event->source_offset);
	if (head & PART_SEQUENCE)
		put_text(out, literals, event->sequence);
	put_varint(out, texts);
	for (int i = 0; i < EVENT_N_TEXTS; i++)
		if (texts >> i & 1)
			put_text(out, literals, event->texts[i]);
	if (head & PART_TIMES) {
		put_varint(out, times);
		for (int i = 0; i < EVENT_N_TIMES; i++)
			if (times >> i & 1)
				put_signed(out, minus(event->times[i], event->occurred_us));
	}
	if (head & PART_WORDS)
		buf_add_char(out, (char)words);
	if (words & WORDS_ANSWERS_SCALE)
		put_signed(out, event->answers_scale_micros);
	if (head & PART_SURVEY) {
		put_signed(out, event->score_micros);
		put_signed(out, event->scale_max_micros);
	}
}

void history_write_begin(struct history_writer *writer, struct buf *out)
{
	writer->out = out;
	writer->literals.n_added = 0;
	writer->previous_us = 0;
	buf_add_char(out, FORMAT);
}

void history_write(struct history_writer *writer, const struct ticket_event *event)
{
	put_event(writer->out, &writer->literals, event, writer->previous_us);
	writer->previous_us = event->occurred_us;
}

void history_pack(const struct ticket_event *const *events, size_t n_events, struct buf *out)
{
	struct history_writer writer;
	history_write_begin(&writer, out);
	for (size_t i = 0; i < n_events; i++)
		history_write(&writer, events[i]);
}

/* ---- reading: once broken, a reader gives zeros and empty texts ---- */

static uint8_t get_byte(struct history_reader *reader)
{
	if (reader->at >= reader->end) {
		reader->broken = true;
		return 0;
	}
	return (uint8_t)*reader->at++;
}

static uint64_t get_varint(struct history_reader *reader)
{
	uint64_t value = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = get_byte(reader);
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return value;
	}
	reader->broken = true;
	return 0;
}

static int64_t get_signed(struct history_reader *reader)
{
	uint64_t value = get_varint(reader);
	return (int64_t)((value >> 1) ^ -(value & 1));
}

static const char *get_bytes(struct history_reader *reader, uint64_t n_bytes)
{
	if (n_bytes > (uint64_t)(reader->end - reader->at)) {
		reader->broken = true;
		return NULL;
	}
	const char *bytes = reader->at;
	reader->at += n_bytes;
	return bytes;
}

/* The digits of an id, in the reader's own memory. */
static struct text unpack_hex(struct history_reader *reader, uint64_t n_packed, bool with_dashes)
{
	static const char digits[] = "0123456789abcdef";
	const char *packed = n_packed > HISTORY_ID_CHARS / 2 ? NULL : get_bytes(reader, n_packed);
	if (packed == NULL) {
		reader->broken = true;
		return TEXT("");
	}
	char *to = reader->id;
	for (uint64_t i = 0; i < n_packed; i++) {
		if (with_dashes && (UUID_DASHES >> i & 1) != 0)
			*to++ = '-';
		*to++ = digits[(uint8_t)packed[i] >> 4];
		*to++ = digits[(uint8_t)packed[i] & 15];
	}
	return (struct text){reader->id, (uint32_t)(to - reader->id)};
}

static struct text get_literal(struct history_reader *reader, uint64_t n_bytes)
{
	const char *bytes = get_bytes(reader, n_bytes);
	return bytes == NULL ? TEXT("") : (struct text){bytes, (uint32_t)n_bytes};
}

static struct text get_text(struct history_reader *reader)
{
	uint64_t tag = get_varint(reader), argument = tag >> 2;
	if ((tag & 3) == FORM_REFERENCE && argument < literals_count(&reader->literals))
		return literals_get(&reader->literals, (size_t)argument);
	if ((tag & 3) != FORM_LITERAL) {
		reader->broken = true;
		return TEXT("");
	}
	struct text literal = get_literal(reader, argument);
	literals_add(&reader->literals, literal);
	return literal;
}

static struct text get_id(struct history_reader *reader)
{
	uint64_t tag = get_varint(reader), argument = tag >> 2;
	switch ((enum text_form)(tag & 3)) {
	case FORM_REFERENCE:
		break;
	case FORM_LITERAL:
		return get_literal(reader, argument);
	case FORM_UUID:
		return unpack_hex(reader, UUID_BYTES, true);
	case FORM_HEX:
		return unpack_hex(reader, argument, false);
	}
	reader->broken = true;
	return TEXT("");
}

/* A bit for each field that is present. */
static uint64_t get_fields(struct history_reader *reader, int n_fields)
{
	uint64_t fields = get_varint(reader);
	if (fields >> n_fields != 0)
		reader->broken = true;
	return fields;
}

static void get_words(struct history_reader *reader, struct ticket_event *event)
{
	uint8_t words = get_byte(reader);
	event->resolution = words & 7;
	event->automatic = words >> 3 & 3;
	event->kind = words >> 5 & 3;
	if (event->resolution > RESOLUTION_DUPLICATE || event->automatic > TRI_TRUE)
		reader->broken = true;
	if ((words & WORDS_ANSWERS_SCALE) == 0)
		return;
	event->answers_scale_micros = get_signed(reader);
	if (event->answers_scale_micros <= 0)
		reader->broken = true;
}

static void get_survey(struct history_reader *reader, struct ticket_event *event)
{
	event->score_micros = get_signed(reader);
	event->scale_max_micros = get_signed(reader);
	if ((event->score_micros < 0 && event->score_micros != SCORE_ABSENT) ||
	    (event->scale_max_micros <= 0 && event->scale_max_micros != SCORE_ABSENT))
		reader->broken = true;
}

static int32_t get_source_no(struct history_reader *reader)
{
	int64_t source_no = get_signed(reader);
	if (source_no < INT32_MIN || source_no > INT32_MAX)
		reader->broken = true;
	return (int32_t)source_no;
}

static void get_event(struct history_reader *reader, struct ticket_event *event, int64_t previous_us)
{
	uint8_t head = get_byte(reader);
	event->type = (enum event_type)(head & 15);
	if (event->type >= EVENT_N_TYPES)
		reader->broken = true;
	event->occurred_us = plus(previous_us, get_signed(reader));
	event->source = get_text(reader);
	event->id = get_id(reader);
	event->source_no = get_source_no(reader);
	event->source_offset = get_signed(reader);
	if (head & PART_SEQUENCE)
		event->sequence = get_text(reader);
	uint64_t texts = get_fields(reader, EVENT_N_TEXTS);
	for (int i = 0; i < EVENT_N_TEXTS; i++)
		if (texts >> i & 1)
			event->texts[i] = get_text(reader);
	if (head & PART_TIMES) {
		uint64_t times = get_fields(reader, EVENT_N_TIMES);
		for (int i = 0; i < EVENT_N_TIMES; i++)
			if (times >> i & 1)
				event->times[i] = plus(event->occurred_us, get_signed(reader));
	}
	if (head & PART_WORDS)
		get_words(reader, event);
	if (head & PART_SURVEY)
		get_survey(reader, event);
}

void history_read_begin(struct history_reader *reader, struct text packed, struct text ticket_id)
{
	reader->at = packed.ptr;
	reader->end = packed.ptr == NULL ? NULL : packed.ptr + packed.len;
	reader->ticket_id = ticket_id;
	reader->literals.n_added = 0;
	reader->previous_us = 0;
	reader->broken = false;
	if (!text_is_absent(packed) && get_byte(reader) != FORMAT)
		reader->broken = true;
}

int history_read(struct history_reader *reader, struct ticket_event *event)
{
	if (reader->broken)
		return -EBADMSG;
	if (reader->at == reader->end)
		return 0;
	ticket_event_init(event);
	event->ticket_id = reader->ticket_id;
	get_event(reader, event, reader->previous_us);
	reader->previous_us = event->occurred_us;
	return reader->broken ? -EBADMSG : 1;
}

int history_unpack(struct text packed, struct text ticket_id, struct arena *arena, struct ticket_event **events_out,
                   size_t *n_events_out)
{
	struct history_reader reader;
	struct ticket_event event;
	size_t n = 0;
	int result;
	history_read_begin(&reader, packed, ticket_id);
	while ((result = history_read(&reader, &event)) > 0)
		n++;
	if (result < 0)
		return result;
	struct ticket_event *events = arena_alloc(arena, n * sizeof(*events));
	history_read_begin(&reader, packed, ticket_id);
	for (size_t i = 0; history_read(&reader, &events[i]) > 0; i++)
		events[i].id = arena_text(arena, events[i].id);
	*events_out = events;
	*n_events_out = n;
	return 0;
}

int history_count_within(struct text packed, struct text ticket_id, struct text source, size_t *n_within_out,
                         size_t *n_events_out)
{
	struct history_reader reader;
	struct ticket_event event;
	int result;
	*n_within_out = *n_events_out = 0;
	history_read_begin(&reader, packed, ticket_id);
	while ((result = history_read(&reader, &event)) > 0) {
		++*n_events_out;
		*n_within_out += source_is_within(event.source, source);
	}
	return result;
}
