#include "cli/policy_file.h"

#include <stdio.h>

#include "adapters/zone/zone.h"
#include "config/config_internal.h"

#define MAX_POLICY_BYTES (16 * 1024 * 1024)

static void add_faults(struct config_faults *out, const char *path, const struct policy_fault *faults, size_t n,
                       bool warnings)
{
	for (size_t i = 0; i < n; i++) {
		struct buf key = BUF_INIT, message = BUF_INIT;
		buf_add_text(&key, faults[i].path);
		buf_add_text(&message, faults[i].message);
		config_fault_add(out, path, faults[i].line, buf_text(&key).ptr, "%s", buf_text(&message).ptr);
		out->items[out->n - 1].warning = warnings;
		buf_release(&key);
		buf_release(&message);
	}
}

struct policy_set *policy_file_read(const char *path, bool strict, struct config_faults *faults,
                                    struct config_faults *warnings)
{
	FILE *stream = fopen(path, "re");
	if (stream == NULL) {
		config_fault_add(faults, path, 0, "", "cannot be read");
		return NULL;
	}
	struct buf json = BUF_INIT;
	char chunk[4096];
	size_t n;
	while (json.len_bytes <= MAX_POLICY_BYTES && (n = fread(chunk, 1, sizeof(chunk), stream)) > 0)
		buf_add(&json, chunk, n);
	bool failed = ferror(stream) != 0 || json.len_bytes > MAX_POLICY_BYTES;
	fclose(stream);
	if (failed) {
		config_fault_add(faults, path, 0, "", "cannot be read, or is larger than 16 MiB");
		buf_release(&json);
		return NULL;
	}
	struct policy_faults policy_faults = {0};
	struct policy_set *set = strict ? policy_set_check(buf_text(&json), zone_find, &policy_faults)
	                                : policy_set_parse(buf_text(&json), zone_find, &policy_faults);
	if (set == NULL)
		add_faults(faults, path, policy_faults.items, policy_faults.n, false);
	if (warnings != NULL)
		add_faults(warnings, path, policy_faults.warnings, policy_faults.n_warnings, true);
	policy_faults_release(&policy_faults);
	buf_release(&json);
	return set;
}
