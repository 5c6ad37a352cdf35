/* The configuration: a file; if its first empty line is followed by `--`, each further line is a --set. It loads
 * or has errors with a place. A loaded configuration is the same when it is written and loaded again. */
#include <jansson.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "kpid/config.h"

enum { MAX_SETS = 8 };

static int file_of(struct text text, char path_out[32])
{
	int fd = memfd_create("config", MFD_CLOEXEC);
	CHECK(fd >= 0 && write(fd, text.ptr, text.len) == (ssize_t)text.len && fchmod(fd, 0600) == 0);
	snprintf(path_out, 32, "/proc/self/fd/%d", fd);
	return fd;
}

static void check_errors(const struct config_errors *errors)
{
	struct buf json = BUF_INIT;
	CHECK(errors->n > 0);
	for (size_t i = 0; i < errors->n; i++)
		CHECK(errors->items[i].message[0] != '\0' && errors->items[i].line >= 0);
	config_errors_write_json(errors, &json);
	json_t *read = json_loadb(json.data, json.len_bytes, 0, NULL);
	CHECK(json_array_size(read) == errors->n);
	json_decref(read);
	buf_release(&json);
}

static void check_values(const struct kpid_config *config)
{
	CHECK(config->run.lanes >= 1 && config->run.batch_max_events >= 1 && config->run.memory >= 1);
	CHECK(config->run.instance != NULL && config->run.instance[0] != '\0');
	CHECK(config->topics.n > 0 && config->sla.max_silence_us > 0 && config->sla.tick_us > 0);
	for (size_t i = 0; i < config->topics.n; i++)
		CHECK(config->topics.items[i].types != 0 && (config->topics.items[i].types & ~CONFIG_ALL_TYPES) == 0);
}

/* Secrets are written as ***, so they do not round-trip. */
static bool has_secret(const struct config_pairs *pairs)
{
	for (size_t i = 0; i < pairs->n; i++)
		if (pairs->items[i].secret)
			return true;
	return false;
}

static void check_written(const struct kpid_config *config)
{
	struct buf ini = BUF_INIT, again_ini = BUF_INIT, json = BUF_INIT;
	struct config_errors errors = CONFIG_ERRORS_INIT;
	char path[32];
	kpid_config_write_json(config, &json);
	json_t *read = json_loadb(json.data, json.len_bytes, 0, NULL);
	CHECK(json_is_object(read));
	json_decref(read);
	kpid_config_write(config, &ini);
	if (!has_secret(&config->kafka) && !has_secret(&config->postgres)) {
		int fd = file_of(buf_text(&ini), path);
		struct kpid_config *again = kpid_config_load(path, NULL, 0, &errors);
		CHECK(again != NULL);
		kpid_config_write(again, &again_ini);
		CHECK(text_equal(buf_text(&ini), buf_text(&again_ini)));
		kpid_config_free(again);
		close(fd);
	}
	config_errors_release(&errors);
	buf_release(&ini);
	buf_release(&again_ini);
	buf_release(&json);
}

/* NUL-terminated copies of the lines. */
static size_t read_sets(struct text lines, char *sets[MAX_SETS])
{
	size_t n = 0;
	for (uint32_t at = 0, end; at < lines.len && n < MAX_SETS; at = end + 1) {
		for (end = at; end < lines.len && lines.ptr[end] != '\n';)
			end++;
		sets[n] = calloc(1, end - at + 1);
		CHECK(sets[n] != NULL);
		memcpy(sets[n++], lines.ptr + at, end - at);
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct text text = {(const char *)data, (uint32_t)n_bytes};
	const char *gap = n_bytes == 0 ? NULL : memmem(data, n_bytes, "\n\n--\n", 5);
	char path[32], *sets[MAX_SETS];
	size_t n_sets = 0;
	if (gap != NULL) {
		text.len = (uint32_t)(gap + 1 - text.ptr);
		n_sets = read_sets((struct text){gap + 5, (uint32_t)(n_bytes - text.len - 4)}, sets);
	}
	struct config_errors errors = CONFIG_ERRORS_INIT;
	int fd = file_of(text, path);
	struct kpid_config *config = kpid_config_load(path, (const char *const *)sets, n_sets, &errors);
	if (config == NULL) {
		check_errors(&errors);
	} else {
		CHECK(errors.n == 0);
		check_values(config);
		check_written(config);
	}
	kpid_config_free(config);
	config_errors_release(&errors);
	close(fd);
	for (size_t i = 0; i < n_sets; i++)
		free(sets[i]);
	return 0;
}
