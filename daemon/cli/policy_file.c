#include "cli/policy_file.h"

#include "adapters/zone/zone.h"
#include "cli/file_text.h"

struct policy_set *policy_file_read(const char *path, bool strict, struct config_errors *errors,
                                    struct config_errors *warnings)
{
	struct buf json = BUF_INIT;
	if (!file_text_read(path, errors, &json)) {
		buf_release(&json);
		return NULL;
	}
	struct file_errors file_errors = {0};
	struct policy_set *set = strict ? policy_set_check(buf_text(&json), zone_find, &file_errors)
	                                : policy_set_parse(buf_text(&json), zone_find, &file_errors);
	if (set == NULL)
		file_text_add_errors(errors, path, file_errors.items, file_errors.n, false);
	if (warnings != NULL)
		file_text_add_errors(warnings, path, file_errors.warnings, file_errors.n_warnings, true);
	file_errors_release(&file_errors);
	buf_release(&json);
	return set;
}
