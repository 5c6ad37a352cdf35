#include "board/lists.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/http/request.h"
#include "kpid/base/memory.h"
#include "sql/queries.h"

#define PARAM(list, name, text) [BOARD_LIST_##list##_PARAM_##name] = (text)
/* How lists continue. */
#define PAGING(list)                                                                                                   \
	PARAM(list, AFTER_VALUE, "after_value"), PARAM(list, AFTER_KEY, "after_key"), PARAM(list, MOST, "most"),       \
	        PARAM(list, WITH_TOTAL, "with_total"), PARAM(list, LOOK, "look")
#define OF_TICKETS(list)                                                                                               \
	PARAM(list, PROJECT, "project"), PARAM(list, TEAM, "team"), PARAM(list, AGENT, "agent"),                       \
	        PARAM(list, PRIORITY, "priority"), PARAM(list, STATE, "state"), PARAM(list, Q, "q")

/* Parameters of a list in memory. */
enum {
	IN_MEMORY_KEY,
	IN_MEMORY_Q,
	IN_MEMORY_SORT,
	IN_MEMORY_AFTER_VALUE,
	IN_MEMORY_AFTER_KEY,
	IN_MEMORY_MOST,
	IN_MEMORY_N_PARAMS
};
#define IN_MEMORY(key)                                                                                                 \
	{                                                                                                              \
		[IN_MEMORY_KEY] = (key), [IN_MEMORY_Q] = "q", [IN_MEMORY_SORT] = "sort",                               \
		[IN_MEMORY_AFTER_VALUE] = "after_value", [IN_MEMORY_AFTER_KEY] = "after_key",                          \
		[IN_MEMORY_MOST] = "most"                                                                              \
	}

static const struct list_kind kinds[] = {
        {"clocks",
         "queries/board_list_clocks.sql",
         {OF_TICKETS(CLOCKS), PARAM(CLOCKS, TARGET, "target"), PAGING(CLOCKS)},
         BOARD_LIST_CLOCKS_N_PARAMS,
         .tally = TALLY_N},
        {"breaches",
         "queries/board_list_breaches.sql",
         {OF_TICKETS(BREACHES), PARAM(BREACHES, TARGET, "target"), PARAM(BREACHES, LAST, "last"), PAGING(BREACHES)},
         BOARD_LIST_BREACHES_N_PARAMS,
         .tally = TALLY_N},
        {"tickets",
         "queries/board_list_tickets.sql",
         {OF_TICKETS(TICKETS), PARAM(TICKETS, TARGET, "target"), PARAM(TICKETS, DID, "did"),
          PARAM(TICKETS, LAST, "last"), PAGING(TICKETS)},
         BOARD_LIST_TICKETS_N_PARAMS,
         .tally = TALLY_N},
        {"counted",
         "queries/board_list_counted.sql",
         {PARAM(COUNTED, PROJECT, "project"), PARAM(COUNTED, TEAM, "team"), PARAM(COUNTED, AGENT, "agent"),
          PARAM(COUNTED, PRIORITY, "priority"), PARAM(COUNTED, Q, "q"), PARAM(COUNTED, DID, "did"), PAGING(COUNTED)},
         BOARD_LIST_COUNTED_N_PARAMS,
         .tally = TALLY_N},
        {"agents", NULL, IN_MEMORY("agent"), IN_MEMORY_N_PARAMS, TALLY_AGENTS},
        {"projects", NULL, IN_MEMORY("project"), IN_MEMORY_N_PARAMS, TALLY_PROJECTS},
        {"teams", NULL, IN_MEMORY("team"), IN_MEMORY_N_PARAMS, TALLY_TEAMS},
};

const struct list_kind *list_find(struct text name, enum list_format *format_out)
{
	static const struct {
		const char *suffix;
		enum list_format format;
	} formats[] = {{"", LIST_JSON}, {".csv", LIST_CSV}, {".json", LIST_JSON_FILE}};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (size_t j = 0; j < sizeof(formats) / sizeof(formats[0]); j++) {
			char whole[32];
			snprintf(whole, sizeof(whole), "%s%s", kinds[i].name, formats[j].suffix);
			*format_out = formats[j].format;
			if (text_equal(name, text_of(whole)))
				return &kinds[i];
		}
	}
	return NULL;
}

