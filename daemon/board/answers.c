#include "board/answers.h"

#include <inttypes.h>
#include <stdlib.h>

#include "board/download.h"
#include "board/json.h"
#include "board/page_of_list.h"
#include "board/rows.h"
#include "board/tag.h"
#include "kpid/base/clock.h"
#include "kpid/base/memory.h"

/* KEPT: answers kept at once, at most. MOST_WAITING: questions that may wait; further ones are refused. */
/* LOOK_US: a list is searched and counted no longer than this. COST: an answer is kept this many times as long as it
 * took, at least FRESH_US. */
enum { KEPT = 64, FRESH_US = 1000000, MOST_WAITING = 32, LOOK_US = 1000000, COST = 5 };

/* A connection that waits for an answer. */
struct waiter {
	struct tag tag;
	struct waiter *next;
	struct http_connection *connection;
	struct answer *answer;
};

/* A question, and its answer once it is there. */
struct answer {
	struct answers *answers;
	char *key;
	int status;
	struct blob *body; /* NULL: not answered yet */
	int64_t asked_us;  /* monotonic */
	int64_t until_us;  /* monotonic: it is kept until then */
	bool is_list;
	struct page page; /* of a list */
	struct waiter *waiters;
};

struct answers {
	struct asker *asker;
	const struct poll *poll;
	struct answer *kept[KEPT]; /* NULL: free */
};

/* ---- keeping ---- */

static void answer_free(struct answer *answer)
{
	blob_release(answer->body);
	if (answer->is_list)
		page_release(&answer->page);
	free(answer->key);
	free(answer);
}

/* Frees a place: of an answer that is no longer fresh. NULL: all questions wait. */
static struct answer **free_place(struct answers *answers)
{
	struct answer **oldest = NULL;
	for (int i = 0; i < KEPT; i++) {
		struct answer **place = &answers->kept[i];
		if (*place == NULL)
			return place;
		if ((*place)->body != NULL && (oldest == NULL || (*place)->until_us < (*oldest)->until_us))
			oldest = place;
	}
	if (oldest != NULL) {
		answer_free(*oldest);
		*oldest = NULL;
	}
	return oldest;
}

/* Finds the answer to a question that waits, or was answered just now. */
static struct answer *find(const struct answers *answers, struct text key)
{
	int64_t now_us = monotonic_clock_us();
	for (int i = 0; i < KEPT; i++) {
		struct answer *answer = answers->kept[i];
		if (answer != NULL && text_equal(text_of(answer->key), key) &&
		    (answer->body == NULL || now_us < answer->until_us))
			return answer;
	}
	return NULL;
}

/* ---- answering ---- */

static void send_answer(const struct answer *answer, struct http_connection *connection)
{
	http_answer(connection, &(struct http_answer){answer->status, "application/json", NULL, answer->body});
}

static void answered(struct answer *answer, int status, struct buf *body)
{
	answer->status = status;
	answer->body = blob_of(body);
	int64_t now_us = monotonic_clock_us(), kept_us = COST * (now_us - answer->asked_us);
	answer->until_us = now_us + (kept_us < FRESH_US ? FRESH_US : kept_us);
	for (struct waiter *at = answer->waiters, *next; at != NULL; at = next) {
		next = at->next;
		send_answer(answer, at->connection);
		free(at);
	}
	answer->waiters = NULL;
}

static void wait_for(struct answer *answer, struct http_connection *connection)
{
	struct waiter *waiter = mem_zalloc(sizeof(*waiter));
	*waiter = (struct waiter){{TAG_ANSWER}, answer->waiters, connection, answer};
	answer->waiters = waiter;
	http_wait(connection, waiter);
}

void answers_gone(struct answers *answers, struct http_connection *connection, void *tag)
{
	struct waiter *waiter = tag;
	struct waiter **link = &waiter->answer->waiters;
	(void)answers, (void)connection;
	while (*link != waiter)
		link = &(*link)->next;
	*link = waiter->next;
	free(waiter);
}

static void add_now(struct buf *body, const struct answers *answers)
{
	buf_add_str(body, "{\"now\":");
	json_time(body, poll_now_us(answers->poll));
}

