/* Millions of malformed messages through the decision path: wire, batch, evaluation against in-memory tables.
 *
 *     malformed N SEED CORPUS_FOLDER
 *
 * The messages are those of the corpus (tests/fuzz/corpus/wire), damaged as producers and networks damage them, mixed
 * with valid ones of a small desk and repetitions. Each must end as exactly one of: applied, duplicate, lost to a
 * conflict, skipped, dead letter. The counts of the batch must equal those derived here from the contents, and the
 * final tables must equal those of the kept events in a single batch. */
#include <dirent.h>
#include <inttypes.h>

#include "desk.h"
#include "fuzz.h"
#include "kpid/base/hash.h"
#include "kpid/base/memory.h"
#include "kpid/core/dead_letter.h"
#include "kpid/core/history.h"
#include "message.h"
#include "rows.h"

enum { MAX_SEEDS = 512, MAX_BYTES = 70000, PER_BATCH = 500, N_REPEATABLE = 256, N_TICKETS = 3000 };

struct counts {
	int64_t applied, duplicates, conflicts, tombstones, unknown_type, dead;
};

/* What is known about an identity: a hash of the content that is kept, which is the smallest. */
struct identity {
	struct identity *next_in_slot;
	struct buf key, content;
};

struct run {
	struct buf seeds[MAX_SEEDS];
	size_t n_seeds;
	struct buf repeatable[N_REPEATABLE]; /* messages sent before */
	uint64_t chance;
	struct identity *slots[1 << 16];
	struct counts counts;   /* as counted here */
	struct counts by_batch; /* as counted by the batch */
	struct rows rows;
	struct policy_set *policies;
	struct batch batch;
	struct arena arena;
};

static uint32_t below(struct run *run, uint32_t n)
{
	run->chance = run->chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(run->chance >> 33) % n;
}

static void read_seeds(struct run *run, const char *folder)
{
	struct dirent **names;
	int n = scandir(folder, &names, NULL, alphasort);
	CHECK(n > 2);
	for (int i = 0; i < n; i++) {
		char path[4096], piece[4096];
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
		FILE *file = names[i]->d_name[0] == '.' ? NULL : fopen(path, "re");
		free(names[i]);
		if (file == NULL)
			continue;
		size_t n_bytes;
		CHECK(run->n_seeds < MAX_SEEDS);
		while ((n_bytes = fread(piece, 1, sizeof(piece), file)) > 0)
			buf_add(&run->seeds[run->n_seeds], piece, n_bytes);
		fclose(file);
		run->n_seeds++;
	}
	free((void *)names);
	CHECK(run->n_seeds > 10);
}

/* ---- making messages ---- */

static const char *const tokens[] = {"\"",      "{",    "}",    "[",       "null",  "-1",   "1e999", "\\u0000",
                                     "\\ud800", "\xff", "\n\n", "\x1b[2J", "'; --", "true", ",",     "\"time\":0,"};

static void break_it(struct run *run, struct buf *message)
{
	uint32_t at = message->len_bytes == 0 ? 0 : below(run, (uint32_t)message->len_bytes);
	const struct buf *other = &run->seeds[below(run, (uint32_t)run->n_seeds)];
	const char *token = tokens[below(run, sizeof(tokens) / sizeof(tokens[0]))];
	if (message->len_bytes == 0)
		return;
	switch (below(run, 8)) {
	case 0:
		message->data[at] = (char)below(run, 256);
		break;
	case 1:
		message->data[at] = (char)(message->data[at] ^ 1 << below(run, 8));
		break;
	case 2: /* truncated */
		message->len_bytes = at;
		break;
	case 3: /* a token overwritten */
		for (size_t i = 0; token[i] != '\0' && at + i < message->len_bytes; i++)
			message->data[at + i] = token[i];
		break;
	case 4: /* a part removed */
	{
		size_t n = below(run, (uint32_t)(message->len_bytes - at)) % 40;
		memmove(message->data + at, message->data + at + n, message->len_bytes - at - n);
		message->len_bytes -= n;
		break;
	}
	case 5: /* the end of another message */
		message->len_bytes = at;
		if (other->len_bytes > 0) {
			uint32_t from = below(run, (uint32_t)other->len_bytes);
			buf_add(message, other->data + from, other->len_bytes - from);
		}
		break;
	case 6: /* a digit replaced */
		for (size_t i = at; i < message->len_bytes; i++)
			if (message->data[i] >= '0' && message->data[i] <= '9') {
				message->data[i] = (char)('0' + below(run, 10));
				break;
			}
		break;
	default: /* deep, or long */
		for (uint32_t i = below(run, 40) == 0 ? 66000 : below(run, 40); i > 0; i--)
			buf_add_char(message, '[');
	}
}

