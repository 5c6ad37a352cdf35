/* The configuration. Runs at the top of the source tree, which has tests/config and deploy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "config/config_internal.h"
#include "kpid/base/memory.h"
#include "kpid/config.h"
#include "kpid/core/message.h"

#define SECOND INT64_C(1000000)

static char folder[] = "/tmp/kpid-test-config-XXXXXX";
static char ini_path[sizeof(folder) + 16], secret_path[sizeof(folder) + 16];

static int make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(ini_path, sizeof(ini_path), "%s/kpid.ini", folder);
	snprintf(secret_path, sizeof(secret_path), "%s/secret", folder);
	unsetenv("KPID_CONFIG");
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(ini_path);
	unlink(secret_path);
	return rmdir(folder);
}

static void write_file(const char *path, mode_t mode, const void *bytes, size_t n)
{
	unlink(path);
	FILE *stream = fopen(path, "w");
	assert_non_null(stream);
	assert_int_equal(fwrite(bytes, 1, n, stream), n);
	assert_int_equal(fclose(stream), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void write_ini(mode_t mode, const char *text)
{
	write_file(ini_path, mode, text, strlen(text));
}

static void read_whole(const char *path, struct buf *text_out)
{
	FILE *stream = fopen(path, "r");
	if (stream == NULL)
		fail_msg("%s: run this at the top of the source tree", path);
	int c;
	while ((c = getc(stream)) != EOF)
		buf_add_char(text_out, (char)c);
	fclose(stream);
}

/* Parses a configuration that must be valid. */
static struct kpid_config *good(const char *text)
{
	struct config_errors errors = CONFIG_ERRORS_INIT;
	write_ini(0600, text);
	struct kpid_config *config = kpid_config_load(ini_path, NULL, 0, &errors);
	if (errors.n > 0)
		fail_msg("%d: %s: %s", errors.items[0].line, errors.items[0].key, errors.items[0].message);
	assert_non_null(config);
	return config;
}

/* The text must have exactly this error. */
static void bad_with(const char *path, const char *const *sets, size_t n_sets, int line, const char *key,
                     const char *part)
{
	struct config_errors errors = CONFIG_ERRORS_INIT;
	struct kpid_config *config = kpid_config_load(path, sets, n_sets, &errors);
	assert_null(config);
	assert_int_equal(errors.n, 1);
	assert_int_equal(errors.items[0].line, line);
	assert_string_equal(errors.items[0].key, key);
	if (strstr(errors.items[0].message, part) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", errors.items[0].message, part);
	config_errors_release(&errors);
}

static void bad(const char *text, int line, const char *key, const char *part)
{
	write_ini(0600, text);
	bad_with(ini_path, NULL, 0, line, key, part);
}

static void bad_set(const char *set, const char *key, const char *part)
{
	bad_with(NULL, &set, 1, 1, key, part);
}

static void assert_equals_file(const struct buf *text, const char *path)
{
	struct buf expected = BUF_INIT;
	read_whole(path, &expected);
	assert_string_equal(buf_text(text).ptr, buf_text(&expected).ptr);
	buf_release(&expected);
}

static void test_an_instance_without_a_name(void **state)
{
	static const char *const sets[] = {"run.instance=", "run.instance=a"};
	(void)state;
	for (int i = 0; i < 3; i++) { /* none, an empty one, a given one */
		struct config_errors errors = CONFIG_ERRORS_INIT;
		struct kpid_config *config =
		        kpid_config_load(NULL, i == 0 ? NULL : &sets[i - 1], i == 0 ? 0 : 1, &errors);
		assert_non_null(config);
		if (i < 2)
			assert_memory_equal(config->run.instance, config->host, strlen(config->host));
		else
			assert_null(config->host);
		kpid_config_free(config);
		config_errors_release(&errors);
	}
}

static void test_defaults(void **state)
{
	(void)state;
	struct config_errors errors = CONFIG_ERRORS_INIT;
	struct kpid_config *config = kpid_config_load(NULL, NULL, 0, &errors);
	assert_non_null(config);
	assert_int_equal(errors.n, 0);
	assert_null(config->file);
	assert_int_equal(config->run.lanes, 1);
	assert_int_equal(config->run.batch_max_age_us, 20000);
	assert_int_equal(config->run.memory, 96 * 1024 * 1024);
	assert_int_equal(config->run.start, START_EARLIEST);
	assert_int_equal(config->run.log_level, LOG_LEVEL_INFO);
	assert_true(strchr(config->run.instance, ':') != NULL);
	assert_null(config->sla.policy_file);
	assert_int_equal(config->sla.max_silence_us, 30 * SECOND);
	assert_int_equal(config->sla.shadow_projects.n, 0);
	assert_string_equal(config->alert.topic, "kpid-alerts");
	assert_int_equal(config->alert.max_age_us, 24 * 3600 * SECOND);
	assert_int_equal(config->kpi.fcr_window_us, 7 * 24 * 3600 * SECOND);
	assert_string_equal(config->report.time_zone, "UTC");
	assert_int_equal(config->report.language, MESSAGE_EN);
	assert_string_equal(config_pairs_get(&config->kafka, "group.id"), "kpid");
	assert_int_equal(config->postgres.n, 0);
	assert_int_equal(config->topics.n, 4);
	assert_string_equal(config->topics.items[0].name, "ticket-opened");
	assert_int_equal(config->topics.items[0].only, EVENT_OPENED);
	assert_int_equal(config->topics.items[3].only, EVENT_TYPE_NONE);
	assert_int_equal(config->topics.items[3].types, CONFIG_ALL_TYPES);

	assert_false(kpid_config_can_run(config, &errors));
	assert_int_equal(errors.n, 1);
	assert_string_equal(errors.items[0].key, "kafka.bootstrap.servers");
	config_errors_release(&errors);
	kpid_config_free(config);
	kpid_config_free(NULL);
}

/* Each default is a value that the option itself accepts, or empty where that has a meaning. */
static void test_table(void **state)
{
	(void)state;
	struct kpid_config *config = good("");
	for (size_t i = 0; i < config_n_options; i++) {
		const struct config_option *option = &config_options[i];
		struct buf message = BUF_INIT, range = BUF_INIT;
		assert_non_null(config_section_find(option->section));
		assert_ptr_equal(config_option_find(option->section, option->name), option);
		assert_true(config_option_parse(option, option->default_text, NULL, config, &message));
		assert_int_equal(option->empty_means == NULL, !config_option_parse(option, "", NULL, config, &message));
		config_option_range(option, &range);
		assert_true(range.len_bytes > 0);
		assert_int_equal(option->help[strlen(option->help) - 1], '.');
		buf_release(&message);
		buf_release(&range);
	}
	kpid_config_free(config);
}

/* Takes the options that the file did not set out of an INI text, after checking that it has every option and that each
 * of these has its default. So a new option changes no expected file. */
static void remove_defaults(const struct kpid_config *config, struct buf *ini_io)
{
	struct buf kept = BUF_INIT;
	char section[64] = "";
	char *rest = ini_io->data, *line;
	size_t n_options = 0;
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (line[0] == '[')
			snprintf(section, sizeof(section), "%.*s", (int)strcspn(line + 1, "]"), line + 1);
		char key[200];
		size_t n_name = strcspn(line, " ");
		snprintf(key, sizeof(key), "%s.%.*s", section, (int)n_name, line);
		const struct config_option *option = config_option_find(section, strchr(key, '.') + 1);
		n_options += option != NULL;
		if (option == NULL || kpid_config_names(config, key))
			buf_add_format(&kept, "%s%s", line, rest == NULL ? "" : "\n");
		else
			assert_string_equal(line + n_name + strspn(line + n_name, " ="), option->default_text);
	}
	assert_int_equal(n_options, config_n_options);
	buf_release(ini_io);
	*ini_io = kept;
}

