/* kpid appraisal: its actions. Each returns an enum cli_status. */
#ifndef KPID_CLI_APPRAISAL_H
#define KPID_CLI_APPRAISAL_H

#include <jansson.h>

#include "cli/cli.h"
#include "cli/pg_sync.h"
#include "kpid/base/buf.h"
#include "kpid/core/appraisal.h"

enum appraisal_language { APPRAISAL_EN, APPRAISAL_ZH };

/* An option with a value that is passed on as it is. */
enum appraisal_option {
	APPRAISAL_PLAN_FILE,
	APPRAISAL_WHY,
	APPRAISAL_BY,
	APPRAISAL_IN,
	APPRAISAL_LEVEL,
	APPRAISAL_EXCLUDE,
	APPRAISAL_INDICATOR,
	APPRAISAL_POINTS,
	APPRAISAL_UNDO,
	APPRAISAL_TEXT,
	APPRAISAL_TARGET,
	APPRAISAL_UNTIL,
	APPRAISAL_N_VALUES
};

enum { APPRAISAL_MOST_ARGUMENTS = 4, APPRAISAL_MOST_TICKETS = 100 };

/* What follows the action on the command line. */
struct appraisal_request {
	const char *arguments[APPRAISAL_MOST_ARGUMENTS]; /* NULL: not given */
	enum appraisal_language language;                /* --lang */
	const char *values[APPRAISAL_N_VALUES];          /* NULL: not given */
	const char *tickets[APPRAISAL_MOST_TICKETS];     /* --ticket, in order */
	size_t n_tickets;
	bool all;   /* --all */
	bool early; /* --early */
};

int appraisal_check(struct cli *cli, const struct appraisal_request *request);
int appraisal_show(struct cli *cli, const struct appraisal_request *request);
int appraisal_diff(struct cli *cli, const struct appraisal_request *request);
int appraisal_apply(struct cli *cli, const struct appraisal_request *request);
int appraisal_roster(struct cli *cli, const struct appraisal_request *request);
int appraisal_preview(struct cli *cli, const struct appraisal_request *request);
int appraisal_explain(struct cli *cli, const struct appraisal_request *request);
int appraisal_report(struct cli *cli, const struct appraisal_request *request);
int appraisal_refresh(struct cli *cli, const struct appraisal_request *request);
int appraisal_close(struct cli *cli, const struct appraisal_request *request);
int appraisal_restate(struct cli *cli, const struct appraisal_request *request);
int appraisal_cards(struct cli *cli, const struct appraisal_request *request);
int appraisal_verify(struct cli *cli, const struct appraisal_request *request);
int appraisal_drift(struct cli *cli, const struct appraisal_request *request);
int appraisal_adjust(struct cli *cli, const struct appraisal_request *request);
int appraisal_enter(struct cli *cli, const struct appraisal_request *request);
int appraisal_appeal(struct cli *cli, const struct appraisal_request *request);
int appraisal_withdraw(struct cli *cli, const struct appraisal_request *request);
int appraisal_appeals(struct cli *cli, const struct appraisal_request *request);
int appraisal_decide(struct cli *cli, const struct appraisal_request *request);
int appraisal_page(struct cli *cli, const struct appraisal_request *request);
int appraisal_access(struct cli *cli, const struct appraisal_request *request);
int appraisal_note(struct cli *cli, const struct appraisal_request *request);
int appraisal_notes(struct cli *cli, const struct appraisal_request *request);
int appraisal_acknowledge(struct cli *cli, const struct appraisal_request *request);
int appraisal_finish(struct cli *cli, const struct appraisal_request *request);
int appraisal_forget(struct cli *cli, const struct appraisal_request *request);
int appraisal_pseudonyms(struct cli *cli, const struct appraisal_request *request);

/* Reads a plan file. NULL after adding errors. Warnings are added in both cases; NULL: they are dropped. */
struct appraisal_set *appraisal_file_read(const char *path, const struct appraisal_limits *limits,
                                          struct config_errors *errors, struct config_errors *warnings);
/* The same, with the limits of the database. Returns CLI_OK and the set, or another status after printing why. */
int appraisal_file_read_for(struct pg_sync *sync, const char *path, struct appraisal_set **set_out);
/* The checked plan file of --plan as JSON (caller frees it), or NULL without one. *status_out: CLI_OK, or what the
 * command returns after the errors were printed. */
char *appraisal_plan_file(struct pg_sync *sync, const char *path, int *status_out);
/* A document of the schema appraisal; its numbers become strings with the same digits, because doubles would change
 * them. The caller calls json_decref(). */
json_t *appraisal_document(struct text json);
/* Prints the cards of a document as of appraisal.preview() or appraisal.closed(). */
void appraisal_print_cards(const json_t *document);
/* Runs a query whose one row has a JSON document in a column. Prints the document with --json; otherwise print does,
 * whose status is returned in both cases: it says nothing if quiet. */
typedef int appraisal_print(const json_t *document, bool quiet);
int appraisal_query(struct pg_sync *sync, const char *query, const struct pg_param *params, int n_params, int column,
                    appraisal_print *print);
/* The member of a document as text; "–" if it is null. */
struct text appraisal_member(const json_t *object, const char *key);
/* Appends how an indicator is scored, as one line. */
void appraisal_describe_score(const json_t *indicator, enum appraisal_language language, struct buf *out);
/* Appends one plan of a document in words, with its numbers as texts. */
void appraisal_describe_plan(const json_t *plan, enum appraisal_language language, struct buf *out);
/* Appends the plans of a set in words. */
void appraisal_describe(const struct appraisal_set *set, enum appraisal_language language, struct buf *out);

#endif
