#include "desk.h"

#include "adapters/zone/zone.h"
#include "fuzz.h"

static const char policies_json[] =
        "{\"revisions\": [{\"id\": \"a\", \"resume_on_reply\": [\"wait\"], \"calendars\": {"
        "\"always\": {\"always\": true},"
        "\"berlin\": {\"time_zone\": \"Europe/Berlin\", \"working_day\": \"8h\", \"weekly\": {"
        "\"mon\": [\"09:00-17:00\"], \"thu\": [\"00:00-12:00\", \"13:00-24:00\"], \"fri\": [\"00:30-03:00\"]},"
        "\"days\": {\"2026-01-02\": [\"01:00-02:00\"]}}},"
        "\"policies\": [{\"name\": \"one\", \"match\": {\"priority\": [\"1\"]}, \"targets\": {"
        "\"first_response\": {\"within\": \"10m\", \"calendar\": \"berlin\", \"warn_at\": [\"50%\"],"
        " \"escalate_after\": [\"5m\", \"1h\"], \"pause_on\": [\"wait\", \"\"]},"
        "\"next_response\": {\"within\": \"20m\", \"calendar\": \"always\"},"
        "\"arrival\": {\"within\": \"30m\", \"calendar\": \"always\", \"warn_at\": [\"10m before\"]},"
        "\"resolution\": {\"within\": \"1h\", \"calendar\": \"berlin\", \"pause_on\": [\"wait\"],"
        " \"warn_at\": [\"80%\", \"5m before\"]}}},"
        "{\"name\": \"two\", \"match\": {\"priority\": [\"2\"]}, \"targets\": {"
        "\"first_response\": {\"within\": \"5m\", \"calendar\": \"always\"},"
        "\"resolution\": {\"within\": \"100m\", \"calendar\": \"always\", \"reopen\": \"continue\","
        " \"pause_on\": [\"wait\"], \"escalate_after\": [\"10m\"]}}},"
        "{\"name\": \"three\", \"match\": {\"priority\": [\"3\"]}, \"targets\": {"
        "\"resolution\": {\"within\": \"1wd\", \"calendar\": \"berlin\"}}}]}]}";

struct policy_set *desk_policies(void)
{
	struct file_errors errors;
	struct policy_set *set = policy_set_parse(TEXT(policies_json), zone_find, &errors);
	for (size_t i = 0; i < errors.n; i++)
		fprintf(stderr, "%.*s: %.*s\n", (int)errors.items[i].path.len, errors.items[i].path.ptr,
		        (int)errors.items[i].message.len, errors.items[i].message.ptr);
	file_errors_release(&errors);
	CHECK(set != NULL);
	set->revisions[0].revision_no = 1;
	return set;
}

static struct text word(const char *const words[4], uint32_t *choice)
{
	const char *chosen = words[*choice % 4];
	*choice /= 4;
	return text_of(chosen);
}

struct ticket_event desk_event(struct text ticket_id, struct text id, int64_t minutes, uint32_t choice)
{
	static const char *const agents[4] = {NULL, "ann", "bob", "cai"}, *const priorities[4] = {"1", "2", "3", "9"},
	                         *const reasons[4] = {"", "wait", "other", "wait"},
	                         *const projects[4] = {"p", "q", NULL, ""};
	struct ticket_event event;
	ticket_event_init(&event);
	event.ticket_id = ticket_id;
	event.source = TEXT("/desk");
	event.id = id;
	event.type = (enum event_type)(choice % EVENT_N_TYPES);
	choice /= EVENT_N_TYPES;
	event.occurred_us = DESK_T0_US + minutes * 60 * US_PER_SECOND;
	uint32_t texts = event_type_texts(event.type);
	if (texts >> EVENT_AGENT_ID & 1)
		event.texts[EVENT_AGENT_ID] = word(agents, &choice);
	if (texts >> EVENT_PRIORITY & 1)
		event.texts[EVENT_PRIORITY] = word(priorities, &choice);
	if (texts >> EVENT_PROJECT_ID & 1)
		event.texts[EVENT_PROJECT_ID] = word(projects, &choice);
	if (event.type == EVENT_PAUSED)
		event.texts[EVENT_REASON] = word(reasons, &choice);
	if (event.type == EVENT_SURVEY) {
		event.score_micros = choice % 6 * INT64_C(1000000);
		event.kind = (uint8_t)(1 + choice / 6 % 3);
	}
	if (event.type == EVENT_CLOSED || event.type == EVENT_RESPONDED)
		event.automatic = (uint8_t)(choice % 3);
	if (event.type == EVENT_CLOSED || event.type == EVENT_RESOLVED)
		event.resolution = (uint8_t)(choice / 3 % 5);
	if (event.type == EVENT_OPENED && choice % 8 == 0)
		event.times[EVENT_RESOLUTION_DUE_AT] = event.occurred_us + (1 + choice % 90) * 60 * US_PER_SECOND;
	return event;
}