/* The same for a JSON text. */
static void remove_json_defaults(const struct kpid_config *config, struct buf *json_io)
{
	struct config_errors errors = CONFIG_ERRORS_INIT;
	struct buf text = BUF_INIT;
	struct kpid_config *defaults = kpid_config_load(NULL, NULL, 0, &errors);
	assert_non_null(defaults);
	kpid_config_write_json(defaults, &text);
	json_t *json = json_loads(buf_text(json_io).ptr, 0, NULL);
	json_t *default_json = json_loads(buf_text(&text).ptr, 0, NULL);
	assert_non_null(json);
	for (size_t i = 0; i < config_n_options; i++) {
		const struct config_option *option = &config_options[i];
		char key[200];
		snprintf(key, sizeof(key), "%s.%s", option->section, option->name);
		if (kpid_config_names(config, key))
			continue;
		json_t *section = json_object_get(json, option->section);
		assert_true(json_equal(json_object_get(section, option->name),
		                       json_object_get(json_object_get(default_json, option->section), option->name)));
		json_object_del(section, option->name);
	}
	char *kept = json_dumps(json, 0);
	buf_clear(json_io);
	buf_add_format(json_io, "%s\n", kept);
	free(kept);
	json_decref(json);
	json_decref(default_json);
	buf_release(&text);
	kpid_config_free(defaults);
}

static void test_golden(void **state)
{
	(void)state;
	struct config_errors errors = CONFIG_ERRORS_INIT;
	struct buf out = BUF_INIT;
	assert_null(kpid_config_load("tests/config/errors.ini", NULL, 0, &errors));
	config_errors_write(&errors, &out);
	assert_equals_file(&out, "tests/config/errors.expected");
	config_errors_release(&errors);

	struct kpid_config *config = kpid_config_load("tests/config/good.ini", NULL, 0, &errors);
	assert_non_null(config);
	assert_int_equal(errors.n, 0);
	assert_true(kpid_config_can_run(config, &errors));
	buf_clear(&out);
	kpid_config_write(config, &out);
	remove_defaults(config, &out);
	assert_equals_file(&out, "tests/config/good.expected");
	buf_clear(&out);
	kpid_config_write_json(config, &out);
	remove_json_defaults(config, &out);
	assert_equals_file(&out, "tests/config/good.json.expected");

	/* The shown configuration is complete: read again, it is the same. */
	buf_clear(&out);
	kpid_config_write(config, &out);
	struct buf written = BUF_INIT;
	buf_add_text(&written, buf_text(&out));
	struct kpid_config *again = good(out.data);
	buf_clear(&out);
	kpid_config_write(again, &out);
	assert_string_equal(buf_text(&out).ptr, buf_text(&written).ptr);
	buf_release(&written);
	kpid_config_free(again);
	kpid_config_free(config);
	buf_release(&out);
}

