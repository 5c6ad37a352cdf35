/* kpid appraisal forget and pseudonyms: agents without their ids. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/appraisal.h"
#include "cli/json_out.h"
#include "kpid/core/agent_key.h"
#include "sql/queries.h"

static int print_forgotten(const json_t *document, bool quiet)
{
	struct text name = appraisal_member(document, "erased"), n_cards = appraisal_member(document, "cards");
	size_t i;
	json_t *one;
	if (quiet)
		return CLI_OK;
	printf("the agent is %.*s now; %.*s cards have this name\n", (int)name.len, name.ptr, (int)n_cards.len,
	       n_cards.ptr);
	json_array_foreach(json_object_get(document, "digests"), i, one)
	{
		struct text key = appraisal_member(one, "key"), version = appraisal_member(one, "version"),
		            after = appraisal_member(one, "after");
		printf("digest of %.*s, version %.*s: %.*s\n", (int)key.len, key.ptr, (int)version.len, version.ptr,
		       (int)after.len, after.ptr);
	}
	return CLI_OK;
}

static int forget(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	(void)config;
	const struct appraisal_request *request = context;
	const struct pg_param params[APPRAISAL_FORGET_N_PARAMS] = {
	        [APPRAISAL_FORGET_PARAM_AGENT] = pg_param_c_string(request->arguments[0]),
	        [APPRAISAL_FORGET_PARAM_WHO] = pg_param_c_string(request->values[APPRAISAL_BY]),
	        [APPRAISAL_FORGET_PARAM_WHY] = pg_param_c_string(request->values[APPRAISAL_WHY]),
	};
	return appraisal_query(sync, "queries/appraisal_forget.sql", params, APPRAISAL_FORGET_N_PARAMS,
	                       APPRAISAL_FORGET_DOCUMENT, print_forgotten);
}

int appraisal_forget(struct cli *cli, const struct appraisal_request *request)
{
	return pg_sync_run(cli, forget, request);
}

/* ---- pseudonyms ---- */

/* Reads the file with the key. Returns NULL, or what is wrong with it. */
static const char *read_key(const char *path, struct buf *out)
{
	char bytes[AGENT_KEY_FILE_MAX_BYTES + 1];
	struct stat status;
	FILE *stream = fopen(path, "re");
	if (stream == NULL)
		return strerror(errno);
	const char *wrong = fstat(fileno(stream), &status) != 0 ? strerror(errno) : NULL;
	size_t n = wrong == NULL ? fread(bytes, 1, sizeof(bytes), stream) : 0;
	if (wrong == NULL && ferror(stream) != 0)
		wrong = strerror(errno);
	fclose(stream);
	if (wrong == NULL)
		wrong = agent_key_file_fault(S_ISREG(status.st_mode), (status.st_mode & (S_IRWXG | S_IRWXO)) != 0, n);
	if (wrong == NULL)
		buf_add(out, bytes, n);
	explicit_bzero(bytes, sizeof(bytes));
	return wrong;
}

static int send_keys(struct pg_sync *sync, json_t *keys)
{
	char *text = json_dumps(keys, JSON_COMPACT);
	const struct pg_param list = pg_param_c_string(text);
	PGresult *row = pg_sync_query(sync, "queries/appraisal_add_keys.sql", &list, 1);
	free(text);
	if (row == NULL)
		return pg_sync_failed(sync);
	int n = (int)pg_get_int4(row, 0, APPRAISAL_ADD_KEYS_N_ADDED);
	if (sync->cli->json)
		json_print(json_pack("{s:i}", "added", n));
	else
		printf("%d new pseudonyms stored\n", n);
	PQclear(row);
	return CLI_OK;
}

static int add_keys(struct pg_sync *sync, struct text key)
{
	char agent_key[AGENT_KEY_BYTES];
	PGresult *rows = pg_sync_query(sync, "queries/appraisal_without_key.sql", NULL, 0);
	if (rows == NULL)
		return pg_sync_failed(sync);
	json_t *keys = json_array();
	int status = CLI_OK;
	for (int row = 0; row < PQntuples(rows); row++) {
		struct text agent = pg_get_text(rows, row, APPRAISAL_WITHOUT_KEY_AGENT_ID);
		agent_key_compute(key, agent, agent_key);
		if (PQgetisnull(rows, row, APPRAISAL_WITHOUT_KEY_AGENT_KEY))
			json_array_append_new(keys, json_pack("{s:s%, s:s}", "agent_id", agent.ptr, (size_t)agent.len,
			                                      "agent_key", agent_key));
		else if (!text_same(pg_get_text(rows, row, APPRAISAL_WITHOUT_KEY_AGENT_KEY), text_of(agent_key)))
			status = CLI_CONFIG;
	}
	PQclear(rows);
	if (status == CLI_OK)
		status = send_keys(sync, keys);
	else
		pg_sync_print_error(sync, "the pseudonyms in the database were made with another key; put back the "
		                          "file that appraisal.key_file named then");
	json_decref(keys);
	return status;
}

static int pseudonyms(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	(void)context;
	struct buf key = BUF_INIT;
	const char *path = config->appraisal.key_file;
	const char *wrong = path == NULL ? NULL : read_key(path, &key);
	int status = CLI_CONFIG;
	if (path == NULL)
		pg_sync_print_error(sync, "appraisal.key_file is not set: it names a file with a random key");
	else if (wrong != NULL)
		pg_sync_print_error(sync, "%s (appraisal.key_file): %s", path, wrong);
	else
		status = add_keys(sync, buf_text(&key));
	if (key.data != NULL)
		explicit_bzero(key.data, key.len_bytes);
	buf_release(&key);
	return status;
}

int appraisal_pseudonyms(struct cli *cli, const struct appraisal_request *request)
{
	return pg_sync_run(cli, pseudonyms, request);
}
