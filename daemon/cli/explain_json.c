/* Writes an explanation as JSON. Sums are integers, in microseconds or millionths, as in kpid.agent_kpi_5m. */
#include "cli/explain.h"
#include "cli/json_out.h"
#include "kpid/core/dead_letter.h"
#include "kpid/core/timeline.h"

static json_t *json_of_words(const char *words)
{
	return json_of_text(text_of(words));
}

static void set_place(const struct explanation *explanation, json_t *object, int32_t source_no, int64_t offset)
{
	const struct explain_source *source = explanation_source(explanation, source_no);
	json_object_set_new(object, "topic", source == NULL ? json_null() : json_of_text(source->topic));
	json_object_set_new(object, "partition", source == NULL ? json_null() : json_integer(source->partition));
	json_object_set_new(object, "offset", json_integer(offset));
}

/* The event as a CloudEvent; null for a derived step. */
static json_t *json_of_event(const struct explain_step *step)
{
	if (step->derived)
		return json_null();
	struct buf text = BUF_INIT;
	ticket_event_as_cloudevent(&step->event, &text);
	json_t *event = json_loadb(text.data, text.len_bytes, JSON_ALLOW_NUL, NULL);
	buf_release(&text);
	return event == NULL ? json_null() : event;
}

static json_t *json_of_step(const struct explanation *explanation, const struct explain_step *step)
{
	json_t *object = json_object();
	json_object_set_new(object, "at", json_of_time(step->at_us));
	json_object_set_new(object, "type", json_of_words(event_type_name(step->event.type)));
	json_object_set_new(object, "derived", json_boolean(step->derived));
	json_object_set_new(object, "source", json_of_text(step->event.source));
	json_object_set_new(object, "id", json_of_text(step->event.id));
	set_place(explanation, object, step->event.source_no, step->event.source_offset);
	const struct explain_mapping *mapping =
	        explanation_mapping(explanation, step->event.source_no, step->event.source_offset);
	json_object_set_new(object, "mapping", mapping == NULL ? json_null() : json_of_text(mapping->mapping));
	json_object_set_new(object, "mapping_version", mapping == NULL ? json_null() : json_of_text(mapping->version));
	json_object_set_new(object, "effect", json_of_text(step->effect));
	json_object_set_new(object, "state", json_of_words(ticket_state_name(step->state)));
	json_object_set_new(object, "cycle", json_integer(step->cycle));
	json_object_set_new(object, "owner", json_of_name(step->owner_id));
	json_object_set_new(object, "policy", json_of_name(step->policy));
	json_object_set_new(object, "event", json_of_event(step));
	return object;
}

static json_t *json_of_timeline(const struct explanation *explanation, const struct sla_clock *clock)
{
	enum { MOST = 1000 };
	struct arena arena;
	json_t *array = json_array();
	arena_init(&arena);
	int64_t until_us = clock->stopped ? clock->stopped_us : explanation->as_of_us;
	struct timeline line =
	        timeline_of(&explanation->ticket, clock, until_us, explanation_max_pieces(explanation, MOST), &arena);
	for (size_t i = 0; i < line.n; i++) {
		json_t *object = json_object();
		json_object_set_new(object, "state", json_of_words(timeline_kind_name(line.pieces[i].kind)));
		json_object_set_new(object, "from", json_of_time(line.pieces[i].from_us));
		json_object_set_new(object, "to", json_of_time(line.pieces[i].to_us));
		json_object_set_new(object, "reason", json_of_text(line.pieces[i].reason));
		json_object_set_new(object, "ran_us", json_integer(line.pieces[i].ran_us));
		json_array_append_new(array, object);
	}
	arena_release(&arena);
	return array;
}

/* The time zone of its calendar. */
static json_t *json_of_time_zone(const struct sla_clock *clock)
{
	if (clock->policy == NULL || text_is_absent(clock->calendar))
		return json_null();
	return json_of_text(clock->policy->targets[clock->target].calendar->time_zone);
}

