#include "app/backlog_report.h"

#include "kpid/base/log.h"

/* A stopped partition, and one that an open transaction holds up, wait for somebody: reading does not shorten them. */
static bool counts(const struct source *source)
{
	return partition_is_assigned(source->state) && source->state != PARTITION_STOPPED &&
	       source->state != PARTITION_MEASURING_GAP && source->held_since_us == 0;
}

static struct catch_up_sample sample_of(const struct sources *sources, int64_t n_read, int64_t now_us)
{
	struct catch_up_sample sample = {.at_us = now_us, .n_read = n_read};
	for (size_t i = 0; i < sources->n; i++) {
		const struct source *source = sources->items[i];
		if (!counts(source))
			continue;
		int64_t n_left = source_left(source, now_us);
		sample.n_left += n_left < 0 ? 0 : n_left;
		sample.n_unknown += n_left < 0;
		/* A sum, because partitions come in any order. */
		sample.scope += ((uint64_t)source->source_no << 32 | 1) * UINT64_C(0x9e3779b97f4a7c15) +
		                (uint64_t)source->epoch;
	}
	return sample;
}

void backlog_report_look(struct backlog_report *report, const struct sources *sources, int64_t n_read, int64_t now_us)
{
	const struct catch_up_sample sample = sample_of(sources, n_read, now_us);
	struct buf words = BUF_INIT;
	enum catch_up_news news = catch_up_note(&report->catch_up, &sample);
	if (news == CATCH_UP_NOTHING)
		return;
	catch_up_describe(&report->catch_up, &words);
	log_info("%s", words.data);
	buf_clear(&report->words);
	if (news == CATCH_UP_GOES_ON)
		buf_add_text(&report->words, buf_text(&words));
	buf_release(&words);
}

void backlog_report_release(struct backlog_report *report)
{
	buf_release(&report->words);
}