static void assert_same_options(const struct kpid_config *a, const struct kpid_config *b)
{
	for (size_t i = 0; i < config_n_options; i++) {
		struct buf one = BUF_INIT, other = BUF_INIT;
		config_option_format(&config_options[i], a, &one);
		config_option_format(&config_options[i], b, &other);
		assert_true(text_same(buf_text(&one), buf_text(&other)));
		buf_release(&one);
		buf_release(&other);
	}
	assert_int_equal(a->topics.n, b->topics.n);
	for (size_t i = 0; i < a->topics.n; i++) {
		assert_string_equal(a->topics.items[i].name, b->topics.items[i].name);
		assert_int_equal(a->topics.items[i].types, b->topics.items[i].types);
	}
}

static void test_sample(void **state)
{
	(void)state;
	struct buf sample = BUF_INIT, bare = BUF_INIT;
	kpid_config_write_sample(&sample);
	assert_equals_file(&sample, "deploy/kpid.sample.ini");

	/* As it is, and with every "#name = value" made active, it gives the defaults. */
	const char *rest = sample.data;
	for (const char *c = rest; *c != '\0'; c++)
		if (*c != '#' || (c > rest && c[-1] != '\n') || c[1] < 'a' || c[1] > 'z')
			buf_add_char(&bare, *c);
	struct kpid_config *defaults = good(""), *as_is = good(sample.data), *active = good(bare.data);
	assert_same_options(defaults, as_is);
	assert_same_options(defaults, active);
	assert_int_equal(as_is->kafka.n, defaults->kafka.n);
	assert_int_equal(as_is->postgres.n, 0);
	assert_string_equal(config_pairs_get(&active->kafka, "bootstrap.servers"), "localhost:9092");
	assert_string_equal(config_pairs_get(&active->postgres, "dbname"), "kpid");
	kpid_config_free(defaults);
	kpid_config_free(as_is);
	kpid_config_free(active);
	buf_release(&sample);
	buf_release(&bare);
}

static void test_man(void **state)
{
	(void)state;
	struct buf man = BUF_INIT;
	kpid_config_write_man(&man);
	for (size_t i = 0; i < config_n_options; i++) {
		struct buf entry = BUF_INIT;
		buf_add_format(&entry, ".B %s\n", config_options[i].name);
		assert_non_null(strstr(man.data, entry.data));
		buf_release(&entry);
	}
	buf_release(&man);
}

static void test_numbers(void **state)
{
	(void)state;
	struct kpid_config *config = good("[run]\nlanes=16\nbatch_max_age = 10s\nmemory = 4 GiB\n"
	                                  "[sla]\ntick=250ms\nmax_silence=5m\n"
	                                  "[alert]\nmax_age=1h30m\n[kpi]\nfcr_window = 30 d");
	assert_int_equal(config->run.lanes, 16);
	assert_int_equal(config->run.batch_max_age_us, 10 * SECOND);
	assert_int_equal(config->run.memory, INT64_C(4) << 30);
	assert_int_equal(config->sla.tick_us, 250000);
	assert_int_equal(config->sla.max_silence_us, 300 * SECOND);
	assert_int_equal(config->alert.max_age_us, 5400 * SECOND);
	assert_int_equal(config->kpi.fcr_window_us, 30 * 86400 * SECOND);
	kpid_config_free(config);

	static const char *const not_numbers[] = {"x", "-1", "+1", "1.5", "0x2", "2 ; two", "99999999999999999999"};
	for (size_t i = 0; i < sizeof(not_numbers) / sizeof(not_numbers[0]); i++) {
		struct buf text = BUF_INIT;
		buf_add_format(&text, "[run]\n\nlanes = %s\n", not_numbers[i]);
		bad(text.data, 3, "run.lanes", "is not a whole number");
		buf_release(&text);
	}
	bad("[run]\nlanes = 0", 2, "run.lanes", "0 is out of range: 1 to 16");
	bad("[sla]\ntick = 5", 2, "sla.tick", "250ms, 10s, 5m, 1h30m or 7d");
	bad("[sla]\ntick = 1s1s", 2, "sla.tick", "is not a number with a unit");
	bad("[sla]\ntick = 1s5", 2, "sla.tick", "is not a number with a unit");
	bad("[sla]\ntick = 1s0", 2, "sla.tick", "is not a number with a unit");
	bad("[sla]\ntick = 5 min", 2, "sla.tick", "is not a number with a unit");
	bad("[sla]\ntick = 106751991167301d", 2, "sla.tick", "is not a number with a unit");
	bad("[run]\nmemory = 16MiB", 2, "run.memory", "48MiB to 4GiB");
	bad("[run]\nmemory = 64mib", 2, "run.memory", "is not a size, such as");
}

