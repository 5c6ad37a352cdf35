/* kpid appraisal check, show and diff: what needs the plan file alone. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/appraisal.h"
#include "cli/file_text.h"
#include "cli/json_diff.h"
#include "kpid/base/memory.h"

struct appraisal_set *appraisal_file_read(const char *path, const struct appraisal_limits *limits,
                                          struct config_errors *errors, struct config_errors *warnings)
{
	struct buf json = BUF_INIT;
	if (!file_text_read(path, errors, &json)) {
		buf_release(&json);
		return NULL;
	}
	struct file_errors file_errors = {0};
	struct appraisal_set *set = appraisal_set_parse(buf_text(&json), limits, &file_errors);
	if (set == NULL)
		file_text_add_errors(errors, path, file_errors.items, file_errors.n, false);
	if (warnings != NULL)
		file_text_add_errors(warnings, path, file_errors.warnings, file_errors.n_warnings, true);
	file_errors_release(&file_errors);
	buf_release(&json);
	return set;
}

int appraisal_check(struct cli *cli, const struct appraisal_request *request)
{
	struct config_errors errors = CONFIG_ERRORS_INIT;
	struct appraisal_set *set =
	        appraisal_file_read(request->arguments[0], &APPRAISAL_LIMITS_DEFAULT, &errors, &errors);
	file_text_print_errors(cli, &errors);
	if (set != NULL)
		fputs(cli->json ? "" : "ok\n", stdout);
	int status = set == NULL ? CLI_CONFIG : CLI_OK;
	appraisal_set_free(set);
	config_errors_release(&errors);
	return status;
}

int appraisal_show(struct cli *cli, const struct appraisal_request *request)
{
	struct config_errors errors = CONFIG_ERRORS_INIT;
	struct buf out = BUF_INIT;
	struct appraisal_set *set =
	        appraisal_file_read(request->arguments[0], &APPRAISAL_LIMITS_DEFAULT, &errors, NULL);
	if (set == NULL) {
		file_text_print_errors(cli, &errors);
	} else {
		appraisal_describe(set, request->language, &out);
		fwrite(buf_text(&out).ptr, 1, out.len_bytes, stdout);
	}
	int status = set == NULL ? CLI_CONFIG : CLI_OK;
	buf_release(&out);
	appraisal_set_free(set);
	config_errors_release(&errors);
	return status;
}

static struct json_revision *list_of(const struct appraisal_set *set)
{
	struct json_revision *list = mem_zalloc((set->n_revisions + 1) * sizeof(*list));
	for (size_t i = 0; i < set->n_revisions; i++)
		list[i] = (struct json_revision){set->revisions[i].id, set->revisions[i].json};
	return list;
}

static void print_diff(const struct appraisal_set *old_set, const struct appraisal_set *new_set)
{
	struct buf out = BUF_INIT;
	struct json_revision *old_list = list_of(old_set), *new_list = list_of(new_set);
	json_diff_revisions(old_list, old_set->n_revisions, new_list, new_set->n_revisions, &out);
	fputs(out.len_bytes == 0 ? "no changes\n" : out.data, stdout);
	free(old_list);
	free(new_list);
	buf_release(&out);
}

int appraisal_diff(struct cli *cli, const struct appraisal_request *request)
{
	struct config_errors errors = CONFIG_ERRORS_INIT;
	struct appraisal_set *sets[2];
	for (int i = 0; i < 2; i++)
		sets[i] = appraisal_file_read(request->arguments[i], &APPRAISAL_LIMITS_DEFAULT, &errors, NULL);
	bool both = sets[0] != NULL && sets[1] != NULL;
	if (both)
		print_diff(sets[0], sets[1]);
	else
		file_text_print_errors(cli, &errors);
	appraisal_set_free(sets[0]);
	appraisal_set_free(sets[1]);
	config_errors_release(&errors);
	return both ? CLI_OK : CLI_CONFIG;
}
