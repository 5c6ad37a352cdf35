#include "board/live.h"

#include <inttypes.h>
#include <stdio.h>

#include "kpid/core/timestamp.h"

void live_init(struct live *live, uint64_t boot)
{
	*live = (struct live){.stamp = {.now_us = TIME_NONE, .as_of_us = TIME_NONE}};
	snprintf(live->boot, sizeof(live->boot), "%" PRIx64, boot);
}

void live_release(struct live *live)
{
	for (int i = 0; i < PART_N; i++) {
		part_release(live->shown[i]);
		part_release(live->next[i]);
	}
	for (int i = 0; i < LIVE_RING; i++)
		blob_release(live->ring[i]);
	blob_release(live->snapshot);
	blob_release(live->snapshot_event);
}

void live_set(struct live *live, enum board_part name, struct part *part)
{
	part_release(live->next[name]);
	live->next[name] = part;
}

/* An event of a stream; the data has no line break. */
static struct blob *event_of(const struct live *live, const char *kind, struct text data)
{
	struct buf event = BUF_INIT;
	buf_add_format(&event, "id: %s-%" PRIu64 "\nevent: %s\ndata: ", live->boot, live->stamp.seq, kind);
	buf_add_text(&event, data);
	buf_add_str(&event, "\n\n");
	return blob_of(&event);
}

static void forget_snapshot(struct live *live)
{
	blob_release(live->snapshot);
	blob_release(live->snapshot_event);
	live->snapshot = live->snapshot_event = NULL;
}

static void show_next(struct live *live)
{
	for (int i = 0; i < PART_N; i++) {
		if (live->next[i] == NULL)
			continue;
		part_release(live->shown[i]);
		live->shown[i] = live->next[i];
		live->next[i] = NULL;
	}
}

bool live_has_news(const struct live *live, enum board_part name)
{
	return live->next[name] != NULL && !part_equal(live->shown[name], live->next[name]);
}

struct blob *live_publish(struct live *live, int64_t now_us, int64_t as_of_us)
{
	struct buf delta = BUF_INIT;
	live->stamp = (struct part_stamp){text_of(live->boot), live->stamp.seq + 1, now_us, as_of_us};
	(void)delta_write(&delta, &live->stamp, live->shown, live->next);
	struct blob **place = &live->ring[live->stamp.seq % LIVE_RING];
	blob_release(*place);
	*place = event_of(live, "delta", buf_text(&delta));
	buf_release(&delta);
	show_next(live);
	forget_snapshot(live);
	return *place;
}

struct blob *live_snapshot(struct live *live)
{
	struct buf json = BUF_INIT;
	if (live->snapshot != NULL)
		return live->snapshot;
	live->stamp.boot = text_of(live->boot);
	snapshot_write(&json, &live->stamp, live->shown);
	live->snapshot = blob_of(&json);
	return live->snapshot;
}

struct blob *live_snapshot_event(struct live *live)
{
	if (live->snapshot_event == NULL)
		live->snapshot_event = event_of(live, "snapshot", buf_text(&live_snapshot(live)->bytes));
	return live->snapshot_event;
}

int live_since(const struct live *live, struct text last_event_id, uint64_t *first_out)
{
	size_t n_boot = strlen(live->boot);
	uint64_t seq = 0;
	if (last_event_id.len < n_boot + 2 || last_event_id.len > n_boot + 20 ||
	    memcmp(last_event_id.ptr, live->boot, n_boot) != 0 || last_event_id.ptr[n_boot] != '-')
		return -1;
	for (uint32_t i = (uint32_t)n_boot + 1; i < last_event_id.len; i++) {
		char c = last_event_id.ptr[i];
		if (c < '0' || c > '9')
			return -1;
		seq = seq * 10 + (uint64_t)(c - '0');
	}
	if (seq > live->stamp.seq || live->stamp.seq - seq > LIVE_RING)
		return -1;
	*first_out = seq + 1;
	return (int)(live->stamp.seq - seq);
}

struct blob *live_event(const struct live *live, uint64_t seq)
{
	return live->ring[seq % LIVE_RING];
}