/* However many lanes share it, the parts of the memory are within it; and each part is large enough to work with. */
static void test_memory_is_divided(void **state)
{
	(void)state;
	static const char *const sizes[] = {"48MiB", "96MiB", "1GiB"};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (int lanes = 1; lanes <= 16; lanes++) {
			char text[64];
			snprintf(text, sizeof(text), "[run]\nmemory = %s", sizes[i]);
			struct kpid_config *config = good(text);
			struct config_memory memory = kpid_config_memory(config, lanes);
			assert_true(memory.ahead_bytes >= 1 << 20 && memory.batch_bytes >= 1 << 20);
			if (i > 0)
				assert_true(lanes * (memory.ahead_bytes + 3 * memory.batch_bytes) < config->run.memory);
			if (lanes == 1)
				assert_true(memory.batch_bytes > config->run.memory / 12);
			kpid_config_free(config);
		}
	}
}

static void test_texts(void **state)
{
	(void)state;
	struct kpid_config *config = good("[run]\nstart = latest\ninstance = a b;c\n[sla]\n"
	                                  "shadow_projects = one,two , three\npolicy_file = kpid.ini\n"
	                                  "[alert]\ntopic = x.y_z-1\n");
	assert_int_equal(config->run.start, START_LATEST);
	assert_string_equal(config->run.instance, "a b;c");
	assert_int_equal(config->sla.shadow_projects.n, 3);
	assert_string_equal(config->sla.shadow_projects.items[1], "two");
	assert_string_equal(config->sla.policy_file, ini_path); /* found beside the file */
	assert_string_equal(config->alert.topic, "x.y_z-1");
	kpid_config_free(config);

	bad("[run]\nstart = lates", 2, "run.start", "one of earliest or latest; did you mean latest?");
	bad("[run]\nlog_level = chatty", 2, "run.log_level", "one of error, warning, info or debug");
	bad("[run]\ninstance = a\tb", 2, "run.instance", "without control characters");
	bad("[sla]\nshadow_projects = a,a", 2, "sla.shadow_projects", "\"a\" is in the list twice");
	bad("[sla]\npolicy_file = /", 2, "sla.policy_file", "/ is a folder");
	bad("[sla]\npolicy_file = /no/such", 2, "sla.policy_file", "No such file");
	bad("[alert]\ntopic = a/b", 2, "alert.topic", "is not a topic name");
}

static void test_language(void **state)
{
	(void)state;
	bad("[report]\nlanguage = de", 2, "report.language", "zh");
	struct kpid_config *config = good("[report]\nlanguage = zh");
	assert_int_equal(config->report.language, MESSAGE_ZH);
	kpid_config_free(config);
}

static void test_zones(void **state)
{
	(void)state;
	bad("[report]\ntime_zone = ../../etc/passwd", 2, "report.time_zone", "an IANA name");
	bad("[report]\ntime_zone = /etc/passwd", 2, "report.time_zone", "an IANA name");
	bad("[report]\ntime_zone =", 2, "report.time_zone", "the value is missing");
	if (access("/usr/share/zoneinfo/Asia/Shanghai", F_OK) != 0)
		skip();
	struct kpid_config *config = good("[report]\ntime_zone = Asia/Shanghai");
	assert_string_equal(config->report.time_zone, "Asia/Shanghai");
	kpid_config_free(config);
	bad("[report]\ntime_zone = Asia/Beijing", 2, "report.time_zone", "\"Asia/Beijing\" is not a time zone");
	bad("[report]\ntime_zone = Asia", 2, "report.time_zone", "\"Asia\" is not a time zone");
}

static void test_topics(void **state)
{
	(void)state;
	struct kpid_config *config = good("[topics]\na = survey.submitted\nb = ticket.opened, ticket.closed\n"
	                                  "c = activity\nd = *\n");
	assert_int_equal(config->topics.n, 4);
	assert_int_equal(config->topics.items[0].only, EVENT_SURVEY);
	assert_int_equal(config->topics.items[1].types, (1u << EVENT_OPENED) | (1u << EVENT_CLOSED));
	assert_int_equal(config->topics.items[1].only, EVENT_TYPE_NONE);
	assert_int_equal(config->topics.items[2].types & (1u << EVENT_OPENED), 0);
	assert_int_not_equal(config->topics.items[2].types & (1u << EVENT_RESPONDED), 0);
	assert_int_equal(config->topics.items[3].types, CONFIG_ALL_TYPES);
	kpid_config_free(config);

	config = good("[map x]\nfile = /proc/version\n[topics]\na = map x\n");
	assert_string_equal(config->topics.items[0].map, "x");
	assert_string_equal(config_maps_find(&config->maps, "x")->source, "/map/x");
	assert_null(config_maps_find(&config->maps, "y"));
	kpid_config_free(config);
	bad("[topics]\na = map x", 2, "topics.a", "there is no section [map x]");
	bad("[map x]\nsource = /x", 2, "map x", "file is missing");
	bad("[map x]\nfile = /no/such", 2, "map x.file", "No such file");
	bad("[map x]\nfile = /proc/version\neach = x", 3, "map x.each", "must be a JSON pointer");
	bad("[map a b]\nfile = /proc/version", 2, "map a b.file", "the name of a mapping");
	bad("[topics]\na = ticket.closd", 2, "topics.a", "did you mean ticket.closed?");
	bad("[topics]\na =", 2, "topics.a", "an event type is missing");
	bad("[topics]\n.. = *", 2, "topics...", "is not a topic name");
	bad("[topics]\na = *\na = *", 3, "topics.a", "is set twice; first on line 2");
	bad("[topics]\nkpid-alerts = *", 2, "topics.kpid-alerts", "kpid would read its own alerts");
	bad("[alert]\ntopic = survey", 2, "alert.topic", "kpid would read its own alerts");
}