static json_t *json_of_clock(const struct explanation *explanation, const struct sla_clock *clock)
{
	bool breached = clock->verdict == VERDICT_BREACHED;
	json_t *object = json_object();
	json_object_set_new(object, "target", json_of_words(sla_target_name(clock->target)));
	json_object_set_new(object, "n", json_integer(clock->n));
	json_object_set_new(object, "cycle", json_integer(clock->cycle));
	json_object_set_new(object, "verdict", json_of_words(sla_verdict_name(clock->verdict)));
	json_object_set_new(object, "promised", json_boolean(clock->promised));
	json_object_set_new(object, "policy", clock->policy == NULL ? json_null() : json_of_name(clock->policy->name));
	json_object_set_new(object, "within_us",
	                    clock->within_us == TIME_NONE ? json_null() : json_integer(clock->within_us));
	json_object_set_new(object, "started_at", json_of_time(clock->start_us));
	json_object_set_new(object, "due_at", json_of_time(clock->due_us));
	json_object_set_new(object, "stopped_at", json_of_time(clock->stopped ? clock->stopped_us : TIME_NONE));
	json_object_set_new(object, "paused", json_boolean(clock->paused));
	json_object_set_new(object, "left_us", clock->paused ? json_integer(clock->left_us) : json_null());
	json_object_set_new(object, "breached_at", json_of_time(clock->breached_us));
	json_object_set_new(object, "cause", breached ? json_of_words(breach_cause_name(clock->cause)) : json_null());
	json_object_set_new(object, "agent", json_of_name(clock->agent_id));
	json_object_set_new(object, "owner_at_breach", json_of_name(clock->owner_at_breach));
	json_object_set_new(object, "project_at_breach", json_of_name(clock->project_at_breach));
	json_object_set_new(object, "calendar", json_of_text(clock->calendar));
	json_object_set_new(object, "time_zone", json_of_time_zone(clock));
	json_object_set_new(object, "warnings", json_integer(clock->n_warnings));
	json_object_set_new(object, "warned_at", json_of_time(clock->warned_us));
	json_object_set_new(object, "level", json_integer(clock->level));
	json_object_set_new(object, "timeline", json_of_timeline(explanation, clock));
	json_t *evidence = json_object();
	set_place(explanation, evidence, clock->evidence_source_no, clock->evidence_offset);
	json_object_set_new(object, "evidence", evidence);
	return object;
}

static json_t *json_of_story(const struct explanation *explanation, const struct explain_alert *alert)
{
	if (!text_same(alert->state, TEXT("voided")))
		return json_null();
	struct buf words = BUF_INIT;
	explanation_add_void(explanation, alert, &words);
	json_t *story = json_of_text(buf_text(&words));
	buf_release(&words);
	return story;
}

static json_t *json_of_alert(const struct explanation *explanation, const struct explain_alert *alert)
{
	json_t *object = json_object();
	json_object_set_new(object, "target", json_of_text(alert->target));
	json_object_set_new(object, "n", json_integer(alert->n));
	json_object_set_new(object, "state", json_of_text(alert->state));
	json_object_set_new(object, "level", json_integer(alert->level));
	json_object_set_new(object, "due_at", json_of_time(alert->due_us));
	json_object_set_new(object, "breached_at", json_of_time(alert->breached_us));
	json_object_set_new(object, "cause", json_of_text(alert->cause));
	json_object_set_new(object, "owner_at_breach", json_of_name(alert->owner_at_breach));
	json_object_set_new(object, "project_id", json_of_name(alert->project_id));
	json_object_set_new(object, "policy", json_of_name(alert->policy));
	json_object_set_new(object, "detected_at", json_of_time(alert->detected_us));
	json_object_set_new(object, "resolved_at", json_of_time(alert->resolved_us));
	json_object_set_new(object, "voided_because", json_of_story(explanation, alert));
	json_object_set_new(object, "unconfirmed", json_boolean(alert->unconfirmed));
	json_object_set_new(object, "delivery", json_of_text(alert->delivery));
	json_object_set_new(object, "revision", json_integer(alert->revision));
	return object;
}

static json_t *json_of_kpi(const struct kpi_row *row)
{
	json_t *object = json_object(), *measures = json_object();
	json_object_set_new(object, "time", json_of_time(row->bucket_us));
	json_object_set_new(object, "agent", json_of_text(row->agent_id));
	for (int i = 0; i < KPI_N_MEASURES; i++) {
		int64_t value = (int64_t)kpi_row_sum(row, (enum kpi_measure)i); /* fits, because it is of one ticket */
		if (value != 0)
			json_object_set_new(measures, kpi_measure_name((enum kpi_measure)i), json_integer(value));
	}
	json_object_set_new(object, "measures", measures);
	return object;
}

static json_t *json_of_conflict(const struct explain_conflict *conflict)
{
	json_t *object = json_object();
	json_object_set_new(object, "topic", json_of_text(conflict->topic));
	json_object_set_new(object, "partition", json_integer(conflict->partition));
	json_object_set_new(object, "offset", json_integer(conflict->offset));
	json_object_set_new(object, "read_at", json_of_time(conflict->read_us));
	json_object_set_new(object, "source", json_of_text(conflict->source));
	json_object_set_new(object, "id", json_of_text(conflict->id));
	json_object_set_new(object, "type", json_of_text(conflict->type));
	json_object_set_new(object, "time", json_of_text(conflict->time));
	return object;
}

