#include "cli/policy_file.h"

#include <stdio.h>

#include "adapters/zone/zone.h"
#include "config/config_internal.h"

#define MAX_POLICY_BYTES (16 * 1024 * 1024)

struct policy_set *policy_file_read(const char *path, bool strict, struct config_faults *faults)
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
	for (size_t i = 0; set == NULL && i < policy_faults.n; i++) {
		const struct policy_fault *fault = &policy_faults.items[i];
		struct buf key = BUF_INIT, message = BUF_INIT;
		buf_add_text(&key, fault->path);
		buf_add_text(&message, fault->message);
		config_fault_add(faults, path, fault->line, buf_text(&key).ptr, "%s", buf_text(&message).ptr);
		buf_release(&key);
		buf_release(&message);
	}
	policy_faults_release(&policy_faults);
	buf_release(&json);
	return set;
}
