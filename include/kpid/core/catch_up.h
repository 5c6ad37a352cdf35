/* How a backlog is caught up: the rate, what is left, and the time to go. Pure.
 *
 * Where partitions end is not always known. What is left is then "at least", and there is no estimate. */
#ifndef KPID_CORE_CATCH_UP_H
#define KPID_CORE_CATCH_UP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/buf.h"

enum { CATCH_UP_SAMPLES = 64 };

/* What is known at one moment. */
struct catch_up_sample {
	int64_t at_us;     /* all samples are of one clock */
	int64_t n_read;    /* messages that were read and committed so far */
	int64_t n_left;    /* messages to read in the partitions whose end is known */
	int64_t n_unknown; /* the other partitions */
	uint64_t scope;    /* differs if other partitions are counted; 0: there are none */
};

/* Of the last minute, at least a second apart except the last two. */
struct read_progress {
	struct catch_up_sample samples[CATCH_UP_SAMPLES];
	size_t n;
};

void read_progress_note(struct read_progress *progress, const struct catch_up_sample *sample);
/* Messages per second; -1: not known yet. */
int64_t read_progress_per_second(const struct read_progress *progress);
/* Until nothing is left, at the pace at which less and less was left; -1: unknown, or that pace leads to no end. */
int64_t read_progress_to_go_us(const struct read_progress *progress);
/* The share of all messages that was read, from 0 to 1; negative: unknown. There must be a sample. */
double read_progress_share(const struct read_progress *progress);

enum catch_up_news {
	CATCH_UP_NOTHING,
	CATCH_UP_GOES_ON, /* a backlog is read: once a minute */
	CATCH_UP_DONE
};

struct catch_up {
	struct read_progress progress;
	bool behind;                         /* a backlog is read */
	int64_t large_since_us, reported_us; /* meaningful while much is left, and while behind */
	bool is_large;                       /* much is left */
	int64_t begun_us, n_read_before;     /* as of the last sample with little left, or of the first one */
};

/* Samples come about once a second. A new struct is all zeros. */
enum catch_up_news catch_up_note(struct catch_up *catch_up, const struct catch_up_sample *sample);
/* Appends "reading a backlog: …", or after CATCH_UP_DONE "caught up: …", in one line. */
void catch_up_describe(const struct catch_up *catch_up, struct buf *out);

#endif
