#include "board/acks.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/random.h>

#include "board/asker.h"
#include "board/json.h"
#include "board/tag.h"
#include "kpid/base/check.h"
#include "kpid/base/memory.h"
#include "sql/queries.h"

enum { TIMEOUT_MS = 5000, SECRET_BYTES = 32, MOST_WAITING = 32, MOST_WHO = 200, MOST_WHY = 2000 };

struct acks {
	struct asker *asker;
	const char *proxy, *header;
	unsigned char secret[SECRET_BYTES]; /* of this run: tokens end with it */
};

/* A request that waits for the database. */
struct waiting_ack {
	struct tag tag;
	struct acks *acks;
	struct http_connection *connection; /* NULL: gone */
};

/* ---- who ---- */

/* The viewer's name, which only the proxy may say. Absent: unknown. */
static struct text viewer(const struct acks *acks, const struct http_connection *connection,
                          const struct request *request)
{
	char peer[64];
	struct text name = request_header(request, acks->header);
	http_peer(connection, peer, sizeof(peer));
	if (strcmp(peer, acks->proxy) != 0 || text_is_empty(name) || name.len > MOST_WHO)
		return TEXT_ABSENT;
	return name;
}

static void token_of(const struct acks *acks, struct text who, char token_out[ACKS_TOKEN_BYTES])
{
	unsigned char digest[SHA256_BYTES];
	const struct text key = {(const char *)acks->secret, SECRET_BYTES};
	sha256_hmac(key, who, digest);
	for (int i = 0; i < SHA256_BYTES; i++)
		snprintf(token_out + (size_t)2 * (size_t)i, 3, "%02x", digest[i]);
}

bool acks_token(const struct acks *acks, const struct http_connection *connection, const struct request *request,
                char token_out[ACKS_TOKEN_BYTES])
{
	struct text who = acks == NULL ? TEXT_ABSENT : viewer(acks, connection, request);
	if (text_is_absent(who))
		return false;
	token_of(acks, who, token_out);
	return true;
}

static bool has_token(const struct acks *acks, const struct request *request, struct text who)
{
	char token[ACKS_TOKEN_BYTES];
	struct text given = request->fields[FIELD_CSRF];
	token_of(acks, who, token);
	return given.len == sizeof(token) - 1 && CRYPTO_memcmp(given.ptr, token, given.len) == 0;
}

/* A browser names the page that sends the request: it must be of this host. */
static bool comes_from_here(const struct request *request)
{
	struct text origin = request->fields[FIELD_ORIGIN], host = request->fields[FIELD_HOST];
	if (text_is_absent(origin))
		return true;
	return origin.len > host.len + 3 && memcmp(origin.ptr + origin.len - host.len, host.ptr, host.len) == 0 &&
	       memcmp(origin.ptr + origin.len - host.len - 3, "://", 3) == 0;
}

/* ---- the answer ---- */

static void answer_state(struct http_connection *connection, struct text state)
{
	struct buf body = BUF_INIT;
	buf_add_str(&body, "{\"state\":");
	buf_add_json_string(&body, state);
	buf_add_str(&body, "}\n");
	struct blob *blob = blob_of(&body);
	http_answer(connection, &(struct http_answer){200, "application/json", NULL, blob});
	blob_release(blob);
}

static void answer_refusal(struct http_connection *connection, const char *sqlstate)
{
	if (strcmp(sqlstate, "P0002") == 0)
		http_answer_error(connection, 404, "there is no such breach");
	else if (strcmp(sqlstate, "55000") == 0)
		http_answer_error(connection, 409, "the breach is no longer in a state that allows this");
	else if (strcmp(sqlstate, "55P03") == 0)
		http_answer_error(connection, 409, "somebody else is acting on this breach; try again");
	else if (strcmp(sqlstate, "23514") == 0)
		http_answer_error(connection, 400, "a reason is needed, of at most 2,000 characters");
	else
		http_answer_error(connection, 503, "the database is away or refuses this: see the log of the board");
}

static void on_done(void *context, PGresult *rows, int64_t took_us)
{
	struct waiting_ack *waiting = context;
	(void)took_us;
	if (waiting->connection != NULL && rows != NULL && PQntuples(rows) == 1)
		answer_state(waiting->connection, pg_get_text(rows, 0, ALERT_ACK_STATE));
	else if (waiting->connection != NULL && rows != NULL)
		http_answer_error(waiting->connection, 404, "there is no such breach");
	else if (waiting->connection != NULL)
		answer_refusal(waiting->connection, asker_refusal(waiting->acks->asker));
	free(waiting);
}

