#include "kpid/core/watermark.h"

#include <string.h>

#include "kpid/base/hash.h"
#include "kpid/core/timestamp.h"

void watermark_clear(struct watermark *watermark)
{
	watermark->until_us = TIME_NONE;
	watermark->n_events = 0;
	watermark->n_senders = watermark->last_sender = watermark->n_ends = 0;
}

/* ---- events ---- */

static size_t least_recent(const struct watermark *watermark)
{
	size_t found = 0;
	for (size_t i = 1; i < watermark->n_senders; i++)
		if (watermark->senders[i].heard_no < watermark->senders[found].heard_no)
			found = i;
	return found;
}

static struct watermark_sender *sender_of(struct watermark *watermark, struct text source)
{
	uint64_t hash = hash_text(source);
	size_t i = watermark->last_sender;
	if (i >= watermark->n_senders || watermark->senders[i].hash != hash)
		for (i = 0; i < watermark->n_senders && watermark->senders[i].hash != hash;)
			i++;
	if (i == watermark->n_senders) {
		if (watermark->n_senders < WATERMARK_SENDERS)
			watermark->n_senders++;
		else
			i = least_recent(watermark);
		watermark->senders[i] = (struct watermark_sender){.hash = hash, .latest_us = TIME_NONE};
	}
	watermark->last_sender = i;
	return &watermark->senders[i];
}

/* The minimum of recent events and recent senders: the watermark cannot be later. */
static int64_t upper_bound(const struct watermark *watermark)
{
	int64_t least_us = TIME_FOR_EVER;
	for (size_t i = 0; i < WATERMARK_RECENT; i++)
		if (watermark->recent_us[i] < least_us)
			least_us = watermark->recent_us[i];
	for (size_t i = 0; i < watermark->n_senders; i++) {
		const struct watermark_sender *sender = &watermark->senders[i];
		bool recent = watermark->n_events - sender->heard_no < WATERMARK_HEARD;
		if (recent && sender->latest_us < least_us)
			least_us = sender->latest_us;
	}
	return least_us;
}

void watermark_event(struct watermark *watermark, struct text source, int64_t occurred_us, int64_t appended_us)
{
	int64_t at_us = occurred_us < appended_us ? occurred_us : appended_us;
	struct watermark_sender *sender = sender_of(watermark, source);
	watermark->recent_us[watermark->n_events++ % WATERMARK_RECENT] = at_us;
	sender->heard_no = watermark->n_events;
	if (at_us > sender->latest_us)
		sender->latest_us = at_us;
	if (watermark->n_events < WATERMARK_WARM_UP || at_us <= watermark->until_us)
		return;
	int64_t bound_us = upper_bound(watermark);
	if (bound_us > watermark->until_us)
		watermark->until_us = bound_us;
}

/* ---- ends ---- */

/* Drops every other end: the longer it takes to reach them, the farther apart they may be. */
static void thin_out(struct watermark *watermark)
{
	size_t kept = 0;
	for (size_t i = 1; i < watermark->n_ends; i += 2)
		watermark->ends[kept++] = watermark->ends[i];
	watermark->n_ends = kept;
}

void watermark_end(struct watermark *watermark, int64_t offset, int64_t seen_us)
{
	while (watermark->n_ends > 0 && watermark->ends[watermark->n_ends - 1].offset >= offset)
		watermark->n_ends--; /* same offset: the later observation is better; smaller offset: the topic was
		                        recreated */
	if (watermark->n_ends == WATERMARK_ENDS)
		thin_out(watermark);
	watermark->ends[watermark->n_ends++] = (struct watermark_end){offset, seen_us};
}

void watermark_read_to(struct watermark *watermark, int64_t offset)
{
	size_t reached = 0;
	while (reached < watermark->n_ends && watermark->ends[reached].offset <= offset)
		reached++;
	if (reached == 0)
		return;
	if (watermark->ends[reached - 1].seen_us > watermark->until_us)
		watermark->until_us = watermark->ends[reached - 1].seen_us;
	watermark->n_ends -= reached;
	memmove(watermark->ends, watermark->ends + reached, watermark->n_ends * sizeof(watermark->ends[0]));
}

bool watermark_waits(const struct watermark *watermark)
{
	return watermark->n_ends > 0;
}