static void test_hooks(void **state)
{
	static const char whole[] =
	        "[hook]\nlisten = 8423\nqueue = 4MiB\n[hook a-1]\npath = /a\ntopic = t\n"
	        "signature = header X-Token\nsecret_file = one, /two\nkey = /a/b, /c\n"
	        "headers = X-Event, Content-Type\n[hook b]\npath = /b\ntopic = t\nsignature = none\n";
	(void)state;
	struct kpid_config *config = good(whole);
	assert_string_equal(config->hook.listen, "8423");
	assert_int_equal(config->hook.queue, 4 * 1024 * 1024);
	assert_int_equal(config->hooks.n, 2);
	const struct config_hook *hook = &config->hooks.items[0];
	assert_string_equal(hook->name, "a-1");
	assert_string_equal(hook->signature, "header X-Token");
	assert_int_equal(hook->secret_file[0], '/'); /* relative to the folder of the file */
	assert_non_null(strstr(hook->secret_file, "/one, /two"));
	assert_string_equal(hook->key, "/a/b, /c");
	assert_string_equal(hook->headers, "x-event, content-type");
	assert_int_equal(hook->lines[2], 7);
	assert_null(config->hooks.items[1].key);
	kpid_config_free(config);

#define HOOK "[hook a]\npath = /a\ntopic = t\nsignature = none\n"
	bad("[hook a]\npath = /a\ntopic = t\n", 2, "hook a", "signature is missing");
	bad("[hook a]\nsignature = none\ntopic = t\n", 2, "hook a", "path is missing");
	bad("[hook a]\npath = /a\nsignature = none\n", 2, "hook a", "topic is missing");
	bad("[hook a b]\npath = /a\n", 2, "hook a b.path", "the name of a hook");
	bad(HOOK "[hook b]\npath = /a\ntopic = t\nsignature = none\n", 6, "hook b", "[hook a] has this path, too");
	bad("[hook a]\ntopic = t\nsignature = none\npath = a\n", 4, "hook a.path", "must begin with one /");
	bad("[hook a]\ntopic = t\nsignature = none\npath = /a?b\n", 4, "hook a.path", "may have letters");
	bad("[hook a]\ntopic = t\nsignature = none\npath = /metrics\n", 4, "hook a.path", "of the hook itself");
	bad("[hook a]\npath = /a\nsignature = none\ntopic = t/u\n", 4, "hook a.topic", "is not a topic name");
	bad(HOOK "key = id\n", 5, "hook a.key", "must be JSON pointers");
	bad(HOOK "key = /id,\n", 5, "hook a.key", "must be JSON pointers");
	bad(HOOK "headers = X-Event, Authorization\n", 5, "hook a.headers", "hold secrets");
	bad(HOOK "headers = X Event\n", 5, "hook a.headers", "must be names");
	bad(HOOK "secret_file = a,b,c\n", 5, "hook a.secret_file", "more than 2 files");
	bad(HOOK "secret = x\n", 5, "hook a.secret", "");
	bad(HOOK "keys = /x\n", 5, "hook a.keys", "did you mean key?");
#undef HOOK
}

static void test_lines(void **state)
{
	(void)state;
	struct kpid_config *config = good("\xef\xbb\xbf[run]\r\nlanes = 3\r\n; c\n# c\n  \n\t[sla] \n  tick : 2s  ");
	assert_int_equal(config->run.lanes, 3);
	assert_int_equal(config->sla.tick_us, 2 * SECOND);
	kpid_config_free(config);

	bad("[run]\nlanes", 2, "", "expected \"[section]\" or \"name = value\"");
	bad("[run]\n\n= 3", 3, "", "expected \"[section]\" or \"name = value\"");
	bad("[run\nlanes = x", 1, "", "a section begins with a line [name]");
	bad("[ru]\nlanes = x\nnonsense", 1, "ru", "did you mean [run]?");
	bad("lanes = 1", 1, "lanes", "it belongs under [run]");
	bad("[run]\nlane = 1", 2, "run.lane", "did you mean lanes?");
	bad("[run]\nfcr_window = 1d", 2, "run.fcr_window", "it belongs under [kpi]");
	bad("[run]\nqwertyuiop = 1", 2, "run.qwertyuiop", "there is no such option");
	bad("[run]\nlanes = 1\n[sla]\n[run]\nlanes = 1", 5, "run.lanes", "is set twice; first on line 2");
	bad("[run]\ninstance = \xff", 2, "", "is not UTF-8");
	bad("[\xff]\n", 1, "", "is not UTF-8");

	write_file(ini_path, 0600, "[run]\0\n", 7);
	bad_with(ini_path, NULL, 0, 0, "", "zero byte");
	bad_with("/no/such/kpid.ini", NULL, 0, 0, "", "cannot be read: No such file");
	bad_with(folder, NULL, 0, 0, "", "cannot be read: Is a directory");
}