void list_request_set(struct list_request *request, const char *name, const char *value)
{
	for (int i = 0; i < request->kind->n_params; i++) {
		if (strcmp(request->kind->params[i], name) != 0)
			continue;
		free(request->params[i]);
		request->params[i] = mem_strdup(value);
	}
}

const char *list_request_get(const struct list_request *request, const char *name)
{
	for (int i = 0; i < request->kind->n_params; i++)
		if (strcmp(request->kind->params[i], name) == 0)
			return request->params[i];
	return NULL;
}

void list_request_page(struct list_request *request, const char *after_value, const char *after_key, int64_t most,
                       bool with_total)
{
	char number[24];
	snprintf(number, sizeof(number), "%" PRId64, most);
	list_request_set(request, "after_value", after_value);
	list_request_set(request, "after_key", after_key);
	list_request_set(request, "most", number);
	list_request_set(request, "with_total", with_total ? "true" : "false");
	snprintf(number, sizeof(number), "%d", LIST_LOOK);
	list_request_set(request, "look", number);
}

struct tally_wish list_request_wish(const struct list_request *request)
{
	char *const *params = request->params;
	const char *after_value = params[IN_MEMORY_AFTER_VALUE];
	return (struct tally_wish){
	        .key = params[IN_MEMORY_KEY],
	        .part = params[IN_MEMORY_Q],
	        .sort = params[IN_MEMORY_SORT],
	        .is_after = after_value != NULL,
	        .after_value = after_value == NULL ? 0 : strtoll(after_value, NULL, 10),
	        .after_key = params[IN_MEMORY_AFTER_KEY],
	        .most = (size_t)strtoull(params[IN_MEMORY_MOST], NULL, 10),
	};
}

/* A whole decimal number of at most 19 digits. */
static bool is_number(const char *text)
{
	size_t n = strspn(text + (text[0] == '-'), "0123456789");
	return n > 0 && n <= 18 + (text[0] == '2' || text[0] == '1') && text[(text[0] == '-') + n] == '\0';
}

/* A cursor is the sort value and the key of the last row, with a dot between. */
static bool parse_cursor(struct list_request *request, char *cursor)
{
	char *dot = strchr(cursor, '.');
	if (dot == NULL)
		return false;
	*dot = '\0';
	list_request_page(request, cursor, dot + 1, request->limit + 1, false);
	return is_number(cursor);
}

static bool parse_limit(struct list_request *request, const char *text)
{
	int64_t most = request->format == LIST_JSON ? LIST_MOST_ROWS : LIST_MOST_FILE_ROWS;
	if (!is_number(text) || text[0] == '-')
		return false;
	request->limit = strtoll(text, NULL, 10);
	if (request->limit > most)
		request->limit = most;
	return request->limit > 0;
}

/* Reads one parameter. An empty value is one: agent= means nobody. */
static bool parse_one(struct list_request *request, struct text query, const char *name)
{
	struct buf value = BUF_INIT;
	int found = request_parameter(query, name, &value);
	bool good = found >= 0;
	if (found > 0) {
		buf_add_char(&value, '\0');
		if (strcmp(name, "limit") == 0)
			good = parse_limit(request, value.data);
		else if (strcmp(name, "after") == 0)
			good = parse_cursor(request, value.data);
		else
			list_request_set(request, name, value.data);
	}
	buf_release(&value);
	return good;
}

bool list_request_parse(struct list_request *request, const struct list_kind *kind, enum list_format format,
                        struct text query)
{
	static const char *const names[] = {"project", "team", "agent", "target", "priority",
	                                    "state",   "q",    "sort",  "did",    "last"};
	*request = (struct list_request){.kind = kind, .format = format};
	request->limit = format == LIST_JSON ? LIST_MOST_ROWS : LIST_MOST_FILE_ROWS;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!parse_one(request, query, names[i]))
			return false;
	if (!parse_one(request, query, "limit"))
		return false;
	list_request_page(request, NULL, NULL, request->limit + 1, true);
	return parse_one(request, query, "after");
}

void list_request_release(struct list_request *request)
{
	for (int i = 0; i < LIST_MOST_PARAMS; i++)
		free(request->params[i]);
}
