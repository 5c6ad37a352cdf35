#include "app/source.h"

#include <stdlib.h>
#include <string.h>

#include "kpid/base/memory.h"

int64_t source_read_to(const struct source *source)
{
	return source->end_offset > source->next_offset ? source->end_offset : source->next_offset;
}

int64_t source_left(const struct source *source, int64_t now_us)
{
	enum { KNOWN_US = 10000000 }; /* as lag_messages of report.data_freshness */
	if (source->high_offset < 0 || source->high_asked_us == 0 || now_us - source->high_asked_us >= KNOWN_US)
		return -1;
	int64_t read_to = source->next_offset == source->committed_offset ? source_read_to(source) : OFFSET_NONE;
	int64_t done = read_to > source->committed_offset ? read_to : source->committed_offset;
	if (done == OFFSET_NONE)
		done = source->low_offset;
	return source->high_offset > done ? source->high_offset - done : 0;
}

enum partition_action source_step(struct source *source, enum partition_event event)
{
	struct partition_move move = partition_step(source->state, event);
	source->state = move.state;
	return move.action;
}

void sources_release(struct sources *sources)
{
	for (size_t i = 0; i < sources->n; i++) {
		free(sources->items[i]->topic);
		free(sources->items[i]);
	}
	free(sources->items);
	*sources = (struct sources){NULL, 0, 0};
}

struct source *sources_get(struct sources *sources, const char *topic, int32_t partition)
{
	for (size_t i = 0; i < sources->n; i++)
		if (sources->items[i]->partition == partition && strcmp(sources->items[i]->topic, topic) == 0)
			return sources->items[i];
	sources->items = mem_grow(sources->items, &sources->capacity, sources->n + 1, sizeof(struct source *));
	struct source *source = mem_zalloc(sizeof(*source));
	source->topic = mem_strdup(topic);
	source->partition = partition;
	source->topic_type = EVENT_TYPE_NONE;
	source->state = PARTITION_UNASSIGNED;
	source->next_offset = source->committed_offset = source->end_offset = source->group_offset = OFFSET_NONE;
	source->high_offset = -1;
	watermark_clear(&source->watermark);
	vouch_clear(&source->vouch);
	source->checked.offset = source->read.offset = source->asked.offset = source->first.offset = OFFSET_NONE;
	sources->items[sources->n++] = source;
	return source;
}

struct source *sources_find_no(const struct sources *sources, int32_t source_no)
{
	for (size_t i = 0; i < sources->n; i++)
		if (sources->items[i]->source_no == source_no)
			return sources->items[i];
	return NULL;
}

bool sources_name(void *context, int32_t source_no, struct text *topic_out, int32_t *partition_out)
{
	const struct source *source = sources_find_no(context, source_no);
	if (source == NULL)
		return false;
	*topic_out = text_of(source->topic);
	*partition_out = source->partition;
	return true;
}
