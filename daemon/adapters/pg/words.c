#include "adapters/pg/words.h"

#include <string.h>

#include "kpid/base/sqlstate.h"

#define SQLSTATE_NO_RIGHT "42501"

const char *pg_sqlstate_of(const PGresult *result)
{
	return PQresultErrorField(result, PG_DIAG_SQLSTATE);
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

/* A hint of libpq ("Is the server running…?") begins with a tab; its own source lines are of no use to anybody else. */
static bool is_of_use(struct text line)
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
		if (!is_of_use(line))
			continue;
		if (out->len_bytes > before)
			buf_add_str(out, "; ");
		buf_add_text(out, line);
	}
	if (out->len_bytes == before)
		buf_add_str(out, "libpq could not ask PostgreSQL, and does not say why");
}

void pg_add_remedy(struct buf *out, const char *sqlstate, const char *role)
{
	const char *remedy = sql_remedy_of(sqlstate);
	if (remedy != NULL && role != NULL && strcmp(sqlstate, SQLSTATE_NO_RIGHT) == 0)
		buf_add_format(
		        out,
		        "; the role \"%s\" lacks this right: GRANT kpid_writer TO \"%s\" (kpid_reader for reports, "
		        "kpid_operator to act on alerts)",
		        role, role);
	else if (remedy != NULL)
		buf_add_format(out, "; %s", remedy);
}
