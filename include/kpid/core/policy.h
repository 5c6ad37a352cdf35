/* The policy file (RULES P): revisions, policies, targets. Immutable once parsed; swapped whole. */
#ifndef KPID_CORE_POLICY_H
#define KPID_CORE_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/arena.h"
#include "kpid/base/text.h"
#include "kpid/core/calendar.h"
#include "kpid/core/event.h"
#include "kpid/port/zone.h"

enum sla_target { TARGET_FIRST_RESPONSE, TARGET_NEXT_RESPONSE, TARGET_ARRIVAL, TARGET_RESOLUTION, TARGET_N };

const char *sla_target_name(enum sla_target target); /* "first_response" */

struct text_list {
	const struct text *items;
	size_t n;
};

/* A calendar of a revision, under its name. */
struct policy_calendar {
	struct text name;
	bool always;            /* it never rests; nothing below is set */
	struct text time_zone;  /* IANA name */
	int64_t working_day_us; /* what one `wd` stands for; 0: not said */
	struct calendar *hours;
	bool faulty; /* while a file is read: more of it need not be said */
	struct policy_calendar *next;
};

/* When a clock that still runs is to be warned about (RULES S8). */
struct warning_rule {
	bool before; /* us before the due time, by the wall; else: once the clock has run for us */
	int64_t us;
};

#define TARGET_MAX_WARNINGS 32

struct target_rule {
	bool present;
	const struct policy_calendar *calendar; /* NULL: "always", without a definition */
	int64_t within_us;                      /* > 0, at most 366 days */
	struct text_list pause_on;              /* reasons that stop this clock; "" is the pause without a reason */
	bool reopen_continue;                   /* resolution only: "reopen": "continue" */
	const struct warning_rule *warnings;
	size_t n_warnings;             /* at most TARGET_MAX_WARNINGS */
	const int64_t *escalations_us; /* so long after the breach, ascending */
	size_t n_escalations;
};

struct policy_match {
	bool present;              /* false: this attribute is not asked about */
	struct text_list patterns; /* '*' matches any run of characters; "" an absent attribute */
};

/* The attributes that `match` may name, by enum event_text: EVENT_PROJECT_ID .. EVENT_TEAM_ID. */
#define POLICY_N_MATCHES 5

struct policy {
	struct text name;
	struct policy_match match[POLICY_N_MATCHES];
	struct target_rule targets[TARGET_N];
};

struct policy_revision {
	struct text id;
	int64_t effective_from_us; /* INT64_MIN: reaches back for ever */
	struct text_list resume_on_reply;
	struct policy_calendar *calendars; /* those with hours or defined as always, in the order of the file */
	const struct policy *policies;
	size_t n_policies;
	struct text json;    /* this revision's object alone, compact, keys sorted: what is stored and hashed */
	int32_t revision_no; /* kpid.policy_revision.revision_no; 0 before it is stored */
};

struct policy_set {
	struct policy_revision *revisions; /* by effective_from_us, ascending */
	size_t n_revisions;
	bool borrows;       /* what the revisions point to belongs to other sets, which outlive this one */
	struct arena arena; /* owns everything above, or the list of revisions alone */
};

struct policy_fault {
	struct text path;    /* "revisions[0].policies[1].targets.resolution.within" */
	int line;            /* 1.. in the file; 0 if unknown */
	struct text message; /* what is wrong and what to write instead */
};

struct policy_faults {
	struct policy_fault *items;
	size_t n, capacity;
	struct policy_fault *warnings; /* what is legal but may not be what was meant; a set may have some */
	size_t n_warnings, warnings_capacity;
	struct arena arena;
};

/* Parses and checks a whole file: all faults at once. find_zone: where zones of calendars come from.
 * Returns the set (free with policy_set_free()) or NULL with at least one fault. Either way the caller
 * ends with policy_faults_release(). An empty text is a fault; policy_set_empty() is "no policy". */
struct policy_set *policy_set_parse(struct text json, zone_find_fn *find_zone, struct policy_faults *faults_out);
/* As policy_set_parse(), and what is legal but surely not meant is a fault, too: policies that an earlier one leaves
 * nothing. */
struct policy_set *policy_set_check(struct text json, zone_find_fn *find_zone, struct policy_faults *faults_out);
struct policy_set *policy_set_empty(void);
/* For copies of so many revisions of other sets, to be filled in by effective_from. */
struct policy_set *policy_set_of(size_t n_revisions);
void policy_set_free(struct policy_set *set); /* NULL is fine */
void policy_faults_release(struct policy_faults *faults);

/* One stored revision's object (policy_revision.json) as a set of one. NULL if it does not parse. */
struct policy_set *policy_revision_parse(struct text json, zone_find_fn *find_zone, struct policy_faults *faults_out);

/* RULES S1: the revision with the greatest effective_from <= opened_us; NULL if there is none. */
const struct policy_revision *policy_set_at(const struct policy_set *set, int64_t opened_us);
/* '*' matches any run of characters of a present text; "" an absent or empty one. */
bool policy_pattern_holds(struct text pattern, struct text text);
/* True if whatever one policy matches is matched by the other. */
bool policy_covers(const struct policy *policy, const struct policy *other);
/* The first attribute, by enum event_text, for which a policy's match does not hold; -1: it holds. */
int policy_mismatch(const struct policy *policy, const struct text attributes[EVENT_N_ATTRIBUTES]);
/* The first policy whose match holds for the attributes (absent or empty: not there); NULL if none. */
const struct policy *policy_revision_match(const struct policy_revision *revision,
                                           const struct text attributes[EVENT_N_ATTRIBUTES]);
/* The hours in which a clock of the target runs; NULL: always. */
struct calendar *target_hours(const struct target_rule *rule);
bool text_list_has(struct text_list list, struct text word); /* whole words; absent counts as "" */

#endif