/* A name or a value longer than any buffer. */
static void test_long_lines(void **state)
{
	(void)state;
	struct buf text = BUF_INIT;
	buf_add_str(&text, "[kafka]\nclient.id = ");
	for (size_t i = 0; i < 10000; i++)
		buf_add_char(&text, 'x');
	buf_add_str(&text, "\n[run]\nlanes = 5\n");
	struct kpid_config *config = good(text.data);
	assert_int_equal(strlen(config_pairs_get(&config->kafka, "client.id")), 10000);
	assert_int_equal(config->run.lanes, 5);
	kpid_config_free(config);

	buf_clear(&text);
	buf_add_char(&text, '[');
	for (size_t i = 0; i < 300; i++)
		buf_add_char(&text, 'k');
	buf_add_str(&text, "]\na = b");
	write_ini(0600, text.data);
	struct config_errors errors = CONFIG_ERRORS_INIT;
	assert_null(kpid_config_load(ini_path, NULL, 0, &errors));
	assert_int_equal(errors.n, 1);
	assert_int_equal(strlen(errors.items[0].key), 300);
	config_errors_release(&errors);

	buf_clear(&text);
	for (size_t i = 0; i < 1024 * 1024; i++)
		buf_add_str(&text, "#\n");
	write_ini(0600, text.data);
	bad_with(ini_path, NULL, 0, 0, "", "larger than 1 MiB");
	buf_release(&text);
}

static void test_kafka(void **state)
{
	(void)state;
	struct kpid_config *config = good("[kafka]\nmetadata.broker.list = a:1\ngroup.id = mine\nacks = all\n"
	                                  "partition.assignment.strategy = cooperative-sticky\n"
	                                  "group.instance.id = i1\n");
	assert_string_equal(config->kafka.items[0].name, "metadata.broker.list"); /* in order */
	assert_int_equal(config->kafka.items[0].line, 2);
	assert_string_equal(config_pairs_get(&config->kafka, "group.id"), "mine");
	assert_null(config_pairs_get(&config->kafka, "nothing"));
	struct config_errors none = CONFIG_ERRORS_INIT;
	assert_true(kpid_config_can_run(config, &none));
	kpid_config_free(config);

	static const char *const own[] = {"enable.auto.commit", "enable.auto.offset.store", "auto.offset.reset",
	                                  "enable.partition.eof", "transactional.id"};
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		struct buf text = BUF_INIT, key = BUF_INIT;
		buf_add_format(&text, "[kafka]\n%s = x\n", own[i]);
		buf_add_format(&key, "kafka.%s", own[i]);
		bad(text.data, 2, key.data, "cannot be set: ");
		buf_release(&text);
		buf_release(&key);
	}
	bad("[kafka]\nfetch.min.byte = 1", 2, "kafka.fetch.min.byte", "did you mean fetch.min.bytes?");
	bad("[kafka]\nfetch.min.bytes = lots", 2, "kafka.fetch.min.bytes", "does not take \"lots\"");
	bad("[kafka]\nsecurity.protocol = tls", 2, "kafka.security.protocol", "does not take \"tls\"");
}

static void test_secrets_in_the_file(void **state)
{
	(void)state;
	static const char text[] = "[kafka]\nsasl.password = hunter2\nssl.key.password = hunter2\n"
	                           "[postgres]\npassword = hunter2\nsslpassword=hunter2\n";
	struct kpid_config *config = good(text);
	assert_string_equal(config_pairs_get(&config->kafka, "sasl.password"), "hunter2");
	assert_string_equal(config_pairs_get(&config->postgres, "password"), "hunter2");
	struct buf out = BUF_INIT;
	kpid_config_write(config, &out);
	kpid_config_write_json(config, &out);
	assert_null(strstr(out.data, "hunter2"));
	assert_non_null(strstr(out.data, "sasl.password = ***\n"));
	assert_non_null(strstr(out.data, "\"sslpassword\": \"***\""));
	kpid_config_free(config);

	static const mode_t too_open[] = {0640, 0604, 0620};
	for (size_t i = 0; i < sizeof(too_open) / sizeof(too_open[0]); i++) {
		struct config_errors errors = CONFIG_ERRORS_INIT;
		write_ini(too_open[i], text);
		assert_null(kpid_config_load(ini_path, NULL, 0, &errors));
		assert_int_equal(errors.n, 4);
		buf_clear(&out);
		config_errors_write(&errors, &out);
		config_errors_write_json(&errors, &out);
		assert_null(strstr(out.data, "hunter2"));
		assert_non_null(strstr(out.data, "write password_file = PATH, or run: chmod 600 "));
		config_errors_release(&errors);
	}
	buf_release(&out);
}

/* A secret under a wrong name, in a wrong place or in a broken line is not printed either. */
static void test_misplaced_secrets(void **state)
{
	(void)state;
	struct config_errors errors = CONFIG_ERRORS_INIT;
	write_ini(0600, "password = hunter2\n[postgres]\npasword = hunter2\npassword hunter2\n[kafka]\n"
	                "sasl.pasword = hunter2\n[run]\npassword = hunter2\n[\npassword = hunter2\n");
	static const char *const sets[] = {"kafka.pasword=hunter2", "hunter2", "x.password=hunter2"};
	assert_null(kpid_config_load(ini_path, sets, 3, &errors));
	assert_int_equal(errors.n, 9);
	struct buf out = BUF_INIT;
	config_errors_write(&errors, &out);
	assert_null(strstr(out.data, "hunter2"));
	buf_release(&out);
	config_errors_release(&errors);
}

