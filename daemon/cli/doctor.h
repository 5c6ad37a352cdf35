/* kpid doctor: checks everything around the daemon. */
#ifndef KPID_CLI_DOCTOR_H
#define KPID_CLI_DOCTOR_H

#include <jansson.h>

#include "cli/cli.h"
#include "cli/pg_sync.h"

enum doctor_level { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };

struct doctor {
	const struct cli *cli;
	struct kpid_config *config;
	struct pg_sync sync;
	bool has_tables;            /* connected, and the schema is at this program's version */
	json_t *findings;           /* in the order of the checks */
	int64_t n[DOCTOR_FAIL + 1]; /* number of findings of each level */
};

/* Adds a finding. check: its name, such as "topics". advice: what to do; empty for DOCTOR_OK. */
void doctor_say(struct doctor *doctor, const char *check, enum doctor_level level, struct text what,
                struct text advice);
void doctor_format(struct doctor *doctor, const char *check, enum doctor_level level, const char *advice,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));

void doctor_check_files(struct doctor *doctor);    /* configuration, policies and receivers */
void doctor_check_database(struct doctor *doctor); /* connects first */
void doctor_check_openings(struct doctor *doctor); /* of tickets; after doctor_check_database() connected */
void doctor_check_kafka(struct doctor *doctor);    /* after doctor_check_database() */
void doctor_check_hook(struct doctor *doctor);     /* the receiver of webhooks, if the configuration has one */

#endif
