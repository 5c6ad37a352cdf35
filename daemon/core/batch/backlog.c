#include "kpid/core/backlog.h"

/* LASTS_US: longer than a large batch should take (pace.c). */
enum { LASTS_US = 2000000, MOST_HELD_BACK_US = 5000000, PAUSE_US = 5000000 };
#define MOST_LEDGER_DELAY_US INT64_C(600000000)

bool backlog_is_part(size_t n_events, bool full)
{
	return full || n_events >= BACKLOG_LEAST;
}

bool backlog_is_read(int64_t n_left, int64_t lasts_us)
{
	return n_left >= BACKLOG_LEAST && lasts_us >= BACKLOG_SHORT_US;
}

void backlog_note_batch(struct backlog *backlog, bool part, int64_t now_us)
{
	backlog->until_us = part ? now_us + LASTS_US : 0;
	if (part)
		backlog->read_us = now_us;
}

void backlog_note_commit(struct backlog *backlog)
{
	backlog->until_us = 0;
}

bool backlog_holds_back(const struct backlog *backlog, int64_t now_us, int64_t fired_us)
{
	return now_us < backlog->until_us && now_us - fired_us < MOST_HELD_BACK_US;
}

bool backlog_delays_ledger(const struct backlog *backlog, int64_t now_us, int64_t due_us)
{
	return backlog->read_us != 0 && now_us - backlog->read_us < PAUSE_US && now_us - due_us < MOST_LEDGER_DELAY_US;
}