static void test_secrets_from_files(void **state)
{
	(void)state;
	static const char text[] = "[postgres]\npassword_file = secret\n";
	write_file(secret_path, 0640, "hunter2\n", 8);
	write_ini(0644, text);
	struct config_errors errors = CONFIG_ERRORS_INIT;
	struct kpid_config *config = kpid_config_load(ini_path, NULL, 0, &errors);
	assert_non_null(config);
	assert_string_equal(config_pairs_get(&config->postgres, "password"), "hunter2");
	assert_null(config_pairs_get(&config->postgres, "password_file"));
	struct buf out = BUF_INIT;
	kpid_config_write(config, &out);
	assert_null(strstr(out.data, "hunter2"));
	buf_release(&out);
	kpid_config_free(config);

	write_file(secret_path, 0600, " two\nlines \r\n", 13); /* one line end is removed, nothing else */
	config = good("[kafka]\nsasl.password_file = secret\n");
	assert_string_equal(config_pairs_get(&config->kafka, "sasl.password"), " two\nlines ");
	kpid_config_free(config);

	bad("[postgres]\npassword_file = nothing-there", 2, "postgres.password_file", "No such file");
	bad("[postgres]\npasswort_file = secret", 2, "postgres.passwort_file", "did you mean password?");
	bad("[postgres]\npassword_file = secret\npassword = x", 3, "postgres.password", "is set twice");
	bad("[postgres]\npassword_file = /tmp", 2, "postgres.password_file", "/tmp is not a file");
	write_file(secret_path, 0604, "hunter2", 7);
	bad(text, 2, "postgres.password_file", "run: chmod o-rwx ");
	write_file(secret_path, 0600, "\n", 1);
	bad(text, 2, "postgres.password_file", "is empty");
	write_file(secret_path, 0600, "a\0b", 3);
	bad(text, 2, "postgres.password_file", "zero byte");
	char *large = mem_zalloc(65537);
	memset(large, 'x', 65537);
	write_file(secret_path, 0600, large, 65537);
	bad(text, 2, "postgres.password_file", "larger than 64 KiB");
	write_file(secret_path, 0600, large, 65536);
	kpid_config_free(good(text));
	free(large);
}

static void test_sets(void **state)
{
	(void)state;
	static const char *const sets[] = {"run.lanes=9", "kafka.client.id=a=b", "run.lanes=7", "topics.mine=*",
	                                   "alert.topic="};
	struct config_errors errors = CONFIG_ERRORS_INIT;
	write_ini(0600, "[run]\nlanes = 3\nstart = latest\n");
	struct kpid_config *config = kpid_config_load(ini_path, sets, 5, &errors);
	assert_non_null(config);
	assert_int_equal(config->run.lanes, 7); /* the last one counts */
	assert_int_equal(config->run.start, START_LATEST);
	assert_string_equal(config_pairs_get(&config->kafka, "client.id"), "a=b");
	assert_int_equal(config->topics.n, 1);
	assert_null(config->alert.topic);
	kpid_config_free(config);

	bad_set("lanes=3", "", "must be section.name=value");
	bad_set("run.lanes", "", "must be section.name=value");
	bad_set("run.=3", "", "must be section.name=value");
	bad_set("run.inst\xff=3", "", "is not UTF-8");
	bad_set("rum.lanes=3", "rum.lanes", "did you mean run?");
	bad_set("run.lanes=30", "run.lanes", "out of range");
	bad_set("run.lane=3", "run.lane", "did you mean lanes?");
	bad_set("postgres.password=x", "postgres.password", "use password_file=PATH");
	bad_set("kafka.sasl.password=x", "kafka.sasl.password", "use sasl.password_file=PATH");

	write_ini(0600, "[run]\nbatch_max_events = 0\nlanes = 0\n");
	bad_with(ini_path, sets, 1, 2, "run.batch_max_events", "out of range"); /* lanes is overridden */
}