/* Valid, sometimes with the identity of an event that has other content. */
static void of_the_desk(struct run *run, struct buf *message)
{
	char ticket_id[16], id[16];
	uint32_t ticket = below(run, N_TICKETS);
	snprintf(ticket_id, sizeof(ticket_id), "T%u", ticket);
	snprintf(id, sizeof(id), "%u", below(run, 20) == 0 ? ticket : 10000 + below(run, 1 << 30));
	struct ticket_event event =
	        desk_event(text_of(ticket_id), text_of(id), below(run, 60 * 24 * 30), run->chance >> 20 & UINT32_MAX);
	ticket_event_as_cloudevent(&event, message);
}

static void make(struct run *run, struct buf *message)
{
	struct buf *repeat = &run->repeatable[below(run, N_REPEATABLE)];
	buf_clear(message);
	switch (below(run, 10)) {
	case 0:
		buf_add_text(message, buf_text(repeat));
		return;
	case 1:
		of_the_desk(run, message);
		break;
	case 2:
		of_the_desk(run, message);
		break_it(run, message);
		break;
	default:
		buf_add_text(message, buf_text(&run->seeds[below(run, (uint32_t)run->n_seeds)]));
		for (uint32_t i = 1 + below(run, 3); i > 0; i--)
			break_it(run, message);
	}
	if (message->len_bytes < 4096) {
		buf_clear(repeat);
		buf_add_text(repeat, buf_text(message));
	}
}

/* ---- the expected fate of an event ---- */

static void expect(struct run *run, const struct ticket_event *event)
{
	struct buf key = BUF_INIT, content = BUF_INIT;
	buf_add_json_string(&key, event->ticket_id);
	buf_add_json_string(&key, event->source);
	buf_add_json_string(&key, event->id);
	ticket_event_canonical(event, &content);
	struct identity **slot = &run->slots[hash_text(buf_text(&key)) & 0xffff];
	struct identity *known = *slot;
	while (known != NULL && !text_equal(buf_text(&known->key), buf_text(&key)))
		known = known->next_in_slot;
	if (known == NULL) {
		known = mem_alloc(sizeof(*known));
		*known = (struct identity){*slot, key, content};
		*slot = known;
		run->counts.applied++;
		return;
	}
	int order = text_compare(buf_text(&content), buf_text(&known->content));
	if (order == 0)
		run->counts.duplicates++;
	else
		run->counts.conflicts++;
	if (order < 0) {
		struct buf larger = known->content;
		known->content = content;
		content = larger;
	}
	buf_release(&key);
	buf_release(&content);
}