/* Each policy with the first attribute that does not match. */
static json_t *json_of_passed_over(const struct explanation *explanation)
{
	const struct ticket *ticket = &explanation->ticket;
	json_t *array = json_array();
	size_t n = explanation_n_passed_over(explanation);
	for (size_t i = 0; i < n; i++) {
		const struct policy *policy = &ticket->revision->policies[i];
		int attribute = policy_mismatch(policy, ticket->attributes);
		json_t *object = json_object();
		json_object_set_new(object, "policy", json_of_text(policy->name));
		json_object_set_new(object, "attribute", json_of_words(event_text_name((enum event_text)attribute)));
		json_object_set_new(object, "value", json_of_name(ticket->attributes[attribute]));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *json_of_set_aside(const struct explain_set_aside *aside)
{
	if (text_is_absent(aside->reason))
		return json_null();
	json_t *object = json_object();
	json_object_set_new(object, "reason", json_of_text(aside->reason));
	json_object_set_new(object, "detail", json_of_text(aside->detail));
	json_object_set_new(object, "events", json_integer(aside->n_events));
	json_object_set_new(object, "since", json_of_time(aside->since_us));
	return object;
}

static void set_header(const struct explanation *explanation, json_t *object)
{
	const struct ticket *ticket = &explanation->ticket;
	json_object_set_new(object, "ticket_id", json_of_text(explanation->ticket_id));
	json_object_set_new(object, "state", json_of_words(ticket_state_name(ticket->state)));
	json_object_set_new(object, "cycle", json_integer(ticket->cycle));
	json_object_set_new(object, "reopen_count", json_integer(ticket->reopen_count));
	json_object_set_new(object, "transfer_count", json_integer(ticket->transfer_count));
	json_object_set_new(object, "owner", json_of_name(ticket->owner_id));
	for (int i = 0; i < EVENT_N_ATTRIBUTES; i++)
		json_object_set_new(object, event_text_name((enum event_text)i), json_of_name(ticket->attributes[i]));
	json_object_set_new(object, "opened_at", json_of_time(ticket->opened_us));
	json_object_set_new(object, "first_response_at", json_of_time(ticket->first_response_us));
	json_object_set_new(object, "policy",
	                    ticket->policy == NULL ? json_null() : json_of_text(ticket->policy->name));
	json_object_set_new(object, "policy_version",
	                    ticket->revision == NULL ? json_null() : json_of_text(ticket->revision->id));
	json_object_set_new(object, "passed_over", json_of_passed_over(explanation));
	json_object_set_new(object, "as_of", json_of_time(explanation->as_of_us));
	json_object_set_new(object, "revised_at", json_of_time(explanation->revised_us));
	json_object_set_new(object, "revision", json_integer(explanation->rev));
	json_object_set_new(object, "agrees_with_record", json_boolean(explanation->agrees));
	json_object_set_new(object, "set_aside", json_of_set_aside(&explanation->set_aside));
}

/* How many items of each list are not shown; null: none. */
static json_t *json_of_cut(const struct explanation *explanation)
{
	const struct {
		const char *name;
		size_t n;
	} cuts[] = {{"events", explain_n_cut(explanation->n_steps)},
	            {"clocks", explain_n_cut(explanation->ticket.n_clocks)},
	            {"kpis", explain_n_cut(explanation->n_kpis)},
	            {"alerts", (size_t)explanation->n_alerts_cut},
	            {"conflicts", (size_t)explanation->n_conflicts_cut}};
	json_t *object = json_object();
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++)
		if (cuts[i].n > 0)
			json_object_set_new(object, cuts[i].name, json_integer((json_int_t)cuts[i].n));
	if (json_object_size(object) > 0)
		return object;
	json_decref(object);
	return json_null();
}

void explanation_write_json(const struct explanation *explanation)
{
	json_t *object = json_object(), *steps = json_array(), *clocks = json_array(), *alerts = json_array();
	json_t *kpis = json_array(), *conflicts = json_array();
	set_header(explanation, object);
	for (size_t i = 0; i < explanation->n_steps; i++)
		if (explain_shows(i, explanation->n_steps))
			json_array_append_new(steps, json_of_step(explanation, explanation->marks[i].step));
	for (size_t i = 0; i < explanation->ticket.n_clocks; i++)
		if (explain_shows(i, explanation->ticket.n_clocks))
			json_array_append_new(clocks, json_of_clock(explanation, &explanation->ticket.clocks[i]));
	for (size_t i = 0; i < explanation->n_alerts; i++)
		json_array_append_new(alerts, json_of_alert(explanation, &explanation->alerts[i]));
	for (size_t i = 0; i < explanation->n_kpis; i++)
		if (explain_shows(i, explanation->n_kpis))
			json_array_append_new(kpis, json_of_kpi(explanation->kpis[i]));
	for (size_t i = 0; i < explanation->n_conflicts; i++)
		json_array_append_new(conflicts, json_of_conflict(&explanation->conflicts[i]));
	json_object_set_new(object, "events", steps);
	json_object_set_new(object, "clocks", clocks);
	json_object_set_new(object, "alerts", alerts);
	json_object_set_new(object, "kpis", kpis);
	json_object_set_new(object, "conflicts", conflicts);
	json_object_set_new(object, "cut", json_of_cut(explanation));
	json_print(object);
}