static void test_diff(void **state)
{
	(void)state;
	struct kpid_config *before = good("[kafka]\nbootstrap.servers=a\nacks=1\n[postgres]\nhost=a\n");
	struct kpid_config *same = good("[run]\nlanes = 1\nbatch_max_age = 1s\nlog_level=debug\n[sla]\ntick=1s\n"
	                                "[kafka]\nacks=1\nbootstrap.servers=a\n[postgres]\nhost=a\n");
	struct kpid_config *mapped = good("[map x]\nfile = /proc/version\nparam.a = 1\n[topics]\na = map x\n");
	struct kpid_config *as_mapped = good("[map x]\nfile = /proc/self/maps\n[topics]\na = map x\n");
	struct kpid_config *otherwise = good("[map y]\nfile = /proc/version\n[topics]\na = map y\n");
	struct kpid_config *after = good("[run]\nlanes=3\n[kafka]\nbootstrap.servers=b\n[postgres]\nport=1\n"
	                                 "[topics]\nsurvey=*\nx=*\nticket-opened=ticket.opened\n");
	struct config_words names = {NULL, 0, 0};
	assert_int_equal(kpid_config_diff_not_reloadable(before, same, &names), 0);
	static const char *const expected[] = {"kafka.bootstrap.servers",
	                                       "kafka.acks",
	                                       "postgres.port",
	                                       "postgres.host",
	                                       "topics.survey",
	                                       "topics.x",
	                                       "topics.ticket-closed",
	                                       "topics.ticket-activity",
	                                       "run.lanes"};
	assert_int_equal(kpid_config_diff_not_reloadable(before, after, &names), 9);
	for (size_t i = 0; i < names.n; i++)
		assert_string_equal(names.items[i], expected[i]);
	config_words_release(&names);
	assert_int_equal(kpid_config_diff_not_reloadable(mapped, as_mapped, &names), 0);
	assert_int_equal(kpid_config_diff_not_reloadable(mapped, otherwise, &names), 1);
	assert_string_equal(names.items[0], "topics.a");
	config_words_release(&names);
	kpid_config_free(mapped);
	kpid_config_free(as_mapped);
	kpid_config_free(otherwise);
	kpid_config_free(before);
	kpid_config_free(same);
	kpid_config_free(after);
}

static void test_path(void **state)
{
	(void)state;
	unsetenv("KPID_CONFIG");
	assert_string_equal(kpid_config_path("x.ini"), "x.ini");
	const char *standard = access(KPID_CONFIG_DEFAULT_PATH, F_OK) == 0 ? KPID_CONFIG_DEFAULT_PATH : NULL;
	assert_true(kpid_config_path(NULL) == standard || strcmp(kpid_config_path(NULL), standard) == 0);
	setenv("KPID_CONFIG", "y.ini", 1);
	assert_string_equal(kpid_config_path(NULL), "y.ini");
	assert_string_equal(kpid_config_path(""), "y.ini");
	assert_string_equal(kpid_config_path("x.ini"), "x.ini");
	unsetenv("KPID_CONFIG");
}

static const char *nearest(const char *written)
{
	struct suggestion suggestion;
	suggestion_init(&suggestion, written);
	suggestion_offer(&suggestion, "time_zone");
	suggestion_offer(&suggestion, "lanes");
	suggestion_offer(&suggestion, "batch_max_age");
	return suggestion.nearest == NULL ? "" : suggestion.nearest;
}

static void test_suggestions(void **state)
{
	(void)state;
	assert_string_equal(nearest("timezone"), "time_zone");
	assert_string_equal(nearest("time-zone"), "time_zone");
	assert_string_equal(nearest("TIME.ZONE"), "time_zone");
	assert_string_equal(nearest("lnaes"), "lanes");
	assert_string_equal(nearest("lane"), "lanes");
	assert_string_equal(nearest("batch_max"), "batch_max_age");
	assert_string_equal(nearest("weather"), "");
	assert_string_equal(nearest(""), "");
	assert_string_equal(nearest("a-word-that-is-longer-than-anything-that-was-ever-the-name-of-an-option-here"),
	                    "");
}

static void test_errors_json(void **state)
{
	(void)state;
	struct config_errors errors = CONFIG_ERRORS_INIT;
	struct buf out = BUF_INIT;
	config_error_add(&errors, "a \"b\"", 3, "run.lanes", "is %s", "bad");
	config_error_add(&errors, "c", 0, "", "gone");
	config_errors_write_json(&errors, &out);
	assert_string_equal(
	        out.data,
	        "[{\"file\": \"a \\\"b\\\"\", \"line\": 3, \"key\": \"run.lanes\", \"message\": "
	        "\"is bad\", \"level\": \"error\"}, {\"file\": \"c\", \"line\": null, \"key\": \"\", \"message\": "
	        "\"gone\", \"level\": \"error\"}]");
	buf_clear(&out);
	config_errors_write(&errors, &out);
	assert_string_equal(out.data, "a \"b\":3: run.lanes: is bad\nc: gone\n");
	buf_release(&out);
	config_errors_release(&errors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_an_instance_without_a_name),
	        cmocka_unit_test(test_defaults),
	        cmocka_unit_test(test_table),
	        cmocka_unit_test(test_golden),
	        cmocka_unit_test(test_sample),
	        cmocka_unit_test(test_man),
	        cmocka_unit_test(test_numbers),
	        cmocka_unit_test(test_memory_is_divided),
	        cmocka_unit_test(test_texts),
	        cmocka_unit_test(test_zones),
	        cmocka_unit_test(test_language),
	        cmocka_unit_test(test_topics),
	        cmocka_unit_test(test_hooks),
	        cmocka_unit_test(test_lines),
	        cmocka_unit_test(test_long_lines),
	        cmocka_unit_test(test_kafka),
	        cmocka_unit_test(test_secrets_in_the_file),
	        cmocka_unit_test(test_misplaced_secrets),
	        cmocka_unit_test(test_secrets_from_files),
	        cmocka_unit_test(test_sets),
	        cmocka_unit_test(test_diff),
	        cmocka_unit_test(test_path),
	        cmocka_unit_test(test_suggestions),
	        cmocka_unit_test(test_errors_json),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