/* As daemon/app/lane.c feeds a batch. */
static void feed(struct run *run, struct text text, int64_t offset)
{
	struct wire_header headers[FUZZ_MAX_HEADERS];
	struct wire_message message = fuzz_message(text, headers);
	struct batch_source *source = batch_source(&run->batch, 1, offset);
	struct ticket_event event;
	struct wire_rejection rejection = {DEAD_N_REASONS, ""};
	message.offset = offset;
	arena_clear(&run->arena, 1 << 18);
	switch (wire_parse(&message, FUZZ_NOW_US, &run->arena, &event, &rejection)) {
	case WIRE_EVENT:
		event.source_no = 1;
		event.source_offset = offset;
		batch_add_event(&run->batch, &event);
		expect(run, &event);
		break;
	case WIRE_TOMBSTONE:
		source->n_tombstones++;
		run->counts.tombstones++;
		CHECK(text_is_absent(message.value));
		break;
	case WIRE_UNKNOWN_TYPE:
		batch_add_unknown_type(&run->batch, source, text_of(rejection.detail));
		run->counts.unknown_type++;
		break;
	case WIRE_REJECTED:
		source->n_dead_letters++;
		run->counts.dead++;
		CHECK(rejection.reason < DEAD_ID_CONFLICT && rejection.detail[0] != '\0');
		batch_add_dead_letter(&run->batch, &(struct batch_dead_letter){.source_no = 1,
		                                                               .topic = message.topic,
		                                                               .offset = offset,
		                                                               .reason = rejection.reason,
		                                                               .detail = rejection.detail,
		                                                               .value = message.value,
		                                                               .headers = headers,
		                                                               .n_headers = message.n_headers});
		break;
	}
	source->n_messages++;
	source->next_offset = offset + 1;
}

static void commit(struct run *run)
{
	struct counts *by_batch = &run->by_batch;
	if (run->batch.n_sources == 0)
		return;
	const struct batch_source *source = batch_source(&run->batch, 1, 0);
	CHECK(source->n_dead_letters == (int64_t)run->batch.n_dead_letters);
	CHECK(source->n_messages ==
	      source->n_tombstones + source->n_unknown_type + source->n_dead_letters + (int64_t)run->batch.n_events);
	int64_t n_events = (int64_t)run->batch.n_events, duplicates = run->rows.n_duplicates,
	        conflicts = run->rows.n_conflicts;
	by_batch->tombstones += source->n_tombstones;
	by_batch->unknown_type += source->n_unknown_type;
	by_batch->dead += source->n_dead_letters;
	rows_commit(&run->rows, &run->batch, FUZZ_NOW_US);
	by_batch->duplicates = run->rows.n_duplicates;
	by_batch->conflicts = run->rows.n_conflicts;
	by_batch->applied += n_events - (run->rows.n_duplicates - duplicates) - (run->rows.n_conflicts - conflicts);
}

/* ---- at the end ---- */

struct rebuilding {
	struct batch batch;
	struct arena arena;
	int64_t n_events;
};

static void take_ticket(void *context, struct text ticket_id, struct text history)
{
	struct rebuilding *rebuilding = context;
	struct ticket_event *events;
	size_t n;
	CHECK(history_unpack(history, ticket_id, &rebuilding->arena, &events, &n) == 0);
	for (size_t i = 0; i < n; i++) {
		CHECK(i == 0 || ticket_event_order(&events[i - 1], &events[i]) < 0);
		batch_add_event(&rebuilding->batch, &events[i]);
	}
	rebuilding->n_events += (int64_t)n;
}

/* Dead letters of conflicts contain what was sent, not what is kept. */
static void without_conflicts(struct buf *lines)
{
	size_t kept = 0;
	for (size_t at = 0, end; at < lines->len_bytes; at = end + 1) {
		end = (size_t)((char *)memchr(lines->data + at, '\n', lines->len_bytes - at) - lines->data);
		if (strncmp(lines->data + at, "conflict ", strlen("conflict ")) == 0)
			continue;
		memmove(lines->data + kept, lines->data + at, end + 1 - at);
		kept += end + 1 - at;
	}
	lines->len_bytes = kept;
}

/* The first line of each that is not in the other. */
static void print_difference(struct text expected, struct text actual)
{
	uint32_t at = 0, line = 0;
	for (; at < expected.len && at < actual.len && expected.ptr[at] == actual.ptr[at]; at++)
		if (expected.ptr[at] == '\n')
			line = at + 1;
	fprintf(stderr, "expected: %.*s\nactual:   %.*s\n", (int)strcspn(expected.ptr + line, "\n"),
	        expected.ptr + line, (int)strcspn(actual.ptr + line, "\n"), actual.ptr + line);
}

