/* Whether a partition was read to its end, judged by what the brokers answer about its log. Pure.
 *
 * Messages that were read identify a log: it is checked elsewhere whether they are still there. Nothing identifies a
 * log that was not read yet, and its topic may have been recreated. That an offset was reached then proves something
 * only if the log still begins where reading began. And that a log is empty proves nothing by itself, because its
 * messages may have been deleted after they were fetched and before they were committed. */
#ifndef KPID_CORE_PARTITION_END_H
#define KPID_CORE_PARTITION_END_H

#include <stdbool.h>
#include <stdint.h>

enum partition_end {
	PARTITION_HAS_MORE, /* something may still have to be read */
	PARTITION_AT_END,   /* everything was read that was there when the brokers were asked */
	/* Nothing was read, and the log begins before the offset where reading began: it is another log, or deleted
	 * messages have come back. Reading has to begin again. */
	PARTITION_BEGINS_EARLIER,
};

/* How far the owner has read. All are offsets. */
struct partition_reach {
	int64_t next_offset;  /* of the first message that was not read; OFFSET_NONE: nothing was read */
	int64_t begin_offset; /* where reading began; counts while nothing was read */
	int64_t end_offset;   /* where the end was met, which may be after next_offset; OFFSET_NONE: it was not */
};

/* low_offset: the first offset of the log; high_offset: its high watermark. Both are of one answer. */
enum partition_end partition_end_of(const struct partition_reach *reach, int64_t low_offset, int64_t high_offset);

/* The same question about a partition whose owner may be gone, by what the database has. next_offset as above; read_to:
 * the later of next_offset and the end that the owner met; OFFSET_NONE: unknown. */
bool partition_was_left_at_end(int64_t next_offset, int64_t read_to, int64_t low_offset, int64_t high_offset);

#endif
