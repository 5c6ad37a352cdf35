/* Names of pages, and the lists for spreadsheets. */
#include <stdlib.h>
#include <string.h>

#include "board/json.h"
#include "cli/report_page.h"
#include "kpid/base/digest.h"

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
}

/* A name that has other characters, or is long, also gets a part of its digest, so that two subjects never share a
 * file, not even where capitals do not count. */
char *report_file_name(const char *level, const char *subject)
{
	enum { MOST = 60, DIGITS = 12 };
	char digest[SHA256_HEX_BYTES];
	struct buf name = BUF_INIT;
	bool is_exact = strlen(subject) <= MOST;
	buf_add_format(&name, "%s-", level);
	for (size_t i = 0; subject[i] != '\0' && i < MOST; i++) {
		is_exact = is_exact && is_plain(subject[i]);
		bool kept = is_plain(subject[i]) || (subject[i] >= 'A' && subject[i] <= 'Z');
		buf_add_char(&name, (char)(kept ? subject[i] : '_'));
	}
	if (!is_exact) {
		sha256_hex(text_of(subject), digest);
		buf_add_format(&name, "-%.*s", DIGITS, digest);
	}
	buf_add_str(&name, ".html");
	return name.data;
}

/* ---- lists ---- */

static void add_field(struct buf *out, bool is_first, const char *text)
{
	if (!is_first)
		buf_add_char(out, ',');
	csv_cell(out, (struct json_cell){JSON_OID_TEXT, text_of(text)});
}

/* A number of a document: a spreadsheet may take it as one. */
static void add_number(struct buf *out, const json_t *object, const char *key)
{
	const char *number = member(object, key);
	buf_add_char(out, ',');
	buf_add_str(out, number == NULL ? "" : number);
}

static void begin_row(struct buf *out, const json_t *document, const json_t *plan, const json_t *card)
{
	add_field(out, true, member(document, "key"));
	add_field(out, false, member(plan, "name"));
	add_field(out, false, member(card, "level"));
	add_field(out, false, member(card, "subject"));
}

typedef void add_rows(struct buf *out, const json_t *document, const json_t *plan, const json_t *card);

/* Excel takes a file without the mark at its start for another encoding. */
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

static void add_list(struct buf *out, const json_t *document, const char *columns, add_rows *add)
{
	size_t i, c;
	json_t *plan, *card;
	buf_add_str(out, BYTE_ORDER_MARK "period,plan,level,subject,");
	buf_add_str(out, columns);
	buf_add_str(out, "\r\n");
	json_array_foreach(members(document, "plans"), i, plan) json_array_foreach(members(plan, "cards"), c, card)
	        add(out, document, plan, card);
}

static void add_pay(struct buf *out, const json_t *document, const json_t *plan, const json_t *card)
{
	if (strcmp(member(card, "level"), "agent") != 0)
		return;
	begin_row(out, document, plan, card);
	add_field(out, false, member(document, "state"));
	add_field(out, false, member(card, "status"));
	add_number(out, card, "score");
	add_field(out, false, member(card, "grade"));
	add_number(out, card, "coefficient");
	add_number(out, card, "version");
	add_field(out, false, member(card, "final_at"));
	buf_add_str(out, "\r\n");
}

void report_pay(struct buf *out, const json_t *document)
{
	add_list(out, document, "state,status,score,grade,coefficient,version,final_at", add_pay);
}

static void add_training(struct buf *out, const json_t *document, const json_t *plan, const json_t *card)
{
	const json_t *rules = members(json_object_get(plan, "rules"), "indicators");
	size_t i;
	json_t *result;
	if (strcmp(member(card, "level"), "agent") != 0)
		return;
	json_array_foreach(members(card, "indicators"), i, result)
	{
		int64_t lost = member_millionths(result, "weight") - member_millionths(result, "points");
		const json_t *rule = json_array_get(rules, i);
		if (member(result, "points") == NULL || lost <= 0)
			continue;
		struct figure points = figure_millionths(lost);
		begin_row(out, document, plan, card);
		add_field(out, false, member(rule, "dimension"));
		add_field(out, false, member(result, "name"));
		add_number(out, result, "n");
		add_number(out, result, "value");
		add_number(out, result, "points");
		add_number(out, result, "weight");
		buf_add_format(out, ",%s\r\n", points.text);
	}
}

void report_training(struct buf *out, const json_t *document)
{
	add_list(out, document, "dimension,indicator,cases,value,points,weight,lost", add_training);
}

static void add_ranking(struct buf *out, const json_t *document, const json_t *plan, const json_t *card)
{
	static const char *const numbers[] = {"rank", "best", "worst", "ranked", "score", "low", "high"};
	begin_row(out, document, plan, card);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		add_number(out, card, numbers[i]);
	add_field(out, false, member(card, "grade"));
	buf_add_str(out, "\r\n");
}

void report_ranking(struct buf *out, const json_t *document)
{
	add_list(out, document, "rank,best,worst,ranked,score,low,high,grade", add_ranking);
}