static void check_tables(struct run *run)
{
	struct rebuilding rebuilding = {.n_events = 0};
	struct rows expected;
	struct buf expected_text = BUF_INIT, actual_text = BUF_INIT;
	batch_init(&rebuilding.batch);
	arena_init(&rebuilding.arena);
	rows_init(&expected, run->policies);
	rows_each_ticket(&run->rows, take_ticket, &rebuilding);
	batch_source(&rebuilding.batch, 1, 0);
	rows_commit(&expected, &rebuilding.batch, FUZZ_NOW_US);
	CHECK(rebuilding.n_events == run->counts.applied);
	rows_print(&expected, &expected_text);
	rows_print(&run->rows, &actual_text);
	without_conflicts(&actual_text);
	if (!text_equal(buf_text(&expected_text), buf_text(&actual_text)))
		print_difference(buf_text(&expected_text), buf_text(&actual_text));
	CHECK(text_equal(buf_text(&expected_text), buf_text(&actual_text)));
	batch_release(&rebuilding.batch);
	arena_release(&rebuilding.arena);
	rows_release(&expected);
	buf_release(&expected_text);
	buf_release(&actual_text);
}

static void release(struct run *run)
{
	for (size_t i = 0; i < MAX_SEEDS; i++)
		buf_release(&run->seeds[i]);
	for (size_t i = 0; i < N_REPEATABLE; i++)
		buf_release(&run->repeatable[i]);
	for (size_t i = 0; i < sizeof(run->slots) / sizeof(run->slots[0]); i++) {
		for (struct identity *known = run->slots[i], *next; known != NULL; known = next) {
			next = known->next_in_slot;
			buf_release(&known->key);
			buf_release(&known->content);
			free(known);
		}
	}
	rows_release(&run->rows);
	batch_release(&run->batch);
	arena_release(&run->arena);
	policy_set_free(run->policies);
	free(run);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: malformed N SEED CORPUS_FOLDER\n");
		return 2;
	}
	int64_t n = strtoll(argv[1], NULL, 10);
	struct run *run = mem_zalloc(sizeof(*run));
	struct buf message = BUF_INIT;
	run->chance = strtoull(argv[2], NULL, 10);
	run->policies = desk_policies();
	rows_init(&run->rows, run->policies);
	batch_init(&run->batch);
	arena_init(&run->arena);
	read_seeds(run, argv[3]);
	for (int64_t i = 0; i < n; i++) {
		make(run, &message);
		struct text exact = fuzz_exact(buf_text(&message));
		feed(run, exact, i);
		free((char *)exact.ptr);
		if (run->batch.n_events + run->batch.n_dead_letters >= PER_BATCH)
			commit(run);
	}
	commit(run);
	const struct counts *counts = &run->counts;
	printf("%" PRId64 " messages, seed %s: %" PRId64 " applied, %" PRId64 " duplicates, %" PRId64
	       " conflicts, %" PRId64 " tombstones, %" PRId64 " of unknown type, %" PRId64 " dead letters\n",
	       n, argv[2], counts->applied, counts->duplicates, counts->conflicts, counts->tombstones,
	       counts->unknown_type, counts->dead);
	CHECK(counts->applied + counts->duplicates + counts->conflicts + counts->tombstones + counts->unknown_type +
	              counts->dead ==
	      n);
	CHECK(memcmp(counts, &run->by_batch, sizeof(*counts)) == 0);
	CHECK(n < 10000 || (counts->applied > 0 && counts->duplicates > 0 && counts->conflicts > 0 &&
	                    counts->tombstones > 0 && counts->unknown_type > 0 && counts->dead > 0));
	check_tables(run);
	buf_release(&message);
	release(run);
	return 0;
}
