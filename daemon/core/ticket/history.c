#include "kpid/core/history.h"

#include <errno.h>

enum { FORMAT = 1, UUID_CHARS = 36, N_REMEMBERED = 64 };

/* Low two bits of a text's tag; the rest of the tag is the argument. */
enum text_form {
	FORM_REFERENCE, /* index of an earlier literal, counted backwards from the newest */
	FORM_LITERAL,   /* length in bytes */
	FORM_UUID,      /* nothing; 16 bytes follow */
	FORM_HEX        /* number of packed bytes */
};

enum event_part { PART_SEQUENCE = 1 << 4, PART_TIMES = 1 << 5, PART_WORDS = 1 << 6, PART_SURVEY = 1 << 7 };

/* The byte of words: resolution in the low 3 bits, automatic in 2, kind in 2, and this: the scale of the items follows.
 */
enum { WORDS_ANSWERS_SCALE = 1 << 7 };

/* The latest literals of a history, as a ring. Packing and unpacking fill it alike. */
struct memory {
	struct text items[N_REMEMBERED];
	size_t n; /* ever added */
};

static void memory_add(struct memory *memory, struct text t)
{
	memory->items[memory->n++ % N_REMEMBERED] = t;
}

static size_t memory_size(const struct memory *memory)
{
	return memory->n < N_REMEMBERED ? memory->n : N_REMEMBERED;
}

static struct text memory_get(const struct memory *memory, size_t back)
{
	return memory->items[(memory->n - 1 - back) % N_REMEMBERED];
}

/* ---- packing ---- */

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

static bool is_uuid_dash(uint32_t i)
{
	return i == 8 || i == 13 || i == 18 || i == 23;
}

/* Packs lower-case hexadecimal digits, dashes where with_dashes expects them; false for anything else. */
static bool pack_hex(struct text t, bool with_dashes, char *packed, size_t *n_packed_out)
{
	size_t n_digits = 0;
	unsigned high = 0;
	for (uint32_t i = 0; i < t.len; i++) {
		if (with_dashes && is_uuid_dash(i)) {
			if (t.ptr[i] != '-')
				return false;
			continue;
		}
		unsigned digit = hex_digits[(uint8_t)t.ptr[i]];
		if (digit == 0)
			return false;
		if (n_digits % 2 == 0)
			high = (digit - 1) << 4;
		else
			packed[n_digits / 2] = (char)(high | (digit - 1));
		n_digits++;
	}
	*n_packed_out = n_digits / 2;
	return n_digits % 2 == 0;
}

/* Identifiers of events are not remembered: they do not come again within a ticket. */
static void put_id(struct buf *out, struct text t)
{
	char packed[128];
	size_t n_packed;
	if (t.len == UUID_CHARS && pack_hex(t, true, packed, &n_packed)) {
		put_varint(out, FORM_UUID);
		buf_add(out, packed, n_packed);
	} else if (t.len >= 8 && t.len <= 2 * sizeof(packed) && t.len % 2 == 0 &&
	           pack_hex(t, false, packed, &n_packed)) {
		put_varint(out, n_packed << 2 | FORM_HEX);
		buf_add(out, packed, n_packed);
	} else {
		put_varint(out, (uint64_t)t.len << 2 | FORM_LITERAL);
		buf_add_text(out, t);
	}
}

static void put_text(struct buf *out, struct memory *memory, struct text t)
{
	for (size_t back = 0; back < memory_size(memory); back++) {
		if (text_same(memory_get(memory, back), t)) {
			put_varint(out, back << 2 | FORM_REFERENCE);
			return;
		}
	}
	put_varint(out, (uint64_t)t.len << 2 | FORM_LITERAL);
	buf_add_text(out, t);
	memory_add(memory, t);
}

static void put_event(struct buf *out, struct memory *memory, const struct ticket_event *event, int64_t previous_us)
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
	put_text(out, memory, event->source);
	put_id(out, event->id);
	put_signed(out, event->source_no);
	put_signed(out, event->source_offset);
	if (head & PART_SEQUENCE)
		put_text(out, memory, event->sequence);
	put_varint(out, texts);
	for (int i = 0; i < EVENT_N_TEXTS; i++)
		if (texts >> i & 1)
			put_text(out, memory, event->texts[i]);
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

void history_pack(const struct ticket_event *const *events, size_t n_events, struct buf *out)
{
	struct memory memory = {.n = 0};
	int64_t previous_us = 0;
	buf_add_char(out, FORMAT);
	for (size_t i = 0; i < n_events; i++) {
		put_event(out, &memory, events[i], previous_us);
		previous_us = events[i]->occurred_us;
	}
}

/* ---- unpacking ---- */

struct reader {
	const char *at, *end;
	struct arena *arena; /* NULL: events are counted, and their texts of no interest */
	struct memory memory;
	bool bad; /* sticky: once set, everything reads as nothing */
};

static uint8_t get_byte(struct reader *reader)
{
	if (reader->at >= reader->end) {
		reader->bad = true;
		return 0;
	}
	return (uint8_t)*reader->at++;
}

static uint64_t get_varint(struct reader *reader)
{
	uint64_t value = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = get_byte(reader);
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return value;
	}
	reader->bad = true;
	return 0;
}

static int64_t get_signed(struct reader *reader)
{
	uint64_t value = get_varint(reader);
	return (int64_t)((value >> 1) ^ -(value & 1));
}

