/* What several actions send and print: adjustments of closed cards, tickets, and cards line by line. */
#ifndef KPID_CLI_APPRAISAL_CHANGE_H
#define KPID_CLI_APPRAISAL_CHANGE_H

#include <jansson.h>

#include "cli/appraisal.h"

/* The adjustment of --exclude, --indicator, --points and --undo. An empty object if none is given. */
json_t *appraisal_change(const struct appraisal_request *request);
/* The values of --ticket as a JSON list, which the caller frees. */
char *appraisal_tickets(const struct appraisal_request *request);
/* Whether this is the number of an appeal or a note. */
bool appraisal_is_number(const char *text);
/* Prints a card with its plan, an object with the members plan and card, line by line. */
void appraisal_print_card(const json_t *entry, enum appraisal_language language);
/* Prints coaching notes as a table below a heading; nothing if there are none. */
void appraisal_print_notes(const json_t *notes);
/* Prints what an adjustment did, as one line. */
void appraisal_print_adjustment(const json_t *done);

#endif
