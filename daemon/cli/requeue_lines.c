#include "cli/requeue_lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/file_feed.h"
#include "cli/preflight.h"
#include "kpid/base/clock.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

void requeue_lines_release(struct requeue_lines *lines)
{
	for (size_t i = 0; i < lines->n; i++)
		free(lines->items[i].key.topic);
	free(lines->items);
	buf_release(&lines->bytes);
}

bool requeue_lines_is_one(const struct dlq_key *key)
{
	return strncmp(key->topic, "ingest:", strlen("ingest:")) == 0;
}

bool requeue_lines_accepts(const struct dlq_key *key, const struct dlq_letter *letter, char *why_out, size_t n_why)
{
	const struct wire_message message = {
	        .value = letter->value,
	        .topic = text_of(key->topic),
	        .partition = key->partition,
	        .offset = key->offset,
	        .topic_type = EVENT_TYPE_NONE,
	};
	struct arena arena;
	struct ticket_event event;
	struct wire_rejection rejection;
	arena_init(&arena);
	bool accepted = wire_parse(&message, wall_clock_us(), &arena, &event, &rejection) != WIRE_REJECTED;
	arena_release(&arena);
	if (accepted)
		return true;
	const char *remedy = rejection.reason == DEAD_FUTURE ? "requeue it after that time"
	                                                     : "correct the file and run kpid ingest again";
	snprintf(why_out, n_why, "%s: %s; %s", dead_letter_reason_name(rejection.reason), rejection.detail, remedy);
	return false;
}

void requeue_lines_add(struct requeue_lines *lines, const struct dlq_key *key, int64_t letter_no, struct text line)
{
	lines->items = mem_grow(lines->items, &lines->capacity, lines->n + 1, sizeof(*lines->items));
	lines->items[lines->n] = (struct requeue_line){.key = *key, .letter_no = letter_no};
	lines->items[lines->n++].key.topic = mem_strdup(key->topic);
	buf_add_text(&lines->bytes, line);
	buf_add_char(&lines->bytes, '\n');
}

static bool write_all(int fd, const struct buf *bytes)
{
	for (size_t at = 0; at < bytes->len_bytes;) {
		ssize_t n = write(fd, bytes->data + at, bytes->len_bytes - at);
		if (n < 0 && errno != EINTR)
			return false;
		at += n < 0 ? 0 : (size_t)n;
	}
	return true;
}

int requeue_lines_read(const struct requeue_lines *lines, const struct cli *cli)
{
	struct kpid_config *config;
	int status = preflight_load(cli, &config);
	if (status != CLI_OK)
		return status;
	char path[40];
	int fd = memfd_create("requeue", MFD_CLOEXEC);
	if (fd < 0 || !write_all(fd, &lines->bytes)) {
		log_error("cannot keep the lines in memory: %s", strerror(errno));
		kpid_config_free(config);
		status = CLI_FAILED;
	} else {
		struct file_feed_report report;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		const struct file_feed_order order = {.path = path, .name = "requeue", .once = true};
		status = file_feed_run(config, &order, &report);
	}
	if (fd >= 0)
		close(fd);
	return status;
}
