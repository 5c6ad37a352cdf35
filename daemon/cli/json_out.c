#include "cli/json_out.h"

#include <stdio.h>

#include "cli/term.h"
#include "kpid/core/timestamp.h"

json_t *json_of_text(struct text t)
{
	if (text_is_absent(t))
		return json_null();
	json_t *string = json_stringn(t.ptr, t.len);
	if (string != NULL)
		return string;
	struct buf escaped = BUF_INIT;
	term_escape(&escaped, t);
	string = json_stringn(buf_text(&escaped).ptr, escaped.len_bytes);
	buf_release(&escaped);
	return string;
}

json_t *json_of_name(struct text t)
{
	return json_of_text(text_is_empty(t) ? TEXT_ABSENT : t);
}

json_t *json_of_time(int64_t us)
{
	char text[TIMESTAMP_TEXT_BYTES];
	if (us == TIME_NONE)
		return json_null();
	return json_stringn(text, timestamp_format(us, text));
}

void json_print(json_t *json)
{
	json_dumpf(json, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(json);
}