static const char *get_bytes(struct reader *reader, uint64_t n_bytes)
{
	if (n_bytes > (uint64_t)(reader->end - reader->at)) {
		reader->bad = true;
		return NULL;
	}
	const char *bytes = reader->at;
	reader->at += n_bytes;
	return bytes;
}

static struct text unpack_hex(struct reader *reader, uint64_t n_packed, bool with_dashes)
{
	static const char digits[] = "0123456789abcdef";
	const char *packed = get_bytes(reader, n_packed);
	if (packed == NULL || reader->arena == NULL)
		return TEXT("");
	char *chars = arena_alloc(reader->arena, (size_t)n_packed * 2 + 4);
	uint32_t n = 0;
	for (uint64_t i = 0; i < n_packed; i++) {
		if (with_dashes && is_uuid_dash(n))
			chars[n++] = '-';
		chars[n++] = digits[(uint8_t)packed[i] >> 4];
		chars[n++] = digits[(uint8_t)packed[i] & 15];
	}
	return (struct text){chars, n};
}

static struct text get_text(struct reader *reader, bool remember)
{
	uint64_t tag = get_varint(reader), argument = tag >> 2;
	switch ((enum text_form)(tag & 3)) {
	case FORM_REFERENCE:
		if (argument < memory_size(&reader->memory))
			return memory_get(&reader->memory, (size_t)argument);
		break;
	case FORM_LITERAL: {
		const char *bytes = get_bytes(reader, argument);
		if (bytes == NULL)
			break;
		struct text literal = {bytes, (uint32_t)argument};
		if (remember)
			memory_add(&reader->memory, literal);
		return literal;
	}
	case FORM_UUID:
		return unpack_hex(reader, 16, true);
	case FORM_HEX:
		return unpack_hex(reader, argument, false);
	}
	reader->bad = true;
	return TEXT("");
}

/* The bits of the fields that are there; bad if there are more than fields. */
static uint64_t get_fields(struct reader *reader, int n_fields)
{
	uint64_t fields = get_varint(reader);
	if (fields >> n_fields != 0)
		reader->bad = true;
	return fields;
}

static void get_words(struct reader *reader, struct ticket_event *event)
{
	uint8_t words = get_byte(reader);
	event->resolution = words & 7;
	event->automatic = words >> 3 & 3;
	event->kind = words >> 5 & 3;
	if (event->resolution > RESOLUTION_DUPLICATE || event->automatic > TRI_TRUE)
		reader->bad = true;
	if ((words & WORDS_ANSWERS_SCALE) == 0)
		return;
	event->answers_scale_micros = get_signed(reader);
	if (event->answers_scale_micros <= 0)
		reader->bad = true;
}

static void get_survey(struct reader *reader, struct ticket_event *event)
{
	event->score_micros = get_signed(reader);
	event->scale_max_micros = get_signed(reader);
	if ((event->score_micros < 0 && event->score_micros != SCORE_ABSENT) ||
	    (event->scale_max_micros <= 0 && event->scale_max_micros != SCORE_ABSENT))
		reader->bad = true;
}

static int32_t get_source_no(struct reader *reader)
{
	int64_t source_no = get_signed(reader);
	if (source_no < INT32_MIN || source_no > INT32_MAX)
		reader->bad = true;
	return (int32_t)source_no;
}

static void get_event(struct reader *reader, struct ticket_event *event, int64_t previous_us)
{
	uint8_t head = get_byte(reader);
	event->type = (enum event_type)(head & 15);
	if (event->type >= EVENT_N_TYPES)
		reader->bad = true;
	event->occurred_us = plus(previous_us, get_signed(reader));
	event->source = get_text(reader, true);
	event->id = get_text(reader, false);
	event->source_no = get_source_no(reader);
	event->source_offset = get_signed(reader);
	if (head & PART_SEQUENCE)
		event->sequence = get_text(reader, true);
	uint64_t texts = get_fields(reader, EVENT_N_TEXTS);
	for (int i = 0; i < EVENT_N_TEXTS; i++)
		if (texts >> i & 1)
			event->texts[i] = get_text(reader, true);
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

/* How many events follow, with the reader left where it is. */
static size_t count_events(const struct reader *from)
{
	struct reader reader = *from;
	struct ticket_event event;
	size_t n = 0;
	reader.arena = NULL;
	for (; !reader.bad && reader.at < reader.end; n++)
		get_event(&reader, &event, 0);
	return n;
}

int history_unpack(struct text packed, struct text ticket_id, struct arena *arena, struct ticket_event **events_out,
                   size_t *n_events_out)
{
	struct reader reader = {.at = packed.ptr, .end = packed.ptr + packed.len, .arena = arena};
	if (get_byte(&reader) != FORMAT)
		return -EBADMSG;
	size_t n_most = count_events(&reader), n = 0;
	struct ticket_event *events = arena_alloc(arena, n_most * sizeof(*events));
	int64_t previous_us = 0;
	for (; !reader.bad && reader.at < reader.end; n++) {
		ticket_event_init(&events[n]);
		events[n].ticket_id = ticket_id;
		get_event(&reader, &events[n], previous_us);
		previous_us = events[n].occurred_us;
	}
	if (reader.bad)
		return -EBADMSG;
	*events_out = events;
	*n_events_out = n;
	return 0;
}
