/* The policy file (rules P): revisions, policies, targets. Immutable once parsed; a reload replaces the whole set. */
#ifndef KPID_CORE_POLICY_H
#define KPID_CORE_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/arena.h"
#include "kpid/base/text.h"
#include "kpid/core/calendar.h"
#include "kpid/core/event.h"
#include "kpid/core/file_errors.h"
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
	bool always;            /* around the clock; nothing below is set */
	struct text time_zone;  /* IANA name */
	int64_t working_day_us; /* length of one `wd`; 0: not defined */
	struct calendar *hours;
	bool has_errors; /* has an error: during parsing, errors that follow from it are not reported */
	struct policy_calendar *next;
};

/* When a running clock causes a warning (rule S8). */
struct warning_rule {
	bool before; /* true: `us` before the due time, in wall-clock time; false: when the clock has run for `us` */
	int64_t us;
};

#define TARGET_MAX_WARNINGS 32

struct target_rule {
	bool present;
	const struct policy_calendar *calendar; /* NULL: "always", which needs no definition */
	int64_t within_us;                      /* > 0, at most 366 days */
	struct text_list pause_on;              /* reasons of pauses that stop this clock; "": no reason given */
	bool reopen_continue;                   /* resolution only: "reopen": "continue" */
	const struct warning_rule *warnings;
	size_t n_warnings;             /* at most TARGET_MAX_WARNINGS */
	const int64_t *escalations_us; /* times after the breach, ascending */
	size_t n_escalations;
};

struct policy_match {
	bool present;              /* false: any value matches */
	struct text_list patterns; /* see policy_pattern_holds() */
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
	int64_t effective_from_us; /* INT64_MIN: no start */
	struct text_list resume_on_reply;
	struct policy_calendar *calendars; /* in the order of the file */
	const struct policy *policies;
	size_t n_policies;
	struct text json;    /* this revision as compact JSON with sorted keys: stored and hashed in this form */
	int32_t revision_no; /* kpid.policy_revision.revision_no; 0 before it is stored */
};

struct policy_set {
	struct policy_revision *revisions; /* by effective_from_us, ascending */
	size_t n_revisions;
	bool borrows;       /* the revisions point into other sets, which must outlive this one */
	struct arena arena; /* owns everything above; if borrows, only the list of revisions */
};

/* Parses and checks a whole file and reports all errors at once. find_zone: looks up time zones of calendars. Returns
 * the set (free with policy_set_free()), or NULL with at least one error. In both cases the caller must call
 * file_errors_release(). An empty text is an error; for "no policy" use policy_set_empty(). */
struct policy_set *policy_set_parse(struct text json, zone_find_fn *find_zone, struct file_errors *errors_out);
/* As policy_set_parse(), but stricter: a policy that no ticket can reach, because an earlier one matches all of its
 * tickets, is an error, too. */
struct policy_set *policy_set_check(struct text json, zone_find_fn *find_zone, struct file_errors *errors_out);
struct policy_set *policy_set_empty(void);
/* A set that borrows n_revisions revisions from other sets. The caller fills them in, ordered by effective_from. */
struct policy_set *policy_set_of(size_t n_revisions);
void policy_set_free(struct policy_set *set); /* NULL is fine */

/* Parses one stored revision (policy_revision.json) as a set of one. NULL if it has errors. */
struct policy_set *policy_revision_parse(struct text json, zone_find_fn *find_zone, struct file_errors *errors_out);

/* Rule S1: the revision with the greatest effective_from <= opened_us; NULL if there is none. */
const struct policy_revision *policy_set_at(const struct policy_set *set, int64_t opened_us);
/* '*' matches any run of characters, and every other character itself. An absent or empty text is matched by the
 * pattern "" only. */
bool policy_pattern_holds(struct text pattern, struct text text);
/* True if `policy` surely matches every ticket that `other` matches. */
bool policy_covers(const struct policy *policy, const struct policy *other);
/* The first attribute (enum event_text) that the policy's `match` rejects; -1: the policy matches. */
int policy_mismatch(const struct policy *policy, const struct text attributes[EVENT_N_ATTRIBUTES]);
/* The first policy that matches the attributes; NULL if none does. An empty attribute counts as absent. */
const struct policy *policy_revision_match(const struct policy_revision *revision,
                                           const struct text attributes[EVENT_N_ATTRIBUTES]);
/* The hours in which a clock of the target runs; NULL: around the clock. */
struct calendar *target_hours(const struct target_rule *rule);
bool text_list_has(struct text_list list, struct text word); /* exact match; an absent word counts as "" */

#endif
