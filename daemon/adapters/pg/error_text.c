#include "adapters/pg/error_text.h"

#include <string.h>

#include "kpid/base/sqlstate.h"

const char *pg_sqlstate_of(const PGresult *result)
{
	return PQresultErrorField(result, PG_DIAG_SQLSTATE);
}

bool pg_has_sqlstate(const PGresult *result, const char *sqlstate)
{
	const char *found = pg_sqlstate_of(result);
	return found != NULL && strcmp(found, sqlstate) == 0;
}

bool pg_is_collision(const PGresult *result)
{
	return pg_has_sqlstate(result, SQLSTATE_NOT_UNIQUE) || pg_has_sqlstate(result, SQLSTATE_DEADLOCK);
}

void pg_add_refusal(struct buf *out, const PGresult *result)
{
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY), *sqlstate = pg_sqlstate_of(result);
	if (message == NULL)
		pg_add_message(out, PQresultErrorMessage(result));
	else
		buf_add_str(out, message);
	if (sqlstate != NULL)
		buf_add_format(out, " (%s)", sqlstate);
}

/* Hints of libpq ("Is the server running…?") begin with a tab, its source locations with LOCATION. */
static bool is_useful(struct text line)
{
	static const struct text location = {"LOCATION:", 9};
	return line.len > 0 && line.ptr[0] != '\t' &&
	       (line.len < location.len || memcmp(line.ptr, location.ptr, location.len) != 0);
}

void pg_add_message(struct buf *out, const char *message)
{
	size_t before = out->len_bytes;
	while (*message != '\0') {
		struct text line = {message, (uint32_t)strcspn(message, "\n")};
		message += line.len;
		message += *message == '\n';
		if (!is_useful(line))
			continue;
		if (out->len_bytes > before)
			buf_add_str(out, "; ");
		buf_add_text(out, line);
	}
	if (out->len_bytes == before)
		buf_add_str(out, "libpq failed without an error message");
}

void pg_add_remedy(struct buf *out, const char *sqlstate, const char *user, const char *needed)
{
	const char *remedy = sql_remedy_of(sqlstate);
	if (remedy != NULL && user != NULL && strcmp(sqlstate, SQLSTATE_NO_RIGHT) == 0)
		buf_add_format(out, "; the role \"%s\" lacks this privilege: GRANT %s TO \"%s\"", user, needed, user);
	else if (remedy != NULL)
		buf_add_format(out, "; %s", remedy);
}
