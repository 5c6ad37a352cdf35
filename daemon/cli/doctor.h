/* kpid doctor: what is wrong around the daemon, and what to do. */
#ifndef KPID_CLI_DOCTOR_H
#define KPID_CLI_DOCTOR_H

#include <jansson.h>

#include "cli/cli.h"
#include "cli/pg_sync.h"

enum doctor_level { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };

struct doctor {
	const struct cli *cli;
	const struct kpid_config *config;
	struct pg_sync sync;
	bool has_tables;  /* connected, and at this program's version */
	json_t *findings; /* in the order of looking */
	int64_t n[DOCTOR_FAIL + 1];
};

/* check: one word, such as "topics"; advice "" for what is fine. */
void doctor_say(struct doctor *doctor, const char *check, enum doctor_level level, struct text what,
                struct text advice);
void doctor_format(struct doctor *doctor, const char *check, enum doctor_level level, const char *advice,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));

void doctor_look_at_files(struct doctor *doctor);    /* policies and receivers */
void doctor_look_at_database(struct doctor *doctor); /* connects */
void doctor_look_at_kafka(struct doctor *doctor);    /* after the database */

#endif