void acks_gone(void *tag)
{
	((struct waiting_ack *)tag)->connection = NULL;
}

/* ---- the request ---- */

static void ask(struct acks *acks, struct http_connection *connection, const char *who, const char *alert_id,
                const char *why, bool undo)
{
	const char *params[ALERT_ACK_N_PARAMS] = {
	        [ALERT_ACK_PARAM_ALERT] = alert_id, [ALERT_ACK_PARAM_BY] = who, [ALERT_ACK_PARAM_WHY] = why};
	struct waiting_ack *waiting = mem_zalloc(sizeof(*waiting));
	*waiting = (struct waiting_ack){{TAG_ACK}, acks, connection};
	http_wait(connection, waiting);
	if (undo)
		asker_ask(acks->asker, "queries/alert_unack.sql", params, ALERT_UNACK_N_PARAMS, on_done, waiting);
	else
		asker_ask(acks->asker, "queries/alert_ack.sql", params, ALERT_ACK_N_PARAMS, on_done, waiting);
}

static void parse_and_ask(struct acks *acks, struct http_connection *connection, struct text who, struct text body)
{
	const char *alert_id = NULL, *why = NULL;
	int undo = 0;
	char *name = mem_zalloc(who.len + 1);
	json_t *json = json_loadb(body.ptr, body.len, JSON_REJECT_DUPLICATES, NULL);
	memcpy(name, who.ptr, who.len);
	if (json_unpack(json, "{s:s, s:s, s?b}", "alert_id", &alert_id, "why", &why, "undo", &undo) != 0 ||
	    why[0] == '\0' || strlen(why) > MOST_WHY)
		http_answer_error(connection, 400, "the body must be {\"alert_id\", \"why\", \"undo\"} with a reason");
	else
		ask(acks, connection, name, alert_id, why, undo != 0);
	json_decref(json);
	free(name);
}

void acks_request(struct acks *acks, struct http_connection *connection, const struct request *request,
                  struct text body)
{
	static const struct text json_type = TEXT("application/json");
	struct text who = viewer(acks, connection, request), type = request->fields[FIELD_CONTENT_TYPE];
	if (text_is_absent(who))
		http_answer_error(connection, 403, "only viewers that the proxy names may acknowledge");
	else if (!has_token(acks, request, who) || !comes_from_here(request))
		http_answer_error(connection, 403,
		                  "the token of /api/config is missing or out of date: reload the page");
	else if (type.len < json_type.len || memcmp(type.ptr, json_type.ptr, json_type.len) != 0)
		http_answer_error(connection, 415, "the body must be application/json");
	else if (asker_n_waiting(acks->asker) >= MOST_WAITING)
		http_answer_error(connection, 503, "too many requests wait for the database");
	else
		parse_and_ask(acks, connection, who, body);
}

/* ---- life ---- */

/* The connection of [postgres], as another user. */
static struct asker *asker_as(struct event_base *base, const struct kpid_config *config)
{
	struct config_pairs pairs = config->postgres;
	struct config_pair *items = mem_zalloc((pairs.n + 1) * sizeof(*items));
	bool is_set = config->board.ack_user == NULL;
	memcpy(items, pairs.items, pairs.n * sizeof(*items));
	for (size_t i = 0; !is_set && i < pairs.n; i++) {
		if (strcmp(items[i].name, "user") != 0)
			continue;
		items[i].value = config->board.ack_user;
		is_set = true;
	}
	if (!is_set)
		items[pairs.n++] = (struct config_pair){.name = (char[]){"user"}, .value = config->board.ack_user};
	pairs.items = items;
	struct asker *asker = asker_new(base, &pairs, "board acknowledgements", TIMEOUT_MS, true);
	free(items);
	return asker;
}

struct acks *acks_new(struct event_base *base, const struct kpid_config *config)
{
	if (config->board.ack_proxy == NULL)
		return NULL;
	struct acks *acks = mem_zalloc(sizeof(*acks));
	acks->proxy = config->board.ack_proxy;
	acks->header = config->board.ack_header;
	KPID_CHECK(getrandom(acks->secret, sizeof(acks->secret), 0) == SECRET_BYTES);
	acks->asker = asker_as(base, config);
	return acks;
}

void acks_start(struct acks *acks)
{
	if (acks != NULL)
		asker_start(acks->asker);
}

void acks_free(struct acks *acks)
{
	if (acks == NULL)
		return;
	asker_free(acks->asker);
	free(acks);
}
