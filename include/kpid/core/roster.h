/* The roster (rule I2): who has which role on which days. A CSV file with the columns agent, role, team, since, until,
 * login and leads. */
#ifndef KPID_CORE_ROSTER_H
#define KPID_CORE_ROSTER_H

#include <stddef.h>

#include "kpid/base/arena.h"
#include "kpid/base/text.h"
#include "kpid/core/file_errors.h"

enum roster_column {
	ROSTER_AGENT,
	ROSTER_ROLE,
	ROSTER_TEAM,
	ROSTER_SINCE, /* dates such as 2026-01-31, both included; empty: open */
	ROSTER_UNTIL,
	ROSTER_LOGIN,
	ROSTER_LEADS,
	ROSTER_N_COLUMNS
};

const char *roster_column_name(enum roster_column column);

struct roster_row {
	struct text values[ROSTER_N_COLUMNS]; /* empty: not given */
	int line;
};

struct roster {
	struct roster_row *rows;
	size_t n, capacity;
	struct arena arena; /* owns the texts */
};

/* Parses and checks a whole file, and reports all errors at once, each with the name of the column as its path. Returns
 * the roster (free it with roster_free()), or NULL with at least one error. In both cases the caller must call
 * file_errors_release(). */
struct roster *roster_parse(struct text csv, struct file_errors *errors_out);
void roster_free(struct roster *roster); /* NULL is fine */

#endif