static void no_answer(struct answer *answer)
{
	struct buf body = BUF_INIT;
	buf_add_str(&body, "{\"error\": \"the database is away, or the question takes it too long\"}\n");
	answered(answer, 503, &body);
	/* The next one asks again. */
	answer->until_us = 0;
}

/* ---- lists ---- */

/* What projects and teams count of the last hour under a name of did; -1: there is no such name. */
static int number_of(const char *did)
{
	static const struct {
		const char *did;
		enum tally_group_number number;
	} numbers[] = {{"opened", GROUP_OPENED},     {"responded", GROUP_RESPONDED}, {"resolved", GROUP_RESOLVED},
	               {"measured", GROUP_MEASURED}, {"within", GROUP_WITHIN},       {"missed", GROUP_MISSED},
	               {"rated", GROUP_CSAT_N}};
	for (size_t i = 0; did != NULL && i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (strcmp(did, numbers[i].did) == 0)
			return (int)numbers[i].number;
	return -1;
}

/* How many rows a list has that need not be counted: -1 if it has other filters than these. */
static int64_t known_total(const struct answers *answers, const struct list_request *request)
{
	static const char *const others[] = {"target", "priority", "q", "did", "last", "team", "project", "agent"};
	enum { DID = 3, TEAM = 5, PROJECT = 6, AGENT = 7 };
	bool is_counted = strcmp(request->kind->name, "counted") == 0;
	const char *state = list_request_get(request, "state"), *filter = NULL;
	int which = -1;
	for (int i = 0; i < (int)(sizeof(others) / sizeof(others[0])); i++) {
		const char *value = list_request_get(request, others[i]);
		if (value == NULL || (is_counted && i == DID))
			continue;
		if (i < TEAM || filter != NULL)
			return -1;
		filter = value;
		which = i;
	}
	enum tally_name name = which == TEAM ? TALLY_TEAMS : which == AGENT ? TALLY_AGENTS : TALLY_PROJECTS;
	const struct tally *tally = poll_tally(answers->poll, name);
	if (!tally_is_known(tally))
		return -1;
	if (strcmp(request->kind->name, "clocks") == 0 && name != TALLY_AGENTS)
		return tally_clocks(tally, filter, state);
	if (strcmp(request->kind->name, "tickets") == 0 && state == NULL && name == TALLY_AGENTS)
		return tally_sum(tally, filter, AGENT_BACKLOG);
	int number = is_counted ? number_of(list_request_get(request, "did")) : -1;
	if (number >= 0 && name != TALLY_AGENTS)
		return tally_sum(tally, filter, number);
	return -1;
}

static void ask_page(struct answer *answer);

static void on_list(void *context, PGresult *rows, int64_t took_us)
{
	struct answer *answer = context;
	struct page *page = &answer->page;
	struct buf body = BUF_INIT;
	(void)took_us;
	if (rows == NULL) {
		no_answer(answer);
	} else if (page_take(page, rows, monotonic_clock_us() - answer->asked_us < LOOK_US)) {
		ask_page(answer);
	} else {
		add_now(&body, answer->answers);
		page_write(page, &body);
		buf_add_char(&body, '}');
		answered(answer, 200, &body);
	}
}

static void ask_page(struct answer *answer)
{
	const struct list_request *request = &answer->page.request;
	asker_ask(answer->answers->asker, request->kind->file, (const char *const *)request->params,
	          request->kind->n_params, on_list, answer);
}

/* A page of what is in memory. */
static void answer_tally(struct answers *answers, struct http_connection *connection,
                         const struct list_request *request)
{
	const struct tally *tally = poll_tally(answers->poll, request->kind->tally);
	struct tally_wish wish = list_request_wish(request);
	struct tally_found found[LIST_MOST_ROWS + 1];
	struct buf body = BUF_INIT, cursor = BUF_INIT;
	size_t total;
	if (!tally_is_known(tally)) {
		http_answer_error(connection, 503, "these figures have not been read yet");
		return;
	}
	size_t n = tally_find(tally, &wish, found, &total);
	size_t n_shown = n > (size_t)request->limit ? (size_t)request->limit : n;
	add_now(&body, answers);
	buf_add_str(&body, ",\"rows\":[");
	for (size_t i = 0; i < n_shown; i++) {
		buf_add_str(&body, i == 0 ? "" : ",");
		tally_json(tally, found[i].row, &body);
	}
	buf_add_char(&body, ']');
	if (n > n_shown)
		page_set_cursor(&cursor, found[n_shown - 1].sort_value, tally_key(found[n_shown - 1].row));
	page_write_next(&body, n > n_shown ? &cursor : NULL);
	buf_release(&cursor);
	buf_add_format(&body, ",\"total\":%zu}", total);
	struct blob *blob = blob_of(&body);
	http_answer(connection, &(struct http_answer){200, "application/json", NULL, blob});
	blob_release(blob);
}

/* ---- tickets ---- */

static void on_ticket(void *context, PGresult *rows, int64_t took_us)
{
	struct answer *answer = context;
	struct buf body = BUF_INIT;
	(void)took_us;
	if (rows == NULL) {
		no_answer(answer);
	} else if (PQntuples(rows) == 0) {
		buf_add_str(&body, "{\"error\": \"there is no such ticket\"}\n");
		answered(answer, 404, &body);
	} else {
		rows_object(&body, rows, 0, 0, PQnfields(rows));
		answered(answer, 200, &body);
	}
}

/* ---- questions ---- */

/* Answers at once, or returns the new question to ask. */
static struct answer *open_question(struct answers *answers, struct http_connection *connection, struct text key)
{
	struct answer *answer = find(answers, key);
	if (answer != NULL && answer->body != NULL) {
		send_answer(answer, connection);
		return NULL;
	}
	if (answer != NULL) {
		wait_for(answer, connection);
		return NULL;
	}
	struct answer **place = asker_n_waiting(answers->asker) < MOST_WAITING ? free_place(answers) : NULL;
	if (place == NULL) {
		http_answer_error(connection, 503, "too many questions wait for the database");
		return NULL;
	}
	answer = mem_zalloc(sizeof(*answer));
	answer->answers = answers;
	answer->asked_us = monotonic_clock_us();
	answer->key = mem_zalloc(key.len + 1);
	memcpy(answer->key, key.ptr, key.len);
	*place = answer;
	wait_for(answer, connection);
	return answer;
}

void answers_list(struct answers *answers, struct http_connection *connection, struct text key,
                  const struct list_kind *kind, enum list_format format, struct text query)
{
	struct list_request request;
	if (!list_request_parse(&request, kind, format, query)) {
		http_answer_error(connection, 400, "a parameter is malformed");
	} else if (format != LIST_JSON) {
		download_begin(answers->asker, answers->poll, connection, &request);
	} else if (kind->file == NULL) {
		answer_tally(answers, connection, &request);
	} else {
		struct answer *answer = open_question(answers, connection, key);
		if (answer != NULL) {
			answer->is_list = true;
			page_init(&answer->page, &request, known_total(answers, &request));
			ask_page(answer);
		}
	}
	list_request_release(&request);
}

void answers_ticket(struct answers *answers, struct http_connection *connection, const char *ticket_id)
{
	struct buf key = BUF_INIT;
	buf_add_format(&key, "ticket/%s", ticket_id);
	struct answer *answer = open_question(answers, connection, buf_text(&key));
	buf_release(&key);
	if (answer != NULL)
		asker_ask(answers->asker, "queries/board_ticket.sql", &ticket_id, 1, on_ticket, answer);
}

/* ---- life ---- */

struct answers *answers_new(struct asker *asker, const struct poll *poll)
{
	struct answers *answers = mem_zalloc(sizeof(*answers));
	answers->asker = asker;
	answers->poll = poll;
	return answers;
}

void answers_free(struct answers *answers)
{
	if (answers == NULL)
		return;
	for (int i = 0; i < KEPT; i++)
		if (answers->kept[i] != NULL)
			answer_free(answers->kept[i]);
	free(answers);
}
