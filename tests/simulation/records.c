/* The mapped topic: pages of records of another system, the mapping that the daemon runs on them, and what must come of
 * each record, which is known from its making. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "adapters/lua/mapping.h"
#include "kpid/base/buf.h"
#include "kpid/core/timestamp.h"
#include "sim.h"

enum { MOST_PAGES = 64, TEXT_BYTES = 256 };

struct page {
	const char *bytes;
	struct sim_records records;
};

static struct page *pages;
static int n_pages;
static char path[32];
static int fd;

static const char mapping_text[] =
        "local kinds = { new = 'opened', taken = 'assigned', answered = 'responded', waits = 'paused', goes_on = "
        "'resumed',\n"
        "  solved = 'resolved', over = 'closed', back = 'reopened' }\n"
        "if record.what == 'note' then return skip('a note') end\n"
        "event({ type = 'ticket.' .. word(kinds, record.what, 'what'), id = record.id, time = record.at,\n"
        "  ticket_id = record.ticket, agent_id = record.who, reason = record.why })\n";

static const struct {
	const char *what;
	enum event_type type;
} kinds[] = {{"new", EVENT_OPENED},   {"taken", EVENT_ASSIGNED},  {"answered", EVENT_RESPONDED},
             {"waits", EVENT_PAUSED}, {"goes_on", EVENT_RESUMED}, {"solved", EVENT_RESOLVED},
             {"over", EVENT_CLOSED},  {"back", EVENT_REOPENED}};

enum { N_KINDS = sizeof(kinds) / sizeof(kinds[0]) };

void records_start(void)
{
	if (fd == 0) {
		fd = memfd_create("mapping", 0);
		dprintf(fd, "%s", mapping_text);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	pages = sim_alloc(MOST_PAGES * sizeof(*pages));
	n_pages = 0;
}

void records_release(void)
{
	if (fd != 0)
		close(fd);
	fd = 0;
}

const char *records_mapping(void)
{
	return path;
}

static struct text kept(const char *text)
{
	size_t len = strlen(text);
	char *copy = sim_alloc(len + 1);
	memcpy(copy, text, len);
	return (struct text){copy, (uint32_t)len};
}

static struct sim_record without_event(enum sim_record_kind kind, const char *id)
{
	char text[TEXT_BYTES];
	snprintf(text, sizeof(text), "{\"what\":\"%s\",\"id\":\"%s\"}", kind == SIM_RECORD_SKIPPED ? "note" : "gone",
	         id);
	return (struct sim_record){.kind = kind, .bytes = kept(text)};
}

static struct sim_record with_event(const char *id)
{
	char record[TEXT_BYTES], event[TEXT_BYTES], time[TIMESTAMP_TEXT_BYTES], own[64] = "", common[64] = "";
	int kind = (int)sim_sends_below(N_KINDS);
	unsigned ticket = sim_sends_below(3), agent = sim_sends_below(3);
	enum event_type type = kinds[kind].type;
	timestamp_format(sim_sends_before(sim_now_us()), time);
	if (type == EVENT_PAUSED || type == EVENT_RESUMED) {
		snprintf(own, sizeof(own), ",\"why\":\"wait\"");
		snprintf(common, sizeof(common), ",\"reason\":\"wait\"");
	} else if (type != EVENT_OPENED && type != EVENT_REOPENED) {
		snprintf(own, sizeof(own), ",\"who\":\"a%u\"", agent);
		snprintf(common, sizeof(common), ",\"agent_id\":\"a%u\"", agent);
	}
	snprintf(record, sizeof(record), "{\"what\":\"%s\", \"id\":\"%s\",\"at\":\"%s\",\"ticket\":\"t%u\"%s}",
	         kinds[kind].what, id, time, ticket, own);
	snprintf(event, sizeof(event),
	         "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"/map/desk\",\"type\":\"%s\",\"time\":\"%s\","
	         "\"data\":{\"ticket_id\":\"t%u\"%s}}",
	         id, event_type_name(type), time, ticket, common);
	return (struct sim_record){SIM_RECORD_EVENT, kept(record), kept(event)};
}

/* Some records have the id of another one, with other content. */
static struct sim_record new_record(int no)
{
	char id[16];
	snprintf(id, sizeof(id), "r%d", sim_sends_below(12) == 0 ? (int)sim_sends_below((uint32_t)no + 1) : no);
	switch (sim_sends_below(10)) {
	case 0:
		return without_event(SIM_RECORD_SKIPPED, id);
	case 1:
		return without_event(SIM_RECORD_REJECTED, id);
	default:
		return with_event(id);
	}
}

struct text records_new_page(int no)
{
	struct page *page = &pages[n_pages++];
	struct buf json = BUF_INIT;
	page->records.n = (int)sim_sends_below(SIM_MOST_RECORDS + 1);
	buf_add_str(&json, "{\"page\": [");
	for (int i = 0; i < page->records.n; i++) {
		page->records.items[i] = new_record(no * SIM_MOST_RECORDS + i);
		buf_add_str(&json, i == 0 ? "" : ", ");
		buf_add_text(&json, page->records.items[i].bytes);
	}
	buf_add_str(&json, "]}");
	struct text bytes = kept(json.data);
	buf_release(&json);
	page->bytes = bytes.ptr;
	return bytes;
}

struct sim_records records_of(const struct sim_message *message)
{
	for (int i = 0; i < n_pages; i++)
		if (pages[i].bytes == message->bytes && message->bytes != NULL)
			return pages[i].records;
	const struct sim_record alone = {.kind = message->bytes == NULL ? SIM_RECORD_TOMBSTONE : SIM_RECORD_REJECTED,
	                                 .bytes = {message->bytes, message->len}};
	return (struct sim_records){{alone}, 1};
}

/* A mapping takes time, and after 10 ms of it a message waits for the next turn of the loop. */
enum mapped_verdict __real_mapping_run(struct mapping *mapping, const struct mapping_record *record, int64_t now_us,
                                       struct arena *arena, struct mapped *mapped_out);
enum mapped_verdict __wrap_mapping_run(struct mapping *mapping, const struct mapping_record *record, int64_t now_us,
                                       struct arena *arena, struct mapped *mapped_out);

enum mapped_verdict __wrap_mapping_run(struct mapping *mapping, const struct mapping_record *record, int64_t now_us,
                                       struct arena *arena, struct mapped *mapped_out)
{
	sim_spend(sim_chance(300) ? sim_between(2000, 12000) : 30);
	return __real_mapping_run(mapping, record, now_us, arena, mapped_out);
}
