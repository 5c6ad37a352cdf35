#include <stdio.h>

#include "adapters/pg/rows.h"
#include "cli/backlog.h"
#include "kpid/core/backlog.h"

bool backlog_look(struct pg_sync *sync, struct catch_up_sample *sample_out, bool *is_read_out)
{
	char short_us[24];
	snprintf(short_us, sizeof(short_us), "%d", BACKLOG_SHORT_US);
	const struct pg_param param = pg_param_c_string(short_us);
	PGresult *row = pg_sync_query(sync, "queries/backlog.sql", &param, 1);
	if (row == NULL)
		return false;
	*sample_out = (struct catch_up_sample){
	        .at_us = pg_get_int8(row, 0, BACKLOG_NOW_US),
	        .n_read = pg_get_int8(row, 0, BACKLOG_N_READ),
	        .n_left = pg_get_int8(row, 0, BACKLOG_N_LEFT),
	        .n_unknown = pg_get_int8(row, 0, BACKLOG_N_UNKNOWN),
	        .scope = (uint64_t)pg_get_int8(row, 0, BACKLOG_N_KNOWN),
	};
	*is_read_out = backlog_is_read(pg_get_int8(row, 0, BACKLOG_N_LASTING), BACKLOG_SHORT_US);
	PQclear(row);
	return true;
}
