#include "cli/json_out.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/term.h"
#include "kpid/base/memory.h"
#include "kpid/base/printable.h"
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

/* Writes a character as a JSON escape. */
static void add_escaped(struct buf *out, uint32_t c)
{
	if (c > 0xffff)
		buf_add_format(out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + (c & 0x3ff));
	else
		buf_add_format(out, "\\u%04x", c);
}

static void add_printable(struct buf *out, struct text json)
{
	while (json.len > 0) {
		const char *at = json.ptr;
		struct printable next;
		if ((unsigned char)*at < 0x80 && *at != 0x7f) {
			buf_add_char(out, *at);
			json.ptr++, json.len--;
			continue;
		}
		printable_next(&json, &next);
		if (next.character != 0) /* printable */
			buf_add(out, next.bytes, next.len_bytes);
		else
			add_escaped(out, (uint32_t)strtoul(next.bytes + 2, NULL, 16));
	}
}

void json_print_text(struct text json)
{
	struct buf out = BUF_INIT;
	add_printable(&out, json);
	fwrite(buf_text(&out).ptr, 1, out.len_bytes, stdout);
	buf_release(&out);
}

void cli_print_data(const struct cli *cli, struct buf *data)
{
	if (cli->json)
		json_print_text(buf_text(data));
	else
		fwrite(buf_text(data).ptr, 1, data->len_bytes, stdout);
	buf_release(data);
}

void json_print(json_t *json)
{
	char *text = json_dumps(json, JSON_INDENT(2));
	if (text == NULL)
		mem_exhausted(0);
	json_print_text(text_of(text));
	putchar('\n');
	free(text);
	json_decref(json);
}
