#include "cli/dry_verdicts.h"

#include <inttypes.h>
#include <stdlib.h>

#include "cli/policy_file.h"
#include "cli/term.h"
#include "kpid/base/memory.h"
#include "kpid/core/ticket.h"

enum { SHOWN_BREACHES = 20, N_VERDICTS = VERDICT_BREACHED + 1, KEEP_BYTES = 1 << 20 };

#define FCR_WINDOW_US (INT64_C(7) * 24 * 3600 * 1000000) /* verdicts do not depend on it */

struct dry_event {
	struct ticket_event event;
	struct text canonical; /* its content (E2) */
};

struct counting {
	struct buf *out;
	struct arena arena; /* of one ticket */
	struct fold_rules rules;
	int64_t as_of_us, n_tickets, n_unmatched, n_breaches;
	int64_t n[TARGET_N][N_VERDICTS];
};

int dry_verdicts_open(struct dry_verdicts *verdicts, const char *policy_path)
{
	struct config_errors errors = CONFIG_ERRORS_INIT;
	*verdicts = (struct dry_verdicts){.policies = NULL};
	arena_init(&verdicts->arena);
	verdicts->policies = policy_file_read(policy_path, false, &errors, NULL);
	if (verdicts->policies == NULL)
		cli_print_errors(&errors);
	config_errors_release(&errors);
	return verdicts->policies == NULL ? CLI_CONFIG : CLI_OK;
}

void dry_verdicts_release(struct dry_verdicts *verdicts)
{
	if (verdicts->policies != NULL)
		policy_set_free(verdicts->policies);
	arena_release(&verdicts->arena);
	free(verdicts->events);
}

/* ---- events ---- */

void dry_verdicts_add(struct dry_verdicts *verdicts, const struct ticket_event *event)
{
	struct arena *arena = &verdicts->arena;
	struct buf canonical = BUF_INIT;
	if (verdicts->n == verdicts->capacity) {
		verdicts->capacity = verdicts->capacity == 0 ? 256 : 2 * verdicts->capacity;
		verdicts->events = mem_realloc(verdicts->events, verdicts->capacity * sizeof(*verdicts->events));
	}
	struct dry_event *kept = &verdicts->events[verdicts->n++];
	kept->event = *event;
	kept->event.ticket_id = arena_text(arena, event->ticket_id);
	kept->event.source = arena_text(arena, event->source);
	kept->event.id = arena_text(arena, event->id);
	kept->event.sequence = arena_text(arena, event->sequence);
	for (size_t i = 0; i < EVENT_N_TEXTS; i++)
		kept->event.texts[i] = arena_text(arena, event->texts[i]);
	ticket_event_canonical(event, &canonical);
	kept->canonical = arena_text(arena, buf_text(&canonical));
	buf_release(&canonical);
}

/* By ticket, identity and content: of an identity, the smallest content counts (E2). */
static int compare_identities(const void *left, const void *right)
{
	const struct dry_event *a = left, *b = right;
	int order = text_compare(a->event.ticket_id, b->event.ticket_id);
	if (order == 0)
		order = text_compare(a->event.source, b->event.source);
	if (order == 0)
		order = text_compare(a->event.id, b->event.id);
	return order != 0 ? order : text_compare(a->canonical, b->canonical);
}

static int compare_events(const void *left, const void *right)
{
	return ticket_event_order(*(const struct ticket_event *const *)left,
	                          *(const struct ticket_event *const *)right);
}

/* ---- tickets ---- */

static void count_clock(struct counting *counting, struct text ticket_id, const struct sla_clock *clock)
{
	counting->n[clock->target][clock->verdict]++;
	if (clock->verdict != VERDICT_BREACHED || counting->n_breaches++ >= SHOWN_BREACHES)
		return;
	buf_add_str(counting->out, counting->n_breaches == 1 ? "breaches:\n  " : "  ");
	term_escape(counting->out, ticket_id);
	buf_add_format(counting->out, " %s %" PRIu32 ", due ", sla_target_name(clock->target), clock->n);
	term_time(counting->out, clock->breached_us);
	buf_add_str(counting->out, " UTC\n");
}

static void judge(struct counting *counting, const struct ticket_event **events, size_t n)
{
	static const struct fold_pin no_pin = {NULL, TIME_NONE};
	struct ticket ticket;
	arena_clear(&counting->arena, KEEP_BYTES);
	qsort(events, n, sizeof(*events), compare_events);
	ticket_fold(events, n, &counting->rules, &no_pin, counting->as_of_us, NULL, &counting->arena, &ticket);
	counting->n_tickets++;
	counting->n_unmatched += ticket.policy == NULL;
	for (size_t i = 0; i < ticket.n_clocks; i++)
		count_clock(counting, events[0]->ticket_id, &ticket.clocks[i]);
}

static void judge_all(struct counting *counting, const struct dry_verdicts *verdicts)
{
	const struct ticket_event **events = mem_alloc((verdicts->n + 1) * sizeof(*events));
	for (size_t i = 0, n; i < verdicts->n;) {
		const struct ticket_event *first = &verdicts->events[i].event;
		for (n = 0; i < verdicts->n && text_equal(verdicts->events[i].event.ticket_id, first->ticket_id); i++) {
			const struct ticket_event *event = &verdicts->events[i].event;
			if (n == 0 || !ticket_event_same_identity(events[n - 1], event))
				events[n++] = event;
		}
		judge(counting, events, n);
	}
	free(events);
}

void dry_verdicts_write(struct dry_verdicts *verdicts, int64_t as_of_us, struct buf *out)
{
	struct counting counting = {.out = out, .as_of_us = as_of_us, .rules = {verdicts->policies, FCR_WINDOW_US}};
	arena_init(&counting.arena);
	if (verdicts->n > 1)
		qsort(verdicts->events, verdicts->n, sizeof(*verdicts->events), compare_identities);
	judge_all(&counting, verdicts);
	if (counting.n_breaches > SHOWN_BREACHES)
		buf_add_format(out, "  and %" PRId64 " more\n", counting.n_breaches - SHOWN_BREACHES);
	buf_add_format(out, "verdicts of %" PRId64 " tickets, %" PRId64 " of them under no policy:\n",
	               counting.n_tickets, counting.n_unmatched);
	for (enum sla_target target = 0; target < TARGET_N; target++) {
		const int64_t *n = counting.n[target];
		if (n[VERDICT_MET] + n[VERDICT_BREACHED] + n[VERDICT_PENDING] + n[VERDICT_NONE] > 0)
			buf_add_format(out,
			               "  %-15s %8" PRId64 " met  %8" PRId64 " breached  %8" PRId64
			               " pending  %8" PRId64 " not judged\n",
			               sla_target_name(target), n[VERDICT_MET], n[VERDICT_BREACHED], n[VERDICT_PENDING],
			               n[VERDICT_NONE]);
	}
	arena_release(&counting.arena);
}
