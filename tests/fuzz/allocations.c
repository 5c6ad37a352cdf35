/* Makes each allocation of a batch fail once, each in its own child process. The child exits with 71
 * (kpid/base/memory.h) or completes with the same rows; it never crashes and never gives other rows.
 *
 * malloc() and related functions are replaced in the whole process, so allocations of libcrypto and jansson fail as
 * well. */
#include <errno.h>
#include <malloc.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "desk.h"
#include "fuzz.h"
#include "kpid/core/dead_letter.h"
#include "message.h"
#include "rows.h"

/* glibc's own functions, under the names that it exports for replacements. */
extern void *__libc_malloc(size_t size_bytes);
extern void *__libc_calloc(size_t n, size_t size_bytes);
extern void *__libc_realloc(void *ptr, size_t size_bytes);
extern void *__libc_memalign(size_t alignment, size_t size_bytes);

static long n_asked, fails_at; /* counted from 1 while fails_at != 0 */

static bool fails(void)
{
	if (fails_at == 0 || ++n_asked != fails_at)
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size_bytes)
{
	return fails() ? NULL : __libc_malloc(size_bytes);
}

void *calloc(size_t n, size_t size_bytes)
{
	return fails() ? NULL : __libc_calloc(n, size_bytes);
}

void *realloc(void *ptr, size_t size_bytes)
{
	return fails() ? NULL : __libc_realloc(ptr, size_bytes);
}

void *aligned_alloc(size_t alignment, size_t size_bytes)
{
	return fails() ? NULL : __libc_memalign(alignment, size_bytes);
}

/* ---- the batches ---- */

static void feed(struct batch *batch, struct arena *arena, struct text value, int64_t offset)
{
	struct ticket_event event;
	struct wire_rejection rejection;
	struct wire_message message = {.value = value, .topic = TEXT("t"), .topic_type = EVENT_TYPE_NONE};
	if (wire_parse(&message, FUZZ_NOW_US, arena, &event, &rejection) == WIRE_EVENT) {
		event.source_no = 1;
		event.source_offset = offset;
		batch_add_event(batch, &event);
	} else {
		batch_add_dead_letter(batch, &(struct batch_dead_letter){.source_no = 1,
		                                                         .topic = message.topic,
		                                                         .reason = rejection.reason,
		                                                         .detail = rejection.detail,
		                                                         .value = value});
	}
}

/* Two batches for the same tickets, with a conflict, a duplicate and a dead letter. Alert ids are hashed, as by
 * the writer. Returns the rows as text. */
static void work(const struct policy_set *policies, struct buf *out)
{
	struct rows rows;
	struct batch batch;
	struct arena arena;
	struct buf value = BUF_INIT;
	char id[ALERT_ID_BYTES];
	rows_init(&rows, policies);
	batch_init(&batch);
	arena_init(&arena);
	for (int round = 0; round < 2; round++) {
		batch_source(&batch, 1, 0);
		for (int i = 0; i < 60; i++) {
			char event_id[16], ticket_id[16];
			snprintf(event_id, sizeof(event_id), "%d", i % 50);
			snprintf(ticket_id, sizeof(ticket_id), "T%d", i % 7);
			struct ticket_event event = desk_event(
			        text_of(ticket_id), text_of(event_id), i * 7 + round,
			        i < 7 ? (uint32_t)i * 12 : (uint32_t)i * 2654435761u + (uint32_t)(round * (i % 3)));
			buf_clear(&value);
			ticket_event_as_cloudevent(&event, &value);
			feed(&batch, &arena, buf_text(&value), round * 100 + i);
		}
		feed(&batch, &arena, TEXT("{\"time\": [1, 2"), 99);
		rows_commit(&rows, &batch, DESK_T0_US + (round + 1) * 300 * 60 * US_PER_SECOND);
	}
	rows_print(&rows, out);
	alert_id(TEXT("T1"), TARGET_ARRIVAL, 1, id);
	buf_add_str(out, id);
	rows_release(&rows);
	batch_release(&batch);
	arena_release(&arena);
	buf_release(&value);
}

/* The number of allocations. */
static long count_allocations(const struct policy_set *policies, struct buf *out)
{
	n_asked = 0;
	fails_at = -1;
	work(policies, out);
	fails_at = 0;
	return n_asked;
}

/* In a child: exits with 71, or with whether the rows are the expected ones. */
static _Noreturn void work_and_fail(const struct policy_set *policies, long number, const struct buf *expected)
{
	struct buf rows = BUF_INIT;
	if (freopen("/dev/null", "w", stderr) == NULL)
		_exit(2);
	n_asked = 0;
	fails_at = number;
	work(policies, &rows);
	fails_at = 0;
	_exit(text_equal(buf_text(&rows), buf_text(expected)) ? 0 : 1);
}

int main(void)
{
	struct policy_set *policies = desk_policies();
	struct buf expected = BUF_INIT, again = BUF_INIT;
	count_allocations(policies, &again); /* one-time allocations of the process are done */
	long n = count_allocations(policies, &expected), n_ended = 0, n_through = 0, n_wrong = 0;
	CHECK(n > 100 && text_equal(buf_text(&expected), buf_text(&again)));
	for (long number = 1; number <= n; number++) {
		int status;
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0)
			work_and_fail(policies, number, &expected);
		CHECK(waitpid(child, &status, 0) == child);
		if (WIFEXITED(status) && WEXITSTATUS(status) == EX_OSERR) {
			n_ended++;
		} else if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
			n_through++;
		} else {
			n_wrong++;
			printf("allocation %ld: %s %d\n", number, WIFSIGNALED(status) ? "signal" : "other rows, status",
			       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		}
	}
	printf("%ld allocations failed once each: %ld ended with 71, %ld went through, %ld wrong\n", n, n_ended,
	       n_through, n_wrong);
	policy_set_free(policies);
	buf_release(&expected);
	buf_release(&again);
	return n_wrong == 0 && n_ended > 0 ? 0 : 1;
}
